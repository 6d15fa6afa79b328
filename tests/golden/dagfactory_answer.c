/*
 * A DAG as the cases of kind `dagfactory` write it (README beside the file, "A DAG" and "A task"): typed values, and
 * everything that is Airflow's default left out.
 */
#include "dagfactory.h"

#include "lang/cron.h"

#include <math.h>

const char golden_python_value[] = "__python__";

static struct dm_value *tagged(struct dm_arena *a, const char *tag, const struct dm_value *v)
{
    struct dm_value *m = dm_value_map(a);
    dm_map_set(a, m, tag, v);
    return m;
}

static const struct dm_value *instant(struct dm_arena *a, int64_t us)
{
    char buf[DM_TIME_MAX];
    return us == DM_NEVER ? &dm_null : dm_value_cstr(a, dm_time_isoz(us, buf));
}

static const struct dm_value *seconds(struct dm_arena *a, int64_t us)
{
    return dm_value_float(a, (double)us / 1e6);
}

static const struct dm_value *typed(struct dm_arena *a, const struct dm_value *v);

static const struct dm_value *typed_list(struct dm_arena *a, const struct dm_value *v)
{
    struct dm_value *list = dm_value_list(a, v->list.n);
    for (size_t i = 0; i < v->list.n; i++)
        list->list.items[i] = typed(a, v->list.items[i]);
    return list;
}

static const struct dm_value *without(struct dm_arena *a, const struct dm_value *map,
                                      const char *key)
{
    struct dm_value *out = dm_value_map(a);
    for (size_t i = 0; i < map->map.n; i++)
        if (!dm_str_is(map->map.pairs[i].key->s, key))
            dm_map_set_value(a, out, map->map.pairs[i].key, typed(a, map->map.pairs[i].value));
    return out;
}

/* Python counts weeks as days, and parts of 0 are not there. */
static const struct dm_value *relativedelta(struct dm_arena *a, const struct dm_value *v)
{
    const struct dm_value *weeks = dm_map_at(v, "weeks"), *days = dm_map_at(v, "days");
    if (!weeks || weeks->kind != DM_INT || (days && days->kind != DM_INT))
        return without(a, v, "__type__");
    struct dm_value *out = dm_value_copy(a, without(a, v, "__type__"));
    dm_map_set(a, out, "days", dm_value_int(a, 7 * weeks->i + (days ? days->i : 0)));
    return without(a, out, "weeks");
}

/* Assets by their URIs: what a schedule waits for, inlets and outlets. */
static const struct dm_value *uris(struct dm_arena *a, const struct dm_value *v)
{
    struct dm_str type = dm_map_str(v, "__type__", "");
    if (dm_str_is(type, "Asset"))
        return dm_map_at(v, "uri");
    const struct dm_value *items = v->kind == DM_LIST ? v : dm_map_at(v, "objects");
    if (!items || items->kind != DM_LIST)
        return typed(a, v);
    struct dm_value *list = dm_value_list(a, items->list.n);
    for (size_t i = 0; i < items->list.n; i++)
        list->list.items[i] = uris(a, items->list.items[i]);
    return v == items ? list : tagged(a, dm_str_is(type, "AssetAll") ? "all" : "any", list);
}

