/*
 * libpg_query behind a small surface: parse into the arena, print, walk by the messages' own descriptors, make nodes.
 */
#include "warehouse/sqltree.h"

#include <pg_query.h>

#include "base/dl.h"
#include "lang/sql_lex.h"

static struct {
    PgQueryProtobufParseResult (*parse)(const char *);
    void (*free_parse)(PgQueryProtobufParseResult);
    PgQueryDeparseResult (*deparse)(PgQueryProtobuf);
    void (*free_deparse)(PgQueryDeparseResult);
    PgQuery__ParseResult *(*unpack)(ProtobufCAllocator *, size_t, const uint8_t *);
    size_t (*packed_size)(const PgQuery__ParseResult *);
    size_t (*pack)(const PgQuery__ParseResult *, uint8_t *);
    void (*init)(const ProtobufCMessageDescriptor *, void *);
    /* Descriptors of the messages that are made or recognised here. */
    const ProtobufCMessageDescriptor *node, *string, *integer, *a_const, *func_call, *type_cast,
        *type_name, *column_ref, *res_target, *a_expr, *select, *range_var, *alias, *constraint,
        *raw_stmt, *result, *a_star, *coalesce, *sublink, *range_subselect, *index_elem,
        *alter_table_cmd, *window_def, *create_table_as, *array, *list;
} pg;

static const struct dm_dl_symbol symbols[] = {
    {"pg_query_parse_protobuf", (void **)&pg.parse},
    {"pg_query_free_protobuf_parse_result", (void **)&pg.free_parse},
    {"pg_query_deparse_protobuf", (void **)&pg.deparse},
    {"pg_query_free_deparse_result", (void **)&pg.free_deparse},
    {"pg_query__parse_result__unpack", (void **)&pg.unpack},
    {"pg_query__parse_result__get_packed_size", (void **)&pg.packed_size},
    {"pg_query__parse_result__pack", (void **)&pg.pack},
    {"protobuf_c_message_init", (void **)&pg.init},
    {"pg_query__node__descriptor", (void **)&pg.node},
    {"pg_query__string__descriptor", (void **)&pg.string},
    {"pg_query__integer__descriptor", (void **)&pg.integer},
    {"pg_query__a__const__descriptor", (void **)&pg.a_const},
    {"pg_query__func_call__descriptor", (void **)&pg.func_call},
    {"pg_query__type_cast__descriptor", (void **)&pg.type_cast},
    {"pg_query__type_name__descriptor", (void **)&pg.type_name},
    {"pg_query__column_ref__descriptor", (void **)&pg.column_ref},
    {"pg_query__res_target__descriptor", (void **)&pg.res_target},
    {"pg_query__a__expr__descriptor", (void **)&pg.a_expr},
    {"pg_query__select_stmt__descriptor", (void **)&pg.select},
    {"pg_query__range_var__descriptor", (void **)&pg.range_var},
    {"pg_query__alias__descriptor", (void **)&pg.alias},
    {"pg_query__constraint__descriptor", (void **)&pg.constraint},
    {"pg_query__raw_stmt__descriptor", (void **)&pg.raw_stmt},
    {"pg_query__coalesce_expr__descriptor", (void **)&pg.coalesce},
    {"pg_query__sub_link__descriptor", (void **)&pg.sublink},
    {"pg_query__range_subselect__descriptor", (void **)&pg.range_subselect},
    {"pg_query__a__star__descriptor", (void **)&pg.a_star},
    {"pg_query__index_elem__descriptor", (void **)&pg.index_elem},
    {"pg_query__alter_table_cmd__descriptor", (void **)&pg.alter_table_cmd},
    {"pg_query__a__array_expr__descriptor", (void **)&pg.array},
    {"pg_query__list__descriptor", (void **)&pg.list},
    {"pg_query__window_def__descriptor", (void **)&pg.window_def},
    {"pg_query__create_table_as_stmt__descriptor", (void **)&pg.create_table_as},
    {"pg_query__parse_result__descriptor", (void **)&pg.result},
    {NULL, NULL},
};

