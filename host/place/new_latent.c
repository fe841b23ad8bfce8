/* SPDX-License-Identifier: Apache-2.0 */
/* new_latent.c - a token's own latent and rotated key on their way into the cache, and the RoPE
 * pairs of its queries. */
#include "place/attention.h"
#include "place/cache.h"

#include <assert.h>
#include <string.h>

/* The table of RoPE pairs of a buffer that holds `part` of vectors of `dim` elements, the rope part
 * last; kernel token will know it. */
static uint16_t rope_table(struct tile *t, uint16_t buffer, struct slice part, uint32_t dim,
                           uint16_t *count)
{
    uint32_t nope = dim - t->config->rope_dim, n = 0;
    for (uint32_t i = 0; i < part.count; i++)
        n += (part.first + i) % dim >= nope;
    n /= 2;
    *count = (uint16_t)n;
    uint16_t table;
    uint8_t *room = image_room(t->m, PART_PROGRAM, n * (uint32_t)sizeof(struct rope_pair), &table);
    for (uint32_t i = 0; room && i < part.count; i++) {
        uint32_t d = (part.first + i) % dim;
        if (d < nope || (d - nope) % 2)
            continue;
        uint64_t turns = t->plan->rope_turns[(d - nope) / 2];
        struct rope_pair pair = {.turns_low = (uint32_t)turns,
                                 .turns_high = (uint32_t)(turns >> 32),
                                 .at = word_at(buffer, i)};
        memcpy(room, &pair, sizeof pair);
        room += sizeof pair;
    }
    if (n) {
        assert(t->rope_count < TILE_ROPE_TABLES);
        t->rope[t->rope_count++] = (struct rope_table){table, (uint16_t)n};
    }
    return table;
}

uint16_t query_pairs(struct tile *t, const struct attention *a, struct slice mine, uint16_t queries,
                     uint16_t *count)
{
    return rope_table(t, word_at(queries, mine.first),
                      (struct slice){a->query.first + mine.first, mine.count}, a->query_dim, count);
}

static bool packs_latent(const struct tile *t, const struct attention *a)
{
    return a->blocks > 1 && t->plan->cache_bf16 && latent_grain(t->config) == 2;
}

uint32_t cached_words(const struct tile *t, const struct attention *a)
{
    return packs_latent(t, a) ? t->latent.count / 2 : t->latent.count;
}

void latent_kernel(struct tile *t, const struct attention *a, struct latent_part part, uint16_t src,
                   uint16_t dst, bool queries)
{
    struct weight w;
    uint32_t lora = t->config->kv_lora_rank, latents = part.latents.count;
    uint16_t pairs = 0, own;
    struct args_norm_rope args = {
        .src = src, .dst = dst, .scaled = (uint16_t)latents, .copied = (uint16_t)part.rope.count};
    if (!latents && a->input_norm) { /* the key has the input's norm only */
        args.norm = tile_norm(t, a->input_sum, t->config->hidden);
        args.scaled = args.copied;
        args.copied = 0;
    } else {
        args.norm = tile_norm(t, word_at(a->sums, 1), lora);
        args.norm.before = a->input_norm;
        tile_weight(t, ROLE_KV_A_NORM, &w);
        args.gain = block_vector(t->m, &w, part.latents);
    }
    if (queries)
        args.pairs = query_pairs(t, a, (struct slice){0, a->query.count}, a->own, &pairs);
    own = rope_table(t, word_at(dst, latents), part.rope, lora + t->config->rope_dim,
                     &args.pair_count);
    args.pairs = pairs ? args.pairs : own;
    args.pair_count = (uint16_t)(args.pair_count + pairs);
    image_kernel(t->m, KERNEL_norm_rope, &args, sizeof args);
}

/* From a row's elements of the new latent to element `at` of the column's part. */
struct turn {
    uint16_t turned, to;
    uint32_t at;
};

/* The same for a part that may be empty: then nothing is done, and false. */
static bool latent_piece(struct tile *t, const struct attention *a, struct latent_part part,
                         struct turn way, bool queries)
{
    struct slice s = part.latents.count ? part.latents : part.rope;
    uint16_t src = word_at(way.turned, s.first - a->turned.first);
    if (!s.count)
        return false;
    if (!packs_latent(t, a)) {
        latent_kernel(t, a, part, src, word_at(way.to, way.at), queries);
        return true;
    }
    latent_kernel(t, a, part, src, src, queries);
    image_step(t->m, (struct stream_desc){.op = STREAM_ROUND_BF16,
                                          .count = (uint16_t)s.count,
                                          .dst = (uint16_t)(way.to + 2 * way.at),
                                          .src0 = src});
    return true;
}

/* The pairs of the tile's queries alone. */
static void turn_queries(struct tile *t, const struct attention *a)
{
    struct args_norm_rope args = {.src = a->own, .dst = a->own};
    args.pairs = query_pairs(t, a, (struct slice){0, a->query.count}, a->own, &args.pair_count);
    if (args.pair_count)
        image_kernel(t->m, KERNEL_norm_rope, &args, sizeof args);
}

void latent_turned(struct tile *t, const struct attention *a, uint16_t turned, uint16_t to)
{
    struct latent_part in = latent_within(&t->latent, a->turned);
    struct latent_part latents = {.latents = in.latents}, rope = {.rope = in.rope};
    struct turn first = {turned, to, in.latents.first - t->latent.latents.first};
    struct turn second = {turned, to,
                          t->latent.latents.count + in.rope.first - t->latent.rope.first};
    bool done = latent_piece(t, a, latents, first, true);
    if (!latent_piece(t, a, rope, second, !done) && !done)
        turn_queries(t, a);
}

void latent_store(struct tile *t, struct attention *a, uint16_t latent)
{
    uint8_t op = t->plan->cache_bf16 && !packs_latent(t, a) ? STREAM_ROUND_BF16 : STREAM_COPY;
    a->cache = cache_place(t, a->slots);
    a->store = image_step(t->m, (struct stream_desc){.op = op, .dst = a->cache, .src0 = latent});
}
