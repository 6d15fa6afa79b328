/* The scan with AVX2: thirty-two bytes at a time. */
#if defined(__x86_64__)
#include "text/scan.h"
#include "text/text_err.h"
#include "text/utf8.h"

#include <immintrin.h>

#define SCAN_TARGET __attribute__((target("avx2,bmi,popcnt")))
#define SCAN_TABLE dm_text_scan_avx2
#define SCAN_NAME "avx2"

static inline SCAN_TARGET __m256i load(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

static inline SCAN_TARGET uint32_t equal(__m256i v, uint8_t c)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_set1_epi8((char)c)));
}

/* Bits for the bytes before e. */
static inline SCAN_TARGET uint32_t before(const uint8_t *p, const uint8_t *e)
{
    return e - p >= 32 ? UINT32_MAX : (UINT32_C(1) << (e - p)) - 1;
}

static inline SCAN_TARGET const uint8_t *find2(const uint8_t *p, const uint8_t *e, uint8_t a,
                                               uint8_t b)
{
    for (; p < e; p += 32) {
        __m256i v = load(p);
        uint32_t m = equal(v, a) | equal(v, b);
        if (m) {
            p += __builtin_ctz(m);
            return p < e ? p : e;
        }
    }
    return e;
}

static inline SCAN_TARGET const uint8_t *find1(const uint8_t *p, const uint8_t *e, uint8_t a)
{
    return find2(p, e, a, a);
}

static inline SCAN_TARGET const uint8_t *closing_quote(const uint8_t *p, const uint8_t *e)
{
    while (p < e) {
        uint32_t m = equal(load(p), '"');
        const uint8_t *next = p + 32;
        while (m) {
            unsigned i = (unsigned)__builtin_ctz(m);
            if (e - p < (ptrdiff_t)i + 2)
                return e;
            if (p[i + 1] != '"')
                return p + i;
            if (i == 31)
                next++;
            m &= ~(UINT32_C(3) << i);
        }
        p = next;
    }
    return e;
}

static inline SCAN_TARGET uint64_t count(const uint8_t *p, const uint8_t *e, uint8_t c)
{
    uint64_t n = 0;
    for (; p < e; p += 32)
        n += (uint64_t)__builtin_popcount(equal(load(p), c) & before(p, e));
    return n;
}

static inline SCAN_TARGET bool any_good(const uint8_t *p, const uint8_t *e, bool *ret_high,
                                        bool (*check)(const uint8_t *at, const uint8_t *s,
                                                      const uint8_t *e))
{
    const uint8_t *s = p;
    const __m256i lower = _mm256_set1_epi8(0x20), g = _mm256_set1_epi8('g'),
                  d = _mm256_set1_epi8('d');
    __m256i high = _mm256_setzero_si256();
    uint32_t last_high = 0;
    bool found = false;
    for (; p < e; p += 32) {
        __m256i v = load(p), w = load(p + 3);
        uint32_t m = (uint32_t)_mm256_movemask_epi8(
            _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_or_si256(v, lower), g),
                             _mm256_cmpeq_epi8(_mm256_or_si256(w, lower), d)));
        if (e - p >= 32)
            high = _mm256_or_si256(high, v);
        else
            last_high = (uint32_t)_mm256_movemask_epi8(v) & before(p, e);
        for (; m && !found; m &= m - 1)
            found = check(p + __builtin_ctz(m), s, e);
    }
    *ret_high = last_high | (uint32_t)_mm256_movemask_epi8(high);
    return found;
}

#include "text/scan_body.h"
#else
typedef int dm_text_no_avx2; /* this machine has the portable scan only */
#endif
