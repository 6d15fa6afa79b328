/* macros.dateutil of templates: relativedelta, time zones; the parser is in template_datetext.c. */
#include "lang/template_dateutil.h"

enum part { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, MICROSECOND, PARTS };

/* Python's relativedelta: what is added, and what is set before that. */
struct relative {
    int64_t add[PARTS];
    int64_t set[PARTS]; /* -1 = not given */
    int64_t leapdays;   /* added behind February of a leap year */
    int weekday, nth;   /* weekday -1 = none; 0 = Monday; nth 0 = not said, the first one */
};

struct weekday {
    int day, nth; /* nth 0 = not said */
};

static const struct dm_class class_relative, class_weekday, class_part;
static const char *const weekday_names[] = {"MO", "TU", "WE", "TH", "FR", "SA", "SU"};

/* --- relativedelta --- */

static const struct dm_value *weekday_value(struct dm_eval *e, int day, int nth)
{
    struct weekday *w = dm_arena_new(e->a, struct weekday);
    *w = (struct weekday){day, nth};
    return dm_object_value(e, &class_weekday, w);
}

static const char *const add_names[PARTS] = {"years",   "months",  "days",        "hours",
                                             "minutes", "seconds", "microseconds"};
static const char *const set_names[PARTS] = {"year",   "month",  "day",        "hour",
                                             "minute", "second", "microsecond"};

/* Carries what is too much for its unit to the next larger one; days stay days. */
static const struct dm_value *relative_value(struct dm_eval *e, const struct relative *r)
{
    static const int64_t limits[PARTS] = {
        [MONTH] = 12, [HOUR] = 24, [MINUTE] = 60, [SECOND] = 60, [MICROSECOND] = 1000000};
    struct relative *fixed = dm_arena_dup(e->a, r, sizeof(*r));
    for (int i = PARTS - 1; i > 0; i--) {
        if (!limits[i])
            continue;
        fixed->add[i - 1] += fixed->add[i] / limits[i];
        fixed->add[i] %= limits[i];
    }
    return dm_object_value(e, &class_relative, fixed);
}

static int read_amount(struct dm_eval *e, const char *name, const struct dm_value *v, int64_t unit,
                       int64_t *into)
{
    DM_TRY(dm_eval_defined(e, v));
    if (!dm_is_number(v))
        return dm_eval_fail(e, DM_TE_TYPE, "relativedelta(): %s must be a number, not %s", name,
                            dm_type_name(v));
    double n = dm_float_of(v) * (double)unit;
    if (n > 1e15 || n < -1e15)
        return dm_eval_fail(e, DM_TE_OVERFLOW, "a duration is too long");
    *into += dm_is_int(v) ? dm_int_of(v) * unit : (int64_t)n;
    return 0;
}

static int read_weekday(struct dm_eval *e, const struct dm_value *v, struct relative *r)
{
    const struct weekday *w = dm_object_data(v, &class_weekday);
    DM_TRY(dm_eval_defined(e, v));
    if (!w && (!dm_is_int(v) || dm_int_of(v) < 0 || dm_int_of(v) > 6))
        return dm_eval_fail(e, DM_TE_TYPE, "weekday is 0 (Monday) to 6, or MO to SU");
    r->weekday = w ? w->day : (int)dm_int_of(v);
    r->nth = w ? w->nth : 0;
    return 0;
}

/* A day of the year; of one that is no leap year with `common`. */
static int read_yearday(struct dm_eval *e, const struct dm_value *v, bool common,
                        struct relative *r)
{
    int64_t day = 0;
    int month = 1;
    if (v->kind == DM_NULL)
        return 0;
    DM_TRY(read_amount(e, "yearday", v, 1, &day));
    if (day == 0)
        return 0;
    if (day < 0 || day > 366)
        return dm_eval_fail(e, DM_TE_VALUE, "invalid year day (%lld)", (long long)day);
    if (!common && day > 59)
        r->leapdays = -1;
    for (; month < 12 && day > dm_month_days(2023, month); month++)
        day -= dm_month_days(2023, month);
    r->set[MONTH] = month;
    r->set[DAY] = day;
    return 0;
}

