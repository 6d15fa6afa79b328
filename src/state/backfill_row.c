/* Backfills: what a command does to a DAG, day by day. */
#include "state/db.h"
#include "state/memory.h"

#define BACKFILL_COLUMNS                                                                          \
    "SELECT b.id, b.dag_id, b.command, b.from_date, b.to_date, b.rerun, b.run_type, b.backwards," \
    " b.max_active_runs, b.conf, b.only_task, b.map_index, b.first_date, b.state, b.created_at, " \
    "b.ended_at,"                                                                                 \
    " (SELECT count(*) FROM backfill_day d WHERE d.backfill = b.id),"                             \
    " (SELECT count(*) FROM backfill_day d WHERE d.backfill = b.id AND d.done)"                   \
    " FROM backfill b "

static void read_backfill(struct dm_arena *a, sqlite3_stmt *q, struct dm_backfill_row *b)
{
    int c = 0;
    b->id = sqlite3_column_int64(q, c++);
    b->dag_id = dm_db_text(a, q, c++);
    b->command = dm_db_text(a, q, c++);
    b->from = sqlite3_column_int64(q, c++);
    b->to = sqlite3_column_int64(q, c++);
    b->rerun = dm_db_text(a, q, c++);
    b->run_type = dm_db_text(a, q, c++);
    b->backwards = sqlite3_column_int(q, c++) != 0;
    b->max_active_runs = sqlite3_column_int(q, c++);
    b->conf = dm_db_text(a, q, c++);
    b->only_task = dm_db_text(a, q, c++);
    b->map_index = sqlite3_column_int(q, c++);
    b->first = dm_db_time(q, c++);
    b->state = dm_db_text(a, q, c++);
    b->created_at = sqlite3_column_int64(q, c++);
    b->ended_at = dm_db_time(q, c++);
    b->days = (size_t)sqlite3_column_int64(q, c++);
    b->days_done = (size_t)sqlite3_column_int64(q, c++);
}

int dm_store_backfills(struct dm_store *s, struct dm_arena *a, const char *dag_id, bool open,
                       size_t limit, struct dm_backfill_row **ret, size_t *ret_n,
                       struct dm_err *reterr)
{
    static const char all[] =
        BACKFILL_COLUMNS "WHERE (?1 IS NULL OR b.dag_id = ?1) ORDER BY b.id DESC LIMIT ?2";
    static const char unfinished[] =
        BACKFILL_COLUMNS "WHERE b.ended_at IS NULL AND (?1 IS NULL OR b.dag_id = ?1)"
                         " ORDER BY b.id DESC LIMIT ?2";
    struct dm_db_list l = DM_DB_LIST(a, struct dm_backfill_row);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(dm_db_query(s, &q, reterr, open ? unfinished : all, "ti", dag_id,
                       limit ? (int64_t)limit : (int64_t)-1));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_backfill_row *b = dm_db_list_add(&l, reterr);
        if (!b)
            return DM_E_LIMIT;
        read_backfill(a, q, b);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_store_backfill(struct dm_store *s, struct dm_arena *a, int64_t id,
                      struct dm_backfill_row *ret, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr, BACKFILL_COLUMNS "WHERE b.id = ?", "i", id));
    int rc = dm_db_next(s, q, reterr);
    if (rc == 1)
        read_backfill(a, q, ret);
    return rc;
}

