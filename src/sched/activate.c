/*
 * From a day to an active run.  A person's command takes the newest generation for what is still to be done: tasks that
 * are new in it are added, tasks that are gone become `removed`, finished ones are kept, and the run records both.
 */
#include "sched/activate.h"

#include "sched/callback.h"
#include "sched/decision.h"
#include "sched/mapping.h"

static const char *keep(struct dm_plan_run *run, const char *text)
{
    return text ? dm_arena_strdup(&run->arena, text) : NULL;
}

/* ---- a queued run ---- */

int dm_tick_add_queued_run(struct dm_tick *t, struct dm_plan_dag *d, struct dm_run_row *row,
                           struct dm_err *reterr)
{
    DM_TRY(dm_tick_record_generation(t, d->ref, reterr));
    row->dag_id = d->dag_id;
    row->state = DM_RUN_QUEUED;
    row->started_at = row->ended_at = DM_NEVER;
    row->generation = d->ref->dag->generation;
    DM_TRY(dm_record_run(t->store, row, t->now, reterr));
    struct dm_plan_run *run = dm_tick_add_run(t, row);
    dm_tick_add_queued(t, run);
    dm_tick_note_run(t, run, -1);
    return dm_tick_relink(t, run, reterr);
}

const char *dm_tick_name_run(struct dm_arena *a, const char *type, int64_t logical)
{
    char iso[DM_TIME_MAX];
    return dm_arena_printf(a, "%s__%s", type, dm_time_iso(logical, iso));
}

/* ---- days that are done ---- */

int dm_tick_end_abandoned(struct dm_tick *t, const char *dag_id, struct dm_err *reterr)
{
    struct dm_backfill_done *done;
    size_t n;
    DM_TRY(dm_store_backfills_done(t->store, &t->turn, dag_id, &done, &n, reterr));
    for (size_t i = 0; i < n; i++)
        if (!dm_tick_find_drive(t, done[i].id))
            DM_TRY(dm_record_backfill_state(t->store, done[i].id,
                                            done[i].failed ? "failed" : "success", t->now, reterr));
    return 0;
}

static int end_day(struct dm_tick *t, const char *dag_id, int64_t logical_date,
                   struct dm_err *reterr)
{
    DM_TRY(dm_record_day_done(t->store, dag_id, logical_date, reterr));
    return dm_tick_end_abandoned(t, dag_id, reterr);
}

/* ---- the run of a day ---- */

static const char *conf_of(struct dm_tick *t, const struct dm_drive *d)
{
    return d->conf ? dm_str_cstr(&t->turn, dm_value_json(&t->turn, d->conf)) : "{}";
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
    *ret = dm_tick_add_run(t, &row);
    dm_tick_note_run(t, *ret, -1);
    DM_TRY(dm_tick_relink(t, *ret, reterr));
    return dm_tick_after_backfill_run(t, *ret, reterr);
}

/* A run that is queued or somebody's past, out of the store where it is not in memory. */
static int find_run(struct dm_tick *t, const struct dm_drive *d, const struct dm_day *day,
                    struct dm_plan_run **ret, struct dm_err *reterr)
{
    struct dm_run_row row;
    *ret = dm_tick_find_run(t, day->run);
    if (*ret)
        return 0;
    int found =
        dm_store_run_at(t->store, &t->turn, d->dag->dag_id, day->logical_date, &row, reterr);
    DM_TRY(found);
    if (!found)
        return dm_err_set(reterr, DM_E_CONFLICT, "run \"%s\" of DAG \"%s\" is gone", day->run_id,
                          d->dag->dag_id);
    *ret = dm_tick_find_run(t, row.id);
    if (!*ret)
        *ret = dm_tick_add_run(t, &row);
    return 0;
}

/* The run is the drive's from now on. */
static int take_over(struct dm_tick *t, const struct dm_drive *d, struct dm_plan_run *run,
                     struct dm_err *reterr)
{
    /* One task alone does not make the run another kind of run. */
    const char *type = d->only_task ? run->row.run_type : d->run_type;
    const char *conf = d->conf ? keep(run, conf_of(t, d)) : run->row.conf;
    DM_TRY(dm_record_run_taken(t->store, &run->row, keep(run, type), conf, reterr));
    return dm_tick_after_backfill_run(t, run, reterr);
}

