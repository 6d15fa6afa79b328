/*
 * A table's definition as elements of CREATE TABLE: for (LIKE other), and for what ALTER TABLE asks that the engine can
 * only do by making the table anew.
 */
#include "warehouse/rewrite_internal.h"

/* Of TableLikeClause.options. */
enum { LIKE_CONSTRAINTS = 1 << 2, LIKE_DEFAULTS = 1 << 3, LIKE_INDEXES = 1 << 6 };

static int add_columns(struct dm_rewriting *w, const char *table, unsigned options,
                       struct dm_strbuf *sql)
{
    struct dm_column_type *columns;
    size_t n;
    DM_TRY(dm_rewrite_columns(w->session, w->arena, table, &columns, &n, w->err));
    for (size_t i = 0; i < n; i++) {
        dm_strbuf_adds(sql, i ? ", " : "");
        dm_strbuf_add_sql_ident(sql, dm_str_c(columns[i].name));
        dm_strbuf_addf(sql, " %s%s", columns[i].type, columns[i].not_null ? " NOT NULL" : "");
        if (columns[i].default_text && (options & LIKE_DEFAULTS))
            dm_strbuf_addf(sql, " DEFAULT %s", columns[i].default_text);
    }
    return n ? 0 : 1;
}

static int add_constraints(struct dm_rewriting *w, const PgQuery__RangeVar *v, unsigned options,
                           struct dm_strbuf *sql)
{
    _cleanup_strbuf_ struct dm_strbuf query;
    dm_strbuf_init(&query, DM_BUF_MESSAGE);
    dm_strbuf_adds(&query,
                   "SELECT condef FROM " DM_HIDDEN_SCHEMA ".pg_constraint WHERE contype IN (''");
    dm_strbuf_adds(&query, options & LIKE_CONSTRAINTS ? ", 'c'" : "");
    dm_strbuf_adds(&query, options & LIKE_INDEXES ? ", 'p', 'u'" : "");
    dm_strbuf_adds(&query, ") AND conrelid = " DM_HIDDEN_SCHEMA ".regclass_oid(");
    struct dm_strbuf name;
    dm_strbuf_init(&name, DM_BUF_MESSAGE);
    if (v->schemaname[0])
        dm_strbuf_addf(&name, "%s.", v->schemaname);
    dm_strbuf_adds(&name, v->relname);
    dm_strbuf_add_sql_literal(&query, dm_strbuf_str(&name));
    dm_strbuf_release(&name);
    dm_strbuf_adds(&query, ") ORDER BY oid");
    struct dm_engine_rows rows;
    DM_TRY(dm_engine_query(w->session->conn, w->arena, query.p, &rows, w->err));
    for (size_t i = 0; i < rows.n_rows; i++)
        dm_strbuf_addf(sql, ", %s", rows.rows[i][0]);
    return 0;
}

static int elements(struct dm_rewriting *w, const PgQuery__RangeVar *v, unsigned options,
                    PgQuery__Node ***ret, size_t *ret_n)
{
    _cleanup_strbuf_ struct dm_strbuf sql;
    dm_strbuf_init(&sql, DM_BUF_TEXT);
    dm_strbuf_adds(&sql, "CREATE TABLE x (");
    int rc = add_columns(w, dm_rewrite_table_name(w, v), options, &sql);
    if (rc > 0)
        return dm_rewriting_error(w, DM_E_UNDEFINED, "42P01", v->location,
                                  "relation \"%s%s%s\" does not exist", v->schemaname,
                                  v->schemaname[0] ? "." : "", v->relname);
    DM_TRY(rc);
    if (options & (LIKE_CONSTRAINTS | LIKE_INDEXES))
        DM_TRY(add_constraints(w, v, options, &sql));
    dm_strbuf_addc(&sql, ')');
    DM_TRY(dm_strbuf_check(&sql, "the definition of the other table", w->err));
    PgQuery__Node *stmt;
    DM_TRY(dm_sqltree_parse(w->arena, dm_strbuf_str(&sql), &stmt, w->err));
    *ret = stmt->create_stmt->table_elts;
    *ret_n = stmt->create_stmt->n_table_elts;
    return 0;
}

void dm_rewrite_like(struct dm_rewriting *w, PgQuery__CreateStmt *s)
{
    for (size_t i = 0; i < s->n_table_elts; i++) {
        if (s->table_elts[i]->node_case != PG_QUERY__NODE__NODE_TABLE_LIKE_CLAUSE)
            continue;
        const PgQuery__TableLikeClause *like = s->table_elts[i]->table_like_clause;
        PgQuery__Node **found = NULL;
        size_t n = 0;
        int rc = elements(w, like->relation, like->options, &found, &n);
        if (rc < 0) {
            dm_rewriting_fail(w, rc, -1);
            return;
        }
        PgQuery__Node **all = dm_arena_array(w->arena, PgQuery__Node *, s->n_table_elts + n);
        memcpy(all, s->table_elts, i * sizeof(*all));
        memcpy(all + i, found, n * sizeof(*all));
        memcpy(all + i + n, s->table_elts + i + 1, (s->n_table_elts - i - 1) * sizeof(*all));
        s->table_elts = all;
        s->n_table_elts += n - 1;
        i += n - 1;
    }
}
