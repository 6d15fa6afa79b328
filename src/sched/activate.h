/*
 * Inside sched/: runs come into memory, become active, end, and leave it (activate.c); drives and their days (drives.c);
 * DAGs and the runs that their schedules make (schedule.c).  All within the open turn of a tick.
 */
#ifndef DM_ACTIVATE_H
#define DM_ACTIVATE_H

#include "sched/tick.h"
#include "state/memory.h"

/* ---- tick.c ---- */

int dm_tick_set_run(struct dm_tick *t, struct dm_plan_run *run, enum dm_run_state to,
                    struct dm_err *reterr) dm_nodiscard;
/* A task whose process is at work becomes `to` when that has ended; any other at once. */
int dm_tick_put_aside(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
                      enum dm_task_state to, const char *why, struct dm_err *reterr) dm_nodiscard;
void dm_tick_note_run(struct dm_tick *t, const struct dm_plan_run *run, int from);
struct dm_note *dm_tick_add_note(struct dm_tick *t, const struct dm_plan_run *run);
void dm_tick_add_job(struct dm_tick *t, struct dm_job *j);
void dm_tick_add_step(struct dm_tick *t, struct dm_plan_run *run, const struct dm_step_row *row);

/* Steps that the task handed up and that have not ended are cancelled; one at work once its process has ended. */
int dm_tick_cancel_steps(struct dm_tick *t, const struct dm_plan_task *task, const char *why,
                         struct dm_err *reterr) dm_nodiscard;

/* ---- activate.c ---- */

/* A run in memory; its strings are copied. */
struct dm_plan_run *dm_tick_add_run(struct dm_tick *t, const struct dm_run_row *row);
/* The run with this row id, or NULL where it is not in memory. */
struct dm_plan_run *dm_tick_find_run(const struct dm_tick *t, int64_t id);
/* Its place among the queued ones; none where a drive has its day before it, which then begins it. */
void dm_tick_add_queued(struct dm_tick *t, struct dm_plan_run *run);
/* Nothing where it is not queued. */
void dm_tick_dequeue(struct dm_tick *t, struct dm_plan_run *run);
/* A run that is queued in the store is queued in memory too; nothing where it is, or is active. */
void dm_tick_enqueue(struct dm_tick *t, const struct dm_run_row *row);
/* The next day of the drive: its run is made, or loaded and brought to the DAG's present generation. */
int dm_tick_next_day(struct dm_tick *t, struct dm_plan_drive *d,
                     struct dm_err *reterr) dm_nodiscard;
/* A queued run becomes active. */
int dm_tick_begin_run(struct dm_tick *t, struct dm_plan_run *run,
                      struct dm_err *reterr) dm_nodiscard;
/* A run that was active when its scheduler ended is active again; `d` NULL = its schedule made it so. */
int dm_tick_resume_run(struct dm_tick *t, const struct dm_active_row *row, struct dm_plan_drive *d,
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
/* A run was made: it is the past of the active run behind it. */
int dm_tick_relink(struct dm_tick *t, const struct dm_plan_run *added,
                   struct dm_err *reterr) dm_nodiscard;
/* Frees what nobody needs any more. */
void dm_tick_sweep_runs(struct dm_tick *t);
void dm_tick_free_run(struct dm_plan_run *run);

/* ---- drives.c ---- */

/* A run of the drive has ended. */
int dm_tick_day_done(struct dm_tick *t, const struct dm_plan_run *run,
                     struct dm_err *reterr) dm_nodiscard;
/* The drive with that backfill, out of the store where it is not in memory, for a run that it had made active: NULL where
   the backfill is gone. */
int dm_tick_drive_of(struct dm_tick *t, int64_t backfill, const struct dm_run_row *run,
                     struct dm_plan_drive **ret, struct dm_err *reterr) dm_nodiscard;
/* Whether a drive has the day of the run still before it. */
bool dm_tick_is_reserved(const struct dm_tick *t, const struct dm_plan_run *run);
/* Ends drives that have nothing left to do, or (blocked_drives_end) cannot; the number of them. */
int dm_tick_end_drives(struct dm_tick *t, struct dm_err *reterr) dm_nodiscard;
/* Days that are still to come are done by the newest generation, as after a restart. */
int dm_tick_renew_drives(struct dm_tick *t, const struct dm_plan_dag *dag,
                         struct dm_err *reterr) dm_nodiscard;
void dm_tick_free_drive(struct dm_plan_drive *d);

/* ---- schedule.c ---- */

struct dm_plan_dag *dm_tick_find_dag(const struct dm_tick *t, const char *dag_id);
/* The generation of a DAG is in the store. */
int dm_tick_record_generation(struct dm_tick *t, struct dm_dag_ref *ref,
                              struct dm_err *reterr) dm_nodiscard;
/* "TYPE__2024-01-01T00:00:00+00:00" */
const char *dm_tick_name_run(struct dm_arena *a, const char *type, int64_t logical);
/* A new queued run of the DAG's newest generation, in memory and in the store; sets row->id. */
int dm_tick_add_queued_run(struct dm_tick *t, struct dm_plan_dag *d, struct dm_run_row *row,
                           struct dm_err *reterr) dm_nodiscard;
/* Generations that no run names were removed from the store: they are recorded again before they are used. */
void dm_tick_generations_gone(struct dm_tick *t);
/* The run that its schedule says is next. */
int dm_tick_create_run(struct dm_tick *t, struct dm_plan_dag *d,
                       struct dm_err *reterr) dm_nodiscard;
/* A drive has made a run: a schedule goes on after the last one, whoever made it, as in Airflow. */
int dm_tick_after_backfill_run(struct dm_tick *t, const struct dm_plan_run *run,
                               struct dm_err *reterr) dm_nodiscard;
/* A generation of a DAG: its newest one, or an older one out of the store. */
int dm_tick_ref_of(struct dm_tick *t, const struct dm_plan_dag *d, const char *generation,
                   struct dm_dag_ref **ret, struct dm_err *reterr) dm_nodiscard;
/* A run of the DAG came, began, or went: its schedule may make another. */
void dm_tick_count_run(struct dm_tick *t, const struct dm_plan_run *run, int unfinished,
                       int active);
/* A run has ended: a DAG whose last runs have all failed is paused (max_consecutive_failed_dag_runs). */
int dm_tick_after_run(struct dm_tick *t, const struct dm_plan_run *run,
                      struct dm_err *reterr) dm_nodiscard;
void dm_tick_free_dags(struct dm_tick *t);

#endif
