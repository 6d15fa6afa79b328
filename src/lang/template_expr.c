/* Parser of templates: expressions. */
#include "lang/object.h"
#include "lang/template_ast.h"

static int parse_unary(struct dm_parser *p, bool filters, const struct dm_node **ret);
static int parse_or(struct dm_parser *p, const struct dm_node **ret);
static int parse_primary(struct dm_parser *p, const struct dm_node **ret);
static int parse_postfix(struct dm_parser *p, const struct dm_node **node);
static int parse_filter_expr(struct dm_parser *p, const struct dm_node **node);

int dm_parser_below(struct dm_parser *p, struct dm_node *n, const struct dm_node *child)
{
    if (child && child->depth >= n->depth)
        n->depth = child->depth + 1;
    if (n->depth <= DM_TEMPLATE_CHAIN)
        return 0;
    dm_err_set(p->err, DM_E_LIMIT, "an expression chains more than %d operations",
               DM_TEMPLATE_CHAIN);
    dm_err_detail(p->err, "limit");
    return dm_err_at(p->err, p->place.file, (int)n->line, (int)n->col), DM_E_LIMIT;
}

static int unary(struct dm_parser *p, enum dm_node_kind kind, const struct dm_tok *at,
                 const struct dm_node *a, const struct dm_node **ret)
{
    struct dm_node *n = dm_parser_node(p, kind);
    n->line = at->line;
    n->col = at->col;
    n->a = a;
    *ret = n;
    return dm_parser_below(p, n, a);
}

static int binary(struct dm_parser *p, enum dm_node_kind kind, const struct dm_tok *at,
                  const struct dm_node *a, const struct dm_node *b, const struct dm_node **ret)
{
    struct dm_node *n = dm_parser_node(p, kind);
    n->line = at->line;
    n->col = at->col;
    n->op = at->op;
    n->a = a;
    n->b = b;
    DM_TRY(dm_parser_below(p, n, a));
    DM_TRY(dm_parser_below(p, n, b));
    *ret = n;
    return 0;
}

int dm_parse_expression(struct dm_parser *p, const struct dm_node **ret)
{
    DM_TRY(dm_parser_enter(p));
    DM_TRY(parse_or(p, ret));
    while (dm_parser_is_name(p, "if")) {
        struct dm_node *n = dm_parser_node(p, DM_N_COND);
        p->tok++;
        n->b = *ret;
        DM_TRY(parse_or(p, &n->a));
        if (dm_parser_skip_name(p, "else"))
            DM_TRY(dm_parse_expression(p, &n->c));
        DM_TRY(dm_parser_below(p, n, n->a));
        DM_TRY(dm_parser_below(p, n, n->b));
        DM_TRY(dm_parser_below(p, n, n->c));
        *ret = n;
    }
    p->depth--;
    return 0;
}

static int parse_math1(struct dm_parser *p, const struct dm_node **ret);

static int parse_compare(struct dm_parser *p, const struct dm_node **ret)
{
    DM_TRY(parse_math1(p, ret));
    struct dm_node *n = NULL;
    for (;;) {
        const struct dm_tok *at = p->tok;
        enum dm_tok_op op = DM_OP_NONE;
        if (at->kind == DM_TOK_OP && at->op >= DM_OP_EQ && at->op <= DM_OP_GE) {
            op = at->op;
            p->tok++;
        } else if (dm_parser_skip_name(p, "in")) {
            op = DM_OP_IN;
        } else if (dm_parser_is_name(p, "not") && p->tok[1].kind == DM_TOK_NAME &&
                   dm_str_is(p->tok[1].text, "in")) {
            op = DM_OP_NOT_IN;
            p->tok += 2;
        } else {
            break;
        }
        if (!n) {
            n = dm_parser_node(p, DM_N_COMPARE);
            n->line = at->line;
            n->col = at->col;
            n->a = *ret;
            DM_TRY(dm_parser_below(p, n, n->a));
        }
        struct dm_node *operand = dm_parser_node(p, DM_N_OPERAND);
        operand->op = op;
        operand->line = at->line;
        operand->col = at->col;
        DM_TRY(parse_math1(p, &operand->a));
        DM_TRY(dm_parser_below(p, operand, operand->a));
        DM_TRY(dm_parser_below(p, n, operand));
        dm_parser_add(p, &n->list, &n->n_list, operand);
    }
    if (n)
        *ret = n;
    return 0;
}

