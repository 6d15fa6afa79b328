/* lang/cron.h, lang/zone.h and lang/timetable.h: ticks, clock changes, runs. */
#include "lang/cron.h"

#include "lang/timetable.h"
#include "lang/zone.h"
#include "t.h"

static int64_t at(const char *text)
{
    int64_t us = 0;
    if (!dm_time_parse(dm_str_c(text), &us))
        t_fail(__FILE__, __LINE__, "bad time %s", text);
    return us;
}

/* What is wrong with an expression, or its canonical text. */
static const char *parsed(struct dm_arena *a, const char *text)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    const struct dm_cron *c;
    struct dm_err err;
    if (dm_cron_parse(a, dm_str_c(text), &c, &err) < 0)
        return dm_arena_strdup(a, err.message);
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    dm_cron_print(&b, c);
    return dm_str_cstr(a, dm_strbuf_str(&b));
}

static void reads_the_dialect(void)
{
    static const char *const cases[][2] = {
        {"@Daily", "0 0 * * *"},
        {"*/20 22-2 * dec-feb fri-mon", "0,20,40 0,1,2,22,23 * 1,2,12 0,1,5,6"},
        {"0 0 15,L * ?", "0 0 15,L * *"},
        {"0 0 * * 5#3,L1", "0 0 * * L1,5#3"},
        {"0 0 * * 7", "0 0 * * 0"},
        {"0 0 */1 * 1",
         "0 0 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,"
         "28,29,30,31 * 1"},
        {"0 0-23 */1 * *", "0 * * * *"},
        {"5/20 0 * * * 30", "5,25,45 0 * * * 30"},
        {"0 0 * * 3-3", "0 0 * * *"},
        {"0 0 1 1 * 0 2024/40", "0 0 1 1 * 0 2024,2064"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_arena_ struct dm_arena a = {0};
        T_STR(parsed(&a, cases[i][0]), cases[i][1]);
    }
}

static void refuses_what_airflow_refuses(void)
{
    static const char *const cases[] = {"",
                                        "* * * *",
                                        "0 24 * * *",
                                        "60 * * * *",
                                        "* * * 0 *",
                                        "* * * * 8",
                                        "-1 * * * *",
                                        "1-2-3 * * * *",
                                        "/5 * * * *",
                                        "0/ * * * *",
                                        "*/0 * * * *",
                                        "1,,2 * * * *",
                                        "0 0 L-3 * *",
                                        "0 0 15W * *",
                                        "0 0 * * l",
                                        "0 0 * * 1#6",
                                        "0 0 * * 1,5#2",
                                        "H * * * *",
                                        "@reboot",
                                        "? * * * *",
                                        "0 0 1 1 * 0 1969"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_arena_ struct dm_arena a = {0};
        T_HAS(parsed(&a, cases[i]), "is no cron expression");
    }
}

static void an_impossible_day_has_no_tick(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const struct dm_cron *c;
    struct dm_err err;
    int64_t tick;
    T_TRY(dm_cron_parse(&a, DM_STR("0 0 30 2 *"), &c, &err), err);
    T_OK(!dm_cron_next(c, 0, &tick));
    T_OK(!dm_cron_prev(c, 0, &tick));
}

/* Answers of croniter 6.0.0. */
static void days_that_a_month_lacks_are_stepped_over_as_in_croniter(void)
{
    static const struct {
        const char *expr, *from, *next, *prev;
    } cases[] = {
        {"0 0 */10 * *", "2023-02-21T00:00:00Z", "2023-03-11T00:00:00Z", "2023-02-11T00:00:00Z"},
        {"0 0 */10 * *", "2023-04-21T00:00:00Z", "2023-05-01T00:00:00Z", "2023-04-11T00:00:00Z"},
        {"0 0 */10 * *", "2023-03-11T00:00:00Z", "2023-03-21T00:00:00Z", "2023-03-01T00:00:00Z"},
        {"0 0 29 * *", "2024-03-05T00:00:00Z", "2024-03-29T00:00:00Z", "2024-01-29T00:00:00Z"},
        {"0 0 8-14 * 5#2", "2024-01-01T00:00:00Z", "2024-01-12T00:00:00Z", "2023-12-08T00:00:00Z"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_arena_ struct dm_arena a = {0};
        const struct dm_cron *c;
        struct dm_err err;
        int64_t tick, from = at(cases[i].from) / DM_SEC;
        T_TRY(dm_cron_parse(&a, dm_str_c(cases[i].expr), &c, &err), err);
        T_OK(dm_cron_next(c, from, &tick) && tick == at(cases[i].next) / DM_SEC);
        T_OK(dm_cron_prev(c, from, &tick) && tick == at(cases[i].prev) / DM_SEC);
    }
}

/* Beside "the last Friday" the day of the month only decides whether there is a tick. */
static void a_day_that_is_never_the_nth_weekday_has_no_tick(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const struct dm_cron *c;
    struct dm_err err;
    int64_t tick;
    T_TRY(dm_cron_parse(&a, DM_STR("0 0 13 * L5"), &c, &err), err);
    T_OK(!dm_cron_next(c, 0, &tick));
    T_TRY(dm_cron_parse(&a, DM_STR("0 0 29 * L5"), &c, &err), err);
    T_OK(dm_cron_next(c, 0, &tick) && tick == 29 * 86400);
}

static uint64_t state;

static unsigned pick(unsigned n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % n;
}

static const char *random_field(struct dm_arena *a, int min, int max)
{
    int x = min + (int)pick((unsigned)(max - min + 1)),
        y = min + (int)pick((unsigned)(max - min + 1));
    switch (pick(5)) {
    case 0:
        /* not up to the 31st: a step to it passes over days of the next month */
        return max == 28 ? dm_arena_printf(a, "1-28/%u", 1 + pick(9))
                         : dm_arena_printf(a, "*/%u", 1 + pick(9));
    case 1:
        return dm_arena_printf(a, "%d", x);
    case 2:
        return dm_arena_printf(a, "%d-%d/%u", x, y, 1 + pick(4));
    case 3:
        return dm_arena_printf(a, "%d,%d", x, y);
    default:
        return "*";
    }
}

/* Beside "5#2" any day of the month: else there may be no tick. */
static const char *random_expression(struct dm_arena *a)
{
    const char *week = pick(8) ? random_field(a, 0, 6) : "5#2";
    const char *day = strchr(week, '#') ? "*" : pick(8) ? random_field(a, 1, 28) : "L";
    return dm_arena_printf(a, "%s %s %s %s %s%s", random_field(a, 0, 59), random_field(a, 0, 23),
                           day, random_field(a, 1, 12), week, pick(4) ? "" : " */7");
}

static void next_and_prev_are_inverse_and_print_parses_back(void)
{
    state = 1;
    for (int i = 0; i < 3000; i++) {
        _cleanup_arena_ struct dm_arena a = {0};
        const struct dm_cron *c, *again;
        struct dm_err err;
        const char *text = random_expression(&a);
        T_TRY(dm_cron_parse(&a, dm_str_c(text), &c, &err), err);
        T_TRY(dm_cron_parse(&a, dm_str_c(parsed(&a, text)), &again, &err), err);
        int64_t t = (int64_t)pick(2000000000), x, y, z;
        T_OK(dm_cron_next(c, t, &x) && x > t && dm_cron_matches(c, x));
        T_OK(dm_cron_next(again, t, &z) && z == x);
        T_OK(dm_cron_next(c, x, &y) && y > x);
        T_OK(dm_cron_prev(c, y, &z) && z == x);
        T_OK(dm_cron_prev(c, x, &z) && z <= t);
    }
}

static void mutated_expressions_end(void)
{
    static const char chars[] = "0123456789*/-,?#Ll @ahmonfri";
    state = 3;
    for (int i = 0; i < 20000; i++) {
        _cleanup_arena_ struct dm_arena a = {0};
        char text[40];
        size_t n = pick(sizeof(text));
        for (size_t k = 0; k < n; k++)
            text[k] = k % 4 == 3 ? ' ' : chars[pick(sizeof(chars) - 1)];
        const struct dm_cron *c;
        int64_t tick;
        if (dm_cron_parse(&a, dm_str_n(text, n), &c, NULL) == 0 && dm_cron_next(c, 0, &tick))
            T_OK(tick > 0 && dm_cron_matches(c, tick));
    }
}

static const struct dm_timetable *timetable(struct dm_arena *a, const char *cron, const char *zone)
{
    const struct dm_timetable *t = NULL;
    struct dm_err err;
    if (dm_timetable_parse(a, dm_value_cstr(a, cron), zone, &t, &err) < 0)
        t_fail(__FILE__, __LINE__, "%s", err.message);
    return t;
}

#define NEEDS_TZDATA(a)                                            \
    const struct dm_zone *zone_there;                              \
    if (dm_zone_load((a), "Europe/Berlin", &zone_there, NULL) < 0) \
    T_SKIP("no tz database")

static void ticks_around_clock_changes(void)
{
    static const char *const cases[][4] = {
        /* Skipped: moved by the gap.  Repeated: the second passage. */
        {"30 2 * * *", "America/New_York", "2024-03-09T12:00:00Z", "2024-03-10T07:30:00Z"},
        {"30 1 * * *", "America/New_York", "2024-11-02T12:00:00Z", "2024-11-03T06:30:00Z"},
        /* Any hour: a repeated hour has its tick twice. */
        {"30 * * * *", "America/New_York", "2024-11-03T05:00:00Z", "2024-11-03T05:30:00Z"},
        {"30 * * * *", "America/New_York", "2024-11-03T05:30:00Z", "2024-11-03T06:30:00Z"},
        {"0 0 * * *", "Asia/Kolkata", "2024-01-01T00:00:00Z", "2024-01-01T18:30:00Z"},
        /* Behind the last entry of the zone file. */
        {"0 12 * * *", "Europe/Berlin", "2090-07-01T11:00:00Z", "2090-07-02T10:00:00Z"},
    };
    _cleanup_arena_ struct dm_arena a = {0};
    NEEDS_TZDATA(&a);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t tick;
        struct dm_err err;
        char got[DM_TIME_MAX];
        const struct dm_timetable *t = timetable(&a, cases[i][0], cases[i][1]);
        T_TRY(dm_timetable_tick_after(t, at(cases[i][2]), &tick, &err), err);
        T_STR(dm_time_isoz(tick, got), cases[i][3]);
    }
}

/* However the clock changes, ticks go forward and the catch-up's intervals lie end to end. */
static void runs_always_advance(void)
{
    static const char *const zones[] = {"America/New_York", "Australia/Lord_Howe",
                                        "Africa/Casablanca", "America/Santiago"};
    _cleanup_arena_ struct dm_arena a = {0};
    NEEDS_TZDATA(&a);
    state = 5;
    for (int i = 0; i < 200; i++) {
        const struct dm_timetable *t = timetable(&a, random_expression(&a), zones[pick(4)]);
        int64_t start = at("2024-03-01T00:00:00Z") + (int64_t)pick(300) * DM_DAY;
        struct dm_due last, due;
        for (int k = 0; k < 20; k++) {
            struct dm_err err;
            int rc =
                dm_timetable_next(t, k ? &last : NULL, start, DM_NEVER, true, start, &due, &err);
            T_INT(rc, 1);
            T_OK(due.interval_end > due.interval_start);
            T_OK(!k || due.interval_end > last.interval_end);
            last = due;
        }
    }
}

static void a_backfill_has_both_ends(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_due *runs;
    struct dm_err err;
    size_t n;
    char day[DM_TIME_MAX];
    T_TRY(dm_timetable_range(&a, timetable(&a, "@daily", "UTC"), at("2010-12-01"), at("2011-12-09"),
                             &runs, &n, &err),
          err);
    T_INT(n, 374);
    T_STR(dm_time_date(runs[0].interval_start, day), "2010-12-01");
    T_STR(dm_time_date(runs[373].interval_start, day), "2011-12-09");
}

static void months_have_no_fixed_length(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_value *v = dm_value_map(&a);
    const struct dm_timetable *t;
    struct dm_err err;
    int64_t tick;
    char day[DM_TIME_MAX];
    dm_map_set(&a, v, "__type__", dm_value_cstr(&a, "dateutil.relativedelta.relativedelta"));
    dm_map_set(&a, v, "months", dm_value_int(&a, 1));
    T_TRY(dm_timetable_parse(&a, v, NULL, &t, &err), err);
    T_TRY(dm_timetable_tick_after(t, at("2024-01-31"), &tick, &err), err);
    T_STR(dm_time_date(tick, day), "2024-02-29");
}

static void a_schedule_stays_within_the_calendar(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const struct dm_timetable *t;
    struct dm_value *v = dm_value_map(&a);
    struct dm_due due;
    struct dm_err err;
    int64_t tick;
    T_INT(dm_timetable_parse(&a, dm_value_int(&a, 4999999999999), NULL, &t, &err), DM_E_INVALID);
    dm_map_set(&a, v, "__type__", dm_value_cstr(&a, "dateutil.relativedelta.relativedelta"));
    dm_map_set(&a, v, "years", dm_value_int(&a, 9000));
    T_TRY(dm_timetable_parse(&a, v, NULL, &t, &err), err);
    T_INT(dm_timetable_tick_after(t, at("2024-01-31"), &tick, &err), DM_E_INVALID);
    T_HAS(err.message, "9999");
    /* Without catchup the latest interval would begin before all years: the start date counts. */
    T_TRY(dm_timetable_parse(&a, dm_value_int(&a, INT64_C(3000) * 365 * 86400), NULL, &t, &err),
          err);
    T_INT(
        dm_timetable_next(t, NULL, at("2024-01-31"), DM_NEVER, false, at("2024-02-01"), &due, &err),
        1);
    T_INT(due.interval_start, at("2024-01-31"));
}

static void an_unknown_zone_is_an_error_with_the_nearest(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    NEEDS_TZDATA(&a);
    const struct dm_zone *z;
    struct dm_err err;
    T_INT(dm_zone_load(&a, "Europe/Londn", &z, &err), DM_E_NOTFOUND);
    T_STR(err.hint, "Did you mean \"Europe/London\"?");
    T_INT(dm_zone_load(&a, "../../../etc/passwd", &z, &err), DM_E_NOTFOUND);
}

T_MAIN(T_CASE(reads_the_dialect), T_CASE(refuses_what_airflow_refuses),
       T_CASE(an_impossible_day_has_no_tick),
       T_CASE(days_that_a_month_lacks_are_stepped_over_as_in_croniter),
       T_CASE(a_day_that_is_never_the_nth_weekday_has_no_tick),
       T_CASE(next_and_prev_are_inverse_and_print_parses_back), T_CASE(mutated_expressions_end),
       T_CASE(ticks_around_clock_changes), T_CASE(runs_always_advance),
       T_CASE(a_backfill_has_both_ends), T_CASE(months_have_no_fixed_length),
       T_CASE(a_schedule_stays_within_the_calendar),
       T_CASE(an_unknown_zone_is_an_error_with_the_nearest))
