/*
 * Timetables: when the runs of a DAG are due.  Pure: the time is an argument.
 * Rules: Airflow 2.10 (a logical date is the start of the data interval); the time zone moves cron ticks only.
 */
#ifndef DM_TIMETABLE_H
#define DM_TIMETABLE_H

#include "base/time.h"
#include "lang/value.h"

enum dm_timetable_kind {
    DM_TIMETABLE_NONE, /* manual runs only */
    DM_TIMETABLE_ONCE,
    DM_TIMETABLE_CONTINUOUS,
    DM_TIMETABLE_CRON,         /* data intervals between ticks */
    DM_TIMETABLE_CRON_TRIGGER, /* a run at each tick; its interval ends there */
    DM_TIMETABLE_DELTA,
    DM_TIMETABLE_ASSET, /* runs when assets change: nothing here says when */
};

struct dm_timetable; /* lang/timetable.c */

enum { DM_TIMETABLE_RANGE_MAX = 1000000 }; /* runs of one backfill */

/* A run that is due or will be: its data interval and the moment from which it may be created. */
struct dm_due {
    int64_t interval_start, interval_end, run_after;
};

/* `schedule`: null or "none", a preset, a cron expression, a number of seconds, a delta, or a map with `__type__`:
   a timedelta or relativedelta (months, years), a CronTriggerTimetable or CronDataIntervalTimetable; Asset, AssetAll and
   AssetAny; AssetOrTimeSchedule, which is its `timetable` here. */
int dm_timetable_parse(struct dm_arena *a, const struct dm_value *schedule, const char *zone,
                       const struct dm_timetable **ret, struct dm_err *reterr) dm_nodiscard;
enum dm_timetable_kind dm_timetable_kind(const struct dm_timetable *t);

/* The next scheduled run after the one whose interval is `last` (NULL = there is none yet).  start and end are the
   DAG's dates (DM_NEVER = none).  Returns 1 with *ret set, 0 where there is none, or an error. */
int dm_timetable_next(const struct dm_timetable *t, const struct dm_due *last, int64_t start,
                      int64_t end, bool catchup, int64_t now, struct dm_due *ret,
                      struct dm_err *reterr) dm_nodiscard;
/* The data interval of a manual run with this logical date. */
int dm_timetable_manual(const struct dm_timetable *t, int64_t logical, struct dm_due *ret,
                        struct dm_err *reterr) dm_nodiscard;
/* All logical dates from `from` to `to`, both included (backfill).  In the arena. */
int dm_timetable_range(struct dm_arena *a, const struct dm_timetable *t, int64_t from, int64_t to,
                       struct dm_due **ret, size_t *ret_n, struct dm_err *reterr) dm_nodiscard;

/* The movements behind these, for tests and `dags show`: the tick after and before a moment, and the moment itself
   where it is a tick.  Only for kinds CRON, CRON_TRIGGER and DELTA. */
int dm_timetable_tick_after(const struct dm_timetable *t, int64_t utc, int64_t *ret,
                            struct dm_err *reterr) dm_nodiscard;
int dm_timetable_tick_before(const struct dm_timetable *t, int64_t utc, int64_t *ret,
                             struct dm_err *reterr) dm_nodiscard;
int dm_timetable_align_next(const struct dm_timetable *t, int64_t utc, int64_t *ret,
                            struct dm_err *reterr) dm_nodiscard;
int dm_timetable_align_prev(const struct dm_timetable *t, int64_t utc, int64_t *ret,
                            struct dm_err *reterr) dm_nodiscard;

/* A span of time as YAML gives it: seconds as a number, a delta, or {__type__: …timedelta, minutes: 5}. */
int dm_span_parse(const struct dm_value *v, int64_t *ret_us, struct dm_err *reterr) dm_nodiscard;

#endif
