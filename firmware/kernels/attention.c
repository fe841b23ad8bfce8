/* SPDX-License-Identifier: Apache-2.0 */
/* attention.c - the softmax over a tile's share of the positions, in the two steps that the
 * reductions between tiles leave: maximum, then exponentials and their sum. */
#include "firmware/fault.h"
#include "firmware/kernels/kernels.h"
#include "firmware/kernels/math.h"
#include "firmware/kernels/words.h"

enum { THIS_FILE = FAULT_FILE_ATTENTION_C };

void kernel_score_max(uint32_t args)
{
    const struct args_score *a = hal_sram(args);
    const struct token_state *state = hal_sram(a->state);
    float *score = words(a->scores), *max = words(a->max);
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

void kernel_score_exp(uint32_t args)
{
    const struct args_score *a = hal_sram(args);
    const struct token_state *state = hal_sram(a->state);
    const float *score = words(a->scores), *max = words(a->max);
    float *out = words(a->exp), *sum = words(a->sum);

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

void kernel_head_scale(uint32_t args)
{
    const struct args_head_scale *a = hal_sram(args);
    const float *sum = words(a->sums);
    float *data = words(a->data);
    uint32_t left; /* values until the next head's begin */

    TILE_CHECK(a->head_dim, ARGUMENT, a->head_dim);
    left = a->head_dim - a->first % a->head_dim;
    sum += a->first / a->head_dim;
    for (uint32_t i = 0; i < a->count; i++) {
        data[i] /= *sum;
        if (!--left) {
            left = a->head_dim;
            sum++;
        }
    }
}
