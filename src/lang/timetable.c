/*
 * Timetables.  Four movements carry all rules: to the next tick, to the one before, and to the nearest tick at or
 * after and at or before a moment; for a delta every moment is a tick.
 *
 * A cron expression is evaluated on the wall clock.  With a restricted hour each wall clock tick becomes one
 * instant: in an hour that a clock change skips it moves forward by the gap, in one that is repeated the second
 * passage counts.  With any hour ("30 * * * *") Airflow adds the distance on the wall clock to the moment it counts
 * from, so that a repeated hour has its ticks twice and a skipped one has none.  Where that way crosses a clock
 * change it can end beside the expression (Monday 23:02 for "2 * * * 2-4"); only then the rule is another one here:
 * an instant is a tick where its wall clock time matches.
 */
#include "lang/timetable.h"

#include "lang/cron.h"
#include "lang/zone.h"

/* A delta as people write it: months and years have no fixed length. */
struct span {
    int64_t months; /* with 12 for each year */
    int64_t us;     /* the rest */
};

struct dm_timetable {
    enum dm_timetable_kind kind;
    const struct dm_cron *cron;
    const struct dm_zone *zone;
    struct span delta; /* DELTA: the period; CRON_TRIGGER: the length of a run's interval */
};

enum {
    SPANS_MAX = 4096, /* clock changes passed over in one search: more than 50 years of them */
    LAST_YEAR = 9999,
};

enum dm_timetable_kind dm_timetable_kind(const struct dm_timetable *t)
{
    return t->kind;
}

static int no_tick(const char *where, struct dm_err *reterr)
{
    return dm_err_set(reterr, DM_E_INVALID, "the schedule has no time %s within %d years", where,
                      DM_CRON_YEARS_SOUGHT);
}

static int64_t floor_seconds(int64_t us)
{
    return us / DM_SEC - (us % DM_SEC < 0);
}

static int64_t ceil_seconds(int64_t us)
{
    return -floor_seconds(-us);
}

/* The instant at `local`, counted from `utc` at `from` on the wall clock, where that is a tick at all. */
static bool counted(const struct dm_timetable *t, int64_t utc, int64_t from, int64_t local,
                    int64_t *ret)
{
    *ret = utc + (local * DM_SEC - from);
    int64_t shown = dm_zone_local(t->zone, *ret);
    return shown == local * DM_SEC || dm_cron_matches(t->cron, floor_seconds(shown));
}

static int elapsed_next(const struct dm_timetable *t, int64_t utc, int64_t *ret,
                        struct dm_err *reterr)
{
    struct dm_zone_span s = dm_zone_span_at(t->zone, utc);
    int64_t local, from = floor_seconds(utc + s.offset);
    if (dm_cron_next(t->cron, from, &local) && counted(t, utc, utc + s.offset, local, ret))
        return 0;
    for (int i = 0; i < SPANS_MAX && dm_cron_next(t->cron, from, &local); i++) {
        *ret = local * DM_SEC - s.offset;
        if (*ret < s.end)
            return 0;
        s = dm_zone_span_at(t->zone, s.end);
        from = ceil_seconds(s.start + s.offset) - 1;
    }
    return no_tick("ahead", reterr);
}

static int elapsed_prev(const struct dm_timetable *t, int64_t utc, int64_t *ret,
                        struct dm_err *reterr)
{
    int64_t local, shown = dm_zone_local(t->zone, utc);
    if (dm_cron_prev(t->cron, ceil_seconds(shown), &local) && counted(t, utc, shown, local, ret))
        return 0;
    struct dm_zone_span s = dm_zone_span_at(t->zone, utc - 1);
    int64_t from = ceil_seconds(utc + s.offset);
    for (int i = 0; i < SPANS_MAX && dm_cron_prev(t->cron, from, &local); i++) {
        *ret = local * DM_SEC - s.offset;
        if (*ret >= s.start)
            return 0;
        int64_t end = s.start;
        s = dm_zone_span_at(t->zone, end - 1);
        from = ceil_seconds(end + s.offset);
    }
    return no_tick("before", reterr);
}

