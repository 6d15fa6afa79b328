/*
 * Names: relations (external tables, PostgreSQL's catalog, the database in front), columns, and what PostgreSQL
 * calls the columns of a result.
 */
#include "warehouse/rewrite_internal.h"

static bool given(const char *s)
{
    return s && s[0];
}

bool dm_rewrite_is_catalog(const PgQuery__RangeVar *v)
{
    return given(v->schemaname) && strcmp(v->schemaname, DM_HIDDEN_SCHEMA) == 0;
}

struct dm_rewrite_external *dm_rewrite_marked(const struct dm_rewriting *w, const char *name)
{
    int64_t i;
    if (!name || name[0] != DM_MARK || !dm_str_to_i64(dm_str_c(name + 1), &i) || i < 0 ||
        (size_t)i >= w->n_externals)
        return NULL;
    return &w->externals[i];
}

static void mark(struct dm_rewriting *w, PgQuery__RangeVar *v, const struct dm_external_table *t)
{
    if (w->n_externals == w->cap_externals) {
        w->cap_externals = w->cap_externals ? w->cap_externals * 2 : 4;
        struct dm_rewrite_external *more =
            dm_arena_array(w->arena, struct dm_rewrite_external, w->cap_externals);
        if (w->n_externals)
            memcpy(more, w->externals, sizeof(*more) * w->n_externals);
        w->externals = more;
    }
    if (!v->alias)
        v->alias = dm_sqltree_alias(w->arena, v->relname);
    w->externals[w->n_externals] =
        (struct dm_rewrite_external){.table = t, .alias = v->alias->aliasname};
    v->catalogname = v->schemaname = (char *)"";
    v->relname = dm_arena_printf(w->arena, "%c%zu", DM_MARK, w->n_externals++);
}

void dm_rewrite_relation(struct dm_rewriting *w, PgQuery__RangeVar *v, bool target)
{
    if (!v || v->relname[0] == DM_MARK)
        return;
    if (given(v->catalogname)) {
        if (strcmp(v->catalogname, w->session->database) != 0) {
            dm_rewriting_error(w, DM_E_UNSUPPORTED, NULL, v->location,
                               "cross-database reference \"%s.%s.%s\" in a session of \"%s\": "
                               "connect to the other database for it",
                               v->catalogname, v->schemaname, v->relname, w->session->database);
            return;
        }
        v->catalogname = (char *)"";
    }
    if (!given(v->schemaname))
        return;
    if (strcmp(v->schemaname, "pg_catalog") == 0) {
        v->schemaname = (char *)DM_HIDDEN_SCHEMA;
        return;
    }
    if (strcmp(v->schemaname, "pg_temp") == 0) {
        v->schemaname = (char *)"temp";
        return;
    }
    if (!dm_spectrum_has_schema(w->view, v->schemaname))
        return;
    const struct dm_external_table *t = dm_spectrum_table(w->view, v->schemaname, v->relname);
    if (!t) {
        dm_rewriting_error(w, DM_E_UNDEFINED, "42P01", v->location,
                           "relation \"%s.%s\" does not exist", v->schemaname, v->relname);
        return;
    }
    if (target) {
        dm_rewriting_error(w, DM_E_UNSUPPORTED, "42809", v->location,
                           "cannot change external table \"%s.%s\"", v->schemaname, v->relname);
        dm_err_hint(w->err, "Its rows are the files in the lake: write those.");
        return;
    }
    mark(w, v, t);
}

static const char *quoted(struct dm_rewriting *w, const char *name)
{
    struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    dm_strbuf_add_sql_ident(&b, dm_str_c(name));
    const char *s = dm_str_cstr(w->arena, dm_strbuf_str(&b));
    dm_strbuf_release(&b);
    return s;
}

const char *dm_rewrite_table_name(struct dm_rewriting *w, const PgQuery__RangeVar *v)
{
    if (!given(v->schemaname))
        return quoted(w, v->relname);
    return dm_arena_printf(w->arena, "%s.%s.%s", quoted(w, w->session->database),
                           quoted(w, v->schemaname), quoted(w, v->relname));
}

/* schema.table.column of an external table is table.column of what stands in its place. */
void dm_rewrite_column(struct dm_rewriting *w, PgQuery__ColumnRef *c)
{
    const char *last = c->n_fields ? dm_sqltree_name(c->fields[c->n_fields - 1]) : NULL;
    if (last && (strcmp(last, "$path") == 0 || strcmp(last, "$size") == 0))
        w->file_columns = true;
    size_t drop = 0;
    if (c->n_fields == 4)
        drop = 1;
    if (c->n_fields - drop == 3) {
        const char *schema = dm_sqltree_name(c->fields[drop]);
        if (schema &&
            (dm_spectrum_has_schema(w->view, schema) || strcmp(schema, "pg_catalog") == 0))
            drop++;
    }
    c->fields += drop;
    c->n_fields -= drop;
}

