/* The next run that a DAG's schedule makes: dm_plan_dag.next, kept up to date. */
#ifndef DM_NEXT_H
#define DM_NEXT_H

#include "sched/known.h"
#include "state/memory.h"

/* After the interval `after`, or (NULL) after the last automated run of the store. */
int dm_tick_find_next(struct dm_tick *t, struct dm_plan_dag *d, const struct dm_due *after,
                      struct dm_err *reterr) dm_nodiscard;
/* A drive has made a run: a schedule goes on after the last one, whoever made it, as in Airflow. */
int dm_tick_after_backfill_run(struct dm_tick *t, const struct dm_plan_run *run,
                               struct dm_err *reterr) dm_nodiscard;
/* A run has ended: a DAG whose last runs have all failed is paused (max_consecutive_failed_dag_runs). */
int dm_tick_after_run(struct dm_tick *t, const struct dm_plan_run *run,
                      struct dm_err *reterr) dm_nodiscard;

#endif
