/* Lexer of templates. */
#include "lang/template_lex.h"

#include <ctype.h>

#include "lang/big.h"
#include "lang/utf8.h"

struct lexer {
    struct dm_arena *a;
    struct dm_place place;
    struct dm_err *err;
    const char *p, *end; /* the normalized text, what is left of it */
    uint32_t line, col;
    struct dm_tok *toks;
    size_t n, cap;
    bool strip_next; /* the last tag ended with `-` */
    char *open;      /* brackets that are open in this tag */
    size_t n_open, cap_open;
};

static const struct {
    const char *text;
    enum dm_tok_op op;
} operators[] = {
    /* longer ones first */
    {"**", DM_OP_POW},   {"//", DM_OP_FLOORDIV}, {"==", DM_OP_EQ},      {"!=", DM_OP_NE},
    {">=", DM_OP_GE},    {"<=", DM_OP_LE},       {"+", DM_OP_ADD},      {"-", DM_OP_SUB},
    {"*", DM_OP_MUL},    {"/", DM_OP_DIV},       {"%", DM_OP_MOD},      {"~", DM_OP_TILDE},
    {"<", DM_OP_LT},     {">", DM_OP_GT},        {"=", DM_OP_ASSIGN},   {".", DM_OP_DOT},
    {":", DM_OP_COLON},  {"|", DM_OP_PIPE},      {",", DM_OP_COMMA},    {";", DM_OP_SEMICOLON},
    {"(", DM_OP_LPAREN}, {")", DM_OP_RPAREN},    {"[", DM_OP_LBRACKET}, {"]", DM_OP_RBRACKET},
    {"{", DM_OP_LBRACE}, {"}", DM_OP_RBRACE},    {"in", DM_OP_IN},      {"not in", DM_OP_NOT_IN},
};

const char *dm_op_text(enum dm_tok_op op)
{
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
        if (operators[i].op == op)
            return operators[i].text;
    return "?";
}

int dm_template_syntax(struct dm_err *reterr, const char *file, uint32_t line, uint32_t col,
                       const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    dm_err_vset(reterr, DM_E_SYNTAX, fmt, ap);
    va_end(ap);
    dm_err_detail(reterr, "syntax");
    dm_err_at(reterr, file, (int)line, (int)col);
    return DM_E_SYNTAX;
}

#define FAIL(l, ...) dm_template_syntax((l)->err, (l)->place.file, (l)->line, (l)->col, __VA_ARGS__)

/* "\r\n" and "\r" become "\n"; the last line break goes. */
static struct dm_str normalized(struct dm_arena *a, struct dm_str s)
{
    char *out = dm_arena_alloc(a, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '\r') {
            out[n++] = '\n';
            if (i + 1 < s.len && s.p[i + 1] == '\n')
                i++;
        } else {
            out[n++] = s.p[i];
        }
    }
    if (n && out[n - 1] == '\n')
        n--;
    return dm_str_n(out, n);
}

static bool at(const struct lexer *l, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(l->end - l->p) >= n && memcmp(l->p, text, n) == 0;
}

static void advance(struct lexer *l, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (l->p[i] == '\n') {
            l->line++;
            l->col = 1;
        } else if (((unsigned char)l->p[i] & 0xC0) != 0x80) {
            l->col++;
        }
    }
    l->p += n;
}

/* The length of the white space (Unicode's) at p. */
static size_t space_at(const char *p, const char *end)
{
    const char *q = p;
    while (q < end) {
        uint32_t cp;
        size_t n = dm_utf8_get(q, end, &cp);
        if (!dm_utf8_is_space(cp))
            break;
        q += n;
    }
    return (size_t)(q - p);
}

static struct dm_tok *add(struct lexer *l, enum dm_tok_kind kind, struct dm_str text)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        struct dm_tok *toks = dm_arena_array(l->a, struct dm_tok, cap);
        if (l->n)
            memcpy(toks, l->toks, l->n * sizeof(*toks));
        l->toks = toks;
        l->cap = cap;
    }
    struct dm_tok *t = &l->toks[l->n++];
    *t = (struct dm_tok){.kind = kind, .line = l->line, .col = l->col, .text = text};
    return t;
}

static void add_data(struct lexer *l, const char *from, const char *to, bool strip)
{
    if (l->strip_next)
        from += space_at(from, to);
    l->strip_next = false;
    while (strip && to > from) {
        uint32_t cp;
        const char *before = dm_utf8_back(from, to, &cp);
        if (!dm_utf8_is_space(cp))
            break;
        to = before;
    }
    if (to > from)
        add(l, DM_TOK_DATA, dm_str_n(from, (size_t)(to - from)));
}

