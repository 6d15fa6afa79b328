/* Methods of texts in templates, with Python's meaning. */
#include "lang/object.h"

#include "lang/utf8.h"

#define SELF(c) ((c)->self->s)

static int finish(struct dm_eval *e, struct dm_strbuf *b, const struct dm_value **ret)
{
    return dm_new_text(e, b, ret);
}

static int mapped(struct dm_eval *e, struct dm_str s, void (*put)(struct dm_strbuf *b, uint32_t cp),
                  const struct dm_value **ret)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (const char *p = s.p, *end = s.p + s.len; p < end;) {
        uint32_t cp;
        p += dm_utf8_get(p, end, &cp);
        put(&b, cp);
    }
    return finish(e, &b, ret);
}

static int str_upper(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return mapped(e, SELF(c), dm_utf8_put_upper, ret);
}

enum { SIGMA = 0x3A3, FINAL_SIGMA = 0x3C2 };

/* The character at p, lower case: a capital sigma that ends a word has a form of its own. */
static void put_lower(struct dm_strbuf *b, struct dm_str s, const char *p, size_t n, uint32_t cp)
{
    uint32_t before = 0, after = 0;
    if (cp == SIGMA && p > s.p)
        dm_utf8_back(s.p, p, &before);
    if (cp == SIGMA && p + n < s.p + s.len)
        dm_utf8_get(p + n, s.p + s.len, &after);
    if (dm_utf8_is_alpha(before) && !dm_utf8_is_alpha(after))
        dm_utf8_put(b, FINAL_SIGMA);
    else
        dm_utf8_put_lower(b, cp);
}

static int str_lower(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (const char *p = SELF(c).p, *end = p + SELF(c).len; p < end;) {
        uint32_t cp;
        size_t n = dm_utf8_get(p, end, &cp);
        put_lower(&b, SELF(c), p, n, cp);
        p += n;
    }
    return finish(e, &b, ret);
}

static void put_folded(struct dm_strbuf *b, uint32_t cp)
{
    if (cp == 0xDF)
        dm_strbuf_adds(b, "ss");
    else
        dm_utf8_put_lower(b, cp);
}

static int str_casefold(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return mapped(e, SELF(c), put_folded, ret);
}

static void put_swapped(struct dm_strbuf *b, uint32_t cp)
{
    if (dm_utf8_is_upper(cp))
        dm_utf8_put_lower(b, cp);
    else
        dm_utf8_put_upper(b, cp);
}

static int str_swapcase(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return mapped(e, SELF(c), put_swapped, ret);
}

static int str_capitalize(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (const char *p = SELF(c).p, *end = p + SELF(c).len; p < end;) {
        uint32_t cp;
        bool first = p == SELF(c).p;
        p += dm_utf8_get(p, end, &cp);
        (first ? dm_utf8_put_title : dm_utf8_put_lower)(&b, cp);
    }
    return finish(e, &b, ret);
}

static int str_title(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    bool within = false;
    for (const char *p = SELF(c).p, *end = p + SELF(c).len; p < end;) {
        uint32_t cp;
        size_t n = dm_utf8_get(p, end, &cp);
        if (within)
            put_lower(&b, SELF(c), p, n, cp);
        else
            dm_utf8_put_title(&b, cp);
        within = dm_utf8_is_alpha(cp);
        p += n;
    }
    return finish(e, &b, ret);
}

static bool in_set(struct dm_str set, uint32_t cp)
{
    for (const char *p = set.p, *end = p + set.len; p < end;) {
        uint32_t other;
        p += dm_utf8_get(p, end, &other);
        if (other == cp)
            return true;
    }
    return false;
}

enum { STRIP_LEFT = 1, STRIP_RIGHT = 2 };

static int strip(struct dm_eval *e, const struct dm_call *c, int sides, const struct dm_value **ret)
{
    struct dm_str s = SELF(c), set = {0};
    bool spaces = !c->arg[0] || c->arg[0]->kind == DM_NULL;
    if (!spaces)
        DM_TRY(dm_param_str(e, c, 0, "", &set));
    const char *p = s.p, *end = s.p + s.len;
    uint32_t cp;
    while (sides & STRIP_LEFT && p < end) {
        size_t n = dm_utf8_get(p, end, &cp);
        if (!(spaces ? dm_utf8_is_space(cp) : in_set(set, cp)))
            break;
        p += n;
    }
    while (sides & STRIP_RIGHT && end > p) {
        const char *before = dm_utf8_back(p, end, &cp);
        if (!(spaces ? dm_utf8_is_space(cp) : in_set(set, cp)))
            break;
        end = before;
    }
    *ret = dm_str_value(e, dm_str_n(p, (size_t)(end - p)));
    return 0;
}

