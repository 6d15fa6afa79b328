/*
 * From a day to an active run.  A person's command takes the newest generation for what is still to be done: tasks that
 * are new in it are added, tasks that are gone become `removed`, finished ones are kept, and the run records both.
 */
#include "sched/activate.h"

#include "sched/decision.h"
#include "sched/mapping.h"

static void *grow(struct dm_arena *a, void *old, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return old;
    *cap = *cap ? *cap * 2 : 16;
    void *grown = dm_arena_alloc(a, *cap * size);
    if (n)
        memcpy(grown, old, n * size);
    return grown;
}

static struct dm_plan_run *add_known(struct dm_tick *t, const struct dm_run_row *row)
{
    struct dm_plan_run *run = dm_arena_new(t->arena, struct dm_plan_run);
    run->row = *row;
    t->known = grow(t->arena, t->known, t->n_known, &t->cap_known, sizeof(struct dm_plan_run *));
    t->known[t->n_known++] = run;
    return run;
}

static struct dm_plan_run *find_known(const struct dm_tick *t, int64_t id)
{
    for (size_t i = t->n_known; i-- > 0;)
        if (t->known[i]->row.id == id)
            return t->known[i];
    return NULL;
}

static const char *conf_of(struct dm_tick *t, const struct dm_drive *d)
{
    return d->conf ? dm_str_cstr(t->arena, dm_value_json(t->arena, d->conf)) : "{}";
}

static int create_run(struct dm_tick *t, const struct dm_drive *d, const struct dm_day *day,
                      struct dm_plan_run **ret, struct dm_err *reterr)
{
    struct dm_run_row row = {
        .dag_id = d->dag->dag_id,
        .run_id = day->run_id,
        .run_type = d->run_type,
        .state = DM_RUN_RUNNING,
        .logical_date = day->logical_date,
        .interval_start = day->due.interval_start,
        .interval_end = day->due.interval_end,
        .started_at = t->now,
        .ended_at = DM_NEVER,
        .conf = conf_of(t, d),
        .generation = d->dag->generation,
    };
    DM_TRY(dm_record_run(t->store, &row, t->now, reterr));
    *ret = add_known(t, &row);
    dm_tick_note_run(t, *ret, -1);
    return 0;
}

/* The run of a day that has one; its tasks are filled in by fill_tasks. */
static int take_over(struct dm_tick *t, const struct dm_drive *d, const struct dm_day *day,
                     struct dm_plan_run **ret, struct dm_err *reterr)
{
    struct dm_plan_run *run = find_known(t, day->run);
    if (!run) {
        struct dm_run_row row;
        int found =
            dm_store_run_at(t->store, t->arena, d->dag->dag_id, day->logical_date, &row, reterr);
        DM_TRY(found);
        if (!found)
            return dm_err_set(reterr, DM_E_CONFLICT, "run \"%s\" of DAG \"%s\" is gone",
                              day->run_id, d->dag->dag_id);
        run = add_known(t, &row);
    }
    /* One task alone does not make the run another kind of run. */
    const char *type = d->only_task ? run->row.run_type : d->run_type;
    DM_TRY(dm_record_run_taken(t->store, &run->row, type, d->conf ? conf_of(t, d) : run->row.conf,
                               reterr));
    if (strcmp(run->row.generation, d->dag->generation) != 0)
        DM_TRY(dm_record_run_generation(t->store, &run->row, d->dag->generation,
                                        day->action == DM_DAY_RERUN ? "rerun" : "resumed", t->now,
                                        reterr));
    DM_TRY(dm_tick_set_run(t, run, DM_RUN_RUNNING, reterr));
    *ret = run;
    return 0;
}

static int remove_gone(struct dm_tick *t, const struct dm_dag *dag, struct dm_task_row *row,
                       struct dm_err *reterr)
{
    if (dm_task_find(dag, dm_str_c(row->task_id)) || row->state == DM_TASK_REMOVED)
        return 0;
    struct dm_task_change c = dm_task_change_of(row);
    return dm_task_set_state(t->store, row, DM_TASK_REMOVED, &c, t->now, reterr);
}

