/* Values as JSON: parsed with jansson, written by hand because of dates and the order of keys. */
#include <jansson.h>
#include <math.h>

#include "base/time.h"
#include "lang/big.h"
#include "lang/value.h"

/* printf is most of the time of writing a DAG, whose places are numbers. */
static void add_int(struct dm_strbuf *b, int64_t i)
{
    char digits[20], *p = digits + sizeof(digits);
    uint64_t rest = i < 0 ? -(uint64_t)i : (uint64_t)i;
    do
        *--p = (char)('0' + rest % 10);
    while (rest /= 10);
    if (i < 0)
        dm_strbuf_addc(b, '-');
    dm_strbuf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

static void write_value(struct dm_strbuf *b, const struct dm_value *v, bool sorted);

static void write_time(struct dm_strbuf *b, const struct dm_value *v)
{
    char iso[DM_TIME_MAX];
    dm_time_iso(v->time.us, iso);
    if (v->time.naive)
        iso[strlen(iso) - strlen("+00:00")] = '\0';
    dm_strbuf_adds(b, iso);
}

static void write_text(struct dm_strbuf *b, const struct dm_value *v)
{
    char text[DM_TIME_MAX];
    dm_strbuf_addc(b, '"');
    if (v->kind == DM_DATETIME)
        write_time(b, v);
    else
        dm_strbuf_adds(b, dm_time_date(v->i * DM_DAY, text));
    dm_strbuf_addc(b, '"');
}

static void write_key(struct dm_strbuf *b, const struct dm_value *key)
{
    if (key->kind == DM_STRING || key->kind == DM_DATETIME || key->kind == DM_DATE) {
        write_value(b, key, false);
        return;
    }
    _cleanup_strbuf_ struct dm_strbuf text;
    dm_strbuf_init(&text, DM_BUF_TEXT);
    write_value(&text, key, false);
    dm_strbuf_add_json(b, dm_strbuf_str(&text));
}

static int by_key(const void *x, const void *y)
{
    const struct dm_pair *a = x, *b = y;
    if (a->key->kind == DM_STRING && b->key->kind == DM_STRING)
        return dm_str_cmp(a->key->s, b->key->s);
    _cleanup_strbuf_ struct dm_strbuf ta, tb;
    dm_strbuf_init(&ta, DM_BUF_TEXT);
    dm_strbuf_init(&tb, DM_BUF_TEXT);
    write_key(&ta, a->key);
    write_key(&tb, b->key);
    return dm_str_cmp(dm_strbuf_str(&ta), dm_strbuf_str(&tb));
}

static void write_map(struct dm_strbuf *b, const struct dm_value *v, bool sorted)
{
    _cleanup_free_ struct dm_pair *order = NULL;
    const struct dm_pair *pairs = v->map.pairs;
    if (sorted && v->map.n > 1) {
        order = dm_malloc(v->map.n * sizeof(*order));
        memcpy(order, pairs, v->map.n * sizeof(*order));
        qsort(order, v->map.n, sizeof(*order), by_key);
        pairs = order;
    }
    dm_strbuf_addc(b, '{');
    for (size_t i = 0; i < v->map.n; i++) {
        if (i)
            dm_strbuf_adds(b, ", ");
        write_key(b, pairs[i].key);
        dm_strbuf_adds(b, ": ");
        write_value(b, pairs[i].value, sorted);
    }
    dm_strbuf_addc(b, '}');
}

static void write_float(struct dm_strbuf *b, double f)
{
    char text[DM_FLOAT_MAX];
    dm_strbuf_adds(b, isfinite(f) ? dm_float_repr(f, text) : "null");
}

static void write_value(struct dm_strbuf *b, const struct dm_value *v, bool sorted)
{
    switch (v->kind) {
    case DM_NULL:
    case DM_OBJECT:
        dm_strbuf_adds(b, "null");
        return;
    case DM_BOOL:
        dm_strbuf_adds(b, v->b ? "true" : "false");
        return;
    case DM_INT:
        add_int(b, v->i);
        return;
    case DM_BIG:
        dm_big_text(b, v->big);
        return;
    case DM_FLOAT:
        write_float(b, v->f);
        return;
    case DM_DELTA:
        write_float(b, (double)v->i / DM_SEC);
        return;
    case DM_STRING:
        dm_strbuf_add_json(b, v->s);
        return;
    case DM_DATETIME:
    case DM_DATE:
        write_text(b, v);
        return;
    case DM_LIST:
    case DM_TUPLE:
        dm_strbuf_addc(b, '[');
        for (size_t i = 0; i < v->list.n; i++) {
            if (i)
                dm_strbuf_adds(b, ", ");
            write_value(b, v->list.items[i], sorted);
        }
        dm_strbuf_addc(b, ']');
        return;
    case DM_MAP:
        write_map(b, v, sorted);
        return;
    }
}

void dm_value_to_json(struct dm_strbuf *b, const struct dm_value *v, bool sorted)
{
    write_value(b, v, sorted);
}

struct dm_str dm_value_json(struct dm_arena *a, const struct dm_value *v)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, SIZE_MAX / 2);
    write_value(&b, v, false);
    return dm_str_dup(a, dm_strbuf_str(&b));
}

