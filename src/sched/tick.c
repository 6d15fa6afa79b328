/* Facts and actions, applied. */
#include "sched/tick.h"

#include "sched/activate.h"
#include "sched/asset.h"
#include "sched/callback.h"
#include "sched/decision.h"
#include "sched/mapping.h"
#include "sched/retry.h"

#define FOREIGN_STEP_US (2 * DM_SEC)
#define POOLS_EVERY_US DM_SEC

enum {
    PLAN_ROUNDS_MAX = 100000, /* each round does something; more is a mistake of the plan */
    STEP_RESTARTS_MAX = 2     /* of a step whose process died */
};

void dm_tick_init(struct dm_tick *t, struct dm_store *store, int jobs)
{
    *t = (struct dm_tick){.store = store,
                          .limits = {.jobs = jobs, .callbacks = DM_CALLBACKS_AT_ONCE},
                          .snap = {.dags_at = DM_NEVER},
                          .wake_at = DM_NEVER,
                          .pools_at = DM_NEVER};
    dm_arena_init(&t->turn);
    dm_arena_init(&t->pools);
}

void dm_tick_release(struct dm_tick *t)
{
    dm_store_rollback(t->store);
    for (size_t i = 0; i < t->n_known; i++)
        dm_tick_free_run(t->known[i]);
    for (size_t i = 0; i < t->snap.n_drives; i++)
        dm_tick_free_drive(t->snap.drives[i]);
    dm_tick_free_dags(t);
    dm_callbacks_free(t);
    free(t->known);
    free(t->snap.runs);
    free(t->snap.queued);
    free(t->snap.steps);
    free(t->snap.drives);
    dm_arena_release(&t->turn);
    dm_arena_release(&t->pools);
}

static int read_pools(struct dm_tick *t, struct dm_err *reterr)
{
    struct dm_pool_row *pools;
    if (t->pools_at != DM_NEVER && t->now - t->pools_at < POOLS_EVERY_US)
        return 0;
    dm_arena_reset(&t->pools);
    t->limits.pools = NULL;
    t->limits.n_pools = 0;
    DM_TRY(dm_store_pools(t->store, &t->pools, &pools, &t->limits.n_pools, reterr));
    t->limits.pools = pools;
    t->pools_at = t->now;
    return 0;
}

int dm_tick_begin(struct dm_tick *t, int64_t now, bool durable, struct dm_err *reterr)
{
    dm_arena_reset(&t->turn);
    dm_tick_sweep_runs(t);
    t->now = now;
    t->jobs = NULL;
    t->notes = NULL;
    t->n_jobs = t->cap_jobs = t->n_notes = t->cap_notes = 0;
    DM_TRY(dm_store_begin(t->store, durable, reterr));
    return read_pools(t, reterr);
}

int dm_tick_commit(struct dm_tick *t, struct dm_err *reterr)
{
    return dm_store_commit(t->store, reterr);
}

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

static int set_task(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
                    enum dm_task_state to, const struct dm_task_change *c, const struct dm_job *job,
                    const struct dm_err *error, struct dm_err *reterr)
{
    enum dm_task_state from = task->row.state;
    DM_TRY(dm_task_set_state(t->store, &task->row, to, c, t->now, reterr));
    note_task(t, run, task, from, job, error);
    return 0;
}

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

/* ---- attempts begin ---- */

void dm_tick_add_job(struct dm_tick *t, struct dm_job *j)
{
    t->jobs = dm_arena_room(&t->turn, t->jobs, t->n_jobs, &t->cap_jobs, sizeof(struct dm_job *));
    t->jobs[t->n_jobs++] = j;
}

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

static int queue_task(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_task *task,
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
    return set_task(t, run, task, DM_TASK_QUEUED, &c, j, NULL, reterr);
}

static int start_step(struct dm_tick *t, struct dm_plan_step *step, struct dm_err *reterr)
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
    return set_task(t, j->run, j->task, DM_TASK_RUNNING, &c, j, NULL, reterr);
}

/* ---- attempts end ---- */

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
        c.ended_at = t->now;
        c.due_at = DM_NEVER;
        c.until_step = NULL;
        task->ending = NULL;
    }
    if (to == DM_TASK_NONE) /* cleared while it was at work */
        c.scheduled_at = c.started_at = c.ended_at = DM_NEVER;
    DM_TRY(set_task(t, j->run, task, to, &c, j, error, reterr));
    if (!by_itself)
        return 0;
    if (to == DM_TASK_SUCCESS)
        DM_TRY(dm_asset_changed(t, j->run, task, reterr));
    return dm_callbacks_of_task(t, j->run, task, error, reterr);
}

/* ---- what the end of one task does to others ---- */

/* Its process is to end; what it becomes then outlives this scheduler. */
static int end_at_work(struct dm_tick *t, struct dm_plan_task *task, enum dm_task_state to,
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
    if (task->row.state == DM_TASK_QUEUED || task->row.state == DM_TASK_RUNNING)
        return end_at_work(t, task, to, why, reterr);
    if (task->row.state == to || task->row.state == DM_TASK_REMOVED)
        return 0;
    struct dm_task_change c = dm_task_change_of(&task->row);
    c.ended_at = t->now;
    c.due_at = DM_NEVER;
    c.until_step = NULL;
    return set_task(t, run, task, to, &c, NULL, NULL, reterr);
}

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

static int cancel_step(struct dm_tick *t, struct dm_plan_step *step, const char *why,
                       struct dm_err *reterr)
{
    return dm_step_set_state(t->store, &step->row, DM_STEP_CANCELLED, step->row.attempt, "NONE",
                             why, t->now, reterr);
}

