/* SPDX-License-Identifier: Apache-2.0 */
/* attention.c - multi-head latent attention on one tile, in the absorbed form: who has what of it,
 * the phases before queries and after the weighted latents (1, 7 and 8 of plan.h), and their order.
 */
#include "place/attention.h"

#include "place/kernel_cost.h"
#include "place/trace.h"

/* Kernel `token`, whose arguments token_finish writes, runs beside the stream engine as soon as the
 * position is there: from the row's input, or else from phase 1. */
static void token_begin(struct tile *t)
{
    struct args_token none = {0};
    t->token_args = image_kernel_beside(t->m, KERNEL_token, &none, sizeof none);
}

/* The new latent and key before norm and RoPE. */
static void latent_products(struct tile *t, const struct attention *a, uint16_t to)
{
    struct weight w;
    tile_weight(t, ROLE_KV_A, &w);
    struct block latents = block_place(t->m, &w, a->kv.latents, t->hidden_row);
    struct block rope = block_place(t->m, &w, a->kv.rope, t->hidden_row);
    block_product(t->m, &latents, to, t->norm_row, false);
    block_product(t->m, &rope, word_at(to, a->kv.latents.count), t->norm_row, false);
}

/* Two norms follow each other where queries are of low rank: the first one's factor nearly cancels
 * (struct args_norm). Tiles of several blocks leave it out; who makes a query or latent at a row
 * root needs it there. */
bool defers_norm(const struct tile *t, const struct attention *a)
{
    return a->blocks > 1 && t->config->q_lora_rank;
}

/* What a tile adds to [low_rank | kv | sum x^2 | x as C | header]. */
static void low_rank_part(struct tile *t, const struct attention *a, uint16_t part)
{
    struct image *m = t->m;
    struct weight w;
    uint32_t n = a->low_rank.count + a->kv.count;
    uint16_t x = word_at(t->input, PLAN_HEADER);
    if (n) {
        tile_weight(t, ROLE_INPUT_NORM, &w);
        tile_mul(t, t->norm_row, x, block_vector(m, &w, t->hidden_row), t->hidden_row.count);
    }
    if (a->low_rank.count) {
        tile_weight(t, ROLE_Q_A, &w);
        struct block q = block_place(m, &w, a->low_rank, t->hidden_row);
        block_product(m, &q, part, t->norm_row, false);
    }
    latent_products(t, a, word_at(part, a->low_rank.count));
    struct slice squares = defers_norm(t, a) ? slice_of(t->hidden_row.count, t->w, t->c)
                                             : (struct slice){0, t->hidden_row.count};
    tile_square_sum(t, word_at(part, n), word_at(x, squares.first), squares.count);
    tile_pick(t, word_at(part, n + 1), t->hidden_col, x, t->hidden_row);
    if (t->hidden_row.count && t->hidden_row.first == 0)
        tile_copy(t, word_at(part, n + 1 + t->hidden_col.count), t->input, PLAN_HEADER);
}

static void low_rank_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    uint32_t n = a->low_rank.count + a->kv.count, all = n + 1 + t->hidden_col.count + PLAN_HEADER;
    if (t->input)
        token_begin(t);
    uint16_t part = image_words(m, PART_BUFFERS, all);
    a->first = image_words(m, PART_BUFFERS, all);
    t->residual = word_at(a->first, n + 1);
    t->header = word_at(t->residual, t->hidden_col.count);
    if (!t->hub)
        low_rank_part(t, a, part);
    tile_column(t, REDUCE_ADD, part, a->first, all);
    image_mark(m, PHASE_LOW_RANK);
    if (t->hub)
        return;

    a->input_sum = word_at(a->first, n);
    if (defers_norm(t, a)) {
        if (!t->input)
            token_begin(t);
        return;
    }
    struct args_rsqrt norm = {.norm = tile_norm(t, a->input_sum, t->config->hidden)};
    norm.out = a->scale = image_words(m, PART_BUFFERS, 1);
    image_kernel(m, KERNEL_rsqrt, &norm, sizeof norm);
    tile_scale(t, a->first, a->first, a->scale, n);
    if (!t->input)
        token_begin(t);
}

/* The values that row r holds of this block were weighted by exp: they are divided by their heads'
 * sums, as a product with the reciprocal. Before they are summed along the row, for so all its
 * tiles do it at once and the row root has nothing to do after it. */