static int parse_not(struct dm_parser *p, const struct dm_node **ret)
{
    const struct dm_tok *at = p->tok;
    if (!dm_parser_skip_name(p, "not"))
        return parse_compare(p, ret);
    const struct dm_node *a;
    DM_TRY(dm_parser_enter(p));
    DM_TRY(parse_not(p, &a));
    p->depth--;
    return unary(p, DM_N_NOT, at, a, ret);
}

static int parse_and(struct dm_parser *p, const struct dm_node **ret)
{
    DM_TRY(parse_not(p, ret));
    for (const struct dm_tok *at = p->tok; dm_parser_skip_name(p, "and"); at = p->tok) {
        const struct dm_node *b;
        DM_TRY(parse_not(p, &b));
        DM_TRY(binary(p, DM_N_AND, at, *ret, b, ret));
    }
    return 0;
}

static int parse_or(struct dm_parser *p, const struct dm_node **ret)
{
    DM_TRY(parse_and(p, ret));
    for (const struct dm_tok *at = p->tok; dm_parser_skip_name(p, "or"); at = p->tok) {
        const struct dm_node *b;
        DM_TRY(parse_and(p, &b));
        DM_TRY(binary(p, DM_N_OR, at, *ret, b, ret));
    }
    return 0;
}

/* In this language powers group to the left, and a sign binds tighter than a power. */
static int parse_pow(struct dm_parser *p, const struct dm_node **ret)
{
    DM_TRY(parse_unary(p, true, ret));
    for (const struct dm_tok *at = p->tok; dm_parser_skip_op(p, DM_OP_POW); at = p->tok) {
        const struct dm_node *b;
        DM_TRY(parse_unary(p, true, &b));
        DM_TRY(binary(p, DM_N_BINARY, at, *ret, b, ret));
    }
    return 0;
}

static int parse_math2(struct dm_parser *p, const struct dm_node **ret)
{
    DM_TRY(parse_pow(p, ret));
    for (;;) {
        const struct dm_tok *at = p->tok;
        if (at->kind != DM_TOK_OP || at->op < DM_OP_MUL || at->op > DM_OP_MOD)
            return 0;
        p->tok++;
        const struct dm_node *b;
        DM_TRY(parse_pow(p, &b));
        DM_TRY(binary(p, DM_N_BINARY, at, *ret, b, ret));
    }
}

static int parse_concat(struct dm_parser *p, const struct dm_node **ret)
{
    DM_TRY(parse_math2(p, ret));
    if (!dm_parser_is_op(p, DM_OP_TILDE))
        return 0;
    struct dm_node *n = dm_parser_node(p, DM_N_CONCAT);
    dm_parser_add(p, &n->list, &n->n_list, *ret);
    DM_TRY(dm_parser_below(p, n, *ret));
    while (dm_parser_skip_op(p, DM_OP_TILDE)) {
        const struct dm_node *item;
        DM_TRY(parse_math2(p, &item));
        DM_TRY(dm_parser_below(p, n, item));
        dm_parser_add(p, &n->list, &n->n_list, item);
    }
    *ret = n;
    return 0;
}

static int parse_math1(struct dm_parser *p, const struct dm_node **ret)
{
    DM_TRY(parse_concat(p, ret));
    for (;;) {
        const struct dm_tok *at = p->tok;
        if (at->kind != DM_TOK_OP || (at->op != DM_OP_ADD && at->op != DM_OP_SUB))
            return 0;
        p->tok++;
        const struct dm_node *b;
        DM_TRY(parse_concat(p, &b));
        DM_TRY(binary(p, DM_N_BINARY, at, *ret, b, ret));
    }
}

