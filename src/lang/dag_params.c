/* Params of DAGs and tasks, and the JSON Schema that a Param object checks its value against. */
#include "lang/dag_loader.h"

#include <math.h>

struct check {
    struct dm_arena *a;
    const char *why; /* what is wrong, NULL = nothing */
};

static bool is_number(const struct dm_value *v)
{
    return v->kind == DM_INT || v->kind == DM_FLOAT;
}

static double number(const struct dm_value *v)
{
    return v->kind == DM_INT ? (double)v->i : v->f;
}

static bool is_type(const struct dm_value *v, struct dm_str type)
{
    if (dm_str_is(type, "null"))
        return v->kind == DM_NULL;
    if (dm_str_is(type, "boolean"))
        return v->kind == DM_BOOL;
    if (dm_str_is(type, "integer"))
        return v->kind == DM_INT || (v->kind == DM_FLOAT && v->f == floor(v->f));
    if (dm_str_is(type, "number"))
        return is_number(v);
    if (dm_str_is(type, "string"))
        return v->kind == DM_STRING;
    if (dm_str_is(type, "array"))
        return v->kind == DM_LIST;
    return dm_str_is(type, "object") && v->kind == DM_MAP;
}

static void check_type(struct check *c, const struct dm_value *type, const struct dm_value *v)
{
    bool fits = false;
    if (type->kind == DM_STRING)
        fits = is_type(v, type->s);
    for (size_t i = 0; type->kind == DM_LIST && i < type->list.n && !fits; i++)
        fits = type->list.items[i]->kind == DM_STRING && is_type(v, type->list.items[i]->s);
    if (!fits)
        c->why = dm_arena_printf(c->a, "it is a %s, its type is %.*s", dm_kind_name(v->kind),
                                 DM_FMT(dm_value_json(c->a, type)));
}

static void check_enum(struct check *c, const struct dm_value *list, const struct dm_value *v)
{
    for (size_t i = 0; list->kind == DM_LIST && i < list->list.n; i++)
        if (dm_value_equal(list->list.items[i], v))
            return;
    c->why = dm_arena_printf(c->a, "it is none of %.*s", DM_FMT(dm_value_json(c->a, list)));
}

static void check_bound(struct check *c, const char *key, double bound, double x)
{
    bool fits = strcmp(key, "minimum") == 0 || strcmp(key, "minLength") == 0 ||
                        strcmp(key, "minItems") == 0
                    ? x >= bound
                : strcmp(key, "maximum") == 0 || strcmp(key, "maxLength") == 0 ||
                        strcmp(key, "maxItems") == 0
                    ? x <= bound
                : strcmp(key, "exclusiveMinimum") == 0 ? x > bound
                : strcmp(key, "exclusiveMaximum") == 0 ? x < bound
                                                       : fmod(x, bound) == 0;
    if (!fits)
        c->why = dm_arena_printf(c->a, "it does not keep to %s: %g", key, bound);
}

