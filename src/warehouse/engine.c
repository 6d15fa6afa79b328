/* DuckDB: the instance, its connections, statements and streamed results. */
#include "warehouse/engine.h"

#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/file.h"
#include "warehouse/engine_parts.h"
#include "warehouse/format.h"

static const char *const databases[] = {"warehouse", "oltp", NULL};

struct dm_engine {
    duckdb_database db;
};

struct dm_engine_conn {
    struct dm_engine *engine;
    duckdb_connection conn;
    struct dm_result *streaming; /* the one that DuckDB still computes, or NULL */
};

struct dm_prepared_impl {
    struct dm_prepared self;
    struct dm_arena arena;
    struct dm_engine_conn *conn;
    duckdb_prepared_statement stmt;
};

struct dm_result_impl {
    struct dm_result self;
    struct dm_arena arena;
    struct dm_engine_conn *conn;
    duckdb_result result;
    struct dm_vector *views;
    duckdb_data_chunk current;
    duckdb_data_chunk *parked;
    size_t n_parked, cap_parked, next_parked;
    struct dm_err *failed; /* found while parking */
};

static void drop_chunk(duckdb_data_chunk *chunk)
{
    if (*chunk)
        dm_duck.destroy_data_chunk(chunk);
    *chunk = NULL;
}

static const char *sqlstate_of(duckdb_error_type type)
{
    switch (type) {
    case DUCKDB_ERROR_OUT_OF_RANGE:
        return "22003";
    case DUCKDB_ERROR_CONVERSION:
        return "22P02";
    case DUCKDB_ERROR_DIVIDE_BY_ZERO:
        return "22012";
    case DUCKDB_ERROR_MISMATCH_TYPE:
    case DUCKDB_ERROR_INVALID_TYPE:
    case DUCKDB_ERROR_UNKNOWN_TYPE:
        return "42804";
    case DUCKDB_ERROR_NOT_IMPLEMENTED:
        return "0A000";
    case DUCKDB_ERROR_CATALOG:
        return "42P01";
    case DUCKDB_ERROR_PARSER:
    case DUCKDB_ERROR_SYNTAX:
        return "42601";
    case DUCKDB_ERROR_BINDER:
        return "42703";
    case DUCKDB_ERROR_CONSTRAINT:
        return "23000";
    case DUCKDB_ERROR_INVALID_INPUT:
        return "22023";
    case DUCKDB_ERROR_IO:
        return "58030";
    case DUCKDB_ERROR_PERMISSION:
        return "42501";
    case DUCKDB_ERROR_DEPENDENCY:
        return "2BP01";
    case DUCKDB_ERROR_TRANSACTION:
        return "25000";
    default:
        return "XX000";
    }
}

/* DuckDB gives conflicts of concurrent writers as transaction errors, told apart by their text alone. */
static bool is_conflict(duckdb_error_type type, const char *text)
{
    return type == DUCKDB_ERROR_TRANSACTION &&
           (strcasestr(text, "conflict") || strstr(text, "has been altered"));
}

static int engine_error(struct dm_err *reterr, duckdb_error_type type, const char *text)
{
    if (!text)
        text = "unknown error";
    if (type == DUCKDB_ERROR_INTERRUPT)
        return dm_err_set(reterr, DM_E_CANCELLED, "canceling statement due to user request");
    if (is_conflict(type, text)) {
        dm_err_set(reterr, DM_E_CONFLICT, "could not serialize access due to concurrent update");
        dm_err_detail(reterr, "%s", text);
        dm_err_hint(reterr, "Repeat the transaction.");
        return DM_E_CONFLICT;
    }
    if (type == DUCKDB_ERROR_OUT_OF_MEMORY) {
        dm_err_set(reterr, DM_E_NOMEM, "out of memory");
        dm_err_detail(reterr, "%s", text);
        return DM_E_NOMEM;
    }
    if (type == DUCKDB_ERROR_IO && strstr(text, strerror(ENOSPC)))
        return dm_err_set(reterr, DM_E_DISKFULL, "%s", text);
    int rc = dm_err_set(reterr, DM_E_SQL, "%s", text);
    if (reterr)
        snprintf(reterr->sqlstate, sizeof(reterr->sqlstate), "%s", sqlstate_of(type));
    return rc;
}

