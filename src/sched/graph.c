/* The graph of a DAG.  Tasks stand in a topological order, so that one pass forwards or backwards is enough. */
#include "sched/graph.h"

#include "lang/mapping.h"

enum {
    WEIGHT_MAX = 1000000000
}; /* sums saturate: a wide DAG has many paths, but each task counts once */

void dm_graph_add_downstream(const struct dm_dag *dag, bool *set)
{
    for (size_t i = 0; i < dag->n_tasks; i++)
        for (size_t j = 0; !set[i] && j < dag->tasks[i].n_upstream; j++)
            set[i] = set[dag->tasks[i].upstream[j]];
}

void dm_graph_add_upstream(const struct dm_dag *dag, bool *set)
{
    for (size_t i = dag->n_tasks; i-- > 0;)
        for (size_t j = 0; !set[i] && j < dag->tasks[i].n_downstream; j++)
            set[i] = set[dag->tasks[i].downstream[j]];
}

static bool *new_set(struct dm_arena *a, const struct dm_dag *dag)
{
    return dm_arena_array(a, bool, dag->n_tasks + 1);
}

static void only(const struct dm_dag *dag, size_t task, bool *set)
{
    memset(set, 0, sizeof(*set) * dag->n_tasks);
    set[task] = true;
}

/* ---- setups and teardowns ---- */

/* A setup matters to a task where a teardown of it comes after that task, or where it has no teardown at all. */
static bool is_relevant(const struct dm_dag *dag, const struct dm_task *setup, const bool *after)
{
    bool has_teardown = false;
    for (size_t i = 0; i < setup->n_downstream; i++) {
        size_t t = setup->downstream[i];
        if (!dag->tasks[t].is_teardown)
            continue;
        has_teardown = true;
        if (after[t])
            return true;
    }
    return !has_teardown;
}

/* The setups before a task that matter to it, as a set. */
static void relevant_setups(const struct dm_dag *dag, size_t task, bool *before, bool *after,
                            bool *ret)
{
    only(dag, task, before);
    dm_graph_add_upstream(dag, before);
    only(dag, task, after);
    dm_graph_add_downstream(dag, after);
    after[task] = false;
    for (size_t i = 0; i < dag->n_tasks; i++)
        ret[i] = i != task && before[i] && dag->tasks[i].is_setup &&
                 is_relevant(dag, &dag->tasks[i], after);
}

static bool has_setups(const struct dm_dag *dag)
{
    for (size_t i = 0; i < dag->n_tasks; i++)
        if (dag->tasks[i].is_setup)
            return true;
    return false;
}

static bool is_upstream(const struct dm_task *task, size_t of)
{
    for (size_t i = 0; i < task->n_upstream; i++)
        if (task->upstream[i] == of)
            return true;
    return false;
}

static void fill_setups(struct dm_arena *a, struct dm_graph *g)
{
    const struct dm_dag *dag = g->dag;
    g->setups = dm_arena_array(a, struct dm_graph_setups, dag->n_tasks + 1);
    if (!has_setups(dag))
        return;
    bool *before = new_set(a, dag), *after = new_set(a, dag), *setups = new_set(a, dag);
    for (size_t i = 0; i < dag->n_tasks; i++) {
        const struct dm_task *t = &dag->tasks[i];
        struct dm_graph_setups *s = &g->setups[i];
        if (t->is_teardown || t->n_upstream == 0)
            continue;
        relevant_setups(dag, i, before, after, setups);
        for (size_t j = 0; j < i; j++) {
            if (!setups[j] || is_upstream(t, j))
                continue;
            if (!s->tasks)
                s->tasks = dm_arena_array(a, size_t, i);
            s->tasks[s->n++] = j;
        }
    }
}

static void add_teardowns(const struct dm_dag *dag, size_t setup, bool *set)
{
    const struct dm_task *t = &dag->tasks[setup];
    for (size_t i = 0; i < t->n_downstream; i++)
        if (dag->tasks[t->downstream[i]].is_teardown)
            set[t->downstream[i]] = true;
}

