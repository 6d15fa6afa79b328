/*
 * Integers of any size (up to DM_BIG_LIMBS), for arithmetic in templates with Python's meaning.
 *
 * Sign and magnitude, immutable, in an arena.  Operations take and give values of kind DM_INT or DM_BIG (booleans
 * count as integers); a result that fits 64 bit is always a DM_INT, so that each number has one form.
 */
#ifndef DM_BIG_H
#define DM_BIG_H

#include "lang/value.h"

/* About 19,000 decimal digits; a longer result is DM_E_LIMIT. */
enum { DM_BIG_LIMBS = 2048 };

struct dm_big {
    bool negative;
    uint32_t n;            /* limbs in use; the last one is not 0 */
    const uint32_t *limbs; /* least significant first */
};

int dm_big_cmp(const struct dm_big *a, const struct dm_big *b);
/* Exact comparison with a float, infinities included; NaN compares as less. */
int dm_big_cmp_f64(const struct dm_big *a, double f);
void dm_big_text(struct dm_strbuf *b, const struct dm_big *v);
/* The nearest float (half to even), infinite where it is out of range. */
double dm_big_to_f64(const struct dm_big *v);

/* Decimal digits with an optional sign. */
int dm_big_parse(struct dm_arena *a, struct dm_str digits, const struct dm_value **ret,
                 struct dm_err *reterr) dm_nodiscard;
/* A finite float, cut towards zero. */
const struct dm_value *dm_big_from_f64(struct dm_arena *a, double f);

int dm_big_add(struct dm_arena *a, const struct dm_value *x, const struct dm_value *y,
               const struct dm_value **ret, struct dm_err *reterr) dm_nodiscard;
int dm_big_sub(struct dm_arena *a, const struct dm_value *x, const struct dm_value *y,
               const struct dm_value **ret, struct dm_err *reterr) dm_nodiscard;
int dm_big_mul(struct dm_arena *a, const struct dm_value *x, const struct dm_value *y,
               const struct dm_value **ret, struct dm_err *reterr) dm_nodiscard;
/* Rounds the quotient down and gives the remainder the divisor's sign, as Python does.  y is not 0. */
int dm_big_divmod(struct dm_arena *a, const struct dm_value *x, const struct dm_value *y,
                  const struct dm_value **ret_quotient, const struct dm_value **ret_rest,
                  struct dm_err *reterr) dm_nodiscard;
/* exponent >= 0. */
int dm_big_pow(struct dm_arena *a, const struct dm_value *x, uint64_t exponent,
               const struct dm_value **ret, struct dm_err *reterr) dm_nodiscard;
/* -1, 0 or 1 for x < y, x == y, x > y. */
int dm_big_compare(const struct dm_value *x, const struct dm_value *y);

#endif
