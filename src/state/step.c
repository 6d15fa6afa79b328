/*
 * The embedded cluster's table of steps.  A batch belongs to one try of one task instance; submitting it again (after a
 * crash between the commit and the answer) finds it there and returns the same ids.
 */
#include "state/db.h"
#include "state/record.h"

enum { STEP_ID_DIGITS = 13, STEP_ID_MAX = 2 + STEP_ID_DIGITS + 1 };

#define STEP_COLUMNS                                                                           \
    "SELECT p.id, b.cluster_id, p.name, p.jar, p.args, p.action_on_failure, p.state, "         \
    "p.reason_code,"                                                                           \
    " p.reason_message, r.dag_id, r.run_id, t.task_id, t.map_index, b.try_number, p.position," \
    " p.seq, p.created_at, p.started_at, p.ended_at, r.id, t.id, p.attempt, a.log_path"        \
    " FROM step p JOIN step_batch b ON b.id = p.batch JOIN run r ON r.id = b.run"              \
    " JOIN task_instance t ON t.id = b.task LEFT JOIN attempt a ON a.number = p.attempt "

static void read_step(struct dm_arena *a, sqlite3_stmt *q, struct dm_step_row *p)
{
    int c = 0;
    p->id = dm_db_text(a, q, c++);
    p->cluster_id = dm_db_text(a, q, c++);
    p->name = dm_db_text(a, q, c++);
    p->jar = dm_db_text(a, q, c++);
    p->args = dm_db_text(a, q, c++);
    p->action_on_failure = dm_db_text(a, q, c++);
    int state = dm_step_state_parse(dm_db_str(a, q, c++));
    p->state = state < 0 ? DM_STEP_FAILED : (enum dm_step_state)state;
    p->reason_code = dm_db_text(a, q, c++);
    p->reason_message = dm_db_text(a, q, c++);
    p->dag_id = dm_db_text(a, q, c++);
    p->run_id = dm_db_text(a, q, c++);
    p->task_id = dm_db_text(a, q, c++);
    p->map_index = sqlite3_column_int(q, c++);
    p->try_number = sqlite3_column_int(q, c++);
    p->index = sqlite3_column_int(q, c++);
    p->seq = sqlite3_column_int64(q, c++);
    p->created_at = dm_db_time(q, c++);
    p->started_at = dm_db_time(q, c++);
    p->ended_at = dm_db_time(q, c++);
    p->run = sqlite3_column_int64(q, c++);
    p->task = sqlite3_column_int64(q, c++);
    p->attempt = sqlite3_column_int64(q, c++);
    p->log_path = dm_db_text(a, q, c++);
}

int dm_store_step(struct dm_store *s, struct dm_arena *a, const char *cluster_id,
                  struct dm_str step_id, struct dm_step_row *ret, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    DM_TRY(dm_db_query(s, &q, reterr,
                       STEP_COLUMNS "WHERE p.id = ?1 AND (?2 IS NULL OR b.cluster_id = ?2)", "st",
                       step_id, cluster_id));
    int rc = dm_db_next(s, q, reterr);
    if (rc == 1)
        read_step(a, q, ret);
    return rc;
}

int dm_store_steps(struct dm_store *s, struct dm_arena *a, const char *cluster_id, int64_t run,
                   bool unfinished, struct dm_step_row **ret, size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_step_row);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    if (unfinished)
        DM_TRY(dm_db_query(s, &q, reterr,
                           STEP_COLUMNS "WHERE p.state IN ('PENDING', 'RUNNING')"
                                        " AND (?1 IS NULL OR b.cluster_id = ?1)"
                                        " AND (?2 = 0 OR b.run = ?2) ORDER BY p.seq",
                           "ti", cluster_id, run));
    else if (run)
        DM_TRY(dm_db_query(s, &q, reterr,
                           STEP_COLUMNS "WHERE (?1 IS NULL OR b.cluster_id = ?1)"
                                        " AND b.run = ?2 ORDER BY p.seq",
                           "ti", cluster_id, run));
    else
        DM_TRY(dm_db_query(s, &q, reterr,
                           STEP_COLUMNS "WHERE ?1 IS NULL OR b.cluster_id = ?1 ORDER BY p.seq", "t",
                           cluster_id));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_step_row *p = dm_db_list_add(&l, reterr);
        if (!p)
            return DM_E_LIMIT;
        read_step(a, q, p);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

/* 13 digits of 36: two 64-bit hashes of the key, `salt` after a collision. */
static void make_step_id(struct dm_arena *a, const struct dm_run_row *run,
                         const struct dm_task_row *task, size_t index, int salt,
                         char ret[STEP_ID_MAX])
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    struct dm_str key =
        dm_str_printf(a, "%s\n%s\n%s\n%d\n%d\n%zu\n%d", run->dag_id, run->run_id, task->task_id,
                      task->map_index, task->try_number, index, salt);
    uint64_t high = dm_str_hash(key);
    uint64_t low =
        dm_str_hash(dm_str_printf(a, "%016llx\n%.*s", (unsigned long long)high, DM_FMT(key)));
    memcpy(ret, "s-", 2);
    for (int i = 0; i < STEP_ID_DIGITS; i++) {
        uint64_t *from = i < 7 ? &high : &low;
        ret[2 + i] = digits[*from % 36];
        *from /= 36;
    }
    ret[STEP_ID_MAX - 1] = '\0';
}

/* The ids of a batch that is there: 1, or 0. */
static int find_batch(struct dm_store *s, struct dm_arena *a, const struct dm_task_row *task,
                      const char ***ret_ids, size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, const char *);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT p.id FROM step_batch b JOIN step p ON p.batch = b.id"
                       " WHERE b.task = ? AND b.try_number = ? ORDER BY p.position",
                       "ii", task->id, (int64_t)task->try_number));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        const char **id = dm_db_list_add(&l, reterr);
        if (!id)
            return DM_E_LIMIT;
        *id = dm_db_text(a, q, 0);
    }
    DM_TRY(rc);
    *ret_ids = l.rows;
    *ret_n = l.n;
    return l.n > 0;
}

