/*
 * The store: everything that Daymill remembers, in one SQLite file (state/daymill.db, WAL).
 *
 * This header opens it and reads it; state/record.h is what the deciding process writes.  Rules:
 *   - one process writes (the holder of run/scheduler.lock; variables excepted), anybody reads;
 *   - a reader sees the last committed transaction; task-run and the web open with DM_STORE_READ;
 *   - all results live in the arena that is passed; instants are UTC microseconds, DM_NEVER where there is none;
 *   - lists have a named limit (DM_STORE_ROWS_MAX), passing it is DM_E_LIMIT;
 *   - one store is used by one thread.
 *
 * A task instance is one task of one run (map_index -1 unless mapped).  An attempt is one process for it, with a number
 * that is never used again; a poke of a sensor and a restart are new attempts of the same try.  A step of the embedded
 * cluster has attempts too.
 */
#ifndef DM_STORE_H
#define DM_STORE_H

#include "base/time.h"
#include "lang/value.h"
#include "state/states.h"

struct dm_store;

enum dm_store_mode {
    DM_STORE_READ,  /* DM_E_NOTFOUND where there is no file yet */
    DM_STORE_WRITE, /* makes the file and its folder; brings an older schema up to date */
};

#define DM_STORE_ROWS_MAX ((size_t)1000000)

/* `path` is the project's state_path. */
int dm_store_open(const char *path, enum dm_store_mode mode, struct dm_store **ret,
                  struct dm_err *reterr) dm_nodiscard;
/* The same, and what a migration that may take long does is said, a line each. */
struct dm_store_say {
    void (*say)(void *user, const char *line);
    void *user;
};
int dm_store_open_saying(const char *path, enum dm_store_mode mode, const struct dm_store_say *say,
                         struct dm_store **ret, struct dm_err *reterr) dm_nodiscard;
void dm_store_close(struct dm_store *s); /* takes NULL */
void dm_store_closep(struct dm_store **s);
#define _cleanup_store_ DM_CLEANUP(dm_store_closep)

/* ---- runs ---- */

#define DM_RUN_BY_ASSETS "dataset_triggered" /* Airflow's name */

struct dm_run_row {
    int64_t id;
    const char *dag_id, *run_id,
        *run_type; /* "backfill", "manual", "scheduled", DM_RUN_BY_ASSETS */
    enum dm_run_state state;
    int64_t logical_date, interval_start, interval_end;
    int64_t created_at, started_at, ended_at; /* of its present life: a rerun starts anew */
    const char *conf;                         /* JSON object */
    const char *generation;                   /* the one it runs by now */
};

struct dm_run_filter {
    const char *dag_id; /* NULL = every DAG */
    int state;          /* enum dm_run_state, -1 = any */
    int64_t from, to;   /* logical dates, both included; DM_NEVER = open */
    bool newest_first;  /* else by DAG and logical date */
    size_t limit;       /* 0 = all */
};
#define DM_RUN_FILTER_ALL ((struct dm_run_filter){.state = -1, .from = DM_NEVER, .to = DM_NEVER})

int dm_store_runs(struct dm_store *s, struct dm_arena *a, const struct dm_run_filter *f,
                  struct dm_run_row **ret, size_t *ret_n, struct dm_err *reterr) dm_nodiscard;
/* By a DAY as the command line takes it: "2010-12-05" (the run whose logical date falls on that day, the latest of
   several), an instant, or a run id.  DM_E_NOTFOUND names what is there instead. */
int dm_store_run_find(struct dm_store *s, struct dm_arena *a, const char *dag_id, struct dm_str day,
                      struct dm_run_row *ret, struct dm_err *reterr) dm_nodiscard;
/* The run of exactly this run id: 1 found, 0 none. */
int dm_store_run_named(struct dm_store *s, struct dm_arena *a, const char *dag_id,
                       struct dm_str run_id, struct dm_run_row *ret,
                       struct dm_err *reterr) dm_nodiscard;
/* The run of exactly this logical date: 1 found, 0 none. */
int dm_store_run_at(struct dm_store *s, struct dm_arena *a, const char *dag_id,
                    int64_t logical_date, struct dm_run_row *ret,
                    struct dm_err *reterr) dm_nodiscard;
