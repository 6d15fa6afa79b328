/* Filters on texts and numbers. */
#include <math.h>

#include "lang/big.h"
#include "lang/template_filters.h"
#include "lang/utf8.h"

#define BY_METHOD(name)                                                                           \
    int dm_filter_##name(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret) \
    {                                                                                             \
        struct dm_str s;                                                                          \
        DM_TRY(dm_filter_subject(e, c, &s));                                                      \
        return dm_filter_by_method(e, #name, s, c, ret);                                          \
    }

BY_METHOD(upper)
BY_METHOD(lower)
BY_METHOD(capitalize)

int dm_filter_replace(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str s, part;
    struct dm_call call = *c;
    DM_TRY(dm_filter_subject(e, c, &s));
    for (size_t i = 0; i < 2; i++) {
        DM_TRY(dm_eval_defined(e, c->arg[i]));
        DM_TRY(dm_text_of(e, c->arg[i], &part));
        call.arg[i] = dm_str_value(e, part);
    }
    if (call.arg[2] && call.arg[2]->kind == DM_NULL)
        call.arg[2] = NULL;
    return dm_filter_by_method(e, "replace", s, &call, ret);
}

int dm_filter_trim(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str s;
    DM_TRY(dm_filter_subject(e, c, &s));
    return dm_filter_by_method(e, "strip", s, c, ret);
}

int dm_filter_center(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str s;
    struct dm_call call = *c;
    DM_TRY(dm_filter_subject(e, c, &s));
    if (!call.arg[0])
        call.arg[0] = dm_int_value(e, 80);
    return dm_filter_by_method(e, "center", s, &call, ret);
}

/* Words end at white space and at - ( { [ <. */
int dm_filter_title(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str s;
    DM_TRY(dm_filter_subject(e, c, &s));
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    bool start = true;
    for (const char *p = s.p, *end = p + s.len; p < end;) {
        uint32_t cp;
        p += dm_utf8_get(p, end, &cp);
        (start ? dm_utf8_put_upper : dm_utf8_put_lower)(&b, cp);
        start = dm_utf8_is_space(cp) || (cp < 0x80 && cp && strchr("-({[<", (int)cp));
    }
    return dm_new_text(e, &b, ret);
}

int dm_filter_wordcount(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str s;
    DM_TRY(dm_filter_subject(e, c, &s));
    int64_t n = 0;
    bool within = false;
    for (const char *p = s.p, *end = p + s.len; p < end;) {
        uint32_t cp;
        p += dm_utf8_get(p, end, &cp);
        bool word = cp == '_' || dm_utf8_is_alnum(cp);
        n += word && !within;
        within = word;
    }
    *ret = dm_int_value(e, n);
    return 0;
}

int dm_filter_truncate(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str s, end;
    int64_t length, leeway;
    bool killwords;
    struct dm_call call = *c;
    if (call.arg[3] && call.arg[3]->kind == DM_NULL)
        call.arg[3] = NULL;
    DM_TRY(dm_param_int(e, c, 0, 255, &length));
    DM_TRY(dm_param_bool(e, c, 1, false, &killwords));
    DM_TRY(dm_param_str(e, c, 2, "...", &end));
    DM_TRY(dm_param_int(e, &call, 3, 5, &leeway));
    int64_t n, n_end = (int64_t)dm_utf8_count(end);
    if (length < n_end)
        return dm_eval_fail(e, DM_TE_OTHER, "expected length >= %lld, got %lld", (long long)n_end,
                            (long long)length);
    if (leeway < 0)
        return dm_eval_fail(e, DM_TE_OTHER, "expected leeway >= 0, got %lld", (long long)leeway);
    DM_TRY(dm_length(e, c->self, &n));
    if (n <= length + leeway) {
        *ret = c->self;
        return 0;
    }
    if (c->self->kind != DM_STRING)
        return dm_eval_fail(e, killwords || c->self->kind == DM_MAP ? DM_TE_TYPE : DM_TE_ATTRIBUTE,
                            "truncate wants a text, not %s", dm_type_name(c->self));
    s = c->self->s;
    struct dm_str head = dm_str_sub(s, 0, dm_utf8_offset(s, (size_t)(length - n_end)));
    if (!killwords) {
        size_t space = head.len;
        while (space > 0 && head.p[space - 1] != ' ')
            space--;
        if (space > 0)
            head.len = space - 1;
    }
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    dm_strbuf_addstr(&b, head);
    dm_strbuf_addstr(&b, end);
    return dm_new_text(e, &b, ret);
}

int dm_filter_indent(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str s, width = DM_STR("    ");
    bool first, blank;
    DM_TRY(dm_eval_defined(e, c->self));
    if (c->self->kind == DM_LIST)
        return dm_eval_fail(e, DM_TE_ATTRIBUTE, "'list' object has no attribute 'splitlines'");
    if (c->self->kind != DM_STRING)
        return dm_eval_fail(e, DM_TE_TYPE, "unsupported operand type(s) for +=: '%s' and 'str'",
                            dm_type_name(c->self));
    s = c->self->s;
    DM_TRY(dm_param_bool(e, c, 1, false, &first));
    DM_TRY(dm_param_bool(e, c, 2, false, &blank));
    if (c->arg[0] && c->arg[0]->kind == DM_STRING) {
        width = c->arg[0]->s;
    } else if (c->arg[0]) {
        int64_t n;
        DM_TRY(dm_param_int(e, c, 0, 4, &n));
        if (n > 10000)
            return dm_eval_fail(e, DM_TE_LIMIT, "indent is limited to 10000 columns");
        n = n < 0 ? 0 : n;
        char *spaces = dm_arena_alloc(e->a, (size_t)n + 1);
        memset(spaces, ' ', (size_t)n);
        width = dm_str_n(spaces, (size_t)n);
    }
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    if (first)
        dm_strbuf_addstr(&b, width);
    struct dm_str rest = s, line;
    for (bool later = false; dm_str_split(&rest, '\n', &line); later = true) {
        if (later)
            dm_strbuf_addc(&b, '\n');
        if (later && (blank || line.len))
            dm_strbuf_addstr(&b, width);
        dm_strbuf_addstr(&b, line);
    }
    return dm_new_text(e, &b, ret);
}

int dm_filter_striptags(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str s;
    DM_TRY(dm_filter_subject(e, c, &s));
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    bool space = false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '<') {
            const char *close = dm_str_starts(dm_str_sub(s, i, s.len), DM_STR("<!--"))
                                    ? memmem(s.p + i, s.len - i, "-->", 3)
                                    : memchr(s.p + i, '>', s.len - i);
            if (close) {
                i = (size_t)(close - s.p) + (close[0] == '-' ? 2 : 0);
                continue;
            }
        }
        if (dm_utf8_is_space((unsigned char)s.p[i])) {
            space = b.len > 0;
            continue;
        }
        if (space)
            dm_strbuf_addc(&b, ' ');
        space = false;
        dm_strbuf_addc(&b, s.p[i]);
    }
    static const struct {
        const char *name, *text;
    } entities[] = {{"&lt;", "<"},    {"&gt;", ">"},          {"&#34;", "\""}, {"&#39;", "'"},
                    {"&quot;", "\""}, {"&nbsp;", "\xC2\xA0"}, {"&amp;", "&"}};
    _cleanup_strbuf_ struct dm_strbuf out;
    dm_strbuf_init(&out, DM_BUF_TEXT);
    for (size_t i = 0; i < b.len;) {
        size_t k = 0, n = sizeof(entities) / sizeof(entities[0]);
        while (k < n && strncmp(b.p + i, entities[k].name, strlen(entities[k].name)) != 0)
            k++;
        if (k < n)
            dm_strbuf_adds(&out, entities[k].text);
        else
            dm_strbuf_addc(&out, b.p[i]);
        i += k < n ? strlen(entities[k].name) : 1;
    }
    return dm_new_text(e, &out, ret);
}

