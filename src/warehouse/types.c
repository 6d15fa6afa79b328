/* The table of types: DuckDB's name and PostgreSQL's OIDs. */
#include "warehouse/types.h"

/* One line per PostgreSQL type that a column or a parameter can have.  The first line of a DuckDB type is how its
   columns are described; the first line of an OID is what its parameters become. */
static const struct {
    unsigned oid, array_oid;
    int len;
    const char *name; /* PostgreSQL's, for messages */
    duckdb_type duck;
    const char *duck_name;
} types[] = {
    {DM_OID_BOOL, 1000, 1, "boolean", DUCKDB_TYPE_BOOLEAN, "BOOLEAN"},
    {DM_OID_INT2, 1005, 2, "smallint", DUCKDB_TYPE_SMALLINT, "SMALLINT"},
    {DM_OID_INT4, 1007, 4, "integer", DUCKDB_TYPE_INTEGER, "INTEGER"},
    {DM_OID_INT8, 1016, 8, "bigint", DUCKDB_TYPE_BIGINT, "BIGINT"},
    {DM_OID_INT2, 1005, 2, "smallint", DUCKDB_TYPE_TINYINT, "TINYINT"},
    {DM_OID_INT2, 1005, 2, "smallint", DUCKDB_TYPE_UTINYINT, "UTINYINT"},
    {DM_OID_INT4, 1007, 4, "integer", DUCKDB_TYPE_USMALLINT, "USMALLINT"},
    /* No table is declared with it, but the catalog's views are full of it. */
    {DM_OID_OID, 1028, 4, "oid", DUCKDB_TYPE_UINTEGER, "UINTEGER"},
    /* sum(integer) is a HUGEINT in DuckDB and a bigint in PostgreSQL. */
    {DM_OID_INT8, 1016, 8, "bigint", DUCKDB_TYPE_HUGEINT, "HUGEINT"},
    {DM_OID_NUMERIC, 1231, -1, "numeric", DUCKDB_TYPE_DECIMAL, "DECIMAL(38,10)"},
    {DM_OID_NUMERIC, 1231, -1, "numeric", DUCKDB_TYPE_UBIGINT, "UBIGINT"},
    {DM_OID_NUMERIC, 1231, -1, "numeric", DUCKDB_TYPE_UHUGEINT, "UHUGEINT"},
    {DM_OID_FLOAT4, 1021, 4, "real", DUCKDB_TYPE_FLOAT, "FLOAT"},
    {DM_OID_FLOAT8, 1022, 8, "double precision", DUCKDB_TYPE_DOUBLE, "DOUBLE"},
    {DM_OID_TEXT, 1009, -1, "text", DUCKDB_TYPE_VARCHAR, "VARCHAR"},
    {DM_OID_VARCHAR, 1015, -1, "character varying", DUCKDB_TYPE_VARCHAR, "VARCHAR"},
    {DM_OID_BPCHAR, 1014, -1, "character", DUCKDB_TYPE_VARCHAR, "VARCHAR"},
    {DM_OID_NAME, 1003, 64, "name", DUCKDB_TYPE_VARCHAR, "VARCHAR"},
    {DM_OID_CHAR, 1002, 1, "\"char\"", DUCKDB_TYPE_VARCHAR, "VARCHAR"},
    {DM_OID_UNKNOWN, 0, -2, "unknown", DUCKDB_TYPE_VARCHAR, "VARCHAR"},
    {DM_OID_JSON, 199, -1, "json", DUCKDB_TYPE_VARCHAR, "VARCHAR"},
    {DM_OID_BYTEA, 1001, -1, "bytea", DUCKDB_TYPE_BLOB, "BLOB"},
    {DM_OID_DATE, 1182, 4, "date", DUCKDB_TYPE_DATE, "DATE"},
    {DM_OID_TIME, 1183, 8, "time", DUCKDB_TYPE_TIME, "TIME"},
    {DM_OID_TIMETZ, 1270, 12, "time with time zone", DUCKDB_TYPE_TIME_TZ, "TIMETZ"},
    {DM_OID_TIMESTAMP, 1115, 8, "timestamp", DUCKDB_TYPE_TIMESTAMP, "TIMESTAMP"},
    {DM_OID_TIMESTAMP, 1115, 8, "timestamp", DUCKDB_TYPE_TIMESTAMP_S, "TIMESTAMP_S"},
    {DM_OID_TIMESTAMP, 1115, 8, "timestamp", DUCKDB_TYPE_TIMESTAMP_MS, "TIMESTAMP_MS"},
    {DM_OID_TIMESTAMP, 1115, 8, "timestamp", DUCKDB_TYPE_TIMESTAMP_NS, "TIMESTAMP_NS"},
    {DM_OID_TIMESTAMPTZ, 1185, 8, "timestamp with time zone", DUCKDB_TYPE_TIMESTAMP_TZ,
     "TIMESTAMPTZ"},
    {DM_OID_INTERVAL, 1187, 16, "interval", DUCKDB_TYPE_INTERVAL, "INTERVAL"},
    {DM_OID_UUID, 2951, 16, "uuid", DUCKDB_TYPE_UUID, "UUID"},
    {DM_OID_VARBIT, 1563, -1, "bit varying", DUCKDB_TYPE_BIT, "BIT"},
};
enum { N_TYPES = sizeof(types) / sizeof(types[0]), NONE = -1 };

