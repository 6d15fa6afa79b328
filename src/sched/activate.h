/* Inside sched/: days become active runs.  Used by tick.c. */
#ifndef DM_ACTIVATE_H
#define DM_ACTIVATE_H

#include "sched/tick.h"

/* The next day of the drive: its run is made, or loaded and brought to the DAG's present generation. */
int dm_tick_activate(struct dm_tick *t, struct dm_plan_drive *d,
                     struct dm_err *reterr) dm_nodiscard;

/* Of tick.c. */
int dm_tick_set_run(struct dm_tick *t, struct dm_plan_run *run, enum dm_run_state to,
                    struct dm_err *reterr) dm_nodiscard;
/* A task whose process is at work becomes `to` when that has ended; any other at once. */
int dm_tick_put_aside(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
                      enum dm_task_state to, const char *why, struct dm_err *reterr) dm_nodiscard;
void dm_tick_note_run(struct dm_tick *t, const struct dm_plan_run *run, int from);
void dm_tick_add_step(struct dm_tick *t, struct dm_plan_run *run, const struct dm_step_row *row);

#endif
