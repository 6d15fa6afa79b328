/* Attempts begin and end, and what their end does to others. */
#include "sched/activate.h"
#include "sched/asset.h"
#include "sched/callback.h"
#include "sched/decision.h"
#include "sched/mapping.h"
#include "sched/retry.h"

#define FOREIGN_STEP_US (2 * DM_SEC)

enum { STEP_RESTARTS_MAX = 2 }; /* of a step whose process died */

/* ---- begin ---- */

static struct dm_job *add_job(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
                              struct dm_plan_step *step, const struct dm_attempt_row *row)
{
    struct dm_job *j = dm_arena_new(&run->arena, struct dm_job);
    *j = (struct dm_job){.attempt = row->number,
                         .decided_at = row->decided_at,
                         .run = run,
                         .task = task,
                         .step = step,
                         .log_path = row->log_path};
    dm_tick_add_job(t, j);
    return j;
}

static int begin_attempt(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
                         struct dm_plan_step *step, struct dm_job **ret, struct dm_err *reterr)
{
    struct dm_attempt_row row = {
        .run = run->row.id,
        .task = task->row.id,
        .step_id = step ? step->row.id : NULL,
        .try_number = step ? step->row.try_number : task->row.try_number,
        .decided_at = t->now,
        .generation = run->row.generation,
    };
    const char *dir = dm_arena_printf(&t->turn, "logs/%s/%s/%s/%d", run->row.dag_id,
                                      run->row.run_id, task->row.task_id, task->row.map_index);
    DM_TRY(dm_record_attempt(t->store, &run->arena, &row, dir, reterr));
    run->at_work++;
    *ret = add_job(t, run, task, step, &row);
    return 0;
}

int dm_tick_queue_task(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
                       struct dm_err *reterr)
{
    struct dm_job *j;
    DM_TRY(begin_attempt(t, run, task, NULL, &j, reterr));
    DM_TRY(dm_record_xcom_clear(t->store, task->row.id, reterr));
    DM_TRY(dm_record_inputs_clear(t->store, task->row.id, reterr));
    dm_map_source_begins(run, task);
    task->decided = NULL;
    struct dm_task_change c = dm_task_change_of(&task->row);
    c.attempt = j->attempt;
    return dm_tick_set_task(t, run, task, DM_TASK_QUEUED, &c, j, NULL, reterr);
}

int dm_tick_start_step(struct dm_tick *t, struct dm_plan_step *step, struct dm_err *reterr)
{
    struct dm_job *j;
    DM_TRY(begin_attempt(t, step->run, step->task, step, &j, reterr));
    return dm_step_set_state(t->store, &step->row, DM_STEP_RUNNING, j->attempt, NULL, NULL, t->now,
                             reterr);
}

int dm_tick_started(struct dm_tick *t, const struct dm_job *j, int pid, uint64_t pid_start,
                    struct dm_err *reterr)
{
    if (j->callback)
        return dm_record_callback_process(t->store, j->callback->row.id, pid, pid_start, reterr);
    DM_TRY(dm_record_attempt_process(t->store, j->attempt, pid, pid_start, reterr));
    if (j->step)
        return 0;
    struct dm_task_change c = dm_task_change_of(&j->task->row);
    if (c.started_at == DM_NEVER)
        c.started_at = j->decided_at;
    return dm_tick_set_task(t, j->run, j->task, DM_TASK_RUNNING, &c, j, NULL, reterr);
}

/* ---- end ---- */

static int record_objects(struct dm_tick *t, const struct dm_job *j, const struct dm_result *r,
                          struct dm_err *reterr)
{
    int step = j->step ? j->step->row.index : -1;
    /* A failed attempt adds to what is known; only a successful one has removed what it did not write again. */
    if (r->state == DM_RESULT_SUCCESS)
        DM_TRY(dm_record_objects_clear(t->store, j->task->row.id, step, reterr));
    for (size_t i = 0; r->objects && i < r->objects->list.n; i++) {
        const struct dm_value *o = r->objects->list.items[i];
        DM_TRY(dm_record_object(t->store, j->task->row.id, step, dm_map_str(o, "bucket", ""),
                                dm_map_str(o, "key", ""), dm_map_int(o, "bytes", -1), reterr));
    }
    return 0;
}

static int record_end(struct dm_tick *t, const struct dm_job *j, const struct dm_job_end *e,
                      struct dm_err *reterr)
{
    static const enum dm_attempt_state states[] = {
        [DM_RESULT_SUCCESS] = DM_ATTEMPT_SUCCESS,
        [DM_RESULT_FAILED] = DM_ATTEMPT_FAILED,
        [DM_RESULT_SKIPPED] = DM_ATTEMPT_SKIPPED,
        [DM_RESULT_RESCHEDULE] = DM_ATTEMPT_RESCHEDULED,
    };
    struct dm_attempt_end end = {.state = states[e->result.state],
                                 .exit_status = e->exit_status,
                                 .error = e->result.error.code ? &e->result.error : NULL,
                                 .at = t->now,
                                 .cpu_us = e->cpu_us,
                                 .peak_kb = e->peak_kb};
    DM_TRY(dm_record_attempt_end(t->store, j->attempt, &end, reterr));
    return record_objects(t, j, &e->result, reterr);
}

