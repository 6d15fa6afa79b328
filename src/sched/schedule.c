/* DAGs that come, change and go, and the runs that their schedules make. */
#include "sched/activate.h"
#include "sched/asset.h"

int dm_tick_set_dag(struct dm_tick *t, const char *dag_id, struct dm_dag_ref *ref, bool paused,
                    struct dm_err *reterr)
{
    struct dm_plan_dag *d = dm_tick_add_dag(t, dag_id);
    bool same = d->ref && ref && strcmp(d->ref->dag->generation, ref->dag->generation) == 0;
    if (!d->known) {
        struct dm_dag_row row = {.paused = paused};
        if (ref)
            DM_TRY(dm_record_dag_seen(t->store, dag_id, ref->dag->file, paused, t->now, reterr));
        int found = dm_store_dag(t->store, &t->turn, dag_id, &row, reterr);
        DM_TRY(found);
        d->paused = row.paused;
        d->known = found;
    }
    dm_dag_ref_unref(d->ref);
    d->ref = ref ? dm_dag_ref_ref(ref) : NULL;
    DM_TRY(dm_asset_watch(t, d, reterr));
    /* A run that waits for its DAG to load was made before it did. */
    for (size_t i = 0; i < t->n_known && !same; i++) {
        struct dm_plan_run *run = t->known[i];
        if (run->of || strcmp(run->row.dag_id, dag_id) != 0)
            continue;
        run->of = d;
        if (!run->drive)
            dm_tick_count_run(t, run, run->queued || run->active, run->active);
    }
    if (same)
        return 0;
    DM_TRY(dm_tick_renew_drives(t, d, reterr));
    return dm_tick_find_next(t, d, NULL, reterr);
}

int dm_tick_create_run(struct dm_tick *t, struct dm_plan_dag *d, struct dm_err *reterr)
{
    struct dm_due due = d->next;
    struct dm_run_row row = {.run_type = "scheduled",
                             .run_id = dm_tick_name_run(&t->turn, "scheduled", due.interval_start),
                             .logical_date = due.interval_start,
                             .interval_start = due.interval_start,
                             .interval_end = due.interval_end,
                             .conf = "{}"};
    struct dm_run_row there;
    int found = dm_store_run_at(t->store, &t->turn, d->dag_id, row.logical_date, &there, reterr);
    DM_TRY(found);
    if (!found) /* else somebody has triggered that very date: it is done, as in Airflow */
        DM_TRY(dm_tick_add_queued_run(t, d, &row, reterr));
    return dm_tick_find_next(t, d, &due, reterr);
}
