/* What attempts report: ledgers, checks, rendered fields, XCom, objects, landings; and events. */
#include "state/db.h"
#include "state/record.h"

/* Letter T writes DM_NEVER as NULL. */
static int64_t unknown_is_null(int64_t n)
{
    return n < 0 ? DM_NEVER : n;
}

/* `current`: the last attempt of its task or step, and that one succeeded; a step counts while its batch is the
   newest of its task. */
#define IS_CURRENT                                                                    \
    " CASE WHEN a.step IS NULL THEN a.number = t.attempt AND a.state = 'success'"     \
    "  ELSE a.state = 'success' AND EXISTS (SELECT 1 FROM step p WHERE p.id = a.step" \
    "   AND p.attempt = a.number AND p.batch = (SELECT max(b.id) FROM step_batch b"   \
    "   WHERE b.task = a.task)) END"

int dm_store_ledger(struct dm_store *s, struct dm_arena *a, int64_t run, int64_t attempt,
                    struct dm_ledger_row **ret, size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_ledger_row);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT l.attempt, t.task_id, a.step, a.try_number," IS_CURRENT
                       ", l.is_write, l.dataset, l.note, l.rows, l.bytes, l.files"
                       " FROM attempt a JOIN ledger l ON l.attempt = a.number"
                       " JOIN task_instance t ON t.id = a.task"
                       " WHERE a.run = ?1 AND (?2 = 0 OR a.number = ?2) ORDER BY l.id",
                       "ii", run, attempt));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_ledger_row *r = dm_db_list_add(&l, reterr);
        if (!r)
            return DM_E_LIMIT;
        int c = 0;
        r->attempt = sqlite3_column_int64(q, c++);
        r->task_id = dm_db_text(a, q, c++);
        r->step_id = dm_db_text(a, q, c++);
        r->try_number = sqlite3_column_int(q, c++);
        r->current = sqlite3_column_int(q, c++);
        r->write = sqlite3_column_int(q, c++);
        r->dataset = dm_db_text(a, q, c++);
        r->note = dm_db_text(a, q, c++);
        r->rows = dm_db_int(q, c++, -1);
        r->bytes = dm_db_int(q, c++, -1);
        r->files = dm_db_int(q, c++, -1);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_record_ledger(struct dm_store *s, int64_t attempt, const struct dm_ledger_row *l,
                     struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr,
                      "INSERT INTO ledger (attempt, is_write, dataset, rows, bytes, files, note)"
                      " VALUES (?,?,?,?,?,?,?)",
                      "iitTTTt", attempt, (int64_t)l->write, l->dataset, unknown_is_null(l->rows),
                      unknown_is_null(l->bytes), unknown_is_null(l->files), l->note));
    return 0;
}

int dm_store_checks(struct dm_store *s, struct dm_arena *a, int64_t run, int64_t attempt,
                    struct dm_check_row **ret, size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_check_row);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT c.attempt, t.task_id, a.try_number, a.number = t.attempt, c.name,"
                       " c.passed, c.expected, c.got, c.note, c.rows, c.sql"
                       " FROM attempt a JOIN data_check c ON c.attempt = a.number"
                       " JOIN task_instance t ON t.id = a.task"
                       " WHERE a.run = ?1 AND (?2 = 0 OR a.number = ?2) ORDER BY c.id",
                       "ii", run, attempt));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_check_row *r = dm_db_list_add(&l, reterr);
        if (!r)
            return DM_E_LIMIT;
        int c = 0;
        r->attempt = sqlite3_column_int64(q, c++);
        r->task_id = dm_db_text(a, q, c++);
        r->try_number = sqlite3_column_int(q, c++);
        r->current = sqlite3_column_int(q, c++);
        r->name = dm_db_text(a, q, c++);
        r->passed = sqlite3_column_int(q, c++);
        r->expected = dm_db_text(a, q, c++);
        r->got = dm_db_text(a, q, c++);
        r->note = dm_db_text(a, q, c++);
        r->rows = dm_db_text(a, q, c++);
        r->sql = dm_db_text(a, q, c++);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_record_check(struct dm_store *s, int64_t attempt, const struct dm_check_row *c,
                    struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr,
                      "INSERT INTO data_check (attempt, name, passed, expected, got, rows, note,"
                      " sql) VALUES (?,?,?,?,?,?,?,?)",
                      "itittttt", attempt, c->name, (int64_t)c->passed, c->expected, c->got,
                      c->rows, c->note, c->sql));
    return 0;
}

