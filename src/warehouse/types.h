/*
 * Types between DuckDB and PostgreSQL: descriptions, OIDs and typmods; the vectors that results come in and the cells
 * that values go in.  Pure: nothing here calls libduckdb (its header gives the memory layout).
 */
#ifndef DM_TYPES_H
#define DM_TYPES_H

/* Its functions without parameters are declared as (). */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <duckdb.h>
#pragma GCC diagnostic pop

#include "base/str.h"

struct dm_type {
    duckdb_type id;
    uint8_t width, scale;           /* DECIMAL */
    bool json;                      /* VARCHAR with the alias JSON */
    uint64_t array_size;            /* ARRAY */
    size_t n_children;              /* LIST, ARRAY: 1; STRUCT: its fields; MAP: key and value */
    const struct dm_type *children; /* an array */
    size_t n_names;
    const char *const *names; /* ENUM: labels; STRUCT: field names */
};

/* One column of a chunk, as DuckDB lays it out. */
struct dm_vector {
    const struct dm_type *type;
    const void *data;
    const uint64_t *validity; /* NULL = no NULLs */
    struct dm_vector *children;
};

static inline bool dm_vector_is_null(const struct dm_vector *v, size_t row)
{
    return v->validity && !(v->validity[row / 64] >> (row % 64) & 1);
}

/* One value on its way into the engine.  `v` in DuckDB's layout; VARCHAR and BLOB in `bytes`; LIST in `items`. */
struct dm_cell {
    bool null;
    union {
        bool b;
        int8_t i8;
        int16_t i16;
        int32_t i32;
        int64_t i64;
        __int128 i128;
        float f32;
        double f64;
        duckdb_interval interval;
    } v;
    struct dm_str bytes;
    struct dm_cell *items;
    size_t n_items;
};

enum dm_oid {
    DM_OID_BOOL = 16,
    DM_OID_BYTEA = 17,
    DM_OID_CHAR = 18,
    DM_OID_NAME = 19,
    DM_OID_INT8 = 20,
    DM_OID_INT2 = 21,
    DM_OID_INT4 = 23,
    DM_OID_TEXT = 25,
    DM_OID_OID = 26,
    DM_OID_JSON = 114,
    DM_OID_FLOAT4 = 700,
    DM_OID_FLOAT8 = 701,
    DM_OID_UNKNOWN = 705,
    DM_OID_BPCHAR = 1042,
    DM_OID_VARCHAR = 1043,
    DM_OID_DATE = 1082,
    DM_OID_TIME = 1083,
    DM_OID_TIMESTAMP = 1114,
    DM_OID_TIMESTAMPTZ = 1184,
    DM_OID_INTERVAL = 1186,
    DM_OID_TIMETZ = 1266,
    DM_OID_VARBIT = 1562,
    DM_OID_NUMERIC = 1700,
    DM_OID_UUID = 2950,
};

/* The OID that a column of this type is described with; what has none is text. */
unsigned dm_type_oid(const struct dm_type *t);
int dm_type_typmod(const struct dm_type *t); /* -1 = none */
int dm_type_len(unsigned oid);               /* pg_type.typlen: -1 = variable */
/* The array's OID for an element's, and back; 0 = none. */
unsigned dm_oid_array(unsigned element);
unsigned dm_oid_element(unsigned array);
/* "integer", for messages; "text" for what has no name of its own. */
const char *dm_oid_name(unsigned oid);
/* The DuckDB type that a parameter or an array of this OID gets; VARCHAR for an OID that we do not know. */
const struct dm_type *dm_type_of_oid(struct dm_arena *a, unsigned oid);
/* DuckDB's name of a type: "DECIMAL(8,3)", "INTEGER[]". */
const char *dm_type_duck_name(struct dm_arena *a, const struct dm_type *t);
/* A type that DuckDB could not infer. */
bool dm_type_is_unknown(const struct dm_type *t);

static inline struct dm_str dm_string_t(const duckdb_string_t *s)
{
    uint32_t n = s->value.inlined.length;
    return (struct dm_str){
        n <= sizeof(s->value.inlined.inlined) ? s->value.inlined.inlined : s->value.pointer.ptr, n};
}

#endif