static int read_named(struct dm_eval *e, struct dm_str name, const struct dm_value *v,
                      struct relative *r)
{
    if (dm_str_is(name, "weeks"))
        return read_amount(e, "weeks", v, 7, &r->add[DAY]);
    for (int i = 0; i < PARTS; i++) {
        if (dm_str_is(name, add_names[i])) {
            if (i < DAY && v->kind == DM_FLOAT && v->f != __builtin_trunc(v->f))
                return dm_eval_fail(
                    e, DM_TE_VALUE,
                    "Non-integer years and months are ambiguous and not supported.");
            return read_amount(e, add_names[i], v, 1, &r->add[i]);
        }
        if (dm_str_is(name, set_names[i]) && v->kind == DM_NULL)
            return 0;
        if (dm_str_is(name, set_names[i])) {
            r->set[i] = 0;
            return read_amount(e, set_names[i], v, 1, &r->set[i]);
        }
    }
    if (dm_str_is(name, "leapdays"))
        return read_amount(e, "leapdays", v, 1, &r->leapdays);
    if (dm_str_is(name, "yearday") || dm_str_is(name, "nlyearday"))
        return read_yearday(e, v, name.len == strlen("nlyearday"), r);
    if (dm_str_is(name, "weekday"))
        return v->kind == DM_NULL ? 0 : read_weekday(e, v, r);
    return dm_eval_fail(e, DM_TE_TYPE, "relativedelta() got an unexpected keyword argument '%.*s'",
                        DM_FMT(name));
}

static int relativedelta(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct relative r = {.set = {-1, -1, -1, -1, -1, -1, -1}, .weekday = -1};
    if (c->all->n) {
        dm_eval_fail(e, DM_TE_TYPE, "relativedelta() takes names only: months=1, days=-1 …");
        dm_err_hint(e->err, "The distance of two dates is (a - b) or a.diff(b).");
        return DM_E_TYPE;
    }
    for (size_t i = 0; i < c->all->n_named; i++)
        DM_TRY(read_named(e, c->all->named[i].name, c->all->named[i].value, &r));
    *ret = relative_value(e, &r);
    return 0;
}

static int relative_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                         const struct dm_value **ret)
{
    const struct relative *r = self->object->data;
    for (int i = 0; i < PARTS; i++) {
        if (dm_str_is(name, add_names[i])) {
            *ret = dm_int_value(e, r->add[i]);
            return 1;
        }
        if (dm_str_is(name, set_names[i])) {
            *ret = r->set[i] < 0 ? &dm_null : dm_int_value(e, r->set[i]);
            return 1;
        }
    }
    if (dm_str_is(name, "weekday"))
        *ret = r->weekday < 0 ? &dm_null : weekday_value(e, r->weekday, r->nth);
    else if (dm_str_is(name, "weeks"))
        *ret = dm_int_value(e, r->add[DAY] / 7);
    else
        return 0;
    return 1;
}

static int relative_text(struct dm_eval *e, const struct dm_value *self, bool repr,
                         struct dm_strbuf *b)
{
    const struct relative *r = self->object->data;
    const char *sep = "";
    dm_strbuf_adds(b, "relativedelta(");
    for (int i = 0; i < PARTS; i++) {
        if (!r->add[i])
            continue;
        dm_strbuf_addf(b, "%s%s=%+lld", sep, add_names[i], (long long)r->add[i]);
        sep = ", ";
    }
    for (int i = 0; i < PARTS; i++) {
        if (i == HOUR && r->weekday >= 0) {
            dm_strbuf_addf(b, "%sweekday=%s", sep, weekday_names[r->weekday]);
            if (r->nth)
                dm_strbuf_addf(b, "(%+d)", r->nth);
            sep = ", ";
        }
        if (r->set[i] < 0)
            continue;
        dm_strbuf_addf(b, "%s%s=%lld", sep, set_names[i], (long long)r->set[i]);
        sep = ", ";
    }
    dm_strbuf_addc(b, ')');
    return 0;
}

static bool has_time(const struct relative *r)
{
    for (int i = HOUR; i < PARTS; i++)
        if (r->add[i] || r->set[i] >= 0)
            return true;
    return false;
}

static int move(struct dm_eval *e, const struct dm_value *v, int64_t us,
                const struct dm_value **ret)
{
    if (us == 0) {
        *ret = v;
        return 0;
    }
    int rc = dm_date_binary(e, DM_OP_ADD, v, dm_delta_value(e, us), ret);
    return rc < 0 ? rc : 0;
}

