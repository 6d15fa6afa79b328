/*
 * Callbacks: what runs beside the tasks when something happened to a task or to a run.  Each becomes an operator with
 * its fields, as a task has them:
 *   {operator: bash, bash_command: …}          that operator
 *   {webhook: URL, method, headers, body}      `http`
 *   module.function, {callback: …, param: …}   `python`, called with the context; Airflow's notifiers by notifiers.def
 * dag-factory's functions by name and file have become callables before (dag_sugar.c, and here for defaults).
 */
#include "lang/dag_loader.h"

static const struct {
    const char *key, *name,
        *file; /* the callback, and dag-factory's keys for a function by name and file */
    bool of_dag;
} callbacks[] = {
#define DM_CALLBACK(name, key, of_dag, doc) {key, key "_name", key "_file", of_dag},
#include "lang/callbacks.def"
#undef DM_CALLBACK
};

static const struct {
    const char *path, *operator_name, *instead;
} notifiers[] = {
#define DM_NOTIFIER(path, operator_name, instead) {path, operator_name, instead},
#include "lang/notifiers.def"
#undef DM_NOTIFIER
};

const char *dm_callback_key(enum dm_callback_on on)
{
    return callbacks[on].key;
}

const char *dm_callback_half(enum dm_callback_on on, bool file)
{
    return file ? callbacks[on].file : callbacks[on].name;
}

/* One callback while it is made. */
struct maker {
    struct dm_dag_draft *d;
    enum dm_callback_on on;
    bool of_dag;
    const char *key;
    struct dm_dag_calls *calls;
};

static const struct dm_value *at_place(struct dm_value *v, const struct dm_value *of)
{
    v->line = of->line;
    v->col = of->col;
    return v;
}

static void add(struct maker *m, const struct dm_value *map)
{
    struct dm_dag_calls *c = m->calls;
    struct dm_callback one = {.on = m->on, .line = map->line, .col = map->col};
    if (c->n == DM_DAG_CALLBACKS_MAX) {
        draft_error(m->d, map, LIMIT, NULL, "%s has more than %d callbacks", m->key,
                    DM_DAG_CALLBACKS_MAX);
        return;
    }
    one.args = dm_dag_operator_args(m->d, map, m->key, &one.operator_name);
    if (one.args)
        c->list[c->n++] = one;
}

static bool has_operator(const struct maker *m, const char *name)
{
    return dm_op_spec_find(m->d->loader->world->ops, dm_str_c(name)) != NULL;
}

/* A Python function as a task of the operator `python`.  Its arguments are its own, not templates, as in Airflow. */
static void add_function(struct maker *m, const struct dm_value *at, const struct dm_value *found)
{
    struct dm_arena *a = m->d->loader->a;
    struct dm_value *call = dm_value_copy(a, found), *map = dm_value_map(a);
    if (!has_operator(m, "python")) {
        draft_error(m->d, at, UNSUPPORTED_KEY, "Write {operator: bash, bash_command: …}.",
                    "%s names a Python function", m->key);
        return;
    }
    dm_map_set(a, call, "context", &dm_true);
    dm_map_set(a, map, "operator", dm_value_cstr(a, "python"));
    dm_map_set(a, map, "python_callable", at_place(call, at));
    add(m, at_place(map, at));
}

/* A map without some keys (NULL-terminated). */
static struct dm_value *without(struct dm_arena *a, const struct dm_value *map,
                                const char *const *keys)
{
    struct dm_value *out = dm_value_map(a);
    for (size_t i = 0; i < map->map.n; i++) {
        const struct dm_value *key = map->map.pairs[i].key;
        bool keep = true;
        for (size_t k = 0; keys[k]; k++)
            keep = keep && !(key->kind == DM_STRING && dm_str_is(key->s, keys[k]));
        if (keep)
            dm_map_set_value(a, out, key, map->map.pairs[i].value);
    }
    at_place(out, map);
    return out;
}