static int str_strip(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return strip(e, c, STRIP_LEFT | STRIP_RIGHT, ret);
}

static int str_lstrip(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return strip(e, c, STRIP_LEFT, ret);
}

static int str_rstrip(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return strip(e, c, STRIP_RIGHT, ret);
}

static void add_piece(struct dm_eval *e, struct dm_value *list, const char *from, const char *to)
{
    dm_list_add(e->a, list, dm_str_value(e, dm_str_n(from, (size_t)(to - from))));
}

static void split_spaces(struct dm_eval *e, struct dm_str s, int64_t max, struct dm_value *list)
{
    const char *p = s.p, *end = s.p + s.len;
    uint32_t cp;
    for (;;) {
        while (p < end) {
            size_t n = dm_utf8_get(p, end, &cp);
            if (!dm_utf8_is_space(cp))
                break;
            p += n;
        }
        if (p >= end)
            return;
        const char *from = p;
        if (max == 0) {
            add_piece(e, list, from, end);
            return;
        }
        max--;
        while (p < end) {
            size_t n = dm_utf8_get(p, end, &cp);
            if (dm_utf8_is_space(cp))
                break;
            p += n;
        }
        add_piece(e, list, from, p);
    }
}

static void reverse(struct dm_value *list)
{
    for (size_t i = 0, n = list->list.n; i < n / 2; i++) {
        const struct dm_value *v = list->list.items[i];
        list->list.items[i] = list->list.items[n - 1 - i];
        list->list.items[n - 1 - i] = v;
    }
}

static void rsplit_spaces(struct dm_eval *e, struct dm_str s, int64_t max, struct dm_value *list)
{
    const char *p = s.p, *end = s.p + s.len;
    uint32_t cp;
    for (;;) {
        while (end > p && (dm_utf8_back(p, end, &cp), dm_utf8_is_space(cp)))
            end = dm_utf8_back(p, end, &cp);
        if (end <= p)
            break;
        const char *to = end;
        if (max == 0) {
            add_piece(e, list, p, to);
            break;
        }
        max--;
        while (end > p && (dm_utf8_back(p, end, &cp), !dm_utf8_is_space(cp)))
            end = dm_utf8_back(p, end, &cp);
        add_piece(e, list, end, to);
    }
    reverse(list);
}

static void split_at(struct dm_eval *e, struct dm_str s, struct dm_str sep, int64_t max,
                     struct dm_value *list)
{
    size_t from = 0;
    ptrdiff_t at;
    while (max-- != 0 && (at = dm_str_find(s, sep, from)) >= 0) {
        add_piece(e, list, s.p + from, s.p + at);
        from = (size_t)at + sep.len;
    }
    add_piece(e, list, s.p + from, s.p + s.len);
}

static ptrdiff_t rfind(struct dm_str s, struct dm_str needle)
{
    for (size_t i = s.len + 1; i-- > needle.len;)
        if (memcmp(s.p + i - needle.len, needle.p, needle.len) == 0)
            return (ptrdiff_t)(i - needle.len);
    return -1;
}

static void rsplit_at(struct dm_eval *e, struct dm_str s, struct dm_str sep, int64_t max,
                      struct dm_value *list)
{
    ptrdiff_t at;
    while (max-- != 0 && (at = rfind(s, sep)) >= 0) {
        add_piece(e, list, s.p + at + sep.len, s.p + s.len);
        s.len = (size_t)at;
    }
    add_piece(e, list, s.p, s.p + s.len);
    reverse(list);
}

static int split(struct dm_eval *e, const struct dm_call *c, bool from_right,
                 const struct dm_value **ret)
{
    int64_t max;
    struct dm_str sep = {0};
    bool spaces = !c->arg[0] || c->arg[0]->kind == DM_NULL;
    DM_TRY(dm_param_int(e, c, 1, -1, &max));
    if (!spaces) {
        DM_TRY(dm_param_str(e, c, 0, "", &sep));
        if (!sep.len)
            return dm_eval_fail(e, DM_TE_VALUE, "empty separator");
    }
    DM_TRY(dm_eval_charge(e, SELF(c).len * 16));
    struct dm_value *list = dm_value_list(e->a, 0);
    if (spaces)
        (from_right ? rsplit_spaces : split_spaces)(e, SELF(c), max, list);
    else
        (from_right ? rsplit_at : split_at)(e, SELF(c), sep, max, list);
    *ret = list;
    return 0;
}

