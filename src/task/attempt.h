/*
 * One attempt, seen from inside: what an operator may use to work and to report.  Everything it reports goes up the
 * socket to the process that decides; nothing is written to the store here.  One thread.
 *
 * The order of a write that a crash cannot make stale: dm_attempt_intend (returns when the names are stored), write
 * the objects whole, dm_attempt_wrote for each.  What an earlier attempt recorded and this one did not write is deleted
 * when it succeeds (dm_attempt_delete_stale, called by task_run.c).
 */
#ifndef DM_ATTEMPT_H
#define DM_ATTEMPT_H

#include "conn/cluster.h"
#include "conn/lake.h"
#include "conn/pg.h"
#include "proc/wire.h"
#include "task/order.h"

struct dm_store; /* state/store.h */

struct dm_attempt {
    struct dm_arena *arena;       /* of the attempt */
    const struct dm_order *order; /* NULL in step-run, which reports through the same functions */
    const struct dm_project *project;
    const struct dm_value *args; /* the operator's fields, rendered */
    const char *operator_class; /* Airflow's name of the operator: "BashOperator"; NULL = unknown */
    int fd;                     /* the socket to the parent */
    struct dm_value *written;   /* list of objects written so far: goes into the result */
    struct dm_value *intended;  /* list of those announced */
    struct dm_lake *lake;       /* the one opened last */
    struct dm_store *store;     /* read-only, opened at first use by dm_attempt_store */
    /* Set by a sensor that waits (DM_RESULT_RESCHEDULE). */
    bool reschedule;
    const char *until_step;
    int64_t until_time;
    const char
        *waits_for; /* what is not there yet, a sentence without its full stop; NULL = not said */
    bool no_retry;  /* fail without another try */
    const struct dm_value
        *decision;         /* what is left out behind it (sched/decision.h); NULL = nothing */
    int64_t progress_at;   /* of the last report of progress, monotonic */
    struct dm_strbuf held; /* reports on their way */
};

/* Connections of the project by id.  A session is the caller's to close (dm_pg_close); a lake lives in the arena. */
int dm_attempt_conn(struct dm_attempt *at, struct dm_str id, struct dm_connection *ret,
                    struct dm_err *reterr) dm_nodiscard;
int dm_attempt_sql(struct dm_attempt *at, struct dm_str conn_id, struct dm_pg **ret,
                   struct dm_err *reterr) dm_nodiscard;
int dm_attempt_lake(struct dm_attempt *at, struct dm_str conn_id, struct dm_lake **ret,
                    struct dm_err *reterr) dm_nodiscard;
int dm_attempt_store(struct dm_attempt *at, struct dm_store **ret,
                     struct dm_err *reterr) dm_nodiscard;
/* XComs of another task of this run, those of all instances where it is mapped: a list, empty where there is none. */
int dm_attempt_xcoms(struct dm_attempt *at, const char *task_id, const char *key,
                     const struct dm_value **ret, struct dm_err *reterr) dm_nodiscard;

/* A message of proc/wire.def as it is; frames of several threads do not mix.  What nobody waits for (RENDERED, XCOM,
   LEDGER, CHECK) goes with the next message of another kind, in order; the result is the last. */
int dm_attempt_send(struct dm_attempt *at, enum dm_wire_kind kind, const struct dm_value *body,
                    struct dm_err *reterr) dm_nodiscard;
int dm_attempt_send_text(struct dm_attempt *at, enum dm_wire_kind kind, struct dm_str json,
                         struct dm_err *reterr) dm_nodiscard;
/* Sends what waits, where no result will. */
int dm_attempt_flush(struct dm_attempt *at, struct dm_err *reterr) dm_nodiscard;

/* The last message; secrets in the error are masked in place. */
int dm_attempt_send_result(struct dm_attempt *at, struct dm_result *r,
                           struct dm_err *reterr) dm_nodiscard;