/* Airflow's mails have a subject and a text of their own where the DAG gives none. */
static void fill_mail(const struct maker *m, struct dm_value *map)
{
    static const char *const happened[] = {[DM_ON_EXECUTE] = "begins",
                                           [DM_ON_SUCCESS] = "succeeded",
                                           [DM_ON_FAILURE] = "failed",
                                           [DM_ON_RETRY] = "failed and is tried again",
                                           [DM_ON_SKIPPED] = "was skipped"};
    struct dm_arena *a = m->d->loader->a;
    const char *what = m->of_dag ? "{{ dag.dag_id }}" : "{{ dag.dag_id }}.{{ ti.task_id }}";
    if (!dm_map_at(map, "subject"))
        dm_map_set(a, map, "subject",
                   dm_value_cstr(a, dm_arena_printf(a, "%s %s", what, happened[m->on])));
    if (!dm_map_at(map, "html_content"))
        dm_map_set(a, map, "html_content",
                   dm_value_cstr(a, dm_arena_printf(a, "<p>%s %s in the run {{ run_id }}.</p>",
                                                    what, happened[m->on])));
}

bool dm_dag_has_notifier(struct dm_str path)
{
    for (size_t i = 0; i < sizeof(notifiers) / sizeof(notifiers[0]); i++)
        if (dm_str_is(path, notifiers[i].path))
            return notifiers[i].operator_name != NULL;
    return false;
}

/* True where the path is one of Airflow's notifiers, whether it can be done or not. */
static bool add_notifier(struct maker *m, const struct dm_value *v, const struct dm_value *path)
{
    static const char *const taken[] = {"callback", NULL};
    struct dm_arena *a = m->d->loader->a;
    size_t n = sizeof(notifiers) / sizeof(notifiers[0]), i = 0;
    while (i < n && !dm_str_is(path->s, notifiers[i].path))
        i++;
    if (i == n)
        return false;
    const char *name = notifiers[i].operator_name;
    if (!name || !has_operator(m, name)) {
        draft_error(m->d, path, UNSUPPORTED_KEY,
                    name ? "Write {operator: bash, bash_command: …}." : notifiers[i].instead,
                    "%s names a notifier of Airflow's that does not run here", m->key);
        return true;
    }
    struct dm_value *map = v->kind == DM_MAP ? without(a, v, taken) : dm_value_map(a);
    dm_map_set(a, map, "operator", dm_value_cstr(a, name));
    fill_mail(m, map); /* no other operator stands for a notifier */
    add(m, at_place(map, v));
    return true;
}

static void add_webhook(struct maker *m, const struct dm_value *v)
{
    static const struct {
        const char *key, *field;
        bool list;
    } fields[] = {{"webhook", "endpoint"},
                  {"method", "method"},
                  {"headers", "headers"},
                  {"body", "data"},
                  {"conn_id", "http_conn_id"}};
    static const char *const known[] = {"webhook", "method", "headers", "body", "conn_id", NULL};
    struct dm_arena *a = m->d->loader->a;
    struct dm_value *map = dm_value_map(a);
    if (!has_operator(m, "http")) {
        draft_error(m->d, v, UNSUPPORTED_KEY, "Write {operator: bash, bash_command: curl …}.",
                    "%s is a webhook", m->key);
        return;
    }
    dm_map_set(a, map, "operator", dm_value_cstr(a, "http"));
    for (size_t i = 0; i < v->map.n; i++) {
        const struct dm_value *key = v->map.pairs[i].key;
        size_t k = 0, n = sizeof(fields) / sizeof(fields[0]);
        while (k < n && !(key->kind == DM_STRING && dm_str_is(key->s, fields[k].key)))
            k++;
        if (k < n)
            dm_map_set(a, map, fields[k].field, v->map.pairs[i].value);
        else
            draft_error(m->d, key, UNKNOWN_KEY,
                        key->kind == DM_STRING ? dm_did_you_mean(a, key->s, known) : NULL,
                        "a webhook has no key \"%.*s\"",
                        DM_FMT(key->kind == DM_STRING ? key->s : DM_STR("")));
    }
    add(m, at_place(map, v));
}

