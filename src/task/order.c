/*
 * The codec of work orders and results: structs to JSON text and back.
 *
 * Plain JSON would lose what an operator's fields need at run time: the place in the DAG file that each value came
 * from, and the kinds that JSON lacks (dates, spans, tuples).  So every value travels as a node,
 *   [letter, line, column, payload …]
 * one level of JSON for each level of the value; a value without a place has 0, 0.
 */
#include "task/order.h"

static const char letters[] = {
    [DM_NULL] = 'n',
    [DM_BOOL] = 'b',
    [DM_INT] = 'i',
    [DM_FLOAT] = 'f',
    [DM_STRING] = 's',
    [DM_LIST] = 'l',
    [DM_TUPLE] = 't',
    [DM_MAP] = 'm',
    [DM_DATETIME] = 'T',
    [DM_DATE] = 'D',
    [DM_DELTA] = 'd',
    /* those that only templates make have none */
    [DM_BIG] = 0,
    [DM_OBJECT] = 0,
};

static int add_node(struct dm_strbuf *b, const struct dm_value *v, struct dm_err *reterr);

static int add_items(struct dm_strbuf *b, const struct dm_value *v, struct dm_err *reterr)
{
    for (size_t i = 0; i < v->list.n; i++) {
        dm_strbuf_addc(b, ',');
        DM_TRY(add_node(b, v->list.items[i], reterr));
    }
    return 0;
}

static int add_pairs(struct dm_strbuf *b, const struct dm_value *v, struct dm_err *reterr)
{
    for (size_t i = 0; i < v->map.n; i++) {
        dm_strbuf_addc(b, ',');
        DM_TRY(add_node(b, v->map.pairs[i].key, reterr));
        dm_strbuf_addc(b, ',');
        DM_TRY(add_node(b, v->map.pairs[i].value, reterr));
    }
    return 0;
}

static int add_payload(struct dm_strbuf *b, const struct dm_value *v, struct dm_err *reterr)
{
    switch (v->kind) {
    case DM_NULL:
        return 0;
    case DM_BOOL:
        dm_strbuf_adds(b, v->b ? ",true" : ",false");
        return 0;
    case DM_INT:
    case DM_DATE:
    case DM_DELTA:
        dm_strbuf_addf(b, ",%lld", (long long)v->i);
        return 0;
    case DM_FLOAT: /* as text: JSON has no infinity */
        dm_strbuf_addf(b, ",\"%.17g\"", v->f);
        return 0;
    case DM_STRING:
        dm_strbuf_addc(b, ',');
        dm_strbuf_add_json(b, v->s);
        return 0;
    case DM_LIST:
    case DM_TUPLE:
        return add_items(b, v, reterr);
    case DM_MAP:
        return add_pairs(b, v, reterr);
    case DM_DATETIME:
        dm_strbuf_addf(b, ",%lld,", (long long)v->time.us);
        if (v->time.zone)
            dm_strbuf_add_json(b, dm_str_c(v->time.zone));
        else
            dm_strbuf_adds(b, "null");
        dm_strbuf_adds(b, v->time.naive ? ",true" : ",false");
        return 0;
    case DM_BIG:
    case DM_OBJECT:
        break; /* have no letter */
    }
    return 0;
}

static int add_node(struct dm_strbuf *b, const struct dm_value *v, struct dm_err *reterr)
{
    if (!v)
        v = &dm_null;
    if (!letters[v->kind])
        return dm_err_set(reterr, DM_E_TYPE, "cannot send a value of kind %s in a work order",
                          dm_kind_name(v->kind));
    dm_strbuf_addf(b, "[\"%c\",%u,%u", letters[v->kind], v->line, v->col);
    DM_TRY(add_payload(b, v, reterr));
    dm_strbuf_addc(b, ']');
    return 0;
}

static int bad_order(struct dm_err *reterr, const char *what)
{
    return dm_err_set(reterr, DM_E_DATA, "a work order has %s", what);
}

/* The payload at index i of a node, which the caller has checked to be long enough. */
static const struct dm_value *payload(const struct dm_value *node, size_t i)
{
    return node->list.items[3 + i];
}

static int node_value(struct dm_arena *a, const struct dm_value *node, const struct dm_value **ret,
                      struct dm_err *reterr);

