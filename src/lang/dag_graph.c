/* Edges between tasks, cycles, and the order of dag->tasks: topological, ties as in the file. */
#include "lang/dag_loader.h"

struct edges {
    size_t *upstream, *downstream; /* indices into d->list */
    size_t n_upstream, cap_upstream, n_downstream;
};

static const char *suggestion(struct dm_dag_draft *d, struct dm_str name)
{
    const char **names = dm_arena_array(d->loader->a, const char *, d->n + d->groups.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++)
        names[n++] = dm_str_cstr(d->loader->a, d->list[i]->id->s);
    for (size_t i = 0; i < d->groups.len; i++)
        names[n++] = dm_str_cstr(d->loader->a, d->groups.entries[i].key);
    return dm_did_you_mean(d->loader->a, name, names);
}

static bool has_edge(const struct edges *e, size_t from)
{
    for (size_t i = 0; i < e->n_upstream; i++)
        if (e->upstream[i] == from)
            return true;
    return false;
}

static void add_edge(struct dm_arena *a, struct edges *edges, size_t from, size_t to)
{
    struct edges *e = &edges[to];
    if (has_edge(e, from))
        return;
    if (e->n_upstream == e->cap_upstream) {
        const size_t *old = e->upstream;
        e->cap_upstream = e->cap_upstream ? 2 * e->cap_upstream : 4;
        e->upstream = dm_arena_array(a, size_t, e->cap_upstream);
        if (e->n_upstream)
            memcpy(e->upstream, old, e->n_upstream * sizeof(*old));
    }
    e->upstream[e->n_upstream++] = from;
    edges[from].n_downstream++;
}

/* Tasks that stand for one end of an edge. */
struct ends {
    size_t *at, n;
};

/* The tasks of a group that wait for none of it (its roots), or that none of it waits for (its leaves). */
static struct ends group_ends(struct dm_dag_draft *d, const struct edges *edges,
                              const struct dm_group_draft *g, bool leaves)
{
    struct ends out = {NULL, 0};
    bool *end = d->scratch;
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++)
        end[i] = dm_dag_in_group(d->list[i]->group, g);
    for (size_t i = 0; i < d->n; i++)
        for (size_t k = 0; dm_dag_in_group(d->list[i]->group, g) && k < edges[i].n_upstream; k++)
            if (dm_dag_in_group(d->list[edges[i].upstream[k]]->group, g))
                end[leaves ? edges[i].upstream[k] : i] = false;
    for (size_t i = 0; i < d->n; i++)
        n += end[i];
    out.at = dm_arena_array(d->loader->a, size_t, n + 1);
    for (size_t i = 0; i < d->n; i++)
        if (end[i])
            out.at[out.n++] = i;
    return out;
}

/* The tasks or the group of a name; false where there is neither. */
static bool find_ends(struct dm_dag_draft *d, const struct edges *edges, struct dm_str name,
                      bool leaves, struct ends *ret)
{
    const struct dm_group_draft *g = dm_map_get(&d->groups, name);
    const struct dm_task_draft *t = dm_map_get(&d->tasks, name);
    if (g) {
        *ret = group_ends(d, edges, g, leaves);
        return true;
    }
    if (!t)
        return false;
    *ret = (struct ends){dm_arena_array(d->loader->a, size_t, 1), 1};
    ret->at[0] = t->index;
    return true;
}

static void add_dependencies(struct dm_dag_draft *d, struct edges *edges, const char *what,
                             struct dm_str of, const struct dm_value *deps)
{
    for (size_t k = 0; deps && k < deps->list.n; k++) {
        const struct dm_value *name = deps->list.items[k];
        struct ends from, to;
        if (name->kind != DM_STRING || !find_ends(d, edges, name->s, true, &from)) {
            struct dm_str text = name->kind == DM_STRING ? name->s : DM_STR("?");
            draft_error(d, name, MISSING_DEPENDENCY, suggestion(d, text),
                        "%s \"%.*s\" depends on \"%.*s\", which does not exist", what, DM_FMT(of),
                        DM_FMT(text));
            continue;
        }
        if (!find_ends(d, edges, of, false, &to))
            continue;
        for (size_t i = 0; i < from.n; i++)
            for (size_t j = 0; j < to.n; j++)
                add_edge(d->loader->a, edges, from.at[i], to.at[j]);
    }
}

/* In the order of the file, tasks before groups: what a group's ends are depends on the edges before. */
static void find_upstream(struct dm_dag_draft *d, struct edges *edges)
{
    for (size_t i = 0; i < d->n; i++)
        for (size_t k = 0; d->list[i]->implied && k < d->list[i]->implied->list.n; k++)
            add_edge(d->loader->a, edges, (size_t)d->list[i]->implied->list.items[k]->i, i);
    for (size_t i = 0; i < d->n; i++)
        add_dependencies(d, edges, "task", d->list[i]->id->s, d->list[i]->dependencies);
    for (size_t i = 0; i < d->groups.len; i++) {
        const struct dm_group_draft *g = d->groups.entries[i].value;
        add_dependencies(d, edges, "group", d->groups.entries[i].key, g->dependencies);
    }
}

