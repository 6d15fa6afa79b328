/*
 * The normal form: a DAG as one JSON text, from which a running run is read back.  Dates, spans and maps with keys
 * that are no text are tagged ({"__date__": …}), and the places of a task's values ride along in a list of their own,
 * so that what comes back is what was loaded.
 */
#include "base/digest.h"
#include "lang/dag.h"
#include "lang/dag_loader.h"

#include <math.h>

static struct dm_value *tagged(struct dm_arena *a, const char *tag, const struct dm_value *v)
{
    struct dm_value *m = dm_value_map(a);
    dm_map_set(a, m, tag, v);
    return m;
}

static bool plain_keys(const struct dm_value *map)
{
    for (size_t i = 0; i < map->map.n; i++)
        if (map->map.pairs[i].key->kind != DM_STRING ||
            dm_str_starts(map->map.pairs[i].key->s, DM_STR("__")))
            return false;
    return true;
}

static const struct dm_value *encode(struct dm_arena *a, const struct dm_value *v);

static const struct dm_value *encode_list(struct dm_arena *a, const struct dm_value *v)
{
    struct dm_value *list = dm_value_list(a, v->list.n);
    for (size_t i = 0; i < v->list.n; i++)
        list->list.items[i] = encode(a, v->list.items[i]);
    return v->kind == DM_TUPLE ? tagged(a, "__tuple__", list) : list;
}

/* A map whose keys could be taken for tags, or are no texts, becomes a list of pairs. */
static const struct dm_value *encode_map(struct dm_arena *a, const struct dm_value *v)
{
    bool plain = plain_keys(v);
    struct dm_value *out = plain ? dm_value_map(a) : dm_value_list(a, v->map.n);
    for (size_t i = 0; i < v->map.n; i++) {
        const struct dm_pair *p = &v->map.pairs[i];
        if (plain) {
            dm_map_set_value(a, out, p->key, encode(a, p->value));
            continue;
        }
        struct dm_value *pair = dm_value_list(a, 2);
        pair->list.items[0] = encode(a, p->key);
        pair->list.items[1] = encode(a, p->value);
        out->list.items[i] = pair;
    }
    return plain ? out : tagged(a, "__map__", out);
}

static const struct dm_value *encode_time(struct dm_arena *a, const struct dm_value *v)
{
    struct dm_value *m = dm_value_map(a);
    dm_map_set(a, m, "__datetime__", dm_value_int(a, v->time.us));
    if (v->time.zone)
        dm_map_set(a, m, "tz", dm_value_cstr(a, v->time.zone));
    if (v->time.naive)
        dm_map_set(a, m, "naive", &dm_true);
    return m;
}

static const struct dm_value *encode(struct dm_arena *a, const struct dm_value *v)
{
    char buf[DM_FLOAT_MAX];
    switch (v->kind) {
    case DM_LIST:
    case DM_TUPLE:
        return encode_list(a, v);
    case DM_MAP:
        return encode_map(a, v);
    case DM_DATE:
        return tagged(a, "__date__", dm_value_int(a, v->i));
    case DM_DELTA:
        return tagged(a, "__timedelta__", dm_value_int(a, v->i));
    case DM_DATETIME:
        return encode_time(a, v);
    case DM_FLOAT:
        if (!isfinite(v->f))
            return tagged(a, "__float__", dm_value_cstr(a, dm_float_repr(v->f, buf)));
        return v;
    default:
        return v;
    }
}

static struct dm_value *decode(struct dm_arena *a, const struct dm_value *v);

static struct dm_value *with_kind(struct dm_value *v, enum dm_kind kind)
{
    v->kind = kind;
    return v;
}

static struct dm_value *decode_list(struct dm_arena *a, const struct dm_value *v)
{
    struct dm_value *list = dm_value_list(a, v->list.n);
    for (size_t i = 0; i < v->list.n; i++)
        list->list.items[i] = decode(a, v->list.items[i]);
    return list;
}

static struct dm_value *decode_pairs(struct dm_arena *a, const struct dm_value *pairs)
{
    struct dm_value *map = dm_value_map(a);
    for (size_t i = 0; i < pairs->list.n; i++) {
        const struct dm_value *pair = pairs->list.items[i];
        if (pair->kind == DM_LIST && pair->list.n == 2)
            dm_map_set_value(a, map, decode(a, pair->list.items[0]),
                             decode(a, pair->list.items[1]));
    }
    return map;
}