/* The run of a day that has one and is not at work; its tasks are filled in by fill_tasks. */
static int take_up(struct dm_tick *t, const struct dm_drive *d, const struct dm_day *day,
                   struct dm_plan_run *run, struct dm_err *reterr)
{
    DM_TRY(take_over(t, d, run, reterr));
    if (strcmp(run->row.generation, d->dag->generation) != 0)
        DM_TRY(dm_record_run_generation(t->store, &run->row, keep(run, d->dag->generation),
                                        day->action == DM_DAY_RERUN ? "rerun" : "resumed", t->now,
                                        reterr));
    return dm_tick_set_run(t, run, DM_RUN_RUNNING, reterr);
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
    return d && d->only_task && strcmp(d->only_task, row->task_id) == 0 &&
           (!d->one_instance || row->map_index == d->map_index) && row->state != DM_TASK_NONE;
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
        DM_TRY(dm_value_from_json(&run->arena, records[i].value, &record, reterr));
        task->decided = record;
    }
    return 0;
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
            awaited = awaited || !dm_task_fine(behind->row.state);
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

/* How a run becomes active. */
enum beginning {
    MADE,     /* it is new */
    TAKEN_UP, /* a drive does what of it is to be done */
    GOES_ON,  /* as the store has it */
};

/* Task instances of the run by index in the DAG. */
static int fill_tasks(struct dm_tick *t, struct dm_plan_run *run, enum beginning how,
                      struct dm_err *reterr)
{
    const struct dm_drive *d = how == TAKEN_UP ? run->drive : NULL;
    const struct dm_dag *dag = run->ref->dag;
    struct dm_task_row *rows = NULL;
    size_t n_rows = 0;
    if (how != MADE)
        DM_TRY(dm_store_tasks(t->store, &run->arena, run->row.id, &rows, &n_rows, reterr));
    for (size_t i = 0; i < n_rows; i++)
        DM_TRY(remove_gone(t, dag, &rows[i], reterr));
    run->dag = dag;
    run->graph = run->ref->graph;
    run->n_tasks = dag->n_tasks;
    run->tasks = dm_arena_array(&run->arena, struct dm_plan_task, dag->n_tasks + 1);
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
    return !d || d->only_task || d->keep_failed ? 0 : clear_failed(t, run, d, reterr);
}

/* The run before, as far as it is needed as somebody's past. */
static int load_past(struct dm_tick *t, const struct dm_run_row *row, struct dm_plan_run **ret,
                     struct dm_err *reterr)
{
    struct dm_task_row *rows;
    struct dm_plan_run *prev = dm_tick_find_run(t, row->id);
    if (!prev)
        prev = dm_tick_add_run(t, row);
    *ret = prev;
    if (prev->active)
        return 0;
    DM_TRY(dm_store_tasks(t->store, &prev->arena, row->id, &rows, &prev->n_tasks, reterr));
    prev->tasks = dm_arena_array(&prev->arena, struct dm_plan_task, prev->n_tasks + 1);
    for (size_t i = 0; i < prev->n_tasks; i++)
        prev->tasks[i].row = rows[i];
    return 0;
}