/* Objects that the loader keeps as maps with their class under __type__. */
static const struct dm_value *typed_object(struct dm_arena *a, const struct dm_value *v)
{
    struct dm_str type = dm_map_str(v, "__type__", "");
    struct dm_value *m = dm_value_map(a);
    if (dm_str_is(type, "Asset"))
        return tagged(a, "__dataset__", dm_map_at(v, "uri"));
    if (dm_str_is(type, "AssetAll") || dm_str_is(type, "AssetAny"))
        return tagged(a, "__object__",
                      dm_value_cstr(a, dm_str_is(type, "AssetAll")
                                           ? "airflow.datasets.DatasetAll"
                                           : "airflow.datasets.DatasetAny"));
    if (dm_str_is(type, "relativedelta"))
        return tagged(a, "__relativedelta__", relativedelta(a, v));
    if (dm_str_is(type, "bytes"))
        return tagged(a, "__bytes__", dm_map_at(v, "base64"));
    if (dm_str_is(type, "set"))
        return tagged(a, "__set__", typed(a, dm_map_at(v, "items")));
    if (dm_str_is(type, "XComArg")) {
        dm_map_set(a, m, "__xcom__", dm_map_at(v, "task_id"));
        dm_map_set(a, m, "key", dm_map_at(v, "key"));
        return m;
    }
    if (dm_str_is(type, "callable")) {
        const struct dm_value *kwargs = dm_map_at(v, "kwargs");
        if (dm_map_at(v, "value"))
            return tagged(a, golden_python_value, dm_map_at(v, "name"));
        if (dm_map_at(v, "object")) { /* of which answers only say the module */
            struct dm_str name = dm_map_str(v, "name", "");
            while (name.len && name.p[name.len - 1] != '.')
                name.len--;
            return tagged(a, "__callable__",
                          dm_value_str(a, dm_str_printf(a, "%.*s?", DM_FMT(name))));
        }
        if (dm_map_at(v, "class") && !dm_map_at(v, "partial"))
            return tagged(a, "__object__", dm_map_at(v, "name"));
        dm_map_set(a, m, "__callable__", dm_map_at(v, "name"));
        if (kwargs && kwargs->map.n)
            dm_map_set(a, m, "kwargs", typed(a, kwargs));
        return m;
    }
    return tagged(a, "__object__", dm_value_str(a, type));
}

static const struct dm_value *typed_map(struct dm_arena *a, const struct dm_value *v)
{
    bool plain = true;
    if (dm_map_at(v, "__type__"))
        return typed_object(a, v);
    for (size_t i = 0; i < v->map.n; i++)
        plain = plain && v->map.pairs[i].key->kind == DM_STRING;
    if (plain)
        return without(a, v, "");
    struct dm_value *pairs = dm_value_list(a, v->map.n);
    for (size_t i = 0; i < v->map.n; i++) {
        struct dm_value *pair = dm_value_list(a, 2);
        pair->list.items[0] = typed(a, v->map.pairs[i].key);
        pair->list.items[1] = typed(a, v->map.pairs[i].value);
        pairs->list.items[i] = pair;
    }
    return tagged(a, "__map__", pairs);
}

static const struct dm_value *zone_name(struct dm_arena *a, const char *zone)
{
    if (!zone)
        return dm_value_cstr(a, "UTC");
    return dm_value_cstr(a,
                         *zone == '+' || *zone == '-' ? dm_arena_printf(a, "UTC%s", zone) : zone);
}

static const struct dm_value *typed(struct dm_arena *a, const struct dm_value *v)
{
    char buf[DM_TIME_MAX], number[DM_FLOAT_MAX];
    struct dm_value *m;
    switch (v->kind) {
    case DM_LIST:
    case DM_TUPLE:
        return typed_list(a, v);
    case DM_MAP:
        return typed_map(a, v);
    case DM_DATE:
        return tagged(a, "__date__", dm_value_cstr(a, dm_time_date(v->i * DM_DAY, buf)));
    case DM_DELTA:
        return tagged(a, "__timedelta__", seconds(a, v->i));
    case DM_FLOAT:
        return isfinite(v->f)
                   ? v
                   : tagged(a, "__float__", dm_value_cstr(a, dm_float_repr(v->f, number)));
    case DM_DATETIME:
        m = tagged(a, "__datetime__", instant(a, v->time.us));
        if (!v->time.naive)
            dm_map_set(a, m, "tz", zone_name(a, v->time.zone));
        return m;
    default:
        return v;
    }
}

/* Sets a key unless the value is the default, given as JSON. */
static void put(struct dm_arena *a, struct dm_value *m, const char *key, const struct dm_value *v,
                const char *fallback)
{
    struct dm_value *plain;
    if (dm_value_from_json(a, dm_str_c(fallback), &plain, NULL) < 0)
        DM_BUG("the default of %s is no JSON", key);
    if (v && !(v->kind == plain->kind && dm_value_equal(v, plain)))
        dm_map_set(a, m, key, v);
}

