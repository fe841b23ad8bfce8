/* SPDX-License-Identifier: Apache-2.0 */
/* softmax.c - phases 4 to 6 of plan.h: scores, their softmax, weighted latents. */
#include "place/attention.h"
#include "place/share.h"

#include <stddef.h>

static uint16_t cache_row_bytes(const struct tile *t, const struct attention *a)
{
    return (uint16_t)(t->latent.count * a->latent_bytes);
}

/* The factor that scores of several blocks are multiplied by: their scale and the norm of q_a, made
 * beside their product. scale / sqrt(x) is 1 / sqrt(x / scale^2). */
static struct args_rsqrt score_factor(const struct tile *t, const struct attention *a, uint16_t out)
{
    float scale = (float)attention_scale(t->config);
    struct args_rsqrt args = {.norm = tile_norm(t, a->sums, t->config->q_lora_rank), .out = out};
    args.norm.before = a->input_norm;
    args.norm.inv_n /= scale * scale;
    args.norm.eps /= scale * scale;
    return args;
}

void scale_begin(struct tile *t, struct attention *a)
{
    if (!t->config->q_lora_rank)
        return;
    struct args_rsqrt args = score_factor(t, a, image_words(t->m, PART_BUFFERS, 1));
    a->factor_args = image_kernel_beside(t->m, KERNEL_rsqrt, &args, sizeof args);
}

/* It is written into the arguments at `score`. */
static void scale_finish(struct tile *t, const struct attention *a, uint16_t score)
{
    struct args_rsqrt args =
        score_factor(t, a, (uint16_t)(score + offsetof(struct args_score, scale)));
    if (a->factor_args)
        image_rewrite(t->m, a->factor_args, &args, sizeof args);
}

/* Descriptor `at` reads this user's part of the cache. */
static void follow_user(struct tile *t, const struct attention *a, uint16_t at)
{
    if (t->plan->users > 1)
        patch_add_user(&t->patches, at + (uint32_t)offsetof(struct stream_desc, src0), a->cache,
                       a->slots * t->latent.count * a->latent_bytes);
}

/* A product over the cache, once per head; the number of positions is patched for every token. */
static void score_product(struct tile *t, struct attention *a, uint16_t part)
{
    uint8_t op = t->plan->cache_bf16 ? STREAM_DOT_BF16 : STREAM_DOT_F32;
    if (t->latent.count == 0)
        return;
    uint16_t at =
        image_step(t->m, (struct stream_desc){.op = op,
                                              .dst = part,
                                              .src0 = a->cache,
                                              .src1 = a->latent_queries,
                                              .cols = (uint16_t)t->latent.count,
                                              .row_bytes = cache_row_bytes(t, a),
                                              .batch = (uint16_t)a->heads,
                                              .src1_step = (uint16_t)(t->latent.count * 4)});
    image_product(t->m, (struct stream_desc){.op = op,
                                             .count = (uint16_t)t->m->cached,
                                             .cols = (uint16_t)t->latent.count,
                                             .batch = (uint16_t)a->heads});
    patch_add(&t->patches, at + (uint32_t)offsetof(struct stream_desc, count), 1, 0);
    patch_add(&t->patches, at + (uint32_t)offsetof(struct stream_desc, dst_step), 4, 0);
    follow_user(t, a, at);
}

/* How many scores of a head a tile has when half the context is used: what choices are made by. */
static uint32_t usual_cached(const struct tile *t)
{
    return t->plan->context / (2 * t->rows) + 1;
}

/* How a block's rows share the softmax: by heads when there is one block, or else by positions. The
 * same for all rows, for columns agree on maxima. */
static bool softmax_shares(const struct tile *t, const struct attention *a)
{
    uint32_t cached = usual_cached(t), length = t->block.length;
    uint32_t scores = a->heads * cached, each = CYCLES_SCORE_MAX + CYCLES_SCORE_EXP;
    uint32_t most = a->blocks > 1 ? a->heads * ((cached + length - 1) / length)
                                  : (a->heads + length - 1) / length * cached;
    struct share_work work = {.all = (uint64_t)scores * each,
                              .most = (uint64_t)most * each,
                              .sums = scores,
                              .values = a->heads + scores};
    return share_pays(t->plan->machine, &t->block, &work);
}

void score_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    a->weights = image_words(m, PART_BUFFERS, a->heads * (1 + a->slots));
    uint16_t scores = word_at(a->weights, a->heads), part = scores;
    if (!t->latent.count)
        part = image_words(m, PART_BUFFERS, a->heads * a->slots);
    score_product(t, a, part);
    line_reduce(m, &t->block, REDUCE_ADD, part, scores,
                (struct length){.times = a->heads, .patches = &t->patches});
    image_mark(m, PHASE_SCORES);
}

/* The maxima of the scores of a tile's heads become those of all positions: along the block's row
 * where it shares by positions, then along the column. */