/* Columns of numeric aggregates have DuckDB's widest type; PostgreSQL's have no declared precision. */
enum { DECIMAL_WIDEST = 38, NUMERIC_SCALE = 10, VARHDRSZ = 4 };

static int by_oid(unsigned oid)
{
    for (int i = 0; i < N_TYPES; i++)
        if (types[i].oid == oid)
            return i;
    return NONE;
}

static int by_array(unsigned array_oid)
{
    for (int i = 0; array_oid && i < N_TYPES; i++)
        if (types[i].array_oid == array_oid)
            return i;
    return NONE;
}

static int by_duck(duckdb_type id)
{
    for (int i = 0; i < N_TYPES; i++)
        if (types[i].duck == id)
            return i;
    return NONE;
}

unsigned dm_type_oid(const struct dm_type *t)
{
    if (t->json)
        return DM_OID_JSON;
    if (t->id == DUCKDB_TYPE_LIST || t->id == DUCKDB_TYPE_ARRAY) {
        const struct dm_type *element = t;
        while (element->id == DUCKDB_TYPE_LIST || element->id == DUCKDB_TYPE_ARRAY)
            element = &element->children[0];
        return dm_oid_array(dm_type_oid(element));
    }
    int i = by_duck(t->id);
    return i == NONE ? DM_OID_TEXT : types[i].oid;
}

int dm_type_typmod(const struct dm_type *t)
{
    if (t->id == DUCKDB_TYPE_UBIGINT)
        return (20 << 16) + VARHDRSZ;
    if (t->id != DUCKDB_TYPE_DECIMAL || t->width == DECIMAL_WIDEST)
        return -1;
    return ((int)t->width << 16 | t->scale) + VARHDRSZ;
}

int dm_type_len(unsigned oid)
{
    int i = by_oid(oid);
    return i == NONE ? -1 : types[i].len;
}

unsigned dm_oid_array(unsigned element)
{
    int i = by_oid(element);
    return i == NONE ? 0 : types[i].array_oid;
}

unsigned dm_oid_element(unsigned array)
{
    int i = by_array(array);
    return i == NONE ? 0 : types[i].oid;
}

const char *dm_oid_name(unsigned oid)
{
    int i = by_oid(oid);
    return i == NONE ? "text" : types[i].name;
}

const struct dm_type *dm_type_of_oid(struct dm_arena *a, unsigned oid)
{
    struct dm_type *t = dm_arena_new(a, struct dm_type);
    int i = by_oid(oid);
    if (i == NONE && (i = by_array(oid)) != NONE) {
        t->id = DUCKDB_TYPE_LIST;
        t->n_children = 1;
        t->children = dm_type_of_oid(a, types[i].oid);
        return t;
    }
    t->id = i == NONE ? DUCKDB_TYPE_VARCHAR : types[i].duck;
    if (t->id == DUCKDB_TYPE_DECIMAL) {
        t->width = DECIMAL_WIDEST;
        t->scale = NUMERIC_SCALE;
    }
    return t;
}

const char *dm_type_duck_name(struct dm_arena *a, const struct dm_type *t)
{
    switch (t->id) {
    case DUCKDB_TYPE_DECIMAL:
        return dm_arena_printf(a, "DECIMAL(%d,%d)", t->width, t->scale);
    case DUCKDB_TYPE_LIST:
        return dm_arena_printf(a, "%s[]", dm_type_duck_name(a, &t->children[0]));
    case DUCKDB_TYPE_ARRAY:
        return dm_arena_printf(a, "%s[%llu]", dm_type_duck_name(a, &t->children[0]),
                               (unsigned long long)t->array_size);
    case DUCKDB_TYPE_STRUCT:
        return "STRUCT";
    case DUCKDB_TYPE_MAP:
        return "MAP";
    case DUCKDB_TYPE_ENUM:
        return "ENUM";
    case DUCKDB_TYPE_UNION:
        return "UNION";
    case DUCKDB_TYPE_BIGNUM:
        return "BIGNUM";
    case DUCKDB_TYPE_SQLNULL:
        return "\"NULL\"";
    default:
        break;
    }
    int i = by_duck(t->id);
    return t->json ? "JSON" : i == NONE ? "VARCHAR" : types[i].duck_name;
}

bool dm_type_is_unknown(const struct dm_type *t)
{
    return t->id == DUCKDB_TYPE_INVALID || t->id == DUCKDB_TYPE_ANY || t->id == DUCKDB_TYPE_SQLNULL;
}
