/* SPDX-License-Identifier: Apache-2.0 */
/* attention.c - the softmax over a tile's share of the positions, in the two steps that the
 * reductions between tiles leave: maximum, then exponentials and their sum. */
#include "firmware/kernels/kernels.h"
#include "firmware/kernels/math.h"
#include "firmware/kernels/words.h"

/* The positions of `cached` that a tile works on: `skip` before them, then `count`. */
struct span {
    uint32_t skip, count;
};

static uint32_t parts_of(uint32_t times, uint32_t each)
{
    return (uint32_t)((uint64_t)times * each >> 32);
}

static struct span span_of(const struct args_score *a, uint32_t cached)
{
    uint32_t each = a->each_part, before = cached * a->part;
    if (!each)
        return (struct span){0, cached};
    uint32_t from = parts_of(before, each);
    return (struct span){from, parts_of(before + cached, each) - from};
}

void kernel_score_max(uint32_t args)
{
    const struct args_score *a = hal_sram(args);
    const struct token_state *state = hal_sram(a->state);
    uint32_t cached = state->cached;
    struct span mine = span_of(a, cached);
    const float *row = words(a->scores + 4 * (a->first * cached + mine.skip));
    float *max = words(a->max);

    for (uint32_t j = a->heads; j; j--, row += cached) {
        float most = -0x1.fffffep127f;
        const float *score = row;
#pragma GCC unroll 2
        for (const float *end = score + mine.count; score != end;)
            most = math_max(most, *score++);
        *max++ = most;
    }
}

void kernel_score_exp(uint32_t args)
{
    const struct args_score *a = hal_sram(args);
    const struct token_state *state = hal_sram(a->state);
    uint32_t cached = state->cached;
    struct span mine = span_of(a, cached);
    uint32_t skip = 4 * (a->first * cached + mine.skip);
    const float *score = words(a->scores + skip), *max = words(a->max);
    float *out = words(a->exp + skip), *sum = words(a->sum), scale = a->scale;

    for (uint32_t j = a->heads; j; j--) {
        float most = *max++ * scale, total = 0.0f;
        for (const float *end = score + mine.count; score != end;) {
            float e = math_exp_below(__builtin_fmaf(*score++, scale, -most));
            *out++ = e;
            total += e;
        }
        *sum++ = total;
        score += cached - mine.count;
        out += cached - mine.count;
    }
}

void kernel_reciprocal(uint32_t args)
{
    const struct args_reciprocal *a = hal_sram(args);
    const float *src = words(a->src);
    float *dst = words(a->dst);

    for (uint32_t n = a->count; n; n--)
        *dst++ = 1.0f / *src++;
}
