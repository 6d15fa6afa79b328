/* Strings: pointer-and-length values and the bounded builder. */
#include "base/str.h"

#include <ctype.h>
#include <errno.h>

struct dm_str dm_str_c(const char *s)
{
    return s ? (struct dm_str){s, strlen(s)} : DM_STR("");
}

bool dm_str_eq(struct dm_str a, struct dm_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool dm_str_is(struct dm_str a, const char *b)
{
    return dm_str_eq(a, dm_str_c(b));
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool dm_str_ieq(struct dm_str a, struct dm_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

int dm_str_cmp(struct dm_str a, struct dm_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    if (c)
        return c;
    return a.len < b.len ? -1 : a.len > b.len;
}

bool dm_str_starts(struct dm_str s, struct dm_str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.p, prefix.p, prefix.len) == 0);
}

bool dm_str_ends(struct dm_str s, struct dm_str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.p + s.len - suffix.len, suffix.p, suffix.len) == 0);
}

ptrdiff_t dm_str_find(struct dm_str s, struct dm_str needle, size_t from)
{
    if (from > s.len)
        return -1;
    if (needle.len == 0)
        return (ptrdiff_t)from;
    const char *q = memmem(s.p + from, s.len - from, needle.p, needle.len);
    return q ? q - s.p : -1;
}

struct dm_str dm_str_sub(struct dm_str s, size_t from, size_t to)
{
    if (to > s.len)
        to = s.len;
    if (from > to)
        from = to;
    return (struct dm_str){s.p + from, to - from};
}

struct dm_str dm_str_trim(struct dm_str s)
{
    while (s.len && isspace((unsigned char)s.p[0]))
        s.p++, s.len--;
    while (s.len && isspace((unsigned char)s.p[s.len - 1]))
        s.len--;
    return s;
}

bool dm_str_split(struct dm_str *rest, char sep, struct dm_str *ret_piece)
{
    if (!rest->p)
        return false;
    const char *q = rest->len ? memchr(rest->p, sep, rest->len) : NULL;
    if (!q) {
        *ret_piece = *rest;
        *rest = (struct dm_str){NULL, 0};
        return true;
    }
    *ret_piece = (struct dm_str){rest->p, (size_t)(q - rest->p)};
    rest->len -= ret_piece->len + 1;
    rest->p = q + 1;
    return true;
}

struct dm_str dm_str_dup(struct dm_arena *a, struct dm_str s)
{
    return (struct dm_str){dm_arena_strndup(a, s.p, s.len), s.len};
}

const char *dm_str_cstr(struct dm_arena *a, struct dm_str s)
{
    return dm_arena_strndup(a, s.p, s.len);
}

struct dm_str dm_str_printf(struct dm_arena *a, const char *fmt, ...)
{
    va_list ap, again;
    DM_ASSERT(fmt); /* said to gcc, which warns of it under UBSan */
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        DM_BUG("bad format %s", fmt);
    char *p = dm_arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return (struct dm_str){p, (size_t)n};
}

bool dm_str_to_i64(struct dm_str s, int64_t *ret)
{
    char buf[32];
    if (s.len == 0 || s.len >= sizeof(buf) || isspace((unsigned char)s.p[0]))
        return false;
    memcpy(buf, s.p, s.len);
    buf[s.len] = '\0';
    char *end;
    errno = 0;
    long long v = strtoll(buf, &end, 10);
    if (errno || *end || end == buf)
        return false;
    *ret = v;
    return true;
}

bool dm_str_to_f64(struct dm_str s, double *ret)
{
    char buf[128];
    if (s.len == 0 || s.len >= sizeof(buf) || isspace((unsigned char)s.p[0]))
        return false;
    memcpy(buf, s.p, s.len);
    buf[s.len] = '\0';
    char *end;
    double v = strtod(buf, &end);
    if (*end || end == buf)
        return false;
    *ret = v;
    return true;
}

/* Length of the valid UTF-8 character at p, or 0. */
static size_t utf8_char(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xC2 && p[0] <= 0xDF)
        return n >= 2 && (p[1] & 0xC0) == 0x80 ? 2 : 0;
    if (p[0] >= 0xE0 && p[0] <= 0xEF) {
        if (n < 3 || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80)
            return 0;
        if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F))
            return 0;
        return 3;
    }
    if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        if (n < 4 || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80 || (p[3] & 0xC0) != 0x80)
            return 0;
        if ((p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
            return 0;
        return 4;
    }
    return 0;
}

bool dm_utf8_valid(struct dm_str s, size_t *ret_bad_at)
{
    for (size_t i = 0; i < s.len;) {
        size_t n = utf8_char((const unsigned char *)s.p + i, s.len - i);
        if (!n) {
            if (ret_bad_at)
                *ret_bad_at = i;
            return false;
        }
        i += n;
    }
    return true;
}

uint64_t dm_str_hash(struct dm_str s)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
    return h;
}