static int parse_unary(struct dm_parser *p, bool filters, const struct dm_node **ret)
{
    const struct dm_tok *at = p->tok;
    if (dm_parser_is_op(p, DM_OP_SUB) || dm_parser_is_op(p, DM_OP_ADD)) {
        p->tok++;
        const struct dm_node *a;
        DM_TRY(dm_parser_enter(p));
        DM_TRY(parse_unary(p, false, &a));
        p->depth--;
        DM_TRY(unary(p, at->op == DM_OP_SUB ? DM_N_NEG : DM_N_POS, at, a, ret));
    } else {
        DM_TRY(parse_primary(p, ret));
    }
    DM_TRY(parse_postfix(p, ret));
    return filters ? parse_filter_expr(p, ret) : 0;
}

static int parse_list(struct dm_parser *p, const struct dm_node **ret)
{
    struct dm_node *n = dm_parser_node(p, DM_N_LIST);
    p->tok++;
    while (!dm_parser_is_op(p, DM_OP_RBRACKET)) {
        if (n->n_list)
            DM_TRY(dm_parser_expect_op(p, DM_OP_COMMA));
        if (dm_parser_is_op(p, DM_OP_RBRACKET))
            break;
        const struct dm_node *item;
        DM_TRY(dm_parse_expression(p, &item));
        DM_TRY(dm_parser_below(p, n, item));
        dm_parser_add(p, &n->list, &n->n_list, item);
    }
    *ret = n;
    return dm_parser_expect_op(p, DM_OP_RBRACKET);
}

static int parse_dict(struct dm_parser *p, const struct dm_node **ret)
{
    struct dm_node *n = dm_parser_node(p, DM_N_DICT);
    p->tok++;
    while (!dm_parser_is_op(p, DM_OP_RBRACE)) {
        if (n->n_list)
            DM_TRY(dm_parser_expect_op(p, DM_OP_COMMA));
        if (dm_parser_is_op(p, DM_OP_RBRACE))
            break;
        struct dm_node *pair = dm_parser_node(p, DM_N_PAIR);
        DM_TRY(dm_parse_expression(p, &pair->a));
        DM_TRY(dm_parser_expect_op(p, DM_OP_COLON));
        DM_TRY(dm_parse_expression(p, &pair->b));
        DM_TRY(dm_parser_below(p, n, pair->a));
        DM_TRY(dm_parser_below(p, n, pair->b));
        dm_parser_add(p, &n->list, &n->n_list, pair);
    }
    *ret = n;
    return dm_parser_expect_op(p, DM_OP_RBRACE);
}

static const struct dm_value *constant_of(struct dm_str name)
{
    if (dm_str_is(name, "true") || dm_str_is(name, "True"))
        return &dm_true;
    if (dm_str_is(name, "false") || dm_str_is(name, "False"))
        return &dm_false;
    if (dm_str_is(name, "none") || dm_str_is(name, "None"))
        return &dm_null;
    return NULL;
}

static void note_use(struct dm_parser *p, struct dm_str name)
{
    if (!p->uses)
        return;
    if (dm_str_is(name, "caller"))
        *p->uses |= DM_USES_CALLER;
    else if (dm_str_is(name, "varargs"))
        *p->uses |= DM_USES_VARARGS;
    else if (dm_str_is(name, "kwargs"))
        *p->uses |= DM_USES_KWARGS;
}

/* Texts that stand side by side are one. */
static void parse_strings(struct dm_parser *p, const struct dm_node **ret)
{
    struct dm_node *n = dm_parser_node(p, DM_N_CONST);
    n->value = p->tok->value;
    p->tok++;
    if (p->tok->kind == DM_TOK_STRING) {
        _cleanup_strbuf_ struct dm_strbuf b;
        dm_strbuf_init(&b, SIZE_MAX / 2);
        dm_strbuf_addstr(&b, n->value->s);
        for (; p->tok->kind == DM_TOK_STRING; p->tok++)
            dm_strbuf_addstr(&b, p->tok->value->s);
        n->value = dm_value_str(p->a, dm_str_dup(p->a, dm_strbuf_str(&b)));
    }
    *ret = n;
}