static int open_library(struct dm_err *reterr)
{
    return dm_dl_open("libpg_query.so.1504.0", "libpg-query1504.0", symbols, reterr);
}

static void *arena_alloc(void *arena, size_t size)
{
    return dm_arena_alloc(arena, size);
}

static void arena_free(void *arena, void *p)
{
}

int dm_sqltree_parse(struct dm_arena *a, struct dm_str sql, PgQuery__Node **ret_stmt,
                     struct dm_err *reterr)
{
    DM_TRY(open_library(reterr));
    PgQueryProtobufParseResult r = pg.parse(dm_str_cstr(a, sql));
    if (r.error) {
        int rc = dm_err_set(reterr, DM_E_SYNTAX, "%s", r.error->message);
        if (reterr)
            reterr->position = r.error->cursorpos;
        pg.free_parse(r);
        return rc;
    }
    ProtobufCAllocator in_arena = {arena_alloc, arena_free, a};
    PgQuery__ParseResult *tree =
        pg.unpack(&in_arena, r.parse_tree.len, (const uint8_t *)r.parse_tree.data);
    pg.free_parse(r);
    if (!tree)
        return dm_err_set(reterr, DM_E_LIMIT, "statement is nested too deeply");
    if (tree->n_stmts != 1)
        return dm_err_set(reterr, DM_E_SYNTAX, "expected one statement, got %zu", tree->n_stmts);
    *ret_stmt = tree->stmts[0]->stmt;
    return 0;
}

static void *new_message(struct dm_arena *a, const ProtobufCMessageDescriptor *d)
{
    void *m = dm_arena_alloc(a, d->sizeof_message);
    pg.init(d, m);
    return m;
}

/* ---- printing
 *
 * The printer quotes what PostgreSQL's grammar needs quoted; whoever reads the text may have other keywords.  So every
 * name is given a character in front that makes the printer quote it, and that is taken out of the text again.
 */

enum { NAME_MARK = 2 };

struct marking {
    struct dm_arena *arena;
    bool on;
};

static bool is_one_of(const char *name, const char *const *list)
{
    for (size_t i = 0; list[i]; i++)
        if (strcmp(name, list[i]) == 0)
            return true;
    return false;
}

static void mark_name(const struct marking *k, char **name)
{
    if (k->on && *name && (unsigned char)**name >= ' ')
        *name = dm_arena_printf(k->arena, "%c%s", NAME_MARK, *name);
    else if (!k->on && *name && **name == NAME_MARK)
        ++*name;
}

/* Names that the printer writes as they are: they are quoted here, for good, because nobody else reads them. */
static void quote_name(const struct marking *k, char **name)
{
    if (!*name || !**name || **name == '"')
        return;
    struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    dm_strbuf_add_sql_ident(&b, dm_str_c(*name));
    *name = dm_arena_strndup(k->arena, b.p, b.len);
    dm_strbuf_release(&b);
}

/* A list of names, or of lists of the parts of a name. */
static void mark_names(const struct marking *k, PgQuery__Node **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i]->node_case == PG_QUERY__NODE__NODE_STRING)
            mark_name(k, &list[i]->string->sval);
        else if (list[i]->node_case == PG_QUERY__NODE__NODE_LIST)
            mark_names(k, list[i]->list->items, list[i]->list->n_items);
}

static bool holds_a_name(const ProtobufCMessageDescriptor *d, const char *field)
{
    static const char *const everywhere[] = {"catalogname", "schemaname", "relname",
                                             "aliasname",   "colname",    "ctename",
                                             "subname",     "newname",    NULL};
    if (strcmp(field, "name") == 0)
        return d == pg.res_target || d == pg.index_elem || d == pg.alter_table_cmd;
    return is_one_of(field, everywhere);
}

