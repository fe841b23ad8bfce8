/* SPDX-License-Identifier: Apache-2.0 */
/* mlp.c - the feed-forward half of a layer on one tile: phases 9 to 12 of plan.h. The norm's weight
 * is multiplied in before the products, its scale after them. */
#include "place/halo.h"
#include "place/mlp.h"
#include "place/relay.h"
#include "place/units.h"

/* x times the post-attention norm's weight into t->norm_x. */
static void norm_input(struct tile *t)
{
    struct weight w;
    tile_weight(t, ROLE_POST_NORM, &w);
    uint16_t gain = block_vector(t->m, &w, t->hidden_col);
    tile_mul(t, t->norm_x, own_part(t, t->residual), gain, t->hidden_col.count);
}

void mlp_product(struct tile *t, enum weight_role role, struct slice rows, uint16_t dst)
{
    struct weight w;
    tile_weight(t, role, &w);
    struct block b = block_place(t->m, &w, rows, t->hidden_col);
    block_product(t->m, &b, dst, own_part(t, t->norm_x), false);
}

void down_product(struct tile *t, enum weight_role role, struct slice cols, uint16_t windowed,
                  uint16_t x, bool accumulate)
{
    struct weight w;
    tile_weight(t, role, &w);
    struct block b = block_place(t->m, &w, t->hidden_col, cols);
    block_product(t->m, &b, own_part(t, windowed), x, accumulate);
}

uint16_t product_room(struct tile *t, uint32_t words, uint16_t *part)
{
    uint16_t both = image_words(t->m, PART_BUFFERS, words);
    *part = t->hidden_col.count ? both : image_words(t->m, PART_BUFFERS, words);
    return both;
}

enum { TEAM = 18 }; /* columns, about: the values of a row of Kimi K2.6 on a wafer */

/* This tile's team for so many values: outside the band a few neighbours of its row, or else all of
 * it. Colours of the band's column, which it never meets, lead back from the team's high side. */
static struct line mlp_team(const struct tile *t, uint32_t values)
{
    uint32_t teams = t->w / TEAM;
    if (!t->outer || teams < 2)
        return t->row;
    uint32_t i = (uint32_t)(((uint64_t)t->c * teams + teams - 1) / t->w);
    while (slice_of(t->w, teams, i).first > t->c)
        i--;
    struct slice columns = slice_of(t->w, teams, i);
    struct line team =
        line_part(&t->row, t->c - columns.first, columns.count, COLOUR_BLOCK_A, COLOUR_BLOCK_CAST);
    team.chain[2] = COLOUR_COLUMN_C;
    team.chain[3] = COLOUR_COLUMN_D;
    if (t->strip->stages > 1) /* one kind for all of them, for their routes are the same */
        values = TEAM;
    line_set_kind(&team, cost_choose_reduce(t->plan->machine, columns.count, values, 1));
    return team;
}

/* Whether the row shares the SwiGLU of so many values out of so many sums. */
static bool swiglu_shares(const struct tile *t, uint32_t values, uint32_t sums)
{
    struct line team = mlp_team(t, values);
    uint32_t most = (values + team.length - 1) / team.length;
    struct share_work w = {.all = (uint64_t)values * CYCLES_SWIGLU,
                           .most = (uint64_t)most * CYCLES_SWIGLU,
                           .sums = sums,
                           .values = values};
    return share_pays(t->plan->machine, &team, &w);
}

/* `mine` of the values; without any the kernel is run for its place in the sequence alone. */
static void swiglu(struct tile *t, const struct swiglu *s, struct slice mine, uint16_t out)
{
    struct args_swiglu args = s->args;
    args.gate = word_at(s->sums, mine.first);
    args.up = word_at(s->sums, s->values + mine.first);
    args.out = word_at(out, mine.first);
    args.first = (uint16_t)mine.first;
    args.count = (uint16_t)mine.count;
    if (mine.count || s->joins)
        image_kernel(t->m, KERNEL_swiglu, &args, sizeof args);
}

/* Every tile of the row gets the sums and belongs to a team that makes all values by itself. */
static void shared_swiglu(struct tile *t, const struct swiglu *s)
{
    struct line team = mlp_team(t, s->values);
    uint16_t part = image_words(t->m, PART_BUFFERS, s->values);
    line_broadcast(t->m, &t->row, s->sums, fixed(s->sum_words));
    swiglu(t, s, slice_of(s->values, team.length, team.index), part);
    line_reduce(t->m, &team, REDUCE_ADD, part, s->sums, fixed(s->values));
    line_broadcast(t->m, &team, s->sums, fixed(s->values));
}

void emit_swiglu(struct tile *t, const struct swiglu *s)
{
    if (swiglu_shares(t, s->values, s->sum_words)) {
        shared_swiglu(t, s);
    } else {
        swiglu(t, s, (struct slice){0, t->row_root ? s->values : 0}, s->sums);
        line_broadcast(t->m, &t->row, s->sums, fixed(s->values));
    }
    image_mark(t->m, PHASE_GATE_UP);
}

