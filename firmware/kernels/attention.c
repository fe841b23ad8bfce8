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

static struct span span_of(const struct args_score *a, uint32_t cached)
{
    if (!a->parts)
        return (struct span){0, cached};
    uint32_t from = cached * a->part / a->parts, to = cached * (a->part + 1u) / a->parts;
    return (struct span){from, to - from};
}

void kernel_score_max(uint32_t args)
{
    const struct args_score *a = hal_sram(args);
    const struct token_state *state = hal_sram(a->state);
    uint32_t cached = state->cached;
    struct span mine = span_of(a, cached);
    float *row = words(a->scores + 4 * (a->first * cached + mine.skip)), *max = words(a->max);
    float scale = a->scale;

    for (uint32_t j = a->heads; j; j--, row += cached) {
        float most = -0x1.fffffep127f, *score = row;
#pragma GCC unroll 2
        for (uint32_t t = mine.count; t; t--, score++) {
            float s = *score * scale;
            *score = s;
            most = math_max(most, s);
        }
        *max++ = most;
    }
}

static void clear_last(struct args_score *a, uint32_t cached)
{
    uint32_t was = a->was;
    struct span mine = span_of(a, was);
    float *row = words(a->exp + 4 * (a->first * was + mine.skip));

    for (uint32_t j = a->heads; j; j--, row += was)
        for (uint32_t t = 0; t < mine.count; t++)
            row[t] = 0.0f;
    a->was = (uint16_t)cached;
}

void kernel_score_exp(uint32_t args)
{
    struct args_score *a = hal_sram(args);
    const struct token_state *state = hal_sram(a->state);
    uint32_t cached = state->cached;
    struct span mine = span_of(a, cached);
    uint32_t skip = 4 * (a->first * cached + mine.skip);
    const float *score = words(a->scores + skip), *max = words(a->max);
    float *out = words(a->exp + skip), *sum = words(a->sum);

    if (a->share)
        clear_last(a, cached);
    for (uint32_t j = a->heads; j; j--) {
        float most = *max++, total = 0.0f;
        for (uint32_t t = mine.count; t; t--) {
            float e = math_exp(*score++ - most);
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
