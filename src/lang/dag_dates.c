/*
 * Dates of DAG files: a YAML date or time, ISO text, or a time before today ("2 days").  Without an offset of its own
 * a date counts on the wall clock of its zone.
 */
#include "lang/dag_loader.h"
#include "lang/zone.h"

/* A number of so many digits at `at`. */
static bool digits(struct dm_str s, size_t at, size_t n, int64_t *ret)
{
    for (size_t i = at; i < at + n; i++)
        if (i >= s.len || s.p[i] < '0' || s.p[i] > '9')
            return false;
    return dm_str_to_i64(dm_str_sub(s, at, at + n), ret);
}

/* 2024-W05, 2024-W05-1 and the same without marks: the days of a week, from Monday 1. */
static bool parse_week(struct dm_str s, int64_t *ret)
{
    bool marks = s.len > 4 && s.p[4] == '-';
    size_t at = marks ? 6 : 5, end = at + 2;
    int64_t year, week, day = 1;
    if (s.len < end || s.p[at - 1] != 'W' || !digits(s, 0, 4, &year) || year < 1 ||
        !digits(s, at, 2, &week) || week < 1 || week > 53)
        return false;
    if (s.len > end) {
        end += marks;
        if (s.len != end + 1 || (marks && s.p[end - 1] != '-') || !digits(s, end, 1, &day) ||
            day < 1 || day > 7)
            return false;
    }
    int64_t fourth = dm_days_from_civil((int)year, 1, 4); /* lies in week 1 */
    int64_t monday = fourth - ((fourth + 3) % 7 + 7) % 7; /* day 0 was a Thursday */
    *ret = (monday + 7 * (week - 1) + day - 1) * DM_DAY;
    return true;
}

static bool ends_month(int64_t us)
{
    return dm_civil_from_us(us + DM_DAY).day == 1;
}

/* More ISO forms of a day that people write: a year, a month, a day of the year, without marks, with slashes.  A month's
   last day as a day of a week or of the year is refused, as by the parser of Airflow 2. */
static bool parse_day(struct dm_str s, int64_t *ret)
{
    if (parse_week(s, ret))
        return !ends_month(*ret);
    int64_t year, part, day = 1;
    bool slashes = s.len == 10 && s.p[4] == '/' && s.p[7] == '/';
    if (!digits(s, 0, 4, &year) || year < 1)
        return false;
    struct dm_civil c = {.year = (int)year, .month = 1, .day = 1};
    if (s.len == 8 && s.p[4] == '-' && digits(s, 5, 3, &part)) {
        *ret = (dm_days_from_civil(c.year, 1, 1) + part - 1) * DM_DAY;
        return part >= 1 && part <= 365 + dm_is_leap(c.year) && !ends_month(*ret);
    }
    if (s.len == 7 && s.p[4] == '-' && digits(s, 5, 2, &part)) {
        c.month = (int)part;
    } else if (s.len == 8 || slashes) {
        if (!digits(s, slashes ? 5 : 4, 2, &part) || !digits(s, slashes ? 8 : 6, 2, &day))
            return false;
        c.month = (int)part;
        c.day = (int)day;
    } else if (s.len != 4) {
        return dm_str_find(s, DM_STR("-"), 0) == 4 && s.len == 10 && dm_time_parse(s, ret);
    }
    if (!dm_civil_valid(&c))
        return false;
    *ret = dm_us_from_civil(&c);
    return true;
}

/* 06, 0630, 063059, 06:30 and 06:30:59. */
static bool parse_clock(struct dm_str s, int64_t *ret)
{
    int64_t hour, minute = 0, second = 0;
    bool marks = s.len > 2 && s.p[2] == ':';
    size_t step = marks ? 3 : 2;
    if (marks ? s.len != 5 && !(s.len == 8 && s.p[5] == ':')
              : s.len != 2 && s.len != 4 && s.len != 6)
        return false;
    if (!digits(s, 0, 2, &hour) || (s.len > 2 && !digits(s, step, 2, &minute)) ||
        (s.len > 5 && !digits(s, 2 * step, 2, &second)))
        return false;
    *ret = hour * DM_HOUR + minute * DM_MIN + second * DM_SEC;
    return hour < 24 && minute < 60 && second < 60;
}

static bool parse_short(struct dm_str s, int64_t *ret)
{
    ptrdiff_t t = dm_str_find(s, DM_STR("T"), 0);
    int64_t clock = 0;
    if (!parse_day(t < 0 ? s : dm_str_sub(s, 0, (size_t)t), ret) ||
        (t >= 0 && !parse_clock(dm_str_sub(s, (size_t)t + 1, s.len), &clock)))
        return false;
    *ret += clock;
    return true;
}

