/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_cost.c - what a kernel takes, by its arguments. */
#include "place/kernel_cost.h"

/* Dispatch and the kernel's own prologue; without the way back to sleep, which is beside what
 * follows. */
static uint32_t fixed_part(enum kernel kernel)
{
    switch (kernel) {
    case KERNEL_rsqrt:
        return 84;
    case KERNEL_norm_rope:
        return 79;
    case KERNEL_score_max:
        return 62;
    case KERNEL_score_exp:
        return 99;
    case KERNEL_reciprocal:
        return 71;
    case KERNEL_sigmoid:
        return 59;
    case KERNEL_topk:
        return 950;
    case KERNEL_rank_count:
        return 76;
    case KERNEL_rank_place:
        return 52;
    case KERNEL_rank_finish:
        return 47;
    case KERNEL_select_units:
        return 68;
    case KERNEL_swiglu:
        return 93;
    case KERNEL_none:
    case KERNEL_token:
    case KERNEL_select:
    case KERNEL_COUNT:
        break;
    }
    return 34;
}

static uint32_t norm_rope_items(const struct args_norm_rope *a)
{
    uint32_t word = a->gain ? CYCLES_GAINED_WORD : CYCLES_SCALED_WORD;
    return a->scaled * word + a->copied * (uint32_t)CYCLES_SCALED_WORD +
           a->pair_count * (uint32_t)CYCLES_ROPE_PAIR;
}

static uint32_t score_items(const struct args_score *a, uint32_t each, uint32_t cached)
{
    uint32_t part = (uint32_t)(((uint64_t)cached * a->each_part + UINT32_MAX) >> 32);
    uint32_t positions = a->each_part ? part : cached;
    return a->heads * (positions * each + 10);
}

static uint32_t rank_items(const struct args_rank_count *a)
{
    return (uint32_t)a->my_count * (CYCLES_RANK_MINE + a->their_count * (uint32_t)CYCLES_RANK_PAIR);
}

static uint32_t items_of(enum kernel kernel, const void *args, uint32_t cached)
{
    switch (kernel) {
    case KERNEL_norm_rope:
        return norm_rope_items(args);
    case KERNEL_score_max:
        return score_items(args, CYCLES_SCORE_MAX, cached);
    case KERNEL_score_exp:
        return score_items(args, CYCLES_SCORE_EXP, cached);
    case KERNEL_reciprocal:
        return ((const struct args_reciprocal *)args)->count * CYCLES_RECIPROCAL;
    case KERNEL_sigmoid:
        return ((const struct args_sigmoid *)args)->count * CYCLES_SIGMOID;
    case KERNEL_topk: /* random scores */
        return ((const struct args_topk *)args)->experts * 17;
    case KERNEL_rank_count:
        return rank_items(args);
    case KERNEL_rank_place:
        return ((const struct args_rank_place *)args)->my_count * (uint32_t)CYCLES_RANK_PLACE + 10;
    case KERNEL_rank_finish:
        return ((const struct args_rank_finish *)args)->top_k * CYCLES_RANK_CHOSEN;
    case KERNEL_select:
        return ((const struct args_select *)args)->count * 35u;
    case KERNEL_select_units:
        return ((const struct args_select_units *)args)->count * CYCLES_UNIT_SLOT;
    case KERNEL_swiglu:
        return ((const struct args_swiglu *)args)->count * CYCLES_SWIGLU;
    case KERNEL_none:
    case KERNEL_token:
    case KERNEL_rsqrt:
    case KERNEL_COUNT:
        break;
    }
    return 0;
}

struct kernel_cost kernel_cost(enum kernel kernel, const void *args, uint32_t cached)
{
    return (struct kernel_cost){fixed_part(kernel), items_of(kernel, args, cached)};
}
