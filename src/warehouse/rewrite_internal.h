/*
 * What the files of the rewriter share: the session's part and one statement's part.  Only for rewrite*.c.
 *
 *   rewrite.c          driver: our statements, PostgreSQL's, the engine's; text and splices
 *   rewrite_tree.c     the walk over the tree, scopes
 *   rewrite_names.c    relations, columns, names of output columns
 *   rewrite_expr.c     operators, casts, functions
 *   rewrite_types.c    integer = varchar
 *   rewrite_using.c    integer = varchar in JOIN … USING
 *   rewrite_dates.c    dates as month/day/year
 *   rewrite_divide.c   division by zero, quotients of numerics
 *   rewrite_prune.c    conditions on partition columns
 *   rewrite_statement.c  SELECT INTO, VALUES, statements about several objects
 *   rewrite_table.c    CREATE TABLE, ALTER TABLE, CREATE INDEX
 *   rewrite_like.c     CREATE TABLE (LIKE …)
 *   rewrite_session.c  SET, SHOW, RESET, DISCARD, transactions
 *   rewrite_copy.c     COPY
 *   rewrite_error.c    the engine's errors as PostgreSQL's
 */
#ifndef DM_REWRITE_INTERNAL_H
#define DM_REWRITE_INTERNAL_H

#include "warehouse/rewrite.h"
#include "warehouse/spectrum.h"
#include "warehouse/sqltree.h"

/* Marks names that stand for reads of external tables while the statement is a tree.  No client's text may have it. */
#define DM_MARK '\001'

enum { DM_SETTINGS_MAX = 256 };

struct dm_setting {
    char *name, *value;
    char *before; /* SET LOCAL: what comes back at the transaction's end; NULL = nothing to undo */
    bool local;
};

struct dm_rewriter {
    struct dm_engine_conn *conn;
    char *database, *lake_dir;
    struct dm_spectrum *spectrum;
    struct dm_setting settings[DM_SETTINGS_MAX];
    size_t n_settings;
};

/* A reference to an external table in the statement. */
struct dm_rewrite_external {
    const struct dm_external_table *table;
    const char *alias;
    struct dm_partition_filter *filters;
    size_t n_filters;
};

/* One statement. */
struct dm_rewriting {
    struct dm_rewriter *session;
    struct dm_arena *arena;
    struct dm_str sql;
    struct dm_spectrum_view *view;
    struct dm_rewrite_external *externals;
    size_t n_externals, cap_externals;
    bool file_columns;              /* "$path" or "$size" is named */
    struct dm_setting_change *sets; /* calls of set_config */
    size_t n_sets;
    int rc; /* the first failure, 0 before */
    struct dm_err *err;
};

/* A query level: what names in it can mean. */
struct dm_scope {
    const struct dm_scope *outer;
    PgQuery__Node **from; /* FROM items, and the changed table of UPDATE, DELETE, MERGE */
    size_t n_from;
    PgQuery__Node *where; /* or NULL */
    PgQuery__WithClause *with;
    PgQuery__Node **
        comparisons; /* A_Expr and SubLink nodes of this level (ON and WHERE and everywhere else) */
    size_t n_comparisons, cap_comparisons;
};

/* Records the first failure; returns rc. */
int dm_rewriting_fail(struct dm_rewriting *w, int rc, int location);
/* Error at a location of the client's text: sets SQLSTATE where it is not NULL. */
int dm_rewriting_error(struct dm_rewriting *w, int code, const char *sqlstate, int location,
                       const char *fmt, ...) dm_printf(5, 6);

/* rewrite_tree.c */
void dm_rewrite_tree(struct dm_rewriting *w, PgQuery__Node *stmt);
/* Calls fn for every query level, inner ones first. */
void dm_rewrite_scopes(struct dm_rewriting *w, PgQuery__Node *stmt,
                       void (*fn)(struct dm_rewriting *w, struct dm_scope *s));

/* rewrite_names.c */
void dm_rewrite_output_names(struct dm_rewriting *w, PgQuery__Node **targets, size_t n);
void dm_rewrite_relation(struct dm_rewriting *w, PgQuery__RangeVar *v, bool target);
void dm_rewrite_column(struct dm_rewriting *w, PgQuery__ColumnRef *c);
void dm_rewrite_range_function(struct dm_rewriting *w, PgQuery__RangeFunction *f);
/* "database"."schema"."table", or "table" where no schema is given. */
const char *dm_rewrite_table_name(struct dm_rewriting *w, const PgQuery__RangeVar *v);
/* The external that a marked name stands for, or NULL. */
struct dm_rewrite_external *dm_rewrite_marked(const struct dm_rewriting *w, const char *name);
/* Is this relation one of ours for PostgreSQL's catalog? */
bool dm_rewrite_is_catalog(const PgQuery__RangeVar *v);

