/*
 * Expressions that the engine reads otherwise: operators, COLLATE, casts to PostgreSQL's own types, functions of
 * PostgreSQL and Redshift.
 */
#include "warehouse/rewrite_internal.h"

static void replace(PgQuery__Node *n, const PgQuery__Node *with)
{
    n->node_case = with->node_case;
    n->alias = with->alias;
}

/* Drops "pg_catalog" in front of a name. */
static void strip_schema(PgQuery__Node ***names, size_t *n)
{
    const char *first = *n > 1 ? dm_sqltree_name((*names)[0]) : NULL;
    if (first && strcmp(first, "pg_catalog") == 0) {
        ++*names;
        --*n;
    }
}

/* ---- arrays */

/* '{1,"a b",NULL}' as ARRAY['1', 'a b', NULL]; NULL where it is no array of one dimension. */
static PgQuery__Node *array_literal(struct dm_rewriting *w, const char *text)
{
    struct dm_str s = dm_str_trim(dm_str_c(text));
    if (s.len < 2 || s.p[0] != '{' || s.p[s.len - 1] != '}')
        return NULL;
    PgQuery__Node **elements = dm_arena_array(w->arena, PgQuery__Node *, s.len);
    size_t n = 0, at = 1, end = s.len - 1;
    char *value = dm_arena_alloc(w->arena, s.len * 2), *out = value;
    while (at < end) {
        while (at < end && s.p[at] == ' ')
            at++;
        const char *from = out;
        bool quoted = at < end && s.p[at] == '"', open = quoted;
        for (at += quoted; at < end && (open || s.p[at] != ','); at++) {
            if (!open && (s.p[at] == '{' || s.p[at] == '}' || s.p[at] == '"'))
                return NULL;
            if (open && s.p[at] == '"') {
                open = false;
                continue;
            }
            if (s.p[at] == '\\' && at + 1 < end)
                at++;
            *out++ = s.p[at];
        }
        if (open)
            return NULL;
        at++; /* the comma */
        *out++ = '\0';
        bool null = !quoted && strcasecmp(from, "null") == 0;
        elements[n++] = null ? dm_sqltree_null(w->arena) : dm_sqltree_text(w->arena, from);
    }
    return dm_sqltree_array(w->arena, elements, n);
}

/* x = ANY ('{1,2}') as x IN ('1', '2'), and <> ALL as NOT IN: the literals take their type from x. */
static void array_operand(struct dm_rewriting *w, PgQuery__AExpr *e)
{
    const char *literal = dm_sqltree_literal(e->rexpr);
    PgQuery__Node *array = literal ? array_literal(w, literal) : NULL;
    const char *op = e->n_name == 1 ? dm_sqltree_name(e->name[0]) : NULL;
    bool any = e->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY;
    if (!array || !op || !array->a_array_expr->n_elements || strcmp(op, any ? "=" : "<>") != 0)
        return;
    e->kind = PG_QUERY__A__EXPR__KIND__AEXPR_IN;
    e->rexpr =
        dm_sqltree_list(w->arena, array->a_array_expr->elements, array->a_array_expr->n_elements);
}

/* ---- operators */

static void regexp_operator(struct dm_rewriting *w, PgQuery__Node *n, bool negated, bool fold)
{
    PgQuery__AExpr *e = n->a_expr;
    PgQuery__Node *call = dm_sqltree_call(w->arena, "regexp_matches", e->lexpr, e->rexpr,
                                          fold ? dm_sqltree_text(w->arena, "i") : NULL);
    if (negated)
        call = dm_sqltree_op(w->arena, "=", call,
                             dm_sqltree_cast(w->arena, dm_sqltree_text(w->arena, "f"), "bool"));
    replace(n, call);
}

