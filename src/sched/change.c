/* Changes of state. */
#include "sched/change.h"

#include "state/memory.h"

/* ---- told ---- */

struct dm_note *dm_tick_add_note(struct dm_tick *t, const struct dm_plan_run *run)
{
    t->notes = dm_arena_room(&t->turn, t->notes, t->n_notes, &t->cap_notes, sizeof(*t->notes));
    struct dm_note *n = &t->notes[t->n_notes++];
    *n = (struct dm_note){.of = run};
    return n;
}

void dm_tick_note_run(struct dm_tick *t, const struct dm_plan_run *run, int from)
{
    struct dm_note *n = dm_tick_add_note(t, run);
    n->about_run = true;
    n->run = (struct dm_loop_run_event){.dag_id = run->row.dag_id,
                                        .run_id = run->row.run_id,
                                        .logical_date = run->row.logical_date,
                                        .at = t->now,
                                        .from = from,
                                        .to = run->row.state};
}

static void note_task(struct dm_tick *t, const struct dm_plan_run *run,
                      const struct dm_plan_task *task, enum dm_task_state from,
                      const struct dm_job *job, const struct dm_err *error)
{
    struct dm_note *n = dm_tick_add_note(t, run);
    n->task = (struct dm_loop_task_event){.dag_id = run->row.dag_id,
                                          .run_id = run->row.run_id,
                                          .task_id = task->row.task_id,
                                          .map_index = task->row.map_index,
                                          .try_number = task->row.try_number,
                                          .max_tries = task->row.max_tries,
                                          .logical_date = run->row.logical_date,
                                          .attempt = job ? job->attempt : 0,
                                          .at = t->now,
                                          .from = from,
                                          .to = task->row.state,
                                          .error = error,
                                          .log_path = job ? job->log_path : NULL};
}

/* ---- runs and tasks ---- */

int dm_tick_set_run(struct dm_tick *t, struct dm_plan_run *run, enum dm_run_state to,
                    struct dm_err *reterr)
{
    int from = (int)run->row.state;
    if (run->row.state == to)
        return 0;
    DM_TRY(dm_run_set_state(t->store, &run->row, to, t->now, reterr));
    dm_tick_note_run(t, run, from);
    return 0;
}

int dm_tick_set_task(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
                     enum dm_task_state to, const struct dm_task_change *c,
                     const struct dm_job *job, const struct dm_err *error, struct dm_err *reterr)
{
    enum dm_task_state from = task->row.state;
    DM_TRY(dm_task_set_state(t->store, &task->row, to, c, t->now, reterr));
    note_task(t, run, task, from, job, error);
    return 0;
}

/* Its process is to end; what it becomes then outlives this scheduler. */
int dm_tick_end_at_work(struct dm_tick *t, struct dm_plan_task *task, enum dm_task_state to,
                        const char *why, struct dm_err *reterr)
{
    task->ending = why;
    task->end_as = to;
    if (to == DM_TASK_NONE) /* cleared: it has all its tries again */
        DM_TRY(dm_record_task_tries(t->store, &task->row, task->row.try_number + task->def->retries,
                                    reterr));
    return dm_record_attempt_end_as(t->store, task->row.attempt, dm_task_state_name(to), reterr);
}

int dm_tick_put_aside(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
                      enum dm_task_state to, const char *why, struct dm_err *reterr)
{
    if (dm_task_at_work(task->row.state))
        return dm_tick_end_at_work(t, task, to, why, reterr);
    if (task->row.state == to || task->row.state == DM_TASK_REMOVED)
        return 0;
    struct dm_task_change c = dm_task_change_ended(&task->row, to, t->now);
    return dm_tick_set_task(t, run, task, to, &c, NULL, NULL, reterr);
}

int dm_tick_clear_task(struct dm_store *s, struct dm_arena *a, struct dm_task_row *row, int retries,
                       int64_t now, struct dm_err *reterr)
{
    struct dm_step_row *steps;
    size_t n;
    DM_TRY(dm_store_steps(s, a, NULL, row->run, true, &steps, &n, reterr));
    for (size_t i = 0; i < n; i++)
        if (steps[i].task == row->id)
            DM_TRY(dm_step_set_state(s, &steps[i], DM_STEP_CANCELLED, steps[i].attempt, "NONE",
                                     "the task that submitted it was cleared", now, reterr));
    if (row->state == DM_TASK_NONE)
        return 0;
    struct dm_task_change c = dm_task_change_of(row);
    c.max_tries = c.try_number + retries;
    c.scheduled_at = c.started_at = c.ended_at = c.due_at = DM_NEVER;
    c.until_step = NULL;
    return dm_task_set_state(s, row, DM_TASK_NONE, &c, now, reterr);
}

/* ---- steps of the embedded cluster ---- */

void dm_tick_add_step(struct dm_tick *t, struct dm_plan_run *run, const struct dm_step_row *row)
{
    struct dm_plan_task *task = dm_plan_instance(run, row->task);
    for (size_t i = 0; i < t->snap.n_steps; i++)
        if (strcmp(t->snap.steps[i]->row.id, row->id) == 0)
            return;
    if (!task)
        return; /* of a task that the DAG no longer has */
    struct dm_plan_step *step = dm_arena_new(&run->arena, struct dm_plan_step);
    *step = (struct dm_plan_step){.row = *row, .run = run, .task = task};
    t->snap.steps =
        dm_room(t->snap.steps, t->snap.n_steps, &t->cap_steps, sizeof(struct dm_plan_step *));
    size_t at = t->snap.n_steps++;
    for (; at > 0 && t->snap.steps[at - 1]->row.seq > row->seq; at--)
        t->snap.steps[at] = t->snap.steps[at - 1];
    t->snap.steps[at] = step;
}

int dm_tick_cancel_step(struct dm_tick *t, struct dm_plan_step *step, const char *why,
                        struct dm_err *reterr)
{
    return dm_step_set_state(t->store, &step->row, DM_STEP_CANCELLED, step->row.attempt, "NONE",
                             why, t->now, reterr);
}

/* Forgets finished steps. */
void dm_tick_sweep_steps(struct dm_tick *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->snap.n_steps; i++)
        if (!dm_step_finished(t->snap.steps[i]->row.state))
            t->snap.steps[n++] = t->snap.steps[i];
    t->snap.n_steps = n;
}

int dm_tick_cancel_steps(struct dm_tick *t, const struct dm_plan_task *task, const char *why,
                         struct dm_err *reterr)
{
    for (size_t i = 0; i < t->snap.n_steps; i++) {
        struct dm_plan_step *step = t->snap.steps[i];
        if (step->task != task)
            continue;
        if (step->row.state != DM_STEP_RUNNING) {
            DM_TRY(dm_tick_cancel_step(t, step, why, reterr));
            continue;
        }
        step->ending = why;
        DM_TRY(dm_record_attempt_end_as(t->store, step->row.attempt,
                                        dm_step_state_name(DM_STEP_CANCELLED), reterr));
    }
    dm_tick_sweep_steps(t);
    return 0;
}

/* ---- jobs ---- */

void dm_tick_add_job(struct dm_tick *t, struct dm_job *j)
{
    t->jobs = dm_arena_room(&t->turn, t->jobs, t->n_jobs, &t->cap_jobs, sizeof(struct dm_job *));
    t->jobs[t->n_jobs++] = j;
}