static void add_one(struct maker *m, const struct dm_value *v)
{
    const struct dm_value *path = v->kind == DM_MAP ? dm_map_at(v, "callback") : v;
    if (v->kind == DM_MAP && dm_str_is(dm_map_str(v, "__type__", ""), "callable")) {
        add_function(m, v, v);
    } else if (v->kind == DM_MAP && dm_map_at(v, "operator")) {
        add(m, v);
    } else if (v->kind == DM_MAP && dm_map_at(v, "webhook")) {
        add_webhook(m, v);
    } else if (!path || path->kind != DM_STRING || !add_notifier(m, v, path)) {
        const struct dm_value *found = dm_dag_callback(m->d, m->key, v);
        if (found)
            add_function(m, v, found);
    }
}

static void make(struct maker *m, const struct dm_value *v)
{
    if (v->kind == DM_LIST)
        for (size_t i = 0; i < v->list.n; i++)
            add_one(m, v->list.items[i]);
    else
        add_one(m, v);
}

/* What was made of the same value before: one in default_args is read (and found wrong) once, not once per task. */
static const struct dm_dag_calls *made_of(struct dm_dag_draft *d, enum dm_callback_on on,
                                          bool of_dag, const struct dm_value *v,
                                          const struct dm_value *file)
{
    for (struct dm_dag_calls *c = d->calls; c; c = c->next)
        if (c->of == v && c->on == on)
            return c;
    struct dm_dag_calls *c = dm_arena_new(d->loader->a, struct dm_dag_calls);
    struct maker m = {d, on, of_dag, callbacks[on].key, c};
    c->of = v;
    c->on = on;
    c->next = d->calls;
    d->calls = c;
    const struct dm_value *found =
        file ? dm_dag_callable_in(d, v, file, DM_DIAG_UNKNOWN_CALLBACK) : NULL;
    if (found)
        add_function(&m, v, found);
    else if (!file)
        make(&m, v);
    return c;
}

struct dm_callback *dm_dag_read_callbacks(struct dm_dag_draft *d,
                                          const struct dm_value *const *levels, size_t n_levels,
                                          bool of_dag, size_t *ret_n)
{
    struct dm_arena *a = d->loader->a;
    const struct dm_dag_calls *made[DM_ON_COUNT] = {NULL};
    size_t n = 0;
    for (size_t on = 0; on < DM_ON_COUNT; on++) {
        if (of_dag && !callbacks[on].of_dag)
            continue;
        const char *key = callbacks[on].key;
        for (size_t i = 0; i < n_levels; i++) {
            const struct dm_value *v = dm_map_at(levels[i], key);
            const struct dm_value *name = dm_map_at(levels[i], callbacks[on].name);
            const struct dm_value *file = dm_map_at(levels[i], callbacks[on].file);
            bool halves = name && file && name->kind != DM_NULL && file->kind != DM_NULL;
            if (!v && !halves)
                continue;
            /* A function by name and file is taken rather than the other form. */
            if (halves || v->kind != DM_NULL)
                made[on] = made_of(d, (enum dm_callback_on)on, of_dag, halves ? name : v,
                                   halves ? file : NULL);
            break;
        }
        n += made[on] ? made[on]->n : 0;
    }
    struct dm_callback *out = n ? dm_arena_array(a, struct dm_callback, n) : NULL;
    *ret_n = n;
    n = 0;
    for (size_t on = 0; on < DM_ON_COUNT; on++)
        for (size_t i = 0; made[on] && i < made[on]->n; i++)
            out[n++] = made[on]->list[i];
    return out;
}
