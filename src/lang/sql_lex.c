/*
 * The SQL lexer: one pass over bytes, no look-back.  What it must get right is where strings, identifiers,
 * comments and dollar quotes end, because statements are split there; everything else is one character.
 */
#include "lang/sql_lex.h"

void dm_sql_lexer_init(struct dm_sql_lexer *l, struct dm_str text)
{
    *l = (struct dm_sql_lexer){.text = text};
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool starts_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool continues_word(char c)
{
    return starts_word(c) || is_digit(c) || c == '$';
}

/* The byte i places on, or 0 behind the end (a NUL in the text is an operator character like any other). */
static char at(const struct dm_sql_lexer *l, size_t i)
{
    return i < l->text.len ? l->text.p[i] : '\0';
}

static int unterminated(const struct dm_sql_lexer *l, size_t start, const char *what,
                        struct dm_err *reterr)
{
    int position = 1;
    for (size_t i = 0; i < start; i++)
        position += ((unsigned char)l->text.p[i] & 0xC0) != 0x80;
    int rc = dm_err_set(reterr, DM_E_SYNTAX, "unterminated %s", what);
    if (reterr)
        reterr->position = position;
    return rc;
}

static int skip_block_comment(struct dm_sql_lexer *l, struct dm_err *reterr)
{
    size_t start = l->at, i = start + 2;
    for (unsigned depth = 1; depth;) {
        if (i + 1 >= l->text.len)
            return unterminated(l, start, "comment", reterr);
        if (l->text.p[i] == '/' && l->text.p[i + 1] == '*')
            depth++, i += 2;
        else if (l->text.p[i] == '*' && l->text.p[i + 1] == '/')
            depth--, i += 2;
        else
            i++;
    }
    l->at = i;
    return 0;
}

static int skip_blank(struct dm_sql_lexer *l, struct dm_err *reterr)
{
    for (;;) {
        char c = at(l, l->at);
        if (l->at < l->text.len && is_space(c)) {
            l->at++;
        } else if (c == '-' && at(l, l->at + 1) == '-') {
            while (l->at < l->text.len && l->text.p[l->at] != '\n' && l->text.p[l->at] != '\r')
                l->at++;
        } else if (c == '/' && at(l, l->at + 1) == '*') {
            DM_TRY(skip_block_comment(l, reterr));
        } else {
            return 0;
        }
    }
}

/* From the opening quote to behind the closing one; a doubled quote belongs to the text. */
static int quoted(struct dm_sql_lexer *l, size_t start, bool backslashes, const char *what,
                  struct dm_err *reterr)
{
    char quote = l->text.p[l->at];
    for (size_t i = l->at + 1; i < l->text.len; i++) {
        char c = l->text.p[i];
        if (c == '\\' && backslashes) {
            i++;
        } else if (c == quote) {
            if (at(l, i + 1) != quote) {
                l->at = i + 1;
                return 0;
            }
            i++;
        }
    }
    return unterminated(l, start, what, reterr);
}

/* Length of "$tag$" at `i`, or 0 where there is none. */
static size_t dollar_tag(const struct dm_sql_lexer *l, size_t i)
{
    size_t j = i + 1;
    if (starts_word(at(l, j)))
        while (continues_word(at(l, j)) && at(l, j) != '$')
            j++;
    return at(l, j) == '$' ? j + 1 - i : 0;
}

static int dollar_quoted(struct dm_sql_lexer *l, size_t tag_len, struct dm_err *reterr)
{
    struct dm_str tag = dm_str_n(l->text.p + l->at, tag_len);
    ptrdiff_t end = dm_str_find(l->text, tag, l->at + tag_len);
    if (end < 0)
        return unterminated(l, l->at, "dollar-quoted string", reterr);
    l->at = (size_t)end + tag_len;
    return 0;
}

static void number(struct dm_sql_lexer *l)
{
    size_t i = l->at;
    while (is_digit(at(l, i)))
        i++;
    if (at(l, i) == '.' && at(l, i + 1) != '.') {
        i++;
        while (is_digit(at(l, i)))
            i++;
    }
    if ((at(l, i) | 0x20) == 'e') {
        size_t j = i + 1;
        if (at(l, j) == '+' || at(l, j) == '-')
            j++;
        if (is_digit(at(l, j))) {
            while (is_digit(at(l, j)))
                j++;
            i = j;
        }
    }
    l->at = i;
}

static void words(struct dm_sql_lexer *l)
{
    while (l->at < l->text.len && continues_word(l->text.p[l->at]))
        l->at++;
}

static int scan(struct dm_sql_lexer *l, enum dm_sql_token_kind *ret_kind, struct dm_err *reterr)
{
    size_t start = l->at, tag;
    char c = at(l, start), c1 = at(l, start + 1);
    if (start >= l->text.len) {
        *ret_kind = DM_SQL_END;
    } else if (c == '\'') {
        *ret_kind = DM_SQL_STRING;
        return quoted(l, start, false, "quoted string", reterr);
    } else if ((c == 'e' || c == 'E') && c1 == '\'') {
        l->at++;
        *ret_kind = DM_SQL_STRING;
        return quoted(l, start, true, "quoted string", reterr);
    } else if (c == '"') {
        *ret_kind = DM_SQL_IDENT;
        return quoted(l, start, false, "quoted identifier", reterr);
    } else if (starts_word(c)) {
        words(l);
        *ret_kind = DM_SQL_WORD;
    } else if (is_digit(c) || (c == '.' && is_digit(c1))) {
        number(l);
        *ret_kind = DM_SQL_NUMBER;
    } else if (c == '$' && is_digit(c1)) {
        l->at++;
        while (is_digit(at(l, l->at)))
            l->at++;
        *ret_kind = DM_SQL_PARAM;
    } else if (c == '$' && (tag = dollar_tag(l, start)) > 0) {
        *ret_kind = DM_SQL_STRING;
        return dollar_quoted(l, tag, reterr);
    } else {
        l->at += c == ':' && c1 == ':' ? 2 : 1;
        *ret_kind = c == ';' ? DM_SQL_SEMICOLON : DM_SQL_OP;
    }
    return 0;
}

int dm_sql_next(struct dm_sql_lexer *l, struct dm_sql_token *ret, struct dm_err *reterr)
{
    enum dm_sql_token_kind kind;
    DM_TRY(skip_blank(l, reterr));
    size_t start = l->at;
    DM_TRY(scan(l, &kind, reterr));
    *ret = (struct dm_sql_token){kind, start, dm_str_n(l->text.p + start, l->at - start)};
    return 0;
}

static void add_utf8(struct dm_strbuf *b, uint32_t c)
{
    if (c < 0x80) {
        dm_strbuf_addc(b, (char)c);
    } else if (c < 0x800) {
        dm_strbuf_addc(b, (char)(0xC0 | c >> 6));
        dm_strbuf_addc(b, (char)(0x80 | (c & 0x3F)));
    } else if (c < 0x10000) {
        dm_strbuf_addc(b, (char)(0xE0 | c >> 12));
        dm_strbuf_addc(b, (char)(0x80 | (c >> 6 & 0x3F)));
        dm_strbuf_addc(b, (char)(0x80 | (c & 0x3F)));
    } else if (c < 0x110000) {
        dm_strbuf_addc(b, (char)(0xF0 | c >> 18));
        dm_strbuf_addc(b, (char)(0x80 | (c >> 12 & 0x3F)));
        dm_strbuf_addc(b, (char)(0x80 | (c >> 6 & 0x3F)));
        dm_strbuf_addc(b, (char)(0x80 | (c & 0x3F)));
    }
}

static int digit_of(char c, int base)
{
    int v = is_digit(c)              ? c - '0'
            : (c >= 'a' && c <= 'f') ? c - 'a' + 10
            : (c >= 'A' && c <= 'F') ? c - 'A' + 10
                                     : 99;
    return v < base ? v : -1;
}

/* Up to `max` digits; returns how many there were. */
static size_t digits(struct dm_str s, int base, size_t max, uint32_t *ret)
{
    size_t n = 0;
    uint32_t v = 0;
    for (; n < max && n < s.len && digit_of(s.p[n], base) >= 0; n++)
        v = v * (uint32_t)base + (uint32_t)digit_of(s.p[n], base);
    *ret = v;
    return n;
}

/* One escape of E'…'; `s` starts behind the backslash.  Returns the bytes used. */
static size_t escape(struct dm_strbuf *b, struct dm_str s)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *simple = memchr(from, s.p[0], sizeof(from) - 1);
    uint32_t v;
    size_t n;
    if (simple) {
        dm_strbuf_addc(b, to[simple - from]);
        return 1;
    }
    if ((n = digits(s, 8, 3, &v)) > 0) {
        dm_strbuf_addc(b, (char)v);
        return n;
    }
    struct dm_str rest = dm_str_sub(s, 1, s.len);
    if (s.p[0] == 'x' && (n = digits(rest, 16, 2, &v)) > 0) {
        dm_strbuf_addc(b, (char)v);
        return n + 1;
    }
    size_t wide = s.p[0] == 'u' ? 4 : s.p[0] == 'U' ? 8 : 0;
    if (wide && digits(rest, 16, wide, &v) == wide) {
        add_utf8(b, v);
        return wide + 1;
    }
    dm_strbuf_addc(b, s.p[0]);
    return 1;
}

