/* SPDX-License-Identifier: Apache-2.0 */
/* attention.c - multi-head latent attention on one tile, in the absorbed form: phases 1 to 8 of
 * plan.h. Each function is one phase; they share the buffers of struct attention. */
#include "place/share.h"

#include <stddef.h>
#include <string.h>

struct attention {
    uint32_t heads, query_dim;
    struct slice low_rank;     /* of q_lora_rank, columns; empty without one */
    struct slice query, value; /* of heads * (nope + rope), heads * v, rows */
    uint32_t slots;            /* positions of one user this tile can cache */
    uint16_t first;            /* [low_rank | latent | sum x^2 | hidden_col], after phase 1 */
    uint16_t scale;            /* 1 word: r of the input norm */
    uint16_t queries;          /* [query | sum q_a^2 | sum latent^2], after phase 2 */
    uint16_t new_latent;       /* [latent]: normalised and rotated */
    uint16_t cache;            /* [users][slots][latent] */
    uint16_t store;            /* the descriptor that appends to it */
    uint16_t rope_scale;       /* 1 word */
    uint16_t latent_queries;   /* [heads][latent], after phase 3 */
    uint16_t weights;          /* [heads sums | heads * cached exp], after phase 5 */
    uint16_t mixed;            /* [heads][latent_count] then [heads] sums, after phase 6 */
};

/* One head's share of a slice over heads * dim. */
struct piece {
    uint32_t head, from, count; /* elements from.. of the head's dim */
    uint32_t at;                /* place of the first in the slice */
};
static bool next_piece(struct slice s, uint32_t dim, struct piece *p)
{
    uint32_t at = p->at + p->count;
    if (at >= s.count)
        return false;
    uint32_t element = s.first + at, left = dim - element % dim;
    *p =
        (struct piece){element / dim, element % dim, left < s.count - at ? left : s.count - at, at};
    return true;
}

static void low_rank_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    struct weight w;
    uint32_t n = a->low_rank.count + t->latent.count;
    uint16_t x = word_at(t->input, PLAN_HEADER),
             part = image_words(m, PART_BUFFERS, n + 1 + t->hidden_col.count);
    a->first = image_words(m, PART_BUFFERS, n + 1 + t->hidden_col.count);
    tile_weight(t, ROLE_INPUT_NORM, &w);
    tile_mul(t, t->norm_row, x, block_vector(m, &w, t->hidden_row), t->hidden_row.count);
    if (a->low_rank.count) {
        tile_weight(t, ROLE_Q_A, &w);
        struct block q = block_place(m, &w, a->low_rank, t->hidden_row);
        block_product(m, &q, part, t->norm_row, false);
    }
    tile_weight(t, ROLE_KV_A, &w);
    struct block kv = block_place(m, &w, t->latent, t->hidden_row);
    block_product(m, &kv, word_at(part, a->low_rank.count), t->norm_row, false);
    tile_square_sum(t, word_at(part, n), x, t->hidden_row.count);
    struct slice turned = slice_overlap(t->hidden_row, t->hidden_col);
    tile_copy(t, word_at(part, n + 1 + turned.first - t->hidden_col.first),
              word_at(x, turned.first - t->hidden_row.first), turned.count);
    line_reduce(m, &t->column, REDUCE_ADD, part, a->first, fixed(n + 1 + t->hidden_col.count));
    line_broadcast(m, &t->column, a->first, fixed(n + 1 + t->hidden_col.count));
    image_mark(m, PHASE_LOW_RANK);
    t->residual = word_at(a->first, n + 1);

    struct args_rsqrt norm = {.norm = tile_norm(t, word_at(a->first, n), t->config->hidden)};
    norm.out = a->scale = image_words(m, PART_BUFFERS, 1);
    image_kernel(m, KERNEL_rsqrt, &norm, sizeof norm);
    tile_scale(t, a->first, a->first, a->scale, n);
}

/* The vector that q_b (or the plain q_proj) multiplies, over the columns. */
static uint16_t query_input(struct tile *t, struct attention *a, struct slice *cols)
{
    struct weight w;
    if (t->config->q_lora_rank) {
        *cols = a->low_rank;
        uint16_t scaled = image_words(t->m, PART_BUFFERS, cols->count);
        tile_weight(t, ROLE_Q_A_NORM, &w);
        tile_mul(t, scaled, a->first, block_vector(t->m, &w, *cols), cols->count);
        return scaled;
    }
    *cols = t->hidden_col;
    tile_weight(t, ROLE_INPUT_NORM, &w);
    tile_mul(t, t->norm_x, t->residual, block_vector(t->m, &w, *cols), cols->count);
    tile_scale(t, t->norm_x, t->norm_x, a->scale, cols->count);
    return t->norm_x;
}

