/* Values: building, looking up, comparing. */
#include "lang/value.h"

#include <math.h>

#include "lang/big.h"

const struct dm_value dm_null = {.kind = DM_NULL};
const struct dm_value dm_true = {.kind = DM_BOOL, .b = true};
const struct dm_value dm_false = {.kind = DM_BOOL, .b = false};

/* Maps of more entries than this get a hash index. */
enum { INDEX_FROM = 12 };

static struct dm_value *new_value(struct dm_arena *a, enum dm_kind kind)
{
    struct dm_value *v = dm_arena_new(a, struct dm_value);
    v->kind = kind;
    return v;
}

struct dm_value *dm_value_bool(struct dm_arena *a, bool b)
{
    struct dm_value *v = new_value(a, DM_BOOL);
    v->b = b;
    return v;
}

struct dm_value *dm_value_int(struct dm_arena *a, int64_t i)
{
    struct dm_value *v = new_value(a, DM_INT);
    v->i = i;
    return v;
}

struct dm_value *dm_value_float(struct dm_arena *a, double f)
{
    struct dm_value *v = new_value(a, DM_FLOAT);
    v->f = f;
    return v;
}

struct dm_value *dm_value_str(struct dm_arena *a, struct dm_str s)
{
    struct dm_value *v = new_value(a, DM_STRING);
    v->s = s;
    return v;
}

struct dm_value *dm_value_cstr(struct dm_arena *a, const char *s)
{
    return dm_value_str(a, dm_str_dup(a, dm_str_c(s)));
}

struct dm_value *dm_value_time(struct dm_arena *a, int64_t us, const char *zone)
{
    struct dm_value *v = new_value(a, DM_DATETIME);
    v->time.us = us;
    v->time.zone = zone;
    return v;
}

struct dm_value *dm_value_list(struct dm_arena *a, size_t n)
{
    struct dm_value *v = new_value(a, DM_LIST);
    v->list.n = v->list.cap = n;
    if (n)
        v->list.items = dm_arena_array(a, const struct dm_value *, n);
    return v;
}

struct dm_value *dm_value_map(struct dm_arena *a)
{
    return new_value(a, DM_MAP);
}

/* A container that was filled by hand has cap < n; growing it copies it first, so that is safe too. */
static size_t next_cap(size_t n)
{
    return n < 4 ? 8 : n * 2;
}

void dm_list_add(struct dm_arena *a, struct dm_value *list, const struct dm_value *item)
{
    DM_ASSERT(list->kind == DM_LIST || list->kind == DM_TUPLE);
    if (list->list.n >= list->list.cap) {
        size_t cap = next_cap(list->list.n);
        const struct dm_value **items = dm_arena_array(a, const struct dm_value *, cap);
        if (list->list.n)
            memcpy(items, list->list.items, list->list.n * sizeof(*items));
        list->list.items = items;
        list->list.cap = cap;
    }
    list->list.items[list->list.n++] = item;
}

static void index_pair(struct dm_value *map, size_t i)
{
    uint32_t mask = map->map.n_slots - 1;
    uint32_t slot = (uint32_t)dm_value_hash(map->map.pairs[i].key) & mask;
    while (map->map.slots[slot])
        slot = (slot + 1) & mask;
    map->map.slots[slot] = (uint32_t)i + 1;
}

static void grow_map(struct dm_arena *a, struct dm_value *map)
{
    size_t cap = next_cap(map->map.n);
    struct dm_pair *pairs = dm_arena_array(a, struct dm_pair, cap);
    if (map->map.n)
        memcpy(pairs, map->map.pairs, map->map.n * sizeof(*pairs));
    map->map.pairs = pairs;
    map->map.cap = cap;
    map->map.slots = NULL;
    if (cap <= INDEX_FROM)
        return;
    size_t slots = 32;
    while (slots < cap * 2)
        slots *= 2;
    map->map.n_slots = (uint32_t)slots;
    map->map.slots = dm_arena_array(a, uint32_t, slots);
    for (size_t i = 0; i < map->map.n; i++)
        index_pair(map, i);
}

static bool same_key(const struct dm_value *x, const struct dm_value *key)
{
    return x->kind == DM_STRING && key->kind == DM_STRING ? dm_str_eq(x->s, key->s)
                                                          : dm_value_equal(x, key);
}

