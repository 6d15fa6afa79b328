/* The filter urlize: addresses in a text become links. */
#include "lang/template_filters.h"

#include "lang/utf8.h"

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || (c & 0x80);
}

/* The letters, digits, underscores, minus and percent signs at the start. */
static size_t label(struct dm_str s)
{
    size_t n = 0;
    while (n < s.len && (is_word(s.p[n]) || s.p[n] == '-' || s.p[n] == '%'))
        n++;
    return n;
}

static bool all_letters(struct dm_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((s.p[i] | 32) < 'a' || (s.p[i] | 32) > 'z')
            return false;
    return true;
}

static bool all_digits(struct dm_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.len > 0;
}

static bool is_top(struct dm_str s)
{
    static const char *const tops[] = {"com", "net", "int", "edu", "gov", "org", "info", "mil"};
    for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++)
        if (dm_str_ieq(s, dm_str_c(tops[i])))
            return true;
    return false;
}

/* Names with dots: behind a scheme any word is the last one, without one only the common ends are. */
static bool is_host(struct dm_str host, bool behind_scheme)
{
    struct dm_str rest = host, piece, last = {NULL, 0};
    size_t n = 0, digits = 0;
    while (dm_str_split(&rest, '.', &piece)) {
        bool longer = piece.len >= 2 && piece.len <= 63;
        if (!piece.len || label(piece) != piece.len || (!behind_scheme && !longer))
            return false;
        digits += all_digits(piece) && piece.len <= 3;
        last = piece;
        n++;
    }
    if (!n || (host.len && host.p[host.len - 1] == '.'))
        return false;
    if (!behind_scheme)
        return n > 1 && is_top(last);
    if (digits == 4 && n == 4)
        return true;
    bool idna =
        last.len >= 6 && last.len <= 63 && dm_str_ieq(dm_str_sub(last, 0, 4), DM_STR("xn--"));
    return idna || (all_letters(last) && last.len >= 2 && last.len <= 63);
}

static bool starts(struct dm_str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.len >= n && dm_str_ieq(dm_str_sub(s, 0, n), dm_str_n(prefix, n));
}

/* [::1] behind a scheme: groups of at most four hexadecimal digits. */
static bool is_ip6(struct dm_str host)
{
    size_t colons = 0, run = 0;
    if (host.len < 4 || host.p[0] != '[' || host.p[host.len - 1] != ']')
        return false;
    for (size_t i = 1; i + 1 < host.len; i++) {
        char c = host.p[i];
        bool hex = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
        run = hex ? run + 1 : 0;
        colons += c == ':';
        if ((!hex && c != ':') || run > 4)
            return false;
    }
    return colons >= 2 && colons <= 8;
}

static bool is_web(struct dm_str s)
{
    size_t scheme = starts(s, "https://") ? 8 : starts(s, "http://") ? 7 : 0;
    size_t skip = scheme ? scheme : starts(s, "www.") ? 4 : 0;
    struct dm_str rest = dm_str_sub(s, skip, s.len);
    size_t end = 0;
    bool inside = rest.len && rest.p[0] == '[';
    while (end < rest.len && (inside || !strchr(":/?#", rest.p[end]))) {
        inside = inside && rest.p[end] != ']';
        end++;
    }
    struct dm_str host = dm_str_sub(rest, 0, end), tail = dm_str_sub(rest, end, rest.len);
    if (!is_host(host, skip > 0) && !(scheme && is_ip6(host)) &&
        !(skip == 4 && is_host(dm_str_sub(s, 0, 4 + end), false)))
        return false;
    if (tail.len && tail.p[0] == ':') {
        size_t n = 1;
        while (n < tail.len && tail.p[n] >= '0' && tail.p[n] <= '9')
            n++;
        if (n < 2 || n > 6)
            return false;
        tail = dm_str_sub(tail, n, tail.len);
    }
    return !tail.len || strchr("/?#", tail.p[0]);
}

