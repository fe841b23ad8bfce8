/* SPDX-License-Identifier: Apache-2.0 */
/* rank.c - choosing experts together: each tile of a region compares the few experts of its row
 * with the few of its column. An expert's rank is how many beat it; the counts are summed along
 * columns, and what a tile knows of the first ranks is summed along rows. */
#include "firmware/fault.h"
#include "firmware/kernels/choice.h"
#include "firmware/kernels/kernels.h"
#include "firmware/kernels/words.h"

enum { THIS_FILE = FAULT_FILE_RANK_C };

#define COUNT_MAX 0x1p24f /* whole numbers up to it are exact in an fp32 word */

/* How many of `count` experts, the first `before` of them of a lower number, beat `value`. */
static inline uint32_t beaten_by(const float *score, const float *bias, uint32_t before,
                                 uint32_t count, float value)
{
    uint32_t rank = 0, e = 0;

    for (; e < before; e++)
        rank += ordered(choice(score, bias, e)) >= value;
    for (; e < count; e++)
        rank += ordered(choice(score, bias, e)) > value;
    return rank;
}

void kernel_rank_count(uint32_t args)
{
    const struct args_rank_count *a = hal_sram(args);
    const float *theirs = words(a->theirs), *mine = words(a->mine);
    const float *their_bias = words_or_none(a->their_bias), *my_bias = words_or_none(a->my_bias);
    uint32_t count = a->their_count;
    float *out = words(a->out);

    for (uint32_t k = 0; k < a->my_count; k++) {
        int32_t lower = (int32_t)(a->my_first + k) - a->their_first;
        uint32_t before = lower < 0 ? 0 : (uint32_t)lower < count ? (uint32_t)lower : count;
        float value = ordered(choice(mine, my_bias, k));
        out[k] = (float)beaten_by(theirs, their_bias, before, count, value);
    }
}

void kernel_rank_place(uint32_t args)
{
    const struct args_rank_place *a = hal_sram(args);
    const float *mine = words(a->mine), *rank = words(a->ranks);
    uint32_t top_k = a->top_k, id = a->my_first;
    float *out = words(a->out), *end = out + 2 * top_k;

    for (float *clear = out; clear != end; clear += 2)
        clear[0] = clear[1] = 0.0f;
    for (uint32_t n = a->my_count; n; n--, mine++, rank++) {
        TILE_CHECK(*rank >= 0.0f && *rank <= COUNT_MAX, ARGUMENT, id);
        uint32_t place = (uint32_t)*rank;
        id++;
        if (place < top_k) {
            out[place] = (float)id;
            out[top_k + place] = *mine;
        }
    }
}

void kernel_rank_finish(uint32_t args)
{
    const struct args_rank_finish *a = hal_sram(args);
    const float *sum = words(a->sums);
    uint32_t *id = hal_sram(a->ids), top_k = a->top_k;
    float *weight = words(a->weights), total = 0.0f;

    for (uint32_t i = 0; i < top_k; i++) {
        float number = sum[i], score = sum[top_k + i];
        TILE_CHECK(number >= 1.0f && number <= COUNT_MAX, ARGUMENT, i);
        id[i] = (uint32_t)number - 1;
        weight[i] = score;
        total += score;
    }
    weigh(weight, top_k, total, a->factor, a->normalise);
}
