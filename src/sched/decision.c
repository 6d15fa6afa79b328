/* Decisions. */
#include "sched/decision.h"

#include "sched/graph.h"

static bool has_text(const struct dm_value *list, const char *text)
{
    for (size_t i = 0; list && list->kind == DM_LIST && i < list->list.n; i++)
        if (list->list.items[i]->kind == DM_STRING && dm_str_is(list->list.items[i]->s, text))
            return true;
    return false;
}

bool dm_decided_skip(const struct dm_value *record, const char *task_id)
{
    const struct dm_value *followed = dm_map_at(record, "followed");
    if (followed)
        return !has_text(followed, task_id);
    return has_text(dm_map_at(record, "skipped"), task_id);
}

/* The tasks of a group that wait for none of it. */
static void follow_group(const struct dm_dag *dag, const char *group_id, bool *followed)
{
    for (size_t i = 0; i < dag->n_tasks; i++) {
        const struct dm_task *t = &dag->tasks[i];
        bool root = dm_task_in_group(dag, t, group_id);
        for (size_t k = 0; root && k < t->n_upstream; k++)
            root = !dm_task_in_group(dag, &dag->tasks[t->upstream[k]], group_id);
        followed[i] = followed[i] || root;
    }
}

static int follow(struct dm_arena *a, const struct dm_dag *dag, const struct dm_task *task,
                  const struct dm_value *ids, bool *skipped, struct dm_value *record,
                  struct dm_err *reterr)
{
    bool *followed = dm_arena_array(a, bool, dag->n_tasks + 1);
    struct dm_value *list = dm_value_list(a, 0);
    for (size_t i = 0; i < ids->list.n; i++) {
        const struct dm_value *id = ids->list.items[i];
        const struct dm_task *t = id->kind == DM_STRING ? dm_task_find(dag, id->s) : NULL;
        const struct dm_task_group *g =
            !t && id->kind == DM_STRING ? dm_group_find(dag, id->s) : NULL;
        if (!t && !g) {
            struct dm_str text = id->kind == DM_STRING ? id->s : dm_value_json(a, id);
            dm_err_set(reterr, DM_E_INVALID, "it chose \"%.*s\", and the DAG has no such task",
                       DM_FMT(text));
            return dm_err_hint(reterr, "Choose ids of tasks or of groups, e.g. \"%s\".",
                               task->n_downstream ? dag->tasks[task->downstream[0]].task_id
                                                  : task->task_id);
        }
        if (t)
            followed[t - dag->tasks] = true;
        else
            follow_group(dag, g->group_id, followed);
    }
    dm_graph_add_downstream(dag, followed);
    for (size_t i = 0; i < task->n_downstream; i++) {
        size_t t = task->downstream[i];
        skipped[t] = !followed[t];
        if (followed[t])
            dm_list_add(a, list, dm_value_cstr(a, dag->tasks[t].task_id));
    }
    dm_map_set(a, record, "followed", list);
    return 0;
}

static void skip(struct dm_arena *a, const struct dm_dag *dag, const struct dm_task *task, bool all,
                 bool *skipped, struct dm_value *record)
{
    struct dm_value *list = dm_value_list(a, 0);
    for (size_t i = 0; i < task->n_downstream; i++)
        skipped[task->downstream[i]] = true;
    if (all)
        dm_graph_add_downstream(dag, skipped);
    for (size_t i = 0; i < dag->n_tasks; i++) {
        skipped[i] = skipped[i] && !dag->tasks[i].is_teardown;
        if (skipped[i])
            dm_list_add(a, list, dm_value_cstr(a, dag->tasks[i].task_id));
    }
    dm_map_set(a, record, "skipped", list);
}

int dm_decide(struct dm_arena *a, const struct dm_dag *dag, const struct dm_task *task,
              const struct dm_value *decision, bool *ret_skipped, const struct dm_value **ret,
              struct dm_err *reterr)
{
    struct dm_value *record = dm_value_map(a);
    const struct dm_value *ids = dm_map_at(decision, "follow");
    if (ids && ids->kind == DM_LIST)
        DM_TRY(follow(a, dag, task, ids, ret_skipped, record, reterr));
    else
        skip(a, dag, task, dm_str_is(dm_map_str(decision, "skip", ""), "all"), ret_skipped, record);
    *ret = task->n_downstream ? record : NULL;
    return 0;
}
