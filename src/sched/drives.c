/*
 * Drives: what a command does to the days of a DAG.  Each is a backfill in the store, with its days, so that it can be
 * followed, paused and cancelled by others, and goes on after a crash.
 */
#include "sched/activate.h"
#include "state/memory.h"

static const char *const action_names[] = {
    [DM_DAY_KEEP] = "keep",
    [DM_DAY_CREATE] = "create",
    [DM_DAY_RESUME] = "resume",
    [DM_DAY_RERUN] = "rerun",
};

static int retries_of(const struct dm_dag *dag, const char *task_id)
{
    const struct dm_task *def = dm_task_find(dag, dm_str_c(task_id));
    return def ? def->retries : 0;
}

/* A day that is to be done again: cleared now, so that an interruption leaves it unfinished.  A run that is at work is
   not touched, as in Airflow. */
static int clear_day(struct dm_tick *t, const struct dm_drive *d, const struct dm_day *day,
                     struct dm_err *reterr)
{
    struct dm_run_row run;
    struct dm_task_row *rows;
    size_t n;
    const struct dm_plan_run *known = dm_tick_find_run(t, day->run);
    if (known && known->active)
        return 0;
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
    if (run.state != DM_RUN_QUEUED)
        DM_TRY(dm_run_set_state(t->store, &run, DM_RUN_QUEUED, t->now, reterr));
    return dm_tick_refresh(t, run.id, reterr);
}

static const char *keep(struct dm_plan_drive *p, const char *text)
{
    return text ? dm_arena_strdup(&p->arena, text) : NULL;
}

static struct dm_plan_drive *add_drive(struct dm_tick *t, const struct dm_drive *given)
{
    struct dm_plan_drive *p = dm_calloc(1, sizeof(*p));
    struct dm_snapshot *s = &t->snap;
    struct dm_drive *d = dm_arena_dup(&p->arena, given, sizeof(*given));
    d->run_type = keep(p, given->run_type);
    d->only_task = keep(p, given->only_task);
    d->command = keep(p, given->command);
    d->inputs_dir = NULL; /* its days are chosen */
    d->conf = given->conf ? dm_value_copy(&p->arena, given->conf) : NULL;
    p->of = dm_tick_find_dag(t, d->dag->dag_id);
    p->ref = p->of && p->of->ref && p->of->ref->dag == d->dag ? dm_dag_ref_ref(p->of->ref)
                                                              : dm_dag_ref_new(d->dag);
    p->drive = d;
    s->drives = dm_room(s->drives, s->n_drives, &t->cap_drives, sizeof(*s->drives));
    return s->drives[s->n_drives++] = p;
}

int dm_tick_renew_drives(struct dm_tick *t, const struct dm_plan_dag *dag, struct dm_err *reterr)
{
    for (size_t i = 0; i < t->snap.n_drives; i++) {
        struct dm_plan_drive *d = t->snap.drives[i];
        if (strcmp(d->drive->dag->dag_id, dag->dag_id) != 0 || !dag->ref || d->ref == dag->ref)
            continue;
        dm_dag_ref_unref(d->ref);
        d->ref = dm_dag_ref_ref(dag->ref);
        d->drive->dag = dag->ref->dag;
        DM_TRY(dm_tick_record_generation(t, d->ref, reterr));
    }
    return 0;
}

void dm_tick_free_drive(struct dm_plan_drive *d)
{
    dm_dag_ref_unref(d->ref);
    dm_arena_release(&d->arena);
    free(d);
}

static int record_backfill(struct dm_tick *t, struct dm_plan_drive *p, struct dm_err *reterr)
{
    const struct dm_drive *d = p->drive;
    struct dm_backfill_row row = {
        .dag_id = d->dag->dag_id,
        .command = d->command ? d->command : "",
        .from = d->from,
        .to = d->to,
        .rerun = dm_rerun_name(d->rerun),
        .run_type = d->run_type,
        .backwards = d->backwards,
        .max_active_runs = d->max_active_runs,
        .conf = d->conf ? dm_str_cstr(&t->turn, dm_value_json(&t->turn, d->conf)) : NULL,
        .only_task = d->only_task,
        .map_index = d->one_instance ? d->map_index : -1,
        .state = "running",
    };
    DM_TRY(dm_record_backfill(t->store, &row, t->now, reterr));
    p->backfill = row.id;
    for (size_t i = 0; i < p->n_days; i++) {
        const struct dm_day *day = &p->days[i];
        struct dm_backfill_day_row r = {.position = (int)i,
                                        .logical_date = day->logical_date,
                                        .interval_start = day->due.interval_start,
                                        .interval_end = day->due.interval_end,
                                        .action = action_names[day->action]};
        DM_TRY(dm_record_backfill_day(t->store, p->backfill, &r, reterr));
    }
    return 0;
}

