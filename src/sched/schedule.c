/* The DAGs that the scheduler knows, and the runs that their schedules and people ask for. */
#include <ctype.h>

#include "sched/activate.h"
#include "sched/asset.h"
#include "sched/clear.h"
#include "sched/trigger.h"

/* ---- DAGs ---- */

static size_t place_of(const struct dm_snapshot *s, const char *dag_id, bool *ret_there)
{
    size_t low = 0, high = s->n_dags;
    *ret_there = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(s->dags[mid]->dag_id, dag_id);
        if (order == 0) {
            *ret_there = true;
            return mid;
        }
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct dm_plan_dag *dm_tick_find_dag(const struct dm_tick *t, const char *dag_id)
{
    bool there;
    size_t at = place_of(&t->snap, dag_id, &there);
    return there ? t->snap.dags[at] : NULL;
}

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

static int find_next(struct dm_tick *t, struct dm_plan_dag *d, const struct dm_due *after,
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

int dm_tick_after_backfill_run(struct dm_tick *t, const struct dm_plan_run *run,
                               struct dm_err *reterr)
{
    struct dm_plan_dag *d = run->of;
    bool later = d && d->has_next && run->row.logical_date >= d->next.interval_start;
    return later ? find_next(t, d, NULL, reterr) : 0;
}

static struct dm_plan_dag *add_dag(struct dm_tick *t, const char *dag_id)
{
    struct dm_snapshot *s = &t->snap;
    bool there;
    size_t at = place_of(s, dag_id, &there);
    if (there)
        return s->dags[at];
    struct dm_plan_dag *d = dm_calloc(1, sizeof(*d));
    d->dag_id = dm_strdup(dag_id);
    s->dags = dm_room(s->dags, s->n_dags, &t->cap_dags, sizeof(*s->dags));
    memmove(&s->dags[at + 1], &s->dags[at], (s->n_dags - at) * sizeof(*s->dags));
    s->dags[at] = d;
    s->n_dags++;
    return d;
}

int dm_tick_set_dag(struct dm_tick *t, const char *dag_id, struct dm_dag_ref *ref, bool paused,
                    struct dm_err *reterr)
{
    struct dm_plan_dag *d = add_dag(t, dag_id);
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
    return find_next(t, d, NULL, reterr);
}

void dm_tick_free_dags(struct dm_tick *t)
{
    for (size_t i = 0; i < t->snap.n_dags; i++) {
        dm_asset_free(t->snap.dags[i]);
        dm_dag_ref_unref(t->snap.dags[i]->ref);
        free((void *)t->snap.dags[i]->dag_id);
        free(t->snap.dags[i]);
    }
    free(t->snap.dags);
}

int dm_tick_pause_dag(struct dm_tick *t, const char *dag_id, bool paused, struct dm_err *reterr)
{
    struct dm_plan_dag *d = dm_tick_find_dag(t, dag_id);
    DM_TRY(dm_record_dag_paused(t->store, dag_id, paused, t->now, reterr));
    if (!d || d->paused == paused)
        return 0;
    d->paused = paused;
    return find_next(t, d, NULL, reterr); /* without catchup the days of the pause are left out */
}

int dm_tick_record_generation(struct dm_tick *t, struct dm_dag_ref *ref, struct dm_err *reterr)
{
    if (ref->recorded)
        return 0;
    _cleanup_strbuf_ struct dm_strbuf normal;
    dm_strbuf_init(&normal, DM_BUF_FRAME);
    dm_dag_to_json(&normal, ref->dag);
    DM_TRY(dm_strbuf_check(&normal, "the normal form of a DAG", reterr));
    DM_TRY(dm_record_generation(t->store, ref->dag->generation, ref->dag->dag_id,
                                dm_strbuf_str(&normal), t->now, reterr));
    ref->recorded = true;
    return 0;
}

void dm_tick_generations_gone(struct dm_tick *t)
{
    for (size_t i = 0; i < t->snap.n_dags; i++)
        if (t->snap.dags[i]->ref)
            t->snap.dags[i]->ref->recorded = false;
    for (size_t i = 0; i < t->snap.n_drives; i++)
        t->snap.drives[i]->ref->recorded = false;
}

int dm_tick_ref_of(struct dm_tick *t, const struct dm_plan_dag *d, const char *generation,
                   struct dm_dag_ref **ret, struct dm_err *reterr)
{
    struct dm_str normal;
    if (d && d->ref && strcmp(d->ref->dag->generation, generation) == 0) {
        *ret = dm_dag_ref_ref(d->ref);
        return 0;
    }
    DM_TRY(dm_store_generation(t->store, &t->turn, generation, &normal, reterr));
    return dm_dag_ref_from_json(normal, ret, reterr);
}

/* ---- what a schedule makes ---- */

void dm_tick_count_run(struct dm_tick *t, const struct dm_plan_run *run, int unfinished, int active)
{
    if (!run->of)
        return;
    run->of->unfinished += unfinished;
    run->of->active += active;
    t->snap.dags_at = t->now;
}

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
    return find_next(t, d, &due, reterr);
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
    return (late && !run->dag->catchup) || ongoing ? find_next(t, d, NULL, reterr) : 0;
}

/* ---- after a start ---- */

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
        DM_TRY(dm_tick_drive_of(t, active[i].backfill, &active[i].run, &drive, reterr));
        DM_TRY(dm_tick_resume_run(t, &active[i], drive, reterr));
    }
    DM_TRY(dm_store_unfinished_runs(t->store, &t->turn, &rows, &n, reterr));
    for (size_t i = 0; i < n; i++)
        dm_tick_enqueue(t, &rows[i]);
    return 0;
}

/* ---- what people ask for ---- */

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
