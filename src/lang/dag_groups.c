/*
 * Groups of tasks: their tree, their defaults, and the edges that a group stands for.  A group is no thing that runs:
 * "after the group" means after the tasks of it that nothing else in it waits for, "before the group" the reverse,
 * both as they are when the dependency is read, in the order of the file.
 */
#include "lang/dag_loader.h"

static const char *const group_keys[] = {
    "group_name", "tooltip",    "dependencies",    "parent_group_name",       "default_args",
    "ui_color",   "ui_fgcolor", "prefix_group_id", "add_suffix_on_collision", NULL};

static bool name_valid(struct dm_str s)
{
    return dm_dag_id_valid(s) && dm_str_find(s, DM_STR("."), 0) < 0;
}

static void check_keys(struct dm_dag_draft *d, const struct dm_value *map, struct dm_str name)
{
    for (size_t i = 0; i < map->map.n; i++) {
        const struct dm_value *key = map->map.pairs[i].key;
        struct dm_str text = key->kind == DM_STRING ? key->s : DM_STR("");
        size_t k = 0;
        while (group_keys[k] && !dm_str_is(text, group_keys[k]))
            k++;
        if (!group_keys[k])
            draft_error(d, key, UNKNOWN_KEY, dm_did_you_mean(d->loader->a, text, group_keys),
                        "the group \"%.*s\" has no key \"%.*s\"", DM_FMT(name), DM_FMT(text));
    }
}

static const struct dm_value *map_or_null(struct dm_dag_draft *d, const struct dm_value *map,
                                          const char *key, enum dm_kind kind)
{
    const struct dm_value *v = dm_map_at(map, key);
    if (!v || v->kind == DM_NULL || v->kind == kind)
        return v && v->kind == kind ? v : NULL;
    draft_error(d, v, SCHEMA, NULL, "%s of a group must be a %s, not a %s", key, dm_kind_name(kind),
                dm_kind_name(v->kind));
    return NULL;
}

static void add_group(struct dm_dag_draft *d, const struct dm_value *name,
                      const struct dm_value *map)
{
    struct dm_arena *a = d->loader->a;
    if (map->kind != DM_MAP) {
        draft_error(d, map, SCHEMA, "Write {} for a group without settings.",
                    "a group must be a map, not a %s", dm_kind_name(map->kind));
        return;
    }
    if (name->kind != DM_STRING || !name_valid(name->s)) {
        draft_error(d, name, BAD_ID, "Use letters, digits, - and _.", "that is no name of a group");
        return;
    }
    if (dm_map_get(&d->groups, name->s)) {
        draft_error(d, name, DUPLICATE_ID, NULL, "the group \"%.*s\" is there twice",
                    DM_FMT(name->s));
        return;
    }
    if (d->groups.len == DM_DAG_TASKS_MAX) {
        draft_error(d, name, LIMIT, NULL, "the DAG has more than %d groups", DM_DAG_TASKS_MAX);
        return;
    }
    check_keys(d, map, name->s);
    struct dm_group_draft *g = dm_arena_new(a, struct dm_group_draft);
    const struct dm_value *tooltip = map_or_null(d, map, "tooltip", DM_STRING);
    g->map = map;
    g->name = name;
    const struct dm_value *prefix = dm_map_at(map, "prefix_group_id");
    g->prefix = dm_map_bool(map, "prefix_group_id", !prefix || prefix->kind != DM_NULL);
    g->group.no_prefix = !g->prefix;
    g->dependencies = map_or_null(d, map, "dependencies", DM_LIST);
    g->group.tooltip = tooltip ? dm_str_cstr(a, tooltip->s) : NULL;
    g->group.default_args = map_or_null(d, map, "default_args", DM_MAP);
    if (g->group.default_args && d->loader->world->model_only)
        g->group.default_args = dm_dag_with_callbacks(d, g->group.default_args, dm_task_callbacks);
    dm_map_put(&d->groups, name->s, g);
}

static void find_parent(struct dm_dag_draft *d, struct dm_group_draft *g)
{
    const struct dm_value *parent = dm_map_at(g->map, "parent_group_name");
    if (!parent || parent->kind == DM_NULL)
        return;
    g->parent = parent->kind == DM_STRING ? dm_map_get(&d->groups, parent->s) : NULL;
    if (!g->parent)
        draft_error(d, parent, MISSING_GROUP, NULL,
                    "the group \"%.*s\" lies in a group that does not exist", DM_FMT(g->name->s));
}