/* At "%}", "-%}" or "+%}" (by `close` and what precedes it): consumes it and says so. */
static bool take_close(struct lexer *l, const char *close, bool plus_allowed)
{
    char sign = at(l, "-") ? '-' : at(l, "+") && plus_allowed ? '+' : '\0';
    const char *q = l->p + (sign != '\0');
    if (l->end - q < 2 || memcmp(q, close, 2) != 0)
        return false;
    advance(l, sign ? 3 : 2);
    l->strip_next = sign == '-';
    return true;
}

static int lex_comment(struct lexer *l)
{
    for (const char *q = l->p; l->end - q >= 2; q++) {
        if (memcmp(q, "#}", 2) != 0)
            continue;
        bool strip = q > l->p && q[-1] == '-';
        advance(l, (size_t)(q + 2 - l->p));
        l->strip_next = strip;
        return 0;
    }
    return FAIL(l, "missing end of comment tag");
}

/* After "{%" and its sign: the rest of a `raw` tag?  Gives the position behind it. */
static const char *raw_tag(const struct lexer *l, const char *p, const char *word, bool *ret_strip)
{
    p += space_at(p, l->end);
    size_t n = strlen(word);
    if ((size_t)(l->end - p) < n || memcmp(p, word, n) != 0)
        return NULL;
    p += n;
    p += space_at(p, l->end);
    bool strip = p < l->end && *p == '-';
    bool plus = p < l->end && *p == '+' && strcmp(word, "endraw") == 0;
    p += strip || plus;
    if (l->end - p < 2 || memcmp(p, "%}", 2) != 0)
        return NULL;
    *ret_strip = strip;
    return p + 2;
}

static int lex_raw(struct lexer *l, const char *body, bool strip_before)
{
    uint32_t line = l->line, col = l->col;
    advance(l, (size_t)(body - l->p));
    l->strip_next = strip_before;
    for (const char *q = l->p; l->end - q >= 2; q++) {
        if (memcmp(q, "{%", 2) != 0)
            continue;
        bool strip = q + 2 < l->end && q[2] == '-';
        bool signed_tag = strip || (q + 2 < l->end && q[2] == '+');
        bool strip_after;
        const char *after = raw_tag(l, q + 2 + signed_tag, "endraw", &strip_after);
        if (!after)
            continue;
        add_data(l, l->p, q, strip);
        advance(l, (size_t)(after - l->p));
        l->strip_next = strip_after;
        return 0;
    }
    if (l->p >= l->end) /* nothing follows, and so nothing is missing */
        return 0;
    l->line = line;
    l->col = col;
    return FAIL(l, "missing end of raw directive");
}

static int hex_escape(struct lexer *l, const char **p, const char *end, int digits, uint32_t *ret)
{
    uint32_t cp = 0;
    for (int i = 0; i < digits; i++) {
        if (*p >= end || !isxdigit((unsigned char)**p))
            return FAIL(l, "a \\x, \\u or \\U escape needs %d hexadecimal digits", digits);
        char c = *(*p)++;
        cp = cp * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    if (cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000))
        return FAIL(l, "an escape names no Unicode character");
    *ret = cp;
    return 0;
}

/* Python's escapes; an unknown one stays as it is. */
static int unescape(struct lexer *l, const char *p, const char *end, struct dm_str *ret)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, SIZE_MAX / 2);
    while (p < end) {
        if (*p != '\\' || p + 1 >= end) {
            dm_strbuf_addc(&b, *p++);
            continue;
        }
        static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
        char c = p[1];
        const char *simple = strchr(from, c);
        p += 2;
        uint32_t cp = 0;
        if (c == '\n') {
            continue;
        } else if (c && simple) {
            dm_strbuf_addc(&b, to[simple - from]);
        } else if (c == 'x' || c == 'u' || c == 'U') {
            DM_TRY(hex_escape(l, &p, end, c == 'x' ? 2 : c == 'u' ? 4 : 8, &cp));
            dm_utf8_put(&b, cp);
        } else if (c >= '0' && c <= '7') {
            cp = (uint32_t)(c - '0');
            for (int i = 0; i < 2 && p < end && *p >= '0' && *p <= '7'; i++)
                cp = cp * 8 + (uint32_t)(*p++ - '0');
            dm_utf8_put(&b, cp);
        } else if (c == 'N') {
            return FAIL(l, "\\N escapes are not supported");
        } else {
            dm_strbuf_addc(&b, '\\');
            dm_strbuf_addc(&b, c);
        }
    }
    *ret = dm_str_dup(l->a, dm_strbuf_str(&b));
    return 0;
}