/* Whether the task is to be done anew although it is finished. */
static bool wants_clear(const struct dm_drive *d, const struct dm_task_row *row)
{
    if (row->state == DM_TASK_REMOVED)
        return row->map_index <= 0; /* it is back */
    return d->only_task && strcmp(d->only_task, row->task_id) == 0 && row->state != DM_TASK_NONE;
}

static const struct dm_graph *graph_of(struct dm_tick *t, const struct dm_dag *dag)
{
    for (size_t i = 0; i < t->n_graphs; i++)
        if (t->graphs[i]->dag == dag)
            return t->graphs[i];
    t->graphs = grow(t->arena, t->graphs, t->n_graphs, &t->cap_graphs, sizeof(*t->graphs));
    return t->graphs[t->n_graphs++] = dm_graph_make(t->arena, dag);
}

/* What branches of the run decided before. */
static int load_decisions(struct dm_tick *t, struct dm_plan_run *run, struct dm_err *reterr)
{
    struct dm_xcom_of_key *records;
    size_t n;
    DM_TRY(dm_store_xcoms_of_key(t->store, &t->turn, run->row.id, DM_DECISION_KEY, &records, &n,
                                 reterr));
    for (size_t i = 0; i < n; i++) {
        struct dm_plan_task *task = dm_plan_instance(run, records[i].task);
        struct dm_value *record;
        if (!task)
            continue;
        DM_TRY(dm_value_from_json(t->arena, records[i].value, &record, reterr));
        task->decided = record;
    }
    return 0;
}

static bool is_fine(enum dm_task_state s)
{
    return s == DM_TASK_SUCCESS || s == DM_TASK_SKIPPED;
}

/* Whether a finished task handed up steps that the cluster gave up, and somebody still waits for them: another run's
   failure cancels them too, and no sensor could ever see them complete. */
static bool has_dead_steps(const struct dm_plan_run *run, const struct dm_plan_task *task,
                           const struct dm_step_row *steps, size_t n)
{
    bool dead = false, awaited = false;
    struct dm_plan_task *behind;
    for (size_t i = 0; i < n; i++) {
        const struct dm_step_row *s = &steps[i];
        if (s->task == task->row.id && s->try_number == task->row.try_number)
            dead = dead || s->state == DM_STEP_CANCELLED ||
                   (s->state == DM_STEP_FAILED && strcmp(s->action_on_failure, "CONTINUE") != 0);
    }
    for (size_t i = 0; i < task->def->n_downstream; i++)
        for (struct dm_plan_each e = {.task = task->def->downstream[i]};
             (behind = dm_plan_each(run, &e)) && e.task == task->def->downstream[i];)
            awaited = awaited || !is_fine(behind->row.state);
    return dead && awaited;
}

static bool needs_anew(const struct dm_plan_run *run, const struct dm_plan_task *task,
                       const struct dm_step_row *steps, size_t n)
{
    return task->row.state == DM_TASK_FAILED || task->row.state == DM_TASK_UPSTREAM_FAILED ||
           (task->row.state == DM_TASK_SUCCESS && has_dead_steps(run, task, steps, n));
}

/* A day that was left unfinished: what failed in it is done again, and everything after that; the rest is kept.  A
   command that reruns failed days does it again whole, because what it landed may be what failed. */
static int clear_failed(struct dm_tick *t, struct dm_plan_run *run, const struct dm_drive *d,
                        struct dm_err *reterr)
{
    bool any = false;
    /* Some instance of the task; all of them, because of something before it. */
    bool *anew = dm_arena_array(&t->turn, bool, run->n_tasks + 1);
    bool *behind = dm_arena_array(&t->turn, bool, run->n_tasks + 1);
    struct dm_step_row *steps;
    size_t n;
    DM_TRY(dm_store_steps(t->store, &t->turn, NULL, run->row.id, false, &steps, &n, reterr));
    struct dm_plan_task *task;
    for (size_t i = 0; i < run->n_tasks; i++) {
        const struct dm_task *def = run->tasks[i].def;
        for (size_t j = 0; j < def->n_upstream; j++)
            behind[i] = behind[i] || anew[def->upstream[j]];
        anew[i] = behind[i];
        for (struct dm_plan_each e = {.task = i}; (task = dm_plan_each(run, &e)) && e.task == i;)
            anew[i] = anew[i] || needs_anew(run, task, steps, n);
        any = any || anew[i];
    }
    bool whole = any && d->rerun != DM_RERUN_MISSING;
    for (struct dm_plan_each e = {0}; (task = dm_plan_each(run, &e));)
        if (task->row.state != DM_TASK_REMOVED &&
            (whole || behind[e.task] || needs_anew(run, task, steps, n)))
            DM_TRY(dm_tick_clear_task(t->store, &t->turn, &task->row, task->def->retries, t->now,
                                      reterr));
    return 0;
}

