/* SPDX-License-Identifier: Apache-2.0 */
/* norm.c - RMS norms applied after the product they belong to, and RoPE. */
#include "firmware/kernels/kernels.h"
#include "firmware/kernels/words.h"

void kernel_rsqrt(uint32_t args)
{
    const struct args_rsqrt *a = hal_sram(args);

    *words(a->out) = norm_factor_after(&a->norm);
}

static void rotate(const struct rope_pair *pair)
{
    float *x = words(pair->at);
    float x0 = x[0], x1 = x[1], s = pair->sine, c = pair->cosine;

    x[0] = x0 * c - x1 * s;
    x[1] = x0 * s + x1 * c;
}

void kernel_norm_rope(uint32_t args)
{
    const struct args_norm_rope *a = hal_sram(args);
    const struct rope_pair *pair = hal_sram(a->pairs);
    const float *src = words(a->src), *gain = words(a->gain);
    float *dst = words(a->dst), r = norm_factor_after(&a->norm);
    uint32_t i = 0;

    if (a->gain)
#pragma GCC unroll 2
        for (; i < a->scaled; i++)
            dst[i] = src[i] * r * gain[i];
#pragma GCC unroll 2
    for (; i < a->scaled; i++)
        dst[i] = src[i] * r;
    if (src != dst)
        for (; i < (uint32_t)a->scaled + a->copied; i++)
            dst[i] = src[i];
    for (uint32_t n = a->pair_count; n; n--, pair++)
        rotate(pair);
}
