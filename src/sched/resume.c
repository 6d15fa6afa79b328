/* After a start: what was at work goes on. */
#include "sched/activate.h"

/* The days whose turn has not come yet; what has become of them meanwhile is seen when it comes. */
static int load_days(struct dm_tick *t, struct dm_plan_drive *p, const struct dm_backfill_row *row,
                     struct dm_err *reterr)
{
    struct dm_backfill_day_row *rows;
    size_t n;
    DM_TRY(dm_store_backfill_days(t->store, &t->turn, row->id, &rows, &n, reterr));
    struct dm_day *days = dm_arena_array(&p->arena, struct dm_day, n + 1);
    for (size_t i = 0; i < n && row->ended_at == DM_NEVER; i++) {
        const struct dm_backfill_day_row *r = &rows[i];
        int action = dm_day_action_parse(dm_str_c(r->action));
        if (r->begun)
            continue;
        days[p->n_days++] =
            (struct dm_day){.logical_date = r->logical_date,
                            .due = {r->interval_start, r->interval_end, r->interval_end},
                            .action = action < 0 ? DM_DAY_RESUME : (enum dm_day_action)action,
                            .run_id = dm_tick_name_run(&p->arena, row->run_type, r->logical_date)};
    }
    p->days = days;
    return 0;
}

/* `ref` is taken over. */
static int load_drive(struct dm_tick *t, const struct dm_backfill_row *row, struct dm_dag_ref *ref,
                      struct dm_plan_drive **ret, struct dm_err *reterr)
{
    struct dm_value *conf = NULL;
    int rerun = dm_rerun_parse(dm_str_c(row->rerun));
    struct dm_drive d = {.dag = ref->dag,
                         .from = row->from,
                         .to = row->to,
                         .rerun = rerun < 0 ? DM_RERUN_MISSING : (enum dm_rerun)rerun,
                         .run_type = row->run_type,
                         .only_task = row->only_task,
                         .one_instance = row->map_index >= 0,
                         .map_index = row->map_index,
                         .backwards = row->backwards,
                         .max_active_runs = row->max_active_runs,
                         .command = row->command};
    int rc = row->conf ? dm_value_from_json(&t->turn, dm_str_c(row->conf), &conf, reterr) : 0;
    d.conf = conf;
    struct dm_plan_drive *p = dm_tick_add_drive(t, &d, ref);
    DM_TRY(rc);
    p->backfill = row->id;
    p->paused = strcmp(row->state, "paused") == 0;
    p->first = row->first;
    DM_TRY(dm_tick_record_generation(t, p->ref, reterr));
    *ret = p;
    DM_TRY(load_days(t, p, row, reterr));
    dm_tick_reserve(t, p);
    return 0;
}

int dm_tick_load_drives(struct dm_tick *t, struct dm_err *reterr)
{
    struct dm_backfill_row *rows;
    size_t n;
    DM_TRY(dm_store_backfills(t->store, &t->turn, NULL, true, 0, &rows, &n, reterr));
    for (size_t i = n; i-- > 0;) {
        const struct dm_plan_dag *dag = dm_tick_find_dag(t, rows[i].dag_id);
        struct dm_plan_drive *made;
        /* Without its DAG it waits until that loads again. */
        if (dag && dag->ref && !dm_tick_find_drive(t, rows[i].id))
            DM_TRY(load_drive(t, &rows[i], dm_dag_ref_ref(dag->ref), &made, reterr));
    }
    return 0;
}

static int drive_of(struct dm_tick *t, int64_t backfill, const struct dm_run_row *run,
                    struct dm_plan_drive **ret, struct dm_err *reterr)
{
    struct dm_backfill_row row;
    struct dm_dag_ref *ref;
    *ret = dm_tick_find_drive(t, backfill);
    if (*ret || !backfill)
        return 0;
    /* It is cancelled, or its DAG is gone: its run goes on to the end. */
    int found = dm_store_backfill(t->store, &t->turn, backfill, &row, reterr);
    DM_TRY(found);
    if (!found)
        return 0;
    DM_TRY(dm_tick_ref_of(t, dm_tick_find_dag(t, run->dag_id), run->generation, &ref, reterr));
    return load_drive(t, &row, ref, ret, reterr);
}

int dm_tick_load_runs(struct dm_tick *t, struct dm_err *reterr)
{
    struct dm_active_row *active;
    struct dm_run_row *rows;
    size_t n;
    DM_TRY(dm_store_active_runs(t->store, &t->turn, &active, &n, reterr));
    for (size_t i = 0; i < n; i++) {
        const struct dm_plan_run *run = dm_tick_find_run(t, active[i].run.id);
        const char *dag_id = active[i].run.dag_id;
        struct dm_plan_drive *drive;
        if (run && run->active)
            continue;
        if (!dm_tick_find_dag(t, dag_id)) /* its file is gone: it goes on, unless it is paused */
            DM_TRY(dm_tick_set_dag(t, dag_id, NULL, false, reterr));
        DM_TRY(drive_of(t, active[i].backfill, &active[i].run, &drive, reterr));
        DM_TRY(dm_tick_resume_run(t, &active[i], drive, reterr));
    }
    DM_TRY(dm_store_unfinished_runs(t->store, &t->turn, &rows, &n, reterr));
    for (size_t i = 0; i < n; i++)
        dm_tick_enqueue(t, &rows[i]);
    return 0;
}