static int node_sequence(struct dm_arena *a, const struct dm_value *node, struct dm_value *v,
                         struct dm_err *reterr)
{
    size_t n = node->list.n - 3;
    v->list.n = n;
    v->list.items = dm_arena_array(a, const struct dm_value *, n ? n : 1);
    for (size_t i = 0; i < n; i++)
        DM_TRY(node_value(a, payload(node, i), &v->list.items[i], reterr));
    return 0;
}

static int node_map(struct dm_arena *a, const struct dm_value *node, struct dm_value *v,
                    struct dm_err *reterr)
{
    size_t n = node->list.n - 3;
    if (n % 2)
        return bad_order(reterr, "a map with a key without a value");
    const struct dm_value *map = dm_value_map(a);
    uint32_t line = v->line, col = v->col;
    for (size_t i = 0; i < n; i += 2) {
        const struct dm_value *key, *value;
        DM_TRY(node_value(a, payload(node, i), &key, reterr));
        DM_TRY(node_value(a, payload(node, i + 1), &value, reterr));
        dm_map_set_value(a, (struct dm_value *)map, key, value);
    }
    *v = *map;
    v->line = line;
    v->col = col;
    return 0;
}

static int node_scalar(struct dm_arena *a, const struct dm_value *node, struct dm_value *v,
                       struct dm_err *reterr)
{
    static const enum dm_kind wanted[] = {
        [DM_BOOL] = DM_BOOL,    [DM_INT] = DM_INT,  [DM_FLOAT] = DM_STRING, [DM_STRING] = DM_STRING,
        [DM_DATETIME] = DM_INT, [DM_DATE] = DM_INT, [DM_DELTA] = DM_INT};
    size_t n = v->kind == DM_DATETIME ? 3 : 1;
    if (node->list.n != 3 + n || payload(node, 0)->kind != wanted[v->kind] ||
        (n == 3 && payload(node, 2)->kind != DM_BOOL))
        return bad_order(reterr, "a value of the wrong kind");
    const struct dm_value *p = payload(node, 0);
    switch (v->kind) {
    case DM_BOOL:
        v->b = p->b;
        break;
    case DM_FLOAT: {
        char *end;
        const char *text = dm_str_cstr(a, p->s);
        v->f = strtod(text, &end);
        if (end == text || *end)
            return bad_order(reterr, "a number that is none");
        break;
    }
    case DM_STRING:
        v->s = p->s;
        break;
    case DM_DATETIME:
        v->time.us = p->i;
        v->time.zone =
            payload(node, 1)->kind == DM_STRING ? dm_str_cstr(a, payload(node, 1)->s) : NULL;
        v->time.naive = payload(node, 2)->b;
        break;
    default:
        v->i = p->i;
    }
    return 0;
}

static int node_value(struct dm_arena *a, const struct dm_value *node, const struct dm_value **ret,
                      struct dm_err *reterr)
{
    if (!node || node->kind == DM_NULL) {
        *ret = &dm_null;
        return 0;
    }
    if (node->kind != DM_LIST || node->list.n < 3 || node->list.items[0]->kind != DM_STRING ||
        node->list.items[0]->s.len != 1 || node->list.items[1]->kind != DM_INT ||
        node->list.items[2]->kind != DM_INT)
        return bad_order(reterr, "a value that is no node");
    char letter = node->list.items[0]->s.p[0];
    const char *at = letter ? memchr(letters, letter, sizeof(letters)) : NULL;
    if (!at)
        return bad_order(reterr, "a value of an unknown kind");
    struct dm_value *v = dm_arena_new(a, struct dm_value);
    v->kind = (enum dm_kind)(at - letters);
    v->line = (uint32_t)node->list.items[1]->i;
    v->col = (uint32_t)node->list.items[2]->i;
    if (v->kind == DM_LIST || v->kind == DM_TUPLE)
        DM_TRY(node_sequence(a, node, v, reterr));
    else if (v->kind == DM_MAP)
        DM_TRY(node_map(a, node, v, reterr));
    else if (v->kind != DM_NULL)
        DM_TRY(node_scalar(a, node, v, reterr));
    *ret = v;
    return 0;
}

/* The members of the two orders: one table each, so that both directions agree. */
enum member_type { TEXT, INT, INT64, BOOL, VALUE };

