/* SQL as our own lexer and the small parsers above it read it: COPY with a path, Redshift's external DDL. */
#include "fuzz.h"
#include "lang/sql_lex.h"
#include "op/sql_copy.h"
#include "warehouse/redshift_parse.h"

/* Tokens follow each other and are pieces of the text. */
static void check_tokens(struct dm_arena *a, struct dm_str text)
{
    struct dm_sql_lexer l;
    struct dm_sql_token t;
    struct dm_err err = {0};
    size_t end = 0;
    int rc;
    dm_sql_lexer_init(&l, text);
    while ((rc = dm_sql_next(&l, &t, &err)) == 0 && t.kind != DM_SQL_END) {
        FUZZ_CHECK(t.at >= end && t.text.len && t.text.p == text.p + t.at &&
                       t.at + t.text.len <= text.len,
                   "%zu + %zu behind %zu", t.at, t.text.len, end);
        end = t.at + t.text.len;
        if (t.kind == DM_SQL_WORD || t.kind == DM_SQL_IDENT || t.kind == DM_SQL_STRING)
            dm_sql_token_value(a, &t);
    }
    if (rc < 0)
        fuzz_check_err(rc, &err);
}

/* A statement on its own is that one statement. */
static void check_statement(struct dm_arena *a, struct dm_str text)
{
    struct dm_sql_statement *again;
    struct dm_err err;
    size_t n;
    int rc = dm_sql_split(a, text, &again, &n, &err);
    FUZZ_CHECK(rc == 0 && n == 1 && dm_str_eq(again[0].text, text), "%.*s", DM_FMT(text));
}

static void parse(struct dm_arena *a, struct dm_str text)
{
    struct dm_sql_copy copy;
    struct dm_redshift_stmt stmt;
    struct dm_err err = {0};
    int rc = dm_sql_copy_parse(a, text, &copy, &err);
    if (rc < 0)
        fuzz_check_err(rc, &err);
    rc = dm_redshift_parse(a, text, &stmt, &err);
    if (rc < 0)
        fuzz_check_err(rc, &err);
    FUZZ_CHECK(dm_redshift_strip(a, text).len == text.len, "%.*s", DM_FMT(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_str text = fuzz_text(data, size);
    struct dm_sql_statement *list;
    struct dm_err err = {0};
    size_t n;
    check_tokens(&a, text);
    parse(&a, text);
    int rc = dm_sql_split(&a, text, &list, &n, &err);
    if (rc < 0) {
        fuzz_check_err(rc, &err);
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        FUZZ_CHECK(list[i].text.p == text.p + list[i].at, "statement %zu at %zu", i, list[i].at);
        check_statement(&a, list[i].text);
    }
    return 0;
}