static struct dm_value *decode_map(struct dm_arena *a, const struct dm_value *v)
{
    const struct dm_value *x;
    if ((x = dm_map_at(v, "__date__")) && x->kind == DM_INT)
        return with_kind(dm_value_int(a, x->i), DM_DATE);
    if ((x = dm_map_at(v, "__timedelta__")) && x->kind == DM_INT)
        return with_kind(dm_value_int(a, x->i), DM_DELTA);
    if ((x = dm_map_at(v, "__float__")) && x->kind == DM_STRING)
        return dm_value_float(a, strtod(dm_str_cstr(a, x->s), NULL));
    if ((x = dm_map_at(v, "__tuple__")) && x->kind == DM_LIST)
        return with_kind(decode_list(a, x), DM_TUPLE);
    if ((x = dm_map_at(v, "__map__")) && x->kind == DM_LIST)
        return decode_pairs(a, x);
    if ((x = dm_map_at(v, "__datetime__")) && x->kind == DM_INT) {
        const struct dm_value *zone = dm_map_at(v, "tz");
        struct dm_value *t = dm_value_time(a, x->i, zone ? dm_str_cstr(a, zone->s) : NULL);
        t->time.naive = dm_map_bool(v, "naive", false);
        return t;
    }
    struct dm_value *map = dm_value_map(a);
    for (size_t i = 0; i < v->map.n; i++)
        dm_map_set_value(a, map, decode(a, v->map.pairs[i].key), decode(a, v->map.pairs[i].value));
    return map;
}

static struct dm_value *decode(struct dm_arena *a, const struct dm_value *v)
{
    if (v->kind == DM_LIST)
        return decode_list(a, v);
    if (v->kind == DM_MAP)
        return decode_map(a, v);
    struct dm_value *copy = dm_arena_new(a, struct dm_value);
    *copy = *v;
    if (v->kind == DM_STRING)
        copy->s = dm_str_dup(a, v->s);
    return copy;
}

/* The places of a tree in the order of a walk: line, column, line, column … */
static void list_marks(struct dm_arena *a, struct dm_value *marks, const struct dm_value *v)
{
    dm_list_add(a, marks, dm_value_int(a, v->line));
    dm_list_add(a, marks, dm_value_int(a, v->col));
    if (v->kind == DM_LIST || v->kind == DM_TUPLE)
        for (size_t i = 0; i < v->list.n; i++)
            list_marks(a, marks, v->list.items[i]);
    if (v->kind == DM_MAP)
        for (size_t i = 0; i < v->map.n; i++)
            list_marks(a, marks, v->map.pairs[i].value);
}

static uint32_t mark_at(const struct dm_value *marks, size_t *i)
{
    if (!marks || marks->kind != DM_LIST || *i >= marks->list.n ||
        marks->list.items[*i]->kind != DM_INT)
        return 0;
    return (uint32_t)marks->list.items[(*i)++]->i;
}

/* The values were just decoded and belong to nobody else, so that they may still be changed. */
static void set_marks(const struct dm_value *v, const struct dm_value *marks, size_t *i)
{
    struct dm_value *mine = (struct dm_value *)v;
    mine->line = mark_at(marks, i);
    mine->col = mark_at(marks, i);
    if (v->kind == DM_LIST || v->kind == DM_TUPLE)
        for (size_t k = 0; k < v->list.n; k++)
            set_marks(v->list.items[k], marks, i);
    if (v->kind == DM_MAP)
        for (size_t k = 0; k < v->map.n; k++)
            set_marks(v->map.pairs[k].value, marks, i);
}

static const struct dm_value *text_or_null(struct dm_arena *a, const char *s)
{
    return s ? dm_value_cstr(a, s) : &dm_null;
}

static const struct dm_value *instant_or_null(struct dm_arena *a, int64_t us)
{
    return us == DM_NEVER ? &dm_null : dm_value_int(a, us);
}

static const struct dm_value *indices(struct dm_arena *a, const size_t *at, size_t n)
{
    struct dm_value *list = dm_value_list(a, n);
    for (size_t i = 0; i < n; i++)
        list->list.items[i] = dm_value_int(a, (int64_t)at[i]);
    return list;
}

#define SET(key, value) dm_map_set(a, m, key, (value))

/* What few DAGs have is left out where it is false. */
static void set_if(struct dm_arena *a, struct dm_value *m, const char *key, bool value)
{
    if (value)
        dm_map_set(a, m, key, dm_value_bool(a, true));
}