int dm_store_rendered(struct dm_store *s, struct dm_arena *a, int64_t attempt, struct dm_str *ret,
                      struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(
        dm_db_query(s, &q, reterr, "SELECT fields FROM rendered WHERE attempt = ?", "i", attempt));
    int rc = dm_db_next(s, q, reterr);
    if (rc == 1)
        *ret = dm_db_str(a, q, 0);
    return rc;
}

int dm_record_rendered(struct dm_store *s, int64_t attempt, struct dm_str fields,
                       struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr, "INSERT OR REPLACE INTO rendered (attempt, fields) VALUES (?,?)",
                      "is", attempt, fields));
    return 0;
}

int dm_store_xcoms_of_key(struct dm_store *s, struct dm_arena *a, int64_t run, const char *key,
                          struct dm_xcom_of_key **ret, size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_xcom_of_key);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT t.id, x.value FROM task_instance t JOIN xcom x ON x.task = t.id"
                       " WHERE t.run = ? AND x.key = ?",
                       "it", run, key));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_xcom_of_key *x = dm_db_list_add(&l, reterr);
        if (!x)
            return DM_E_LIMIT;
        x->task = sqlite3_column_int64(q, 0);
        x->value = dm_db_str(a, q, 1);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_store_xcoms(struct dm_store *s, struct dm_arena *a, int64_t run, struct dm_xcom_row **ret,
                   size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_xcom_row);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT t.task_id, t.map_index, x.key, x.value, x.attempt, x.at"
                       " FROM task_instance t JOIN xcom x ON x.task = t.id"
                       " WHERE t.run = ? ORDER BY t.id, x.key",
                       "i", run));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_xcom_row *x = dm_db_list_add(&l, reterr);
        if (!x)
            return DM_E_LIMIT;
        x->task_id = dm_db_text(a, q, 0);
        x->map_index = sqlite3_column_int(q, 1);
        x->key = dm_db_text(a, q, 2);
        x->value = dm_db_text(a, q, 3);
        x->attempt = sqlite3_column_int64(q, 4);
        x->at = sqlite3_column_int64(q, 5);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_store_xcom(struct dm_store *s, struct dm_arena *a, const char *dag_id, const char *run_id,
                  struct dm_str task_id, int map_index, struct dm_str key, struct dm_str *ret,
                  struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT x.value FROM run r JOIN task_instance t ON t.run = r.id"
                       " JOIN xcom x ON x.task = t.id WHERE r.dag_id = ? AND r.run_id = ?"
                       " AND t.task_id = ? AND t.map_index = ? AND x.key = ?",
                       "ttsis", dag_id, run_id, task_id, (int64_t)map_index, key));
    int rc = dm_db_next(s, q, reterr);
    if (rc == 1)
        *ret = dm_db_str(a, q, 0);
    return rc;
}

int dm_store_xcom_newest(struct dm_store *s, struct dm_arena *a, const struct dm_xcom_query *q,
                         struct dm_xcom_newest *ret, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *rows = NULL;
    bool prior = q->until != DM_NEVER;
    DM_TRY(dm_db_query(s, &rows, reterr,
                       "SELECT r.run_id, t.task_id, x.key, x.value, t.map_index FROM run r"
                       " JOIN task_instance t ON t.run = r.id JOIN xcom x ON x.task = t.id"
                       " WHERE r.dag_id = ? AND (CASE WHEN ? THEN r.logical_date <= ?"
                       " ELSE r.run_id = ? END) AND (? OR t.task_id = ?) AND (? OR x.key = ?)"
                       " AND (? OR t.map_index = ?) AND (t.map_index < 0 OR t.state <> 'removed')"
                       " ORDER BY r.logical_date DESC, x.at DESC, t.id DESC, x.key DESC LIMIT 1",
                       "tiitisisii", q->dag_id, (int64_t)prior, prior ? q->until : 0, q->run_id,
                       (int64_t)!q->task_id.p, q->task_id, (int64_t)!q->key.p, q->key,
                       (int64_t)(q->map_index < -1), (int64_t)q->map_index));
    int rc = dm_db_next(s, rows, reterr);
    if (rc == 1)
        *ret = (struct dm_xcom_newest){.run_id = dm_db_str(a, rows, 0),
                                       .task_id = dm_db_str(a, rows, 1),
                                       .key = dm_db_str(a, rows, 2),
                                       .value = dm_db_str(a, rows, 3),
                                       .map_index = sqlite3_column_int(rows, 4)};
    return rc;
}

