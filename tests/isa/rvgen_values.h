/* SPDX-License-Identifier: Apache-2.0 */
/* rvgen_values.h - operands worth trying: edges of the number formats, and operands chosen for each
 * other so that sums cancel, products land next to one, to the smallest normal or to the largest
 * number. */
#ifndef TESSERA_TESTS_RVGEN_VALUES_H
#define TESSERA_TESTS_RVGEN_VALUES_H

#include "base/rng.h"

#include <string.h>

static inline uint32_t value_random(struct rng *r)
{
    return (uint32_t)rng_next(r);
}

static inline uint32_t value_integer(struct rng *r)
{
    static const uint32_t edges[] = {0, 1, 2, 31, 32, 0x7fffffff, 0x80000000, 0x80000001, ~0u, ~1u};
    switch (rng_below(r, 4)) {
    case 0:
        return edges[rng_below(r, sizeof edges / sizeof *edges)];
    case 1:
        return (1u << rng_below(r, 32)) - rng_below(r, 3) + 1;
    case 2:
        return (uint32_t)(int32_t)(int8_t)value_random(r);
    default:
        return value_random(r);
    }
}

static inline uint32_t value_float_edge(struct rng *r)
{
    static const uint32_t edges[] = {0,          0,          0x7f800000, 0x7fc00000, 0x7f800001,
                                     0x7fffffff, 1,          0x007fffff, 0x00800000, 0x00800001,
                                     0x7f7fffff, 0x3f800000, 0x3f7fffff, 0x3f800001, 0x4f000000,
                                     0x4effffff, 0x4f800000, 0x4f7fffff, 0x3f000000, 0x3fc00000};
    return (value_random(r) & 0x80000000u) | edges[rng_below(r, sizeof edges / sizeof *edges)];
}

static inline uint32_t value_float(struct rng *r)
{
    uint32_t sign = value_random(r) & 0x80000000u;
    switch (rng_below(r, 8)) {
    case 0:
    case 1:
        return value_float_edge(r);
    case 2: /* near one, few bits: exact results and halfway cases */
        return sign | (0x3f000000 + (rng_below(r, 64) << 18));
    case 3: /* near one, all bits */
        return sign | (0x3e000000 + (value_random(r) & 0x03ffffff));
    case 4: /* near the smallest normal, and far below one */
        return sign | (value_random(r) & 0x01ffffff);
    case 5: /* near the largest */
        return sign | (0x7e000000 + (value_random(r) & 0x01ffffff));
    case 6: /* converts to integers */
        return sign | (0x3e800000 + (value_random(r) & 0x11ffffff));
    default:
        return value_random(r);
    }
}

static inline uint32_t value_bits(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static inline float value_of_bits(uint32_t bits)
{
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* A partner for `a`: its negation or itself, or what makes the product delicate; a few ulps off or
 * not. */
static inline uint32_t value_float_partner(struct rng *r, uint32_t a)
{
    static const float products[] = {1.0f, 0x1p-126f, 0x1p-149f, 0x1.fffffep127f};
    uint32_t ulps = rng_below(r, 2) ? rng_below(r, 5) - 2 : 0, sign = value_random(r) & 0x80000000u;
    switch (rng_below(r, 4)) {
    case 0:
        return sign ^ (a + ulps);
    case 1:
        return value_float_edge(r);
    default:
        return (value_bits(products[rng_below(r, 4)] / value_of_bits(a)) + ulps) ^ sign;
    }
}

/* Three operands for one instruction. The host's own arithmetic only chooses them. */
static inline void value_float_triple(struct rng *r, uint32_t v[3])
{
    v[0] = rng_below(r, 2) ? value_float(r) : value_float_edge(r);
    if (rng_below(r, 4) == 0) { /* next to a square */
        float root = value_of_bits(v[0]);
        v[0] = (value_bits(root * root) & 0x7fffffff) + rng_below(r, 3) - 1;
    }
    v[1] = value_float_partner(r, v[0]);
    float product = value_of_bits(v[0]) * value_of_bits(v[1]);
    switch (rng_below(r, 4)) {
    case 0: /* the sum is the rounding error of the product */
        v[2] = value_bits(-product);
        break;
    case 1: /* far below it */
        v[2] = value_bits(product * 0x1p-40f);
        break;
    case 2:
        v[2] = value_float_edge(r);
        break;
    default:
        v[2] = value_float(r);
        break;
    }
}

#endif
