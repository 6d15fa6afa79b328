/*
 * Kind `cron`: ticks, alignment, data intervals and manual runs of cron expressions and deltas, as Airflow gave them
 * (golden/airflow/cron.jsonl).  Cases with `quirk` are defects of Airflow that are not followed.
 */
#include "golden.h"

#include "lang/timetable.h"

static int64_t instant(const struct dm_value *v, const char *key)
{
    int64_t us;
    return dm_time_parse(dm_map_str(v, key, ""), &us) ? us : DM_NEVER;
}

static const struct dm_value *instants(struct dm_arena *a, const int64_t *us, size_t n)
{
    struct dm_value *list = dm_value_list(a, n);
    for (size_t i = 0; i < n; i++) {
        char buf[DM_TIME_MAX];
        list->list.items[i] = dm_value_cstr(a, dm_time_isoz(us[i], buf));
    }
    return list;
}

typedef int (*movement)(const struct dm_timetable *t, int64_t utc, int64_t *ret,
                        struct dm_err *reterr);

static int walk(struct dm_arena *a, const struct dm_timetable *t, movement move, int64_t from,
                size_t n, const struct dm_value **ret, struct dm_err *reterr)
{
    int64_t ticks[16] = {0};
    DM_ASSERT(n <= 16);
    for (size_t i = 0; i < n; i++)
        DM_TRY(move(t, i ? ticks[i - 1] : from, &ticks[i], reterr));
    *ret = instants(a, ticks, n);
    return 0;
}

static int runs(struct dm_arena *a, const struct dm_timetable *t, int64_t start, size_t n,
                const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_value *list = dm_value_list(a, 0);
    struct dm_due due, last;
    for (size_t i = 0; i < n; i++) {
        int rc = dm_timetable_next(t, i ? &last : NULL, start, DM_NEVER, true, start, &due, reterr);
        if (rc < 0)
            return rc;
        if (rc == 0)
            break;
        dm_list_add(
            a, list,
            instants(a, (int64_t[]){due.interval_start, due.interval_end, due.run_after}, 3));
        last = due;
    }
    *ret = list;
    return 0;
}

/* What the case asks of the expression, computed; in the order and with the names of the file. */
static int answer(struct golden_case *c, const struct dm_timetable *t, struct dm_value *out,
                  struct dm_err *reterr)
{
    struct dm_arena *a = c->arena;
    const struct dm_value *v = c->value, *x;
    static const struct {
        const char *key;
        movement move;
        size_t list; /* so many ticks; 0 = one instant */
    } asked[] = {{"next", dm_timetable_tick_after, 5},
                 {"prev", dm_timetable_tick_before, 3},
                 {"align_next", dm_timetable_align_next, 0},
                 {"align_prev", dm_timetable_align_prev, 0}};
    int64_t after = instant(v, "after");
    bool seek = dm_map_at(v, "error") != NULL;
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        const struct dm_value *want = dm_map_at(v, asked[i].key);
        if (!want && !(seek && asked[i].list))
            continue;
        size_t n = want && asked[i].list ? want->list.n : asked[i].list ? asked[i].list : 1;
        DM_TRY(walk(a, t, asked[i].move, after, n, &x, reterr));
        dm_map_set(a, out, asked[i].key, asked[i].list ? x : x->list.items[0]);
    }
    if ((x = dm_map_at(v, "intervals")) != NULL) {
        DM_TRY(runs(a, t, after, x->list.n, &x, reterr));
        dm_map_set(a, out, "intervals", x);
    }
    if (dm_map_at(v, "manual")) {
        struct dm_due due;
        DM_TRY(dm_timetable_manual(t, after, &due, reterr));
        dm_map_set(a, out, "manual", instants(a, &due.interval_start, 2));
    }
    return 0;
}

static const struct dm_value *schedule_of(struct golden_case *c)
{
    struct dm_arena *a = c->arena;
    const struct dm_value *v = c->value, *x;
    struct dm_value *map = dm_value_map(a);
    if ((x = dm_map_at(v, "seconds")) != NULL)
        return x;
    if ((x = dm_map_at(v, "relativedelta")) != NULL) {
        dm_map_set(a, map, "__type__", dm_value_cstr(a, "dateutil.relativedelta.relativedelta"));
        for (size_t i = 0; i < x->map.n; i++)
            dm_map_set_value(a, map, x->map.pairs[i].key, x->map.pairs[i].value);
        return map;
    }
    /* A preset that is none of cron's (@once) is asked of cron here. */
    bool trigger = dm_str_is(dm_map_str(v, "kind", ""), "cron_trigger");
    dm_map_set(a, map, "__type__",
               dm_value_cstr(a, trigger ? "CronTriggerTimetable" : "CronDataIntervalTimetable"));
    dm_map_set(a, map, "cron", dm_map_at(v, "expr"));
    if (trigger)
        dm_map_set(a, map, "interval", dm_map_at(v, "interval_seconds"));
    return map;
}

static enum golden_verdict run(struct golden_case *c)
{
    static const char *const keys[] = {"next",       "prev",      "align_next",
                                       "align_prev", "intervals", "manual"};
    struct dm_arena *a = c->arena;
    const struct dm_timetable *t;
    struct dm_value *got = dm_value_map(a), *want = dm_value_map(a);
    struct dm_err err;
    const struct dm_value *stage = dm_map_at(c->value, "stage");
    if (dm_map_at(c->value, "quirk")) {
        c->got = "a defect of Airflow that is not followed";
        return GOLDEN_SKIP;
    }
    if (dm_timetable_parse(a, schedule_of(c), dm_str_cstr(a, dm_map_str(c->value, "tz", "UTC")), &t,
                           &err) < 0)
        dm_map_set(a, got, "stage", dm_value_cstr(a, "validate"));
    else if (answer(c, t, got, &err) < 0)
        dm_map_set(a, got = dm_value_map(a), "stage", dm_value_cstr(a, "compute"));
    if (stage)
        dm_map_set(a, want, "stage", stage);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (dm_map_at(c->value, keys[i]))
            dm_map_set(a, want, keys[i], dm_map_at(c->value, keys[i]));
    if (dm_value_equal(got, want))
        return GOLDEN_PASS;
    c->expected = dm_value_json(a, want).p;
    c->got = dm_value_json(a, got).p;
    if (dm_map_at(got, "stage"))
        c->got = dm_arena_printf(a, "%s (%s)", c->got, err.message);
    return GOLDEN_FAIL;
}

const struct golden_kind golden_cron = {"cron", run};
