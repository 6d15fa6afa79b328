/*
 * What people ask of the process that decides: rows of the table `request`, done by whoever holds the right to decide, in
 * the order in which they were made; where nobody decides, by the command that asks.  A request is a kind and a JSON object:
 *
 *   trigger     {dag_id, run_id, logical_date, conf, note, reset}     answer {run_id, logical_date, created}
 *   pause       {dag_id, paused}
 *   clear       {dag_id, task_ids, from, to, upstream, downstream, only_failed, map_index}  answer: list of instances
 *   mark        {dag_id, run_id, task_id, state, upstream, downstream, map_index}           answer: list, as of clear
 *   mark_run    {dag_id, run_id, state}
 *   note        {dag_id, run_id, note}
 *   backfill    {dag_id, from, to, rerun, run_type, conf, exact, only_task, map_index, backwards, max_active_runs,
 *                command}
 *                                                                     answer {backfill}
 *   backfill_state {backfill, state}                                  running, paused or cancelled
 *   purge       {dag_id, before, keep_last}                           see sched/forget.h
 *
 * Instants are microseconds; what is left out or null is not given.  `backfill` is taken by the scheduler only: where no
 * scheduler is, the command that asks drives the loop itself.
 */
#ifndef DM_REQUEST_H
#define DM_REQUEST_H

#include "conn/project.h"
#include "sched/forget.h"
#include "sched/tick.h"
#include "state/memory.h"

/* Makes sure that the tick knows the newest generation of a DAG (dm_tick_set_dag), if there is such a DAG. */
typedef int dm_request_dag(void *user, struct dm_tick *t, const char *dag_id,
                           struct dm_err *reterr);

struct dm_request_world {
    const struct dm_project *project; /* NULL = inputs of days are not looked at */
    dm_request_dag *find_dag;
    void *user;
    bool backfills;           /* takes backfills too */
    int64_t only;             /* this one alone, as no other DAG is known; 0 = all */
    struct dm_forget *forget; /* takes purges, and answers them later */
};

/* Does every open request, within the open turn.  What is wrong with one is its own error, not ours. */
int dm_requests_do(struct dm_tick *t, const struct dm_request_world *w, size_t *ret_n,
                   struct dm_err *reterr) dm_nodiscard;

#endif