static int cron_next(const struct dm_timetable *t, int64_t utc, int64_t *ret, struct dm_err *reterr)
{
    int64_t local;
    if (dm_cron_every_hour(t->cron))
        return elapsed_next(t, utc, ret, reterr);
    if (!dm_cron_next(t->cron, floor_seconds(dm_zone_local(t->zone, utc)), &local))
        return no_tick("ahead", reterr);
    *ret = dm_zone_instant(t->zone, local * DM_SEC, true);
    return 0;
}

/* Just behind a skipped hour this may be the moment itself, because the tick before it on the wall clock was moved
   there; Airflow says so too. */
static int cron_prev(const struct dm_timetable *t, int64_t utc, int64_t *ret, struct dm_err *reterr)
{
    int64_t local;
    if (dm_cron_every_hour(t->cron))
        return elapsed_prev(t, utc, ret, reterr);
    if (!dm_cron_prev(t->cron, ceil_seconds(dm_zone_local(t->zone, utc)), &local))
        return no_tick("before", reterr);
    *ret = dm_zone_instant(t->zone, local * DM_SEC, true);
    return 0;
}

/* Adds a span `n` times; a day that the month does not have becomes its last. */
static int add_span(int64_t utc, const struct span *s, int n, int64_t *ret, struct dm_err *reterr)
{
    struct dm_civil c = dm_civil_from_us(utc);
    if (s->months) {
        int64_t months = c.year * INT64_C(12) + (c.month - 1) + n * s->months;
        int64_t rest = utc - dm_days_from_civil(c.year, c.month, c.day) * DM_DAY;
        c.year = (int)(months / 12);
        c.month = (int)(months % 12) + 1;
        if (months >= 12 && c.year <= LAST_YEAR) {
            int last = dm_month_days(c.year, c.month);
            utc = dm_days_from_civil(c.year, c.month, c.day < last ? c.day : last) * DM_DAY + rest;
        }
    }
    if (c.year >= 1 && c.year <= LAST_YEAR) {
        utc += n * s->us;
        c = dm_civil_from_us(utc);
    }
    if (c.year < 1 || c.year > LAST_YEAR)
        return dm_err_set(reterr, DM_E_INVALID, "the schedule leads out of the years 1 to %d",
                          LAST_YEAR);
    *ret = utc;
    return 0;
}

int dm_timetable_tick_after(const struct dm_timetable *t, int64_t utc, int64_t *ret,
                            struct dm_err *reterr)
{
    return t->cron ? cron_next(t, utc, ret, reterr) : add_span(utc, &t->delta, 1, ret, reterr);
}

int dm_timetable_tick_before(const struct dm_timetable *t, int64_t utc, int64_t *ret,
                             struct dm_err *reterr)
{
    return t->cron ? cron_prev(t, utc, ret, reterr) : add_span(utc, &t->delta, -1, ret, reterr);
}

int dm_timetable_align_next(const struct dm_timetable *t, int64_t utc, int64_t *ret,
                            struct dm_err *reterr)
{
    int64_t next, back;
    if (!t->cron) {
        *ret = utc;
        return 0;
    }
    DM_TRY(cron_next(t, utc, &next, reterr));
    DM_TRY(cron_prev(t, next, &back, reterr));
    *ret = back == utc ? utc : next;
    return 0;
}

int dm_timetable_align_prev(const struct dm_timetable *t, int64_t utc, int64_t *ret,
                            struct dm_err *reterr)
{
    int64_t prev, forth;
    if (!t->cron) {
        *ret = utc;
        return 0;
    }
    DM_TRY(cron_prev(t, utc, &prev, reterr));
    DM_TRY(cron_next(t, prev, &forth, reterr));
    *ret = forth == utc ? utc : prev;
    return 0;
}

