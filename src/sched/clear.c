/* Clearing and marking by a person. */
#include "sched/clear.h"

#include "sched/activate.h"
#include "sched/graph.h"

struct clearing {
    struct dm_store *store;
    struct dm_tick *tick; /* NULL = only looked at */
    struct dm_arena *arena;
    const struct dm_dag *dag;
    bool *set;         /* tasks, by index in the DAG */
    const bool *named; /* of these what was asked for by name: not their relatives */
    bool only_failed;
    int map_index; /* of what was named; -1 = every instance */
    struct dm_cleared *list;
    size_t n, cap;
};

/* A task instance of a run: in memory where the run is active, else as the store has it. */
struct instance {
    struct dm_task_row *row;
    struct dm_plan_task *task; /* NULL = not in memory */
};

static int instances_of(struct clearing *c, struct dm_plan_run *active, int64_t run,
                        struct instance **ret, size_t *ret_n, struct dm_err *reterr)
{
    struct dm_plan_task *task;
    struct dm_task_row *rows;
    size_t n = 0;
    if (active) {
        for (struct dm_plan_each e = {0}; dm_plan_each(active, &e);)
            n++;
        *ret = dm_arena_array(c->arena, struct instance, n + 1);
        *ret_n = 0;
        for (struct dm_plan_each e = {0}; (task = dm_plan_each(active, &e));)
            (*ret)[(*ret_n)++] = (struct instance){&task->row, task};
        return 0;
    }
    DM_TRY(dm_store_tasks(c->store, c->arena, run, &rows, &n, reterr));
    *ret = dm_arena_array(c->arena, struct instance, n + 1);
    for (size_t i = 0; i < n; i++)
        (*ret)[i].row = &rows[i];
    *ret_n = n;
    return 0;
}

static struct dm_plan_run *active_run(const struct clearing *c, int64_t id)
{
    struct dm_plan_run *run = c->tick ? dm_tick_find_run(c->tick, id) : NULL;
    return run && run->active ? run : NULL;
}

static int no_task(const struct dm_dag *dag, const char *task_id, struct dm_err *reterr)
{
    return dm_err_set(reterr, DM_E_NOTFOUND, "DAG \"%s\" has no task \"%s\"", dag->dag_id, task_id);
}

static int name_tasks(struct clearing *c, const struct dm_clear *what, struct dm_err *reterr)
{
    c->set = dm_arena_array(c->arena, bool, c->dag->n_tasks + 1);
    for (size_t i = 0; i < c->dag->n_tasks; i++)
        c->set[i] = what->n_task_ids == 0;
    for (size_t i = 0; i < what->n_task_ids; i++) {
        const struct dm_task *task = dm_task_find(c->dag, dm_str_c(what->task_ids[i]));
        if (!task && !dm_group_find(c->dag, dm_str_c(what->task_ids[i])))
            return no_task(c->dag, what->task_ids[i], reterr);
        for (size_t k = 0; k < c->dag->n_tasks; k++)
            c->set[k] = c->set[k] || &c->dag->tasks[k] == task ||
                        (!task && dm_task_in_group(c->dag, &c->dag->tasks[k], what->task_ids[i]));
    }
    c->named = dm_arena_dup(c->arena, c->set, sizeof(bool) * (c->dag->n_tasks + 1));
    return 0;
}

static int choose_tasks(struct clearing *c, const struct dm_clear *what, struct dm_err *reterr)
{
    DM_TRY(name_tasks(c, what, reterr));
    dm_graph_add_relatives(c->arena, c->dag, what->upstream, what->downstream, c->set);
    return 0;
}

/* A mark is of what was named only: setups and teardowns do not come along. */
static int choose_marked(struct clearing *c, const struct dm_mark *what, struct dm_err *reterr)
{
    struct dm_clear named = {.task_ids = &what->task_id, .n_task_ids = 1};
    DM_TRY(name_tasks(c, &named, reterr));
    bool *up = dm_arena_dup(c->arena, c->set, sizeof(bool) * (c->dag->n_tasks + 1));
    if (what->downstream)
        dm_graph_add_downstream(c->dag, c->set);
    if (what->upstream)
        dm_graph_add_upstream(c->dag, up);
    for (size_t i = 0; i < c->dag->n_tasks; i++)
        c->set[i] |= up[i];
    return 0;
}