static int result_error(struct dm_err *reterr, duckdb_result *result)
{
    return engine_error(reterr, dm_duck.result_error_type(result), dm_duck.result_error(result));
}

/* A prepared statement gives no error type, only the text that begins with its name. */
static duckdb_error_type type_of_text(const char *text)
{
    static const struct {
        const char *prefix;
        duckdb_error_type type;
    } known[] = {
        {"Parser Error", DUCKDB_ERROR_PARSER},
        {"Binder Error", DUCKDB_ERROR_BINDER},
        {"Catalog Error", DUCKDB_ERROR_CATALOG},
        {"Conversion Error", DUCKDB_ERROR_CONVERSION},
        {"Out of Range Error", DUCKDB_ERROR_OUT_OF_RANGE},
        {"Not implemented Error", DUCKDB_ERROR_NOT_IMPLEMENTED},
        {"Invalid Input Error", DUCKDB_ERROR_INVALID_INPUT},
        {"Constraint Error", DUCKDB_ERROR_CONSTRAINT},
        {"TransactionContext Error", DUCKDB_ERROR_TRANSACTION},
        {"Dependency Error", DUCKDB_ERROR_DEPENDENCY},
        {"IO Error", DUCKDB_ERROR_IO},
        {"INTERRUPT Error", DUCKDB_ERROR_INTERRUPT},
        {"Out of Memory Error", DUCKDB_ERROR_OUT_OF_MEMORY},
        {"Mismatch Type Error", DUCKDB_ERROR_MISMATCH_TYPE},
        {"Syntax Error", DUCKDB_ERROR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (dm_str_starts(dm_str_c(text), dm_str_c(known[i].prefix)))
            return known[i].type;
    return DUCKDB_ERROR_INVALID;
}

int dm_engine_text_error(struct dm_err *reterr, const char *text)
{
    return engine_error(reterr, text ? type_of_text(text) : DUCKDB_ERROR_INVALID, text);
}

int dm_engine_kind_error(struct dm_err *reterr, duckdb_error_type kind, const char *text)
{
    static const char constraint[] = "Constraint Error: ";
    int rc = engine_error(reterr, kind, text);
    if (rc == DM_E_SQL && kind == DUCKDB_ERROR_CONSTRAINT && text && !strstr(text, constraint) &&
        reterr)
        snprintf(reterr->message, sizeof(reterr->message), "%s%s", constraint, text);
    return rc;
}

duckdb_connection dm_engine_duck(struct dm_engine_conn *c)
{
    return c->conn;
}

static int run_plain(duckdb_connection conn, const char *sql, struct dm_err *reterr)
{
    duckdb_result result;
    int rc = 0;
    if (dm_duck.query(conn, sql, &result) != DuckDBSuccess)
        rc = result_error(reterr, &result);
    dm_duck.destroy_result(&result);
    return rc;
}

/* The instance. */

static uint64_t default_memory_limit(void)
{
    uint64_t ram = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t most = UINT64_C(512) << 20;
    return ram / 4 < most ? ram / 4 : most;
}

static int open_database(const struct dm_engine_opts *opts, duckdb_database *ret,
                         struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    uint64_t memory = opts->memory_limit ? opts->memory_limit : default_memory_limit();
    int threads = opts->threads ? opts->threads : (int)sysconf(_SC_NPROCESSORS_ONLN);
    const char *const settings[][2] = {
        {"memory_limit", dm_arena_printf(&a, "%lluB", (unsigned long long)memory)},
        {"threads", dm_arena_printf(&a, "%d", threads < 1 ? 1 : threads)},
        {"temp_directory", dm_path_join(&a, opts->dir, "tmp")},
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
        {"allow_community_extensions", "false"},
        {"preserve_insertion_order", "true"},
        {"integer_division", "true"}, /* 7 / 2 is 3, as in PostgreSQL */
    };
    duckdb_config config;
    if (dm_duck.create_config(&config) != DuckDBSuccess)
        return dm_err_set(reterr, DM_E_NOMEM, "could not make DuckDB's configuration");
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        if (dm_duck.set_config(config, settings[i][0], settings[i][1]) != DuckDBSuccess) {
            dm_duck.destroy_config(&config);
            return dm_err_set(reterr, DM_E_LIBRARY, "DuckDB does not know the setting %s = %s",
                              settings[i][0], settings[i][1]);
        }
    char *why = NULL;
    duckdb_database db;
    duckdb_state state = dm_duck.open_ext(NULL, &db, config, &why);
    dm_duck.destroy_config(&config);
    if (state != DuckDBSuccess) {
        dm_err_set(reterr, DM_E_IO, "could not open DuckDB: %s", why ? why : "unknown error");
        dm_duck.free(why);
        return DM_E_IO;
    }
    *ret = db;
    return 0;
}

static int attach(duckdb_connection conn, const char *dir, const char *name, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    _cleanup_strbuf_ struct dm_strbuf sql;
    dm_strbuf_init(&sql, DM_BUF_MESSAGE);
    const char *path = dm_arena_printf(&a, "%s/%s.duckdb", dir, name);
    dm_strbuf_adds(&sql, "ATTACH ");
    dm_strbuf_add_sql_literal(&sql, dm_str_c(path));
    dm_strbuf_addf(&sql, " AS %s; CREATE SCHEMA IF NOT EXISTS %s.public", name, name);
    DM_TRY(dm_strbuf_check(&sql, "the path of the database", reterr));
    if (run_plain(conn, sql.p, reterr) < 0)
        return dm_err_wrap(reterr, "could not open the database %s", path);
    return 0;
}

static int prepare_instance(duckdb_connection conn, const char *dir, struct dm_err *reterr)
{
    for (size_t i = 0; databases[i]; i++)
        DM_TRY(attach(conn, dir, databases[i], reterr));
    return run_plain(conn, "SET GLOBAL TimeZone = 'UTC'", reterr);
}

const char *const *dm_engine_databases(void)
{
    return databases;
}

int dm_engine_open(const struct dm_engine_opts *opts, struct dm_engine **ret, struct dm_err *reterr)
{
    DM_TRY(dm_duck_load(reterr));
    DM_TRY(dm_mkdirs(opts->dir, 0700, reterr));
    duckdb_database db;
    DM_TRY(open_database(opts, &db, reterr));
    duckdb_connection conn;
    if (dm_duck.connect(db, &conn) != DuckDBSuccess) {
        dm_duck.close(&db);
        return dm_err_set(reterr, DM_E_NOMEM, "could not connect to DuckDB");
    }
    int rc = prepare_instance(conn, opts->dir, reterr);
    dm_duck.disconnect(&conn);
    if (rc < 0) {
        dm_duck.close(&db);
        return rc;
    }
    struct dm_engine *e = dm_calloc(1, sizeof(*e));
    e->db = db;
    *ret = e;
    return 0;
}

void dm_engine_close(struct dm_engine *e)
{
    if (!e)
        return;
    duckdb_connection conn;
    if (dm_duck.connect(e->db, &conn) == DuckDBSuccess) {
        for (size_t i = 0; databases[i]; i++) {
            char sql[64];
            snprintf(sql, sizeof(sql), "CHECKPOINT %s", databases[i]);
            /* Where it fails (disk full) the write-ahead log keeps what was committed. */
            (void)run_plain(conn, sql, NULL);
        }
        dm_duck.disconnect(&conn);
    }
    dm_duck.close(&e->db);
    free(e);
}

/* Connections. */

int dm_engine_connect(struct dm_engine *e, const char *database, struct dm_engine_conn **ret,
                      struct dm_err *reterr)
{
    size_t i = 0;
    while (databases[i] && strcmp(databases[i], database) != 0)
        i++;
    if (!databases[i]) {
        dm_err_set(reterr, DM_E_NOTFOUND, "database \"%s\" does not exist", database);
        dm_err_hint(reterr, "The databases of this server are warehouse and oltp.");
        if (reterr)
            snprintf(reterr->sqlstate, sizeof(reterr->sqlstate), "3D000");
        return DM_E_NOTFOUND;
    }
    duckdb_connection conn;
    if (dm_duck.connect(e->db, &conn) != DuckDBSuccess)
        return dm_err_set(reterr, DM_E_NOMEM, "could not connect to DuckDB");
    char sql[64];
    snprintf(sql, sizeof(sql), "USE %s.public", database);
    int rc = run_plain(conn, sql, reterr);
    if (rc < 0) {
        dm_duck.disconnect(&conn);
        return rc;
    }
    struct dm_engine_conn *c = dm_calloc(1, sizeof(*c));
    c->engine = e;
    c->conn = conn;
    *ret = c;
    return 0;
}

void dm_engine_disconnect(struct dm_engine_conn *c)
{
    if (!c)
        return;
    dm_duck.disconnect(&c->conn);
    free(c);
}

const struct dm_engine *dm_engine_of(const struct dm_engine_conn *c)
{
    return c->engine;
}

void dm_engine_interrupt(struct dm_engine_conn *c)
{
    dm_duck.interrupt(c->conn);
}

/* Results. */

/* Takes what DuckDB still has to give into memory, so that the connection is free for another statement. */
static void park(struct dm_engine_conn *c)
{
    struct dm_result *r = c->streaming;
    if (!r)
        return;
    struct dm_result_impl *m = r->impl;
    c->streaming = NULL;
    uint64_t rows = 0;
    duckdb_data_chunk chunk;
    while ((chunk = dm_duck.fetch_chunk(m->result))) {
        rows += dm_duck.data_chunk_get_size(chunk);
        if (m->n_parked == m->cap_parked) {
            m->cap_parked = m->cap_parked ? m->cap_parked * 2 : 16;
            m->parked = dm_realloc(m->parked, m->cap_parked * sizeof(*m->parked));
        }
        m->parked[m->n_parked++] = chunk;
        if (rows > DM_ENGINE_PARKED_MAX) {
            m->failed = dm_calloc(1, sizeof(*m->failed));
            dm_err_set(m->failed, DM_E_NOMEM, "an unfinished cursor has more than %d rows",
                       DM_ENGINE_PARKED_MAX);
            dm_err_hint(m->failed, "Read it to its end before the next statement.");
            return;
        }
    }
    if (dm_duck.result_error(&m->result)) {
        m->failed = dm_calloc(1, sizeof(*m->failed));
        (void)result_error(m->failed, &m->result);
    }
}

static const struct dm_column *result_columns(struct dm_result_impl *m)
{
    struct dm_column *cols = dm_arena_array(&m->arena, struct dm_column, m->self.n_cols + 1);
    m->views = dm_arena_array(&m->arena, struct dm_vector, m->self.n_cols + 1);
    for (size_t i = 0; i < m->self.n_cols; i++) {
        duckdb_logical_type t = dm_duck.column_logical_type(&m->result, i);
        cols[i].name = dm_arena_strdup(&m->arena, dm_duck.column_name(&m->result, i));
        cols[i].type = dm_duck_type(&m->arena, t);
        dm_duck.destroy_logical_type(&t);
        dm_duck_view_init(&m->arena, &m->views[i], cols[i].type);
    }
    return cols;
}

static struct dm_result *wrap_result(struct dm_engine_conn *c, duckdb_result result)
{
    struct dm_result_impl *m = dm_calloc(1, sizeof(*m));
    m->self.impl = m;
    m->conn = c;
    m->result = result;
    duckdb_result_type kind = dm_duck.result_return_type(result);
    m->self.has_rows = kind == DUCKDB_RESULT_TYPE_QUERY_RESULT;
    if (m->self.has_rows) {
        m->self.n_cols = dm_duck.column_count(&m->result);
        m->self.cols = result_columns(m);
        c->streaming = &m->self;
    } else if (kind == DUCKDB_RESULT_TYPE_CHANGED_ROWS) {
        m->self.changed = (int64_t)dm_duck.rows_changed(&m->result);
    }
    return &m->self;
}

int dm_result_next(struct dm_result *r, struct dm_chunk *ret, struct dm_err *reterr)
{
    struct dm_result_impl *m = r->impl;
    drop_chunk(&m->current);
    if (!r->has_rows)
        return 0;
    if (m->next_parked < m->n_parked) {
        m->current = m->parked[m->next_parked++];
    } else if (m->failed) {
        if (reterr)
            *reterr = *m->failed;
        return m->failed->code;
    } else if (m->conn->streaming == r) {
        do {
            drop_chunk(&m->current);
            m->current = dm_duck.fetch_chunk(m->result);
        } while (m->current && dm_duck.data_chunk_get_size(m->current) == 0);
        if (!m->current) {
            m->conn->streaming = NULL;
            if (dm_duck.result_error(&m->result))
                return result_error(reterr, &m->result);
        }
    }
    if (!m->current)
        return 0;
    for (size_t i = 0; i < r->n_cols; i++)
        dm_duck_view(&m->views[i], dm_duck.data_chunk_get_vector(m->current, i));
    *ret = (struct dm_chunk){.n_rows = dm_duck.data_chunk_get_size(m->current), .cols = m->views};
    return 1;
}

void dm_result_free(struct dm_result *r)
{
    if (!r)
        return;
    struct dm_result_impl *m = r->impl;
    if (m->conn->streaming == r)
        m->conn->streaming = NULL;
    drop_chunk(&m->current);
    for (size_t i = m->next_parked; i < m->n_parked; i++)
        drop_chunk(&m->parked[i]);
    free(m->parked);
    free(m->failed);
    dm_duck.destroy_result(&m->result);
    dm_arena_release(&m->arena);
    free(m);
}

/* Prepared statements. */

static void describe_prepared(struct dm_prepared_impl *m)
{
    m->self.n_params = dm_duck.nparams(m->stmt);
    const struct dm_type **params =
        dm_arena_array(&m->arena, const struct dm_type *, m->self.n_params + 1);
    for (size_t i = 0; i < m->self.n_params; i++) {
        duckdb_logical_type t = dm_duck.param_logical_type(m->stmt, i + 1);
        params[i] = t ? dm_duck_type(&m->arena, t) : dm_arena_new(&m->arena, struct dm_type);
        if (t)
            dm_duck.destroy_logical_type(&t);
    }
    m->self.params = params;
    m->self.n_cols = dm_duck.prepared_statement_column_count(m->stmt);
    struct dm_column *cols = dm_arena_array(&m->arena, struct dm_column, m->self.n_cols + 1);
    for (size_t i = 0; i < m->self.n_cols; i++) {
        const char *name = dm_duck.prepared_statement_column_name(m->stmt, i);
        duckdb_logical_type t = dm_duck.prepared_statement_column_logical_type(m->stmt, i);
        cols[i].name = dm_arena_strdup(&m->arena, name ? name : "");
        cols[i].type = t ? dm_duck_type(&m->arena, t) : dm_arena_new(&m->arena, struct dm_type);
        dm_duck.free((void *)(uintptr_t)name);
        if (t)
            dm_duck.destroy_logical_type(&t);
    }
    m->self.cols = cols;
}

int dm_engine_prepare(struct dm_engine_conn *c, const char *sql, struct dm_prepared **ret,
                      struct dm_err *reterr)
{
    park(c);
    duckdb_prepared_statement stmt = NULL;
    if (dm_duck.prepare(c->conn, sql, &stmt) != DuckDBSuccess) {
        const char *text = stmt ? dm_duck.prepare_error(stmt) : NULL;
        int rc = dm_engine_text_error(reterr, text);
        dm_duck.destroy_prepare(&stmt);
        return rc;
    }
    struct dm_prepared_impl *m = dm_calloc(1, sizeof(*m));
    m->self.impl = m;
    m->conn = c;
    m->stmt = stmt;
    describe_prepared(m);
    *ret = &m->self;
    return 0;
}

void dm_prepared_free(struct dm_prepared *p)
{
    if (!p)
        return;
    struct dm_prepared_impl *m = p->impl;
    dm_duck.destroy_prepare(&m->stmt);
    dm_arena_release(&m->arena);
    free(m);
}

int dm_prepared_run(struct dm_prepared *p, const struct dm_type *const *types,
                    const struct dm_cell *cells, struct dm_result **ret, struct dm_err *reterr)
{
    struct dm_prepared_impl *m = p->impl;
    park(m->conn);
    for (size_t i = 0; i < p->n_params; i++) {
        duckdb_value value = dm_duck_value(types[i], &cells[i]);
        duckdb_state state = dm_duck.bind_value(m->stmt, i + 1, value);
        dm_duck.destroy_value(&value);
        if (state != DuckDBSuccess)
            return dm_err_set(reterr, DM_E_SQL, "could not bind parameter $%zu", i + 1);
    }
    duckdb_result result;
    if (dm_duck.execute_prepared_streaming(m->stmt, &result) != DuckDBSuccess) {
        int rc = result_error(reterr, &result);
        dm_duck.destroy_result(&result);
        return rc;
    }
    *ret = wrap_result(m->conn, result);
    return 0;
}

/* Our own queries. */

static int collect(struct dm_result *r, struct dm_arena *a, struct dm_engine_rows *ret,
                   struct dm_err *reterr)
{
    _cleanup_strbuf_ struct dm_strbuf text;
    dm_strbuf_init(&text, DM_BUF_TEXT);
    struct dm_engine_rows rows = {.n_cols = r->n_cols};
    size_t cap = 0;
    struct dm_chunk chunk;
    int rc;
    while ((rc = dm_result_next(r, &chunk, reterr)) > 0) {
        if (rows.n_rows + chunk.n_rows > DM_ENGINE_ROWS_MAX)
            return dm_err_set(reterr, DM_E_LIMIT, "a catalog query has more than %d rows",
                              DM_ENGINE_ROWS_MAX);
        if (rows.n_rows + chunk.n_rows > cap) {
            cap = (rows.n_rows + chunk.n_rows) * 2;
            const char ***bigger = dm_arena_array(a, const char **, cap);
            if (rows.n_rows)
                memcpy(bigger, rows.rows, rows.n_rows * sizeof(*bigger));
            rows.rows = bigger;
        }
        for (size_t i = 0; i < chunk.n_rows; i++) {
            const char **row = dm_arena_array(a, const char *, r->n_cols + 1);
            for (size_t j = 0; j < r->n_cols; j++) {
                if (dm_vector_is_null(&chunk.cols[j], i))
                    continue;
                dm_strbuf_clear(&text);
                DM_TRY(dm_format_text(&chunk.cols[j], i, &text, reterr));
                DM_TRY(dm_strbuf_check(&text, "a catalog value", reterr));
                row[j] = dm_arena_strndup(a, text.p ? text.p : "", text.len);
            }
            rows.rows[rows.n_rows++] = row;
        }
    }
    if (rc < 0)
        return rc;
    *ret = rows;
    return 0;
}

int dm_engine_query(struct dm_engine_conn *c, struct dm_arena *a, const char *sql,
                    struct dm_engine_rows *ret, struct dm_err *reterr)
{
    park(c);
    duckdb_result result;
    if (dm_duck.query(c->conn, sql, &result) != DuckDBSuccess) {
        int rc = result_error(reterr, &result);
        dm_duck.destroy_result(&result);
        return rc;
    }
    struct dm_result *r = wrap_result(c, result);
    struct dm_engine_rows rows = {0};
    int rc = ret && r->has_rows ? collect(r, a, &rows, reterr) : 0;
    dm_result_free(r);
    if (rc == 0 && ret)
        *ret = rows;
    return rc;
}

int dm_engine_describe(struct dm_engine_conn *c, struct dm_arena *a, const char *sql,
                       const char *const **ret_names, const char *const **ret_types, size_t *ret_n,
                       struct dm_err *reterr)
{
    struct dm_prepared *p;
    DM_TRY(dm_engine_prepare(c, sql, &p, reterr));
    const char **names = dm_arena_array(a, const char *, p->n_cols + 1);
    const char **types = dm_arena_array(a, const char *, p->n_cols + 1);
    for (size_t i = 0; i < p->n_cols; i++) {
        names[i] = dm_arena_strdup(a, p->cols[i].name);
        types[i] = dm_type_duck_name(a, p->cols[i].type);
    }
    *ret_names = names;
    *ret_types = types;
    *ret_n = p->n_cols;
    dm_prepared_free(p);
    return 0;
}
