/* SPDX-License-Identifier: Apache-2.0 */
/* cut_experts.c - routed experts of which every tile has a block: rows of the MLP's width over the
 * rows, hidden over the columns. For any shape and type; INT4 groups that are cut in pieces need
 * their scale in each. */
#include "place/mlp.h"
#include "place/relay.h"

enum { CHOSEN_MAX = 64 }; /* num_experts_per_tok; plan_open refuses more */

struct experts {
    uint32_t top_k, n; /* rows of one expert that row r holds */
    struct slice width, shared_width;
    uint32_t values; /* top_k * n + those of the shared one */
    struct routing chosen;
    uint16_t hidden; /* [top_k][n] then the shared one's, after phase 11 */
    struct select_entry select[3 * CHOSEN_MAX];
    uint32_t select_count;
};

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
    uint16_t part, in = own_part(t, t->norm_x);
    x->hidden = product_room(t, 2 * half, &part);
    struct block gate = expert_block(t, ROLE_EXPERT_GATE, x->width, t->hidden_col);
    struct block up = expert_block(t, ROLE_EXPERT_UP, x->width, t->hidden_col);
    expert_products(t, x, &gate, (struct walk){part, x->n}, (struct walk){in, 0});
    expert_products(t, x, &up, (struct walk){word_at(part, half), x->n}, (struct walk){in, 0});
    if (t->config->shared_experts) {
        mlp_product(t, ROLE_SHARED_GATE, x->shared_width, word_at(part, chosen));
        mlp_product(t, ROLE_SHARED_UP, x->shared_width, word_at(part, half + chosen));
    }
    line_reduce(m, &t->row, REDUCE_ADD, part, x->hidden, fixed(2 * half));
    struct swiglu values = swiglu_of_experts(&x->chosen, x->top_k, x->n, x->hidden, half);
    emit_swiglu(t, &values);
}

static void down_phase(struct tile *t, struct experts *x)
{
    uint16_t part = image_words(t->m, PART_BUFFERS, t->window.count);
    struct block down = expert_block(t, ROLE_EXPERT_DOWN, t->hidden_col, x->width);
    expert_products(t, x, &down, (struct walk){own_part(t, part), 0},
                    (struct walk){x->hidden, x->n});
    if (t->config->shared_experts)
        down_product(t, ROLE_SHARED_DOWN, x->shared_width, part,
                     word_at(x->hidden, x->top_k * x->n), x->n > 0);
    mlp_result(t, part);
}

void emit_cut_experts(struct tile *t, const struct routing *chosen)
{
    struct image *m = t->m;
    const struct model_config *k = t->config;
    struct experts x = {.top_k = k->experts_used, .chosen = *chosen};
    x.width = slice_of(k->expert_width, t->h, t->r);
    x.shared_width = slice_of(k->shared_experts * k->expert_width, t->h, t->r);
    x.n = x.width.count;
    x.values = x.top_k * x.n + x.shared_width.count;
    if (t->outer) {
        relay_take(t, chosen->ids, x.top_k);
        relay_take(t, chosen->weights, x.top_k + 1);
    }
    struct args_select args = {.ids = chosen->ids, .count = (uint16_t)(3 * x.top_k)}; /* at most */
    uint16_t select_args = image_kernel(m, KERNEL_select, &args, sizeof args);
    gate_up_phase(t, &x);
    down_phase(t, &x);
    args.count = (uint16_t)x.select_count;
    args.entries =
        image_data(m, PART_PROGRAM, x.select, x.select_count * (uint32_t)sizeof x.select[0]);
    image_rewrite(m, select_args, &args, sizeof args);
}