static void scale_values(struct tile *t, const struct attention *a, uint16_t values)
{
    uint32_t v = t->config->v_dim, first = a->value.first / v;
    uint32_t heads = (a->value.first + a->value.count + v - 1) / v - first;
    uint32_t latents = t->latent.latents.count;
    if (!latents || !a->value.count)
        return;
    uint16_t factors = image_words(t->m, PART_BUFFERS, heads);
    struct args_reciprocal args = {.src = word_at(a->mixed, a->heads * latents + first),
                                   .dst = factors,
                                   .count = (uint16_t)heads};
    image_kernel(t->m, KERNEL_reciprocal, &args, sizeof args);
    for (struct piece p = {0}; next_piece(a->value, v, &p);)
        tile_scale(t, word_at(values, p.at), word_at(values, p.at),
                   word_at(factors, p.head - first), p.count);
}

/* Returns row r's share of all heads' values, one block's behind the other's. */
static uint16_t heads_out_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    struct weight w;
    uint32_t nope = t->config->nope_dim, v = t->config->v_dim, n = a->blocks * a->value.count;
    uint16_t part = image_words(m, PART_BUFFERS, n);
    uint16_t own = word_at(part, t->block_index * a->value.count);
    uint16_t out = image_words(m, PART_BUFFERS, n);
    struct slice latents = t->latent.latents;
    tile_weight(t, ROLE_KV_B, &w);
    for (struct piece p = {0}; next_piece(a->value, v, &p);) {
        struct slice rows = {(a->first_head + p.head) * (nope + v) + nope + p.from, p.count};
        struct block b = block_place(m, &w, rows, latents);
        block_product(m, &b, word_at(own, p.at), word_at(a->mixed, p.head * latents.count), false);
    }
    scale_values(t, a, own);
    line_reduce(m, &t->row, REDUCE_ADD, part, out, fixed(n));
    line_broadcast(m, &t->row, out, fixed(n));
    image_mark(m, PHASE_HEADS_OUT);
    return out;
}

/* The attention's sum of products, summed along the column, plus the residual: the new residual in
 * every tile. */
static void attention_out_phase(struct tile *t, const struct attention *a, uint16_t values)
{
    struct image *m = t->m;
    struct weight w;
    uint16_t part = image_words(m, PART_BUFFERS, t->hidden_col.count);
    if (!t->hub) {
        struct runs cols = {
            .first = a->value, .step = a->heads * t->config->v_dim, .count = a->blocks};
        tile_weight(t, ROLE_O, &w);
        struct block o = block_place_runs(m, &w, one_run(t->hidden_col), cols);
        block_product(m, &o, part, values, false);
    }
    emit_residual_sum(t, part, PHASE_ATTENTION_OUT);
}

void emit_residual_sum(struct tile *t, uint16_t part, enum phase phase)
{
    struct image *m = t->m;
    struct length n = fixed(t->hidden_col.count);
    uint16_t out = word_at(image_words(m, PART_BUFFERS, t->window.count),
                           t->hidden_col.first - t->window.first);
    if (t->h == 1 || t->r == line_beside(&t->column)) {
        uint16_t both = image_words(m, PART_BUFFERS, n.plus); /* not every product is made anew */
        tile_add(t, both, part, t->residual, n.plus);
        part = both;
    }
    line_reduce(m, &t->column, REDUCE_ADD, column_part(t, part), out, n);
    line_broadcast(m, &t->column, out, n);
    image_mark(m, phase);
    t->residual = out;
}

/* What kernel `token` takes for a tile's patches and angles. */
static uint64_t token_items(const struct tile *t)
{
    uint64_t cycles = (uint64_t)t->patches.count * CYCLES_TOKEN_PATCH;
    for (uint32_t i = 0; i < t->rope_count; i++)
        cycles += CYCLES_TOKEN_TABLE + (uint64_t)t->rope[i].count * CYCLES_TOKEN_PAIR;
    return cycles;
}

static void token_finish(struct tile *t, const struct attention *a)
{
    uint32_t slot_bytes = t->latent.count * a->latent_bytes;
    struct args_token args = {.x = t->input ? t->input : t->header,
                              .state = t->state,
                              .row = (uint16_t)t->share,
                              .rows = (uint16_t)t->rows,
                              .slots = (uint16_t)a->slots,
                              .slot_bytes = (uint16_t)slot_bytes,
                              .users = (uint16_t)t->plan->users,
                              .user_bytes = (uint16_t)(a->slots * slot_bytes),
                              .cache = a->cache,
                              .store = a->store,
                              .store_words = (uint16_t)cached_words(t, a),
                              .patch_count = (uint16_t)t->patches.count,
                              .table_count = (uint16_t)t->rope_count};
    args.tables =
        image_data(t->m, PART_PROGRAM, t->rope, t->rope_count * (uint32_t)sizeof t->rope[0]);
    args.patches = image_data(t->m, PART_PROGRAM, t->patches.patch,
                              t->patches.count * (uint32_t)sizeof t->patches.patch[0]);
    image_rewrite(t->m, t->token_args, &args, sizeof args);
    trace_token(t->m, token_items(t));
}

