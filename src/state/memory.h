/*
 * The scheduler's own memory: which DAGs are paused, files that do not load, what people ask for, backfills.
 *
 * Reading is anybody's.  Writing needs the right to decide and an open transaction, with two exceptions that anybody may
 * do at any time, in a transaction of their own: dm_request_add and dm_request_withdraw.
 */
#ifndef DM_MEMORY_H
#define DM_MEMORY_H

#include "state/record.h"

/* ---- DAGs ---- */

struct dm_dag_row {
    const char *dag_id;
    bool paused;
    int64_t paused_at;
    const char *file; /* in which it was seen last, or NULL */
};
/* By dag_id. */
int dm_store_dags(struct dm_store *s, struct dm_arena *a, struct dm_dag_row **ret, size_t *ret_n,
                  struct dm_err *reterr) dm_nodiscard;
/* 1 found, 0 never seen. */
int dm_store_dag(struct dm_store *s, struct dm_arena *a, const char *dag_id, struct dm_dag_row *ret,
                 struct dm_err *reterr) dm_nodiscard;
/* The first time that a DAG is seen it gets `paused`; later only its file is noted, where it is another. */
int dm_record_dag_seen(struct dm_store *s, const char *dag_id, const char *file, bool paused,
                       int64_t now, struct dm_err *reterr) dm_nodiscard;
int dm_record_dag_paused(struct dm_store *s, const char *dag_id, bool paused, int64_t now,
                         struct dm_err *reterr) dm_nodiscard;

/* The run with the latest logical date among those that a schedule or a backfill made: 1 or 0. */
int dm_store_last_automated(struct dm_store *s, struct dm_arena *a, const char *dag_id,
                            struct dm_run_row *ret, struct dm_err *reterr) dm_nodiscard;
/*
 * The active runs: those whose tasks are considered.  A scheduler that ends or dies leaves them here (their state is
 * queued meanwhile), and the next one goes on with just them.  A run that is finished is no longer among them.
 */
struct dm_active_row {
    struct dm_run_row run;
    int64_t since;    /* what dagrun_timeout counts from */
    int64_t backfill; /* what made it active; 0 = its schedule */
    int mark;         /* a person's mark that it ends with, enum dm_run_state; -1 = none */
};
/* In the order in which they became active. */
int dm_store_active_runs(struct dm_store *s, struct dm_arena *a, struct dm_active_row **ret,
                         size_t *ret_n, struct dm_err *reterr) dm_nodiscard;
/* Makes it active, or changes since when and through what it is. */
int dm_record_active(struct dm_store *s, int64_t run, int64_t since, int64_t backfill,
                     struct dm_err *reterr) dm_nodiscard;
int dm_record_active_mark(struct dm_store *s, int64_t run, enum dm_run_state mark,
                          struct dm_err *reterr) dm_nodiscard;
int dm_record_inactive(struct dm_store *s, int64_t run, struct dm_err *reterr) dm_nodiscard;

/* Queued and running ones, by logical date. */
int dm_store_unfinished_runs(struct dm_store *s, struct dm_arena *a, struct dm_run_row **ret,
                             size_t *ret_n, struct dm_err *reterr) dm_nodiscard;
/* How many of the last `n` runs have failed: n means that all have. */
int dm_store_recent_failures(struct dm_store *s, const char *dag_id, int n, int *ret,
                             struct dm_err *reterr) dm_nodiscard;

/* ---- files that do not load ---- */

struct dm_import_error_row {
    const char *file; /* relative to the project */
    int64_t at;
    const char *error; /* as `daymill check` prints it */
};
int dm_store_import_errors(struct dm_store *s, struct dm_arena *a, struct dm_import_error_row **ret,
                           size_t *ret_n, struct dm_err *reterr) dm_nodiscard;
/* NULL = the file is fine, or gone. */
int dm_record_import_error(struct dm_store *s, const char *file, const char *error, int64_t now,
                           struct dm_err *reterr) dm_nodiscard;

/* ---- requests ---- */

struct dm_request_row {
    int64_t id;
    const char *kind, *body; /* body: JSON object; sched/request.h says what is in it */
    int64_t created_at, done_at;
    const char *error;  /* JSON object of an error, or NULL */
    const char *answer; /* JSON, or NULL */
};
int dm_request_add(struct dm_store *s, const char *kind, struct dm_str body, int64_t now,
                   int64_t *ret_id, struct dm_err *reterr) dm_nodiscard;
