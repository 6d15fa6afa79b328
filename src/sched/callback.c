/* Callbacks: made, started, ended. */
#include "sched/callback.h"

#include "proc/lease.h"
#include "sched/change.h"
#include "sched/known.h"

/* ---- in memory ---- */

static void free_callback(struct dm_plan_callback *c)
{
    dm_dag_ref_unref(c->run.ref);
    dm_arena_release(&c->run.arena);
    free(c);
}

void dm_callbacks_free(struct dm_tick *t)
{
    for (size_t i = 0; i < t->snap.n_callbacks; i++)
        free_callback(t->snap.callbacks[i]);
    free(t->snap.callbacks);
}

static void remove_callback(struct dm_tick *t, struct dm_plan_callback *c)
{
    size_t n = 0;
    for (size_t i = 0; i < t->snap.n_callbacks; i++)
        if (t->snap.callbacks[i] != c)
            t->snap.callbacks[n++] = t->snap.callbacks[i];
    t->snap.n_callbacks = n;
    free_callback(c);
}

static const char *keep(struct dm_plan_callback *c, const char *text)
{
    return text ? dm_arena_strdup(&c->run.arena, text) : NULL;
}

static struct dm_run_row keep_run(struct dm_plan_callback *c, const struct dm_run_row *row)
{
    struct dm_run_row r = *row;
    r.dag_id = keep(c, row->dag_id);
    r.run_id = keep(c, row->run_id);
    r.run_type = keep(c, row->run_type);
    r.conf = keep(c, row->conf);
    r.generation = keep(c, row->generation);
    return r;
}

static void keep_row(struct dm_plan_callback *c, const struct dm_callback_row *row)
{
    struct dm_callback_row *r = &c->row;
    *r = *row;
    r->dag_id = c->run.row.dag_id;
    r->run_id = c->run.row.run_id;
    r->task_id = keep(c, row->task_id);
    r->key = keep(c, row->key);
    r->generation = c->run.row.generation;
    r->task_state = keep(c, row->task_state);
    r->exception = keep(c, row->exception);
    r->reason = keep(c, row->reason);
    r->error = NULL;
    r->log_path = keep(c, row->log_path);
}

/* The `position`-th callback with that key of the task (or of the run). */
static const struct dm_callback *find(const struct dm_dag *dag, const struct dm_task *task,
                                      const struct dm_callback_row *row)
{
    const struct dm_callback *list = row->task ? task->callbacks : dag->callbacks;
    size_t n = row->task ? task->n_callbacks : dag->n_callbacks;
    int position = 0;
    for (size_t i = 0; i < n; i++)
        if (strcmp(dm_callback_key(list[i].on), row->key) == 0 && position++ == row->position)
            return &list[i];
    return NULL;
}

/* The task as its callback sees it. */
static void set_task(struct dm_plan_callback *c, const struct dm_task *of,
                     const struct dm_callback *spec)
{
    const struct dm_callback_row *row = &c->row;
    c->def = *of;
    c->def.operator_name = spec->operator_name;
    c->def.args = spec->args;
    c->def.expand = c->def.expand_kwargs = NULL;
    c->def.callbacks = NULL;
    c->def.n_callbacks = 0;
    c->def.do_xcom_push = false;
    c->def.execution_timeout_us = DM_CALLBACK_TIMEOUT_US;
    c->task.def = &c->def;
    c->task.row = (struct dm_task_row){
        .id = row->task,
        .run = row->run,
        .task_id = row->task_id ? dm_arena_printf(&c->run.arena, "%s %s", row->task_id, row->key)
                                : row->key,
        .map_index = row->map_index,
        .operator_name = spec->operator_name,
        .try_number = row->try_number,
        .max_tries = row->max_tries,
    };
}