static void put_text(struct dm_arena *a, struct dm_value *m, const char *key, const char *text,
                     const char *fallback)
{
    put(a, m, key, text ? dm_value_cstr(a, text) : &dm_null, fallback);
}

static void put_int(struct dm_arena *a, struct dm_value *m, const char *key, int64_t i,
                    const char *fallback)
{
    put(a, m, key, dm_value_int(a, i), fallback);
}

static void put_bool(struct dm_arena *a, struct dm_value *m, const char *key, bool b,
                     const char *fallback)
{
    put(a, m, key, dm_value_bool(a, b), fallback);
}

/* A span of 0 is "none". */
static void put_span(struct dm_arena *a, struct dm_value *m, const char *key, int64_t us)
{
    if (us)
        dm_map_set(a, m, key, seconds(a, us));
}

static void put_typed(struct dm_arena *a, struct dm_value *m, const char *key,
                      const struct dm_value *v, const char *fallback)
{
    if (v)
        put(a, m, key, typed(a, v), fallback);
}

static struct dm_value *words(struct dm_arena *a, const char *const *list)
{
    struct dm_value *out = dm_value_list(a, 0);
    for (; list && *list; list++)
        dm_list_add(a, out, dm_value_cstr(a, *list));
    return out;
}

/* Values and their checks, over those of the level above. */
static void add_params(struct dm_arena *a, struct dm_value *out, const struct dm_value *values,
                       const struct dm_value *specs)
{
    for (size_t i = 0; values && i < values->map.n; i++) {
        const struct dm_value *key = values->map.pairs[i].key;
        struct dm_value *p = dm_value_map(a);
        const struct dm_value *spec = specs ? dm_map_get_value(specs, key) : NULL;
        dm_map_set(a, p, "value", typed(a, values->map.pairs[i].value));
        if (spec && dm_map_at(spec, "schema"))
            dm_map_set(a, p, "schema", typed(a, dm_map_at(spec, "schema")));
        if (spec && dm_map_at(spec, "description"))
            dm_map_set(a, p, "description", dm_map_at(spec, "description"));
        dm_map_set_value(a, out, key, p);
    }
    for (size_t i = 0; specs && i < specs->map.n; i++) {
        const struct dm_value *key = specs->map.pairs[i].key, *spec = specs->map.pairs[i].value;
        if (dm_map_get_value(values, key))
            continue;
        struct dm_value *p = tagged(a, "value", tagged(a, "__unset__", &dm_true));
        if (dm_map_at(spec, "schema"))
            dm_map_set(a, p, "schema", typed(a, dm_map_at(spec, "schema")));
        if (dm_map_at(spec, "description"))
            dm_map_set(a, p, "description", dm_map_at(spec, "description"));
        dm_map_set_value(a, out, key, p);
    }
}

static int by_text(const void *x, const void *y)
{
    const struct dm_value *const *a = x, *const *b = y;
    return dm_str_cmp((*a)->s, (*b)->s);
}

static const struct dm_value *upstream(struct dm_arena *a, const struct dm_dag *dag,
                                       const struct dm_task *t)
{
    struct dm_value *list = dm_value_list(a, t->n_upstream);
    for (size_t i = 0; i < t->n_upstream; i++)
        list->list.items[i] = dm_value_cstr(a, dag->tasks[t->upstream[i]].task_id);
    if (t->n_upstream)
        qsort(list->list.items, t->n_upstream, sizeof(list->list.items[0]), by_text);
    return list;
}

static void put_mapped(struct dm_arena *a, struct dm_value *m, const struct dm_task *t)
{
    struct dm_value *mapped = dm_value_map(a);
    /* The function itself belongs to the decorator. */
    dm_map_set(a, mapped, "partial",
               t->expand_kwargs ? without(a, t->args, "python_callable") : typed(a, t->args));
    dm_map_set(a, mapped, "expand", typed(a, t->expand));
    if (t->expand_kwargs)
        dm_map_set(a, mapped, "op_kwargs_expand", typed(a, t->expand_kwargs));
    dm_map_set(a, m, "mapped", mapped);
}