struct member {
    const char *name;
    enum member_type type;
    size_t offset;
};

#define MEMBER(struct_name, type, name)                 \
    {                                                   \
#name, type, offsetof(struct struct_name, name) \
    }

static const struct member order_members[] = {
    MEMBER(dm_order, INT64, attempt),
    MEMBER(dm_order, TEXT, project_dir),
    MEMBER(dm_order, TEXT, dag_id),
    MEMBER(dm_order, TEXT, task_id),
    MEMBER(dm_order, TEXT, run_id),
    MEMBER(dm_order, TEXT, run_type),
    MEMBER(dm_order, TEXT, operator_name),
    MEMBER(dm_order, TEXT, dag_file),
    MEMBER(dm_order, TEXT, schedule),
    MEMBER(dm_order, TEXT, timezone),
    MEMBER(dm_order, TEXT, owner),
    MEMBER(dm_order, INT, map_index),
    MEMBER(dm_order, INT, try_number),
    MEMBER(dm_order, INT, max_tries),
    MEMBER(dm_order, INT, retries),
    MEMBER(dm_order, INT64, logical_date),
    MEMBER(dm_order, INT64, interval_start),
    MEMBER(dm_order, INT64, interval_end),
    MEMBER(dm_order, INT64, run_start),
    MEMBER(dm_order, INT64, prev_interval_start_success),
    MEMBER(dm_order, INT64, prev_interval_end_success),
    MEMBER(dm_order, INT64, prev_start_date_success),
    MEMBER(dm_order, INT64, prev_end_date_success),
    MEMBER(dm_order, INT64, execution_timeout_us),
    MEMBER(dm_order, BOOL, native_templates),
    MEMBER(dm_order, BOOL, do_xcom_push),
    MEMBER(dm_order, TEXT, generation),
    MEMBER(dm_order, VALUE, schedule_value),
    MEMBER(dm_order, VALUE, conf),
    MEMBER(dm_order, VALUE, params),
    MEMBER(dm_order, VALUE, args),
    MEMBER(dm_order, VALUE, expand),
    MEMBER(dm_order, VALUE, expand_kwargs),
    MEMBER(dm_order, BOOL, is_mapped_over),
    MEMBER(dm_order, VALUE, files),
    MEMBER(dm_order, VALUE, upstream),
    MEMBER(dm_order, VALUE, task_attrs),
    MEMBER(dm_order, VALUE, dag_attrs),
    MEMBER(dm_order, VALUE, earlier_objects),
    MEMBER(dm_order, VALUE, landings),
    MEMBER(dm_order, INT64, started_at),
    MEMBER(dm_order, INT64, first_look_at),
    MEMBER(dm_order, INT64, try_look_at),
    MEMBER(dm_order, TEXT, state),
    MEMBER(dm_order, TEXT, exception),
    MEMBER(dm_order, TEXT, reason),
    MEMBER(dm_order, VALUE, on_execute),
    MEMBER(dm_order, VALUE, triggering),
    {NULL},
};

static const struct member step_members[] = {
    MEMBER(dm_step_order, TEXT, project_dir),  MEMBER(dm_step_order, TEXT, step_id),
    MEMBER(dm_step_order, TEXT, cluster_id),   MEMBER(dm_step_order, TEXT, name),
    MEMBER(dm_step_order, TEXT, jar),          MEMBER(dm_step_order, VALUE, args),
    MEMBER(dm_step_order, TEXT, dag_id),       MEMBER(dm_step_order, TEXT, run_id),
    MEMBER(dm_step_order, INT, step_index),    MEMBER(dm_step_order, VALUE, earlier_objects),
    MEMBER(dm_step_order, TEXT, lake_conn_id), {NULL},
};