static ptrdiff_t find_pair(const struct dm_value *map, const struct dm_value *key)
{
    if (map->map.slots) {
        uint32_t mask = map->map.n_slots - 1;
        uint32_t slot = (uint32_t)dm_value_hash(key) & mask;
        for (; map->map.slots[slot]; slot = (slot + 1) & mask)
            if (same_key(map->map.pairs[map->map.slots[slot] - 1].key, key))
                return (ptrdiff_t)map->map.slots[slot] - 1;
        return -1;
    }
    for (size_t i = 0; i < map->map.n; i++)
        if (same_key(map->map.pairs[i].key, key))
            return (ptrdiff_t)i;
    return -1;
}

void dm_map_set_value(struct dm_arena *a, struct dm_value *map, const struct dm_value *key,
                      const struct dm_value *value)
{
    DM_ASSERT(map->kind == DM_MAP);
    ptrdiff_t at = find_pair(map, key);
    if (at >= 0) {
        map->map.pairs[at].value = value;
        return;
    }
    if (map->map.n >= map->map.cap)
        grow_map(a, map);
    map->map.pairs[map->map.n++] = (struct dm_pair){key, value};
    if (map->map.slots)
        index_pair(map, map->map.n - 1);
}

void dm_map_set(struct dm_arena *a, struct dm_value *map, const char *key,
                const struct dm_value *value)
{
    dm_map_set_value(a, map, dm_value_cstr(a, key), value);
}

struct dm_value *dm_value_copy(struct dm_arena *a, const struct dm_value *v)
{
    struct dm_value *copy = dm_arena_dup(a, v, sizeof(*v));
    if (v->kind == DM_LIST || v->kind == DM_TUPLE) {
        copy->list.cap = v->list.n;
        if (v->list.n)
            copy->list.items =
                dm_arena_dup(a, v->list.items, v->list.n * sizeof(const struct dm_value *));
    } else if (v->kind == DM_MAP) {
        grow_map(a, copy);
    }
    return copy;
}

const struct dm_value *dm_map_get_value(const struct dm_value *map, const struct dm_value *key)
{
    if (!map || map->kind != DM_MAP)
        return NULL;
    ptrdiff_t at = find_pair(map, key);
    return at < 0 ? NULL : map->map.pairs[at].value;
}

const struct dm_value *dm_map_get_str(const struct dm_value *map, struct dm_str key)
{
    struct dm_value k = {.kind = DM_STRING, .s = key};
    return dm_map_get_value(map, &k);
}

const struct dm_value *dm_map_at(const struct dm_value *map, const char *key)
{
    return dm_map_get_str(map, dm_str_c(key));
}

struct dm_str dm_map_str(const struct dm_value *map, const char *key, const char *fallback)
{
    const struct dm_value *v = dm_map_at(map, key);
    return v && v->kind == DM_STRING ? v->s : dm_str_c(fallback);
}

int64_t dm_map_int(const struct dm_value *map, const char *key, int64_t fallback)
{
    const struct dm_value *v = dm_map_at(map, key);
    return v && v->kind == DM_INT ? v->i : fallback;
}

bool dm_map_bool(const struct dm_value *map, const char *key, bool fallback)
{
    const struct dm_value *v = dm_map_at(map, key);
    return v && v->kind == DM_BOOL ? v->b : fallback;
}

static bool is_integer(const struct dm_value *v)
{
    return v->kind == DM_BOOL || v->kind == DM_INT;
}

static int64_t integer(const struct dm_value *v)
{
    return v->kind == DM_BOOL ? v->b : v->i;
}

/* Exact: 2**53 + 1 is not equal to 2.0**53, as in Python. */
static bool int_equals_float(int64_t i, double f)
{
    return f >= -0x1p63 && f < 0x1p63 && f == trunc(f) && (int64_t)f == i;
}

static bool numbers_equal(const struct dm_value *a, const struct dm_value *b)
{
    if (is_integer(a) && is_integer(b))
        return integer(a) == integer(b);
    if (a->kind == DM_FLOAT && b->kind == DM_FLOAT)
        return a->f == b->f;
    if (a->kind == DM_BIG && b->kind == DM_BIG)
        return dm_big_cmp(a->big, b->big) == 0;
    if (a->kind == DM_FLOAT)
        return numbers_equal(b, a);
    if (b->kind != DM_FLOAT)
        return false; /* a big integer never fits 64 bit */
    return a->kind == DM_BIG ? dm_big_cmp_f64(a->big, b->f) == 0
                             : int_equals_float(integer(a), b->f);
}

static bool is_number(const struct dm_value *v)
{
    return is_integer(v) || v->kind == DM_FLOAT || v->kind == DM_BIG;
}

