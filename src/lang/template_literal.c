/* Python literals in a rendered text: what a native template's text stands for. */
#include <errno.h>

#include "lang/big.h"
#include "lang/object.h"
#include "lang/utf8.h"

struct reader {
    struct dm_arena *a;
    const char *p, *end;
    unsigned depth;  /* of values within each other */
    unsigned inside; /* of brackets: lines may end there */
};

static bool read_value(struct reader *r, const struct dm_value **ret);

/* Blanks, and within brackets lines and comments. */
static void skip_space(struct reader *r)
{
    while (r->p < r->end) {
        if (*r->p == ' ' || *r->p == '\t' || *r->p == '\f' ||
            (r->inside && (*r->p == '\n' || *r->p == '\r')))
            r->p++;
        else if (*r->p == '#')
            while (r->p < r->end && *r->p != '\n')
                r->p++;
        else if (*r->p == '\\' && r->p + 1 < r->end && r->p[1] == '\n')
            r->p += 2;
        else
            return;
    }
}

static bool take(struct reader *r, char c)
{
    skip_space(r);
    if (r->p >= r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

/* Digits with single underscores between them; `out` gets the digits alone. */
static bool read_digits(struct reader *r, unsigned base, struct dm_strbuf *out)
{
    size_t before = out->len;
    for (; r->p < r->end; r->p++) {
        char c = *r->p, low = (char)(c | 32);
        if (c == '_' && out->len > before && r->p + 1 < r->end && r->p[1] != '_')
            continue;
        unsigned digit = c >= '0' && c <= '9'       ? (unsigned)(c - '0')
                         : low >= 'a' && low <= 'f' ? (unsigned)(low - 'a' + 10)
                                                    : 99;
        if (digit >= base)
            break;
        dm_strbuf_addc(out, c);
    }
    return out->len > before && r->p[-1] != '_';
}

static bool read_based(struct reader *r, unsigned base, const struct dm_value **ret)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    r->p += 2;
    if (r->p < r->end && *r->p == '_')
        r->p++;
    if (!read_digits(r, base, &b))
        return false;
    errno = 0;
    unsigned long long n = strtoull(dm_str_cstr(r->a, dm_strbuf_str(&b)), NULL, (int)base);
    *ret = dm_value_int(r->a, (int64_t)n);
    return errno == 0 && n <= INT64_MAX;
}

static bool read_number(struct reader *r, const struct dm_value **ret)
{
    char x = r->p + 1 < r->end && *r->p == '0' ? (char)(r->p[1] | 32) : '\0';
    if (x == 'x' || x == 'o' || x == 'b')
        return read_based(r,
                          x == 'x'   ? 16
                          : x == 'o' ? 8
                                     : 2,
                          ret) &&
               !(r->p < r->end && is_word(*r->p));
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    bool real = false;
    if (*r->p != '.' && !read_digits(r, 10, &b))
        return false;
    if (r->p < r->end && *r->p == '.') {
        bool alone = b.len == 0;
        real = true;
        dm_strbuf_addc(&b, *r->p++);
        bool digits = r->p < r->end && *r->p >= '0' && *r->p <= '9';
        if (digits ? !read_digits(r, 10, &b) : alone)
            return false;
    }
    if (r->p < r->end && (*r->p | 32) == 'e') {
        real = true;
        dm_strbuf_addc(&b, *r->p++);
        if (r->p < r->end && (*r->p == '+' || *r->p == '-'))
            dm_strbuf_addc(&b, *r->p++);
        if (!read_digits(r, 10, &b))
            return false;
    }
    if (r->p < r->end && is_word(*r->p))
        return false;
    const char *text = dm_str_cstr(r->a, dm_strbuf_str(&b));
    if (real) {
        *ret = dm_value_float(r->a, strtod(text, NULL));
        return true;
    }
    size_t zeros = strspn(text, "0");
    if (zeros && text[zeros]) /* 007 */
        return false;
    return dm_big_parse(r->a, dm_strbuf_str(&b), ret, NULL) == 0;
}

static bool read_hex(struct reader *r, int digits, uint32_t *ret)
{
    *ret = 0;
    for (; digits > 0; digits--, r->p++) {
        char c = r->p < r->end ? *r->p : '\0', low = (char)(c | 32);
        if (!((c >= '0' && c <= '9') || (low >= 'a' && low <= 'f')))
            return false;
        *ret = *ret * 16 + (uint32_t)(c <= '9' ? c - '0' : low - 'a' + 10);
    }
    return *ret <= 0x10FFFF && (*ret < 0xD800 || *ret > 0xDFFF);
}

/* Behind a backslash. */
static bool read_escape(struct reader *r, struct dm_strbuf *b)
{
    static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
    char c = *r->p++;
    const char *simple = c ? strchr(from, c) : NULL;
    uint32_t cp = 0;
    if (simple) {
        dm_strbuf_addc(b, to[simple - from]);
    } else if (c == '\n') {
        return true;
    } else if (c == 'x' || c == 'u' || c == 'U') {
        if (!read_hex(r, c == 'x' ? 2 : c == 'u' ? 4 : 8, &cp))
            return false;
        dm_utf8_put(b, cp);
    } else if (c >= '0' && c <= '7') {
        cp = (uint32_t)(c - '0');
        for (int i = 0; i < 2 && r->p < r->end && *r->p >= '0' && *r->p <= '7'; i++)
            cp = cp * 8 + (uint32_t)(*r->p++ - '0');
        dm_utf8_put(b, cp);
    } else if (c == 'N') {
        return false;
    } else {
        dm_strbuf_addc(b, '\\');
        dm_strbuf_addc(b, c);
    }
    return true;
}

/* One piece: 'x', "x", or three of either around several lines; `raw` keeps backslashes. */
static bool read_quoted(struct reader *r, bool raw, struct dm_strbuf *b)
{
    char quote = *r->p;
    bool three = r->end - r->p >= 3 && r->p[1] == quote && r->p[2] == quote;
    r->p += three ? 3 : 1;
    while (r->p < r->end) {
        char c = *r->p;
        if (c == quote &&
            (!three || (r->end - r->p >= 3 && r->p[1] == quote && r->p[2] == quote))) {
            r->p += three ? 3 : 1;
            return true;
        }
        if (c == '\n' && !three)
            return false;
        r->p++;
        if (c != '\\' || r->p >= r->end)
            dm_strbuf_addc(b, c);
        else if (raw) {
            dm_strbuf_addc(b, c);
            dm_strbuf_addc(b, *r->p++);
        } else if (!read_escape(r, b))
            return false;
    }
    return false;
}

static bool at_text(const struct reader *r, bool *ret_raw)
{
    const char *p = r->p;
    *ret_raw = p < r->end && (*p | 32) == 'r';
    if (p < r->end && ((*p | 32) == 'r' || (*p | 32) == 'u'))
        p++;
    return p < r->end && (*p == '\'' || *p == '"');
}

/* Pieces beside each other are one text. */
static bool read_text(struct reader *r, const struct dm_value **ret)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (bool raw; at_text(r, &raw); skip_space(r)) {
        r->p += *r->p != '\'' && *r->p != '"';
        if (!read_quoted(r, raw, &b))
            return false;
    }
    *ret = dm_value_str(r->a, dm_str_dup(r->a, dm_strbuf_str(&b)));
    return !b.full;
}