static size_t characters(struct dm_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

static void check_format(struct check *c, struct dm_str format, struct dm_str s)
{
    int64_t us;
    bool fits = dm_str_is(format, "date")        ? dm_date_parse(s, &us)
                : dm_str_is(format, "date-time") ? s.len > 10 && dm_time_parse(s, &us)
                                                 : true;
    if (!fits)
        c->why = dm_arena_printf(c->a, "it is no %.*s", DM_FMT(format));
}

static void check_value(struct check *c, const struct dm_value *schema, const struct dm_value *v)
{
    static const char *const numbers[] = {"minimum", "maximum", "exclusiveMinimum",
                                          "exclusiveMaximum", "multipleOf", NULL};
    static const char *const lengths[] = {"minLength", "maxLength", NULL};
    static const char *const counts[] = {"minItems", "maxItems", NULL};
    const struct dm_value *x;
    if (schema->kind != DM_MAP)
        return;
    if ((x = dm_map_at(schema, "type")))
        check_type(c, x, v);
    if (!c->why && (x = dm_map_at(schema, "enum")))
        check_enum(c, x, v);
    if (!c->why && (x = dm_map_at(schema, "const")) && !dm_value_equal(x, v))
        c->why = "it is not the one value that it may have";
    const char *const *keys = is_number(v)         ? numbers
                              : v->kind == DM_STRING ? lengths
                              : v->kind == DM_LIST   ? counts
                                                     : NULL;
    double measure = is_number(v)           ? number(v)
                     : v->kind == DM_STRING ? (double)characters(v->s)
                     : v->kind == DM_LIST   ? (double)v->list.n
                                            : 0;
    for (; keys && *keys && !c->why; keys++)
        if ((x = dm_map_at(schema, *keys)) && is_number(x))
            check_bound(c, *keys, number(x), measure);
    if (!c->why && v->kind == DM_STRING && (x = dm_map_at(schema, "format")) &&
        x->kind == DM_STRING)
        check_format(c, x->s, v->s);
    if (v->kind == DM_LIST && (x = dm_map_at(schema, "items")))
        for (size_t i = 0; i < v->list.n && !c->why; i++)
            check_value(c, x, v->list.items[i]);
    if (v->kind == DM_MAP && (x = dm_map_at(schema, "properties")) && x->kind == DM_MAP)
        for (size_t i = 0; i < x->map.n && !c->why; i++) {
            const struct dm_value *part = dm_map_get_value(v, x->map.pairs[i].key);
            if (part)
                check_value(c, x->map.pairs[i].value, part);
        }
}

/* Everything but the default and the description is the schema. */
static const struct dm_value *spec_of(struct dm_arena *a, const struct dm_value *param)
{
    struct dm_value *spec = dm_value_map(a), *schema = dm_value_map(a);
    for (size_t i = 0; i < param->map.n; i++) {
        const struct dm_value *key = param->map.pairs[i].key, *v = param->map.pairs[i].value;
        if (dm_str_is(key->s, "description"))
            dm_map_set(a, spec, "description", v);
        else if (dm_str_is(key->s, "schema") && v->kind == DM_MAP)
            for (size_t k = 0; k < v->map.n; k++)
                dm_map_set_value(a, schema, v->map.pairs[k].key, v->map.pairs[k].value);
        else if (!dm_str_is(key->s, "__type__") && !dm_str_is(key->s, "default"))
            dm_map_set_value(a, schema, key, v);
    }
    if (schema->map.n)
        dm_map_set(a, spec, "schema", schema);
    return spec;
}

const struct dm_value *dm_dag_params(struct dm_dag_draft *d, const struct dm_value *params,
                                     const struct dm_value **ret_specs)
{
    struct dm_arena *a = d->loader->a;
    struct dm_value *out = dm_value_map(a), *specs = dm_value_map(a);
    out->line = params->line;
    out->col = params->col;
    for (size_t i = 0; i < params->map.n; i++) {
        const struct dm_value *v = params->map.pairs[i].value, *name = params->map.pairs[i].key;
        if (name->kind != DM_STRING) {
            struct dm_value *text = dm_value_str(a, dm_value_json(a, name));
            text->line = name->line;
            text->col = name->col;
            name = text;
        }
        if (v->kind == DM_MAP && dm_str_is(dm_map_str(v, "__type__", ""), "Param")) {
            const struct dm_value *spec = spec_of(a, v), *schema = dm_map_at(spec, "schema");
            const struct dm_value *value = dm_map_at(v, "default");
            struct check c = {.a = a};
            dm_map_set_value(a, specs, name, spec);
            if (value && schema)
                check_value(&c, schema, value);
            if (c.why)
                draft_error(d, v, BAD_PARAM, NULL, "the param \"%.*s\": %s", DM_FMT(name->s),
                            c.why);
            if (!(v = value))
                continue;
        }
        dm_map_set_value(a, out, name, v);
    }
    *ret_specs = specs->map.n ? specs : NULL;
    return out;
}