bool dm_value_equal(const struct dm_value *a, const struct dm_value *b)
{
    if (is_number(a) && is_number(b))
        return numbers_equal(a, b);
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case DM_NULL:
        return true;
    case DM_STRING:
        return dm_str_eq(a->s, b->s);
    case DM_LIST:
    case DM_TUPLE:
        if (a->list.n != b->list.n)
            return false;
        for (size_t i = 0; i < a->list.n; i++)
            if (!dm_value_equal(a->list.items[i], b->list.items[i]))
                return false;
        return true;
    case DM_MAP:
        if (a->map.n != b->map.n)
            return false;
        for (size_t i = 0; i < a->map.n; i++) {
            const struct dm_value *other = dm_map_get_value(b, a->map.pairs[i].key);
            if (!other || !dm_value_equal(a->map.pairs[i].value, other))
                return false;
        }
        return true;
    case DM_DATETIME:
        return a->time.us == b->time.us && a->time.naive == b->time.naive;
    case DM_DATE:
    case DM_DELTA:
        return a->i == b->i;
    case DM_OBJECT:
        return a->object == b->object;
    case DM_BOOL:
    case DM_INT:
    case DM_FLOAT:
    case DM_BIG:
        break; /* numbers: done above */
    }
    return false;
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    return x ^ x >> 32;
}

uint64_t dm_value_hash(const struct dm_value *v)
{
    uint64_t h = v->kind;
    switch (v->kind) {
    case DM_STRING:
        return dm_str_hash(v->s);
    case DM_BOOL:
    case DM_INT:
        return mix((uint64_t)integer(v));
    case DM_FLOAT:
        if (v->f >= -0x1p63 && v->f < 0x1p63 && v->f == trunc(v->f))
            return mix((uint64_t)(int64_t)v->f);
        memcpy(&h, &v->f, sizeof(h));
        return isfinite(v->f) && fabs(v->f) >= 0x1p63 ? mix(DM_BIG) : mix(h);
    case DM_BIG: /* rare as a key; must meet the float that is equal to it */
        return mix(DM_BIG);
    case DM_DATETIME:
        return mix((uint64_t)v->time.us);
    case DM_DATE:
    case DM_DELTA:
        return mix((uint64_t)v->i + h);
    case DM_LIST:
    case DM_TUPLE:
        for (size_t i = 0; i < v->list.n; i++)
            h = mix(h ^ dm_value_hash(v->list.items[i])) + i;
        return h;
    case DM_OBJECT:
        return mix((uint64_t)(uintptr_t)v->object);
    case DM_NULL:
    case DM_MAP:
        break;
    }
    return mix(h);
}

const char *dm_kind_name(enum dm_kind kind)
{
    static const char *const names[] = {
        [DM_NULL] = "null",     [DM_BOOL] = "boolean",   [DM_INT] = "whole number",
        [DM_FLOAT] = "number",  [DM_STRING] = "string",  [DM_LIST] = "list",
        [DM_TUPLE] = "tuple",   [DM_MAP] = "map",        [DM_DATETIME] = "timestamp",
        [DM_DATE] = "date",     [DM_DELTA] = "duration", [DM_BIG] = "whole number",
        [DM_OBJECT] = "object",
    };
    return names[kind];
}

const char *dm_float_repr(double f, char buf[DM_FLOAT_MAX])
{
    if (!isfinite(f)) {
        snprintf(buf, DM_FLOAT_MAX, "%s", isnan(f) ? "nan" : f < 0 ? "-inf" : "inf");
        return buf;
    }
    char e[DM_FLOAT_MAX]; /* d.ddde±xx with the fewest digits that read back */
    for (int digits = 0; digits < 17; digits++) {
        snprintf(e, sizeof(e), "%.*e", digits, f);
        if (strtod(e, NULL) == f)
            break;
    }
    char digits[20];
    size_t n = 0;
    const char *p = e;
    bool negative = *p == '-';
    for (p += negative; *p != 'e'; p++)
        if (*p != '.')
            digits[n++] = *p;
    int exp = (int)strtol(p + 1, NULL, 10);
    char *out = buf;
    if (negative)
        *out++ = '-';
    size_t room = DM_FLOAT_MAX - 1;
    if (exp < -4 || exp >= 16)
        snprintf(out, room, "%c%s%.*se%c%02d", digits[0], n > 1 ? "." : "", (int)n - 1, digits + 1,
                 exp < 0 ? '-' : '+', abs(exp));
    else if (exp < 0)
        snprintf(out, room, "0.%.*s%.*s", -exp - 1, "0000", (int)n, digits);
    else if ((int)n <= exp + 1)
        snprintf(out, room, "%.*s%.*s.0", (int)n, digits, exp + 1 - (int)n, "0000000000000000");
    else
        snprintf(out, room, "%.*s.%.*s", exp + 1, digits, (int)n - exp - 1, digits + exp + 1);
    return buf;
}