static void operator(struct dm_rewriting *w, PgQuery__Node *n)
{
    PgQuery__AExpr *e = n->a_expr;
    strip_schema(&e->name, &e->n_name);
    if (e->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY ||
        e->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL)
        array_operand(w, e);
    const char *op = e->n_name == 1 ? dm_sqltree_name(e->name[0]) : NULL;
    if (!op || e->kind != PG_QUERY__A__EXPR__KIND__AEXPR_OP || !e->lexpr)
        return;
    if (strcmp(op, "~") == 0)
        regexp_operator(w, n, false, false);
    else if (strcmp(op, "!~") == 0)
        regexp_operator(w, n, true, false);
    else if (strcmp(op, "~*") == 0)
        regexp_operator(w, n, false, true);
    else if (strcmp(op, "!~*") == 0)
        regexp_operator(w, n, true, true);
}

/* ---- casts */

static bool is_constant_text(const PgQuery__Node *n)
{
    return dm_sqltree_literal(n) != NULL;
}

/* Object identifier types: a text becomes the object's number, a number the object's name. */
static const struct reg_type {
    const char *type, *to_oid, *to_name;
} reg_types[] = {
    {"regclass", "regclass_oid", "regclass_name"},
    {"regtype", "regtype_oid", "regtype_name"},
    {"regnamespace", "regnamespace_oid", "regnamespace_name"},
    {"regproc", "regproc_oid", "regproc_name"},
    {"regprocedure", "regproc_oid", "regproc_name"},
    {"regrole", "regrole_oid", "regrole_name"},
};

static const struct reg_type *reg_type_of(const char *type)
{
    for (size_t i = 0; type && i < sizeof(reg_types) / sizeof(reg_types[0]); i++)
        if (strcmp(type, reg_types[i].type) == 0)
            return &reg_types[i];
    return NULL;
}

/* The reg… function that a node calls because of an inner cast, or NULL. */
static const struct reg_type *called_reg(const PgQuery__Node *n, bool *ret_to_oid)
{
    if (n->node_case != PG_QUERY__NODE__NODE_FUNC_CALL || n->func_call->n_args != 1)
        return NULL;
    const char *f = dm_sqltree_name(n->func_call->funcname[n->func_call->n_funcname - 1]);
    for (size_t i = 0; f && i < sizeof(reg_types) / sizeof(reg_types[0]); i++) {
        *ret_to_oid = strcmp(f, reg_types[i].to_oid) == 0;
        if (*ret_to_oid || strcmp(f, reg_types[i].to_name) == 0)
            return &reg_types[i];
    }
    return NULL;
}

static bool is_text_type(const char *type)
{
    return strcmp(type, "text") == 0 || strcmp(type, "varchar") == 0 || strcmp(type, "name") == 0 ||
           strcmp(type, "bpchar") == 0;
}

static const char *const type_names[][2] = {
    {"oid", "uinteger"},        {"xid", "uinteger"},       {"cid", "uinteger"},
    {"name", "varchar"},        {"char", "varchar"},       {"aclitem", "varchar"},
    {"int2vector", "smallint"}, {"oidvector", "uinteger"},
};

static void rename_type(struct dm_rewriting *w, PgQuery__TypeName *t, const char *type)
{
    for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++)
        if (strcmp(type, type_names[i][0]) == 0) {
            t->names[t->n_names - 1] = dm_sqltree_string(w->arena, type_names[i][1]);
            t->n_typmods = 0;
        }
}

/* varchar(n) and char(n): an explicit cast cuts. */
static bool cut_length(const PgQuery__TypeName *t, const char *type, int32_t *ret)
{
    if ((strcmp(type, "varchar") != 0 && strcmp(type, "bpchar") != 0) || t->n_typmods != 1 ||
        t->n_array_bounds)
        return false;
    const PgQuery__Node *m = t->typmods[0];
    if (m->node_case != PG_QUERY__NODE__NODE_A_CONST ||
        m->a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL)
        return false;
    *ret = m->a_const->ival->ival;
    return true;
}