static void quote_url(struct dm_strbuf *b, struct dm_str s, bool query)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char ch = (unsigned char)s.p[i];
        if (dm_utf8_is_digit(ch) || (ch < 0x80 && dm_utf8_is_alpha(ch)) ||
            (ch && strchr("_.-~", ch)) || (ch == '/' && !query))
            dm_strbuf_addc(b, (char)ch);
        else if (ch == ' ' && query)
            dm_strbuf_addc(b, '+');
        else
            dm_strbuf_addf(b, "%%%02X", ch);
    }
}

int dm_filter_urlencode(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str s;
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    DM_TRY(dm_eval_defined(e, c->self));
    if (c->self->kind == DM_STRING || !dm_is_iterable(c->self)) {
        DM_TRY(dm_text_of(e, c->self, &s));
        quote_url(&b, s, false);
        return dm_new_text(e, &b, ret);
    }
    struct dm_value *items, *pair;
    const struct dm_value *pairs = c->self;
    if (pairs->kind == DM_MAP)
        DM_TRY(dm_filter_items(e, c, &pairs));
    DM_TRY(dm_items(e, pairs, &items));
    for (size_t i = 0; i < items->list.n; i++) {
        DM_TRY(dm_items(e, items->list.items[i], &pair));
        if (pair->list.n != 2)
            return dm_eval_fail(e, DM_TE_VALUE, "urlencode wants pairs");
        if (i)
            dm_strbuf_addc(&b, '&');
        DM_TRY(dm_text_of(e, pair->list.items[0], &s));
        quote_url(&b, s, true);
        dm_strbuf_addc(&b, '=');
        DM_TRY(dm_text_of(e, pair->list.items[1], &s));
        quote_url(&b, s, true);
    }
    return dm_new_text(e, &b, ret);
}

