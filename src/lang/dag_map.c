/*
 * Mapped tasks (expand, partial) and the values of decorated functions: references to other tasks' results become
 * XComArg objects and edges.  Runs when all tasks of the DAG are known.
 */
#include "lang/dag_loader.h"
#include "lang/mapping.h"

#include <ctype.h>

static struct dm_value *xcom_arg(struct dm_arena *a, const struct dm_task_draft *of,
                                 struct dm_str key)
{
    struct dm_value *v = dm_value_map(a);
    dm_map_set(a, v, "__type__", dm_value_cstr(a, "XComArg"));
    dm_map_set(a, v, "task_id", dm_value_cstr(a, of->task.task_id));
    dm_map_set(a, v, "key", dm_value_str(a, key));
    return v;
}

static struct dm_task_draft *by_full_id(struct dm_dag_draft *d, struct dm_str id)
{
    for (size_t i = 0; i < d->n; i++)
        if (dm_str_is(id, d->list[i]->task.task_id))
            return d->list[i];
    return NULL;
}

static void add_dependency(struct dm_dag_draft *d, struct dm_task_draft *t,
                           const struct dm_task_draft *on)
{
    if (!t->implied)
        t->implied = dm_value_list(d->loader->a, 0);
    dm_list_add(d->loader->a, t->implied, dm_value_int(d->loader->a, (int64_t)on->index));
}

/* Does `t` wait for `other`, over any number of dependencies?  `seen` has a place for each task. */
static bool waits_for(struct dm_dag_draft *d, const struct dm_task_draft *t,
                      const struct dm_task_draft *other, bool *seen)
{
    size_t *todo = dm_arena_array(d->loader->a, size_t, d->n), n = 0;
    todo[n++] = t->index;
    seen[t->index] = true;
    while (n) {
        const struct dm_value *deps = d->list[todo[--n]]->dependencies;
        for (size_t i = 0; deps && i < deps->list.n; i++) {
            const struct dm_task_draft *up = dm_map_get(&d->tasks, deps->list.items[i]->s);
            if (!up || seen[up->index])
                continue;
            if (up == other)
                return true;
            seen[up->index] = true;
            todo[n++] = up->index;
        }
    }
    return false;
}

/* "task.output" and "XcomArg(task)" of a task that is made before this one.  As in dag-factory, these words may stand
   anywhere in the text. */
static const struct dm_value *output_of(struct dm_dag_draft *d, struct dm_task_draft *t,
                                        struct dm_str s)
{
    struct dm_str id = {NULL, 0};
    ptrdiff_t output = dm_str_find(s, DM_STR(".output"), 0), open, close;
    if (output >= 0) {
        id = dm_str_sub(s, 0, (size_t)output);
    } else if (dm_str_find(s, DM_STR("XcomArg"), 0) >= 0 &&
               (open = dm_str_find(s, DM_STR("("), 0)) >= 0) {
        while ((size_t)open < s.len && s.p[open] == '(')
            open++;
        close = dm_str_find(s, DM_STR(")"), (size_t)open);
        if (close > 0)
            id = dm_str_sub(s, (size_t)open, (size_t)close);
    }
    struct dm_task_draft *of = id.len ? by_full_id(d, id) : NULL;
    if (!of || of == t ||
        (of->index > t->index && !waits_for(d, t, of, dm_arena_array(d->loader->a, bool, d->n))))
        return NULL;
    add_dependency(d, t, of);
    return xcom_arg(d->loader->a, of, DM_STR("return_value"));
}

/* "+task" and "+task['key']"; NULL with a finding where there is no such task. */
static const struct dm_value *plus_value(struct dm_dag_draft *d, struct dm_task_draft *t,
                                         const struct dm_value *v)
{
    struct dm_str s = dm_str_sub(v->s, 1, v->s.len), key = DM_STR("return_value");
    ptrdiff_t open = dm_str_find(s, DM_STR("["), 0);
    struct dm_str id = open < 0 ? s : dm_str_sub(s, 0, (size_t)open);
    if (open >= 0 && s.len >= (size_t)open + 5 && dm_str_ends(s, DM_STR("]")))
        key = dm_str_sub(s, (size_t)open + 2, s.len - 2);
    struct dm_task_draft *of = by_full_id(d, id);
    if (!of) {
        draft_error(d, v, MISSING_GROUP, NULL,
                    "task \"%s\" takes the result of \"%.*s\", which does not exist",
                    t->task.task_id, DM_FMT(id));
        return NULL;
    }
    add_dependency(d, t, of);
    return xcom_arg(d->loader->a, of, key);
}