static int str_split(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return split(e, c, false, ret);
}

static int str_rsplit(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return split(e, c, true, ret);
}

static int str_splitlines(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    bool keep;
    DM_TRY(dm_param_bool(e, c, 0, false, &keep));
    DM_TRY(dm_eval_charge(e, SELF(c).len * 16));
    struct dm_value *list = dm_value_list(e->a, 0);
    const char *p = SELF(c).p, *end = p + SELF(c).len;
    while (p < end) {
        const char *q = p, *after = end;
        uint32_t cp;
        for (size_t n; q < end; q += n) {
            n = dm_utf8_get(q, end, &cp);
            bool breaks = (cp >= 10 && cp <= 13) || (cp >= 0x1C && cp <= 0x1E) || cp == 0x85 ||
                          cp == 0x2028 || cp == 0x2029;
            if (breaks) {
                after = q + n;
                if (cp == '\r' && after < end && *after == '\n')
                    after++;
                break;
            }
        }
        add_piece(e, list, p, keep ? after : q);
        p = after;
    }
    *ret = list;
    return 0;
}

static int partition(struct dm_eval *e, const struct dm_call *c, bool right,
                     const struct dm_value **ret)
{
    struct dm_str s = SELF(c), sep;
    DM_TRY(dm_param_str(e, c, 0, "", &sep));
    if (!sep.len)
        return dm_eval_fail(e, DM_TE_VALUE, "empty separator");
    ptrdiff_t at = right ? rfind(s, sep) : dm_str_find(s, sep, 0);
    struct dm_str parts[3] = {s, DM_STR(""), DM_STR("")};
    if (at >= 0) {
        parts[0] = dm_str_sub(s, 0, (size_t)at);
        parts[1] = sep;
        parts[2] = dm_str_sub(s, (size_t)at + sep.len, s.len);
    } else if (right) {
        parts[2] = s;
        parts[0] = DM_STR("");
    }
    *ret = dm_tuple(e, 3);
    for (size_t i = 0; i < 3; i++)
        dm_tuple_set(*ret, i, dm_str_value(e, parts[i]));
    return 0;
}

static int str_partition(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return partition(e, c, false, ret);
}

static int str_rpartition(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return partition(e, c, true, ret);
}

static int str_join(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *items;
    DM_TRY(dm_eval_defined(e, c->arg[0]));
    if (!dm_is_iterable(c->arg[0]))
        return dm_eval_fail(e, DM_TE_TYPE, "can only join an iterable");
    DM_TRY(dm_items(e, c->arg[0], &items));
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (size_t i = 0; i < items->list.n; i++) {
        const struct dm_value *v = items->list.items[i];
        if (v->kind != DM_STRING)
            return dm_eval_fail(e, DM_TE_TYPE, "sequence item %zu: expected str instance, %s found",
                                i, dm_type_name(v));
        if (i)
            dm_strbuf_addstr(&b, SELF(c));
        dm_strbuf_addstr(&b, v->s);
    }
    return finish(e, &b, ret);
}

static int str_replace(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str s = SELF(c), from, to;
    int64_t max;
    DM_TRY(dm_param_str(e, c, 0, "", &from));
    DM_TRY(dm_param_str(e, c, 1, "", &to));
    DM_TRY(dm_param_int(e, c, 2, -1, &max));
    DM_TRY(dm_eval_charge(e, s.len));
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    size_t at = 0;
    if (!from.len) { /* between all characters */
        while (max != 0 && at < s.len) {
            uint32_t cp;
            size_t n = dm_utf8_get(s.p + at, s.p + s.len, &cp);
            dm_strbuf_addstr(&b, to);
            dm_strbuf_add(&b, s.p + at, n);
            at += n;
            max--;
        }
        if (max != 0)
            dm_strbuf_addstr(&b, to);
    }
    ptrdiff_t found;
    while (from.len && max-- != 0 && (found = dm_str_find(s, from, at)) >= 0) {
        dm_strbuf_add(&b, s.p + at, (size_t)found - at);
        dm_strbuf_addstr(&b, to);
        at = (size_t)found + from.len;
    }
    dm_strbuf_add(&b, s.p + at, s.len - at);
    return finish(e, &b, ret);
}

