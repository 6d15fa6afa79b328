/* Times of day in templates: what time() and timetz() of a date give. */
#include "lang/template_time.h"

struct clock {
    struct dm_civil c; /* of 1900-01-01, as Python formats it */
    bool aware, plain, fixed;
    int64_t offset;
    const char *zone;
};

static const struct dm_class class_time, class_plain_time;

static const struct dm_value *clock_value(struct dm_eval *e, const struct clock *k)
{
    return dm_object_value(e, k->plain ? &class_plain_time : &class_time,
                           dm_arena_dup(e->a, k, sizeof(*k)));
}

const struct dm_value *dm_clock(struct dm_eval *e, const struct dm_value *v,
                                const struct dm_shown *t, bool with_zone)
{
    struct clock k = {.c = t->civil, .plain = v->time.plain || with_zone};
    k.c.year = 1900;
    k.c.month = k.c.day = 1;
    k.aware = with_zone && !t->naive;
    k.zone = v->time.zone ? v->time.zone : "UTC";
    /* Without a day only a zone that never changes has an offset. */
    k.fixed = !v->time.zone || strcmp(k.zone, "UTC") == 0 || k.zone[0] == '+' || k.zone[0] == '-';
    k.offset = k.fixed ? t->offset : 0;
    return clock_value(e, &k);
}

int dm_clock_text(struct dm_eval *e, const struct dm_civil *c, struct dm_str spec,
                  struct dm_strbuf *b)
{
    if (dm_str_is(spec, "hours"))
        dm_strbuf_addf(b, "%02d", c->hour);
    else if (dm_str_is(spec, "minutes"))
        dm_strbuf_addf(b, "%02d:%02d", c->hour, c->minute);
    else if (dm_str_is(spec, "seconds") || (dm_str_is(spec, "auto") && !c->usec))
        dm_strbuf_addf(b, "%02d:%02d:%02d", c->hour, c->minute, c->second);
    else if (dm_str_is(spec, "milliseconds"))
        dm_strbuf_addf(b, "%02d:%02d:%02d.%03d", c->hour, c->minute, c->second, c->usec / 1000);
    else if (dm_str_is(spec, "microseconds") || dm_str_is(spec, "auto"))
        dm_strbuf_addf(b, "%02d:%02d:%02d.%06d", c->hour, c->minute, c->second, c->usec);
    else
        return dm_eval_fail(e, DM_TE_VALUE, "Unknown timespec value");
    return 0;
}

static int clock_text(struct dm_eval *e, const struct dm_value *self, bool repr,
                      struct dm_strbuf *b)
{
    const struct clock *k = self->object->data;
    if (!repr) {
        DM_TRY(dm_clock_text(e, &k->c, DM_STR("auto"), b));
        if (k->aware && k->fixed)
            dm_strbuf_adds(b, dm_offset_text(e, k->offset, ":"));
        return 0;
    }
    dm_strbuf_addf(b, "%s(%d, %d", k->plain ? "datetime.time" : "Time", k->c.hour, k->c.minute);
    if (k->c.second || k->c.usec || !k->plain)
        dm_strbuf_addf(b, ", %d", k->c.second);
    if (k->c.usec)
        dm_strbuf_addf(b, ", %d", k->c.usec);
    if (k->aware)
        dm_strbuf_addf(b, ", tzinfo=Timezone('%s')", k->zone);
    dm_strbuf_addc(b, ')');
    return 0;
}

static int clock_isoformat(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct clock *k = c->self->object->data;
    struct dm_str spec;
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    DM_TRY(dm_param_str(e, c, 0, "auto", &spec));
    DM_TRY(dm_clock_text(e, &k->c, spec, &b));
    if (k->aware && k->fixed)
        dm_strbuf_adds(&b, dm_offset_text(e, k->offset, ":"));
    return dm_new_text(e, &b, ret);
}

static int clock_strftime(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct clock *k = c->self->object->data;
    struct dm_str format;
    struct dm_value *v = dm_value_time(e->a, dm_us_from_civil(&k->c), NULL);
    v->time.naive = v->time.plain = true;
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    DM_TRY(dm_param_str(e, c, 0, "", &format));
    DM_TRY(dm_strftime(e, v, format, &b));
    return dm_new_text(e, &b, ret);
}

static int clock_replace(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct clock k = *(const struct clock *)c->self->object->data;
    int *const parts[] = {&k.c.hour, &k.c.minute, &k.c.second, &k.c.usec};
    static const int64_t limits[] = {24, 60, 60, 1000000};
    for (size_t i = 0; i < 4; i++) {
        int64_t n;
        DM_TRY(dm_param_int(e, c, i, *parts[i], &n));
        if (n < 0 || n >= limits[i])
            return dm_eval_fail(e, DM_TE_VALUE, "a part of the time is out of range");
        *parts[i] = (int)n;
    }
    *ret = clock_value(e, &k);
    return 0;
}

static const struct dm_callable clock_methods[] = {
    {"isoformat", "timespec?", clock_isoformat},
    {"replace", "hour? minute? second? microsecond?", clock_replace},
    {"strftime", "format", clock_strftime},
    {NULL},
};

static int clock_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                      const struct dm_value **ret)
{
    const struct clock *k = self->object->data;
    const struct dm_callable *method = dm_callable_find(clock_methods, name);
    if (method)
        *ret = dm_bound(e, method, self);
    else if (dm_str_is(name, "hour"))
        *ret = dm_int_value(e, k->c.hour);
    else if (dm_str_is(name, "minute"))
        *ret = dm_int_value(e, k->c.minute);
    else if (dm_str_is(name, "second"))
        *ret = dm_int_value(e, k->c.second);
    else if (dm_str_is(name, "microsecond"))
        *ret = dm_int_value(e, k->c.usec);
    else if (dm_str_is(name, "tzinfo"))
        *ret = k->aware ? dm_timezone(e, k->zone) : &dm_null;
    else
        return 0;
    return 1;
}

static const struct clock *clock_of(const struct dm_value *v)
{
    const struct clock *k = dm_object_data(v, &class_time);
    return k ? k : dm_object_data(v, &class_plain_time);
}

static int clock_compare(struct dm_eval *e, const struct dm_value *x, const struct dm_value *y)
{
    const struct clock *a = clock_of(x), *b = clock_of(y);
    if (!a || !b || a->aware != b->aware)
        return DM_UNORDERED;
    int64_t p = dm_us_from_civil(&a->c) - a->offset * a->aware,
            q = dm_us_from_civil(&b->c) - b->offset * b->aware;
    return (p > q) - (p < q);
}

#define CLOCK_CLASS(type_name)                                                              \
    {                                                                                       \
        .type = type_name, .attr = clock_attr, .text = clock_text, .compare = clock_compare \
    }

static const struct dm_class class_time = CLOCK_CLASS("Time");
static const struct dm_class class_plain_time = CLOCK_CLASS("datetime.time");
