/*
 * What a person says of tasks that ran: forget it (clear), or take it as done (mark).  Airflow's rules: a cleared task
 * gets a new set of tries, brings along the setups and teardowns that belong to it, and its finished run is queued
 * again; a mark clears what failed because of the old state.
 */
#ifndef DM_CLEAR_H
#define DM_CLEAR_H

#include "lang/dag.h"
#include "sched/right.h"
#include "state/store.h"

struct dm_clear {
    const char *const *task_ids; /* n_task_ids of them; 0 = every task */
    size_t n_task_ids;
    int64_t from, to;          /* logical dates of runs, both included; DM_NEVER = open */
    bool upstream, downstream; /* and everything before, behind them */
    bool only_failed;          /* of these what is failed or upstream_failed */
};

/* A task instance that is (or with dry_run would be) changed. */
struct dm_cleared {
    const char *run_id, *task_id;
    int64_t logical_date;
    enum dm_task_state state; /* that it had */
};

/* By logical date and task.  In a transaction that the caller opened and ends; with dry_run nothing is written. */
int dm_clear(struct dm_store *s, struct dm_arena *a, const struct dm_dag *dag,
             const struct dm_clear *c, bool dry_run, int64_t now, struct dm_cleared **ret,
             size_t *ret_n, struct dm_err *reterr) dm_nodiscard;

/* One task of a run becomes success, failed or skipped; failures behind it are cleared (*ret of them). */
int dm_mark(struct dm_store *s, struct dm_arena *a, const struct dm_dag *dag,
            const struct dm_run_row *run, const char *task_id, enum dm_task_state to, int64_t now,
            struct dm_cleared **ret, size_t *ret_n, struct dm_err *reterr) dm_nodiscard;

/* The same with the right to decide, taken for the moment (sched/right.h), after recovery and in a transaction. */
struct dm_project;
int dm_clear_now(const struct dm_project *p, struct dm_store *s, struct dm_arena *a,
                 const struct dm_dag *dag, const struct dm_clear *c,
                 const struct dm_right_wait *wait, struct dm_cleared **ret, size_t *ret_n,
                 struct dm_err *reterr) dm_nodiscard;
int dm_mark_now(const struct dm_project *p, struct dm_store *s, struct dm_arena *a,
                const struct dm_dag *dag, const struct dm_run_row *run, const char *task_id,
                enum dm_task_state to, const struct dm_right_wait *wait, struct dm_cleared **ret,
                size_t *ret_n, struct dm_err *reterr) dm_nodiscard;

#endif
