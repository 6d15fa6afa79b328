/* Integers of any size: schoolbook arithmetic on 32-bit limbs. */
#include "lang/big.h"

#include <math.h>

/* A number being worked on: sign and magnitude, with room for one 64-bit integer of its own. */
struct number {
    bool negative;
    uint32_t n;
    const uint32_t *limbs;
    uint32_t small[2];
};

static void number_of(const struct dm_value *v, struct number *x)
{
    if (v->kind == DM_BIG) {
        x->negative = v->big->negative;
        x->n = v->big->n;
        x->limbs = v->big->limbs;
        return;
    }
    DM_ASSERT(v->kind == DM_INT || v->kind == DM_BOOL);
    int64_t i = v->kind == DM_BOOL ? v->b : v->i;
    uint64_t magnitude = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    x->negative = i < 0;
    x->small[0] = (uint32_t)magnitude;
    x->small[1] = (uint32_t)(magnitude >> 32);
    x->n = x->small[1] ? 2 : x->small[0] ? 1 : 0;
    x->limbs = x->small;
}

static uint32_t trimmed(const uint32_t *limbs, size_t n)
{
    while (n && !limbs[n - 1])
        n--;
    return (uint32_t)n;
}

/* The value of its one form: DM_INT where it fits. */
static const struct dm_value *made(struct dm_arena *a, bool negative, uint32_t *limbs, size_t size)
{
    uint32_t n = trimmed(limbs, size);
    if (n <= 2) {
        uint64_t m = (n > 0 ? limbs[0] : 0) | (n > 1 ? (uint64_t)limbs[1] << 32 : 0);
        if (m <= (uint64_t)INT64_MAX + negative)
            return dm_value_int(a, (int64_t)(negative ? 0 - m : m));
    }
    struct dm_big *big = dm_arena_new(a, struct dm_big);
    *big = (struct dm_big){.negative = negative, .n = n, .limbs = limbs};
    struct dm_value *v = dm_arena_new(a, struct dm_value);
    v->kind = DM_BIG;
    v->big = big;
    return v;
}

static int too_large(struct dm_err *reterr)
{
    dm_err_set(reterr, DM_E_LIMIT, "an integer grew beyond %d bits", DM_BIG_LIMBS * 32);
    dm_err_detail(reterr, "overflow");
    return DM_E_LIMIT;
}