static int lex_string(struct lexer *l)
{
    char quote = *l->p;
    const char *q = l->p + 1;
    while (q < l->end && *q != quote)
        q += *q == '\\' && q + 1 < l->end ? 2 : 1;
    if (q >= l->end)
        return FAIL(l, "unexpected char \"%c\": a text that does not end", quote);
    struct dm_str s;
    DM_TRY(unescape(l, l->p + 1, q, &s));
    struct dm_tok *t = add(l, DM_TOK_STRING, dm_str_n(l->p, (size_t)(q + 1 - l->p)));
    t->value = dm_value_str(l->a, s);
    advance(l, t->text.len);
    return 0;
}

static bool is_digit_of(char c, int base)
{
    return base == 16 ? isxdigit((unsigned char)c) : c >= '0' && c < '0' + base;
}

/* Digits with single underscores between them; the end of the run. */
static const char *digits_at(const char *p, const char *end, int base)
{
    while (p < end &&
           (is_digit_of(*p, base) || (*p == '_' && p + 1 < end && is_digit_of(p[1], base))))
        p += *p == '_' ? 2 : 1;
    return p;
}

static struct dm_str without_underscores(struct dm_arena *a, const char *p, const char *end)
{
    char *out = dm_arena_alloc(a, (size_t)(end - p) + 1);
    size_t n = 0;
    for (; p < end; p++)
        if (*p != '_')
            out[n++] = *p;
    return dm_str_n(out, n);
}

/* The end of a float at p, or NULL where there is an integer. */
static const char *float_at(const struct lexer *l, const char *p)
{
    if (p[-1] == '.')
        return NULL; /* the number of a.1.2 */
    const char *q = digits_at(p, l->end, 10), *after = NULL;
    if (q + 1 < l->end && *q == '.' && is_digit_of(q[1], 10))
        after = q = digits_at(q + 1, l->end, 10);
    if (q < l->end && (*q | 32) == 'e') {
        const char *x = q + 1;
        x += x < l->end && (*x == '+' || *x == '-');
        if (x < l->end && is_digit_of(*x, 10))
            after = digits_at(x, l->end, 10);
    }
    return after;
}

static int lex_number(struct lexer *l)
{
    const char *q = float_at(l, l->p);
    if (q) {
        struct dm_str digits = without_underscores(l->a, l->p, q);
        struct dm_tok *t = add(l, DM_TOK_FLOAT, dm_str_n(l->p, (size_t)(q - l->p)));
        t->value = dm_value_float(l->a, strtod(dm_str_cstr(l->a, digits), NULL));
        advance(l, t->text.len);
        return 0;
    }
    int base = 10;
    const char *from = l->p;
    if (*from == '0' && from + 1 < l->end) {
        char x = (char)(from[1] | 32);
        int other = x == 'x' ? 16 : x == 'o' ? 8 : x == 'b' ? 2 : 0;
        const char *first = from + 2;
        first += other && first < l->end && *first == '_';
        if (other && first < l->end && is_digit_of(*first, other)) {
            base = other;
            from = first;
        }
    }
    if (base == 10 && *from == '0') {
        q = from; /* "00" is a number, "007" is two */
        while (q < l->end && (*q == '0' || (*q == '_' && q + 1 < l->end && q[1] == '0')))
            q++;
    } else {
        q = digits_at(from, l->end, base);
    }
    struct dm_str digits = without_underscores(l->a, from, q);
    const struct dm_value *v = dm_value_int(l->a, 0);
    if (base == 10) {
        DM_TRY(dm_big_parse(l->a, digits, &v, l->err));
    } else {
        struct dm_value *b = dm_value_int(l->a, base);
        for (size_t i = 0; i < digits.len; i++) {
            char c = digits.p[i];
            struct dm_value *d = dm_value_int(l->a, c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
            DM_TRY(dm_big_mul(l->a, v, b, &v, l->err));
            DM_TRY(dm_big_add(l->a, v, d, &v, l->err));
        }
    }
    struct dm_tok *t = add(l, DM_TOK_INT, dm_str_n(l->p, (size_t)(q - l->p)));
    t->value = v;
    advance(l, t->text.len);
    return 0;
}

static size_t name_at(const char *p, const char *end)
{
    const char *q = p;
    while (q < end) {
        uint32_t cp;
        size_t n = dm_utf8_get(q, end, &cp);
        if (cp != '_' && !dm_utf8_is_alnum(cp))
            break;
        q += n;
    }
    return (size_t)(q - p);
}

static int balance(struct lexer *l, enum dm_tok_op op, char c)
{
    if (op == DM_OP_LPAREN || op == DM_OP_LBRACKET || op == DM_OP_LBRACE) {
        if (l->n_open == l->cap_open) {
            char *open = dm_arena_alloc(l->a, l->cap_open * 2 + 16);
            if (l->n_open)
                memcpy(open, l->open, l->n_open);
            l->open = open;
            l->cap_open = l->cap_open * 2 + 16;
        }
        l->open[l->n_open++] = op == DM_OP_LPAREN ? ')' : op == DM_OP_LBRACKET ? ']' : '}';
    } else if (op == DM_OP_RPAREN || op == DM_OP_RBRACKET || op == DM_OP_RBRACE) {
        if (!l->n_open)
            return FAIL(l, "unexpected '%c'", c);
        char want = l->open[--l->n_open];
        if (want != c)
            return FAIL(l, "unexpected '%c', expected '%c'", c, want);
    }
    return 0;
}

static int lex_operator(struct lexer *l)
{
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        const char *text = operators[i].text;
        if (!at(l, text))
            continue;
        DM_TRY(balance(l, operators[i].op, *text));
        struct dm_tok *t = add(l, DM_TOK_OP, dm_str_n(l->p, strlen(text)));
        t->op = operators[i].op;
        advance(l, t->text.len);
        return 0;
    }
    uint32_t cp;
    size_t n = dm_utf8_get(l->p, l->end, &cp);
    return FAIL(l, "unexpected char '%.*s'", (int)n, l->p);
}

