/* Clearing by a person: `tasks clear`. */
#include "base/clock.h"
#include "conn/project.h"
#include "sched/recover.h"
#include "sched/right.h"
#include "sched/tick.h"

static void mark_downstream(const struct dm_dag *dag, const struct dm_task *task, bool *marked)
{
    for (size_t i = 0; i < task->n_downstream; i++) {
        size_t next = task->downstream[i];
        if (marked[next])
            continue;
        marked[next] = true;
        mark_downstream(dag, &dag->tasks[next], marked);
    }
}

static int mark_tasks(const struct dm_dag *dag, const char *task_id, bool downstream, bool *marked,
                      struct dm_err *reterr)
{
    for (size_t i = 0; !task_id && i < dag->n_tasks; i++)
        marked[i] = true;
    if (!task_id)
        return 0;
    const struct dm_task *task = dm_task_find(dag, dm_str_c(task_id));
    if (!task)
        return dm_err_set(reterr, DM_E_NOTFOUND, "DAG \"%s\" has no task \"%s\"", dag->dag_id,
                          task_id);
    marked[task - dag->tasks] = true;
    if (downstream)
        mark_downstream(dag, task, marked);
    return 0;
}

static int clear_rows(struct dm_store *s, struct dm_arena *a, const struct dm_dag *dag,
                      struct dm_run_row *run, const bool *marked, int64_t now, size_t *ret_cleared,
                      struct dm_err *reterr)
{
    struct dm_task_row *rows;
    size_t n, cleared = 0;
    DM_TRY(dm_store_tasks(s, a, run->id, &rows, &n, reterr));
    for (size_t i = 0; i < n; i++) {
        const struct dm_task *def = dm_task_find(dag, dm_str_c(rows[i].task_id));
        if (!def || !marked[def - dag->tasks] || rows[i].state == DM_TASK_REMOVED)
            continue;
        cleared += rows[i].state != DM_TASK_NONE;
        DM_TRY(dm_tick_clear_task(s, a, &rows[i], def->retries, now, reterr));
    }
    if (cleared && run->state != DM_RUN_QUEUED)
        DM_TRY(dm_run_set_state(s, run, DM_RUN_QUEUED, now, reterr));
    *ret_cleared = cleared;
    return 0;
}

int dm_clear_tasks(const struct dm_project *p, struct dm_store *s, const struct dm_dag *dag,
                   const struct dm_run_row *run, const char *task_id, bool downstream,
                   const struct dm_right_wait *wait, size_t *ret_cleared, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    _cleanup_right_ struct dm_right right = {.fd = -1};
    bool *marked = dm_arena_array(&a, bool, dag->n_tasks + 1);
    size_t lost, cleared = 0;
    int64_t now = dm_clock_now();
    DM_TRY(mark_tasks(dag, task_id, downstream, marked, reterr));
    DM_TRY(dm_right_take(p->run_dir, "tasks clear", wait, &right, reterr));
    DM_TRY(dm_recover(s, p->run_dir, now, &lost, reterr));
    struct dm_run_row fresh; /* it may have changed while this waited for its turn */
    int found = dm_store_run_at(s, &a, run->dag_id, run->logical_date, &fresh, reterr);
    DM_TRY(found);
    if (!found)
        return dm_err_set(reterr, DM_E_NOTFOUND, "run \"%s\" is gone", run->run_id);
    DM_TRY(dm_store_begin(s, false, reterr));
    int rc = clear_rows(s, &a, dag, &fresh, marked, now, &cleared, reterr);
    if (rc < 0) {
        dm_store_rollback(s);
        return rc;
    }
    DM_TRY(dm_store_commit(s, reterr));
    *ret_cleared = cleared;
    return 0;
}
