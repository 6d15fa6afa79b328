/* Dates in templates: zones, text, arithmetic. */
#include "lang/template_time.h"

#include "lang/zone.h"

const char *const dm_month_names[12] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};
const char *const dm_day_names[7] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                     "Friday", "Saturday", "Sunday"};

/* "+02:00" */
static bool fixed_offset(const char *zone, int64_t *ret)
{
    int64_t h, m;
    if ((zone[0] != '+' && zone[0] != '-') || strlen(zone) != 6 || zone[3] != ':' ||
        !dm_str_to_i64(dm_str_n(zone + 1, 2), &h) || !dm_str_to_i64(dm_str_n(zone + 4, 2), &m))
        return false;
    *ret = (h * DM_HOUR + m * DM_MIN) * (zone[0] == '-' ? -1 : 1);
    return true;
}

static int load_zone(struct dm_eval *e, const char *name, const struct dm_zone **ret)
{
    if (!name || strcmp(name, "UTC") == 0) {
        *ret = &dm_zone_utc;
        return 0;
    }
    struct dm_str key = dm_str_c(name);
    *ret = dm_map_get(&e->zones, key);
    if (*ret)
        return 0;
    if (dm_zone_load(e->a, name, ret, NULL) < 0)
        return dm_eval_fail(e, DM_TE_VALUE, "there is no time zone \"%s\"", name);
    dm_map_put(&e->zones, dm_str_dup(e->a, key), (void *)*ret);
    return 0;
}

int dm_shown(struct dm_eval *e, const struct dm_value *v, struct dm_shown *ret)
{
    *ret = (struct dm_shown){.naive = v->kind == DM_DATE || v->time.naive, .abbreviation = ""};
    ret->local = dm_instant_of(v);
    if (!ret->naive && v->time.zone && fixed_offset(v->time.zone, &ret->offset)) {
        ret->abbreviation = v->time.zone;
    } else if (!ret->naive) {
        const struct dm_zone *zone;
        DM_TRY(load_zone(e, v->time.zone, &zone));
        struct dm_zone_span span = dm_zone_span_at(zone, v->time.us);
        ret->offset = span.offset;
        ret->abbreviation = span.abbreviation;
        ret->dst = span.dst;
    }
    ret->local += ret->offset;
    ret->civil = dm_civil_from_us(ret->local);
    return 0;
}

int dm_check_year(struct dm_eval *e, int64_t local)
{
    static const int64_t first = INT64_C(-62135596800) * DM_SEC,
                         end = INT64_C(253402300800) * DM_SEC;
    if (local < first || local >= end)
        return dm_eval_fail(e, DM_TE_OVERFLOW, "date value out of range");
    return 0;
}

int dm_time_like(struct dm_eval *e, const struct dm_value *as, int64_t local,
                 const struct dm_value **ret)
{
    int64_t offset;
    DM_TRY(dm_check_year(e, local));
    if (as->kind == DM_DATE) {
        int64_t days = local / DM_DAY - (local % DM_DAY < 0);
        *ret = dm_date_value(e, days);
        return 0;
    }
    struct dm_value *v = dm_value_time(e->a, local, as->time.zone);
    v->time.naive = as->time.naive;
    v->time.plain = as->time.plain;
    if (!v->time.naive && v->time.zone && fixed_offset(v->time.zone, &offset)) {
        v->time.us -= offset;
    } else if (!v->time.naive) {
        const struct dm_zone *zone;
        DM_TRY(load_zone(e, v->time.zone, &zone));
        v->time.us = dm_zone_instant(zone, local, false);
    }
    *ret = v;
    return 0;
}

int dm_time_of_zone(struct dm_eval *e, const struct dm_value *as, int64_t local,
                    const struct dm_value *zone, const struct dm_value **ret)
{
    struct dm_value *like = dm_arena_dup(e->a, as, sizeof(*as));
    struct dm_str name;
    DM_TRY(dm_eval_defined(e, zone));
    like->time.naive = zone->kind == DM_NULL;
    like->time.zone = NULL;
    if (!like->time.naive) {
        DM_TRY(dm_text_of(e, zone, &name));
        like->time.zone = dm_str_is(name, "UTC") ? NULL : dm_str_cstr(e->a, name);
    }
    return dm_time_like(e, like, local, ret);
}

