/*
 * DuckDB, opened at first use by the warehouse role only: one instance with the files `warehouse.duckdb` and
 * `oltp.duckdb` attached; a PostgreSQL database of the server is one attached file.  Thin typed access: the rest of
 * warehouse/ never calls libduckdb by itself.
 */
#ifndef DM_ENGINE_H
#define DM_ENGINE_H

#include "base/str.h"

struct dm_engine;      /* the instance */
struct dm_engine_conn; /* one DuckDB connection: one session, one thread at a time */

struct dm_engine_opts {
    const char *dir;       /* folder of the .duckdb files */
    const char *lake_dir;  /* for external tables */
    uint64_t memory_limit; /* bytes; 0 = a quarter of RAM, at most 512 MiB */
    int threads;           /* 0 = all */
};

int dm_engine_open(const struct dm_engine_opts *opts, struct dm_engine **ret,
                   struct dm_err *reterr) dm_nodiscard;
/* Checkpoints and closes. */
void dm_engine_close(struct dm_engine *e);
int dm_engine_connect(struct dm_engine *e, const char *database, struct dm_engine_conn **ret,
                      struct dm_err *reterr) dm_nodiscard;
void dm_engine_disconnect(struct dm_engine_conn *c);
/* Makes a running query of this connection end with DM_E_CANCELLED; from any thread. */
void dm_engine_interrupt(struct dm_engine_conn *c);

/* A result in text form, for our own catalog queries (small results only). */
struct dm_engine_rows {
    size_t n_cols, n_rows;
    const char ***rows; /* NULL = SQL NULL */
};
int dm_engine_query(struct dm_engine_conn *c, struct dm_arena *a, const char *sql,
                    struct dm_engine_rows *ret, struct dm_err *reterr) dm_nodiscard;
/* Names and DuckDB type names of the columns that a statement gives, without running it. */
int dm_engine_describe(struct dm_engine_conn *c, struct dm_arena *a, const char *sql,
                       const char *const **ret_names, const char *const **ret_types, size_t *ret_n,
                       struct dm_err *reterr) dm_nodiscard;

#endif
