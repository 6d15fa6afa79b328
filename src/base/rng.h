/*
 * Repeatable random numbers (splitmix64): the same seed gives the same sequence on every machine.  For generated
 * data and tests; not for secrets.
 */
#ifndef DM_RNG_H
#define DM_RNG_H

#include <stdint.h>

struct dm_rng {
    uint64_t state;
};

static inline uint64_t dm_rng_next(struct dm_rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform in 0 … n - 1; n > 0. */
static inline uint64_t dm_rng_below(struct dm_rng *r, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)dm_rng_next(r) * n) >> 64);
}

/* True in `permille` of 1,000 cases. */
static inline int dm_rng_chance(struct dm_rng *r, unsigned permille)
{
    return dm_rng_below(r, 1000) < permille;
}

#endif
