/*
 * Which days a command does, and why.
 */
#ifndef DM_BACKFILL_H
#define DM_BACKFILL_H

#include "lang/dag.h"
#include "state/store.h"

enum dm_rerun {
    DM_RERUN_MISSING, /* days without a finished run; an interrupted one is resumed */
    DM_RERUN_FAILED,  /* failed ones too */
    DM_RERUN_STALE,   /* and those whose definition or an input has changed */
    DM_RERUN_ALL,
};
/* "missing", "failed", "stale", "all", and Airflow's "none", "failed", "completed"; -1 = unknown. */
int dm_rerun_parse(struct dm_str name);
const char *dm_rerun_name(enum dm_rerun rerun);
/* For option tables: "missing|failed|stale|all|none|completed". */
extern const char dm_rerun_choices[];

enum dm_day_action {
    DM_DAY_KEEP,   /* its run is finished and stays */
    DM_DAY_CREATE, /* there is no run yet */
    DM_DAY_RESUME, /* unfinished: what succeeded in it is kept, the rest is done */
    DM_DAY_RERUN,  /* every task is done again */
};
const char *dm_day_action_name(enum dm_day_action action); /* "keep" … */
/* -1 = unknown. */
int dm_day_action_parse(struct dm_str name);

/* What a day is, whatever is to be done to it. */
enum dm_day_is {
    DM_DAY_MISSING,     /* it has no run */
    DM_DAY_INTERRUPTED, /* its run is not finished */
    DM_DAY_FAILED,
    DM_DAY_STALE, /* its run succeeded, with a definition or an input that has changed since */
    DM_DAY_GOOD,
};
const char *dm_day_is_name(enum dm_day_is is); /* "missing" … */

struct dm_day {
    int64_t logical_date;
    struct dm_due due;
    enum dm_day_action action;
    int64_t run;        /* row id, 0 = none yet */
    const char *run_id; /* the one it has or will have */
    enum dm_day_is is;
    enum dm_run_state state; /* where run != 0 */
    /* For people: "no run yet", "interrupted", "failed", "generation changed", "input changed: data/x.csv" … */
    const char *why;
};

/* What a command drives: one DAG over some days. */
struct dm_drive {
    const struct dm_dag *dag;
    int64_t from, to; /* logical dates, both included */
    enum dm_rerun rerun;
    const char *run_type;        /* of new runs: "backfill" or "manual" */
    const struct dm_value *conf; /* map; NULL = {} for new runs and the run's own for others */
    /* from == to is taken as a logical date even where the schedule has none there (`dags test`, `tasks test`). */
    bool exact;
    /* Only this task, whatever its state and its dependencies (`tasks test`); NULL = all. */
    const char *only_task;
    bool one_instance; /* and of that only the one with this map index */
    int map_index;
    /* What failed in an unfinished run stays so, as a scheduler goes on; a command does it again. */
    bool keep_failed;
    bool backwards;      /* the last day first; not with depends_on_past */
    int max_active_runs; /* at once, of this drive; 0 = the DAG's */
    const char *command; /* who asked: "backfill user_behaviour"; NULL = nobody in particular */
    /* The project's folder, to see which inputs have changed; NULL = they are not looked at.  A file that is gone has not
       changed: the day could not be done again. */
    const char *inputs_dir;
};

/* The days of a drive in order, those that are kept included.  Days outside the DAG's start and end dates are left
   out; *ret_outside says how many. */
int dm_drive_days(struct dm_arena *a, struct dm_store *s, const struct dm_drive *d,
                  struct dm_day **ret, size_t *ret_n, size_t *ret_outside,
                  struct dm_err *reterr) dm_nodiscard;

#endif