/* Task instances of the run by index in the DAG. */
static int fill_tasks(struct dm_tick *t, struct dm_plan_run *run, const struct dm_drive *d,
                      bool is_new, struct dm_err *reterr)
{
    const struct dm_dag *dag = d->dag;
    struct dm_task_row *rows = NULL;
    size_t n_rows = 0;
    if (!is_new)
        DM_TRY(dm_store_tasks(t->store, t->arena, run->row.id, &rows, &n_rows, reterr));
    for (size_t i = 0; i < n_rows; i++)
        DM_TRY(remove_gone(t, dag, &rows[i], reterr));
    run->dag = dag;
    run->graph = graph_of(t, dag);
    run->n_tasks = dag->n_tasks;
    run->tasks = dm_arena_array(t->arena, struct dm_plan_task, dag->n_tasks + 1);
    for (size_t i = 0; i < dag->n_tasks; i++) {
        struct dm_plan_task *task = &run->tasks[i];
        task->def = &dag->tasks[i];
        DM_TRY(dm_map_load(t, run, task, rows, n_rows, reterr));
        struct dm_plan_task *one;
        for (struct dm_plan_each e = {.task = i}; (one = dm_plan_each(run, &e)) && e.task == i;)
            if (wants_clear(d, &one->row))
                DM_TRY(dm_tick_clear_task(t->store, &t->turn, &one->row, one->def->retries, t->now,
                                          reterr));
        DM_TRY(dm_map_settle(t, run, task, reterr));
    }
    return is_new || d->only_task || d->keep_failed ? 0 : clear_failed(t, run, d, reterr);
}

/* The run before, for depends_on_past; manual runs count only where the DAG does not catch up. */
static int link_past(struct dm_tick *t, struct dm_plan_run *run, struct dm_err *reterr)
{
    bool wanted = false;
    for (size_t i = 0; i < run->n_tasks; i++)
        wanted =
            wanted || run->tasks[i].def->depends_on_past || run->tasks[i].def->wait_for_downstream;
    if (!wanted || run->ignore_past)
        return 0;
    struct dm_run_row row;
    int found = dm_store_run_before(t->store, t->arena, run->row.dag_id, run->row.logical_date,
                                    !run->dag->catchup, &row, reterr);
    DM_TRY(found);
    if (!found)
        return 0;
    run->prev = find_known(t, row.id);
    if (!run->prev) {
        struct dm_task_row *rows;
        run->prev = add_known(t, &row);
        DM_TRY(dm_store_tasks(t->store, t->arena, row.id, &rows, &run->prev->n_tasks, reterr));
        run->prev->tasks = dm_arena_array(t->arena, struct dm_plan_task, run->prev->n_tasks + 1);
        for (size_t i = 0; i < run->prev->n_tasks; i++)
            run->prev->tasks[i].row = rows[i];
    }
    for (size_t i = 0; i < run->n_tasks; i++) {
        int past = dm_store_task_in_past(t->store, run->row.dag_id, run->row.logical_date,
                                         run->tasks[i].row.task_id, reterr);
        DM_TRY(past);
        struct dm_plan_task *one;
        for (struct dm_plan_each e = {.task = i}; (one = dm_plan_each(run, &e)) && e.task == i;)
            one->in_past = past;
    }
    return 0;
}

static int load_steps(struct dm_tick *t, struct dm_plan_run *run, struct dm_err *reterr)
{
    struct dm_step_row *steps;
    size_t n;
    DM_TRY(dm_store_steps(t->store, t->arena, NULL, run->row.id, true, &steps, &n, reterr));
    for (size_t i = 0; i < n; i++)
        dm_tick_add_step(t, run, &steps[i]);
    return 0;
}

