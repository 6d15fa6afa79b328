/*
 * An integer column compared with a character column compares as text, as on Redshift, trailing blanks being
 * insignificant; the engine alone would convert the text to a number and fail at the first one that is none.
 * Literals and parameters keep their normal binding.
 *
 * The types of both sides are asked of the engine: DESCRIBE of a SELECT of them over the level's own FROM clause, where
 * external tables have their columns but no rows.  A correlated level is asked with the outer FROM clauses beside its
 * own.  What the engine cannot bind is left to fail, with its own message, when the statement itself is bound.
 */
#include "warehouse/rewrite_internal.h"

struct pair {
    PgQuery__Node **left, **right;
    PgQuery__SubLink
        *in; /* x IN (SELECT …): `right` is then a value of the SELECT's type, to ask for it */
    PgQuery__Node *in_value;
    bool left_integer, left_text, right_integer, right_text;
};

static bool is_comparison(const PgQuery__AExpr *e)
{
    static const char *const ops[] = {"=", "<>", "<", ">", "<=", ">=", NULL};
    const char *op = e->n_name == 1 ? dm_sqltree_name(e->name[0]) : NULL;
    if (!op || (e->kind != PG_QUERY__A__EXPR__KIND__AEXPR_OP &&
                e->kind != PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT &&
                e->kind != PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT))
        return false;
    for (size_t i = 0; ops[i]; i++)
        if (strcmp(op, ops[i]) == 0)
            return e->lexpr && e->rexpr;
    return false;
}

static bool is_literal(const PgQuery__Node *n)
{
    while (n->node_case == PG_QUERY__NODE__NODE_TYPE_CAST)
        n = n->type_cast->arg;
    return n->node_case == PG_QUERY__NODE__NODE_A_CONST ||
           n->node_case == PG_QUERY__NODE__NODE_PARAM_REF;
}

/* Does the level read only PostgreSQL's catalog?  Its types are ours and fit already. */
static void look_for_tables(ProtobufCMessage *m, void *arg)
{
    bool *found = arg;
    if (dm_sqltree_is_range_var(m) && !dm_rewrite_is_catalog((PgQuery__RangeVar *)m))
        *found = true;
    if (!*found)
        dm_sqltree_children(m, look_for_tables, arg);
}

static bool reads_tables(const struct dm_scope *s)
{
    bool found = false;
    for (; s && !found; s = s->outer)
        for (size_t i = 0; i < s->n_from && !found; i++)
            look_for_tables((ProtobufCMessage *)s->from[i], &found);
    return found;
}

/* The WITH clauses of this level and those around it. */
static PgQuery__WithClause *all_ctes(struct dm_rewriting *w, const struct dm_scope *s)
{
    PgQuery__WithClause *all = NULL;
    for (; s; s = s->outer) {
        if (!s->with)
            continue;
        if (!all) {
            all = dm_arena_dup(w->arena, s->with, sizeof(*all));
            continue;
        }
        PgQuery__Node **ctes =
            dm_arena_array(w->arena, PgQuery__Node *, all->n_ctes + s->with->n_ctes);
        memcpy(ctes, s->with->ctes, sizeof(*ctes) * s->with->n_ctes);
        memcpy(ctes + s->with->n_ctes, all->ctes, sizeof(*ctes) * all->n_ctes);
        all->ctes = ctes;
        all->n_ctes += s->with->n_ctes;
        all->recursive |= s->with->recursive;
    }
    return all;
}

bool dm_rewrite_is_integer_type(const char *t)
{
    static const char *const names[] = {"TINYINT",  "SMALLINT",  "INTEGER",  "BIGINT",  "HUGEINT",
                                        "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", NULL};
    for (size_t i = 0; names[i]; i++)
        if (strcmp(t, names[i]) == 0)
            return true;
    return false;
}

/* The engine's names of the expressions' types in this level; false where it cannot bind them. */
static bool describe(struct dm_rewriting *w, const struct dm_scope *s, bool outer_too,
                     PgQuery__Node **exprs, size_t n, const char **ret_types)
{
    size_t n_from = s->n_from;
    for (const struct dm_scope *o = s->outer; outer_too && o; o = o->outer)
        n_from += o->n_from;
    PgQuery__Node **from = dm_arena_array(w->arena, PgQuery__Node *, n_from + 1);
    size_t at = 0;
    for (const struct dm_scope *o = s; o && at < n_from; o = o->outer)
        for (size_t i = 0; i < o->n_from; i++)
            from[at++] = o->from[i];

    PgQuery__SelectStmt *q = dm_sqltree_select(w->arena);
    q->with_clause = all_ctes(w, s);
    q->from_clause = from;
    q->n_from_clause = n_from;
    q->target_list = dm_arena_array(w->arena, PgQuery__Node *, n);
    for (size_t i = 0; i < n; i++)
        q->target_list[i] = dm_sqltree_target(w->arena, exprs[i]);
    q->n_target_list = n;
    const char *text;
    const char *const *names, *const *types;
    size_t n_types;
    if (dm_rewriting_describe_text(
            w, dm_sqltree_wrap(w->arena, PG_QUERY__NODE__NODE_SELECT_STMT, q), &text) < 0 ||
        dm_engine_describe(w->session->conn, w->arena, text, &names, &types, &n_types, NULL) < 0 ||
        n_types != n)
        return false;
    memcpy(ret_types, types, n * sizeof(*types));
    return true;
}

