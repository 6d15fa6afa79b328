/* The table of libduckdb's symbols; types and values across the border. */
#include "warehouse/duck.h"

#include "base/dl.h"

struct dm_duck dm_duck;

int dm_duck_load(struct dm_err *reterr)
{
    static const struct dm_dl_symbol symbols[] = {
#define SYMBOL(f) {"duckdb_" #f, (void **)&dm_duck.f},
        DM_DUCK_FUNCTIONS(SYMBOL)
#undef SYMBOL
            {NULL, NULL}};
    return dm_dl_open("libduckdb.so", "libduckdb", symbols, reterr);
}

static void fill_type(struct dm_arena *a, struct dm_type *t, duckdb_logical_type from);

static void fill_child(struct dm_arena *a, struct dm_type *t, duckdb_logical_type child)
{
    fill_type(a, t, child);
    dm_duck.destroy_logical_type(&child);
}

static const char *keep_name(struct dm_arena *a, char *name)
{
    const char *s = dm_arena_strdup(a, name);
    dm_duck.free(name);
    return s;
}

static void fill_type(struct dm_arena *a, struct dm_type *t, duckdb_logical_type from)
{
    *t = (struct dm_type){.id = dm_duck.get_type_id(from)};
    struct dm_type *children = NULL;
    const char **names = NULL;
    char *alias;
    switch (t->id) {
    case DUCKDB_TYPE_DECIMAL:
        t->width = dm_duck.decimal_width(from);
        t->scale = dm_duck.decimal_scale(from);
        break;
    case DUCKDB_TYPE_VARCHAR:
        alias = dm_duck.logical_type_get_alias(from);
        if (alias) {
            t->json = dm_str_ieq(dm_str_c(alias), DM_STR("json"));
            dm_duck.free(alias);
        }
        break;
    case DUCKDB_TYPE_ENUM:
        t->n_names = dm_duck.enum_dictionary_size(from);
        names = dm_arena_array(a, const char *, t->n_names + 1);
        for (size_t i = 0; i < t->n_names; i++)
            names[i] = keep_name(a, dm_duck.enum_dictionary_value(from, i));
        break;
    case DUCKDB_TYPE_LIST:
    case DUCKDB_TYPE_ARRAY:
        t->n_children = 1;
        children = dm_arena_array(a, struct dm_type, 1);
        if (t->id == DUCKDB_TYPE_ARRAY)
            t->array_size = dm_duck.array_type_array_size(from);
        fill_child(a, children,
                   t->id == DUCKDB_TYPE_LIST ? dm_duck.list_type_child_type(from)
                                             : dm_duck.array_type_child_type(from));
        break;
    case DUCKDB_TYPE_MAP:
        t->n_children = 2;
        children = dm_arena_array(a, struct dm_type, 2);
        fill_child(a, &children[0], dm_duck.map_type_key_type(from));
        fill_child(a, &children[1], dm_duck.map_type_value_type(from));
        break;
    case DUCKDB_TYPE_STRUCT:
        t->n_children = t->n_names = dm_duck.struct_type_child_count(from);
        children = dm_arena_array(a, struct dm_type, t->n_children + 1);
        names = dm_arena_array(a, const char *, t->n_names + 1);
        for (size_t i = 0; i < t->n_children; i++) {
            names[i] = keep_name(a, dm_duck.struct_type_child_name(from, i));
            fill_child(a, &children[i], dm_duck.struct_type_child_type(from, i));
        }
        break;
    default:
        break;
    }
    t->children = children;
    t->names = names;
}

const struct dm_type *dm_duck_type(struct dm_arena *a, duckdb_logical_type t)
{
    struct dm_type *type = dm_arena_new(a, struct dm_type);
    fill_type(a, type, t);
    return type;
}

duckdb_logical_type dm_duck_logical_type(const struct dm_type *t)
{
    if (t->id == DUCKDB_TYPE_DECIMAL)
        return dm_duck.create_decimal_type(t->width, t->scale);
    if (t->id == DUCKDB_TYPE_LIST || t->id == DUCKDB_TYPE_ARRAY) {
        duckdb_logical_type child = dm_duck_logical_type(&t->children[0]);
        duckdb_logical_type list = t->id == DUCKDB_TYPE_LIST
                                       ? dm_duck.create_list_type(child)
                                       : dm_duck.create_array_type(child, t->array_size);
        dm_duck.destroy_logical_type(&child);
        return list;
    }
    return dm_duck.create_logical_type(t->id);
}

static duckdb_hugeint hugeint(__int128 v)
{
    return (duckdb_hugeint){.lower = (uint64_t)v, .upper = (int64_t)(v >> 64)};
}

static duckdb_value decimal_value(const struct dm_type *t, const struct dm_cell *cell)
{
    __int128 v = t->width <= 4    ? cell->v.i16
                 : t->width <= 9  ? cell->v.i32
                 : t->width <= 18 ? cell->v.i64
                                  : cell->v.i128;
    return dm_duck.create_decimal(
        (duckdb_decimal){.width = t->width, .scale = t->scale, .value = hugeint(v)});
}

static duckdb_value list_value(const struct dm_type *t, const struct dm_cell *cell)
{
    duckdb_value *items = dm_calloc(cell->n_items + 1, sizeof(*items));
    for (size_t i = 0; i < cell->n_items; i++)
        items[i] = dm_duck_value(&t->children[0], &cell->items[i]);
    duckdb_logical_type child = dm_duck_logical_type(&t->children[0]);
    duckdb_value list = dm_duck.create_list_value(child, items, cell->n_items);
    dm_duck.destroy_logical_type(&child);
    for (size_t i = 0; i < cell->n_items; i++)
        dm_duck.destroy_value(&items[i]);
    free(items);
    return list;
}