/* The new latent is turned to all rows alike. */
static struct slice turned_part(const struct tile *t)
{
    uint32_t lora = t->config->kv_lora_rank, latents = lora + t->config->rope_dim;
    return row_slice_of_pairs(t, latents, latents, latent_grain(t->config) == 2 ? 0 : lora);
}

/* The columns that q_a and kv_a are cut over. The input comes from the west and is late in the
 * east: without those columns the rest has more rows of both, but begins earlier. Several blocks.
 */
static uint32_t low_rank_columns(const struct tile *t, uint32_t blocks)
{
    enum { PASSES = 3 }; /* of a word along the column: two levels of a sum, and back */
    const struct model_config *k = t->config;
    uint32_t lanes = t->plan->machine->lanes.bf16, best = t->w;
    uint32_t row = slice_most(slice_most(k->hidden, t->rows), lanes) + PASSES;
    uint32_t queries = slice_most(k->heads * config_query_dim(k), t->rows);
    uint64_t least = UINT64_MAX;
    for (uint32_t n = t->w; blocks > 1 && n > 0; n--) {
        uint32_t q = slice_most(k->q_lora_rank, n),
                 kv = slice_most(k->kv_lora_rank + k->rope_dim, n);
        uint64_t cycles = (uint64_t)n * t->plan->machine->hop_cycles + (uint64_t)(q + kv) * row +
                          (uint64_t)queries * slice_most(q, lanes);
        if (cycles < least) {
            least = cycles;
            best = n;
        }
    }
    return best;
}

static struct slice part_of_columns(uint32_t length, uint32_t columns, uint32_t c)
{
    return c < columns ? slice_of(length, columns, c) : (struct slice){length, 0};
}

/* Who has what. */
static struct attention cut(const struct tile *t)
{
    const struct model_config *k = t->config;
    uint32_t blocks = t->strip->blocks, latents = k->kv_lora_rank + k->rope_dim;
    struct attention a = {.blocks = blocks,
                          .heads = k->heads / blocks,
                          .query_dim = config_query_dim(k),
                          .latent_bytes = t->plan->cache_bf16 ? 2 : 4,
                          .kv = t->latent};
    a.first_head = t->block_index * a.heads;
    uint32_t columns = low_rank_columns(t, blocks);
    a.low_rank = part_of_columns(k->q_lora_rank, columns, t->c);
    a.queries_deal = (struct deal){a.heads * a.query_dim, a.query_dim, k->nope_dim,
                                   .vectors = blocks, .parts = t->rows};
    a.query_runs =
        (struct runs){.first = {t->share, 0}, .step = a.heads * a.query_dim, .count = blocks};
    if (!t->hub)
        a.query = deal_slice(&a.queries_deal, t->block_index, t->share);
    a.value = row_slice(t, a.heads * k->v_dim);
    a.slots = t->hub ? 0 : (t->plan->context + t->rows - 1 - t->share) / t->rows;
    if (blocks > 1) {
        struct latent_part all = latent_of_column(k, 1, 0);
        a.kv = latent_within(&all, part_of_columns(latents, columns, t->c));
        a.turned = turned_part(t);
    }
    return a;
}

/* The hub's share: what is summed along columns. */
static void emit_hub(struct tile *t, struct attention *a)
{
    low_rank_phase(t, a);
    latent_query_phase(t, a);
    softmax_phase(t, a);
    value_phase(t, a);
    attention_out_phase(t, a, LINE_NO_PART);
}

void emit_attention(struct tile *t)
{
    struct attention a = cut(t);
    a.query_runs.deal = &a.queries_deal;
    if (t->hub) {
        emit_hub(t, &a);
        return;
    }
    low_rank_phase(t, &a);
    query_phase(t, &a);
    latent_query_phase(t, &a);
    score_phase(t, &a);
    softmax_phase(t, &a);
    value_phase(t, &a);
    attention_out_phase(t, &a, heads_out_phase(t, &a));
    token_finish(t, &a);
}
