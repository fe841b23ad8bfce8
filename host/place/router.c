/* SPDX-License-Identifier: Apache-2.0 */
/* router.c - router logits, scores, and the choice of experts: phases 9 and 10 of plan.h.
 *
 * A row holds the scores of some experts, a column is in charge of some others. Without groups of
 * experts every tile counts how many of its row's experts beat its column's; the counts, summed
 * along the column, are ranks, and the columns whose experts rank below top_k put them in their
 * places of one vector, summed along the row of column roots. With groups the scores are gathered
 * and one tile chooses. */
#include "place/mlp.h"
#include "place/relay.h"
#include "place/units.h"

struct choice {
    uint32_t top_k;
    struct slice mine; /* experts of this row */
    uint16_t scores;   /* [mine] */
    struct routing to;
};

static void bias_words(struct tile *t, struct slice part, uint16_t *at)
{
    struct weight bias;
    tile_weight(t, ROLE_ROUTER_BIAS, &bias);
    *at = block_vector(t->m, &bias, part);
}

/* Logits of the row's experts, then their scores, in every tile of the row. */
static void score(struct tile *t, struct choice *c)
{
    struct image *m = t->m;
    uint32_t n = c->mine.count;
    uint16_t part = image_words(m, PART_BUFFERS, n + 1);
    uint16_t logits = image_words(m, PART_BUFFERS, n + 1);
    tile_square_sum(t, word_at(part, n), own_part(t, t->residual), t->hidden_col.count);
    mlp_product(t, ROLE_ROUTER, c->mine, part);
    line_reduce(m, &t->row, REDUCE_ADD, part, logits, fixed(n + 1));
    line_broadcast(m, &t->row, logits, fixed(n + 1));
    struct args_sigmoid args = {.norm = tile_norm(t, word_at(logits, n), t->config->hidden),
                                .z = logits,
                                .out = logits,
                                .count = (uint16_t)n,
                                .r_out = c->to.scale};
    image_kernel(m, KERNEL_sigmoid, &args, sizeof args);
    c->scores = logits;
}

/* The scores of some experts, in the column root. Where that is a hub it has not seen the norm of
 * the router's input, which rides along. */
static uint16_t column_sum(struct tile *t, const struct choice *c, struct slice experts)
{
    uint32_t n = experts.count + t->split;
    uint16_t part = image_words(t->m, PART_BUFFERS, n), all = image_words(t->m, PART_BUFFERS, n);
    tile_pick(t, part, experts, c->scores, c->mine);
    if (t->split && !t->hub && t->share == 0)
        tile_copy(t, word_at(part, experts.count), c->to.scale, 1);
    if (n)
        line_reduce(t->m, &t->column, REDUCE_ADD, column_part(t, part), all, fixed(n));
    if (t->hub && t->column_root)
        tile_copy(t, c->to.scale, word_at(all, experts.count), 1);
    return all;
}

/* All scores are gathered where row and column roots meet, which chooses and tells the row of
 * column roots. */
static void choose_at_one(struct tile *t, struct choice *c)
{
    struct image *m = t->m;
    const struct model_config *k = t->config;
    image_mark(m, PHASE_ROUTER);
    if (t->row_root) {
        uint16_t all = column_sum(t, c, (struct slice){0, k->experts});
        if (t->column_root) {
            struct args_topk args = {
                .factor = (float)k->routed_scale,
                .scores = all,
                .experts = (uint16_t)k->experts,
                .top_k = (uint16_t)c->top_k,
                .groups = (uint16_t)k->groups,
                .group_k = (uint16_t)k->groups_used,
                .normalise = k->norm_topk,
                .ids = c->to.ids,
                .weights = c->to.weights,
                .scratch = image_words(m, PART_BUFFERS, k->groups + 2 * k->groups_used)};
            bias_words(t, (struct slice){0, k->experts}, &args.bias);
            image_kernel(m, KERNEL_topk, &args, sizeof args);
        }
    }
    if (t->column_root)
        line_broadcast(m, &t->row, c->to.ids, fixed(2 * c->top_k + t->hub));
}

/* This column's experts in terms of args_rank_count and args_rank_place. */
static uint16_t column_scores(struct tile *t, const struct choice *c, struct slice mine)
{
    uint16_t all = column_sum(t, c, mine);
    if (mine.count)
        line_broadcast(t->m, &t->column, all, fixed(mine.count));
    return all;
}

