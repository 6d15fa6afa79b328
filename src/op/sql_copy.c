/* The parser of COPY: just enough to find the path and the HEADER option. */
#include "op/sql_copy.h"

#include "lang/sql_lex.h"

static bool is_op(const struct dm_sql_token *t, char c)
{
    return t->kind == DM_SQL_OP && t->text.len == 1 && t->text.p[0] == c;
}

/* Behind the parenthesis that closes the one just read. */
static int skip_parens(struct dm_sql_lexer *l, struct dm_sql_token *t, struct dm_err *reterr)
{
    for (int depth = 1; depth > 0;) {
        DM_TRY(dm_sql_next(l, t, reterr));
        if (t->kind == DM_SQL_END)
            return dm_err_set(reterr, DM_E_SYNTAX, "a parenthesis is not closed in COPY");
        depth += is_op(t, '(') ? 1 : is_op(t, ')') ? -1 : 0;
    }
    return dm_sql_next(l, t, reterr);
}

static bool says_off(struct dm_arena *a, const struct dm_sql_token *t)
{
    if (t->kind == DM_SQL_NUMBER)
        return dm_str_is(t->text, "0");
    struct dm_str v = dm_sql_token_value(a, t);
    return dm_str_ieq(v, DM_STR("false")) || dm_str_ieq(v, DM_STR("off"));
}

/* Options in both forms: WITH (FORMAT csv, HEADER true) and the older CSV HEADER. */
static int find_header(struct dm_arena *a, struct dm_sql_lexer *l, bool *ret, struct dm_err *reterr)
{
    struct dm_sql_token t;
    bool header = false, in_parens = false;
    int depth = 0; /* a column named header stands in a second parenthesis */
    DM_TRY(dm_sql_next(l, &t, reterr));
    while (t.kind != DM_SQL_END && !dm_sql_is_word(&t, "where")) {
        depth += is_op(&t, '(') ? 1 : is_op(&t, ')') ? -1 : 0;
        in_parens = in_parens || depth > 0;
        bool found = depth <= 1 && dm_sql_is_word(&t, "header");
        DM_TRY(dm_sql_next(l, &t, reterr));
        if (found)
            header = !in_parens || !says_off(a, &t);
    }
    *ret = header;
    return 0;
}

int dm_sql_copy_parse(struct dm_arena *a, struct dm_str sql, struct dm_sql_copy *ret,
                      struct dm_err *reterr)
{
    struct dm_sql_lexer l;
    struct dm_sql_token t;
    dm_sql_lexer_init(&l, sql);
    DM_TRY(dm_sql_next(&l, &t, reterr));
    if (!dm_sql_is_word(&t, "copy"))
        return 0;
    DM_TRY(dm_sql_next(&l, &t, reterr));

    const char *table = NULL;
    if (is_op(&t, '(')) {
        DM_TRY(skip_parens(&l, &t, reterr));
    } else {
        size_t from = t.at, to = t.at;
        while (
            t.kind == DM_SQL_IDENT || is_op(&t, '.') ||
            (t.kind == DM_SQL_WORD && !dm_sql_is_word(&t, "to") && !dm_sql_is_word(&t, "from"))) {
            to = t.at + t.text.len;
            DM_TRY(dm_sql_next(&l, &t, reterr));
        }
        table = dm_str_cstr(a, dm_str_sub(sql, from, to));
        if (is_op(&t, '('))
            DM_TRY(skip_parens(&l, &t, reterr));
    }
    bool out = dm_sql_is_word(&t, "to");
    if (!out && !dm_sql_is_word(&t, "from"))
        return 0; /* no COPY that we know: the server says what is wrong with it */
    DM_TRY(dm_sql_next(&l, &t, reterr));
    if (dm_sql_is_word(&t, "program")) {
        dm_err_set(reterr, DM_E_PERMISSION, "COPY … PROGRAM is refused");
        dm_err_hint(reterr, "Run the program in a `bash` task and COPY the file that it writes.");
        return DM_E_PERMISSION;
    }
    if (t.kind != DM_SQL_STRING)
        return 0;
    struct dm_str path = dm_sql_token_value(a, &t);
    if (dm_str_find(path, DM_STR("://"), 0) >= 0)
        return 0;

    bool header;
    size_t at = t.at, end = t.at + t.text.len;
    DM_TRY(find_header(a, &l, &header, reterr));
    *ret = (struct dm_sql_copy){
        .out = out,
        .header = header,
        .path = path,
        .table = table,
        .sql = dm_str_printf(a, "%.*s%s%.*s", DM_FMT(dm_str_sub(sql, 0, at)),
                             out ? "STDOUT" : "STDIN", DM_FMT(dm_str_sub(sql, end, sql.len))),
    };
    return 1;
}
