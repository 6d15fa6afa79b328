/*
 * Cron expressions, and timetables of any kind.  The first line is an expression, the second a time zone, the rest a
 * schedule in YAML (where it is empty: the expression).
 */
#include "lang/cron.h"
#include "fuzz.h"
#include "lang/timetable.h"
#include "lang/yaml.h"

/* Where the movements begin: some ordinary moments, clock changes, and both ends of the calendar. */
static const int64_t moments[] = {
    INT64_C(1704067200) * DM_SEC,     /* 2024-01-01 */
    INT64_C(1711846799) * DM_SEC + 1, /* just before Europe's clocks go forward */
    INT64_C(1729990800) * DM_SEC,     /* in the hour that they repeat */
    INT64_C(-2208988800) * DM_SEC,    /* 1900-01-01 */
    INT64_C(4102444799) * DM_SEC,     /* the last second of 2099 */
    INT64_C(253402300799) * DM_SEC,   /* the last second of 9999 */
};
enum { N_MOMENTS = sizeof(moments) / sizeof(moments[0]) };

/* From beside a tick the search finds that tick, or nothing: where day and weekday are both restricted, as with Airflow,
   one of them that has no day left in the years allowed leaves the other without ticks too. */
static void check_beside(const struct dm_cron *c, int64_t tick)
{
    int64_t other;
    if (dm_cron_next(c, tick - 1, &other))
        FUZZ_CHECK(other == tick && dm_cron_matches(c, tick), "%lld, not %lld", (long long)other,
                   (long long)tick);
    if (dm_cron_prev(c, tick + 1, &other))
        FUZZ_CHECK(other == tick, "%lld, not %lld", (long long)other, (long long)tick);
}

static void check_ticks(const struct dm_cron *c, const struct dm_cron *again, int64_t local)
{
    int64_t next, prev, other;
    bool found = dm_cron_next(c, local, &next);
    FUZZ_CHECK(dm_cron_next(again, local, &other) == found, "printed differently");
    if (found) {
        FUZZ_CHECK(next > local && other == next, "%lld -> %lld, %lld", (long long)local,
                   (long long)next, (long long)other);
        check_beside(c, next);
    }
    if (dm_cron_prev(c, local, &prev)) {
        FUZZ_CHECK(prev < local, "%lld -> %lld", (long long)local, (long long)prev);
        check_beside(c, prev);
    }
}

static void try_cron(struct dm_arena *a, struct dm_str text)
{
    struct dm_err err = {0};
    const struct dm_cron *c, *again;
    _cleanup_strbuf_ struct dm_strbuf printed;
    dm_strbuf_init(&printed, DM_BUF_MESSAGE);
    int rc = dm_cron_parse(a, text, &c, &err);
    if (rc < 0) {
        fuzz_check_err(rc, &err);
        return;
    }
    dm_cron_print(&printed, c);
    rc = dm_cron_parse(a, dm_strbuf_str(&printed), &again, &err);
    FUZZ_CHECK(rc == 0, "\"%.*s\" printed as \"%s\": %s", DM_FMT(text), printed.p, err.message);
    for (size_t i = 0; i < N_MOMENTS; i++)
        check_ticks(c, again, moments[i] / DM_SEC);
}

static void check_move(int rc, const struct dm_err *err, int64_t from, int64_t to, int sign)
{
    if (rc < 0)
        fuzz_check_err(rc, err);
    else
        FUZZ_CHECK(sign > 0 ? to >= from : to <= from, "%lld -> %lld", (long long)from,
                   (long long)to);
}

static void check_movements(const struct dm_timetable *t, int64_t from)
{
    struct dm_err err = {0};
    int64_t to;
    int rc = dm_timetable_tick_after(t, from, &to, &err);
    check_move(rc, &err, from, to, 1);
    rc = dm_timetable_tick_before(t, from, &to, &err);
    check_move(rc, &err, from, to, -1);
    rc = dm_timetable_align_next(t, from, &to, &err);
    check_move(rc, &err, from, to, 1);
    rc = dm_timetable_align_prev(t, from, &to, &err);
    check_move(rc, &err, from, to, -1);
}

/* Runs follow each other, and none is due before its interval has ended. */
static void check_runs(const struct dm_timetable *t, int64_t from, bool catchup)
{
    struct dm_err err = {0};
    struct dm_due due = {0}, last;
    int rc =
        dm_timetable_next(t, NULL, from, from + 400 * DM_DAY, catchup, from + DM_DAY, &due, &err);
    for (int i = 0; rc == 1 && i < 5; i++) {
        FUZZ_CHECK(due.interval_start <= due.interval_end && due.run_after >= due.interval_end,
                   "%lld %lld %lld", (long long)due.interval_start, (long long)due.interval_end,
                   (long long)due.run_after);
        last = due;
        rc = dm_timetable_next(t, &last, from, from + 400 * DM_DAY, catchup, from + DM_DAY, &due,
                               &err);
        FUZZ_CHECK(rc != 1 || due.run_after >= last.run_after, "%lld -> %lld",
                   (long long)last.run_after, (long long)due.run_after);
    }
    if (rc < 0)
        fuzz_check_err(rc, &err);
    rc = dm_timetable_manual(t, from, &due, &err);
    if (rc < 0)
        fuzz_check_err(rc, &err);
}

static void check_range(struct dm_arena *a, const struct dm_timetable *t, int64_t from)
{
    struct dm_err err = {0};
    struct dm_due *dues;
    size_t n;
    int rc = dm_timetable_range(a, t, from, from + DM_HOUR, &dues, &n, &err);
    if (rc < 0)
        fuzz_check_err(rc, &err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        FUZZ_CHECK(dues[i].interval_start >= from && dues[i].interval_start <= from + DM_HOUR &&
                       (i == 0 || dues[i].interval_start >= dues[i - 1].interval_start),
                   "%zu of %zu: %lld", i, n, (long long)dues[i].interval_start);
}

static void try_timetable(struct dm_arena *a, const struct dm_value *schedule, const char *zone)
{
    struct dm_err err = {0};
    const struct dm_timetable *t;
    int rc = dm_timetable_parse(a, schedule, zone, &t, &err);
    if (rc < 0) {
        fuzz_check_err(rc, &err);
        return;
    }
    enum dm_timetable_kind kind = dm_timetable_kind(t);
    for (size_t i = 0; i < N_MOMENTS; i++) {
        if (kind == DM_TIMETABLE_CRON || kind == DM_TIMETABLE_CRON_TRIGGER ||
            kind == DM_TIMETABLE_DELTA)
            check_movements(t, moments[i]);
        check_runs(t, moments[i], i % 2);
    }
    check_range(a, t, moments[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_str rest = fuzz_text(data, size);
    struct dm_str expression = fuzz_part(&rest, '\n'), zone = fuzz_part(&rest, '\n');
    struct dm_err err;
    const struct dm_value *schedule;
    try_cron(&a, expression);
    if (!rest.p || !rest.len)
        schedule = dm_value_str(&a, expression);
    else if (dm_yaml_parse(&a, rest, NULL, &schedule, &err) < 0)
        return 0;
    try_timetable(&a, schedule, zone.len ? dm_str_cstr(&a, zone) : "UTC");
    return 0;
}
