/* Attributes and methods of dates and instants in templates. */
#include "lang/template_time.h"

/* years … microseconds as given by add(), subtract() */
struct shift {
    int64_t months;
    int64_t days, us;
    bool variable; /* has a unit whose length varies */
};

enum { UNITS = 8 };
#define SHIFT_SPEC "years? months? weeks? days? hours? minutes? seconds? microseconds?"

static int read_shift(struct dm_eval *e, const struct dm_call *c, int sign, struct shift *ret)
{
    static const int64_t unit[UNITS] = {12, 1, 7, 1, DM_HOUR, DM_MIN, DM_SEC, 1};
    *ret = (struct shift){0};
    for (size_t i = 0; i < UNITS; i++) {
        const struct dm_value *v = c->arg[i];
        if (!v)
            continue;
        DM_TRY(dm_eval_defined(e, v));
        if (i >= 4 && c->self->kind == DM_DATE)
            return dm_eval_fail(e, DM_TE_TYPE, "Date.%s() knows no parts of a day", c->name);
        if (!dm_is_int(v) && (v->kind != DM_FLOAT || i < 2))
            return dm_eval_fail(e, DM_TE_TYPE, "unsupported operand type(s) for +: 'int' and '%s'",
                                dm_type_name(v));
        double n = dm_float_of(v) * sign;
        if (n > 1e15 || n < -1e15)
            return dm_eval_fail(e, DM_TE_OVERFLOW, "date value out of range");
        if (i < 2)
            ret->months += (int64_t)n * unit[i];
        else if (i < 4 && v->kind != DM_FLOAT)
            ret->days += (int64_t)n * unit[i];
        else
            ret->us += (int64_t)(n * (double)(i < 4 ? unit[i] * DM_DAY : unit[i]));
        ret->variable |= i < 4 && n != 0;
    }
    return 0;
}

static int shift_by(struct dm_eval *e, const struct dm_value *v, const struct shift *s,
                    const struct dm_value **ret)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, v, &t));
    if (s->days > 4000000 || s->days < -4000000 || s->us > INT64_MAX / 8 || s->us < INT64_MIN / 8)
        return dm_eval_fail(e, DM_TE_OVERFLOW, "date value out of range");
    if (!s->variable && !t.naive) {
        DM_TRY(dm_check_year(e, t.local + s->us));
        struct dm_value *moved = dm_arena_dup(e->a, v, sizeof(*v));
        moved->time.us += s->us;
        *ret = moved;
        return 0;
    }
    int64_t year = t.civil.year + s->months / 12;
    if (year < 1 || year > 9999)
        return dm_eval_fail(e, DM_TE_VALUE, "year %lld is out of range", (long long)year);
    int64_t local = s->months ? dm_add_months(t.local, s->months) : t.local;
    DM_TRY(dm_check_year(e, local));
    return dm_time_like(e, v, local + s->days * DM_DAY + s->us, ret);
}

static int date_add(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct shift s;
    DM_TRY(read_shift(e, c, 1, &s));
    return shift_by(e, c->self, &s, ret);
}

static int date_subtract(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct shift s;
    DM_TRY(read_shift(e, c, -1, &s));
    return shift_by(e, c->self, &s, ret);
}

static int date_replace(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, c->self, &t));
    int *const fields[] = {&t.civil.year,   &t.civil.month,  &t.civil.day, &t.civil.hour,
                           &t.civil.minute, &t.civil.second, &t.civil.usec};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        int64_t n;
        DM_TRY(dm_param_int(e, c, i, *fields[i], &n));
        if (n < 0 || n > 999999)
            return dm_eval_fail(e, DM_TE_VALUE, "a part of the date is out of range");
        *fields[i] = (int)n;
    }
    if (!dm_civil_valid(&t.civil))
        return dm_eval_fail(e, DM_TE_VALUE, "day is out of range for month");
    if (c->self->kind == DM_DATE)
        for (size_t i = 3; i < 8; i++)
            if (c->arg[i])
                return dm_eval_fail(e, DM_TE_TYPE, "Date.%s() knows no parts of a day", c->name);
    if (!c->arg[7])
        return dm_time_like(e, c->self, dm_us_from_civil(&t.civil), ret);
    return dm_time_of_zone(e, c->self, dm_us_from_civil(&t.civil), c->arg[7], ret);
}