/* The start of the last interval that is complete at `now`. */
static int latest_start(const struct dm_timetable *t, int64_t now, int64_t *ret,
                        struct dm_err *reterr)
{
    if (!t->cron) {
        /* Airflow rounds to whole periods since 1970, months counting 30 days and years 365. */
        int64_t period =
            t->delta.us + t->delta.months / 12 * 365 * DM_DAY + t->delta.months % 12 * 30 * DM_DAY;
        int64_t over = now % period;
        if (add_span(now - (over < 0 ? over + period : over), &t->delta, -1, ret, NULL) < 0)
            *ret = DM_NEVER; /* before all years */
        return 0;
    }
    int64_t last, next;
    DM_TRY(cron_prev(t, now, &last, reterr));
    DM_TRY(cron_next(t, last, &next, reterr));
    if (next == now) {
        *ret = last;
        return 0;
    }
    return cron_prev(t, last, ret, reterr);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b; /* DM_NEVER is the least of all */
}

static int next_interval(const struct dm_timetable *t, const struct dm_due *last, int64_t start,
                         int64_t latest, bool catchup, int64_t now, struct dm_due *ret,
                         struct dm_err *reterr)
{
    int64_t at = DM_NEVER, end;
    if (start != DM_NEVER)
        DM_TRY(dm_timetable_align_next(t, start, &at, reterr));
    if (!catchup) {
        int64_t newest;
        DM_TRY(latest_start(t, now, &newest, reterr));
        /* A delta counts from the start date itself. */
        at = later(at, newest);
    }
    if (last) {
        int64_t after;
        DM_TRY(dm_timetable_align_prev(t, last->interval_end, &after, reterr));
        at = later(at, after);
        /* Aligning can lead back across a clock change; the next run still comes behind the last. */
        if (at <= last->interval_start && last->interval_end > last->interval_start)
            at = last->interval_end;
    }
    if (at == DM_NEVER || (latest != DM_NEVER && at > latest))
        return 0;
    DM_TRY(dm_timetable_tick_after(t, at, &end, reterr));
    *ret = (struct dm_due){at, end, end};
    return 1;
}

static int next_trigger(const struct dm_timetable *t, const struct dm_due *last, int64_t start,
                        int64_t latest, bool catchup, int64_t now, struct dm_due *ret,
                        struct dm_err *reterr)
{
    int64_t at = DM_NEVER, candidate;
    if (last)
        DM_TRY(cron_next(t, last->interval_end, &at, reterr));
    if (start != DM_NEVER && !(catchup && last)) {
        DM_TRY(dm_timetable_align_next(t, start, &candidate, reterr));
        at = later(at, candidate);
    }
    if (!catchup) {
        DM_TRY(dm_timetable_align_prev(t, now, &candidate, reterr));
        at = later(at, candidate);
    }
    if (at == DM_NEVER || (latest != DM_NEVER && at > latest))
        return 0;
    DM_TRY(add_span(at, &t->delta, -1, &candidate, reterr));
    *ret = (struct dm_due){candidate, at, at};
    return 1;
}

static int next_continuous(const struct dm_due *last, int64_t start, int64_t latest, int64_t now,
                           struct dm_due *ret)
{
    int64_t from = start, to;
    if (start == DM_NEVER)
        return 0;
    if (!last)
        to = later(start, now);
    else if (last->interval_end > now)
        to = start + (last->interval_end - last->interval_start);
    else
        from = last->interval_end, to = now;
    if (latest != DM_NEVER && to > latest)
        return 0;
    *ret = (struct dm_due){from, to, to};
    return 1;
}

int dm_timetable_next(const struct dm_timetable *t, const struct dm_due *last, int64_t start,
                      int64_t end, bool catchup, int64_t now, struct dm_due *ret,
                      struct dm_err *reterr)
{
    switch (t->kind) {
    case DM_TIMETABLE_NONE:
    case DM_TIMETABLE_ASSET:
        return 0;
    case DM_TIMETABLE_ONCE:
        if (last || start == DM_NEVER || (end != DM_NEVER && start > end))
            return 0;
        *ret = (struct dm_due){start, start, start};
        return 1;
    case DM_TIMETABLE_CONTINUOUS:
        return next_continuous(last, start, end, now, ret);
    case DM_TIMETABLE_CRON:
    case DM_TIMETABLE_DELTA:
        return next_interval(t, last, start, end, catchup, now, ret, reterr);
    case DM_TIMETABLE_CRON_TRIGGER:
        return next_trigger(t, last, start, end, catchup, now, ret, reterr);
    }
    DM_BUG("timetable of kind %d", (int)t->kind);
}

