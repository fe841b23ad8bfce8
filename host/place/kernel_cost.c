/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_cost.c - what a kernel takes, by its arguments. */
#include "place/kernel_cost.h"

/* Dispatch and what a kernel does once; without the way back to sleep, which is beside what
 * follows. */
static uint32_t fixed_part(enum kernel kernel)
{
    switch (kernel) {
    case KERNEL_rsqrt:
        return 84;
    case KERNEL_norm_rope:
        return 61;
    case KERNEL_score_max:
        return 29;
    case KERNEL_score_exp:
        return 74;
    case KERNEL_reciprocal:
        return 31;
    case KERNEL_sigmoid:
        return 106;
    case KERNEL_topk:
        return 415;
    case KERNEL_rank_count:
        return 59;
    case KERNEL_rank_place:
        return 52;
    case KERNEL_rank_finish:
        return 30;
    case KERNEL_select_units:
        return 52;
    case KERNEL_swiglu:
        return 112;
    case KERNEL_token:
        return 124;
    case KERNEL_none:
    case KERNEL_select:
    case KERNEL_COUNT:
        break;
    }
    return 34;
}

/* A root and a division; the norm before it needs another sum. */
static uint32_t norm_items(const struct args_norm *a)
{
    return (a->sum ? CYCLES_NORM : 0u) + (a->before ? CYCLES_NORM_BEFORE : 0u);
}

static uint32_t norm_rope_items(const struct args_norm_rope *a)
{
    uint32_t word = a->gain ? CYCLES_GAINED_WORD : CYCLES_SCALED_WORD;
    uint32_t copied = a->src == a->dst ? 0 : a->copied;
    return norm_items(&a->norm) + a->scaled * word + copied * (uint32_t)CYCLES_SCALED_WORD +
           a->pair_count * (uint32_t)CYCLES_ROPE_PAIR;
}

static uint32_t score_items(const struct args_score *a, uint32_t head, uint32_t each,
                            uint32_t cached)
{
    uint32_t part = (uint32_t)(((uint64_t)cached * a->each_part + UINT32_MAX) >> 32);
    uint32_t positions = a->each_part ? part : cached;
    return a->heads * (positions * each + head);
}

/* Random scores. With groups: each is looked at, the best are put in order, then their experts. */
static uint32_t topk_items(const struct args_topk *a)
{
    if (a->groups < 2)
        return 535 + a->experts * 17u;
    uint32_t offered = (uint32_t)a->experts * a->group_k / a->groups;
    return a->experts * 20u + a->groups * 40u + a->group_k * 110u + a->top_k * 70u +
           offered * (25u + 4u * a->top_k);
}

/* An expert's first value takes its weight as well. */
static uint32_t swiglu_items(const struct args_swiglu *a)
{
    uint32_t experts = a->experts && a->width ? (a->count + a->width - 1u) / a->width : 0;
    return a->count * (uint32_t)CYCLES_SWIGLU + experts * (uint32_t)CYCLES_SWIGLU_EXPERT +
           (a->norm.sum ? CYCLES_SWIGLU_NORM : 0u);
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
        return score_items(args, CYCLES_HEAD_MAX, CYCLES_SCORE_MAX, cached);
    case KERNEL_score_exp:
        return score_items(args, CYCLES_HEAD_EXP, CYCLES_SCORE_EXP, cached);
    case KERNEL_reciprocal:
        return ((const struct args_reciprocal *)args)->count * CYCLES_RECIPROCAL;
    case KERNEL_sigmoid:
        return ((const struct args_sigmoid *)args)->count * CYCLES_SIGMOID;
    case KERNEL_topk:
        return topk_items(args);
    case KERNEL_rank_count:
        return rank_items(args);
    case KERNEL_rank_place:
        return ((const struct args_rank_place *)args)->my_count * (uint32_t)CYCLES_RANK_PLACE + 10;
    case KERNEL_rank_finish:
        return ((const struct args_rank_finish *)args)->top_k * CYCLES_RANK_CHOSEN;
    case KERNEL_select:
        return ((const struct args_select *)args)->count * (uint32_t)CYCLES_SELECT;
    case KERNEL_select_units:
        return ((const struct args_select_units *)args)->count * CYCLES_UNIT_SLOT;
    case KERNEL_swiglu:
        return swiglu_items(args);
    case KERNEL_rsqrt:
        return ((const struct args_rsqrt *)args)->norm.before ? CYCLES_RSQRT_BEFORE : 0;
    case KERNEL_none:
    case KERNEL_token: /* place/trace.h */
    case KERNEL_COUNT:
        break;
    }
    return 0;
}

struct kernel_cost kernel_cost(enum kernel kernel, const void *args, uint32_t cached)
{
    return (struct kernel_cost){fixed_part(kernel), items_of(kernel, args, cached)};
}
