/* Text as characters. */
#include "lang/utf8.h"

#include <locale.h>
#include <pthread.h>
#include <wctype.h>

size_t dm_utf8_get(const char *p, const char *end, uint32_t *ret)
{
    unsigned char c = (unsigned char)*p;
    size_t n = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
    if (n == 1 || (size_t)(end - p) < n) {
        *ret = c;
        return 1;
    }
    uint32_t cp = c & (0xFF >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)p[i] & 0xC0) != 0x80) {
            *ret = c;
            return 1;
        }
        cp = cp << 6 | ((unsigned char)p[i] & 0x3F);
    }
    *ret = cp;
    return n;
}

const char *dm_utf8_back(const char *from, const char *end, uint32_t *ret)
{
    const char *p = end - 1;
    while (p > from && end - p < 4 && ((unsigned char)*p & 0xC0) == 0x80)
        p--;
    if (dm_utf8_get(p, end, ret) == (size_t)(end - p))
        return p;
    *ret = (unsigned char)end[-1];
    return end - 1;
}

void dm_utf8_put(struct dm_strbuf *b, uint32_t cp)
{
    char out[4];
    size_t n;
    if (cp < 0x80) {
        out[0] = (char)cp;
        n = 1;
    } else if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        n = 2;
    } else if (cp < 0x10000) {
        out[0] = (char)(0xE0 | cp >> 12);
        n = 3;
    } else {
        out[0] = (char)(0xF0 | cp >> 18);
        n = 4;
    }
    for (size_t i = 1; i < n; i++)
        out[i] = (char)(0x80 | (cp >> (6 * (n - 1 - i)) & 0x3F));
    dm_strbuf_add(b, out, n);
}

size_t dm_utf8_count(struct dm_str s)
{
    size_t n = 0;
    for (const char *p = s.p, *end = s.p + s.len; p < end; n++) {
        uint32_t cp;
        p += dm_utf8_get(p, end, &cp);
    }
    return n;
}

size_t dm_utf8_offset(struct dm_str s, size_t n)
{
    const char *p = s.p, *end = s.p + s.len;
    while (n-- && p < end) {
        uint32_t cp;
        p += dm_utf8_get(p, end, &cp);
    }
    return (size_t)(p - s.p);
}

static locale_t unicode;
static pthread_once_t unicode_once = PTHREAD_ONCE_INIT;

static void open_unicode(void)
{
    unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* The locale that knows Unicode; without it (a stripped C library) only ASCII has case. */
static locale_t tables(void)
{
    pthread_once(&unicode_once, open_unicode);
    return unicode;
}

#define CLASS(name, ascii, wide)                       \
    bool name(uint32_t cp)                             \
    {                                                  \
        if (cp < 0x80)                                 \
            return ascii;                              \
        return tables() && wide((wint_t)cp, tables()); \
    }

bool dm_utf8_is_space(uint32_t cp)
{
    return cp == ' ' || (cp >= 9 && cp <= 13) || (cp >= 0x1C && cp <= 0x1F) || cp == 0x85 ||
           cp == 0xA0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 ||
           cp == 0x2029 || cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

bool dm_utf8_is_digit(uint32_t cp)
{
    return cp >= '0' && cp <= '9';
}

CLASS(dm_utf8_is_alpha, (cp | 32) >= 'a' && (cp | 32) <= 'z', iswalpha_l)
CLASS(dm_utf8_is_alnum, ((cp | 32) >= 'a' && (cp | 32) <= 'z') || dm_utf8_is_digit(cp), iswalnum_l)
CLASS(dm_utf8_is_upper, cp >= 'A' && cp <= 'Z', iswupper_l)
CLASS(dm_utf8_is_lower, cp >= 'a' && cp <= 'z', iswlower_l)

bool dm_utf8_is_printable(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= 0x20 && cp < 0x7F;
    if (cp == 0xAD || dm_utf8_is_space(cp) || (cp >= 0x200B && cp <= 0x200F) || cp == 0xFEFF ||
        (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2060 && cp <= 0x206F))
        return false; /* separators and format characters are escaped */
    return !tables() || iswprint_l((wint_t)cp, tables());
}

static const struct special {
    uint32_t cp;
    const char *upper, *title;
} specials[] = {
#define DM_UPPER(cp, upper, title) {cp, upper, title},
#include "lang/upper.def"
#undef DM_UPPER
};

static const struct special *special(uint32_t cp)
{
    size_t from = 0, to = sizeof(specials) / sizeof(specials[0]);
    while (cp >= 0x80 && from < to) {
        size_t middle = (from + to) / 2;
        if (specials[middle].cp == cp)
            return &specials[middle];
        if (specials[middle].cp < cp)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

void dm_utf8_put_upper(struct dm_strbuf *b, uint32_t cp)
{
    const struct special *s = special(cp);
    if (s)
        dm_strbuf_adds(b, s->upper);
    else if (cp < 0x80)
        dm_strbuf_addc(b, (char)(cp >= 'a' && cp <= 'z' ? cp - 32 : cp));
    else
        dm_utf8_put(b, tables() ? (uint32_t)towupper_l((wint_t)cp, tables()) : cp);
}

void dm_utf8_put_lower(struct dm_strbuf *b, uint32_t cp)
{
    if (cp < 0x80)
        dm_strbuf_addc(b, (char)(cp >= 'A' && cp <= 'Z' ? cp + 32 : cp));
    else
        dm_utf8_put(b, tables() ? (uint32_t)towlower_l((wint_t)cp, tables()) : cp);
}

void dm_utf8_put_title(struct dm_strbuf *b, uint32_t cp)
{
    const struct special *s = special(cp);
    if (s)
        dm_strbuf_adds(b, s->title);
    else
        dm_utf8_put_upper(b, cp);
}
