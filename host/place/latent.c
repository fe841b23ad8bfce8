/* SPDX-License-Identifier: Apache-2.0 */
/* latent.c - cutting latents and RoPE pairs over the columns of a block. */
#include "place/latent.h"

/* The most a column may have. */
struct limits {
    uint32_t latents, all;
};

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* How many latents have room in the columns before `end`: of those `more` have a pair more than the
 * others. */
static uint32_t room(const struct model_config *k, uint32_t columns, uint32_t end, struct limits l)
{
    uint32_t pairs = k->rope_dim / 2, few = pairs / columns;
    uint32_t more = slice_of(pairs, columns, end).first - end * few;
    return more * least(l.latents, l.all - 2 * few - 2) +
           (end - more) * least(l.latents, l.all - 2 * few);
}

static uint32_t share(uint32_t count, uint32_t columns)
{
    return (count + columns - 1) / columns;
}

static struct limits least_limits(const struct model_config *k, uint32_t columns)
{
    uint32_t pairs = 2 * share(k->rope_dim / 2, columns);
    struct limits l = {.latents = share(k->kv_lora_rank, columns),
                       .all = share(k->kv_lora_rank + k->rope_dim, columns)};
    if (l.all < pairs)
        l.all = pairs;
    while (room(k, columns, columns, l) < k->kv_lora_rank)
        l.latents++;
    return l;
}

static struct latent_part part_of(struct slice latents, struct slice rope)
{
    return (struct latent_part){latents, rope, latents.count + rope.count};
}

/* Latents fill the columns in proportion to their room. */
struct latent_part latent_of_column(const struct model_config *k, uint32_t columns, uint32_t i)
{
    struct limits l = least_limits(k, columns);
    uint64_t lora = k->kv_lora_rank, all = room(k, columns, columns, l);
    uint32_t from = (uint32_t)(lora * room(k, columns, i, l) / all);
    uint32_t to = (uint32_t)(lora * room(k, columns, i + 1, l) / all);
    struct slice pairs = slice_of(k->rope_dim / 2, columns, i);
    return part_of((struct slice){from, to - from},
                   (struct slice){k->kv_lora_rank + 2 * pairs.first, 2 * pairs.count});
}

struct latent_part latent_within(const struct latent_part *part, struct slice s)
{
    return part_of(slice_overlap(part->latents, s), slice_overlap(part->rope, s));
}
