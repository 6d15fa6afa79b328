/* What a child says, recorded. */
#include "proc/wire.h"
#include "sched/child.h"

static void reply(struct dm_loop_child *c, struct dm_str body)
{
    dm_frame_encode(&c->out, DM_WIRE_REPLY, body);
}

static void reply_error(struct dm_loop_child *c, struct dm_arena *a, const struct dm_err *err)
{
    struct dm_value *e = dm_value_map(a), *v = dm_value_map(a);
    dm_map_set(a, e, "code", dm_value_cstr(a, dm_code_name(err->code)));
    dm_map_set(a, e, "message", dm_value_cstr(a, err->message));
    dm_map_set(a, v, "error", e);
    reply(c, dm_value_json(a, v));
}

static const char *text_or_null(struct dm_arena *a, const struct dm_value *map, const char *key)
{
    const struct dm_value *v = dm_map_at(map, key);
    if (!v || v->kind == DM_NULL)
        return NULL;
    return v->kind == DM_STRING ? dm_str_cstr(a, v->s) : dm_str_cstr(a, dm_value_json(a, v));
}

static int on_ledger(struct dm_loop_child *c, struct dm_tick *t, const struct dm_value *v,
                     struct dm_err *reterr)
{
    struct dm_arena *a = &t->turn;
    struct dm_ledger_row row = {
        .write = dm_str_is(dm_map_str(v, "direction", "read"), "write"),
        .dataset = dm_str_cstr(a, dm_map_str(v, "dataset", "")),
        .note = text_or_null(a, v, "note"),
        .rows = dm_map_int(v, "rows", -1),
        .bytes = dm_map_int(v, "bytes", -1),
        .files = dm_map_int(v, "files", -1),
    };
    return dm_record_ledger(t->store, c->job->attempt, &row, reterr);
}

static int on_check(struct dm_loop_child *c, struct dm_tick *t, const struct dm_value *v,
                    struct dm_err *reterr)
{
    struct dm_arena *a = &t->turn;
    struct dm_check_row row = {
        .name = dm_str_cstr(a, dm_map_str(v, "name", "")),
        .passed = dm_map_bool(v, "passed", false),
        .expected = text_or_null(a, v, "expected"),
        .got = text_or_null(a, v, "got"),
        .note = text_or_null(a, v, "note"),
        .rows = text_or_null(a, v, "rows"),
        .sql = text_or_null(a, v, "sql"),
    };
    return dm_record_check(t->store, c->job->attempt, &row, reterr);
}

static int on_xcom(struct dm_loop_child *c, struct dm_tick *t, const struct dm_value *v,
                   struct dm_err *reterr)
{
    const struct dm_value *value = dm_map_at(v, "value");
    return dm_record_xcom(t->store, c->job->task->row.id, c->job->attempt, dm_map_str(v, "key", ""),
                          value ? dm_value_json(&t->turn, value) : DM_STR("null"), t->now, reterr);
}

static int on_intent(struct dm_loop_child *c, struct dm_tick *t, const struct dm_value *v,
                     struct dm_err *reterr)
{
    const struct dm_value *objects = dm_map_at(v, "objects");
    int step = c->job->step ? c->job->step->row.index : -1;
    for (size_t i = 0; objects && objects->kind == DM_LIST && i < objects->list.n; i++) {
        const struct dm_value *o = objects->list.items[i];
        DM_TRY(dm_record_intent(t->store, c->job->task->row.id, step, dm_map_str(o, "bucket", ""),
                                dm_map_str(o, "key", ""), reterr));
    }
    reply(c, DM_STR("{}"));
    return 0;
}

static int on_landed(struct dm_loop_child *c, struct dm_tick *t, const struct dm_value *v,
                     struct dm_err *reterr)
{
    return dm_record_landing(t->store, c->job->run->row.dag_id, c->job->task->row.task_id,
                             dm_map_str(v, "source", ""), dm_map_str(v, "identity", ""),
                             dm_map_str(v, "bucket", ""), dm_map_str(v, "key", ""), t->now, reterr);
}