unsigned dm_str_distance(struct dm_str a, struct dm_str b, unsigned limit)
{
    enum { MAX = 64 };
    if (a.len > MAX || b.len > MAX)
        return limit + 1;
    unsigned row[MAX + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned above = row[j];
            unsigned best = diagonal + (lower(a.p[i - 1]) != lower(b.p[j - 1]));
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[b.len] > limit ? limit + 1 : row[b.len];
}

const char *dm_str_nearest(struct dm_str s, const char *const *names)
{
    enum { PREFIX_MIN = 3 };
    unsigned limit = s.len <= 3 ? 1 : s.len <= 8 ? 2 : 3;
    const char *best = NULL, *longer = NULL;
    unsigned best_distance = limit + 1, n_longer = 0;
    for (; *names; names++) {
        struct dm_str name = dm_str_c(*names);
        unsigned d = dm_str_distance(s, name, limit);
        if (d < best_distance) {
            best = *names;
            best_distance = d;
        }
        if (s.len >= PREFIX_MIN && dm_str_starts(name, s)) {
            longer = *names;
            n_longer++;
        }
    }
    return best ? best : n_longer == 1 ? longer : NULL;
}

void dm_strbuf_init(struct dm_strbuf *b, size_t max)
{
    *b = (struct dm_strbuf){.max = max};
}

void dm_strbuf_release(struct dm_strbuf *b)
{
    free(b->p);
    *b = (struct dm_strbuf){.max = b->max};
}

void dm_strbuf_clear(struct dm_strbuf *b)
{
    dm_strbuf_truncate(b, 0);
    b->full = false;
}

char *dm_strbuf_reserve(struct dm_strbuf *b, size_t n)
{
    if (n > b->max || b->len > b->max - n) {
        b->full = true;
        return NULL;
    }
    if (b->len + n + 1 > b->cap) {
        size_t cap = b->cap ? b->cap : 64;
        while (cap < b->len + n + 1)
            cap *= 2;
        b->p = dm_realloc(b->p, cap);
        b->cap = cap;
    }
    return b->p + b->len;
}

void dm_strbuf_add(struct dm_strbuf *b, const void *p, size_t n)
{
    if (b->full)
        return;
    char *to = dm_strbuf_reserve(b, n);
    if (!to)
        return;
    if (n)
        memcpy(to, p, n);
    b->len += n;
    b->p[b->len] = '\0';
}

void dm_strbuf_adds(struct dm_strbuf *b, const char *s)
{
    dm_strbuf_add(b, s, strlen(s));
}

void dm_strbuf_addstr(struct dm_strbuf *b, struct dm_str s)
{
    dm_strbuf_add(b, s.p, s.len);
}

void dm_strbuf_addc(struct dm_strbuf *b, char c)
{
    dm_strbuf_add(b, &c, 1);
}

void dm_strbuf_vaddf(struct dm_strbuf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n >= 0 && !b->full && dm_strbuf_reserve(b, (size_t)n)) {
        vsnprintf(b->p + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void dm_strbuf_addf(struct dm_strbuf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    dm_strbuf_vaddf(b, fmt, ap);
    va_end(ap);
}

void dm_strbuf_truncate(struct dm_strbuf *b, size_t len)
{
    if (len > b->len)
        DM_BUG("strbuf cannot grow by truncation");
    b->len = len;
    if (b->p)
        b->p[len] = '\0';
}

static void add_doubled(struct dm_strbuf *b, struct dm_str s, char quote)
{
    dm_strbuf_addc(b, quote);
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == quote)
            dm_strbuf_addc(b, quote);
        dm_strbuf_addc(b, s.p[i]);
    }
    dm_strbuf_addc(b, quote);
}

void dm_strbuf_add_sql_literal(struct dm_strbuf *b, struct dm_str s)
{
    add_doubled(b, s, '\'');
}

void dm_strbuf_add_sql_ident(struct dm_strbuf *b, struct dm_str s)
{
    add_doubled(b, s, '"');
}

void dm_strbuf_add_json(struct dm_strbuf *b, struct dm_str s)
{
    dm_strbuf_addc(b, '"');
    for (size_t i = 0; i < s.len;) {
        unsigned char c = (unsigned char)s.p[i];
        size_t n = utf8_char((const unsigned char *)s.p + i, s.len - i);
        if (c == '"' || c == '\\')
            dm_strbuf_addf(b, "\\%c", c);
        else if (c == '\n')
            dm_strbuf_adds(b, "\\n");
        else if (c == '\t')
            dm_strbuf_adds(b, "\\t");
        else if (c == '\r')
            dm_strbuf_adds(b, "\\r");
        else if (c < 0x20)
            dm_strbuf_addf(b, "\\u%04x", c);
        else if (n)
            dm_strbuf_add(b, s.p + i, n);
        else
            dm_strbuf_adds(b, "\xEF\xBF\xBD");
        i += n ? n : 1;
    }
    dm_strbuf_addc(b, '"');
}

struct dm_str dm_strbuf_str(const struct dm_strbuf *b)
{
    return (struct dm_str){b->p ? b->p : "", b->len};
}

int dm_strbuf_check(const struct dm_strbuf *b, const char *what, struct dm_err *reterr)
{
    if (b->full)
        return dm_err_set(reterr, DM_E_LIMIT, "%s is larger than %zu bytes", what, b->max);
    return 0;
}
