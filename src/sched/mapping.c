/* Instances of mapped tasks. */
#include "sched/mapping.h"

#include "lang/mapping.h"
#include "sched/change.h"

#define RETURN_VALUE DM_STR("return_value")

static struct dm_plan_task *instance(struct dm_plan_task *task, size_t k)
{
    return k ? task->more[k - 1] : task;
}

/* ---- how many ---- */

/* What the result of a task gives to map over; -1: it is not there. */
static int result_length(struct dm_tick *t, const struct dm_plan_run *run,
                         const struct dm_plan_task *of, int64_t *ret, struct dm_err *reterr)
{
    struct dm_xcom_of_task *values;
    struct dm_value *v;
    size_t n;
    *ret = -1;
    for (size_t k = 0; k <= of->n_more; k++)
        if (!dm_task_finished(instance((struct dm_plan_task *)of, k)->row.state))
            return 0;
    DM_TRY(dm_store_xcoms_of_task(t->store, &t->turn, run->row.dag_id, run->row.run_id,
                                  dm_str_c(of->row.task_id), RETURN_VALUE, &values, &n, reterr));
    if (of->row.map_index >= 0) {
        *ret = (int64_t)n;
        return 0;
    }
    if (n == 0)
        return 0;
    DM_TRY(dm_value_from_json(&t->turn, values[0].value, &v, reterr));
    *ret = dm_map_length(v);
    return 0;
}

static int count_instances(struct dm_tick *t, const struct dm_plan_run *run,
                           const struct dm_task *def, int64_t *ret, struct dm_err *reterr)
{
    const struct dm_value *map = dm_task_mapping(def);
    int64_t *lengths = dm_arena_array(&t->turn, int64_t, map->map.n + 1);
    for (size_t i = 0; i < map->map.n; i++) {
        const struct dm_value *v = map->map.pairs[i].value;
        struct dm_str id, key;
        const struct dm_task *of = dm_xcom_arg(v, &id, &key) ? dm_task_find(run->dag, id) : NULL;
        lengths[i] = dm_map_length(v);
        if (of)
            DM_TRY(result_length(t, run, &run->tasks[of - run->dag->tasks], &lengths[i], reterr));
    }
    *ret = dm_map_instances(lengths, map->map.n);
    return 0;
}

static bool is_literal(const struct dm_task *def)
{
    const struct dm_value *map = dm_task_mapping(def);
    struct dm_str id, key;
    for (size_t i = 0; i < map->map.n; i++)
        if (dm_xcom_arg(map->map.pairs[i].value, &id, &key))
            return false;
    return true;
}

/* ---- instances ---- */

static int make_row(struct dm_tick *t, const struct dm_plan_run *run, const struct dm_task *def,
                    int map_index, struct dm_task_row *ret, struct dm_err *reterr)
{
    *ret = (struct dm_task_row){.run = run->row.id,
                                .task_id = def->task_id,
                                .map_index = map_index,
                                .operator_name = def->operator_name,
                                .max_tries = def->retries};
    return dm_record_task(t->store, ret, reterr);
}

static struct dm_plan_task *add_instance(struct dm_plan_run *run, struct dm_plan_task *task)
{
    task->more =
        dm_arena_room(&run->arena, task->more, task->n_more, &task->cap_more, sizeof(*task->more));
    struct dm_plan_task *one = dm_arena_new(&run->arena, struct dm_plan_task);
    *one = (struct dm_plan_task){.def = task->def, .in_past = task->in_past};
    task->more[task->n_more++] = one;
    return one;
}

static int make_missing(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
                        int64_t n, struct dm_err *reterr)
{
    while ((int64_t)task->n_more + 1 < n) {
        struct dm_plan_task *one = add_instance(run, task);
        DM_TRY(make_row(t, run, task->def, (int)task->n_more, &one->row, reterr));
    }
    return 0;
}

static int by_map_index(const void *a, const void *b)
{
    const struct dm_task_row *const *x = a, *const *y = b;
    return (*x)->map_index - (*y)->map_index;
}

