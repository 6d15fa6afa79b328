/*
 * Cron expressions as Airflow 2 reads them: five fields, six with the seconds last, or seven with the year behind
 * them, and the presets (@daily …).  Pure and without a time zone: a local time is a count of seconds since
 * 1970-01-01 00:00 on the wall clock; lang/timetable.c maps it to instants.
 *
 * Lists, ranges (backward ones wrap: 22-2, fri-mon, dec-feb), steps, names, "?" for any day, "L" and "15-L" in the
 * day field, "5#3" and "L5" in the weekday field.  Where day and weekday are both restricted, either suffices.
 * Two equal ends (5-5, sun-sun) are the whole cycle.
 */
#ifndef DM_CRON_H
#define DM_CRON_H

#include "base/str.h"

enum {
    DM_CRON_YEARS_SOUGHT = 50, /* how far a tick may be away, as in Airflow */
    DM_CRON_FIRST_YEAR = 1970,
    DM_CRON_LAST_YEAR = 2099,
    DM_CRON_TEXT_MAX = 1024, /* bytes of an expression */
};

struct dm_cron;

int dm_cron_parse(struct dm_arena *a, struct dm_str text, const struct dm_cron **ret,
                  struct dm_err *reterr) dm_nodiscard;
/* The nearest tick strictly after or before `local`; false where there is none within DM_CRON_YEARS_SOUGHT. */
bool dm_cron_next(const struct dm_cron *c, int64_t local, int64_t *ret);
bool dm_cron_prev(const struct dm_cron *c, int64_t local, int64_t *ret);
bool dm_cron_matches(const struct dm_cron *c, int64_t local);
/* The hour field is unrestricted: ticks follow elapsed time, also in an hour that a clock change repeats. */
bool dm_cron_every_hour(const struct dm_cron *c);
/* A text that parses to the same ticks. */
void dm_cron_print(struct dm_strbuf *b, const struct dm_cron *c);

#endif
