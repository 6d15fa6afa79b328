/* The codec of what an attempt says: JSON to structs. */
#include "task/message.h"

static const char *text(struct dm_arena *a, const struct dm_value *map, const char *key,
                        const char *fallback)
{
    return dm_str_cstr(a, dm_map_str(map, key, fallback));
}

/* What is no text is shown as its JSON. */
static const char *text_or_null(struct dm_arena *a, const struct dm_value *map, const char *key)
{
    const struct dm_value *v = dm_map_at(map, key);
    if (!v || v->kind == DM_NULL)
        return NULL;
    return v->kind == DM_STRING ? dm_str_cstr(a, v->s) : dm_str_cstr(a, dm_value_json(a, v));
}

static struct dm_ledger_row read_ledger(struct dm_arena *a, const struct dm_value *v)
{
    return (struct dm_ledger_row){
        .write = dm_str_is(dm_map_str(v, "direction", "read"), "write"),
        .dataset = text(a, v, "dataset", ""),
        .note = text_or_null(a, v, "note"),
        .rows = dm_map_int(v, "rows", -1),
        .bytes = dm_map_int(v, "bytes", -1),
        .files = dm_map_int(v, "files", -1),
    };
}

static struct dm_check_row read_check(struct dm_arena *a, const struct dm_value *v)
{
    return (struct dm_check_row){
        .name = text(a, v, "name", ""),
        .passed = dm_map_bool(v, "passed", false),
        .expected = text_or_null(a, v, "expected"),
        .got = text_or_null(a, v, "got"),
        .note = text_or_null(a, v, "note"),
        .rows = text_or_null(a, v, "rows"),
        .sql = text_or_null(a, v, "sql"),
    };
}

static void read_intent(struct dm_arena *a, const struct dm_value *v, struct dm_message *m)
{
    const struct dm_value *list = dm_map_at(v, "objects");
    m->intent.n = list && list->kind == DM_LIST ? list->list.n : 0;
    m->intent.objects = dm_arena_array(a, struct dm_message_object, m->intent.n);
    for (size_t i = 0; i < m->intent.n; i++) {
        const struct dm_value *o = list->list.items[i];
        m->intent.objects[i] =
            (struct dm_message_object){dm_map_str(o, "bucket", ""), dm_map_str(o, "key", "")};
    }
}

static int read_step(struct dm_arena *a, const struct dm_value *v, struct dm_step_new *ret,
                     struct dm_err *reterr)
{
    static const char *const actions[] = {"CONTINUE", "CANCEL_AND_WAIT", "TERMINATE_CLUSTER",
                                          "TERMINATE_JOB_FLOW"};
    const struct dm_value *args = dm_map_at(v, "args");
    ret->name = text(a, v, "name", "step");
    ret->jar = text(a, v, "jar", "command-runner.jar");
    ret->action_on_failure = text(a, v, "action_on_failure", "TERMINATE_CLUSTER");
    ret->args = args ? dm_str_cstr(a, dm_value_json(a, args)) : "[]";
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strcmp(ret->action_on_failure, actions[i]) == 0)
            return 0;
    dm_err_set(reterr, DM_E_INVALID, "step \"%s\": unknown ActionOnFailure \"%s\"", ret->name,
               ret->action_on_failure);
    return dm_err_hint(reterr, "Use CONTINUE, CANCEL_AND_WAIT or TERMINATE_CLUSTER.");
}

static int read_steps(struct dm_arena *a, const struct dm_value *v, struct dm_message *m,
                      struct dm_err *reterr)
{
    const struct dm_value *list = dm_map_at(v, "steps");
    m->steps.cluster = text(a, v, "cluster", "");
    if (!list || list->kind != DM_LIST || list->list.n == 0)
        return dm_err_set(reterr, DM_E_INVALID, "a batch without steps");
    m->steps.n = list->list.n;
    m->steps.steps = dm_arena_array(a, struct dm_step_new, m->steps.n);
    for (size_t i = 0; i < m->steps.n; i++)
        DM_TRY(read_step(a, list->list.items[i], &m->steps.steps[i], reterr));
    return 0;
}

static int read_body(struct dm_arena *a, const struct dm_value *v, struct dm_message *m,
                     struct dm_err *reterr)
{
    const struct dm_value *value;
    switch (m->kind) {
    case DM_WIRE_STARTED:
    case DM_WIRE_RENDERED:
    case DM_WIRE_LOG:
        return 0;
    case DM_WIRE_XCOM:
        value = dm_map_at(v, "value");
        m->xcom.key = dm_map_str(v, "key", "");
        m->xcom.value = value ? dm_value_json(a, value) : DM_STR("null");
        return 0;
    case DM_WIRE_LEDGER:
        m->ledger = read_ledger(a, v);
        return 0;
    case DM_WIRE_CHECK:
        m->check = read_check(a, v);
        return 0;
    case DM_WIRE_PROGRESS:
        m->progress.done = dm_map_int(v, "done", -1);
        m->progress.total = dm_map_int(v, "total", -1);
        m->progress.unit = dm_map_str(v, "unit", "");
        return 0;
    case DM_WIRE_INTENT:
        read_intent(a, v, m);
        return 0;
    case DM_WIRE_LANDED:
        m->landed.source = dm_map_str(v, "source", "");
        m->landed.identity = dm_map_str(v, "identity", "");
        m->landed.bucket = dm_map_str(v, "bucket", "");
        m->landed.key = dm_map_str(v, "key", "");
        return 0;
    case DM_WIRE_INPUT:
        m->input.source = dm_map_str(v, "source", "");
        m->input.identity = dm_map_str(v, "identity", "");
        return 0;
    case DM_WIRE_STEPS:
        return read_steps(a, v, m, reterr);
    case DM_WIRE_TRIGGER:
        value = dm_map_at(v, "conf");
        m->trigger.dag_id = text(a, v, "dag_id", "");
        m->trigger.run_id = text(a, v, "run_id", "");
        m->trigger.logical_date = dm_map_int(v, "logical_date", DM_NEVER);
        m->trigger.conf = value && value->kind == DM_MAP ? value : NULL;
        m->trigger.reset = dm_map_bool(v, "reset", false);
        return 0;
    case DM_WIRE_REMOTE_ID:
        m->remote_id.system = dm_map_str(v, "system", "");
        m->remote_id.id = dm_map_str(v, "id", "");
        return 0;
    default:
        return dm_err_set(reterr, DM_E_DATA, "an unexpected message of the kind '%c'",
                          (char)m->kind);
    }
}

int dm_message_decode(struct dm_arena *a, enum dm_wire_kind kind, struct dm_str body,
                      struct dm_message *ret, struct dm_err *reterr)
{
    struct dm_message m = {.kind = kind};
    struct dm_value *v;
    if (kind == DM_WIRE_RESULT) {
        DM_TRY(dm_result_decode(a, body, &m.result, reterr));
    } else {
        DM_TRY(dm_value_from_json(a, body, &v, reterr));
        if (kind == DM_WIRE_RENDERED)
            m.rendered = body;
        DM_TRY(read_body(a, v, &m, reterr));
    }
    *ret = m;
    return 0;
}
