/* Runs and their generations. */
#include "state/db.h"
#include "state/memory.h"
#include "state/pack.h"

#define RUN_FIELDS                                                                     \
    "r.id, r.dag_id, r.run_id, r.run_type, r.state, r.logical_date, r.interval_start," \
    " r.interval_end, r.created_at, r.started_at, r.ended_at, r.conf, g.digest"
#define RUN_GENERATION "JOIN generation g ON g.id = r.generation "
#define RUN_FROM(table) "SELECT " RUN_FIELDS " FROM " table " " RUN_GENERATION
#define RUN_COLUMNS RUN_FROM("run r")

/* RUN_FIELDS; the number of the column behind them. */
static int read_run(struct dm_arena *a, sqlite3_stmt *q, struct dm_run_row *r)
{
    int c = 0;
    r->id = sqlite3_column_int64(q, c++);
    r->dag_id = dm_db_text(a, q, c++);
    r->run_id = dm_db_text(a, q, c++);
    r->run_type = dm_db_text(a, q, c++);
    int state = dm_run_state_parse(dm_db_str(a, q, c++));
    r->state = state < 0 ? DM_RUN_FAILED : (enum dm_run_state)state;
    r->logical_date = sqlite3_column_int64(q, c++);
    r->interval_start = sqlite3_column_int64(q, c++);
    r->interval_end = sqlite3_column_int64(q, c++);
    r->created_at = sqlite3_column_int64(q, c++);
    r->started_at = dm_db_time(q, c++);
    r->ended_at = dm_db_time(q, c++);
    r->conf = dm_db_text(a, q, c++);
    r->generation = dm_db_text(a, q, c++);
    return c;
}

/* The one row of a query on RUN_COLUMNS: 1 or 0. */
static int one_run(struct dm_store *s, struct dm_arena *a, sqlite3_stmt *q, struct dm_run_row *ret,
                   struct dm_err *reterr)
{
    int rc = dm_db_next(s, q, reterr);
    if (rc == 1)
        read_run(a, q, ret);
    return rc;
}

static int list_runs(struct dm_store *s, struct dm_arena *a, sqlite3_stmt *q,
                     struct dm_run_row **ret, size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_run_row);
    int rc;
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_run_row *r = dm_db_list_add(&l, reterr);
        if (!r)
            return DM_E_LIMIT;
        read_run(a, q, r);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

/*
 * Each combination is a statement of its own, so that each finds its index: a condition "? IS NULL OR …" would read every
 * run.  UNFINISHED repeats the condition of its index word for word, as SQLite wants it.
 */
#define UNFINISHED_RUNS "run r INDEXED BY run_unfinished"
#define OF_DAG " AND r.dag_id = ?4"
#define OF_STATE " AND r.state = ?5"
#define UNFINISHED " AND r.state IN ('queued', 'running')"
#define RUNS(table, conditions)                                             \
    RUN_FROM(table)                                                         \
    "WHERE r.logical_date BETWEEN ?1 AND ?2" conditions                     \
    " ORDER BY r.dag_id, r.logical_date LIMIT ?3",                          \
        RUN_FROM(table) "WHERE r.logical_date BETWEEN ?1 AND ?2" conditions \
                        " ORDER BY r.logical_date DESC, r.dag_id LIMIT ?3"

int dm_store_runs(struct dm_store *s, struct dm_arena *a, const struct dm_run_filter *f,
                  struct dm_run_row **ret, size_t *ret_n, struct dm_err *reterr)
{
    /* [state: any, finished, unfinished][of a DAG][newest first] */
    static const char *const queries[3][2][2] = {
        {{RUNS("run r", "")}, {RUNS("run r", OF_DAG)}},
        {{RUNS("run r", OF_STATE)}, {RUNS("run r", OF_DAG OF_STATE)}},
        {{RUNS(UNFINISHED_RUNS, OF_STATE UNFINISHED)},
         {RUNS(UNFINISHED_RUNS, OF_DAG OF_STATE UNFINISHED)}},
    };
    static const char *const formats[2][2] = {{"iii", "iiit"}, {"iiitt", "iiitt"}};
    _cleanup_query_ sqlite3_stmt *q = NULL;
    bool any = f->state < 0;
    int kind = any ? 0 : dm_run_finished((enum dm_run_state)f->state) ? 1 : 2;
    DM_TRY(dm_db_query(s, &q, reterr, queries[kind][f->dag_id != NULL][f->newest_first],
                       formats[!any][f->dag_id != NULL], f->from == DM_NEVER ? INT64_MIN : f->from,
                       f->to == DM_NEVER ? INT64_MAX : f->to,
                       f->limit ? (int64_t)f->limit : (int64_t)-1, f->dag_id,
                       any ? NULL : dm_run_state_name((enum dm_run_state)f->state)));
    return list_runs(s, a, q, ret, ret_n, reterr);
}