static int parse_primary(struct dm_parser *p, const struct dm_node **ret)
{
    const struct dm_tok *t = p->tok;
    if (t->kind == DM_TOK_NAME) {
        struct dm_node *n = dm_parser_node(p, DM_N_NAME);
        n->name = t->text;
        n->value = constant_of(t->text);
        if (n->value)
            n->kind = DM_N_CONST;
        else
            note_use(p, t->text);
        p->tok++;
        *ret = n;
        return 0;
    }
    if (t->kind == DM_TOK_STRING) {
        parse_strings(p, ret);
        return 0;
    }
    if (t->kind == DM_TOK_INT || t->kind == DM_TOK_FLOAT) {
        struct dm_node *n = dm_parser_node(p, DM_N_CONST);
        n->value = t->value;
        p->tok++;
        *ret = n;
        return 0;
    }
    if (dm_parser_is_op(p, DM_OP_LPAREN)) {
        p->tok++;
        DM_TRY(dm_parse_tuple(p, DM_TUPLE_PARENS, ret));
        return dm_parser_expect_op(p, DM_OP_RPAREN);
    }
    if (dm_parser_is_op(p, DM_OP_LBRACKET))
        return parse_list(p, ret);
    if (dm_parser_is_op(p, DM_OP_LBRACE))
        return parse_dict(p, ret);
    return dm_parser_unexpected(p, NULL);
}

static bool is_tuple_end(const struct dm_parser *p, enum dm_tuple_rule rule)
{
    const struct dm_tok *t = p->tok;
    if (t->kind == DM_TOK_VAR_END || t->kind == DM_TOK_TAG_END || dm_parser_is_op(p, DM_OP_RPAREN))
        return true;
    return rule == DM_TUPLE_NO_COND && dm_parser_is_name(p, "recursive");
}

int dm_parse_tuple(struct dm_parser *p, enum dm_tuple_rule rule, const struct dm_node **ret)
{
    struct dm_node *n = dm_parser_node(p, DM_N_TUPLE);
    bool tuple = false;
    for (;;) {
        if (n->n_list)
            DM_TRY(dm_parser_expect_op(p, DM_OP_COMMA));
        if (is_tuple_end(p, rule))
            break;
        const struct dm_node *item;
        if (rule == DM_TUPLE_SIMPLE)
            DM_TRY(parse_primary(p, &item));
        else if (rule == DM_TUPLE_NO_COND || rule == DM_TUPLE_TEST)
            DM_TRY(parse_or(p, &item));
        else
            DM_TRY(dm_parse_expression(p, &item));
        DM_TRY(dm_parser_below(p, n, item));
        dm_parser_add(p, &n->list, &n->n_list, item);
        if (!dm_parser_is_op(p, DM_OP_COMMA))
            break;
        tuple = true;
    }
    if (!tuple && n->n_list) {
        *ret = n->list[0];
        return 0;
    }
    if (!tuple && rule != DM_TUPLE_PARENS)
        return dm_parser_unexpected(p, "an expression");
    *ret = n;
    return 0;
}

static int parse_subscribed(struct dm_parser *p, const struct dm_node **ret)
{
    struct dm_node *n = dm_parser_node(p, DM_N_SLICE);
    if (!dm_parser_is_op(p, DM_OP_COLON)) {
        DM_TRY(dm_parse_expression(p, ret));
        if (!dm_parser_is_op(p, DM_OP_COLON))
            return 0;
        n->a = *ret;
    }
    const struct dm_node **parts[] = {&n->b, &n->c};
    for (size_t i = 0; i < 2 && dm_parser_skip_op(p, DM_OP_COLON); i++)
        if (!dm_parser_is_op(p, DM_OP_COLON) && !dm_parser_is_op(p, DM_OP_COMMA) &&
            !dm_parser_is_op(p, DM_OP_RBRACKET))
            DM_TRY(dm_parse_expression(p, parts[i]));
    DM_TRY(dm_parser_below(p, n, n->a));
    DM_TRY(dm_parser_below(p, n, n->b));
    DM_TRY(dm_parser_below(p, n, n->c));
    *ret = n;
    return 0;
}

