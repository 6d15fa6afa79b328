/* Runs that somebody asks for. */
#include "sched/trigger.h"

#include <ctype.h>

#include "sched/activate.h"
#include "sched/clear.h"

/* Airflow's allowed_run_id_pattern, and no other type's prefix. */
static int check_run_id(const char *run_id, struct dm_err *reterr)
{
    static const char *const reserved[] = {"scheduled__", "backfill__", "dataset_triggered__",
                                           "asset_triggered__"};
    size_t n = 0;
    while (isalnum((unsigned char)run_id[n]) || (run_id[n] && strchr("_.~:+-", run_id[n])))
        n++;
    if (n == 0 || run_id[n] || n > DM_DAG_ID_MAX) {
        dm_err_set(reterr, DM_E_INVALID, "\"%s\" cannot be a run id", run_id);
        return dm_err_hint(reterr, "Use letters, digits and _.~:+- only, at most %d.",
                           (int)DM_DAG_ID_MAX);
    }
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        if (strncmp(run_id, reserved[i], strlen(reserved[i])) == 0)
            return dm_err_set(reterr, DM_E_INVALID,
                              "a manual run cannot have a run id that begins with \"%s\"",
                              reserved[i]);
    return 0;
}

/* The run of that date or that id: 1 or 0. */
static int find_same(struct dm_tick *t, const char *dag_id, int64_t logical, const char *run_id,
                     struct dm_run_row *ret, struct dm_err *reterr)
{
    int found = dm_store_run_at(t->store, &t->turn, dag_id, logical, ret, reterr);
    if (found == 0)
        found = dm_store_run_named(t->store, &t->turn, dag_id, dm_str_c(run_id), ret, reterr);
    return found;
}

static int run_again(struct dm_tick *t, const struct dm_plan_dag *d, const struct dm_run_row *row,
                     struct dm_trigger_answer *ret, struct dm_err *reterr)
{
    struct dm_clear all = {.from = row->logical_date, .to = row->logical_date};
    struct dm_cleared *cleared;
    size_t n;
    DM_TRY(dm_clear(t->store, t, &t->turn, d->ref->dag, &all, &cleared, &n, reterr));
    *ret = (struct dm_trigger_answer){.run_id = row->run_id, .logical_date = row->logical_date};
    return 0;
}

int dm_tick_trigger(struct dm_tick *t, const struct dm_trigger *what, struct dm_trigger_answer *ret,
                    struct dm_err *reterr)
{
    struct dm_plan_dag *d = dm_tick_find_dag(t, what->dag_id);
    struct dm_run_row there, row = {.run_type = "manual", .logical_date = what->logical_date};
    struct dm_due due;
    if (!d || !d->ref)
        return dm_err_set(reterr, DM_E_NOTFOUND, "no DAG \"%s\"", what->dag_id);
    if (what->run_id)
        DM_TRY(check_run_id(what->run_id, reterr));
    DM_TRY(dm_params_check(d->ref->dag, what->conf, reterr));
    if (row.logical_date == DM_NEVER)
        row.logical_date = t->now - t->now % DM_SEC;
    row.run_id =
        what->run_id ? what->run_id : dm_tick_name_run(&t->turn, "manual", row.logical_date);
    int found = find_same(t, d->dag_id, row.logical_date, row.run_id, &there, reterr);
    DM_TRY(found);
    if (found && what->logical_date == DM_NEVER && !what->reset) {
        row.logical_date = t->now;
        row.run_id = what->run_id ? what->run_id : dm_tick_name_run(&t->turn, "manual", t->now);
        found = find_same(t, d->dag_id, row.logical_date, row.run_id, &there, reterr);
        DM_TRY(found);
    }
    if (found && what->reset)
        return run_again(t, d, &there, ret, reterr);
    if (found) {
        dm_err_set(reterr, DM_E_EXISTS, "DAG \"%s\" already has the run \"%s\"", d->dag_id,
                   there.run_id);
        return dm_err_hint(reterr, "Clear it to run it again, or choose another date or run id.");
    }
    DM_TRY(dm_timetable_manual(d->ref->dag->timetable, row.logical_date, &due, reterr));
    row.interval_start = due.interval_start;
    row.interval_end = due.interval_end;
    row.conf = what->conf ? dm_str_cstr(&t->turn, dm_value_json(&t->turn, what->conf)) : "{}";
    DM_TRY(dm_tick_add_queued_run(t, d, &row, reterr));
    if (what->note)
        DM_TRY(dm_record_run_note(t->store, row.id, what->note, reterr));
    *ret = (struct dm_trigger_answer){
        .run_id = row.run_id, .logical_date = row.logical_date, .created = true};
    return 0;
}
