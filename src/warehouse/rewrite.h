/*
 * From a client's SQL to what the engine runs.  Per statement, in this order:
 *   1. our own statements (Spectrum DDL: redshift_parse.c) become rows of the hidden schema;
 *   2. what libpg_query parses is rewritten on its tree: external tables become reads of lake files (partitions
 *      pruned by simple predicates), pg_catalog names and reg* casts become ours, integer = varchar compares as text,
 *      three-part names, SHOW/SET and transaction statements;
 *   3. what it cannot parse goes to DuckDB as it is.
 * One session, one thread.
 */
#ifndef DM_REWRITE_H
#define DM_REWRITE_H

#include "warehouse/engine.h"

enum dm_statement_kind {
    DM_STATEMENT_QUERY, /* run `sql`; gives rows or a count */
    DM_STATEMENT_BEGIN,
    DM_STATEMENT_COMMIT,
    DM_STATEMENT_ROLLBACK,
    DM_STATEMENT_SAVEPOINT, /* also RELEASE: nothing while nothing was written */
    DM_STATEMENT_SET,       /* name, value */
    DM_STATEMENT_SHOW,      /* one row: name, value */
    DM_STATEMENT_COPY_IN,   /* COPY table (columns) FROM STDIN */
    DM_STATEMENT_COPY_OUT,  /* COPY (query) TO STDOUT: `sql` is the query */
    DM_STATEMENT_EXTERNAL,  /* already done by dm_rewrite_external: only the tag is left to send */
    DM_STATEMENT_NOTHING,   /* accepted and ignored (ANALYZE, DEALLOCATE ALL …): only the tag */
};

struct dm_copy_options {
    const char *table; /* quoted for the engine, database included; NULL for COPY (query) */
    const char *const *columns; /* NULL = all; NULL-terminated */
    bool csv, binary, header;
    char delimiter, quote, escape;
    const char *null_text;
};

struct dm_statement {
    enum dm_statement_kind kind;
    const char *sql; /* what the engine runs */
    const char *tag; /* command tag without its count: "SELECT", "INSERT 0", "CREATE TABLE", … */
    bool returns_rows; /* SELECT, INSERT … RETURNING, SHOW */
    bool writes;
    bool no_transaction;      /* refused inside a transaction block (external DDL: 25001) */
    const char *name, *value; /* SET, SHOW, SAVEPOINT */
    struct dm_copy_options copy;
    /* Byte offset in the client's text of each byte range that was kept, to give positions back. */
    struct dm_splice {
        size_t out_at, in_at;
    } * splices;
    size_t n_splices;
};

struct dm_rewriter; /* the session's: catalog snapshot, settings */

int dm_rewriter_open(struct dm_engine_conn *c, const char *database, const char *lake_dir,
                     struct dm_rewriter **ret, struct dm_err *reterr) dm_nodiscard;
void dm_rewriter_close(struct dm_rewriter *r);
/* Run once when a database is opened: hidden schema for Spectrum, pg_catalog views and macros. */
int dm_catalog_install(struct dm_engine_conn *c, const char *database,
                       struct dm_err *reterr) dm_nodiscard;

/* One statement (already split).  Errors have SQLSTATE and position in the client's text. */
int dm_rewrite(struct dm_rewriter *r, struct dm_arena *a, struct dm_str sql,
               struct dm_statement *ret, struct dm_err *reterr) dm_nodiscard;
/* Turns an engine error into PostgreSQL's: SQLSTATE, wording, position in the client's text. */
void dm_rewrite_error(const struct dm_statement *s, struct dm_str sql, struct dm_err *err);

#endif