/* What only some have is left out where it is not there: the digest of the others does not know it. */
static void set_given(struct dm_arena *a, struct dm_value *m, const char *key,
                      const struct dm_value *v)
{
    if (v)
        dm_map_set(a, m, key, encode(a, v));
}

static void set_text(struct dm_arena *a, struct dm_value *m, const char *key, const char *text)
{
    if (text)
        dm_map_set(a, m, key, dm_value_cstr(a, text));
}

static const struct dm_value *words(struct dm_arena *a, const char *const *list)
{
    struct dm_value *out = dm_value_list(a, 0);
    for (; *list; list++)
        dm_list_add(a, out, dm_value_cstr(a, *list));
    return out;
}

static void set_callbacks(struct dm_arena *a, struct dm_value *m, const struct dm_callback *c,
                          size_t n)
{
    struct dm_value *list = dm_value_list(a, n);
    for (size_t i = 0; i < n; i++) {
        struct dm_value *one = dm_value_map(a), *marks = dm_value_list(a, 0);
        list_marks(a, marks, c[i].args);
        dm_map_set(a, one, "on", dm_value_cstr(a, dm_callback_key(c[i].on)));
        dm_map_set(a, one, "operator", dm_value_cstr(a, c[i].operator_name));
        dm_map_set(a, one, "args", encode(a, c[i].args));
        dm_map_set(a, one, "marks", marks);
        dm_map_set(a, one, "line", dm_value_int(a, c[i].line));
        dm_map_set(a, one, "col", dm_value_int(a, c[i].col));
        list->list.items[i] = one;
    }
    if (n)
        SET("callbacks", list);
}

static void set_rare_of_task(struct dm_arena *a, struct dm_value *m, const struct dm_task *t)
{
    set_text(a, m, "group", t->group);
    set_given(a, m, "param_specs", t->param_specs);
    set_text(a, m, "display_name", t->display_name);
    set_text(a, m, "doc_md", t->doc_md);
    set_text(a, m, "queue", t->queue && strcmp(t->queue, "default") ? t->queue : NULL);
    set_text(a, m, "run_as_user", t->run_as_user);
    set_text(a, m, "executor", t->executor);
    set_given(a, m, "email", t->email);
    if (!t->email_on_failure)
        SET("email_on_failure", &dm_false);
    if (!t->email_on_retry)
        SET("email_on_retry", &dm_false);
    if (t->sla_us)
        SET("sla_us", dm_value_int(a, t->sla_us));
    set_given(a, m, "executor_config", t->executor_config);
    set_given(a, m, "callables", t->callables);
    set_callbacks(a, m, t->callbacks, t->n_callbacks);
    if (t->max_active_tis_per_dagrun)
        SET("max_active_tis_per_dagrun", dm_value_int(a, t->max_active_tis_per_dagrun));
    set_given(a, m, "inlets", t->inlets);
    set_given(a, m, "outlets", t->outlets);
    set_given(a, m, "expand", t->expand);
    set_given(a, m, "expand_kwargs", t->expand_kwargs);
}

static void set_rare_of_dag(struct dm_arena *a, struct dm_value *m, const struct dm_dag *d)
{
    struct dm_value *groups = dm_value_list(a, 0);
    set_text(a, m, "display_name", d->display_name);
    set_given(a, m, "default_args", d->default_args);
    set_given(a, m, "param_specs", d->param_specs);
    set_given(a, m, "callables", d->callables);
    set_callbacks(a, m, d->callbacks, d->n_callbacks);
    if (d->paused_upon_creation >= 0)
        SET("paused_upon_creation", dm_value_bool(a, d->paused_upon_creation));
    if (d->max_consecutive_failed_dag_runs)
        SET("max_consecutive_failed_dag_runs", dm_value_int(a, d->max_consecutive_failed_dag_runs));
    set_given(a, m, "template_searchpath", d->template_searchpath);
    set_given(a, m, "user_defined_macros", d->user_defined_macros);
    set_given(a, m, "access_control", d->access_control);
    for (size_t i = 0; i < d->n_groups; i++) {
        const struct dm_task_group *g = &d->groups[i];
        struct dm_value *one = dm_value_map(a);
        set_text(a, one, "group_id", g->group_id);
        set_text(a, one, "parent", g->parent);
        set_text(a, one, "tooltip", g->tooltip);
        set_given(a, one, "default_args", g->default_args);
        dm_map_set(a, one, "upstream_groups", words(a, g->upstream_groups));
        dm_map_set(a, one, "upstream_tasks", words(a, g->upstream_tasks));
        if (g->no_prefix)
            dm_map_set(a, one, "no_prefix", &dm_true);
        dm_list_add(a, groups, one);
    }
    if (d->n_groups)
        SET("groups", groups);
}