/* at(): another time of day; what is not given is 0. */
static int date_at(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_shown t;
    static const int64_t limits[] = {24, 60, 60, 1000000}, units[] = {DM_HOUR, DM_MIN, DM_SEC, 1};
    DM_TRY(dm_shown(e, c->self, &t));
    int64_t local = dm_days_from_civil(t.civil.year, t.civil.month, t.civil.day) * DM_DAY, n;
    for (size_t i = 0; i < 4; i++) {
        DM_TRY(dm_param_int(e, c, i, 0, &n));
        if (n < 0 || n >= limits[i])
            return dm_eval_fail(e, DM_TE_VALUE, "a part of the time is out of range");
        local += n * units[i];
    }
    return dm_time_like(e, c->self, local, ret);
}

/* on(): another day at the same time. */
static int date_on(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_call call = *c;
    for (size_t i = 3; i < DM_CALL_ARGS; i++)
        call.arg[i] = NULL;
    return date_replace(e, &call, ret);
}

enum unit { SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER, YEAR, DECADE, CENTURY, N_UNITS };

static int read_unit(struct dm_eval *e, const struct dm_call *c, enum unit *ret)
{
    static const char *const names[] = {"second", "minute",  "hour", "day",    "week",
                                        "month",  "quarter", "year", "decade", "century"};
    struct dm_str name;
    DM_TRY(dm_param_str(e, c, 0, "", &name));
    for (int i = 0; i < N_UNITS; i++) {
        if (dm_str_is(name, names[i])) {
            *ret = (enum unit)i;
            return 0;
        }
    }
    return dm_eval_fail(e, DM_TE_VALUE, "Invalid unit \"%.*s\" for %s()", DM_FMT(name), c->name);
}

/* The first moment of the unit around a wall clock time, and the first one of the next unit. */
static void unit_bounds(struct dm_civil c, enum unit unit, int64_t *ret_start, int64_t *ret_end)
{
    static const int months[N_UNITS] = {
        [MONTH] = 1, [QUARTER] = 3, [YEAR] = 12, [DECADE] = 120, [CENTURY] = 1200};
    static const int64_t lengths[N_UNITS] = {[SECOND] = DM_SEC,
                                             [MINUTE] = DM_MIN,
                                             [HOUR] = DM_HOUR,
                                             [DAY] = DM_DAY,
                                             [WEEK] = 7 * DM_DAY};
    int weekday = dm_weekday_monday(&c);
    c.usec = 0;
    c.second = unit == SECOND ? c.second : 0;
    c.minute = unit <= MINUTE ? c.minute : 0;
    c.hour = unit <= HOUR ? c.hour : 0;
    if (unit >= MONTH)
        c.day = 1;
    if (unit == QUARTER)
        c.month = (c.month - 1) / 3 * 3 + 1;
    if (unit >= YEAR)
        c.month = 1;
    if (unit == DECADE)
        c.year -= c.year % 10;
    if (unit == CENTURY)
        c.year = (c.year - 1) / 100 * 100 + 1;
    *ret_start = dm_us_from_civil(&c) - (unit == WEEK ? weekday * DM_DAY : 0);
    *ret_end = months[unit] ? dm_add_months(*ret_start, months[unit]) : *ret_start + lengths[unit];
}

static int date_bound(struct dm_eval *e, const struct dm_call *c, bool end, int64_t step,
                      const struct dm_value **ret)
{
    enum unit unit;
    struct dm_shown t;
    int64_t from, to;
    DM_TRY(read_unit(e, c, &unit));
    DM_TRY(dm_shown(e, c->self, &t));
    unit_bounds(t.civil, unit, &from, &to);
    return dm_time_like(e, c->self, end ? to - step : from, ret);
}

static int date_start_of(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return date_bound(e, c, false, 0, ret);
}

static int date_end_of(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return date_bound(e, c, true, c->self->kind == DM_DATE ? DM_DAY : 1, ret);
}