int dm_filter_xmlattr(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    bool space;
    struct dm_str s;
    DM_TRY(dm_param_bool(e, c, 0, true, &space));
    DM_TRY(dm_eval_defined(e, c->self));
    if (c->self->kind != DM_MAP)
        return dm_eval_fail(e, DM_TE_ATTRIBUTE, "'%s' object has no attribute 'items'",
                            dm_type_name(c->self));
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (size_t i = 0; i < c->self->map.n; i++) {
        const struct dm_pair *pair = &c->self->map.pairs[i];
        if (pair->value->kind == DM_NULL || dm_is_undefined(pair->value))
            continue;
        DM_TRY(dm_text_of(e, pair->key, &s));
        for (size_t k = 0; k < s.len; k++)
            if (strchr(" \t\n\f\r/>=", s.p[k]))
                return dm_eval_fail(e, DM_TE_VALUE, "Invalid character in attribute name: '%.*s'",
                                    DM_FMT(s));
        if (space || b.len)
            dm_strbuf_addc(&b, ' ');
        dm_escape_html(&b, s);
        dm_strbuf_adds(&b, "=\"");
        DM_TRY(dm_text_of(e, pair->value, &s));
        dm_escape_html(&b, s);
        dm_strbuf_addc(&b, '"');
    }
    return dm_new_text(e, &b, ret);
}

int dm_filter_format(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str s;
    const struct dm_args *args = c->all;
    if (args->n && args->n_named)
        return dm_eval_fail(e, DM_TE_TEMPLATE,
                            "can't handle positional and keyword arguments at the same time");
    DM_TRY(dm_filter_subject(e, c, &s));
    if (args->n_named) {
        struct dm_value *map = dm_value_map(e->a);
        for (size_t i = 0; i < args->n_named; i++)
            dm_map_set_value(e->a, map, dm_str_value(e, args->named[i].name), args->named[i].value);
        return dm_percent_format(e, s, map, ret);
    }
    const struct dm_value *tuple = dm_tuple(e, args->n);
    for (size_t i = 0; i < args->n; i++)
        dm_tuple_set(tuple, i, args->pos[i]);
    return dm_percent_format(e, s, tuple, ret);
}

/* Lines are filled with words; a word that is too long is cut. */
struct wrap {
    struct dm_eval *e;
    struct dm_strbuf *b;
    struct dm_str sep;
    int64_t width, col;
    bool cut_words, hyphens;
    bool started;
    bool ends; /* blanks did not fit: what follows begins a line */
};

static void wrap_break(struct wrap *w)
{
    while (w->b->len && w->b->p[w->b->len - 1] == ' ')
        dm_strbuf_truncate(w->b, w->b->len - 1);
    dm_strbuf_addstr(w->b, w->sep);
    w->col = 0;
}

/* Where a word of which `at` bytes fit is cut: behind its last hyphen there that is not only behind hyphens. */
static size_t behind_hyphen(struct dm_str word, size_t at)
{
    for (size_t i = at; i-- > 1;) {
        if (word.p[i] != '-')
            continue;
        for (size_t k = 0; k < i; k++)
            if (word.p[k] != '-')
                return i + 1;
    }
    return at;
}

