/*
 * What a person says of tasks that ran: forget it (clear), or take it as done (mark).  Airflow's rules: a cleared task
 * gets a new set of tries, brings along the setups and teardowns that belong to it, and its finished run is queued
 * again; a mark clears what failed because of the old state.
 */
#ifndef DM_CLEAR_H
#define DM_CLEAR_H

#include "sched/tick.h"

struct dm_clear {
    const char *const *task_ids; /* of tasks and of groups, n_task_ids of them; 0 = every task */
    size_t n_task_ids;
    int64_t from, to;          /* logical dates of runs, both included; DM_NEVER = open */
    bool upstream, downstream; /* and everything before, behind them */
    bool only_failed;          /* of these what is failed or upstream_failed */
    bool one_instance;         /* of the mapped task that was named only the instance `map_index` */
    int map_index;
};

/* A task instance that is (or would be) changed. */
struct dm_cleared {
    const char *run_id, *task_id;
    int map_index;
    int64_t logical_date;
    enum dm_task_state state; /* that it had */
};

/* By logical date and task, within the open turn of a tick; t NULL = nothing is written.  What is at work is ended first
   and then runs again.  Runs that were finished are queued again, by the newest generation of their DAG. */
int dm_clear(struct dm_store *s, struct dm_tick *t, struct dm_arena *a, const struct dm_dag *dag,
             const struct dm_clear *c, struct dm_cleared **ret, size_t *ret_n,
             struct dm_err *reterr) dm_nodiscard;

struct dm_mark {
    const char *task_id;
    enum dm_task_state to;     /* success, failed or skipped */
    bool upstream, downstream; /* and everything before, behind it */
    bool one_instance;
    int map_index;
};
/* A task of a run becomes what it is marked, without setups and teardowns of its own; failures behind it are cleared (*ret
   of them). */
int dm_mark(struct dm_tick *t, struct dm_arena *a, const struct dm_dag *dag,
            const struct dm_run_row *run, const struct dm_mark *m, struct dm_cleared **ret,
            size_t *ret_n, struct dm_err *reterr) dm_nodiscard;

/* A whole run becomes success or failed, and its tasks with it. */
int dm_mark_run(struct dm_tick *t, struct dm_arena *a, const struct dm_run_row *run,
                enum dm_run_state to, struct dm_err *reterr) dm_nodiscard;

#endif
