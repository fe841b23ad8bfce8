/* SPDX-License-Identifier: Apache-2.0 */
/* core_full.c - benchmark "full": the integer mix, and three loops of fused multiply-adds over 256
 * floats: y += a x, a dot product, and a polynomial. */
#include "core.h"

enum { FLOATS = 256 };

static float x[FLOATS], y[FLOATS];

static uint32_t bits(float value)
{
    union {
        float value;
        uint32_t bits;
    } u = {.value = value};
    return u.bits;
}

static void fill(uint32_t seed)
{
    for (uint32_t i = 0; i < FLOATS; i++) {
        seed = bench_next(seed);
        x[i] = (float)(int32_t)seed * 0x1p-31f;
        y[i] = (float)(seed & 0xffff) * 0x1p-16f;
    }
}

static uint32_t float_round(float a)
{
    float sum = 0.0f, poly = 0.0f;

    for (uint32_t i = 0; i < FLOATS; i++)
        y[i] = __builtin_fmaf(a, x[i], y[i]);
    for (uint32_t i = 0; i < FLOATS; i++)
        sum = __builtin_fmaf(x[i], y[i], sum);
    for (uint32_t i = 0; i < FLOATS; i++) {
        float v = x[i], p = 0.25f;
        p = __builtin_fmaf(p, v, 0.5f);
        p = __builtin_fmaf(p, v, -1.0f);
        p = __builtin_fmaf(p, v, 1.0f);
        poly += p;
    }
    return bits(sum) ^ bits(poly);
}

uint32_t program(uint32_t rounds)
{
    uint32_t sum = 1;

    while (rounds--) {
        sum = sum * 33 + integer_round(sum);
        fill(sum | 1);
        for (uint32_t k = 0; k < 8; k++)
            sum = sum * 33 + float_round((float)k * 0.125f);
    }
    return sum;
}