static bool holds_a_raw_name(const ProtobufCMessageDescriptor *d, const char *field)
{
    return (d == pg.constraint && strcmp(field, "conname") == 0) || strcmp(field, "idxname") == 0 ||
           (d == pg.window_def && (strcmp(field, "name") == 0 || strcmp(field, "refname") == 0));
}

static void mark_tree(ProtobufCMessage *m, void *arg)
{
    static const char *const lists[] = {"fields",   "colnames",  "using_clause",  "keys",
                                        "fk_attrs", "pk_attrs",  "aliascolnames", "indirection",
                                        "aliases",  "col_names", "objects",       NULL};
    const ProtobufCMessageDescriptor *d = m->descriptor;
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        char *at = (char *)m + f->offset;
        if (f->type == PROTOBUF_C_TYPE_STRING && f->label != PROTOBUF_C_LABEL_REPEATED) {
            if (holds_a_name(d, f->name))
                mark_name(arg, (char **)at);
            else if (holds_a_raw_name(d, f->name))
                quote_name(arg, (char **)at);
        } else if (f->type == PROTOBUF_C_TYPE_MESSAGE && f->label == PROTOBUF_C_LABEL_REPEATED &&
                   is_one_of(f->name, lists)) {
            mark_names(arg, *(PgQuery__Node ***)at, *(size_t *)((char *)m + f->quantifier_offset));
        }
    }
    dm_sqltree_children(m, mark_tree, arg);
}

/* The marks that the printer has put into quotes, taken out. */
static int without_marks(struct dm_arena *a, struct dm_str text, struct dm_str *ret,
                         struct dm_err *reterr)
{
    char *out = dm_arena_alloc(a, text.len + 1);
    size_t n = 0, copied = 0;
    struct dm_sql_lexer lexer;
    struct dm_sql_token t;
    dm_sql_lexer_init(&lexer, text);
    for (;;) {
        DM_TRY(dm_sql_next(&lexer, &t, reterr));
        if (t.kind == DM_SQL_END)
            break;
        if (t.kind != DM_SQL_IDENT || t.text.len < 3 || t.text.p[1] != NAME_MARK)
            continue;
        size_t upto = t.at + 1;
        memcpy(out + n, text.p + copied, upto - copied);
        n += upto - copied;
        copied = upto + 1;
    }
    memcpy(out + n, text.p + copied, text.len - copied);
    n += text.len - copied;
    out[n] = '\0';
    *ret = dm_str_n(out, n);
    return 0;
}

static int print_tree(struct dm_arena *a, PgQuery__Node *stmt, struct dm_str *ret,
                      struct dm_err *reterr)
{
    PgQuery__RawStmt *raw = new_message(a, pg.raw_stmt);
    raw->stmt = stmt;
    PgQuery__ParseResult *tree = new_message(a, pg.result);
    tree->version = PG_VERSION_NUM;
    tree->n_stmts = 1;
    tree->stmts = &raw;

    size_t size = pg.packed_size(tree);
    uint8_t *packed = dm_arena_alloc(a, size + 1);
    pg.pack(tree, packed);
    PgQueryDeparseResult r = pg.deparse((PgQueryProtobuf){.len = size, .data = (char *)packed});
    int rc = 0;
    if (r.error)
        rc = dm_err_set(reterr, DM_E_UNSUPPORTED, "%s", r.error->message);
    else
        *ret = dm_str_dup(a, dm_str_c(r.query));
    pg.free_deparse(r);
    return rc;
}

int dm_sqltree_print(struct dm_arena *a, PgQuery__Node *stmt, struct dm_str *ret,
                     struct dm_err *reterr)
{
    struct marking k = {.arena = a, .on = true};
    mark_tree((ProtobufCMessage *)stmt, &k);
    int rc = print_tree(a, stmt, ret, reterr);
    k.on = false;
    mark_tree((ProtobufCMessage *)stmt, &k);
    return rc < 0 ? rc : without_marks(a, *ret, ret, reterr);
}