static int cmp_magnitude(const uint32_t *x, uint32_t nx, const uint32_t *y, uint32_t ny)
{
    if (nx != ny)
        return nx < ny ? -1 : 1;
    for (uint32_t i = nx; i-- > 0;)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

static int cmp_numbers(const struct number *x, const struct number *y)
{
    if (x->negative != y->negative)
        return x->negative ? -1 : 1;
    int c = cmp_magnitude(x->limbs, x->n, y->limbs, y->n);
    return x->negative ? -c : c;
}

int dm_big_cmp(const struct dm_big *a, const struct dm_big *b)
{
    struct number x = {.negative = a->negative, .n = a->n, .limbs = a->limbs};
    struct number y = {.negative = b->negative, .n = b->n, .limbs = b->limbs};
    return cmp_numbers(&x, &y);
}

int dm_big_compare(const struct dm_value *x, const struct dm_value *y)
{
    struct number nx, ny;
    number_of(x, &nx);
    number_of(y, &ny);
    return cmp_numbers(&nx, &ny);
}

/* Splits a finite float's integer part into limbs (at most 32 of them). */
static uint32_t limbs_of_f64(double f, uint32_t limbs[34])
{
    int exp;
    double m = frexp(fabs(trunc(f)), &exp); /* f = m * 2^exp, 0.5 <= m < 1 */
    memset(limbs, 0, 34 * sizeof(*limbs));
    if (m == 0)
        return 0;
    uint64_t bits = (uint64_t)ldexp(m, 53);
    int shift = exp - 53;
    if (shift < 0) {
        bits >>= -shift;
        shift = 0;
    }
    for (int i = 0; i < 64; i++)
        if (bits >> i & 1)
            limbs[(i + shift) / 32] |= 1u << ((i + shift) % 32);
    return trimmed(limbs, 34);
}

int dm_big_cmp_f64(const struct dm_big *a, double f)
{
    if (isnan(f))
        return -1;
    if (isinf(f))
        return f > 0 ? -1 : 1;
    if (a->negative != (f < 0))
        return a->negative ? -1 : 1;
    uint32_t limbs[34];
    uint32_t n = limbs_of_f64(f, limbs);
    int c = cmp_magnitude(a->limbs, a->n, limbs, n);
    if (c == 0 && f != trunc(f))
        c = -1;
    return a->negative ? -c : c;
}

const struct dm_value *dm_big_from_f64(struct dm_arena *a, double f)
{
    uint32_t limbs[34];
    limbs_of_f64(f, limbs);
    return made(a, f < 0, dm_arena_dup(a, limbs, sizeof(limbs)), 34);
}

double dm_big_to_f64(const struct dm_big *v)
{
    /* The top 64 bits, with a sticky lowest bit for all below: converting those rounds half to even once. */
    uint32_t top = v->limbs[v->n - 1];
    int lead = __builtin_clz(top);
    int bits = (int)v->n * 32 - lead;
    uint64_t head = 0;
    bool rest = false;
    for (int i = 0; i < bits; i++) {
        int at = bits - 1 - i;
        bool bit = v->limbs[at / 32] >> (at % 32) & 1;
        if (i < 64)
            head = head << 1 | bit;
        else
            rest |= bit;
    }
    if (bits < 64)
        head <<= 64 - bits;
    double f = ldexp((double)(head | rest), bits - 64);
    return v->negative ? -f : f;
}

/* limbs = limbs * factor + add, with room for one more limb. */
static uint32_t mul_small(uint32_t *limbs, uint32_t n, uint32_t factor, uint32_t add)
{
    uint64_t carry = add;
    for (uint32_t i = 0; i < n; i++) {
        carry += (uint64_t)limbs[i] * factor;
        limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry)
        limbs[n++] = (uint32_t)carry;
    return n;
}

static uint32_t div_small(uint32_t *limbs, uint32_t n, uint32_t divisor)
{
    uint64_t rest = 0;
    for (uint32_t i = n; i-- > 0;) {
        rest = rest << 32 | limbs[i];
        limbs[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    return (uint32_t)rest;
}

void dm_big_text(struct dm_strbuf *b, const struct dm_big *v)
{
    _cleanup_free_ uint32_t *work = dm_malloc(v->n * sizeof(*work));
    memcpy(work, v->limbs, v->n * sizeof(*work));
    _cleanup_free_ uint32_t *parts = dm_malloc((v->n * 2 + 1) * sizeof(*parts));
    size_t n_parts = 0;
    uint32_t n = v->n;
    while (n) {
        parts[n_parts++] = div_small(work, n, 1000000000);
        n = trimmed(work, n);
    }
    dm_strbuf_addf(b, "%s%u", v->negative ? "-" : "", parts[n_parts - 1]);
    for (size_t i = n_parts - 1; i-- > 0;)
        dm_strbuf_addf(b, "%09u", parts[i]);
}

int dm_big_parse(struct dm_arena *a, struct dm_str digits, const struct dm_value **ret,
                 struct dm_err *reterr)
{
    bool negative = digits.len && digits.p[0] == '-';
    size_t i = digits.len && (digits.p[0] == '-' || digits.p[0] == '+');
    if (digits.len / 9 > DM_BIG_LIMBS)
        return too_large(reterr);
    uint32_t *limbs = dm_arena_array(a, uint32_t, digits.len / 9 + 2);
    uint32_t n = 0;
    for (; i < digits.len; i++)
        n = mul_small(limbs, n, 10, (uint32_t)(digits.p[i] - '0'));
    *ret = made(a, negative, limbs, n);
    return 0;
}

static const struct dm_value *add_magnitude(struct dm_arena *a, const struct number *x,
                                            const struct number *y)
{
    uint32_t n = (x->n > y->n ? x->n : y->n) + 1;
    uint32_t *limbs = dm_arena_array(a, uint32_t, n);
    uint64_t carry = 0;
    for (uint32_t i = 0; i < n; i++) {
        carry += (uint64_t)(i < x->n ? x->limbs[i] : 0) + (i < y->n ? y->limbs[i] : 0);
        limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return made(a, x->negative, limbs, n);
}

/* |x| - |y| with |x| >= |y|. */
static const struct dm_value *sub_magnitude(struct dm_arena *a, const struct number *x,
                                            const struct number *y, bool negative)
{
    uint32_t *limbs = dm_arena_array(a, uint32_t, x->n + 1);
    int64_t borrow = 0;
    for (uint32_t i = 0; i < x->n; i++) {
        int64_t d = (int64_t)x->limbs[i] - (i < y->n ? y->limbs[i] : 0) + borrow;
        limbs[i] = (uint32_t)d;
        borrow = d < 0 ? -1 : 0;
    }
    return made(a, negative, limbs, x->n);
}

static int add_signed(struct dm_arena *a, const struct number *x, const struct number *y,
                      const struct dm_value **ret, struct dm_err *reterr)
{
    if (x->n >= DM_BIG_LIMBS || y->n >= DM_BIG_LIMBS)
        return too_large(reterr);
    if (x->negative == y->negative)
        *ret = add_magnitude(a, x, y);
    else if (cmp_magnitude(x->limbs, x->n, y->limbs, y->n) >= 0)
        *ret = sub_magnitude(a, x, y, x->negative);
    else
        *ret = sub_magnitude(a, y, x, y->negative);
    return 0;
}

int dm_big_add(struct dm_arena *a, const struct dm_value *x, const struct dm_value *y,
               const struct dm_value **ret, struct dm_err *reterr)
{
    struct number nx, ny;
    number_of(x, &nx);
    number_of(y, &ny);
    return add_signed(a, &nx, &ny, ret, reterr);
}

int dm_big_sub(struct dm_arena *a, const struct dm_value *x, const struct dm_value *y,
               const struct dm_value **ret, struct dm_err *reterr)
{
    struct number nx, ny;
    number_of(x, &nx);
    number_of(y, &ny);
    ny.negative = !ny.negative;
    return add_signed(a, &nx, &ny, ret, reterr);
}

int dm_big_mul(struct dm_arena *a, const struct dm_value *x, const struct dm_value *y,
               const struct dm_value **ret, struct dm_err *reterr)
{
    struct number nx, ny;
    number_of(x, &nx);
    number_of(y, &ny);
    uint32_t n = nx.n + ny.n;
    if (n > DM_BIG_LIMBS)
        return too_large(reterr);
    uint32_t *limbs = dm_arena_array(a, uint32_t, n + 1);
    for (uint32_t i = 0; i < nx.n; i++) {
        uint64_t carry = 0;
        for (uint32_t j = 0; j < ny.n; j++) {
            carry += (uint64_t)nx.limbs[i] * ny.limbs[j] + limbs[i + j];
            limbs[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        limbs[i + ny.n] = (uint32_t)carry;
    }
    *ret = made(a, nx.negative != ny.negative, limbs, n);
    return 0;
}

/* Long division bit by bit over |x|; the remainder stays below |y|.  Quadratic, and short enough for the limit. */
static void divide_magnitude(const struct number *x, const struct number *y, uint32_t *quotient,
                             uint32_t *rest)
{
    uint32_t n_rest = 0;
    for (uint32_t bit = x->n * 32; bit-- > 0;) {
        n_rest = mul_small(rest, n_rest, 2, x->limbs[bit / 32] >> (bit % 32) & 1);
        if (cmp_magnitude(rest, n_rest, y->limbs, y->n) < 0)
            continue;
        int64_t borrow = 0;
        for (uint32_t i = 0; i < n_rest; i++) {
            int64_t d = (int64_t)rest[i] - (i < y->n ? y->limbs[i] : 0) + borrow;
            rest[i] = (uint32_t)d;
            borrow = d < 0 ? -1 : 0;
        }
        n_rest = trimmed(rest, n_rest);
        quotient[bit / 32] |= 1u << (bit % 32);
    }
}

int dm_big_divmod(struct dm_arena *a, const struct dm_value *x, const struct dm_value *y,
                  const struct dm_value **ret_quotient, const struct dm_value **ret_rest,
                  struct dm_err *reterr)
{
    struct number nx, ny;
    number_of(x, &nx);
    number_of(y, &ny);
    DM_ASSERT(ny.n);
    uint32_t *quotient = dm_arena_array(a, uint32_t, nx.n + 1);
    uint32_t *rest = dm_arena_array(a, uint32_t, ny.n + 2);
    divide_magnitude(&nx, &ny, quotient, rest);
    const struct dm_value *q = made(a, nx.negative != ny.negative, quotient, nx.n + 1);
    const struct dm_value *r = made(a, nx.negative, rest, ny.n + 2);
    bool exact = trimmed(rest, ny.n + 2) == 0;
    if (!exact && nx.negative != ny.negative) {
        struct dm_value one = {.kind = DM_INT, .i = 1};
        DM_TRY(dm_big_sub(a, q, &one, &q, reterr));
        DM_TRY(dm_big_add(a, r, y, &r, reterr));
    }
    *ret_quotient = q;
    *ret_rest = r;
    return 0;
}

int dm_big_pow(struct dm_arena *a, const struct dm_value *x, uint64_t exponent,
               const struct dm_value **ret, struct dm_err *reterr)
{
    const struct dm_value *result = dm_value_int(a, 1), *base = x;
    for (uint64_t e = exponent; e; e >>= 1) {
        if (e & 1)
            DM_TRY(dm_big_mul(a, result, base, &result, reterr));
        if (e > 1)
            DM_TRY(dm_big_mul(a, base, base, &base, reterr));
    }
    *ret = result;
    return 0;
}
