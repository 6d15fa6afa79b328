/*
 * Kind `intervals`: which runs a DAG creates up to a moment, the one it waits for then, and the interval of a manual
 * run, as Airflow's DAG.next_dagrun_info and infer_manual_data_interval gave them (golden/airflow/intervals.jsonl).
 */
#include "golden.h"

#include "lang/timetable.h"
#include "lang/zone.h"

static const struct dm_value *shown(struct dm_arena *a, int64_t us)
{
    char buf[DM_TIME_MAX];
    return dm_value_cstr(a, dm_time_isoz(us, buf));
}

static int64_t instant(const struct dm_value *v, const char *key)
{
    int64_t us;
    return dm_time_parse(dm_map_str(v, key, ""), &us) ? us : DM_NEVER;
}

static const struct dm_value *due_value(struct dm_arena *a, const struct dm_due *due)
{
    char buf[DM_TIME_MAX];
    struct dm_value *m = dm_value_map(a);
    dm_map_set(a, m, "logical_date", shown(a, due->interval_start));
    dm_map_set(a, m, "start", shown(a, due->interval_start));
    dm_map_set(a, m, "end", shown(a, due->interval_end));
    dm_map_set(a, m, "run_id",
               dm_value_cstr(
                   a, dm_arena_printf(a, "scheduled__%s", dm_time_iso(due->interval_start, buf))));
    dm_map_set(a, m, "run_after", shown(a, due->run_after));
    return m;
}

/* The DAG's window: its own dates; without them the earliest start of a task, and the last end if every task has one. */
static void window(const struct dm_value *v, const struct dm_zone *zone, int64_t *start,
                   int64_t *end)
{
    const struct dm_value *tasks = dm_map_at(v, "tasks");
    int64_t s = instant(v, "start_date"), e = instant(v, "end_date"), last = DM_NEVER;
    size_t n_ends = 0;
    *start = s == DM_NEVER ? s : dm_zone_instant(zone, s, true);
    *end = e == DM_NEVER ? e : dm_zone_instant(zone, e, true);
    for (size_t i = 0; tasks && i < tasks->list.n; i++) {
        int64_t ts = instant(tasks->list.items[i], "start_date"),
                te = instant(tasks->list.items[i], "end_date");
        if (ts != DM_NEVER && s == DM_NEVER &&
            (*start == DM_NEVER || dm_zone_instant(zone, ts, true) < *start))
            *start = dm_zone_instant(zone, ts, true);
        if (te == DM_NEVER)
            continue;
        te = dm_zone_instant(zone, te, true);
        n_ends++;
        last = te > last ? te : last;
    }
    if (*end == DM_NEVER && tasks && tasks->list.n && n_ends == tasks->list.n)
        *end = last;
}

static const struct dm_value *schedule_of(struct dm_arena *a, const struct dm_value *v)
{
    struct dm_str text = dm_map_str(v, "schedule", ""), prefix = DM_STR("trigger:");
    if (!dm_str_starts(text, prefix))
        return dm_map_at(v, "schedule");
    struct dm_value *map = dm_value_map(a);
    dm_map_set(a, map, "__type__", dm_value_cstr(a, "CronTriggerTimetable"));
    dm_map_set(a, map, "cron", dm_value_str(a, dm_str_sub(text, prefix.len, text.len)));
    return map;
}

static int all_runs(struct golden_case *c, const struct dm_timetable *t, const struct dm_zone *zone,
                    struct dm_value *out, struct dm_err *reterr)
{
    struct dm_arena *a = c->arena;
    const struct dm_value *v = c->value, *last_value = dm_map_at(v, "last");
    struct dm_value *runs = dm_value_list(a, 0);
    int64_t start, end, now = instant(v, "now");
    struct dm_due last, due;
    bool has_last = last_value && last_value->kind != DM_NULL;
    size_t most = dm_timetable_kind(t) == DM_TIMETABLE_CONTINUOUS ? 2 : 12;
    window(v, zone, &start, &end);
    if (has_last && last_value->kind == DM_LIST) {
        dm_time_parse(last_value->list.items[0]->s, &last.interval_start);
        dm_time_parse(last_value->list.items[1]->s, &last.interval_end);
    } else if (has_last) {
        last = (struct dm_due){instant(last_value, "start"), instant(last_value, "end"), 0};
    }
    const struct dm_value *next = &dm_null;
    for (size_t n = 0;; n++) {
        int rc = dm_timetable_next(t, has_last ? &last : NULL, start, end,
                                   dm_map_bool(v, "catchup", true), now, &due, reterr);
        if (rc < 0)
            return rc;
        if (rc == 0 || (n == most && dm_timetable_kind(t) == DM_TIMETABLE_CONTINUOUS))
            break;
        if (due.run_after > now || n == most) {
            next = due_value(a, &due);
            break;
        }
        dm_list_add(a, runs, due_value(a, &due));
        last = due;
        has_last = true;
    }
    dm_map_set(a, out, "runs", runs);
    dm_map_set(a, out, "next", next);
    return 0;
}

static int manual(struct golden_case *c, const struct dm_timetable *t, struct dm_value *out,
                  struct dm_err *reterr)
{
    struct dm_arena *a = c->arena;
    char buf[DM_TIME_MAX];
    int64_t logical = instant(c->value, "logical_date");
    struct dm_due due;
    DM_TRY(dm_timetable_manual(t, logical, &due, reterr));
    dm_map_set(a, out, "start", shown(a, due.interval_start));
    dm_map_set(a, out, "end", shown(a, due.interval_end));
    dm_map_set(a, out, "run_id",
               dm_value_cstr(a, dm_arena_printf(a, "manual__%s", dm_time_iso(logical, buf))));
    return 0;
}

static enum golden_verdict run(struct golden_case *c)
{
    static const char *const keys[] = {"runs", "next", "start", "end", "run_id"};
    struct dm_arena *a = c->arena;
    const struct dm_timetable *t;
    const struct dm_zone *zone;
    struct dm_err err;
    const char *name = dm_str_cstr(a, dm_map_str(c->value, "tz", "UTC"));
    struct dm_value *got = dm_value_map(a), *want = dm_value_map(a);
    bool by_hand = dm_str_is(dm_map_str(c->value, "kind", ""), "manual");
    if (dm_map_at(c->value, "quirk")) {
        c->got = "a defect of Airflow that is not followed";
        return GOLDEN_SKIP;
    }
    int rc = dm_zone_load(a, name, &zone, &err);
    if (rc == 0)
        rc = dm_timetable_parse(a, schedule_of(a, c->value), name, &t, &err);
    if (rc == 0)
        rc = by_hand ? manual(c, t, got, &err) : all_runs(c, t, zone, got, &err);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (dm_map_at(c->value, keys[i]))
            dm_map_set(a, want, keys[i], dm_map_at(c->value, keys[i]));
    if (rc == 0 && dm_value_equal(got, want))
        return GOLDEN_PASS;
    c->expected = dm_value_json(a, want).p;
    c->got = rc < 0 ? dm_arena_strdup(a, err.message) : dm_value_json(a, got).p;
    return GOLDEN_FAIL;
}

const struct golden_kind golden_intervals = {"intervals", run};
