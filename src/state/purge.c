/* Removing runs, what belongs to them, and their log files. */
#include "state/purge.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "state/db.h"
#include "state/record.h"

/* `r` is needed by `u`, an unfinished run: nothing that counts lies between them. */
#define UNFINISHED_AFTER                                                                           \
    "EXISTS (SELECT 1 FROM run u INDEXED BY run_unfinished WHERE u.dag_id = r.dag_id AND u.state " \
    "IN ('queued', 'running')"                                                                     \
    " AND u.logical_date > r.logical_date AND NOT EXISTS (SELECT 1 FROM run m"                     \
    " WHERE m.dag_id = r.dag_id AND m.logical_date > r.logical_date"                               \
    " AND m.logical_date < u.logical_date AND "
#define NEWER                                                                                    \
    "EXISTS (SELECT 1 FROM run n WHERE n.dag_id = r.dag_id AND n.logical_date > r.logical_date " \
    "AND "

static const char next_run[] =
    "SELECT r.id, r.dag_id, r.run_id, r.logical_date, r.ended_at, r.state,"
    " (SELECT count(*) FROM task_instance t WHERE t.run = r.id),"
    " (SELECT count(*) FROM attempt a WHERE a.run = r.id)"
    " FROM run r WHERE r.ended_at IS NOT NULL AND (r.ended_at, r.id) > (?1, ?2)"
    " AND r.ended_at < ?3 AND r.logical_date < ?4 AND (?5 IS NULL OR r.dag_id = ?5)"
    " AND r.state IN ('success', 'failed')"
    " AND (SELECT 1 FROM run n WHERE n.dag_id = r.dag_id AND n.logical_date > r.logical_date"
    "      LIMIT 1 OFFSET ?6 - 1) IS NOT NULL"
    " AND (r.run_type = 'manual' OR " NEWER "n.run_type <> 'manual'))"
    " AND (r.state <> 'success' OR " NEWER "n.state = 'success'))"
    " AND NOT " UNFINISHED_AFTER "(r.run_type = 'manual' OR m.run_type <> 'manual')))"
    " AND (r.state <> 'success' OR NOT " UNFINISHED_AFTER "m.state = 'success')))"
    " ORDER BY r.ended_at, r.id LIMIT 1";

int dm_purge_next(struct dm_store *s, struct dm_arena *a, struct dm_purge *p,
                  struct dm_purge_run *ret, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr, next_run, "iiiiti", p->after_ended, p->after_run,
                       p->ended_before == DM_NEVER ? INT64_MAX : p->ended_before,
                       p->before == DM_NEVER ? INT64_MAX : p->before, p->dag_id,
                       (int64_t)(p->keep_last > 1 ? p->keep_last : 1)));
    int rc = dm_db_next(s, q, reterr);
    if (rc <= 0)
        return rc;
    *ret = (struct dm_purge_run){.run = sqlite3_column_int64(q, 0),
                                 .dag_id = dm_db_text(a, q, 1),
                                 .run_id = dm_db_text(a, q, 2),
                                 .logical_date = sqlite3_column_int64(q, 3),
                                 .ended_at = sqlite3_column_int64(q, 4),
                                 .tasks = sqlite3_column_int64(q, 6),
                                 .attempts = sqlite3_column_int64(q, 7)};
    ret->state = dm_str_is(dm_db_str(a, q, 5), "success") ? DM_RUN_SUCCESS : DM_RUN_FAILED;
    p->after_ended = ret->ended_at;
    p->after_run = ret->run;
    return 1;
}

/* Children before what they name. */
static int delete_run(struct dm_store *s, int64_t run, struct dm_purged *sum, struct dm_err *reterr)
{
#define OF_ATTEMPTS " WHERE attempt IN (SELECT number FROM attempt WHERE run = ?)"
#define OF_TASKS " WHERE task IN (SELECT id FROM task_instance WHERE run = ?)"
#define UNQUEUED " AND delivered = 1 AND uri NOT IN (SELECT uri FROM asset_queue)"
    static const char *const others[] = {
        "INSERT OR IGNORE INTO log_to_remove"
        " SELECT log_path FROM attempt WHERE run = ? AND log_path <> ''",
        "INSERT OR IGNORE INTO log_to_remove"
        " SELECT log_path FROM callback WHERE run = ? AND log_path <> ''",
        "DELETE FROM callback WHERE run = ?",
        "DELETE FROM ledger" OF_ATTEMPTS,
        "DELETE FROM data_check" OF_ATTEMPTS,
        "DELETE FROM rendered" OF_ATTEMPTS,
        "DELETE FROM remote_id" OF_ATTEMPTS,
        "DELETE FROM xcom" OF_TASKS,
        "DELETE FROM object" OF_TASKS,
        "DELETE FROM input" OF_TASKS,
        /* What a DAG still waits to run for, or has a run for, is kept, without its origin. */
        "DELETE FROM asset_event WHERE run IS NULL AND id IN (SELECT event FROM run_asset_event"
        " WHERE run = ?1) AND NOT EXISTS (SELECT 1 FROM run_asset_event WHERE event ="
        " asset_event.id AND run <> ?1)" UNQUEUED,
        "DELETE FROM run_asset_event WHERE run = ?",
        "DELETE FROM asset_event WHERE run = ?" UNQUEUED
        " AND NOT EXISTS (SELECT 1 FROM run_asset_event WHERE event = asset_event.id)",
        "UPDATE asset_event SET run = NULL, task = NULL WHERE run = ?",
        "DELETE FROM attempt WHERE run = ?",
        "DELETE FROM step WHERE batch IN (SELECT id FROM step_batch WHERE run = ?)",
        "DELETE FROM step_batch WHERE run = ?",
        "DELETE FROM task_instance WHERE run = ?",
        "DELETE FROM run_generation WHERE run = ?",
        "DELETE FROM run WHERE id = ?",
    };
#undef OF_ATTEMPTS
#undef OF_TASKS
#undef UNQUEUED
    int events = dm_db_exec(s, reterr, "DELETE FROM event WHERE run = ?", "i", run);
    DM_TRY(events);
    sum->events += events;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        DM_TRY(dm_db_exec(s, reterr, others[i], "i", run));
    return 0;
}