/* The part of the text that start and end (arguments 1 and 2) leave; false where start lies behind it. */
static int window(struct dm_eval *e, const struct dm_call *c, struct dm_str *ret_part,
                  size_t *ret_start, bool *ret_ok)
{
    int64_t n = (int64_t)dm_utf8_count(SELF(c)), from, to;
    struct dm_call bounds = *c;
    for (size_t i = 1; i <= 2; i++)
        if (bounds.arg[i] && bounds.arg[i]->kind == DM_NULL)
            bounds.arg[i] = NULL;
    DM_TRY(dm_param_int(e, &bounds, 1, 0, &from));
    DM_TRY(dm_param_int(e, &bounds, 2, n, &to));
    if (from < 0)
        from = from + n < 0 ? 0 : from + n;
    if (to < 0)
        to = to + n < 0 ? 0 : to + n;
    if (to > n)
        to = n;
    *ret_ok = from <= to && from <= n;
    if (!*ret_ok)
        return 0;
    size_t a = dm_utf8_offset(SELF(c), (size_t)from), b = dm_utf8_offset(SELF(c), (size_t)to);
    *ret_part = dm_str_sub(SELF(c), a, b);
    *ret_start = (size_t)from;
    return dm_eval_charge(e, SELF(c).len);
}

static int find(struct dm_eval *e, const struct dm_call *c, bool right, int64_t *ret)
{
    struct dm_str needle, part;
    size_t start;
    bool ok;
    DM_TRY(dm_param_str(e, c, 0, "", &needle));
    DM_TRY(window(e, c, &part, &start, &ok));
    ptrdiff_t at = !ok ? -1 : right ? rfind(part, needle) : dm_str_find(part, needle, 0);
    *ret = at < 0 ? -1 : (int64_t)(start + dm_utf8_count(dm_str_sub(part, 0, (size_t)at)));
    return 0;
}

static int found(struct dm_eval *e, const struct dm_call *c, bool right, bool must,
                 const struct dm_value **ret)
{
    int64_t at;
    DM_TRY(find(e, c, right, &at));
    if (at < 0 && must)
        return dm_eval_fail(e, DM_TE_VALUE, "substring not found");
    *ret = dm_int_value(e, at);
    return 0;
}

static int str_find(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return found(e, c, false, false, ret);
}

static int str_rfind(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return found(e, c, true, false, ret);
}

static int str_index(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return found(e, c, false, true, ret);
}

static int str_rindex(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return found(e, c, true, true, ret);
}

static int str_count(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str needle, part;
    size_t start;
    bool ok;
    int64_t n = 0;
    DM_TRY(dm_param_str(e, c, 0, "", &needle));
    DM_TRY(window(e, c, &part, &start, &ok));
    if (ok && !needle.len)
        n = (int64_t)dm_utf8_count(part) + 1;
    size_t at = 0;
    ptrdiff_t next;
    while (ok && needle.len && (next = dm_str_find(part, needle, at)) >= 0) {
        n++;
        at = (size_t)next + needle.len;
    }
    *ret = dm_int_value(e, n);
    return 0;
}

/* startswith and endswith take one text or a tuple of them. */
static int affix(struct dm_eval *e, const struct dm_call *c, bool end, const struct dm_value **ret)
{
    struct dm_str part;
    size_t start;
    bool ok, yes = false;
    DM_TRY(dm_eval_defined(e, c->arg[0]));
    DM_TRY(window(e, c, &part, &start, &ok));
    bool tuple = c->arg[0]->kind == DM_TUPLE;
    size_t n = tuple ? c->arg[0]->list.n : 1;
    for (size_t i = 0; i < n && !yes; i++) {
        const struct dm_value *v = tuple ? c->arg[0]->list.items[i] : c->arg[0];
        if (v->kind != DM_STRING)
            return dm_eval_fail(e, DM_TE_TYPE, "%s first arg must be str or a tuple of str, not %s",
                                c->name, dm_type_name(v));
        yes = ok && (end ? dm_str_ends(part, v->s) : dm_str_starts(part, v->s));
    }
    *ret = dm_bool_value(yes);
    return 0;
}

static int str_startswith(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return affix(e, c, false, ret);
}