/* Reports.  Rows -1 = not known. */
int dm_attempt_ledger(struct dm_attempt *at, bool write, const char *dataset, int64_t rows,
                      int64_t bytes, int64_t files, const char *note,
                      struct dm_err *reterr) dm_nodiscard;
int dm_attempt_push_xcom(struct dm_attempt *at, const char *key, const struct dm_value *v,
                         struct dm_err *reterr) dm_nodiscard;
/* Sent at most every 100 ms, however often it is called. */
int dm_attempt_progress(struct dm_attempt *at, int64_t done, int64_t total, const char *unit,
                        struct dm_err *reterr) dm_nodiscard;
/* One check of a data-quality operator. */
struct dm_check_report {
    const char *name;
    bool passed;
    const char *expected, *got;
    const struct dm_value *rows; /* that fail, as maps; NULL = none found */
    const char *note;            /* NULL = none */
    const char *sql;             /* of a failed check: finds those rows, or gives what was got */
};
int dm_attempt_check(struct dm_attempt *at, const struct dm_check_report *check,
                     struct dm_err *reterr) dm_nodiscard;
/* Before the first byte of these objects is written: the intent is stored when this returns. */
int dm_attempt_intend(struct dm_attempt *at, const struct dm_object_name *names, size_t n,
                      struct dm_err *reterr) dm_nodiscard;
/* After an object was written whole.  A file of the embedded cluster is an object with the bucket "" and its
   path below the project ("cluster/<id>/movie/…") as key. */
void dm_attempt_wrote(struct dm_attempt *at, struct dm_object_name name, uint64_t bytes);
/* Deletes the objects of `earlier` ([{bucket, key}]) that this attempt did not write. */
int dm_attempt_delete_stale(struct dm_attempt *at, struct dm_lake *lake,
                            const struct dm_value *earlier, struct dm_err *reterr) dm_nodiscard;
/* What this attempt wrote or announced and what earlier ones recorded: the record of an attempt that did not succeed.
   In the arena given; from any thread. */
const struct dm_value *dm_attempt_record(struct dm_attempt *at, struct dm_arena *a,
                                         const struct dm_value *earlier);
/* What is known of a vendor's file from an earlier landing, for dm_lake_land; false = nothing.  `source` is the path
   as dm_project_relative gives it. */
bool dm_attempt_landing(const struct dm_attempt *at, const char *source, struct dm_landing *ret);
/* Records what a vendor's file became; an empty identity (a lake that has none) is not recorded. */
int dm_attempt_landed(struct dm_attempt *at, const char *source, const char *identity,
                      struct dm_object_name name, struct dm_err *reterr) dm_nodiscard;
/* Says that the task reads this file from outside, before it does: when the file has changed, the day is stale.  What lies
   in the run's scratch folder is no input, and a file that has no identity (conn/input.h) is not remembered. */
int dm_attempt_input(struct dm_attempt *at, const char *path, struct dm_err *reterr) dm_nodiscard;
/* Hands a batch of steps to the embedded cluster; the ids are stored when this returns. */
int dm_attempt_steps(struct dm_attempt *at, const char *cluster_id, const struct dm_value *steps,
                     const struct dm_value **ret_ids, struct dm_err *reterr) dm_nodiscard;
/* Asks for a run of another DAG; it is queued when this returns.  DM_E_NOTFOUND: no such DAG; DM_E_EXISTS: a run of that
   date or id is there and `reset` is false. */
struct dm_run_wanted {
    const char *dag_id, *run_id;
    int64_t logical_date;
    const struct dm_value *conf; /* map, or NULL */
    bool reset;                  /* a run that is there is cleared and runs again */
};
int dm_attempt_trigger(struct dm_attempt *at, const struct dm_run_wanted *what,
                       const char **ret_run_id, struct dm_err *reterr) dm_nodiscard;
/* The run's own scratch folder, run/scratch/<dag>/<run>/ (made at first use; two days never share one). */
int dm_attempt_scratch(struct dm_attempt *at, const char **ret, struct dm_err *reterr) dm_nodiscard;

#endif
