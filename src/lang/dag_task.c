/*
 * A task from its map: the keys that every task has (task_keys.def) and the fields of its operator, each checked
 * against its type.  A value comes from the task, its own default_args, or the DAG's.
 */
#include "lang/dag_loader.h"

enum effect { WORKS, NONE, REFUSED };

static const struct {
    const char *name;
    enum effect effect;
    const char *doc;
} keys[] = {
#define DM_TASK_KEY(name, effect, doc) {#name, effect, doc},
#include "lang/task_keys.def"
#undef DM_TASK_KEY
};
enum { N_KEYS = sizeof(keys) / sizeof(keys[0]) };

static int key_index(struct dm_str name)
{
    for (int k = 0; k < N_KEYS; k++)
        if (dm_str_is(name, keys[k].name))
            return k;
    return -1;
}

static const struct dm_op_field *field_of(const struct dm_op_spec *spec, struct dm_str name)
{
    const struct dm_op_field *f = dm_op_field_find(spec, name);
    for (size_t i = 0; !f && spec->sensor && dm_sensor_fields[i].name; i++)
        if (dm_str_is(name, dm_sensor_fields[i].name))
            f = &dm_sensor_fields[i];
    return f;
}

/* All names that a task with this operator may use, for suggestions. */
static const char *const *known_names(struct dm_arena *a, const struct dm_op_spec *spec)
{
    size_t n = 0, fields = 0;
    while (spec->fields[fields].name)
        fields++;
    const char **names =
        dm_arena_array(a, const char *, N_KEYS + 2 * fields + DM_SENSOR_FIELDS + 1);
    for (size_t i = 0; i < fields; i++) {
        names[n++] = spec->fields[i].name;
        if (spec->fields[i].alias)
            names[n++] = spec->fields[i].alias;
    }
    for (size_t i = 0; spec->sensor && dm_sensor_fields[i].name; i++)
        names[n++] = dm_sensor_fields[i].name;
    for (size_t k = 0; k < N_KEYS; k++)
        names[n++] = keys[k].name;
    return names;
}

static bool any_operator_has(const struct dm_op_table *ops, struct dm_str name)
{
    for (size_t i = 0; ops->specs[i]; i++)
        if (field_of(ops->specs[i], name))
            return true;
    return false;
}

/* on_failure_callback_name and the like: one of two keys that name a function together. */
static bool is_half_callback(struct dm_str name)
{
    for (int on = 0; on < DM_ON_COUNT; on++)
        if (dm_str_is(name, dm_callback_half((enum dm_callback_on)on, false)) ||
            dm_str_is(name, dm_callback_half((enum dm_callback_on)on, true)))
            return true;
    return false;
}

void dm_dag_check_defaults(struct dm_dag_draft *d)
{
    const char *names[N_KEYS + 1] = {NULL};
    for (size_t k = 0; k < N_KEYS; k++)
        names[k] = keys[k].name;
    for (size_t i = 0; i < d->defaults->map.n; i++) {
        const struct dm_value *key = d->defaults->map.pairs[i].key;
        struct dm_str name = key->kind == DM_STRING ? key->s : DM_STR("");
        int k = key_index(name);
        bool strict = !d->loader->world->model_only;
        if (k >= 0 && keys[k].effect == NONE)
            draft_warning(d, key, NO_EFFECT, NULL, "\"%s\" has no effect (%s)", keys[k].name,
                          keys[k].doc);
        else if (k >= 0 && keys[k].effect == REFUSED && strict)
            draft_error(d, key, UNSUPPORTED_KEY, keys[k].doc, "\"%s\" does not work here",
                        keys[k].name);
        if (k >= 0 || dm_str_is(name, "timezone") || is_half_callback(name) ||
            any_operator_has(d->loader->world->ops, name))
            continue;
        const char *hint = dm_did_you_mean(d->loader->a, name, names);
        bool ignored = hint == NULL || !strict;
        dm_diag_report(d->loader, draft_at(d, key), ignored, DM_DIAG_UNKNOWN_KEY, hint,
                       "no task has a key \"%.*s\"%s", DM_FMT(name),
                       ignored ? "; it is ignored" : "");
    }
}

/* One task while its keys are read. */
struct reader {
    struct dm_dag_draft *d;
    const char *what;                          /* for people: task "x", or the key of a callback */
    const struct dm_value *map, *own_defaults; /* own_defaults may be NULL */
    const struct dm_value *defaults;           /* the DAG's; NULL where they do not count */
    const struct dm_value *group_defaults;     /* or NULL */
    const struct dm_op_spec *spec;
    const struct dm_value *expand, *partial; /* maps, or NULL */
    bool decorated;
    bool broken; /* what is missing was there, but could not be used */
};

static const struct dm_value *value_of(const struct reader *r, const char *key)
{
    const struct dm_value *v = dm_map_at(r->partial, key);
    if (!v)
        v = dm_map_at(r->map, key);
    if (!v)
        v = dm_map_at(r->own_defaults, key);
    if (!v)
        v = dm_map_at(r->group_defaults, key);
    return v ? v : dm_map_at(r->defaults, key);
}

static void wrong(const struct reader *r, const struct dm_value *v, const char *key,
                  const char *wanted, const char *hint)
{
    draft_error(r->d, v, BAD_ARGUMENT, hint, "%s of %s must be %s, not a %s", key, r->what, wanted,
                dm_kind_name(v->kind));
}