int dm_store_xcoms_of_task(struct dm_store *s, struct dm_arena *a, const char *dag_id,
                           const char *run_id, struct dm_str task_id, struct dm_str key,
                           struct dm_xcom_of_task **ret, size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_xcom_of_task);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(
        dm_db_query(s, &q, reterr,
                    "SELECT t.map_index, x.value FROM run r JOIN task_instance t ON t.run = r.id"
                    " JOIN xcom x ON x.task = t.id WHERE r.dag_id = ? AND r.run_id = ?"
                    " AND t.task_id = ? AND (t.map_index < 0 OR t.state <> 'removed') AND x.key = ?"
                    " ORDER BY t.map_index",
                    "ttss", dag_id, run_id, task_id, key));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_xcom_of_task *x = dm_db_list_add(&l, reterr);
        if (!x)
            return DM_E_LIMIT;
        x->map_index = sqlite3_column_int(q, 0);
        x->value = dm_db_str(a, q, 1);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_record_xcom(struct dm_store *s, int64_t task, int64_t attempt, struct dm_str key,
                   struct dm_str value, int64_t now, struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(
        s, reterr, "INSERT OR REPLACE INTO xcom (task, key, value, attempt, at) VALUES (?,?,?,?,?)",
        "issii", task, key, value, attempt, now));
    return 0;
}

int dm_record_xcom_clear(struct dm_store *s, int64_t task, struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr, "DELETE FROM xcom WHERE task = ?", "i", task));
    return 0;
}

int dm_store_inputs(struct dm_store *s, struct dm_arena *a, const char *dag_id, int64_t from,
                    int64_t to, struct dm_input_row **ret, size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_input_row);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT DISTINCT r.logical_date, i.source, i.identity FROM run r"
                       " JOIN task_instance t ON t.run = r.id JOIN input i ON i.task = t.id"
                       " WHERE r.dag_id = ? AND r.logical_date BETWEEN ? AND ?"
                       " AND t.state <> 'removed' ORDER BY r.logical_date, i.source",
                       "tii", dag_id, from, to));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_input_row *i = dm_db_list_add(&l, reterr);
        if (!i)
            return DM_E_LIMIT;
        i->logical_date = sqlite3_column_int64(q, 0);
        i->source = dm_db_text(a, q, 1);
        i->identity = dm_db_text(a, q, 2);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_record_input(struct dm_store *s, int64_t task, struct dm_str source, struct dm_str identity,
                    struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr,
                      "INSERT OR REPLACE INTO input (task, source, identity) VALUES (?,?,?)", "iss",
                      task, source, identity));
    return 0;
}

int dm_record_inputs_clear(struct dm_store *s, int64_t task, struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr, "DELETE FROM input WHERE task = ?", "i", task));
    return 0;
}

int dm_record_remote_id(struct dm_store *s, int64_t attempt, struct dm_str system, struct dm_str id,
                        int64_t now, struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr,
                      "INSERT OR REPLACE INTO remote_id (attempt, system, id, at) VALUES (?,?,?,?)",
                      "issi", attempt, system, id, now));
    return 0;
}

static int list_objects(struct dm_store *s, struct dm_arena *a, sqlite3_stmt *q,
                        struct dm_object_row **ret, size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_object_row);
    int rc;
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_object_row *o = dm_db_list_add(&l, reterr);
        if (!o)
            return DM_E_LIMIT;
        o->task_id = dm_db_text(a, q, 0);
        o->map_index = sqlite3_column_int(q, 1);
        o->step_index = sqlite3_column_int(q, 2);
        o->bucket = dm_db_text(a, q, 3);
        o->key = dm_db_text(a, q, 4);
        o->bytes = dm_db_int(q, 5, -1);
        o->complete = sqlite3_column_int(q, 6);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

#define OBJECT_COLUMNS \
    "SELECT t.task_id, t.map_index, o.step_index, o.bucket, o.key, o.bytes, o.complete"

int dm_store_objects(struct dm_store *s, struct dm_arena *a, const char *dag_id, const char *run_id,
                     struct dm_object_row **ret, size_t *ret_n, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr,
                       OBJECT_COLUMNS " FROM run r JOIN task_instance t ON t.run = r.id"
                                      " JOIN object o ON o.task = t.id"
                                      " WHERE r.dag_id = ? AND r.run_id = ?"
                                      " ORDER BY t.id, o.step_index, o.bucket, o.key",
                       "tt", dag_id, run_id));
    return list_objects(s, a, q, ret, ret_n, reterr);
}