/* 1 = taken back, 0 = somebody has done it already. */
int dm_request_withdraw(struct dm_store *s, int64_t id, struct dm_err *reterr) dm_nodiscard;
int dm_store_request(struct dm_store *s, struct dm_arena *a, int64_t id, struct dm_request_row *ret,
                     struct dm_err *reterr) dm_nodiscard;
/* Not done yet, in order. */
int dm_store_open_requests(struct dm_store *s, struct dm_arena *a, struct dm_request_row **ret,
                           size_t *ret_n, struct dm_err *reterr) dm_nodiscard;
int dm_record_request_done(struct dm_store *s, int64_t id, const char *error, const char *answer,
                           int64_t now, struct dm_err *reterr) dm_nodiscard;

/* ---- backfills ---- */

/* What a command (backfill, dags test, tasks test) does to one DAG. */
struct dm_backfill_row {
    int64_t id;
    const char *dag_id;
    const char *command; /* "backfill user_behaviour": who asked for it */
    int64_t from, to;
    const char *rerun, *run_type;
    bool backwards;
    int max_active_runs; /* 0 = the DAG's */
    const char *conf;    /* JSON object, or NULL = none given */
    const char *only_task;
    int map_index; /* of only_task; -1 = all of it */
    int64_t first; /* logical date of the first day that the command named: it ignores its past */
    const char *state; /* running, paused; then success, failed, blocked, cancelled */
    int64_t created_at, ended_at;
    size_t days, days_done; /* that it does */
};
struct dm_backfill_day_row {
    int position;
    int64_t logical_date, interval_start, interval_end;
    const char *action; /* create, resume, rerun */
    bool begun;         /* its turn has come: it is active or done, or another backfill had it */
    bool done;
};
/* Newest first; `open` = only those that have not ended; dag_id may be NULL; limit 0 = all. */
int dm_store_backfills(struct dm_store *s, struct dm_arena *a, const char *dag_id, bool open,
                       size_t limit, struct dm_backfill_row **ret, size_t *ret_n,
                       struct dm_err *reterr) dm_nodiscard;
/* 1 found, 0 not there. */
int dm_store_backfill(struct dm_store *s, struct dm_arena *a, int64_t id,
                      struct dm_backfill_row *ret, struct dm_err *reterr) dm_nodiscard;
int dm_store_backfill_days(struct dm_store *s, struct dm_arena *a, int64_t id,
                           struct dm_backfill_day_row **ret, size_t *ret_n,
                           struct dm_err *reterr) dm_nodiscard;
/* Whether the run of one of its days has failed by now: 1 or 0. */
int dm_store_backfill_failed(struct dm_store *s, int64_t id, struct dm_err *reterr) dm_nodiscard;
/* Sets b->id and b->created_at. */
int dm_record_backfill(struct dm_store *s, struct dm_backfill_row *b, int64_t now,
                       struct dm_err *reterr) dm_nodiscard;
int dm_record_backfill_day(struct dm_store *s, int64_t backfill,
                           const struct dm_backfill_day_row *d, struct dm_err *reterr) dm_nodiscard;
int dm_record_day_begun(struct dm_store *s, int64_t backfill, int64_t logical_date,
                        struct dm_err *reterr) dm_nodiscard;
/* In every open backfill of the DAG, also in those that nobody works on. */
int dm_record_day_done(struct dm_store *s, const char *dag_id, int64_t logical_date,
                       struct dm_err *reterr) dm_nodiscard;
/* The open backfills of a DAG of which every day is done. */
struct dm_backfill_done {
    int64_t id;
    bool failed; /* a run of them has */
};
int dm_store_backfills_done(struct dm_store *s, struct dm_arena *a, const char *dag_id,
                            struct dm_backfill_done **ret, size_t *ret_n,
                            struct dm_err *reterr) dm_nodiscard;
/* The only writer of its state; one that is over (success, failed, blocked, cancelled) stays so. */
int dm_record_backfill_state(struct dm_store *s, int64_t id, const char *state, int64_t now,
                             struct dm_err *reterr) dm_nodiscard;

/* The number of the newest event; 0 = none. */
int dm_store_last_event(struct dm_store *s, int64_t *ret, struct dm_err *reterr) dm_nodiscard;

/* ---- notes on runs ---- */

int dm_record_run_note(struct dm_store *s, int64_t run, const char *note,
                       struct dm_err *reterr) dm_nodiscard;
/* NULL = none. */
int dm_store_run_note(struct dm_store *s, struct dm_arena *a, int64_t run, const char **ret,
                      struct dm_err *reterr) dm_nodiscard;

#endif
