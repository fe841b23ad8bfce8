/* SPDX-License-Identifier: Apache-2.0 */
/* math.h - exp, sine and cosine in fp32, for kernels and for the host's reference.
 *
 * Only +, -, * and fma in a fixed order: every conforming machine computes the same bits. Inline,
 * so that a loop keeps the constants in registers. Polynomials: minimax by Remez exchange, computed
 * for the error named beside them. Error bounds below are checked by tests/unit/test_kernels.c. */
#ifndef TESSERA_FIRMWARE_KERNELS_MATH_H
#define TESSERA_FIRMWARE_KERNELS_MATH_H

#include <stdint.h>

static inline float math_float(uint32_t bits)
{
    union {
        uint32_t bits;
        float value;
    } u = {.bits = bits};
    return u.value;
}

static inline uint32_t math_bits(float value)
{
    union {
        float value;
        uint32_t bits;
    } u = {.value = value};
    return u.bits;
}

/* The larger; the number if one is NaN. Cost: 1 cycle (the compiler would call a library). */
static inline float math_max(float a, float b)
{
#ifdef __riscv
    float most;
    __asm__("fmax.s %0, %1, %2" : "=f"(most) : "f"(a), "f"(b));
    return most;
#else
    return a > b || b != b ? a : b;
#endif
}

/* exp(x) for -87 < x < 87, NaN for NaN; error below 1 ulp. Cost: 28 cycles, constants apart. */
static inline float math_exp_inside(float x)
{
    /* x = k ln 2 + r, |r| <= ln 2 / 2; adding 1.5 * 2^23 rounds to an integer in the low bits */
    const float shift = 0x1.8p23f;
    float shifted, k, r, q;

    shifted = __builtin_fmaf(x, 0x1.715476p0f, shift);
    k = shifted - shift;
    r = __builtin_fmaf(k, -0x1.62e4p-1f, x); /* exact: 15 bits of ln 2 */
    r = __builtin_fmaf(k, -0x1.7f7d1cp-20f, r);
    q = 0x1.6dcfdap-10f; /* exp(r) = 1 + r q(r), 0.03 ulp */
    q = __builtin_fmaf(q, r, 0x1.126f86p-7f);
    q = __builtin_fmaf(q, r, 0x1.555432p-5f);
    q = __builtin_fmaf(q, r, 0x1.555406p-3f);
    q = __builtin_fmaf(q, r, 0.5f);
    q = __builtin_fmaf(q, r, 1.0f);
    q = __builtin_fmaf(q, r, 1.0f);
    return math_float(math_bits(q) + (math_bits(shifted) << 23)); /* exponent + k */
}

/* exp(x); 0 below -87, infinity above 87. The ends are cut short of fp32's, where 2^k is no normal
 * number and would cost more: kernels add 1 to the result, or sum it with numbers up to 1. Cost: 32
 * cycles, constants apart. */
static inline float math_exp(float x)
{
    if (!(__builtin_fabsf(x) < 87.0f))
        return x < 0.0f ? 0.0f : x * __builtin_inff();
    return math_exp_inside(x);
}

/* The same for x < 87 or NaN. Cost: 30 cycles. */
static inline float math_exp_below(float x)
{
    return __builtin_expect(x <= -87.0f, 0) ? 0.0f : math_exp_inside(x);
}

/* Sine and cosine of a whole number of 2^-64 turns. Error below 1.6 ulp, and for results below
 * 2^-20 less than 2^-43. Cost: about 60 cycles. */
static inline void math_sincos_turns(uint64_t turns, float *sine, float *cosine)
{
    /* the nearest quarter turn, and the rest as a signed fraction t of a turn, |t| <= 1/8 */
    uint32_t high = (uint32_t)(turns >> 32);
    uint32_t quarter = (high + 0x20000000) >> 30;
    float t = (float)((int32_t)(high << 2) >> 10) * 0x1p-24f; /* exact */
    float u, s, c;

    t = __builtin_fmaf((float)((high & 0xff) << 16 | (uint32_t)turns >> 16), 0x1p-48f, t);
    u = t * t;
    s = __builtin_fmaf(-0x1.2dd046p6f, u, 0x1.466032p6f); /* sin = t (2 pi + u s), 0.06 ulp */
    s = __builtin_fmaf(s, u, -0x1.4abbcp5f);
    s = __builtin_fmaf(s, u, -0x1.777a5cp-23f); /* 2 pi in two parts */
    s = __builtin_fmaf(0x1.921fb6p2f, t, s * t);
    c = __builtin_fmaf(0x1.d9f7bcp5f, u, -0x1.55c664p6f); /* cos = 1 + u c, 0.001 ulp */
    c = __builtin_fmaf(c, u, 0x1.03c1dep6f);
    c = __builtin_fmaf(c, u, -0x1.3bd3ccp4f);
    c = __builtin_fmaf(c, u, 1.0f);
    *sine = quarter & 1 ? c : s;
    *cosine = quarter & 1 ? s : c;
    if (quarter & 2)
        *sine = -*sine;
    if ((quarter + 1) & 2)
        *cosine = -*cosine;
}

#endif