/* dag-factory takes letters, digits and _ for a task's id here, and what has others for a text. */
static bool is_plus(const struct dm_dag_draft *d, const struct dm_value *v)
{
    if (v->kind != DM_STRING || v->s.len < 2 || v->s.p[0] != '+')
        return false;
    size_t i = 1;
    while (i < v->s.len && (isalnum((unsigned char)v->s.p[i]) || v->s.p[i] == '_'))
        i++;
    return !d->loader->world->model_only || i == v->s.len || v->s.p[i] == '[';
}

/* The values of a map that are "+task" put in, for the arguments of a decorated function. */
static const struct dm_value *with_results(struct dm_dag_draft *d, struct dm_task_draft *t,
                                           const struct dm_value *map)
{
    struct dm_value *out = dm_value_map(d->loader->a);
    for (size_t i = 0; map && i < map->map.n; i++) {
        const struct dm_value *v = map->map.pairs[i].value;
        const struct dm_value *xcom = is_plus(d, v) ? plus_value(d, t, v) : NULL;
        dm_map_set_value(d->loader->a, out, map->map.pairs[i].key, xcom ? xcom : v);
    }
    return out;
}

static const struct dm_value *expanded(struct dm_dag_draft *d, struct dm_task_draft *t,
                                       const struct dm_value *expand, bool decorated)
{
    struct dm_value *out = dm_value_map(d->loader->a);
    for (size_t i = 0; i < expand->map.n; i++) {
        const struct dm_value *key = expand->map.pairs[i].key, *v = expand->map.pairs[i].value;
        const struct dm_value *made = v;
        if (v->kind == DM_STRING && is_plus(d, v) && decorated)
            made = plus_value(d, t, v);
        else if (v->kind == DM_STRING)
            made = decorated && d->loader->world->model_only ? NULL : output_of(d, t, v->s);
        if (v->kind == DM_STRING && !made && is_plus(d, v) && decorated)
            continue; /* said already */
        if (!made || (made->kind != DM_LIST && made->kind != DM_MAP)) {
            draft_error(d, v, BAD_ARGUMENT,
                        "Write a list, a map, or task.output of a task that comes before.",
                        "task \"%s\" cannot be expanded over this %s", t->task.task_id,
                        dm_kind_name(v->kind));
            continue;
        }
        dm_map_set_value(d->loader->a, out, key, made);
    }
    return out;
}

static void check_mapping(struct dm_dag_draft *d, const struct dm_task_draft *t)
{
    const struct dm_value *map = dm_task_mapping(&t->task);
    int64_t *lengths = dm_arena_array(d->loader->a, int64_t, map->map.n + 1);
    struct dm_str id, key;
    for (size_t i = 0; i < map->map.n; i++) {
        const struct dm_value *v = map->map.pairs[i].value;
        bool result = dm_xcom_arg(v, &id, &key);
        lengths[i] = result ? 1 : dm_map_length(v);
        if (result && !dm_str_is(key, "return_value"))
            draft_error(d, map->map.pairs[i].key, BAD_ARGUMENT, "Map over what the task returns.",
                        "task \"%s\" cannot be expanded over the key \"%.*s\" of a result",
                        t->task.task_id, DM_FMT(key));
    }
    if (dm_map_instances(lengths, map->map.n) > DM_MAP_INSTANCES_MAX)
        draft_error(d, t->expand, LIMIT, NULL, "task \"%s\" is expanded into more than %d",
                    t->task.task_id, DM_MAP_INSTANCES_MAX);
    const struct dm_op_spec *spec =
        dm_op_spec_find(d->loader->world->ops, dm_str_c(t->task.operator_name));
    if (spec)
        dm_dag_read_mapped(d, spec, &t->task);
}

void dm_dag_map_tasks(struct dm_dag_draft *d)
{
    struct dm_arena *a = d->loader->a;
    for (size_t i = 0; i < d->n; i++) {
        struct dm_task_draft *t = d->list[i];
        if (t->decorated && t->task.args) {
            struct dm_value *args = dm_value_copy(a, t->task.args);
            const struct dm_value *kwargs = dm_map_at(args, "op_kwargs");
            if (kwargs && kwargs->kind == DM_MAP)
                dm_map_set(a, args, "op_kwargs", with_results(d, t, kwargs));
            t->task.args = args;
        }
        if (!t->expand)
            continue;
        const struct dm_value *values = expanded(d, t, t->expand, t->decorated);
        t->task.expand = t->decorated ? dm_value_map(a) : values;
        t->task.expand_kwargs = t->decorated ? values : NULL;
        check_mapping(d, t);
    }
}
