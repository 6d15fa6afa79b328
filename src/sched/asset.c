/* Runs by assets. */
#include "sched/asset.h"

#include "lang/asset.h"
#include "sched/activate.h"
#include "state/asset.h"

/* ---- what a DAG waits for ---- */

static struct dm_plan_asset *find(const struct dm_plan_dag *d, const char *uri)
{
    for (size_t i = 0; i < d->n_assets; i++)
        if (strcmp(d->assets[i].uri, uri) == 0)
            return &d->assets[i];
    return NULL;
}

/* The queue is that of the store; what the DAG no longer waits for leaves it. */
static int load_queue(struct dm_tick *t, struct dm_plan_dag *d, struct dm_err *reterr)
{
    struct dm_asset_queue_row *rows;
    size_t n;
    DM_TRY(dm_store_asset_queue(t->store, &t->turn, d->dag_id, &rows, &n, reterr));
    for (size_t i = 0; i < n; i++) {
        struct dm_plan_asset *a = find(d, rows[i].uri);
        if (a)
            a->at = rows[i].at;
        else
            DM_TRY(dm_record_asset_unqueued(t->store, d->dag_id, rows[i].uri, reterr));
    }
    return 0;
}

int dm_asset_watch(struct dm_tick *t, struct dm_plan_dag *d, struct dm_err *reterr)
{
    struct dm_str *uris;
    bool waited = d->condition;
    dm_tick_free_assets(d);
    d->condition = d->ref ? dm_asset_condition(d->ref->dag->schedule) : NULL;
    if (!d->condition) /* a DAG that is gone may come back */
        return waited && d->ref ? dm_record_asset_unqueued(t->store, d->dag_id, NULL, reterr) : 0;
    uris = dm_asset_uris(&t->turn, d->condition, &d->n_assets);
    d->assets = dm_calloc(d->n_assets + 1, sizeof(*d->assets));
    for (size_t i = 0; i < d->n_assets; i++)
        d->assets[i] =
            (struct dm_plan_asset){.uri = strndup(uris[i].p, uris[i].len), .at = DM_NEVER};
    t->snap.dags_at = t->now;
    return load_queue(t, d, reterr);
}

/* ---- what tasks change ---- */

static int deliver(struct dm_tick *t, const char *uri, int64_t at, struct dm_err *reterr)
{
    for (size_t i = 0; i < t->snap.n_dags; i++) {
        struct dm_plan_dag *d = t->snap.dags[i];
        struct dm_plan_asset *a = d->condition && !d->paused ? find(d, uri) : NULL;
        if (!a || a->at != DM_NEVER)
            continue;
        DM_TRY(dm_record_asset_queued(t->store, d->dag_id, uri, at, reterr));
        a->at = at;
        t->snap.dags_at = t->now;
    }
    return 0;
}

int dm_asset_changed(struct dm_tick *t, const struct dm_plan_run *run,
                     const struct dm_plan_task *task, struct dm_err *reterr)
{
    const struct dm_value *outlets = task->def->outlets;
    struct dm_str uri;
    for (size_t i = 0; outlets && i < outlets->list.n; i++) {
        if (!dm_asset_uri(outlets->list.items[i], &uri))
            continue;
        const char *text = dm_str_cstr(&t->turn, uri);
        DM_TRY(dm_record_asset_event(t->store, text, run->row.id, task->row.id, t->limits.schedules,
                                     t->now, reterr));
        if (t->limits.schedules)
            DM_TRY(deliver(t, text, t->now, reterr));
    }
    return 0;
}

