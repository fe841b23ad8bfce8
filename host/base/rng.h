/* SPDX-License-Identifier: Apache-2.0 */
/* rng.h - small deterministic random numbers (splitmix64): the same seed gives the same sequence
 * everywhere. Not for secrets. */
#ifndef TESSERA_BASE_RNG_H
#define TESSERA_BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state; /* any value is a good seed */
};

/* One stateless scramble of 64 bits: a hash for "does link L stall in cycle T". */
static inline uint64_t rng_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static inline uint64_t rng_next(struct rng *r)
{
    r->state += 0x9e3779b97f4a7c15u;
    return rng_mix(r->state);
}

/* A number in 0..n-1; n must not be 0. The bias is below n / 2^64. */
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)(rng_next(r) % n);
}

/* A double in [0, 1). */
static inline double rng_unit(struct rng *r)
{
    return (double)(rng_next(r) >> 11) * 0x1.0p-53;
}

#endif
