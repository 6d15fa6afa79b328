/* DAGs, runs and drives in memory. */
#include "sched/known.h"

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

struct dm_plan_dag *dm_tick_add_dag(struct dm_tick *t, const char *dag_id)
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

void dm_tick_free_assets(struct dm_plan_dag *d)
{
    for (size_t i = 0; i < d->n_assets; i++)
        free((void *)d->assets[i].uri);
    free(d->assets);
    d->assets = NULL;
    d->n_assets = 0;
    d->condition = NULL;
}

void dm_tick_free_dags(struct dm_tick *t)
{
    for (size_t i = 0; i < t->snap.n_dags; i++) {
        dm_tick_free_assets(t->snap.dags[i]);
        dm_dag_ref_unref(t->snap.dags[i]->ref);
        free((void *)t->snap.dags[i]->dag_id);
        free(t->snap.dags[i]);
    }
    free(t->snap.dags);
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

void dm_tick_count_run(struct dm_tick *t, const struct dm_plan_run *run, int unfinished, int active)
{
    if (!run->of)
        return;
    run->of->unfinished += unfinished;
    run->of->active += active;
    t->snap.dags_at = t->now;
}

/* ---- drives ---- */

static const char *keep_text(struct dm_arena *a, const char *text)
{
    return text ? dm_arena_strdup(a, text) : NULL;
}

/* `ref` is what holds given->dag; it is taken over. */
struct dm_plan_drive *dm_tick_add_drive(struct dm_tick *t, const struct dm_drive *given,
                                        struct dm_dag_ref *ref)
{
    struct dm_plan_drive *p = dm_calloc(1, sizeof(*p));
    struct dm_snapshot *s = &t->snap;
    struct dm_drive *d = dm_arena_dup(&p->arena, given, sizeof(*given));
    d->run_type = keep_text(&p->arena, given->run_type);
    d->only_task = keep_text(&p->arena, given->only_task);
    d->command = keep_text(&p->arena, given->command);
    d->inputs_dir = NULL; /* its days are chosen */
    d->conf = given->conf ? dm_value_copy(&p->arena, given->conf) : NULL;
    p->of = dm_tick_find_dag(t, d->dag->dag_id);
    p->ref = ref;
    p->drive = d;
    s->drives = dm_room(s->drives, s->n_drives, &t->cap_drives, sizeof(*s->drives));
    return s->drives[s->n_drives++] = p;
}

void dm_tick_free_drive(struct dm_plan_drive *d)
{
    dm_dag_ref_unref(d->ref);
    dm_arena_release(&d->arena);
    free(d);
}

struct dm_plan_drive *dm_tick_find_drive(const struct dm_tick *t, int64_t backfill)
{
    for (size_t i = 0; i < t->snap.n_drives; i++)
        if (t->snap.drives[i]->backfill == backfill)
            return t->snap.drives[i];
    return NULL;
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

/* Its days are in order, one way or the other. */
static bool has_ahead(const struct dm_plan_drive *d, int64_t logical_date)
{
    size_t low = d->next, high = d->n_days;
    bool back = d->drive->backwards;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int64_t at = d->days[mid].logical_date;
        if (at == logical_date)
            return true;
        if ((at < logical_date) != back)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

bool dm_tick_is_reserved(const struct dm_tick *t, const struct dm_plan_run *run)
{
    for (size_t i = 0; i < t->snap.n_drives; i++)
        if (strcmp(t->snap.drives[i]->drive->dag->dag_id, run->row.dag_id) == 0 &&
            has_ahead(t->snap.drives[i], run->row.logical_date))
            return true;
    return false;
}

void dm_tick_reserve(struct dm_tick *t, const struct dm_plan_drive *d)
{
    for (size_t i = t->snap.n_queued; i-- > 0;) {
        struct dm_plan_run *run = t->snap.queued[i];
        if (strcmp(run->row.dag_id, d->drive->dag->dag_id) == 0 &&
            has_ahead(d, run->row.logical_date))
            dm_tick_dequeue(t, run);
    }
}

/* ---- runs ---- */

struct dm_plan_run *dm_tick_add_run(struct dm_tick *t, const struct dm_run_row *row)
{
    struct dm_plan_run *run = dm_calloc(1, sizeof(*run));
    run->row = *row;
    run->row.dag_id = keep_text(&run->arena, row->dag_id);
    run->row.run_id = keep_text(&run->arena, row->run_id);
    run->row.run_type = keep_text(&run->arena, row->run_type);
    run->row.conf = keep_text(&run->arena, row->conf);
    run->row.generation = keep_text(&run->arena, row->generation);
    run->of = dm_tick_find_dag(t, row->dag_id);
    t->known = dm_room(t->known, t->n_known, &t->cap_known, sizeof(struct dm_plan_run *));
    t->known[t->n_known++] = run;
    return run;
}

struct dm_plan_run *dm_tick_find_run(const struct dm_tick *t, int64_t id)
{
    for (size_t i = t->n_known; i-- > 0;)
        if (t->known[i]->row.id == id)
            return t->known[i];
    return NULL;
}

void dm_tick_free_run(struct dm_plan_run *run)
{
    dm_dag_ref_unref(run->ref);
    dm_arena_release(&run->arena);
    free(run);
}

void dm_tick_sweep_runs(struct dm_tick *t)
{
    size_t n = 0;
    if (!t->garbage)
        return;
    t->garbage = false;
    for (size_t i = 0; i < t->n_known; i++)
        t->known[i]->needed = t->known[i]->active || t->known[i]->queued || t->known[i]->at_work;
    for (size_t i = 0; i < t->snap.n_runs; i++)
        if (t->snap.runs[i]->prev)
            t->snap.runs[i]->prev->needed = true;
    for (size_t i = 0; i < t->snap.n_steps; i++)
        t->snap.steps[i]->run->needed = true;
    for (size_t i = 0; i < t->n_known; i++) {
        if (t->known[i]->needed)
            t->known[n++] = t->known[i];
        else
            dm_tick_free_run(t->known[i]);
    }
    t->n_known = n;
}

/* ---- queued ones ---- */

/* What had begun (and lost its scheduler) goes on first: a restart changes nothing. */
static bool begins_before(const struct dm_plan_run *a, const struct dm_plan_run *b)
{
    bool a_begun = a->row.started_at != DM_NEVER, b_begun = b->row.started_at != DM_NEVER;
    if (a_begun != b_begun)
        return a_begun;
    if (a->row.logical_date != b->row.logical_date)
        return a->row.logical_date < b->row.logical_date;
    return a->row.id < b->row.id;
}

void dm_tick_add_queued(struct dm_tick *t, struct dm_plan_run *run)
{
    struct dm_snapshot *s = &t->snap;
    if (dm_tick_is_reserved(t, run)) {
        t->garbage = true;
        return;
    }
    s->queued = dm_room(s->queued, s->n_queued, &t->cap_queued, sizeof(struct dm_plan_run *));
    size_t at = s->n_queued++;
    for (; at > 0 && begins_before(run, s->queued[at - 1]); at--)
        s->queued[at] = s->queued[at - 1];
    s->queued[at] = run;
    run->queued = true;
    dm_tick_count_run(t, run, 1, 0);
}

void dm_tick_enqueue(struct dm_tick *t, const struct dm_run_row *row)
{
    struct dm_plan_run *run = dm_tick_find_run(t, row->id);
    if (run && (run->queued || run->active))
        return;
    if (!run) /* else it is there as somebody's past */
        run = dm_tick_add_run(t, row);
    dm_tick_add_queued(t, run);
}

void dm_tick_remove_run(struct dm_plan_run **list, size_t *n, const struct dm_plan_run *run)
{
    size_t left = 0;
    for (size_t i = 0; i < *n; i++)
        if (list[i] != run)
            list[left++] = list[i];
    *n = left;
}

void dm_tick_dequeue(struct dm_tick *t, struct dm_plan_run *run)
{
    if (!run->queued)
        return;
    dm_tick_remove_run(t->snap.queued, &t->snap.n_queued, run);
    run->queued = false;
    t->garbage = true;
    dm_tick_count_run(t, run, -1, 0);
}
