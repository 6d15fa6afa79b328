/* Runs that somebody asks for: by a command, the API, or a task of another DAG.  Within the open turn of a tick. */
#ifndef DM_TRIGGER_H
#define DM_TRIGGER_H

#include "sched/tick.h"

struct dm_trigger {
    const char *dag_id;
    const char *run_id;          /* NULL = made from the date: manual__2024-01-01T00:00:00+00:00 */
    int64_t logical_date;        /* DM_NEVER = now, on the second where that is free */
    const struct dm_value *conf; /* map, or NULL */
    const char *note;            /* or NULL */
    bool reset;                  /* a run of that date is cleared and runs again */
};

struct dm_trigger_answer {
    const char *run_id; /* in the arena of the turn */
    int64_t logical_date;
    bool created; /* false: it was there and was cleared */
};

/* The run is queued; it begins when its DAG is not paused and has room (max_active_runs).
   DM_E_NOTFOUND: no such DAG; DM_E_EXISTS: a run of that date or id is there; DM_E_INVALID: a run id that is not one,
   or conf that the DAG's params do not allow. */
int dm_tick_trigger(struct dm_tick *t, const struct dm_trigger *what, struct dm_trigger_answer *ret,
                    struct dm_err *reterr) dm_nodiscard;

#endif