static void note(struct clearing *c, const struct dm_run_row *run, const struct dm_task_row *task)
{
    c->list = dm_arena_room(c->arena, c->list, c->n, &c->cap, sizeof(*c->list));
    c->list[c->n++] = (struct dm_cleared){.run_id = run->run_id,
                                          .task_id = task->task_id,
                                          .map_index = task->map_index,
                                          .logical_date = run->logical_date,
                                          .state = task->state};
}

static bool is_wanted(const struct clearing *c, const struct dm_task_row *row,
                      const struct dm_task *def)
{
    if (!def || !c->set[def - c->dag->tasks])
        return false;
    if (row->state == DM_TASK_NONE || row->state == DM_TASK_REMOVED)
        return false;
    if (c->map_index >= 0 && c->named[def - c->dag->tasks] && row->map_index != c->map_index)
        return false;
    return !c->only_failed || row->state == DM_TASK_FAILED || row->state == DM_TASK_UPSTREAM_FAILED;
}

static bool is_at_work(const struct instance *one)
{
    return one->task && dm_task_at_work(one->row->state);
}

static int clear_one(struct clearing *c, struct dm_plan_run *active, struct instance *one,
                     const struct dm_task *def, struct dm_err *reterr)
{
    if (active)
        DM_TRY(dm_tick_cancel_steps(c->tick, one->task, "the task that submitted it was cleared",
                                    reterr));
    if (is_at_work(one))
        return dm_tick_put_aside(c->tick, active, one->task, DM_TASK_NONE, "it was cleared",
                                 reterr);
    return dm_tick_clear_task(c->store, active ? &active->arena : c->arena, one->row, def->retries,
                              c->tick->now, reterr);
}

/* The run is done again, by the newest generation. */
static int run_again(struct clearing *c, struct dm_run_row *run, struct dm_plan_run *active,
                     struct dm_err *reterr)
{
    const struct dm_plan_dag *d = dm_tick_find_dag(c->tick, run->dag_id);
    const char *newest = d && d->ref ? d->ref->dag->generation : run->generation;
    struct dm_run_row *row = active ? &active->row : run;
    if (strcmp(row->generation, newest) != 0) {
        const char *keep = active ? dm_arena_strdup(&active->arena, newest) : newest;
        DM_TRY(dm_tick_record_generation(c->tick, d->ref, reterr));
        DM_TRY(dm_record_run_generation(c->store, row, keep, "cleared", c->tick->now, reterr));
        if (active)
            active->renew = true;
    }
    if (active)
        return 0;
    if (run->state != DM_RUN_QUEUED)
        DM_TRY(dm_run_set_state(c->store, run, DM_RUN_QUEUED, c->tick->now, reterr));
    DM_TRY(dm_tick_refresh(c->tick, run->id, reterr));
    dm_tick_enqueue(c->tick, run);
    return 0;
}

static int clear_run(struct clearing *c, struct dm_run_row *run, struct dm_err *reterr)
{
    struct dm_plan_run *active = active_run(c, run->id);
    struct instance *list;
    size_t n, before = c->n;
    DM_TRY(instances_of(c, active, run->id, &list, &n, reterr));
    for (size_t i = 0; i < n; i++) {
        const struct dm_task *def = dm_task_find(c->dag, dm_str_c(list[i].row->task_id));
        if (!is_wanted(c, list[i].row, def))
            continue;
        note(c, run, list[i].row);
        if (c->tick)
            DM_TRY(clear_one(c, active, &list[i], def, reterr));
    }
    return c->n == before || !c->tick ? 0 : run_again(c, run, active, reterr);
}

int dm_clear(struct dm_store *s, struct dm_tick *t, struct dm_arena *a, const struct dm_dag *dag,
             const struct dm_clear *what, struct dm_cleared **ret, size_t *ret_n,
             struct dm_err *reterr)
{
    struct clearing c = {.store = s,
                         .tick = t,
                         .arena = a,
                         .dag = dag,
                         .only_failed = what->only_failed,
                         .map_index = what->one_instance ? what->map_index : -1};
    struct dm_run_filter filter = DM_RUN_FILTER_ALL;
    struct dm_run_row *runs;
    size_t n;
    filter.dag_id = dag->dag_id;
    filter.from = what->from;
    filter.to = what->to;
    DM_TRY(choose_tasks(&c, what, reterr));
    DM_TRY(dm_store_runs(s, a, &filter, &runs, &n, reterr));
    for (size_t i = 0; i < n; i++)
        DM_TRY(clear_run(&c, &runs[i], reterr));
    *ret = c.list;
    *ret_n = c.n;
    return 0;
}

