/*
 * Tables: what the engine does not keep of a column's type is kept as a constraint.
 *
 * The engine has one text type without a length.  varchar(n) becomes a column with CHECK (length(c) <= n), char(n) one
 * with CHECK (length(rtrim(c)) <= n), and varchar without a length one with n = the longest that PostgreSQL allows:
 * the limit is enforced on every way into the table, lives and dies with it in the same transaction, and
 * catalog.sql reads the declared type back from it.  text has no such constraint.
 */
#include "warehouse/rewrite_internal.h"

/* PostgreSQL's longest varchar; stands for "without a length". */
enum { VARCHAR_MAX_LENGTH = 10485760 };

static bool length_limit(const PgQuery__TypeName *t, bool *ret_char, int32_t *ret)
{
    const char *type = t->n_names ? dm_sqltree_name(t->names[t->n_names - 1]) : NULL;
    if (!type || t->n_array_bounds)
        return false;
    *ret_char = strcmp(type, "bpchar") == 0;
    if (!*ret_char && strcmp(type, "varchar") != 0)
        return false;
    *ret = *ret_char ? 1 : VARCHAR_MAX_LENGTH;
    if (t->n_typmods == 1 && t->typmods[0]->node_case == PG_QUERY__NODE__NODE_A_CONST &&
        t->typmods[0]->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL)
        *ret = t->typmods[0]->a_const->ival->ival;
    return true;
}

static PgQuery__Node *limit_check(struct dm_rewriting *w, const char *column, bool is_char,
                                  int32_t limit)
{
    PgQuery__Node *text = dm_sqltree_column(w->arena, column);
    if (is_char)
        text = dm_sqltree_call(w->arena, "rtrim", text, NULL, NULL);
    return dm_sqltree_check(
        w->arena,
        dm_sqltree_op(w->arena, "<=", dm_sqltree_call(w->arena, "length", text, NULL, NULL),
                      dm_sqltree_integer(w->arena, limit)));
}

void dm_rewrite_bare_numeric(struct dm_rewriting *w, PgQuery__TypeName *t)
{
    const char *type = t->n_names ? dm_sqltree_name(t->names[t->n_names - 1]) : NULL;
    if (!type || strcmp(type, "numeric") != 0 || t->n_typmods)
        return;
    t->typmods = dm_arena_array(w->arena, PgQuery__Node *, 2);
    t->typmods[0] = dm_sqltree_integer(w->arena, 38);
    t->typmods[1] = dm_sqltree_integer(w->arena, 10);
    t->n_typmods = 2;
}

static bool is_external_schema(struct dm_rewriting *w, const PgQuery__RangeVar *v)
{
    if (!v->schemaname || !v->schemaname[0] || !dm_spectrum_has_schema(w->view, v->schemaname))
        return false;
    dm_rewriting_error(w, DM_E_UNSUPPORTED, "42809", v->location,
                       "schema \"%s\" is an external schema", v->schemaname);
    dm_err_hint(w->err, "Use CREATE EXTERNAL TABLE there.");
    return true;
}

void dm_rewrite_create_table(struct dm_rewriting *w, PgQuery__CreateStmt *s)
{
    if (is_external_schema(w, s->relation))
        return;
    if (s->relation->schemaname && strcmp(s->relation->schemaname, "pg_temp") == 0) {
        s->relation->schemaname = (char *)"";
        s->relation->relpersistence = (char *)"t";
    }
    dm_rewrite_relation(w, s->relation, true);
    dm_rewrite_like(w, s);
    s->n_options = 0;
    s->tablespacename = s->access_method = (char *)"";
    size_t n = s->n_table_elts;
    PgQuery__Node **elements = dm_arena_array(w->arena, PgQuery__Node *, n * 2 + 1);
    size_t kept = n;
    memcpy(elements, s->table_elts, sizeof(*elements) * n);
    for (size_t i = 0; i < n; i++) {
        if (elements[i]->node_case != PG_QUERY__NODE__NODE_COLUMN_DEF)
            continue;
        PgQuery__ColumnDef *c = elements[i]->column_def;
        bool is_char;
        int32_t limit;
        if (c->type_name)
            dm_rewrite_bare_numeric(w, c->type_name);
        if (c->type_name && length_limit(c->type_name, &is_char, &limit))
            elements[kept++] = limit_check(w, c->colname, is_char, limit);
    }
    s->table_elts = elements;
    s->n_table_elts = kept;
}

void dm_rewrite_alter_table(struct dm_rewriting *w, PgQuery__AlterTableStmt *s)
{
    dm_rewrite_relation(w, s->relation, true);
}

/* The engine has one kind of index, and every index needs a name. */
void dm_rewrite_index(struct dm_rewriting *w, PgQuery__IndexStmt *s)
{
    dm_rewrite_relation(w, s->relation, true);
    s->access_method = s->table_space = (char *)"";
    s->concurrent = 0;
    if (s->idxname && s->idxname[0])
        return;
    const char *name = s->relation->relname;
    for (size_t i = 0; i < s->n_index_params; i++)
        if (s->index_params[i]->node_case == PG_QUERY__NODE__NODE_INDEX_ELEM) {
            const char *column = s->index_params[i]->index_elem->name;
            name = dm_arena_printf(w->arena, "%s_%s", name, column && column[0] ? column : "expr");
        }
    s->idxname = dm_arena_printf(w->arena, "%s_idx", name);
}