static const struct dm_value *task_value(struct dm_arena *a, const struct dm_task *t)
{
    struct dm_value *m = dm_value_map(a), *marks = dm_value_list(a, 0);
    list_marks(a, marks, t->args);
    SET("task_id", dm_value_cstr(a, t->task_id));
    SET("operator", dm_value_cstr(a, t->operator_name));
    SET("args", encode(a, t->args));
    SET("marks", marks);
    SET("params", encode(a, t->params));
    SET("upstream", indices(a, t->upstream, t->n_upstream));
    SET("downstream", indices(a, t->downstream, t->n_downstream));
    SET("trigger_rule", dm_value_cstr(a, dm_trigger_rule_name(t->trigger_rule)));
    SET("retries", dm_value_int(a, t->retries));
    SET("retry_delay_us", dm_value_int(a, t->retry_delay_us));
    SET("retry_exponential_backoff", dm_value_bool(a, t->retry_exponential_backoff));
    SET("max_retry_delay_us", dm_value_int(a, t->max_retry_delay_us));
    SET("execution_timeout_us", dm_value_int(a, t->execution_timeout_us));
    SET("depends_on_past", dm_value_bool(a, t->depends_on_past));
    SET("wait_for_downstream", dm_value_bool(a, t->wait_for_downstream));
    SET("ignore_first_depends_on_past", dm_value_bool(a, t->ignore_first_depends_on_past));
    SET("pool", dm_value_cstr(a, t->pool));
    SET("pool_slots", dm_value_int(a, t->pool_slots));
    SET("priority_weight", dm_value_int(a, t->priority_weight));
    SET("weight_rule", dm_value_cstr(a, t->weight_rule));
    SET("max_active_tis_per_dag", dm_value_int(a, t->max_active_tis_per_dag));
    SET("owner", dm_value_cstr(a, t->owner));
    SET("do_xcom_push", dm_value_bool(a, t->do_xcom_push));
    SET("start_date", instant_or_null(a, t->start_date));
    SET("end_date", instant_or_null(a, t->end_date));
    set_rare_of_task(a, m, t);
    SET("line", dm_value_int(a, t->line));
    SET("col", dm_value_int(a, t->col));
    set_if(a, m, "is_setup", t->is_setup);
    set_if(a, m, "is_teardown", t->is_teardown);
    set_if(a, m, "on_failure_fail_dagrun", t->on_failure_fail_dagrun);
    return m;
}

static const struct dm_value *dag_value(struct dm_arena *a, const struct dm_dag *d)
{
    struct dm_value *m = dm_value_map(a), *tags = dm_value_list(a, 0);
    struct dm_value *tasks = dm_value_list(a, d->n_tasks);
    for (size_t i = 0; d->tags && d->tags[i]; i++)
        dm_list_add(a, tags, dm_value_cstr(a, d->tags[i]));
    for (size_t i = 0; i < d->n_tasks; i++)
        tasks->list.items[i] = task_value(a, &d->tasks[i]);
    SET("dag_id", dm_value_cstr(a, d->dag_id));
    SET("file", dm_value_cstr(a, d->file));
    SET("line", dm_value_int(a, d->line));
    SET("description", text_or_null(a, d->description));
    SET("doc_md", text_or_null(a, d->doc_md));
    SET("schedule", encode(a, d->schedule));
    SET("schedule_text", dm_value_cstr(a, d->schedule_text));
    SET("timezone", dm_value_cstr(a, d->timezone));
    SET("start_date", instant_or_null(a, d->start_date));
    SET("end_date", instant_or_null(a, d->end_date));
    SET("catchup", dm_value_bool(a, d->catchup));
    SET("max_active_runs", dm_value_int(a, d->max_active_runs));
    SET("max_active_tasks", dm_value_int(a, d->max_active_tasks));
    SET("dagrun_timeout_us", dm_value_int(a, d->dagrun_timeout_us));
    SET("native_templates", dm_value_bool(a, d->native_templates));
    SET("params", encode(a, d->params));
    SET("tags", tags);
    SET("tasks", tasks);
    SET("files", encode(a, d->files));
    set_if(a, m, "fail_stop", d->fail_stop);
    set_rare_of_dag(a, m, d);
    return m;
}