static uint16_t agree_on_maxima(struct tile *t, uint16_t max, uint32_t heads, bool positions)
{
    struct image *m = t->m;
    uint16_t top = image_words(m, PART_BUFFERS, heads);
    if (positions && !t->hub) {
        uint16_t row = image_words(m, PART_BUFFERS, heads);
        line_reduce(m, &t->block, REDUCE_MAX, max, row, fixed(heads));
        max = row;
    }
    if (!positions || t->block.index == t->block.root)
        tile_column(t, REDUCE_MAX, max, top, heads);
    if (positions && !t->hub)
        line_broadcast(m, &t->block, top, fixed(heads));
    return top;
}

/* The tiles that hold scores of the same heads agree on each head's maximum; then they make
 * exp(score - maximum) and its sums. `out`: [heads] sums, then exp. */
static void softmax_kernels(struct tile *t, struct attention *a, bool shares, uint16_t out)
{
    struct image *m = t->m;
    bool positions = shares && a->blocks > 1;
    struct slice mine = share_part(&t->block, shares, a->heads);
    if (positions)
        mine = (struct slice){0, a->heads};
    if (!mine.count)
        return;
    if (t->hub) {
        (void)agree_on_maxima(t, LINE_NO_PART, mine.count, positions);
        return;
    }
    struct args_score args = {.scale = (float)attention_scale(t->config),
                              .scores = word_at(a->weights, a->heads),
                              .max = image_words(m, PART_BUFFERS, mine.count),
                              .sum = word_at(out, mine.first),
                              .exp = word_at(out, a->heads),
                              .heads = (uint16_t)mine.count,
                              .first = (uint16_t)mine.first,
                              .state = t->state};
    if (positions)
        args.part = (uint16_t)t->block.index, args.each_part = score_each_part(t->block.length);
    image_kernel(m, KERNEL_score_max, &args, sizeof args);
    args.max = agree_on_maxima(t, args.max, mine.count, positions);
    scale_finish(t, a, image_kernel(m, KERNEL_score_exp, &args, sizeof args));
}

/* Where the row shares: room for this tile's sums and weights, of which all but its own are zero.
 */
static uint16_t softmax_begin(struct tile *t, const struct attention *a, struct length scores)
{
    uint16_t out = share_begin(t->m, &t->block, word_at(a->weights, a->heads), scores,
                               a->heads * (1 + a->slots));
    line_step(t->m,
              (struct stream_desc){.op = STREAM_DOT_F32,
                                   .dst = word_at(out, a->heads),
                                   .src0 = TILE_PROGRAM_OFFSET,
                                   .src1 = TILE_PROGRAM_OFFSET},
              scores);
    return out;
}

void softmax_phase(struct tile *t, struct attention *a)
{
    bool shares = softmax_shares(t, a);
    struct length scores = {.times = a->heads, .patches = &t->patches}, weights = scores;
    uint16_t out = a->weights;
    weights.plus = a->heads;
    if (shares && !t->hub)
        out = softmax_begin(t, a, scores);
    softmax_kernels(t, a, shares, out);
    if (!t->hub)
        share_end(t->m, &t->block, shares, out, a->weights, weights);
    image_mark(t->m, PHASE_SOFTMAX);
}

/* What a tile adds to [heads][latents] weighted latents and the weights' sums behind them. */
static void value_part(struct tile *t, const struct attention *a, uint16_t part)
{
    struct image *m = t->m;
    uint32_t latents = t->latent.latents.count, mixed = a->heads * latents;
    uint8_t op = t->plan->cache_bf16 ? STREAM_AXPY_BF16 : STREAM_AXPY_F32;
    if (latents) {
        uint16_t at = image_step(m, (struct stream_desc){.op = op,
                                                         .count = (uint16_t)latents,
                                                         .dst = part,
                                                         .src0 = a->cache,
                                                         .src1 = word_at(a->weights, a->heads),
                                                         .row_bytes = cache_row_bytes(t, a),
                                                         .batch = (uint16_t)a->heads,
                                                         .dst_step = (uint16_t)(latents * 4)});
        image_product(m, (struct stream_desc){.op = op,
                                              .count = (uint16_t)latents,
                                              .cols = (uint16_t)m->cached,
                                              .batch = (uint16_t)a->heads});
        patch_add(&t->patches, at + (uint32_t)offsetof(struct stream_desc, cols), 1, 0);
        patch_add(&t->patches, at + (uint32_t)offsetof(struct stream_desc, src1_step), 4, 0);
        follow_user(t, a, at);
    }
    tile_copy(t, word_at(part, mixed), a->weights, a->heads);
}

void value_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    uint32_t all = a->heads * (t->latent.latents.count + 1);
    uint16_t part = image_words(m, PART_BUFFERS, all);
    a->mixed = image_words(m, PART_BUFFERS, all);
    if (!t->hub)
        value_part(t, a, part);
    tile_column(t, REDUCE_ADD, part, a->mixed, all);
    image_mark(m, PHASE_VALUES);
}
