/* What people do to a running scheduler. */
#include "sched/request.h"
#include "sim.h"

static void request(struct sim *w, const char *kind, const char *body)
{
    struct dm_err err;
    int64_t id;
    sim_must(dm_request_add(w->store, kind, dm_str_c(body), w->now, &id, &err), &err);
}

static long long some_date(struct sim *w)
{
    uint64_t days = (uint64_t)((w->now - w->o.from) / DM_DAY) + 1;
    return (long long)(w->o.from + (int64_t)dm_rng_below(&w->requests, days) * DM_DAY);
}

static const char *some_task(struct sim *w)
{
    return dm_arena_printf(&w->arena, "t%d", (int)dm_rng_below(&w->requests, 9));
}

static const char *yes_or_no(struct sim *w)
{
    return dm_rng_chance(&w->requests, 500) ? "true" : "false";
}

/* A run of the DAG, as text; one that perhaps is not there. */
static const char *some_run(struct sim *w, const char *dag_id)
{
    struct dm_run_filter filter = DM_RUN_FILTER_ALL;
    struct dm_run_row *runs;
    struct dm_err err;
    size_t n;
    filter.dag_id = dag_id;
    filter.newest_first = true;
    filter.limit = 20;
    sim_must(dm_store_runs(w->store, &w->arena, &filter, &runs, &n, &err), &err);
    return n ? runs[dm_rng_below(&w->requests, n)].run_id : "none";
}

static void ask_clear(struct sim *w, const char *dag_id)
{
    long long from = some_date(w);
    request(w, "clear",
            dm_arena_printf(&w->arena,
                            "{\"dag_id\":\"%s\",\"task_ids\":[\"%s\"],\"from\":%lld,\"to\":%lld,"
                            "\"upstream\":%s,\"downstream\":%s,\"only_failed\":%s}",
                            dag_id, some_task(w), from,
                            from + (long long)(dm_rng_below(&w->requests, 10) * DM_DAY),
                            yes_or_no(w), yes_or_no(w), yes_or_no(w)));
}

static void ask_mark(struct sim *w, const char *dag_id)
{
    static const char *const states[] = {"success", "failed", "skipped"};
    request(w, "mark",
            dm_arena_printf(&w->arena,
                            "{\"dag_id\":\"%s\",\"run_id\":\"%s\",\"task_id\":\"%s\","
                            "\"state\":\"%s\",\"upstream\":%s,\"downstream\":%s}",
                            dag_id, some_run(w, dag_id), some_task(w),
                            states[dm_rng_below(&w->requests, 3)], yes_or_no(w), yes_or_no(w)));
}

static void ask_backfill(struct sim *w, const char *dag_id)
{
    static const char *const reruns[] = {"missing", "failed", "stale", "all"};
    long long from = some_date(w);
    request(w, "backfill",
            dm_arena_printf(&w->arena,
                            "{\"dag_id\":\"%s\",\"from\":%lld,\"to\":%lld,\"rerun\":\"%s\","
                            "\"run_type\":\"backfill\",\"backwards\":%s,\"max_active_runs\":%d}",
                            dag_id, from,
                            from + (long long)(dm_rng_below(&w->requests, 20) * DM_DAY),
                            reruns[dm_rng_below(&w->requests, 4)], yes_or_no(w),
                            (int)dm_rng_below(&w->requests, 4)));
}

static void ask_backfill_state(struct sim *w)
{
    static const char *const states[] = {"paused", "running", "cancelled"};
    request(w, "backfill_state",
            dm_arena_printf(&w->arena, "{\"backfill\":%d,\"state\":\"%s\"}",
                            1 + (int)dm_rng_below(&w->requests, 10),
                            states[dm_rng_below(&w->requests, 3)]));
}

static void ask_trigger(struct sim *w, const char *dag_id)
{
    char date[64] = "null";
    if (dm_rng_chance(&w->requests, 500))
        snprintf(date, sizeof(date), "%lld", some_date(w) + (long long)DM_HOUR);
    request(w, "trigger",
            dm_arena_printf(&w->arena, "{\"dag_id\":\"%s\",\"logical_date\":%s,\"reset\":%s}",
                            dag_id, date, yes_or_no(w)));
}

void sim_ask(struct sim *w)
{
    struct sim_dag *d = &w->dags[dm_rng_below(&w->requests, w->o.n_dags)];
    uint64_t what = dm_rng_below(&w->requests, 10);
    switch (what) {
    case 0:
        d->paused = !d->paused;
        request(w, "pause",
                dm_arena_printf(&w->arena, "{\"dag_id\":\"%s\",\"paused\":%s}", d->dag_id,
                                d->paused ? "true" : "false"));
        break;
    case 1:
        d->version++;
        break;
    case 2:
        d->gone = !d->gone && dm_rng_chance(&w->requests, 300);
        break;
    case 3:
    case 4:
        ask_clear(w, d->dag_id);
        break;
    case 5:
        ask_mark(w, d->dag_id);
        break;
    case 6:
        ask_backfill(w, d->dag_id);
        break;
    case 7:
        ask_backfill_state(w);
        break;
    case 8:
        ask_trigger(w, d->dag_id);
        break;
    default:
        request(w, "mark_run",
                dm_arena_printf(&w->arena, "{\"dag_id\":\"%s\",\"run_id\":\"%s\",\"state\":\"%s\"}",
                                d->dag_id, some_run(w, d->dag_id),
                                dm_rng_chance(&w->requests, 500) ? "success" : "failed"));
    }
}

void sim_unpause_all(struct sim *w)
{
    struct dm_backfill_row *rows;
    struct dm_err err;
    size_t n;
    for (size_t i = 0; i < w->o.n_dags; i++) {
        w->dags[i].paused = w->dags[i].gone = false;
        request(
            w, "pause",
            dm_arena_printf(&w->arena, "{\"dag_id\":\"%s\",\"paused\":false}", w->dags[i].dag_id));
    }
    sim_must(dm_store_backfills(w->store, &w->arena, NULL, true, 0, &rows, &n, &err), &err);
    for (size_t i = 0; i < n; i++)
        request(w, "backfill_state",
                dm_arena_printf(&w->arena, "{\"backfill\":%lld,\"state\":\"running\"}",
                                (long long)rows[i].id));
}