PgQuery__Node *dm_sqltree_node(ProtobufCMessage *m)
{
    return m && m->descriptor == pg.node ? (PgQuery__Node *)m : NULL;
}

ProtobufCMessage *dm_sqltree_inner(PgQuery__Node *n)
{
    /* Every member of the wrapper's union is a pointer to a message. */
    return n && n->node_case != PG_QUERY__NODE__NODE__NOT_SET ? (ProtobufCMessage *)n->alias : NULL;
}

bool dm_sqltree_is_select(const ProtobufCMessage *m)
{
    return m->descriptor == pg.select;
}

bool dm_sqltree_is_range_var(const ProtobufCMessage *m)
{
    return m->descriptor == pg.range_var;
}

void dm_sqltree_children(ProtobufCMessage *m, dm_sqltree_visit *fn, void *arg)
{
    PgQuery__Node *wrapper = dm_sqltree_node(m);
    if (wrapper) {
        ProtobufCMessage *inner = dm_sqltree_inner(wrapper);
        if (inner)
            fn(inner, arg);
        return;
    }
    const ProtobufCMessageDescriptor *d = m->descriptor;
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        if (f->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        char *at = (char *)m + f->offset;
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t n = *(size_t *)((char *)m + f->quantifier_offset);
            ProtobufCMessage **items = *(ProtobufCMessage ***)at;
            for (size_t k = 0; k < n; k++)
                fn(items[k], arg);
        } else if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
            if (*(uint32_t *)((char *)m + f->quantifier_offset) == f->id)
                fn(*(ProtobufCMessage **)at, arg);
        } else if (*(ProtobufCMessage **)at) {
            fn(*(ProtobufCMessage **)at, arg);
        }
    }
}

PgQuery__Node *dm_sqltree_wrap(struct dm_arena *a, PgQuery__Node__NodeCase kind, void *message)
{
    PgQuery__Node *n = new_message(a, pg.node);
    n->node_case = kind;
    n->alias = message;
    return n;
}

PgQuery__Node *dm_sqltree_copy(struct dm_arena *a, const PgQuery__Node *n)
{
    return dm_arena_dup(a, n, sizeof(*n));
}

static PgQuery__String *new_string(struct dm_arena *a, const char *s)
{
    PgQuery__String *m = new_message(a, pg.string);
    m->sval = (char *)s;
    return m;
}

PgQuery__Node *dm_sqltree_string(struct dm_arena *a, const char *s)
{
    return dm_sqltree_wrap(a, PG_QUERY__NODE__NODE_STRING, new_string(a, s));
}

PgQuery__Node *dm_sqltree_text(struct dm_arena *a, const char *s)
{
    PgQuery__AConst *c = new_message(a, pg.a_const);
    c->val_case = PG_QUERY__A__CONST__VAL_SVAL;
    c->sval = new_string(a, s);
    return dm_sqltree_wrap(a, PG_QUERY__NODE__NODE_A_CONST, c);
}

PgQuery__Node *dm_sqltree_null(struct dm_arena *a)
{
    PgQuery__AConst *c = new_message(a, pg.a_const);
    c->isnull = 1;
    return dm_sqltree_wrap(a, PG_QUERY__NODE__NODE_A_CONST, c);
}

PgQuery__Node *dm_sqltree_integer(struct dm_arena *a, int32_t v)
{
    PgQuery__AConst *c = new_message(a, pg.a_const);
    c->val_case = PG_QUERY__A__CONST__VAL_IVAL;
    c->ival = new_message(a, pg.integer);
    c->ival->ival = v;
    return dm_sqltree_wrap(a, PG_QUERY__NODE__NODE_A_CONST, c);
}

