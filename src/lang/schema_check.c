/*
 * A value against a JSON Schema.  Each keyword is a function in one table; the first that refuses writes the error,
 * with the path of the part that it looked at.  Where alternatives are tried (anyOf, not …) errors go nowhere.
 */
#include "lang/schema_check.h"

#include <arpa/inet.h>
#include <math.h>

#include "base/time.h"
#include "lang/regexp.h"

struct path {
    const struct path *up;
    const char *name;           /* of the whole */
    const struct dm_value *key; /* of a map */
    size_t index;               /* of a list */
};

struct check {
    struct dm_arena a; /* for messages */
    const struct dm_value *root;
    unsigned depth;
    size_t steps;
    struct dm_err *err; /* NULL while alternatives are tried */
    const char *limit;  /* what it needed too much of, or NULL */
};

static int check_value(struct check *c, const struct dm_value *schema, const struct dm_value *v,
                       const struct path *path);

static void add_path(struct dm_strbuf *b, const struct path *p)
{
    if (p->up)
        add_path(b, p->up);
    if (p->name)
        dm_strbuf_adds(b, p->name);
    else if (!p->key)
        dm_strbuf_addf(b, "[%zu]", p->index);
    else if (p->key->kind == DM_STRING)
        dm_strbuf_addf(b, ".%.*s", DM_FMT(p->key->s));
}

static int refuse(struct check *c, const struct path *path, const char *fmt, ...) dm_printf(3, 4);

static int refuse(struct check *c, const struct path *path, const char *fmt, ...)
{
    if (!c->err)
        return DM_E_INVALID;
    _cleanup_strbuf_ struct dm_strbuf b;
    va_list ap;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    add_path(&b, path);
    dm_strbuf_adds(&b, ": ");
    va_start(ap, fmt);
    dm_strbuf_vaddf(&b, fmt, ap);
    va_end(ap);
    return dm_err_set(c->err, DM_E_INVALID, "%.*s", DM_FMT(dm_strbuf_str(&b)));
}

/* Kept as it is where alternatives are tried: whether they fit is not known then. */
static int too_much(struct check *c, const struct path *path)
{
    if (!c->limit)
        c->limit = c->depth >= DM_SCHEMA_DEPTH_MAX ? "levels" : "steps";
    return refuse(c, path, "its schema needs too much");
}

/* A value in a message, not too long. */
static const char *shown(struct check *c, const struct dm_value *v)
{
    struct dm_str s = dm_value_json(&c->a, v);
    return s.len <= 60 ? s.p : dm_arena_printf(&c->a, "%.*s…", 57, s.p);
}

static bool is_number(const struct dm_value *v)
{
    return v->kind == DM_INT || v->kind == DM_FLOAT;
}

static double number(const struct dm_value *v)
{
    return v->kind == DM_INT ? (double)v->i : v->f;
}

