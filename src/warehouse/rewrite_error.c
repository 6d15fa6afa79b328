/*
 * The engine's errors as PostgreSQL's: SQLSTATE and words by table, position in the client's text.
 *
 * The engine says where by quoting a line and drawing a caret below it.  The token above the caret is found in the
 * text that it ran, its occurrence counted there without the parts that are ours, and the same occurrence is looked
 * for in the client's text.
 */
#include "lang/sql_lex.h"
#include "warehouse/rewrite_internal.h"

struct engine_error {
    const char *kind, *pattern, *sqlstate, *message;
};

static const struct engine_error errors[] = {
#define DM_ENGINE_ERROR(kind, pattern, sqlstate, message) {kind, pattern, sqlstate, message},
#include "warehouse/engine_errors.def"
#undef DM_ENGINE_ERROR
};

enum { FOUND_MAX = 2 };

/* Does the pattern match at the start of the text?  Fills what `@` stood for: as little as possible, on one line. */
static bool matches_at(struct dm_str text, const char *pattern, struct dm_str *found, size_t n)
{
    size_t at = 0;
    for (; *pattern && *pattern != '@'; pattern++, at++)
        if (at >= text.len || text.p[at] != *pattern)
            return false;
    if (!*pattern)
        return true;
    for (size_t to = at;; to++) {
        bool end = to == text.len || text.p[to] == '\n';
        bool rest = pattern[1] ? matches_at(dm_str_sub(text, to, text.len), pattern + 1,
                                            found + (n ? 1 : 0), n ? n - 1 : 0)
                               : end;
        if (rest && n)
            *found = dm_str_sub(text, at, to);
        if (rest || end)
            return rest;
    }
}

static bool matches(struct dm_str text, const char *pattern, struct dm_str found[FOUND_MAX])
{
    if (!pattern[0])
        return true;
    for (size_t i = 0; i < text.len; i++)
        if (matches_at(dm_str_sub(text, i, text.len), pattern, found, FOUND_MAX))
            return true;
    return false;
}

static void compose(struct dm_strbuf *out, const char *message,
                    const struct dm_str found[FOUND_MAX])
{
    for (const char *p = message; *p; p++)
        if (*p == '@' && (p[1] == '1' || p[1] == '2'))
            dm_strbuf_addstr(out, found[*++p - '1']);
        else
            dm_strbuf_addc(out, *p);
}

/* ---- position */

struct caret {
    struct dm_str line; /* as quoted */
    size_t at;          /* byte in it */
    size_t number;      /* of the line */
};

/* "LINE 1: select x from t\n               ^" at the message's end. */
static bool find_caret(struct dm_str message, size_t *ret_from, struct caret *ret)
{
    ptrdiff_t from = dm_str_find(message, DM_STR("\nLINE "), 0);
    if (from < 0)
        return false;
    struct dm_str rest = dm_str_sub(message, (size_t)from + 6, message.len);
    ptrdiff_t colon = dm_str_find(rest, DM_STR(": "), 0);
    int64_t number;
    if (colon < 0 || !dm_str_to_i64(dm_str_sub(rest, 0, (size_t)colon), &number) || number < 1)
        return false;
    ptrdiff_t end = dm_str_find(rest, DM_STR("\n"), 0);
    ptrdiff_t mark = dm_str_find(rest, DM_STR("^"), end < 0 ? 0 : (size_t)end);
    if (end < 0 || mark < 0)
        return false;
    struct dm_str line = dm_str_sub(rest, (size_t)colon + 2, (size_t)end);
    /* The caret is indented by characters; the prefix is "LINE n: ". */
    size_t columns = (size_t)(mark - end - 1), prefix = 5 + (size_t)colon + 2;
    if (columns < prefix)
        return false;
    size_t at = 0;
    for (size_t skip = columns - prefix; skip && at < line.len; skip--) {
        at++;
        while (at < line.len && ((unsigned char)line.p[at] & 0xC0) == 0x80)
            at++;
    }
    *ret_from = (size_t)from;
    *ret = (struct caret){.line = line, .at = at, .number = (size_t)number};
    return true;
}