/* A weekday argument: 0 = Monday. */
static int read_weekday(struct dm_eval *e, const struct dm_call *c, size_t i, int fallback,
                        int *ret)
{
    int64_t n;
    struct dm_call call = *c;
    if (call.arg[i] && call.arg[i]->kind == DM_NULL)
        call.arg[i] = NULL;
    DM_TRY(dm_param_int(e, &call, i, fallback, &n));
    if (n < -1 || n > 6)
        return dm_eval_fail(e, DM_TE_VALUE, "Invalid day of week");
    *ret = (int)n;
    return 0;
}

static int edge_of(struct dm_eval *e, const struct dm_call *c, bool last,
                   const struct dm_value **ret)
{
    enum unit unit;
    struct dm_shown t;
    int64_t from, to;
    int weekday;
    DM_TRY(read_unit(e, c, &unit));
    if (unit != MONTH && unit != QUARTER && unit != YEAR)
        return dm_eval_fail(e, DM_TE_VALUE, "Invalid unit for %s()", c->name);
    DM_TRY(read_weekday(e, c, 1, -1, &weekday));
    DM_TRY(dm_shown(e, c->self, &t));
    unit_bounds(t.civil, unit, &from, &to);
    int64_t day = last ? to - DM_DAY : from;
    while (weekday >= 0) {
        struct dm_civil civil = dm_civil_from_us(day);
        if (dm_weekday_monday(&civil) == weekday)
            break;
        day += last ? -DM_DAY : DM_DAY;
    }
    return dm_time_like(e, c->self, day, ret);
}

static int date_first_of(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return edge_of(e, c, false, ret);
}

static int date_last_of(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return edge_of(e, c, true, ret);
}

/* nth_of('month', 2, weekday): the second one of its weekday; none = an error. */
static int date_nth_of(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    enum unit unit;
    struct dm_shown t;
    int64_t from, to, nth;
    int weekday;
    DM_TRY(read_unit(e, c, &unit));
    if (unit != MONTH && unit != QUARTER && unit != YEAR)
        return dm_eval_fail(e, DM_TE_VALUE, "Invalid unit for nth_of()");
    DM_TRY(dm_param_int(e, c, 1, 1, &nth));
    DM_TRY(read_weekday(e, c, 2, 0, &weekday));
    DM_TRY(dm_shown(e, c->self, &t));
    unit_bounds(t.civil, unit, &from, &to);
    struct dm_civil first = dm_civil_from_us(from);
    int64_t day = from + (weekday - dm_weekday_monday(&first) + 7) % 7 * DM_DAY;
    if (nth > 0 && nth < 60)
        day += (nth - 1) * 7 * DM_DAY;
    if (nth < 1 || nth >= 60 || day >= to)
        return dm_eval_fail(e, DM_TE_VALUE, "there is no such weekday in the %.*s",
                            DM_FMT(c->arg[0]->s));
    return dm_time_like(e, c->self, day, ret);
}

static int neighbour(struct dm_eval *e, const struct dm_call *c, int64_t step,
                     const struct dm_value **ret)
{
    struct dm_shown t;
    int weekday;
    bool keep_time;
    DM_TRY(dm_shown(e, c->self, &t));
    DM_TRY(read_weekday(e, c, 0, dm_weekday_monday(&t.civil), &weekday));
    DM_TRY(dm_param_bool(e, c, 1, false, &keep_time));
    int64_t clock =
        keep_time ? t.local - dm_days_from_civil(t.civil.year, t.civil.month, t.civil.day) * DM_DAY
                  : 0;
    int64_t day = dm_days_from_civil(t.civil.year, t.civil.month, t.civil.day) * DM_DAY;
    do {
        day += step;
        t.civil = dm_civil_from_us(day);
    } while (dm_weekday_monday(&t.civil) != weekday);
    return dm_time_like(e, c->self, day + clock, ret);
}

static int date_next(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return neighbour(e, c, DM_DAY, ret);
}

static int date_previous(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return neighbour(e, c, -DM_DAY, ret);
}

