/* The report of a loop. */
#include "sched/loop_report.h"

static const char *keep(struct dm_arena *a, const char *text)
{
    return text ? dm_arena_strdup(a, text) : NULL;
}

static void add_failure(struct dm_loop_ledger *l, const struct dm_loop_task_event *e)
{
    struct dm_loop_report *r = &l->report;
    r->failures =
        dm_arena_room(l->arena, r->failures, r->n_failures, &l->cap_failures, sizeof(*r->failures));
    r->failures[r->n_failures++] = (struct dm_loop_failure){
        .dag_id = keep(l->arena, e->dag_id),
        .run_id = keep(l->arena, e->run_id),
        .task_id = keep(l->arena, e->task_id),
        .map_index = e->map_index,
        .try_number = e->try_number,
        .max_tries = e->max_tries,
        .logical_date = e->logical_date,
        .attempt = e->attempt,
        .error = e->error ? dm_arena_dup(l->arena, e->error, sizeof(*e->error)) : NULL,
        .log_path = keep(l->arena, e->log_path),
    };
}

void dm_report_note(struct dm_loop_ledger *l, const struct dm_note *n)
{
    if (l->keeps_nothing)
        return;
    if (n->about_run) {
        l->report.succeeded += n->run.to == DM_RUN_SUCCESS;
        l->report.failed += n->run.to == DM_RUN_FAILED;
    } else if (n->task.to == DM_TASK_FAILED) {
        add_failure(l, &n->task);
    }
}

static int by_date(const void *a, const void *b)
{
    const struct dm_loop_failure *x = a, *y = b;
    if (x->logical_date != y->logical_date)
        return x->logical_date < y->logical_date ? -1 : 1;
    return x->attempt < y->attempt ? -1 : x->attempt > y->attempt;
}

static int by_run(const void *a, const void *b)
{
    const struct dm_plan_run *x = *(struct dm_plan_run *const *)a;
    const struct dm_plan_run *y = *(struct dm_plan_run *const *)b;
    return x->row.logical_date < y->row.logical_date ? -1
                                                     : x->row.logical_date > y->row.logical_date;
}

void dm_report_blocked(struct dm_loop_ledger *l, const struct dm_run_row *run, const char *task_id,
                       const struct dm_past_wait *w)
{
    struct dm_loop_report *r = &l->report;
    r->blocked =
        dm_arena_room(l->arena, r->blocked, r->n_blocked, &l->cap_blocked, sizeof(*r->blocked));
    r->blocked[r->n_blocked++] = (struct dm_loop_blocked){
        .dag_id = keep(l->arena, run->dag_id),
        .run_id = keep(l->arena, run->run_id),
        .task_id = keep(l->arena, task_id),
        .logical_date = run->logical_date,
        .waits_run_id = keep(l->arena, w->run->row.run_id),
        .waits_task_id = keep(l->arena, w->task_id),
        .waits_logical_date = w->run->row.logical_date,
        .waits_state = w->state,
    };
}

static void add_waiting(struct dm_loop_ledger *l, const struct dm_plan_run *run)
{
    const struct dm_plan_task *task;
    for (struct dm_plan_each e = {0}; (task = dm_plan_each(run, &e));) {
        struct dm_past_wait w;
        if (dm_plan_waiting(run, task, &w) == 1)
            dm_report_blocked(l, &run->row, task->row.task_id, &w);
    }
}

void dm_report_sort(struct dm_loop_ledger *l)
{
    if (l->report.n_failures > 1)
        qsort(l->report.failures, l->report.n_failures, sizeof(*l->report.failures), by_date);
}

void dm_report_rest(struct dm_loop_ledger *l, const struct dm_snapshot *s)
{
    struct dm_loop_report *r = &l->report;
    dm_report_sort(l);
    if (s->n_runs > 1)
        qsort(s->runs, s->n_runs, sizeof(struct dm_plan_run *), by_run);
    r->unstarted = s->n_runs;
    for (size_t i = 0; i < s->n_runs; i++)
        add_waiting(l, s->runs[i]);
    for (size_t i = 0; i < s->n_drives; i++)
        r->unstarted += s->drives[i]->n_days - s->drives[i]->next;
}