static void find_downstream(struct dm_dag_draft *d, struct edges *edges)
{
    for (size_t i = 0; i < d->n; i++) {
        edges[i].downstream = dm_arena_array(d->loader->a, size_t, edges[i].n_downstream);
        edges[i].n_downstream = 0;
    }
    for (size_t i = 0; i < d->n; i++)
        for (size_t k = 0; k < edges[i].n_upstream; k++) {
            struct edges *up = &edges[edges[i].upstream[k]];
            up->downstream[up->n_downstream++] = i;
        }
}

/* Takes the first task in file order whose upstream is all taken, until none is left; returns how many there were. */
static size_t sort(const struct dm_dag_draft *d, const struct edges *edges, size_t *order,
                   size_t *waiting)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++)
        waiting[i] = edges[i].n_upstream;
    for (size_t i = 0; i < d->n;) {
        if (waiting[i] != 0) {
            i++;
            continue;
        }
        order[n++] = i;
        waiting[i] = SIZE_MAX;
        size_t back = i + 1;
        for (size_t k = 0; k < edges[i].n_downstream; k++) {
            size_t next = edges[i].downstream[k];
            if (--waiting[next] == 0 && next < back)
                back = next;
        }
        i = back;
    }
    return n;
}

/* Every task that was not taken waits for another such task: following those must come back to one seen before. */
static void report_cycle(struct dm_dag_draft *d, const struct edges *edges, const size_t *waiting)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    size_t *seen_at = dm_arena_array(d->loader->a, size_t, d->n);
    size_t *path = dm_arena_array(d->loader->a, size_t, d->n + 1), n = 0, at = 0;
    while (waiting[at] == SIZE_MAX)
        at++;
    while (!seen_at[at]) {
        path[n++] = at;
        seen_at[at] = n;
        size_t k = 0;
        while (waiting[edges[at].upstream[k]] == SIZE_MAX)
            k++;
        at = edges[at].upstream[k];
    }
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    dm_strbuf_adds(&b, d->list[at]->task.task_id);
    for (size_t i = n; i-- > seen_at[at] - 1;)
        dm_strbuf_addf(&b, " >> %s", d->list[path[i]]->task.task_id);
    const struct dm_task_draft *t = d->list[at];
    const struct dm_value *place = t->dependencies;
    draft_error(d, place, CYCLE, "Take one of these dependencies away.",
                "tasks wait for each other in a circle: %.*s", DM_FMT(dm_strbuf_str(&b)));
}

void dm_dag_link(struct dm_dag_draft *d)
{
    struct dm_arena *a = d->loader->a;
    struct edges *edges = dm_arena_array(a, struct edges, d->n + 1);
    size_t *order = dm_arena_array(a, size_t, d->n + 1);
    size_t *waiting = dm_arena_array(a, size_t, d->n + 1);
    d->scratch = dm_arena_array(a, bool, d->n + 1);
    find_upstream(d, edges);
    find_downstream(d, edges);
    size_t n = sort(d, edges, order, waiting);
    if (n < d->n) {
        report_cycle(d, edges, waiting);
        return;
    }
    size_t *place = dm_arena_array(a, size_t, n + 1); /* index in the file -> in the order */
    for (size_t i = 0; i < n; i++)
        place[order[i]] = i;
    d->dag->tasks = dm_arena_array(a, struct dm_task, n);
    d->dag->n_tasks = n;
    for (size_t i = 0; i < n; i++) {
        const struct edges *e = &edges[order[i]];
        struct dm_task *t = &d->dag->tasks[i];
        *t = d->list[order[i]]->task;
        t->upstream = e->upstream;
        t->n_upstream = e->n_upstream;
        t->downstream = e->downstream;
        t->n_downstream = e->n_downstream;
        for (size_t k = 0; k < t->n_upstream; k++)
            t->upstream[k] = place[t->upstream[k]];
        for (size_t k = 0; k < t->n_downstream; k++)
            t->downstream[k] = place[t->downstream[k]];
    }
}

const struct dm_task *dm_task_find(const struct dm_dag *dag, struct dm_str task_id)
{
    for (size_t i = 0; i < dag->n_tasks; i++)
        if (dm_str_is(task_id, dag->tasks[i].task_id))
            return &dag->tasks[i];
    return NULL;
}

const struct dm_task_group *dm_group_find(const struct dm_dag *dag, struct dm_str group_id)
{
    for (size_t i = 0; i < dag->n_groups; i++)
        if (dm_str_is(group_id, dag->groups[i].group_id))
            return &dag->groups[i];
    return NULL;
}

bool dm_task_in_group(const struct dm_dag *dag, const struct dm_task *task, const char *group_id)
{
    const char *group = task->group;
    while (group && strcmp(group, group_id) != 0) {
        const struct dm_task_group *g = dm_group_find(dag, dm_str_c(group));
        group = g ? g->parent : NULL;
    }
    return group != NULL;
}
