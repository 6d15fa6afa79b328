/*
 * Ticks: the facts of one turn and the actions of the plan, applied to the store and to the snapshot in one transaction.
 *
 * Here is everything that decides and nothing that touches a process: the loop (sched/loop.c) starts the jobs and hands
 * back what became of them, and so does the simulation in the tests.  A turn:
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
    int64_t attempt, decided_at;
    struct dm_plan_run *run;
    struct dm_plan_task *task;
    struct dm_plan_step *step; /* NULL = an attempt of the task itself */
    const char *log_path;      /* relative to the project */
};

/* A change to tell about after the commit. */
struct dm_note {
    bool about_run;
    struct dm_loop_run_event run;
    struct dm_loop_task_event task;
    const struct dm_plan_run *of;
};

struct dm_tick {
    struct dm_store *store;
    struct dm_arena *arena; /* rows, names, jobs: as long as the tick */
    struct dm_arena turn;   /* of one turn */
    struct dm_snapshot snap;
    struct dm_limits limits;
    int64_t now, wake_at;
    int64_t pools_at;               /* when the pools were read */
    struct dm_arena pools;          /* of the limits */
    const struct dm_graph **graphs; /* of every DAG that was driven */
    size_t n_graphs, cap_graphs;
    struct dm_plan_run **known; /* every run ever loaded */
    size_t n_known, cap_known, cap_runs, cap_steps;
    struct dm_job **jobs; /* of this turn */
    size_t n_jobs, cap_jobs;
    struct dm_note *notes; /* of this turn */
    size_t n_notes, cap_notes;
};

void dm_tick_init(struct dm_tick *t, struct dm_store *store, struct dm_arena *a, int jobs);
void dm_tick_release(struct dm_tick *t);

/* Stores the generations of the drives, and clears the days that are to be done again, in one transaction of its own.
   days[i] and n_days[i] are all days of drives[i]. */
int dm_tick_take_drives(struct dm_tick *t, const struct dm_drive *drives,
                        struct dm_day *const *days, const size_t *n_days, size_t n, int64_t now,
                        struct dm_err *reterr) dm_nodiscard;

int dm_tick_begin(struct dm_tick *t, int64_t now, bool durable, struct dm_err *reterr) dm_nodiscard;
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
/* At the end: runs that are not finished go back to queued. */
int dm_tick_park(struct dm_tick *t, struct dm_err *reterr) dm_nodiscard;

/* Sets one task instance back to none with a new set of tries, and cancels steps that it has waiting.  What has a
   process cannot be cleared. */
int dm_tick_clear_task(struct dm_store *s, struct dm_arena *a, struct dm_task_row *row, int retries,
                       int64_t now, struct dm_err *reterr) dm_nodiscard;

#endif