duckdb_value dm_duck_value(const struct dm_type *t, const struct dm_cell *cell)
{
    if (cell->null)
        return dm_duck.create_null_value();
    switch (t->id) {
    case DUCKDB_TYPE_BOOLEAN:
        return dm_duck.create_bool(cell->v.b);
    case DUCKDB_TYPE_TINYINT:
        return dm_duck.create_int8(cell->v.i8);
    case DUCKDB_TYPE_SMALLINT:
        return dm_duck.create_int16(cell->v.i16);
    case DUCKDB_TYPE_INTEGER:
        return dm_duck.create_int32(cell->v.i32);
    case DUCKDB_TYPE_BIGINT:
        return dm_duck.create_int64(cell->v.i64);
    case DUCKDB_TYPE_UTINYINT:
        return dm_duck.create_uint8((uint8_t)cell->v.i8);
    case DUCKDB_TYPE_USMALLINT:
        return dm_duck.create_uint16((uint16_t)cell->v.i16);
    case DUCKDB_TYPE_UINTEGER:
        return dm_duck.create_uint32((uint32_t)cell->v.i32);
    case DUCKDB_TYPE_UBIGINT:
        return dm_duck.create_uint64((uint64_t)cell->v.i64);
    case DUCKDB_TYPE_HUGEINT:
        return dm_duck.create_hugeint(hugeint(cell->v.i128));
    case DUCKDB_TYPE_UHUGEINT:
        return dm_duck.create_uhugeint((duckdb_uhugeint){.lower = (uint64_t)cell->v.i128,
                                                         .upper = (uint64_t)(cell->v.i128 >> 64)});
    case DUCKDB_TYPE_DECIMAL:
        return decimal_value(t, cell);
    case DUCKDB_TYPE_FLOAT:
        return dm_duck.create_float(cell->v.f32);
    case DUCKDB_TYPE_DOUBLE:
        return dm_duck.create_double(cell->v.f64);
    case DUCKDB_TYPE_DATE:
        return dm_duck.create_date((duckdb_date){.days = cell->v.i32});
    case DUCKDB_TYPE_TIME:
        return dm_duck.create_time((duckdb_time){.micros = cell->v.i64});
    case DUCKDB_TYPE_TIME_TZ:
        return dm_duck.create_time_tz_value((duckdb_time_tz){.bits = (uint64_t)cell->v.i64});
    case DUCKDB_TYPE_TIMESTAMP:
        return dm_duck.create_timestamp((duckdb_timestamp){.micros = cell->v.i64});
    case DUCKDB_TYPE_TIMESTAMP_TZ:
        return dm_duck.create_timestamp_tz((duckdb_timestamp){.micros = cell->v.i64});
    case DUCKDB_TYPE_INTERVAL:
        return dm_duck.create_interval(cell->v.interval);
    case DUCKDB_TYPE_BLOB:
        return dm_duck.create_blob((const uint8_t *)cell->bytes.p, cell->bytes.len);
    case DUCKDB_TYPE_UUID:
        return dm_duck.create_uuid((duckdb_uhugeint){
            .lower = (uint64_t)cell->v.i128,
            /* DuckDB stores the highest bit flipped, so that its order is that of the text. */
            .upper = (uint64_t)(cell->v.i128 >> 64) ^ (UINT64_C(1) << 63)});
    case DUCKDB_TYPE_LIST:
    case DUCKDB_TYPE_ARRAY:
        return list_value(t, cell);
    default:
        return dm_duck.create_varchar_length(cell->bytes.p ? cell->bytes.p : "", cell->bytes.len);
    }
}

void dm_duck_view_init(struct dm_arena *a, struct dm_vector *v, const struct dm_type *t)
{
    *v = (struct dm_vector){.type = t};
    if (!t->n_children)
        return;
    v->children = dm_arena_array(a, struct dm_vector, t->n_children);
    for (size_t i = 0; i < t->n_children; i++)
        dm_duck_view_init(a, &v->children[i], &t->children[i]);
}

void dm_duck_view(struct dm_vector *v, duckdb_vector from)
{
    v->data = dm_duck.vector_get_data(from);
    v->validity = dm_duck.vector_get_validity(from);
    switch (v->type->id) {
    case DUCKDB_TYPE_LIST:
        dm_duck_view(&v->children[0], dm_duck.list_vector_get_child(from));
        break;
    case DUCKDB_TYPE_ARRAY:
        dm_duck_view(&v->children[0], dm_duck.array_vector_get_child(from));
        break;
    case DUCKDB_TYPE_STRUCT:
        for (size_t i = 0; i < v->type->n_children; i++)
            dm_duck_view(&v->children[i], dm_duck.struct_vector_get_child(from, i));
        break;
    case DUCKDB_TYPE_MAP: { /* a list of structs of key and value */
        duckdb_vector entries = dm_duck.list_vector_get_child(from);
        dm_duck_view(&v->children[0], dm_duck.struct_vector_get_child(entries, 0));
        dm_duck_view(&v->children[1], dm_duck.struct_vector_get_child(entries, 1));
        break;
    }
    default:
        break;
    }
}
