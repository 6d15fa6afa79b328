/*
 * PostgreSQL's own parser as a tree to read and change: libpg_query, opened at first use.
 *
 * A parsed tree lies in the caller's arena, so that nodes can be shared, replaced and forgotten.  libpg_query wraps
 * most children in a `PgQuery__Node` (a kind and a pointer): a node is replaced by overwriting that wrapper.
 * Locations are byte offsets into the parsed text.
 */
#ifndef DM_SQLTREE_H
#define DM_SQLTREE_H

#include <pg_query/pg_query.pb-c.h>

#include "base/str.h"

/* Parses a text of one statement.  DM_E_SYNTAX with PostgreSQL's message and position (in characters). */
int dm_sqltree_parse(struct dm_arena *a, struct dm_str sql, PgQuery__Node **ret_stmt,
                     struct dm_err *reterr) dm_nodiscard;
/* The tree as SQL again, every name in quotes: the engine's keywords are not PostgreSQL's. */
int dm_sqltree_print(struct dm_arena *a, PgQuery__Node *stmt, struct dm_str *ret,
                     struct dm_err *reterr) dm_nodiscard;

/* Calls fn for each child message of `m` (wrappers are passed as PgQuery__Node messages, see dm_sqltree_is_node). */
typedef void dm_sqltree_visit(ProtobufCMessage *child, void *arg);
void dm_sqltree_children(ProtobufCMessage *m, dm_sqltree_visit *fn, void *arg);
/* The wrapper that this message is, or NULL where it is another message. */
PgQuery__Node *dm_sqltree_node(ProtobufCMessage *m);
/* The message inside a wrapper, or NULL. */
ProtobufCMessage *dm_sqltree_inner(PgQuery__Node *n);
bool dm_sqltree_is_select(const ProtobufCMessage *m);
bool dm_sqltree_is_range_var(const ProtobufCMessage *m);

/* New nodes.  Strings are not copied. */
PgQuery__Node *dm_sqltree_wrap(struct dm_arena *a, PgQuery__Node__NodeCase kind, void *message);
PgQuery__Node *dm_sqltree_copy(struct dm_arena *a, const PgQuery__Node *n); /* the wrapper only */
PgQuery__Node *dm_sqltree_string(struct dm_arena *a, const char *s);        /* a name */
PgQuery__Node *dm_sqltree_text(struct dm_arena *a, const char *s);          /* 'a literal' */
PgQuery__Node *dm_sqltree_null(struct dm_arena *a);
PgQuery__Node *dm_sqltree_integer(struct dm_arena *a, int32_t v);
PgQuery__Node *dm_sqltree_call(struct dm_arena *a, const char *function, PgQuery__Node *arg1,
                               PgQuery__Node *arg2,
                               PgQuery__Node *arg3); /* NULL arguments are left out */
/* `type`: varchar, bool, int4, … (names that PostgreSQL's grammar prints by a word of its own). */
PgQuery__Node *dm_sqltree_cast(struct dm_arena *a, PgQuery__Node *arg, const char *type);
PgQuery__Node *dm_sqltree_column(struct dm_arena *a, const char *name);
PgQuery__Node *dm_sqltree_star(struct dm_arena *a);
PgQuery__Node *dm_sqltree_target(struct dm_arena *a, PgQuery__Node *value);
PgQuery__Node *dm_sqltree_op(struct dm_arena *a, const char *op, PgQuery__Node *left,
                             PgQuery__Node *right);
PgQuery__Node *dm_sqltree_coalesce(struct dm_arena *a, PgQuery__Node **args, size_t n);
/* (SELECT …) as a value. */
PgQuery__Node *dm_sqltree_scalar(struct dm_arena *a, PgQuery__Node *select);
/* (SELECT …) AS alias(column) as a FROM item; `column` NULL = its own names. */
PgQuery__Node *dm_sqltree_subselect(struct dm_arena *a, PgQuery__Node *select, const char *alias,
                                    const char *column);
PgQuery__SelectStmt *dm_sqltree_select(struct dm_arena *a);
PgQuery__RangeVar *dm_sqltree_range_var(struct dm_arena *a, const char *schema, const char *name);
PgQuery__Alias *dm_sqltree_alias(struct dm_arena *a, const char *name);
/* CREATE TABLE … AS query. */
PgQuery__Node *dm_sqltree_create_as(struct dm_arena *a, PgQuery__IntoClause *into,
                                    PgQuery__Node *query);
PgQuery__Node *dm_sqltree_list(struct dm_arena *a, PgQuery__Node **items, size_t n);
PgQuery__Node *dm_sqltree_array(struct dm_arena *a, PgQuery__Node **elements, size_t n);
/* CHECK (expr). */
PgQuery__Node *dm_sqltree_check(struct dm_arena *a, PgQuery__Node *expr);

/* The text of a String node, or NULL for other nodes. */
const char *dm_sqltree_name(const PgQuery__Node *n);
/* The text of a 'literal' constant, or NULL. */
const char *dm_sqltree_literal(const PgQuery__Node *n);

#endif