/* INTERVAL '1' DAY: the unit goes into the text, where the engine reads it. */
static void interval_fields(struct dm_rewriting *w, PgQuery__TypeCast *c)
{
    static const struct {
        int32_t mask; /* of PostgreSQL's typmod */
        const char *unit;
    } units[] = {{1 << 1, "month"}, {1 << 2, "year"},    {1 << 3, "day"},
                 {1 << 10, "hour"}, {1 << 11, "minute"}, {1 << 12, "second"}};
    PgQuery__TypeName *t = c->type_name;
    const PgQuery__Node *m = t->n_typmods ? t->typmods[0] : NULL;
    const char *literal = dm_sqltree_literal(c->arg);
    double number;
    t->n_typmods = 0;
    if (!m || m->node_case != PG_QUERY__NODE__NODE_A_CONST ||
        m->a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL || !literal ||
        !dm_str_to_f64(dm_str_trim(dm_str_c(literal)), &number))
        return;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (m->a_const->ival->ival == units[i].mask)
            c->arg = dm_sqltree_text(w->arena,
                                     dm_arena_printf(w->arena, "%s %s", literal, units[i].unit));
}

/* "pg_catalog" stays in front of types that PostgreSQL's grammar has words for: they are printed as those words. */
static void strip_type_schema(PgQuery__TypeName *t)
{
    static const char *const words[] = {
        "bpchar", "varchar",  "numeric",   "bool",        "int2",   "int4",
        "int8",   "float4",   "float8",    "time",        "timetz", "bit",
        "varbit", "interval", "timestamp", "timestamptz", NULL};
    const char *type = t->n_names ? dm_sqltree_name(t->names[t->n_names - 1]) : NULL;
    for (size_t i = 0; type && words[i]; i++)
        if (strcmp(type, words[i]) == 0)
            return;
    strip_schema(&t->names, &t->n_names);
}

static void cast(struct dm_rewriting *w, PgQuery__Node *n)
{
    PgQuery__TypeCast *c = n->type_cast;
    PgQuery__TypeName *t = c->type_name;
    strip_type_schema(t);
    const char *type = t->n_names ? dm_sqltree_name(t->names[t->n_names - 1]) : NULL;
    if (!type)
        return;
    bool to_oid;
    const struct reg_type *reg = reg_type_of(type), *inner = called_reg(c->arg, &to_oid);
    if (reg && t->n_array_bounds == 0) {
        if (inner == reg)
            replace(n, c->arg);
        else
            replace(n,
                    dm_sqltree_call(w->arena, is_constant_text(c->arg) ? reg->to_oid : reg->to_name,
                                    c->arg, NULL, NULL));
        return;
    }
    if (inner && is_text_type(type) && to_oid) { /* 'x'::regclass::text */
        replace(n, dm_sqltree_call(w->arena, inner->to_name, c->arg, NULL, NULL));
        return;
    }
    if (inner && !is_text_type(type) && !to_oid) /* number::regclass::oid */
        c->arg = c->arg->func_call->args[0];
    int32_t length;
    if (cut_length(t, type, &length)) {
        t->n_typmods = 0;
        /* The literal of varchar 'x' and the column of c::varchar(3) alike; char(n) does not count its padding. */
        PgQuery__Node *text = dm_sqltree_cast(w->arena, c->arg, "varchar");
        replace(
            n, dm_sqltree_call(w->arena, "left", text, dm_sqltree_integer(w->arena, length), NULL));
        return;
    }
    const char *literal = dm_sqltree_literal(c->arg);
    if (literal && t->n_array_bounds) {
        PgQuery__Node *array = array_literal(w, literal);
        if (array)
            c->arg = array;
    }
    if (literal && (strcmp(type, "date") == 0 || strcmp(type, "timestamp") == 0 ||
                    strcmp(type, "timestamptz") == 0)) {
        const char *iso = dm_rewrite_mdy(w->arena, literal);
        if (iso)
            c->arg = dm_sqltree_text(w->arena, iso);
        if (strcmp(type, "timestamp") == 0)
            t->n_typmods = 0;
    }
    if (strcmp(type, "interval") == 0)
        interval_fields(w, c);
    dm_rewrite_bare_numeric(w, t);
    rename_type(w, t, type);
}

/* ---- functions */