int dm_time_in_zone(struct dm_eval *e, const struct dm_value *v, struct dm_str zone,
                    const struct dm_value **ret)
{
    int64_t offset;
    struct dm_value *moved = dm_value_time(e->a, dm_instant_of(v), dm_str_cstr(e->a, zone));
    moved->time.plain = v->time.plain;
    const struct dm_zone *loaded;
    if (!fixed_offset(moved->time.zone, &offset))
        DM_TRY(load_zone(e, moved->time.zone, &loaded));
    *ret = moved;
    return 0;
}

int64_t dm_instant_of(const struct dm_value *v)
{
    return v->kind == DM_DATE ? v->i * DM_DAY : v->time.us;
}

const struct dm_value *dm_date_value(struct dm_eval *e, int64_t days)
{
    struct dm_value *v = dm_value_int(e->a, days);
    v->kind = DM_DATE;
    return v;
}

const struct dm_value *dm_delta_value(struct dm_eval *e, int64_t us)
{
    struct dm_value *v = dm_value_int(e->a, us);
    v->kind = DM_DELTA;
    return v;
}

int64_t dm_add_months(int64_t local, int64_t months)
{
    struct dm_civil c = dm_civil_from_us(local);
    int64_t month = (int64_t)c.year * 12 + c.month - 1 + months;
    int64_t year = month / 12 - (month % 12 < 0);
    if (year < 1 || year > 9999)
        return INT64_MAX; /* refused by dm_check_year */
    c.year = (int)year;
    c.month = (int)(month - year * 12) + 1;
    int days = dm_month_days(c.year, c.month);
    if (c.day > days)
        c.day = days;
    return dm_us_from_civil(&c);
}

int dm_weekday_monday(const struct dm_civil *c)
{
    return (dm_weekday(c->year, c->month, c->day) + 6) % 7;
}

int dm_day_of_year(const struct dm_civil *c)
{
    return (int)(dm_days_from_civil(c->year, c->month, c->day) -
                 dm_days_from_civil(c->year, 1, 1)) +
           1;
}

/* A week belongs to the year that has its Thursday. */
int dm_iso_week(const struct dm_civil *c, int *ret_year)
{
    int64_t day = dm_days_from_civil(c->year, c->month, c->day);
    int64_t thursday = day - dm_weekday_monday(c) + 3;
    struct dm_civil t = dm_civil_from_us(thursday * DM_DAY);
    *ret_year = t.year;
    return (dm_day_of_year(&t) - 1) / 7 + 1;
}

const char *dm_offset_text(struct dm_eval *e, int64_t offset, const char *colon)
{
    int64_t minutes = (offset < 0 ? -offset : offset) / DM_MIN;
    return dm_arena_printf(e->a, "%c%02d%s%02d", offset < 0 ? '-' : '+', (int)(minutes / 60), colon,
                           (int)(minutes % 60));
}

static int write_repr(struct dm_eval *e, const struct dm_value *v, const struct dm_shown *t,
                      struct dm_strbuf *b)
{
    const struct dm_civil *c = &t->civil;
    if (v->kind == DM_DATE) {
        dm_strbuf_addf(b, "Date(%d, %d, %d)", c->year, c->month, c->day);
        return 0;
    }
    dm_strbuf_addf(b, "%s(%d, %d, %d, %d, %d", v->time.plain ? "datetime.datetime" : "DateTime",
                   c->year, c->month, c->day, c->hour, c->minute);
    if (c->second || c->usec || !v->time.plain)
        dm_strbuf_addf(b, ", %d", c->second);
    if (c->usec)
        dm_strbuf_addf(b, ", %d", c->usec);
    if (!t->naive)
        dm_strbuf_addf(b, ", tzinfo=Timezone('%s')", v->time.zone ? v->time.zone : "UTC");
    dm_strbuf_addc(b, ')');
    return 0;
}

