/* Clearing and marking by a person. */
#include "sched/clear.h"

#include "base/clock.h"
#include "conn/project.h"
#include "sched/graph.h"
#include "sched/recover.h"
#include "sched/tick.h"

struct clearing {
    struct dm_store *store;
    struct dm_arena *arena;
    const struct dm_dag *dag;
    bool *set; /* tasks, by index in the DAG */
    bool only_failed, dry_run;
    int64_t now;
    struct dm_cleared *list;
    size_t n, cap;
};

static int no_task(const struct dm_dag *dag, const char *task_id, struct dm_err *reterr)
{
    return dm_err_set(reterr, DM_E_NOTFOUND, "DAG \"%s\" has no task \"%s\"", dag->dag_id, task_id);
}

static int choose_tasks(struct clearing *c, const struct dm_clear *what, struct dm_err *reterr)
{
    c->set = dm_arena_array(c->arena, bool, c->dag->n_tasks + 1);
    for (size_t i = 0; i < c->dag->n_tasks; i++)
        c->set[i] = what->n_task_ids == 0;
    for (size_t i = 0; i < what->n_task_ids; i++) {
        const struct dm_task *task = dm_task_find(c->dag, dm_str_c(what->task_ids[i]));
        if (!task)
            return no_task(c->dag, what->task_ids[i], reterr);
        c->set[task - c->dag->tasks] = true;
    }
    dm_graph_add_relatives(c->arena, c->dag, what->upstream, what->downstream, c->set);
    return 0;
}

static void note(struct clearing *c, const struct dm_run_row *run, const struct dm_task_row *task)
{
    if (c->n == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 32;
        struct dm_cleared *grown = dm_arena_array(c->arena, struct dm_cleared, cap);
        if (c->n)
            memcpy(grown, c->list, c->n * sizeof(*grown));
        c->list = grown;
        c->cap = cap;
    }
    c->list[c->n++] = (struct dm_cleared){.run_id = run->run_id,
                                          .task_id = task->task_id,
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
    return !c->only_failed || row->state == DM_TASK_FAILED || row->state == DM_TASK_UPSTREAM_FAILED;
}

static int clear_run(struct clearing *c, struct dm_run_row *run, struct dm_err *reterr)
{
    struct dm_task_row *rows;
    size_t n, before = c->n;
    DM_TRY(dm_store_tasks(c->store, c->arena, run->id, &rows, &n, reterr));
    for (size_t i = 0; i < n; i++) {
        const struct dm_task *def = dm_task_find(c->dag, dm_str_c(rows[i].task_id));
        if (!is_wanted(c, &rows[i], def))
            continue;
        note(c, run, &rows[i]);
        if (!c->dry_run)
            DM_TRY(dm_tick_clear_task(c->store, c->arena, &rows[i], def->retries, c->now, reterr));
    }
    if (c->n == before || c->dry_run || run->state == DM_RUN_QUEUED)
        return 0;
    return dm_run_set_state(c->store, run, DM_RUN_QUEUED, c->now, reterr);
}

int dm_clear(struct dm_store *s, struct dm_arena *a, const struct dm_dag *dag,
             const struct dm_clear *what, bool dry_run, int64_t now, struct dm_cleared **ret,
             size_t *ret_n, struct dm_err *reterr)
{
    struct clearing c = {.store = s,
                         .arena = a,
                         .dag = dag,
                         .only_failed = what->only_failed,
                         .dry_run = dry_run,
                         .now = now};
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

static int mark_row(struct dm_store *s, struct dm_task_row *row, enum dm_task_state to, int64_t now,
                    struct dm_err *reterr)
{
    if (row->state == to)
        return 0;
    struct dm_task_change c = dm_task_change_of(row);
    if (c.started_at == DM_NEVER)
        c.started_at = now;
    c.ended_at = now;
    c.due_at = DM_NEVER;
    c.until_step = NULL;
    return dm_task_set_state(s, row, to, &c, now, reterr);
}

int dm_mark(struct dm_store *s, struct dm_arena *a, const struct dm_dag *dag,
            const struct dm_run_row *run, const char *task_id, enum dm_task_state to, int64_t now,
            struct dm_cleared **ret, size_t *ret_n, struct dm_err *reterr)
{
    struct dm_task_row *rows;
    size_t n;
    const struct dm_task *task = dm_task_find(dag, dm_str_c(task_id));
    if (!task)
        return no_task(dag, task_id, reterr);
    DM_TRY(dm_store_tasks(s, a, run->id, &rows, &n, reterr));
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].task_id, task_id) == 0 && rows[i].state != DM_TASK_REMOVED)
            DM_TRY(mark_row(s, &rows[i], to, now, reterr));
    /* What failed because of the old state is tried again; the task itself stays as it was marked. */
    struct clearing c = {.store = s, .arena = a, .dag = dag, .only_failed = true, .now = now};
    struct dm_run_row fresh = *run;
    struct dm_clear behind = {.task_ids = &task_id, .n_task_ids = 1, .downstream = true};
    DM_TRY(choose_tasks(&c, &behind, reterr));
    c.set[task - dag->tasks] = false;
    DM_TRY(clear_run(&c, &fresh, reterr));
    *ret = c.list;
    *ret_n = c.n;
    return 0;
}