int dm_tick_take_drive(struct dm_tick *t, const struct dm_drive *d, const struct dm_day *days,
                       size_t n_days, int64_t *ret_backfill, struct dm_err *reterr)
{
    struct dm_plan_drive *p = add_drive(t, d);
    DM_TRY(dm_tick_record_generation(t, p->ref, reterr));
    struct dm_day *todo = dm_arena_array(&p->arena, struct dm_day, n_days + 1);
    for (size_t i = 0; i < n_days; i++) {
        const struct dm_day *day = &days[d->backwards ? n_days - 1 - i : i];
        if (day->action == DM_DAY_RERUN)
            DM_TRY(clear_day(t, d, day, reterr));
        if (day->action == DM_DAY_KEEP)
            continue;
        todo[p->n_days] = *day;
        todo[p->n_days++].run_id = keep(p, day->run_id);
    }
    p->days = todo;
    p->first = n_days ? days[0].logical_date : DM_NEVER;
    DM_TRY(record_backfill(t, p, reterr));
    *ret_backfill = p->backfill;
    return 0;
}

/* ---- after a start ---- */

static enum dm_day_action action_of(const struct dm_run_row *run)
{
    if (!run)
        return DM_DAY_CREATE;
    return dm_run_finished(run->state) ? DM_DAY_KEEP : DM_DAY_RESUME;
}

/* What of its days is left: the store says what became of the others. */
static int load_days(struct dm_tick *t, struct dm_plan_drive *p, const struct dm_backfill_row *row,
                     struct dm_err *reterr)
{
    struct dm_backfill_day_row *rows;
    size_t n;
    DM_TRY(dm_store_backfill_days(t->store, &t->turn, row->id, &rows, &n, reterr));
    struct dm_day *days = dm_arena_array(&p->arena, struct dm_day, n + 1);
    p->first = row->from;
    for (size_t i = 0; i < n; i++) {
        struct dm_run_row run;
        struct dm_day *day = &days[p->n_days];
        char iso[DM_TIME_MAX];
        p->first = rows[i].logical_date < p->first ? rows[i].logical_date : p->first;
        if (rows[i].done)
            continue;
        int found =
            dm_store_run_at(t->store, &p->arena, row->dag_id, rows[i].logical_date, &run, reterr);
        DM_TRY(found);
        *day = (struct dm_day){
            .logical_date = rows[i].logical_date,
            .due = {rows[i].interval_start, rows[i].interval_end, rows[i].interval_end},
            .action = action_of(found ? &run : NULL),
            .run = found ? run.id : 0,
            .run_id = found ? run.run_id
                            : dm_arena_printf(&p->arena, "%s__%s", row->run_type,
                                              dm_time_iso(rows[i].logical_date, iso))};
        p->n_days += day->action != DM_DAY_KEEP;
    }
    p->days = days;
    return 0;
}

static int load_drive(struct dm_tick *t, const struct dm_backfill_row *row, struct dm_err *reterr)
{
    const struct dm_plan_dag *dag = dm_tick_find_dag(t, row->dag_id);
    struct dm_value *conf = NULL;
    if (!dag || !dag->ref)
        return 0; /* it waits until its DAG loads again */
    if (row->conf)
        DM_TRY(dm_value_from_json(&t->turn, dm_str_c(row->conf), &conf, reterr));
    int rerun = dm_rerun_parse(dm_str_c(row->rerun));
    struct dm_drive d = {.dag = dag->ref->dag,
                         .from = row->from,
                         .to = row->to,
                         .rerun = rerun < 0 ? DM_RERUN_MISSING : (enum dm_rerun)rerun,
                         .run_type = row->run_type,
                         .conf = conf,
                         .only_task = row->only_task,
                         .one_instance = row->map_index >= 0,
                         .map_index = row->map_index,
                         .keep_failed = true,
                         .backwards = row->backwards,
                         .max_active_runs = row->max_active_runs,
                         .command = row->command};
    struct dm_plan_drive *p = add_drive(t, &d);
    p->backfill = row->id;
    p->paused = strcmp(row->state, "paused") == 0;
    DM_TRY(dm_tick_record_generation(t, p->ref, reterr));
    return load_days(t, p, row, reterr);
}

int dm_tick_load_drives(struct dm_tick *t, struct dm_err *reterr)
{
    struct dm_backfill_row *rows;
    size_t n;
    DM_TRY(dm_store_backfills(t->store, &t->turn, NULL, true, 0, &rows, &n, reterr));
    for (size_t i = n; i-- > 0;) {
        bool here = false;
        for (size_t j = 0; j < t->snap.n_drives; j++)
            here = here || t->snap.drives[j]->backfill == rows[i].id;
        if (!here)
            DM_TRY(load_drive(t, &rows[i], reterr));
    }
    return 0;
}

/* ---- the end ---- */