static int remove_row(struct dm_tick *t, struct dm_task_row *row, struct dm_err *reterr)
{
    if (row->state == DM_TASK_REMOVED)
        return 0;
    struct dm_task_change c = dm_task_change_of(row);
    return dm_task_set_state(t->store, row, DM_TASK_REMOVED, &c, t->now, reterr);
}

int dm_map_load(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
                struct dm_task_row *rows, size_t n_rows, struct dm_err *reterr)
{
    struct dm_task_row **own = dm_arena_array(&t->turn, struct dm_task_row *, n_rows + 1);
    size_t n = 0, from = 0, to;
    for (size_t i = 0; i < n_rows; i++)
        if (strcmp(rows[i].task_id, task->def->task_id) == 0)
            own[n++] = &rows[i];
    if (n > 1)
        qsort(own, n, sizeof(*own), by_map_index);
    bool expanded = n && own[n - 1]->map_index >= 0 && dm_task_mapping(task->def);
    while (expanded && own[from]->map_index < 0)
        DM_TRY(remove_row(t, own[from++], reterr));
    for (to = n; !expanded && to > from && own[to - 1]->map_index >= 0; to--)
        DM_TRY(remove_row(t, own[to - 1], reterr));
    if (from == to)
        return make_row(t, run, task->def, -1, &task->row, reterr);
    task->row = *own[from];
    for (size_t i = from + 1; i < to; i++)
        add_instance(run, task)->row = *own[i];
    return 0;
}

int dm_map_settle(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
                  struct dm_err *reterr)
{
    int64_t n;
    if (!dm_task_mapping(task->def))
        return 0;
    task->remap = task->row.map_index >= 0;
    if (!is_literal(task->def) || (!task->remap && dm_task_finished(task->row.state)))
        return 0;
    DM_TRY(count_instances(t, run, task->def, &n, reterr));
    return n > 0 ? dm_map_expand(t, run, task, reterr) : 0;
}

/* What cannot have instances ends; of an expanded task what has not ended yet. */
static int end(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
               enum dm_task_state to, struct dm_err *reterr)
{
    for (size_t k = 0; k <= task->n_more; k++)
        if (!dm_task_finished(instance(task, k)->row.state))
            DM_TRY(dm_tick_put_aside(t, run, instance(task, k), to,
                                     "what the task is mapped over has changed", reterr));
    return 0;
}

int dm_map_expand(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
                  struct dm_err *reterr)
{
    const char *why = "what it is mapped over has fewer items by now";
    bool expanded = task->row.map_index >= 0;
    int64_t n;
    DM_TRY(count_instances(t, run, task->def, &n, reterr));
    task->remap = false;
    if (n < 0)
        return expanded ? 0 : end(t, run, task, DM_TASK_UPSTREAM_FAILED, reterr);
    if (n > DM_MAP_INSTANCES_MAX)
        return end(t, run, task, DM_TASK_FAILED, reterr);
    if (n == 0)
        DM_TRY(dm_tick_put_aside(t, run, task, DM_TASK_SKIPPED, why, reterr));
    else if (!expanded)
        DM_TRY(dm_record_map_index(t->store, &task->row, 0, reterr));
    for (size_t k = 1; k <= task->n_more; k++) {
        struct dm_plan_task *one = instance(task, k);
        if ((int64_t)k >= n)
            DM_TRY(dm_tick_put_aside(t, run, one, DM_TASK_REMOVED, why, reterr));
        else if (one->row.state == DM_TASK_REMOVED)
            DM_TRY(dm_tick_clear_task(t->store, &t->turn, &one->row, task->def->retries, t->now,
                                      reterr));
    }
    return make_missing(t, run, task, n, reterr);
}

void dm_map_source_begins(struct dm_plan_run *run, const struct dm_plan_task *source)
{
    if (!run->graph->is_source[source->def - run->dag->tasks])
        return;
    for (size_t i = 0; i < source->def->n_downstream; i++) {
        struct dm_plan_task *t = &run->tasks[source->def->downstream[i]];
        t->remap = t->row.map_index >= 0 && dm_task_mapping(t->def);
    }
}
