/* Parser of templates: statements, and the entry. */
#include "lang/object.h"
#include "lang/template_ast.h"

static int parse_body(struct dm_parser *p, const char *const *until, const struct dm_node **ret);

struct dm_node *dm_parser_node(struct dm_parser *p, enum dm_node_kind kind)
{
    struct dm_node *n = dm_arena_new(p->a, struct dm_node);
    n->kind = kind;
    n->line = p->tok->line;
    n->col = p->tok->col;
    return n;
}

int dm_parser_fail(struct dm_parser *p, const char *fmt, ...)
{
    char message[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    return dm_template_syntax(p->err, p->place.file, p->tok->line, p->tok->col, "%s", message);
}

int dm_parser_unexpected(struct dm_parser *p, const char *what)
{
    const struct dm_tok *t = p->tok;
    int n = t->text.len > 40 ? 40 : (int)t->text.len;
    const char *quote = t->kind == DM_TOK_END ? "" : "\"";
    return dm_parser_fail(p, "unexpected %s%.*s%s%s%s", quote, t->kind == DM_TOK_END ? 15 : n,
                          t->kind == DM_TOK_END ? "end of template" : t->text.p, quote,
                          what ? ", expected " : "", what ? what : "");
}

bool dm_parser_is_name(const struct dm_parser *p, const char *name)
{
    return p->tok->kind == DM_TOK_NAME && dm_str_is(p->tok->text, name);
}

bool dm_parser_is_op(const struct dm_parser *p, enum dm_tok_op op)
{
    return p->tok->kind == DM_TOK_OP && p->tok->op == op;
}

bool dm_parser_skip_name(struct dm_parser *p, const char *name)
{
    bool is = dm_parser_is_name(p, name);
    p->tok += is;
    return is;
}

bool dm_parser_skip_op(struct dm_parser *p, enum dm_tok_op op)
{
    bool is = dm_parser_is_op(p, op);
    p->tok += is;
    return is;
}

int dm_parser_expect_op(struct dm_parser *p, enum dm_tok_op op)
{
    if (dm_parser_skip_op(p, op))
        return 0;
    char what[16];
    snprintf(what, sizeof(what), "\"%s\"", dm_op_text(op));
    return dm_parser_unexpected(p, what);
}

int dm_parser_expect_name(struct dm_parser *p, struct dm_str *ret)
{
    if (p->tok->kind != DM_TOK_NAME)
        return dm_parser_unexpected(p, "a name");
    *ret = p->tok++->text;
    return 0;
}

int dm_parser_enter(struct dm_parser *p)
{
    if (++p->depth <= DM_TEMPLATE_DEPTH)
        return 0;
    dm_err_set(p->err, DM_E_LIMIT, "a template is nested deeper than %d levels", DM_TEMPLATE_DEPTH);
    dm_err_detail(p->err, "limit");
    dm_err_at(p->err, p->place.file, (int)p->tok->line, (int)p->tok->col);
    return DM_E_LIMIT;
}

void dm_parser_add(struct dm_parser *p, const struct dm_node ***list, size_t *n,
                   const struct dm_node *item)
{
    if ((*n & (*n - 1)) == 0) { /* full at every power of two */
        const struct dm_node **bigger =
            dm_arena_array(p->a, const struct dm_node *, *n ? *n * 2 : 1);
        if (*n)
            memcpy(bigger, *list, *n * sizeof(*bigger));
        *list = bigger;
    }
    (*list)[(*n)++] = item;
}

static int expect_tag_end(struct dm_parser *p)
{
    if (p->tok->kind != DM_TOK_TAG_END)
        return dm_parser_unexpected(p, "\"%}\"");
    p->tok++;
    return 0;
}

static int expect_word(struct dm_parser *p, const char *word)
{
    if (dm_parser_skip_name(p, word))
        return 0;
    char what[32];
    snprintf(what, sizeof(what), "\"%s\"", word);
    return dm_parser_unexpected(p, what);
}

/* A frame of its own: unknown filters in it fail at once again. */
static int parse_inner(struct dm_parser *p, const char *const *until, const struct dm_node **ret)
{
    bool soft = p->soft;
    p->soft = false;
    int rc = parse_body(p, until, ret);
    p->soft = soft;
    return rc;
}

#define UNTIL(...) ((const char *const[]){__VA_ARGS__, NULL})

static int check_target(struct dm_parser *p, const struct dm_node *target)
{
    if (target->kind == DM_N_NAME)
        return 0;
    if (target->kind == DM_N_TUPLE) {
        for (size_t i = 0; i < target->n_list; i++)
            DM_TRY(check_target(p, target->list[i]));
        return 0;
    }
    return dm_template_syntax(p->err, p->place.file, target->line, target->col,
                              "cannot assign to this");
}

static int parse_name_target(struct dm_parser *p, const struct dm_node **ret)
{
    struct dm_node *n = dm_parser_node(p, DM_N_NAME);
    DM_TRY(dm_parser_expect_name(p, &n->name));
    static const char *const constants[] = {"true", "false", "none", "True", "False", "None"};
    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++)
        if (dm_str_is(n->name, constants[i]))
            return dm_parser_fail(p, "cannot assign to \"%s\"", constants[i]);
    *ret = n;
    return 0;
}

