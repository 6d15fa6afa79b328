/* Tuples of templates whose items have names: struct_time, IsoCalendarDate. */
#include "lang/template_time.h"

static int named_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                      const struct dm_value **ret)
{
    const struct dm_named *n = self->object->data;
    for (size_t i = 0; n->names[i]; i++) {
        if (dm_str_is(name, n->names[i])) {
            *ret = n->tuple->list.items[i];
            return 1;
        }
    }
    return 0;
}

static int named_item(struct dm_eval *e, const struct dm_value *self, const struct dm_value *key,
                      const struct dm_value **ret)
{
    DM_TRY(dm_getitem(e, ((const struct dm_named *)self->object->data)->tuple, key, ret));
    return !dm_is_undefined(*ret);
}

static int named_text(struct dm_eval *e, const struct dm_value *self, bool repr,
                      struct dm_strbuf *b)
{
    const struct dm_named *n = self->object->data;
    dm_strbuf_addf(b, "%s(", self->object->cls->type);
    for (size_t i = 0; n->names[i]; i++) {
        dm_strbuf_addf(b, "%s%s=", i ? ", " : "", n->names[i]);
        DM_TRY(dm_repr(e, n->tuple->list.items[i], b));
    }
    dm_strbuf_addc(b, ')');
    return 0;
}

static int named_iter(struct dm_eval *e, const struct dm_value *self, const struct dm_value **ret)
{
    *ret = ((const struct dm_named *)self->object->data)->tuple;
    return 0;
}

static int named_length(struct dm_eval *e, const struct dm_value *self, int64_t *ret)
{
    *ret = (int64_t)((const struct dm_named *)self->object->data)->tuple->list.n;
    return 0;
}

#define NAMED_CLASS(type_name)                                                         \
    {                                                                                  \
        .type = type_name, .attr = named_attr, .item = named_item, .text = named_text, \
        .iter = named_iter, .length = named_length, .is_sequence = true                \
    }

static const struct dm_class class_calendar = NAMED_CLASS("datetime.IsoCalendarDate");
static const struct dm_class class_struct_time = NAMED_CLASS("time.struct_time");

static const struct dm_value *named(struct dm_eval *e, const struct dm_class *cls,
                                    const char *const *names, const int64_t *values, size_t n)
{
    struct dm_named *d = dm_arena_new(e->a, struct dm_named);
    d->names = names;
    d->tuple = dm_tuple(e, n);
    for (size_t i = 0; i < n; i++)
        dm_tuple_set(d->tuple, i, dm_int_value(e, values[i]));
    return dm_object_value(e, cls, d);
}

const struct dm_value *dm_iso_calendar(struct dm_eval *e, const struct dm_civil *c)
{
    static const char *const names[] = {"year", "week", "weekday", NULL};
    int year, week = dm_iso_week(c, &year);
    return named(e, &class_calendar, names, (int64_t[]){year, week, dm_weekday_monday(c) + 1}, 3);
}

const struct dm_value *dm_struct_time(struct dm_eval *e, const struct dm_civil *c, int dst)
{
    static const char *const names[] = {"tm_year", "tm_mon",  "tm_mday", "tm_hour",  "tm_min",
                                        "tm_sec",  "tm_wday", "tm_yday", "tm_isdst", NULL};
    return named(e, &class_struct_time, names,
                 (int64_t[]){c->year, c->month, c->day, c->hour, c->minute, c->second,
                             dm_weekday_monday(c), dm_day_of_year(c), dst},
                 9);
}

bool dm_struct_time_civil(const struct dm_value *v, struct dm_civil *ret)
{
    const struct dm_named *n = dm_object_data(v, &class_struct_time);
    if (!n)
        return false;
    int *const parts[] = {&ret->year, &ret->month,  &ret->day,
                          &ret->hour, &ret->minute, &ret->second};
    for (size_t i = 0; i < 6; i++)
        *parts[i] = (int)n->tuple->list.items[i]->i;
    ret->usec = 0;
    return true;
}
