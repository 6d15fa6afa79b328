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
    DM_INT, /* 64 bit; arithmetic of templates goes on as DM_BIG */
    DM_FLOAT,
    DM_STRING, /* UTF-8 */
    DM_LIST,
    DM_TUPLE,    /* a list that prints with ( ) */
    DM_MAP,      /* keeps order; keys are any scalar */
    DM_DATETIME, /* an instant, with the zone it is shown in */
    DM_DATE,     /* days since 1970-01-01 */
    DM_DELTA,    /* a span of microseconds (Python's timedelta) */
    DM_BIG,      /* an integer beyond 64 bit; only templates make one (lang/big.h) */
    DM_OBJECT,   /* something that only templates know: ti, dag_run, macros … (lang/object.h) */
};

struct dm_object; /* lang/object.h */
struct dm_big;    /* lang/big.h */
struct dm_value;

struct dm_pair {
    const struct dm_value *key, *value;
};

struct dm_value {
    enum dm_kind kind;
    uint32_t line, col;
    bool safe; /* of a STRING in a template: already escaped for HTML */
    union {
        bool b;
        int64_t i; /* INT, DATE (days), DELTA (microseconds) */
        double f;
        struct dm_str s;
        struct {
            const struct dm_value **items;
            size_t n, cap;
        } list; /* LIST, TUPLE */
        struct {
            struct dm_pair *pairs;
            size_t n, cap;
            uint32_t *slots; /* hash index of larger maps, NULL where there is none */
            uint32_t n_slots;
        } map;
        struct {
            int64_t us;       /* with naive: of the clock as shown, without a zone */
            const char *zone; /* tz database name or "+02:00"; NULL = UTC */
            bool naive;       /* has no zone at all */
            bool plain;       /* made by macros.datetime: fewer methods than a context's date */
        } time;
        const struct dm_big *big;
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
/* A list or map of its own with the same items (not copies of them), to be changed by the caller. */
struct dm_value *dm_value_copy(struct dm_arena *a, const struct dm_value *v);

/* The value of a string key, or NULL where `map` is NULL, no map, or has none. */
const struct dm_value *dm_map_at(const struct dm_value *map, const char *key);
const struct dm_value *dm_map_get_str(const struct dm_value *map, struct dm_str key);
/* The same for any key: 1, 1.0 and true are one key, as in Python. */
const struct dm_value *dm_map_get_value(const struct dm_value *map, const struct dm_value *key);
/* Typed look-ups for our own documents: the fallback where it is absent or of another kind. */
struct dm_str dm_map_str(const struct dm_value *map, const char *key, const char *fallback);
int64_t dm_map_int(const struct dm_value *map, const char *key, int64_t fallback);
bool dm_map_bool(const struct dm_value *map, const char *key, bool fallback);

bool dm_value_equal(const struct dm_value *a, const struct dm_value *b); /* as Python's == */
/* Equal values have equal hashes. */
uint64_t dm_value_hash(const struct dm_value *v);
const char *dm_kind_name(enum dm_kind kind); /* "string", "list" … for messages */

enum { DM_FLOAT_MAX = 32 }; /* room for the text of a float */
/* The shortest text that reads back as the same number, as Python's repr: "0.1", "1e+16", "inf". */
const char *dm_float_repr(double f, char buf[DM_FLOAT_MAX]);

/*
 * JSON.  Written as Python's json.dumps writes it (", " and ": " between, everything beyond ASCII as it is); dates
 * and instants become ISO text, a span seconds, NaN and infinity null, a map's keys text.  `sorted` sorts keys
 * bytewise (for digests).
 * Parsing: jansson, strict, the last of two equal keys wins; at most DM_BUF_TEXT bytes and DM_JSON_DEPTH levels;
 * integers beyond 64 bit are DM_E_LIMIT.
 */
enum { DM_JSON_DEPTH = 64 };
void dm_value_to_json(struct dm_strbuf *b, const struct dm_value *v, bool sorted);
struct dm_str dm_value_json(struct dm_arena *a, const struct dm_value *v);
int dm_value_from_json(struct dm_arena *a, struct dm_str json, struct dm_value **ret,
                       struct dm_err *reterr) dm_nodiscard;

#endif
