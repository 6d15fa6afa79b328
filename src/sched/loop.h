/*
 * The loop: takes the right to decide, recovers what a dead predecessor left, then plans, starts and watches children.
 * For a command (dm_loop_run with drives) until nothing can move any more; for the scheduler (with `scheduler`) until it
 * is told to end.  What other commands ask for meanwhile (sched/request.h) is done too.  One thread; it blocks the caller
 * until the end.
 *
 * Signals: while it runs, SIGINT ends it (attempts are lost, not failed; a second one kills at once), and so does SIGTERM
 * a command; the scheduler drains at SIGTERM (nothing new begins, what is at work may end within drain_us; a second one
 * is as SIGINT), and loads every DAG file again at SIGHUP.  SIGPIPE is ignored.
 *
 *   struct dm_drive drive = {.dag = dag, .from = a, .to = b, .rerun = DM_RERUN_MISSING, .run_type = "backfill"};
 *   struct dm_loop_options o = {.project = p, .store = s, .drives = &drive, .n_drives = 1, .command = "backfill x"};
 *   struct dm_loop_report report;
 *   rc = dm_loop_run(arena, &o, &report, &err);
 *
 * rc is 0 where the loop itself worked, whatever became of the tasks: look at the report.  Ctrl-C is
 * DM_E_CANCELLED; a store or a disk that fails is that error (children are ended; the next command recovers).
 */
#ifndef DM_LOOP_H
#define DM_LOOP_H

#include "conn/project.h"
#include "sched/backfill.h"
#include "sched/right.h"

/* A change of a task instance, after it was committed. */
struct dm_loop_task_event {
    const char *dag_id, *run_id, *task_id;
    int map_index, try_number, max_tries;
    int64_t logical_date, attempt, at;
    enum dm_task_state from, to;
    const struct dm_err *error; /* NULL = none */
    const char *log_path;       /* relative to the project; NULL = no attempt */
};

struct dm_loop_run_event {
    const char *dag_id, *run_id;
    int64_t logical_date, at;
    int from; /* enum dm_run_state, -1 = just created */
    enum dm_run_state to;
};

/* A callback that failed: nothing follows from it. */
struct dm_loop_callback_event {
    const char *dag_id, *run_id, *task_id; /* task_id NULL = of the run itself */
    const char *key;                       /* "on_failure_callback" */
    const struct dm_err *error;
    const char *log_path; /* relative to the project */
};

/* What runs now, as it reported itself. */
struct dm_loop_activity {
    const char *run_id, *task_id, *step_id; /* step_id NULL = the task itself */
    int64_t since, done, total;             /* done and total -1 = not known */
    const char *unit;                       /* "rows", "bytes"; NULL = none */
};

struct dm_loop_progress {
    size_t days, days_done, days_failed;       /* days = those to do, kept ones not counted */
    size_t tasks, tasks_done;                  /* of these days */
    size_t running;                            /* attempts with a process, steps included */
    const struct dm_loop_activity *activities; /* `running` of them */
    int64_t started_at, now;
};

struct dm_loop_watch {
    void *user;
    void (*waiting)(void *user, const char *holder); /* another command holds the right to decide */
    /* The scheduler has the right to decide and has loaded the DAGs: `files` of which `errors` have errors. */
    void (*ready)(void *user, size_t dags, size_t files, size_t errors);
    void (*reloaded)(void *user, size_t loaded, size_t dags, size_t files, size_t errors);
    void (*draining)(void *user, size_t running);
    void (*chosen)(void *user, const struct dm_drive *d, const struct dm_day *days, size_t n);
    void (*run)(void *user, const struct dm_loop_run_event *e);
    void (*task)(void *user, const struct dm_loop_task_event *e);
    void (*callback_failed)(void *user, const struct dm_loop_callback_event *e);
    /* Every progress_us (default 250 ms), and at the end. */
    void (*progress)(void *user, const struct dm_loop_progress *p);
    int64_t progress_us;
};

struct dm_loop_options {
    const struct dm_project *project;
    struct dm_store *store; /* opened with DM_STORE_WRITE */
    const struct dm_drive *drives;
    size_t n_drives;
    bool detach;    /* hand the drive to the scheduler and be done; DM_E_NOTFOUND where none runs */
    bool scheduler; /* every DAG of the project, by schedule, without an end */
    bool
        standby; /* of a scheduler: waits while another one works, and takes over when that ends; else DM_E_BUSY */
    int64_t drain_us;
    /* How DAG files are loaded: the scheduler's own, and those that a request names; NULL = none are. */
    const struct dm_load_world *load;
    int jobs;            /* tasks at once; 0 = as many as processors, at least 2 */
    const char *command; /* for the holder's line of the lock: "backfill user_behaviour" */
    const struct dm_loop_watch *watch; /* NULL = nobody looks */
    const char *program;               /* what children are; NULL = this program */
};

/* A try that failed for good. */
struct dm_loop_failure {
    const char *dag_id, *run_id, *task_id;
    int map_index, try_number, max_tries;
    int64_t logical_date, attempt;
    const struct dm_err *error;
    const char *log_path;
};

/* A run that could not go on: its task waits for a task of an earlier run. */
struct dm_loop_blocked {
    const char *dag_id, *run_id, *task_id;
    int64_t logical_date;
    const char *waits_run_id, *waits_task_id;
    int64_t waits_logical_date;
    enum dm_task_state waits_state; /* of the task it waits for */
};

struct dm_loop_report {
    size_t days;                    /* all of the drives, kept ones included */
    size_t kept, succeeded, failed; /* runs */
    size_t kept_failed;             /* of the kept ones */
    size_t unstarted; /* days whose run was not finished: blocked, or behind a blocked one */
    int64_t detached; /* the backfill that the scheduler does without us; 0 = none does */
    size_t attempts;  /* processes started, steps included, callbacks not */
    struct dm_loop_failure *failures; /* by logical date, then task order */
    size_t n_failures;
    struct dm_loop_blocked *blocked; /* one for each waiting task, by logical date */
    size_t n_blocked;
    int64_t started_at, ended_at;
    /* Decision -> first line of the task's own code, over all attempts that reported it. */
    int64_t latency_sum_us, latency_max_us;
    size_t n_latency;
};

/* Strings and lists of the report live in the arena. */
int dm_loop_run(struct dm_arena *a, const struct dm_loop_options *o, struct dm_loop_report *ret,
                struct dm_err *reterr) dm_nodiscard;

#endif
