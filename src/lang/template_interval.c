/* Spans of time in templates: timedelta, Pendulum's Interval and Duration, and distances in words. */
#include "lang/template_time.h"

struct interval {
    const struct dm_value *start,
        *end;    /* NULL: a Duration, which no longer knows from when to when */
    int64_t us;  /* end - start */
    bool invert; /* end lies before start */
    /* The distance in calendar units, all of one sign. */
    int64_t years, months, days, hours, minutes, seconds, usec;
    int64_t total_days;
};

static const struct dm_class class_interval, class_duration;

/* Months and days from clock to clock; days that are missing are borrowed from the month before the later one. */
static void count_units(struct interval *i, int64_t from, int64_t to)
{
    struct dm_civil a = dm_civil_from_us(from), b = dm_civil_from_us(to);
    int64_t of_day = ((to % DM_DAY) + DM_DAY) % DM_DAY - ((from % DM_DAY) + DM_DAY) % DM_DAY;
    int64_t months = (int64_t)(b.year - a.year) * 12 + b.month - a.month;
    int days = b.day - a.day - (of_day < 0);
    of_day += of_day < 0 ? DM_DAY : 0;
    if (days < 0) {
        int before =
            dm_month_days(b.month == 1 ? b.year - 1 : b.year, b.month == 1 ? 12 : b.month - 1);
        int longer = dm_month_days(b.year, b.month) - before;
        months--;
        if (days == longer) {
            days = 0;
            months++;
        } else {
            days += days < longer && before < a.day ? a.day : before;
        }
    }
    i->years = months / 12;
    i->months = months % 12;
    i->days = days;
    i->hours = of_day / DM_HOUR;
    i->minutes = of_day / DM_MIN % 60;
    i->seconds = of_day / DM_SEC % 60;
    i->usec = of_day % DM_SEC;
}

static struct interval *make(struct dm_eval *e, const struct dm_value *start,
                             const struct dm_value *end, bool absolute)
{
    struct interval *i = dm_arena_new(e->a, struct interval);
    int64_t from = dm_instant_of(start), to = dm_instant_of(end);
    struct dm_shown a, b;
    i->invert = from > to;
    i->start = absolute && i->invert ? end : start;
    i->end = absolute && i->invert ? start : end;
    i->us = absolute && i->invert ? from - to : to - from;
    /* Days are counted on the calendar, units on the wall clock where both show the same zone on two days. */
    if (dm_shown(e, start, &a) == 0 && dm_shown(e, end, &b) == 0) {
        int64_t days = dm_days_from_civil(b.civil.year, b.civil.month, b.civil.day) -
                       dm_days_from_civil(a.civil.year, a.civil.month, a.civil.day);
        i->total_days = i->invert ? -days : days;
        const char *za = start->kind == DM_DATETIME && start->time.zone ? start->time.zone : "UTC";
        const char *zb = end->kind == DM_DATETIME && end->time.zone ? end->time.zone : "UTC";
        if (strcmp(za, zb) == 0 && days != 0) {
            from = a.local;
            to = b.local;
        }
    }
    if (from <= to)
        count_units(i, from, to);
    else
        count_units(i, to, from);
    return i;
}

const struct dm_value *dm_interval(struct dm_eval *e, const struct dm_value *start,
                                   const struct dm_value *end, bool absolute)
{
    return dm_object_value(e, &class_interval, make(e, start, end, absolute));
}

/* A Duration has weeks, but neither months nor years. */
static const struct dm_value *duration(struct dm_eval *e, int64_t us)
{
    struct interval *i = dm_arena_new(e->a, struct interval);
    uint64_t length = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
    i->us = us;
    i->invert = us < 0;
    i->days = (int64_t)(length / DM_DAY);
    i->hours = (int64_t)(length / DM_HOUR % 24);
    i->minutes = (int64_t)(length / DM_MIN % 60);
    i->seconds = (int64_t)(length / DM_SEC % 60);
    i->usec = (int64_t)(length % DM_SEC);
    i->total_days = i->days;
    return dm_object_value(e, &class_duration, i);
}

static const struct interval *span_of(const struct dm_value *v)
{
    const struct interval *i = dm_object_data(v, &class_interval);
    return i ? i : dm_object_data(v, &class_duration);
}

static int64_t sign(const struct interval *i)
{
    return i->us < 0 ? -1 : 1;
}

static int number(struct dm_eval *e, const struct dm_call *c, int64_t unit,
                  const struct dm_value **ret)
{
    const struct interval *i = c->self->object->data;
    *ret = dm_int_value(e, i->us / unit);
    return 0;
}

