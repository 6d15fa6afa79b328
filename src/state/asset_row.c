/* Assets: rows. */
#include "state/asset.h"

#include "state/db.h"

#define EVENT_COLUMNS                                                                          \
    "SELECT e.id, e.at, e.uri, e.extra, r.dag_id, r.run_id, t.task_id, r.run_type,"            \
    " t.map_index, r.logical_date, r.interval_start, r.interval_end, r.started_at, r.ended_at" \
    " FROM asset_event e LEFT JOIN run r ON r.id = e.run"                                      \
    " LEFT JOIN task_instance t ON t.id = e.task "

static int list_events(struct dm_store *s, struct dm_arena *a, sqlite3_stmt *q,
                       struct dm_asset_event_row **ret, size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_asset_event_row);
    int rc;
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_asset_event_row *e = dm_db_list_add(&l, reterr);
        if (!e)
            return DM_E_LIMIT;
        e->id = sqlite3_column_int64(q, 0);
        e->at = sqlite3_column_int64(q, 1);
        e->uri = dm_db_text(a, q, 2);
        e->extra = dm_db_text(a, q, 3);
        e->dag_id = dm_db_text(a, q, 4);
        e->run_id = dm_db_text(a, q, 5);
        e->task_id = dm_db_text(a, q, 6);
        e->run_type = dm_db_text(a, q, 7);
        e->map_index = (int)dm_db_int(q, 8, -1);
        e->logical_date = dm_db_time(q, 9);
        e->interval_start = dm_db_time(q, 10);
        e->interval_end = dm_db_time(q, 11);
        e->started_at = dm_db_time(q, 12);
        e->ended_at = dm_db_time(q, 13);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_record_asset_event(struct dm_store *s, const char *uri, int64_t run, int64_t task,
                          bool delivered, int64_t now, struct dm_err *reterr)
{
    int rc = dm_db_exec(s, reterr,
                        "INSERT INTO asset_event (uri, at, run, task, extra, delivered)"
                        " VALUES (?,?,?,?,'{}',?)",
                        "tiiii", uri, now, run, task, (int64_t)delivered);
    return rc < 0 ? rc : 0;
}

int dm_store_new_asset_events(struct dm_store *s, struct dm_arena *a,
                              struct dm_asset_event_row **ret, size_t *ret_n, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr, EVENT_COLUMNS "WHERE e.delivered = 0 ORDER BY e.id", ""));
    return list_events(s, a, q, ret, ret_n, reterr);
}

int dm_record_asset_events_delivered(struct dm_store *s, struct dm_err *reterr)
{
    int rc = dm_db_exec(s, reterr, "UPDATE asset_event SET delivered = 1 WHERE delivered = 0", "");
    return rc < 0 ? rc : 0;
}

int dm_store_asset_events(struct dm_store *s, struct dm_arena *a, const char *uri, int64_t after,
                          int64_t to, struct dm_asset_event_row **ret, size_t *ret_n,
                          struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr,
                       EVENT_COLUMNS "WHERE e.uri = ? AND e.at > ? AND e.at <= ? ORDER BY e.id",
                       "tii", uri, after == DM_NEVER ? INT64_MIN : after, to));
    return list_events(s, a, q, ret, ret_n, reterr);
}

int dm_store_run_asset_events(struct dm_store *s, struct dm_arena *a, int64_t run, size_t limit,
                              struct dm_asset_event_row **ret, size_t *ret_n, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr,
                       EVENT_COLUMNS "WHERE e.id IN (SELECT event FROM run_asset_event"
                                     " WHERE run = ? ORDER BY event DESC LIMIT ?) ORDER BY e.id",
                       "ii", run, limit ? (int64_t)limit : -1));
    return list_events(s, a, q, ret, ret_n, reterr);
}

int dm_record_run_asset_event(struct dm_store *s, int64_t run, int64_t event, struct dm_err *reterr)
{
    int rc = dm_db_exec(s, reterr, "INSERT INTO run_asset_event (run, event) VALUES (?,?)", "ii",
                        run, event);
    return rc < 0 ? rc : 0;
}

int dm_store_triggered_before(struct dm_store *s, const char *dag_id, int64_t logical_date,
                              int64_t *ret, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT logical_date FROM run WHERE dag_id = ? AND logical_date < ?"
                       " AND run_type = '" DM_RUN_BY_ASSETS "' ORDER BY logical_date DESC LIMIT 1",
                       "ti", dag_id, logical_date));
    int rc = dm_db_next(s, q, reterr);
    if (rc == 1)
        *ret = sqlite3_column_int64(q, 0);
    return rc;
}

int dm_store_asset_queue(struct dm_store *s, struct dm_arena *a, const char *dag_id,
                         struct dm_asset_queue_row **ret, size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_asset_queue_row);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    if (dag_id)
        DM_TRY(dm_db_query(s, &q, reterr,
                           "SELECT dag_id, uri, at FROM asset_queue WHERE dag_id = ? ORDER BY uri",
                           "t", dag_id));
    else
        DM_TRY(dm_db_query(s, &q, reterr,
                           "SELECT dag_id, uri, at FROM asset_queue ORDER BY dag_id, uri", ""));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_asset_queue_row *r = dm_db_list_add(&l, reterr);
        if (!r)
            return DM_E_LIMIT;
        r->dag_id = dm_db_text(a, q, 0);
        r->uri = dm_db_text(a, q, 1);
        r->at = sqlite3_column_int64(q, 2);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_record_asset_queued(struct dm_store *s, const char *dag_id, const char *uri, int64_t at,
                           struct dm_err *reterr)
{
    int rc = dm_db_exec(s, reterr,
                        "INSERT INTO asset_queue (dag_id, uri, at) VALUES (?,?,?)"
                        " ON CONFLICT DO NOTHING",
                        "tti", dag_id, uri, at);
    return rc < 0 ? rc : 0;
}

int dm_record_asset_unqueued(struct dm_store *s, const char *dag_id, const char *uri,
                             struct dm_err *reterr)
{
    int rc = dm_db_exec(s, reterr,
                        "DELETE FROM asset_queue WHERE dag_id = ?1 AND (?2 IS NULL OR uri = ?2)",
                        "tt", dag_id, uri);
    return rc < 0 ? rc : 0;
}