void dm_graph_add_relatives(struct dm_arena *a, const struct dm_dag *dag, bool upstream,
                            bool downstream, bool *set)
{
    if (!has_setups(dag)) {
        bool *up = dm_arena_dup(a, set, sizeof(bool) * (dag->n_tasks + 1));
        if (downstream)
            dm_graph_add_downstream(dag, set);
        if (upstream)
            dm_graph_add_upstream(dag, up);
        for (size_t i = 0; i < dag->n_tasks; i++)
            set[i] |= up[i];
        return;
    }
    size_t bytes = sizeof(bool) * (dag->n_tasks + 1);
    bool *asked = dm_arena_dup(a, set, bytes), *before = new_set(a, dag);
    bool *after = new_set(a, dag), *setups = new_set(a, dag);
    if (downstream)
        dm_graph_add_downstream(dag, set);
    bool *work = dm_arena_dup(a, set, bytes); /* what brings its setups along */
    if (upstream) {
        bool *up = dm_arena_dup(a, asked, bytes);
        dm_graph_add_upstream(dag, up);
        for (size_t i = 0; i < dag->n_tasks; i++) {
            if (up[i] && !asked[i] && dag->tasks[i].is_setup)
                add_teardowns(dag, i, set);
            set[i] |= up[i];
        }
    }
    for (size_t i = 0; i < dag->n_tasks; i++) {
        const struct dm_task *t = &dag->tasks[i];
        if (asked[i] && t->is_setup && !downstream)
            add_teardowns(dag, i, set);
        if (!work[i] || t->is_setup || t->is_teardown || (asked[i] && upstream))
            continue;
        relevant_setups(dag, i, before, after, setups);
        for (size_t j = 0; j < i; j++)
            if (setups[j]) {
                set[j] = true;
                add_teardowns(dag, j, set);
            }
    }
}

/* ---- leaves ---- */

static bool is_ignorable(const struct dm_task *t)
{
    return t->is_teardown && !t->on_failure_fail_dagrun;
}

static void fill_leaves(struct dm_arena *a, struct dm_graph *g)
{
    const struct dm_dag *dag = g->dag;
    bool any = false;
    g->leaves = new_set(a, dag);
    for (size_t i = 0; i < dag->n_tasks; i++) {
        const struct dm_task *t = &dag->tasks[i];
        g->leaves[i] = !is_ignorable(t);
        for (size_t j = 0; j < t->n_downstream; j++)
            if (!is_ignorable(&dag->tasks[t->downstream[j]]))
                g->leaves[i] = false;
        any = any || g->leaves[i];
    }
    for (size_t i = 0; !any && i < dag->n_tasks; i++) /* nothing but teardowns */
        g->leaves[i] = dag->tasks[i].n_downstream == 0;
}

/* ---- mapped tasks ---- */

static void fill_sources(struct dm_arena *a, struct dm_graph *g)
{
    const struct dm_dag *dag = g->dag;
    g->sources = dm_arena_array(a, struct dm_graph_sources, dag->n_tasks + 1);
    g->is_source = new_set(a, dag);
    for (size_t i = 0; i < dag->n_tasks; i++) {
        const struct dm_value *map = dm_task_mapping(&dag->tasks[i]);
        struct dm_graph_sources *s = &g->sources[i];
        if (!map)
            continue;
        s->tasks = dm_arena_array(a, size_t, map->map.n + 1);
        for (size_t j = 0; j < map->map.n; j++) {
            struct dm_str id, key;
            if (!dm_xcom_arg(map->map.pairs[j].value, &id, &key))
                continue;
            const struct dm_task *of = dm_task_find(dag, id);
            if (!of)
                continue;
            s->tasks[s->n++] = (size_t)(of - dag->tasks);
            g->is_source[of - dag->tasks] = true;
        }
    }
}

/* ---- weights ---- */

static void fill_weights(struct dm_arena *a, struct dm_graph *g)
{
    const struct dm_dag *dag = g->dag;
    bool *seen = new_set(a, dag);
    g->weights = dm_arena_array(a, int, dag->n_tasks + 1);
    for (size_t i = 0; i < dag->n_tasks; i++) {
        const struct dm_task *t = &dag->tasks[i];
        int64_t sum = 0;
        only(dag, i, seen);
        if (t->weight_rule && strcmp(t->weight_rule, "upstream") == 0)
            dm_graph_add_upstream(dag, seen);
        else if (!t->weight_rule || strcmp(t->weight_rule, "absolute") != 0)
            dm_graph_add_downstream(dag, seen);
        for (size_t j = 0; j < dag->n_tasks; j++)
            if (seen[j])
                sum += dag->tasks[j].priority_weight;
        g->weights[i] = sum > WEIGHT_MAX ? WEIGHT_MAX : sum < -WEIGHT_MAX ? -WEIGHT_MAX : (int)sum;
    }
}

const struct dm_graph *dm_graph_make(struct dm_arena *a, const struct dm_dag *dag)
{
    struct dm_graph *g = dm_arena_new(a, struct dm_graph);
    g->dag = dag;
    fill_weights(a, g);
    fill_leaves(a, g);
    fill_setups(a, g);
    fill_sources(a, g);
    return g;
}