/* Takes over the reference.  NULL where its generation has no such callback. */
static struct dm_plan_callback *add(struct dm_tick *t, const struct dm_run_row *run,
                                    struct dm_dag_ref *ref, const struct dm_callback_row *row)
{
    struct dm_plan_callback *c = dm_calloc(1, sizeof(*c));
    const struct dm_dag *dag = ref->dag;
    c->run.ref = ref;
    c->run.dag = dag;
    c->run.graph = ref->graph;
    c->run.row = keep_run(c, run);
    c->run.row.generation = keep(c, row->generation);
    keep_row(c, row);
    const struct dm_task *task = row->task      ? dm_task_find(dag, dm_str_c(row->task_id))
                                 : dag->n_tasks ? &dag->tasks[dag->n_tasks - 1]
                                                : NULL;
    const struct dm_callback *spec = task ? find(dag, task, row) : NULL;
    if (!spec) {
        free_callback(c);
        return NULL;
    }
    set_task(c, task, spec);
    t->snap.callbacks = dm_room(t->snap.callbacks, t->snap.n_callbacks, &t->cap_callbacks,
                                sizeof(struct dm_plan_callback *));
    t->snap.callbacks[t->snap.n_callbacks++] = c;
    return c;
}

/* ---- made ---- */

/* All callbacks of `list` for `on`; `row` says the rest. */
static int make(struct dm_tick *t, const struct dm_plan_run *run, const struct dm_callback *list,
                size_t n, enum dm_callback_on on, struct dm_callback_row row, const char *log_dir,
                struct dm_err *reterr)
{
    row.run = run->row.id;
    row.key = dm_callback_key(on);
    row.generation = run->row.generation;
    row.position = 0;
    for (size_t i = 0; i < n; i++) {
        if (list[i].on != on)
            continue;
        DM_TRY(dm_record_callback(t->store, &t->turn, &row, log_dir, t->now, reterr));
        if (!add(t, &run->row, dm_dag_ref_ref(run->ref), &row))
            DM_BUG("callback %d of %s is not in its own generation", row.position, row.key);
        row.position++;
    }
    return 0;
}

int dm_callbacks_of_task(struct dm_tick *t, const struct dm_plan_run *run,
                         const struct dm_plan_task *task, const struct dm_err *error,
                         struct dm_err *reterr)
{
    const struct dm_task *def = task->def;
    enum dm_callback_on on = DM_ON_COUNT;
    if (def->n_callbacks == 0)
        return 0;
    if (task->row.state == DM_TASK_SUCCESS)
        on = DM_ON_SUCCESS;
    else if (task->row.state == DM_TASK_FAILED)
        on = DM_ON_FAILURE;
    else if (task->row.state == DM_TASK_UP_FOR_RETRY)
        on = DM_ON_RETRY;
    else if (task->row.state == DM_TASK_SKIPPED)
        on = DM_ON_SKIPPED;
    if (on == DM_ON_COUNT)
        return 0; /* a sensor that waits on, a task that was cleared: nothing follows */
    struct dm_callback_row row = {.task = task->row.id,
                                  .task_id = task->row.task_id,
                                  .map_index = task->row.map_index,
                                  .max_tries = task->row.max_tries,
                                  .task_state = dm_task_state_name(task->row.state),
                                  .try_number = task->row.try_number};
    if (on == DM_ON_FAILURE || on == DM_ON_RETRY)
        row.exception = error ? error->message : NULL;
    const char *dir = dm_arena_printf(&t->turn, "logs/%s/%s/%s/%d", run->row.dag_id,
                                      run->row.run_id, task->row.task_id, task->row.map_index);
    return make(t, run, def->callbacks, def->n_callbacks, on, row, dir, reterr);
}

int dm_callbacks_of_run(struct dm_tick *t, const struct dm_plan_run *run, const char *reason,
                        struct dm_err *reterr)
{
    const struct dm_dag *dag = run->dag;
    bool good = run->row.state == DM_RUN_SUCCESS;
    struct dm_callback_row row = {.map_index = -1, .try_number = 1, .reason = reason};
    if (dag->n_callbacks == 0 || dag->n_tasks == 0)
        return 0;
    const char *dir = dm_arena_printf(&t->turn, "logs/%s/%s", run->row.dag_id, run->row.run_id);
    return make(t, run, dag->callbacks, dag->n_callbacks, good ? DM_ON_SUCCESS : DM_ON_FAILURE, row,
                dir, reterr);
}

