/* SPDX-License-Identifier: Apache-2.0 */
/* attention.c - multi-head latent attention on one tile, in the absorbed form: phases 1 to 8 of
 * plan.h. Each function is one phase; they share the buffers of struct attention. */
#include "place/layer.h"

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

/* At the row root: norm of q_a applied afterwards, and RoPE, on row r's share of the queries. */
static void query_finish(struct tile *t, struct attention *a)
{
    struct args_norm_rope args = {.src = a->queries,
                                  .dst = a->queries,
                                  .scaled = (uint16_t)a->query.count,
                                  .state = t->state};
    if (t->config->q_lora_rank)
        args.norm = tile_norm(t, word_at(a->queries, a->query.count), t->config->q_lora_rank);
    args.pairs = rope_table(t, a->queries, a->query, a->query_dim, &args.pair_count);
    image_kernel(t->m, KERNEL_norm_rope, &args, sizeof args);
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
    if (t->row_root)
        query_finish(t, a);
    line_broadcast(m, &t->row, a->queries, fixed(n + 2));
    image_mark(m, PHASE_QUERY);
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

static void score_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    uint16_t part = image_words(m, PART_BUFFERS, a->heads * a->slots);
    a->weights = image_words(m, PART_BUFFERS, a->heads * (1 + a->slots));
    score_product(t, a, part);
    line_reduce(m, &t->row, REDUCE_ADD, part, word_at(a->weights, a->heads),
                (struct length){.times = a->heads, .patches = &t->patches});
    image_mark(m, PHASE_SCORES);
}

/* The row roots agree on each head's maximum along their column; then each sends exp(score -
 * maximum) and its sums along its row. */
static void softmax_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    if (t->row_root) {
        struct args_score args = {.scale = (float)attention_scale(t->config),
                                  .scores = word_at(a->weights, a->heads),
                                  .max = image_words(m, PART_BUFFERS, a->heads),
                                  .sum = a->weights,
                                  .exp = word_at(a->weights, a->heads),
                                  .heads = (uint16_t)a->heads,
                                  .state = t->state};
        image_kernel(m, KERNEL_score_max, &args, sizeof args);
        uint16_t top = image_words(m, PART_BUFFERS, a->heads);
        line_reduce(m, &t->column, REDUCE_MAX, args.max, top, fixed(a->heads));
        line_broadcast(m, &t->column, top, fixed(a->heads));
        args.max = top;
        image_kernel(m, KERNEL_score_exp, &args, sizeof args);
    }
    line_broadcast(m, &t->row, a->weights, (struct length){a->heads, a->heads, &t->patches});
    image_mark(m, PHASE_SOFTMAX);
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

/* Returns row r's share of all heads' values. */
static uint16_t heads_out_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    struct weight w;
    uint32_t nope = t->config->nope_dim, v = t->config->v_dim;
    uint16_t part = image_words(m, PART_BUFFERS, a->value.count);
    uint16_t out = image_words(m, PART_BUFFERS, a->value.count);
    tile_weight(t, ROLE_KV_B, &w);
    for (struct piece p = {0}; next_piece(a->value, v, &p);) {
        struct slice rows = {p.head * (nope + v) + nope + p.from, p.count};
        struct block b = block_place(m, &w, rows, (struct slice){t->latent.first, t->latent_count});
        block_product(m, &b, word_at(part, p.at), word_at(a->mixed, p.head * t->latent_count),
                      false);
    }
    line_reduce(m, &t->row, REDUCE_ADD, part, out, fixed(a->value.count));
    if (t->row_root) {
        struct args_head_scale args = {.data = out,
                                       .sums = word_at(a->mixed, a->heads * t->latent_count),
                                       .count = (uint16_t)a->value.count,
                                       .first = (uint16_t)a->value.first,
                                       .head_dim = (uint16_t)v};
        image_kernel(m, KERNEL_head_scale, &args, sizeof args);
    }
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
