/* DAGs as the scheduler remembers them, and files that do not load. */
#include "state/db.h"
#include "state/memory.h"

static void read_dag(struct dm_arena *a, sqlite3_stmt *q, struct dm_dag_row *d)
{
    d->dag_id = dm_db_text(a, q, 0);
    d->paused = sqlite3_column_int(q, 1) != 0;
    d->paused_at = dm_db_time(q, 2);
    d->file = dm_db_text(a, q, 3);
}

int dm_store_dags(struct dm_store *s, struct dm_arena *a, struct dm_dag_row **ret, size_t *ret_n,
                  struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_dag_row);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT dag_id, paused, paused_at, file FROM dag ORDER BY dag_id", ""));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_dag_row *d = dm_db_list_add(&l, reterr);
        if (!d)
            return DM_E_LIMIT;
        read_dag(a, q, d);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_store_dag(struct dm_store *s, struct dm_arena *a, const char *dag_id, struct dm_dag_row *ret,
                 struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT dag_id, paused, paused_at, file FROM dag WHERE dag_id = ?", "t",
                       dag_id));
    int rc = dm_db_next(s, q, reterr);
    if (rc == 1)
        read_dag(a, q, ret);
    return rc;
}

int dm_record_dag_seen(struct dm_store *s, const char *dag_id, const char *file, bool paused,
                       int64_t now, struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr,
                      "INSERT INTO dag (dag_id, paused, file, seen_at, paused_at)"
                      " VALUES (?1, ?3, ?2, ?4, iif(?3, ?4, NULL))"
                      " ON CONFLICT (dag_id) DO UPDATE SET file = excluded.file"
                      " WHERE file IS NOT excluded.file",
                      "ttii", dag_id, file, (int64_t)paused, now));
    return 0;
}

int dm_record_dag_paused(struct dm_store *s, const char *dag_id, bool paused, int64_t now,
                         struct dm_err *reterr)
{
    int changed = dm_db_exec(s, reterr,
                             "INSERT INTO dag (dag_id, paused, seen_at, paused_at)"
                             " VALUES (?1, ?2, ?3, iif(?2, ?3, NULL))"
                             " ON CONFLICT (dag_id) DO UPDATE SET paused = excluded.paused,"
                             " paused_at = excluded.paused_at WHERE paused <> excluded.paused",
                             "tii", dag_id, (int64_t)paused, now);
    DM_TRY(changed);
    if (!changed)
        return 0;
    return dm_db_event(s, now, DM_EVENT_DAG_PAUSED, 0, 0, 0, reterr,
                       "{\"dag_id\":\"%s\",\"paused\":%s}", dag_id, paused ? "true" : "false");
}

/* ---- files that do not load ---- */

int dm_store_import_errors(struct dm_store *s, struct dm_arena *a, struct dm_import_error_row **ret,
                           size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_import_error_row);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(
        dm_db_query(s, &q, reterr, "SELECT file, at, error FROM import_error ORDER BY file", ""));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_import_error_row *e = dm_db_list_add(&l, reterr);
        if (!e)
            return DM_E_LIMIT;
        e->file = dm_db_text(a, q, 0);
        e->at = sqlite3_column_int64(q, 1);
        e->error = dm_db_text(a, q, 2);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_record_import_error(struct dm_store *s, const char *file, const char *error, int64_t now,
                           struct dm_err *reterr)
{
    if (!error) {
        DM_TRY(dm_db_exec(s, reterr, "DELETE FROM import_error WHERE file = ?", "t", file));
        return 0;
    }
    DM_TRY(dm_db_exec(s, reterr,
                      "INSERT INTO import_error (file, at, error) VALUES (?,?,?)"
                      " ON CONFLICT (file) DO UPDATE SET at = excluded.at, error = excluded.error",
                      "tit", file, now, error));
    return 0;
}