static int date_in_timezone(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str zone;
    DM_TRY(dm_eval_defined(e, c->arg[0]));
    if (dm_is_int(c->arg[0]) || c->arg[0]->kind == DM_FLOAT) { /* hours */
        double hours = dm_float_of(c->arg[0]);
        if (!(hours > -24 && hours < 24))
            return dm_eval_fail(e, DM_TE_VALUE, "a time zone is less than 24 hours from UTC");
        zone = dm_str_c(dm_offset_text(e, (int64_t)(hours * 3600) * DM_SEC, ":"));
        return dm_time_in_zone(e, c->self, zone, ret);
    }
    DM_TRY(dm_text_of(e, c->arg[0], &zone));
    return dm_time_in_zone(e, c->self, zone, ret);
}

static int date_strftime(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str format;
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    DM_TRY(dm_param_str(e, c, 0, "", &format));
    DM_TRY(dm_strftime(e, c->self, format, &b));
    return dm_new_text(e, &b, ret);
}

static int date_format(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str format;
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    DM_TRY(dm_param_str(e, c, 0, "", &format));
    DM_TRY(dm_check_english(e, c, 1));
    DM_TRY(dm_pendulum_format(e, c->self, format, &b));
    return dm_new_text(e, &b, ret);
}

static int formatted(struct dm_eval *e, const struct dm_call *c, const char *format,
                     const struct dm_value **ret)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    DM_TRY(dm_strftime(e, c->self, dm_str_c(format), &b));
    return dm_new_text(e, &b, ret);
}

#define FORMATTED(name, format)                                                              \
    static int name(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret) \
    {                                                                                        \
        return formatted(e, c, format, ret);                                                 \
    }

FORMATTED(to_date_string, "%Y-%m-%d")
FORMATTED(to_datetime_string, "%Y-%m-%d %H:%M:%S")
FORMATTED(to_time_string, "%H:%M:%S")
FORMATTED(to_formatted_date_string, "%b %d, %Y")
FORMATTED(to_day_datetime_string, "%a, %b %-d, %Y %-I:%M %p")
FORMATTED(to_rfc822_string, "%a, %d %b %y %H:%M:%S %z")
FORMATTED(to_rfc850_string, "%A, %d-%b-%y %H:%M:%S %Z")
FORMATTED(to_rfc2822_string, "%a, %d %b %Y %H:%M:%S %z")
FORMATTED(to_cookie_string, "%A, %d-%b-%Y %H:%M:%S %Z")
FORMATTED(date_ctime, "%a %b %e %H:%M:%S %Y")
FORMATTED(date_tzname, "%Z")

/* As in the W3C's profile of ISO 8601 and in Atom: whole seconds. */
static int date_to_w3c(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    DM_TRY(dm_pendulum_format(e, c->self, DM_STR("YYYY-MM-DDTHH:mm:ssZ"), &b));
    return dm_new_text(e, &b, ret);
}

static int iso_text(struct dm_eval *e, const struct dm_value *v, struct dm_str sep,
                    struct dm_str spec, const char *utc, const struct dm_value **ret)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, v, &t));
    const struct dm_civil *c = &t.civil;
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    dm_strbuf_addf(&b, "%04d-%02d-%02d", c->year, c->month, c->day);
    if (v->kind == DM_DATETIME) {
        dm_strbuf_addstr(&b, sep);
        DM_TRY(dm_clock_text(e, c, spec, &b));
        if (!t.naive)
            dm_strbuf_adds(&b, utc && t.offset == 0 ? utc : dm_offset_text(e, t.offset, ":"));
    }
    return dm_new_text(e, &b, ret);
}

static int date_isoformat(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str sep, spec;
    if (c->self->kind == DM_DATE && (c->arg[0] || c->arg[1]))
        return dm_eval_fail(e, DM_TE_TYPE, "Date.isoformat() takes no arguments");
    DM_TRY(dm_param_str(e, c, 0, "T", &sep));
    DM_TRY(dm_param_str(e, c, 1, "auto", &spec));
    return iso_text(e, c->self, sep, spec, NULL, ret);
}

static int date_to_iso8601(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return iso_text(e, c->self, DM_STR("T"), DM_STR("auto"), "Z", ret);
}