static int parse_subscript(struct dm_parser *p, const struct dm_node **node)
{
    const struct dm_tok *at = p->tok++;
    const struct dm_node *index = NULL;
    if (at->op == DM_OP_DOT) {
        const struct dm_tok *t = p->tok;
        if (t->kind == DM_TOK_NAME) {
            p->tok++;
            struct dm_node *n = dm_parser_node(p, DM_N_ATTR);
            n->line = t->line;
            n->col = t->col;
            n->a = *node;
            n->name = t->text;
            *node = n;
            return dm_parser_below(p, n, n->a);
        }
        if (t->kind != DM_TOK_INT)
            return dm_parser_unexpected(p, "name or number");
        struct dm_node *number = dm_parser_node(p, DM_N_CONST);
        number->value = t->value;
        index = number;
        p->tok++;
    } else {
        struct dm_node *tuple = dm_parser_node(p, DM_N_TUPLE);
        while (!dm_parser_is_op(p, DM_OP_RBRACKET)) {
            if (tuple->n_list)
                DM_TRY(dm_parser_expect_op(p, DM_OP_COMMA));
            const struct dm_node *item;
            DM_TRY(parse_subscribed(p, &item));
            DM_TRY(dm_parser_below(p, tuple, item));
            dm_parser_add(p, &tuple->list, &tuple->n_list, item);
        }
        DM_TRY(dm_parser_expect_op(p, DM_OP_RBRACKET));
        index = tuple->n_list == 1 ? tuple->list[0] : tuple;
    }
    return binary(p, DM_N_ITEM, at, *node, index, node);
}

/* At "(": the arguments into `n`. */
static int parse_arguments(struct dm_parser *p, struct dm_node *n)
{
    p->tok++;
    bool first = true;
    while (!dm_parser_is_op(p, DM_OP_RPAREN)) {
        if (!first) {
            DM_TRY(dm_parser_expect_op(p, DM_OP_COMMA));
            if (dm_parser_is_op(p, DM_OP_RPAREN))
                break;
        }
        first = false;
        const struct dm_node *item;
        if (dm_parser_is_op(p, DM_OP_MUL) || dm_parser_is_op(p, DM_OP_POW)) {
            const struct dm_node **slot = dm_parser_is_op(p, DM_OP_MUL) ? &n->b : &n->c;
            if (*slot || n->c)
                return dm_parser_fail(p, "invalid syntax for function call expression");
            p->tok++;
            DM_TRY(dm_parse_expression(p, &item));
            *slot = item;
        } else if (p->tok->kind == DM_TOK_NAME && p->tok[1].kind == DM_TOK_OP &&
                   p->tok[1].op == DM_OP_ASSIGN) {
            if (n->c)
                return dm_parser_fail(p, "invalid syntax for function call expression");
            struct dm_node *keyword = dm_parser_node(p, DM_N_KEYWORD);
            keyword->name = p->tok->text;
            p->tok += 2;
            DM_TRY(dm_parse_expression(p, &keyword->a));
            dm_parser_add(p, &n->named, &n->n_named, keyword);
            item = keyword->a;
        } else {
            if (n->b || n->c || n->n_named)
                return dm_parser_fail(p, "invalid syntax for function call expression");
            DM_TRY(dm_parse_expression(p, &item));
            dm_parser_add(p, &n->list, &n->n_list, item);
        }
        DM_TRY(dm_parser_below(p, n, item));
    }
    return dm_parser_expect_op(p, DM_OP_RPAREN);
}

static int parse_call(struct dm_parser *p, const struct dm_node **node)
{
    struct dm_node *n = dm_parser_node(p, DM_N_CALL);
    n->a = *node;
    n->line = n->a->line;
    n->col = n->a->col;
    DM_TRY(dm_parser_below(p, n, n->a));
    DM_TRY(parse_arguments(p, n));
    *node = n;
    return 0;
}

static int parse_postfix(struct dm_parser *p, const struct dm_node **node)
{
    for (;;) {
        if (dm_parser_is_op(p, DM_OP_DOT) || dm_parser_is_op(p, DM_OP_LBRACKET))
            DM_TRY(parse_subscript(p, node));
        else if (dm_parser_is_op(p, DM_OP_LPAREN))
            DM_TRY(parse_call(p, node));
        else
            return 0;
    }
}