static const char *const functions[][2] = {
    {"len", "length"},
    {"pg_typeof", "value_type"},
    {"textlen", "length"},
    {"btrim", "trim"},
    {"every", "bool_and"},
    {"listagg", "string_agg"},
    {"json_build_object", "json_object"},
    {"dateadd", "date_add_part"},
};

/* DATEADD(day, 1, x): the first argument is a word, not a column. */
static void part_argument(struct dm_rewriting *w, PgQuery__FuncCall *f)
{
    PgQuery__Node *part = f->n_args == 3 ? f->args[0] : NULL;
    if (!part || part->node_case != PG_QUERY__NODE__NODE_COLUMN_REF ||
        part->column_ref->n_fields != 1)
        return;
    const char *word = dm_sqltree_name(part->column_ref->fields[0]);
    if (word)
        f->args[0] = dm_sqltree_text(w->arena, word);
}

/* to_char(x, 'YYYY-MM-DD') with a literal format: the engine's strftime. */
static void to_char(struct dm_rewriting *w, PgQuery__Node *n, const char *format)
{
    static const char *const fields[][2] = {
        {"YYYY", "%Y"}, {"HH24", "%H"}, {"HH12", "%I"}, {"Month", "%B"}, {"Mon", "%b"},
        {"Day", "%A"},  {"Dy", "%a"},   {"DDD", "%j"},  {"YY", "%y"},    {"MM", "%m"},
        {"DD", "%d"},   {"HH", "%I"},   {"MI", "%M"},   {"SS", "%S"},    {"US", "%f"},
        {"AM", "%p"},   {"PM", "%p"},   {"%", "%%"}};
    const char *out = "";
    while (*format) {
        size_t used = 0;
        for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && !used; i++)
            if (strncmp(format, fields[i][0], strlen(fields[i][0])) == 0) {
                used = strlen(fields[i][0]);
                out = dm_arena_printf(w->arena, "%s%s", out, fields[i][1]);
            }
        if (!used) {
            used = 1;
            out = dm_arena_printf(w->arena, "%s%c", out, *format);
        }
        format += used;
    }
    replace(n, dm_sqltree_call(w->arena, "strftime", n->func_call->args[0],
                               dm_sqltree_text(w->arena, out), NULL));
}

/* set_config('name', 'value', local): the call becomes the value, and the statement sets it when it is executed. */
static void set_config(struct dm_rewriting *w, PgQuery__Node *n)
{
    PgQuery__FuncCall *f = n->func_call;
    const char *name = dm_sqltree_literal(f->args[0]), *value = dm_sqltree_literal(f->args[1]);
    const PgQuery__Node *local = f->args[2];
    while (local->node_case == PG_QUERY__NODE__NODE_TYPE_CAST)
        local = local->type_cast->arg;
    if (!name || !value || local->node_case != PG_QUERY__NODE__NODE_A_CONST) {
        dm_rewriting_error(w, DM_E_UNSUPPORTED, NULL, f->location,
                           "set_config takes literals only");
        return;
    }
    if (!dm_rewriter_setting(w->session, name) && !strchr(name, '.')) {
        dm_rewriting_error(w, DM_E_NOTFOUND, "42704", f->location,
                           "unrecognized configuration parameter \"%s\"", name);
        return;
    }
    const PgQuery__AConst *c = local->a_const;
    struct dm_setting_change *sets =
        dm_arena_array(w->arena, struct dm_setting_change, w->n_sets + 1);
    if (w->n_sets)
        memcpy(sets, w->sets, w->n_sets * sizeof(*sets));
    sets[w->n_sets++] = (struct dm_setting_change){
        .name = name,
        .value = value,
        .local = c->val_case == PG_QUERY__A__CONST__VAL_BOOLVAL && c->boolval->boolval};
    w->sets = sets;
    replace(n, dm_sqltree_text(w->arena, value));
}