void dm_dag_to_json(struct dm_strbuf *b, const struct dm_dag *dag)
{
    _cleanup_arena_ struct dm_arena a = {0};
    dm_value_to_json(b, dag_value(&a, dag), false);
}

static const char *text_of(struct dm_arena *a, const struct dm_value *m, const char *key)
{
    const struct dm_value *v = dm_map_at(m, key);
    return v && v->kind == DM_STRING ? dm_str_cstr(a, v->s) : NULL;
}

static const char *text_needed(struct dm_arena *a, const struct dm_value *m, const char *key)
{
    const char *s = text_of(a, m, key);
    return s ? s : "";
}

static const struct dm_value *map_of(struct dm_arena *a, const struct dm_value *m, const char *key)
{
    const struct dm_value *v = dm_map_at(m, key);
    struct dm_value *decoded = v ? decode(a, v) : NULL;
    return decoded && decoded->kind == DM_MAP ? decoded : dm_value_map(a);
}

/* NULL where it is not there. */
static const struct dm_value *given_of(struct dm_arena *a, const struct dm_value *m,
                                       const char *key)
{
    const struct dm_value *v = dm_map_at(m, key);
    return v ? decode(a, v) : NULL;
}

static const char **read_words(struct dm_arena *a, const struct dm_value *m, const char *key)
{
    const struct dm_value *v = dm_map_at(m, key);
    size_t n = v && v->kind == DM_LIST ? v->list.n : 0, used = 0;
    const char **out = dm_arena_array(a, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        if (v->list.items[i]->kind == DM_STRING)
            out[used++] = dm_str_cstr(a, v->list.items[i]->s);
    return out;
}

static struct dm_callback *read_callbacks(struct dm_arena *a, const struct dm_value *m,
                                          size_t *ret_n)
{
    const struct dm_value *list = dm_map_at(m, "callbacks");
    size_t n = list && list->kind == DM_LIST ? list->list.n : 0, used = 0;
    struct dm_callback *out = n ? dm_arena_array(a, struct dm_callback, n) : NULL;
    for (size_t i = 0; i < n; i++) {
        const struct dm_value *one = list->list.items[i];
        struct dm_str on = dm_map_str(one, "on", "");
        struct dm_callback *c = &out[used];
        size_t at = 0;
        while (c->on < DM_ON_COUNT && !dm_str_is(on, dm_callback_key(c->on)))
            c->on++;
        if (c->on == DM_ON_COUNT)
            continue;
        c->operator_name = text_needed(a, one, "operator");
        c->args = map_of(a, one, "args");
        set_marks(c->args, dm_map_at(one, "marks"), &at);
        c->line = (uint32_t)dm_map_int(one, "line", 0);
        c->col = (uint32_t)dm_map_int(one, "col", 0);
        used++;
    }
    *ret_n = used;
    return out;
}

static void read_rare_of_task(struct dm_arena *a, const struct dm_value *m, struct dm_task *t)
{
    t->group = text_of(a, m, "group");
    t->param_specs = given_of(a, m, "param_specs");
    t->display_name = text_of(a, m, "display_name");
    t->doc_md = text_of(a, m, "doc_md");
    t->queue = dm_map_at(m, "queue") ? text_needed(a, m, "queue") : "default";
    t->run_as_user = text_of(a, m, "run_as_user");
    t->executor = text_of(a, m, "executor");
    t->email = given_of(a, m, "email");
    t->email_on_failure = dm_map_bool(m, "email_on_failure", true);
    t->email_on_retry = dm_map_bool(m, "email_on_retry", true);
    t->sla_us = dm_map_int(m, "sla_us", 0);
    t->executor_config = given_of(a, m, "executor_config");
    t->callables = given_of(a, m, "callables");
    t->callbacks = read_callbacks(a, m, &t->n_callbacks);
    t->max_active_tis_per_dagrun = (int)dm_map_int(m, "max_active_tis_per_dagrun", 0);
    t->inlets = given_of(a, m, "inlets");
    t->outlets = given_of(a, m, "outlets");
    t->expand = given_of(a, m, "expand");
    t->expand_kwargs = given_of(a, m, "expand_kwargs");
}

static void read_rare_of_dag(struct dm_arena *a, const struct dm_value *m, struct dm_dag *d)
{
    const struct dm_value *groups = dm_map_at(m, "groups");
    d->display_name = text_of(a, m, "display_name");
    d->default_args = given_of(a, m, "default_args");
    d->param_specs = given_of(a, m, "param_specs");
    d->callables = given_of(a, m, "callables");
    d->callbacks = read_callbacks(a, m, &d->n_callbacks);
    d->paused_upon_creation =
        !dm_map_at(m, "paused_upon_creation") ? -1 : dm_map_bool(m, "paused_upon_creation", false);
    d->max_consecutive_failed_dag_runs = (int)dm_map_int(m, "max_consecutive_failed_dag_runs", 0);
    d->template_searchpath = given_of(a, m, "template_searchpath");
    d->user_defined_macros = given_of(a, m, "user_defined_macros");
    d->access_control = given_of(a, m, "access_control");
    d->n_groups = groups && groups->kind == DM_LIST ? groups->list.n : 0;
    d->groups = dm_arena_array(a, struct dm_task_group, d->n_groups + 1);
    for (size_t i = 0; i < d->n_groups; i++) {
        const struct dm_value *one = groups->list.items[i];
        d->groups[i] =
            (struct dm_task_group){.group_id = text_needed(a, one, "group_id"),
                                   .parent = text_of(a, one, "parent"),
                                   .tooltip = text_of(a, one, "tooltip"),
                                   .default_args = given_of(a, one, "default_args"),
                                   .no_prefix = dm_map_bool(one, "no_prefix", false),
                                   .upstream_groups = read_words(a, one, "upstream_groups"),
                                   .upstream_tasks = read_words(a, one, "upstream_tasks")};
    }
}

static bool read_indices(struct dm_arena *a, const struct dm_value *m, const char *key,
                         size_t limit, size_t **ret, size_t *ret_n)
{
    const struct dm_value *v = dm_map_at(m, key);
    if (!v || v->kind != DM_LIST)
        return false;
    *ret = dm_arena_array(a, size_t, v->list.n);
    *ret_n = v->list.n;
    for (size_t i = 0; i < v->list.n; i++) {
        int64_t at = v->list.items[i]->kind == DM_INT ? v->list.items[i]->i : -1;
        if (at < 0 || (uint64_t)at >= limit)
            return false;
        (*ret)[i] = (size_t)at;
    }
    return true;
}

static bool read_task(struct dm_arena *a, const struct dm_value *m, size_t n_tasks,
                      struct dm_task *t)
{
    size_t at = 0;
    struct dm_str rule = dm_map_str(m, "trigger_rule", "");
    if (m->kind != DM_MAP)
        return false;
    t->task_id = text_needed(a, m, "task_id");
    t->operator_name = text_needed(a, m, "operator");
    t->args = map_of(a, m, "args");
    set_marks(t->args, dm_map_at(m, "marks"), &at);
    t->params = map_of(a, m, "params");
    while (t->trigger_rule < DM_RULE_COUNT &&
           !dm_str_is(rule, dm_trigger_rule_name(t->trigger_rule)))
        t->trigger_rule++;
    t->retries = (int)dm_map_int(m, "retries", 0);
    t->retry_delay_us = dm_map_int(m, "retry_delay_us", 0);
    t->retry_exponential_backoff = dm_map_bool(m, "retry_exponential_backoff", false);
    t->max_retry_delay_us = dm_map_int(m, "max_retry_delay_us", 0);
    t->execution_timeout_us = dm_map_int(m, "execution_timeout_us", 0);
    t->depends_on_past = dm_map_bool(m, "depends_on_past", false);
    t->wait_for_downstream = dm_map_bool(m, "wait_for_downstream", false);
    t->ignore_first_depends_on_past = dm_map_bool(m, "ignore_first_depends_on_past", true);
    t->pool = text_needed(a, m, "pool");
    t->pool_slots = (int)dm_map_int(m, "pool_slots", 1);
    t->priority_weight = (int)dm_map_int(m, "priority_weight", 1);
    t->weight_rule = text_needed(a, m, "weight_rule");
    t->max_active_tis_per_dag = (int)dm_map_int(m, "max_active_tis_per_dag", 0);
    t->owner = text_needed(a, m, "owner");
    t->do_xcom_push = dm_map_bool(m, "do_xcom_push", true);
    t->start_date = dm_map_int(m, "start_date", DM_NEVER);
    t->end_date = dm_map_int(m, "end_date", DM_NEVER);
    read_rare_of_task(a, m, t);
    t->line = (uint32_t)dm_map_int(m, "line", 0);
    t->col = (uint32_t)dm_map_int(m, "col", 0);
    t->is_setup = dm_map_bool(m, "is_setup", false);
    t->is_teardown = dm_map_bool(m, "is_teardown", false);
    t->on_failure_fail_dagrun = dm_map_bool(m, "on_failure_fail_dagrun", false);
    return *t->task_id && *t->operator_name && t->trigger_rule < DM_RULE_COUNT &&
           read_indices(a, m, "upstream", n_tasks, &t->upstream, &t->n_upstream) &&
           read_indices(a, m, "downstream", n_tasks, &t->downstream, &t->n_downstream);
}

static int damaged(const char *what, struct dm_err *reterr)
{
    return dm_err_set(reterr, DM_E_DATA, "the stored form of a DAG is damaged: %s", what);
}

/* Nothing of the tree is kept. */
static int read_dag(struct dm_arena *a, const struct dm_value *m, struct dm_dag **ret,
                    struct dm_err *reterr)
{
    struct dm_dag *d = dm_arena_new(a, struct dm_dag);
    const struct dm_value *tasks = dm_map_at(m, "tasks"), *tags = dm_map_at(m, "tags");
    const struct dm_value *schedule = dm_map_at(m, "schedule");
    if (!tasks || tasks->kind != DM_LIST || !tags || tags->kind != DM_LIST || !schedule)
        return damaged("a part is missing", reterr);
    d->arena = a;
    d->dag_id = text_needed(a, m, "dag_id");
    d->file = text_needed(a, m, "file");
    d->line = (uint32_t)dm_map_int(m, "line", 0);
    d->description = text_of(a, m, "description");
    d->doc_md = text_of(a, m, "doc_md");
    d->schedule = decode(a, schedule);
    d->schedule_text = text_needed(a, m, "schedule_text");
    d->timezone = text_needed(a, m, "timezone");
    d->start_date = dm_map_int(m, "start_date", DM_NEVER);
    d->end_date = dm_map_int(m, "end_date", DM_NEVER);
    d->catchup = dm_map_bool(m, "catchup", true);
    d->max_active_runs = (int)dm_map_int(m, "max_active_runs", 0);
    d->max_active_tasks = (int)dm_map_int(m, "max_active_tasks", 0);
    d->dagrun_timeout_us = dm_map_int(m, "dagrun_timeout_us", 0);
    d->native_templates = dm_map_bool(m, "native_templates", false);
    d->fail_stop = dm_map_bool(m, "fail_stop", false);
    d->params = map_of(a, m, "params");
    read_rare_of_dag(a, m, d);
    d->files = map_of(a, m, "files");
    d->tags = dm_arena_array(a, const char *, tags->list.n + 1);
    for (size_t i = 0; i < tags->list.n; i++)
        d->tags[i] =
            tags->list.items[i]->kind == DM_STRING ? dm_str_cstr(a, tags->list.items[i]->s) : "";
    d->n_tasks = tasks->list.n;
    d->tasks = dm_arena_array(a, struct dm_task, d->n_tasks);
    for (size_t i = 0; i < d->n_tasks; i++)
        if (!read_task(a, tasks->list.items[i], d->n_tasks, &d->tasks[i]))
            return damaged("a task", reterr);
    DM_TRY(dm_timetable_parse(a, d->schedule, d->timezone, &d->timetable, reterr));
    *ret = d;
    return 0;
}

int dm_dag_from_json(struct dm_arena *a, struct dm_str json, struct dm_dag **ret,
                     struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena tree = {0};
    struct dm_value *m;
    struct dm_dag *d;
    DM_TRY(dm_value_from_json(&tree, json, &m, reterr));
    DM_TRY(read_dag(a, m, &d, reterr));
    DM_TRY(dm_digest_of(json, d->generation, reterr));
    *ret = d;
    return 0;
}

int dm_dag_copy(struct dm_arena *a, const struct dm_dag *dag, struct dm_dag **ret,
                struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena tree = {0};
    DM_TRY(read_dag(a, dag_value(&tree, dag), ret, reterr));
    memcpy((*ret)->generation, dag->generation, sizeof((*ret)->generation));
    return 0;
}
