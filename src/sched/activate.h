/*
 * What the actions of the plan do, within the open turn of a tick: runs become active and end (activate.c), attempts begin
 * (attempt.c), drives end (drives.c), schedules make runs (schedule.c).
 */
#ifndef DM_ACTIVATE_H
#define DM_ACTIVATE_H

#include "sched/change.h"
#include "sched/known.h"
#include "sched/next.h"

/* ---- activate.c ---- */

/* "TYPE__2024-01-01T00:00:00+00:00" */
const char *dm_tick_name_run(struct dm_arena *a, const char *type, int64_t logical);
/* A new queued run of the DAG's newest generation, in memory and in the store; sets row->id. */
int dm_tick_add_queued_run(struct dm_tick *t, struct dm_plan_dag *d, struct dm_run_row *row,
                           struct dm_err *reterr) dm_nodiscard;
/* The next day of the drive: its run is made, or loaded and brought to the DAG's present generation. */
int dm_tick_next_day(struct dm_tick *t, struct dm_plan_drive *d,
                     struct dm_err *reterr) dm_nodiscard;
/* A queued run becomes active. */
int dm_tick_begin_run(struct dm_tick *t, struct dm_plan_run *run,
                      struct dm_err *reterr) dm_nodiscard;
/* A run that was active when its scheduler ended is active again; `d` NULL = its schedule made it so. */
int dm_tick_resume_run(struct dm_tick *t, const struct dm_active_row *row, struct dm_plan_drive *d,
                       struct dm_err *reterr) dm_nodiscard;
/* An active run without anything at work goes on by the generation that its row names, with what made it active. */
int dm_tick_renew_run(struct dm_tick *t, struct dm_plan_run *run,
                      struct dm_err *reterr) dm_nodiscard;
/* `reason` is for its callbacks; NULL = they are not run. */
int dm_tick_finish_run(struct dm_tick *t, struct dm_plan_run *run, enum dm_run_state to,
                       const char *reason, struct dm_err *reterr) dm_nodiscard;
/* An active run without anything at work is queued again; where somebody schedules its DAG it will begin again. */
int dm_tick_put_back(struct dm_tick *t, struct dm_plan_run *run,
                     struct dm_err *reterr) dm_nodiscard;
/* The store's rows of a run were changed: what is in memory of it follows.  Nothing for active runs, whose rows are changed
   in memory. */
int dm_tick_refresh(struct dm_tick *t, int64_t run, struct dm_err *reterr) dm_nodiscard;
/* A command that died left its backfill open: it is over when its last day is done, whoever did that. */
int dm_tick_end_abandoned(struct dm_tick *t, const char *dag_id,
                          struct dm_err *reterr) dm_nodiscard;
/* A run was made: it is the past of the active run behind it. */
int dm_tick_relink(struct dm_tick *t, const struct dm_plan_run *added,
                   struct dm_err *reterr) dm_nodiscard;

/* ---- attempt.c ---- */

/* A task, or a step, gets an attempt that is to be started. */
int dm_tick_queue_task(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
                       struct dm_err *reterr) dm_nodiscard;
int dm_tick_start_step(struct dm_tick *t, struct dm_plan_step *step,
                       struct dm_err *reterr) dm_nodiscard;

/* ---- drives.c ---- */

/* Ends drives that have nothing left to do, or (blocked_drives_end) cannot; the number of them. */
int dm_tick_end_drives(struct dm_tick *t, struct dm_err *reterr) dm_nodiscard;

/* ---- schedule.c ---- */

/* The run that its schedule says is next. */
int dm_tick_create_run(struct dm_tick *t, struct dm_plan_dag *d,
                       struct dm_err *reterr) dm_nodiscard;

#endif