static PgQuery__Node **node_list(struct dm_arena *a, PgQuery__Node *one)
{
    PgQuery__Node **list = dm_arena_array(a, PgQuery__Node *, 1);
    list[0] = one;
    return list;
}

PgQuery__Node *dm_sqltree_call(struct dm_arena *a, const char *function, PgQuery__Node *arg1,
                               PgQuery__Node *arg2, PgQuery__Node *arg3)
{
    PgQuery__FuncCall *f = new_message(a, pg.func_call);
    f->funcname = node_list(a, dm_sqltree_string(a, function));
    f->n_funcname = 1;
    f->funcformat = PG_QUERY__COERCION_FORM__COERCE_EXPLICIT_CALL;
    f->args = dm_arena_array(a, PgQuery__Node *, 3);
    PgQuery__Node *args[] = {arg1, arg2, arg3};
    for (size_t i = 0; i < 3; i++)
        if (args[i])
            f->args[f->n_args++] = args[i];
    return dm_sqltree_wrap(a, PG_QUERY__NODE__NODE_FUNC_CALL, f);
}

PgQuery__Node *dm_sqltree_cast(struct dm_arena *a, PgQuery__Node *arg, const char *type)
{
    PgQuery__TypeName *t = new_message(a, pg.type_name);
    /* Printed without quotes where the grammar has a word for it: those names are pg_catalog's. */
    t->names = dm_arena_array(a, PgQuery__Node *, 2);
    t->names[0] = dm_sqltree_string(a, "pg_catalog");
    t->names[1] = dm_sqltree_string(a, type);
    t->n_names = 2;
    t->typemod = -1;
    PgQuery__TypeCast *c = new_message(a, pg.type_cast);
    c->arg = arg;
    c->type_name = t;
    return dm_sqltree_wrap(a, PG_QUERY__NODE__NODE_TYPE_CAST, c);
}

PgQuery__Node *dm_sqltree_column(struct dm_arena *a, const char *name)
{
    PgQuery__ColumnRef *c = new_message(a, pg.column_ref);
    c->fields = node_list(a, dm_sqltree_string(a, name));
    c->n_fields = 1;
    return dm_sqltree_wrap(a, PG_QUERY__NODE__NODE_COLUMN_REF, c);
}

PgQuery__Node *dm_sqltree_star(struct dm_arena *a)
{
    PgQuery__ColumnRef *c = new_message(a, pg.column_ref);
    c->fields =
        node_list(a, dm_sqltree_wrap(a, PG_QUERY__NODE__NODE_A_STAR, new_message(a, pg.a_star)));
    c->n_fields = 1;
    return dm_sqltree_wrap(a, PG_QUERY__NODE__NODE_COLUMN_REF, c);
}

PgQuery__Node *dm_sqltree_target(struct dm_arena *a, PgQuery__Node *value)
{
    PgQuery__ResTarget *t = new_message(a, pg.res_target);
    t->val = value;
    return dm_sqltree_wrap(a, PG_QUERY__NODE__NODE_RES_TARGET, t);
}

PgQuery__Node *dm_sqltree_op(struct dm_arena *a, const char *op, PgQuery__Node *left,
                             PgQuery__Node *right)
{
    PgQuery__AExpr *e = new_message(a, pg.a_expr);
    e->kind = PG_QUERY__A__EXPR__KIND__AEXPR_OP;
    e->name = node_list(a, dm_sqltree_string(a, op));
    e->n_name = 1;
    e->lexpr = left;
    e->rexpr = right;
    return dm_sqltree_wrap(a, PG_QUERY__NODE__NODE_A_EXPR, e);
}

PgQuery__SelectStmt *dm_sqltree_select(struct dm_arena *a)
{
    PgQuery__SelectStmt *s = new_message(a, pg.select);
    s->limit_option = PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_DEFAULT;
    s->op = PG_QUERY__SET_OPERATION__SETOP_NONE;
    return s;
}

