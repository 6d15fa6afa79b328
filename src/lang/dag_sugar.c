/*
 * Short forms of dag-factory in a task, written out: a function as NAME, NAME_name with NAME_file, or NAME_lambda; a
 * span of time as text or, in 0.x, in seconds; arguments from Airflow's variables.
 */
#include "lang/dag_loader.h"

/* Keys that name a function, and the field that takes it. */
static const struct {
    const char *key, *field;
} functions[] = {{"python_callable", "python_callable"},
                 {"execution_date_fn", "execution_date_fn"},
                 {"response_check", "response_check"},
                 {"success_check", "success"},
                 {"failure_check", "failure"}};

static const char *with(struct dm_arena *a, const char *key, const char *suffix)
{
    return dm_arena_printf(a, "%s_%s", key, suffix);
}

/* The map without a key, in its place. */
static void drop(struct dm_arena *a, struct dm_value *map, const char *key)
{
    struct dm_value *rest = dm_value_map(a);
    if (!dm_map_at(map, key))
        return;
    for (size_t i = 0; i < map->map.n; i++)
        if (map->map.pairs[i].key->kind != DM_STRING || !dm_str_is(map->map.pairs[i].key->s, key))
            dm_map_set_value(a, rest, map->map.pairs[i].key, map->map.pairs[i].value);
    rest->line = map->line;
    rest->col = map->col;
    *map = *rest;
}

static const struct dm_value *function(struct dm_dag_draft *d, const struct dm_value *map,
                                       const char *key, bool *ret_given)
{
    struct dm_arena *a = d->loader->a;
    const struct dm_value *v = dm_map_at(map, key);
    const struct dm_value *name = dm_map_at(map, with(a, key, "name"));
    const struct dm_value *file = dm_map_at(map, with(a, key, "file"));
    const struct dm_value *lambda = dm_map_at(map, with(a, key, "lambda"));
    *ret_given = v || name || file || lambda;
    /* Some of these fields take a template here as well. */
    if (v && v->kind == DM_STRING && dm_str_find(v->s, DM_STR("{{"), 0) >= 0)
        return v;
    if (v && v->kind == DM_STRING)
        return dm_dag_callable(d, v, DM_DIAG_UNKNOWN_CALLABLE);
    if (name && file)
        return dm_dag_callable_in(d, name, file, DM_DIAG_UNKNOWN_CALLABLE);
    if (name || file)
        draft_error(d, name ? name : file, MISSING_KEY, NULL, "%s_name and %s_file go together",
                    key, key);
    if (!lambda || lambda->kind != DM_STRING)
        return v;
    if (!dm_str_starts(dm_str_trim(lambda->s), DM_STR("lambda")))
        draft_error(d, lambda, BAD_ARGUMENT, NULL, "%s_lambda must be one lambda", key);
    struct dm_value *out = dm_value_map(a);
    dm_map_set(a, out, "__type__", dm_value_cstr(a, "callable"));
    dm_map_set(a, out, "name", dm_value_cstr(a, "None.<lambda>"));
    dm_map_set(a, out, "lambda", lambda);
    return out;
}

static void write_functions(struct dm_dag_draft *d, const struct dm_op_spec *spec,
                            struct dm_value *map)
{
    struct dm_arena *a = d->loader->a;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        bool given;
        const char *key = functions[i].key;
        if (!dm_op_field_find(spec, dm_str_c(functions[i].field)))
            continue;
        const struct dm_value *v = function(d, map, key, &given);
        if (!given)
            continue;
        drop(a, map, key);
        drop(a, map, with(a, key, "name"));
        drop(a, map, with(a, key, "file"));
        drop(a, map, with(a, key, "lambda"));
        dm_map_set(a, map, functions[i].field, v ? v : &dm_null);
    }
}

/* on_…_callback_name with on_…_callback_file. */
static void write_callbacks(struct dm_dag_draft *d, struct dm_value *map)
{
    struct dm_arena *a = d->loader->a;
    for (int on = 0; on < DM_ON_COUNT; on++) {
        const char *name_key = dm_callback_half((enum dm_callback_on)on, false);
        const char *file_key = dm_callback_half((enum dm_callback_on)on, true);
        const struct dm_value *name = dm_map_at(map, name_key);
        const struct dm_value *file = dm_map_at(map, file_key);
        if (!name || !file || name->kind == DM_NULL || file->kind == DM_NULL)
            continue;
        const struct dm_value *v = dm_dag_callable_in(d, name, file, DM_DIAG_UNKNOWN_CALLBACK);
        drop(a, map, name_key);
        drop(a, map, file_key);
        dm_map_set(a, map, dm_callback_key((enum dm_callback_on)on), v ? v : &dm_null);
    }
}