int dm_store_run_at(struct dm_store *s, struct dm_arena *a, const char *dag_id,
                    int64_t logical_date, struct dm_run_row *ret, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr, RUN_COLUMNS "WHERE r.dag_id = ? AND r.logical_date = ?", "ti",
                       dag_id, logical_date));
    return one_run(s, a, q, ret, reterr);
}

int dm_store_run_before(struct dm_store *s, struct dm_arena *a, const char *dag_id,
                        int64_t logical_date, bool any, struct dm_run_row *ret,
                        struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr,
                       RUN_COLUMNS "WHERE r.dag_id = ? AND r.logical_date < ?"
                                   " AND (? OR r.run_type <> 'manual')"
                                   " ORDER BY r.logical_date DESC LIMIT 1",
                       "tii", dag_id, logical_date, (int64_t)any));
    return one_run(s, a, q, ret, reterr);
}

int dm_store_success_before(struct dm_store *s, struct dm_arena *a, const char *dag_id,
                            int64_t logical_date, struct dm_run_row *ret, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr,
                       RUN_COLUMNS "WHERE r.dag_id = ? AND r.logical_date < ?"
                                   " AND r.state = 'success' ORDER BY r.logical_date DESC LIMIT 1",
                       "ti", dag_id, logical_date));
    return one_run(s, a, q, ret, reterr);
}

int dm_store_run_named(struct dm_store *s, struct dm_arena *a, const char *dag_id,
                       struct dm_str run_id, struct dm_run_row *ret, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr, RUN_COLUMNS "WHERE r.dag_id = ? AND r.run_id = ?", "ts",
                       dag_id, run_id));
    return one_run(s, a, q, ret, reterr);
}

static int find_by_day(struct dm_store *s, struct dm_arena *a, const char *dag_id, int64_t day,
                       struct dm_run_row *ret, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr,
                       RUN_COLUMNS "WHERE r.dag_id = ? AND r.logical_date >= ?"
                                   " AND r.logical_date < ? ORDER BY r.logical_date DESC LIMIT 1",
                       "tii", dag_id, day, day + DM_DAY));
    return one_run(s, a, q, ret, reterr);
}

/* Says what runs there are instead. */
static int no_such_run(struct dm_store *s, struct dm_arena *a, const char *dag_id,
                       struct dm_str day, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT count(*), min(logical_date), max(logical_date) FROM run"
                       " WHERE dag_id = ?",
                       "t", dag_id));
    DM_TRY(dm_db_next(s, q, reterr));
    long long n = sqlite3_column_int64(q, 0);
    dm_err_set(reterr, DM_E_NOTFOUND, "DAG \"%s\" has no run \"%.*s\"", dag_id, DM_FMT(day));
    if (n == 0)
        return dm_err_detail(reterr, "It has no run at all.");
    char first[DM_TIME_MAX], last[DM_TIME_MAX];
    dm_time_date(sqlite3_column_int64(q, 1), first);
    dm_time_date(sqlite3_column_int64(q, 2), last);
    dm_err_detail(reterr, "It has %lld run%s, %s to %s.", n, n == 1 ? "" : "s", first, last);
    return dm_err_hint(reterr, "\"daymill runs list %s\" lists them.", dag_id);
}

int dm_store_run_find(struct dm_store *s, struct dm_arena *a, const char *dag_id, struct dm_str day,
                      struct dm_run_row *ret, struct dm_err *reterr)
{
    int64_t at = 0;
    int rc = dm_store_run_named(s, a, dag_id, day, ret, reterr);
    if (rc == 0 && dm_date_parse(day, &at))
        rc = find_by_day(s, a, dag_id, at, ret, reterr);
    else if (rc == 0 && dm_time_parse(day, &at))
        rc = dm_store_run_at(s, a, dag_id, at, ret, reterr);
    if (rc == 0)
        return no_such_run(s, a, dag_id, day, reterr);
    return rc < 0 ? rc : 0;
}

int dm_store_run_generations(struct dm_store *s, struct dm_arena *a, int64_t run,
                             struct dm_run_generation_row **ret, size_t *ret_n,
                             struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_run_generation_row);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT g.digest, h.since, h.why FROM run_generation h"
                       " JOIN generation g ON g.id = h.generation WHERE h.run = ? ORDER BY h.id",
                       "i", run));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_run_generation_row *g = dm_db_list_add(&l, reterr);
        if (!g)
            return DM_E_LIMIT;
        g->generation = dm_db_text(a, q, 0);
        g->since = sqlite3_column_int64(q, 1);
        g->why = dm_db_text(a, q, 2);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_store_generation(struct dm_store *s, struct dm_arena *a, const char *digest,
                        struct dm_str *ret, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr, "SELECT packed, bytes FROM generation WHERE digest = ?", "t",
                       digest));
    int rc = dm_db_next(s, q, reterr);
    DM_TRY(rc);
    if (rc == 0)
        return dm_err_set(reterr, DM_E_NOTFOUND, "the store has no generation %.12s", digest);
    return dm_unpack(a, dm_db_blob(a, q, 0), sqlite3_column_int64(q, 1), ret, reterr);
}

