/*
 * The work order: all that one attempt needs to know, made by the process that decides (sched/) and sent down to
 * task-run; and the result that comes back.  A task-run reads no YAML and writes no store.
 */
#ifndef DM_ORDER_H
#define DM_ORDER_H

#include "base/time.h"
#include "lang/value.h"

struct dm_order {
    int64_t attempt; /* number that is never used again */
    const char *project_dir;
    const char *dag_id, *task_id, *run_id, *run_type, *operator_name;
    const char *dag_file; /* for places in errors */
    const char *schedule, *timezone, *owner;
    int map_index; /* -1 = not mapped */
    int try_number, max_tries, retries;
    int64_t logical_date, interval_start, interval_end, run_start;
    int64_t prev_interval_start_success, prev_interval_end_success, prev_start_date_success,
        prev_end_date_success;
    int64_t execution_timeout_us; /* 0 = none */
    bool native_templates, do_xcom_push;
    const char *generation;
    const struct dm_value *schedule_value; /* for the timetable of prev_ds and next_ds */
    const struct dm_value *conf, *params;  /* maps; params merged: DAG < task < conf */
    const struct dm_value *args; /* the operator's fields, not rendered, with their marks */
    /* Of a mapped task: the fields that differ -> what they are mapped over (lang/mapping.h), and the same for the
       arguments of a decorated function; NULL = none. */
    const struct dm_value *expand, *expand_kwargs;
    bool is_mapped_over; /* some task is mapped over its result, which must be a list or a map */
    const struct dm_value *files;    /* name -> text, of the run's generation */
    const struct dm_value *upstream; /* list of task ids */
    /* What templates may ask of the task and the DAG beyond all this, where it is not the default: see struct
       dm_context. */
    const struct dm_value *task_attrs, *dag_attrs;
    /* Objects that earlier attempts of this task instance recorded: [{bucket, key}].  What this attempt does not
       write again it deletes at its end. */
    const struct dm_value *earlier_objects;
    /* What is known of vendor files landed before: source -> {identity, bucket, key}. */
    const struct dm_value *landings;
    int64_t started_at; /* when the decision was made, for the latency figure */
    /* Of a sensor: the first look since it was made or cleared, and the first one of this try; DM_NEVER = none known.
       Retries do not move the first, clearing does. */
    int64_t first_look_at, try_look_at;
    /* Of a callback; NULL of a task's attempt, or where there is none: the state that the task, or the run, has come to,
       the error, and why the run ended so. */
    const char *state, *exception, *reason;
    /* What is to be done before the task: [{operator, args}], its callbacks on_execute_callback; NULL = nothing. */
    const struct dm_value *on_execute;
    /* What the run was made for: URI of an asset -> list of its events; a map. */
    const struct dm_value *triggering;
};

int dm_order_encode(struct dm_strbuf *b, const struct dm_order *o,
                    struct dm_err *reterr) dm_nodiscard;
int dm_order_decode(struct dm_arena *a, struct dm_str json, struct dm_order *ret,
                    struct dm_err *reterr) dm_nodiscard;

enum dm_result_state {
    DM_RESULT_SUCCESS,
    DM_RESULT_FAILED, /* retried where tries are left and `retry` is true */
    DM_RESULT_SKIPPED,
    DM_RESULT_RESCHEDULE, /* a sensor that waits: until a step ends, or a time comes, whichever is first */
};

struct dm_result {
    enum dm_result_state state;
    bool retry;             /* FAILED: may be tried again */
    struct dm_err error;    /* FAILED, SKIPPED (why); RESCHEDULE (what is not there yet) */
    const char *until_step; /* RESCHEDULE: step id of the embedded cluster, or NULL */
    int64_t until_time;     /* RESCHEDULE: DM_NEVER = none */
    const struct dm_value
        *objects; /* what this attempt wrote: [{bucket, key, bytes}]; replaces the record */
    const struct dm_value
        *decision; /* SUCCESS: what is left out behind it (sched/decision.h); NULL = nothing */
};

void dm_result_encode(struct dm_strbuf *b, const struct dm_result *r);
int dm_result_decode(struct dm_arena *a, struct dm_str json, struct dm_result *ret,
                     struct dm_err *reterr) dm_nodiscard;

/* The order of a step of the embedded cluster (step-run), sent the same way. */
struct dm_step_order {
    const char *project_dir, *step_id, *cluster_id, *name, *jar;
    const struct dm_value *args;            /* list of strings, rendered */
    const char *dag_id, *run_id;            /* for part names: derived from (dag, run, step) */
    int step_index;                         /* in its batch */
    const struct dm_value *earlier_objects; /* as above, of this step of this task instance */
    const char *lake_conn_id;
};
int dm_step_order_encode(struct dm_strbuf *b, const struct dm_step_order *o,
                         struct dm_err *reterr) dm_nodiscard;
int dm_step_order_decode(struct dm_arena *a, struct dm_str json, struct dm_step_order *ret,
                         struct dm_err *reterr) dm_nodiscard;

#endif
