/* SPDX-License-Identifier: Apache-2.0 */
/* attention.c - the softmax over a tile's share of the positions, in the two steps that the
 * reductions between tiles leave: maximum, then exponentials and their sum. */
#include "firmware/kernels/kernels.h"
#include "firmware/kernels/math.h"
#include "firmware/kernels/words.h"

void kernel_score_max(uint32_t args)
{
    const struct args_score *a = hal_sram(args);
    const struct token_state *state = hal_sram(a->state);
    float *score = words(a->scores + 4 * a->first * state->cached), *max = words(a->max);
    float scale = a->scale;

    for (uint32_t j = a->heads; j; j--) {
        float most = -0x1.fffffep127f;
        for (uint32_t t = state->cached; t; t--, score++) {
            float s = *score * scale;
            *score = s;
            most = math_max(most, s);
        }
        *max++ = most;
    }
}

static void clear_last(struct args_score *a, uint32_t cached)
{
    float *e = words(a->exp + 4u * a->first * a->was);

    for (uint32_t n = (uint32_t)a->heads * a->was; n; n--)
        *e++ = 0.0f;
    a->was = (uint16_t)cached;
}

void kernel_score_exp(uint32_t args)
{
    struct args_score *a = hal_sram(args);
    const struct token_state *state = hal_sram(a->state);
    uint32_t skip = 4 * a->first * state->cached;
    const float *score = words(a->scores + skip), *max = words(a->max);
    float *out = words(a->exp + skip), *sum = words(a->sum);

    if (a->share)
        clear_last(a, state->cached);
    for (uint32_t j = a->heads; j; j--) {
        float most = *max++, total = 0.0f;
        for (uint32_t t = state->cached; t; t--) {
            float e = math_exp(*score++ - most);
            *out++ = e;
            total += e;
        }
        *sum++ = total;
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
