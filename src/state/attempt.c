/* Attempts: reading, beginning, ending. */
#include "state/db.h"
#include "state/record.h"

#define ATTEMPT_COLUMNS                                                                         \
    "SELECT a.number, a.run, a.task, t.task_id, a.step, t.map_index, a.try_number, a.state, "   \
    "a.pid,"                                                                                    \
    " a.pid_start, a.decided_at, a.code_at, a.ended_at, a.exit_status, a.error_code, a.error,"  \
    " a.error_detail, a.error_hint, a.error_place, a.log_path, g.digest, a.cpu_us, a.peak_kb, " \
    "a.end_as"                                                                                  \
    " FROM attempt a JOIN task_instance t ON t.id = a.task"                                     \
    " JOIN generation g ON g.id = a.generation "

static void read_attempt(struct dm_arena *a, sqlite3_stmt *q, struct dm_attempt_row *r)
{
    int c = 0;
    r->number = sqlite3_column_int64(q, c++);
    r->run = sqlite3_column_int64(q, c++);
    r->task = sqlite3_column_int64(q, c++);
    r->task_id = dm_db_text(a, q, c++);
    r->step_id = dm_db_text(a, q, c++);
    r->map_index = sqlite3_column_int(q, c++);
    r->try_number = sqlite3_column_int(q, c++);
    int state = dm_attempt_state_parse(dm_db_str(a, q, c++));
    r->state = state < 0 ? DM_ATTEMPT_FAILED : (enum dm_attempt_state)state;
    r->pid = sqlite3_column_int(q, c++);
    r->pid_start = (uint64_t)sqlite3_column_int64(q, c++);
    r->decided_at = dm_db_time(q, c++);
    r->code_at = dm_db_time(q, c++);
    r->ended_at = dm_db_time(q, c++);
    r->exit_status = (int)dm_db_int(q, c++, -1);
    const char *code = dm_db_text(a, q, c++);
    r->error_code = code ? dm_code_from_name(code) : 0;
    r->error = dm_db_text(a, q, c++);
    r->error_detail = dm_db_text(a, q, c++);
    r->error_hint = dm_db_text(a, q, c++);
    r->error_place = dm_db_text(a, q, c++);
    r->log_path = dm_db_text(a, q, c++);
    r->generation = dm_db_text(a, q, c++);
    r->cpu_us = sqlite3_column_int64(q, c++);
    r->peak_kb = sqlite3_column_int64(q, c++);
    r->end_as = dm_db_text(a, q, c++);
}

static int list_attempts(struct dm_store *s, struct dm_arena *a, sqlite3_stmt *q,
                         const struct dm_attempt_filter *f, struct dm_attempt_row **ret,
                         size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_attempt_row);
    int rc;
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_attempt_row r;
        read_attempt(a, q, &r);
        if ((f->task_id && strcmp(f->task_id, r.task_id) != 0) ||
            (f->map_index >= 0 && f->map_index != r.map_index) ||
            (f->try_number > 0 && f->try_number != r.try_number) ||
            (f->running && r.state != DM_ATTEMPT_RUNNING) || (f->run && f->run != r.run))
            continue;
        struct dm_attempt_row *row = dm_db_list_add(&l, reterr);
        if (!row)
            return DM_E_LIMIT;
        *row = r;
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_store_attempts(struct dm_store *s, struct dm_arena *a, const struct dm_attempt_filter *f,
                      struct dm_attempt_row **ret, size_t *ret_n, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    if (f->running)
        DM_TRY(dm_db_query(s, &q, reterr,
                           ATTEMPT_COLUMNS "WHERE a.state = 'running' ORDER BY a.number", ""));
    else if (f->run)
        DM_TRY(dm_db_query(s, &q, reterr, ATTEMPT_COLUMNS "WHERE a.run = ? ORDER BY a.number", "i",
                           f->run));
    else
        DM_TRY(dm_db_query(s, &q, reterr, ATTEMPT_COLUMNS "ORDER BY a.number", ""));
    return list_attempts(s, a, q, f, ret, ret_n, reterr);
}

int dm_store_attempt(struct dm_store *s, struct dm_arena *a, int64_t number,
                     struct dm_attempt_row *ret, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr, ATTEMPT_COLUMNS "WHERE a.number = ?", "i", number));
    int rc = dm_db_next(s, q, reterr);
    if (rc == 1)
        read_attempt(a, q, ret);
    return rc;
}