/* The table of RoPE pairs of a buffer that holds `part` of vectors of `dim` elements, the rope part
 * last. */
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
    return table;
}

/* Whether element i of row r's queries is the second of a RoPE pair. */
static bool pair_end(const struct tile *t, const struct attention *a, uint32_t i)
{
    uint32_t d = (a->query.first + i) % a->query_dim, nope = t->config->nope_dim;
    return d > nope && (d - nope) % 2;
}

/* How a row shares its queries: t's part of them, and the cycles of all and of the largest part.
 * Parts are equal in cycles, not in elements. */
static struct slice query_part(const struct tile *t, const struct attention *a,
                               struct share_work *work)
{
    uint32_t n = a->query.count, part = 0;
    uint64_t done = 0, start = 0, most = 0, all = (uint64_t)n * CYCLES_SCALED_WORD;
    struct slice mine = {0, 0};
    for (uint32_t i = 0; i < n; i++)
        all += pair_end(t, a, i) ? CYCLES_ROPE_PAIR : 0u;
    for (uint32_t i = 0; i < n; i++) {
        bool second = pair_end(t, a, i);
        uint32_t p = second ? part : (uint32_t)(done * t->w / all);
        if (p != part)
            part = p, start = done;
        if (p == t->c && mine.count++ == 0)
            mine.first = i;
        done += CYCLES_SCALED_WORD + (second ? CYCLES_ROPE_PAIR : 0u);
        most = most > done - start ? most : done - start;
    }
    *work = (struct share_work){.all = all, .most = most, .sums = n + 2, .values = n};
    return mine;
}

/* Norm of q_a applied afterwards, and RoPE, on row r's queries, at the row root or shared. */
static void query_finish(struct tile *t, struct attention *a)
{
    struct share_work work;
    struct slice mine = query_part(t, a, &work);
    bool shares = share_pays(t->plan->machine, &t->row, &work);
    uint16_t out = a->queries;
    if (shares)
        out = share_begin(t, a->queries, fixed(work.sums), work.values);
    else
        mine = share_part(t, false, a->query.count);
    struct args_norm_rope args = {.src = word_at(a->queries, mine.first),
                                  .dst = word_at(out, mine.first),
                                  .scaled = (uint16_t)mine.count,
                                  .state = t->state};
    if (t->config->q_lora_rank)
        args.norm = tile_norm(t, word_at(a->queries, a->query.count), t->config->q_lora_rank);
    args.pairs = rope_table(t, args.dst, (struct slice){a->query.first + mine.first, mine.count},
                            a->query_dim, &args.pair_count);
    if (mine.count)
        image_kernel(t->m, KERNEL_norm_rope, &args, sizeof args);
    share_end(t, shares, out, a->queries, fixed(shares ? work.values : work.sums));
    image_mark(t->m, PHASE_QUERY);
}

/* In every tile: column c's share of the new latent is normalised, rotated and, in the row that
 * holds this position, appended to the cache. */
static void latent_finish(struct tile *t, struct attention *a)
{
    struct weight w;
    struct image *m = t->m;
    struct args_norm_rope args = {.src = word_at(a->first, a->low_rank.count),
                                  .scaled = (uint16_t)t->latent_count,
                                  .copied = (uint16_t)(t->latent.count - t->latent_count),
                                  .state = t->state};
    args.norm = tile_norm(t, word_at(a->queries, a->query.count + 1), t->config->kv_lora_rank);
    tile_weight(t, ROLE_KV_A_NORM, &w);
    args.gain = block_vector(m, &w, (struct slice){t->latent.first, t->latent_count});
    args.dst = image_words(m, PART_BUFFERS, t->latent.count);
    args.pairs = rope_table(t, args.dst, t->latent, t->config->kv_lora_rank + t->config->rope_dim,
                            &args.pair_count);
    image_kernel(m, KERNEL_norm_rope, &args, sizeof args);
    a->cache = image_words(m, PART_KV, t->plan->users * a->slots * t->latent.count);
    a->store =
        image_step(m, (struct stream_desc){.op = STREAM_COPY, .dst = a->cache, .src0 = args.dst});
}

