/* Many rows into a table, through data chunks. */
#include "warehouse/bulk.h"

#include "warehouse/duck.h"
#include "warehouse/engine_parts.h"

enum { CHUNK_ROWS = 2048 }; /* DuckDB's vector size */

struct target {
    const struct dm_type *type;
    duckdb_vector vector;
    void *data;
    uint64_t *validity; /* made at the first NULL */
};

struct dm_bulk_impl {
    struct dm_bulk self;
    struct dm_prepared *described;
    duckdb_appender appender;
    duckdb_data_chunk chunk;
    struct target *targets;
    size_t in_chunk;
};

static void add_list(struct dm_strbuf *sql, const char *const *columns)
{
    for (size_t i = 0; columns[i]; i++)
        dm_strbuf_addf(sql, "%s%s", i ? ", " : "", columns[i]);
}

static int describe(struct dm_engine_conn *c, const char *table, const char *const *columns,
                    struct dm_prepared **ret, struct dm_err *reterr)
{
    _cleanup_strbuf_ struct dm_strbuf sql;
    dm_strbuf_init(&sql, DM_BUF_TEXT);
    dm_strbuf_adds(&sql, "SELECT ");
    if (columns)
        add_list(&sql, columns);
    else
        dm_strbuf_addc(&sql, '*');
    dm_strbuf_addf(&sql, " FROM %s", table);
    DM_TRY(dm_strbuf_check(&sql, "the list of columns", reterr));
    return dm_engine_prepare(c, sql.p, ret, reterr);
}

/* What the rows are cast from: types that the engine has no value of in a chunk of ours come as text. */
static const struct dm_type *load_type(const struct dm_type *t)
{
    static const struct dm_type varchar = {.id = DUCKDB_TYPE_VARCHAR};
    switch (t->id) {
    case DUCKDB_TYPE_ENUM:
    case DUCKDB_TYPE_STRUCT:
    case DUCKDB_TYPE_MAP:
    case DUCKDB_TYPE_UNION:
    case DUCKDB_TYPE_BIT:
    case DUCKDB_TYPE_BIGNUM:
    case DUCKDB_TYPE_UHUGEINT:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
    case DUCKDB_TYPE_TIME_NS:
        return &varchar;
    default:
        return t;
    }
}

static int appender_failed(struct dm_bulk_impl *m, struct dm_err *reterr)
{
    duckdb_error_data data = dm_duck.appender_error_data(m->appender);
    int rc = dm_engine_kind_error(reterr, dm_duck.error_data_error_type(data),
                                  dm_duck.error_data_message(data));
    dm_duck.destroy_error_data(&data);
    return rc;
}

static int open_appender(struct dm_bulk_impl *m, struct dm_engine_conn *c, const char *table,
                         const char *const *columns, struct dm_err *reterr)
{
    _cleanup_strbuf_ struct dm_strbuf sql;
    dm_strbuf_init(&sql, DM_BUF_TEXT);
    dm_strbuf_addf(&sql, "INSERT INTO %s ", table);
    if (columns) {
        dm_strbuf_addc(&sql, '(');
        add_list(&sql, columns);
        dm_strbuf_adds(&sql, ") ");
    }
    dm_strbuf_adds(&sql, "SELECT * FROM dm_loaded_rows");
    DM_TRY(dm_strbuf_check(&sql, "the list of columns", reterr));
    size_t n = m->self.n_cols;
    duckdb_logical_type *types = dm_calloc(n + 1, sizeof(*types));
    for (size_t i = 0; i < n; i++)
        types[i] = dm_duck_logical_type(m->targets[i].type);
    duckdb_state state = dm_duck.appender_create_query(dm_engine_duck(c), sql.p, n, types,
                                                       "dm_loaded_rows", NULL, &m->appender);
    if (state == DuckDBSuccess)
        m->chunk = dm_duck.create_data_chunk(types, n);
    for (size_t i = 0; i < n; i++)
        dm_duck.destroy_logical_type(&types[i]);
    free(types);
    if (state == DuckDBSuccess)
        return 0;
    return m->appender ? appender_failed(m, reterr) : dm_engine_text_error(reterr, NULL);
}

static void aim(struct dm_bulk_impl *m)
{
    for (size_t i = 0; i < m->self.n_cols; i++) {
        struct target *t = &m->targets[i];
        t->vector = dm_duck.data_chunk_get_vector(m->chunk, i);
        t->data = dm_duck.vector_get_data(t->vector);
        t->validity = NULL;
    }
}

int dm_bulk_open(struct dm_engine_conn *c, const char *table, const char *const *columns,
                 struct dm_bulk **ret, struct dm_err *reterr)
{
    struct dm_prepared *described;
    DM_TRY(describe(c, table, columns, &described, reterr));
    struct dm_bulk_impl *m = dm_calloc(1, sizeof(*m));
    m->self = (struct dm_bulk){.n_cols = described->n_cols, .cols = described->cols, .impl = m};
    m->described = described;
    m->targets = dm_calloc(described->n_cols + 1, sizeof(*m->targets));
    for (size_t i = 0; i < described->n_cols; i++)
        m->targets[i].type = load_type(described->cols[i].type);
    int rc = open_appender(m, c, table, columns, reterr);
    if (rc < 0) {
        dm_bulk_free(&m->self);
        return rc;
    }
    aim(m);
    *ret = &m->self;
    return 0;
}

