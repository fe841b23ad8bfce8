/* SPDX-License-Identifier: Apache-2.0 */
/* mlp.c - the feed-forward half of a layer on one tile, dense or with experts: phases 9 to 12 of
 * plan.h. The norm's weight is multiplied in before the products, its scale after them. */
#include "place/share.h"

/* x times the post-attention norm's weight, as C, for the products; its sum of squares goes to
 * `sum`. */
static void normed_input(struct tile *t, uint16_t sum)
{
    struct weight w;
    tile_weight(t, ROLE_POST_NORM, &w);
    uint16_t gain = block_vector(t->m, &w, t->hidden_col);
    tile_mul(t, t->norm_x, t->residual, gain, t->hidden_col.count);
    tile_square_sum(t, sum, t->residual, t->hidden_col.count);
}

static void product(struct tile *t, enum weight_role role, struct slice rows, uint16_t dst)
{
    struct weight w;
    tile_weight(t, role, &w);
    struct block b = block_place(t->m, &w, rows, t->hidden_col);
    block_product(t->m, &b, dst, t->norm_x, false);
}

/* The down product of one plain matrix, added to `part` when something is there already. */
static void down_product(struct tile *t, enum weight_role role, struct slice cols, uint16_t part,
                         uint16_t x, bool accumulate)
{
    struct weight w;
    tile_weight(t, role, &w);
    struct block b = block_place(t->m, &w, t->hidden_col, cols);
    block_product(t->m, &b, part, x, accumulate);
}

/* Room for the products of this tile and, in the same place, what the row makes of them: where a
 * tile has columns of the matrices, products write all of it anew for every token. *part is where
 * they go. */
static uint16_t product_room(struct tile *t, uint32_t words, uint16_t *part)
{
    uint16_t both = image_words(t->m, PART_BUFFERS, words);
    *part = t->hidden_col.count ? both : image_words(t->m, PART_BUFFERS, words);
    return both;
}

static bool swiglu_shares(const struct tile *t, uint32_t values, uint32_t sums)
{
    struct share_work w = {.all = (uint64_t)values * CYCLES_SWIGLU,
                           .most = (uint64_t)(values + t->w - 1) / t->w * CYCLES_SWIGLU,
                           .sums = sums,
                           .values = values};
    return share_pays(t->plan->machine, &t->row, &w);
}

/* The row's `values` gates and, behind them, ups at `both` become the values, there. */
static void swiglu(struct tile *t, struct args_swiglu args, uint16_t both, uint32_t values,
                   uint32_t sums)
{
    bool shares = swiglu_shares(t, values, sums);
    struct slice mine = share_part(t, shares, values);
    uint16_t out = shares ? share_begin(t, both, fixed(sums), values) : both;
    args.gate = word_at(both, mine.first);
    args.up = word_at(both, values + mine.first);
    args.out = word_at(out, mine.first);
    args.first = (uint16_t)mine.first;
    args.count = (uint16_t)mine.count;
    if (mine.count)
        image_kernel(t->m, KERNEL_swiglu, &args, sizeof args);
    share_end(t, shares, out, both, fixed(values));
    image_mark(t->m, PHASE_GATE_UP);
}

void emit_dense(struct tile *t)
{
    struct image *m = t->m;
    struct slice width = slice_of(t->config->dense_width, t->h, t->r);
    uint32_t n = width.count;
    uint16_t part, both = product_room(t, 2 * n + 1, &part);
    normed_input(t, word_at(part, 2 * n));
    product(t, ROLE_DENSE_GATE, width, part);
    product(t, ROLE_DENSE_UP, width, word_at(part, n));
    line_reduce(m, &t->row, REDUCE_ADD, part, both, fixed(2 * n + 1));
    struct args_swiglu args = {.norm = tile_norm(t, word_at(both, 2 * n), t->config->hidden)};
    swiglu(t, args, both, n, 2 * n + 1);
    uint16_t out = image_words(m, PART_BUFFERS, t->hidden_col.count);
    down_product(t, ROLE_DENSE_DOWN, width, out, both, false);
    emit_residual_sum(t, out, PHASE_DOWN);
}

enum { CHOSEN_MAX = 64 }; /* num_experts_per_tok; plan_open refuses more */