static int encode_members(struct dm_strbuf *b, const struct member *members, const void *from,
                          const char *what, struct dm_err *reterr)
{
    const char *base = from;
    char sep = '{';
    for (const struct member *m = members; m->name; m++) {
        const void *at = base + m->offset;
        dm_strbuf_addf(b, "%c\"%s\":", sep, m->name);
        sep = ',';
        switch (m->type) {
        case TEXT: {
            const char *text = *(const char *const *)at;
            if (text)
                dm_strbuf_add_json(b, dm_str_c(text));
            else
                dm_strbuf_adds(b, "null");
            break;
        }
        case INT:
            dm_strbuf_addf(b, "%d", *(const int *)at);
            break;
        case INT64:
            dm_strbuf_addf(b, "%lld", (long long)*(const int64_t *)at);
            break;
        case BOOL:
            dm_strbuf_adds(b, *(const bool *)at ? "true" : "false");
            break;
        case VALUE:
            if (*(const struct dm_value *const *)at)
                DM_TRY(add_node(b, *(const struct dm_value *const *)at, reterr));
            else
                dm_strbuf_adds(b, "null");
            break;
        }
    }
    dm_strbuf_addc(b, '}');
    return dm_strbuf_check(b, what, reterr);
}

static int decode_members(struct dm_arena *a, struct dm_str json, const struct member *members,
                          void *to, struct dm_err *reterr)
{
    struct dm_value *doc;
    DM_TRY(dm_value_from_json(a, json, &doc, reterr));
    if (doc->kind != DM_MAP)
        return bad_order(reterr, "no members");
    char *base = to;
    for (const struct member *m = members; m->name; m++) {
        static const enum dm_kind wanted[] = {[TEXT] = DM_STRING,
                                              [INT] = DM_INT,
                                              [INT64] = DM_INT,
                                              [BOOL] = DM_BOOL,
                                              [VALUE] = DM_LIST};
        void *at = base + m->offset;
        const struct dm_value *v = dm_map_at(doc, m->name);
        if (!v || v->kind == DM_NULL)
            continue; /* the struct is zeroed */
        if (v->kind != wanted[m->type])
            return dm_err_set(reterr, DM_E_DATA, "a work order has a %s as \"%s\"",
                              dm_kind_name(v->kind), m->name);
        switch (m->type) {
        case TEXT:
            *(const char **)at = dm_str_cstr(a, v->s);
            break;
        case INT:
            *(int *)at = (int)v->i;
            break;
        case INT64:
            *(int64_t *)at = v->i;
            break;
        case BOOL:
            *(bool *)at = v->b;
            break;
        case VALUE:
            DM_TRY(node_value(a, v, (const struct dm_value **)at, reterr));
            break;
        }
    }
    return 0;
}

int dm_order_encode(struct dm_strbuf *b, const struct dm_order *o, struct dm_err *reterr)
{
    return encode_members(b, order_members, o, "a work order", reterr);
}

int dm_order_decode(struct dm_arena *a, struct dm_str json, struct dm_order *ret,
                    struct dm_err *reterr)
{
    struct dm_order o = {0};
    DM_TRY(decode_members(a, json, order_members, &o, reterr));
    if (!o.project_dir || !o.dag_id || !o.task_id || !o.run_id || !o.operator_name)
        return bad_order(reterr, "no project, DAG, task, run or operator");
    *ret = o;
    return 0;
}

int dm_step_order_encode(struct dm_strbuf *b, const struct dm_step_order *o, struct dm_err *reterr)
{
    return encode_members(b, step_members, o, "a step's order", reterr);
}

int dm_step_order_decode(struct dm_arena *a, struct dm_str json, struct dm_step_order *ret,
                         struct dm_err *reterr)
{
    struct dm_step_order o = {0};
    DM_TRY(decode_members(a, json, step_members, &o, reterr));
    if (!o.project_dir || !o.step_id || !o.cluster_id || !o.jar || !o.dag_id || !o.run_id)
        return bad_order(reterr, "no project, step, cluster, jar, DAG or run");
    *ret = o;
    return 0;
}

static const char *const result_names[] = {
    [DM_RESULT_SUCCESS] = "success",
    [DM_RESULT_FAILED] = "failed",
    [DM_RESULT_SKIPPED] = "skipped",
    [DM_RESULT_RESCHEDULE] = "reschedule",
};

static void add_text_member(struct dm_strbuf *b, const char *name, const char *text)
{
    dm_strbuf_addf(b, ",\"%s\":", name);
    dm_strbuf_add_json(b, dm_str_c(text));
}