int dm_store_task_objects(struct dm_store *s, struct dm_arena *a, int64_t task, int step_index,
                          struct dm_object_row **ret, size_t *ret_n, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr,
                       OBJECT_COLUMNS
                       " FROM task_instance t JOIN object o ON o.task = t.id"
                       " WHERE t.id = ? AND o.step_index = ? ORDER BY o.bucket, o.key",
                       "ii", task, (int64_t)step_index));
    return list_objects(s, a, q, ret, ret_n, reterr);
}

int dm_record_intent(struct dm_store *s, int64_t task, int step_index, struct dm_str bucket,
                     struct dm_str key, struct dm_err *reterr)
{
    DM_TRY(
        dm_db_exec(s, reterr,
                   "INSERT INTO object (task, step_index, bucket, key, complete) VALUES (?,?,?,?,0)"
                   " ON CONFLICT DO UPDATE SET complete = 0",
                   "iiss", task, (int64_t)step_index, bucket, key));
    return 0;
}

int dm_record_object(struct dm_store *s, int64_t task, int step_index, struct dm_str bucket,
                     struct dm_str key, int64_t bytes, struct dm_err *reterr)
{
    DM_TRY(
        dm_db_exec(s, reterr,
                   "INSERT OR REPLACE INTO object (task, step_index, bucket, key, bytes, complete)"
                   " VALUES (?,?,?,?,?,1)",
                   "iissT", task, (int64_t)step_index, bucket, key, unknown_is_null(bytes)));
    return 0;
}

int dm_record_objects_clear(struct dm_store *s, int64_t task, int step_index, struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr, "DELETE FROM object WHERE task = ? AND step_index = ?", "ii", task,
                      (int64_t)step_index));
    return 0;
}

int dm_record_cluster_files_gone(struct dm_store *s, int64_t run, struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr,
                      "DELETE FROM object WHERE bucket = ''"
                      " AND task IN (SELECT id FROM task_instance WHERE run = ?)",
                      "i", run));
    return 0;
}

int dm_record_landing(struct dm_store *s, const char *dag_id, const char *task_id,
                      struct dm_str source, struct dm_str identity, struct dm_str bucket,
                      struct dm_str key, int64_t now, struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr,
                      "INSERT OR REPLACE INTO landing (source, dag_id, task_id, identity, bucket,"
                      " key, at) VALUES (?,?,?,?,?,?,?)",
                      "sttsssi", source, dag_id, task_id, identity, bucket, key, now));
    return 0;
}

int dm_store_landings(struct dm_store *s, struct dm_arena *a, const char *dag_id,
                      const char *task_id, size_t limit, struct dm_landing_row **ret, size_t *ret_n,
                      struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_landing_row);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT source, identity, bucket, key FROM landing"
                       " WHERE dag_id = ? AND task_id = ? ORDER BY at DESC LIMIT ?",
                       "tti", dag_id, task_id, (int64_t)limit));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_landing_row *r = dm_db_list_add(&l, reterr);
        if (!r)
            return DM_E_LIMIT;
        r->source = dm_db_text(a, q, 0);
        r->identity = dm_db_text(a, q, 1);
        r->bucket = dm_db_text(a, q, 2);
        r->key = dm_db_text(a, q, 3);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_store_events(struct dm_store *s, struct dm_arena *a, int64_t after, const char *dag_id,
                    const char *run_id, size_t limit, struct dm_event_row **ret, size_t *ret_n,
                    struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_event_row);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT e.id, e.at, e.kind, r.dag_id, r.run_id, t.task_id, t.map_index,"
                       " e.attempt, e.data FROM event e LEFT JOIN run r ON r.id = e.run"
                       " LEFT JOIN task_instance t ON t.id = e.task"
                       " WHERE e.id > ?1 AND (?2 IS NULL OR r.dag_id = ?2)"
                       " AND (?3 IS NULL OR r.run_id = ?3) ORDER BY e.id LIMIT ?4",
                       "itti", after, dag_id, run_id, limit ? (int64_t)limit : (int64_t)-1));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        int kind = dm_event_parse(dm_db_str(a, q, 2));
        if (kind < 0)
            continue; /* of a newer program */
        struct dm_event_row *e = dm_db_list_add(&l, reterr);
        if (!e)
            return DM_E_LIMIT;
        e->id = sqlite3_column_int64(q, 0);
        e->at = sqlite3_column_int64(q, 1);
        e->kind = (enum dm_event_kind)kind;
        e->dag_id = dm_db_text(a, q, 3);
        e->run_id = dm_db_text(a, q, 4);
        e->task_id = dm_db_text(a, q, 5);
        e->map_index = (int)dm_db_int(q, 6, -1);
        e->attempt = sqlite3_column_int64(q, 7);
        e->data = dm_db_text(a, q, 8);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}
