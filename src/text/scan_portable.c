/* The scan in portable C: eight bytes at a time. */
#include "text/scan.h"
#include "text/text_err.h"
#include "text/utf8.h"

#define SCAN_TARGET
#define SCAN_TABLE dm_text_scan_portable
#define SCAN_NAME "portable"

static const uint64_t ONES = 0x0101010101010101, HIGHS = 0x8080808080808080;

static inline uint64_t load(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

/* Some bit in the first byte that is zero and none before it. */
static inline uint64_t zero_bytes(uint64_t v)
{
    return (v - ONES) & ~v & HIGHS;
}

static inline const uint8_t *find2(const uint8_t *p, const uint8_t *e, uint8_t a, uint8_t b)
{
    for (; e - p >= 8; p += 8) {
        uint64_t v = load(p);
        if (zero_bytes(v ^ ONES * a) | zero_bytes(v ^ ONES * b))
            break;
    }
    while (p < e && *p != a && *p != b)
        p++;
    return p;
}

static inline const uint8_t *find1(const uint8_t *p, const uint8_t *e, uint8_t a)
{
    const uint8_t *q = p < e ? memchr(p, a, (size_t)(e - p)) : NULL;
    return q ? q : e;
}

/* The first quote that is not doubled; e where that cannot be told. */
static inline const uint8_t *closing_quote(const uint8_t *p, const uint8_t *e)
{
    for (;; p += 2) {
        p = find1(p, e, '"');
        if (e - p < 2)
            return e;
        if (p[1] != '"')
            return p;
    }
}

static inline uint64_t count(const uint8_t *p, const uint8_t *e, uint8_t c)
{
    uint64_t n = 0;
    for (; p < e; p++)
        n += *p == c;
    return n;
}

/* Hands every position of a possible "good" to `check` until it says yes; *ret_high: some byte is not ASCII. */
static inline bool any_good(const uint8_t *p, const uint8_t *e, bool *ret_high,
                            bool (*check)(const uint8_t *at, const uint8_t *s, const uint8_t *e))
{
    const uint8_t *s = p;
    uint64_t high = 0;
    bool found = false;
    for (; e - p >= 8; p += 8) {
        uint64_t v = load(p);
        high |= v;
        if (zero_bytes((v | ONES * 0x20) ^ ONES * 'g'))
            for (int i = 0; i < 8; i++)
                found = found || check(p + i, s, e);
    }
    for (; p < e; p++) {
        high |= *p;
        found = found || check(p, s, e);
    }
    *ret_high = high & HIGHS;
    return found;
}

#include "text/scan_body.h"