/* ---- after a start ---- */

static int load_one(struct dm_tick *t, struct dm_callback_row *row, struct dm_err *reterr)
{
    struct dm_run_row run;
    struct dm_dag_ref *ref;
    int found =
        dm_store_run_named(t->store, &t->turn, row->dag_id, dm_str_c(row->run_id), &run, reterr);
    DM_TRY(found);
    run.generation = row->generation;
    DM_TRY(dm_tick_ref_of(t, dm_tick_find_dag(t, row->dag_id), run.generation, &ref, reterr));
    if (add(t, &run, ref, row))
        return 0;
    return dm_callback_set_state(t->store, row, DM_CALLBACK_FAILED,
                                 "its generation of the DAG has no such callback", t->now, reterr);
}

int dm_tick_load_callbacks(struct dm_tick *t, struct dm_err *reterr)
{
    struct dm_callback_row *rows;
    size_t n;
    DM_TRY(dm_store_callbacks(t->store, &t->turn, 0, &rows, &n, reterr));
    for (size_t i = 0; i < n; i++)
        DM_TRY(load_one(t, &rows[i], reterr));
    return 0;
}

/* ---- processes ---- */

int dm_callback_start(struct dm_tick *t, struct dm_plan_callback *c, struct dm_err *reterr)
{
    DM_TRY(dm_callback_set_state(t->store, &c->row, DM_CALLBACK_RUNNING, NULL, t->now, reterr));
    struct dm_job *j = dm_arena_new(&c->run.arena, struct dm_job);
    *j = (struct dm_job){.attempt = DM_LEASE_OF_CALLBACK(c->row.id),
                         .decided_at = t->now,
                         .run = &c->run,
                         .task = &c->task,
                         .callback = c,
                         .log_path = c->row.log_path};
    dm_tick_add_job(t, j);
    return 0;
}

static void tell_failure(struct dm_tick *t, const struct dm_plan_callback *c,
                         const struct dm_err *error)
{
    struct dm_loop_callback_event *e = dm_arena_new(&t->turn, struct dm_loop_callback_event);
    struct dm_arena *a = &t->turn;
    *e = (struct dm_loop_callback_event){
        .dag_id = dm_arena_strdup(a, c->row.dag_id),
        .run_id = dm_arena_strdup(a, c->row.run_id),
        .task_id = c->row.task_id ? dm_arena_strdup(a, c->row.task_id) : NULL,
        .key = dm_arena_strdup(a, c->row.key),
        .error = dm_arena_dup(a, error, sizeof(*error)),
        .log_path = dm_arena_strdup(a, c->row.log_path)};
    dm_tick_add_note(t, NULL)->callback = e;
}

int dm_callback_ended(struct dm_tick *t, struct dm_plan_callback *c, const struct dm_job_end *e,
                      struct dm_err *reterr)
{
    struct dm_err error = e->result.error;
    bool good = e->result.state == DM_RESULT_SUCCESS || e->result.state == DM_RESULT_SKIPPED;
    if (e->result.state == DM_RESULT_RESCHEDULE)
        dm_err_set(&error, DM_E_UNSUPPORTED, "a callback cannot wait");
    DM_TRY(dm_callback_set_state(t->store, &c->row, good ? DM_CALLBACK_SUCCESS : DM_CALLBACK_FAILED,
                                 good ? NULL : error.message, t->now, reterr));
    if (!good)
        tell_failure(t, c, &error);
    remove_callback(t, c);
    return 0;
}

int dm_callback_lost(struct dm_tick *t, struct dm_plan_callback *c, struct dm_err *reterr)
{
    return dm_callback_set_state(t->store, &c->row, DM_CALLBACK_PENDING, NULL, t->now, reterr);
}