static int delete_runs(struct dm_store *s, struct dm_purge *p, int64_t tasks, struct dm_purged *sum,
                       struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_purge_run run;
    for (int64_t gone = 0; gone < tasks; gone += run.tasks + 1) {
        int found = dm_purge_next(s, &a, p, &run, reterr);
        if (found <= 0)
            return found;
        DM_TRY(delete_run(s, run.run, sum, reterr));
        sum->runs++;
        sum->tasks += run.tasks;
        sum->attempts += run.attempts;
    }
    return 1;
}

/* What `rc` says about the open transaction: commits it, or takes it back. */
static int end(struct dm_store *s, int rc, struct dm_err *reterr)
{
    if (rc < 0) {
        dm_store_rollback(s);
        return rc;
    }
    DM_TRY(dm_store_commit(s, reterr));
    return rc;
}

int dm_purge_runs(struct dm_store *s, struct dm_purge *p, int64_t tasks, struct dm_purged *sum,
                  struct dm_err *reterr)
{
    struct dm_purge place = *p;
    struct dm_purged added = *sum;
    DM_TRY(dm_store_begin(s, false, reterr));
    int rc = end(s, delete_runs(s, &place, tasks, &added, reterr), reterr);
    if (rc < 0)
        return rc;
    *p = place;
    *sum = added;
    return rc;
}

int dm_purge_generations(struct dm_store *s, int64_t used_before, int64_t limit,
                         struct dm_purged *sum, struct dm_err *reterr)
{
    int n = dm_db_exec(
        s, reterr,
        "DELETE FROM generation WHERE id IN (SELECT g.id FROM generation g WHERE g.used_at < ?"
        " AND NOT EXISTS (SELECT 1 FROM run WHERE generation = g.id)"
        " AND NOT EXISTS (SELECT 1 FROM run_generation WHERE generation = g.id)"
        " AND NOT EXISTS (SELECT 1 FROM attempt WHERE generation = g.id)"
        " AND EXISTS (SELECT 1 FROM generation n WHERE n.dag_id = g.dag_id"
        "  AND n.used_at >= g.used_at AND (n.used_at > g.used_at OR n.id > g.id)) LIMIT ?)",
        "ii", used_before == DM_NEVER ? INT64_MAX : used_before, limit);
    DM_TRY(n);
    sum->generations += n;
    return n == limit;
}

/* ---- log files ---- */

/* A name that we wrote: below logs/, without a way out. */
static bool is_log_name(const char *path)
{
    struct dm_str rest = dm_str_c(path), piece;
    if (!dm_str_starts(rest, DM_STR("logs/")))
        return false;
    while (dm_str_split(&rest, '/', &piece))
        if (dm_str_is(piece, "..") || piece.len == 0)
            return false;
    return true;
}

static int remove_log(const char *project_dir, const char *path, struct dm_purged *sum,
                      struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct stat st;
    if (!is_log_name(path))
        return 0;
    const char *file = dm_path_join(&a, project_dir, path);
    bool there = lstat(file, &st) == 0;
    if (there && unlink(file) < 0 && errno != ENOENT)
        return dm_err_errno(reterr, errno, "could not remove the log \"%s\"", path);
    if (there) {
        sum->logs++;
        sum->log_bytes += (int64_t)st.st_blocks * 512;
    }
    /* Folders that are empty now go, logs/ itself excepted.  The loop makes those of an attempt when it opens its log. */
    for (const char *dir = dm_path_dir(&a, path); strchr(dir, '/'); dir = dm_path_dir(&a, dir))
        if (rmdir(dm_path_join(&a, project_dir, dir)) < 0 && errno != ENOENT)
            break;
    return 0;
}

static int forget_logs(struct dm_store *s, const char *const *paths, size_t n,
                       struct dm_err *reterr)
{
    for (size_t i = 0; i < n; i++)
        DM_TRY(dm_db_exec(s, reterr, "DELETE FROM log_to_remove WHERE path = ?", "t", paths[i]));
    return 0;
}

int dm_purge_log_files(struct dm_store *s, const char *project_dir, int64_t limit,
                       struct dm_purged *sum, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_db_list l = DM_DB_LIST(&a, const char *);
    {
        _cleanup_query_ sqlite3_stmt *q = NULL;
        int rc;
        DM_TRY(dm_db_query(s, &q, reterr, "SELECT path FROM log_to_remove LIMIT ?", "i", limit));
        while ((rc = dm_db_next(s, q, reterr)) == 1) {
            const char **path = dm_db_list_add(&l, reterr);
            if (!path)
                return DM_E_LIMIT;
            *path = dm_db_text(&a, q, 0);
        }
        DM_TRY(rc);
    }
    if (l.n == 0)
        return 0;
    const char **paths = l.rows;
    for (size_t i = 0; i < l.n; i++)
        DM_TRY(remove_log(project_dir, paths[i], sum, reterr));
    DM_TRY(dm_store_begin(s, false, reterr));
    DM_TRY(end(s, forget_logs(s, paths, l.n, reterr), reterr));
    return (int64_t)l.n == limit;
}