static const struct dm_value *task_answer(struct dm_arena *a, const struct dm_dag *dag,
                                          const struct dm_task *t)
{
    struct dm_value *m = dm_value_map(a), *params = dm_value_map(a);
    put_text(a, m, "task_id", t->task_id, "null");
    put_text(a, m, "operator", t->operator_name, "null");
    put(a, m, "upstream", upstream(a, dag, t), "[]");
    put_text(a, m, "group", t->group, "null");
    put_text(a, m, "trigger_rule", dm_trigger_rule_name(t->trigger_rule), "\"all_success\"");
    put_int(a, m, "retries", t->retries, "0");
    put(a, m, "retry_delay", seconds(a, t->retry_delay_us), "300.0");
    put_bool(a, m, "retry_exponential_backoff", t->retry_exponential_backoff, "false");
    put_span(a, m, "max_retry_delay", t->max_retry_delay_us);
    put_span(a, m, "execution_timeout", t->execution_timeout_us);
    put_span(a, m, "sla", t->sla_us);
    put_bool(a, m, "depends_on_past", t->depends_on_past, "false");
    put_bool(a, m, "wait_for_downstream", t->wait_for_downstream, "false");
    put_text(a, m, "pool", t->pool, "\"default_pool\"");
    put_int(a, m, "pool_slots", t->pool_slots, "1");
    put_int(a, m, "priority_weight", t->priority_weight, "1");
    put_text(a, m, "weight_rule", t->weight_rule, "\"downstream\"");
    put_text(a, m, "owner", t->owner, "\"airflow\"");
    put_text(a, m, "queue", t->queue, "\"default\"");
    put_typed(a, m, "email", t->email, "null");
    if (!t->expand) { /* Airflow's mapped tasks do not say */
        put_bool(a, m, "email_on_failure", t->email_on_failure, "true");
        put_bool(a, m, "email_on_retry", t->email_on_retry, "true");
        put_bool(a, m, "do_xcom_push", t->do_xcom_push, "true");
    }
    put_bool(a, m, "ignore_first_depends_on_past", t->ignore_first_depends_on_past, "true");
    add_params(a, params, dag->params, dag->param_specs);
    add_params(a, params, t->params, t->param_specs);
    put(a, m, "params", params, "{}");
    put_text(a, m, "doc_md", t->doc_md, "null");
    put_text(a, m, "task_display_name", t->display_name, "null");
    if (t->max_active_tis_per_dag)
        put_int(a, m, "max_active_tis_per_dag", t->max_active_tis_per_dag, "null");
    put(a, m, "start_date", instant(a, t->start_date == DM_NEVER ? dag->start_date : t->start_date),
        "null");
    put(a, m, "end_date", instant(a, t->end_date == DM_NEVER ? dag->end_date : t->end_date),
        "null");
    put_text(a, m, "run_as_user", t->run_as_user, "null");
    put_text(a, m, "executor", t->executor, "null");
    put_typed(a, m, "executor_config", t->executor_config, "{}");
    put_typed(a, m, "callbacks", t->callables, "{}");
    if (t->inlets)
        put(a, m, "inlets", uris(a, t->inlets), "[]");
    if (t->outlets)
        put(a, m, "outlets", uris(a, t->outlets), "[]");
    if (t->expand)
        put_mapped(a, m, t);
    else
        put_typed(a, m, "args", t->args, "{}");
    return m;
}

/* "@daily" is written out; other texts stay as they are. */
static const struct dm_value *cron_text(struct dm_arena *a, struct dm_str expr)
{
    static const char *const presets[][2] = {
        {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},       {"@weekly", "0 0 * * 0"},
        {"@monthly", "0 0 1 * *"}, {"@quarterly", "0 0 1 */3 *"}, {"@yearly", "0 0 1 1 *"}};
    for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++)
        if (dm_str_is(expr, presets[i][0]))
            return dm_value_cstr(a, presets[i][1]);
    return dm_value_str(a, expr);
}

static void put_kind(struct dm_arena *a, struct dm_value *m, const char *kind)
{
    dm_map_set(a, m, "kind", dm_value_cstr(a, kind));
}

