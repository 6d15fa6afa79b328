/* Time zones as objects of templates. */
#include "lang/template_time.h"

static int zone_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                     const struct dm_value **ret)
{
    if (!dm_str_is(name, "name") && !dm_str_is(name, "key"))
        return 0;
    *ret = dm_value_cstr(e->a, self->object->data);
    return 1;
}

static int zone_text(struct dm_eval *e, const struct dm_value *self, bool repr, struct dm_strbuf *b)
{
    dm_strbuf_addf(b, repr ? "Timezone('%s')" : "%s", (const char *)self->object->data);
    return 0;
}

static int zone_compare(struct dm_eval *e, const struct dm_value *x, const struct dm_value *y)
{
    const char *a = dm_timezone_name(x), *b = dm_timezone_name(y);
    return a && b && strcmp(a, b) == 0 ? 0 : DM_UNORDERED;
}

static const struct dm_class class_timezone = {.type = "pendulum.tz.timezone.Timezone",
                                               .attr = zone_attr,
                                               .text = zone_text,
                                               .compare = zone_compare};

const struct dm_value *dm_timezone(struct dm_eval *e, const char *name)
{
    return dm_object_value(e, &class_timezone, dm_arena_strdup(e->a, name));
}

const char *dm_timezone_name(const struct dm_value *v)
{
    return dm_object_data(v, &class_timezone);
}
