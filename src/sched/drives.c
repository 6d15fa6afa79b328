/*
 * Drives: what a command does to the days of a DAG.  Each is a backfill in the store, with its days, so that it can be
 * followed, paused and cancelled by others, and goes on after a crash.
 */
#include "sched/activate.h"

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
        .first = p->first,
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
                                        .action = dm_day_action_name(day->action)};
        DM_TRY(dm_record_backfill_day(t->store, p->backfill, &r, reterr));
    }
    return 0;
}

int dm_tick_take_drive(struct dm_tick *t, const struct dm_drive *d, const struct dm_day *days,
                       size_t n_days, int64_t *ret_backfill, struct dm_err *reterr)
{
    const struct dm_plan_dag *dag = dm_tick_find_dag(t, d->dag->dag_id);
    struct dm_dag_ref *newest = dag ? dag->ref : NULL;
    struct dm_plan_drive *p = dm_tick_add_drive(
        t, d, newest && newest->dag == d->dag ? dm_dag_ref_ref(newest) : dm_dag_ref_new(d->dag));
    DM_TRY(dm_tick_record_generation(t, p->ref, reterr));
    struct dm_day *todo = dm_arena_array(&p->arena, struct dm_day, n_days + 1);
    for (size_t i = 0; i < n_days; i++) {
        const struct dm_day *day = &days[d->backwards ? n_days - 1 - i : i];
        if (day->action == DM_DAY_RERUN)
            DM_TRY(clear_day(t, d, day, reterr));
        if (day->action == DM_DAY_KEEP)
            continue;
        todo[p->n_days] = *day;
        todo[p->n_days++].run_id = dm_arena_strdup(&p->arena, day->run_id);
    }
    p->days = todo;
    p->first = n_days ? days[0].logical_date : DM_NEVER;
    dm_tick_reserve(t, p);
    DM_TRY(dm_tick_end_abandoned(t, d->dag->dag_id, reterr));
    DM_TRY(record_backfill(t, p, reterr));
    *ret_backfill = p->backfill;
    return 0;
}

/* ---- the end ---- */

/* Days that a drive had cleared and not begun are the schedule's now. */
static int release_days(struct dm_tick *t, struct dm_err *reterr)
{
    return t->limits.schedules ? dm_tick_load_runs(t, reterr) : 0;
}

/* Runs that cannot move are queued again. */
static int end_drive(struct dm_tick *t, size_t at, const char *state, struct dm_err *reterr)
{
    struct dm_snapshot *s = &t->snap;
    struct dm_plan_drive *d = s->drives[at];
    for (size_t i = s->n_runs; i-- > 0;)
        if (s->runs[i]->drive == d->drive)
            DM_TRY(dm_tick_put_back(t, s->runs[i], reterr));
    DM_TRY(dm_record_backfill_state(t->store, d->backfill, state, t->now, reterr));
    memmove(&s->drives[at], &s->drives[at + 1], (s->n_drives - at - 1) * sizeof(*s->drives));
    s->n_drives--;
    dm_tick_free_drive(d);
    return release_days(t, reterr);
}

/* Nothing of the drive can move, nor anything else of its DAG that it may wait for. */
static bool is_blocked(const struct dm_tick *t, const struct dm_plan_drive *d)
{
    size_t active = 0;
    for (size_t i = 0; i < t->snap.n_runs; i++) {
        const struct dm_plan_run *run = t->snap.runs[i];
        if (strcmp(run->row.dag_id, d->drive->dag->dag_id) != 0)
            continue;
        if (!dm_plan_run_stuck(run, t->now))
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
    for (size_t i = 0; i < t->snap.n_runs; i++)
        if (t->snap.runs[i]->drive)
            DM_TRY(dm_record_inactive(t->store, t->snap.runs[i]->row.id, reterr));
    for (size_t i = 0; i < t->snap.n_drives; i++)
        DM_TRY(
            dm_record_backfill_state(t->store, t->snap.drives[i]->backfill, state, t->now, reterr));
    return 0;
}

int dm_tick_cancel_drive(struct dm_tick *t, int64_t backfill, struct dm_err *reterr)
{
    struct dm_plan_drive *d = dm_tick_find_drive(t, backfill);
    DM_TRY(dm_record_backfill_state(t->store, backfill, "cancelled", t->now, reterr));
    if (!d)
        return 0;
    d->n_days = d->next; /* it is there until the days that have begun have ended */
    return release_days(t, reterr);
}

int dm_tick_pause_drive(struct dm_tick *t, int64_t backfill, bool paused, struct dm_err *reterr)
{
    struct dm_plan_drive *d = dm_tick_find_drive(t, backfill);
    if (d)
        d->paused = paused;
    return dm_record_backfill_state(t->store, backfill, paused ? "paused" : "running", t->now,
                                    reterr);
}