int dm_timetable_manual(const struct dm_timetable *t, int64_t logical, struct dm_due *ret,
                        struct dm_err *reterr)
{
    int64_t start = logical, end = logical;
    if (t->kind == DM_TIMETABLE_CRON || t->kind == DM_TIMETABLE_DELTA) {
        DM_TRY(dm_timetable_align_prev(t, logical, &end, reterr));
        DM_TRY(dm_timetable_tick_before(t, end, &start, reterr));
    } else if (t->kind == DM_TIMETABLE_CRON_TRIGGER) {
        DM_TRY(add_span(logical, &t->delta, -1, &start, reterr));
    }
    *ret = (struct dm_due){start, end, logical};
    return 0;
}

int dm_timetable_range(struct dm_arena *a, const struct dm_timetable *t, int64_t from, int64_t to,
                       struct dm_due **ret, size_t *ret_n, struct dm_err *reterr)
{
    struct dm_due *list = NULL, due, *last = NULL;
    size_t n = 0, cap = 0;
    if (t->kind == DM_TIMETABLE_NONE || t->kind == DM_TIMETABLE_CONTINUOUS ||
        t->kind == DM_TIMETABLE_ASSET)
        to = DM_NEVER; /* manual runs only, and runs without planned dates: nothing to repeat */
    int64_t start = from;
    if (t->kind == DM_TIMETABLE_CRON_TRIGGER)
        /* the logical date is the interval's start */
        DM_TRY(add_span(from, &t->delta, 1, &start, reterr));
    while (to != DM_NEVER) {
        int rc = dm_timetable_next(t, last, start, DM_NEVER, true, from, &due, reterr);
        if (rc < 0)
            return rc;
        if (rc == 0 || due.interval_start > to)
            break;
        if (n == DM_TIMETABLE_RANGE_MAX)
            return dm_err_set(reterr, DM_E_LIMIT, "the period has more than %d runs",
                              DM_TIMETABLE_RANGE_MAX);
        if (n == cap) {
            struct dm_due *old = list;
            cap = cap ? cap * 2 : 64;
            list = dm_arena_array(a, struct dm_due, cap);
            if (n)
                memcpy(list, old, n * sizeof(*list));
        }
        list[n++] = due;
        last = &list[n - 1];
    }
    *ret = list;
    *ret_n = n;
    return 0;
}

static const char *last_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

static bool add_part(const struct dm_value *v, int64_t unit, int64_t *sum)
{
    if (v->kind == DM_INT) {
        int64_t part;
        return !__builtin_mul_overflow(v->i, unit, &part) &&
               !__builtin_add_overflow(*sum, part, sum);
    }
    if (v->kind != DM_FLOAT)
        return false;
    double part = v->f * (double)unit;
    if (!(part > -9e18 && part < 9e18))
        return false;
    /* Half to even, as Python rounds. */
    return !__builtin_add_overflow(*sum, (int64_t)__builtin_nearbyint(part), sum);
}

/* The named parts of a timedelta or relativedelta. */
static bool span_from_map(const struct dm_value *map, bool calendar, struct span *ret,
                          struct dm_str *ret_key)
{
    static const struct {
        const char *name;
        int64_t unit;
    } parts[] = {{"microseconds", 1},  {"milliseconds", DM_MS}, {"seconds", DM_SEC},
                 {"minutes", DM_MIN},  {"hours", DM_HOUR},      {"days", DM_DAY},
                 {"weeks", 7 * DM_DAY}};
    /* Positional arguments, in Python's order. */
    static const int64_t positions[] = {DM_DAY, DM_SEC, 1, DM_MS, DM_MIN, DM_HOUR, 7 * DM_DAY};
    const struct dm_value *args = dm_map_at(map, "__args__");
    *ret = (struct span){0, 0};
    *ret_key = DM_STR("__args__");
    if (args && (calendar || args->kind != DM_LIST || args->list.n > 7))
        return false;
    for (size_t i = 0; args && i < args->list.n; i++)
        if (!add_part(args->list.items[i], positions[i], &ret->us))
            return false;
    for (size_t i = 0; i < map->map.n; i++) {
        const struct dm_value *key = map->map.pairs[i].key, *value = map->map.pairs[i].value;
        bool done = key->kind == DM_STRING &&
                    (dm_str_is(key->s, "__type__") || dm_str_is(key->s, "__args__"));
        *ret_key = key->kind == DM_STRING ? key->s : DM_STR("");
        for (size_t k = 0; key->kind == DM_STRING && k < sizeof(parts) / sizeof(parts[0]); k++)
            if (dm_str_is(key->s, parts[k].name))
                done = add_part(value, parts[k].unit, &ret->us);
        if (calendar && key->kind == DM_STRING && value->kind == DM_INT && value->i > -120000 &&
            value->i < 120000) {
            int64_t months = dm_str_is(key->s, "years")    ? value->i * 12
                             : dm_str_is(key->s, "months") ? value->i
                                                           : 0;
            ret->months += months;
            done = done || months || dm_str_is(key->s, "years") || dm_str_is(key->s, "months");
        }
        if (!done)
            return false;
    }
    return true;
}