static const struct dm_value *first_of(const struct dm_value *v, const char *key)
{
    const struct dm_value *args = dm_map_at(v, "__args__"), *named = dm_map_at(v, key);
    return named || !args || !args->list.n ? named : args->list.items[0];
}

static const struct dm_value *schedule_answer(struct dm_arena *a, const struct dm_value *v,
                                              const char *zone, const struct dm_timetable *t)
{
    struct dm_value *m = dm_value_map(a);
    struct dm_str type = dm_map_str(v, "__type__", "");
    if (dm_str_is(type, "DeltaDataIntervalTimetable"))
        v = first_of(v, "delta"), type = dm_map_str(v, "__type__", "");
    const struct dm_value *expr = v->kind == DM_MAP ? first_of(v, "cron") : v;
    if (dm_str_is(type, "Asset") || dm_str_is(type, "AssetAll") || dm_str_is(type, "AssetAny")) {
        put_kind(a, m, "dataset");
        dm_map_set(a, m, "expr", uris(a, v));
        return m;
    }
    if (dm_str_is(type, "AssetOrTimeSchedule")) {
        const struct dm_value *time = dm_map_at(v, "timetable");
        const struct dm_timetable *inner;
        if (dm_timetable_parse(a, time, zone, &inner, NULL) < 0)
            DM_BUG("a schedule that was loaded cannot be parsed");
        put_kind(a, m, "dataset_or_time");
        dm_map_set(a, m, "expr", uris(a, dm_map_at(v, "assets")));
        dm_map_set(a, m, "time", schedule_answer(a, time, zone, inner));
        return m;
    }
    if (dm_str_is(type, "EventsTimetable")) {
        put_kind(a, m, "events");
        dm_map_set(a, m, "dates", typed(a, dm_map_at(v, "event_dates")));
        return m;
    }
    switch (dm_timetable_kind(t)) {
    case DM_TIMETABLE_ONCE:
        put_kind(a, m, "once");
        return m;
    case DM_TIMETABLE_CONTINUOUS:
        put_kind(a, m, "continuous");
        return m;
    case DM_TIMETABLE_DELTA:
        put_kind(a, m, "delta");
        if (v->kind == DM_DELTA)
            dm_map_set(a, m, "seconds", seconds(a, v->i));
        else
            dm_map_set(a, m, "relativedelta", relativedelta(a, v));
        return m;
    case DM_TIMETABLE_CRON_TRIGGER:
    case DM_TIMETABLE_CRON:
        put_kind(a, m, dm_timetable_kind(t) == DM_TIMETABLE_CRON ? "cron" : "cron_trigger");
        dm_map_set(a, m, "expr", cron_text(a, expr->s));
        dm_map_set(a, m, "tz",
                   v->kind == DM_MAP && dm_map_at(v, "timezone") ? dm_map_at(v, "timezone")
                                                                 : dm_value_cstr(a, zone));
        if (dm_timetable_kind(t) == DM_TIMETABLE_CRON_TRIGGER) {
            const struct dm_value *interval = dm_map_at(v, "interval");
            struct dm_value *none = dm_value_int(a, 0);
            none->kind = DM_DELTA;
            dm_map_set(a, m, "interval",
                       typed(a, interval && interval->kind != DM_NULL ? interval : none));
        }
        return m;
    default:
        return &dm_null;
    }
}

static const struct dm_value *first_runs(struct dm_arena *a, const struct dm_dag *dag, int64_t now)
{
    struct dm_value *list = dm_value_list(a, 0);
    struct dm_due due, last;
    for (int i = 0; i < 2; i++) {
        if (dm_timetable_next(dag->timetable, i ? &last : NULL, dag->start_date, dag->end_date,
                              dag->catchup, now, &due, NULL) <= 0)
            break;
        struct dm_value *run = dm_value_list(a, 0);
        dm_list_add(a, run, instant(a, due.interval_start));
        dm_list_add(a, run, instant(a, due.interval_end));
        dm_list_add(a, run, instant(a, due.run_after));
        dm_list_add(a, list, run);
        last = due;
    }
    return list;
}