int dm_record_generation(struct dm_store *s, const char *digest, const char *dag_id,
                         struct dm_str normal, int64_t now, struct dm_err *reterr)
{
    int known =
        dm_db_exec(s, reterr, "UPDATE generation SET used_at = max(used_at, ?) WHERE digest = ?",
                   "it", now, digest);
    if (known != 0)
        return known < 0 ? known : 0;
    _cleanup_arena_ struct dm_arena a = {0};
    DM_TRY(dm_db_exec(s, reterr,
                      "INSERT INTO generation (digest, dag_id, packed, bytes, created_at, used_at)"
                      " VALUES (?,?,?,?,?,?)",
                      "ttbiii", digest, dag_id, dm_pack(&a, normal), (int64_t)normal.len, now,
                      now));
    return 0;
}

static int add_generation(struct dm_store *s, int64_t run, const char *digest, const char *why,
                          int64_t now, struct dm_err *reterr)
{
    int changed = dm_db_exec(s, reterr,
                             "INSERT INTO run_generation (run, generation, since, why)"
                             " SELECT ?, id, ?, ? FROM generation WHERE digest = ?",
                             "iitt", run, now, why, digest);
    DM_TRY(changed);
    DM_ASSERT(changed == 1);
    return 0;
}

int dm_record_run(struct dm_store *s, struct dm_run_row *r, int64_t now, struct dm_err *reterr)
{
    int changed =
        dm_db_exec(s, reterr,
                   "INSERT INTO run (dag_id, run_id, run_type, state, logical_date, interval_start,"
                   " interval_end, conf, generation, created_at, started_at)"
                   " SELECT ?,?,?,?,?,?,?,?, id, ?,? FROM generation WHERE digest = ?"
                   " ON CONFLICT DO NOTHING",
                   "ttttiiitiTt", r->dag_id, r->run_id, r->run_type, dm_run_state_name(r->state),
                   r->logical_date, r->interval_start, r->interval_end, r->conf, now, r->started_at,
                   r->generation);
    DM_TRY(changed);
    if (changed != 1) {
        char day[DM_TIME_MAX];
        return dm_err_set(reterr, DM_E_EXISTS, "DAG \"%s\" already has a run for %s", r->dag_id,
                          dm_time_isoz(r->logical_date, day));
    }
    r->id = sqlite3_last_insert_rowid(s->db);
    r->created_at = now;
    DM_TRY(add_generation(s, r->id, r->generation, "created", now, reterr));
    return dm_db_event(s, now, DM_EVENT_RUN_CREATED, r->id, 0, 0, reterr,
                       "{\"run_type\":\"%s\",\"generation\":\"%s\"}", r->run_type, r->generation);
}

int dm_run_set_state(struct dm_store *s, struct dm_run_row *r, enum dm_run_state to, int64_t now,
                     struct dm_err *reterr)
{
    int64_t started = r->started_at, ended = DM_NEVER;
    if (to == DM_RUN_RUNNING && (started == DM_NEVER || dm_run_finished(r->state)))
        started = now;
    if (to == DM_RUN_QUEUED && dm_run_finished(r->state))
        started = DM_NEVER;
    if (dm_run_finished(to))
        ended = now;
    int changed = dm_db_exec(s, reterr,
                             "UPDATE run SET state = ?, started_at = ?, ended_at = ?"
                             " WHERE id = ? AND state = ?",
                             "tTTit", dm_run_state_name(to), started, ended, r->id,
                             dm_run_state_name(r->state));
    DM_TRY(changed);
    if (changed != 1)
        return dm_err_set(reterr, DM_E_CONFLICT, "run \"%s\" of DAG \"%s\" is no longer %s",
                          r->run_id, r->dag_id, dm_run_state_name(r->state));
    DM_TRY(dm_db_event(s, now, DM_EVENT_RUN_STATE, r->id, 0, 0, reterr,
                       "{\"from\":\"%s\",\"to\":\"%s\"}", dm_run_state_name(r->state),
                       dm_run_state_name(to)));
    r->state = to;
    r->started_at = started;
    r->ended_at = ended;
    return dm_run_finished(to) ? dm_record_inactive(s, r->id, reterr) : 0;
}

/* ---- active ones ---- */

