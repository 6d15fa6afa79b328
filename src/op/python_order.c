/* What a Python function gets to know: the context of Airflow, its arguments, its own file. */
#include "lang/template.h"
#include "op/python_call.h"
#include "task/world.h"

#define TAG \
    "__daymill__" /* what JSON has no kind for: {TAG: "datetime", …}; see decode_tagged in the runner */

/* One template gives all variables that are texts and dates, so that they are those of templates. */
#define PUT(name) "'" name "': " name ", "
#define TAKE_DS(name) PUT(name)
#define TAKE_TS(name) PUT(name)
#define TAKE_DATE(name) PUT(name)
#define TAKE_DAY(name) PUT(name)
#define TAKE_NEIGHBOUR(name) PUT(name)
#define TAKE_TEXT(name) "'" name "': " name " if " name " is defined else none, " /* of callbacks */
#define TAKE_RECORD(name)
#define TAKE_OTHER(name)
static const char variables[] = "{{ {"
#define DM_VARIABLE(name, what, doc) TAKE_##what(name)
#include "lang/context.def"
#undef DM_VARIABLE
                                "} }}";

static struct dm_value *tag(struct dm_arena *a, const char *kind)
{
    struct dm_value *m = dm_value_map(a);
    dm_map_set(a, m, TAG, dm_value_cstr(a, kind));
    return m;
}

static const struct dm_value *instant(struct dm_arena *a, const struct dm_value *v)
{
    char iso[DM_TIME_MAX];
    struct dm_value *m = tag(a, "datetime");
    dm_map_set(a, m, "at", dm_value_cstr(a, dm_time_iso(v->time.us, iso)));
    dm_map_set(a, m, "zone", v->time.zone ? dm_value_cstr(a, v->time.zone) : &dm_null);
    dm_map_set(a, m, "naive", v->time.naive ? &dm_true : &dm_false);
    return m;
}

static int marked(struct dm_attempt *at, const struct dm_value *v, const struct dm_value **ret,
                  struct dm_err *reterr);

static int marked_items(struct dm_attempt *at, const struct dm_value *v,
                        const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_value *list = dm_value_list(at->arena, v->list.n);
    for (size_t i = 0; i < v->list.n; i++)
        DM_TRY(marked(at, v->list.items[i], &list->list.items[i], reterr));
    *ret = list;
    return 0;
}

static int marked_map(struct dm_attempt *at, const struct dm_value *v, const struct dm_value **ret,
                      struct dm_err *reterr)
{
    struct dm_arena *a = at->arena;
    struct dm_str type = dm_map_str(v, "__type__", "");
    const struct dm_value *of;
    bool plain = true;
    if (dm_str_is(type, "callable")) {
        struct dm_value *m = tag(a, "callable");
        DM_TRY(dm_python_callable(at, v, &of, reterr));
        dm_map_set(a, m, "of", of);
        *ret = m;
        return 0;
    }
    if (dm_str_is(type, "set") && dm_map_at(v, "items")) {
        struct dm_value *m = tag(a, "set");
        DM_TRY(marked(at, dm_map_at(v, "items"), &of, reterr));
        dm_map_set(a, m, "items", of);
        *ret = m;
        return 0;
    }
    struct dm_value *m = dm_value_map(a), *pairs = dm_value_list(a, v->map.n);
    for (size_t i = 0; i < v->map.n; i++) {
        struct dm_value *pair = dm_value_list(a, 2);
        DM_TRY(marked(at, v->map.pairs[i].key, &pair->list.items[0], reterr));
        DM_TRY(marked(at, v->map.pairs[i].value, &pair->list.items[1], reterr));
        dm_map_set_value(a, m, pair->list.items[0], pair->list.items[1]);
        pairs->list.items[i] = pair;
        plain = plain && v->map.pairs[i].key->kind == DM_STRING;
    }
    if (!plain) {
        m = tag(a, "map");
        dm_map_set(a, m, "pairs", pairs);
    }
    *ret = m;
    return 0;
}

static int marked(struct dm_attempt *at, const struct dm_value *v, const struct dm_value **ret,
                  struct dm_err *reterr)
{
    struct dm_arena *a = at->arena;
    char date[DM_TIME_MAX];
    struct dm_value *m;
    switch (v->kind) {
    case DM_LIST:
        return marked_items(at, v, ret, reterr);
    case DM_TUPLE:
        m = tag(a, "tuple");
        DM_TRY(marked_items(at, v, ret, reterr));
        dm_map_set(a, m, "items", *ret);
        *ret = m;
        return 0;
    case DM_MAP:
        return marked_map(at, v, ret, reterr);
    case DM_DATETIME:
        *ret = instant(a, v);
        return 0;
    case DM_DATE:
        m = tag(a, "date");
        dm_map_set(a, m, "at", dm_value_cstr(a, dm_time_date(v->i * DM_DAY, date)));
        *ret = m;
        return 0;
    case DM_DELTA:
        m = tag(a, "timedelta");
        dm_map_set(a, m, "us", dm_value_int(a, v->i));
        *ret = m;
        return 0;
    default:
        *ret = v;
        return 0;
    }
}