static int date_date(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, c->self, &t));
    *ret = dm_date_value(e, dm_days_from_civil(t.civil.year, t.civil.month, t.civil.day));
    return 0;
}

static int date_time(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, c->self, &t));
    *ret = dm_clock(e, c->self, &t, false);
    return 0;
}

static int date_timetz(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, c->self, &t));
    *ret = dm_clock(e, c->self, &t, true);
    return 0;
}

/* instance(): a date of Python's own as Pendulum's; without a zone it is UTC. */
static int date_instance(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct dm_value *v = c->arg[0];
    DM_TRY(dm_eval_defined(e, v));
    if (v->kind != DM_DATETIME)
        return dm_eval_fail(e, DM_TE_TYPE, "instance() wants a date with its time, not %s",
                            dm_type_name(v));
    struct dm_value *own = dm_arena_dup(e->a, v, sizeof(*v));
    own->time.plain = own->time.naive = false;
    *ret = own;
    return 0;
}

static int date_naive(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, c->self, &t));
    struct dm_value *v = dm_value_time(e->a, t.local, NULL);
    v->time.naive = true;
    v->time.plain = c->self->time.plain;
    *ret = v;
    return 0;
}

static int date_timestamp(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    *ret = dm_value_float(e->a, (double)dm_instant_of(c->self) / DM_SEC);
    return 0;
}

static int date_weekday(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, c->self, &t));
    *ret = dm_int_value(e, dm_weekday_monday(&t.civil));
    return 0;
}

static int date_isoweekday(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, c->self, &t));
    *ret = dm_int_value(e, dm_weekday_monday(&t.civil) + 1);
    return 0;
}

static int date_toordinal(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, c->self, &t));
    *ret = dm_int_value(e, dm_days_from_civil(t.civil.year, t.civil.month, t.civil.day) + 719163);
    return 0;
}

static int date_isocalendar(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, c->self, &t));
    *ret = dm_iso_calendar(e, &t.civil);
    return 0;
}

static int date_timetuple(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, c->self, &t));
    *ret = dm_struct_time(e, &t.civil, t.naive ? -1 : t.dst);
    return 0;
}

static int date_utctimetuple(struct dm_eval *e, const struct dm_call *c,
                             const struct dm_value **ret)
{
    struct dm_civil utc = dm_civil_from_us(dm_instant_of(c->self));
    *ret = dm_struct_time(e, &utc, 0);
    return 0;
}

static int date_utcoffset(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, c->self, &t));
    *ret = t.naive ? &dm_null : dm_delta_value(e, t.offset);
    return 0;
}

static int date_dst(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, c->self, &t));
    *ret = t.naive ? &dm_null : dm_delta_value(e, t.dst ? DM_HOUR : 0);
    return 0;
}

static int date_is_dst(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, c->self, &t));
    *ret = dm_bool_value(t.dst);
    return 0;
}

static int date_is_leap_year(struct dm_eval *e, const struct dm_call *c,
                             const struct dm_value **ret)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, c->self, &t));
    *ret = dm_bool_value(dm_is_leap(t.civil.year));
    return 0;
}

static int date_is_utc(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, c->self, &t));
    *ret = dm_bool_value(!t.naive && t.offset == 0);
    return 0;
}

static int other_date(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct dm_value *v = c->arg[0];
    *ret = v;
    if (!v || v->kind == DM_NULL) {
        *ret = dm_value_time(e->a, e->c->now, NULL);
        return 0;
    }
    DM_TRY(dm_eval_defined(e, v));
    if (v->kind != DM_DATETIME && v->kind != DM_DATE)
        return dm_eval_fail(e, DM_TE_TYPE, "%s() wants a date, not %s", c->name, dm_type_name(v));
    int order, comparable = dm_date_compare(e, c->self, v, &order);
    if (comparable == 0)
        return dm_eval_fail(e, DM_TE_VALUE,
                            "Both start and end of an Interval must have the same type");
    return comparable < 0 ? comparable : 0;
}

static int date_diff(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct dm_value *other;
    bool absolute;
    DM_TRY(other_date(e, c, &other));
    DM_TRY(dm_param_bool(e, c, 1, true, &absolute));
    *ret = dm_interval(e, c->self, other, absolute);
    return 0;
}