static void add_error(struct dm_strbuf *b, const struct dm_err *e)
{
    dm_strbuf_addf(b, "{\"code\":\"%s\"", dm_code_name(e->code));
    add_text_member(b, "sqlstate", e->sqlstate);
    add_text_member(b, "file", e->file);
    add_text_member(b, "message", e->message);
    add_text_member(b, "detail", e->detail);
    add_text_member(b, "hint", e->hint);
    dm_strbuf_addf(b, ",\"errno\":%d,\"line\":%d,\"col\":%d,\"position\":%d}", e->sys_errno,
                   e->line, e->col, e->position);
}

static void copy_text(char *to, size_t cap, const struct dm_value *map, const char *key)
{
    struct dm_str s = dm_map_str(map, key, "");
    snprintf(to, cap, "%.*s", DM_FMT(s));
}

static struct dm_err error_of(const struct dm_value *v)
{
    struct dm_err e = {0};
    char code[64];
    copy_text(code, sizeof(code), v, "code");
    e.code = dm_code_from_name(code);
    copy_text(e.sqlstate, sizeof(e.sqlstate), v, "sqlstate");
    copy_text(e.file, sizeof(e.file), v, "file");
    copy_text(e.message, sizeof(e.message), v, "message");
    copy_text(e.detail, sizeof(e.detail), v, "detail");
    copy_text(e.hint, sizeof(e.hint), v, "hint");
    e.sys_errno = (int)dm_map_int(v, "errno", 0);
    e.line = (int)dm_map_int(v, "line", 0);
    e.col = (int)dm_map_int(v, "col", 0);
    e.position = (int)dm_map_int(v, "position", 0);
    return e;
}

void dm_result_encode(struct dm_strbuf *b, const struct dm_result *r)
{
    dm_strbuf_addf(b, "{\"state\":\"%s\",\"retry\":%s,\"error\":", result_names[r->state],
                   r->retry ? "true" : "false");
    if (r->error.code)
        add_error(b, &r->error);
    else
        dm_strbuf_adds(b, "null");
    dm_strbuf_adds(b, ",\"until\":{\"step\":");
    if (r->until_step)
        dm_strbuf_add_json(b, dm_str_c(r->until_step));
    else
        dm_strbuf_adds(b, "null");
    dm_strbuf_adds(b, ",\"time\":");
    if (r->until_time == DM_NEVER)
        dm_strbuf_adds(b, "null");
    else
        dm_strbuf_addf(b, "%lld", (long long)r->until_time);
    dm_strbuf_adds(b, "},\"objects\":");
    if (r->objects)
        dm_value_to_json(b, r->objects, false);
    else
        dm_strbuf_adds(b, "[]");
    if (r->decision) {
        dm_strbuf_adds(b, ",\"decision\":");
        dm_value_to_json(b, r->decision, false);
    }
    dm_strbuf_addc(b, '}');
}

int dm_result_decode(struct dm_arena *a, struct dm_str json, struct dm_result *ret,
                     struct dm_err *reterr)
{
    struct dm_value *doc;
    DM_TRY(dm_value_from_json(a, json, &doc, reterr));
    struct dm_result r = {.until_time = DM_NEVER};
    struct dm_str state = dm_map_str(doc, "state", "");
    size_t i = 0;
    while (i < sizeof(result_names) / sizeof(*result_names) && !dm_str_is(state, result_names[i]))
        i++;
    if (i == sizeof(result_names) / sizeof(*result_names))
        return dm_err_set(reterr, DM_E_DATA, "a result has the state \"%.*s\"", DM_FMT(state));
    r.state = (enum dm_result_state)i;
    r.retry = dm_map_bool(doc, "retry", false);
    const struct dm_value *error = dm_map_at(doc, "error");
    if (error && error->kind == DM_MAP)
        r.error = error_of(error);
    const struct dm_value *until = dm_map_at(doc, "until");
    const struct dm_value *step = dm_map_at(until, "step");
    if (step && step->kind == DM_STRING)
        r.until_step = dm_str_cstr(a, step->s);
    r.until_time = dm_map_int(until, "time", DM_NEVER);
    r.objects = dm_map_at(doc, "objects");
    if (!r.objects || r.objects->kind != DM_LIST)
        return dm_err_set(reterr, DM_E_DATA, "a result has no list of objects");
    r.decision = dm_map_at(doc, "decision");
    *ret = r;
    return 0;
}