/* The run before (greatest smaller logical date): 1 or 0.  `any` = manual runs count too. */
int dm_store_run_before(struct dm_store *s, struct dm_arena *a, const char *dag_id,
                        int64_t logical_date, bool any, struct dm_run_row *ret,
                        struct dm_err *reterr) dm_nodiscard;
/* The last successful run before: 1 or 0. */
int dm_store_success_before(struct dm_store *s, struct dm_arena *a, const char *dag_id,
                            int64_t logical_date, struct dm_run_row *ret,
                            struct dm_err *reterr) dm_nodiscard;

/* Generations that the run was given, oldest first. */
struct dm_run_generation_row {
    const char *generation;
    int64_t since;
    const char *why; /* "created", "rerun", "resumed" */
};
int dm_store_run_generations(struct dm_store *s, struct dm_arena *a, int64_t run,
                             struct dm_run_generation_row **ret, size_t *ret_n,
                             struct dm_err *reterr) dm_nodiscard;
/* The normal form (JSON for dm_dag_from_json) of a generation. */
int dm_store_generation(struct dm_store *s, struct dm_arena *a, const char *digest,
                        struct dm_str *ret, struct dm_err *reterr) dm_nodiscard;

/* ---- task instances and attempts ---- */

struct dm_task_row {
    int64_t id, run;
    const char *task_id;
    int map_index; /* -1 = not mapped */
    const char *operator_name;
    enum dm_task_state state;
    int try_number;       /* of the last try begun; 0 = none yet */
    int max_tries;        /* retries that are allowed: a try whose number exceeds it is the last */
    int64_t attempt;      /* number of the last attempt, 0 = none yet */
    int64_t scheduled_at; /* when its dependencies were met */
    int64_t started_at, ended_at; /* of the last try; over all pokes of a sensor */
    int64_t due_at;               /* up_for_retry, up_for_reschedule; DM_NEVER = no time */
    const char *until_step; /* up_for_reschedule: until this step ends, or due_at; NULL = no step */
};

/* Task instances of a run, in the order in which they were made (topological). */
int dm_store_tasks(struct dm_store *s, struct dm_arena *a, int64_t run, struct dm_task_row **ret,
                   size_t *ret_n, struct dm_err *reterr) dm_nodiscard;

struct dm_attempt_row {
    int64_t number;
    int64_t run, task;   /* row ids of the run and the task instance */
    const char *task_id; /* of a step: of the task that submitted it */
    const char *step_id; /* NULL = an attempt of the task itself */
    int map_index, try_number;
    enum dm_attempt_state state;
    int pid;
    uint64_t pid_start;                    /* start time of that process, from /proc, in ticks */
    int64_t decided_at, code_at, ended_at; /* decision; first line of the task's own code; end */
    int exit_status;                       /* 0..255, 128 + signal, -1 = not ended or lost */
    int error_code;                        /* enum dm_code, 0 = none */
    const char *error, *error_detail, *error_hint; /* NULL = none */
    const char *error_place;                       /* "file:line:col", or NULL */
    const char *log_path;                          /* relative to the project */
    const char *generation;
    int64_t cpu_us, peak_kb; /* of its processes, as far as known; 0 = not known */
    const char
        *end_as; /* somebody asked for its end: what its task or step becomes; NULL = nobody */
};

/* Attempts by number: of a run (run != 0), of one task (task_id) and one try (try_number > 0).  Steps included. */
struct dm_attempt_filter {
    int64_t run;
    const char *task_id;
    int map_index;  /* -1 = any */
    int try_number; /* 0 = all */
    bool running;   /* only those recorded as running */
};
int dm_store_attempts(struct dm_store *s, struct dm_arena *a, const struct dm_attempt_filter *f,
                      struct dm_attempt_row **ret, size_t *ret_n,
                      struct dm_err *reterr) dm_nodiscard;
/* One attempt by number: 1 or 0. */
int dm_store_attempt(struct dm_store *s, struct dm_arena *a, int64_t number,
                     struct dm_attempt_row *ret, struct dm_err *reterr) dm_nodiscard;

/* When a task instance first looked, in the tries from..to (both included): the decision of its first attempt.  1 or 0. */
int dm_store_first_look(struct dm_store *s, int64_t task, int from, int to, int64_t *ret,
                        struct dm_err *reterr) dm_nodiscard;

/* ---- what attempts reported ---- */