static int str_endswith(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return affix(e, c, true, ret);
}

static int str_removeprefix(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str s = SELF(c), prefix;
    DM_TRY(dm_param_str(e, c, 0, "", &prefix));
    *ret = dm_str_value(e, dm_str_starts(s, prefix) ? dm_str_sub(s, prefix.len, s.len) : s);
    return 0;
}

static int str_removesuffix(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str s = SELF(c), suffix;
    DM_TRY(dm_param_str(e, c, 0, "", &suffix));
    *ret = dm_str_value(e, dm_str_ends(s, suffix) ? dm_str_sub(s, 0, s.len - suffix.len) : s);
    return 0;
}

static int pad(struct dm_eval *e, const struct dm_call *c, char align, const struct dm_value **ret)
{
    int64_t width;
    struct dm_str fill;
    DM_TRY(dm_param_int(e, c, 0, 0, &width));
    DM_TRY(dm_param_str(e, c, 1, " ", &fill));
    if (dm_utf8_count(fill) != 1)
        return dm_eval_fail(e, DM_TE_TYPE, "The fill character must be exactly one character long");
    int64_t n = (int64_t)dm_utf8_count(SELF(c));
    int64_t missing = width > n ? width - n : 0;
    if ((uint64_t)missing > DM_BUF_TEXT)
        return dm_eval_fail(e, DM_TE_LIMIT, "a text is larger than %zu bytes", DM_BUF_TEXT);
    /* Python puts the odd one out to the left where both the padding and the width are odd. */
    int64_t left = align == '>' ? missing : align == '<' ? 0 : missing / 2 + (missing & width & 1);
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (int64_t i = 0; i < left; i++)
        dm_strbuf_addstr(&b, fill);
    dm_strbuf_addstr(&b, SELF(c));
    for (int64_t i = left; i < missing; i++)
        dm_strbuf_addstr(&b, fill);
    return finish(e, &b, ret);
}

static int str_center(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return pad(e, c, '^', ret);
}

static int str_ljust(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return pad(e, c, '<', ret);
}

static int str_rjust(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return pad(e, c, '>', ret);
}

static int str_zfill(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    int64_t width;
    DM_TRY(dm_param_int(e, c, 0, 0, &width));
    int64_t missing = width - (int64_t)dm_utf8_count(SELF(c));
    if (missing > (int64_t)DM_BUF_TEXT)
        return dm_eval_fail(e, DM_TE_LIMIT, "a text is larger than %zu bytes", DM_BUF_TEXT);
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    bool sign = SELF(c).len && (SELF(c).p[0] == '-' || SELF(c).p[0] == '+');
    if (sign)
        dm_strbuf_addc(&b, SELF(c).p[0]);
    for (; missing > 0; missing--)
        dm_strbuf_addc(&b, '0');
    dm_strbuf_addstr(&b, dm_str_sub(SELF(c), sign, SELF(c).len));
    return finish(e, &b, ret);
}

static int str_expandtabs(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    int64_t size, col = 0;
    DM_TRY(dm_param_int(e, c, 0, 8, &size));
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (const char *p = SELF(c).p, *end = p + SELF(c).len; p < end && !b.full;) {
        uint32_t cp;
        size_t n = dm_utf8_get(p, end, &cp);
        if (cp == '\t') {
            for (int64_t i = size > 0 ? size - col % size : 0; i > 0 && !b.full; i--, col++)
                dm_strbuf_addc(&b, ' ');
        } else {
            dm_strbuf_add(&b, p, n);
            col = cp == '\n' || cp == '\r' ? 0 : col + 1;
        }
        p += n;
    }
    return finish(e, &b, ret);
}

/* All characters (at least one) are of a class. */
static int all_are(const struct dm_call *c, bool (*is)(uint32_t), const struct dm_value **ret)
{
    bool yes = SELF(c).len > 0;
    for (const char *p = SELF(c).p, *end = p + SELF(c).len; p < end && yes;) {
        uint32_t cp;
        p += dm_utf8_get(p, end, &cp);
        yes = is(cp);
    }
    *ret = dm_bool_value(yes);
    return 0;
}

#define CLASS_METHOD(name, is)                                                               \
    static int name(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret) \
    {                                                                                        \
        return all_are(c, is, ret);                                                          \
    }

static bool is_ascii(uint32_t cp)
{
    return cp < 0x80;
}