static int date_diff_for_humans(struct dm_eval *e, const struct dm_call *c,
                                const struct dm_value **ret)
{
    const struct dm_value *other;
    bool absolute;
    DM_TRY(dm_check_english(e, c, 2));
    DM_TRY(other_date(e, c, &other));
    DM_TRY(dm_param_bool(e, c, 1, false, &absolute));
    return dm_humans(e, c->self, other, absolute, ret);
}

/* The nearest of several dates, of equally near ones the earlier; or the farthest, and there the later. */
static int date_by_distance(struct dm_eval *e, const struct dm_call *c, bool far,
                            const struct dm_value **ret)
{
    int64_t best = 0;
    *ret = NULL;
    for (size_t i = 0; i < c->all->n; i++) {
        struct dm_call one = {.name = c->name, .self = c->self, .arg = {c->all->pos[i]}};
        const struct dm_value *v;
        DM_TRY(other_date(e, &one, &v));
        int64_t distance = dm_instant_of(v) - dm_instant_of(c->self);
        distance = distance < 0 ? -distance : distance;
        bool further = *ret && (distance > best ||
                                (distance == best && dm_instant_of(v) > dm_instant_of(*ret)));
        if (!*ret || further == far) {
            *ret = v;
            best = distance;
        }
    }
    return *ret ? 0 : dm_eval_fail(e, DM_TE_VALUE, "%s() wants dates", c->name);
}

static int date_closest(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return date_by_distance(e, c, false, ret);
}

static int date_farthest(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return date_by_distance(e, c, true, ret);
}

static int date_is_long_year(struct dm_eval *e, const struct dm_call *c,
                             const struct dm_value **ret)
{
    struct dm_shown t;
    int year;
    DM_TRY(dm_shown(e, c->self, &t));
    struct dm_civil last_week = {.year = t.civil.year, .month = 12, .day = 28};
    *ret = dm_bool_value(dm_iso_week(&last_week, &year) == 53);
    return 0;
}

/* The clock of a template stands still: at the moment that the run began, so that a rerun says the same. */
static int date_is_past(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    *ret = dm_bool_value(dm_instant_of(c->self) <= e->c->now);
    return 0;
}

static int date_is_future(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    *ret = dm_bool_value(dm_instant_of(c->self) > e->c->now);
    return 0;
}

static int same_part(struct dm_eval *e, const struct dm_call *c, bool with_year,
                     const struct dm_value **ret)
{
    const struct dm_value *other;
    struct dm_shown x, y;
    DM_TRY(other_date(e, c, &other));
    DM_TRY(dm_shown(e, c->self, &x));
    DM_TRY(dm_shown(e, other, &y));
    *ret = dm_bool_value(x.civil.month == y.civil.month && x.civil.day == y.civil.day &&
                         (!with_year || x.civil.year == y.civil.year));
    return 0;
}

static int date_is_anniversary(struct dm_eval *e, const struct dm_call *c,
                               const struct dm_value **ret)
{
    return same_part(e, c, false, ret);
}

static int date_is_same_day(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return same_part(e, c, true, ret);
}

static int date_get_offset(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, c->self, &t));
    *ret = t.naive ? &dm_null : dm_int_value(e, t.offset / DM_SEC);
    return 0;
}