/* The run before, for depends_on_past; manual runs count only where the DAG does not catch up. */
static int link_past(struct dm_tick *t, struct dm_plan_run *run, struct dm_err *reterr)
{
    bool wanted = false;
    for (size_t i = 0; i < run->n_tasks; i++)
        wanted =
            wanted || run->tasks[i].def->depends_on_past || run->tasks[i].def->wait_for_downstream;
    run->prev = NULL;
    if (!wanted || run->ignore_past)
        return 0;
    struct dm_run_row row;
    int found = dm_store_run_before(t->store, &t->turn, run->row.dag_id, run->row.logical_date,
                                    !run->dag->catchup, &row, reterr);
    DM_TRY(found);
    if (!found)
        return 0;
    DM_TRY(load_past(t, &row, &run->prev, reterr));
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

int dm_tick_relink(struct dm_tick *t, const struct dm_plan_run *added, struct dm_err *reterr)
{
    for (size_t i = 0; i < t->snap.n_runs; i++) {
        struct dm_plan_run *run = t->snap.runs[i];
        if (run->row.logical_date <= added->row.logical_date ||
            (run->prev && run->prev->row.logical_date > added->row.logical_date) ||
            strcmp(run->row.dag_id, added->row.dag_id) != 0)
            continue;
        t->garbage = true; /* what was its past may be nobody's by now */
        DM_TRY(link_past(t, run, reterr));
    }
    return 0;
}

/* Those at work excepted, they are the steps of the tasks as they are now. */
static int load_steps(struct dm_tick *t, struct dm_plan_run *run, struct dm_err *reterr)
{
    struct dm_step_row *steps;
    struct dm_snapshot *s = &t->snap;
    size_t n, left = 0;
    for (size_t i = 0; i < s->n_steps; i++)
        if (s->steps[i]->run != run || s->steps[i]->row.state == DM_STEP_RUNNING)
            s->steps[left++] = s->steps[i];
    s->n_steps = left;
    DM_TRY(dm_store_steps(t->store, &run->arena, NULL, run->row.id, true, &steps, &n, reterr));
    for (size_t i = 0; i < n; i++)
        dm_tick_add_step(t, run, &steps[i]);
    return 0;
}

/* Everything but the row is there now, or made; the store's list of active runs is the caller's. */
static int activate(struct dm_tick *t, struct dm_plan_run *run, struct dm_plan_drive *d,
                    enum beginning how, struct dm_err *reterr)
{
    struct dm_snapshot *s = &t->snap;
    dm_tick_dequeue(t, run);
    run->drive = d ? d->drive : NULL;
    run->ignore_past = d && run->row.logical_date == d->first;
    DM_TRY(fill_tasks(t, run, how, reterr));
    DM_TRY(link_past(t, run, reterr));
    if (how != MADE) {
        DM_TRY(load_decisions(t, run, reterr));
        DM_TRY(load_steps(t, run, reterr));
    }
    run->active = true;
    run->active_since = t->now;
    s->runs = dm_room(s->runs, s->n_runs, &t->cap_runs, sizeof(struct dm_plan_run *));
    s->runs[s->n_runs++] = run;
    return 0;
}

static void set_ref(struct dm_plan_run *run, struct dm_dag_ref *ref)
{
    dm_dag_ref_unref(run->ref);
    run->ref = ref;
}

/* What has become of the day since the drive was made: a schedule, a person or another drive may have been there. */
static int look_again(struct dm_tick *t, const struct dm_plan_drive *d, struct dm_day *day,
                      struct dm_err *reterr)
{
    struct dm_run_row row;
    int found =
        dm_store_run_at(t->store, &t->turn, d->drive->dag->dag_id, day->logical_date, &row, reterr);
    DM_TRY(found);
    if (!found) {
        day->action = DM_DAY_CREATE;
        return 0;
    }
    day->run = row.id;
    if (day->action == DM_DAY_CREATE)
        day->action = DM_DAY_RESUME;
    if (dm_run_finished(row.state) && !d->drive->only_task)
        day->action = DM_DAY_KEEP;
    return 0;
}

int dm_tick_next_day(struct dm_tick *t, struct dm_plan_drive *d, struct dm_err *reterr)
{
    struct dm_day day = d->days[d->next++];
    struct dm_plan_run *run = NULL;
    DM_TRY(look_again(t, d, &day, reterr));
    bool is_new = day.action == DM_DAY_CREATE;
    DM_TRY(dm_record_day_begun(t->store, d->backfill, day.logical_date, reterr));
    if (day.action == DM_DAY_KEEP)
        return end_day(t, d->drive->dag->dag_id, day.logical_date, reterr);
    DM_TRY(dm_tick_record_generation(t, d->ref, reterr));
    if (is_new)
        DM_TRY(create_run(t, d->drive, &day, &run, reterr));
    else
        DM_TRY(find_run(t, d->drive, &day, &run, reterr));
    if (run->active && run->drive)
        return 0; /* another drive has it */
    if (run->active) {
        dm_tick_count_run(t, run, -1, -1);
        run->drive = d->drive;
        run->ignore_past = day.logical_date == d->first;
        DM_TRY(dm_record_active(t->store, run->row.id, run->active_since, d->backfill, reterr));
        return take_over(t, d->drive, run, reterr);
    }
    if (!is_new)
        DM_TRY(take_up(t, d->drive, &day, run, reterr));
    set_ref(run, dm_dag_ref_ref(d->ref));
    DM_TRY(dm_record_active(t->store, run->row.id, t->now, d->backfill, reterr));
    return activate(t, run, d, is_new ? MADE : TAKEN_UP, reterr);
}

int dm_tick_begin_run(struct dm_tick *t, struct dm_plan_run *run, struct dm_err *reterr)
{
    struct dm_dag_ref *ref;
    DM_TRY(dm_tick_ref_of(t, run->of, run->row.generation, &ref, reterr));
    set_ref(run, ref);
    DM_TRY(dm_tick_set_run(t, run, DM_RUN_RUNNING, reterr));
    DM_TRY(dm_record_active(t->store, run->row.id, t->now, 0, reterr));
    DM_TRY(activate(t, run, NULL, GOES_ON, reterr));
    dm_tick_count_run(t, run, 1, 1);
    return 0;
}

int dm_tick_resume_run(struct dm_tick *t, const struct dm_active_row *row, struct dm_plan_drive *d,
                       struct dm_err *reterr)
{
    struct dm_plan_run *run = dm_tick_find_run(t, row->run.id);
    struct dm_dag_ref *ref;
    if (!run) /* else it is there as somebody's past */
        run = dm_tick_add_run(t, &row->run);
    DM_TRY(dm_tick_ref_of(t, run->of, run->row.generation, &ref, reterr));
    set_ref(run, ref);
    DM_TRY(dm_tick_set_run(t, run, DM_RUN_RUNNING, reterr));
    DM_TRY(activate(t, run, d, GOES_ON, reterr));
    run->active_since = row->since;
    run->marked = row->mark >= 0;
    if (run->marked)
        run->mark = (enum dm_run_state)row->mark;
    if (!d)
        dm_tick_count_run(t, run, 1, 1);
    return 0;
}

/* ---- the end ---- */

static struct dm_plan_drive *drive_of(const struct dm_tick *t, const struct dm_plan_run *run)
{
    for (size_t i = 0; i < t->snap.n_drives; i++)
        if (t->snap.drives[i]->drive == run->drive)
            return t->snap.drives[i];
    return NULL;
}

int dm_tick_renew_run(struct dm_tick *t, struct dm_plan_run *run, struct dm_err *reterr)
{
    struct dm_plan_drive *d = drive_of(t, run);
    struct dm_dag_ref *ref;
    DM_TRY(dm_tick_ref_of(t, run->of, run->row.generation, &ref, reterr));
    set_ref(run, ref);
    run->renew = false;
    dm_tick_remove_run(t->snap.runs, &t->snap.n_runs, run);
    DM_TRY(dm_record_active(t->store, run->row.id, t->now, d ? d->backfill : 0, reterr));
    return activate(t, run, d, GOES_ON, reterr);
}

static void deactivate(struct dm_tick *t, struct dm_plan_run *run)
{
    if (!run->drive)
        dm_tick_count_run(t, run, -1, -1);
    run->active = run->renew = run->marked = false;
    run->drive = NULL;
    run->prev = NULL;
    dm_tick_remove_run(t->snap.runs, &t->snap.n_runs, run);
    t->garbage = true;
}

int dm_tick_finish_run(struct dm_tick *t, struct dm_plan_run *run, enum dm_run_state to,
                       const char *reason, struct dm_err *reterr)
{
    DM_TRY(dm_tick_set_run(t, run, to, reterr));
    if (reason)
        DM_TRY(dm_callbacks_of_run(t, run, reason, reterr));
    DM_TRY(end_day(t, run->row.dag_id, run->row.logical_date, reterr));
    if (!dm_run_finished(to)) /* of a task alone */
        DM_TRY(dm_record_inactive(t->store, run->row.id, reterr));
    deactivate(t, run);
    return dm_tick_after_run(t, run, reterr);
}

int dm_tick_put_back(struct dm_tick *t, struct dm_plan_run *run, struct dm_err *reterr)
{
    DM_TRY(dm_tick_set_run(t, run, DM_RUN_QUEUED, reterr));
    DM_TRY(dm_record_inactive(t->store, run->row.id, reterr));
    deactivate(t, run);
    dm_tick_add_queued(t, run);
    return 0;
}

/* ---- changed from outside ---- */

int dm_tick_refresh(struct dm_tick *t, int64_t id, struct dm_err *reterr)
{
    struct dm_plan_run *run = dm_tick_find_run(t, id), *again;
    struct dm_run_row row;
    if (!run || run->active)
        return 0;
    int found = dm_store_run_at(t->store, &run->arena, run->row.dag_id, run->row.logical_date, &row,
                                reterr);
    DM_TRY(found);
    if (found)
        run->row = row;
    if (run->row.state != DM_RUN_QUEUED) /* marked before it began */
        dm_tick_dequeue(t, run);
    return run->tasks ? load_past(t, &run->row, &again, reterr) : 0;
}
