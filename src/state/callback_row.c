/* Callbacks: rows. */
#include "state/callback.h"

#include "state/db.h"

#define CALLBACK_COLUMNS                                                                         \
    "SELECT c.id, r.dag_id, r.run_id, c.run, c.task, t.task_id, t.map_index, t.max_tries,"       \
    " c.key, c.position, g.digest, c.task_state, c.try_number, c.exception, c.reason, c.state,"  \
    " c.starts, c.pid, c.pid_start, c.created_at, c.started_at, c.ended_at, c.error, c.log_path" \
    " FROM callback c JOIN run r ON r.id = c.run JOIN generation g ON g.id = c.generation"       \
    " LEFT JOIN task_instance t ON t.id = c.task "

static void read_callback(struct dm_arena *a, sqlite3_stmt *q, struct dm_callback_row *r)
{
    int c = 0;
    r->id = sqlite3_column_int64(q, c++);
    r->dag_id = dm_db_text(a, q, c++);
    r->run_id = dm_db_text(a, q, c++);
    r->run = sqlite3_column_int64(q, c++);
    r->task = dm_db_int(q, c++, 0);
    r->task_id = dm_db_text(a, q, c++);
    r->map_index = (int)dm_db_int(q, c++, -1);
    r->max_tries = (int)dm_db_int(q, c++, 0);
    r->key = dm_db_text(a, q, c++);
    r->position = sqlite3_column_int(q, c++);
    r->generation = dm_db_text(a, q, c++);
    r->task_state = dm_db_text(a, q, c++);
    r->try_number = (int)dm_db_int(q, c++, 0);
    r->exception = dm_db_text(a, q, c++);
    r->reason = dm_db_text(a, q, c++);
    int state = dm_callback_state_parse(dm_db_str(a, q, c++));
    r->state = state < 0 ? DM_CALLBACK_FAILED : (enum dm_callback_state)state;
    r->starts = sqlite3_column_int(q, c++);
    r->pid = sqlite3_column_int(q, c++);
    r->pid_start = (uint64_t)sqlite3_column_int64(q, c++);
    r->created_at = sqlite3_column_int64(q, c++);
    r->started_at = dm_db_time(q, c++);
    r->ended_at = dm_db_time(q, c++);
    r->error = dm_db_text(a, q, c++);
    r->log_path = dm_db_text(a, q, c++);
}

int dm_store_callbacks(struct dm_store *s, struct dm_arena *a, int64_t run,
                       struct dm_callback_row **ret, size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_callback_row);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    if (run)
        DM_TRY(
            dm_db_query(s, &q, reterr, CALLBACK_COLUMNS "WHERE c.run = ? ORDER BY c.id", "i", run));
    else
        DM_TRY(dm_db_query(s, &q, reterr,
                           CALLBACK_COLUMNS "WHERE c.state IN ('pending', 'running') ORDER BY c.id",
                           ""));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_callback_row *row = dm_db_list_add(&l, reterr);
        if (!row)
            return DM_E_LIMIT;
        read_callback(a, q, row);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_record_callback(struct dm_store *s, struct dm_arena *a, struct dm_callback_row *c,
                       const char *log_dir, int64_t now, struct dm_err *reterr)
{
    int changed = dm_db_exec(
        s, reterr,
        "INSERT INTO callback (run, task, key, position, generation, task_state, try_number,"
        " exception, reason, state, starts, created_at, log_path)"
        " SELECT ?,?,?,?, id, ?,?,?,?, 'pending', 0, ?, '' FROM generation WHERE digest = ?",
        "intitntti"
        "t",
        c->run, c->task, c->key, (int64_t)c->position, c->task_state, (int64_t)c->try_number,
        c->exception, c->reason, now, c->generation);
    DM_TRY(changed);
    DM_ASSERT(changed == 1);
    c->id = sqlite3_last_insert_rowid(s->db);
    c->log_path = dm_arena_printf(a, "%s/callback-%lld.log", log_dir, (long long)c->id);
    DM_TRY(dm_db_exec(s, reterr, "UPDATE callback SET log_path = ? WHERE id = ?", "ti", c->log_path,
                      c->id));
    c->state = DM_CALLBACK_PENDING;
    c->starts = c->pid = 0;
    c->pid_start = 0;
    c->created_at = now;
    c->started_at = c->ended_at = DM_NEVER;
    c->error = NULL;
    return 0;
}

int dm_callback_set_state(struct dm_store *s, struct dm_callback_row *c, enum dm_callback_state to,
                          const char *error, int64_t now, struct dm_err *reterr)
{
    bool begins = to == DM_CALLBACK_RUNNING;
    bool over = to == DM_CALLBACK_SUCCESS || to == DM_CALLBACK_FAILED;
    int changed = dm_db_exec(
        s, reterr,
        "UPDATE callback SET state = ?, error = ?, starts = starts + ?, started_at = ?,"
        " ended_at = ?, pid = NULL, pid_start = NULL WHERE id = ? AND state = ?",
        "ttiTTit", dm_callback_state_name(to), error, (int64_t)begins, begins ? now : c->started_at,
        over ? now : DM_NEVER, c->id, dm_callback_state_name(c->state));
    DM_TRY(changed);
    if (changed != 1)
        return dm_err_set(reterr, DM_E_CONFLICT, "callback %lld is no longer %s", (long long)c->id,
                          dm_callback_state_name(c->state));
    DM_TRY(dm_db_event(s, now, DM_EVENT_CALLBACK_STATE, c->run, c->task, 0, reterr,
                       "{\"callback\":%lld,\"on\":\"%s\",\"from\":\"%s\",\"to\":\"%s\"}",
                       (long long)c->id, c->key, dm_callback_state_name(c->state),
                       dm_callback_state_name(to)));
    c->state = to;
    c->error = error;
    c->starts += begins;
    c->started_at = begins ? now : c->started_at;
    c->ended_at = over ? now : DM_NEVER;
    return 0;
}

int dm_record_callback_process(struct dm_store *s, int64_t id, int pid, uint64_t pid_start,
                               struct dm_err *reterr)
{
    int changed = dm_db_exec(s, reterr, "UPDATE callback SET pid = ?, pid_start = ? WHERE id = ?",
                             "iii", (int64_t)pid, (int64_t)pid_start, id);
    return changed < 0 ? changed : 0;
}