static void query_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    struct weight w;
    struct slice cols;
    uint32_t n = a->query.count;
    uint16_t part = image_words(m, PART_BUFFERS, n + 2);
    a->queries = image_words(m, PART_BUFFERS, n + 2);
    uint16_t in = query_input(t, a, &cols);
    tile_weight(t, t->config->q_lora_rank ? ROLE_Q_B : ROLE_Q, &w);
    struct block q = block_place(m, &w, a->query, cols);
    block_product(m, &q, part, in, false);
    tile_square_sum(t, word_at(part, n), a->first, a->low_rank.count);
    tile_square_sum(t, word_at(part, n + 1), word_at(a->first, a->low_rank.count), t->latent_count);
    line_reduce(m, &t->row, REDUCE_ADD, part, a->queries, fixed(n + 2));
    query_finish(t, a);
}

/* Row r's queries, moved into latent space: W_uk^T for the first part of each head, as they are for
 * the rotated part (times RoPE's multiplier for query and key). Heads that row r does not hold stay
 * zero. */
static void latent_query_piece(struct tile *t, struct attention *a, struct piece p, uint16_t part)
{
    struct image *m = t->m;
    struct weight w;
    uint32_t nope = t->config->nope_dim, lora = t->config->kv_lora_rank;
    struct slice here = {p.from, p.count}, latents = {t->latent.first, t->latent_count};
    struct slice keys = slice_overlap(here, (struct slice){0, nope});
    tile_weight(t, ROLE_KV_B, &w);
    if (keys.count && latents.count) {
        struct slice rows = {p.head * (nope + t->config->v_dim) + keys.first, keys.count};
        struct block b = block_place_axpy(m, &w, rows, latents);
        image_step(m, (struct stream_desc){.op = b.axpy,
                                           .count = (uint16_t)latents.count,
                                           .dst = word_at(part, p.head * t->latent.count),
                                           .src0 = b.at,
                                           .src1 = word_at(a->queries, p.at),
                                           .cols = (uint16_t)keys.count,
                                           .row_bytes = b.row_bytes});
    }
    struct slice rope_here = slice_overlap(here, (struct slice){nope, t->config->rope_dim});
    struct slice rope_latent = slice_overlap(t->latent, (struct slice){lora, t->config->rope_dim});
    rope_here.first -= nope, rope_latent.first -= lora;
    struct slice both = slice_overlap(rope_here, rope_latent);
    if (rope_here.count && rope_latent.count && both.count)
        tile_scale(t, word_at(part, p.head * t->latent.count + lora + both.first - t->latent.first),
                   word_at(a->queries, p.at + nope + both.first - p.from), a->rope_scale,
                   both.count);
}

static void latent_query_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    uint32_t n = a->heads * t->latent.count;
    uint16_t part = image_words(m, PART_BUFFERS, n);
    a->latent_queries = image_words(m, PART_BUFFERS, n);
    latent_finish(t, a);
    float multiplier = (float)(rope_multiplier(t->config) * rope_multiplier(t->config));
    a->rope_scale = image_data(m, PART_PROGRAM, &multiplier, sizeof multiplier);
    for (struct piece p = {0}; next_piece(a->query, a->query_dim, &p);)
        latent_query_piece(t, a, p, part);
    line_reduce(m, &t->column, REDUCE_ADD, part, a->latent_queries, fixed(n));
    line_broadcast(m, &t->column, a->latent_queries, fixed(n));
    image_mark(m, PHASE_LATENT_QUERY);
}

/* Descriptor `at` reads this user's part of the cache. */
static void follow_user(struct tile *t, const struct attention *a, uint16_t at)
{
    if (t->plan->users > 1)
        patch_add_user(&t->patches, at + (uint32_t)offsetof(struct stream_desc, src0), a->cache,
                       a->slots * t->latent.count * 4);
}

/* A product over the cache, once per head; the number of positions is patched for every token. */
static void score_product(struct tile *t, struct attention *a, uint16_t part)
{
    if (t->latent.count == 0)
        return;
    uint16_t at =
        image_step(t->m, (struct stream_desc){.op = STREAM_DOT_F32,
                                              .dst = part,
                                              .src0 = a->cache,
                                              .src1 = a->latent_queries,
                                              .cols = (uint16_t)t->latent.count,
                                              .row_bytes = (uint16_t)(t->latent.count * 4),
                                              .batch = (uint16_t)a->heads,
                                              .src1_step = (uint16_t)(t->latent.count * 4)});
    patch_add(&t->patches, at + (uint32_t)offsetof(struct stream_desc, count), 1, 0);
    patch_add(&t->patches, at + (uint32_t)offsetof(struct stream_desc, dst_step), 4, 0);
    follow_user(t, a, at);
}

/* How many scores of a head a tile has when half the context is used: what choices are made by. */
static uint32_t usual_cached(const struct tile *t)
{
    return t->plan->context / (2 * t->h) + 1;
}

