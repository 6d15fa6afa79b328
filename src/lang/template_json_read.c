/* JSON read by templates, as Python's json.loads reads it: whole numbers of any length, NaN and Infinity too. */
#include "lang/big.h"
#include "lang/object.h"
#include "lang/utf8.h"

struct reader {
    struct dm_eval *e;
    const char *start, *p, *end;
    unsigned depth;
};

static int read_value(struct reader *r, const struct dm_value **ret);

static int fail(struct reader *r, const char *what)
{
    return dm_eval_fail(r->e, DM_TE_VALUE, "invalid JSON: %s at character %zu", what,
                        dm_utf8_count(dm_str_n(r->start, (size_t)(r->p - r->start))) + 1);
}

static void skip_space(struct reader *r)
{
    while (r->p < r->end && *r->p && strchr(" \t\n\r", *r->p))
        r->p++;
}

static bool take(struct reader *r, char c)
{
    skip_space(r);
    if (r->p >= r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

static bool take_word(struct reader *r, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
        return false;
    r->p += n;
    return true;
}

static bool read_unit(struct reader *r, uint32_t *ret)
{
    *ret = 0;
    for (int i = 0; i < 4; i++, r->p++) {
        char c = r->p < r->end ? *r->p : '\0', low = (char)(c | 32);
        if (!((c >= '0' && c <= '9') || (low >= 'a' && low <= 'f')))
            return false;
        *ret = *ret * 16 + (uint32_t)(c <= '9' ? c - '0' : low - 'a' + 10);
    }
    return true;
}

/* Behind \u: one character, of two halves where it is large. */
static int read_unicode(struct reader *r, struct dm_strbuf *b)
{
    uint32_t cp, low;
    if (!read_unit(r, &cp))
        return fail(r, "a \\u without four digits");
    if (cp >= 0xD800 && cp <= 0xDBFF && take_word(r, "\\u")) {
        if (!read_unit(r, &low) || low < 0xDC00 || low > 0xDFFF)
            return fail(r, "half a character");
        cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
    }
    if (cp >= 0xD800 && cp <= 0xDFFF)
        return fail(r, "half a character");
    dm_utf8_put(b, cp);
    return 0;
}

static int read_text(struct reader *r, const struct dm_value **ret)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (r->p++; r->p < r->end && *r->p != '"';) {
        char c = *r->p;
        if ((unsigned char)c < 0x20)
            return fail(r, "a control character in a text");
        r->p++;
        if (c != '\\') {
            dm_strbuf_addc(&b, c);
            continue;
        }
        c = r->p < r->end ? *r->p++ : '\0';
        const char *simple = c ? strchr(from, c) : NULL;
        if (simple)
            dm_strbuf_addc(&b, to[simple - from]);
        else if (c == 'u')
            DM_TRY(read_unicode(r, &b));
        else
            return fail(r, "an unknown escape");
    }
    if (r->p >= r->end)
        return fail(r, "a text without an end");
    r->p++;
    return dm_new_text(r->e, &b, ret);
}

static bool skip_digits(struct reader *r)
{
    const char *from = r->p;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
        r->p++;
    return r->p > from;
}

static int read_number(struct reader *r, const struct dm_value **ret)
{
    const char *from = r->p, *back;
    bool real = false;
    r->p += *r->p == '-';
    if (r->p < r->end && *r->p == '0')
        r->p++;
    else if (!skip_digits(r))
        return fail(r, "a value is missing");
    back = r->p;
    if (r->p < r->end && *r->p == '.') {
        r->p++;
        real = skip_digits(r);
        r->p = real ? r->p : back;
    }
    back = r->p;
    if (r->p < r->end && (*r->p | 32) == 'e') {
        r->p++;
        r->p += r->p < r->end && (*r->p == '+' || *r->p == '-');
        bool digits = skip_digits(r);
        real |= digits;
        r->p = digits ? r->p : back;
    }
    struct dm_str text = dm_str_n(from, (size_t)(r->p - from));
    if (!real)
        return dm_big_parse(r->e->a, text, ret, r->e->err) < 0
                   ? dm_eval_fail(r->e, DM_TE_VALUE, "a number of %zu digits is too long", text.len)
                   : 0;
    *ret = dm_value_float(r->e->a, strtod(dm_str_cstr(r->e->a, text), NULL));
    return 0;
}

static int read_list(struct reader *r, const struct dm_value **ret)
{
    struct dm_value *list = dm_value_list(r->e->a, 0);
    *ret = list;
    r->p++;
    if (take(r, ']'))
        return 0;
    do {
        const struct dm_value *v;
        DM_TRY(read_value(r, &v));
        dm_list_add(r->e->a, list, v);
    } while (take(r, ','));
    return take(r, ']') ? 0 : fail(r, "',' or ']' is missing");
}

static int read_map(struct reader *r, const struct dm_value **ret)
{
    struct dm_value *map = dm_value_map(r->e->a);
    *ret = map;
    r->p++;
    if (take(r, '}'))
        return 0;
    do {
        const struct dm_value *key, *value;
        skip_space(r);
        if (r->p >= r->end || *r->p != '"')
            return fail(r, "a key in quotes is missing");
        DM_TRY(read_text(r, &key));
        if (!take(r, ':'))
            return fail(r, "':' is missing");
        DM_TRY(read_value(r, &value));
        dm_map_set_value(r->e->a, map, key, value);
    } while (take(r, ','));
    return take(r, '}') ? 0 : fail(r, "',' or '}' is missing");
}

static int read_plain(struct reader *r, const struct dm_value **ret)
{
    static const struct {
        const char *word;
        const struct dm_value *value;
    } words[] = {{"null", &dm_null}, {"true", &dm_true}, {"false", &dm_false}};
    skip_space(r);
    if (r->p >= r->end)
        return fail(r, "a value is missing");
    if (*r->p == '"')
        return read_text(r, ret);
    if (*r->p == '[')
        return read_list(r, ret);
    if (*r->p == '{')
        return read_map(r, ret);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!take_word(r, words[i].word))
            continue;
        *ret = words[i].value;
        return 0;
    }
    bool nan = take_word(r, "NaN"), minus = !nan && take_word(r, "-Infinity");
    if (nan || minus || take_word(r, "Infinity")) {
        *ret = dm_value_float(r->e->a, nan     ? __builtin_nan("")
                                       : minus ? -__builtin_inf()
                                               : __builtin_inf());
        return 0;
    }
    return read_number(r, ret);
}

static int read_value(struct reader *r, const struct dm_value **ret)
{
    if (++r->depth > DM_JSON_DEPTH)
        return dm_eval_fail(r->e, DM_TE_LIMIT, "JSON is nested deeper than %d levels",
                            DM_JSON_DEPTH);
    DM_TRY(dm_eval_charge(r->e, 0));
    DM_TRY(read_plain(r, ret));
    r->depth--;
    return 0;
}

int dm_json_read(struct dm_eval *e, struct dm_str text, const struct dm_value **ret)
{
    struct reader r = {.e = e, .start = text.p, .p = text.p, .end = text.p + text.len};
    DM_TRY(read_value(&r, ret));
    skip_space(&r);
    return r.p == r.end ? 0 : fail(&r, "more than one value");
}