/* ---- with the right to decide ---- */

struct request {
    const struct dm_dag *dag;
    const struct dm_clear *clear; /* NULL = mark */
    const struct dm_run_row *run; /* to mark */
    const char *task_id;
    enum dm_task_state to;
};

static int fulfil(struct dm_store *s, struct dm_arena *a, const struct request *r, int64_t now,
                  struct dm_cleared **ret, size_t *ret_n, struct dm_err *reterr)
{
    if (r->clear)
        return dm_clear(s, a, r->dag, r->clear, false, now, ret, ret_n, reterr);
    struct dm_run_row fresh; /* it may have changed while this waited for its turn */
    int found = dm_store_run_at(s, a, r->run->dag_id, r->run->logical_date, &fresh, reterr);
    DM_TRY(found);
    if (!found)
        return dm_err_set(reterr, DM_E_NOTFOUND, "run \"%s\" is gone", r->run->run_id);
    return dm_mark(s, a, r->dag, &fresh, r->task_id, r->to, now, ret, ret_n, reterr);
}

static int decide(const struct dm_project *p, struct dm_store *s, struct dm_arena *a,
                  const struct request *r, const struct dm_right_wait *wait,
                  struct dm_cleared **ret, size_t *ret_n, struct dm_err *reterr)
{
    _cleanup_right_ struct dm_right right = {.fd = -1};
    int64_t now = dm_clock_now();
    size_t lost;
    DM_TRY(
        dm_right_take(p->run_dir, r->clear ? "tasks clear" : "tasks mark", wait, &right, reterr));
    DM_TRY(dm_recover(s, p->run_dir, now, &lost, reterr));
    DM_TRY(dm_store_begin(s, false, reterr));
    int rc = fulfil(s, a, r, now, ret, ret_n, reterr);
    if (rc < 0) {
        dm_store_rollback(s);
        return rc;
    }
    return dm_store_commit(s, reterr);
}

int dm_clear_now(const struct dm_project *p, struct dm_store *s, struct dm_arena *a,
                 const struct dm_dag *dag, const struct dm_clear *c,
                 const struct dm_right_wait *wait, struct dm_cleared **ret, size_t *ret_n,
                 struct dm_err *reterr)
{
    struct request r = {.dag = dag, .clear = c};
    return decide(p, s, a, &r, wait, ret, ret_n, reterr);
}

int dm_mark_now(const struct dm_project *p, struct dm_store *s, struct dm_arena *a,
                const struct dm_dag *dag, const struct dm_run_row *run, const char *task_id,
                enum dm_task_state to, const struct dm_right_wait *wait, struct dm_cleared **ret,
                size_t *ret_n, struct dm_err *reterr)
{
    struct request r = {.dag = dag, .run = run, .task_id = task_id, .to = to};
    return decide(p, s, a, &r, wait, ret, ret_n, reterr);
}