CLASS_METHOD(str_isalpha, dm_utf8_is_alpha)
CLASS_METHOD(str_isalnum, dm_utf8_is_alnum)
CLASS_METHOD(str_isdigit, dm_utf8_is_digit)
CLASS_METHOD(str_isspace, dm_utf8_is_space)

static int str_isprintable(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    if (!SELF(c).len)
        *ret = &dm_true;
    else
        all_are(c, dm_utf8_is_printable, ret);
    return 0;
}

static int str_isascii(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    if (!SELF(c).len)
        *ret = &dm_true;
    else
        all_are(c, is_ascii, ret);
    return 0;
}

/* Letters with case are there, and none is of the other case. */
static int cased(const struct dm_call *c, bool upper, const struct dm_value **ret)
{
    bool any = false, other = false;
    for (const char *p = SELF(c).p, *end = p + SELF(c).len; p < end;) {
        uint32_t cp;
        p += dm_utf8_get(p, end, &cp);
        any |= upper ? dm_utf8_is_upper(cp) : dm_utf8_is_lower(cp);
        other |= upper ? dm_utf8_is_lower(cp) : dm_utf8_is_upper(cp);
    }
    *ret = dm_bool_value(any && !other);
    return 0;
}

static int str_isupper(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return cased(c, true, ret);
}

static int str_islower(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return cased(c, false, ret);
}

static int str_istitle(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    bool any = false, ok = true, within = false;
    for (const char *p = SELF(c).p, *end = p + SELF(c).len; p < end && ok;) {
        uint32_t cp;
        p += dm_utf8_get(p, end, &cp);
        bool upper = dm_utf8_is_upper(cp), lower = dm_utf8_is_lower(cp);
        ok = !(upper && within) && !(lower && !within);
        within = upper || lower;
        any |= within;
    }
    *ret = dm_bool_value(any && ok);
    return 0;
}

static int str_isidentifier(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    bool yes = SELF(c).len > 0;
    for (const char *p = SELF(c).p, *end = p + SELF(c).len; p < end && yes;) {
        uint32_t cp;
        bool first = p == SELF(c).p;
        p += dm_utf8_get(p, end, &cp);
        yes = cp == '_' || (first ? dm_utf8_is_alpha(cp) : dm_utf8_is_alnum(cp));
    }
    *ret = dm_bool_value(yes);
    return 0;
}

static int str_format(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return dm_brace_format(e, SELF(c), c->all, ret);
}

static int str_format_map(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    DM_TRY(dm_eval_defined(e, c->arg[0]));
    if (c->arg[0]->kind != DM_MAP)
        return dm_eval_fail(e, DM_TE_TYPE, "format_map() wants a dict, not %s",
                            dm_type_name(c->arg[0]));
    struct dm_args args = {.n_named = 0};
    args.named = dm_arena_array(e->a, struct dm_named_arg, c->arg[0]->map.n + 1);
    for (size_t i = 0; i < c->arg[0]->map.n; i++)
        if (c->arg[0]->map.pairs[i].key->kind == DM_STRING)
            args.named[args.n_named++] = (struct dm_named_arg){c->arg[0]->map.pairs[i].key->s,
                                                               c->arg[0]->map.pairs[i].value};
    return dm_brace_format(e, SELF(c), &args, ret);
}

/* translate(map): what stands for a character, by its number; none = nothing. */
static int str_translate(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    DM_TRY(dm_eval_defined(e, c->arg[0]));
    for (const char *p = SELF(c).p, *end = p + SELF(c).len; p < end;) {
        uint32_t cp;
        const struct dm_value *v;
        size_t n = dm_utf8_get(p, end, &cp);
        DM_TRY(dm_getitem(e, c->arg[0], dm_int_value(e, cp), &v));
        if (dm_is_undefined(v))
            dm_strbuf_add(&b, p, n);
        else if (v->kind == DM_STRING)
            dm_strbuf_addstr(&b, v->s);
        else if (dm_is_int(v) && dm_int_of(v) >= 0 && dm_int_of(v) <= 0x10FFFF)
            dm_utf8_put(&b, (uint32_t)dm_int_of(v));
        else if (v->kind != DM_NULL)
            return dm_eval_fail(e, DM_TE_TYPE,
                                "character mapping must return integer, None or str");
        p += n;
    }
    return finish(e, &b, ret);
}