bool dm_dag_relative(struct dm_str s, int64_t *ret_us)
{
    static const struct {
        const char *name;
        int64_t unit;
    } units[] = {{"second", DM_SEC}, {"minute", DM_MIN}, {"hour", DM_HOUR}, {"day", DM_DAY}};
    ptrdiff_t blank = dm_str_find(s, DM_STR(" "), 0);
    int64_t n;
    if (blank <= 0 || s.p[0] < '0' || s.p[0] > '9' ||
        !dm_str_to_i64(dm_str_sub(s, 0, (size_t)blank), &n) || n > 1000000)
        return false;
    struct dm_str word = dm_str_sub(s, (size_t)blank + 1, s.len);
    while (word.len && word.p[0] == ' ')
        word = dm_str_sub(word, 1, word.len);
    ptrdiff_t end = dm_str_find(word, DM_STR(" "), 0);
    if (end >= 0)
        word = dm_str_sub(word, 0, (size_t)end);
    if (word.len > 1 && (word.p[word.len - 1] | 0x20) == 's')
        word.len--;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (dm_str_ieq(word, dm_str_c(units[i].name))) {
            *ret_us = n * units[i].unit;
            return true;
        }
    return false;
}

static bool parse_relative(struct dm_str s, int64_t now, const struct dm_zone *zone, int64_t *ret)
{
    int64_t back;
    if (!dm_dag_relative(s, &back))
        return false;
    int64_t local = dm_zone_local(zone, now);
    int64_t today = local - ((local % DM_DAY) + DM_DAY) % DM_DAY;
    *ret = dm_zone_instant(zone, today - back, true);
    return true;
}

static bool has_offset(struct dm_str s)
{
    if (s.len < 17)
        return false;
    struct dm_str clock = dm_str_sub(s, 11, s.len);
    return dm_str_ends(s, DM_STR("Z")) || dm_str_find(clock, DM_STR("+"), 0) >= 0 ||
           dm_str_find(clock, DM_STR("-"), 0) >= 0;
}

static bool parse_text(struct dm_dag_draft *d, struct dm_str s, const struct dm_zone *zone,
                       int64_t *ret)
{
    int64_t now = d->loader->world->now;
    if (dm_str_is(s, "now")) { /* on the clock of the scheduler, which counts in UTC */
        *ret = dm_zone_instant(zone, now, false);
        return true;
    }
    if (s.len > 20 && s.p[19] == ',') { /* the other mark before parts of a second */
        char *dotted = (char *)dm_str_cstr(d->loader->a, s); /* a copy of its own */
        dotted[19] = '.';
        s = dm_str_c(dotted);
    }
    if (dm_time_parse(s, ret)) {
        if (!has_offset(s))
            *ret = dm_zone_instant(zone, *ret, false);
        return true;
    }
    if (parse_short(s, ret)) {
        *ret = dm_zone_instant(zone, *ret, false);
        return true;
    }
    return parse_relative(s, now, zone, ret);
}

/* That of an object; an offset in a YAML time is a number. */
static bool has_named_zone(const struct dm_value *v)
{
    return !v->time.naive && v->time.zone && *v->time.zone != '+' && *v->time.zone != '-';
}

int64_t dm_dag_date(struct dm_dag_draft *d, const char *key, const struct dm_value *v,
                    const char *zone_name)
{
    const struct dm_zone *zone = &dm_zone_utc, *own;
    int64_t us;
    if (!v || v->kind == DM_NULL)
        return DM_NEVER;
    if (zone_name && dm_zone_load(d->loader->a, zone_name, &zone, NULL) < 0)
        return DM_NEVER; /* the zone itself is reported where it stands */
    switch (v->kind) {
    case DM_DATE:
        return dm_zone_instant(zone, v->i * DM_DAY, false);
    case DM_DATETIME:
        /* An object's zone counts for a task; a DAG reads its wall clock in the DAG's zone. */
        if (zone_name && has_named_zone(v) &&
            dm_zone_load(d->loader->a, v->time.zone, &own, NULL) == 0)
            return dm_zone_instant(zone, dm_zone_local(own, v->time.us), false);
        return v->time.naive ? dm_zone_instant(zone, v->time.us, false) : v->time.us;
    case DM_STRING:
        if (parse_text(d, v->s, zone, &us))
            return us;
        draft_error(d, v, BAD_DATE,
                    dm_str_find(v->s, DM_STR("$"), 0) >= 0
                        ? "Set that environment variable for the scheduler and for commands."
                        : "Write 2024-01-31, 2024-01-31T06:30:00, or \"2 days\" before today.",
                    "%s: \"%.*s\" is no date", key, DM_FMT(v->s));
        return DM_NEVER;
    default:
        draft_error(d, v, BAD_DATE, "Write 2024-01-31 or 2024-01-31T06:30:00.",
                    "%s must be a date, not a %s", key, dm_kind_name(v->kind));
        return DM_NEVER;
    }
}