int dm_date_text(struct dm_eval *e, const struct dm_value *v, bool repr, struct dm_strbuf *b)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, v, &t));
    if (repr)
        return write_repr(e, v, &t, b);
    const struct dm_civil *c = &t.civil;
    dm_strbuf_addf(b, "%04d-%02d-%02d", c->year, c->month, c->day);
    if (v->kind == DM_DATE)
        return 0;
    dm_strbuf_addf(b, " %02d:%02d:%02d", c->hour, c->minute, c->second);
    if (c->usec)
        dm_strbuf_addf(b, ".%06d", c->usec);
    if (!t.naive)
        dm_strbuf_adds(b, dm_offset_text(e, t.offset, ":"));
    return 0;
}

void dm_delta_text(int64_t us, bool repr, struct dm_strbuf *b)
{
    int64_t days = us / DM_DAY - (us % DM_DAY < 0);
    int64_t rest = us - days * DM_DAY, seconds = rest / DM_SEC, usec = rest % DM_SEC;
    if (repr) {
        const char *sep = "";
        dm_strbuf_adds(b, "datetime.timedelta(");
        if (days)
            dm_strbuf_addf(b, "days=%lld", (long long)days), sep = ", ";
        if (seconds)
            dm_strbuf_addf(b, "%sseconds=%lld", sep, (long long)seconds), sep = ", ";
        if (usec)
            dm_strbuf_addf(b, "%smicroseconds=%lld", sep, (long long)usec);
        dm_strbuf_adds(b, us ? ")" : "0)");
        return;
    }
    if (days)
        dm_strbuf_addf(b, "%lld day%s, ", (long long)days, days == 1 || days == -1 ? "" : "s");
    dm_strbuf_addf(b, "%lld:%02lld:%02lld", (long long)(seconds / 3600),
                   (long long)(seconds / 60 % 60), (long long)(seconds % 60));
    if (usec)
        dm_strbuf_addf(b, ".%06lld", (long long)usec);
}

static bool is_time(const struct dm_value *v)
{
    return v->kind == DM_DATETIME || v->kind == DM_DATE;
}

/* Pendulum adds elapsed time; datetime moves the wall clock. */
static int shift(struct dm_eval *e, const struct dm_value *v, int64_t us,
                 const struct dm_value **ret)
{
    struct dm_shown t;
    DM_TRY(dm_shown(e, v, &t));
    int64_t days = us / DM_DAY - (us % DM_DAY < 0);
    if (v->kind == DM_DATE)
        return dm_time_like(e, v, t.local + days * DM_DAY, ret);
    if (v->time.plain || v->time.naive)
        return dm_time_like(e, v, t.local + us, ret);
    DM_TRY(dm_check_year(e, t.local + us));
    struct dm_value *moved = dm_arena_dup(e->a, v, sizeof(*v));
    moved->time.us += us;
    *ret = moved;
    return 1;
}

static int subtract_times(struct dm_eval *e, const struct dm_value *x, const struct dm_value *y,
                          const struct dm_value **ret)
{
    if (x->kind == DM_DATE && y->kind == DM_DATETIME) { /* a day less an instant: less its day */
        struct dm_shown t;
        DM_TRY(dm_shown(e, y, &t));
        const struct dm_value *day =
            dm_date_value(e, dm_days_from_civil(t.civil.year, t.civil.month, t.civil.day));
        *ret = dm_interval(e, day, x, false);
        return 1;
    }
    if (x->kind != y->kind)
        return 0;
    if (x->kind == DM_DATETIME && x->time.naive != y->time.naive)
        return dm_eval_fail(e, DM_TE_TYPE,
                            "can't subtract offset-naive and offset-aware datetimes");
    if (x->kind == DM_DATETIME && x->time.plain && y->time.plain)
        *ret = dm_delta_value(e, x->time.us - y->time.us);
    else
        *ret = dm_interval(e, y, x, false);
    return 1;
}