PgQuery__RangeVar *dm_sqltree_range_var(struct dm_arena *a, const char *schema, const char *name)
{
    PgQuery__RangeVar *v = new_message(a, pg.range_var);
    if (schema)
        v->schemaname = (char *)schema;
    v->relname = (char *)name;
    v->inh = 1;
    v->relpersistence = (char *)"p";
    return v;
}

PgQuery__Alias *dm_sqltree_alias(struct dm_arena *a, const char *name)
{
    PgQuery__Alias *v = new_message(a, pg.alias);
    v->aliasname = (char *)name;
    return v;
}

PgQuery__Node *dm_sqltree_create_as(struct dm_arena *a, PgQuery__IntoClause *into,
                                    PgQuery__Node *query)
{
    PgQuery__CreateTableAsStmt *s = new_message(a, pg.create_table_as);
    s->into = into;
    s->query = query;
    s->objtype = PG_QUERY__OBJECT_TYPE__OBJECT_TABLE;
    return dm_sqltree_wrap(a, PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT, s);
}

PgQuery__Node *dm_sqltree_list(struct dm_arena *a, PgQuery__Node **items, size_t n)
{
    PgQuery__List *l = new_message(a, pg.list);
    l->items = items;
    l->n_items = n;
    return dm_sqltree_wrap(a, PG_QUERY__NODE__NODE_LIST, l);
}

PgQuery__Node *dm_sqltree_array(struct dm_arena *a, PgQuery__Node **elements, size_t n)
{
    PgQuery__AArrayExpr *e = new_message(a, pg.array);
    e->elements = elements;
    e->n_elements = n;
    return dm_sqltree_wrap(a, PG_QUERY__NODE__NODE_A_ARRAY_EXPR, e);
}

PgQuery__Node *dm_sqltree_check(struct dm_arena *a, PgQuery__Node *expr)
{
    PgQuery__Constraint *c = new_message(a, pg.constraint);
    c->contype = PG_QUERY__CONSTR_TYPE__CONSTR_CHECK;
    c->raw_expr = expr;
    c->initially_valid = 1;
    return dm_sqltree_wrap(a, PG_QUERY__NODE__NODE_CONSTRAINT, c);
}

PgQuery__Node *dm_sqltree_coalesce(struct dm_arena *a, PgQuery__Node **args, size_t n)
{
    PgQuery__CoalesceExpr *c = new_message(a, pg.coalesce);
    c->args = args;
    c->n_args = n;
    return dm_sqltree_wrap(a, PG_QUERY__NODE__NODE_COALESCE_EXPR, c);
}

PgQuery__Node *dm_sqltree_scalar(struct dm_arena *a, PgQuery__Node *select)
{
    PgQuery__SubLink *l = new_message(a, pg.sublink);
    l->sub_link_type = PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK;
    l->subselect = select;
    return dm_sqltree_wrap(a, PG_QUERY__NODE__NODE_SUB_LINK, l);
}

PgQuery__Node *dm_sqltree_subselect(struct dm_arena *a, PgQuery__Node *select, const char *alias,
                                    const char *column)
{
    PgQuery__RangeSubselect *s = new_message(a, pg.range_subselect);
    s->subquery = select;
    s->alias = dm_sqltree_alias(a, alias);
    if (column) {
        s->alias->colnames = node_list(a, dm_sqltree_string(a, column));
        s->alias->n_colnames = 1;
    }
    return dm_sqltree_wrap(a, PG_QUERY__NODE__NODE_RANGE_SUBSELECT, s);
}

const char *dm_sqltree_name(const PgQuery__Node *n)
{
    return n && n->node_case == PG_QUERY__NODE__NODE_STRING ? n->string->sval : NULL;
}

const char *dm_sqltree_literal(const PgQuery__Node *n)
{
    return n && n->node_case == PG_QUERY__NODE__NODE_A_CONST && !n->a_const->isnull &&
                   n->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL
               ? n->a_const->sval->sval
               : NULL;
}