static bool get_bool(const struct reader *r, const char *key, bool fallback)
{
    const struct dm_value *v = value_of(r, key);
    if (!v)
        return fallback;
    if (v->kind == DM_NULL) /* given, and not true */
        return false;
    if (v->kind == DM_BOOL)
        return v->b;
    wrong(r, v, key, "true or false", NULL);
    return fallback;
}

/* As Airflow takes it: 2 and 2.0 are two, and true is one; retries may be "2" as well, and 2.5 of them are two. */
static int get_int(const struct reader *r, const char *key, int least, int fallback)
{
    const struct dm_value *v = value_of(r, key);
    int64_t i = 0;
    bool ok = true, retries = strcmp(key, "retries") == 0;
    if (!v || v->kind == DM_NULL)
        return fallback;
    if (v->kind == DM_INT)
        i = v->i;
    else if (v->kind == DM_BOOL)
        i = v->b;
    else if (v->kind == DM_FLOAT && v->f > -1e9 && v->f < 1e9 &&
             (retries || v->f == (double)(int64_t)v->f))
        i = (int64_t)v->f;
    else
        ok = retries && v->kind == DM_STRING && dm_str_to_i64(v->s, &i);
    if (!ok) {
        wrong(r, v, key, "a whole number", NULL);
        return fallback;
    }
    if (i < least || i > INT32_MAX) {
        draft_error(r->d, v, BAD_ARGUMENT, NULL, "%s of %s must be at least %d", key, r->what,
                    least);
        return fallback;
    }
    return (int)i;
}

static int64_t get_span(const struct reader *r, const char *key, bool numbers, int64_t fallback)
{
    static const char hint[] = "Write {__type__: datetime.timedelta, minutes: 5}.";
    const struct dm_value *v = value_of(r, key);
    struct dm_err err;
    int64_t us;
    if (!v || (v->kind == DM_NULL && !numbers))
        return fallback;
    bool number = v->kind == DM_INT || v->kind == DM_FLOAT;
    if (v->kind == DM_BOOL && numbers) /* a number to Airflow */
        return v->b ? DM_SEC : 0;
    if (v->kind != DM_DELTA && !(number && numbers)) {
        wrong(r, v, key, numbers ? "a number of seconds or a timedelta" : "a timedelta", hint);
        return fallback;
    }
    if (dm_span_parse(v, &us, &err) < 0) {
        draft_error(r->d, v, BAD_ARGUMENT, hint, "%s of %s: %s", key, r->what, err.message);
        return fallback;
    }
    if (us < 0) {
        draft_error(r->d, v, BAD_ARGUMENT, NULL, "%s of %s must not be negative", key, r->what);
        return fallback;
    }
    return us;
}

static const char *get_text(const struct reader *r, const char *key, const char *fallback)
{
    const struct dm_value *v = value_of(r, key);
    if (!v || v->kind == DM_NULL)
        return fallback;
    if (v->kind == DM_STRING)
        return dm_str_cstr(r->d->loader->a, v->s);
    wrong(r, v, key, "a text", "Quote it to make it a text.");
    return fallback;
}

static enum dm_trigger_rule get_rule(const struct reader *r)
{
    const char *names[DM_RULE_COUNT + 1] = {NULL};
    const struct dm_value *v = value_of(r, "trigger_rule");
    if (!v)
        return get_bool(r, "is_teardown", false) ? DM_RULE_ALL_DONE_SETUP_SUCCESS
                                                 : DM_RULE_ALL_SUCCESS;
    if (v->kind != DM_STRING) {
        wrong(r, v, "trigger_rule", "a text", NULL);
        return DM_RULE_ALL_SUCCESS;
    }
    for (int i = 0; i < DM_RULE_COUNT; i++) {
        names[i] = dm_trigger_rule_name((enum dm_trigger_rule)i);
        if (dm_str_is(v->s, names[i]))
            return (enum dm_trigger_rule)i;
    }
    if (dm_str_is(v->s, "dummy"))
        return DM_RULE_ALWAYS;
    if (dm_str_is(v->s, "none_failed_or_skipped"))
        return DM_RULE_NONE_FAILED_MIN_ONE_SUCCESS;
    draft_error(r->d, v, BAD_ARGUMENT, dm_did_you_mean(r->d->loader->a, v->s, names),
                "there is no trigger rule \"%.*s\"", DM_FMT(v->s));
    return DM_RULE_ALL_SUCCESS;
}

/* Airflow takes anything for an owner and shows it as text. */
static const char *get_owner(const struct reader *r)
{
    const struct dm_value *v = value_of(r, "owner");
    if (!v || v->kind == DM_NULL)
        return "airflow";
    if (v->kind != DM_STRING && !r->d->loader->world->model_only)
        wrong(r, v, "owner", "a text", "Quote it to make it a text.");
    return dm_str_cstr(r->d->loader->a,
                       v->kind == DM_STRING ? v->s : dm_value_json(r->d->loader->a, v));
}

static const struct dm_value *get_any(const struct reader *r, const char *key)
{
    const struct dm_value *v = value_of(r, key);
    return v && v->kind != DM_NULL ? v : NULL;
}

