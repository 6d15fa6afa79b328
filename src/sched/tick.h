/*
 * Ticks: the facts of one turn and the actions of the plan, applied to the store and to the snapshot in one transaction.
 *
 * Here is everything that decides and nothing that touches a process: the loop (sched/loop.c) starts the jobs and hands
 * back what became of them, and so does the simulation in the tests.  Inside, each standing on those before: change.h,
 * known.h; next.h; activate.c; attempt.c, drives.c, schedule.c; resume.c; tick.c.  A turn:
 *
 *   dm_tick_begin   dm_tick_started, dm_tick_ended, dm_tick_lost …   dm_tick_plan   dm_tick_commit
 *
 * then the caller takes t->jobs (to be started) and t->notes (to be told), which the next dm_tick_begin forgets.
 * After an error the tick is useless: the store has rolled back, the snapshot has not.
 */
#ifndef DM_TICK_H
#define DM_TICK_H

#include "sched/loop.h"
#include "sched/plan.h"
#include "state/record.h"
#include "task/order.h"

/* An attempt that was decided. */
struct dm_job {
    int64_t attempt; /* of a callback DM_LEASE_OF_CALLBACK of its id: less than 0 */
    int64_t decided_at;
    struct dm_plan_run *run;
    struct dm_plan_task *task;
    struct dm_plan_step *step;         /* NULL = an attempt of the task itself */
    struct dm_plan_callback *callback; /* not NULL: it is this, and run and task are its own */
    const char *log_path;              /* relative to the project */
};

/* A change to tell about after the commit. */
struct dm_note {
    bool about_run;
    const struct dm_loop_callback_event *callback; /* not NULL: about a callback that failed */
    struct dm_loop_run_event run;
    struct dm_loop_task_event task;
    const struct dm_plan_run *of;
};

struct dm_tick {
    struct dm_store *store;
    struct dm_arena turn; /* of one turn */
    struct dm_snapshot snap;
    struct dm_limits limits;
    int64_t now, wake_at;
    int64_t pools_at;           /* when the pools were read */
    struct dm_arena pools;      /* of the limits */
    struct dm_plan_run **known; /* every run in memory */
    size_t n_known, cap_known, cap_runs, cap_queued, cap_steps, cap_drives, cap_dags, cap_callbacks;
    bool garbage; /* some of them may be needed no more */
    bool
        blocked_drives_end; /* a drive that cannot move ends and gives its runs back (the scheduler's way) */
    struct dm_job **jobs; /* of this turn */
    size_t n_jobs, cap_jobs;
    struct dm_note *notes; /* of this turn */
    size_t n_notes, cap_notes;
};

void dm_tick_init(struct dm_tick *t, struct dm_store *store, int jobs);
void dm_tick_release(struct dm_tick *t);

/* Records a drive as a backfill, with its DAG's generation, and clears the days that are to be done again; `days` are all
   of them.  Needs an open turn.  The drive is the caller's until it is over. */
int dm_tick_take_drive(struct dm_tick *t, const struct dm_drive *d, const struct dm_day *days,
                       size_t n_days, int64_t *ret_backfill, struct dm_err *reterr) dm_nodiscard;

/* Pauses, resumes or cancels a backfill; a cancelled one takes no more days, and what is at work goes on. */
int dm_tick_pause_drive(struct dm_tick *t, int64_t backfill, bool paused,
                        struct dm_err *reterr) dm_nodiscard;
int dm_tick_cancel_drive(struct dm_tick *t, int64_t backfill, struct dm_err *reterr) dm_nodiscard;

/* A DAG that is new, changed, or (ref NULL) gone; `paused` is what one that was never seen is.  In a turn. */
int dm_tick_set_dag(struct dm_tick *t, const char *dag_id, struct dm_dag_ref *ref, bool paused,
                    struct dm_err *reterr) dm_nodiscard;
int dm_tick_pause_dag(struct dm_tick *t, const char *dag_id, bool paused,
                      struct dm_err *reterr) dm_nodiscard;
/* After a start, and after the DAGs: backfills that are open, then runs that are not finished; the active ones are active
   again as they were, whatever room there is. */
int dm_tick_load_drives(struct dm_tick *t, struct dm_err *reterr) dm_nodiscard;
int dm_tick_load_runs(struct dm_tick *t, struct dm_err *reterr) dm_nodiscard;
/* Events of assets that were recorded where nobody knew the DAGs. */
int dm_tick_load_assets(struct dm_tick *t, struct dm_err *reterr) dm_nodiscard;
/* Callbacks that were not run to their end: whoever decides runs them, a command too. */
int dm_tick_load_callbacks(struct dm_tick *t, struct dm_err *reterr) dm_nodiscard;

/* The next run that a DAG's schedule makes: 1, or 0 where it makes none.  After the interval `after`, or (NULL) after the
   last automated run of the store `s` (NULL = there is none). */
int dm_dag_next_run(struct dm_store *s, const struct dm_dag *dag, const struct dm_due *after,
                    int64_t now, struct dm_due *ret, struct dm_err *reterr) dm_nodiscard;

int dm_tick_begin(struct dm_tick *t, int64_t now, bool durable, struct dm_err *reterr) dm_nodiscard;
/* One round of the plan's stages, applied; *ret_any = it did something. */
int dm_tick_round(struct dm_tick *t, bool *ret_any, struct dm_err *reterr) dm_nodiscard;
/* Rounds until there is nothing to do. */
int dm_tick_plan(struct dm_tick *t, struct dm_err *reterr) dm_nodiscard;
int dm_tick_commit(struct dm_tick *t, struct dm_err *reterr) dm_nodiscard;

/* The process of a job is there. */
int dm_tick_started(struct dm_tick *t, const struct dm_job *j, int pid, uint64_t pid_start,
                    struct dm_err *reterr) dm_nodiscard;
/* The job has ended: one transition of its task, or of its step. */
struct dm_job_end {
    struct dm_result result; /* for a step: SUCCESS or FAILED */
    bool died; /* its process ended and had said nothing about it: `result` tells how */
    int exit_status;
    int64_t cpu_us, peak_kb;
};
int dm_tick_ended(struct dm_tick *t, const struct dm_job *j, const struct dm_job_end *e,
                  struct dm_err *reterr) dm_nodiscard;
/* The job ended with its scheduler: no try is used up.  So ends a step whose process died, twice; steps have no tries. */
int dm_tick_lost(struct dm_tick *t, const struct dm_job *j, const char *why,
                 struct dm_err *reterr) dm_nodiscard;
/* The steps of a batch; an id for each of them. */
int dm_tick_steps(struct dm_tick *t, const struct dm_job *j, const char *cluster,
                  const struct dm_step_new *steps, size_t n, const char ***ret_ids,
                  struct dm_err *reterr) dm_nodiscard;
/* At the end of a command: its drives are over, as `state` says, and none of their runs is active any more; a
   scheduler's go on when the next one begins. */
int dm_tick_leave_drives(struct dm_tick *t, const char *state, struct dm_err *reterr) dm_nodiscard;
/* At the end: runs that are not finished go back to queued; the store's list of active ones stays. */
int dm_tick_park(struct dm_tick *t, struct dm_err *reterr) dm_nodiscard;

/* Sets one task instance back to none with a new set of tries, and cancels steps that it has waiting.  What has a
   process cannot be cleared. */
int dm_tick_clear_task(struct dm_store *s, struct dm_arena *a, struct dm_task_row *row, int retries,
                       int64_t now, struct dm_err *reterr) dm_nodiscard;

#endif
