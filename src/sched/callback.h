/*
 * Callbacks at run time: what runs beside the tasks when something has happened.
 *
 * The change of a task instance (or of a run) and the rows of the callbacks that follow it are one transaction; the plan
 * starts them (never more than DM_CALLBACKS_AT_ONCE; they take no slots of pools), each as a process that gets a work
 * order like a task's, and at least once: one that was at work when the process that decides died is started again.  What
 * becomes of one changes nothing else.
 *
 *   on_success, on_failure, on_retry, on_skipped of a task   its try ended so by itself, not because somebody marked or
 *                                                            cleared it, a branch left it out, or the run took too long
 *   on_success, on_failure of a DAG                          its run ended so, unless a person marked it
 *   on_execute of a task                                     is none of these: the attempt itself does it (task_run.c)
 */
#ifndef DM_SCHED_CALLBACK_H
#define DM_SCHED_CALLBACK_H

#include "sched/tick.h"

enum { DM_CALLBACKS_AT_ONCE = 8 };
#define DM_CALLBACK_TIMEOUT_US (10 * DM_MIN) /* then it is ended, and has failed */

/* A try of the task has ended, and its row says how; `error` NULL = none. */
int dm_callbacks_of_task(struct dm_tick *t, const struct dm_plan_run *run,
                         const struct dm_plan_task *task, const struct dm_err *error,
                         struct dm_err *reterr) dm_nodiscard;
/* The run has ended, and its row says how. */
int dm_callbacks_of_run(struct dm_tick *t, const struct dm_plan_run *run, const char *reason,
                        struct dm_err *reterr) dm_nodiscard;

int dm_callback_start(struct dm_tick *t, struct dm_plan_callback *c,
                      struct dm_err *reterr) dm_nodiscard;
/* These free it, and its job. */
int dm_callback_ended(struct dm_tick *t, struct dm_plan_callback *c, const struct dm_job_end *e,
                      struct dm_err *reterr) dm_nodiscard;
/* It ended with us: it will be started again. */
int dm_callback_lost(struct dm_tick *t, struct dm_plan_callback *c,
                     struct dm_err *reterr) dm_nodiscard;
void dm_callbacks_free(struct dm_tick *t);

#endif
