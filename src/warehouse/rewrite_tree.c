/*
 * The walk over a statement's tree: what must be decided before the children are changed (names of output columns),
 * the children, then the node itself.  And the walk over its query levels.
 */
#include "warehouse/rewrite_internal.h"

static void walk(ProtobufCMessage *m, void *arg);

static void before_children(struct dm_rewriting *w, PgQuery__Node *n)
{
    switch (n->node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
        break; /* by walk(), for those without a wrapper too */
    case PG_QUERY__NODE__NODE_INSERT_STMT:
        dm_rewrite_output_names(w, n->insert_stmt->returning_list,
                                n->insert_stmt->n_returning_list);
        dm_rewrite_relation(w, n->insert_stmt->relation, true);
        dm_rewrite_inserted_dates(w, n->insert_stmt);
        break;
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
        dm_rewrite_output_names(w, n->update_stmt->returning_list,
                                n->update_stmt->n_returning_list);
        dm_rewrite_relation(w, n->update_stmt->relation, true);
        dm_rewrite_updated_dates(w, n->update_stmt);
        break;
    case PG_QUERY__NODE__NODE_DELETE_STMT:
        dm_rewrite_output_names(w, n->delete_stmt->returning_list,
                                n->delete_stmt->n_returning_list);
        dm_rewrite_relation(w, n->delete_stmt->relation, true);
        break;
    case PG_QUERY__NODE__NODE_MERGE_STMT:
        dm_rewrite_relation(w, n->merge_stmt->relation, true);
        break;
    case PG_QUERY__NODE__NODE_CREATE_STMT:
        dm_rewrite_create_table(w, n->create_stmt);
        break;
    case PG_QUERY__NODE__NODE_ALTER_TABLE_STMT:
        dm_rewrite_alter_table(w, n->alter_table_stmt);
        break;
    case PG_QUERY__NODE__NODE_INDEX_STMT:
        dm_rewrite_index(w, n->index_stmt);
        break;
    case PG_QUERY__NODE__NODE_RANGE_VAR:
        dm_rewrite_relation(w, n->range_var, false);
        break;
    case PG_QUERY__NODE__NODE_COLUMN_REF:
        dm_rewrite_column(w, n->column_ref);
        break;
    case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
    case PG_QUERY__NODE__NODE_COMMON_TABLE_EXPR:
        dm_rewrite_values(w, n);
        break;
    case PG_QUERY__NODE__NODE_RANGE_FUNCTION:
        dm_rewrite_range_function(w, n->range_function);
        break;
    default:
        break;
    }
}

static void walk(ProtobufCMessage *m, void *arg)
{
    struct dm_rewriting *w = arg;
    if (w->rc < 0)
        return;
    if (dm_sqltree_is_select(m)) {
        PgQuery__SelectStmt *s = (PgQuery__SelectStmt *)m;
        dm_rewrite_output_names(w, s->target_list, s->n_target_list);
        s->n_locking_clause = 0; /* FOR UPDATE: every transaction sees its own snapshot */
    }
    PgQuery__Node *n = dm_sqltree_node(m);
    if (n)
        before_children(w, n);
    dm_sqltree_children(m, walk, w);
    if (n && w->rc == 0)
        dm_rewrite_expression(w, n);
}

void dm_rewrite_tree(struct dm_rewriting *w, PgQuery__Node *stmt)
{
    walk((ProtobufCMessage *)stmt, w);
}

/* ---- query levels */

struct scope_walk {
    struct dm_rewriting *w;
    struct dm_scope *scope; /* NULL outside of queries */
    void (*fn)(struct dm_rewriting *w, struct dm_scope *s);
};

static void add_comparison(struct dm_rewriting *w, struct dm_scope *s, PgQuery__Node *n)
{
    if (s->n_comparisons == s->cap_comparisons) {
        s->cap_comparisons = s->cap_comparisons ? s->cap_comparisons * 2 : 8;
        PgQuery__Node **more = dm_arena_array(w->arena, PgQuery__Node *, s->cap_comparisons);
        if (s->n_comparisons)
            memcpy(more, s->comparisons, sizeof(PgQuery__Node *) * s->n_comparisons);
        s->comparisons = more;
    }
    s->comparisons[s->n_comparisons++] = n;
}

/* The changed table in front of the other FROM items. */
static void scope_of_change(struct dm_rewriting *w, struct dm_scope *s, PgQuery__RangeVar *target,
                            PgQuery__Node **from, size_t n_from)
{
    s->from = dm_arena_array(w->arena, PgQuery__Node *, n_from + 1);
    s->from[0] = dm_sqltree_wrap(w->arena, PG_QUERY__NODE__NODE_RANGE_VAR, target);
    if (n_from)
        memcpy(s->from + 1, from, sizeof(*from) * n_from);
    s->n_from = n_from + 1;
}

static bool open_scope(struct dm_rewriting *w, ProtobufCMessage *m, struct dm_scope *s)
{
    PgQuery__Node *n = dm_sqltree_node(m);
    if (dm_sqltree_is_select(m)) {
        PgQuery__SelectStmt *q = (PgQuery__SelectStmt *)m;
        s->from = q->from_clause;
        s->n_from = q->n_from_clause;
        s->where = q->where_clause;
        s->with = q->with_clause;
        return true;
    }
    if (n && n->node_case == PG_QUERY__NODE__NODE_UPDATE_STMT) {
        PgQuery__UpdateStmt *q = n->update_stmt;
        scope_of_change(w, s, q->relation, q->from_clause, q->n_from_clause);
        s->where = q->where_clause;
        s->with = q->with_clause;
        return true;
    }
    if (n && n->node_case == PG_QUERY__NODE__NODE_DELETE_STMT) {
        PgQuery__DeleteStmt *q = n->delete_stmt;
        scope_of_change(w, s, q->relation, q->using_clause, q->n_using_clause);
        s->where = q->where_clause;
        s->with = q->with_clause;
        return true;
    }
    if (n && n->node_case == PG_QUERY__NODE__NODE_MERGE_STMT) {
        PgQuery__MergeStmt *q = n->merge_stmt;
        scope_of_change(w, s, q->relation, &q->source_relation, 1);
        s->with = q->with_clause;
        return true;
    }
    if (n && n->node_case == PG_QUERY__NODE__NODE_INSERT_STMT) {
        s->with = n->insert_stmt->with_clause;
        return s->with != NULL;
    }
    return false;
}

static void walk_scopes(ProtobufCMessage *m, void *arg)
{
    struct scope_walk *walk_in = arg;
    struct dm_rewriting *w = walk_in->w;
    if (w->rc < 0)
        return;
    PgQuery__Node *n = dm_sqltree_node(m);
    struct dm_scope scope = {.outer = walk_in->scope};
    struct scope_walk inner = *walk_in;
    bool opened = open_scope(w, m, &scope);
    if (opened)
        inner.scope = &scope;
    if (n && inner.scope &&
        (n->node_case == PG_QUERY__NODE__NODE_A_EXPR ||
         n->node_case == PG_QUERY__NODE__NODE_SUB_LINK))
        add_comparison(w, inner.scope, n);
    dm_sqltree_children(m, walk_scopes, &inner);
    if (opened && w->rc == 0)
        walk_in->fn(w, &scope);
}

void dm_rewrite_scopes(struct dm_rewriting *w, PgQuery__Node *stmt,
                       void (*fn)(struct dm_rewriting *w, struct dm_scope *s))
{
    struct scope_walk start = {.w = w, .fn = fn};
    walk_scopes((ProtobufCMessage *)stmt, &start);
}
