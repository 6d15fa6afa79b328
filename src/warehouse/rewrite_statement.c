/*
 * Statements that the engine takes in another form: SELECT INTO as CREATE TABLE AS, the names that PostgreSQL gives the
 * columns of VALUES, and one statement per object where PostgreSQL takes several at once.
 */
#include "warehouse/rewrite_internal.h"

static bool is_values(const PgQuery__Node *n)
{
    return n && n->node_case == PG_QUERY__NODE__NODE_SELECT_STMT && n->select_stmt->n_values_lists;
}

/* column1, column2 … after the names that are given. */
static void name_values(struct dm_rewriting *w, const PgQuery__SelectStmt *values,
                        PgQuery__Node ***names, size_t *n)
{
    size_t width = values->values_lists[0]->list->n_items;
    if (*n >= width)
        return;
    PgQuery__Node **all = dm_arena_array(w->arena, PgQuery__Node *, width);
    for (size_t i = 0; i < width; i++)
        all[i] = i < *n
                     ? (*names)[i]
                     : dm_sqltree_string(w->arena, dm_arena_printf(w->arena, "column%zu", i + 1));
    *names = all;
    *n = width;
}

void dm_rewrite_values(struct dm_rewriting *w, PgQuery__Node *n)
{
    if (n->node_case == PG_QUERY__NODE__NODE_RANGE_SUBSELECT &&
        is_values(n->range_subselect->subquery)) {
        PgQuery__RangeSubselect *s = n->range_subselect;
        if (!s->alias)
            s->alias = dm_sqltree_alias(w->arena, "*VALUES*");
        name_values(w, s->subquery->select_stmt, &s->alias->colnames, &s->alias->n_colnames);
    } else if (n->node_case == PG_QUERY__NODE__NODE_COMMON_TABLE_EXPR &&
               is_values(n->common_table_expr->ctequery)) {
        PgQuery__CommonTableExpr *c = n->common_table_expr;
        name_values(w, c->ctequery->select_stmt, &c->aliascolnames, &c->n_aliascolnames);
    }
}

/* VALUES … ORDER BY … as a statement of its own: SELECT * FROM (VALUES …) ORDER BY … */
static PgQuery__Node *select_values(struct dm_rewriting *w, PgQuery__Node *n)
{
    if (!is_values(n))
        return n;
    PgQuery__SelectStmt *values = n->select_stmt, *q = dm_sqltree_select(w->arena);
    q->target_list = dm_arena_array(w->arena, PgQuery__Node *, 1);
    q->target_list[0] = dm_sqltree_target(w->arena, dm_sqltree_star(w->arena));
    q->n_target_list = 1;
    q->sort_clause = values->sort_clause;
    q->n_sort_clause = values->n_sort_clause;
    q->limit_count = values->limit_count;
    q->limit_offset = values->limit_offset;
    q->limit_option = values->limit_option;
    q->with_clause = values->with_clause;
    values->n_sort_clause = 0;
    values->limit_count = values->limit_offset = NULL;
    values->with_clause = NULL;
    q->from_clause = dm_arena_array(w->arena, PgQuery__Node *, 1);
    q->from_clause[0] = dm_sqltree_subselect(w->arena, n, "*VALUES*", NULL);
    q->n_from_clause = 1;
    return dm_sqltree_wrap(w->arena, PG_QUERY__NODE__NODE_SELECT_STMT, q);
}

PgQuery__Node *dm_rewrite_statement(struct dm_rewriting *w, PgQuery__Node *stmt)
{
    switch (stmt->node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
        if (stmt->select_stmt->into_clause) {
            PgQuery__IntoClause *into = stmt->select_stmt->into_clause;
            stmt->select_stmt->into_clause = NULL;
            return dm_sqltree_create_as(w->arena, into, stmt);
        }
        return select_values(w, stmt);
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
        stmt->create_table_as_stmt->query = select_values(w, stmt->create_table_as_stmt->query);
        return stmt;
    case PG_QUERY__NODE__NODE_VIEW_STMT:
        stmt->view_stmt->query = select_values(w, stmt->view_stmt->query);
        return stmt;
    case PG_QUERY__NODE__NODE_TRUNCATE_STMT: /* the engine has nothing that these would touch */
        stmt->truncate_stmt->restart_seqs = 0;
        stmt->truncate_stmt->behavior = PG_QUERY__DROP_BEHAVIOR__DROP_RESTRICT;
        return stmt;
    default:
        return stmt;
    }
}

size_t dm_rewrite_parts(const PgQuery__Node *stmt)
{
    switch (stmt->node_case) {
    case PG_QUERY__NODE__NODE_DROP_STMT:
        return stmt->drop_stmt->n_objects;
    case PG_QUERY__NODE__NODE_TRUNCATE_STMT:
        return stmt->truncate_stmt->n_relations;
    case PG_QUERY__NODE__NODE_ALTER_TABLE_STMT:
        return stmt->alter_table_stmt->n_cmds;
    default:
        return 1;
    }
}

static void one_of(PgQuery__Node ***list, size_t *n, size_t i)
{
    *list += i;
    *n = 1;
}

PgQuery__Node *dm_rewrite_part(struct dm_rewriting *w, PgQuery__Node *stmt, size_t i)
{
    PgQuery__Node *n = dm_sqltree_copy(w->arena, stmt);
    switch (stmt->node_case) {
    case PG_QUERY__NODE__NODE_DROP_STMT:
        n->drop_stmt = dm_arena_dup(w->arena, stmt->drop_stmt, sizeof(*stmt->drop_stmt));
        one_of(&n->drop_stmt->objects, &n->drop_stmt->n_objects, i);
        break;
    case PG_QUERY__NODE__NODE_TRUNCATE_STMT:
        n->truncate_stmt =
            dm_arena_dup(w->arena, stmt->truncate_stmt, sizeof(*stmt->truncate_stmt));
        one_of(&n->truncate_stmt->relations, &n->truncate_stmt->n_relations, i);
        break;
    case PG_QUERY__NODE__NODE_ALTER_TABLE_STMT:
        n->alter_table_stmt =
            dm_arena_dup(w->arena, stmt->alter_table_stmt, sizeof(*stmt->alter_table_stmt));
        one_of(&n->alter_table_stmt->cmds, &n->alter_table_stmt->n_cmds, i);
        break;
    default:
        break;
    }
    return n;
}
