/*
 * The instances of mapped tasks: found in the store, made, and revised when what they are mapped over has changed.
 * Inside sched/; Airflow's rules:
 *
 *   - a task that is mapped over literals is expanded when its run's tasks are made; one that is mapped over results has
 *     one instance, with map_index -1, until its dependencies are met;
 *   - nothing to map over: it is skipped; a result that is not there: it is upstream_failed;
 *   - once expanded it stays so.  When an instance is about to run again after something before it did, those whose
 *     item is gone become removed and missing ones are made.
 */
#ifndef DM_SCHED_MAPPING_H
#define DM_SCHED_MAPPING_H

#include "sched/tick.h"

/* Fills in the instances of run->tasks[i], whose def is set, from the stored rows of the run; makes the first where there
   is none.  Rows that the DAG's present form of the task does not have become removed. */
int dm_map_load(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
                struct dm_task_row *rows, size_t n_rows, struct dm_err *reterr) dm_nodiscard;
/* After that: expands what is mapped over literals, and notes what may have to be revised. */
int dm_map_settle(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
                  struct dm_err *reterr) dm_nodiscard;
/* DM_ACTION_EXPAND: makes or revises the instances of run->tasks[i], or ends it where there are none. */
int dm_map_expand(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
                  struct dm_err *reterr) dm_nodiscard;
/* A task begins again: what is mapped over it will be looked at anew. */
void dm_map_source_begins(struct dm_plan_run *run, const struct dm_plan_task *source);

#endif