int dm_store_backfill_days(struct dm_store *s, struct dm_arena *a, int64_t id,
                           struct dm_backfill_day_row **ret, size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_backfill_day_row);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT position, logical_date, interval_start, interval_end, action, begun,"
                       " done"
                       " FROM backfill_day WHERE backfill = ? ORDER BY position",
                       "i", id));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_backfill_day_row *d = dm_db_list_add(&l, reterr);
        if (!d)
            return DM_E_LIMIT;
        d->position = sqlite3_column_int(q, 0);
        d->logical_date = sqlite3_column_int64(q, 1);
        d->interval_start = sqlite3_column_int64(q, 2);
        d->interval_end = sqlite3_column_int64(q, 3);
        d->action = dm_db_text(a, q, 4);
        d->begun = sqlite3_column_int(q, 5) != 0;
        d->done = sqlite3_column_int(q, 6) != 0;
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_record_backfill(struct dm_store *s, struct dm_backfill_row *b, int64_t now,
                       struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr,
                      "INSERT INTO backfill (dag_id, command, from_date, to_date, rerun, run_type,"
                      " backwards, max_active_runs, conf, only_task, map_index, first_date,"
                      " state, created_at)"
                      " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                      "ttiittinttiTti", b->dag_id, b->command, b->from, b->to, b->rerun,
                      b->run_type, (int64_t)b->backwards, (int64_t)b->max_active_runs, b->conf,
                      b->only_task, (int64_t)b->map_index, b->first, b->state, now));
    b->id = sqlite3_last_insert_rowid(s->db);
    b->created_at = now;
    return 0;
}

int dm_record_backfill_day(struct dm_store *s, int64_t backfill,
                           const struct dm_backfill_day_row *d, struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr,
                      "INSERT INTO backfill_day (backfill, position, logical_date, interval_start,"
                      " interval_end, action, done) VALUES (?,?,?,?,?,?,?)",
                      "iiiiiti", backfill, (int64_t)d->position, d->logical_date, d->interval_start,
                      d->interval_end, d->action, (int64_t)d->done));
    return 0;
}

int dm_record_day_begun(struct dm_store *s, int64_t backfill, int64_t logical_date,
                        struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr,
                      "UPDATE backfill_day SET begun = 1 WHERE backfill = ? AND logical_date = ?",
                      "ii", backfill, logical_date));
    return 0;
}

int dm_record_day_done(struct dm_store *s, const char *dag_id, int64_t logical_date,
                       struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr,
                      "UPDATE backfill_day SET done = 1 WHERE logical_date = ?2 AND backfill IN"
                      " (SELECT id FROM backfill WHERE dag_id = ?1 AND ended_at IS NULL)",
                      "ti", dag_id, logical_date));
    return 0;
}

int dm_store_backfills_done(struct dm_store *s, struct dm_arena *a, const char *dag_id,
                            struct dm_backfill_done **ret, size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_backfill_done);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT b.id, EXISTS (SELECT 1 FROM backfill_day d JOIN run r"
                       " ON r.dag_id = b.dag_id AND r.logical_date = d.logical_date"
                       " WHERE d.backfill = b.id AND r.state = 'failed') FROM backfill b"
                       " WHERE b.dag_id = ? AND b.ended_at IS NULL AND NOT EXISTS"
                       " (SELECT 1 FROM backfill_day d WHERE d.backfill = b.id AND NOT d.done)",
                       "t", dag_id));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_backfill_done *b = dm_db_list_add(&l, reterr);
        if (!b)
            return DM_E_LIMIT;
        b->id = sqlite3_column_int64(q, 0);
        b->failed = sqlite3_column_int(q, 1) != 0;
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_store_backfill_failed(struct dm_store *s, int64_t id, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT 1 FROM backfill b JOIN backfill_day d ON d.backfill = b.id"
                       " JOIN run r ON r.dag_id = b.dag_id AND r.logical_date = d.logical_date"
                       " WHERE b.id = ? AND r.state = 'failed' LIMIT 1",
                       "i", id));
    return dm_db_next(s, q, reterr);
}

int dm_record_backfill_state(struct dm_store *s, int64_t id, const char *state, int64_t now,
                             struct dm_err *reterr)
{
    bool over = strcmp(state, "running") != 0 && strcmp(state, "paused") != 0;
    int changed = dm_db_exec(s, reterr,
                             "UPDATE backfill SET state = ?, ended_at = ?"
                             " WHERE id = ? AND ended_at IS NULL",
                             "tTi", state, over ? now : DM_NEVER, id);
    DM_TRY(changed);
    if (!changed)
        return 0;
    return dm_db_event(s, now, DM_EVENT_BACKFILL_STATE, 0, 0, 0, reterr,
                       "{\"backfill\":%lld,\"to\":\"%s\"}", (long long)id, state);
}
