/* lang/sql_lex.h: where tokens and statements end. */
#include "lang/sql_lex.h"

#include "t.h"

/* The kinds of a text's tokens as letters: w word, i identifier, s string, n number, p param, o operator, ; */
static const char *kinds(struct dm_arena *a, const char *text)
{
    static const char letters[] = {'.', 'w', 'i', 's', 'n', 'p', 'o', ';'};
    struct dm_sql_lexer l;
    struct dm_sql_token t;
    struct dm_err err;
    char *out = dm_arena_alloc(a, strlen(text) + 2);
    size_t n = 0;
    dm_sql_lexer_init(&l, dm_str_c(text));
    do {
        if (dm_sql_next(&l, &t, &err) < 0)
            return dm_arena_printf(a, "%s at %d", err.message, err.position);
        out[n++] = letters[t.kind];
    } while (t.kind != DM_SQL_END);
    out[n - 1] = '\0';
    return out;
}

static void tells_tokens_apart(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    T_STR(kinds(&a, "select a.b::int, $1, 1.5e-3, .5 from \"T\"\"x\";"), "wwowowopononwi;");
    T_STR(kinds(&a, "'it''s' E'a\\'b' $$x;$$ $t$ $$ ' $t$ e 'x'"), "ssssws");
    T_STR(kinds(&a, "a -- b ' ;\n/* c /* d ; */ ' */ e/"), "wwo");
    T_STR(kinds(&a, "foo$bar 1e 5$"), "wnwno");
    T_STR(kinds(&a, ""), "");
}

static void says_where_something_never_ends(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    T_STR(kinds(&a, "select 'a"), "unterminated quoted string at 8");
    T_STR(kinds(&a, "select '\xc3\xa4', E'a\\'"), "unterminated quoted string at 13");
    T_STR(kinds(&a, "a \"b"), "unterminated quoted identifier at 3");
    T_STR(kinds(&a, "/* /* */"), "unterminated comment at 1");
    T_STR(kinds(&a, "x $a$ $b$"), "unterminated dollar-quoted string at 3");
}

static void gives_values(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    static const char *const cases[][2] = {
        {"'it''s'", "it's"},
        {"'a\\n'", "a\\n"},
        {"E'a\\n\\101\\x42\\u00e4\\'\\\\'''", "a\nAB\xc3\xa4'\\'"},
        {"$x$a'$b$$x$", "a'$b$"},
        {"\"A\"\"b\"", "A\"b"},
        {"SeLect", "select"},
        {"''", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct dm_sql_lexer l;
        struct dm_sql_token t;
        struct dm_err err;
        dm_sql_lexer_init(&l, dm_str_c(cases[i][0]));
        T_TRY(dm_sql_next(&l, &t, &err), err);
        T_DMSTR(dm_sql_token_value(&a, &t), cases[i][1]);
    }
}

static void splits_statements(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_sql_statement *s;
    size_t n;
    struct dm_err err;
    const char *text = "-- first\n select 1 /* in */ + 2 ; ;\n-- none\n; do $$ a; b $$;"
                       "create rule r as on insert to t do (x; y) -- end";
    T_TRY(dm_sql_split(&a, dm_str_c(text), &s, &n, &err), err);
    T_INT(n, 3);
    T_DMSTR(s[0].text, "select 1 /* in */ + 2");
    T_INT(s[0].at, 10);
    T_DMSTR(s[1].text, "do $$ a; b $$");
    T_DMSTR(s[2].text, "create rule r as on insert to t do (x; y)");
    T_TRY(dm_sql_split(&a, dm_str_c(" -- nothing"), &s, &n, &err), err);
    T_INT(n, 0);
}

/* Any text: the lexer ends, its tokens lie in order inside the text, and the pieces between are blank. */
static void mutated_texts_end(void)
{
    static const char seed[] =
        "select E'a\\'', $t$ x $t$, $1::int /* c /* d */ */ from \"a\"\"b\" -- e\n;";
    uint64_t r = 42;
    for (int round = 0; round < 20000; round++) {
        _cleanup_arena_ struct dm_arena a = {0};
        char text[sizeof(seed)];
        memcpy(text, seed, sizeof(seed));
        size_t len = sizeof(seed) - 1;
        for (int k = 0; k < 4; k++) {
            r = r * 6364136223846793005u + 1442695040888963407u;
            text[(r >> 33) % len] = seed[(r >> 17) % len];
        }
        len -= (r >> 40) % 20;
        struct dm_sql_lexer l;
        struct dm_sql_token t = {.kind = DM_SQL_OP};
        size_t at = 0;
        dm_sql_lexer_init(&l, dm_str_n(text, len));
        while (t.kind != DM_SQL_END && dm_sql_next(&l, &t, NULL) == 0) {
            T_OK(t.at >= at && t.at + t.text.len <= len && l.at == t.at + t.text.len);
            T_OK(t.kind == DM_SQL_END || t.text.len);
            dm_sql_token_value(&a, &t);
            at = l.at;
        }
    }
}

T_MAIN(T_CASE(tells_tokens_apart), T_CASE(says_where_something_never_ends), T_CASE(gives_values),
       T_CASE(splits_statements), T_CASE(mutated_texts_end))
