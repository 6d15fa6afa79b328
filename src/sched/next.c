/* The next run of a DAG's schedule. */
#include "sched/next.h"

/* Airflow's restriction: a task may start later than its DAG, and where every task has an end the last one counts. */
static void dates_of(const struct dm_dag *dag, int64_t *ret_start, int64_t *ret_end)
{
    int64_t last = DM_NEVER;
    bool all = dag->n_tasks > 0;
    *ret_start = dag->start_date;
    for (size_t i = 0; i < dag->n_tasks; i++) {
        const struct dm_task *task = &dag->tasks[i];
        if (task->start_date != DM_NEVER &&
            (*ret_start == DM_NEVER || task->start_date < *ret_start))
            *ret_start = task->start_date;
        all = all && task->end_date != DM_NEVER;
        if (task->end_date != DM_NEVER && (last == DM_NEVER || task->end_date > last))
            last = task->end_date;
    }
    *ret_end = dag->end_date != DM_NEVER ? dag->end_date : all ? last : DM_NEVER;
}

int dm_dag_next_run(struct dm_store *s, const struct dm_dag *dag, const struct dm_due *after,
                    int64_t now, struct dm_due *ret, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_run_row row;
    struct dm_due last;
    int64_t start, end;
    enum dm_timetable_kind kind = dm_timetable_kind(dag->timetable);
    bool timed = kind != DM_TIMETABLE_NONE && kind != DM_TIMETABLE_ASSET;
    dates_of(dag, &start, &end);
    if (!after && s && timed) { /* it would walk over every manual run */
        int found = dm_store_last_automated(s, &a, dag->dag_id, &row, reterr);
        DM_TRY(found);
        if (found) {
            last = (struct dm_due){row.interval_start, row.interval_end, row.interval_end};
            after = &last;
        }
    }
    return dm_timetable_next(dag->timetable, after, start, end, dag->catchup, now, ret, reterr);
}

int dm_tick_find_next(struct dm_tick *t, struct dm_plan_dag *d, const struct dm_due *after,
                      struct dm_err *reterr)
{
    d->has_next = false;
    t->snap.dags_at = t->now;
    if (!d->ref)
        return 0;
    int found = dm_dag_next_run(t->store, d->ref->dag, after, t->now, &d->next, reterr);
    DM_TRY(found);
    d->has_next = found;
    return 0;
}

int dm_tick_pause_dag(struct dm_tick *t, const char *dag_id, bool paused, struct dm_err *reterr)
{
    struct dm_plan_dag *d = dm_tick_find_dag(t, dag_id);
    DM_TRY(dm_record_dag_paused(t->store, dag_id, paused, t->now, reterr));
    if (!d || d->paused == paused)
        return 0;
    d->paused = paused;
    return dm_tick_find_next(t, d, NULL,
                             reterr); /* without catchup the days of the pause are left out */
}

/* ---- what runs do to it ---- */

int dm_tick_after_backfill_run(struct dm_tick *t, const struct dm_plan_run *run,
                               struct dm_err *reterr)
{
    struct dm_plan_dag *d = run->of;
    bool later = d && d->has_next && run->row.logical_date >= d->next.interval_start;
    return later ? dm_tick_find_next(t, d, NULL, reterr) : 0;
}

int dm_tick_after_run(struct dm_tick *t, const struct dm_plan_run *run, struct dm_err *reterr)
{
    struct dm_plan_dag *d = run->of;
    int limit = run->dag->max_consecutive_failed_dag_runs, failures = 0;
    if (!d)
        return 0;
    if (limit > 0 && run->row.state == DM_RUN_FAILED && !d->paused) {
        DM_TRY(dm_store_recent_failures(t->store, d->dag_id, limit, &failures, reterr));
        if (failures == limit)
            DM_TRY(dm_tick_pause_dag(t, d->dag_id, true, reterr));
    }
    /* What comes next may depend on when this one ended: @continuous, or a DAG that does not catch up. */
    bool late = d->has_next && d->next.run_after <= t->now;
    bool ongoing = dm_timetable_kind(run->dag->timetable) == DM_TIMETABLE_CONTINUOUS;
    return (late && !run->dag->catchup) || ongoing ? dm_tick_find_next(t, d, NULL, reterr) : 0;
}