/* FROM generate_series(1, 3) s: the alias names the column too. */
void dm_rewrite_range_function(struct dm_rewriting *w, PgQuery__RangeFunction *f)
{
    if (!f->alias || f->alias->n_colnames || f->n_functions != 1 ||
        f->functions[0]->node_case != PG_QUERY__NODE__NODE_LIST ||
        f->functions[0]->list->n_items == 0)
        return;
    PgQuery__Node *call = f->functions[0]->list->items[0];
    if (call->node_case != PG_QUERY__NODE__NODE_FUNC_CALL)
        return;
    const char *function =
        dm_sqltree_name(call->func_call->funcname[call->func_call->n_funcname - 1]);
    if (!function || (strcmp(function, "generate_series") != 0 && strcmp(function, "unnest") != 0))
        return;
    f->alias->colnames = dm_arena_array(w->arena, PgQuery__Node *, 1);
    f->alias->colnames[0] = dm_sqltree_string(w->arena, f->alias->aliasname);
    f->alias->n_colnames = 1;
}

/* ---- names of output columns: PostgreSQL's FigureColname */

enum strength { NAME_NONE, NAME_WEAK, NAME_STRONG };

/* What the grammar calls a type, as PostgreSQL names a column after it. */
static enum strength figure(const PgQuery__Node *n, const char **ret);

static enum strength last_name(PgQuery__Node *const *names, size_t n, const char **ret)
{
    for (size_t i = n; i-- > 0;) {
        const char *s = dm_sqltree_name(names[i]);
        if (s) {
            *ret = s;
            return NAME_STRONG;
        }
    }
    return NAME_NONE;
}

static enum strength figure_sublink(const PgQuery__SubLink *s, const char **ret)
{
    switch (s->sub_link_type) {
    case PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK:
        *ret = "exists";
        return NAME_STRONG;
    case PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK:
        *ret = "array";
        return NAME_STRONG;
    case PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK:
        if (s->subselect->node_case == PG_QUERY__NODE__NODE_SELECT_STMT &&
            s->subselect->select_stmt->n_target_list > 0) {
            const PgQuery__ResTarget *t = s->subselect->select_stmt->target_list[0]->res_target;
            if (given(t->name)) {
                *ret = t->name;
                return NAME_STRONG;
            }
            return figure(t->val, ret);
        }
        return NAME_NONE;
    default:
        return NAME_NONE;
    }
}

static const char *value_function_name(PgQuery__SQLValueFunctionOp op)
{
    switch (op) {
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE:
        return "current_date";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME_N:
        return "current_time";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP_N:
        return "current_timestamp";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME_N:
        return "localtime";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP_N:
        return "localtimestamp";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_ROLE:
        return "current_role";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER:
        return "user";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_SESSION_USER:
        return "session_user";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_CATALOG:
        return "current_catalog";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_SCHEMA:
        return "current_schema";
    default:
        return "current_user";
    }
}

static enum strength figure(const PgQuery__Node *n, const char **ret)
{
    enum strength s;
    if (!n)
        return NAME_NONE;
    switch (n->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF:
        return last_name(n->column_ref->fields, n->column_ref->n_fields, ret);
    case PG_QUERY__NODE__NODE_A_INDIRECTION:
        s = last_name(n->a_indirection->indirection, n->a_indirection->n_indirection, ret);
        return s ? s : figure(n->a_indirection->arg, ret);
    case PG_QUERY__NODE__NODE_FUNC_CALL:
        return last_name(n->func_call->funcname, n->func_call->n_funcname, ret);
    case PG_QUERY__NODE__NODE_A_EXPR:
        if (n->a_expr->kind != PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF)
            return NAME_NONE;
        *ret = "nullif";
        return NAME_STRONG;
    case PG_QUERY__NODE__NODE_TYPE_CAST:
        s = figure(n->type_cast->arg, ret);
        if (s == NAME_STRONG)
            return s;
        return last_name(n->type_cast->type_name->names, n->type_cast->type_name->n_names, ret)
                   ? NAME_WEAK
                   : s;
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
        return figure(n->collate_clause->arg, ret);
    case PG_QUERY__NODE__NODE_GROUPING_FUNC:
        *ret = "grouping";
        return NAME_STRONG;
    case PG_QUERY__NODE__NODE_SUB_LINK:
        return figure_sublink(n->sub_link, ret);
    case PG_QUERY__NODE__NODE_CASE_EXPR:
        s = figure(n->case_expr->defresult, ret);
        if (s == NAME_STRONG)
            return s;
        *ret = "case";
        return NAME_WEAK;
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
        *ret = "array";
        return NAME_STRONG;
    case PG_QUERY__NODE__NODE_ROW_EXPR:
        *ret = "row";
        return NAME_STRONG;
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        *ret = "coalesce";
        return NAME_STRONG;
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
        *ret = n->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST ? "greatest" : "least";
        return NAME_STRONG;
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
        *ret = value_function_name(n->sqlvalue_function->op);
        return NAME_STRONG;
    default:
        return NAME_NONE;
    }
}

static bool is_star(const PgQuery__Node *n)
{
    return n->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && n->column_ref->n_fields > 0 &&
           n->column_ref->fields[n->column_ref->n_fields - 1]->node_case ==
               PG_QUERY__NODE__NODE_A_STAR;
}

void dm_rewrite_output_names(struct dm_rewriting *w, PgQuery__Node **targets, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (targets[i]->node_case != PG_QUERY__NODE__NODE_RES_TARGET)
            continue;
        PgQuery__ResTarget *t = targets[i]->res_target;
        /* A plain column is called by its name already. */
        if (given(t->name) || !t->val || is_star(t->val) ||
            t->val->node_case == PG_QUERY__NODE__NODE_COLUMN_REF)
            continue;
        const char *name = "?column?";
        figure(t->val, &name);
        t->name = (char *)name;
    }
}
