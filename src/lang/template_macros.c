/* Airflow's `macros` module in templates. */
#include <math.h>

#include "lang/template_dateutil.h"

static int text_arg(struct dm_eval *e, const struct dm_call *c, size_t i, struct dm_str *ret)
{
    DM_TRY(dm_eval_defined(e, c->arg[i]));
    return dm_text_of(e, c->arg[i], ret);
}

static int format_time(struct dm_eval *e, const struct dm_value *v, struct dm_str format,
                       const struct dm_value **ret)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    DM_TRY(dm_strftime(e, v, format, &b));
    return dm_new_text(e, &b, ret);
}

static int ds_add(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str ds;
    const struct dm_value *day;
    double days;
    DM_TRY(text_arg(e, c, 0, &ds));
    int any = dm_truth(e, c->arg[1]);
    if (any < 0)
        return any;
    if (!any) {
        *ret = dm_str_value(e, ds);
        return 0;
    }
    DM_TRY(dm_strptime(e, ds, DM_STR("%Y-%m-%d"), &day));
    DM_TRY(dm_param_float(e, c, 1, 0, &days));
    if (!(days < 4000000 && days > -4000000))
        return dm_eval_fail(e, DM_TE_OVERFLOW, "date value out of range");
    DM_TRY(dm_time_like(e, day, day->time.us + (int64_t)__builtin_rint(days * DM_DAY), &day));
    return format_time(e, day, DM_STR("%Y-%m-%d"), ret);
}

static int ds_format(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str ds, from, to;
    const struct dm_value *day;
    DM_TRY(text_arg(e, c, 0, &ds));
    DM_TRY(dm_param_str(e, c, 1, "", &from));
    DM_TRY(dm_param_str(e, c, 2, "", &to));
    DM_TRY(dm_strptime(e, ds, from, &day));
    return format_time(e, day, to, ret);
}

static int ds_format_locale(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str ds, from, pattern, locale = DM_STR("en_US");
    const struct dm_value *day;
    DM_TRY(text_arg(e, c, 0, &ds));
    DM_TRY(dm_param_str(e, c, 1, "", &from));
    DM_TRY(dm_param_str(e, c, 2, "", &pattern));
    if (c->arg[3] && c->arg[3]->kind != DM_NULL)
        DM_TRY(dm_param_str(e, c, 3, "", &locale));
    DM_TRY(dm_strptime(e, ds, from, &day));
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    DM_TRY(dm_format_locale(e, day, pattern, locale.len ? locale : DM_STR("en_US"), &b));
    return dm_new_text(e, &b, ret);
}

static int diff_for_humans(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct dm_value *since = c->arg[1];
    if (!since || since->kind == DM_NULL)
        since = dm_value_time(e->a, e->c->now, NULL);
    const struct dm_value *both[] = {c->arg[0], since};
    for (size_t i = 0; i < 2; i++) {
        DM_TRY(dm_eval_defined(e, both[i]));
        if (both[i]->kind != DM_DATETIME && both[i]->kind != DM_DATE)
            return dm_eval_fail(e, DM_TE_TYPE, "%s() wants dates, not %s", c->name,
                                dm_type_name(both[i]));
    }
    int order;
    DM_TRY(dm_date_compare(e, both[0], both[1], &order));
    return dm_humans(e, both[0], both[1], false, ret);
}

static int timedelta(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    static const int64_t units[] = {DM_DAY, DM_SEC, 1, DM_MS, DM_MIN, DM_HOUR, 7 * DM_DAY};
    double sum = 0;
    int64_t exact = 0;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        const struct dm_value *v = c->arg[i];
        if (!v)
            continue;
        DM_TRY(dm_eval_defined(e, v));
        if (!dm_is_number(v))
            return dm_eval_fail(e, DM_TE_TYPE, "unsupported type for timedelta component: %s",
                                dm_type_name(v));
        sum += dm_float_of(v) * (double)units[i];
        if (sum > 9e18 || sum < -9e18)
            return dm_eval_fail(e, DM_TE_OVERFLOW, "a duration is too long");
        if (dm_is_int(v))
            exact += dm_int_of(v) * units[i];
        else
            exact += (int64_t)__builtin_rint(dm_float_of(v) * (double)units[i]);
    }
    *ret = dm_delta_value(e, exact);
    return 0;
}