/* name@host.end */
static bool is_mail(struct dm_str s)
{
    size_t at = s.len, dot = s.len;
    for (size_t i = 1; i < s.len; i++)
        if (s.p[i] == '@')
            at = i;
    if (at + 1 >= s.len || !is_word(s.p[at + 1]))
        return false;
    for (size_t i = at + 1; i < s.len; i++) {
        if (!is_word(s.p[i]) && s.p[i] != '.' && s.p[i] != '-')
            return false;
        if (s.p[i] == '.')
            dot = i;
    }
    if (dot + 1 >= s.len)
        return false;
    for (size_t i = dot + 1; i < s.len; i++)
        if (!is_word(s.p[i]))
            return false;
    return true;
}

struct links {
    int64_t limit; /* -1 = none */
    struct dm_str rel, target;
    const struct dm_value *schemes; /* list, or NULL */
};

static void link_text(struct dm_strbuf *b, const struct links *l, struct dm_str s)
{
    bool cut = l->limit >= 0 && dm_utf8_count(s) > (size_t)l->limit;
    dm_strbuf_addstr(b, cut ? dm_str_sub(s, 0, dm_utf8_offset(s, (size_t)l->limit)) : s);
    dm_strbuf_adds(b, cut ? "..." : "");
}

static void attributes(struct dm_strbuf *b, const struct links *l)
{
    const struct {
        const char *name;
        struct dm_str value;
    } all[] = {{"rel", l->rel}, {"target", l->target}};
    for (size_t i = 0; i < 2; i++) {
        if (!all[i].value.len)
            continue;
        dm_strbuf_addf(b, " %s=\"", all[i].name);
        dm_escape_html(b, all[i].value);
        dm_strbuf_addc(b, '"');
    }
}

static void add_middle(struct dm_strbuf *b, const struct links *l, struct dm_str s)
{
    bool has_at = s.len && memchr(s.p, '@', s.len), mailto = dm_str_starts(s, DM_STR("mailto:"));
    struct dm_str address = mailto ? dm_str_sub(s, 7, s.len) : s;
    if (is_web(s)) {
        bool scheme = dm_str_starts(s, DM_STR("https://")) || dm_str_starts(s, DM_STR("http://"));
        dm_strbuf_addf(b, "<a href=\"%s%.*s\"", scheme ? "" : "https://", DM_FMT(s));
        attributes(b, l);
        dm_strbuf_addc(b, '>');
        link_text(b, l, s);
        dm_strbuf_adds(b, "</a>");
        return;
    }
    bool plain = has_at && !mailto && !dm_str_starts(s, DM_STR("www.")) && s.p[0] != '@' &&
                 !memchr(s.p, ':', s.len);
    if ((mailto || plain) && is_mail(address)) {
        dm_strbuf_addf(b, "<a href=\"mailto:%.*s\">%.*s</a>", DM_FMT(address), DM_FMT(address));
        return;
    }
    for (size_t i = 0; l->schemes && i < l->schemes->list.n; i++) {
        struct dm_str scheme = l->schemes->list.items[i]->s;
        if (s.len == scheme.len || !dm_str_starts(s, scheme))
            continue;
        dm_strbuf_addf(b, "<a href=\"%.*s\"", DM_FMT(s));
        attributes(b, l);
        dm_strbuf_addf(b, ">%.*s</a>", DM_FMT(s));
        return;
    }
    dm_strbuf_addstr(b, s);
}

static size_t opening(struct dm_str s)
{
    return dm_str_starts(s, DM_STR("(")) || dm_str_starts(s, DM_STR("<")) ? 1
           : dm_str_starts(s, DM_STR("&lt;"))                             ? 4
                                                                          : 0;
}

static size_t closing(struct dm_str s)
{
    if (dm_str_ends(s, DM_STR("&gt;")))
        return 4;
    return s.len && strchr(")>.,", s.p[s.len - 1]) ? 1 : 0;
}

static size_t count(struct dm_str s, const char *what)
{
    size_t n = 0;
    ptrdiff_t at = 0;
    while ((at = dm_str_find(s, dm_str_c(what), (size_t)at)) >= 0) {
        at += (ptrdiff_t)strlen(what);
        n++;
    }
    return n;
}

