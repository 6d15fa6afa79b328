/* Why a task waits, is skipped or cannot run: one sentence for each condition that is not met.  Reads only. */
#ifndef DM_WHY_H
#define DM_WHY_H

#include "sched/plan.h"

struct dm_why {
    int map_index; /* of the instance that it is about */
    enum dm_task_state state;
    const char **reasons; /* n of them; none where nothing holds it up */
    size_t n;
};

/* A task of a run, by what the store says now; DM_E_NOTFOUND where the run has no such task.  Of a mapped task the
   instance `map_index`; with -1 the first that is not finished, or that did not end well, or the first. */
int dm_why(struct dm_arena *a, struct dm_store *s, const struct dm_dag *dag,
           const struct dm_run_row *run, const char *task_id, int map_index, int64_t now,
           struct dm_why *ret, struct dm_err *reterr) dm_nodiscard;

/* Tasks of a run that could run if their past were fine, and what they wait for. */
struct dm_waiting {
    const char *task_id;
    struct dm_past_wait waits;
};
int dm_why_waits(struct dm_arena *a, struct dm_store *s, const struct dm_dag *dag,
                 const struct dm_run_row *run, struct dm_waiting **ret, size_t *ret_n,
                 struct dm_err *reterr) dm_nodiscard;

#endif