/* A chunk is a run of spaces or a piece of a word. */
static void wrap_chunk(struct wrap *w, struct dm_str chunk)
{
    int64_t n = (int64_t)dm_utf8_count(chunk);
    bool space = chunk.p[0] == ' ';
    if (w->ends && !space) {
        wrap_break(w);
        w->ends = false;
    }
    if (space && (w->ends || (w->col + n > w->width && w->col > 0))) {
        w->ends = true;
        return;
    }
    if (w->col + n > w->width && w->col > 0) {
        if (n <= w->width || !w->cut_words)
            wrap_break(w);
    }
    if (space && w->col == 0 && w->started)
        return;
    while (w->cut_words && n > w->width - w->col) {
        int64_t room = w->width - w->col;
        if (room < 1) {
            wrap_break(w);
            continue;
        }
        size_t at = dm_utf8_offset(chunk, (size_t)room);
        if (w->hyphens)
            at = behind_hyphen(chunk, at);
        dm_strbuf_addstr(w->b, dm_str_sub(chunk, 0, at));
        n -= (int64_t)dm_utf8_count(dm_str_sub(chunk, 0, at));
        chunk = dm_str_sub(chunk, at, chunk.len);
        wrap_break(w);
    }
    dm_strbuf_addstr(w->b, chunk);
    w->col += n;
    w->started = true;
}

static void wrap_line(struct wrap *w, struct dm_str line)
{
    w->col = 0;
    w->started = w->ends = false;
    for (size_t i = 0; i < line.len;) {
        size_t from = i;
        bool space = line.p[i] == ' ';
        while (i < line.len && (line.p[i] == ' ') == space) {
            i++;
            /* After a hyphen between letters a line may end. */
            if (w->hyphens && !space && i - from > 1 && line.p[i - 1] == '-' && i < line.len &&
                dm_utf8_is_alpha((unsigned char)line.p[i]) &&
                dm_utf8_is_alpha((unsigned char)line.p[i - 2]))
                break;
        }
        wrap_chunk(w, dm_str_sub(line, from, i));
    }
    while (w->b->len && w->b->p[w->b->len - 1] == ' ')
        dm_strbuf_truncate(w->b, w->b->len - 1);
}

int dm_filter_wordwrap(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    struct wrap w = {.e = e, .b = &b};
    struct dm_str s, line;
    struct dm_call call = *c;
    if (call.arg[2] && call.arg[2]->kind == DM_NULL)
        call.arg[2] = NULL;
    DM_TRY(dm_eval_defined(e, c->self));
    if (c->self->kind != DM_STRING)
        return dm_eval_fail(e, DM_TE_ATTRIBUTE, "'%s' object has no attribute 'splitlines'",
                            dm_type_name(c->self));
    s = c->self->s;
    DM_TRY(dm_param_int(e, c, 0, 79, &w.width));
    DM_TRY(dm_param_bool(e, c, 1, true, &w.cut_words));
    DM_TRY(dm_param_str(e, &call, 2, "\n", &w.sep));
    DM_TRY(dm_param_bool(e, c, 3, true, &w.hyphens));
    if (w.width < 1)
        return dm_eval_fail(e, DM_TE_VALUE, "invalid width %lld (must be > 0)", (long long)w.width);
    if (s.len && s.p[s.len - 1] == '\n')
        s.len--;
    for (bool later = false; s.len && dm_str_split(&s, '\n', &line); later = true) {
        if (later)
            dm_strbuf_addstr(&b, w.sep);
        wrap_line(&w, line);
    }
    return dm_new_text(e, &b, ret);
}

/* Python's float('…') and int('…') allow white space around and underscores between digits. */
static bool clean_number(struct dm_eval *e, struct dm_str s, struct dm_str *ret)
{
    s = dm_str_trim(s);
    char *out = dm_arena_alloc(e->a, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] != '_') {
            out[n++] = s.p[i];
            continue;
        }
        if (i == 0 || i + 1 >= s.len || !dm_utf8_is_alnum((unsigned char)s.p[i - 1]) ||
            !dm_utf8_is_alnum((unsigned char)s.p[i + 1]))
            return false;
    }
    *ret = dm_str_n(out, n);
    return n > 0;
}

