/* SPDX-License-Identifier: Apache-2.0 */
/* router.c - from router logits to the chosen experts' descriptors.
 *
 * Choosing is one pass that keeps a short list sorted by insertion: nearly every expert costs only
 * one comparison with the last entry, which is why that loop is kept tight. (A tournament over
 * blocks of experts was measured to be slower.) */
#include "firmware/fault.h"
#include "firmware/kernels/choice.h"
#include "firmware/kernels/kernels.h"
#include "firmware/kernels/math.h"
#include "firmware/kernels/words.h"
#include "hal/stream.h"

enum { THIS_FILE = FAULT_FILE_ROUTER_C };
enum { OFFSET_MAX = 0xffff };
#define COLD __attribute__((cold, noinline)) /* for size: few models have groups */

void kernel_sigmoid(uint32_t args)
{
    const struct args_sigmoid *a = hal_sram(args);
    const float *z = words(a->z);
    float *out = words(a->out), r = norm_factor(&a->norm);

    for (uint32_t n = a->count; n; n--)
        *out++ = 1.0f / (1.0f + math_exp(-(*z++ * r)));
    if (a->r_out)
        *words(a->r_out) = r;
}

/* The best so far, best first; of equals the one that came first. */
struct best {
    uint32_t *id;
    float *value;
    uint32_t count, max;
};

/* Put an entry in its place; the last one falls off a full list. Returns the value to beat. */
static __attribute__((noinline)) float best_insert(struct best *b, uint32_t id, float value)
{
    float *v = b->value + (b->count < b->max ? b->count++ : b->count - 1);
    uint32_t *i = b->id + (v - b->value);

    for (; v != b->value; v--, i--) {
        float above = v[-1];
        if (!(value > above))
            break;
        *v = above;
        *i = i[-1];
    }
    *v = value;
    *i = id;
    return b->value[b->count - 1];
}

/* Offer the experts first .. end - 1 to a full list: only what beats its last entry costs more than
 * a comparison. */
static void scan(struct best *b, const float *score, const float *bias, uint32_t first,
                 uint32_t end)
{
    float value, least = b->value[b->max - 1];

    for (; !bias && first < end; first++)
        if ((value = score[first]) > least)
            least = best_insert(b, first, value);
#pragma GCC unroll 4
    for (; first < end; first++)
        if ((value = score[first] + bias[first]) > least)
            least = best_insert(b, first, value);
}

/* Offer the experts first .. end - 1. max is not 0. */
static void offer(struct best *b, const struct args_topk *a, uint32_t first, uint32_t end)
{
    const float *score = words(a->scores), *bias = words_or_none(a->bias);

    for (; first < end && b->count < b->max; first++)
        best_insert(b, first, ordered(choice(score, bias, first)));
    if (first < end)
        scan(b, score, bias, first, end);
}

static COLD float group_value(const struct args_topk *a, uint32_t first, uint32_t end)
{
    float most = -0x1.fffffep127f, second = most;

    for (uint32_t e = first; e < end; e++) {
        float value = ordered(choice(words(a->scores), words_or_none(a->bias), e));
        if (value > most) {
            second = most;
            most = value;
        } else if (value > second) {
            second = value;
        }
    }
    return most + second;
}

/* Mark the group_k best groups in `stays`, one word per group. scratch holds the marks, then the
 * list's ids, then its values: groups + 2 * group_k words. */
static COLD const uint32_t *choose_groups(const struct args_topk *a, uint32_t size)
{
    uint32_t *stays = hal_sram(a->scratch);
    struct best b = {.id = stays + a->groups,
                     .value = words(a->scratch) + a->groups + a->group_k,
                     .max = a->group_k};

    for (uint32_t g = 0; g < a->groups; g++) {
        float value = ordered(group_value(a, g * size, (g + 1) * size));
        stays[g] = 0;
        if (b.count < b.max || value > b.value[b.max - 1])
            best_insert(&b, g, value);
    }
    for (uint32_t i = 0; i < b.count; i++)
        stays[b.id[i]] = 1;
    return stays;
}

static void choose_experts(const struct args_topk *a)
{
    struct best b = {.id = hal_sram(a->ids), .value = words(a->weights), .max = a->top_k};

    if (a->groups > 1) {
        uint32_t size = a->experts / a->groups;
        const uint32_t *stays = choose_groups(a, size);
        for (uint32_t g = 0; g < a->groups; g++)
            if (stays[g])
                offer(&b, a, g * size, (g + 1) * size);
    } else {
        offer(&b, a, 0, a->experts);
    }
    TILE_CHECK(b.count == a->top_k, ARGUMENT, b.count);
}

void kernel_topk(uint32_t args)
{
    const struct args_topk *a = hal_sram(args);
    const uint32_t *id = hal_sram(a->ids);
    const float *score = words(a->scores);
    float *weight = words(a->weights), sum = 0.0f;

    if (!a->top_k)
        return;
    TILE_CHECK(a->groups <= 1 || (a->experts % a->groups == 0 && a->group_k <= a->groups), ARGUMENT,
               a->groups);
    choose_experts(a);
    for (uint32_t i = 0; i < a->top_k; i++) {
        weight[i] = score[id[i]];
        sum += weight[i];
    }
    weigh(weight, a->top_k, sum, a->factor, a->normalise);
}

static uint16_t slice_offset(uint32_t base, uint32_t id, uint32_t step)
{
    uint32_t offset = base + id * step;

    TILE_CHECK(offset <= OFFSET_MAX, ARGUMENT, offset);
    return (uint16_t)offset;
}

void kernel_select(uint32_t args)
{
    const struct args_select *a = hal_sram(args);
    const struct select_entry *entry = hal_sram(a->entries);
    const uint32_t *ids = hal_sram(a->ids);

    for (uint32_t n = a->count; n; n--, entry++) {
        struct stream_desc *d = hal_sram(entry->desc);
        uint32_t id = ids[entry->slot];
        TILE_CHECK(id <= OFFSET_MAX, ARGUMENT, id); /* and the product below cannot wrap */
        d->src0 = slice_offset(entry->weight, id, entry->weight_step);
        d->scales = slice_offset(entry->scale, id, entry->scale_step);
    }
}