static int check_room(struct dm_store *s, const char *cluster_id, size_t n, struct dm_err *reterr)
{
    _cleanup_query_ sqlite3_stmt *q = NULL;
    if (n == 0)
        return dm_err_set(reterr, DM_E_INVALID, "a batch without steps");
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT count(*) FROM step p JOIN step_batch b ON b.id = p.batch"
                       " WHERE p.state IN ('PENDING', 'RUNNING') AND b.cluster_id = ?",
                       "t", cluster_id));
    DM_TRY(dm_db_next(s, q, reterr));
    int64_t there = sqlite3_column_int64(q, 0);
    if ((size_t)there + n > DM_STEPS_MAX)
        return dm_err_set(reterr, DM_E_LIMIT,
                          "cluster \"%s\" has %lld unfinished steps, %zu more pass the limit of %d "
                          "(DM_STEPS_MAX)",
                          cluster_id, (long long)there, n, DM_STEPS_MAX);
    return 0;
}

static int add_step(struct dm_store *s, struct dm_arena *a, const struct dm_run_row *run,
                    const struct dm_task_row *task, int64_t batch, size_t index,
                    const struct dm_step_new *step, int64_t now, const char **ret_id,
                    struct dm_err *reterr)
{
    char id[STEP_ID_MAX];
    int changed = 0;
    for (int salt = 0; changed == 0; salt++) {
        make_step_id(a, run, task, index, salt, id);
        changed = dm_db_exec(
            s, reterr,
            "INSERT INTO step (id, seq, batch, position, name, jar, args, action_on_failure, state,"
            " created_at, attempt)"
            " VALUES (?, (SELECT coalesce(max(seq), 0) + 1 FROM step), ?,?,?,?,?,?, 'PENDING', ?, "
            "0)"
            " ON CONFLICT (id) DO NOTHING",
            "tiitttti", id, batch, (int64_t)index, step->name, step->jar, step->args,
            step->action_on_failure, now);
        DM_TRY(changed);
    }
    *ret_id = dm_arena_strdup(a, id);
    return dm_db_event(s, now, DM_EVENT_STEP_STATE, run->id, task->id, 0, reterr,
                       "{\"step\":\"%s\",\"from\":null,\"to\":\"PENDING\"}", id);
}

int dm_record_steps(struct dm_store *s, struct dm_arena *a, const struct dm_run_row *run,
                    const struct dm_task_row *task, const char *cluster_id,
                    const struct dm_step_new *steps, size_t n, int64_t now, const char ***ret_ids,
                    struct dm_err *reterr)
{
    const char **ids = NULL;
    size_t n_ids = 0;
    int found = find_batch(s, a, task, &ids, &n_ids, reterr);
    DM_TRY(found);
    if (found) {
        if (n_ids != n)
            return dm_err_set(reterr, DM_E_CONFLICT,
                              "try %d of task \"%s\" handed up %zu steps before, now %zu",
                              task->try_number, task->task_id, n_ids, n);
        *ret_ids = ids;
        return 0;
    }
    DM_TRY(check_room(s, cluster_id, n, reterr));
    DM_TRY(dm_db_exec(s, reterr,
                      "INSERT INTO step_batch (cluster_id, run, task, try_number, created_at)"
                      " VALUES (?,?,?,?,?)",
                      "tiiii", cluster_id, run->id, task->id, (int64_t)task->try_number, now));
    int64_t batch = sqlite3_last_insert_rowid(s->db);
    ids = dm_arena_array(a, const char *, n);
    for (size_t i = 0; i < n; i++)
        DM_TRY(add_step(s, a, run, task, batch, i, &steps[i], now, &ids[i], reterr));
    *ret_ids = ids;
    return 0;
}

int dm_step_set_state(struct dm_store *s, struct dm_step_row *step, enum dm_step_state to,
                      int64_t attempt, const char *reason_code, const char *reason_message,
                      int64_t now, struct dm_err *reterr)
{
    int64_t started = to == DM_STEP_RUNNING   ? now
                      : to == DM_STEP_PENDING ? DM_NEVER
                                              : step->started_at;
    int64_t ended = dm_step_finished(to) ? now : DM_NEVER;
    int changed =
        dm_db_exec(s, reterr,
                   "UPDATE step SET state = ?, attempt = ?, reason_code = ?,"
                   " reason_message = ?, started_at = ?, ended_at = ?"
                   " WHERE id = ? AND state = ? AND attempt = ?",
                   "tittTTtti", dm_step_state_name(to), attempt, reason_code, reason_message,
                   started, ended, step->id, dm_step_state_name(step->state), step->attempt);
    DM_TRY(changed);
    if (changed != 1)
        return dm_err_set(reterr, DM_E_CONFLICT, "step %s is no longer %s", step->id,
                          dm_step_state_name(step->state));
    DM_TRY(dm_db_event(s, now, DM_EVENT_STEP_STATE, step->run, step->task, attempt, reterr,
                       "{\"step\":\"%s\",\"from\":\"%s\",\"to\":\"%s\",\"reason\":%s%s%s}",
                       step->id, dm_step_state_name(step->state), dm_step_state_name(to),
                       reason_code ? "\"" : "", reason_code ? reason_code : "null",
                       reason_code ? "\"" : ""));
    step->state = to;
    step->attempt = attempt;
    step->reason_code = reason_code;
    step->reason_message = reason_message;
    step->started_at = started;
    step->ended_at = ended;
    return 0;
}