#define IN_UNIT(name, unit)                                                                  \
    static int name(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret) \
    {                                                                                        \
        return number(e, c, unit, ret);                                                      \
    }

IN_UNIT(in_hours, DM_HOUR)
IN_UNIT(in_minutes, DM_MIN)
IN_UNIT(in_seconds, DM_SEC)

static int in_days(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct interval *i = c->self->object->data;
    *ret = dm_int_value(e, sign(i) * i->total_days);
    return 0;
}

static int in_weeks(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct interval *i = c->self->object->data;
    *ret = dm_int_value(e, sign(i) * (i->total_days / 7));
    return 0;
}

static int in_months(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct interval *i = c->self->object->data;
    *ret = dm_int_value(e, sign(i) * (i->years * 12 + i->months));
    return 0;
}

static int in_years(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct interval *i = c->self->object->data;
    *ret = dm_int_value(e, sign(i) * i->years);
    return 0;
}

static int total_seconds(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct interval *i = c->self->object->data;
    *ret = dm_value_float(e->a, (double)i->us / DM_SEC);
    return 0;
}

static int total(struct dm_eval *e, const struct dm_call *c, int64_t unit,
                 const struct dm_value **ret)
{
    const struct interval *i = c->self->object->data;
    *ret = dm_value_float(e->a, (double)i->us / DM_SEC / ((double)unit / DM_SEC));
    return 0;
}

#define TOTAL(name, unit)                                                                    \
    static int name(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret) \
    {                                                                                        \
        return total(e, c, unit, ret);                                                       \
    }

TOTAL(total_minutes, DM_MIN)
TOTAL(total_hours, DM_HOUR)
TOTAL(total_days, DM_DAY)

static int total_weeks(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    DM_TRY(total(e, c, DM_DAY, ret));
    *ret = dm_value_float(e->a, (*ret)->f / 7);
    return 0;
}

static int as_timedelta(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    *ret = dm_delta_value(e, ((const struct interval *)c->self->object->data)->us);
    return 0;
}

static int as_duration(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    *ret = duration(e, ((const struct interval *)c->self->object->data)->us);
    return 0;
}

static void add_words(const struct interval *i, struct dm_str sep, struct dm_strbuf *b)
{
    size_t before = b->len;
    const struct {
        const char *unit;
        int64_t n;
    } parts[] = {
        {"year", i->years}, {"month", i->months},   {"week", i->days / 7},  {"day", i->days % 7},
        {"hour", i->hours}, {"minute", i->minutes}, {"second", i->seconds},
    };
    for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++) {
        if (!parts[k].n)
            continue;
        if (b->len > before)
            dm_strbuf_addstr(b, sep);
        dm_strbuf_addf(b, "%lld %s%s", (long long)(sign(i) * parts[k].n), parts[k].unit,
                       parts[k].n == 1 ? "" : "s");
    }
    if (b->len == before && i->usec)
        dm_strbuf_addf(b, "%.2f second", (double)i->usec / DM_SEC);
    else if (b->len == before)
        dm_strbuf_adds(b, "0 microseconds");
}

int dm_check_english(struct dm_eval *e, const struct dm_call *c, size_t i)
{
    struct dm_str locale;
    if (!c->arg[i] || c->arg[i]->kind == DM_NULL)
        return 0;
    DM_TRY(dm_param_str(e, c, i, "", &locale));
    if (dm_str_is(locale, "en") || dm_str_starts(locale, DM_STR("en_")) ||
        dm_str_starts(locale, DM_STR("en-")))
        return 0;
    dm_eval_fail(e, DM_TE_VALUE, "%s() knows English only, not '%.*s'", c->name, DM_FMT(locale));
    dm_err_hint(e->err, "macros.ds_format_locale() writes days in other languages.");
    return DM_E_INVALID;
}

static int in_words(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str sep;
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    DM_TRY(dm_check_english(e, c, 0));
    DM_TRY(dm_param_str(e, c, 1, " ", &sep));
    add_words(c->self->object->data, sep, &b);
    return dm_new_text(e, &b, ret);
}

static const struct dm_callable interval_methods[] = {
    {"as_duration", "", as_duration},
    {"as_timedelta", "", as_timedelta},
    {"in_days", "", in_days},
    {"in_hours", "", in_hours},
    {"in_minutes", "", in_minutes},
    {"in_months", "", in_months},
    {"in_seconds", "", in_seconds},
    {"in_weeks", "", in_weeks},
    {"in_words", "locale? separator?", in_words},
    {"in_years", "", in_years},
    {"total_days", "", total_days},
    {"total_hours", "", total_hours},
    {"total_minutes", "", total_minutes},
    {"total_seconds", "", total_seconds},
    {"total_weeks", "", total_weeks},
    {NULL},
};