/* Byte offset of the caret in the text that ran. */
static bool caret_offset(struct dm_str sql, const struct caret *c, size_t *ret)
{
    size_t start = 0;
    for (size_t line = 1; line < c->number; line++) {
        ptrdiff_t nl = dm_str_find(sql, DM_STR("\n"), start);
        if (nl < 0)
            return false;
        start = (size_t)nl + 1;
    }
    struct dm_str quoted = c->line;
    size_t at = c->at;
    if (dm_str_starts(quoted, DM_STR("...")) && at >= 3) { /* a long line is cut on both sides */
        quoted = dm_str_sub(quoted, 3, quoted.len);
        at -= 3;
    }
    if (dm_str_ends(quoted, DM_STR("...")))
        quoted.len -= 3;
    ptrdiff_t found = dm_str_find(sql, quoted, start);
    if (found < 0)
        return false;
    *ret = (size_t)found + at;
    return true;
}

static bool is_ours(const struct dm_statement *s, size_t at)
{
    for (size_t i = 0; i < s->n_splices; i++)
        if (at >= s->splices[i].from && at < s->splices[i].to)
            return true;
    return false;
}

static bool same_token(struct dm_arena *a, const struct dm_sql_token *x,
                       const struct dm_sql_token *y)
{
    bool name_x = x->kind == DM_SQL_WORD || x->kind == DM_SQL_IDENT;
    bool name_y = y->kind == DM_SQL_WORD || y->kind == DM_SQL_IDENT;
    if (name_x && name_y)
        return dm_str_ieq(dm_sql_token_value(a, x), dm_sql_token_value(a, y));
    if (x->kind == DM_SQL_STRING && y->kind == DM_SQL_STRING)
        return dm_str_eq(dm_sql_token_value(a, x), dm_sql_token_value(a, y));
    return x->kind == y->kind && dm_str_eq(x->text, y->text);
}

/* The token at `offset` of the text that ran, and how many like it come before. */
static bool token_at(const struct dm_statement *s, struct dm_arena *a, size_t offset,
                     struct dm_sql_token *ret, size_t *ret_nth)
{
    struct dm_sql_lexer lexer;
    struct dm_sql_token t;
    struct dm_str sql = dm_str_c(s->sql);
    dm_sql_lexer_init(&lexer, sql);
    bool found = false;
    while (!found && dm_sql_next(&lexer, &t, NULL) == 0 && t.kind != DM_SQL_END)
        if (offset >= t.at && offset < t.at + t.text.len) {
            *ret = t;
            found = true;
        }
    if (!found || is_ours(s, offset))
        return false;
    *ret_nth = 0;
    dm_sql_lexer_init(&lexer, sql);
    while (dm_sql_next(&lexer, &t, NULL) == 0 && t.kind != DM_SQL_END && t.at < ret->at)
        *ret_nth += !is_ours(s, t.at) && same_token(a, &t, ret);
    return true;
}

static int client_position(const struct dm_statement *s, struct dm_arena *a, struct dm_str client,
                           size_t offset)
{
    struct dm_sql_token wanted, t;
    size_t nth;
    if (dm_str_eq(client, dm_str_c(s->sql)))
        return dm_sql_position(client, offset);
    if (!token_at(s, a, offset, &wanted, &nth))
        return 0;
    struct dm_sql_lexer lexer;
    size_t last = 0;
    bool any = false;
    dm_sql_lexer_init(&lexer, client);
    while (dm_sql_next(&lexer, &t, NULL) == 0 && t.kind != DM_SQL_END)
        if (same_token(a, &t, &wanted)) {
            last = t.at;
            any = true;
            if (nth-- == 0)
                break;
        }
    return any ? dm_sql_position(client, last) : 0;
}

/* ---- words */

static void replace_message(struct dm_err *err, const char *message)
{
    snprintf(err->message, sizeof(err->message), "%s", message);
}

/* A length limit of ours: "CHECK((length(c) <= 10))", "CHECK((length(rtrim(c)) <= 5))". */
static bool too_long(struct dm_str expression, struct dm_err *err)
{
    ptrdiff_t at = dm_str_find(expression, DM_STR("(length("), 0);
    ptrdiff_t op = dm_str_find(expression, DM_STR(") <= "), 0);
    if (at < 0 || op < 0)
        return false;
    bool is_char = dm_str_find(expression, DM_STR("rtrim("), (size_t)at) >= 0;
    size_t from = (size_t)op + 5, to = from;
    while (to < expression.len && expression.p[to] >= '0' && expression.p[to] <= '9')
        to++;
    if (to == from)
        return false;
    char message[128];
    snprintf(message, sizeof(message), "value too long for type character%s(%.*s)",
             is_char ? "" : " varying", DM_FMT(dm_str_sub(expression, from, to)));
    replace_message(err, message);
    memcpy(err->sqlstate, "22001", 6);
    return true;
}

