/*
 * Forgetting: what is old goes, in chunks of one transaction each, so that others are not held up.
 *
 * A run goes with its task instances, attempts, callbacks, XComs, ledgers, checks, rendered fields, steps, records of objects and
 * events; the objects themselves stay in the lake.  These runs never go:
 *   - one that is not finished;
 *   - the newest `keep_last` of a DAG, its newest that is not manual, and its last successful one, because the next
 *     run looks at them (depends_on_past, prev_…_success, where catching up goes on);
 *   - the run just before an unfinished one, for the same reason.
 *
 * The names of log files are noted in the transaction that removes their rows, and the files go after its commit: a
 * purge that is interrupted leaves a store that is whole, and the next one removes the files.
 *
 * Who calls these holds the right to decide.
 */
#ifndef DM_PURGE_H
#define DM_PURGE_H

#include "state/store.h"

struct dm_purge {
    const char *dag_id;   /* NULL = every DAG */
    int64_t before;       /* logical dates before this; DM_NEVER = any */
    int64_t ended_before; /* ended before this; DM_NEVER = any time */
    int keep_last;        /* at least 1 */
    /* Where the next chunk begins: zero at first. */
    int64_t after_ended, after_run;
};

struct dm_purged {
    int64_t runs, tasks, attempts, logs, log_bytes, events, rendered, generations, others;
};

/* A run that would go, for showing: 1, or 0 at the end. */
struct dm_purge_run {
    int64_t run;
    const char *dag_id, *run_id;
    int64_t logical_date, ended_at;
    enum dm_run_state state;
    int64_t tasks, attempts;
};
int dm_purge_next(struct dm_store *s, struct dm_arena *a, struct dm_purge *p,
                  struct dm_purge_run *ret, struct dm_err *reterr) dm_nodiscard;

/* Removes runs until `tasks` task instances are gone (one run at least), in one transaction.  1 = there may be more. */
int dm_purge_runs(struct dm_store *s, struct dm_purge *p, int64_t tasks, struct dm_purged *sum,
                  struct dm_err *reterr) dm_nodiscard;
/* Generations that no run names, last used before that instant (DM_NEVER = any time); a DAG's newest stays.  1 = more. */
int dm_purge_generations(struct dm_store *s, int64_t used_before, int64_t limit,
                         struct dm_purged *sum, struct dm_err *reterr) dm_nodiscard;
/* Removes files that were noted, and folders that are empty then; `project_dir` is what their names begin at.  1 = more. */
int dm_purge_log_files(struct dm_store *s, const char *project_dir, int64_t limit,
                       struct dm_purged *sum, struct dm_err *reterr) dm_nodiscard;

/* ---- by age, for the idle time of the scheduler ---- */

/* How long things are kept, in microseconds; 0 = for ever. */
struct dm_retention {
    int64_t runs;   /* since they ended */
    int64_t logs;   /* since their attempt or callback ended; the rows stay */
    int64_t events; /* also requests that were answered */
    int rendered;   /* rendered fields of that many newest runs of each DAG; 0 = of all */
};

/* Where the next chunk begins; zero at first.  Forgetting it only makes work. */
struct dm_retain_place {
    struct dm_purge runs;
    int64_t rendered;
};

/* One bounded piece of the work (some ten milliseconds).  1 = there may be more to do now, 0 = not. */
int dm_retain(struct dm_store *s, const char *project_dir, const struct dm_retention *keep,
              struct dm_retain_place *place, int64_t now, struct dm_purged *sum,
              struct dm_err *reterr) dm_nodiscard;

#endif