static const struct dm_value *groups(struct dm_arena *a, const struct dm_dag *dag)
{
    struct dm_value *list = dm_value_list(a, 0);
    for (size_t i = 0; i < dag->n_groups; i++) {
        const struct dm_task_group *g = &dag->groups[i];
        struct dm_value *m = dm_value_map(a);
        put_text(a, m, "group_id", g->group_id, "null");
        dm_map_set(a, m, "parent", g->parent ? dm_value_cstr(a, g->parent) : &dm_null);
        put_text(a, m, "tooltip", g->tooltip && *g->tooltip ? g->tooltip : NULL, "null");
        put_typed(a, m, "default_args", g->default_args, "{}");
        put(a, m, "upstream_groups", words(a, g->upstream_groups), "[]");
        put(a, m, "upstream_tasks", words(a, g->upstream_tasks), "[]");
        put_bool(a, m, "prefix_group_id", !g->no_prefix, "true");
        dm_list_add(a, list, m);
    }
    return list;
}

static const struct dm_value *tags(struct dm_arena *a, const struct dm_dag *dag)
{
    struct dm_value *list = words(a, dag->tags), *out = dm_value_list(a, 0);
    if (list->list.n)
        qsort(list->list.items, list->list.n, sizeof(list->list.items[0]), by_text);
    for (size_t i = 0; i < list->list.n; i++)
        if (!i || !dm_value_equal(list->list.items[i], list->list.items[i - 1]))
            dm_list_add(a, out, list->list.items[i]);
    return out;
}

const struct dm_value *golden_dag_answer(struct dm_arena *a, const struct dm_dag *dag, int64_t now)
{
    struct dm_value *m = dm_value_map(a), *params = dm_value_map(a), *tasks = dm_value_map(a);
    put_text(a, m, "dag_id", dag->dag_id, "null");
    put_text(a, m, "file", dag->file, "null");
    dm_map_set(a, m, "schedule", schedule_answer(a, dag->schedule, dag->timezone, dag->timetable));
    dm_map_set(a, m, "first_runs", first_runs(a, dag, now));
    put_text(a, m, "dag_display_name", dag->display_name, "null");
    put_text(a, m, "description", dag->description, "null");
    put(a, m, "start_date", instant(a, dag->start_date), "null");
    put(a, m, "end_date", instant(a, dag->end_date), "null");
    put_span(a, m, "dagrun_timeout", dag->dagrun_timeout_us);
    put_text(a, m, "doc_md", dag->doc_md, "null");
    if (dag->paused_upon_creation >= 0)
        put(a, m, "is_paused_upon_creation", dm_value_bool(a, dag->paused_upon_creation), "null");
    put_typed(a, m, "template_searchpath", dag->template_searchpath, "null");
    put_typed(a, m, "user_defined_macros", dag->user_defined_macros, "null");
    put_typed(a, m, "access_control", dag->access_control, "null");
    for (size_t i = 0; dag->callables && i < dag->callables->map.n; i++)
        if (!dm_str_is(dag->callables->map.pairs[i].key->s, "doc_md"))
            dm_map_set_value(a, m, dag->callables->map.pairs[i].key,
                             typed(a, dag->callables->map.pairs[i].value));
    add_params(a, params, dag->params, dag->param_specs);
    put(a, m, "params", params, "{}");
    put_typed(a, m, "default_args", dag->default_args, "{}");
    put(a, m, "groups", groups(a, dag), "[]");
    put_int(a, m, "max_active_runs", dag->max_active_runs, "16");
    put_int(a, m, "max_active_tasks", dag->max_active_tasks, "16");
    put_bool(a, m, "render_template_as_native_obj", dag->native_templates, "false");
    put_bool(a, m, "catchup", dag->catchup, "true");
    put_text(a, m, "timezone", dag->timezone, "\"UTC\"");
    put(a, m, "tags", tags(a, dag), "[]");
    for (size_t i = 0; i < dag->n_tasks; i++)
        dm_map_set(a, tasks, dag->tasks[i].task_id, task_answer(a, dag, &dag->tasks[i]));
    dm_map_set(a, m, "tasks", tasks);
    return m;
}