static int convert(struct dm_arena *a, json_t *j, unsigned depth, struct dm_value **ret,
                   struct dm_err *reterr)
{
    if (depth > DM_JSON_DEPTH)
        return dm_err_set(reterr, DM_E_LIMIT, "JSON is nested deeper than %d levels",
                          DM_JSON_DEPTH);
    switch (json_typeof(j)) {
    case JSON_NULL:
        *ret = dm_arena_new(a, struct dm_value);
        return 0;
    case JSON_TRUE:
    case JSON_FALSE:
        *ret = dm_value_bool(a, json_is_true(j));
        return 0;
    case JSON_INTEGER:
        *ret = dm_value_int(a, json_integer_value(j));
        return 0;
    case JSON_REAL:
        *ret = dm_value_float(a, json_real_value(j));
        return 0;
    case JSON_STRING:
        *ret =
            dm_value_str(a, dm_str_dup(a, dm_str_n(json_string_value(j), json_string_length(j))));
        return 0;
    case JSON_ARRAY: {
        struct dm_value *list = dm_value_list(a, json_array_size(j));
        for (size_t i = 0; i < list->list.n; i++) {
            struct dm_value *item;
            DM_TRY(convert(a, json_array_get(j, i), depth + 1, &item, reterr));
            list->list.items[i] = item;
        }
        *ret = list;
        return 0;
    }
    case JSON_OBJECT: {
        struct dm_value *map = dm_value_map(a);
        for (void *it = json_object_iter(j); it; it = json_object_iter_next(j, it)) {
            struct dm_value *item;
            DM_TRY(convert(a, json_object_iter_value(it), depth + 1, &item, reterr));
            const char *key = json_object_iter_key(it);
            size_t len = json_object_iter_key_len(it);
            dm_map_set_value(a, map, dm_value_str(a, dm_str_dup(a, dm_str_n(key, len))), item);
        }
        *ret = map;
        return 0;
    }
    }
    DM_BUG("jansson returned a value of kind %d", (int)json_typeof(j));
}

int dm_value_from_json(struct dm_arena *a, struct dm_str json, struct dm_value **ret,
                       struct dm_err *reterr)
{
    if (json.len > DM_BUF_TEXT)
        return dm_err_set(reterr, DM_E_LIMIT, "JSON is larger than %zu bytes", DM_BUF_TEXT);
    json_error_t error;
    json_t *j =
        json_loadb(json.p ? json.p : "", json.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!j) {
        enum json_error_code why = json_error_code(&error);
        int code = why == json_error_numeric_overflow || why == json_error_stack_overflow
                       ? DM_E_LIMIT
                   : why == json_error_out_of_memory ? DM_E_NOMEM
                                                     : DM_E_SYNTAX;
        dm_err_set(reterr, code, "invalid JSON at line %d, column %d: %s", error.line, error.column,
                   error.text);
        dm_err_at(reterr, NULL, error.line, error.column);
        return code;
    }
    int rc = convert(a, j, 1, ret, reterr);
    json_decref(j);
    return rc;
}