/* The text between the first two quotes. */
static struct dm_str quoted_part(struct dm_str text)
{
    ptrdiff_t from = dm_str_find(text, DM_STR("\""), 0);
    ptrdiff_t to = from < 0 ? -1 : dm_str_find(text, DM_STR("\""), (size_t)from + 1);
    return to < 0 ? (struct dm_str){"", 0} : dm_str_sub(text, (size_t)from + 1, (size_t)to);
}

/* "a: 1, b: 2" as names "a, b" and values "1, 2"; names stay empty where there are none. */
static void split_key(struct dm_str key, struct dm_strbuf *names, struct dm_strbuf *values,
                      const char *between)
{
    for (size_t at = 0; at < key.len;) {
        ptrdiff_t comma = dm_str_find(key, DM_STR(", "), at);
        size_t end = comma < 0 ? key.len : (size_t)comma;
        struct dm_str pair = dm_str_sub(key, at, end);
        ptrdiff_t colon = dm_str_find(pair, DM_STR(": "), 0);
        if (colon >= 0) {
            dm_strbuf_adds(names, names->len ? between : "");
            dm_strbuf_addstr(names, dm_str_sub(pair, 0, (size_t)colon));
        }
        dm_strbuf_adds(values, values->len ? ", " : "");
        dm_strbuf_addstr(values, dm_str_sub(pair, colon < 0 ? 0 : (size_t)colon + 2, pair.len));
        at = comma < 0 ? key.len : end + 2;
    }
}

/* Keys: PostgreSQL names the constraint and says in the detail which key it is. */
static void explain_key(const struct dm_statement *s, struct dm_err *err, struct dm_str text)
{
    _cleanup_strbuf_ struct dm_strbuf names, values, joined;
    dm_strbuf_init(&names, DM_BUF_MESSAGE);
    dm_strbuf_init(&values, DM_BUF_MESSAGE);
    dm_strbuf_init(&joined, DM_BUF_MESSAGE);
    struct dm_str key = quoted_part(text);
    split_key(key, &names, &values, ", ");
    dm_strbuf_clear(&values);
    split_key(key, &joined, &values, "_");
    bool foreign = strcmp(err->sqlstate, "23503") == 0;
    if (values.len)
        dm_err_detail(err, "Key %s%.*s%s(%.*s) %s.", names.len ? "(" : "",
                      DM_FMT(dm_strbuf_str(&names)), names.len ? ")=" : "",
                      DM_FMT(dm_strbuf_str(&values)),
                      !foreign ? "already exists"
                      : dm_str_find(text, DM_STR("does not exist"), 0) >= 0
                          ? "is not present in the referenced table"
                          : "is still referenced from another table");
    if (foreign || !s || !s->table || !names.len)
        return;
    bool primary = dm_str_find(text, DM_STR("primary key"), 0) >= 0;
    char message[DM_ERR_MESSAGE_MAX];
    snprintf(message, sizeof(message),
             "duplicate key value violates unique constraint \"%s_%.*s%s\"", s->table,
             primary ? 0 : (int)joined.len, joined.p, primary ? "pkey" : "_key");
    replace_message(err, message);
}

/* A condition has the name that PostgreSQL gives it: the table's and the first column's. */
static void explain_check(struct dm_err *err, struct dm_str table, struct dm_str condition)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_sql_lexer lexer;
    struct dm_sql_token t, last = {.kind = DM_SQL_END};
    dm_err_detail(err, "The condition is %.*s.", DM_FMT(condition));
    dm_sql_lexer_init(&lexer, condition);
    while (dm_sql_next(&lexer, &t, NULL) == 0) {
        bool called = t.kind == DM_SQL_OP && dm_str_is(t.text, "(");
        if ((last.kind == DM_SQL_WORD || last.kind == DM_SQL_IDENT) && !called &&
            !dm_sql_is_word(&last, "check")) {
            char message[DM_ERR_MESSAGE_MAX];
            snprintf(message, sizeof(message),
                     "new row for relation \"%.*s\" violates check constraint \"%.*s_%.*s_check\"",
                     DM_FMT(table), DM_FMT(table), DM_FMT(dm_sql_token_value(&a, &last)));
            replace_message(err, message);
            return;
        }
        if (t.kind == DM_SQL_END)
            return;
        last = t;
    }
}