static bool text_to_float(struct dm_eval *e, struct dm_str s, double *ret)
{
    struct dm_str digits;
    if (!clean_number(e, s, &digits))
        return false;
    for (size_t i = 0; i < digits.len; i++)
        if (strchr("xXpP", digits.p[i]))
            return false; /* C's hexadecimal floats */
    char *end;
    *ret = strtod(digits.p, &end);
    return end == digits.p + digits.len && !memchr(digits.p, '(', digits.len);
}

/* float(v) */
static int number_of(struct dm_eval *e, const struct dm_value *v, double *ret)
{
    if (dm_is_number(v)) {
        *ret = dm_float_of(v);
        return 0;
    }
    if (v->kind != DM_STRING)
        return dm_eval_fail(e, DM_TE_TYPE,
                            "float() argument must be a string or a real number, not '%s'",
                            dm_type_name(v));
    if (!text_to_float(e, v->s, ret))
        return dm_eval_fail(e, DM_TE_VALUE, "could not convert string to float: '%.*s'",
                            DM_FMT(v->s));
    return 0;
}

int dm_filter_filesizeformat(struct dm_eval *e, const struct dm_call *c,
                             const struct dm_value **ret)
{
    static const char *const decimal[] = {"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
    static const char *const binary_units[] = {"KiB", "MiB", "GiB", "TiB",
                                               "PiB", "EiB", "ZiB", "YiB"};
    bool binary;
    double bytes;
    DM_TRY(dm_param_bool(e, c, 0, false, &binary));
    DM_TRY(dm_eval_defined(e, c->self));
    DM_TRY(number_of(e, c->self, &bytes));
    double base = binary ? 1024 : 1000;
    if (bytes == 1) {
        *ret = dm_str_value(e, DM_STR("1 Byte"));
        return 0;
    }
    if (bytes < base) {
        *ret = dm_str_value(e, dm_str_printf(e->a, "%.0f Bytes", trunc(bytes) + 0.0));
        return 0;
    }
    double unit = base;
    size_t i = 0;
    for (; i < 8; i++) {
        unit = pow(base, (double)i + 2);
        /* Python compares with the exact power. */
        if ((long double)bytes < powl(base, (long double)i + 2))
            break;
    }
    if (i == 8)
        i = 7;
    *ret = dm_str_value(e, dm_str_printf(e->a, "%.1f %s", base * bytes / unit,
                                         (binary ? binary_units : decimal)[i]));
    return 0;
}

int dm_filter_abs(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    if (c->self->kind == DM_DELTA) {
        struct dm_value *span = dm_value_int(e->a, c->self->i < 0 ? -c->self->i : c->self->i);
        span->kind = DM_DELTA;
        *ret = span;
        return 0;
    }
    if (!dm_is_number(c->self))
        return dm_eval_fail(e, DM_TE_TYPE, "bad operand type for abs(): '%s'",
                            dm_type_name(c->self));
    bool negative =
        c->self->kind == DM_BIG ? c->self->big->negative : signbit(dm_float_of(c->self)) != 0;
    return dm_negate(e, negative, c->self, ret);
}

int dm_filter_round(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    int64_t precision;
    struct dm_str method;
    DM_TRY(dm_param_int(e, c, 0, 0, &precision));
    DM_TRY(dm_param_str(e, c, 1, "common", &method));
    bool common = dm_str_is(method, "common"), ceiling = dm_str_is(method, "ceil");
    if (!common && !ceiling && !dm_str_is(method, "floor"))
        return dm_eval_fail(e, DM_TE_TEMPLATE, "method must be common, ceil or floor");
    if (!common)
        DM_TRY(dm_eval_defined(e, c->self));
    if (!dm_is_number(c->self))
        return dm_eval_fail(e, DM_TE_TYPE, "type %s doesn't define __round__ method",
                            dm_type_name(c->self));
    if (c->self->kind != DM_FLOAT && common && precision >= 0) {
        *ret = c->self->kind == DM_BOOL ? dm_int_value(e, c->self->b) : c->self;
        return 0;
    }
    double f = dm_float_of(c->self);
    if (!common) {
        double scale = pow(10, (double)precision);
        if (!isfinite(f))
            return dm_eval_fail(e, isnan(f) ? DM_TE_VALUE : DM_TE_OVERFLOW,
                                "cannot convert float infinity or NaN to integer");
        f = ((ceiling ? ceil(f * scale) : floor(f * scale)) + 0.0) / scale;
    } else if (precision >= 0 && precision < 300 && isfinite(f)) {
        /* Correctly rounded decimal, as Python: by way of its text. */
        char *text = dm_arena_printf(e->a, "%.*f", (int)precision, f);
        f = strtod(text, NULL);
    } else if (precision < 0 && precision > -300) {
        double scale = pow(10, (double)-precision);
        f = nearbyint(f / scale) * scale;
    }
    if (common && c->self->kind != DM_FLOAT)
        *ret = dm_big_from_f64(e->a, f);
    else
        *ret = dm_value_float(e->a, f);
    return 0;
}

int dm_filter_float(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    double f;
    DM_TRY(dm_eval_defined(e, c->self));
    if (dm_is_number(c->self))
        *ret = dm_value_float(e->a, dm_float_of(c->self));
    else if (c->self->kind == DM_STRING && text_to_float(e, c->self->s, &f))
        *ret = dm_value_float(e->a, f);
    else
        *ret = c->arg[0] ? c->arg[0] : dm_value_float(e->a, 0);
    return 0;
}

static int digit_of(char ch)
{
    return ch >= '0' && ch <= '9'                 ? ch - '0'
           : (ch | 32) >= 'a' && (ch | 32) <= 'z' ? (ch | 32) - 'a' + 10
                                                  : 99;
}

/* 1 = a number, 0 = not one. */
static int text_to_int(struct dm_eval *e, struct dm_str s, int64_t base,
                       const struct dm_value **ret)
{
    struct dm_str digits;
    if (!clean_number(e, s, &digits))
        return 0;
    bool negative = digits.p[0] == '-';
    if (negative || digits.p[0] == '+')
        digits = dm_str_sub(digits, 1, digits.len);
    if (digits.len > 2 && digits.p[0] == '0') {
        char x = (char)(digits.p[1] | 32);
        if ((x == 'x' && base == 16) || (x == 'o' && base == 8) || (x == 'b' && base == 2))
            digits = dm_str_sub(digits, 2, digits.len);
    }
    if (!digits.len || digits.len > 4300)
        return 0;
    const struct dm_value *v = dm_int_value(e, 0), *b = dm_int_value(e, base);
    for (size_t i = 0; i < digits.len; i++) {
        if (digit_of(digits.p[i]) >= base)
            return 0;
        DM_TRY(dm_big_mul(e->a, v, b, &v, e->err));
        DM_TRY(dm_big_add(e->a, v, dm_int_value(e, digit_of(digits.p[i])), &v, e->err));
    }
    if (negative)
        DM_TRY(dm_negate(e, true, v, &v));
    *ret = v;
    return 1;
}

int dm_filter_int(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    int64_t base;
    double f;
    DM_TRY(dm_param_int(e, c, 1, 10, &base));
    DM_TRY(dm_eval_defined(e, c->self));
    const struct dm_value *fallback = c->arg[0] ? c->arg[0] : dm_int_value(e, 0);
    if (c->self->kind == DM_STRING) {
        if (base < 2 || base > 36)
            return dm_eval_fail(e, DM_TE_VALUE, "int() base must be >= 2 and <= 36");
        int rc = text_to_int(e, c->self->s, base, ret);
        if (rc != 0)
            return rc < 0 ? rc : 0;
        /* "4.7" is 4 */
        if (!text_to_float(e, c->self->s, &f) || !isfinite(f))
            *ret = fallback;
        else
            *ret = dm_big_from_f64(e->a, f);
        return 0;
    }
    if (dm_is_int(c->self))
        *ret = dm_int_value(e, dm_int_of(c->self));
    else if (c->self->kind == DM_BIG)
        *ret = c->self;
    else if (c->self->kind == DM_FLOAT && isinf(c->self->f))
        return dm_eval_fail(e, DM_TE_OVERFLOW, "cannot convert float infinity to integer");
    else if (c->self->kind == DM_FLOAT && isfinite(c->self->f))
        *ret = dm_big_from_f64(e->a, c->self->f);
    else
        *ret = fallback;
    return 0;
}