static int str_maketrans(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *map = dm_value_map(e->a);
    struct dm_str from, to, gone = {0};
    uint32_t cp, other;
    *ret = map;
    if (!c->arg[1]) {
        const struct dm_value *v = c->arg[0];
        DM_TRY(dm_eval_defined(e, v));
        if (v->kind != DM_MAP)
            return dm_eval_fail(e, DM_TE_TYPE,
                                "if you give only one argument to maketrans it must be a dict");
        for (size_t i = 0; i < v->map.n; i++) {
            const struct dm_value *key = v->map.pairs[i].key;
            if (key->kind == DM_STRING && dm_utf8_count(key->s) != 1)
                return dm_eval_fail(e, DM_TE_VALUE,
                                    "string keys in translate table must be of length 1");
            if (key->kind == DM_STRING) {
                dm_utf8_get(key->s.p, key->s.p + key->s.len, &cp);
                key = dm_int_value(e, cp);
            }
            dm_map_set_value(e->a, map, key, v->map.pairs[i].value);
        }
        return 0;
    }
    DM_TRY(dm_param_str(e, c, 0, "", &from));
    DM_TRY(dm_param_str(e, c, 1, "", &to));
    DM_TRY(dm_param_str(e, c, 2, "", &gone));
    if (dm_utf8_count(from) != dm_utf8_count(to))
        return dm_eval_fail(e, DM_TE_VALUE,
                            "the first two maketrans arguments must have equal length");
    for (const char *p = from.p, *q = to.p, *end = p + from.len; p < end;) {
        p += dm_utf8_get(p, end, &cp);
        q += dm_utf8_get(q, to.p + to.len, &other);
        dm_map_set_value(e->a, map, dm_int_value(e, cp), dm_int_value(e, other));
    }
    for (const char *p = gone.p, *end = p + gone.len; p < end;) {
        p += dm_utf8_get(p, end, &cp);
        dm_map_set_value(e->a, map, dm_int_value(e, cp), &dm_null);
    }
    return 0;
}

static int str_encode(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return dm_eval_fail(e, DM_TE_TYPE, "encode() gives bytes, and templates have texts only");
}

const struct dm_callable dm_str_methods[] = {
    {"capitalize", "", str_capitalize},
    {"casefold", "", str_casefold},
    {"center", "width fillchar?", str_center},
    {"count", "sub start? end?", str_count},
    {"encode", "encoding? errors?", str_encode},
    {"endswith", "suffix start? end?", str_endswith},
    {"expandtabs", "tabsize?", str_expandtabs},
    {"find", "sub start? end?", str_find},
    {"format", "*", str_format},
    {"format_map", "mapping", str_format_map},
    {"index", "sub start? end?", str_index},
    {"isalnum", "", str_isalnum},
    {"isalpha", "", str_isalpha},
    {"isascii", "", str_isascii},
    {"isdecimal", "", str_isdigit},
    {"isdigit", "", str_isdigit},
    {"isidentifier", "", str_isidentifier},
    {"islower", "", str_islower},
    {"isnumeric", "", str_isdigit},
    {"isprintable", "", str_isprintable},
    {"isspace", "", str_isspace},
    {"istitle", "", str_istitle},
    {"isupper", "", str_isupper},
    {"join", "iterable", str_join},
    {"ljust", "width fillchar?", str_ljust},
    {"lower", "", str_lower},
    {"lstrip", "chars?", str_lstrip},
    {"maketrans", "x y? z?", str_maketrans},
    {"partition", "sep", str_partition},
    {"removeprefix", "prefix", str_removeprefix},
    {"removesuffix", "suffix", str_removesuffix},
    {"replace", "old new count?", str_replace},
    {"rfind", "sub start? end?", str_rfind},
    {"rindex", "sub start? end?", str_rindex},
    {"rjust", "width fillchar?", str_rjust},
    {"rpartition", "sep", str_rpartition},
    {"rsplit", "sep? maxsplit?", str_rsplit},
    {"rstrip", "chars?", str_rstrip},
    {"split", "sep? maxsplit?", str_split},
    {"splitlines", "keepends?", str_splitlines},
    {"startswith", "prefix start? end?", str_startswith},
    {"strip", "chars?", str_strip},
    {"swapcase", "", str_swapcase},
    {"title", "", str_title},
    {"translate", "table", str_translate},
    {"upper", "", str_upper},
    {"zfill", "width", str_zfill},
    {NULL},
};
