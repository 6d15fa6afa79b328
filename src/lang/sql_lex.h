/*
 * A lexer for SQL as PostgreSQL and Redshift write it: enough to split a text into statements, to find the first
 * words of one, and to feed the small parsers (warehouse/redshift_parse.c, op/sql_copy.c).  Pure bytes.
 * Knows 'strings' with '' inside, E'…' with backslashes, "identifiers", $tag$ … $tag$, -- and nested comments.
 */
#ifndef DM_SQL_LEX_H
#define DM_SQL_LEX_H

#include "base/str.h"

enum dm_sql_token_kind {
    DM_SQL_END,
    DM_SQL_WORD,   /* identifier or keyword, not quoted */
    DM_SQL_IDENT,  /* "quoted" */
    DM_SQL_STRING, /* '…', E'…', $$…$$ */
    DM_SQL_NUMBER,
    DM_SQL_PARAM, /* $1 */
    DM_SQL_OP,    /* one operator or punctuation character, or :: */
    DM_SQL_SEMICOLON,
};

struct dm_sql_token {
    enum dm_sql_token_kind kind;
    size_t at;          /* byte offset in the text */
    struct dm_str text; /* as written */
};

struct dm_sql_lexer {
    struct dm_str text;
    size_t at;
};

void dm_sql_lexer_init(struct dm_sql_lexer *l, struct dm_str text);
/* Comments and white space are skipped.  DM_E_SYNTAX with err->position for an unterminated string or comment. */
int dm_sql_next(struct dm_sql_lexer *l, struct dm_sql_token *ret,
                struct dm_err *reterr) dm_nodiscard;
/* The value of a STRING, IDENT (unquoted) or WORD (folded to lower case). */
struct dm_str dm_sql_token_value(struct dm_arena *a, const struct dm_sql_token *t);
bool dm_sql_is_word(const struct dm_sql_token *t,
                    const char *word); /* letter case ignored, not quoted */

/* The statements of a text, without their semicolons; empty ones (comments only) are left out.
   `at` gives each one's byte offset, for positions in errors. */
struct dm_sql_statement {
    struct dm_str text;
    size_t at;
};
int dm_sql_split(struct dm_arena *a, struct dm_str text, struct dm_sql_statement **ret,
                 size_t *ret_n, struct dm_err *reterr) dm_nodiscard;

#endif