static void function(struct dm_rewriting *w, PgQuery__Node *n)
{
    PgQuery__FuncCall *f = n->func_call;
    /* extract(x FROM y), trim(…), position(…): printed as they were written while they are pg_catalog's. */
    if (f->funcformat == PG_QUERY__COERCION_FORM__COERCE_SQL_SYNTAX)
        return;
    strip_schema(&f->funcname, &f->n_funcname);
    if (f->n_funcname != 1)
        return;
    const char *name = dm_sqltree_name(f->funcname[0]);
    if (!name)
        return;
    if (strcmp(name, "current_setting") == 0 && f->n_args >= 1 && is_constant_text(f->args[0])) {
        const char *setting = dm_sqltree_literal(f->args[0]);
        const char *value = dm_rewriter_setting(w->session, setting);
        for (size_t i = 0; i < w->n_sets; i++) /* by set_config before it in the same statement */
            if (strcasecmp(w->sets[i].name, setting) == 0)
                value = w->sets[i].value;
        if (value)
            replace(n, dm_sqltree_text(w->arena, value));
        else if (f->n_args == 1)
            dm_rewriting_error(w, DM_E_NOTFOUND, "42704", f->location,
                               "unrecognized configuration parameter \"%s\"", setting);
        else
            replace(n, dm_sqltree_call(w->arena, "nullif", dm_sqltree_text(w->arena, ""),
                                       dm_sqltree_text(w->arena, ""), NULL));
        return;
    }
    if (strcmp(name, "set_config") == 0 && f->n_args == 3) {
        set_config(w, n);
        return;
    }
    if (strcmp(name, "nvl") == 0 && f->n_args > 0) {
        replace(n, dm_sqltree_coalesce(w->arena, f->args, f->n_args));
        return;
    }
    const char *format = f->n_args == 2 ? dm_sqltree_literal(f->args[1]) : NULL;
    if (strcmp(name, "to_char") == 0 && format) {
        to_char(w, n, format);
        return;
    }
    if (strcmp(name, "dateadd") == 0 || strcmp(name, "datediff") == 0)
        part_argument(w, f);
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (strcmp(name, functions[i][0]) == 0)
            f->funcname[0] = dm_sqltree_string(w->arena, functions[i][1]);
}

static void value_function(struct dm_rewriting *w, PgQuery__Node *n)
{
    const char *user = dm_rewriter_setting(w->session, "session_authorization");
    switch (n->sqlvalue_function->op) {
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_ROLE:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_USER:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_SESSION_USER:
        replace(n, dm_sqltree_text(w->arena, user ? user : "daymill"));
        break;
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_CATALOG:
        replace(n, dm_sqltree_text(w->arena, w->session->database));
        break;
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_SCHEMA:
        replace(n, dm_sqltree_call(w->arena, "current_schema", NULL, NULL, NULL));
        break;
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP_N:
        replace(n, dm_sqltree_call(w->arena, "getdate", NULL, NULL, NULL));
        break;
    default:
        break;
    }
}

/* Redshift's SYSDATE is a word without parentheses. */
static void sysdate(struct dm_rewriting *w, PgQuery__Node *n)
{
    const char *name =
        n->column_ref->n_fields == 1 ? dm_sqltree_name(n->column_ref->fields[0]) : NULL;
    if (name && strcmp(name, "sysdate") == 0)
        replace(n, dm_sqltree_call(w->arena, "getdate", NULL, NULL, NULL));
}

void dm_rewrite_expression(struct dm_rewriting *w, PgQuery__Node *n)
{
    switch (n->node_case) {
    case PG_QUERY__NODE__NODE_A_EXPR:
        operator(w, n);
        break;
    case PG_QUERY__NODE__NODE_TYPE_CAST:
        cast(w, n);
        break;
    case PG_QUERY__NODE__NODE_FUNC_CALL:
        function(w, n);
        break;
    case PG_QUERY__NODE__NODE_COLUMN_REF:
        sysdate(w, n);
        break;
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
        value_function(w, n);
        break;
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
        /* Bytewise order is the only one here, as with PostgreSQL's C. */
        replace(n, n->collate_clause->arg);
        break;
    default:
        break;
    }
}
