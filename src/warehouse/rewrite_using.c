/*
 * JOIN … USING and NATURAL JOIN of an integer and a character column: compared as text, like any other comparison of the
 * two (rewrite_types.c).  There is no expression to change, so one side is replaced by a SELECT of its columns in which
 * the joined one has the other's type.  The character column becomes an integer where that loses no row: only a text
 * that is exactly an integer's can find a partner.  Where its rows are kept without one, the integer becomes text.
 */
#include "warehouse/rewrite_internal.h"

struct side {
    PgQuery__Node **item;
    const char *const *names, *const *types;
    size_t n;
};

/* The columns of a FROM item; false where the engine cannot tell. */
static bool columns_of(struct dm_rewriting *w, const struct dm_scope *s, struct side *side)
{
    PgQuery__SelectStmt *q = dm_sqltree_select(w->arena);
    q->with_clause = s->with;
    q->from_clause = side->item;
    q->n_from_clause = 1;
    q->target_list = dm_arena_array(w->arena, PgQuery__Node *, 1);
    q->target_list[0] = dm_sqltree_target(w->arena, dm_sqltree_star(w->arena));
    q->n_target_list = 1;
    const char *text;
    return dm_rewriting_describe_text(
               w, dm_sqltree_wrap(w->arena, PG_QUERY__NODE__NODE_SELECT_STMT, q), &text) == 0 &&
           dm_engine_describe(w->session->conn, w->arena, text, &side->names, &side->types,
                              &side->n, NULL) == 0;
}

static const char *type_of(const struct side *side, const char *column)
{
    for (size_t i = 0; i < side->n; i++)
        if (strcasecmp(side->names[i], column) == 0)
            return side->types[i];
    return "";
}

static const char *alias_of(const PgQuery__Node *n)
{
    if (n->node_case == PG_QUERY__NODE__NODE_RANGE_VAR)
        return n->range_var->alias ? n->range_var->alias->aliasname : n->range_var->relname;
    if (n->node_case == PG_QUERY__NODE__NODE_RANGE_SUBSELECT && n->range_subselect->alias)
        return n->range_subselect->alias->aliasname;
    return NULL;
}

static void replace_column(struct dm_rewriting *w, struct side *side, const char *column,
                           PgQuery__Node *value)
{
    PgQuery__SelectStmt *q = dm_sqltree_select(w->arena);
    q->from_clause = dm_arena_array(w->arena, PgQuery__Node *, 1);
    q->from_clause[0] = *side->item;
    q->n_from_clause = 1;
    q->target_list = dm_arena_array(w->arena, PgQuery__Node *, side->n);
    q->n_target_list = side->n;
    for (size_t i = 0; i < side->n; i++) {
        bool joined = strcasecmp(side->names[i], column) == 0;
        q->target_list[i] = dm_sqltree_target(
            w->arena, joined ? value : dm_sqltree_column(w->arena, side->names[i]));
        q->target_list[i]->res_target->name = (char *)side->names[i];
    }
    *side->item = dm_sqltree_subselect(
        w->arena, dm_sqltree_wrap(w->arena, PG_QUERY__NODE__NODE_SELECT_STMT, q),
        alias_of(*side->item), NULL);
}

static void join_column(struct dm_rewriting *w, PgQuery__JoinType type, struct side *left,
                        struct side *right, const char *column)
{
    const char *l = type_of(left, column), *r = type_of(right, column);
    bool left_text = strcmp(l, "VARCHAR") == 0, right_text = strcmp(r, "VARCHAR") == 0;
    if (left_text == right_text || !dm_rewrite_is_integer_type(left_text ? r : l))
        return;
    struct side *text = left_text ? left : right, *integer = left_text ? right : left;
    bool lossless =
        type == PG_QUERY__JOIN_TYPE__JOIN_INNER ||
        type == (left_text ? PG_QUERY__JOIN_TYPE__JOIN_RIGHT : PG_QUERY__JOIN_TYPE__JOIN_LEFT);
    PgQuery__Node *c = dm_sqltree_column(w->arena, column);
    if (lossless && alias_of(*text->item))
        replace_column(w, text, column, dm_sqltree_call(w->arena, "text_integer", c, NULL, NULL));
    else if (alias_of(*integer->item))
        replace_column(w, integer, column, dm_sqltree_cast(w->arena, c, "varchar"));
}

static void join(struct dm_rewriting *w, const struct dm_scope *s, PgQuery__Node *n)
{
    if (n->node_case != PG_QUERY__NODE__NODE_JOIN_EXPR)
        return;
    PgQuery__JoinExpr *j = n->join_expr;
    join(w, s, j->larg);
    join(w, s, j->rarg);
    struct side left = {.item = &j->larg}, right = {.item = &j->rarg};
    if ((!j->n_using_clause && !j->is_natural) || !columns_of(w, s, &left) ||
        !columns_of(w, s, &right))
        return;
    for (size_t i = 0; i < j->n_using_clause; i++)
        join_column(w, j->jointype, &left, &right, dm_sqltree_name(j->using_clause[i]));
    for (size_t i = 0; j->is_natural && i < left.n; i++)
        join_column(w, j->jointype, &left, &right, left.names[i]);
}

void dm_rewrite_using(struct dm_rewriting *w, struct dm_scope *s)
{
    for (size_t i = 0; i < s->n_from; i++)
        join(w, s, s->from[i]);
}