/* Months first, cut to the month's length; then the rest; then on to the weekday. */
static int apply(struct dm_eval *e, const struct dm_value *v, const struct relative *r,
                 const struct dm_value **ret)
{
    struct dm_shown t;
    if (v->kind == DM_DATE && has_time(r)) {
        struct dm_value *midnight = dm_value_time(e->a, v->i * DM_DAY, NULL);
        midnight->time.naive = midnight->time.plain = true;
        v = midnight;
    }
    DM_TRY(dm_shown(e, v, &t));
    int *const fields[] = {&t.civil.year,   &t.civil.month,  &t.civil.day, &t.civil.hour,
                           &t.civil.minute, &t.civil.second, &t.civil.usec};
    for (int i = 0; i < PARTS; i++)
        if (r->set[i] >= 0)
            *fields[i] = r->set[i] > 999999 ? 999999 : (int)r->set[i];
    int day = t.civil.day;
    t.civil.day = 1;
    if (!dm_civil_valid(&t.civil) || day < 1)
        return dm_eval_fail(e, DM_TE_VALUE, "a part of the date is out of range");
    int64_t months = r->add[YEAR] * 12 + r->add[MONTH];
    int64_t local = months > 200000 || months < -200000
                        ? INT64_MAX
                        : dm_add_months(dm_us_from_civil(&t.civil), months);
    if (local == INT64_MAX)
        return dm_eval_fail(e, DM_TE_VALUE, "year is out of range");
    struct dm_civil c = dm_civil_from_us(local);
    int days = dm_month_days(c.year, c.month);
    local += ((day < days ? day : days) - 1) * DM_DAY;
    if (r->add[DAY] > 4000000 || r->add[DAY] < -4000000)
        return dm_eval_fail(e, DM_TE_OVERFLOW, "date value out of range");
    DM_TRY(dm_time_like(e, v, local, ret));
    bool leaps = r->leapdays && c.month > 2 && dm_is_leap(c.year);
    DM_TRY(move(e, *ret,
                (r->add[DAY] + (leaps ? r->leapdays : 0)) * DM_DAY + r->add[HOUR] * DM_HOUR +
                    r->add[MINUTE] * DM_MIN + r->add[SECOND] * DM_SEC + r->add[MICROSECOND],
                ret));
    if (r->weekday < 0)
        return 0;
    DM_TRY(dm_shown(e, *ret, &t));
    int now = dm_weekday_monday(&t.civil), nth = r->nth < 0 ? -r->nth : r->nth ? r->nth : 1;
    int jump = r->nth >= 0 ? (7 - now + r->weekday) % 7 : (now - r->weekday + 7) % 7;
    jump += (nth > 1000 ? 1000 : nth - 1) * 7;
    return move(e, *ret, (r->nth >= 0 ? jump : -jump) * DM_DAY, ret);
}

/* Limits keep all sums within 64 bits: what is longer cannot be added to a date. */
static int checked(struct dm_eval *e, const struct relative *r, const struct dm_value **ret)
{
    static const int64_t most = INT64_C(1) << 60;
    for (int i = 0; i < PARTS; i++)
        if (r->add[i] > most || r->add[i] < -most)
            return dm_eval_fail(e, DM_TE_OVERFLOW, "a duration is too long");
    *ret = relative_value(e, r);
    return 1;
}

/* x + y, or x - y; what is set in both is y's in a sum, x's in a difference. */
static struct relative sum(const struct relative *x, const struct relative *y, int64_t sign)
{
    struct relative r = *x;
    for (int i = 0; i < PARTS; i++) {
        r.add[i] += sign * y->add[i];
        if (r.set[i] < 0 || (sign > 0 && y->set[i] >= 0))
            r.set[i] = y->set[i];
    }
    if (r.weekday < 0 || (sign > 0 && y->weekday >= 0)) {
        r.weekday = y->weekday;
        r.nth = y->nth;
    }
    return r;
}

/* n times as long. */
static int times(struct dm_eval *e, const struct relative *r, int64_t n,
                 const struct dm_value **ret)
{
    struct relative product = *r;
    for (int i = 0; i < PARTS; i++)
        if (__builtin_mul_overflow(r->add[i], n, &product.add[i]))
            return dm_eval_fail(e, DM_TE_OVERFLOW, "a duration is too long");
    return checked(e, &product, ret);
}

static int relative_binary(struct dm_eval *e, enum dm_tok_op op, const struct dm_value *x,
                           const struct dm_value *y, const struct dm_value **ret)
{
    const struct relative *a = dm_object_data(x, &class_relative),
                          *b = dm_object_data(y, &class_relative);
    int64_t sign = op == DM_OP_SUB ? -1 : 1;
    if (op == DM_OP_MUL) {
        const struct relative *r = a ? a : b;
        const struct dm_value *n = a ? y : x;
        return dm_is_int(n) ? times(e, r, dm_int_of(n), ret) : 0;
    }
    if (op != DM_OP_ADD && op != DM_OP_SUB)
        return 0;
    if (a && b) {
        struct relative both = sum(a, b, sign);
        return checked(e, &both, ret);
    }
    const struct dm_value *date = a ? y : x;
    if ((date->kind != DM_DATETIME && date->kind != DM_DATE) || (a && op == DM_OP_SUB))
        return 0;
    struct relative r = a ? *a : *b;
    for (int i = 0; i < PARTS; i++)
        r.add[i] *= sign;
    int rc = apply(e, date, &r, ret);
    return rc < 0 ? rc : 1;
}

