/*
 * Callbacks as the store keeps them: a row for each, made in the transaction of the change that it follows, so that a
 * crash loses none.  What it does stands in its generation: the callback at `position` among those with `key` of the
 * task, or of the DAG.
 */
#ifndef DM_STATE_CALLBACK_H
#define DM_STATE_CALLBACK_H

#include "state/record.h"

struct dm_callback_row {
    int64_t id;
    const char *dag_id, *run_id;
    int64_t run, task;   /* row ids; task 0 = of the run itself */
    const char *task_id; /* NULL = of the run itself */
    int map_index, max_tries;
    const char *key; /* "on_failure_callback" */
    int position;    /* from 0 */
    const char *generation;
    const char *task_state; /* that the task had come to; NULL = of the run itself */
    int try_number;
    const char *exception, *reason; /* NULL = there is none */
    enum dm_callback_state state;
    int starts; /* processes that were started for it: more than one after a crash */
    int pid;
    uint64_t pid_start;
    int64_t created_at, started_at, ended_at;
    const char *error;    /* of a failed one, or NULL */
    const char *log_path; /* relative to the project; "" = it was removed by age */
};

/* Those of a run, or (run 0) all that are pending or running, in the order in which they were made. */
int dm_store_callbacks(struct dm_store *s, struct dm_arena *a, int64_t run,
                       struct dm_callback_row **ret, size_t *ret_n,
                       struct dm_err *reterr) dm_nodiscard;

/* A new one, pending; sets c->id, and from `log_dir` c->log_path: "log_dir/callback-ID.log". */
int dm_record_callback(struct dm_store *s, struct dm_arena *a, struct dm_callback_row *c,
                       const char *log_dir, int64_t now, struct dm_err *reterr) dm_nodiscard;
/* The only writer of its state: one row must change.  RUNNING counts a start; `error` is of FAILED, NULL = none. */
int dm_callback_set_state(struct dm_store *s, struct dm_callback_row *c, enum dm_callback_state to,
                          const char *error, int64_t now, struct dm_err *reterr) dm_nodiscard;
int dm_record_callback_process(struct dm_store *s, int64_t id, int pid, uint64_t pid_start,
                               struct dm_err *reterr) dm_nodiscard;

#endif