/* The counts of this tile's row, added up along the column. */
static uint16_t count_ranks(struct tile *t, const struct choice *c, struct slice mine,
                            uint16_t scores)
{
    uint16_t part = image_words(t->m, PART_BUFFERS, mine.count);
    uint16_t ranks = image_words(t->m, PART_BUFFERS, mine.count);
    struct args_rank_count args = {.theirs = c->scores,
                                   .their_first = (uint16_t)c->mine.first,
                                   .their_count = (uint16_t)c->mine.count,
                                   .mine = scores,
                                   .my_first = (uint16_t)mine.first,
                                   .my_count = (uint16_t)mine.count,
                                   .out = part};
    if (!t->hub) {
        bias_words(t, c->mine, &args.their_bias);
        bias_words(t, mine, &args.my_bias);
        image_kernel(t->m, KERNEL_rank_count, &args, sizeof args);
    }
    line_reduce(t->m, &t->column, REDUCE_ADD, column_part(t, part), ranks, fixed(mine.count));
    return ranks;
}

/* How many of all experts beat each of the column's: in the column root, which clears its places
 * while it waits. */
static struct args_rank_place column_ranks(struct tile *t, const struct choice *c)
{
    struct slice mine = slice_of(t->config->experts, t->w, t->c);
    struct args_rank_place place = {.my_first = (uint16_t)mine.first,
                                    .my_count = (uint16_t)mine.count,
                                    .top_k = (uint16_t)c->top_k};
    if (t->column_root) {
        place.out = image_words(t->m, PART_BUFFERS, 2 * c->top_k);
        tile_clear(t, place.out, 2 * c->top_k);
    }
    place.mine = column_scores(t, c, mine);
    if (mine.count)
        place.ranks = count_ranks(t, c, mine, place.mine);
    return place;
}

/* What the tiles outside take first: the places of kernel rank_place, which is all that
 * select_units needs, or else ids. Weights and r follow. */
static bool places_suffice(const struct tile *t)
{
    return units_of(t->plan, t->strip, t->stage).used;
}

static void choose_together(struct tile *t, struct choice *c)
{
    struct image *m = t->m;
    const struct model_config *k = t->config;
    struct args_rank_place place = column_ranks(t, c);
    image_mark(m, PHASE_ROUTER);
    if (!t->column_root)
        return;
    uint16_t sums = image_words(m, PART_BUFFERS, 2 * c->top_k); /* places, then scores */
    if (place.my_count)
        image_kernel(m, KERNEL_rank_place, &place, sizeof place);
    struct length half = fixed(c->top_k);
    line_allreduce(m, &t->row, REDUCE_ADD, place.out, sums, half);
    if (places_suffice(t)) {
        relay_out(t, sums, c->top_k);
        image_mark(m, PHASE_TOP_K);
    }
    line_allreduce(m, &t->row, REDUCE_ADD, word_at(place.out, c->top_k), word_at(sums, c->top_k),
                   half);
    struct args_rank_finish finish = {.factor = (float)k->routed_scale,
                                      .sums = sums,
                                      .top_k = (uint16_t)c->top_k,
                                      .ids = c->to.ids,
                                      .weights = c->to.weights,
                                      .normalise = k->norm_topk};
    image_kernel(m, KERNEL_rank_finish, &finish, sizeof finish);
}

/* What goes out of the band. */
static void send_out(struct tile *t, const struct choice *c)
{
    if (!places_suffice(t))
        relay_out(t, c->to.ids, c->top_k);
    relay_out(t, c->to.weights, c->top_k + 1);
    if (places_suffice(t))
        image_aside(t->m); /* meanwhile the products of gate and up are made */
}

void emit_router(struct tile *t, const struct routing *to)
{
    const struct model_config *k = t->config;
    struct choice c = {.top_k = k->experts_used, .to = *to};
    c.mine = row_slice(t, k->experts);
    if (!t->hub)
        score(t, &c);
    if (k->groups > 1)
        choose_at_one(t, &c);
    else
        choose_together(t, &c);
    if (t->split)
        send_out(t, &c);
    else
        line_broadcast(t->m, &t->column, to->ids, fixed(2 * c.top_k));
    if (!places_suffice(t))
        image_mark(t->m, PHASE_TOP_K);
}
