/*
 * Dates as text in PostgreSQL's DateStyle "ISO, MDY": the engine reads ISO alone, so a literal like '12/1/2010 8:26'
 * becomes '2010-12-01 08:26' where a date or timestamp is wanted: in a cast, beside one in a comparison, in a column
 * that is inserted or updated.  Types are asked for only where a statement has such a literal.
 */
#include "warehouse/rewrite_internal.h"

const char *dm_rewrite_mdy(struct dm_arena *a, const char *text)
{
    int month, day, year, used = 0;
    /* Bounded fields, so nothing overflows. */
    if (sscanf(text, "%2d/%2d/%4d%n", &month, &day, &year, &used) != 3 || !used || year < 1000)
        return NULL;
    const char *rest = text + used;
    int hour = 0, minute = 0, more = 0;
    if (!*rest)
        return dm_arena_printf(a, "%04d-%02d-%02d", year, month, day);
    if (sscanf(rest, " %2d:%2d%n", &hour, &minute, &more) != 2 || !more)
        return NULL;
    return dm_arena_printf(a, "%04d-%02d-%02d %02d:%02d%s", year, month, day, hour, minute,
                           rest + more);
}

static const char *as_iso(struct dm_rewriting *w, const PgQuery__Node *n)
{
    const char *literal = dm_sqltree_literal(n);
    return literal && strchr(literal, '/') ? dm_rewrite_mdy(w->arena, literal) : NULL;
}

static void convert(struct dm_rewriting *w, PgQuery__Node **n)
{
    const char *iso = as_iso(w, *n);
    if (iso)
        *n = dm_sqltree_text(w->arena, iso);
}

static bool is_date(const char *type)
{
    return dm_str_starts(dm_str_c(type), DM_STR("DATE")) ||
           dm_str_starts(dm_str_c(type), DM_STR("TIMESTAMP")) ||
           dm_str_starts(dm_str_c(type), DM_STR("date")) ||
           dm_str_starts(dm_str_c(type), DM_STR("timestamp"));
}

/* ---- comparisons */

static bool is_list(const PgQuery__Node *n)
{
    return n->node_case == PG_QUERY__NODE__NODE_LIST;
}

static bool has_iso(struct dm_rewriting *w, const PgQuery__Node *n)
{
    if (!is_list(n))
        return as_iso(w, n) != NULL;
    for (size_t i = 0; i < n->list->n_items; i++)
        if (as_iso(w, n->list->items[i]))
            return true;
    return false;
}

void dm_rewrite_compared_dates(struct dm_rewriting *w, struct dm_scope *s)
{
    for (size_t i = 0; i < s->n_comparisons; i++) {
        if (s->comparisons[i]->node_case != PG_QUERY__NODE__NODE_A_EXPR)
            continue;
        PgQuery__AExpr *e = s->comparisons[i]->a_expr;
        if (!e->lexpr || !e->rexpr)
            continue;
        bool right = has_iso(w, e->rexpr), left = !right && has_iso(w, e->lexpr);
        const char *type;
        if ((!right && !left) || is_list(e->lexpr) || (left && is_list(e->rexpr)) ||
            !dm_rewrite_types(w, s, right ? &e->lexpr : &e->rexpr, 1, &type) || !is_date(type))
            continue;
        if (left)
            convert(w, &e->lexpr);
        else if (!is_list(e->rexpr))
            convert(w, &e->rexpr);
        else
            for (size_t k = 0; k < e->rexpr->list->n_items; k++)
                convert(w, &e->rexpr->list->items[k]);
    }
}

/* ---- columns that are written */

/* The declared types of the columns, asked for at the first literal that needs them. */
struct written {
    struct dm_rewriting *w;
    const PgQuery__RangeVar *table;
    PgQuery__Node **names; /* of INSERT; none = all columns in order */
    size_t n_names;
    struct dm_column_type *columns;
    size_t n_columns;
    bool asked;
};

static bool is_date_column(struct written *to, const char *name, size_t at)
{
    if (!to->asked) {
        to->asked = true;
        if (dm_rewrite_columns(to->w->session, to->w->arena,
                               dm_rewrite_table_name(to->w, to->table), &to->columns,
                               &to->n_columns, NULL) < 0)
            to->n_columns = 0; /* the engine will say what is wrong */
    }
    if (!name && at < to->n_names)
        name = to->names[at]->res_target->name;
    for (size_t i = 0; i < to->n_columns; i++)
        if (name ? strcasecmp(to->columns[i].name, name) == 0 : !to->n_names && i == at)
            return is_date(to->columns[i].type);
    return false;
}

static void convert_written(struct written *to, PgQuery__Node **value, const char *name, size_t at)
{
    if (*value && as_iso(to->w, *value) && is_date_column(to, name, at))
        convert(to->w, value);
}

static void convert_targets(struct written *to, PgQuery__Node **targets, size_t n, bool named)
{
    for (size_t i = 0; i < n; i++)
        if (targets[i]->node_case == PG_QUERY__NODE__NODE_RES_TARGET)
            convert_written(to, &targets[i]->res_target->val,
                            named ? targets[i]->res_target->name : NULL, i);
}

void dm_rewrite_inserted_dates(struct dm_rewriting *w, PgQuery__InsertStmt *s)
{
    struct written to = {.w = w, .table = s->relation, .names = s->cols, .n_names = s->n_cols};
    if (!s->select_stmt || s->select_stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return;
    PgQuery__SelectStmt *q = s->select_stmt->select_stmt;
    for (size_t i = 0; i < q->n_values_lists; i++)
        for (size_t k = 0; k < q->values_lists[i]->list->n_items; k++)
            convert_written(&to, &q->values_lists[i]->list->items[k], NULL, k);
    convert_targets(&to, q->target_list, q->n_target_list, false);
    if (s->on_conflict_clause)
        convert_targets(&to, s->on_conflict_clause->target_list,
                        s->on_conflict_clause->n_target_list, true);
}

void dm_rewrite_updated_dates(struct dm_rewriting *w, PgQuery__UpdateStmt *s)
{
    struct written to = {.w = w, .table = s->relation};
    convert_targets(&to, s->target_list, s->n_target_list, true);
}