/* Forgets finished steps. */
static void sweep_steps(struct dm_tick *t)
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
            DM_TRY(cancel_step(t, step, why, reterr));
            continue;
        }
        step->ending = why;
        DM_TRY(dm_record_attempt_end_as(t->store, step->row.attempt,
                                        dm_step_state_name(DM_STEP_CANCELLED), reterr));
    }
    sweep_steps(t);
    return 0;
}

static int end_step(struct dm_tick *t, const struct dm_job *j, const struct dm_result *r,
                    struct dm_err *reterr)
{
    struct dm_plan_step *step = j->step;
    bool good = r->state == DM_RESULT_SUCCESS;
    if (step->ending) {
        DM_TRY(cancel_step(t, step, step->ending, reterr));
        sweep_steps(t);
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
            DM_TRY(cancel_step(t, other, why, reterr));
    }
    sweep_steps(t); /* sensors that waited for one of them are due now: the plan sees it gone */
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
    return set_task(t, j->run, j->task, DM_TASK_SCHEDULED, &c, j, NULL, reterr);
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

/* ---- the embedded cluster ---- */

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

/* ---- the plan ---- */

static int set_planned_state(struct dm_tick *t, const struct dm_action *a, struct dm_err *reterr)
{
    if (dm_task_finished(a->task->row.state))
        return 0; /* an expansion of this very pass has ended it */
    struct dm_task_change c = dm_task_change_of(&a->task->row);
    c.due_at = DM_NEVER;
    c.until_step = NULL;
    if (a->to != DM_TASK_SCHEDULED) {
        c.ended_at = t->now;
        return set_task(t, a->run, a->task, a->to, &c, NULL, NULL, reterr);
    }
    c.scheduled_at = t->now;
    c.ended_at = DM_NEVER;
    if (a->task->row.state != DM_TASK_UP_FOR_RESCHEDULE) {
        c.try_number++;
        c.started_at = DM_NEVER;
    }
    return set_task(t, a->run, a->task, a->to, &c, NULL, NULL, reterr);
}

static int apply(struct dm_tick *t, const struct dm_action *a, struct dm_err *reterr)
{
    switch (a->kind) {
    case DM_ACTION_TASK_STATE:
        return set_planned_state(t, a, reterr);
    case DM_ACTION_EXPAND:
        return dm_map_expand(t, a->run, a->task, reterr);
    case DM_ACTION_QUEUE_TASK:
        return queue_task(t, a->run, a->task, reterr);
    case DM_ACTION_END_TASK:
        return end_at_work(t, a->task, DM_TASK_SKIPPED,
                           "the run took longer than its dagrun_timeout", reterr);
    case DM_ACTION_FINISH_RUN:
        return dm_tick_finish_run(t, a->run, a->run_state, a->reason, reterr);
    case DM_ACTION_START_STEP:
        return start_step(t, a->step, reterr);
    case DM_ACTION_START_CALLBACK:
        return dm_callback_start(t, a->callback, reterr);
    case DM_ACTION_NEXT_DAY:
        return dm_tick_next_day(t, a->drive, reterr);
    case DM_ACTION_CREATE_RUN:
        return dm_tick_create_run(t, a->dag, reterr);
    case DM_ACTION_CREATE_ASSET_RUN:
        return dm_asset_create_run(t, a->dag, reterr);
    case DM_ACTION_BEGIN_RUN:
        return dm_tick_begin_run(t, a->run, reterr);
    case DM_ACTION_RENEW_RUN:
        return dm_tick_put_back(t, a->run, reterr);
    }
    return 0;
}

static bool expands(const struct dm_plan *plan)
{
    for (size_t i = 0; i < plan->n_actions; i++)
        if (plan->actions[i].kind == DM_ACTION_EXPAND)
            return true;
    return false;
}

int dm_tick_round(struct dm_tick *t, bool *ret_any, struct dm_err *reterr)
{
    *ret_any = false;
    t->wake_at = DM_NEVER;
    for (int stage = 0; stage < DM_STAGE_COUNT; stage++) {
        struct dm_plan plan = dm_plan(&t->turn, t->now, &t->snap, &t->limits, (enum dm_stage)stage);
        if (t->wake_at == DM_NEVER || (plan.wake_at != DM_NEVER && plan.wake_at < t->wake_at))
            t->wake_at = plan.wake_at;
        t->snap.dags_at = plan.dags_at;
        for (size_t i = 0; i < plan.n_actions; i++)
            DM_TRY(apply(t, &plan.actions[i], reterr));
        *ret_any = *ret_any || plan.n_actions;
        if (expands(&plan)) /* the instances are judged before slots are given */
            return 0;
    }
    return 0;
}

int dm_tick_plan(struct dm_tick *t, struct dm_err *reterr)
{
    for (int round = 0; round < PLAN_ROUNDS_MAX; round++) {
        bool any;
        DM_TRY(dm_tick_round(t, &any, reterr));
        if (any)
            continue;
        int ended = dm_tick_end_drives(t, reterr);
        if (ended <= 0)
            return ended;
        /* else its runs are others' now */
    }
    DM_BUG("the plan does not come to rest");
}

int dm_tick_park(struct dm_tick *t, struct dm_err *reterr)
{
    for (size_t i = 0; i < t->snap.n_runs; i++)
        DM_TRY(dm_tick_set_run(t, t->snap.runs[i], DM_RUN_QUEUED, reterr));
    return 0;
}