/* A word without the signs around it; a closing one whose opening one is inside belongs to it. */
static void add_word(struct dm_strbuf *b, const struct links *l, struct dm_str word)
{
    static const char *const pairs[][2] = {{"(", ")"}, {"<", ">"}, {"&lt;", "&gt;"}};
    size_t from = 0, to = word.len, n;
    while ((n = opening(dm_str_sub(word, from, to))) > 0)
        from += n;
    while ((n = closing(dm_str_sub(word, from, to))) > 0)
        to -= n;
    for (size_t i = 0; i < 3; i++) {
        struct dm_str middle = dm_str_sub(word, from, to);
        size_t open = count(middle, pairs[i][0]), closed = count(middle, pairs[i][1]);
        ptrdiff_t at;
        for (size_t k = 0; open > closed && k < open; k++) {
            at = dm_str_find(word, dm_str_c(pairs[i][1]), to);
            if (at < 0)
                break;
            to = (size_t)at + strlen(pairs[i][1]);
        }
    }
    dm_strbuf_addstr(b, dm_str_sub(word, 0, from));
    add_middle(b, l, dm_str_sub(word, from, to));
    dm_strbuf_addstr(b, dm_str_sub(word, to, word.len));
}

/* rel: the words given, nofollow and noopener, sorted. */
static int rel_of(struct dm_eval *e, const struct dm_call *c, struct dm_str *ret)
{
    struct dm_str given, piece;
    bool nofollow;
    const char *words[32] = {"noopener"};
    size_t n = 1;
    struct dm_call call = *c;
    if (call.arg[3] && call.arg[3]->kind == DM_NULL)
        call.arg[3] = NULL;
    DM_TRY(dm_param_bool(e, c, 1, false, &nofollow));
    DM_TRY(dm_param_str(e, &call, 3, "", &given));
    if (nofollow)
        words[n++] = "nofollow";
    while (n < 32 && dm_str_split(&given, ' ', &piece))
        if (piece.len)
            words[n++] = dm_str_cstr(e->a, piece);
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k > 0 && strcmp(words[k - 1], words[k]) > 0; k--) {
            const char *w = words[k];
            words[k] = words[k - 1];
            words[k - 1] = w;
        }
    const char *rel = words[0];
    for (size_t i = 1; i < n; i++)
        if (strcmp(words[i], words[i - 1]) != 0)
            rel = dm_arena_printf(e->a, "%s %s", rel, words[i]);
    *ret = dm_str_c(rel);
    return 0;
}

int dm_filter_urlize(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct links l = {.limit = -1};
    struct dm_str s;
    struct dm_value *schemes = NULL;
    struct dm_call call = *c;
    for (size_t i = 0; i < 5; i++)
        if (call.arg[i] && call.arg[i]->kind == DM_NULL)
            call.arg[i] = NULL;
    DM_TRY(dm_filter_subject(e, c, &s));
    DM_TRY(dm_param_int(e, &call, 0, -1, &l.limit));
    DM_TRY(dm_param_str(e, &call, 2, "", &l.target));
    DM_TRY(rel_of(e, &call, &l.rel));
    if (call.arg[4])
        DM_TRY(dm_items(e, call.arg[4], &schemes));
    for (size_t i = 0; schemes && i < schemes->list.n; i++)
        if (schemes->list.items[i]->kind != DM_STRING ||
            !dm_str_ends(schemes->list.items[i]->s, DM_STR(":")))
            return dm_eval_fail(e, DM_TE_TEMPLATE, "extra_schemes wants texts such as 'ftp:'");
    l.schemes = schemes;
    _cleanup_strbuf_ struct dm_strbuf escaped, b;
    dm_strbuf_init(&escaped, DM_BUF_TEXT);
    dm_strbuf_init(&b, DM_BUF_TEXT);
    if (c->self->kind == DM_STRING && c->self->safe)
        dm_strbuf_addstr(&escaped, s);
    else
        dm_escape_html(&escaped, s);
    DM_TRY(dm_strbuf_check(&escaped, "a text with links", e->err));
    struct dm_str text = dm_strbuf_str(&escaped);
    for (size_t i = 0; i < text.len;) {
        size_t from = i;
        while (i < text.len && !strchr(" \t\n\r\f\v", text.p[i]))
            i++;
        if (i > from)
            add_word(&b, &l, dm_str_sub(text, from, i));
        for (; i < text.len && strchr(" \t\n\r\f\v", text.p[i]); i++)
            dm_strbuf_addc(&b, text.p[i]);
    }
    DM_TRY(dm_new_text(e, &b, ret));
    if (e->autoescape)
        *ret = dm_safe(e, *ret);
    return 0;
}