struct swiglu swiglu_of_experts(const struct routing *r, uint32_t top_k, uint32_t n, uint16_t sums,
                                uint32_t values)
{
    return (struct swiglu){.args = {.width = (uint16_t)n,
                                    .experts = (uint16_t)(n ? top_k : 0),
                                    .weights = r->weights,
                                    .r_in = r->scale},
                           .sums = sums,
                           .values = values,
                           .sum_words = 2 * values};
}

/* The farthest rows began later by the hops of what started them; meanwhile the root takes what the
 * nearer ones have: all `words` of the reduction but the last message. */
static void reckon_spread(struct tile *t, uint64_t words)
{
    if (!t->m->machine)
        return;
    uint64_t spread = (uint64_t)relay_spread(t->plan, t->strip) * t->m->machine->hop_cycles;
    uint64_t early = words > t->window.count ? words - t->window.count : 0;
    t->m->cost.hops += spread;
    t->m->cost.words -= early < spread ? early : spread;
}

void mlp_result(struct tile *t, uint16_t part)
{
    if (!t->outer) {
        emit_residual_sum(t, part, PHASE_DOWN);
        return;
    }
    bool apart = line_stores(&t->column) > 0 && t->hidden_col.count == 0;
    uint16_t sum = apart ? image_words(t->m, PART_BUFFERS, t->window.count) : part;
    uint64_t before = t->m->cost.words;
    line_reduce(t->m, &t->column, REDUCE_ADD, part, sum, fixed(t->window.count));
    reckon_spread(t, t->m->cost.words - before);
    relay_back(t, sum, t->window.count);
    image_mark(t->m, PHASE_DOWN);
}

static void dense(struct tile *t)
{
    struct image *m = t->m;
    struct slice width = slice_of(t->config->dense_width, t->h, t->r);
    uint32_t n = width.count;
    uint16_t part, both = product_room(t, 2 * n + 1, &part);
    norm_input(t);
    tile_square_sum(t, word_at(part, 2 * n), own_part(t, t->residual), t->hidden_col.count);
    mlp_product(t, ROLE_DENSE_GATE, width, part);
    mlp_product(t, ROLE_DENSE_UP, width, word_at(part, n));
    line_reduce(m, &t->row, REDUCE_ADD, part, both, fixed(2 * n + 1));
    emit_swiglu(t,
                &(struct swiglu){.args.norm = tile_norm(t, word_at(both, 2 * n), t->config->hidden),
                                 .sums = both,
                                 .values = n,
                                 .sum_words = 2 * n + 1});
    uint16_t out = image_words(m, PART_BUFFERS, t->window.count);
    down_product(t, ROLE_DENSE_DOWN, width, out, both, false);
    mlp_result(t, out);
}

struct routing routing_room(struct tile *t)
{
    uint32_t top_k = t->config->experts_used;
    uint16_t at = image_words(t->m, PART_BUFFERS, 2 * top_k + 1);
    return (struct routing){
        .ids = at, .weights = word_at(at, top_k), .scale = word_at(at, 2 * top_k)};
}

/* What comes out of the band for the products of gate and up. */
static void send_input(struct tile *t)
{
    if (!t->column_root)
        return;
    uint16_t windowed = t->norm_x;
    if (t->window.count > t->hidden_col.count) {
        windowed = image_words(t->m, PART_BUFFERS, t->window.count);
        halo_fill(t, t->norm_x, windowed);
    }
    relay_out(t, windowed, t->window.count);
}

/* The shared expert's input comes before the ids: what is outside can begin with it. */
static void band_experts(struct tile *t)
{
    struct routing chosen = routing_room(t);
    if (!line_is_low_root(&t->column))
        norm_input(t);
    send_input(t);
    emit_router(t, &chosen);
}

static void emit_experts(struct tile *t, const struct routing *chosen)
{
    if (units_of(t->plan, t->strip, t->stage).used)
        emit_unit_experts(t, chosen);
    else
        emit_cut_experts(t, chosen);
}

/* Everything in one place. */
static void mlp_here(struct tile *t, bool experts)
{
    if (!experts) {
        dense(t);
        return;
    }
    struct routing chosen = routing_room(t);
    norm_input(t);
    emit_router(t, &chosen);
    emit_experts(t, &chosen);
}

static void mlp_outside(struct tile *t, bool experts)
{
    if (!experts) {
        t->residual = image_words(t->m, PART_BUFFERS, t->window.count);
        relay_take(t, t->residual, t->window.count);
        dense(t);
        return;
    }
    struct routing chosen = routing_room(t);
    relay_take(t, t->norm_x, t->window.count);
    emit_experts(t, &chosen);
}

void emit_mlp(struct tile *t)
{
    bool experts = plan_stage_kind(t->plan, t->stage) == STAGE_EXPERTS;
    if (!t->split) {
        mlp_here(t, experts);
        return;
    }
    if (t->outer) {
        mlp_outside(t, experts);
        return;
    }
    if (experts)
        band_experts(t);
    else
        relay_out(t, t->residual, t->window.count);
    t->mlp_out = image_words(t->m, PART_BUFFERS, t->window.count);
    relay_result(t, t->mlp_out, t->window.count);
    image_mark(t->m, PHASE_DOWN);
}
