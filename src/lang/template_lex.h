/*
 * Lexer of templates: the bytes of a template as tokens.  Pure; every byte sequence gives tokens or an error.
 *
 * Line breaks become "\n", the last one of the text is dropped, and `-` in a tag has already taken the white space
 * beside it, so that a DM_TOK_DATA is written as it is.
 */
#ifndef DM_TEMPLATE_LEX_H
#define DM_TEMPLATE_LEX_H

#include "lang/template.h"

enum dm_tok_kind {
    DM_TOK_END,
    DM_TOK_DATA,
    DM_TOK_VAR_BEGIN, /* {{ */
    DM_TOK_VAR_END,
    DM_TOK_TAG_BEGIN, /* {% */
    DM_TOK_TAG_END,
    DM_TOK_NAME,
    DM_TOK_STRING,
    DM_TOK_INT,
    DM_TOK_FLOAT,
    DM_TOK_OP,
};

enum dm_tok_op {
    DM_OP_NONE,
    DM_OP_ADD,
    DM_OP_SUB,
    DM_OP_MUL,
    DM_OP_DIV,
    DM_OP_FLOORDIV,
    DM_OP_MOD,
    DM_OP_POW,
    DM_OP_TILDE,
    DM_OP_EQ,
    DM_OP_NE,
    DM_OP_LT,
    DM_OP_LE,
    DM_OP_GT,
    DM_OP_GE,
    DM_OP_IN,     /* made by the parser */
    DM_OP_NOT_IN, /* made by the parser */
    DM_OP_ASSIGN,
    DM_OP_DOT,
    DM_OP_COLON,
    DM_OP_PIPE,
    DM_OP_COMMA,
    DM_OP_SEMICOLON,
    DM_OP_LPAREN,
    DM_OP_RPAREN,
    DM_OP_LBRACKET,
    DM_OP_RBRACKET,
    DM_OP_LBRACE,
    DM_OP_RBRACE,
};

struct dm_tok {
    enum dm_tok_kind kind;
    enum dm_tok_op op;
    uint32_t line, col;           /* in the file that the template's place names */
    struct dm_str text;           /* as written; DATA and NAME: the value */
    const struct dm_value *value; /* STRING, INT, FLOAT */
};

/* The tokens, ending with DM_TOK_END, in the arena. */
int dm_template_lex(struct dm_arena *a, struct dm_str text, struct dm_place place,
                    struct dm_tok **ret, size_t *ret_n, struct dm_err *reterr) dm_nodiscard;

/* "+", "not in" … for messages. */
const char *dm_op_text(enum dm_tok_op op);

/* A syntax error at a place: DM_E_SYNTAX with the class "syntax". */
int dm_template_syntax(struct dm_err *reterr, const char *file, uint32_t line, uint32_t col,
                       const char *fmt, ...) dm_printf(5, 6);

#endif