static int interval_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                         const struct dm_value **ret)
{
    const struct interval *i = self->object->data;
    int64_t s = sign(i), us = i->us < 0 ? -i->us : i->us;
    /* Of a Duration the days are those of a timedelta, which rounds down. */
    int64_t days = i->start || i->us >= 0 ? s * (us / DM_DAY) : -((us + DM_DAY - 1) / DM_DAY);
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {
        {"days", days},
        {"seconds", s * (us % DM_DAY / DM_SEC)},
        {"microseconds", s * i->usec},
        {"years", s * i->years},
        {"months", s * i->months},
        {"weeks", s * (i->days / 7)},
        {"remaining_days", s * (i->days % 7)},
        {"hours", s * i->hours},
        {"minutes", s * i->minutes},
        {"remaining_seconds", s * i->seconds},
    };
    const struct dm_callable *method = dm_callable_find(interval_methods, name);
    if (method && (i->start || method->fn != as_duration)) {
        *ret = dm_bound(e, method, self);
        return 1;
    }
    for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++) {
        if (dm_str_is(name, numbers[k].name)) {
            *ret = dm_int_value(e, numbers[k].value);
            return 1;
        }
    }
    if (i->start && dm_str_is(name, "start"))
        *ret = i->start;
    else if (i->end && dm_str_is(name, "end"))
        *ret = i->end;
    else if (dm_str_is(name, "invert"))
        *ret = dm_bool_value(i->invert);
    else
        return 0;
    return 1;
}

static int interval_text(struct dm_eval *e, const struct dm_value *self, bool repr,
                         struct dm_strbuf *b)
{
    const struct interval *i = self->object->data;
    dm_strbuf_adds(b, "<Interval [");
    DM_TRY(dm_text(e, i->start, b));
    dm_strbuf_adds(b, " -> ");
    DM_TRY(dm_text(e, i->end, b));
    dm_strbuf_adds(b, "]>");
    return 0;
}

static int interval_truth(struct dm_eval *e, const struct dm_value *self)
{
    return ((const struct interval *)self->object->data)->us != 0;
}

/* An interval counts as the span that it covers. */
static const struct dm_value *as_delta(struct dm_eval *e, const struct dm_value *v)
{
    const struct interval *i = span_of(v);
    return i ? dm_delta_value(e, i->us) : v;
}

static int by_method(struct dm_eval *e, const struct dm_value *v, const char *method,
                     struct dm_named_arg *named, size_t n, const struct dm_value **ret)
{
    const struct dm_value *f;
    struct dm_args args = {.named = named, .n_named = n};
    DM_TRY(dm_getattr(e, v, dm_str_c(method), &f));
    return dm_call(e, f, &args, ret);
}

/*
 * Pendulum's date plus an Interval moves by its calendar units; less one it goes back by years, months and then
 * the whole length again, which is what Pendulum does.  A Duration is elapsed time; a day moves by days.
 */
static int move_date(struct dm_eval *e, enum dm_tok_op op, const struct dm_value *date,
                     const struct interval *i, const struct dm_value **ret)
{
    int64_t s = sign(i);
    bool day = date->kind == DM_DATE, calendar = i->start && (day || op == DM_OP_ADD);
    struct dm_named_arg units[] = {
        {DM_STR("years"), dm_int_value(e, s * i->years)},
        {DM_STR("months"), dm_int_value(e, s * i->months)},
        {DM_STR("weeks"), dm_int_value(e, calendar || day ? s * (i->days / 7) : 0)},
        {DM_STR("days"), dm_int_value(e, calendar || day ? s * (i->days % 7) : 0)},
        {DM_STR("seconds"),
         calendar ? dm_int_value(e, s * (i->hours * 3600 + i->minutes * 60 + i->seconds))
                  : dm_int_value(e, i->us / DM_SEC)},
        {DM_STR("microseconds"), dm_int_value(e, calendar ? s * i->usec : i->us % DM_SEC)},
    };
    DM_TRY(by_method(e, date, op == DM_OP_ADD ? "add" : "subtract", units, day ? 4 : 6, ret));
    return 1;
}

static int interval_binary(struct dm_eval *e, enum dm_tok_op op, const struct dm_value *x,
                           const struct dm_value *y, const struct dm_value **ret)
{
    const struct interval *left = span_of(x), *right = span_of(y);
    const struct dm_value *date = left ? y : x;
    if ((date->kind == DM_DATE || (date->kind == DM_DATETIME && !date->time.plain)) &&
        (op == DM_OP_ADD || (op == DM_OP_SUB && right)))
        return move_date(e, op, date, left ? left : right, ret);
    int rc = dm_date_binary(e, op, as_delta(e, x), as_delta(e, y), ret);
    if (rc > 0 && (*ret)->kind == DM_DELTA && (left || op == DM_OP_ADD || op == DM_OP_MUL))
        *ret = duration(e, (*ret)->i);
    return rc;
}