/* ---- marking ---- */

static int mark_one(struct clearing *c, struct dm_plan_run *active, struct instance *one,
                    enum dm_task_state to, struct dm_err *reterr)
{
    if (one->row->state == to)
        return 0;
    if (is_at_work(one))
        return dm_tick_put_aside(c->tick, active, one->task, to, "it was marked", reterr);
    struct dm_task_change change = dm_task_change_ended(one->row, to, c->tick->now);
    if (change.started_at == DM_NEVER)
        change.started_at = c->tick->now;
    return dm_task_set_state(c->store, one->row, to, &change, c->tick->now, reterr);
}

int dm_mark(struct dm_tick *t, struct dm_arena *a, const struct dm_dag *dag,
            const struct dm_run_row *run, const struct dm_mark *what, struct dm_cleared **ret,
            size_t *ret_n, struct dm_err *reterr)
{
    const struct dm_task *task = dm_task_find(dag, dm_str_c(what->task_id));
    struct clearing c = {
        .store = t->store, .tick = t, .arena = a, .dag = dag, .only_failed = true, .map_index = -1};
    struct dm_clear behind = {.task_ids = &what->task_id, .n_task_ids = 1, .downstream = true};
    struct dm_plan_run *active = active_run(&c, run->id);
    struct dm_run_row fresh = *run;
    struct instance *list;
    size_t n;
    if (!task)
        return no_task(dag, what->task_id, reterr);
    DM_TRY(instances_of(&c, active, run->id, &list, &n, reterr));
    DM_TRY(choose_marked(&c, what, reterr));
    bool *marked = c.set;
    for (size_t i = 0; i < n; i++) {
        const struct dm_task *def = dm_task_find(dag, dm_str_c(list[i].row->task_id));
        bool wanted =
            def && marked[def - dag->tasks] && list[i].row->state != DM_TASK_REMOVED &&
            (!what->one_instance || def != task || list[i].row->map_index == what->map_index);
        if (wanted)
            DM_TRY(mark_one(&c, active, &list[i], what->to, reterr));
    }
    DM_TRY(dm_tick_refresh(t, run->id, reterr));
    /* What failed because of the old state is tried again; what was marked stays so. */
    DM_TRY(choose_tasks(&c, &behind, reterr));
    for (size_t i = 0; i < dag->n_tasks; i++)
        c.set[i] = c.set[i] && !marked[i] && &dag->tasks[i] != task;
    DM_TRY(clear_run(&c, &fresh, reterr));
    *ret = c.list;
    *ret_n = c.n;
    return 0;
}

/* ---- whole runs ---- */

int dm_mark_run(struct dm_tick *t, struct dm_arena *a, const struct dm_run_row *run,
                enum dm_run_state to, struct dm_err *reterr)
{
    struct clearing c = {.store = t->store, .tick = t, .arena = a};
    struct dm_plan_run *active = active_run(&c, run->id);
    struct dm_run_row fresh = *run;
    struct instance *list;
    size_t n;
    DM_TRY(instances_of(&c, active, run->id, &list, &n, reterr));
    for (size_t i = 0; i < n; i++) {
        enum dm_task_state s = list[i].row->state;
        /* As Airflow: a success is one of every task; a failure ends what is at work and skips what is not. */
        enum dm_task_state end = to == DM_RUN_SUCCESS   ? DM_TASK_SUCCESS
                                 : is_at_work(&list[i]) ? DM_TASK_FAILED
                                                        : DM_TASK_SKIPPED;
        bool wanted = to == DM_RUN_SUCCESS ? s != DM_TASK_SUCCESS : !dm_task_finished(s);
        if (wanted && s != DM_TASK_REMOVED)
            DM_TRY(mark_one(&c, active, &list[i], end, reterr));
    }
    if (active) { /* it ends when its last process has */
        active->marked = true;
        active->mark = to;
        return dm_record_active_mark(t->store, active->row.id, to, reterr);
    }
    if (fresh.state != to)
        DM_TRY(dm_run_set_state(t->store, &fresh, to, t->now, reterr));
    return dm_tick_refresh(t, run->id, reterr);
}