struct dm_ledger_row {
    int64_t attempt;
    const char *task_id, *step_id; /* step_id NULL = the task itself */
    int try_number;
    bool
        current; /* of the task's (or step's) last attempt that succeeded: what the run's equation counts */
    bool write;
    const char *dataset, *note; /* note may be NULL */
    int64_t rows, bytes, files; /* -1 = not known */
};
/* Of a run (attempt 0) or of one attempt, in the order of the reports. */
int dm_store_ledger(struct dm_store *s, struct dm_arena *a, int64_t run, int64_t attempt,
                    struct dm_ledger_row **ret, size_t *ret_n, struct dm_err *reterr) dm_nodiscard;

struct dm_check_row {
    int64_t attempt;
    const char *task_id;
    int try_number;
    bool current;
    const char *name;
    bool passed;
    const char *expected, *got, *note; /* NULL = not given */
    const char *rows;                  /* JSON list of failing rows, or NULL */
    const char *sql;                   /* that finds them, or that gave what was got; or NULL */
};
int dm_store_checks(struct dm_store *s, struct dm_arena *a, int64_t run, int64_t attempt,
                    struct dm_check_row **ret, size_t *ret_n, struct dm_err *reterr) dm_nodiscard;

/* The rendered fields (JSON object) of an attempt, or of a task's latest attempt: 1 or 0. */
int dm_store_rendered(struct dm_store *s, struct dm_arena *a, int64_t attempt, struct dm_str *ret,
                      struct dm_err *reterr) dm_nodiscard;

struct dm_xcom_row {
    const char *task_id;
    int map_index;
    const char *key, *value; /* value: JSON */
    int64_t attempt, at;
};
int dm_store_xcoms(struct dm_store *s, struct dm_arena *a, int64_t run, struct dm_xcom_row **ret,
                   size_t *ret_n, struct dm_err *reterr) dm_nodiscard;
/* XComs of a run with this key; their task instances by row id. */
struct dm_xcom_of_key {
    int64_t task;
    struct dm_str value; /* JSON */
};
int dm_store_xcoms_of_key(struct dm_store *s, struct dm_arena *a, int64_t run, const char *key,
                          struct dm_xcom_of_key **ret, size_t *ret_n,
                          struct dm_err *reterr) dm_nodiscard;
/* One value as JSON text: 1 found, 0 not there. */
int dm_store_xcom(struct dm_store *s, struct dm_arena *a, const char *dag_id, const char *run_id,
                  struct dm_str task_id, int map_index, struct dm_str key, struct dm_str *ret,
                  struct dm_err *reterr) dm_nodiscard;
/* Of those wanted the one that came last: 1 found, 0 not there. */
struct dm_xcom_query {
    const char *dag_id, *run_id;
    struct dm_str task_id, key; /* without p: any */
    int64_t
        until; /* of the newest run up to this logical date that has one; DM_NEVER = of run_id */
    int map_index; /* below -1: of any instance */
};
struct dm_xcom_newest {
    struct dm_str run_id, task_id, key, value; /* value: JSON */
    int map_index;
};
int dm_store_xcom_newest(struct dm_store *s, struct dm_arena *a, const struct dm_xcom_query *q,
                         struct dm_xcom_newest *ret, struct dm_err *reterr) dm_nodiscard;
/* The values of this key of all instances of a task, by map index. */
struct dm_xcom_of_task {
    int map_index;
    struct dm_str value; /* JSON */
};
int dm_store_xcoms_of_task(struct dm_store *s, struct dm_arena *a, const char *dag_id,
                           const char *run_id, struct dm_str task_id, struct dm_str key,
                           struct dm_xcom_of_task **ret, size_t *ret_n,
                           struct dm_err *reterr) dm_nodiscard;

/* Files from outside that the runs of a DAG read, by logical date and source; `from` and `to` both included. */
struct dm_input_row {
    int64_t logical_date;
    const char *source, *identity; /* relative to the project; as conn/input.h says */
};
int dm_store_inputs(struct dm_store *s, struct dm_arena *a, const char *dag_id, int64_t from,
                    int64_t to, struct dm_input_row **ret, size_t *ret_n,
                    struct dm_err *reterr) dm_nodiscard;