static int parse_span(const struct dm_value *v, struct span *ret, struct dm_err *reterr)
{
    struct dm_str key = {NULL, 0};
    *ret = (struct span){0, 0};
    if (v->kind == DM_DELTA) {
        ret->us = v->i;
        return 0;
    }
    if (v->kind == DM_INT || v->kind == DM_FLOAT) {
        if (add_part(v, DM_SEC, &ret->us))
            return 0;
        return dm_err_set(reterr, DM_E_INVALID, "the number of seconds is out of range");
    }
    if (v->kind == DM_MAP) {
        const char *type = dm_map_str(v, "__type__", "").p;
        bool calendar = strcmp(last_name(type), "relativedelta") == 0;
        if (span_from_map(v, calendar, ret, &key))
            return 0;
        return dm_err_set(reterr, DM_E_INVALID, "\"%.*s\" is no part of a %s, or no number",
                          DM_FMT(key), calendar ? "relativedelta" : "timedelta");
    }
    return dm_err_set(reterr, DM_E_TYPE, "a span of time must be a number or a timedelta, not a %s",
                      dm_kind_name(v->kind));
}

int dm_span_parse(const struct dm_value *v, int64_t *ret_us, struct dm_err *reterr)
{
    struct span s;
    DM_TRY(parse_span(v, &s, reterr));
    if (s.months)
        return dm_err_set(reterr, DM_E_INVALID, "months and years have no fixed length");
    *ret_us = s.us;
    return 0;
}