/* Whether rows share the softmax by heads. The same for all rows, for columns agree on maxima. */
static bool softmax_shares(const struct tile *t, const struct attention *a)
{
    uint32_t scores = a->heads * usual_cached(t), each = CYCLES_SCORE_MAX + CYCLES_SCORE_EXP;
    uint32_t most = (a->heads + t->w - 1) / t->w * usual_cached(t);
    struct share_work work = {.all = (uint64_t)scores * each,
                              .most = (uint64_t)most * (each + CYCLES_SCORE_CLEAR),
                              .sums = scores,
                              .values = a->heads + scores};
    return share_pays(t->plan->machine, &t->row, &work);
}

/* The scores' products and what the row makes of them lie in one place, as in mlp.c. */
static void score_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    a->weights = image_words(m, PART_BUFFERS, a->heads * (1 + a->slots));
    uint16_t scores = word_at(a->weights, a->heads), part = scores;
    if (!t->latent.count)
        part = image_words(m, PART_BUFFERS, a->heads * a->slots);
    score_product(t, a, part);
    line_reduce(m, &t->row, REDUCE_ADD, part, scores,
                (struct length){.times = a->heads, .patches = &t->patches});
    image_mark(m, PHASE_SCORES);
}

/* The tiles that hold scores of the same heads agree on each head's maximum along their column;
 * then they make exp(score - maximum) and its sums. `out`: [heads] sums, then exp. */
static void softmax_kernels(struct tile *t, struct attention *a, bool shares, uint16_t out)
{
    struct image *m = t->m;
    struct slice mine = share_part(t, shares, a->heads);
    if (!mine.count)
        return;
    struct args_score args = {.scale = (float)attention_scale(t->config),
                              .scores = word_at(a->weights, a->heads),
                              .max = image_words(m, PART_BUFFERS, mine.count),
                              .sum = word_at(out, mine.first),
                              .exp = word_at(out, a->heads),
                              .heads = (uint16_t)mine.count,
                              .first = (uint16_t)mine.first,
                              .share = shares,
                              .state = t->state};
    image_kernel(m, KERNEL_score_max, &args, sizeof args);
    uint16_t top = image_words(m, PART_BUFFERS, mine.count);
    line_reduce(m, &t->column, REDUCE_MAX, args.max, top, fixed(mine.count));
    line_broadcast(m, &t->column, top, fixed(mine.count));
    args.max = top;
    image_kernel(m, KERNEL_score_exp, &args, sizeof args);
}

/* Scores become weights, at the row roots or shared by their rows. */
static void softmax_phase(struct tile *t, struct attention *a)
{
    bool shares = softmax_shares(t, a);
    struct length scores = {.times = a->heads, .patches = &t->patches}, weights = scores;
    uint16_t out = a->weights;
    weights.plus = a->heads;
    if (shares)
        out = share_begin(t, word_at(a->weights, a->heads), scores, a->heads * (1 + a->slots));
    softmax_kernels(t, a, shares, out);
    share_end(t, shares, out, a->weights, weights);
    image_mark(t->m, PHASE_SOFTMAX);
}

static void value_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    uint32_t mixed = a->heads * t->latent_count;
    uint16_t part = image_words(m, PART_BUFFERS, mixed + a->heads);
    a->mixed = image_words(m, PART_BUFFERS, mixed + a->heads);
    if (t->latent_count) {
        uint16_t at =
            image_step(m, (struct stream_desc){.op = STREAM_AXPY_F32,
                                               .count = (uint16_t)t->latent_count,
                                               .dst = part,
                                               .src0 = a->cache,
                                               .src1 = word_at(a->weights, a->heads),
                                               .row_bytes = (uint16_t)(t->latent.count * 4),
                                               .batch = (uint16_t)a->heads,
                                               .dst_step = (uint16_t)(t->latent_count * 4)});
        patch_add(&t->patches, at + (uint32_t)offsetof(struct stream_desc, cols), 1, 0);
        patch_add(&t->patches, at + (uint32_t)offsetof(struct stream_desc, src1_step), 4, 0);
        follow_user(t, a, at);
    }
    tile_copy(t, word_at(part, mixed), a->weights, a->heads);
    line_reduce(m, &t->column, REDUCE_ADD, part, a->mixed, fixed(mixed + a->heads));
    line_broadcast(m, &t->column, a->mixed, fixed(mixed + a->heads));
    image_mark(m, PHASE_VALUES);
}

/* The latents of the heads that row r holds values of were weighted by exp: they are divided by the
 * heads' sums, as a product with the reciprocal. Before W_uv, for so all tiles of the row do it at
 * once and the row root has nothing to do after it. */