static void translate(const struct dm_statement *s, struct dm_err *err, struct dm_str text)
{
    ptrdiff_t colon = dm_str_find(text, DM_STR(" Error: "), 0);
    struct dm_str kind = colon < 0 ? dm_str_n("", 0) : dm_str_sub(text, 0, (size_t)colon + 6);
    struct dm_str rest = colon < 0 ? text : dm_str_sub(text, (size_t)colon + 8, text.len);
    const struct engine_error *row = NULL;
    struct dm_str found[FOUND_MAX] = {{"", 0}, {"", 0}};
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]) && !row; i++)
        if (dm_str_is(kind, errors[i].kind) && matches(rest, errors[i].pattern, found))
            row = &errors[i];
    if (!row)
        return;
    snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", row->sqlstate);
    if (strcmp(row->sqlstate, "23514") == 0 && too_long(found[1], err))
        return;
    struct dm_strbuf out;
    dm_strbuf_init(&out, DM_BUF_MESSAGE);
    if (row->message[0]) {
        compose(&out, row->message, found);
    } else {
        /* The engine's words, first line as the message, the rest as detail. */
        struct dm_str first, more = rest;
        dm_str_split(&more, '\n', &first);
        dm_strbuf_addstr(&out, dm_str_trim(first));
        if (more.p && more.len && !err->detail[0])
            dm_err_detail(err, "%.*s", DM_FMT(dm_str_trim(more)));
    }
    replace_message(err, out.p ? out.p : "");
    if (strcmp(row->sqlstate, "23505") == 0 || strcmp(row->sqlstate, "23503") == 0)
        explain_key(s, err, rest);
    else if (strcmp(row->sqlstate, "23514") == 0)
        explain_check(err, found[0], found[1]);
    if (strcmp(row->sqlstate, "40001") == 0)
        err->code = DM_E_CONFLICT;
    dm_strbuf_release(&out);
}

/* What follows `key` up to the end of its line; false where it is not there. */
static bool line_after(struct dm_str text, struct dm_str key, struct dm_str *ret)
{
    ptrdiff_t at = dm_str_find(text, key, 0);
    if (at < 0)
        return false;
    struct dm_str rest = dm_str_sub(text, (size_t)at + key.len, text.len);
    dm_str_split(&rest, '\n', ret);
    *ret = dm_str_trim(*ret);
    return true;
}

/* A lake file that cannot be read as the table says: which one, where, and why, out of a page of advice. */
static bool explain_lake_file(struct dm_err *err, struct dm_str text)
{
    struct dm_str line, file, original, why;
    if (!line_after(text, DM_STR("CSV Error on Line: "), &line) ||
        !line_after(text, DM_STR("file = "), &file))
        return false;
    bool has_original = line_after(text, DM_STR("Original Line: "), &original);
    ptrdiff_t at = dm_str_find(text, DM_STR("Original Line: "), 0);
    struct dm_str rest = dm_str_sub(text, at < 0 ? 0 : (size_t)at, text.len);
    dm_str_split(&rest, '\n', &why);
    dm_str_split(&rest, '\n', &why);
    why = why.p ? dm_str_trim(why) : DM_STR("");
    memcpy(err->sqlstate, "22P04", 6);
    char message[DM_ERR_MESSAGE_MAX];
    snprintf(message, sizeof(message),
             "line %.*s of \"%.*s\" does not fit the external table: %.*s", DM_FMT(line),
             DM_FMT(file), DM_FMT(why));
    replace_message(err, message);
    if (has_original)
        snprintf(err->detail, sizeof(err->detail), "The line is: %.*s", DM_FMT(original));
    dm_err_hint(err, "Mend the file, or declare the columns as the file has them.");
    return true;
}

void dm_rewrite_error(const struct dm_statement *s, struct dm_str sql, struct dm_err *err)
{
    if (!err || !err->message[0] || err->position)
        return;
    _cleanup_arena_ struct dm_arena a = {0};
    dm_arena_init(&a);
    struct dm_str text = dm_str_c(dm_arena_strdup(&a, err->message));
    struct caret caret;
    size_t from, offset;
    if (s && s->sql && find_caret(text, &from, &caret)) {
        if (caret_offset(dm_str_c(s->sql), &caret, &offset))
            err->position = client_position(s, &a, sql, offset);
        text = dm_str_trim(dm_str_sub(text, 0, from));
    }
    if (!explain_lake_file(err, text))
        translate(s, err, text);
}