static const struct dm_callable date_methods[] = {
    {"add", SHIFT_SPEC, date_add},
    {"astimezone", "tz", date_in_timezone},
    {"at", "hour minute? second? microsecond?", date_at},
    {"closest", "*", date_closest},
    {"ctime", "", date_ctime},
    {"date", "", date_date},
    {"diff", "dt? abs?", date_diff},
    {"diff_for_humans", "other? absolute? locale?", date_diff_for_humans},
    {"dst", "", date_dst},
    {"end_of", "unit", date_end_of},
    {"farthest", "*", date_farthest},
    {"first_of", "unit day_of_week?", date_first_of},
    {"format", "fmt locale?", date_format},
    {"get_offset", "", date_get_offset},
    {"in_timezone", "tz", date_in_timezone},
    {"in_tz", "tz", date_in_timezone},
    {"instance", "dt tz?", date_instance},
    {"is_anniversary", "dt?", date_is_anniversary},
    {"is_birthday", "dt?", date_is_anniversary},
    {"is_dst", "", date_is_dst},
    {"is_future", "", date_is_future},
    {"is_leap_year", "", date_is_leap_year},
    {"is_long_year", "", date_is_long_year},
    {"is_past", "", date_is_past},
    {"is_same_day", "dt", date_is_same_day},
    {"is_utc", "", date_is_utc},
    {"isocalendar", "", date_isocalendar},
    {"isoformat", "sep? timespec?", date_isoformat},
    {"isoweekday", "", date_isoweekday},
    {"last_of", "unit day_of_week?", date_last_of},
    {"naive", "", date_naive},
    {"next", "day_of_week? keep_time?", date_next},
    {"nth_of", "unit nth day_of_week", date_nth_of},
    {"on", "year month day", date_on},
    {"previous", "day_of_week? keep_time?", date_previous},
    {"replace", "year? month? day? hour? minute? second? microsecond? tzinfo?", date_replace},
    {"set", "year? month? day? hour? minute? second? microsecond? tz?", date_replace},
    {"start_of", "unit", date_start_of},
    {"strftime", "format", date_strftime},
    {"subtract", SHIFT_SPEC, date_subtract},
    {"time", "", date_time},
    {"timestamp", "", date_timestamp},
    {"timetuple", "", date_timetuple},
    {"timetz", "", date_timetz},
    {"to_atom_string", "", date_to_w3c},
    {"to_cookie_string", "", to_cookie_string},
    {"to_date_string", "", to_date_string},
    {"to_datetime_string", "", to_datetime_string},
    {"to_day_datetime_string", "", to_day_datetime_string},
    {"to_formatted_date_string", "", to_formatted_date_string},
    {"to_iso8601_string", "", date_to_iso8601},
    {"to_rfc1036_string", "", to_rfc822_string},
    {"to_rfc1123_string", "", to_rfc2822_string},
    {"to_rfc2822_string", "", to_rfc2822_string},
    {"to_rfc3339_string", "", date_isoformat},
    {"to_rfc822_string", "", to_rfc822_string},
    {"to_rfc850_string", "", to_rfc850_string},
    {"to_rss_string", "", to_rfc2822_string},
    {"to_time_string", "", to_time_string},
    {"to_w3c_string", "", date_to_w3c},
    {"toordinal", "", date_toordinal},
    {"tzname", "", date_tzname},
    {"utcoffset", "", date_utcoffset},
    {"utctimetuple", "", date_utctimetuple},
    {"weekday", "", date_weekday},
    {NULL},
};