static int parse_target(struct dm_parser *p, bool namespaces, const struct dm_node **ret)
{
    if (namespaces && p->tok->kind == DM_TOK_NAME && p->tok[1].kind == DM_TOK_OP &&
        p->tok[1].op == DM_OP_DOT) {
        struct dm_node *n = dm_parser_node(p, DM_N_ATTR);
        struct dm_node *object = dm_parser_node(p, DM_N_NAME);
        object->name = p->tok->text;
        n->a = object;
        p->tok += 2;
        DM_TRY(dm_parser_expect_name(p, &n->name));
        *ret = n;
        return 0;
    }
    DM_TRY(dm_parse_tuple(p, DM_TUPLE_SIMPLE, ret));
    return check_target(p, *ret);
}

static int parse_for(struct dm_parser *p, struct dm_node *n)
{
    DM_TRY(parse_target(p, false, &n->a));
    DM_TRY(expect_word(p, "in"));
    DM_TRY(dm_parse_tuple(p, DM_TUPLE_NO_COND, &n->b));
    bool soft = p->soft;
    p->soft = false;
    if (dm_parser_skip_name(p, "if"))
        DM_TRY(dm_parse_expression(p, &n->c));
    p->soft = soft;
    n->flag = dm_parser_skip_name(p, "recursive");
    DM_TRY(parse_inner(p, UNTIL("endfor", "else"), &n->body));
    if (dm_parser_skip_name(p, "else"))
        DM_TRY(parse_inner(p, UNTIL("endfor"), &n->otherwise));
    p->tok++;
    return 0;
}

static int parse_if(struct dm_parser *p, struct dm_node *n)
{
    bool soft = p->soft;
    p->soft = true;
    do {
        struct dm_node *branch = dm_parser_node(p, DM_N_PAIR);
        DM_TRY(dm_parse_tuple(p, DM_TUPLE_TEST, &branch->a));
        DM_TRY(parse_body(p, UNTIL("elif", "else", "endif"), &branch->b));
        dm_parser_add(p, &n->list, &n->n_list, branch);
    } while (dm_parser_skip_name(p, "elif"));
    if (dm_parser_skip_name(p, "else"))
        DM_TRY(parse_body(p, UNTIL("endif"), &n->b));
    p->soft = soft;
    p->tok++;
    return 0;
}

static int parse_set(struct dm_parser *p, struct dm_node *n)
{
    DM_TRY(parse_target(p, true, &n->a));
    if (dm_parser_skip_op(p, DM_OP_ASSIGN))
        return dm_parse_tuple(p, DM_TUPLE_PLAIN, &n->b);
    n->kind = DM_N_SET_BLOCK;
    DM_TRY(dm_parse_filters(p, NULL, false, &n->b));
    DM_TRY(parse_inner(p, UNTIL("endset"), &n->body));
    p->tok++;
    return 0;
}