/* inlets and outlets: URIs, assets, or other maps. */
static const struct dm_value *get_assets(const struct reader *r, const char *key)
{
    const struct dm_value *v = get_any(r, key);
    if (v && v->kind != DM_LIST && dm_says_nothing(v))
        return NULL;
    if (v && v->kind == DM_MAP)
        v = dm_dag_assets_of_file(r->d, v);
    if (v && v->kind != DM_LIST) {
        wrong(r, v, key, "a list", dm_arena_printf(r->d->loader->a, "Write %s: [a, b].", key));
        return NULL;
    }
    for (size_t i = 0; v && i < v->list.n; i++)
        if (v->list.items[i]->kind == DM_STRING && !dm_str_trim(v->list.items[i]->s).len)
            draft_error(r->d, v->list.items[i], BAD_ARGUMENT, NULL, "an empty text in %s of %s",
                        key, r->what);
    return v && v->list.n ? v : NULL;
}

static const struct dm_value *get_callables(const struct reader *r)
{
    struct dm_arena *a = r->d->loader->a;
    struct dm_value *all = dm_value_map(a);
    const struct dm_value *levels[] = {r->d->defaults, r->group_defaults, r->own_defaults, r->map,
                                       r->partial};
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        for (size_t k = 0; levels[i] && k < levels[i]->map.n; k++)
            dm_map_set_value(a, all, levels[i]->map.pairs[k].key, levels[i]->map.pairs[k].value);
    return dm_dag_callbacks(r->d, all, dm_task_callbacks);
}

/* A text that no defaults give, as in Airflow, though they may not give anything else either. */
static const char *get_own_text(const struct reader *r, const char *key)
{
    struct reader own = *r;
    const struct dm_value *v = value_of(r, key);
    if (v && v->kind != DM_STRING && !dm_says_nothing(v))
        return get_text(r, key, NULL);
    own.own_defaults = own.group_defaults = own.defaults = NULL;
    return get_text(&own, key, NULL);
}

/* What only some tasks have. */
static void read_rare(const struct reader *r, struct dm_task *t)
{
    t->display_name = get_own_text(r, "task_display_name");
    t->doc_md = get_text(r, "doc_md", NULL);
    t->queue = get_text(r, "queue", "default");
    t->run_as_user = get_text(r, "run_as_user", NULL);
    t->executor = get_text(r, "executor", NULL);
    t->email = get_any(r, "email");
    if (t->email && t->email->kind != DM_STRING && t->email->kind != DM_LIST &&
        t->email->kind != DM_TUPLE && t->email->kind != DM_MAP)
        wrong(r, t->email, "email", "a text or a list of texts", NULL);
    t->email_on_failure = get_bool(r, "email_on_failure", true);
    t->email_on_retry = get_bool(r, "email_on_retry", true);
    const struct dm_value *sla = value_of(r, "sla");
    t->sla_us = get_span(r, "sla", sla && sla->kind != DM_NULL, 0);
    t->executor_config = get_any(r, "executor_config");
    t->inlets = get_assets(r, "inlets");
    t->outlets = get_assets(r, "outlets");
    if (r->d->loader->world->model_only) {
        t->callables = get_callables(r);
    } else {
        const struct dm_value *levels[] = {r->partial, r->map, r->own_defaults, r->group_defaults,
                                           r->d->defaults};
        t->callbacks = dm_dag_read_callbacks(r->d, levels, sizeof(levels) / sizeof(levels[0]),
                                             false, &t->n_callbacks);
    }
}

/* The DAG's date stands on its own level, not in default_args: what those say is then the tasks' alone. */
static bool dag_has_date(const struct reader *r, const char *key)
{
    const struct dm_value *v = dm_map_at(r->d->config, key);
    return v && v->kind != DM_NULL;
}

/* Airflow leaves a date of a task out where it is not a date with a time. */
static const struct dm_value *own_date(const struct reader *r, const char *key)
{
    const struct dm_value *v = dm_map_at(r->partial, key);
    v = v ? v : dm_map_at(r->map, key);
    v = v ? v : dm_map_at(r->own_defaults, key);
    v = v ? v : dm_map_at(r->group_defaults, key);
    v = v || !dag_has_date(r, key) ? v : dm_map_at(r->d->defaults, key);
    if (v && v->kind != DM_DATETIME && v->kind != DM_NULL && r->d->loader->world->model_only) {
        draft_warning(r->d, v, NO_EFFECT, "Write 2024-01-31T00:00:00.",
                      "%s of %s is left out, because it has no time", key, r->what);
        return NULL;
    }
    return v;
}

