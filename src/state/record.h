/*
 * What the deciding process writes (sched/): every function but the first four needs an open transaction.
 *
 * The rows that are passed in are the caller's memory of the store: a function that changes a row of the store changes
 * the struct too, after the statement succeeded.  A transaction that fails leaves structs ahead of the store; the loop
 * then ends, and the next one reads everything anew.
 */
#ifndef DM_RECORD_H
#define DM_RECORD_H

#include "state/store.h"

/* `durable`: the commit survives a power cut (synchronous FULL), for remote and step ids. */
int dm_store_begin(struct dm_store *s, bool durable, struct dm_err *reterr) dm_nodiscard;
int dm_store_commit(struct dm_store *s, struct dm_err *reterr) dm_nodiscard;
void dm_store_rollback(struct dm_store *s); /* nothing open is fine */
bool dm_store_in_transaction(const struct dm_store *s);

/* ---- runs ---- */

/* Stores a generation if it is new. */
int dm_record_generation(struct dm_store *s, const char *digest, const char *dag_id,
                         struct dm_str normal, int64_t now, struct dm_err *reterr) dm_nodiscard;
/* Makes a run in the state given; sets r->id and r->created_at.  DM_E_EXISTS where the day has one. */
int dm_record_run(struct dm_store *s, struct dm_run_row *r, int64_t now,
                  struct dm_err *reterr) dm_nodiscard;
/* The only writer of a run's state: one row must change.  Sets started_at (to RUNNING) and ended_at (finished). */
int dm_run_set_state(struct dm_store *s, struct dm_run_row *r, enum dm_run_state to, int64_t now,
                     struct dm_err *reterr) dm_nodiscard;
/* A new generation (stored before), and why; the strings must outlive the row. */
int dm_record_run_generation(struct dm_store *s, struct dm_run_row *r, const char *digest,
                             const char *why, int64_t now, struct dm_err *reterr) dm_nodiscard;
/* A command takes the run over, as Airflow's backfill does: the run id stays. */
int dm_record_run_taken(struct dm_store *s, struct dm_run_row *r, const char *run_type,
                        const char *conf, struct dm_err *reterr) dm_nodiscard;
/* Whether a run before that logical date has the task: 1 or 0. */
int dm_store_task_in_past(struct dm_store *s, const char *dag_id, int64_t logical_date,
                          const char *task_id, struct dm_err *reterr) dm_nodiscard;

/* ---- task instances ---- */

/* A new task instance in state none; sets t->id. */
int dm_record_task(struct dm_store *s, struct dm_task_row *t, struct dm_err *reterr) dm_nodiscard;
/* An instance with map_index -1 becomes the one with that index. */
int dm_record_map_index(struct dm_store *s, struct dm_task_row *t, int map_index,
                        struct dm_err *reterr) dm_nodiscard;

/* It may be tried so often, before it is put back to none. */
int dm_record_task_tries(struct dm_store *s, struct dm_task_row *t, int max_tries,
                         struct dm_err *reterr) dm_nodiscard;

/* What a change of state sets beside the state.  Begin with dm_task_change_of(t): everything as it is. */
struct dm_task_change {
    int try_number, max_tries;
    int64_t attempt, scheduled_at, started_at, ended_at, due_at;
    const char *until_step;
};
struct dm_task_change dm_task_change_of(const struct dm_task_row *t);
/* It ends now as `to` and waits for nothing; to NONE: as if it had not begun. */
struct dm_task_change dm_task_change_ended(const struct dm_task_row *t, enum dm_task_state to,
                                           int64_t now);
/*
 * The only writer of a task instance's state: one conditional UPDATE (state and attempt as the row says) that must
 * change one row, and one event.  A change that state.def does not list is a mistake of ours (DM_BUG); no row changed
 * is DM_E_CONFLICT: somebody else wrote without the right to decide.
 */
int dm_task_set_state(struct dm_store *s, struct dm_task_row *t, enum dm_task_state to,
                      const struct dm_task_change *c, int64_t now,
                      struct dm_err *reterr) dm_nodiscard;

/* ---- attempts and what they report ---- */

/* A new attempt, recorded as running, without a process yet; sets at->number and, from `log_dir`, at->log_path:
   "log_dir/NUMBER.log". */
int dm_record_attempt(struct dm_store *s, struct dm_arena *a, struct dm_attempt_row *at,
                      const char *log_dir, struct dm_err *reterr) dm_nodiscard;
int dm_record_attempt_process(struct dm_store *s, int64_t number, int pid, uint64_t pid_start,
                              struct dm_err *reterr) dm_nodiscard;
int dm_record_attempt_code(struct dm_store *s, int64_t number, int64_t code_at,
                           struct dm_err *reterr) dm_nodiscard;
/* Its end was asked for: its task (or step) becomes `state`, by name, whatever its process says. */
int dm_record_attempt_end_as(struct dm_store *s, int64_t number, const char *state,
                             struct dm_err *reterr) dm_nodiscard;