/* rewrite_expr.c */
void dm_rewrite_expression(struct dm_rewriting *w, PgQuery__Node *n);

/* rewrite_types.c */
void dm_rewrite_comparisons(struct dm_rewriting *w, struct dm_scope *s);
/* The engine's names ("DECIMAL(8,3)") of the types that expressions of a level have; false where it cannot tell. */
bool dm_rewrite_types(struct dm_rewriting *w, const struct dm_scope *s, PgQuery__Node **exprs,
                      size_t n, const char **ret_types);
bool dm_rewrite_is_integer_type(const char *type);
/* rewrite_using.c */
void dm_rewrite_using(struct dm_rewriting *w, struct dm_scope *s);
/* rewrite_divide.c */
void dm_rewrite_divisions(struct dm_rewriting *w, struct dm_scope *s);
/* rewrite_dates.c: "12/1/2010 8:26" as ISO, NULL where it is no such date; */
const char *dm_rewrite_mdy(struct dm_arena *a, const char *text);
void dm_rewrite_compared_dates(struct dm_rewriting *w, struct dm_scope *s);
void dm_rewrite_inserted_dates(struct dm_rewriting *w, PgQuery__InsertStmt *s);
void dm_rewrite_updated_dates(struct dm_rewriting *w, PgQuery__UpdateStmt *s);
/* rewrite_prune.c */
void dm_rewrite_prune(struct dm_rewriting *w, struct dm_scope *s);

/* rewrite_table.c */
void dm_rewrite_create_table(struct dm_rewriting *w, PgQuery__CreateStmt *s);
void dm_rewrite_alter_table(struct dm_rewriting *w, PgQuery__AlterTableStmt *s);
void dm_rewrite_index(struct dm_rewriting *w, PgQuery__IndexStmt *s);
/* numeric without modifiers: PostgreSQL's keeps any number of digits, the engine's DECIMAL three decimals.  It becomes
   the widest there is room for; catalog.sql shows that one as numeric. */
void dm_rewrite_bare_numeric(struct dm_rewriting *w, PgQuery__TypeName *t);

/* rewrite_statement.c: the statement in the engine's form, before anything else is changed; */
PgQuery__Node *dm_rewrite_statement(struct dm_rewriting *w, PgQuery__Node *stmt);
/* the names of VALUES as a FROM item or a WITH query; */
void dm_rewrite_values(struct dm_rewriting *w, PgQuery__Node *n);
/* and of a statement about several objects, the part about the one at `i`. */
size_t dm_rewrite_parts(const PgQuery__Node *stmt);
PgQuery__Node *dm_rewrite_part(struct dm_rewriting *w, PgQuery__Node *stmt, size_t i);

/* rewrite_like.c: (LIKE other) becomes the other table's columns and constraints. */
void dm_rewrite_like(struct dm_rewriting *w, PgQuery__CreateStmt *s);

/* rewrite_session.c: fill `ret` for statements that are the session's own; kind QUERY stays where it is not one. */
int dm_rewrite_session(struct dm_rewriting *w, PgQuery__Node *stmt,
                       struct dm_statement *ret) dm_nodiscard;
int dm_rewriter_change(struct dm_rewriter *r, const struct dm_setting_change *c,
                       struct dm_err *reterr) dm_nodiscard;
void dm_rewriter_settings_init(struct dm_rewriter *r);
void dm_rewriter_settings_release(struct dm_rewriter *r);
/* Tells the engine what it must know of the initial settings. */
int dm_rewriter_settings_begin(struct dm_rewriter *r, struct dm_err *reterr) dm_nodiscard;
int dm_rewrite_perform_set(struct dm_rewriter *r, struct dm_arena *a, const struct dm_statement *s,
                           struct dm_err *reterr) dm_nodiscard;

/* rewrite_copy.c */
int dm_rewrite_copy(struct dm_rewriting *w, PgQuery__CopyStmt *s,
                    struct dm_statement *ret) dm_nodiscard;

/* rewrite.c: the rest of the way from a tree to the engine's text. */
int dm_rewriting_finish(struct dm_rewriting *w, PgQuery__Node *stmt,
                        struct dm_statement *ret) dm_nodiscard;
/* Text of a tree in which external tables have no rows: for questions about types. */
int dm_rewriting_describe_text(struct dm_rewriting *w, PgQuery__Node *stmt,
                               const char **ret) dm_nodiscard;

#endif