static struct dm_value *delta(struct dm_arena *a, int64_t us, const struct dm_value *at)
{
    struct dm_value *v = dm_value_int(a, us);
    v->kind = DM_DELTA;
    v->line = at->line;
    v->col = at->col;
    return v;
}

static void write_execution_delta(struct dm_dag_draft *d, const char *task_id, struct dm_value *map)
{
    const struct dm_value *v = dm_map_at(map, "execution_delta");
    int64_t us;
    if (!v || v->kind == DM_NULL)
        return;
    if (v->kind != DM_STRING)
        draft_error(d, v, BAD_ARGUMENT, "Write \"1 hours\".",
                    "execution_delta of task \"%s\" must be a text, not a %s", task_id,
                    dm_kind_name(v->kind));
    else if (!dm_dag_relative(v->s, &us))
        draft_error(d, v, BAD_DATE, "Write \"1 hours\".", "\"%.*s\" is no span of time",
                    DM_FMT(v->s));
    else
        dm_map_set(d->loader->a, map, "execution_delta", delta(d->loader->a, us, v));
}

static const struct dm_value *without_key(struct dm_arena *a, const struct dm_value *map,
                                          const char *key)
{
    struct dm_value *out = dm_value_copy(a, map);
    out->line = map->line;
    out->col = map->col;
    drop(a, out, key);
    return out;
}

/* Spans in seconds under the names of 0.x. */
const struct dm_value *dm_dag_spans_of_v0(struct dm_dag_draft *d, const struct dm_value *map,
                                          bool defaults)
{
    static const struct {
        const char *older, *key;
        bool defaults, task;
    } spans[] = {{"retry_delay_sec", "retry_delay", true, false},
                 {"sla_secs", "sla", true, true},
                 {"execution_timeout_secs", "execution_timeout", false, true}};
    struct dm_arena *a = d->loader->a;
    if (d->loader->world->dialect == DM_DIALECT_V1)
        return map;
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        const struct dm_value *v = dm_map_at(map, spans[i].older);
        if (!v || !(defaults ? spans[i].defaults : spans[i].task) || v->kind != DM_INT ||
            v->i < 0 || v->i > INT32_MAX)
            continue;
        struct dm_value *out = (struct dm_value *)without_key(a, map, spans[i].older);
        dm_map_set(a, out, spans[i].key, delta(a, v->i * DM_SEC, v));
        map = out;
    }
    return map;
}

/* [{variable: x, attribute: cwd}]: only where the variable is set. */
static void write_variables(struct dm_dag_draft *d, struct dm_value *map)
{
    struct dm_arena *a = d->loader->a;
    const struct dm_load_world *w = d->loader->world;
    const struct dm_value *list = dm_map_at(map, "variables_as_arguments");
    for (size_t i = 0; list && list->kind == DM_LIST && w->env && i < list->list.n; i++) {
        struct dm_str name = dm_map_str(list->list.items[i], "variable", "");
        struct dm_str key = dm_map_str(list->list.items[i], "attribute", "");
        char *upper = (char *)dm_str_cstr(a, name); /* a copy of its own */
        for (char *c = upper; *c; c++)
            if (*c >= 'a' && *c <= 'z')
                *c = (char)(*c - 'a' + 'A');
        const char *value = w->env(w->user, dm_arena_printf(a, "AIRFLOW_VAR_%s", upper));
        if (value && key.len)
            dm_map_set(a, map, dm_str_cstr(a, key), dm_value_cstr(a, value));
    }
}

const struct dm_value *dm_dag_task_map(struct dm_dag_draft *d, const struct dm_op_spec *spec,
                                       const char *task_id, const struct dm_value *map)
{
    const struct dm_value *spans = dm_dag_spans_of_v0(d, map, false);
    struct dm_value *out = dm_value_copy(d->loader->a, spans);
    out->line = map->line;
    out->col = map->col;
    if (spec)
        write_functions(d, spec, out);
    if (spec && dm_op_field_find(spec, DM_STR("execution_delta")))
        write_execution_delta(d, task_id, out);
    write_callbacks(d, out);
    const struct dm_value *v = dm_map_at(out, "task_group");
    if (v) {
        draft_error(d, v, BAD_ARGUMENT, "Write task_group_name.",
                    "task_group of task \"%s\" is Airflow's own", task_id);
        drop(d->loader->a, out, "task_group");
    }
    v = dm_map_at(out, "execution_delta_secs");
    if (v && d->loader->world->dialect == DM_DIALECT_V0) {
        draft_error(d, v, BAD_ARGUMENT, "Write execution_delta: \"1 hours\".",
                    "execution_delta_secs does not work in dag-factory 0.x");
        drop(d->loader->a, out, "execution_delta_secs");
    }
    if (d->loader->world->model_only)
        write_variables(d, out);
    return out;
}