static void read_common(const struct reader *r, struct dm_task *t)
{
    static const char *const weights[] = {"downstream", "upstream", "absolute", NULL};
    const struct dm_value *v;
    t->retries = get_int(r, "retries", INT32_MIN, 0); /* less than 0 is one try, as in Airflow */
    t->retry_delay_us = get_span(r, "retry_delay", true, 300 * DM_SEC);
    t->retry_exponential_backoff = get_bool(r, "retry_exponential_backoff", false);
    v = value_of(r, "max_retry_delay");
    t->max_retry_delay_us = v && v->kind != DM_NULL ? get_span(r, "max_retry_delay", true, 0) : 0;
    t->execution_timeout_us = get_span(r, "execution_timeout", false, 0);
    t->depends_on_past = get_bool(r, "depends_on_past", false);
    t->wait_for_downstream = get_bool(r, "wait_for_downstream", false);
    t->depends_on_past |= t->wait_for_downstream;
    t->ignore_first_depends_on_past = get_bool(r, "ignore_first_depends_on_past", true);
    t->is_setup = get_bool(r, "is_setup", false);
    t->is_teardown = get_bool(r, "is_teardown", false);
    t->on_failure_fail_dagrun = get_bool(r, "on_failure_fail_dagrun", false);
    t->trigger_rule = get_rule(r);
    t->pool = get_text(r, "pool", "default_pool");
    v = value_of(r, "pool_slots");
    if (v && v->kind == DM_NULL)
        wrong(r, v, "pool_slots", "a whole number", NULL);
    t->pool_slots = get_int(r, "pool_slots", 1, 1);
    t->priority_weight = get_int(r, "priority_weight", INT32_MIN, 1);
    v = value_of(r, "weight_rule");
    /* A null that is given means absolute to Airflow. */
    t->weight_rule =
        get_text(r, "weight_rule", v && v->kind == DM_NULL ? "absolute" : "downstream");
    if (v && v->kind == DM_STRING && strcmp(t->weight_rule, "downstream") != 0 &&
        strcmp(t->weight_rule, "upstream") != 0 && strcmp(t->weight_rule, "absolute") != 0)
        draft_error(r->d, v, BAD_ARGUMENT, dm_did_you_mean(r->d->loader->a, v->s, weights),
                    "there is no weight_rule \"%s\"", t->weight_rule);
    t->max_active_tis_per_dag =
        get_int(r, "max_active_tis_per_dag", 0, get_int(r, "task_concurrency", 0, 0));
    t->max_active_tis_per_dagrun = get_int(r, "max_active_tis_per_dagrun", 0, 0);
    t->owner = get_owner(r);
    t->do_xcom_push = get_bool(r, "do_xcom_push", true);
    /* Only what differs from the DAG's dates, within which no run is earlier or later; but dates in default_args
       begin and end with the first and the last task (dag_build.c). */
    t->start_date = dm_dag_date(r->d, "start_date", own_date(r, "start_date"), NULL);
    t->end_date = dm_dag_date(r->d, "end_date", own_date(r, "end_date"), NULL);
    if (dag_has_date(r, "start_date") && t->start_date != DM_NEVER &&
        t->start_date <= r->d->dag->start_date)
        t->start_date = DM_NEVER;
    if (dag_has_date(r, "end_date") && t->end_date != DM_NEVER &&
        t->end_date >= r->d->dag->end_date)
        t->end_date = DM_NEVER;
    v = value_of(r, "params");
    if (v && v->kind != DM_MAP && !dm_says_nothing(v))
        wrong(r, v, "params", "a map", NULL);
    v = v && v->kind == DM_MAP ? v : dm_value_map(r->d->loader->a);
    t->params = dm_dag_params(r->d, v, true, &t->param_specs);
    read_rare(r, t);
}

/* The value of a field under its name or its older name, from the task or the defaults. */
static const struct dm_value *field_value(const struct reader *r, const struct dm_op_field *f)
{
    const struct dm_value *levels[] = {r->partial, r->map, r->own_defaults, r->group_defaults,
                                       r->defaults};
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        const struct dm_value *v = dm_map_at(levels[i], f->name);
        const struct dm_value *older = f->alias ? dm_map_at(levels[i], f->alias) : NULL;
        if (v && older && i <= 1)
            draft_error(r->d, older, BAD_ARGUMENT, NULL, "%s has both %s and its older name %s",
                        r->what, f->name, f->alias);
        if (v || older)
            return v ? v : older;
    }
    return NULL;
}

/* Null is a value to Airflow, but it is no function. */
static bool names_function(const struct dm_op_field *f)
{
    return strcmp(f->name, "python_callable") == 0;
}

static void read_field(const struct reader *r, const struct dm_op_field *f, struct dm_value *args)
{
    struct dm_arena *a = r->d->loader->a;
    const struct dm_value *v = field_value(r, f);
    struct dm_value *fallback;
    if (r->expand && !v && (dm_map_at(r->expand, f->name) || !f->required))
        return; /* the values differ, or Airflow fills the default in for each */
    if (v && v->kind == DM_NULL && r->d->loader->world->model_only && !names_function(f)) {
        dm_map_set(a, args, f->name, v);
        return;
    }
    if (v && v->kind != DM_NULL) {
        if (!dm_op_field_fits(f, v))
            wrong(r, v, f->name, dm_field_type_name(f->type),
                  f->type == DM_FIELD_STRING ? "Quote it to make it a text." : NULL);
        dm_map_set(a, args, f->name, v);
        return;
    }
    if (f->required && r->broken)
        return;
    if (f->required) {
        draft_error(r->d, v ? v : r->map, MISSING_KEY, f->doc, "%s (%s) needs %s", r->what,
                    r->spec->name, f->name);
    } else if (!v && f->fallback) {
        if (dm_value_from_json(a, dm_str_c(f->fallback), &fallback, NULL) < 0)
            DM_BUG("default of %s.%s is no JSON", r->spec->name, f->name);
        dm_map_set(a, args, f->name, fallback);
    }
}