static const struct dm_value *plain_time(struct dm_eval *e, int64_t us)
{
    struct dm_value *v = dm_value_time(e->a, us, NULL);
    v->time.naive = v->time.plain = true;
    return v;
}

static int datetime_call(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    int64_t part[7];
    static const int64_t low[7] = {1, 1, 1, 0, 0, 0, 0};
    static const int64_t high[7] = {9999, 12, 31, 23, 59, 59, 999999};
    for (size_t i = 0; i < 7; i++) {
        DM_TRY(dm_param_int(e, c, i, 0, &part[i]));
        if (part[i] < low[i] || part[i] > high[i])
            return dm_eval_fail(e, DM_TE_VALUE, "a part of the date is out of range");
    }
    struct dm_civil civil = {(int)part[0], (int)part[1], (int)part[2], (int)part[3],
                             (int)part[4], (int)part[5], (int)part[6]};
    if (!dm_civil_valid(&civil))
        return dm_eval_fail(e, DM_TE_VALUE, "day is out of range for month");
    *ret = plain_time(e, dm_us_from_civil(&civil));
    return c->arg[7] ? dm_time_of_zone(e, *ret, (*ret)->time.us, c->arg[7], ret) : 0;
}

static int datetime_strptime(struct dm_eval *e, const struct dm_call *c,
                             const struct dm_value **ret)
{
    struct dm_str text, format;
    DM_TRY(dm_param_str(e, c, 0, "", &text));
    DM_TRY(dm_param_str(e, c, 1, "", &format));
    return dm_strptime(e, text, format, ret);
}

/* Up to `n` digits, just so many: their value, or -1. */
static int digits_at(const char **p, const char *end, int n)
{
    int value = 0;
    for (; n > 0; n--, (*p)++) {
        if (*p >= end || **p < '0' || **p > '9')
            return -1;
        value = value * 10 + (**p - '0');
    }
    return value;
}

static bool at(const char **p, const char *end, char c)
{
    if (*p >= end || **p != c)
        return false;
    (*p)++;
    return true;
}

/* 2024-05-01, 20240501, 2024-W18-3, 2024W183: days since 1970. */
static bool iso_day(const char **p, const char *end, int64_t *ret)
{
    int year = digits_at(p, end, 4), month, day = 1;
    bool dash = at(p, end, '-');
    if (year < 1)
        return false;
    if (at(p, end, 'W')) {
        int week = digits_at(p, end, 2);
        struct dm_civil fourth = {.year = year, .month = 1, .day = 4},
                        last = {.year = year, .month = 12, .day = 28};
        int iso_year;
        if (dash ? at(p, end, '-') : *p < end && **p >= '0' && **p <= '9')
            day = digits_at(p, end, 1);
        if (week < 1 || week > dm_iso_week(&last, &iso_year) || day < 1 || day > 7)
            return false;
        *ret =
            dm_days_from_civil(year, 1, 4) - dm_weekday_monday(&fourth) + (week - 1) * 7 + day - 1;
        return true;
    }
    month = digits_at(p, end, 2);
    if (dash && !at(p, end, '-'))
        return false;
    day = digits_at(p, end, 2);
    if (month < 1 || month > 12 || day < 1 || day > dm_month_days(year, month))
        return false;
    *ret = dm_days_from_civil(year, month, day);
    return true;
}

/* 10, 10:30, 1030, 10:30:15.123456: microseconds of the day. */
static bool iso_clock(const char **p, const char *end, int64_t *ret)
{
    static const int64_t units[] = {DM_HOUR, DM_MIN, DM_SEC}, limits[] = {24, 60, 60};
    bool colon = false;
    *ret = 0;
    for (int i = 0; i < 3; i++) {
        if (i == 1)
            colon = at(p, end, ':');
        else if (i == 2 && colon && !at(p, end, ':'))
            return true;
        if (i && !colon && !(*p < end && **p >= '0' && **p <= '9'))
            return true;
        int n = digits_at(p, end, 2);
        if (n < 0 || n >= limits[i])
            return false;
        *ret += n * units[i];
    }
    if (!at(p, end, '.') && !at(p, end, ','))
        return true;
    int64_t unit = DM_SEC / 10;
    const char *from = *p;
    for (; *p < end && **p >= '0' && **p <= '9'; (*p)++, unit /= 10)
        *ret += (**p - '0') * unit;
    return *p > from;
}