static struct dm_str unquote(struct dm_arena *a, struct dm_str s, bool backslashes)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    char quote = s.p[0];
    dm_strbuf_init(&b, s.len + 4);
    for (size_t i = 1; i + 1 < s.len; i++) {
        if (s.p[i] == '\\' && backslashes)
            i += escape(&b, dm_str_sub(s, i + 1, s.len - 1));
        else {
            dm_strbuf_addc(&b, s.p[i]);
            i += s.p[i] == quote;
        }
    }
    return dm_str_dup(a, dm_strbuf_str(&b));
}

struct dm_str dm_sql_token_value(struct dm_arena *a, const struct dm_sql_token *t)
{
    struct dm_str s = t->text;
    if (t->kind == DM_SQL_WORD) {
        struct dm_str v = dm_str_dup(a, s);
        char *p = dm_arena_strndup(a, s.p, s.len);
        for (size_t i = 0; i < s.len; i++)
            if (p[i] >= 'A' && p[i] <= 'Z')
                p[i] = (char)(p[i] + 32);
        v.p = p;
        return v;
    }
    if (t->kind == DM_SQL_IDENT)
        return unquote(a, s, false);
    if (t->kind != DM_SQL_STRING)
        return dm_str_dup(a, s);
    if (s.p[0] == '$') {
        size_t tag = (size_t)dm_str_find(s, DM_STR("$"), 1) + 1;
        return dm_str_dup(a, dm_str_sub(s, tag, s.len - tag));
    }
    if (s.p[0] != '\'')
        return unquote(a, dm_str_sub(s, 1, s.len), true);
    return unquote(a, s, false);
}