static const struct dm_value *read_args(const struct reader *r)
{
    struct dm_value *args = dm_value_map(r->d->loader->a);
    for (size_t i = 0; r->spec->fields[i].name; i++)
        read_field(r, &r->spec->fields[i], args);
    for (size_t i = 0; r->spec->sensor && dm_sensor_fields[i].name; i++)
        if (!dm_op_field_find(r->spec, dm_str_c(dm_sensor_fields[i].name)))
            read_field(r, &dm_sensor_fields[i], args);
    return args;
}

/* retry_delay_sec and the like, which 0.x knows in default_args only. */
static const char *key_hint(const struct reader *r, struct dm_str name)
{
    struct dm_arena *a = r->d->loader->a;
    ptrdiff_t suffix = dm_str_find(name, DM_STR("_sec"), 0);
    struct dm_str key = suffix > 0 ? dm_str_sub(name, 0, (size_t)suffix) : name;
    if (suffix > 0 && key_index(key) >= 0)
        return dm_arena_printf(a, "Write %.*s: {__type__: datetime.timedelta, seconds: …}.",
                               DM_FMT(key));
    return dm_did_you_mean(a, name, known_names(a, r->spec));
}

/* Airflow gives these to tasks that Python code makes, and dag-factory to none. */
static bool is_ours(const struct reader *r, struct dm_str name)
{
    return r->d->loader->world->model_only &&
           (dm_str_is(name, "is_setup") || dm_str_is(name, "is_teardown") ||
            dm_str_is(name, "on_failure_fail_dagrun"));
}

static void check_keys(const struct reader *r)
{
    for (size_t i = 0; i < r->map->map.n; i++) {
        const struct dm_value *key = r->map->map.pairs[i].key;
        struct dm_str name = key->kind == DM_STRING ? key->s : DM_STR("");
        if (field_of(r->spec, name))
            continue;
        int k = is_ours(r, name) ? -1 : key_index(name);
        if (k < 0)
            draft_error(r->d, key, UNKNOWN_KEY, key_hint(r, name), "%s (%s) has no key \"%.*s\"",
                        r->what, r->spec->name, DM_FMT(name));
        else if (keys[k].effect == WORKS || r->d->loader->world->model_only)
            continue;
        else if (keys[k].effect == NONE)
            draft_warning(r->d, key, NO_EFFECT, NULL, "\"%s\" has no effect (%s)", keys[k].name,
                          keys[k].doc);
        else
            draft_error(r->d, key, UNSUPPORTED_KEY, keys[k].doc, "\"%s\" does not work here",
                        keys[k].name);
    }
}

static void unknown_operator(const struct reader *r, const struct dm_value *v)
{
    const struct dm_op_table *ops = r->d->loader->world->ops;
    struct dm_arena *a = r->d->loader->a;
    size_t n = 0, class = v->s.len;
    while (class && v->s.p[class - 1] != '.')
        class --;
    for (size_t i = 0; ops->refused && ops->refused[i].alias; i++)
        if (dm_str_is(dm_str_sub(v->s, class, v->s.len), ops->refused[i].alias)) {
            draft_error(r->d, v, UNKNOWN_OPERATOR, ops->refused[i].instead,
                        "the operator \"%.*s\" does not run here", DM_FMT(v->s));
            return;
        }
    for (size_t i = 0; ops->specs[i]; i++)
        for (size_t k = 0, more = 1; more; k++)
            more = ops->specs[i]->aliases && ops->specs[i]->aliases[k], n++;
    const char **names = dm_arena_array(a, const char *, n + 1);
    n = 0;
    for (size_t i = 0; ops->specs[i]; i++) {
        names[n++] = ops->specs[i]->name;
        for (size_t k = 0; ops->specs[i]->aliases && ops->specs[i]->aliases[k]; k++)
            names[n++] = ops->specs[i]->aliases[k];
    }
    const char *hint = dm_did_you_mean(a, v->s, names);
    if (dm_str_find(v->s, DM_STR("."), 0) > 0 && dm_dag_standard_module(v->s))
        draft_error(r->d, v, BAD_ARGUMENT, hint, "\"%.*s\" is no operator", DM_FMT(v->s));
    else
        draft_error(r->d, v, UNKNOWN_OPERATOR,
                    hint ? hint : "Call what it does from bash, python or http.",
                    "there is no operator \"%.*s\"", DM_FMT(v->s));
}

/* A function with a decorator is a task of the operator that Airflow makes of it. */
static const struct dm_op_spec *find_decorator(const struct reader *r, const struct dm_value *v)
{
    static const char *const paths[] = {"airflow.decorators.task", "airflow.sdk.task",
                                        "airflow.sdk.definitions.decorators.task", NULL};
    const struct dm_op_spec *spec = dm_op_spec_find(
        r->d->loader->world->ops, DM_STR("airflow.decorators.python._PythonDecoratedOperator"));
    bool known = false;
    for (size_t i = 0; paths[i] && v->kind == DM_STRING; i++)
        known = known || dm_str_is(v->s, paths[i]);
    if (!known)
        draft_error(r->d, v, UNKNOWN_CLASS,
                    "Use airflow.decorators.task, or an operator such as bash, python_branch or "
                    "python_sensor.",
                    "the decorator of %s is not known", r->what);
    else if (!spec)
        draft_error(r->d, v, UNSUPPORTED_KEY,
                    "Use an operator: python with python_callable does the same.",
                    "%s is a decorated Python function", r->what);
    if (!known && !dm_map_at(r->map, "python_callable") &&
        !(dm_map_at(r->map, "python_callable_name") && dm_map_at(r->map, "python_callable_file")))
        draft_error(r->d, r->map, MISSING_KEY, "Write python_callable: module.function.",
                    "%s has no python_callable", r->what);
    return known ? spec : NULL;
}