static int datetime_fromisoformat(struct dm_eval *e, const struct dm_call *c,
                                  const struct dm_value **ret)
{
    struct dm_str s;
    DM_TRY(dm_param_str(e, c, 0, "", &s));
    const char *p = s.p, *end = s.p + s.len;
    int64_t day = 0, clock = 0, offset = 0;
    bool ok = iso_day(&p, end, &day), zone = false;
    if (ok && p < end) {
        p++; /* any character stands between */
        ok = iso_clock(&p, end, &clock);
    }
    if (ok && p < end && !at(&p, end, 'Z')) {
        int64_t sign = *p == '-' ? -1 : 1;
        ok = (at(&p, end, '+') || at(&p, end, '-')) && iso_clock(&p, end, &offset);
        offset *= sign;
        zone = true;
    } else if (ok && s.len && end[-1] == 'Z') {
        zone = true;
    }
    if (!ok || p < end)
        return dm_eval_fail(e, DM_TE_VALUE, "Invalid isoformat string: '%.*s'", DM_FMT(s));
    struct dm_value *v = (struct dm_value *)plain_time(e, day * DM_DAY + clock - offset);
    v->time.naive = !zone;
    v->time.zone = zone && offset ? dm_offset_text(e, offset, ":") : NULL;
    *ret = v;
    return 0;
}

static int datetime_fromordinal(struct dm_eval *e, const struct dm_call *c,
                                const struct dm_value **ret)
{
    int64_t day;
    DM_TRY(dm_param_int(e, c, 0, 0, &day));
    if (day < 1 || day > 3652059)
        return dm_eval_fail(e, DM_TE_VALUE, "ordinal must be 1 to 3652059");
    *ret = plain_time(e, (day - 719163) * DM_DAY);
    return 0;
}

static int datetime_fromisocalendar(struct dm_eval *e, const struct dm_call *c,
                                    const struct dm_value **ret)
{
    int64_t part[3], days;
    for (size_t i = 0; i < 3; i++)
        DM_TRY(dm_param_int(e, c, i, 0, &part[i]));
    if (part[0] < 1 || part[0] > 9999 || part[1] < 1 || part[1] > 53 || part[2] < 1 || part[2] > 7)
        return dm_eval_fail(e, DM_TE_VALUE, "a part of the week's day is out of range");
    const char *text =
        dm_arena_printf(e->a, "%04d-W%02d-%d", (int)part[0], (int)part[1], (int)part[2]);
    const char *p = text;
    if (!iso_day(&p, text + strlen(text), &days))
        return dm_eval_fail(e, DM_TE_VALUE, "Invalid week: %d", (int)part[1]);
    *ret = plain_time(e, days * DM_DAY);
    return 0;
}

/* combine(a day, a time of day). */
static int datetime_combine(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_shown t;
    int64_t us = 0;
    static const char *const parts[] = {"hour", "minute", "second", "microsecond"};
    static const int64_t units[] = {DM_HOUR, DM_MIN, DM_SEC, 1};
    DM_TRY(dm_eval_defined(e, c->arg[0]));
    if (c->arg[0]->kind != DM_DATE && c->arg[0]->kind != DM_DATETIME)
        return dm_eval_fail(e, DM_TE_TYPE, "combine() argument 1 must be datetime.date, not %s",
                            dm_type_name(c->arg[0]));
    if (strcmp(dm_type_name(c->arg[1]), "datetime.time") != 0 &&
        strcmp(dm_type_name(c->arg[1]), "Time") != 0)
        return dm_eval_fail(e, DM_TE_TYPE, "combine() argument 2 must be datetime.time, not %s",
                            dm_type_name(c->arg[1]));
    DM_TRY(dm_shown(e, c->arg[0], &t));
    for (size_t i = 0; i < 4; i++) {
        const struct dm_value *v;
        DM_TRY(dm_getattr(e, c->arg[1], dm_str_c(parts[i]), &v));
        us += dm_int_of(v) * units[i];
    }
    us += dm_days_from_civil(t.civil.year, t.civil.month, t.civil.day) * DM_DAY;
    *ret = plain_time(e, us);
    return c->arg[2] ? dm_time_of_zone(e, *ret, us, c->arg[2], ret) : 0;
}