bool dm_rewrite_types(struct dm_rewriting *w, const struct dm_scope *s, PgQuery__Node **exprs,
                      size_t n, const char **ret_types)
{
    if (describe(w, s, false, exprs, n, ret_types))
        return true;
    /* One by one, so that an aggregate does not hide a column. */
    for (size_t i = 0; i < n; i++)
        if ((n == 1 || !describe(w, s, false, &exprs[i], 1, &ret_types[i])) &&
            (!s->outer || !describe(w, s, true, &exprs[i], 1, &ret_types[i])))
            return false;
    return true;
}

static bool find_types(struct dm_rewriting *w, const struct dm_scope *s, struct pair *pairs,
                       size_t n)
{
    PgQuery__Node **exprs = dm_arena_array(w->arena, PgQuery__Node *, n * 2);
    const char **types = dm_arena_array(w->arena, const char *, n * 2);
    for (size_t i = 0; i < n; i++) {
        exprs[i * 2] = *pairs[i].left;
        exprs[i * 2 + 1] = *pairs[i].right;
    }
    if (n > 1 ? !describe(w, s, false, exprs, n * 2, types)
              : !dm_rewrite_types(w, s, exprs, 2, types))
        return false;
    for (size_t i = 0; i < n; i++) {
        pairs[i].left_integer = dm_rewrite_is_integer_type(types[i * 2]);
        pairs[i].left_text = strcmp(types[i * 2], "VARCHAR") == 0;
        pairs[i].right_integer = dm_rewrite_is_integer_type(types[i * 2 + 1]);
        pairs[i].right_text = strcmp(types[i * 2 + 1], "VARCHAR") == 0;
    }
    return true;
}

static void as_text(struct dm_rewriting *w, PgQuery__Node **side)
{
    *side = dm_sqltree_cast(w->arena, *side, "varchar");
}

static void without_trailing_blanks(struct dm_rewriting *w, PgQuery__Node **side)
{
    *side = dm_sqltree_call(w->arena, "rtrim", *side, dm_sqltree_text(w->arena, " "), NULL);
}

/* x IN (SELECT f(c) FROM (SELECT …) AS s(c)). */
static void apply_in(struct dm_rewriting *w, struct pair *p)
{
    PgQuery__Node *value = dm_sqltree_column(w->arena, "c");
    if (p->left_integer && p->right_text) {
        as_text(w, p->left);
        without_trailing_blanks(w, &value);
    } else if (p->left_text && p->right_integer) {
        without_trailing_blanks(w, p->left);
        as_text(w, &value);
    } else {
        return;
    }
    PgQuery__SelectStmt *q = dm_sqltree_select(w->arena);
    q->target_list = dm_arena_array(w->arena, PgQuery__Node *, 1);
    q->target_list[0] = dm_sqltree_target(w->arena, value);
    q->n_target_list = 1;
    q->from_clause = dm_arena_array(w->arena, PgQuery__Node *, 1);
    q->from_clause[0] = dm_sqltree_subselect(w->arena, p->in->subselect, "s", "c");
    q->n_from_clause = 1;
    p->in->subselect = dm_sqltree_wrap(w->arena, PG_QUERY__NODE__NODE_SELECT_STMT, q);
}

static void apply(struct dm_rewriting *w, struct pair *p)
{
    if (p->in) {
        apply_in(w, p);
        return;
    }
    if (p->left_integer && p->right_text) {
        as_text(w, p->left);
        without_trailing_blanks(w, p->right);
    } else if (p->left_text && p->right_integer) {
        without_trailing_blanks(w, p->left);
        as_text(w, p->right);
    }
}

void dm_rewrite_comparisons(struct dm_rewriting *w, struct dm_scope *s)
{
    if (s->n_comparisons == 0 || s->n_from == 0 || !reads_tables(s))
        return;
    struct pair *pairs = dm_arena_array(w->arena, struct pair, s->n_comparisons);
    size_t n = 0;
    for (size_t i = 0; i < s->n_comparisons; i++) {
        PgQuery__Node *c = s->comparisons[i];
        if (c->node_case == PG_QUERY__NODE__NODE_SUB_LINK) {
            PgQuery__SubLink *l = c->sub_link;
            if (l->sub_link_type != PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK ||
                is_literal(l->testexpr) || l->testexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR)
                continue;
            struct pair *p = &pairs[n++];
            p->in = l;
            p->left = &l->testexpr;
            p->in_value = dm_sqltree_scalar(w->arena, l->subselect);
            p->right = &p->in_value;
            continue;
        }
        PgQuery__AExpr *e = c->a_expr;
        if (is_comparison(e) && !is_literal(e->lexpr) && !is_literal(e->rexpr))
            pairs[n++] = (struct pair){.left = &e->lexpr, .right = &e->rexpr};
    }
    if (n == 0)
        return;
    /* All at once where the engine can. */
    if (n == 1 || !find_types(w, s, pairs, n))
        for (size_t i = 0; i < n; i++)
            (void)find_types(w, s, &pairs[i], 1);
    for (size_t i = 0; i < n; i++)
        apply(w, &pairs[i]);
}