static int parse_signature(struct dm_parser *p, struct dm_node *n)
{
    DM_TRY(dm_parser_expect_op(p, DM_OP_LPAREN));
    while (!dm_parser_is_op(p, DM_OP_RPAREN)) {
        if (n->n_list)
            DM_TRY(dm_parser_expect_op(p, DM_OP_COMMA));
        const struct dm_node *name, *fallback;
        DM_TRY(parse_name_target(p, &name));
        dm_parser_add(p, &n->list, &n->n_list, name);
        if (dm_parser_skip_op(p, DM_OP_ASSIGN)) {
            DM_TRY(dm_parse_expression(p, &fallback));
            dm_parser_add(p, &n->named, &n->n_named, fallback);
        } else if (n->n_named) {
            return dm_parser_fail(p, "a parameter without a default follows one that has one");
        }
    }
    return dm_parser_expect_op(p, DM_OP_RPAREN);
}

static int parse_macro_body(struct dm_parser *p, struct dm_node *n, const char *end)
{
    unsigned *outer = p->uses;
    p->uses = &n->uses;
    int rc = parse_inner(p, UNTIL(end), &n->body);
    p->uses = outer;
    DM_TRY(rc);
    p->tok++;
    return 0;
}

static int parse_macro(struct dm_parser *p, struct dm_node *n)
{
    const struct dm_node *name;
    DM_TRY(parse_name_target(p, &name));
    n->name = name->name;
    DM_TRY(parse_signature(p, n));
    return parse_macro_body(p, n, "endmacro");
}

static int parse_call_block(struct dm_parser *p, struct dm_node *n)
{
    struct dm_node *caller = dm_parser_node(p, DM_N_MACRO);
    caller->flag = true; /* it has no name */
    if (dm_parser_is_op(p, DM_OP_LPAREN))
        DM_TRY(parse_signature(p, caller));
    DM_TRY(dm_parse_expression(p, &n->a));
    if (n->a->kind != DM_N_CALL)
        return dm_parser_fail(p, "expected a call");
    n->b = caller;
    return parse_macro_body(p, caller, "endcall");
}

static int parse_filter_block(struct dm_parser *p, struct dm_node *n)
{
    DM_TRY(dm_parse_filters(p, NULL, true, &n->a));
    DM_TRY(parse_inner(p, UNTIL("endfilter"), &n->body));
    p->tok++;
    return 0;
}

static int parse_with(struct dm_parser *p, struct dm_node *n)
{
    while (p->tok->kind != DM_TOK_TAG_END) {
        if (n->n_list)
            DM_TRY(dm_parser_expect_op(p, DM_OP_COMMA));
        struct dm_node *pair = dm_parser_node(p, DM_N_PAIR);
        DM_TRY(parse_target(p, false, &pair->a));
        DM_TRY(dm_parser_expect_op(p, DM_OP_ASSIGN));
        DM_TRY(dm_parse_expression(p, &pair->b));
        dm_parser_add(p, &n->list, &n->n_list, pair);
    }
    DM_TRY(parse_inner(p, UNTIL("endwith"), &n->body));
    p->tok++;
    return 0;
}

static int parse_block(struct dm_parser *p, struct dm_node *n)
{
    DM_TRY(dm_parser_expect_name(p, &n->name));
    n->flag = dm_parser_skip_name(p, "scoped");
    n->context = dm_parser_skip_name(p, "required");
    if (dm_map_has(&p->blocks, n->name))
        return dm_parser_fail(p, "block \"%.*s\" is defined twice", DM_FMT(n->name));
    dm_map_put(&p->blocks, n->name, n);
    DM_TRY(parse_inner(p, UNTIL("endblock"), &n->body));
    p->tok++;
    if (p->tok->kind == DM_TOK_NAME && dm_str_eq(p->tok->text, n->name))
        p->tok++;
    return 0;
}

/* "with context" and "without context". */
static void parse_context_words(struct dm_parser *p, struct dm_node *n, bool fallback)
{
    n->context = fallback;
    bool with = dm_parser_is_name(p, "with"), without = dm_parser_is_name(p, "without");
    if ((with || without) && p->tok[1].kind == DM_TOK_NAME &&
        dm_str_is(p->tok[1].text, "context")) {
        n->context = with;
        p->tok += 2;
    }
}

static int parse_include(struct dm_parser *p, struct dm_node *n)
{
    DM_TRY(dm_parse_expression(p, &n->a));
    if (dm_parser_is_name(p, "ignore") && p->tok[1].kind == DM_TOK_NAME &&
        dm_str_is(p->tok[1].text, "missing")) {
        n->flag = true;
        p->tok += 2;
    }
    parse_context_words(p, n, true);
    return 0;
}