/* Numbers of attempts only grow: the first row by number is the earliest, and the index has them in that order. */
int dm_store_first_look(struct dm_store *s, int64_t task, int from, int to, int64_t *ret,
                        struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT decided_at FROM attempt WHERE task = ? AND step IS NULL"
                       " AND try_number BETWEEN ? AND ? ORDER BY number LIMIT 1",
                       "iii", task, (int64_t)from, (int64_t)to));
    int rc = dm_db_next(s, q, reterr);
    if (rc == 1)
        *ret = dm_db_time(q, 0);
    return rc;
}

int dm_record_attempt(struct dm_store *s, struct dm_arena *a, struct dm_attempt_row *at,
                      const char *log_dir, struct dm_err *reterr)
{
    int changed = dm_db_exec(s, reterr,
                             "INSERT INTO attempt (run, task, step, try_number, state, decided_at,"
                             " log_path, generation)"
                             " SELECT ?,?,?,?,'running',?,'', id FROM generation WHERE digest = ?",
                             "iitiit", at->run, at->task, at->step_id, (int64_t)at->try_number,
                             at->decided_at, at->generation);
    DM_TRY(changed);
    DM_ASSERT(changed == 1);
    at->number = sqlite3_last_insert_rowid(s->db);
    at->log_path = dm_arena_printf(a, "%s/%lld.log", log_dir, (long long)at->number);
    DM_TRY(dm_db_exec(s, reterr, "UPDATE attempt SET log_path = ? WHERE number = ?", "ti",
                      at->log_path, at->number));
    at->state = DM_ATTEMPT_RUNNING;
    at->code_at = at->ended_at = DM_NEVER;
    at->exit_status = -1;
    return 0;
}

int dm_record_attempt_process(struct dm_store *s, int64_t number, int pid, uint64_t pid_start,
                              struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr, "UPDATE attempt SET pid = ?, pid_start = ? WHERE number = ?",
                      "iii", (int64_t)pid, (int64_t)pid_start, number));
    return 0;
}

int dm_record_attempt_code(struct dm_store *s, int64_t number, int64_t code_at,
                           struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr, "UPDATE attempt SET code_at = ? WHERE number = ?", "ii", code_at,
                      number));
    return 0;
}

int dm_record_attempt_end_as(struct dm_store *s, int64_t number, const char *state,
                             struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr, "UPDATE attempt SET end_as = ? WHERE number = ?", "ti", state,
                      number));
    return 0;
}

int dm_record_attempt_end(struct dm_store *s, int64_t number, const struct dm_attempt_end *e,
                          struct dm_err *reterr)
{
    const struct dm_err *error = e->error;
    char place[DM_ERR_FILE_MAX + 32] = "";
    if (error && *error->file)
        snprintf(place, sizeof(place),
                 error->col    ? "%s:%d:%d"
                 : error->line ? "%s:%d"
                               : "%s",
                 error->file, error->line, error->col);
    int changed = dm_db_exec(
        s, reterr,
        "UPDATE attempt SET state = ?, ended_at = ?, exit_status = ?, error_code = ?, error = ?,"
        " error_detail = ?, error_hint = ?, error_place = ?, cpu_us = ?, peak_kb = ?"
        " WHERE number = ? AND state = 'running'",
        "tiitttttnni", dm_attempt_state_name(e->state), e->at, (int64_t)e->exit_status,
        error ? dm_code_name(error->code) : NULL, error ? error->message : NULL,
        error && *error->detail ? error->detail : NULL, error && *error->hint ? error->hint : NULL,
        *place ? place : NULL, e->cpu_us, e->peak_kb, number);
    DM_TRY(changed);
    if (changed != 1)
        return dm_err_set(reterr, DM_E_CONFLICT, "attempt %lld is no longer running",
                          (long long)number);
    return 0;
}

int dm_record_lost(struct dm_store *s, int64_t run, int64_t task, int64_t number, const char *why,
                   int64_t now, struct dm_err *reterr)
{
    struct dm_attempt_end e = {.state = DM_ATTEMPT_LOST, .exit_status = -1, .at = now};
    DM_TRY(dm_record_attempt_end(s, number, &e, reterr));
    return dm_db_event(s, now, DM_EVENT_ATTEMPT_LOST, run, task, number, reterr, "{\"why\":\"%s\"}",
                       why);
}
