/* SPDX-License-Identifier: Apache-2.0 */
/* rank.c - choosing experts together: each tile of a region compares the few experts of its row
 * with the few of its column. An expert's rank is how many beat it; the counts are summed along
 * columns, and what a tile knows of the first ranks is summed along rows. */
#include "firmware/fault.h"
#include "firmware/kernels/choice.h"
#include "firmware/kernels/kernels.h"
#include "firmware/kernels/words.h"

enum { THIS_FILE = FAULT_FILE_RANK_C };

/* A whole number below WHOLE_END that an fp32 word holds; of what is none, something beyond. The
 * sum has it in its low bits; to be converted, it would have to be compared twice first. */
enum { WHOLE_END = 1 << 23 };
static inline uint32_t whole(float word)
{
    return math_bits(word + 0x1p23f) - math_bits(0x1p23f);
}

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
    float *out = words(a->out);

    for (uint32_t n = a->my_count; n; n--, mine++, rank++) {
        uint32_t place = whole(*rank);
        TILE_CHECK(place < WHOLE_END, ARGUMENT, id);
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
    const float *place = words(a->sums), *score = place + a->top_k, *end = score;
    uint32_t *id = hal_sram(a->ids), top_k = a->top_k;
    float *weight = words(a->weights), total = 0.0f;

    OPAQUE(score); /* or it is added up again for each place */
    for (float *w = weight; place != end; place++, score++) {
        uint32_t expert = whole(*place) - 1;
        TILE_CHECK(expert < WHOLE_END, ARGUMENT, (uint32_t)(w - words(a->weights)));
        *id++ = expert;
        *w++ = *score;
        total += *score;
    }
    weigh(weight, top_k, total, a->factor, a->normalise);
}
