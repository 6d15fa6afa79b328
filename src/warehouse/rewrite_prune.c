/*
 * Which partitions can have rows of the result: conditions of the form `column op literal` that every row of a query
 * level fulfils, from WHERE and from the ON clauses of joins that drop what does not match.
 *
 * The conditions stay in the statement: pruning only saves files.
 */
#include "warehouse/rewrite_internal.h"

enum { FILTERS_MAX = 64 };

/* A literal's text: 'x', 12, -3, '…'::date, DATE '…', CAST('…' AS date). */
static const char *literal_text(struct dm_rewriting *w, const PgQuery__Node *n)
{
    if (n->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) {
        const PgQuery__TypeName *t = n->type_cast->type_name;
        const char *type = t->n_names ? dm_sqltree_name(t->names[t->n_names - 1]) : NULL;
        /* Only casts that do not change the value. */
        if (!type || t->n_typmods || t->n_array_bounds ||
            (strcmp(type, "date") != 0 && strcmp(type, "text") != 0 &&
             strcmp(type, "varchar") != 0))
            return NULL;
        const char *text = dm_sqltree_literal(n->type_cast->arg);
        return text;
    }
    const char *text = dm_sqltree_literal(n);
    if (text)
        return text;
    if (n->node_case == PG_QUERY__NODE__NODE_A_CONST && !n->a_const->isnull &&
        n->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL)
        return dm_arena_printf(w->arena, "%d", n->a_const->ival->ival);
    if (n->node_case == PG_QUERY__NODE__NODE_A_EXPR && !n->a_expr->lexpr &&
        n->a_expr->n_name == 1 && strcmp(dm_sqltree_name(n->a_expr->name[0]), "-") == 0) {
        const char *digits = literal_text(w, n->a_expr->rexpr);
        return digits ? dm_arena_printf(w->arena, "-%s", digits) : NULL;
    }
    return NULL;
}

/* The external tables that a FROM item brings into view, as their marks. */
struct members {
    struct dm_rewriting *w;
    struct dm_rewrite_external *list[FILTERS_MAX];
    size_t n;
};

static void collect(struct members *m, const PgQuery__Node *item)
{
    if (item->node_case == PG_QUERY__NODE__NODE_RANGE_VAR) {
        struct dm_rewrite_external *e = dm_rewrite_marked(m->w, item->range_var->relname);
        if (e && m->n < FILTERS_MAX)
            m->list[m->n++] = e;
    } else if (item->node_case == PG_QUERY__NODE__NODE_JOIN_EXPR) {
        collect(m, item->join_expr->larg);
        collect(m, item->join_expr->rarg);
    }
}

/* The external table among the members that a column belongs to, where it is one of its partition columns. */
static struct dm_rewrite_external *owner(const struct members *m, const PgQuery__Node *n,
                                         const char **ret_column)
{
    if (n->node_case != PG_QUERY__NODE__NODE_COLUMN_REF)
        return NULL;
    const PgQuery__ColumnRef *c = n->column_ref;
    if (c->n_fields < 1 || c->n_fields > 2)
        return NULL;
    const char *column = dm_sqltree_name(c->fields[c->n_fields - 1]);
    const char *table = c->n_fields == 2 ? dm_sqltree_name(c->fields[0]) : NULL;
    if (!column || (c->n_fields == 2 && !table))
        return NULL;
    for (size_t i = 0; i < m->n; i++) {
        const struct dm_external_table *t = m->list[i]->table;
        if (table && strcmp(table, m->list[i]->alias) != 0)
            continue;
        for (size_t k = t->n_columns - t->n_partition_columns; k < t->n_columns; k++)
            if (strcasecmp(t->columns[k].name, column) == 0) {
                *ret_column = t->columns[k].name;
                return m->list[i];
            }
    }
    return NULL;
}

static void add_filter(struct dm_rewriting *w, struct dm_rewrite_external *e, const char *column,
                       enum dm_filter_op op, const char *const *values, size_t n)
{
    if (!e->filters)
        e->filters = dm_arena_array(w->arena, struct dm_partition_filter, FILTERS_MAX);
    if (e->n_filters < FILTERS_MAX)
        e->filters[e->n_filters++] = (struct dm_partition_filter){
            .column = column, .op = op, .values = values, .n_values = n};
}

