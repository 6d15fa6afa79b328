/*
 * Runs by assets, by Airflow's rules: a task that succeeds with outlets records an event for each and queues it for
 * every DAG that waits for it and is not paused; where a DAG's condition holds, and its max_active_runs has room, a run is
 * made for what was queued, and the DAG's queue is emptied.
 *
 * The logical date of the run is the time at which the last of what was queued came first; the events of the run are
 * all of the DAG's assets since its run by assets before, up to then; its data interval spans those of the runs that they
 * came from.
 *
 * Only a scheduler knows the DAGs: an event that a command records is delivered by the next scheduler.  All within the
 * open turn of a tick.
 */
#ifndef DM_SCHED_ASSET_H
#define DM_SCHED_ASSET_H

#include "sched/tick.h"

/* The generation of the DAG is new, or gone: what it waits for, and what of it was queued before. */
int dm_asset_watch(struct dm_tick *t, struct dm_plan_dag *d, struct dm_err *reterr) dm_nodiscard;

/* The task has succeeded. */
int dm_asset_changed(struct dm_tick *t, const struct dm_plan_run *run,
                     const struct dm_plan_task *task, struct dm_err *reterr) dm_nodiscard;
/* What the plan decided. */
int dm_asset_create_run(struct dm_tick *t, struct dm_plan_dag *d,
                        struct dm_err *reterr) dm_nodiscard;

#endif
