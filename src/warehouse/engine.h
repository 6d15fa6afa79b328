/*
 * DuckDB, opened at first use by the warehouse role only: one instance with the files `warehouse.duckdb` and
 * `oltp.duckdb` attached; a PostgreSQL database of the server is one attached file.  Thin typed access: the rest of
 * warehouse/ never calls libduckdb by itself.
 *
 * A failed statement is DM_E_SQL whose message is DuckDB's own text, whole ("Binder Error: …\n\nLINE 1: …\n   ^"),
 * with a first SQLSTATE by DuckDB's kind of error; dm_rewrite_error makes PostgreSQL's error of it.  Recognised here
 * already: DM_E_CANCELLED (57014), DM_E_CONFLICT (40001), DM_E_NOMEM (53200), DM_E_DISKFULL (53100).
 */
#ifndef DM_ENGINE_H
#define DM_ENGINE_H

#include "base/str.h"

struct dm_type;   /* types.h */
struct dm_vector; /* types.h */
struct dm_cell;   /* types.h */

struct dm_engine;      /* the instance */
struct dm_engine_conn; /* one DuckDB connection: one session, one thread at a time */

struct dm_engine_opts {
    const char *dir;       /* folder of the .duckdb files; made where missing */
    const char *lake_dir;  /* for external tables */
    uint64_t memory_limit; /* bytes; 0 = a quarter of RAM, at most 512 MiB */
    int threads;           /* 0 = all */
};

int dm_engine_open(const struct dm_engine_opts *opts, struct dm_engine **ret,
                   struct dm_err *reterr) dm_nodiscard;
/* Checkpoints and closes; takes NULL.  All connections must be gone. */
void dm_engine_close(struct dm_engine *e);
/* The databases of the server: "warehouse", "oltp", NULL. */
const char *const *dm_engine_databases(void);
/* Current schema is DATABASE.public (made where missing).  DM_E_NOTFOUND with 3D000 for an unknown database. */
int dm_engine_connect(struct dm_engine *e, const char *database, struct dm_engine_conn **ret,
                      struct dm_err *reterr) dm_nodiscard;
void dm_engine_disconnect(struct dm_engine_conn *c); /* takes NULL */
const struct dm_engine *dm_engine_of(const struct dm_engine_conn *c);
/* Makes a running query of this connection end with DM_E_CANCELLED; from any thread. */
void dm_engine_interrupt(struct dm_engine_conn *c);

/* A result in PostgreSQL's text form, for our own catalog queries (at most DM_ENGINE_ROWS_MAX rows). */
enum { DM_ENGINE_ROWS_MAX = 1000000 };
struct dm_engine_rows {
    size_t n_cols, n_rows;
    const char ***rows; /* NULL = SQL NULL */
};
/* One or more statements; the rows are the last one's.  `ret` may be NULL. */
int dm_engine_query(struct dm_engine_conn *c, struct dm_arena *a, const char *sql,
                    struct dm_engine_rows *ret, struct dm_err *reterr) dm_nodiscard;
/* Names and DuckDB type names of the columns that a statement gives, without running it. */
int dm_engine_describe(struct dm_engine_conn *c, struct dm_arena *a, const char *sql,
                       const char *const **ret_names, const char *const **ret_types, size_t *ret_n,
                       struct dm_err *reterr) dm_nodiscard;

/*
 * Prepared statements and results.  A result streams: the engine holds a few chunks of it.  DuckDB streams one result
 * per connection, so whatever runs next on it first takes the rest of an unfinished result into memory (at most
 * DM_ENGINE_PARKED_MAX rows, else that result ends with 53200).
 */
enum { DM_ENGINE_PARKED_MAX = 4 << 20 };

struct dm_column {
    const char *name;
    const struct dm_type *type;
};
struct dm_prepared {
    size_t n_params;
    const struct dm_type *const *params; /* dm_type_is_unknown where DuckDB could not infer one */
    size_t n_cols;
    const struct dm_column *cols;
    struct dm_prepared_impl *impl;
};
/* Exactly one statement. */
int dm_engine_prepare(struct dm_engine_conn *c, const char *sql, struct dm_prepared **ret,
                      struct dm_err *reterr) dm_nodiscard;
void dm_prepared_free(struct dm_prepared *p); /* takes NULL */

struct dm_chunk {
    size_t n_rows;
    const struct dm_vector *cols;
};
struct dm_result {
    size_t n_cols;
    const struct dm_column *cols;
    bool has_rows;   /* false: a count, or nothing at all */
    int64_t changed; /* rows inserted, updated or deleted */
    struct dm_result_impl *impl;
};
/* Runs it; `types` and `cells` are one per parameter (NULL where there is none). */
int dm_prepared_run(struct dm_prepared *p, const struct dm_type *const *types,
                    const struct dm_cell *cells, struct dm_result **ret,
                    struct dm_err *reterr) dm_nodiscard;
/* 1 and the next chunk (it lives until the next call), 0 at the end, or an error. */
int dm_result_next(struct dm_result *r, struct dm_chunk *ret, struct dm_err *reterr) dm_nodiscard;
void dm_result_free(struct dm_result *r); /* takes NULL; stops a result that is not finished */

#endif