bool dm_sql_is_word(const struct dm_sql_token *t, const char *word)
{
    return t->kind == DM_SQL_WORD && dm_str_ieq(t->text, dm_str_c(word));
}

int dm_sql_split(struct dm_arena *a, struct dm_str text, struct dm_sql_statement **ret,
                 size_t *ret_n, struct dm_err *reterr)
{
    struct dm_sql_lexer l;
    struct dm_sql_token t;
    struct dm_sql_statement *list = NULL;
    size_t n = 0, cap = 0, start = 0, end = 0, depth = 0;
    bool open = false;
    dm_sql_lexer_init(&l, text);
    do {
        DM_TRY(dm_sql_next(&l, &t, reterr));
        bool ends = t.kind == DM_SQL_END || (t.kind == DM_SQL_SEMICOLON && depth == 0);
        if (!ends) {
            /* A semicolon inside parentheses (CREATE RULE … DO (a; b)) does not end a statement, as in psql. */
            if (t.kind == DM_SQL_OP && t.text.p[0] == '(')
                depth++;
            else if (t.kind == DM_SQL_OP && t.text.p[0] == ')' && depth)
                depth--;
            if (!open)
                start = t.at;
            open = true;
            end = l.at;
        } else if (open) {
            if (n == cap) {
                struct dm_sql_statement *old = list;
                cap = cap ? cap * 2 : 8;
                list = dm_arena_array(a, struct dm_sql_statement, cap);
                if (n)
                    memcpy(list, old, n * sizeof(*list));
            }
            list[n++] = (struct dm_sql_statement){dm_str_sub(text, start, end), start};
            open = false;
        }
    } while (t.kind != DM_SQL_END);
    *ret = list;
    *ret_n = n;
    return 0;
}