static int delta_binary(struct dm_eval *e, enum dm_tok_op op, int64_t x, const struct dm_value *y,
                        const struct dm_value **ret)
{
    if (y->kind == DM_DELTA && op == DM_OP_ADD) {
        *ret = dm_delta_value(e, x + y->i);
    } else if (y->kind == DM_DELTA && op == DM_OP_SUB) {
        *ret = dm_delta_value(e, x - y->i);
    } else if (dm_is_int(y) && op == DM_OP_MUL) {
        int64_t product;
        if (__builtin_mul_overflow(x, dm_int_of(y), &product))
            return dm_eval_fail(e, DM_TE_OVERFLOW, "a duration is too long");
        *ret = dm_delta_value(e, product);
    } else if (y->kind == DM_FLOAT && op == DM_OP_MUL) {
        *ret = dm_delta_value(e, (int64_t)((double)x * y->f));
    } else if ((y->kind == DM_DELTA || dm_is_int(y) || y->kind == DM_FLOAT) &&
               (op == DM_OP_DIV || op == DM_OP_FLOORDIV || op == DM_OP_MOD)) {
        double divisor = y->kind == DM_DELTA ? (double)y->i : dm_float_of(y);
        if (divisor == 0)
            return dm_eval_fail(e, DM_TE_ZERO_DIVISION, "division by zero");
        int64_t d = (int64_t)divisor;
        int64_t whole = d ? x / d - (x % d != 0 && (x % d < 0) != (d < 0)) : 0;
        if (y->kind == DM_DELTA && op == DM_OP_DIV)
            *ret = dm_value_float(e->a, (double)x / divisor);
        else if (y->kind == DM_DELTA)
            *ret = op == DM_OP_MOD ? dm_delta_value(e, x - whole * d) : dm_int_value(e, whole);
        else if (op == DM_OP_DIV)
            *ret = dm_delta_value(e, (int64_t)((double)x / divisor + (x < 0 ? -0.5 : 0.5)));
        else if (op == DM_OP_FLOORDIV && d)
            *ret = dm_delta_value(e, whole);
        else
            return 0;
    } else {
        return 0;
    }
    return 1;
}

int dm_date_binary(struct dm_eval *e, enum dm_tok_op op, const struct dm_value *x,
                   const struct dm_value *y, const struct dm_value **ret)
{
    int rc = 0;
    if (is_time(x) && y->kind == DM_DELTA && (op == DM_OP_ADD || op == DM_OP_SUB)) {
        rc = shift(e, x, op == DM_OP_ADD ? y->i : -y->i, ret);
        return rc < 0 ? rc : 1;
    }
    if (x->kind == DM_DELTA && is_time(y) && op == DM_OP_ADD) {
        rc = shift(e, y, x->i, ret);
        return rc < 0 ? rc : 1;
    }
    if (is_time(x) && is_time(y) && op == DM_OP_SUB)
        return subtract_times(e, x, y, ret);
    if (x->kind == DM_DELTA)
        return delta_binary(e, op, x->i, y, ret);
    if (y->kind == DM_DELTA && op == DM_OP_MUL)
        return delta_binary(e, op, y->i, x, ret);
    return 0;
}

int dm_date_compare(struct dm_eval *e, const struct dm_value *x, const struct dm_value *y, int *ret)
{
    int64_t a, b;
    if (x->kind == DM_DATETIME && y->kind == DM_DATETIME) {
        if (x->time.naive != y->time.naive)
            return dm_eval_fail(e, DM_TE_TYPE,
                                "can't compare offset-naive and offset-aware datetimes");
        a = x->time.us;
        b = y->time.us;
    } else if (x->kind == y->kind && (x->kind == DM_DATE || x->kind == DM_DELTA)) {
        a = x->i;
        b = y->i;
    } else {
        return 0;
    }
    *ret = (a > b) - (a < b);
    return 1;
}