struct experts {
    uint32_t top_k, n, shared; /* rows of one expert and of the shared one that row r holds */
    struct slice width, shared_width;
    uint32_t values;       /* top_k * n + shared */
    bool shares;           /* the row shares the SwiGLU */
    uint16_t ids, weights; /* [top_k] each, one behind the other */
    uint16_t scale;        /* 1 word behind them: r of the norm */
    uint16_t hidden;       /* [top_k][n] then [shared], after phase 11 */
    struct select_entry select[3 * CHOSEN_MAX];
    uint32_t select_count;
    uint16_t select_args;
};

/* The row's logits become scores at the row root's `scores`, made there or shared by the row; the
 * norm's r at x->scale of the row root. */
static void score_experts(struct tile *t, const struct experts *x, uint16_t logits, uint32_t n,
                          uint16_t scores)
{
    struct share_work w = {.all = (uint64_t)n * CYCLES_SIGMOID,
                           .most = (uint64_t)(n + t->w - 1) / t->w * CYCLES_SIGMOID,
                           .sums = n + 1,
                           .values = n};
    bool shares = share_pays(t->plan->machine, &t->row, &w);
    struct slice mine = share_part(t, shares, n);
    uint16_t out = shares ? share_begin(t, logits, fixed(w.sums), n) : scores;
    struct args_sigmoid args = {.norm = tile_norm(t, word_at(logits, n), t->config->hidden),
                                .z = word_at(logits, mine.first),
                                .out = word_at(out, mine.first),
                                .count = (uint16_t)mine.count,
                                .r_out = x->scale};
    if (mine.count || t->row_root)
        image_kernel(t->m, KERNEL_sigmoid, &args, sizeof args);
    if (shares)
        line_reduce(t->m, &t->row, REDUCE_ADD, out, scores, fixed(n));
}

/* Row roots: gather along the column, choose where the roots meet, and tell the column. */
static void choose(struct tile *t, struct experts *x, uint16_t scores)
{
    struct image *m = t->m;
    const struct model_config *k = t->config;
    uint16_t all = image_words(m, PART_BUFFERS, k->experts);
    line_reduce(m, &t->column, REDUCE_ADD, scores, all, fixed(k->experts));
    if (t->column_root) {
        struct weight bias;
        tile_weight(t, ROLE_ROUTER_BIAS, &bias);
        struct args_topk args = {.factor = (float)k->routed_scale,
                                 .scores = all,
                                 .bias = block_vector(m, &bias, (struct slice){0, k->experts}),
                                 .experts = (uint16_t)k->experts,
                                 .top_k = (uint16_t)k->experts_used,
                                 .groups = (uint16_t)k->groups,
                                 .group_k = (uint16_t)k->groups_used,
                                 .normalise = k->norm_topk,
                                 .ids = x->ids,
                                 .weights = x->weights,
                                 .scratch =
                                     image_words(m, PART_BUFFERS, k->groups + 2 * k->groups_used)};
        image_kernel(m, KERNEL_topk, &args, sizeof args);
    }
    line_broadcast(m, &t->column, x->ids, fixed(2 * k->experts_used));
}

static void router_phase(struct tile *t, struct experts *x)
{
    struct image *m = t->m;
    struct slice mine = slice_of(t->config->experts, t->h, t->r);
    uint16_t part = image_words(m, PART_BUFFERS, mine.count + 1);
    uint16_t logits = image_words(m, PART_BUFFERS, mine.count + 1);
    x->ids = image_words(m, PART_BUFFERS, 2 * x->top_k + 1);
    x->weights = word_at(x->ids, x->top_k);
    x->scale = word_at(x->weights, x->top_k);
    normed_input(t, word_at(part, mine.count));
    product(t, ROLE_ROUTER, mine, part);
    line_reduce(m, &t->row, REDUCE_ADD, part, logits, fixed(mine.count + 1));
    image_mark(m, PHASE_ROUTER);
    uint16_t scores = t->row_root ? image_words(m, PART_BUFFERS, t->config->experts) : logits;
    score_experts(t, x, logits, mine.count, t->row_root ? word_at(scores, mine.first) : logits);
    if (t->row_root)
        choose(t, x, scores);
    line_broadcast(m, &t->row, x->ids, fixed(x->shares ? 2 * x->top_k + 1 : x->top_k));
    image_mark(m, PHASE_TOP_K);
}

