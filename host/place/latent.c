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

/* The vector in grains. */
struct grains {
    uint32_t latents, pairs, pair; /* of a pair */
};

static struct grains grains_of(const struct model_config *k)
{
    uint32_t grain = latent_grain(k);
    return (struct grains){k->kv_lora_rank / grain, k->rope_dim / 2, 2 / grain};
}

/* How many latents have room in the columns before `end`: of those `more` have a pair more than the
 * others. */
static uint32_t room(struct grains g, uint32_t columns, uint32_t end, struct limits l)
{
    uint32_t few = g.pairs / columns;
    uint32_t more = slice_of(g.pairs, columns, end).first - end * few;
    return more * least(l.latents, l.all - g.pair * (few + 1)) +
           (end - more) * least(l.latents, l.all - g.pair * few);
}

static struct limits least_limits(struct grains g, uint32_t columns)
{
    uint32_t pairs = g.pair * slice_most(g.pairs, columns);
    struct limits l = {.latents = slice_most(g.latents, columns),
                       .all = slice_most(g.latents + g.pair * g.pairs, columns)};
    if (l.all < pairs)
        l.all = pairs;
    while (room(g, columns, columns, l) < g.latents)
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
    struct grains g = grains_of(k);
    struct limits l = least_limits(g, columns);
    uint64_t latents = g.latents, all = room(g, columns, columns, l);
    uint32_t from = (uint32_t)(latents * room(g, columns, i, l) / all) * latent_grain(k);
    uint32_t to = (uint32_t)(latents * room(g, columns, i + 1, l) / all) * latent_grain(k);
    struct slice pairs = slice_of(g.pairs, columns, i);
    return part_of((struct slice){from, to - from},
                   (struct slice){k->kv_lora_rank + 2 * pairs.first, 2 * pairs.count});
}

struct latent_part latent_within(const struct latent_part *part, struct slice s)
{
    return part_of(slice_overlap(part->latents, s), slice_overlap(part->rope, s));
}
