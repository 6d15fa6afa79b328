/* What people ask of the process that decides. */
#include "state/db.h"
#include "state/memory.h"

#define REQUEST_COLUMNS "SELECT id, kind, body, created_at, done_at, error, answer FROM request "

static void read_request(struct dm_arena *a, sqlite3_stmt *q, struct dm_request_row *r)
{
    r->id = sqlite3_column_int64(q, 0);
    r->kind = dm_db_text(a, q, 1);
    r->body = dm_db_text(a, q, 2);
    r->created_at = sqlite3_column_int64(q, 3);
    r->done_at = dm_db_time(q, 4);
    r->error = dm_db_text(a, q, 5);
    r->answer = dm_db_text(a, q, 6);
}

int dm_request_add(struct dm_store *s, const char *kind, struct dm_str body, int64_t now,
                   int64_t *ret_id, struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr, "INSERT INTO request (kind, body, created_at) VALUES (?,?,?)",
                      "tsi", kind, body, now));
    *ret_id = sqlite3_last_insert_rowid(s->db);
    return 0;
}

int dm_request_withdraw(struct dm_store *s, int64_t id, struct dm_err *reterr)
{
    int changed =
        dm_db_exec(s, reterr, "DELETE FROM request WHERE id = ? AND done_at IS NULL", "i", id);
    return changed < 0 ? changed : changed > 0;
}

int dm_store_request(struct dm_store *s, struct dm_arena *a, int64_t id, struct dm_request_row *ret,
                     struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr, REQUEST_COLUMNS "WHERE id = ?", "i", id));
    int rc = dm_db_next(s, q, reterr);
    DM_TRY(rc);
    if (rc == 0)
        return dm_err_set(reterr, DM_E_NOTFOUND, "request %lld is gone", (long long)id);
    read_request(a, q, ret);
    return 0;
}

int dm_store_open_requests(struct dm_store *s, struct dm_arena *a, struct dm_request_row **ret,
                           size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_request_row);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(dm_db_query(s, &q, reterr, REQUEST_COLUMNS "WHERE done_at IS NULL ORDER BY id", ""));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_request_row *r = dm_db_list_add(&l, reterr);
        if (!r)
            return DM_E_LIMIT;
        read_request(a, q, r);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_record_request_done(struct dm_store *s, int64_t id, const char *error, const char *answer,
                           int64_t now, struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr,
                      "UPDATE request SET done_at = ?, error = ?, answer = ?"
                      " WHERE id = ? AND done_at IS NULL",
                      "itti", now, error, answer, id));
    return 0;
}

int dm_store_last_event(struct dm_store *s, int64_t *ret, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr, "SELECT coalesce(max(id), 0) FROM event", ""));
    DM_TRY(dm_db_next(s, q, reterr));
    *ret = sqlite3_column_int64(q, 0);
    return 0;
}