/* A step that nobody here runs (of a run that is not driven) is looked at now and then; the plan cannot see its end. */
static int watch_foreign_step(struct dm_tick *t, struct dm_task_change *c, struct dm_err *reterr)
{
    struct dm_step_row step;
    if (!c->until_step)
        return 0;
    for (size_t i = 0; i < t->snap.n_steps; i++)
        if (strcmp(t->snap.steps[i]->row.id, c->until_step) == 0)
            return 0;
    int found = dm_store_step(t->store, &t->turn, NULL, dm_str_c(c->until_step), &step, reterr);
    DM_TRY(found);
    if (!found || dm_step_finished(step.state))
        return 0;
    if (c->due_at == DM_NEVER || c->due_at > t->now + FOREIGN_STEP_US)
        c->due_at = t->now + FOREIGN_STEP_US;
    c->until_step = NULL;
    return 0;
}

static int end_task(struct dm_tick *t, const struct dm_job *j, const struct dm_result *r,
                    struct dm_err *reterr)
{
    struct dm_plan_task *task = j->task;
    struct dm_task_change c = dm_task_change_of(&task->row);
    enum dm_task_state to = DM_TASK_FAILED;
    struct dm_err *error = NULL;
    bool by_itself = !task->ending; /* else somebody outside decides what it becomes */
    c.due_at = DM_NEVER;
    c.until_step = NULL;
    if (r->state != DM_RESULT_RESCHEDULE)
        c.ended_at = t->now;
    if (r->error.code)
        error = dm_arena_dup(&t->turn, &r->error, sizeof(r->error));
    switch (r->state) {
    case DM_RESULT_SUCCESS:
        to = DM_TASK_SUCCESS;
        break;
    case DM_RESULT_SKIPPED:
        to = DM_TASK_SKIPPED;
        break;
    case DM_RESULT_RESCHEDULE:
        to = DM_TASK_UP_FOR_RESCHEDULE;
        c.due_at = r->until_time;
        c.until_step = r->until_step ? dm_arena_strdup(&j->run->arena, r->until_step) : NULL;
        DM_TRY(watch_foreign_step(t, &c, reterr));
        break;
    case DM_RESULT_FAILED:
        if (!task->ending && r->retry && task->def->retries > 0 &&
            task->row.try_number <= task->row.max_tries) {
            to = DM_TASK_UP_FOR_RETRY;
            DM_TRY(dm_retry_at(task->def, j->run->row.dag_id, j->run->row.logical_date,
                               task->row.try_number, t->now, &c.due_at, reterr));
        }
        break;
    }
    if (task->ending) {
        to = task->end_as;
        c = dm_task_change_ended(&task->row, to, t->now);
        task->ending = NULL;
    }
    DM_TRY(dm_tick_set_task(t, j->run, task, to, &c, j, error, reterr));
    if (!by_itself)
        return 0;
    if (to == DM_TASK_SUCCESS)
        DM_TRY(dm_asset_changed(t, j->run, task, reterr));
    return dm_callbacks_of_task(t, j->run, task, error, reterr);
}

/* ---- what the end of one task does to others ---- */

/* The first task of a fail_stop DAG that failed: nothing else goes on, teardowns excepted. */
static int stop_others(struct dm_tick *t, struct dm_plan_run *run,
                       const struct dm_plan_task *failed, struct dm_err *reterr)
{
    const char *why = dm_arena_printf(&run->arena, "the DAG has fail_stop, and \"%s\" failed",
                                      failed->row.task_id);
    struct dm_plan_task *other;
    for (struct dm_plan_each e = {0}; (other = dm_plan_each(run, &e));) {
        enum dm_task_state s = other->row.state;
        if (other == failed || other->def->is_teardown || s == DM_TASK_SUCCESS ||
            s == DM_TASK_FAILED)
            continue;
        DM_TRY(dm_tick_put_aside(
            t, run, other, s == DM_TASK_RUNNING ? DM_TASK_FAILED : DM_TASK_SKIPPED, why, reterr));
    }
    return 0;
}

/* What was decided, brought about; `skipped` and `record` are dm_decide's. */
static int leave_out(struct dm_tick *t, const struct dm_job *j, const bool *skipped,
                     const struct dm_value *record, struct dm_err *reterr)
{
    const char *why = dm_arena_printf(&j->run->arena, "\"%s\" skipped it", j->task->row.task_id);
    j->task->decided = record;
    DM_TRY(dm_record_xcom(t->store, j->task->row.id, j->attempt, DM_STR(DM_DECISION_KEY),
                          dm_value_json(&t->turn, record), t->now, reterr));
    if (j->task->row.map_index >= 0) /* one of many: it decides for the instances with its index */
        return 0;
    struct dm_plan_task *task;
    for (struct dm_plan_each e = {0}; (task = dm_plan_each(j->run, &e));)
        if (skipped[e.task])
            DM_TRY(dm_tick_put_aside(t, j->run, task, DM_TASK_SKIPPED, why, reterr));
    return 0;
}