/* {__type__: ….CronTriggerTimetable, cron: …, timezone: …, interval: …} and its sister with intervals. */
static int parse_object(struct dm_arena *a, const struct dm_value *v, const char *zone,
                        struct dm_timetable *t, struct dm_err *reterr)
{
    const char *type = last_name(dm_str_cstr(a, dm_map_str(v, "__type__", "")));
    if (strcmp(type, "timedelta") == 0 || strcmp(type, "relativedelta") == 0 ||
        strcmp(type, "duration") == 0) {
        t->kind = DM_TIMETABLE_DELTA;
        return parse_span(v, &t->delta, reterr);
    }
    if (strcmp(type, "Asset") == 0 || strcmp(type, "AssetAll") == 0 ||
        strcmp(type, "AssetAny") == 0) {
        t->kind = DM_TIMETABLE_ASSET;
        return 0;
    }
    if (strcmp(type, "AssetOrTimeSchedule") == 0) {
        const struct dm_value *time = dm_map_at(v, "timetable");
        if (!time || dm_map_at(time, "timetable"))
            return dm_err_set(reterr, DM_E_INVALID,
                              "a schedule by assets or time needs a timetable");
        const struct dm_timetable *inner;
        DM_TRY(dm_timetable_parse(a, time, zone, &inner, reterr));
        *t = *inner;
        return 0;
    }
    const struct dm_value *args = dm_map_at(v, "__args__");
    const struct dm_value *first =
        args && args->kind == DM_LIST && args->list.n == 1 ? args->list.items[0] : NULL;
    if (strcmp(type, "DeltaDataIntervalTimetable") == 0 && (first || dm_map_at(v, "delta"))) {
        t->kind = DM_TIMETABLE_DELTA;
        return parse_span(first ? first : dm_map_at(v, "delta"), &t->delta, reterr);
    }
    bool trigger = strcmp(type, "CronTriggerTimetable") == 0;
    if (!trigger && strcmp(type, "CronDataIntervalTimetable") != 0)
        return dm_err_set(reterr, DM_E_UNSUPPORTED, "a schedule of type \"%s\" is not known", type);
    t->kind = trigger ? DM_TIMETABLE_CRON_TRIGGER : DM_TIMETABLE_CRON;
    for (size_t i = 0; i < v->map.n; i++) {
        const struct dm_value *key = v->map.pairs[i].key, *value = v->map.pairs[i].value;
        struct dm_str name = key->kind == DM_STRING ? key->s : DM_STR("");
        if (dm_str_is(name, "interval") && trigger) {
            if (value->kind != DM_NULL)
                DM_TRY(parse_span(value, &t->delta, reterr));
        } else if (dm_str_is(name, "timezone") && value->kind == DM_STRING) {
            zone = dm_str_cstr(a, value->s);
        } else if (dm_str_is(name, "__args__") && first && first->kind == DM_STRING) {
            DM_TRY(dm_cron_parse(a, first->s, &t->cron, reterr));
        } else if (dm_str_is(name, "cron") && value->kind == DM_STRING) {
            DM_TRY(dm_cron_parse(a, value->s, &t->cron, reterr));
        } else if (!dm_str_is(name, "__type__")) {
            return dm_err_set(reterr, DM_E_INVALID, "\"%.*s\" is not known in a %s, or is no text",
                              DM_FMT(name), type);
        }
    }
    if (!t->cron)
        return dm_err_set(reterr, DM_E_INVALID, "a %s needs \"cron\"", type);
    return dm_zone_load(a, zone, &t->zone, reterr);
}

int dm_timetable_parse(struct dm_arena *a, const struct dm_value *schedule, const char *zone,
                       const struct dm_timetable **ret, struct dm_err *reterr)
{
    struct dm_timetable *t = dm_arena_new(a, struct dm_timetable);
    *t = (struct dm_timetable){.kind = DM_TIMETABLE_NONE, .zone = &dm_zone_utc};
    zone = zone ? zone : "UTC";
    switch (schedule->kind) {
    case DM_NULL:
        break;
    case DM_INT:
    case DM_FLOAT:
    case DM_DELTA:
        t->kind = DM_TIMETABLE_DELTA;
        DM_TRY(parse_span(schedule, &t->delta, reterr));
        break;
    case DM_MAP:
        DM_TRY(parse_object(a, schedule, zone, t, reterr));
        break;
    case DM_STRING:
        if (dm_str_is(schedule->s, "@once")) {
            t->kind = DM_TIMETABLE_ONCE;
        } else if (dm_str_is(schedule->s, "@continuous")) {
            t->kind = DM_TIMETABLE_CONTINUOUS;
        } else if (!dm_str_ieq(dm_str_trim(schedule->s), DM_STR("none"))) {
            t->kind = DM_TIMETABLE_CRON;
            DM_TRY(dm_cron_parse(a, schedule->s, &t->cron, reterr));
            DM_TRY(dm_zone_load(a, zone, &t->zone, reterr));
        }
        break;
    default:
        return dm_err_set(
            reterr, DM_E_TYPE,
            "a schedule must be null, a preset, a cron expression or a timedelta, not a %s",
            dm_kind_name(schedule->kind));
    }
    if (t->kind == DM_TIMETABLE_DELTA &&
        (t->delta.us < 0 || t->delta.months < 0 || (!t->delta.us && !t->delta.months)))
        return dm_err_set(reterr, DM_E_INVALID, "the time between two runs must be positive");
    const int64_t longest = LAST_YEAR * 366 * DM_DAY;
    if (t->delta.us > longest || t->delta.us < -longest || t->delta.months > LAST_YEAR * 12 ||
        t->delta.months < -LAST_YEAR * 12)
        return dm_err_set(reterr, DM_E_INVALID, "the time between two runs is longer than %d years",
                          LAST_YEAR);
    *ret = t;
    return 0;
}
