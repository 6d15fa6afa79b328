/*
 * From a client's SQL to what the engine runs.  Per statement, in this order:
 *   1. our own statements (Spectrum DDL: redshift_parse.c) become rows of the hidden schema;
 *   2. what libpg_query parses is rewritten on its tree and written out again: external tables become reads of
 *      lake files (partitions pruned by simple predicates), pg_catalog names and reg* casts become ours,
 *      integer = varchar compares as text, names of output columns are PostgreSQL's, three-part names, SHOW/SET and
 *      transaction statements;
 *   3. what it cannot parse goes to DuckDB as it is.
 * One session, one thread.  Rewriting has no effect: what a statement does to the session or to the external catalog
 * is done by dm_rewrite_perform, when the statement is executed.
 */
#ifndef DM_REWRITE_H
#define DM_REWRITE_H

#include "warehouse/engine.h"

enum dm_statement_kind {
    DM_STATEMENT_QUERY,    /* run `sql`; gives rows or a count */
    DM_STATEMENT_BEGIN,    /* run `sql` */
    DM_STATEMENT_COMMIT,   /* run `sql` (END too) */
    DM_STATEMENT_ROLLBACK, /* run `sql` (ABORT too) */
    DM_STATEMENT_SAVEPOINT, /* also RELEASE and ROLLBACK TO, told apart by `tag`: nothing while nothing was written */
    DM_STATEMENT_SET,  /* dm_rewrite_perform; name, value (NULL = RESET) are for ParameterStatus */
    DM_STATEMENT_SHOW, /* run `sql`: one row, one column called `name` */
    DM_STATEMENT_COPY_IN,  /* COPY table (columns) FROM STDIN */
    DM_STATEMENT_COPY_OUT, /* COPY (query) TO STDOUT: `sql` is the query, for COPY table too */
    DM_STATEMENT_EXTERNAL, /* dm_rewrite_perform, then only the tag is left to send */
    DM_STATEMENT_NOTHING,  /* accepted and ignored (ANALYZE, DEALLOCATE ALL …): only the tag */
};

struct dm_copy_options {
    const char *table; /* quoted for the engine, database included; NULL for COPY (query) */
    const char *const *columns; /* quoted for the engine; NULL = all; NULL-terminated */
    bool csv, binary, header;
    bool header_match; /* HEADER MATCH: the first line must name the columns */
    char delimiter, quote, escape;
    const char *null_text;
    const char *const
        *force_quote; /* TO: columns always quoted, unquoted names; {"*", NULL} = all; or NULL */
    const char *const *force_null, *const *force_not_null; /* FROM: the same */
};

struct dm_redshift_stmt;

struct dm_statement {
    enum dm_statement_kind kind;
    const char *sql; /* what the engine runs */
    const char *tag; /* command tag without its count: "SELECT", "INSERT 0", "CREATE TABLE", … */
    bool counted;    /* the tag ends with the number of rows */
    bool returns_rows; /* SELECT, INSERT … RETURNING, SHOW */
    bool writes;
    bool no_transaction; /* refused inside a transaction block (external DDL: 25001) */
    /* `sql` names the lake files of this moment: a statement that is executed later or again is rewritten again. */
    bool reads_lake;
    const char
        *table; /* the one that INSERT, UPDATE, MERGE or COPY … FROM writes, without its schema */
    const char *name, *value; /* SET, SHOW, SAVEPOINT */
    bool local;               /* SET LOCAL */
    /* Run after `sql`, in the same transaction: the engine drops, empties and alters one thing at a time. */
    const char *const *more;
    size_t n_more;
    /* What set_config() in a query sets; dm_rewrite_perform does it, before the query runs. */
    struct dm_setting_change {
        const char *name, *value;
        bool local;
    } * sets;
    size_t n_sets;
    struct dm_copy_options copy;
    const struct dm_redshift_stmt *external; /* EXTERNAL */
    /* Byte ranges of `sql` that are ours (reads of lake files), not the client's: positions in them mean nothing. */
    struct dm_splice {
        size_t from, to;
    } * splices;
    size_t n_splices;
};

struct dm_rewriter; /* the session's settings and its view of the external catalog */

/* Sets the connection's search path.  `c` must be outside a transaction. */
int dm_rewriter_open(struct dm_engine_conn *c, const char *database, const char *lake_dir,
                     struct dm_rewriter **ret, struct dm_err *reterr) dm_nodiscard;
void dm_rewriter_close(struct dm_rewriter *r);
/* Run once when a database is opened: hidden schema for Spectrum, pg_catalog views and macros. */
int dm_catalog_install(struct dm_engine_conn *c, const char *database,
                       struct dm_err *reterr) dm_nodiscard;

/* One statement (already split).  Errors have SQLSTATE and position in the client's text. */
int dm_rewrite(struct dm_rewriter *r, struct dm_arena *a, struct dm_str sql,
               struct dm_statement *ret, struct dm_err *reterr) dm_nodiscard;
/* At execution, before `sql` is run: what kinds EXTERNAL and SET do, and set_config().  Else nothing. */
int dm_rewrite_perform(struct dm_rewriter *r, struct dm_arena *a, const struct dm_statement *s,
                       struct dm_err *reterr) dm_nodiscard;
/* A transaction has ended: SET LOCAL is undone. */
void dm_rewrite_transaction_end(struct dm_rewriter *r);
/* Turns an engine error into PostgreSQL's: SQLSTATE, wording, position in the client's text. */
void dm_rewrite_error(const struct dm_statement *s, struct dm_str sql, struct dm_err *err);

/* A setting by its folded name ("datestyle"), or NULL; start-up parameters are set with it too. */
const char *dm_rewriter_setting(const struct dm_rewriter *r, const char *name);
int dm_rewriter_set(struct dm_rewriter *r, const char *name, const char *value,
                    struct dm_err *reterr) dm_nodiscard;

/* The declared types of a table's columns, in order, as format_type writes them ("character varying(10)"): the
   engine alone does not keep them.  `table` as in dm_copy_options.  limits: characters, 0 = none. */
struct dm_column_type {
    const char *name, *type;
    int64_t limit;
    bool not_null;
    const char *default_text; /* an expression, or NULL */
};
int dm_rewrite_columns(struct dm_rewriter *r, struct dm_arena *a, const char *table,
                       struct dm_column_type **ret, size_t *ret_n,
                       struct dm_err *reterr) dm_nodiscard;

#endif
