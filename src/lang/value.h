/*
 * Values: what YAML, JSON and templates are made of.  A tree in an arena, treated as immutable once built.
 *
 * Every value remembers the line and column (from 1) of the YAML text that it came from, 0 where it came from
 * elsewhere, so that any later error can say where.
 */
#ifndef DM_VALUE_H
#define DM_VALUE_H

#include "base/str.h"

enum dm_kind {
    DM_NULL,
    DM_BOOL,
    DM_INT, /* 64 bit; passing that is DM_E_LIMIT "overflow" until there is a big kind */
    DM_FLOAT,
    DM_STRING, /* UTF-8 */
    DM_LIST,
    DM_TUPLE,    /* a list that prints with ( ) */
    DM_MAP,      /* keeps order; keys are any scalar */
    DM_DATETIME, /* an instant, with the zone it is shown in */
    DM_DATE,     /* days since 1970-01-01 */
    DM_DELTA,    /* a span of microseconds (Python's timedelta) */
    DM_OBJECT,   /* something that only templates know: ti, dag_run, macros … */
};

struct dm_object; /* lang/template.h */
struct dm_value;

struct dm_pair {
    const struct dm_value *key, *value;
};

struct dm_value {
    enum dm_kind kind;
    uint32_t line, col;
    union {
        bool b;
        int64_t i; /* INT, DATE (days), DELTA (microseconds) */
        double f;
        struct dm_str s;
        struct {
            const struct dm_value **items;
            size_t n;
        } list; /* LIST, TUPLE */
        struct {
            struct dm_pair *pairs;
            size_t n;
        } map;
        struct {
            int64_t us;
            const char *zone; /* tz database name; NULL = UTC */
        } time;
        const struct dm_object *object;
    };
};

extern const struct dm_value dm_null, dm_true, dm_false;

struct dm_value *dm_value_bool(struct dm_arena *a, bool b);
struct dm_value *dm_value_int(struct dm_arena *a, int64_t i);
struct dm_value *dm_value_float(struct dm_arena *a, double f);
struct dm_value *dm_value_str(struct dm_arena *a, struct dm_str s); /* not copied */
struct dm_value *dm_value_cstr(struct dm_arena *a, const char *s);  /* copied */
struct dm_value *dm_value_time(struct dm_arena *a, int64_t us, const char *zone);
struct dm_value *dm_value_list(struct dm_arena *a, size_t n); /* items NULL, to be filled */
/* Lists and maps under construction grow; adding to a value that others may read is a mistake. */
struct dm_value *dm_value_map(struct dm_arena *a);
void dm_list_add(struct dm_arena *a, struct dm_value *list, const struct dm_value *item);
void dm_map_set(struct dm_arena *a, struct dm_value *map, const char *key,
                const struct dm_value *value); /* key copied */
void dm_map_set_value(struct dm_arena *a, struct dm_value *map, const struct dm_value *key,
                      const struct dm_value *value);

/* The value of a string key, or NULL where `map` is NULL, no map, or has none. */
const struct dm_value *dm_map_at(const struct dm_value *map, const char *key);
/* Typed look-ups for our own documents: the fallback where it is absent or of another kind. */
struct dm_str dm_map_str(const struct dm_value *map, const char *key, const char *fallback);
int64_t dm_map_int(const struct dm_value *map, const char *key, int64_t fallback);
bool dm_map_bool(const struct dm_value *map, const char *key, bool fallback);

bool dm_value_equal(const struct dm_value *a, const struct dm_value *b); /* as Python's == */
const char *dm_kind_name(enum dm_kind kind); /* "string", "list" … for messages */

/* JSON.  Dates and instants become ISO text; a map's keys become text.  `sorted` sorts keys bytewise (for
   digests).  Parsing: jansson, strict, at most 16 MiB and 64 levels; integers beyond 64 bit are DM_E_LIMIT. */
void dm_value_to_json(struct dm_strbuf *b, const struct dm_value *v, bool sorted);
struct dm_str dm_value_json(struct dm_arena *a, const struct dm_value *v);
int dm_value_from_json(struct dm_arena *a, struct dm_str json, struct dm_value **ret,
                       struct dm_err *reterr) dm_nodiscard;

#endif