static void store(duckdb_vector vector, void *data, const struct dm_type *t, size_t row,
                  const struct dm_cell *cell);

static void set_null(duckdb_vector vector, uint64_t **validity, size_t row)
{
    if (!*validity) {
        dm_duck.vector_ensure_validity_writable(vector);
        *validity = dm_duck.vector_get_validity(vector);
    }
    (*validity)[row / 64] &= ~(UINT64_C(1) << (row % 64));
}

static void store_items(duckdb_vector child, const struct dm_type *t, size_t from,
                        const struct dm_cell *cell)
{
    uint64_t *validity = NULL;
    for (size_t i = 0; i < cell->n_items; i++) {
        if (cell->items[i].null)
            set_null(child, &validity, from + i);
        else
            store(child, dm_duck.vector_get_data(child), t, from + i, &cell->items[i]);
    }
}

static void store_decimal(void *data, const struct dm_type *t, size_t row,
                          const struct dm_cell *cell)
{
    if (t->width <= 4)
        ((int16_t *)data)[row] = cell->v.i16;
    else if (t->width <= 9)
        ((int32_t *)data)[row] = cell->v.i32;
    else if (t->width <= 18)
        ((int64_t *)data)[row] = cell->v.i64;
    else
        memcpy((char *)data + row * 16, &cell->v.i128, 16);
}

static void store(duckdb_vector vector, void *data, const struct dm_type *t, size_t row,
                  const struct dm_cell *cell)
{
    switch (t->id) {
    case DUCKDB_TYPE_BOOLEAN:
        ((bool *)data)[row] = cell->v.b;
        break;
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_UTINYINT:
        ((int8_t *)data)[row] = cell->v.i8;
        break;
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_USMALLINT:
        ((int16_t *)data)[row] = cell->v.i16;
        break;
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_DATE:
        ((int32_t *)data)[row] = cell->v.i32;
        break;
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_TIME:
    case DUCKDB_TYPE_TIME_TZ:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
        ((int64_t *)data)[row] = cell->v.i64;
        break;
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UUID:
        memcpy((char *)data + row * 16, &cell->v.i128, 16);
        break;
    case DUCKDB_TYPE_DECIMAL:
        store_decimal(data, t, row, cell);
        break;
    case DUCKDB_TYPE_FLOAT:
        ((float *)data)[row] = cell->v.f32;
        break;
    case DUCKDB_TYPE_DOUBLE:
        ((double *)data)[row] = cell->v.f64;
        break;
    case DUCKDB_TYPE_INTERVAL:
        ((duckdb_interval *)data)[row] = cell->v.interval;
        break;
    case DUCKDB_TYPE_LIST: {
        size_t from = dm_duck.list_vector_get_size(vector);
        ((duckdb_list_entry *)data)[row] =
            (duckdb_list_entry){.offset = from, .length = cell->n_items};
        dm_duck.list_vector_reserve(vector, from + cell->n_items);
        dm_duck.list_vector_set_size(vector, from + cell->n_items);
        store_items(dm_duck.list_vector_get_child(vector), &t->children[0], from, cell);
        break;
    }
    case DUCKDB_TYPE_ARRAY:
        store_items(dm_duck.array_vector_get_child(vector), &t->children[0], row * t->array_size,
                    cell);
        break;
    default:
        dm_duck.vector_assign_string_element_len(vector, row, cell->bytes.p ? cell->bytes.p : "",
                                                 cell->bytes.len);
        break;
    }
}

void dm_bulk_put(struct dm_bulk *b, size_t col, const struct dm_cell *cell)
{
    struct dm_bulk_impl *m = b->impl;
    struct target *t = &m->targets[col];
    if (cell->null)
        set_null(t->vector, &t->validity, m->in_chunk);
    else
        store(t->vector, t->data, t->type, m->in_chunk, cell);
}

static int append(struct dm_bulk_impl *m, struct dm_err *reterr)
{
    if (!m->in_chunk)
        return 0;
    dm_duck.data_chunk_set_size(m->chunk, m->in_chunk);
    m->in_chunk = 0;
    if (dm_duck.append_data_chunk(m->appender, m->chunk) != DuckDBSuccess)
        return appender_failed(m, reterr);
    dm_duck.data_chunk_reset(m->chunk);
    aim(m);
    return 0;
}

int dm_bulk_end_row(struct dm_bulk *b, struct dm_err *reterr)
{
    struct dm_bulk_impl *m = b->impl;
    b->n_rows++;
    return ++m->in_chunk == CHUNK_ROWS ? append(m, reterr) : 0;
}

int dm_bulk_finish(struct dm_bulk *b, struct dm_err *reterr)
{
    struct dm_bulk_impl *m = b->impl;
    DM_TRY(append(m, reterr));
    if (dm_duck.appender_flush(m->appender) != DuckDBSuccess)
        return appender_failed(m, reterr);
    return 0;
}

void dm_bulk_free(struct dm_bulk *b)
{
    if (!b)
        return;
    struct dm_bulk_impl *m = b->impl;
    if (m->chunk)
        dm_duck.destroy_data_chunk(&m->chunk);
    if (m->appender)
        dm_duck.appender_destroy(&m->appender);
    dm_prepared_free(m->described);
    free(m->targets);
    free(m);
}