static int parse_import(struct dm_parser *p, struct dm_node *n)
{
    DM_TRY(dm_parse_expression(p, &n->a));
    DM_TRY(expect_word(p, "as"));
    const struct dm_node *name;
    DM_TRY(parse_name_target(p, &name));
    n->name = name->name;
    parse_context_words(p, n, false);
    return 0;
}

static int parse_from(struct dm_parser *p, struct dm_node *n)
{
    DM_TRY(dm_parse_expression(p, &n->a));
    DM_TRY(expect_word(p, "import"));
    while (p->tok->kind == DM_TOK_NAME) {
        size_t before = n->n_named;
        const struct dm_tok *at = p->tok;
        parse_context_words(p, n, n->context);
        if (p->tok != at)
            break;
        struct dm_node *import = dm_parser_node(p, DM_N_KEYWORD);
        const struct dm_node *name;
        DM_TRY(parse_name_target(p, &name));
        if (name->name.p[0] == '_')
            return dm_parser_fail(p, "names that start with an underscore cannot be imported");
        import->name = import->text = name->name;
        if (dm_parser_skip_name(p, "as")) {
            DM_TRY(parse_name_target(p, &name));
            import->text = name->name;
        }
        dm_parser_add(p, &n->named, &n->n_named, import);
        at = p->tok;
        parse_context_words(p, n, n->context);
        if (p->tok != at || n->n_named == before || !dm_parser_skip_op(p, DM_OP_COMMA))
            break;
    }
    return n->n_named ? 0 : dm_parser_unexpected(p, "a name");
}

static int parse_autoescape(struct dm_parser *p, struct dm_node *n)
{
    DM_TRY(dm_parse_expression(p, &n->a));
    DM_TRY(parse_inner(p, UNTIL("endautoescape"), &n->body));
    p->tok++;
    return 0;
}

static int parse_do(struct dm_parser *p, struct dm_node *n)
{
    return dm_parse_tuple(p, DM_TUPLE_PLAIN, &n->a);
}

static int parse_extends(struct dm_parser *p, struct dm_node *n)
{
    return dm_parse_expression(p, &n->a);
}

/* {% print a, b %} writes one after the other. */
static int parse_print(struct dm_parser *p, struct dm_node *n)
{
    while (p->tok->kind != DM_TOK_TAG_END) {
        if (n->n_list)
            DM_TRY(dm_parser_expect_op(p, DM_OP_COMMA));
        struct dm_node *output = dm_parser_node(p, DM_N_OUTPUT);
        DM_TRY(dm_parse_expression(p, &output->a));
        dm_parser_add(p, &n->list, &n->n_list, output);
    }
    return 0;
}

static const struct {
    const char *tag;
    enum dm_node_kind kind;
    int (*parse)(struct dm_parser *p, struct dm_node *n);
} statements[] = {
    {"for", DM_N_FOR, parse_for},
    {"if", DM_N_IF, parse_if},
    {"set", DM_N_SET, parse_set},
    {"macro", DM_N_MACRO, parse_macro},
    {"call", DM_N_CALL_BLOCK, parse_call_block},
    {"filter", DM_N_FILTER_BLOCK, parse_filter_block},
    {"with", DM_N_WITH, parse_with},
    {"block", DM_N_BLOCK, parse_block},
    {"extends", DM_N_EXTENDS, parse_extends},
    {"include", DM_N_INCLUDE, parse_include},
    {"import", DM_N_IMPORT, parse_import},
    {"from", DM_N_FROM, parse_from},
    {"autoescape", DM_N_AUTOESCAPE, parse_autoescape},
    {"do", DM_N_DO, parse_do},
    {"print", DM_N_BODY, parse_print},
};

static int unknown_tag(struct dm_parser *p, const char *const *until)
{
    const char *names[sizeof(statements) / sizeof(statements[0]) + 5];
    size_t n = 0;
    for (; until && *until && n < 4; until++)
        names[n++] = *until;
    const char *wanted = n ? names[0] : NULL;
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
        names[n++] = statements[i].tag;
    names[n] = NULL;
    struct dm_str tag = p->tok->text;
    if (wanted)
        dm_parser_fail(p, "unknown tag \"%.*s\" where \"%s\" is still to come", DM_FMT(tag),
                       wanted);
    else
        dm_parser_fail(p, "unknown tag \"%.*s\"", DM_FMT(tag));
    const char *near = dm_str_nearest(tag, names);
    if (near)
        dm_err_hint(p->err, "Did you mean \"%s\"?", near);
    return DM_E_SYNTAX;
}