/* One product per chosen expert; `select` is to point them at its slices. */
struct walk { /* where one expert's words are, and how far the next one's */
    uint16_t at;
    uint32_t step;
};
static void expert_products(struct tile *t, struct experts *x, const struct block *b,
                            struct walk dst, struct walk src)
{
    for (uint32_t i = 0; i < x->top_k; i++) {
        uint16_t at = block_product(t->m, b, word_at(dst.at, i * dst.step),
                                    word_at(src.at, i * src.step), dst.step == 0 && i > 0);
        if (at)
            x->select[x->select_count++] = (struct select_entry){.desc = at,
                                                                 .slot = (uint16_t)i,
                                                                 .weight = b->at,
                                                                 .weight_step = (uint16_t)b->bytes,
                                                                 .scale = b->scales,
                                                                 .scale_step = (uint16_t)b->bytes};
    }
}

static struct block expert_block(struct tile *t, enum weight_role role, struct slice rows,
                                 struct slice cols)
{
    struct expert_matrix all = {.role = role, .layer = t->stage, .experts = t->config->experts};
    return block_place_experts(t->m, t->plan->checkpoint, &all, rows, cols);
}

static void gate_up_phase(struct tile *t, struct experts *x)
{
    struct image *m = t->m;
    uint32_t chosen = x->top_k * x->n, half = x->values;
    uint16_t part;
    x->hidden = product_room(t, 2 * half, &part);
    struct block gate = expert_block(t, ROLE_EXPERT_GATE, x->width, t->hidden_col);
    struct block up = expert_block(t, ROLE_EXPERT_UP, x->width, t->hidden_col);
    expert_products(t, x, &gate, (struct walk){part, x->n}, (struct walk){t->norm_x, 0});
    expert_products(t, x, &up, (struct walk){word_at(part, half), x->n},
                    (struct walk){t->norm_x, 0});
    if (t->config->shared_experts) {
        product(t, ROLE_SHARED_GATE, x->shared_width, word_at(part, chosen));
        product(t, ROLE_SHARED_UP, x->shared_width, word_at(part, half + chosen));
    }
    line_reduce(m, &t->row, REDUCE_ADD, part, x->hidden, fixed(2 * half));
    struct args_swiglu args = {.width = (uint16_t)x->n,
                               .experts = (uint16_t)(x->n ? x->top_k : 0),
                               .weights = x->weights,
                               .r_in = x->scale};
    swiglu(t, args, x->hidden, half, 2 * half);
}

static void expert_down_phase(struct tile *t, struct experts *x)
{
    uint16_t part = image_words(t->m, PART_BUFFERS, t->hidden_col.count);
    struct block down = expert_block(t, ROLE_EXPERT_DOWN, t->hidden_col, x->width);
    expert_products(t, x, &down, (struct walk){part, 0}, (struct walk){x->hidden, x->n});
    if (t->config->shared_experts)
        down_product(t, ROLE_SHARED_DOWN, x->shared_width, part,
                     word_at(x->hidden, x->top_k * x->n), x->n > 0);
    emit_residual_sum(t, part, PHASE_DOWN);
}

void emit_experts(struct tile *t)
{
    struct image *m = t->m;
    const struct model_config *k = t->config;
    struct experts x = {.top_k = k->experts_used};
    x.width = slice_of(k->expert_width, t->h, t->r);
    x.shared_width = slice_of(k->shared_experts * k->expert_width, t->h, t->r);
    x.n = x.width.count, x.shared = x.shared_width.count;
    x.values = x.top_k * x.n + x.shared;
    x.shares = swiglu_shares(t, x.values, 2 * x.values);
    router_phase(t, &x);
    struct args_select args = {.ids = x.ids};
    x.select_args = image_kernel(m, KERNEL_select, &args, sizeof args);
    gate_up_phase(t, &x);
    expert_down_phase(t, &x);
    args.count = (uint16_t)x.select_count;
    args.entries =
        image_data(m, PART_PROGRAM, x.select, x.select_count * (uint32_t)sizeof x.select[0]);
    image_rewrite(m, x.select_args, &args, sizeof args);
}
