/* UTF-8 as Java's `new String(bytes, UTF_8)` reads it: measured against the JDK, see the header. */
#include "text/utf8.h"

static const uint32_t REPLACEMENT = 0xFFFD;

static bool follows(const uint8_t *p, const uint8_t *e, uint8_t low, uint8_t high)
{
    return p < e && *p >= low && *p <= high;
}

/* Sets *ret_bad where the bytes are malformed: U+FFFD is a valid character too. */
static uint32_t next(const uint8_t *p, const uint8_t *e, unsigned *ret_n, bool *ret_bad)
{
    uint8_t c = *p;
    unsigned need = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
    *ret_n = 1;
    *ret_bad = false;
    if (need == 1)
        return c;
    if (need == 0) {
        *ret_bad = true;
        return REPLACEMENT;
    }
    uint8_t low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80, high = c == 0xF4 ? 0x8F : 0xBF;
    uint32_t cp = c & (0xFFu >> (need + 1));
    for (unsigned k = 1; k < need; k++) {
        if (!follows(p + k, e, low, high)) {
            *ret_n = k;
            *ret_bad = true;
            return REPLACEMENT;
        }
        cp = cp << 6 | (p[k] & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    *ret_n = need;
    *ret_bad = cp >= 0xD800 && cp < 0xE000; /* Java takes the three bytes of a surrogate together */
    return *ret_bad ? REPLACEMENT : cp;
}

uint32_t dm_text_utf8_next(const uint8_t *p, const uint8_t *e, unsigned *ret_n)
{
    bool bad;
    return next(p, e, ret_n, &bad);
}

bool dm_text_utf8_valid(const uint8_t *p, size_t n)
{
    const uint8_t *e = p + n;
    while (p < e) {
        uint64_t eight;
        if (e - p >= 8 && (memcpy(&eight, p, 8), !(eight & 0x8080808080808080))) {
            p += 8;
            continue;
        }
        unsigned used;
        bool bad;
        next(p, e, &used, &bad);
        if (bad)
            return false;
        p += used;
    }
    return true;
}

void dm_text_utf8_put(struct dm_text_bytes *out, uint32_t cp)
{
    uint8_t *p = dm_text_bytes_room(out, 4);
    if (cp < 0x80) {
        p[0] = (uint8_t)cp;
        out->len += 1;
    } else if (cp < 0x800) {
        p[0] = (uint8_t)(0xC0 | cp >> 6);
        p[1] = (uint8_t)(0x80 | (cp & 0x3F));
        out->len += 2;
    } else if (cp < 0x10000) {
        p[0] = (uint8_t)(0xE0 | cp >> 12);
        p[1] = (uint8_t)(0x80 | (cp >> 6 & 0x3F));
        p[2] = (uint8_t)(0x80 | (cp & 0x3F));
        out->len += 3;
    } else {
        p[0] = (uint8_t)(0xF0 | cp >> 18);
        p[1] = (uint8_t)(0x80 | (cp >> 12 & 0x3F));
        p[2] = (uint8_t)(0x80 | (cp >> 6 & 0x3F));
        p[3] = (uint8_t)(0x80 | (cp & 0x3F));
        out->len += 4;
    }
}

void dm_text_utf8_repair(struct dm_text_bytes *out, const uint8_t *p, size_t n)
{
    const uint8_t *e = p + n;
    while (p < e) {
        unsigned used;
        bool bad;
        next(p, e, &used, &bad);
        if (bad)
            dm_text_utf8_put(out, REPLACEMENT);
        else
            dm_text_bytes_add(out, p, used);
        p += used;
    }
}