/* Methods that Python's own datetime and date have; the others are Pendulum's. */
static bool is_plain_method(struct dm_str name)
{
    static const char *const names[] = {
        "astimezone", "ctime",   "date",         "dst",    "isocalendar", "isoformat",
        "isoweekday", "replace", "strftime",     "time",   "timestamp",   "toordinal",
        "timetuple",  "timetz",  "utctimetuple", "tzname", "utcoffset",   "weekday"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (dm_str_is(name, names[i]))
            return true;
    return false;
}

static bool is_date_method(struct dm_str name)
{
    static const char *const not_of_dates[] = {
        "astimezone", "at",     "closest",   "farthest", "dst",      "get_offset",   "in_timezone",
        "in_tz",      "is_dst", "is_utc",    "instance", "timetz",   "utctimetuple", "naive",
        "on",         "time",   "timestamp", "tzname",   "utcoffset"};
    for (size_t i = 0; i < sizeof(not_of_dates) / sizeof(not_of_dates[0]); i++)
        if (dm_str_is(name, not_of_dates[i]))
            return false;
    return true;
}

static bool number_attr(const struct dm_value *v, const struct dm_shown *t, struct dm_str name,
                        int64_t *ret)
{
    const struct dm_civil *c = &t->civil;
    int iso_year, weekday = dm_weekday_monday(c);
    struct dm_civil first = *c;
    first.day = 1;
    bool instant = v->kind == DM_DATETIME;
    const struct {
        const char *name;
        int64_t value;
        bool plain, dates;
    } numbers[] = {
        {"year", c->year, true, true},
        {"month", c->month, true, true},
        {"day", c->day, true, true},
        {"hour", c->hour, true, false},
        {"minute", c->minute, true, false},
        {"second", c->second, true, false},
        {"microsecond", c->usec, true, false},
        {"day_of_week", weekday, false, true},
        {"day_of_year", dm_day_of_year(c), false, true},
        {"week_of_year", dm_iso_week(c, &iso_year), false, true},
        {"week_of_month", (c->day + dm_weekday_monday(&first) + 6) / 7, false, true},
        {"days_in_month", dm_month_days(c->year, c->month), false, true},
        {"quarter", (c->month - 1) / 3 + 1, false, true},
        {"int_timestamp", dm_instant_of(v) / DM_SEC - (dm_instant_of(v) % DM_SEC < 0), false,
         false},
        {"offset", t->offset / DM_SEC, false, false},
        {"fold", !v->time.plain, true, false}, /* Pendulum sets it on all of its own */
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (!dm_str_is(name, numbers[i].name))
            continue;
        *ret = numbers[i].value;
        return instant ? numbers[i].plain || !v->time.plain : numbers[i].dates;
    }
    return false;
}

/* Full years up to the moment that the run began. */
static int date_age(struct dm_eval *e, const struct dm_shown *t, const struct dm_value **ret)
{
    struct dm_civil now = dm_civil_from_us(e->c->now);
    const struct dm_civil *c = &t->civil;
    bool before = now.month < c->month || (now.month == c->month && now.day < c->day);
    *ret = dm_int_value(e, now.year - c->year - before);
    return 1;
}

int dm_date_attr(struct dm_eval *e, const struct dm_value *v, struct dm_str name,
                 const struct dm_value **ret)
{
    struct dm_shown t;
    int64_t number;
    bool instant = v->kind == DM_DATETIME, plain = instant && v->time.plain;
    DM_TRY(dm_shown(e, v, &t));
    const struct dm_callable *method = dm_callable_find(date_methods, name);
    if (method && (plain ? is_plain_method(name) : instant || is_date_method(name))) {
        *ret = dm_bound(e, method, v);
        return 1;
    }
    if (number_attr(v, &t, name, &number)) {
        *ret = dm_int_value(e, number);
        return 1;
    }
    if (dm_str_is(name, "resolution")) {
        *ret = dm_delta_value(e, instant ? 1 : DM_DAY);
        return 1;
    }
    if (!plain && dm_str_is(name, "age"))
        return date_age(e, &t, ret);
    if (!instant && (dm_str_is(name, "min") || dm_str_is(name, "max"))) {
        *ret = dm_date_value(e, dm_str_is(name, "max") ? 2932896 : -719162);
        return 1;
    }
    if (!instant)
        return 0;
    if (plain && dm_datetime_member(e, name, ret))
        return 1;
    if (dm_str_is(name, "tzinfo") ||
        (!plain && (dm_str_is(name, "timezone_name") || dm_str_is(name, "tz") ||
                    dm_str_is(name, "timezone")))) {
        const char *zone = v->time.zone ? v->time.zone : "UTC";
        bool text = dm_str_is(name, "timezone_name");
        *ret = t.naive ? &dm_null : text ? dm_value_cstr(e->a, zone) : dm_timezone(e, zone);
        return 1;
    }
    bool last = dm_str_is(name, "max");
    if (last || dm_str_is(name, "min")) {
        struct dm_value *edge = dm_value_time(
            e->a, last ? INT64_C(253402300800) * DM_SEC - 1 : INT64_C(-62135596800) * DM_SEC, NULL);
        edge->time.plain = edge->time.naive = plain;
        *ret = edge;
        return 1;
    }
    if (plain)
        return 0;
    if (dm_str_is(name, "float_timestamp"))
        *ret = dm_value_float(e->a, (double)v->time.us / DM_SEC);
    else if (dm_str_is(name, "offset_hours"))
        *ret = dm_value_float(e->a, (double)t.offset / DM_HOUR);
    else
        return 0;
    return 1;
}
