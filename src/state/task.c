/* Task instances: reading, making, and the one function that changes a state. */
#include "state/db.h"
#include "state/record.h"

int dm_store_tasks(struct dm_store *s, struct dm_arena *a, int64_t run, struct dm_task_row **ret,
                   size_t *ret_n, struct dm_err *reterr)
{
    struct dm_db_list l = DM_DB_LIST(a, struct dm_task_row);
    _cleanup_query_ sqlite3_stmt *q = NULL;
    int rc;
    DM_TRY(dm_db_query(s, &q, reterr,
                       "SELECT id, task_id, map_index, operator, state, try_number, max_tries,"
                       " attempt, scheduled_at, started_at, ended_at, due_at, until_step"
                       " FROM task_instance WHERE run = ? ORDER BY id",
                       "i", run));
    while ((rc = dm_db_next(s, q, reterr)) == 1) {
        struct dm_task_row *t = dm_db_list_add(&l, reterr);
        if (!t)
            return DM_E_LIMIT;
        int c = 0;
        t->run = run;
        t->id = sqlite3_column_int64(q, c++);
        t->task_id = dm_db_text(a, q, c++);
        t->map_index = sqlite3_column_int(q, c++);
        t->operator_name = dm_db_text(a, q, c++);
        int state = dm_task_state_parse(dm_db_str(a, q, c++));
        t->state = state < 0 ? DM_TASK_FAILED : (enum dm_task_state)state;
        t->try_number = sqlite3_column_int(q, c++);
        t->max_tries = sqlite3_column_int(q, c++);
        t->attempt = sqlite3_column_int64(q, c++);
        t->scheduled_at = dm_db_time(q, c++);
        t->started_at = dm_db_time(q, c++);
        t->ended_at = dm_db_time(q, c++);
        t->due_at = dm_db_time(q, c++);
        t->until_step = dm_db_text(a, q, c++);
    }
    DM_TRY(rc);
    *ret = l.rows;
    *ret_n = l.n;
    return 0;
}

int dm_record_task(struct dm_store *s, struct dm_task_row *t, struct dm_err *reterr)
{
    t->state = DM_TASK_NONE;
    t->scheduled_at = t->started_at = t->ended_at = t->due_at = DM_NEVER;
    DM_TRY(dm_db_exec(s, reterr,
                      "INSERT INTO task_instance (run, task_id, map_index, operator, state,"
                      " try_number, max_tries, attempt) VALUES (?,?,?,?,'none',?,?,0)",
                      "ititii", t->run, t->task_id, (int64_t)t->map_index, t->operator_name,
                      (int64_t)t->try_number, (int64_t)t->max_tries));
    t->id = sqlite3_last_insert_rowid(s->db);
    return 0;
}

int dm_record_map_index(struct dm_store *s, struct dm_task_row *t, int map_index,
                        struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr, "UPDATE task_instance SET map_index = ? WHERE id = ?", "ii",
                      (int64_t)map_index, t->id));
    t->map_index = map_index;
    return 0;
}

int dm_record_task_tries(struct dm_store *s, struct dm_task_row *t, int max_tries,
                         struct dm_err *reterr)
{
    DM_TRY(dm_db_exec(s, reterr, "UPDATE task_instance SET max_tries = ? WHERE id = ?", "ii",
                      (int64_t)max_tries, t->id));
    t->max_tries = max_tries;
    return 0;
}

struct dm_task_change dm_task_change_of(const struct dm_task_row *t)
{
    return (struct dm_task_change){
        .try_number = t->try_number,
        .max_tries = t->max_tries,
        .attempt = t->attempt,
        .scheduled_at = t->scheduled_at,
        .started_at = t->started_at,
        .ended_at = t->ended_at,
        .due_at = t->due_at,
        .until_step = t->until_step,
    };
}

struct dm_task_change dm_task_change_ended(const struct dm_task_row *t, enum dm_task_state to,
                                           int64_t now)
{
    struct dm_task_change c = dm_task_change_of(t);
    c.ended_at = now;
    c.due_at = DM_NEVER;
    c.until_step = NULL;
    if (to == DM_TASK_NONE)
        c.scheduled_at = c.started_at = c.ended_at = DM_NEVER;
    return c;
}

int dm_task_set_state(struct dm_store *s, struct dm_task_row *t, enum dm_task_state to,
                      const struct dm_task_change *c, int64_t now, struct dm_err *reterr)
{
    if (!dm_task_transition_ok(t->state, to))
        DM_BUG("task \"%s\": no transition from %s to %s", t->task_id, dm_task_state_name(t->state),
               dm_task_state_name(to));
    int changed =
        dm_db_exec(s, reterr,
                   "UPDATE task_instance SET state = ?, try_number = ?, max_tries = ?, attempt = ?,"
                   " scheduled_at = ?, started_at = ?, ended_at = ?, due_at = ?, until_step = ?"
                   " WHERE id = ? AND state = ? AND attempt = ?",
                   "tiiiTTTTtiti", dm_task_state_name(to), (int64_t)c->try_number,
                   (int64_t)c->max_tries, c->attempt, c->scheduled_at, c->started_at, c->ended_at,
                   c->due_at, c->until_step, t->id, dm_task_state_name(t->state), t->attempt);
    DM_TRY(changed);
    if (changed != 1)
        return dm_err_set(reterr, DM_E_CONFLICT,
                          "task \"%s\" is no longer %s in attempt %lld: another process wrote the "
                          "store without the right to decide",
                          t->task_id, dm_task_state_name(t->state), (long long)t->attempt);
    DM_TRY(dm_db_event(s, now, to == DM_TASK_NONE ? DM_EVENT_TASK_CLEARED : DM_EVENT_TASK_STATE,
                       t->run, t->id, c->attempt, reterr,
                       "{\"from\":\"%s\",\"to\":\"%s\",\"try\":%d}", dm_task_state_name(t->state),
                       dm_task_state_name(to), c->try_number));
    t->state = to;
    t->try_number = c->try_number;
    t->max_tries = c->max_tries;
    t->attempt = c->attempt;
    t->scheduled_at = c->scheduled_at;
    t->started_at = c->started_at;
    t->ended_at = c->ended_at;
    t->due_at = c->due_at;
    t->until_step = c->until_step;
    return 0;
}