static bool works_on(const struct dm_tick *t, int64_t backfill)
{
    for (size_t i = 0; i < t->snap.n_drives; i++)
        if (t->snap.drives[i]->backfill == backfill)
            return true;
    return false;
}

/* A command that died left its backfill open: it is over when its last day is done, whoever did that. */
static int end_abandoned(struct dm_tick *t, const char *dag_id, struct dm_err *reterr)
{
    struct dm_backfill_done *done;
    size_t n;
    DM_TRY(dm_store_backfills_done(t->store, &t->turn, dag_id, &done, &n, reterr));
    for (size_t i = 0; i < n; i++)
        if (!works_on(t, done[i].id))
            DM_TRY(dm_record_backfill_state(t->store, done[i].id,
                                            done[i].failed ? "failed" : "success", t->now, reterr));
    return 0;
}

int dm_tick_day_done(struct dm_tick *t, const struct dm_plan_run *run, struct dm_err *reterr)
{
    DM_TRY(dm_record_day_done(t->store, run->row.dag_id, run->row.logical_date, reterr));
    return end_abandoned(t, run->row.dag_id, reterr);
}

/* Its runs that can move go on by themselves, the others are queued again. */
static int end_drive(struct dm_tick *t, size_t at, const char *state, struct dm_err *reterr)
{
    struct dm_snapshot *s = &t->snap;
    struct dm_plan_drive *d = s->drives[at];
    for (size_t i = s->n_runs; i-- > 0;) {
        struct dm_plan_run *run = s->runs[i];
        if (run->drive != d->drive)
            continue;
        if (dm_plan_run_stuck(run)) {
            DM_TRY(dm_tick_put_back(t, run, reterr));
        } else {
            run->drive = NULL;
            dm_tick_count_run(t, run, 1, 1);
        }
    }
    DM_TRY(dm_record_backfill_state(t->store, d->backfill, state, t->now, reterr));
    memmove(&s->drives[at], &s->drives[at + 1], (s->n_drives - at - 1) * sizeof(*s->drives));
    s->n_drives--;
    dm_tick_free_drive(d);
    /* Days that it had cleared and not begun are the schedule's now. */
    return t->limits.schedules ? dm_tick_load_runs(t, reterr) : 0;
}

/* Nothing of the drive can move, nor anything else of its DAG that it may wait for. */
static bool is_blocked(const struct dm_tick *t, const struct dm_plan_drive *d)
{
    size_t active = 0;
    for (size_t i = 0; i < t->snap.n_runs; i++) {
        const struct dm_plan_run *run = t->snap.runs[i];
        if (strcmp(run->row.dag_id, d->drive->dag->dag_id) != 0)
            continue;
        if (!dm_plan_run_stuck(run))
            return false;
        active += run->drive == d->drive;
    }
    return active > 0;
}

int dm_tick_end_drives(struct dm_tick *t, struct dm_err *reterr)
{
    int ended = 0;
    for (size_t i = t->snap.n_drives; i-- > 0;) {
        struct dm_plan_drive *d = t->snap.drives[i];
        size_t active = 0;
        for (size_t j = 0; j < t->snap.n_runs; j++)
            active += t->snap.runs[j]->drive == d->drive;
        const char *state = NULL;
        if (active == 0 && d->next == d->n_days) {
            int failed = dm_store_backfill_failed(t->store, d->backfill, reterr);
            DM_TRY(failed);
            state = failed ? "failed" : "success";
        } else if (t->blocked_drives_end && !d->paused && is_blocked(t, d)) {
            state = "blocked";
        }
        if (!state)
            continue;
        DM_TRY(end_drive(t, i, state, reterr));
        ended++;
    }
    return ended;
}

int dm_tick_leave_drives(struct dm_tick *t, const char *state, struct dm_err *reterr)
{
    for (size_t i = 0; i < t->snap.n_drives; i++)
        DM_TRY(
            dm_record_backfill_state(t->store, t->snap.drives[i]->backfill, state, t->now, reterr));
    return 0;
}

int dm_tick_cancel_drive(struct dm_tick *t, int64_t backfill, struct dm_err *reterr)
{
    for (size_t i = 0; i < t->snap.n_drives; i++) {
        struct dm_plan_drive *d = t->snap.drives[i];
        if (d->backfill == backfill)
            d->n_days = d->next; /* it is there until the days that have begun have ended */
    }
    return dm_record_backfill_state(t->store, backfill, "cancelled", t->now, reterr);
}

int dm_tick_pause_drive(struct dm_tick *t, int64_t backfill, bool paused, struct dm_err *reterr)
{
    for (size_t i = 0; i < t->snap.n_drives; i++)
        if (t->snap.drives[i]->backfill == backfill)
            t->snap.drives[i]->paused = paused;
    return dm_record_backfill_state(t->store, backfill, paused ? "paused" : "running", t->now,
                                    reterr);
}