static int end_task_and_others(struct dm_tick *t, const struct dm_job *j, struct dm_job_end *e,
                               struct dm_err *reterr)
{
    struct dm_result *r = &e->result;
    const struct dm_value *record = NULL;
    bool *skipped = NULL;
    if (r->state == DM_RESULT_SUCCESS && r->decision && !j->task->ending) {
        skipped = dm_arena_array(&t->turn, bool, j->run->n_tasks + 1);
        if (dm_decide(&j->run->arena, j->run->dag, j->task->def, r->decision, skipped, &record,
                      &r->error) < 0) {
            r->state = DM_RESULT_FAILED;
            r->retry = true;
        }
    }
    DM_TRY(record_end(t, j, e, reterr));
    DM_TRY(end_task(t, j, r, reterr));
    if (j->task->row.state == DM_TASK_SUCCESS && record)
        DM_TRY(leave_out(t, j, skipped, record, reterr));
    if (j->task->row.state == DM_TASK_FAILED && j->run->dag->fail_stop)
        DM_TRY(stop_others(t, j->run, j->task, reterr));
    return 0;
}

static int end_step(struct dm_tick *t, const struct dm_job *j, const struct dm_result *r,
                    struct dm_err *reterr)
{
    struct dm_plan_step *step = j->step;
    bool good = r->state == DM_RESULT_SUCCESS;
    if (step->ending) {
        DM_TRY(dm_tick_cancel_step(t, step, step->ending, reterr));
        dm_tick_sweep_steps(t);
        return 0;
    }
    const char *message = good ? NULL : dm_arena_strdup(&j->run->arena, r->error.message);
    DM_TRY(dm_step_set_state(t->store, &step->row, good ? DM_STEP_COMPLETED : DM_STEP_FAILED,
                             j->attempt, good ? NULL : "NONE", message, t->now, reterr));
    bool cancels = !good && strcmp(step->row.action_on_failure, "CONTINUE") != 0;
    const char *why = dm_arena_printf(&t->turn, "step %s (%s) failed: %s", step->row.id,
                                      step->row.name, message ? message : "");
    for (size_t i = 0; cancels && i < t->snap.n_steps; i++) {
        struct dm_plan_step *other = t->snap.steps[i];
        if (other->row.state == DM_STEP_PENDING &&
            strcmp(other->row.cluster_id, step->row.cluster_id) == 0)
            DM_TRY(dm_tick_cancel_step(t, other, why, reterr));
    }
    dm_tick_sweep_steps(
        t); /* sensors that waited for one of them are due now: the plan sees it gone */
    return 0;
}

static int lose(struct dm_tick *t, const struct dm_job *j, const char *why, struct dm_err *reterr)
{
    DM_TRY(
        dm_record_lost(t->store, j->run->row.id, j->task->row.id, j->attempt, why, t->now, reterr));
    if (j->step)
        return dm_step_set_state(t->store, &j->step->row, DM_STEP_PENDING, j->attempt, NULL, NULL,
                                 t->now, reterr);
    struct dm_task_change c = dm_task_change_of(&j->task->row);
    return dm_tick_set_task(t, j->run, j->task, DM_TASK_SCHEDULED, &c, j, NULL, reterr);
}

int dm_tick_ended(struct dm_tick *t, const struct dm_job *j, const struct dm_job_end *e,
                  struct dm_err *reterr)
{
    struct dm_job_end end = *e;
    if (j->callback)
        return dm_callback_ended(t, j->callback, e, reterr);
    j->run->at_work--;
    if (!j->step)
        return end_task_and_others(t, j, &end, reterr);
    /* Its output is replaced whole when it starts again; a step that kills every process of its own has failed. */
    if (e->died && !j->step->ending && j->step->deaths++ < STEP_RESTARTS_MAX)
        return lose(t, j, e->result.error.message, reterr);
    DM_TRY(record_end(t, j, e, reterr));
    return end_step(t, j, &e->result, reterr);
}

int dm_tick_lost(struct dm_tick *t, const struct dm_job *j, const char *why, struct dm_err *reterr)
{
    if (j->callback)
        return dm_callback_lost(t, j->callback, reterr);
    j->run->at_work--;
    return lose(t, j, why, reterr);
}

/* ---- steps that it hands up ---- */

int dm_tick_steps(struct dm_tick *t, const struct dm_job *j, const char *cluster,
                  const struct dm_step_new *steps, size_t n, const char ***ret_ids,
                  struct dm_err *reterr)
{
    const char **ids;
    DM_TRY(dm_record_steps(t->store, &t->turn, &j->run->row, &j->task->row, cluster, steps, n,
                           t->now, &ids, reterr));
    for (size_t i = 0; i < n; i++) {
        struct dm_step_row row;
        int found = dm_store_step(t->store, &j->run->arena, NULL, dm_str_c(ids[i]), &row, reterr);
        DM_TRY(found);
        if (found && !dm_step_finished(row.state))
            dm_tick_add_step(t, j->run, &row);
    }
    *ret_ids = ids;
    return 0;
}
