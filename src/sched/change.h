/*
 * Changes of states within the open turn of a tick: written to the store, done to the rows in memory, and told in notes.
 * The lowest room of sched/tick.h: everything else there stands on it.
 */
#ifndef DM_CHANGE_H
#define DM_CHANGE_H

#include "sched/tick.h"

/* A run's change from `from` (-1 = it is new) to what it is now, to be told after the commit. */
void dm_tick_note_run(struct dm_tick *t, const struct dm_plan_run *run, int from);
struct dm_note *dm_tick_add_note(struct dm_tick *t, const struct dm_plan_run *run);

int dm_tick_set_run(struct dm_tick *t, struct dm_plan_run *run, enum dm_run_state to,
                    struct dm_err *reterr) dm_nodiscard;
/* `job` is the attempt that brought it about, `error` what it said; both may be NULL. */
int dm_tick_set_task(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
                     enum dm_task_state to, const struct dm_task_change *c,
                     const struct dm_job *job, const struct dm_err *error,
                     struct dm_err *reterr) dm_nodiscard;
/* Of a task that is at work: its process is to end, and what it becomes then outlives this scheduler. */
int dm_tick_end_at_work(struct dm_tick *t, struct dm_plan_task *task, enum dm_task_state to,
                        const char *why, struct dm_err *reterr) dm_nodiscard;
/* A task whose process is at work becomes `to` when that has ended; any other at once. */
int dm_tick_put_aside(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
                      enum dm_task_state to, const char *why, struct dm_err *reterr) dm_nodiscard;

/* A step that is not finished comes into memory, once. */
void dm_tick_add_step(struct dm_tick *t, struct dm_plan_run *run, const struct dm_step_row *row);
int dm_tick_cancel_step(struct dm_tick *t, struct dm_plan_step *step, const char *why,
                        struct dm_err *reterr) dm_nodiscard;
/* Steps that the task handed up and that have not ended are cancelled; one at work once its process has ended. */
int dm_tick_cancel_steps(struct dm_tick *t, const struct dm_plan_task *task, const char *why,
                         struct dm_err *reterr) dm_nodiscard;
/* Forgets finished steps. */
void dm_tick_sweep_steps(struct dm_tick *t);

/* To be started after the commit. */
void dm_tick_add_job(struct dm_tick *t, struct dm_job *j);

#endif