static int on_steps(struct dm_loop_child *c, struct dm_tick *t, const struct dm_value *v,
                    struct dm_err *reterr)
{
    struct dm_err err;
    const char **ids;
    size_t n;
    int rc = c->job->step ? dm_err_set(&err, DM_E_UNSUPPORTED, "a step cannot add steps")
                          : dm_tick_steps(t, c->job, v, &ids, &n, &err);
    if (rc == DM_E_INVALID || rc == DM_E_LIMIT || rc == DM_E_CONFLICT || rc == DM_E_UNSUPPORTED) {
        reply_error(c, &t->turn, &err); /* the batch is refused before anything is written */
        return 0;
    }
    if (rc < 0) {
        if (reterr)
            *reterr = err;
        return rc;
    }
    struct dm_value *list = dm_value_list(&t->turn, 0), *answer = dm_value_map(&t->turn);
    for (size_t i = 0; i < n; i++)
        dm_list_add(&t->turn, list, dm_value_cstr(&t->turn, ids[i]));
    dm_map_set(&t->turn, answer, "ids", list);
    reply(c, dm_value_json(&t->turn, answer));
    return 0;
}

static int on_remote_id(struct dm_loop_child *c, struct dm_tick *t, const struct dm_value *v,
                        struct dm_err *reterr)
{
    DM_TRY(dm_record_remote_id(t->store, c->job->attempt, dm_map_str(v, "system", ""),
                               dm_map_str(v, "id", ""), t->now, reterr));
    reply(c, DM_STR("{}"));
    return 0;
}

static void on_progress(struct dm_loop_child *c, const struct dm_value *v)
{
    struct dm_str unit = dm_map_str(v, "unit", "");
    c->done = dm_map_int(v, "done", -1);
    c->total = dm_map_int(v, "total", -1);
    snprintf(c->unit, sizeof(c->unit), "%.*s", DM_FMT(unit));
}

static void on_result(struct dm_loop_child *c, struct dm_str body)
{
    struct dm_err err;
    /* The body is in a buffer that moves; the result lives as long as the child. */
    if (dm_result_decode(&c->arena, dm_str_dup(&c->arena, body), &c->result, &err) < 0)
        c->broken = err;
    else
        c->has_result = true;
}

int dm_loop_message(struct dm_loop_child *c, struct dm_tick *t, int kind, struct dm_str body,
                    struct dm_err *reterr)
{
    struct dm_value *v = NULL;
    struct dm_err err;
    if (kind == DM_WIRE_RESULT) {
        on_result(c, body);
        return 0;
    }
    if (dm_value_from_json(&t->turn, body, &v, &err) < 0) {
        c->broken = err;
        return 0;
    }
    switch (kind) {
    case DM_WIRE_STARTED:
        c->code_at = t->now;
        return dm_record_attempt_code(t->store, c->job->attempt, t->now, reterr);
    case DM_WIRE_RENDERED:
        return dm_record_rendered(t->store, c->job->attempt, body, reterr);
    case DM_WIRE_XCOM:
        return on_xcom(c, t, v, reterr);
    case DM_WIRE_LEDGER:
        return on_ledger(c, t, v, reterr);
    case DM_WIRE_CHECK:
        return on_check(c, t, v, reterr);
    case DM_WIRE_INTENT:
        return on_intent(c, t, v, reterr);
    case DM_WIRE_LANDED:
        return on_landed(c, t, v, reterr);
    case DM_WIRE_STEPS:
        return on_steps(c, t, v, reterr);
    case DM_WIRE_REMOTE_ID:
        return on_remote_id(c, t, v, reterr);
    case DM_WIRE_PROGRESS:
        on_progress(c, v);
        return 0;
    case DM_WIRE_LOG: /* children log to their file; a line sent here is there already */
        return 0;
    default:
        dm_err_set(&c->broken, DM_E_DATA, "an unexpected message of the kind '%c'", (char)kind);
        return 0;
    }
}