/* Names and defaults from the outside in; false where the groups contain each other. */
static bool settle(struct dm_dag_draft *d, struct dm_group_draft *g)
{
    struct dm_arena *a = d->loader->a;
    if (g->state == DM_GROUP_SETTLED)
        return true;
    if (g->state == DM_GROUP_SETTLING)
        return false;
    g->state = DM_GROUP_SETTLING;
    if (g->parent && !settle(d, g->parent)) {
        draft_error(d, g->name, GROUP_CYCLE, "Take one parent_group_name away.",
                    "the group \"%.*s\" lies in itself", DM_FMT(g->name->s));
        g->parent = NULL;
    }
    const struct dm_value *own = g->group.default_args;
    g->group.group_id = dm_str_cstr(a, g->name->s);
    if (g->parent) {
        g->group.parent = g->parent->group.group_id;
        if (g->parent->prefix)
            g->group.group_id = dm_arena_printf(a, "%s.%.*s", g->group.parent, DM_FMT(g->name->s));
        const struct dm_value *outer = g->parent->group.default_args;
        struct dm_value *both = dm_value_map(a);
        for (size_t i = 0; outer && i < outer->map.n; i++)
            dm_map_set_value(a, both, outer->map.pairs[i].key, outer->map.pairs[i].value);
        for (size_t i = 0; own && i < own->map.n; i++)
            dm_map_set_value(a, both, own->map.pairs[i].key, own->map.pairs[i].value);
        g->group.default_args = both->map.n ? both : NULL;
    }
    if (strlen(g->group.group_id) > DM_DAG_ID_MAX) {
        draft_error(
            d, g->name, BAD_ID, "Nest less, or take shorter names.",
            "the id of a group, with those of the groups around it, has more than %d characters",
            DM_DAG_ID_MAX);
        g->group.group_id = dm_str_cstr(a, g->name->s);
    }
    g->state = DM_GROUP_SETTLED;
    return true;
}

void dm_dag_read_groups(struct dm_dag_draft *d, const struct dm_value *v)
{
    if (v->kind == DM_LIST) {
        for (size_t i = 0; i < v->list.n; i++) {
            const struct dm_value *map = v->list.items[i];
            const struct dm_value *name = dm_map_at(map, "group_name");
            if (name)
                add_group(d, name, map);
            else
                draft_error(d, map, SCHEMA, NULL,
                            "a group in a list must be a map with a group_name");
        }
    } else if (v->kind == DM_MAP) {
        for (size_t i = 0; i < v->map.n; i++)
            add_group(d, v->map.pairs[i].key, v->map.pairs[i].value);
    } else {
        draft_error(d, v, SCHEMA, NULL, "task_groups must be a list or a map, not a %s",
                    dm_kind_name(v->kind));
    }
    for (size_t i = 0; i < d->groups.len; i++)
        find_parent(d, d->groups.entries[i].value);
    for (size_t i = 0; i < d->groups.len; i++)
        settle(d, d->groups.entries[i].value);
}

const char *dm_dag_full_id(struct dm_dag_draft *d, const struct dm_group_draft *g, struct dm_str id)
{
    return g && g->prefix ? dm_arena_printf(d->loader->a, "%s.%.*s", g->group.group_id, DM_FMT(id))
                          : dm_str_cstr(d->loader->a, id);
}

bool dm_dag_in_group(const struct dm_group_draft *inner, const struct dm_group_draft *g)
{
    while (inner && inner != g)
        inner = inner->parent;
    return inner != NULL;
}

static int by_id(const void *x, const void *y)
{
    const struct dm_task_group *a = x, *b = y;
    return strcmp(a->group_id, b->group_id);
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* The names of the group's dependencies that are groups, or those that are tasks, as full ids. */
static const char **dependency_ids(struct dm_dag_draft *d, const struct dm_group_draft *g,
                                   bool groups)
{
    size_t n = g->dependencies ? g->dependencies->list.n : 0, used = 0;
    const char **out = dm_arena_array(d->loader->a, const char *, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct dm_value *name = g->dependencies->list.items[i];
        const struct dm_group_draft *other =
            name->kind == DM_STRING ? dm_map_get(&d->groups, name->s) : NULL;
        const struct dm_task_draft *task =
            name->kind == DM_STRING ? dm_map_get(&d->tasks, name->s) : NULL;
        if (groups && other)
            out[used++] = other->group.group_id;
        else if (!groups && !other && task)
            out[used++] = task->task.task_id;
    }
    if (used)
        qsort(out, used, sizeof(*out), by_text);
    return out;
}

void dm_dag_finish_groups(struct dm_dag_draft *d)
{
    struct dm_dag *dag = d->dag;
    dag->n_groups = d->groups.len;
    dag->groups = dm_arena_array(d->loader->a, struct dm_task_group, d->groups.len + 1);
    for (size_t i = 0; i < d->groups.len; i++) {
        struct dm_group_draft *g = d->groups.entries[i].value;
        g->group.upstream_groups = dependency_ids(d, g, true);
        g->group.upstream_tasks = dependency_ids(d, g, false);
        dag->groups[i] = g->group;
    }
    if (dag->n_groups)
        qsort(dag->groups, dag->n_groups, sizeof(*dag->groups), by_id);
}