int dm_python_field(struct dm_attempt *at, const char *field, const struct dm_value **ret,
                    struct dm_err *reterr)
{
    const struct dm_value *v = dm_map_at(at->args, field);
    if (!v) {
        *ret = &dm_null;
        return 0;
    }
    return marked(at, v, ret, reterr);
}

/* A callback is called with the context; its own arguments come beside it. */
static int add_call(struct dm_attempt *at, const struct dm_value *callable, struct dm_value *of,
                    const struct dm_value **ret, struct dm_err *reterr)
{
    const struct dm_value *kwargs = dm_map_at(callable, "kwargs");
    if (kwargs)
        DM_TRY(marked(at, kwargs, &kwargs, reterr));
    dm_map_set(at->arena, of, "kwargs", kwargs ? kwargs : &dm_null);
    dm_map_set(at->arena, of, "context",
               dm_map_bool(callable, "context", false) ? &dm_true : &dm_false);
    *ret = of;
    return 0;
}

int dm_python_callable(struct dm_attempt *at, const struct dm_value *callable,
                       const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_arena *a = at->arena;
    struct dm_value *of = dm_value_map(a);
    const struct dm_value *lambda = dm_map_at(callable, "lambda");
    const struct dm_value *file = dm_map_at(callable, "file");
    struct dm_str name = dm_map_str(callable, "name", "");
    size_t dot = name.len;
    while (dot > 0 && name.p[dot - 1] != '.')
        dot--;
    if (!lambda && dot < 2)
        return dm_err_set(reterr, DM_E_INVALID, "python_callable is no function");
    if (lambda) {
        dm_map_set(a, of, "lambda", lambda);
        *ret = of;
        return 0;
    }
    dm_map_set(a, of, "module", dm_value_str(a, dm_str_sub(name, 0, dot - 1)));
    dm_map_set(a, of, "name", dm_value_str(a, dm_str_sub(name, dot, name.len)));
    if (file && file->kind == DM_STRING) {
        const char *path = dm_str_cstr(a, file->s);
        const struct dm_value *text = dm_map_at(at->order->files, path);
        dm_map_set(a, of, "path", dm_value_cstr(a, dm_path_join(a, at->project->dir, path)));
        dm_map_set(a, of, "text", text ? text : &dm_null);
    }
    return add_call(at, callable, of, ret, reterr);
}

/* ---- the context ---- */

static void put_text(struct dm_arena *a, struct dm_value *m, const char *key, const char *text)
{
    dm_map_set(a, m, key, text ? dm_value_cstr(a, text) : &dm_null);
}

static const struct dm_value *map_or_empty(struct dm_arena *a, const struct dm_value *v)
{
    return v && v->kind == DM_MAP ? v : dm_value_map(a);
}

static void put_records(struct dm_attempt *at, struct dm_value *context)
{
    struct dm_arena *a = at->arena;
    const struct dm_order *o = at->order;
    struct dm_value *dag = dm_value_map(a), *run = dm_value_map(a), *task = dm_value_map(a),
                    *ti = dm_value_map(a);
    put_text(a, dag, "dag_id", o->dag_id);
    put_text(a, dag, "owner", o->owner);
    put_text(a, dag, "schedule_interval", o->schedule);
    put_text(a, dag, "timezone", o->timezone ? o->timezone : "UTC");
    put_text(a, run, "run_type", o->run_type);
    put_text(a, run, "state", dm_context_run_state(o->reason));
    dm_map_set(a, run, "conf", map_or_empty(a, o->conf));
    dm_map_set(a, run, "start_date",
               o->run_start == DM_NEVER ? &dm_null : dm_value_time(a, o->run_start, NULL));
    put_text(a, task, "task_id", o->task_id);
    put_text(a, task, "owner", o->owner);
    dm_map_set(a, task, "retries", dm_value_int(a, o->retries));
    put_text(a, ti, "state", o->state ? o->state : "running");
    dm_map_set(a, ti, "try_number", dm_value_int(a, o->try_number));
    dm_map_set(a, ti, "max_tries", dm_value_int(a, o->max_tries));
    dm_map_set(a, ti, "map_index", dm_value_int(a, o->map_index));
    dm_map_set(a, context, "dag", dag);
    dm_map_set(a, context, "dag_run", run);
    dm_map_set(a, context, "task", task);
    dm_map_set(a, context, "ti", ti);
    dm_map_set(a, context, "params", map_or_empty(a, o->params));
}

int dm_python_context(struct dm_attempt *at, bool with_marks, const struct dm_value **ret,
                      struct dm_err *reterr)
{
    const struct dm_template *t;
    const struct dm_value *v;
    struct dm_context c;
    struct dm_place place = {NULL, 0, 0};
    DM_TRY(dm_attempt_context(at, &c, reterr));
    DM_TRY(dm_template_parse(at->arena, dm_str_c(variables), place, &t, reterr));
    DM_TRY(dm_template_render_native(at->arena, t, &c, &v, reterr));
    struct dm_value *context = dm_value_copy(at->arena, v);
    put_records(at, context);
    if (with_marks)
        return marked(at, context, ret, reterr);
    *ret = context;
    return 0;
}