static const struct dm_op_spec *find_operator(const struct reader *r)
{
    const struct dm_value *v = value_of(r, "operator");
    if (!v) {
        if (dm_map_at(r->map, "decorator"))
            return find_decorator(r, dm_map_at(r->map, "decorator"));
        else
            draft_error(r->d, r->map, MISSING_KEY, NULL, "%s has no operator", r->what);
        return NULL;
    }
    if (v->kind != DM_STRING) {
        draft_error(r->d, v, UNKNOWN_OPERATOR, NULL, "operator of %s must be a name, not a %s",
                    r->what, dm_kind_name(v->kind));
        return NULL;
    }
    const struct dm_op_spec *spec = dm_op_spec_find(r->d->loader->world->ops, v->s);
    if (!spec)
        unknown_operator(r, v);
    return spec;
}

static const struct dm_value *dependencies(const struct reader *r)
{
    const struct dm_value *v = dm_map_at(r->map, "dependencies"); /* defaults give none */
    bool empty = v && ((v->kind == DM_STRING && !v->s.len) || (v->kind == DM_MAP && !v->map.n));
    if (!v || empty) /* dag-factory goes through it, and finds nothing */
        return NULL;
    if (v->kind != DM_LIST) {
        draft_error(r->d, v, SCHEMA, "Write dependencies: [a, b].",
                    "dependencies of %s must be a list, not a %s", r->what, dm_kind_name(v->kind));
        return NULL;
    }
    for (size_t i = 0; i < v->list.n; i++)
        if (v->list.items[i]->kind != DM_STRING) {
            bool list = v->list.items[i]->kind == DM_LIST || v->list.items[i]->kind == DM_MAP;
            dm_diag_report(r->d->loader, draft_at(r->d, v->list.items[i]), false,
                           list ? DM_DIAG_SCHEMA : DM_DIAG_MISSING_DEPENDENCY, NULL,
                           "a dependency of %s must be a task_id, not a %s", r->what,
                           dm_kind_name(v->list.items[i]->kind));
            return NULL;
        }
    return v;
}

/* NULL for none; a group that does not exist is an error unless there are no groups at all, which dag-factory
   ignores. */
static const struct dm_group_draft *find_group(struct dm_dag_draft *d, const struct dm_value *map)
{
    const struct dm_value *v = map->kind == DM_MAP ? dm_map_at(map, "task_group_name") : NULL;
    if (!v || v->kind == DM_NULL)
        return NULL;
    const struct dm_group_draft *g = v->kind == DM_STRING ? dm_map_get(&d->groups, v->s) : NULL;
    if (!g && d->groups.len)
        draft_error(d, v, MISSING_GROUP, NULL, "there is no such group in task_groups");
    return g;
}

static bool is_group_id(const struct dm_dag_draft *d, const char *id)
{
    for (size_t i = 0; i < d->groups.len; i++) {
        const struct dm_group_draft *g = d->groups.entries[i].value;
        if (strcmp(g->group.group_id, id) == 0)
            return true;
    }
    return false;
}

static struct dm_task_draft *new_task(struct dm_dag_draft *d, const struct dm_value *id,
                                      const struct dm_group_draft *group)
{
    struct dm_arena *a = d->loader->a;
    if (id->kind == DM_LIST || id->kind == DM_MAP) {
        draft_error(d, id, SCHEMA, NULL, "a task_id must be a text, not a %s",
                    dm_kind_name(id->kind));
        return NULL;
    }
    if (id->kind != DM_STRING || !dm_dag_id_valid(id->s)) {
        draft_error(d, id, BAD_ID, "Use letters, digits, -, _ and .; quote a number.",
                    "a task_id must be a text of 1 to %d letters, digits, -, _ and .",
                    DM_DAG_ID_MAX);
        return NULL;
    }
    const struct dm_task_draft *other = dm_map_get(&d->tasks, id->s);
    const char *full = dm_dag_full_id(d, group, id->s);
    if (strlen(full) > DM_DAG_ID_MAX) {
        draft_error(d, id, BAD_ID, "Take shorter names.",
                    "a task_id with those of its groups has more than %d characters",
                    DM_DAG_ID_MAX);
        return NULL;
    }
    if (is_group_id(d, full)) {
        draft_error(d, id, DUPLICATE_ID, NULL, "the task_id \"%s\" is the id of a group", full);
        return NULL;
    }
    if (other) {
        draft_error(d, id, DUPLICATE_ID, NULL, "the task_id \"%.*s\" is taken (line %u)",
                    DM_FMT(id->s), other->task.line);
        return NULL;
    }
    if (d->n == DM_DAG_TASKS_MAX) {
        draft_error(d, id, LIMIT, NULL, "the DAG has more than %d tasks", DM_DAG_TASKS_MAX);
        return NULL;
    }
    if (d->n == d->cap) {
        struct dm_task_draft **old = d->list;
        d->cap = d->cap ? d->cap * 2 : 16;
        d->list = dm_arena_array(a, struct dm_task_draft *, d->cap);
        if (d->n)
            memcpy(d->list, old, d->n * sizeof(*old));
    }
    struct dm_task_draft *t = dm_arena_new(a, struct dm_task_draft);
    t->index = d->n;
    t->id = id;
    t->group = group;
    t->task.task_id = full;
    t->task.group = group ? group->group.group_id : NULL;
    t->task.line = id->line;
    t->task.col = id->col;
    d->list[d->n++] = t;
    dm_map_put(&d->tasks, id->s, t);
    return t;
}