static int parse_statement(struct dm_parser *p, const char *const *until,
                           const struct dm_node **ret)
{
    if (p->tok->kind != DM_TOK_NAME)
        return dm_parser_unexpected(p, "the name of a tag");
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        if (!dm_parser_is_name(p, statements[i].tag))
            continue;
        struct dm_node *n = dm_parser_node(p, statements[i].kind);
        p->tok++;
        DM_TRY(dm_parser_enter(p));
        DM_TRY(statements[i].parse(p, n));
        p->depth--;
        DM_TRY(expect_tag_end(p));
        *ret = n;
        return 0;
    }
    return unknown_tag(p, until);
}

static bool is_one_of(const struct dm_parser *p, const char *const *words)
{
    for (; words && *words; words++)
        if (dm_parser_is_name(p, *words))
            return true;
    return false;
}

/* With `until`: consumes the end of the opening tag first, and stops at one of those words. */
static int parse_body(struct dm_parser *p, const char *const *until, const struct dm_node **ret)
{
    struct dm_node *body = dm_parser_node(p, DM_N_BODY);
    if (until) {
        if (dm_parser_is_op(p, DM_OP_COLON))
            p->tok++;
        DM_TRY(expect_tag_end(p));
    }
    while (p->tok->kind != DM_TOK_END) {
        const struct dm_node *n = NULL;
        if (p->tok->kind == DM_TOK_DATA) {
            struct dm_node *data = dm_parser_node(p, DM_N_DATA);
            data->value = dm_value_str(p->a, p->tok->text);
            p->tok++;
            n = data;
        } else if (p->tok->kind == DM_TOK_VAR_BEGIN) {
            p->tok++;
            struct dm_node *output = dm_parser_node(p, DM_N_OUTPUT);
            DM_TRY(dm_parse_tuple(p, DM_TUPLE_PLAIN, &output->a));
            if (p->tok->kind != DM_TOK_VAR_END)
                return dm_parser_unexpected(p, "\"}}\"");
            p->tok++;
            n = output;
        } else {
            p->tok++;
            if (is_one_of(p, until)) {
                *ret = body;
                return 0;
            }
            DM_TRY(parse_statement(p, until, &n));
        }
        dm_parser_add(p, &body->list, &body->n_list, n);
    }
    if (until) {
        char what[32];
        snprintf(what, sizeof(what), "\"{%% %s %%}\"", until[0]);
        return dm_parser_unexpected(p, what);
    }
    *ret = body;
    return 0;
}

struct names {
    struct dm_arena *a;
    struct dm_map seen;
};

static void add_name(void *user, const struct dm_node *name)
{
    struct names *names = user;
    dm_map_put(&names->seen, name->name, (void *)dm_str_cstr(names->a, name->name));
}

int dm_template_parse(struct dm_arena *a, struct dm_str text, struct dm_place place,
                      const struct dm_template **ret, struct dm_err *reterr)
{
    struct dm_tok *toks;
    size_t n;
    DM_TRY(dm_template_lex(a, text, place, &toks, &n, reterr));
    struct dm_parser p = {.a = a, .place = place, .err = reterr, .tok = toks};
    dm_map_init(&p.blocks, a);
    struct dm_template *t = dm_arena_new(a, struct dm_template);
    t->place = place;
    if (place.file)
        t->place.file = dm_arena_strdup(a, place.file);
    DM_TRY(parse_body(&p, NULL, &t->body));
    t->blocks = p.blocks;
    DM_TRY(dm_template_fold(a, t, reterr));
    struct names names = {.a = a};
    dm_map_init(&names.seen, a);
    dm_template_free_names(a, t->body, add_name, &names);
    const char **list = dm_arena_array(a, const char *, names.seen.len + 1);
    for (size_t i = 0; i < names.seen.len; i++)
        list[i] = names.seen.entries[i].value;
    t->names = list;
    *ret = t;
    return 0;
}

const char *const *dm_template_names(const struct dm_template *t)
{
    return t->names;
}