struct dm_event_row {
    int64_t id, at;
    enum dm_event_kind kind;
    const char *dag_id, *run_id, *task_id; /* NULL = not about one */
    int map_index;
    int64_t attempt;  /* 0 = not about one */
    const char *data; /* JSON object */
};
/* Events after that id, oldest first; dag_id and run_id may be NULL; limit 0 = all. */
int dm_store_events(struct dm_store *s, struct dm_arena *a, int64_t after, const char *dag_id,
                    const char *run_id, size_t limit, struct dm_event_row **ret, size_t *ret_n,
                    struct dm_err *reterr) dm_nodiscard;

/* ---- the embedded cluster ---- */

struct dm_step_row {
    const char *id; /* "s-" and 13 of A-Z0-9 */
    const char *cluster_id, *name, *jar;
    const char *args; /* JSON list of strings */
    const char *action_on_failure;
    enum dm_step_state state;
    const char *reason_code, *reason_message; /* StateChangeReason; NULL = none */
    const char *dag_id, *run_id, *task_id;    /* who submitted it */
    int map_index, try_number, index;         /* index in its batch, from 0 */
    int64_t seq;                              /* order of submission on all clusters */
    int64_t created_at, started_at, ended_at;
    int64_t run, task, attempt; /* row ids; number of its last attempt, 0 = none */
    const char *log_path;       /* of its last attempt; NULL = none */
};
/* One step: 1 found, 0 not there (cluster_id NULL = any). */
int dm_store_step(struct dm_store *s, struct dm_arena *a, const char *cluster_id,
                  struct dm_str step_id, struct dm_step_row *ret,
                  struct dm_err *reterr) dm_nodiscard;
/* By order of submission: of a cluster (or NULL), of a run (or 0), not finished ones only. */
int dm_store_steps(struct dm_store *s, struct dm_arena *a, const char *cluster_id, int64_t run,
                   bool unfinished, struct dm_step_row **ret, size_t *ret_n,
                   struct dm_err *reterr) dm_nodiscard;

/* ---- variables ---- */

struct dm_variable_row {
    const char *key, *value;
    int64_t updated_at;
};
int dm_store_variables(struct dm_store *s, struct dm_arena *a, struct dm_variable_row **ret,
                       size_t *ret_n, struct dm_err *reterr) dm_nodiscard;
/* 1 found, 0 not there. */
int dm_store_variable_get(struct dm_store *s, struct dm_arena *a, struct dm_str key,
                          struct dm_str *ret, struct dm_err *reterr) dm_nodiscard;
/* The only write outside the deciding process; waits up to 10 s for its turn. */
int dm_store_variable_set(struct dm_store *s, struct dm_str key, struct dm_str value, int64_t now,
                          struct dm_err *reterr) dm_nodiscard;
/* 1 deleted, 0 not there. */
int dm_store_variable_delete(struct dm_store *s, struct dm_str key,
                             struct dm_err *reterr) dm_nodiscard;

/* ---- pools ---- */

#define DM_POOL_DEFAULT "default_pool" /* always there */
enum { DM_POOL_DEFAULT_SLOTS = 128 };  /* unless it was set */

struct dm_pool_row {
    const char *name;
    int slots; /* -1 = without limit */
    const char *description;
};
/* By name. */
int dm_store_pools(struct dm_store *s, struct dm_arena *a, struct dm_pool_row **ret, size_t *ret_n,
                   struct dm_err *reterr) dm_nodiscard;
/* Like variables these may be written by anybody; whoever decides looks at them once a second. */
int dm_store_pool_set(struct dm_store *s, const struct dm_pool_row *pool,
                      struct dm_err *reterr) dm_nodiscard;
/* 1 deleted, 0 not there; the default pool is DM_E_INVALID. */
int dm_store_pool_delete(struct dm_store *s, const char *name, struct dm_err *reterr) dm_nodiscard;

/* ---- objects ---- */

struct dm_object_row {
    const char *task_id;
    int map_index, step_index; /* step_index -1 = written by the task itself */
    const char *bucket, *key;
    int64_t bytes; /* -1 = not known */
    bool complete; /* false: announced, and perhaps not written */
};
/* Objects that the attempts of a run recorded. */
int dm_store_objects(struct dm_store *s, struct dm_arena *a, const char *dag_id, const char *run_id,
                     struct dm_object_row **ret, size_t *ret_n, struct dm_err *reterr) dm_nodiscard;

#endif