/* What the types of the fields of every sensor cannot refuse. */
static void check_sensor(const struct reader *r, const struct dm_value *args)
{
    static const char *const spans[] = {"poke_interval", "timeout", "max_wait"};
    static const char *const needed[] = {"poke_interval", "timeout", "mode"};
    int64_t us;
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        const struct dm_value *v = value_of(r, needed[i]);
        if (v && v->kind == DM_NULL)
            draft_error(r->d, v, BAD_ARGUMENT, "Leave it out to take the default.",
                        "%s of %s must not be null", needed[i], r->what);
    }
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        const struct dm_value *v = dm_map_at(args, spans[i]);
        if (v && dm_span_parse(v, &us, NULL) == 0 && us < 0)
            draft_error(r->d, v, BAD_ARGUMENT, NULL, "%s of %s must not be negative", spans[i],
                        r->what);
    }
    const struct dm_value *mode = dm_map_at(args, "mode");
    if (mode && mode->kind == DM_STRING && !dm_str_is(mode->s, "poke") &&
        !dm_str_is(mode->s, "reschedule"))
        draft_error(r->d, mode, BAD_ARGUMENT, "Write poke or reschedule.",
                    "%s has no mode \"%.*s\"", r->what, DM_FMT(mode->s));
    if (dm_map_bool(args, "never_fail", false) && dm_map_bool(args, "soft_fail", false))
        draft_error(r->d, r->map, BAD_ARGUMENT, "Keep one of them.",
                    "%s has both soft_fail and never_fail", r->what);
}

/* What the types of single fields cannot refuse. */
static void check_args(const struct reader *r, const struct dm_value *args)
{
    struct dm_err err;
    if (r->spec->sensor)
        check_sensor(r, args);
    if (r->broken || !r->spec->check || r->spec->check(args, &err) == 0)
        return;
    if (err.code == DM_E_NOTFOUND)
        draft_error(r->d, r->map, MISSING_KEY, err.hint, "%s: %s", r->what, err.message);
    else
        draft_error(r->d, r->map, BAD_ARGUMENT, err.hint, "%s: %s", r->what, err.message);
}

static const struct dm_value *map_of(const struct reader *r, const char *key)
{
    const struct dm_value *v = dm_map_at(r->map, key);
    bool given = v && (v->kind != DM_NULL || r->d->loader->world->model_only);
    if (given && v->kind != DM_MAP)
        draft_error(r->d, v, SCHEMA, NULL, "%s of %s must be a map, not a %s", key, r->what,
                    dm_kind_name(v->kind));
    return v && v->kind == DM_MAP && v->map.n ? v : NULL;
}

/* A mapped task takes each argument once: for all (the task's own and partial) or for each (expand). */
static void read_mapping(struct reader *r)
{
    r->expand = map_of(r, "expand");
    r->partial = map_of(r, "partial");
    if (r->partial && !dm_map_at(r->map, "expand"))
        draft_error(r->d, r->partial, MISSING_KEY, "Add expand, or take partial away.",
                    "%s has partial without expand", r->what);
    for (size_t i = 0; r->partial && i < r->partial->map.n; i++)
        if (dm_map_get_value(r->map, r->partial->map.pairs[i].key))
            draft_error(r->d, r->partial->map.pairs[i].key, BAD_ARGUMENT, NULL,
                        "an argument of %s stands in partial and beside it", r->what);
    for (size_t i = 0; r->expand && i < r->expand->map.n; i++) {
        const struct dm_value *key = r->expand->map.pairs[i].key;
        if (dm_map_get_value(r->map, key) || (r->partial && dm_map_get_value(r->partial, key)))
            draft_error(r->d, key, BAD_ARGUMENT, "Keep one of them.",
                        "an argument of %s differs (expand) and is the same for all", r->what);
    }
    const struct dm_value *function = dm_map_at(r->partial, "python_callable");
    if (function && !r->decorated && r->d->loader->world->model_only)
        draft_error(r->d, function, MISSING_KEY, "Write it beside partial.",
                    "%s needs python_callable of its own", r->what);
    for (int which = 0; which < 2; which++) {
        const struct dm_value *map = which ? r->partial : r->expand;
        for (size_t i = 0; map && !r->decorated && i < map->map.n; i++) {
            const struct dm_value *key = map->map.pairs[i].key;
            struct dm_str name = key->kind == DM_STRING ? key->s : DM_STR("");
            if (!which && !field_of(r->spec, name) && key_index(name) >= 0)
                draft_error(r->d, key, BAD_ARGUMENT, "Write it beside expand, or in partial.",
                            "\"%.*s\" of %s is the same for all instances", DM_FMT(name), r->what);
            else if (!field_of(r->spec, name) && (!which || key_index(name) < 0))
                draft_error(
                    r->d, key, UNKNOWN_KEY,
                    dm_did_you_mean(r->d->loader->a, name, known_names(r->d->loader->a, r->spec)),
                    "%s (%s) has no key \"%.*s\"", r->what, r->spec->name, DM_FMT(name));
        }
    }
}

