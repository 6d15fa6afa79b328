/*
 * Division as in PostgreSQL: by zero it is an error, and a quotient of numerics is a numeric.  The engine alone gives
 * NULL, and a double.
 *
 * A divisor is wrapped in a macro that fails at zero; where the engine says that a side is a DECIMAL and none is a
 * double, the whole division becomes a macro (catalog.sql) whose result has QUOTIENT_SCALE decimals.
 */
#include "warehouse/rewrite_internal.h"

enum { QUOTIENT_SCALE = 16, DECIMAL_DIGITS = 38 };

static char division_operator(const PgQuery__Node *n)
{
    if (n->node_case != PG_QUERY__NODE__NODE_A_EXPR)
        return 0;
    const PgQuery__AExpr *e = n->a_expr;
    const char *op = e->n_name == 1 && e->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP && e->lexpr
                         ? dm_sqltree_name(e->name[0])
                         : NULL;
    return op && (op[0] == '/' || op[0] == '%') && !op[1] ? op[0] : 0;
}

static bool is_integer(const PgQuery__Node *n)
{
    return n->node_case == PG_QUERY__NODE__NODE_A_CONST &&
           n->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL;
}

/* A number that is seen not to be zero. */
static bool is_nonzero_literal(const PgQuery__Node *n)
{
    double v;
    if (n->node_case != PG_QUERY__NODE__NODE_A_CONST)
        return false;
    if (n->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL)
        return n->a_const->ival->ival != 0;
    return n->a_const->val_case == PG_QUERY__A__CONST__VAL_FVAL &&
           dm_str_to_f64(dm_str_c(n->a_const->fval->fval), &v) && v != 0;
}

static void look_for_query(ProtobufCMessage *m, void *arg)
{
    bool *found = arg;
    *found |= dm_sqltree_is_select(m);
    if (!*found)
        dm_sqltree_children(m, look_for_query, arg);
}

static bool has_query(PgQuery__Node *n)
{
    bool found = false;
    look_for_query((ProtobufCMessage *)n, &found);
    return found;
}

/* "DECIMAL(8,3)"; an integer has no decimals.  False for every other type. */
static bool exact_scale(const char *type, int *ret, bool *ret_decimal)
{
    int width;
    *ret_decimal = sscanf(type, "DECIMAL(%2d,%2d)", &width, ret) == 2;
    if (!*ret_decimal)
        *ret = 0;
    return *ret_decimal || dm_rewrite_is_integer_type(type);
}

static bool is_numeric_division(struct dm_rewriting *w, const struct dm_scope *s,
                                const PgQuery__AExpr *e, int *ret_scale)
{
    PgQuery__Node *sides[] = {e->lexpr, e->rexpr};
    const char *types[2];
    bool left, right;
    int ignored;
    if (is_integer(e->lexpr) && is_integer(e->rexpr))
        return false;
    return dm_rewrite_types(w, s, sides, 2, types) && exact_scale(types[0], &ignored, &left) &&
           exact_scale(types[1], ret_scale, &right) && (left || right);
}

static void divide(struct dm_rewriting *w, const struct dm_scope *s, PgQuery__Node *n)
{
    PgQuery__AExpr *e = n->a_expr;
    int scale;
    if (division_operator(n) == '/' && is_numeric_division(w, s, e, &scale)) {
        /* Below 10^digits the quotient times the divisor fits, so that its error can be found and mended. */
        int digits = DECIMAL_DIGITS - QUOTIENT_SCALE - scale - 1;
        bool plain = digits < 1 || has_query(e->lexpr) || has_query(e->rexpr);
        PgQuery__Node *call =
            dm_sqltree_call(w->arena, plain ? "rounded_quotient" : "numeric_quotient", e->lexpr,
                            e->rexpr, plain ? NULL : dm_sqltree_integer(w->arena, digits));
        n->node_case = call->node_case;
        n->func_call = call->func_call;
    } else if (!is_nonzero_literal(e->rexpr) &&
               e->rexpr->node_case != PG_QUERY__NODE__NODE_PARAM_REF) {
        /* A bare parameter stays one: the engine finds its type by the other side. */
        e->rexpr = dm_sqltree_call(w->arena, "divisor", e->rexpr, NULL, NULL);
    }
}

void dm_rewrite_divisions(struct dm_rewriting *w, struct dm_scope *s)
{
    /* Outer expressions come first in the list: what they divide is known when the inner ones are done. */
    for (size_t i = s->n_comparisons; i-- > 0;)
        if (division_operator(s->comparisons[i]))
            divide(w, s, s->comparisons[i]);
}