static bool filter_op(const char *op, bool swapped, enum dm_filter_op *ret)
{
    static const struct {
        const char *op;
        enum dm_filter_op plain, swapped;
    } ops[] = {{"=", DM_FILTER_EQ, DM_FILTER_EQ},
               {"<", DM_FILTER_LT, DM_FILTER_GT},
               {"<=", DM_FILTER_LE, DM_FILTER_GE},
               {">", DM_FILTER_GT, DM_FILTER_LT},
               {">=", DM_FILTER_GE, DM_FILTER_LE}};
    for (size_t i = 0; op && i < sizeof(ops) / sizeof(ops[0]); i++)
        if (strcmp(op, ops[i].op) == 0) {
            *ret = swapped ? ops[i].swapped : ops[i].plain;
            return true;
        }
    return false;
}

static void list_condition(struct dm_rewriting *w, const struct members *m, const PgQuery__AExpr *e)
{
    const char *column;
    struct dm_rewrite_external *of = owner(m, e->lexpr, &column);
    if (!of || e->rexpr->node_case != PG_QUERY__NODE__NODE_LIST)
        return;
    const PgQuery__List *list = e->rexpr->list;
    const char **values = dm_arena_array(w->arena, const char *, list->n_items + 1);
    for (size_t i = 0; i < list->n_items; i++)
        if (!(values[i] = literal_text(w, list->items[i])))
            return;
    if (e->kind == PG_QUERY__A__EXPR__KIND__AEXPR_IN) {
        const char *op = e->n_name ? dm_sqltree_name(e->name[0]) : NULL;
        if (op && strcmp(op, "=") == 0)
            add_filter(w, of, column, DM_FILTER_IN, values, list->n_items);
    } else if (list->n_items == 2) { /* BETWEEN */
        add_filter(w, of, column, DM_FILTER_GE, values, 1);
        add_filter(w, of, column, DM_FILTER_LE, values + 1, 1);
    }
}

static void condition(struct dm_rewriting *w, const struct members *m, const PgQuery__Node *n)
{
    if (!n)
        return;
    if (n->node_case == PG_QUERY__NODE__NODE_BOOL_EXPR) {
        if (n->bool_expr->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR)
            for (size_t i = 0; i < n->bool_expr->n_args; i++)
                condition(w, m, n->bool_expr->args[i]);
        return;
    }
    if (n->node_case != PG_QUERY__NODE__NODE_A_EXPR)
        return;
    const PgQuery__AExpr *e = n->a_expr;
    if (!e->lexpr || !e->rexpr)
        return;
    if (e->kind == PG_QUERY__A__EXPR__KIND__AEXPR_IN ||
        e->kind == PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN) {
        list_condition(w, m, e);
        return;
    }
    if (e->kind != PG_QUERY__A__EXPR__KIND__AEXPR_OP || e->n_name != 1)
        return;
    const char *column;
    bool swapped = false;
    struct dm_rewrite_external *of = owner(m, e->lexpr, &column);
    const char *value = of ? literal_text(w, e->rexpr) : NULL;
    if (!of && (of = owner(m, e->rexpr, &column))) {
        swapped = true;
        value = literal_text(w, e->lexpr);
    }
    enum dm_filter_op op;
    if (of && value && filter_op(dm_sqltree_name(e->name[0]), swapped, &op)) {
        const char **values = dm_arena_array(w->arena, const char *, 1);
        values[0] = value;
        add_filter(w, of, column, op, values, 1);
    }
}

/* ON drops rows of both sides in an inner join, of the nullable side in a one-sided one, of none in a full one. */
static void joins(struct dm_rewriting *w, const PgQuery__Node *item)
{
    if (item->node_case != PG_QUERY__NODE__NODE_JOIN_EXPR)
        return;
    const PgQuery__JoinExpr *j = item->join_expr;
    joins(w, j->larg);
    joins(w, j->rarg);
    struct members m = {.w = w};
    if (j->jointype == PG_QUERY__JOIN_TYPE__JOIN_INNER ||
        j->jointype == PG_QUERY__JOIN_TYPE__JOIN_RIGHT)
        collect(&m, j->larg);
    if (j->jointype == PG_QUERY__JOIN_TYPE__JOIN_INNER ||
        j->jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT)
        collect(&m, j->rarg);
    condition(w, &m, j->quals);
}

void dm_rewrite_prune(struct dm_rewriting *w, struct dm_scope *s)
{
    if (w->n_externals == 0)
        return;
    struct members all = {.w = w};
    for (size_t i = 0; i < s->n_from; i++) {
        collect(&all, s->from[i]);
        joins(w, s->from[i]);
    }
    condition(w, &all, s->where);
}