static int datetime_fromtimestamp(struct dm_eval *e, const struct dm_call *c,
                                  const struct dm_value **ret)
{
    double seconds;
    DM_TRY(dm_param_float(e, c, 0, 0, &seconds));
    if (!(seconds > -62135596800.0 && seconds < 253402300800.0))
        return dm_eval_fail(e, DM_TE_VALUE, "timestamp out of range");
    *ret = plain_time(e, (int64_t)__builtin_rint(seconds * DM_SEC));
    return 0;
}

static int refused_clock(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    dm_eval_fail(e, DM_TE_SECURITY, "%s() is refused: a rerun would render another text", c->name);
    dm_err_hint(e->err, "Use data_interval_end or dag_run.start_date.");
    return DM_E_PERMISSION;
}

static int json_dumps(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_json_style style = {0};
    bool ascii;
    DM_TRY(dm_json_indent(e, c, 1, &style));
    DM_TRY(dm_param_bool(e, c, 2, false, &style.sorted));
    DM_TRY(dm_param_bool(e, c, 3, true, &ascii));
    style.ascii = ascii;
    if (c->arg[5] && c->arg[5]->kind != DM_NULL)
        return dm_eval_fail(e, DM_TE_TYPE, "dumps(): no function can be given as default here");
    if (c->arg[4] && c->arg[4]->kind != DM_NULL) {
        struct dm_value *pair;
        DM_TRY(dm_items(e, c->arg[4], &pair));
        if (pair->list.n != 2 || pair->list.items[0]->kind != DM_STRING ||
            pair->list.items[1]->kind != DM_STRING)
            return dm_eval_fail(e, DM_TE_TYPE, "separators must be a pair of texts");
        style.item_sep = pair->list.items[0]->s;
        style.key_sep = pair->list.items[1]->s;
    }
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    DM_TRY(dm_json_text(e, c->arg[0], &style, &b));
    return dm_new_text(e, &b, ret);
}

static int json_loads(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str s;
    DM_TRY(dm_param_str(e, c, 0, "", &s));
    return dm_json_read(e, s, ret);
}

/* A module or class: a name, what it is called as, and its members. */
struct module {
    const char *name;
    const struct dm_callable *call;
    const struct dm_callable *members;
    const struct module *const *modules; /* within, NULL-terminated */
};

static const struct dm_class class_module, class_type;
static const struct module macros;

static const struct dm_value *module_value(struct dm_eval *e, const struct module *m)
{
    return dm_object_value(e, m->call ? &class_type : &class_module, (void *)m);
}

static int module_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                       const struct dm_value **ret)
{
    const struct module *m = self->object->data;
    const struct dm_callable *member = m->members ? dm_callable_find(m->members, name) : NULL;
    if (member) {
        *ret = dm_bound(e, member, NULL);
        return 1;
    }
    for (size_t i = 0; m->modules && m->modules[i]; i++) {
        if (dm_str_is(name, m->modules[i]->name)) {
            *ret = module_value(e, m->modules[i]);
            return 1;
        }
    }
    if (m != &macros || !dm_str_is(name, "dateutil"))
        return 0;
    *ret = dm_dateutil(e);
    return 1;
}

static int module_call(struct dm_eval *e, const struct dm_value *self, const struct dm_args *args,
                       const struct dm_value **ret)
{
    return dm_callable_run(e, ((const struct module *)self->object->data)->call, NULL, args, ret);
}

static int module_text(struct dm_eval *e, const struct dm_value *self, bool repr,
                       struct dm_strbuf *b)
{
    const struct module *m = self->object->data;
    dm_strbuf_addf(b, m->call ? "<class 'datetime.%s'>" : "<module '%s'>", m->name);
    return 0;
}

static const struct dm_class class_module = {
    .type = "module", .attr = module_attr, .text = module_text};