/* The arguments of a decorated function: every key that is no task's. */
static const struct dm_value *function_arguments(struct reader *r)
{
    bool lost =
        r->expand && r->d->loader->world->model_only; /* dag-factory keeps partial's alone */
    struct dm_arena *a = r->d->loader->a;
    struct dm_value *kwargs = dm_value_map(a), *rest = dm_value_map(a);
    rest->line = r->map->line;
    rest->col = r->map->col;
    for (size_t i = 0; i < r->map->map.n; i++) {
        const struct dm_value *key = r->map->map.pairs[i].key, *v = r->map->map.pairs[i].value;
        bool own = key->kind == DM_STRING && !field_of(r->spec, key->s) && key_index(key->s) < 0;
        if (!own || !lost)
            dm_map_set_value(a, own ? kwargs : rest, key, v);
    }
    for (size_t i = 0; r->partial && i < r->partial->map.n; i++)
        dm_map_set_value(a, kwargs, r->partial->map.pairs[i].key, r->partial->map.pairs[i].value);
    r->map = rest;
    r->partial = NULL;
    return kwargs;
}

const struct dm_value *dm_dag_operator_args(struct dm_dag_draft *d, const struct dm_value *map,
                                            const char *what, const char **ret_operator)
{
    struct reader r = {.d = d, .what = what, .map = map};
    size_t errors = d->loader->n_errors;
    r.spec = find_operator(&r);
    if (!r.spec)
        return NULL;
    if (r.spec->sensor)
        draft_error(d, map, BAD_CALLBACK, "Take an operator.", "%s is a sensor, which waits", what);
    for (size_t i = 0; i < map->map.n; i++) {
        const struct dm_value *key = map->map.pairs[i].key;
        struct dm_str name = key->kind == DM_STRING ? key->s : DM_STR("");
        if (!dm_str_is(name, "operator") && !field_of(r.spec, name))
            draft_error(d, key, UNKNOWN_KEY,
                        dm_did_you_mean(d->loader->a, name, known_names(d->loader->a, r.spec)),
                        "%s (%s) has no key \"%.*s\"", what, r.spec->name, DM_FMT(name));
    }
    struct dm_task only_args = {.args = read_args(&r)};
    check_args(&r, only_args.args);
    dm_dag_read_files(d, r.spec, &only_args);
    *ret_operator = r.spec->name;
    return d->loader->n_errors == errors ? only_args.args : NULL;
}

void dm_dag_add_task(struct dm_dag_draft *d, const struct dm_value *id, const struct dm_value *map)
{
    const struct dm_group_draft *group = find_group(d, map);
    struct dm_task_draft *t = new_task(d, id, group);
    if (!t)
        return;
    if (map->kind != DM_MAP) {
        draft_error(d, map, SCHEMA, NULL, "task \"%s\" must be a map, not a %s", t->task.task_id,
                    dm_kind_name(map->kind));
        return;
    }
    struct reader r = {.d = d,
                       .what = dm_arena_printf(d->loader->a, "task \"%s\"", t->task.task_id),
                       .map = map,
                       .defaults = d->defaults,
                       .own_defaults = dm_map_at(map, "default_args"),
                       .group_defaults = group ? group->group.default_args : NULL};
    if (r.own_defaults && r.own_defaults->kind != DM_MAP) {
        wrong(&r, r.own_defaults, "default_args", "a map", NULL);
        r.own_defaults = NULL;
    }
    t->dependencies = dependencies(&r);
    r.spec = find_operator(&r);
    size_t errors = d->loader->n_errors;
    r.map = dm_dag_task_map(d, r.spec, t->task.task_id, map);
    r.broken = d->loader->n_errors > errors;
    t->decorated = r.decorated = !dm_map_at(r.map, "operator") && dm_map_at(r.map, "decorator");
    const struct dm_value *partial = dm_map_at(r.map, "partial");
    if (partial && partial->kind == DM_MAP &&
        !r.decorated) /* a function's partial is all its own */
        r.partial = partial;
    read_common(&r, &t->task);
    if (!r.spec)
        return;
    t->task.operator_name = r.spec->name;
    read_mapping(&r);
    t->expand = r.expand;
    const struct dm_value *kwargs = r.decorated ? function_arguments(&r) : NULL;
    check_keys(&r);
    t->task.args = read_args(&r);
    if (kwargs && (kwargs->map.n || !r.expand)) {
        struct dm_value *args = dm_value_copy(d->loader->a, t->task.args);
        dm_map_set(d->loader->a, args, "op_kwargs", kwargs);
        t->task.args = args;
    }
    if (!r.expand)
        check_args(&r, t->task.args);
    dm_dag_read_files(d, r.spec, &t->task);
}