int dm_tick_activate(struct dm_tick *t, struct dm_plan_drive *d, struct dm_err *reterr)
{
    const struct dm_day *day = &d->days[d->next++];
    struct dm_plan_run *run = NULL;
    bool is_new = day->action == DM_DAY_CREATE;
    if (is_new)
        DM_TRY(create_run(t, d->drive, day, &run, reterr));
    else
        DM_TRY(take_over(t, d->drive, day, &run, reterr));
    run->drive = d->drive;
    run->ignore_past = day->logical_date == d->first;
    DM_TRY(fill_tasks(t, run, d->drive, is_new, reterr));
    DM_TRY(link_past(t, run, reterr));
    if (!is_new) {
        DM_TRY(load_decisions(t, run, reterr));
        DM_TRY(load_steps(t, run, reterr));
    }
    run->active = true;
    run->active_since = t->now;
    t->snap.runs =
        grow(t->arena, t->snap.runs, t->snap.n_runs, &t->cap_runs, sizeof(struct dm_plan_run *));
    t->snap.runs[t->snap.n_runs++] = run;
    return 0;
}

/* ---- before the first plan ---- */

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

static int retries_of(const struct dm_dag *dag, const char *task_id)
{
    const struct dm_task *def = dm_task_find(dag, dm_str_c(task_id));
    return def ? def->retries : 0;
}

/* A day that is to be done again: cleared now, so that an interruption leaves it unfinished. */
static int clear_day(struct dm_tick *t, const struct dm_drive *d, const struct dm_day *day,
                     struct dm_err *reterr)
{
    struct dm_run_row run;
    struct dm_task_row *rows;
    size_t n;
    int found =
        dm_store_run_at(t->store, &t->turn, d->dag->dag_id, day->logical_date, &run, reterr);
    DM_TRY(found);
    if (!found)
        return 0;
    DM_TRY(dm_store_tasks(t->store, &t->turn, run.id, &rows, &n, reterr));
    for (size_t i = 0; i < n; i++)
        if (rows[i].state != DM_TASK_REMOVED)
            DM_TRY(dm_tick_clear_task(t->store, &t->turn, &rows[i],
                                      retries_of(d->dag, rows[i].task_id), t->now, reterr));
    if (run.state == DM_RUN_QUEUED)
        return 0;
    return dm_run_set_state(t->store, &run, DM_RUN_QUEUED, t->now, reterr);
}

static int take_drive(struct dm_tick *t, const struct dm_drive *d, const struct dm_day *days,
                      size_t n_days, struct dm_plan_drive *ret, struct dm_err *reterr)
{
    _cleanup_strbuf_ struct dm_strbuf normal;
    dm_strbuf_init(&normal, DM_BUF_FRAME);
    dm_dag_to_json(&normal, d->dag);
    DM_TRY(dm_strbuf_check(&normal, "the normal form of a DAG", reterr));
    DM_TRY(dm_record_generation(t->store, d->dag->generation, d->dag->dag_id,
                                dm_strbuf_str(&normal), t->now, reterr));
    struct dm_day *todo = dm_arena_array(t->arena, struct dm_day, n_days + 1);
    size_t n = 0;
    for (size_t i = 0; i < n_days; i++) {
        if (days[i].action == DM_DAY_RERUN)
            DM_TRY(clear_day(t, d, &days[i], reterr));
        if (days[i].action != DM_DAY_KEEP)
            todo[n++] = days[i];
    }
    *ret = (struct dm_plan_drive){
        .drive = d, .days = todo, .n_days = n, .first = n_days ? days[0].logical_date : DM_NEVER};
    return 0;
}

int dm_tick_take_drives(struct dm_tick *t, const struct dm_drive *drives,
                        struct dm_day *const *days, const size_t *n_days, size_t n, int64_t now,
                        struct dm_err *reterr)
{
    t->snap.drives = dm_arena_array(t->arena, struct dm_plan_drive, n + 1);
    t->snap.n_drives = n;
    DM_TRY(dm_tick_begin(t, now, false, reterr));
    for (size_t i = 0; i < n; i++)
        DM_TRY(take_drive(t, &drives[i], days[i], n_days[i], &t->snap.drives[i], reterr));
    return dm_tick_commit(t, reterr);
}