/* How it ended; error NULL = none; exit_status -1 = not known.  At most one row, once. */
struct dm_attempt_end {
    enum dm_attempt_state state;
    int exit_status;
    const struct dm_err *error;
    int64_t at, cpu_us, peak_kb;
};
int dm_record_attempt_end(struct dm_store *s, int64_t number, const struct dm_attempt_end *e,
                          struct dm_err *reterr) dm_nodiscard;
int dm_record_lost(struct dm_store *s, int64_t run, int64_t task, int64_t number, const char *why,
                   int64_t now, struct dm_err *reterr) dm_nodiscard;

int dm_record_ledger(struct dm_store *s, int64_t attempt, const struct dm_ledger_row *l,
                     struct dm_err *reterr) dm_nodiscard;
int dm_record_check(struct dm_store *s, int64_t attempt, const struct dm_check_row *c,
                    struct dm_err *reterr) dm_nodiscard;
int dm_record_rendered(struct dm_store *s, int64_t attempt, struct dm_str fields,
                       struct dm_err *reterr) dm_nodiscard;
int dm_record_xcom(struct dm_store *s, int64_t task, int64_t attempt, struct dm_str key,
                   struct dm_str value, int64_t now, struct dm_err *reterr) dm_nodiscard;
/* At the start of every attempt, as in Airflow. */
int dm_record_xcom_clear(struct dm_store *s, int64_t task, struct dm_err *reterr) dm_nodiscard;
/* A file from outside that the task instance reads; cleared with the XComs. */
int dm_record_input(struct dm_store *s, int64_t task, struct dm_str source, struct dm_str identity,
                    struct dm_err *reterr) dm_nodiscard;
int dm_record_inputs_clear(struct dm_store *s, int64_t task, struct dm_err *reterr) dm_nodiscard;
int dm_record_remote_id(struct dm_store *s, int64_t attempt, struct dm_str system, struct dm_str id,
                        int64_t now, struct dm_err *reterr) dm_nodiscard;

/* Objects of a task instance (step_index -1) or of one of its steps. */
int dm_record_intent(struct dm_store *s, int64_t task, int step_index, struct dm_str bucket,
                     struct dm_str key, struct dm_err *reterr) dm_nodiscard;
int dm_record_object(struct dm_store *s, int64_t task, int step_index, struct dm_str bucket,
                     struct dm_str key, int64_t bytes, struct dm_err *reterr) dm_nodiscard;
/* Forgets them all: before what a successful attempt wrote is recorded. */
int dm_record_objects_clear(struct dm_store *s, int64_t task, int step_index,
                            struct dm_err *reterr) dm_nodiscard;
/* The files of the embedded cluster that a run's steps recorded (bucket "") are gone. */
int dm_record_cluster_files_gone(struct dm_store *s, int64_t run,
                                 struct dm_err *reterr) dm_nodiscard;
int dm_store_task_objects(struct dm_store *s, struct dm_arena *a, int64_t task, int step_index,
                          struct dm_object_row **ret, size_t *ret_n,
                          struct dm_err *reterr) dm_nodiscard;

/* A vendor's file that became an object. */
struct dm_landing_row {
    const char *source, *identity, *bucket, *key;
};
int dm_record_landing(struct dm_store *s, const char *dag_id, const char *task_id,
                      struct dm_str source, struct dm_str identity, struct dm_str bucket,
                      struct dm_str key, int64_t now, struct dm_err *reterr) dm_nodiscard;
/* The newest `limit` landings of a task of a DAG, over all its runs. */
int dm_store_landings(struct dm_store *s, struct dm_arena *a, const char *dag_id,
                      const char *task_id, size_t limit, struct dm_landing_row **ret, size_t *ret_n,
                      struct dm_err *reterr) dm_nodiscard;

/* ---- the embedded cluster ---- */

enum { DM_STEPS_MAX = 256 }; /* of a batch, and unfinished on one cluster, as on EMR */

struct dm_step_new {
    const char *name, *jar, *action_on_failure;
    const char *args; /* JSON list of strings */
};
/* A batch of a task instance's try, PENDING.  A repeat returns the ids of the first time; they are derived from
   (dag, run, task, map index, try, index). */
int dm_record_steps(struct dm_store *s, struct dm_arena *a, const struct dm_run_row *run,
                    const struct dm_task_row *task, const char *cluster_id,
                    const struct dm_step_new *steps, size_t n, int64_t now, const char ***ret_ids,
                    struct dm_err *reterr) dm_nodiscard;
/* The only writer of a step's state: one row must change.  reason_code and reason_message may be NULL. */
int dm_step_set_state(struct dm_store *s, struct dm_step_row *step, enum dm_step_state to,
                      int64_t attempt, const char *reason_code, const char *reason_message,
                      int64_t now, struct dm_err *reterr) dm_nodiscard;

#endif