/* "1, 2" up to what closes it; `ret_comma` = there was one. */
static bool read_items(struct reader *r, char close, struct dm_value *list, bool *ret_comma)
{
    *ret_comma = false;
    for (;;) {
        const struct dm_value *v;
        if (take(r, close))
            return true;
        if (list->list.n && !*ret_comma)
            return false;
        if (!read_value(r, &v))
            return false;
        dm_list_add(r->a, list, v);
        bool comma = take(r, ',');
        *ret_comma |= comma;
        if (!comma)
            return take(r, close);
    }
}

static bool read_map(struct reader *r, const struct dm_value **ret)
{
    struct dm_value *map = dm_value_map(r->a);
    *ret = map;
    while (!take(r, '}')) {
        const struct dm_value *key, *value;
        if (!read_value(r, &key) || !dm_is_hashable(key) || !take(r, ':') || !read_value(r, &value))
            return false;
        dm_map_set_value(r->a, map, key, value);
        if (!take(r, ','))
            return take(r, '}');
    }
    return true;
}

static bool read_brackets(struct reader *r, const struct dm_value **ret)
{
    char open = *r->p++;
    bool comma, ok;
    r->inside++;
    if (open == '{') {
        ok = read_map(r, ret);
    } else {
        struct dm_value *list = dm_value_list(r->a, 0);
        list->kind = open == '(' ? DM_TUPLE : DM_LIST;
        ok = read_items(r, open == '(' ? ')' : ']', list, &comma);
        *ret = open == '(' && list->list.n == 1 && !comma ? list->list.items[0] : list;
    }
    r->inside--;
    return ok;
}