static int parse_dotted_name(struct dm_parser *p, struct dm_str *ret)
{
    DM_TRY(dm_parser_expect_name(p, ret));
    while (dm_parser_skip_op(p, DM_OP_DOT)) {
        struct dm_str more;
        DM_TRY(dm_parser_expect_name(p, &more));
        *ret = dm_str_printf(p->a, "%.*s.%.*s", DM_FMT(*ret), DM_FMT(more));
    }
    return 0;
}

/* Jinja finds out about unknown names when it compiles, but inside `if` only when it gets there. */
static int resolve(struct dm_parser *p, struct dm_node *n)
{
    bool filter = n->kind == DM_N_FILTER;
    n->callable = filter ? dm_filter_find(n->name) : dm_test_find(n->name);
    if (n->callable || p->soft)
        return 0;
    dm_template_syntax(p->err, p->place.file, n->line, n->col, "no %s named \"%.*s\"",
                       filter ? "filter" : "test", DM_FMT(n->name));
    const char *near = filter ? dm_filter_nearest(n->name) : dm_test_nearest(n->name);
    if (near)
        dm_err_hint(p->err, "Did you mean \"%s\"?", near);
    return DM_E_SYNTAX;
}

int dm_parse_filters(struct dm_parser *p, const struct dm_node *subject, bool leading,
                     const struct dm_node **ret)
{
    *ret = subject;
    while (leading || dm_parser_skip_op(p, DM_OP_PIPE)) {
        leading = false;
        struct dm_node *n = dm_parser_node(p, DM_N_FILTER);
        n->a = *ret;
        DM_TRY(parse_dotted_name(p, &n->name));
        DM_TRY(resolve(p, n));
        DM_TRY(dm_parser_below(p, n, n->a));
        if (dm_parser_is_op(p, DM_OP_LPAREN))
            DM_TRY(parse_arguments(p, n));
        *ret = n;
    }
    return 0;
}

static bool starts_test_argument(const struct dm_parser *p)
{
    const struct dm_tok *t = p->tok;
    switch (t->kind) {
    case DM_TOK_NAME:
        return !dm_str_is(t->text, "else") && !dm_str_is(t->text, "or") &&
               !dm_str_is(t->text, "and");
    case DM_TOK_STRING:
    case DM_TOK_INT:
    case DM_TOK_FLOAT:
        return true;
    default:
        return dm_parser_is_op(p, DM_OP_LBRACKET) || dm_parser_is_op(p, DM_OP_LBRACE);
    }
}

static int parse_test(struct dm_parser *p, const struct dm_node **node)
{
    const struct dm_tok *at = p->tok++;
    bool negated = dm_parser_skip_name(p, "not");
    struct dm_node *n = dm_parser_node(p, DM_N_TEST);
    n->a = *node;
    DM_TRY(parse_dotted_name(p, &n->name));
    DM_TRY(resolve(p, n));
    DM_TRY(dm_parser_below(p, n, n->a));
    if (dm_parser_is_op(p, DM_OP_LPAREN)) {
        DM_TRY(parse_arguments(p, n));
    } else if (starts_test_argument(p)) {
        if (dm_parser_is_name(p, "is"))
            return dm_parser_fail(p, "tests cannot be chained with is");
        const struct dm_node *argument;
        DM_TRY(parse_primary(p, &argument));
        DM_TRY(parse_postfix(p, &argument));
        DM_TRY(dm_parser_below(p, n, argument));
        dm_parser_add(p, &n->list, &n->n_list, argument);
    }
    *node = n;
    return negated ? unary(p, DM_N_NOT, at, n, node) : 0;
}

static int parse_filter_expr(struct dm_parser *p, const struct dm_node **node)
{
    for (;;) {
        if (dm_parser_is_op(p, DM_OP_PIPE))
            DM_TRY(dm_parse_filters(p, *node, false, node));
        else if (dm_parser_is_name(p, "is"))
            DM_TRY(parse_test(p, node));
        else if (dm_parser_is_op(p, DM_OP_LPAREN))
            DM_TRY(parse_call(p, node));
        else
            return 0;
    }
}