int dm_tick_load_assets(struct dm_tick *t, struct dm_err *reterr)
{
    struct dm_asset_event_row *events;
    struct dm_asset_queue_row *queue;
    size_t n, n_queue;
    DM_TRY(dm_store_asset_queue(t->store, &t->turn, NULL, &queue, &n_queue, reterr));
    for (size_t i = 0; i < n_queue; i++) {
        const struct dm_plan_dag *d = dm_tick_find_dag(t, queue[i].dag_id);
        if (d && d->ref && !d->condition) /* it waited for assets when it was last seen */
            DM_TRY(dm_record_asset_unqueued(t->store, queue[i].dag_id, NULL, reterr));
    }
    DM_TRY(dm_store_new_asset_events(t->store, &t->turn, &events, &n, reterr));
    for (size_t i = 0; i < n; i++)
        DM_TRY(deliver(t, events[i].uri, events[i].at, reterr));
    return n ? dm_record_asset_events_delivered(t->store, reterr) : 0;
}

/* ---- the run ---- */

struct triggering {
    struct dm_run_row *row;
    int64_t *events;
    size_t n, cap;
};

/* Makes the data interval span that of the event's run. */
static void span(struct triggering *g, const struct dm_asset_event_row *e)
{
    bool known = e->interval_start != DM_NEVER;
    int64_t start = known ? e->interval_start : e->at, end = known ? e->interval_end : e->at;
    if (g->n == 0 || start < g->row->interval_start)
        g->row->interval_start = start;
    if (g->n == 0 || end > g->row->interval_end)
        g->row->interval_end = end;
}

static int gather(struct dm_tick *t, const struct dm_plan_dag *d, int64_t to, struct triggering *g,
                  struct dm_err *reterr)
{
    struct dm_asset_event_row *events;
    int64_t after = DM_NEVER;
    size_t n;
    DM_TRY(dm_store_triggered_before(t->store, d->dag_id, to, &after, reterr));
    for (size_t i = 0; i < d->n_assets; i++) {
        DM_TRY(dm_store_asset_events(t->store, &t->turn, d->assets[i].uri, after, to, &events, &n,
                                     reterr));
        for (size_t j = 0; j < n; j++) {
            if (g->n == g->cap) {
                int64_t *grown = dm_arena_array(&t->turn, int64_t, g->cap = g->cap * 2 + 16);
                if (g->n)
                    memcpy(grown, g->events, g->n * sizeof(*grown));
                g->events = grown;
            }
            span(g, &events[j]);
            g->events[g->n++] = events[j].id;
        }
    }
    return 0;
}

/* The date is the run's name: where a person has made one of that very instant it is the next free one. */
static int free_date(struct dm_tick *t, const struct dm_plan_dag *d, int64_t *at,
                     struct dm_err *reterr)
{
    struct dm_run_row there;
    for (;; (*at)++) {
        int found = dm_store_run_at(t->store, &t->turn, d->dag_id, *at, &there, reterr);
        if (found <= 0)
            return found;
    }
}

int dm_asset_create_run(struct dm_tick *t, struct dm_plan_dag *d, struct dm_err *reterr)
{
    int64_t at = DM_NEVER;
    for (size_t i = 0; i < d->n_assets; i++)
        if (d->assets[i].at != DM_NEVER && (at == DM_NEVER || d->assets[i].at > at))
            at = d->assets[i].at;
    struct dm_run_row row = {
        .run_type = DM_RUN_BY_ASSETS, .interval_start = at, .interval_end = at, .conf = "{}"};
    struct triggering g = {.row = &row};
    DM_TRY(gather(t, d, at, &g, reterr));
    DM_TRY(free_date(t, d, &at, reterr));
    row.logical_date = at;
    row.run_id = dm_tick_name_run(&t->turn, DM_RUN_BY_ASSETS, at);
    DM_TRY(dm_tick_add_queued_run(t, d, &row, reterr));
    for (size_t i = 0; i < g.n; i++)
        DM_TRY(dm_record_run_asset_event(t->store, row.id, g.events[i], reterr));
    for (size_t i = 0; i < d->n_assets; i++)
        d->assets[i].at = DM_NEVER;
    return dm_record_asset_unqueued(t->store, d->dag_id, NULL, reterr);
}