static bool read_name(struct reader *r, const struct dm_value **ret)
{
    const char *from = r->p;
    while (r->p < r->end && is_word(*r->p))
        r->p++;
    struct dm_str word = dm_str_n(from, (size_t)(r->p - from));
    *ret = dm_str_is(word, "None")    ? &dm_null
           : dm_str_is(word, "True")  ? &dm_true
           : dm_str_is(word, "False") ? &dm_false
                                      : NULL;
    return *ret;
}

/* -1 and +1. */
static bool read_signed(struct reader *r, const struct dm_value **ret)
{
    bool minus = *r->p++ == '-';
    skip_space(r);
    if (r->p >= r->end || *r->p == '-' || *r->p == '+' || !read_value(r, ret))
        return false;
    const struct dm_value *v = *ret;
    if (v->kind == DM_FLOAT)
        *ret = minus ? dm_value_float(r->a, -v->f) : v;
    else if (v->kind == DM_INT && v->i != INT64_MIN)
        *ret = minus ? dm_value_int(r->a, -v->i) : v;
    else
        return v->kind == DM_BIG && !minus;
    return true;
}

static bool read_plain(struct reader *r, const struct dm_value **ret)
{
    bool raw;
    skip_space(r);
    if (r->p >= r->end)
        return false;
    char c = *r->p;
    if (at_text(r, &raw))
        return read_text(r, ret);
    if ((c >= '0' && c <= '9') || c == '.')
        return read_number(r, ret);
    if (c == '[' || c == '(' || c == '{')
        return read_brackets(r, ret);
    return c == '-' || c == '+' ? read_signed(r, ret) : read_name(r, ret);
}

static bool read_value(struct reader *r, const struct dm_value **ret)
{
    if (++r->depth > DM_TEMPLATE_DEPTH)
        return false;
    bool ok = read_plain(r, ret);
    r->depth--;
    skip_space(r);
    return ok;
}

int dm_literal(struct dm_arena *a, struct dm_str text, const struct dm_value **ret)
{
    struct reader r = {.a = a, .p = text.p, .end = text.p + text.len};
    /* Lines before it may be empty; the one that it is on begins with it. */
    while (r.p < r.end && *r.p == '\n')
        r.p++;
    if (r.p >= r.end || *r.p == ' ' || *r.p == '\t' || !read_value(&r, ret))
        return 0;
    if (r.p < r.end && *r.p == ',') { /* a tuple without brackets */
        struct dm_value *list = dm_value_list(a, 0);
        list->kind = DM_TUPLE;
        dm_list_add(a, list, *ret);
        while (take(&r, ',')) {
            const struct dm_value *v;
            if (r.p >= r.end || *r.p == '\n')
                break;
            if (!read_value(&r, &v))
                return 0;
            dm_list_add(a, list, v);
        }
        *ret = list;
    }
    while (r.p < r.end && (*r.p == '\n' || *r.p == '\r' || *r.p == ' ' || *r.p == '\t'))
        r.p++;
    skip_space(&r);
    return r.p == r.end;
}