static int lex_tag(struct lexer *l, enum dm_tok_kind end_kind, const char *close)
{
    l->n_open = 0;
    for (;;) {
        advance(l, space_at(l->p, l->end));
        if (l->p >= l->end)
            return FAIL(l, "unexpected end of template, expected '%s'", close);
        uint32_t line = l->line, col = l->col;
        if (!l->n_open && take_close(l, close, end_kind == DM_TOK_TAG_END)) {
            struct dm_tok *t = add(l, end_kind, dm_str_c(close));
            t->line = line;
            t->col = col;
            return 0;
        }
        size_t n;
        if (*l->p == '\'' || *l->p == '"') {
            DM_TRY(lex_string(l));
        } else if (is_digit_of(*l->p, 10)) {
            DM_TRY(lex_number(l));
        } else if ((n = name_at(l->p, l->end)) > 0) {
            add(l, DM_TOK_NAME, dm_str_n(l->p, n));
            advance(l, n);
        } else {
            DM_TRY(lex_operator(l));
        }
    }
}

static int lex_all(struct lexer *l)
{
    while (l->p < l->end) {
        const char *q = l->p;
        while (l->end - q >= 2 && !(q[0] == '{' && (q[1] == '{' || q[1] == '%' || q[1] == '#')))
            q++;
        if (l->end - q < 2)
            q = l->end;
        bool sign = q + 2 < l->end && (q[2] == '-' || q[2] == '+');
        add_data(l, l->p, q, sign && q[2] == '-');
        advance(l, (size_t)(q - l->p));
        if (l->p >= l->end)
            break;
        char which = q[1];
        bool strip;
        const char *raw = which == '%' ? raw_tag(l, q + 2 + sign, "raw", &strip) : NULL;
        if (raw) {
            DM_TRY(lex_raw(l, raw, strip));
            continue;
        }
        if (which != '#')
            add(l, which == '{' ? DM_TOK_VAR_BEGIN : DM_TOK_TAG_BEGIN, dm_str_n(q, 2));
        advance(l, 2 + (size_t)sign);
        if (which == '#')
            DM_TRY(lex_comment(l));
        else
            DM_TRY(which == '{' ? lex_tag(l, DM_TOK_VAR_END, "}}")
                                : lex_tag(l, DM_TOK_TAG_END, "%}"));
    }
    return 0;
}

int dm_template_lex(struct dm_arena *a, struct dm_str text, struct dm_place place,
                    struct dm_tok **ret, size_t *ret_n, struct dm_err *reterr)
{
    if (text.len > DM_BUF_TEXT)
        return dm_err_set(reterr, DM_E_LIMIT, "a template is larger than %zu bytes", DM_BUF_TEXT);
    struct dm_str s = normalized(a, text);
    struct lexer l = {
        .a = a,
        .place = place,
        .err = reterr,
        .p = s.p,
        .end = s.p + s.len,
        .line = place.line ? place.line : 1,
        .col = place.col ? place.col : 1,
    };
    size_t bad_at;
    if (!dm_utf8_valid(s, &bad_at)) {
        advance(&l, bad_at);
        return FAIL(&l, "the template is not valid UTF-8");
    }
    DM_TRY(lex_all(&l));
    add(&l, DM_TOK_END, dm_str_n(l.end, 0));
    *ret = l.toks;
    *ret_n = l.n;
    return 0;
}