static int relative_truth(struct dm_eval *e, const struct dm_value *self)
{
    const struct relative *r = self->object->data;
    bool any = r->weekday >= 0;
    for (int i = 0; i < PARTS; i++)
        any |= r->add[i] != 0 || r->set[i] >= 0;
    return any;
}

static const struct dm_class class_relative = {.type = "relativedelta",
                                               .attr = relative_attr,
                                               .text = relative_text,
                                               .truth = relative_truth,
                                               .binary = relative_binary};

/* --- MO … SU --- */

static int weekday_call(struct dm_eval *e, const struct dm_value *self, const struct dm_args *args,
                        const struct dm_value **ret)
{
    struct dm_call c = {.name = "weekday", .arg = {args->n ? args->pos[0] : NULL}};
    int64_t nth;
    DM_TRY(dm_param_int(e, &c, 0, 1, &nth));
    if (nth == 0 || nth > 1000 || nth < -1000)
        return dm_eval_fail(e, DM_TE_VALUE, "Can't create weekday with n==0, or beyond 1000");
    *ret = weekday_value(e, ((const struct weekday *)self->object->data)->day, (int)nth);
    return 0;
}

static int weekday_text(struct dm_eval *e, const struct dm_value *self, bool repr,
                        struct dm_strbuf *b)
{
    const struct weekday *w = self->object->data;
    dm_strbuf_adds(b, weekday_names[w->day]);
    if (w->nth)
        dm_strbuf_addf(b, "(%+d)", w->nth);
    return 0;
}

static const struct dm_class class_weekday = {
    .type = "weekday", .call = weekday_call, .text = weekday_text};

/* --- the module --- */

static int gettz(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str name;
    const struct dm_value *shown;
    DM_TRY(dm_param_str(e, c, 0, "UTC", &name));
    DM_TRY(dm_time_in_zone(e, dm_value_time(e->a, 0, NULL), name, &shown));
    *ret = dm_timezone(e, dm_str_cstr(e->a, name));
    return 0;
}

static const struct dm_callable tz_members[] = {
    {"gettz", "name?", gettz}, {"tzutc", "", gettz}, {NULL}};
static const struct dm_callable parser_members[] = {
    {"isoparse", "timestr", dm_parse_date_text},
    {"parse", "timestr dayfirst? yearfirst?", dm_parse_date_text},
    {NULL}};
static const struct dm_callable relative_members[] = {{"relativedelta", "*", relativedelta},
                                                      {NULL}};

static const struct module {
    const char *name;
    const struct dm_callable *members;
} parts[] = {{"parser", parser_members}, {"relativedelta", relative_members}, {"tz", tz_members}};

static int part_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                     const struct dm_value **ret)
{
    const struct module *m = self->object->data;
    const struct dm_callable *member = m ? dm_callable_find(m->members, name) : NULL;
    if (member) {
        *ret = dm_bound(e, member, NULL);
        return 1;
    }
    for (size_t i = 0; !m && i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (dm_str_is(name, parts[i].name)) {
            *ret = dm_object_value(e, &class_part, (void *)&parts[i]);
            return 1;
        }
    }
    for (int i = 0; m && m->members == relative_members && i < 7; i++) {
        if (dm_str_is(name, weekday_names[i])) {
            *ret = weekday_value(e, i, 0);
            return 1;
        }
    }
    if (!m || m->members != tz_members || !dm_str_is(name, "UTC"))
        return 0;
    *ret = dm_timezone(e, "UTC");
    return 1;
}

static int part_text(struct dm_eval *e, const struct dm_value *self, bool repr, struct dm_strbuf *b)
{
    const struct module *m = self->object->data;
    dm_strbuf_addf(b, "<module 'dateutil%s%s'>", m ? "." : "", m ? m->name : "");
    return 0;
}

static const struct dm_class class_part = {.type = "module", .attr = part_attr, .text = part_text};

const struct dm_value *dm_dateutil(struct dm_eval *e)
{
    return dm_object_value(e, &class_part, NULL);
}