static size_t characters(struct dm_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* JSON's equality: true is no 1, at any depth. */
static bool equal(const struct dm_value *x, const struct dm_value *y)
{
    if ((x->kind == DM_BOOL) != (y->kind == DM_BOOL))
        return false;
    if (x->kind == DM_LIST && y->kind == DM_LIST) {
        if (x->list.n != y->list.n)
            return false;
        for (size_t i = 0; i < x->list.n; i++)
            if (!equal(x->list.items[i], y->list.items[i]))
                return false;
        return true;
    }
    if (x->kind == DM_MAP && y->kind == DM_MAP) {
        if (x->map.n != y->map.n)
            return false;
        for (size_t i = 0; i < x->map.n; i++) {
            const struct dm_value *other = dm_map_get_value(y, x->map.pairs[i].key);
            if (!other || !equal(x->map.pairs[i].value, other))
                return false;
        }
        return true;
    }
    return dm_value_equal(x, y);
}

/* ---- what any value may have ---- */

static const char *const type_names[] = {"null",   "boolean", "integer", "number",
                                         "string", "array",   "object",  NULL};

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

static int check_type(struct check *c, const struct dm_value *type, const struct dm_value *schema,
                      const struct dm_value *v, const struct path *path)
{
    bool fits = type->kind == DM_STRING && is_type(v, type->s);
    for (size_t i = 0; type->kind == DM_LIST && i < type->list.n && !fits; i++)
        fits = type->list.items[i]->kind == DM_STRING && is_type(v, type->list.items[i]->s);
    bool whole = v->kind == DM_INT || v->kind == DM_BIG; /* by the schema's own word */
    return fits ? 0
                : refuse(c, path, "%s is of the type %s, not %s", shown(c, v),
                         whole ? "integer" : dm_kind_name(v->kind), shown(c, type));
}

static int check_enum(struct check *c, const struct dm_value *list, const struct dm_value *schema,
                      const struct dm_value *v, const struct path *path)
{
    for (size_t i = 0; list->kind == DM_LIST && i < list->list.n; i++)
        if (equal(list->list.items[i], v))
            return 0;
    return refuse(c, path, "%s is none of %s", shown(c, v), shown(c, list));
}

static int check_const(struct check *c, const struct dm_value *only, const struct dm_value *schema,
                       const struct dm_value *v, const struct path *path)
{
    return equal(only, v) ? 0 : refuse(c, path, "%s is not %s", shown(c, v), shown(c, only));
}

/* ---- bounds: of numbers, lengths and counts ---- */

#define BOUND(name, applies, measure, fits, what)                                                 \
    static int name(struct check *c, const struct dm_value *bound, const struct dm_value *schema, \
                    const struct dm_value *v, const struct path *path)                            \
    {                                                                                             \
        if (!(applies) || !is_number(bound))                                                      \
            return 0;                                                                             \
        double x = (double)(measure), b = number(bound);                                          \
        return (fits) ? 0 : refuse(c, path, "%s " what " %s", shown(c, v), shown(c, bound));      \
    }
BOUND(check_minimum, is_number(v), number(v), x >= b, "is less than")
BOUND(check_maximum, is_number(v), number(v), x <= b, "is more than")
BOUND(check_above, is_number(v), number(v), x > b, "is not more than")
BOUND(check_below, is_number(v), number(v), x < b, "is not less than")
BOUND(check_multiple, is_number(v) && number(bound) > 0, number(v),
      fabs(x / b - round(x / b)) < 1e-9, "is no multiple of")
BOUND(check_min_length, v->kind == DM_STRING, characters(v->s), x >= b, "has fewer characters than")
BOUND(check_max_length, v->kind == DM_STRING, characters(v->s), x <= b, "has more characters than")
BOUND(check_min_items, v->kind == DM_LIST, v->list.n, x >= b, "has fewer items than")
BOUND(check_max_items, v->kind == DM_LIST, v->list.n, x <= b, "has more items than")
BOUND(check_min_keys, v->kind == DM_MAP, v->map.n, x >= b, "has fewer keys than")
BOUND(check_max_keys, v->kind == DM_MAP, v->map.n, x <= b, "has more keys than")

/* ---- texts ---- */

static int check_pattern(struct check *c, const struct dm_value *pattern,
                         const struct dm_value *schema, const struct dm_value *v,
                         const struct path *path)
{
    const struct dm_regexp *re;
    struct dm_err err;
    if (v->kind != DM_STRING || pattern->kind != DM_STRING)
        return 0;
    if (dm_regexp_parse(&c->a, pattern->s, &re, &err) < 0)
        return refuse(c, path, "%s", err.message);
    return dm_regexp_search(re, v->s)
               ? 0
               : refuse(c, path, "%s does not fit the pattern %s", shown(c, v), shown(c, pattern));
}

static bool has_form(struct check *c, struct dm_str s, const char *pattern)
{
    const struct dm_regexp *re;
    return dm_regexp_parse(&c->a, dm_str_c(pattern), &re, NULL) == 0 && dm_regexp_search(re, s);
}

static bool has_format(struct check *c, struct dm_str format, struct dm_str s)
{
    unsigned char address[sizeof(struct in6_addr)];
    const struct dm_regexp *re;
    int64_t us;
    if (dm_str_is(format, "date"))
        return s.len == 10 && dm_date_parse(s, &us);
    if (dm_str_is(format, "date-time"))
        return has_form(c, s, "^\\d{4}-\\d\\d-\\d\\d[Tt ]") && dm_time_parse(s, &us) &&
               has_form(c, s, ":[0-5]\\d(\\.\\d+)?([Zz]|[+-]([01]\\d|2[0-3]):[0-5]\\d)\\Z");
    if (dm_str_is(format, "time"))
        return has_form(c, s, "^([01]?\\d|2[0-3]):[0-5]?\\d:([0-5]?\\d|60|61)\\Z");
    if (dm_str_is(format, "email") || dm_str_is(format, "idn-email"))
        return dm_str_find(s, DM_STR("@"), 0) >= 0;
    if (dm_str_is(format, "ipv4"))
        return inet_pton(AF_INET, dm_str_cstr(&c->a, s), address) == 1;
    if (dm_str_is(format, "ipv6"))
        return inet_pton(AF_INET6, dm_str_cstr(&c->a, s), address) == 1;
    if (dm_str_is(format, "uuid"))
        return has_form(c, s, "(?i)^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\\Z");
    if (dm_str_is(format, "regex"))
        return dm_regexp_parse(&c->a, s, &re, NULL) == 0;
    return true;
}

static int check_format(struct check *c, const struct dm_value *format,
                        const struct dm_value *schema, const struct dm_value *v,
                        const struct path *path)
{
    if (v->kind != DM_STRING || format->kind != DM_STRING || has_format(c, format->s, v->s))
        return 0;
    return refuse(c, path, "%s is no %.*s", shown(c, v), DM_FMT(format->s));
}

/* ---- alternatives ---- */

static bool fits(struct check *c, const struct dm_value *schema, const struct dm_value *v,
                 const struct path *path)
{
    struct dm_err *err = c->err;
    c->err = NULL;
    int rc = check_value(c, schema, v, path);
    c->err = err;
    return rc == 0;
}

static size_t how_many_fit(struct check *c, const struct dm_value *list, const struct dm_value *v,
                           const struct path *path)
{
    size_t n = 0;
    for (size_t i = 0; list->kind == DM_LIST && i < list->list.n; i++)
        n += fits(c, list->list.items[i], v, path);
    return n;
}

static int check_any(struct check *c, const struct dm_value *list, const struct dm_value *schema,
                     const struct dm_value *v, const struct path *path)
{
    return how_many_fit(c, list, v, path)
               ? 0
               : refuse(c, path, "%s fits none of the schemas in anyOf: %s", shown(c, v),
                        shown(c, list));
}

static int check_one(struct check *c, const struct dm_value *list, const struct dm_value *schema,
                     const struct dm_value *v, const struct path *path)
{
    size_t n = how_many_fit(c, list, v, path);
    return n == 1 ? 0
                  : refuse(c, path, "%s fits %zu of the schemas in oneOf, not one", shown(c, v), n);
}

static int check_all(struct check *c, const struct dm_value *list, const struct dm_value *schema,
                     const struct dm_value *v, const struct path *path)
{
    for (size_t i = 0; list->kind == DM_LIST && i < list->list.n; i++)
        DM_TRY(check_value(c, list->list.items[i], v, path));
    return 0;
}

static int check_not(struct check *c, const struct dm_value *other, const struct dm_value *schema,
                     const struct dm_value *v, const struct path *path)
{
    return fits(c, other, v, path)
               ? refuse(c, path, "%s fits the schema in not: %s", shown(c, v), shown(c, other))
               : 0;
}

static int check_if(struct check *c, const struct dm_value *condition,
                    const struct dm_value *schema, const struct dm_value *v,
                    const struct path *path)
{
    const struct dm_value *next = dm_map_at(schema, fits(c, condition, v, path) ? "then" : "else");
    return next ? check_value(c, next, v, path) : 0;
}

/* The schema that "#/a/b" names, from the root. */
static const struct dm_value *referred(struct check *c, struct dm_str ref)
{
    const struct dm_value *at = c->root;
    struct dm_str piece;
    if (!dm_str_starts(ref, DM_STR("#")))
        return NULL;
    ref = dm_str_sub(ref, 1, ref.len);
    if (!ref.len)
        return at;
    dm_str_split(&ref, '/', &piece); /* the empty one before the first slash */
    while (at && dm_str_split(&ref, '/', &piece)) {
        int64_t i;
        if (at->kind == DM_LIST && dm_str_to_i64(piece, &i) && i >= 0 && (size_t)i < at->list.n)
            at = at->list.items[i];
        else
            at = at->kind == DM_MAP ? dm_map_get_str(at, piece) : NULL;
    }
    return at;
}

static int check_ref(struct check *c, const struct dm_value *ref, const struct dm_value *schema,
                     const struct dm_value *v, const struct path *path)
{
    const struct dm_value *at = ref->kind == DM_STRING ? referred(c, ref->s) : NULL;
    return at ? check_value(c, at, v, path)
              : refuse(c, path, "its schema refers to %s, which is not in it", shown(c, ref));
}

/* ---- lists ---- */

static int check_items(struct check *c, const struct dm_value *items, const struct dm_value *schema,
                       const struct dm_value *v, const struct path *path)
{
    const struct dm_value *first = dm_map_at(schema, "prefixItems");
    size_t from = first && first->kind == DM_LIST ? first->list.n : 0;
    for (size_t i = from; v->kind == DM_LIST && i < v->list.n; i++)
        DM_TRY(check_value(c, items, v->list.items[i], &(struct path){.up = path, .index = i}));
    return 0;
}

static int check_prefix(struct check *c, const struct dm_value *list, const struct dm_value *schema,
                        const struct dm_value *v, const struct path *path)
{
    for (size_t i = 0;
         list->kind == DM_LIST && v->kind == DM_LIST && i < v->list.n && i < list->list.n; i++)
        DM_TRY(check_value(c, list->list.items[i], v->list.items[i],
                           &(struct path){.up = path, .index = i}));
    return 0;
}

static int check_contains(struct check *c, const struct dm_value *item,
                          const struct dm_value *schema, const struct dm_value *v,
                          const struct path *path)
{
    int64_t least = dm_map_int(schema, "minContains", 1), n = 0;
    int64_t most = dm_map_int(schema, "maxContains", INT64_MAX);
    if (v->kind != DM_LIST)
        return 0;
    for (size_t i = 0; i < v->list.n; i++)
        n += fits(c, item, v->list.items[i], &(struct path){.up = path, .index = i});
    return n >= least && n <= most
               ? 0
               : refuse(c, path, "%lld of its items fit the schema in contains", (long long)n);
}

static int check_unique(struct check *c, const struct dm_value *unique,
                        const struct dm_value *schema, const struct dm_value *v,
                        const struct path *path)
{
    if (unique->kind != DM_BOOL || !unique->b || v->kind != DM_LIST)
        return 0;
    for (size_t i = 0; i < v->list.n; i++)
        for (size_t k = 0; k < i; k++) {
            if (++c->steps > DM_SCHEMA_STEPS_MAX)
                return too_much(c, path);
            if (equal(v->list.items[i], v->list.items[k]))
                return refuse(c, path, "%s is there twice", shown(c, v->list.items[i]));
        }
    return 0;
}

/* ---- maps ---- */

static int check_properties(struct check *c, const struct dm_value *properties,
                            const struct dm_value *schema, const struct dm_value *v,
                            const struct path *path)
{
    for (size_t i = 0; properties->kind == DM_MAP && v->kind == DM_MAP && i < properties->map.n;
         i++) {
        const struct dm_pair *p = &properties->map.pairs[i];
        const struct dm_value *part = dm_map_get_value(v, p->key);
        if (part)
            DM_TRY(check_value(c, p->value, part, &(struct path){.up = path, .key = p->key}));
    }
    return 0;
}

static bool key_fits(struct check *c, const struct dm_value *pattern, const struct dm_value *key)
{
    const struct dm_regexp *re;
    return pattern->kind == DM_STRING && key->kind == DM_STRING &&
           dm_regexp_parse(&c->a, pattern->s, &re, NULL) == 0 && dm_regexp_search(re, key->s);
}

static int check_patterns(struct check *c, const struct dm_value *patterns,
                          const struct dm_value *schema, const struct dm_value *v,
                          const struct path *path)
{
    for (size_t i = 0; patterns->kind == DM_MAP && v->kind == DM_MAP && i < patterns->map.n; i++)
        for (size_t k = 0; k < v->map.n; k++)
            if (key_fits(c, patterns->map.pairs[i].key, v->map.pairs[k].key))
                DM_TRY(check_value(c, patterns->map.pairs[i].value, v->map.pairs[k].value,
                                   &(struct path){.up = path, .key = v->map.pairs[k].key}));
    return 0;
}

static int check_additional(struct check *c, const struct dm_value *other,
                            const struct dm_value *schema, const struct dm_value *v,
                            const struct path *path)
{
    const struct dm_value *properties = dm_map_at(schema, "properties");
    const struct dm_value *patterns = dm_map_at(schema, "patternProperties");
    for (size_t k = 0; v->kind == DM_MAP && k < v->map.n; k++) {
        const struct dm_value *key = v->map.pairs[k].key;
        bool known = properties && dm_map_get_value(properties, key);
        for (size_t i = 0; patterns && patterns->kind == DM_MAP && i < patterns->map.n && !known;
             i++)
            known = key_fits(c, patterns->map.pairs[i].key, key);
        if (known)
            continue;
        if (other->kind == DM_BOOL && !other->b)
            return refuse(c, path, "it has no key %s", shown(c, key));
        DM_TRY(
            check_value(c, other, v->map.pairs[k].value, &(struct path){.up = path, .key = key}));
    }
    return 0;
}

static int check_names(struct check *c, const struct dm_value *names, const struct dm_value *schema,
                       const struct dm_value *v, const struct path *path)
{
    for (size_t k = 0; v->kind == DM_MAP && k < v->map.n; k++)
        DM_TRY(check_value(c, names, v->map.pairs[k].key, path));
    return 0;
}

static int need_keys(struct check *c, const struct dm_value *list, const struct dm_value *v,
                     const struct path *path)
{
    for (size_t i = 0; list->kind == DM_LIST && i < list->list.n; i++)
        if (!dm_map_get_value(v, list->list.items[i]))
            return refuse(c, path, "the key %s is missing", shown(c, list->list.items[i]));
    return 0;
}

static int check_required(struct check *c, const struct dm_value *list,
                          const struct dm_value *schema, const struct dm_value *v,
                          const struct path *path)
{
    return v->kind == DM_MAP ? need_keys(c, list, v, path) : 0;
}

static int check_dependent_keys(struct check *c, const struct dm_value *map,
                                const struct dm_value *schema, const struct dm_value *v,
                                const struct path *path)
{
    for (size_t i = 0; map->kind == DM_MAP && v->kind == DM_MAP && i < map->map.n; i++)
        if (dm_map_get_value(v, map->map.pairs[i].key))
            DM_TRY(need_keys(c, map->map.pairs[i].value, v, path));
    return 0;
}

static int check_dependent_schemas(struct check *c, const struct dm_value *map,
                                   const struct dm_value *schema, const struct dm_value *v,
                                   const struct path *path)
{
    for (size_t i = 0; map->kind == DM_MAP && v->kind == DM_MAP && i < map->map.n; i++)
        if (dm_map_get_value(v, map->map.pairs[i].key))
            DM_TRY(check_value(c, map->map.pairs[i].value, v, path));
    return 0;
}

/* ---- the table ---- */

/* What a keyword's own value must be, for dm_schema_valid. */
enum wants {
    TYPE,
    LIST,
    ANYTHING,
    NUMBER,
    COUNT,
    PATTERN,
    TEXT,
    BOOLEAN,
    SCHEMA,
    SCHEMAS,
    SCHEMA_MAP,
    PATTERN_MAP,
    NAMES,
    NAME_MAP
};

static const struct {
    const char *name;
    enum wants wants;
    int (*check)(struct check *c, const struct dm_value *of, const struct dm_value *schema,
                 const struct dm_value *v, const struct path *path);
} keywords[] = {
    {"$ref", TEXT, check_ref},
    {"type", TYPE, check_type},
    {"enum", LIST, check_enum},
    {"const", ANYTHING, check_const},
    {"minimum", NUMBER, check_minimum},
    {"maximum", NUMBER, check_maximum},
    {"exclusiveMinimum", NUMBER, check_above},
    {"exclusiveMaximum", NUMBER, check_below},
    {"multipleOf", NUMBER, check_multiple},
    {"minLength", COUNT, check_min_length},
    {"maxLength", COUNT, check_max_length},
    {"pattern", PATTERN, check_pattern},
    {"format", TEXT, check_format},
    {"minItems", COUNT, check_min_items},
    {"maxItems", COUNT, check_max_items},
    {"prefixItems", SCHEMAS, check_prefix},
    {"items", SCHEMA, check_items},
    {"contains", SCHEMA, check_contains},
    {"minContains", COUNT, NULL},
    {"maxContains", COUNT, NULL},
    {"uniqueItems", BOOLEAN, check_unique},
    {"minProperties", COUNT, check_min_keys},
    {"maxProperties", COUNT, check_max_keys},
    {"required", NAMES, check_required},
    {"properties", SCHEMA_MAP, check_properties},
    {"patternProperties", PATTERN_MAP, check_patterns},
    {"additionalProperties", SCHEMA, check_additional},
    {"propertyNames", SCHEMA, check_names},
    {"dependentRequired", NAME_MAP, check_dependent_keys},
    {"dependentSchemas", SCHEMA_MAP, check_dependent_schemas},
    {"allOf", SCHEMAS, check_all},
    {"anyOf", SCHEMAS, check_any},
    {"oneOf", SCHEMAS, check_one},
    {"not", SCHEMA, check_not},
    {"if", SCHEMA, check_if},
    {"then", SCHEMA, NULL},
    {"else", SCHEMA, NULL},
    {"$defs", SCHEMA_MAP, NULL},
    {"definitions", SCHEMA_MAP, NULL},
};
enum { N_KEYWORDS = sizeof(keywords) / sizeof(keywords[0]) };

static int check_value(struct check *c, const struct dm_value *schema, const struct dm_value *v,
                       const struct path *path)
{
    if (c->depth >= DM_SCHEMA_DEPTH_MAX || ++c->steps > DM_SCHEMA_STEPS_MAX)
        return too_much(c, path);
    if (schema->kind == DM_BOOL)
        return schema->b ? 0 : refuse(c, path, "there may be none");
    if (schema->kind != DM_MAP)
        return 0;
    int rc = 0;
    c->depth++;
    for (size_t k = 0; k < N_KEYWORDS && rc == 0; k++) {
        const struct dm_value *of = dm_map_at(schema, keywords[k].name);
        if (of && keywords[k].check)
            rc = keywords[k].check(c, of, schema, v, path);
    }
    c->depth--;
    return rc;
}

int dm_schema_check(const struct dm_value *schema, const struct dm_value *v, const char *name,
                    struct dm_err *reterr)
{
    struct dm_err err;
    struct check c = {.root = schema, .err = reterr ? reterr : &err};
    int rc = check_value(&c, schema, v, &(struct path){.name = name});
    dm_arena_release(&c.a);
    if (c.limit)
        return dm_err_set(reterr, DM_E_LIMIT, "%s: its schema needs more than %d %s", name,
                          strcmp(c.limit, "levels") == 0 ? (int)DM_SCHEMA_DEPTH_MAX
                                                         : (int)DM_SCHEMA_STEPS_MAX,
                          c.limit);
    return rc;
}

/* ---- the schema itself ---- */

static int valid(const struct dm_value *schema, unsigned depth, struct dm_err *reterr);

static int wrong(const char *key, const char *wanted, const struct dm_value *v,
                 struct dm_err *reterr)
{
    return dm_err_set(reterr, DM_E_INVALID, "%s in a schema must be %s, not a %s", key, wanted,
                      dm_kind_name(v->kind));
}

static int valid_type(const struct dm_value *v, struct dm_err *reterr)
{
    const struct dm_value *one[] = {v};
    size_t n = v->kind == DM_LIST ? v->list.n : 1;
    const struct dm_value *const *items = v->kind == DM_LIST ? v->list.items : one;
    for (size_t i = 0; i < n; i++) {
        bool known = false;
        if (items[i]->kind != DM_STRING)
            return wrong("type", "a text or a list of texts", items[i], reterr);
        for (size_t k = 0; type_names[k]; k++)
            known = known || dm_str_is(items[i]->s, type_names[k]);
        if (known)
            continue;
        const char *near = dm_str_nearest(items[i]->s, type_names);
        dm_err_set(reterr, DM_E_INVALID, "there is no type \"%.*s\" in a schema",
                   DM_FMT(items[i]->s));
        if (near)
            dm_err_hint(reterr, "Did you mean \"%s\"?", near);
        return DM_E_INVALID;
    }
    return 0;
}

static int valid_pattern(const struct dm_value *v, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const struct dm_regexp *re;
    return v->kind == DM_STRING ? dm_regexp_parse(&a, v->s, &re, reterr)
                                : wrong("pattern", "a text", v, reterr);
}

static int valid_names(const char *key, const struct dm_value *v, struct dm_err *reterr)
{
    if (v->kind != DM_LIST)
        return wrong(key, "a list of texts", v, reterr);
    for (size_t i = 0; i < v->list.n; i++)
        if (v->list.items[i]->kind != DM_STRING)
            return wrong(key, "a list of texts", v->list.items[i], reterr);
    return 0;
}

static int valid_map(const char *key, enum wants wants, const struct dm_value *v, unsigned depth,
                     struct dm_err *reterr)
{
    if (v->kind != DM_MAP)
        return wrong(key, "a map", v, reterr);
    for (size_t i = 0; i < v->map.n; i++) {
        const struct dm_pair *p = &v->map.pairs[i];
        if (wants == PATTERN_MAP)
            DM_TRY(valid_pattern(p->key, reterr));
        if (wants == NAME_MAP)
            DM_TRY(valid_names(key, p->value, reterr));
        else
            DM_TRY(valid(p->value, depth, reterr));
    }
    return 0;
}

static int valid_keyword(const char *key, enum wants wants, const struct dm_value *v,
                         unsigned depth, struct dm_err *reterr)
{
    switch (wants) {
    case TYPE:
        return valid_type(v, reterr);
    case ANYTHING:
        return 0;
    case LIST:
        return v->kind == DM_LIST ? 0 : wrong(key, "a list", v, reterr);
    case NUMBER:
        return is_number(v) ? 0 : wrong(key, "a number", v, reterr);
    case COUNT:
        return is_number(v) && number(v) >= 0 ? 0 : wrong(key, "a number of at least 0", v, reterr);
    case PATTERN:
        return valid_pattern(v, reterr);
    case TEXT:
        return v->kind == DM_STRING ? 0 : wrong(key, "a text", v, reterr);
    case BOOLEAN:
        return v->kind == DM_BOOL ? 0 : wrong(key, "true or false", v, reterr);
    case SCHEMA:
        return valid(v, depth, reterr);
    case SCHEMAS:
        if (v->kind != DM_LIST || !v->list.n)
            return wrong(key, "a list of schemas", v, reterr);
        for (size_t i = 0; i < v->list.n; i++)
            DM_TRY(valid(v->list.items[i], depth, reterr));
        return 0;
    case NAMES:
        return valid_names(key, v, reterr);
    case SCHEMA_MAP:
    case PATTERN_MAP:
    case NAME_MAP:
        return valid_map(key, wants, v, depth, reterr);
    }
    return 0;
}

static int valid(const struct dm_value *schema, unsigned depth, struct dm_err *reterr)
{
    if (depth > DM_SCHEMA_DEPTH_MAX)
        return dm_err_set(reterr, DM_E_LIMIT, "a schema is nested deeper than %d levels",
                          DM_SCHEMA_DEPTH_MAX);
    if (schema->kind == DM_BOOL)
        return 0;
    if (schema->kind != DM_MAP)
        return wrong("a part", "a map", schema, reterr);
    for (size_t k = 0; k < N_KEYWORDS; k++) {
        const struct dm_value *v = dm_map_at(schema, keywords[k].name);
        if (v)
            DM_TRY(valid_keyword(keywords[k].name, keywords[k].wants, v, depth + 1, reterr));
    }
    return 0;
}

int dm_schema_valid(const struct dm_value *schema, struct dm_err *reterr)
{
    return valid(schema, 0, reterr);
}
