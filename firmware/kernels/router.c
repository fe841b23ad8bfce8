/* SPDX-License-Identifier: Apache-2.0 */
/* router.c - from router logits to the chosen experts' descriptors.
 *
 * Choosing is one pass that keeps a short list sorted by insertion: nearly every expert costs one
 * comparison. */
#include "firmware/fault.h"
#include "firmware/kernels/kernels.h"
#include "firmware/kernels/math.h"
#include "firmware/kernels/words.h"
#include "hal/stream.h"

enum { THIS_FILE = FAULT_FILE_ROUTER_C };
enum { OFFSET_MAX = 0xffff };

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

static void best_insert(struct best *b, uint32_t id, float value)
{
    uint32_t at;

    if (b->count < b->max)
        b->count++;
    else if (!(value > b->value[b->max - 1]))
        return;
    for (at = b->count - 1; at && value > b->value[at - 1]; at--) {
        b->value[at] = b->value[at - 1];
        b->id[at] = b->id[at - 1];
    }
    b->value[at] = value;
    b->id[at] = id;
}

/* What an expert is chosen by. NaN counts as the least, so that it can never hold a place. */
static float choice(const struct args_topk *a, uint32_t e)
{
    float value = words(a->scores)[e];

    if (a->bias)
        value += words(a->bias)[e];
    return value > -0x1.fffffep127f ? value : -0x1.fffffep127f;
}

static float group_value(const struct args_topk *a, uint32_t first, uint32_t end)
{
    float most = -0x1.fffffep127f, second = most;

    for (uint32_t e = first; e < end; e++) {
        float value = choice(a, e);
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
static const uint32_t *choose_groups(const struct args_topk *a, uint32_t size)
{
    uint32_t *stays = hal_sram(a->scratch);
    struct best b = {.id = stays + a->groups,
                     .value = words(a->scratch) + a->groups + a->group_k,
                     .max = a->group_k};

    for (uint32_t g = 0; g < a->groups; g++) {
        stays[g] = 0;
        best_insert(&b, g, group_value(a, g * size, (g + 1) * size));
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
            for (uint32_t e = g * size; stays[g] && e < (g + 1) * size; e++)
                best_insert(&b, e, choice(a, e));
    } else {
        for (uint32_t e = 0; e < a->experts; e++)
            best_insert(&b, e, choice(a, e));
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
    for (uint32_t i = 0; i < a->top_k; i++)
        weight[i] = (a->normalise ? weight[i] / (sum + 1e-20f) : weight[i]) * a->factor;
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