static const struct dm_class class_type = {
    .type = "type", .attr = module_attr, .call = module_call, .text = module_text};

static const struct dm_callable datetime_new = {
    "datetime", "year month day hour? minute? second? microsecond? tzinfo?", datetime_call};
static const struct dm_callable datetime_members[] = {
    {"combine", "date time tzinfo?", datetime_combine},
    {"fromisocalendar", "year week day", datetime_fromisocalendar},
    {"fromordinal", "ordinal", datetime_fromordinal},
    {"strptime", "date_string format", datetime_strptime},
    {"fromisoformat", "date_string", datetime_fromisoformat},
    {"fromtimestamp", "timestamp", datetime_fromtimestamp},
    {"utcfromtimestamp", "timestamp", datetime_fromtimestamp},
    {"now", "*", refused_clock},
    {"utcnow", "*", refused_clock},
    {"today", "*", refused_clock},
    {NULL},
};

int dm_datetime_member(struct dm_eval *e, struct dm_str name, const struct dm_value **ret)
{
    const struct dm_callable *member = dm_callable_find(datetime_members, name);
    if (member)
        *ret = dm_bound(e, member, NULL);
    return member != NULL;
}

static const struct dm_callable timedelta_new = {
    "timedelta", "days? seconds? microseconds? milliseconds? minutes? hours? weeks?", timedelta};
static const struct dm_callable json_members[] = {
    {"dumps", "obj indent? sort_keys? ensure_ascii? separators? default?", json_dumps},
    {"loads", "s", json_loads},
    {NULL},
};
static const struct dm_callable uuid_members[] = {
    {"uuid1", "*", refused_clock}, {"uuid4", "*", refused_clock}, {NULL}};
static int time_gmtime(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    double seconds;
    if (!c->arg[0] || c->arg[0]->kind == DM_NULL)
        return refused_clock(e, c, ret);
    DM_TRY(dm_param_float(e, c, 0, 0, &seconds));
    if (!(seconds > -62135596800.0 && seconds < 253402300800.0))
        return dm_eval_fail(e, DM_TE_OVERFLOW, "timestamp out of range");
    struct dm_civil civil = dm_civil_from_us((int64_t)floor(seconds) * DM_SEC);
    *ret = dm_struct_time(e, &civil, 0);
    return 0;
}

static int time_strftime(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str format;
    struct dm_civil civil;
    if (!c->arg[1])
        return refused_clock(e, c, ret);
    DM_TRY(dm_param_str(e, c, 0, "", &format));
    DM_TRY(dm_eval_defined(e, c->arg[1]));
    if (!dm_struct_time_civil(c->arg[1], &civil))
        return dm_eval_fail(e, DM_TE_TYPE, "Tuple or struct_time argument required");
    return format_time(e, plain_time(e, dm_us_from_civil(&civil)), format, ret);
}

static const struct dm_callable time_members[] = {
    {"gmtime", "secs?", time_gmtime},  {"strftime", "format t?", time_strftime},
    {"time", "*", refused_clock},      {"sleep", "*", refused_clock},
    {"localtime", "*", refused_clock}, {NULL}};
static const struct dm_callable macro_functions[] = {
    {"ds_add", "ds days", ds_add},
    {"ds_format", "ds input_format output_format", ds_format},
    {"ds_format_locale", "ds input_format output_format locale?", ds_format_locale},
    {"random", "", refused_clock}, /* the function, not its module */
    {"datetime_diff_for_humans", "dt since_date?", diff_for_humans},
    {NULL},
};

static const struct module datetime_module = {"datetime", &datetime_new, datetime_members, NULL};
static const struct module timedelta_module = {"timedelta", &timedelta_new, NULL, NULL};
static const struct module json_module = {"json", NULL, json_members, NULL};
static const struct module uuid_module = {"uuid", NULL, uuid_members, NULL};
static const struct module time_module = {"time", NULL, time_members, NULL};
static const struct module *const macro_modules[] = {
    &datetime_module, &timedelta_module, &json_module, &uuid_module, &time_module, NULL};
static const struct module macros = {"airflow.macros", NULL, macro_functions, macro_modules};

const struct dm_value *dm_macros_module(struct dm_eval *e)
{
    return module_value(e, &macros);
}