static int interval_compare(struct dm_eval *e, const struct dm_value *x, const struct dm_value *y)
{
    const struct dm_value *a = as_delta(e, x), *b = as_delta(e, y);
    if (a->kind != DM_DELTA || b->kind != DM_DELTA)
        return DM_UNORDERED;
    return (a->i > b->i) - (a->i < b->i);
}

static const struct dm_class class_interval = {
    .type = "Interval",
    .attr = interval_attr,
    .text = interval_text,
    .truth = interval_truth,
    .binary = interval_binary,
    .compare = interval_compare,
};

static int duration_text(struct dm_eval *e, const struct dm_value *self, bool repr,
                         struct dm_strbuf *b)
{
    const struct interval *i = self->object->data;
    if (!repr) {
        add_words(i, DM_STR(" "), b);
        return 0;
    }
    const struct {
        const char *unit;
        int64_t n;
    } parts[] = {
        {"weeks", i->days / 7},  {"days", i->days % 7},   {"hours", i->hours},
        {"minutes", i->minutes}, {"seconds", i->seconds}, {"microseconds", i->usec},
    };
    const char *sep = "";
    dm_strbuf_adds(b, "Duration(");
    for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++) {
        /* The days stand there with 0 where there are weeks. */
        if (!parts[k].n && !(k == 1 && i->days))
            continue;
        dm_strbuf_addf(b, "%s%s=%lld", sep, parts[k].unit, (long long)(sign(i) * parts[k].n));
        sep = ", ";
    }
    dm_strbuf_addc(b, ')');
    return 0;
}

static const struct dm_class class_duration = {
    .type = "Duration",
    .attr = interval_attr,
    .text = duration_text,
    .truth = interval_truth,
    .binary = interval_binary,
    .compare = interval_compare,
};

int dm_humans(struct dm_eval *e, const struct dm_value *v, const struct dm_value *other,
              bool absolute, const struct dm_value **ret)
{
    const struct interval *i = make(e, v, other, false);
    int64_t weeks = i->days / 7, days = i->days % 7, n;
    const char *unit;
    if (i->years > 0) {
        unit = "year";
        n = i->years + (i->months > 6);
    } else if (i->months == 11 && i->days > 15) {
        unit = "year";
        n = 1;
    } else if (i->months > 0) {
        unit = "month";
        n = i->months + (i->days >= 27);
    } else if (weeks > 0) {
        unit = "week";
        n = weeks + (days > 3);
    } else if (days > 0) {
        unit = "day";
        n = days + (i->hours >= 22);
    } else if (i->hours > 0) {
        unit = "hour";
        n = i->hours;
    } else if (i->minutes > 0) {
        unit = "minute";
        n = i->minutes;
    } else {
        unit = "second";
        n = i->seconds;
    }
    const char *text =
        i->years + i->months + i->days + i->hours + i->minutes == 0 && n <= 10
            ? "a few seconds"
            : dm_arena_printf(e->a, "%lld %s%s", (long long)n, unit, n == 1 ? "" : "s");
    const char *side = absolute ? "" : i->invert ? " after" : " before";
    *ret = dm_str_value(e, dm_str_printf(e->a, "%s%s", text, side));
    return 0;
}

/* --- timedelta --- */

static int delta_total_seconds(struct dm_eval *e, const struct dm_call *c,
                               const struct dm_value **ret)
{
    *ret = dm_value_float(e->a, (double)c->self->i / DM_SEC);
    return 0;
}

static const struct dm_callable delta_methods[] = {
    {"total_seconds", "", delta_total_seconds},
    {NULL},
};

int dm_delta_attr(struct dm_eval *e, const struct dm_value *v, struct dm_str name,
                  const struct dm_value **ret)
{
    int64_t days = v->i / DM_DAY - (v->i % DM_DAY < 0), rest = v->i - days * DM_DAY;
    const struct dm_callable *method = dm_callable_find(delta_methods, name);
    if (method)
        *ret = dm_bound(e, method, v);
    else if (dm_str_is(name, "days"))
        *ret = dm_int_value(e, days);
    else if (dm_str_is(name, "seconds"))
        *ret = dm_int_value(e, rest / DM_SEC);
    else if (dm_str_is(name, "microseconds"))
        *ret = dm_int_value(e, rest % DM_SEC);
    else
        return 0;
    return 1;
}