static void scale_latents(struct tile *t, const struct attention *a)
{
    uint32_t v = t->config->v_dim, first = a->value.first / v, n = t->latent_count;
    uint32_t heads = (a->value.first + a->value.count + v - 1) / v - first;
    if (!n || !a->value.count)
        return;
    uint16_t factors = image_words(t->m, PART_BUFFERS, heads);
    struct args_reciprocal args = {
        .src = word_at(a->mixed, a->heads * n + first), .dst = factors, .count = (uint16_t)heads};
    image_kernel(t->m, KERNEL_reciprocal, &args, sizeof args);
    for (uint32_t j = 0; j < heads; j++) {
        uint16_t latents = word_at(a->mixed, (first + j) * n);
        tile_scale(t, latents, latents, word_at(factors, j), n);
    }
}

/* Returns row r's share of all heads' values. */
static uint16_t heads_out_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    struct weight w;
    uint32_t nope = t->config->nope_dim, v = t->config->v_dim;
    uint16_t part = image_words(m, PART_BUFFERS, a->value.count);
    uint16_t out = image_words(m, PART_BUFFERS, a->value.count);
    scale_latents(t, a);
    tile_weight(t, ROLE_KV_B, &w);
    for (struct piece p = {0}; next_piece(a->value, v, &p);) {
        struct slice rows = {p.head * (nope + v) + nope + p.from, p.count};
        struct block b = block_place(m, &w, rows, (struct slice){t->latent.first, t->latent_count});
        block_product(m, &b, word_at(part, p.at), word_at(a->mixed, p.head * t->latent_count),
                      false);
    }
    line_reduce(m, &t->row, REDUCE_ADD, part, out, fixed(a->value.count));
    line_broadcast(m, &t->row, out, fixed(a->value.count));
    image_mark(m, PHASE_HEADS_OUT);
    return out;
}

/* y = W x over the rows, summed along the column, plus the residual: the new residual in every
 * tile. */
void emit_residual_sum(struct tile *t, uint16_t part, enum phase phase)
{
    struct image *m = t->m;
    uint16_t out = image_words(m, PART_BUFFERS, t->hidden_col.count);
    line_reduce(m, &t->column, REDUCE_ADD, part, out, fixed(t->hidden_col.count));
    if (t->column_root)
        tile_add(t, out, out, t->residual, t->hidden_col.count);
    line_broadcast(m, &t->column, out, fixed(t->hidden_col.count));
    image_mark(m, phase);
    t->residual = out;
}

static void token_finish(struct tile *t, const struct attention *a)
{
    struct args_token args = {.x = t->input,
                              .state = t->state,
                              .row = (uint16_t)t->r,
                              .rows = (uint16_t)t->h,
                              .slots = (uint16_t)a->slots,
                              .slot_bytes = (uint16_t)(t->latent.count * 4),
                              .users = (uint16_t)t->plan->users,
                              .user_bytes = (uint16_t)(a->slots * t->latent.count * 4),
                              .cache = a->cache,
                              .store = a->store,
                              .store_words = (uint16_t)t->latent.count,
                              .patch_count = (uint16_t)t->patches.count};
    args.patches = image_data(t->m, PART_PROGRAM, t->patches.patch,
                              t->patches.count * (uint32_t)sizeof t->patches.patch[0]);
    image_rewrite(t->m, t->token_args, &args, sizeof args);
}

void emit_attention(struct tile *t)
{
    const struct model_config *k = t->config;
    struct attention a = {.heads = k->heads, .query_dim = config_query_dim(k)};
    a.low_rank = slice_of(k->q_lora_rank, t->w, t->c);
    a.query = slice_of_pairs(k->heads * a.query_dim, t->h, t->r, a.query_dim, k->nope_dim);
    a.value = slice_of(k->heads * k->v_dim, t->h, t->r);
    a.slots = (t->plan->context + t->h - 1 - t->r) / t->h;
    low_rank_phase(t, &a);
    query_phase(t, &a);
    latent_query_phase(t, &a);
    score_phase(t, &a);
    softmax_phase(t, &a);
    value_phase(t, &a);
    uint16_t values = heads_out_phase(t, &a);

    struct weight w;
    uint16_t part = image_words(t->m, PART_BUFFERS, t->hidden_col.count);
    tile_weight(t, ROLE_O, &w);
    struct block o = block_place(t->m, &w, t->hidden_col, a.value);
    block_product(t->m, &o, part, values, false);
    emit_residual_sum(t, part, PHASE_ATTENTION_OUT);
    token_finish(t, &a);
}
