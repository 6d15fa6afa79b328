/*
 * The tree of a parsed template.  Immutable after parsing; lives in the arena given to dm_template_parse.
 *
 * One node type for all kinds; the comment of each kind says which members it uses.
 */
#ifndef DM_TEMPLATE_AST_H
#define DM_TEMPLATE_AST_H

#include "base/map.h"
#include "lang/template_lex.h"

/* Operators, filters and calls in one expression, each inside the one before. */
enum { DM_TEMPLATE_CHAIN = 1000 };

enum dm_node_kind {
    /* expressions */
    DM_N_CONST,   /* value */
    DM_N_NAME,    /* name */
    DM_N_TUPLE,   /* list */
    DM_N_LIST,    /* list */
    DM_N_DICT,    /* list of PAIR */
    DM_N_PAIR,    /* a: b */
    DM_N_BINARY,  /* a op b */
    DM_N_NEG,     /* -a */
    DM_N_POS,     /* +a */
    DM_N_NOT,     /* not a */
    DM_N_AND,     /* a and b */
    DM_N_OR,      /* a or b */
    DM_N_CONCAT,  /* list, joined by ~ */
    DM_N_COMPARE, /* a, then list of OPERAND */
    DM_N_OPERAND, /* op a */
    DM_N_COND,    /* b if a else c (c may be NULL) */
    DM_N_ATTR,    /* a.name */
    DM_N_ITEM,    /* a[b] */
    DM_N_SLICE,   /* a:b:c, each may be NULL */
    DM_N_CALL,    /* a(list, named…, *b, **c) */
    DM_N_FILTER,  /* a | name(list, …); a NULL = the text of the block around it */
    DM_N_TEST,    /* a is name(list, …) */
    DM_N_KEYWORD, /* name=a, in `named` */
    /* statements */
    DM_N_BODY,      /* list */
    DM_N_DATA,      /* value: a text */
    DM_N_OUTPUT,    /* a; flag = it is constant, and may be infinite */
    DM_N_DO,        /* a */
    DM_N_IF,        /* list of PAIR (test: body); b = else or NULL */
    DM_N_FOR,       /* for a in b: body; c = `if`, otherwise = else; flag = recursive */
    DM_N_SET,       /* a = b; a is NAME, TUPLE or ATTR of a namespace */
    DM_N_SET_BLOCK, /* a = body through the filters b (may be NULL) */
    DM_N_MACRO, /* name (flag = none: of a call block), list of parameters (NAME), named: their defaults (last ones), body, uses */
    DM_N_CALL_BLOCK,   /* a: the CALL; body and parameters as a MACRO of their own: b */
    DM_N_FILTER_BLOCK, /* a: the filters, body */
    DM_N_WITH,         /* list of PAIR (NAME: value), body */
    DM_N_BLOCK,        /* name, body; flag = scoped */
    DM_N_EXTENDS,      /* a */
    DM_N_INCLUDE,      /* a; flag = ignore missing; context */
    DM_N_IMPORT,       /* a as name; context */
    DM_N_FROM,         /* from a import: named, KEYWORD (name = there, text = here); context */
    DM_N_AUTOESCAPE,   /* a, body */
};

/* What a macro's body mentions, and so takes. */
enum { DM_USES_CALLER = 1, DM_USES_VARARGS = 2, DM_USES_KWARGS = 4 };

struct dm_node {
    enum dm_node_kind kind;
    enum dm_tok_op op;
    uint32_t line, col;
    uint32_t depth; /* of the expression below it */
    bool flag, context;
    unsigned uses;
    struct dm_str name, text;
    const struct dm_value *value;
    const struct dm_callable
        *callable; /* FILTER, TEST; NULL = unknown, an error when it is reached */
    const struct dm_node *a, *b, *c, *body, *otherwise;
    const struct dm_node **list, **named;
    size_t n_list, n_named;
};

struct dm_template {
    struct dm_place place;
    const struct dm_node *body;
    struct dm_map blocks; /* name -> BLOCK */
    const char *const *names;
};

/* The names that a template reads and does not set itself, in the order of their first use, with their nodes.
   (template_names.c) */
void dm_template_free_names(struct dm_arena *a, const struct dm_node *body,
                            void (*found)(void *user, const struct dm_node *name), void *user);

/* Computes what is constant (template_fold.c); an error where that is undefined and asked for all the same. */
int dm_template_fold(struct dm_arena *a, const struct dm_template *t,
                     struct dm_err *reterr) dm_nodiscard;

/* Between the two files of the parser. */
struct dm_parser {
    struct dm_arena *a;
    struct dm_place place;
    struct dm_err *err;
    const struct dm_tok *tok; /* the current one */
    unsigned depth;
    bool soft;      /* inside `if`: an unknown filter fails only when it is reached */
    unsigned *uses; /* of the macro around */
    bool in_block;
    struct dm_map blocks;
};

struct dm_node *dm_parser_node(struct dm_parser *p, enum dm_node_kind kind);
/* Tracks the depth of an expression: called for each child. */
int dm_parser_below(struct dm_parser *p, struct dm_node *n, const struct dm_node *child);
int dm_parser_fail(struct dm_parser *p, const char *fmt, ...) dm_printf(2, 3);
/* "unexpected …, expected WHAT". */
int dm_parser_unexpected(struct dm_parser *p, const char *what);
bool dm_parser_is_name(const struct dm_parser *p, const char *name);
bool dm_parser_is_op(const struct dm_parser *p, enum dm_tok_op op);
bool dm_parser_skip_name(struct dm_parser *p, const char *name);
bool dm_parser_skip_op(struct dm_parser *p, enum dm_tok_op op);
int dm_parser_expect_op(struct dm_parser *p, enum dm_tok_op op);
int dm_parser_expect_name(struct dm_parser *p, struct dm_str *ret);
int dm_parser_enter(struct dm_parser *p);
void dm_parser_add(struct dm_parser *p, const struct dm_node ***list, size_t *n,
                   const struct dm_node *item);

enum dm_tuple_rule {
    DM_TUPLE_PLAIN,
    DM_TUPLE_PARENS,  /* () is allowed */
    DM_TUPLE_TEST,    /* no `x if y` */
    DM_TUPLE_NO_COND, /* the same, and ends at `recursive`: the iterable of `for` */
    DM_TUPLE_SIMPLE,  /* primaries only: a target */
};
int dm_parse_expression(struct dm_parser *p, const struct dm_node **ret) dm_nodiscard;
int dm_parse_tuple(struct dm_parser *p, enum dm_tuple_rule rule,
                   const struct dm_node **ret) dm_nodiscard;
/* `| f | g` after what is in *node; with `leading` the first name comes without a bar. */
int dm_parse_filters(struct dm_parser *p, const struct dm_node *subject, bool leading,
                     const struct dm_node **ret) dm_nodiscard;

#endif