int dm_store_active_runs(struct dm_store *s, struct dm_arena *a, struct dm_active_row **ret,
                         size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_active_row);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT " RUN_FIELDS ", a.since, a.backfill, a.mark FROM active_run a"
                       " JOIN run r ON r.id = a.run " RUN_GENERATION "ORDER BY a.since, r.id",
                       ""));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_active_row *row = dm_db_list_add(&l, reterr);
        if (!row)
            return DM_E_LIMIT;
        int c = read_run(a, q, &row->run);
        row->since = sqlite3_column_int64(q, c++);
        row->backfill = sqlite3_column_int64(q, c++);
        row->mark = dm_run_state_parse(dm_db_str(a, q, c++));
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_record_active(struct dm_store *s, int64_t run, int64_t since, int64_t backfill,
                     struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr,
                      "INSERT INTO active_run (run, since, backfill) VALUES (?, ?, nullif(?, 0))"
                      " ON CONFLICT (run) DO UPDATE SET since = excluded.since,"
                      " backfill = excluded.backfill",
                      "iii", run, since, backfill));
    return 0;
}

int dm_record_active_mark(struct dm_store *s, int64_t run, enum dm_run_state mark,
                          struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr, "UPDATE active_run SET mark = ? WHERE run = ?", "ti",
                      dm_run_state_name(mark), run));
    return 0;
}

int dm_record_inactive(struct dm_store *s, int64_t run, struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr, "DELETE FROM active_run WHERE run = ?", "i", run));
    return 0;
}

/* ---- taken over ---- */

int dm_record_run_generation(struct dm_store *s, struct dm_run_row *r, const char *digest,
                             const char *why, int64_t now, struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr,
                      "UPDATE run SET generation = (SELECT id FROM generation WHERE digest = ?)"
                      " WHERE id = ?",
                      "ti", digest, r->id));
    DM_TRY(add_generation(s, r->id, digest, why, now, reterr));
    DM_TRY(dm_db_event(s, now, DM_EVENT_RUN_GENERATION, r->id, 0, 0, reterr,
                       "{\"from\":\"%s\",\"to\":\"%s\"}", r->generation, digest));
    r->generation = digest;
    return 0;
}

int dm_record_run_taken(struct dm_store *s, struct dm_run_row *r, const char *run_type,
                        const char *conf, struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr, "UPDATE run SET run_type = ?, conf = ? WHERE id = ?", "tti",
                      run_type, conf, r->id));
    r->run_type = run_type;
    r->conf = conf;
    return 0;
}

int dm_store_task_in_past(struct dm_store *s, const char *dag_id, int64_t logical_date,
                          const char *task_id, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT 1 FROM run r JOIN task_instance t ON t.run = r.id"
                       " WHERE r.dag_id = ? AND r.logical_date < ? AND t.task_id = ?"
                       " ORDER BY r.logical_date DESC LIMIT 1",
                       "tit", dag_id, logical_date, task_id));
    return dm_db_next(s, q, reterr);
}

int dm_store_last_automated(struct dm_store *s, struct dm_arena *a, const char *dag_id,
                            struct dm_run_row *ret, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(
        s, &q, reterr,
        RUN_FROM("run r INDEXED BY run_automated") "WHERE r.dag_id = ? AND r.run_type IN "
                                                   "('scheduled', 'backfill')"
                                                   " ORDER BY r.logical_date DESC LIMIT 1",
        "t", dag_id));
    return one_run(s, a, q, ret, reterr);
}

int dm_store_unfinished_runs(struct dm_store *s, struct dm_arena *a, struct dm_run_row **ret,
                             size_t *ret_n, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr,
                       RUN_FROM(UNFINISHED_RUNS) "WHERE r.state IN ('queued', 'running')"
                                                 " ORDER BY r.logical_date, r.id",
                       ""));
    return list_runs(s, a, q, ret, ret_n, reterr);
}

int dm_store_recent_failures(struct dm_store *s, const char *dag_id, int n, int *ret,
                             struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT count(*) FROM (SELECT state FROM run WHERE dag_id = ?"
                       " ORDER BY logical_date DESC LIMIT ?) WHERE state = 'failed'",
                       "ti", dag_id, (int64_t)n));
    DM_TRY(dm_db_next(s, q, reterr));
    *ret = sqlite3_column_int(q, 0);
    return 0;
}

int dm_record_run_note(struct dm_store *s, int64_t run, const char *note, struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr, "UPDATE run SET note = ? WHERE id = ?", "ti",
                      note && *note ? note : NULL, run));
    return 0;
}

int dm_store_run_note(struct dm_store *s, struct dm_arena *a, int64_t run, const char **ret,
                      struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr, "SELECT note FROM run WHERE id = ?", "i", run));
    int rc = dm_db_next(s, q, reterr);
    DM_TRY(rc);
    *ret = rc ? dm_db_text(a, q, 0) : NULL;
    return 0;
}
