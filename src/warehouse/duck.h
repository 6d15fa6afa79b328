/*
 * libduckdb's C functions, opened at first use: one table of symbols for the whole folder, and DuckDB's type objects
 * turned into ours and back.  Only engine.c, duck.c and bulk.c call through it.
 */
#ifndef DM_DUCK_H
#define DM_DUCK_H

#include "warehouse/types.h"

/* clang-format off */
#define DM_DUCK_FUNCTIONS(X)                                                                       \
    X(create_config) X(set_config) X(destroy_config) X(open_ext) X(close) X(connect)               \
    X(disconnect) X(interrupt) X(query) X(destroy_result) X(result_error) X(result_error_type)     \
    X(column_count) X(column_name) X(column_logical_type) X(result_return_type) X(rows_changed)    \
    X(fetch_chunk) X(destroy_data_chunk) X(data_chunk_get_size) X(data_chunk_get_vector)           \
    X(vector_get_data) X(vector_get_validity) X(list_vector_get_child) X(list_vector_get_size)     \
    X(list_vector_set_size) X(list_vector_reserve) X(array_vector_get_child)                       \
    X(struct_vector_get_child) X(vector_ensure_validity_writable)                                  \
    X(vector_assign_string_element_len) X(prepare) X(destroy_prepare) X(prepare_error) X(nparams)  \
    X(param_logical_type) X(prepared_statement_column_count)                                       \
    X(prepared_statement_column_name) X(prepared_statement_column_logical_type) X(bind_value)      \
    X(execute_prepared_streaming) X(get_type_id) X(decimal_width) X(decimal_scale)                 \
    X(enum_dictionary_size) X(enum_dictionary_value) X(list_type_child_type)                       \
    X(array_type_child_type) X(array_type_array_size) X(map_type_key_type) X(map_type_value_type)  \
    X(struct_type_child_count) X(struct_type_child_name) X(struct_type_child_type)                 \
    X(logical_type_get_alias) X(destroy_logical_type) X(create_logical_type)                       \
    X(create_decimal_type) X(create_list_type) X(create_array_type) X(free)                        \
    X(create_null_value) X(create_bool) X(create_int8) X(create_int16) X(create_int32)             \
    X(create_int64) X(create_uint8) X(create_uint16) X(create_uint32) X(create_uint64)             \
    X(create_hugeint) X(create_uhugeint) X(create_decimal) X(create_float) X(create_double)        \
    X(create_date) X(create_time) X(create_time_tz_value) X(create_timestamp)                      \
    X(create_timestamp_tz) X(create_interval) X(create_varchar_length) X(create_blob)              \
    X(create_uuid) X(create_list_value) X(destroy_value) X(appender_create_query)                  \
    X(append_data_chunk) X(appender_error_data) X(error_data_error_type) X(error_data_message) X(destroy_error_data) X(appender_flush) X(appender_destroy)                   \
    X(create_data_chunk) X(data_chunk_reset) X(data_chunk_set_size)
/* clang-format on */

struct dm_duck {
#define DM_DUCK_MEMBER(f) __typeof__(&duckdb_##f) f;
    DM_DUCK_FUNCTIONS(DM_DUCK_MEMBER)
#undef DM_DUCK_MEMBER
};
extern struct dm_duck dm_duck;

int dm_duck_load(struct dm_err *reterr) dm_nodiscard;

/* Our description of DuckDB's type, in the arena; does not consume `t`. */
const struct dm_type *dm_duck_type(struct dm_arena *a, duckdb_logical_type t);
/* The other way; the caller destroys it. */
duckdb_logical_type dm_duck_logical_type(const struct dm_type *t);
/* A value to bind; the caller destroys it. */
duckdb_value dm_duck_value(const struct dm_type *t, const struct dm_cell *cell);

/* Readable views of vectors: allocated once per column, filled again for each chunk. */
void dm_duck_view_init(struct dm_arena *a, struct dm_vector *v, const struct dm_type *t);
void dm_duck_view(struct dm_vector *v, duckdb_vector from);

#endif
