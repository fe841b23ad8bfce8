/* SPDX-License-Identifier: Apache-2.0 */
/* unit_experts.c - one tile's work with routed experts in units: phases 11 and 12 of plan.h. */
#include "place/mlp.h"
#include "place/relay.h"
#include "place/units.h"

#include "base/xalloc.h"

#include <stddef.h>
#include <stdlib.h>

enum { CHOICES = 16 }; /* of experts, that a prediction tries */

struct work {
    struct units u;
    uint32_t top_k;
    uint32_t place, sub; /* of this row, and its number there; no place: past the last one */
    bool placed;
    struct slice shared; /* rows of the shared expert's width */
    uint32_t n, values;  /* rows of an expert, top_k * n + shared */
    struct routing chosen;
    uint16_t blocks, table;
    uint32_t here;         /* chosen experts that are reckoned to be here */
    uint16_t down_args;    /* of kernel select_units, which points the products of down */
    uint16_t hidden;       /* [top_k][n], [shared]: the row's values */
    uint16_t group_hidden; /* [top_k][32]: the place's values */
};

static bool holds(const struct tile *t, const struct work *x, uint32_t expert, uint32_t *unit,
                  uint32_t *group)
{
    return x->placed && unit_of_column(&x->u, expert, t->c, unit) &&
           group_of_place(&x->u, expert, x->place, group);
}

/* Codes, then scales, of `rows` rows of a matrix over whole groups. */
static uint8_t *put_rows(const struct tile *t, enum weight_role role, uint32_t expert,
                         const struct weight_block *part, uint8_t *codes, uint8_t *scales)
{
    struct weight w;
    checkpoint_weight(t->plan->checkpoint, role, t->stage, expert, &w);
    weight_block_codes(&w, part, part->cols / 2, codes);
    weight_block_scales(&w, part, scales);
    return scales + (size_t)part->rows * part->cols / INT4_GROUP * 2;
}

/* A block: codes of gate, of up, their scales, codes of down, its scales. */
static void put_block(const struct tile *t, const struct work *x, uint32_t expert, uint32_t unit,
                      uint32_t group, uint8_t *room)
{
    const struct units *u = &x->u;
    struct weight_block first = {group * INT4_GROUP + x->sub * u->up, u->up, unit * u->inputs,
                                 u->inputs};
    struct weight_block second = {unit * u->inputs + x->sub * u->down, u->down, group * INT4_GROUP,
                                  INT4_GROUP};
    size_t codes = (size_t)u->up * u->inputs / 2;
    uint8_t *scales = put_rows(t, ROLE_EXPERT_GATE, expert, &first, room, room + 2 * codes);
    uint8_t *down = put_rows(t, ROLE_EXPERT_UP, expert, &first, room + codes, scales);
    put_rows(t, ROLE_EXPERT_DOWN, expert, &second, down, down + (size_t)u->down * INT4_GROUP / 2);
}

/* The blocks, and where kernel `select_units` looks them up. */
static void place_blocks(struct tile *t, struct work *x)
{
    uint32_t experts = t->config->experts, unit, group;
    uint8_t *table = xcalloc(experts, 1);
    uint32_t count = units_table(&x->u, experts, t->c, x->place, table);
    x->table = image_data(t->m, PART_PROGRAM, table, experts);
    uint8_t *room = image_room(t->m, PART_WEIGHTS, count * x->u.bytes, &x->blocks);
    for (uint32_t e = 0; room && e < experts; e++) {
        uint32_t block = e - (table[e] & (UNIT_HIGH - 1u));
        if (holds(t, x, e, &unit, &group))
            put_block(t, x, e, unit, group, room + (size_t)block * x->u.bytes);
    }
    free(table);
}

/* Of the kernel that points a list of descriptors at the blocks: what both lists have in common. */
static struct args_select_units select_args(const struct tile *t, const struct work *x)
{
    return (struct args_select_units){.ids = x->chosen.ids,
                                      .count = (uint16_t)x->top_k,
                                      .experts = (uint16_t)t->config->experts,
                                      .table = x->table,
                                      .block_bytes = (uint16_t)x->u.bytes};
}

/* How many of the chosen experts a prediction takes to be here: the most of some choices in no
 * order, for a tile that is looked at stands for others. */
static uint32_t reckoned_here(const struct tile *t, const struct work *x)
{
    uint32_t most = 0, draw = 0, unit, group;
    for (uint32_t k = 0; k < CHOICES; k++) {
        uint32_t here = 0;
        for (uint32_t i = 0; i < x->top_k; i++) {
            uint32_t expert = (++draw * 2654435761u >> 8) % t->config->experts;
            here += holds(t, x, expert, &unit, &group);
        }
        most = here > most ? here : most;
    }
    return most;
}

/* Of a product of an expert that is not here select_units leaves no inputs. */
static uint32_t reckoned_inputs(const struct tile *t, const struct work *x, uint32_t slot,
                                uint32_t inputs)
{
    return t->m->trace && slot >= x->here ? 0 : inputs;
}

/* One product of gate and up for a chosen expert. */
static uint16_t gate_up_product(struct tile *t, const struct work *x, uint16_t dst, uint32_t slot)
{
    const struct units *u = &x->u;
    return image_step(
        t->m, (struct stream_desc){.op = STREAM_DOT_INT4,
                                   .count = (uint16_t)u->up,
                                   .dst = dst,
                                   .src0 = x->blocks,
                                   .src1 = t->norm_x,
                                   .cols = (uint16_t)reckoned_inputs(t, x, slot, u->inputs),
                                   .row_bytes = (uint16_t)(u->inputs / 2),
                                   .scales = x->blocks,
                                   .scale_row_bytes = (uint16_t)(u->inputs / INT4_GROUP * 2),
                                   .batch = 2,
                                   .dst_step = (uint16_t)(4 * x->values),
                                   .src0_step = (uint16_t)(u->up * u->inputs / 2)});
}

static uint16_t unit_down_product(struct tile *t, const struct work *x, uint16_t dst, uint32_t slot)
{
    return image_step(
        t->m, (struct stream_desc){.op = STREAM_DOT_INT4,
                                   .flags = STREAM_ACCUMULATE,
                                   .count = (uint16_t)x->u.down,
                                   .dst = dst,
                                   .src0 = x->blocks,
                                   .src1 = word_at(x->group_hidden, slot * INT4_GROUP),
                                   .cols = (uint16_t)reckoned_inputs(t, x, slot, INT4_GROUP),
                                   .row_bytes = INT4_GROUP / 2,
                                   .scales = x->blocks,
                                   .scale_row_bytes = 2});
}

/* Gate and up of every chosen expert. While the row sums them the descriptors of down are pointed
 * at their blocks. */
static void gate_up_products(struct tile *t, struct work *x, uint16_t part)
{
    const struct units *u = &x->u;
    struct args_select_units args = select_args(t, x);
    uint16_t at = image_kernel(t->m, KERNEL_select_units, &args, sizeof args);
    for (uint32_t i = 0; i < x->top_k; i++) {
        uint16_t desc = gate_up_product(t, x, word_at(part, i * x->n), i);
        args.desc = i ? args.desc : desc;
    }
    x->down_args = image_kernel_beside(t->m, KERNEL_select_units, &args, sizeof args);
    args.field = offsetof(struct stream_desc, src1);
    args.weight = x->blocks;
    args.scale = (uint16_t)(x->blocks + u->up * u->inputs);
    args.cols = (uint16_t)u->inputs;
    args.base = t->norm_x;
    args.step = (uint16_t)(4 * u->inputs);
    image_rewrite(t->m, at, &args, sizeof args);
}

static void down_products(struct tile *t, struct work *x, uint16_t y)
{
    const struct units *u = &x->u;
    struct args_select_units args = select_args(t, x);
    uint32_t groups = u->up * u->inputs / INT4_GROUP; /* of gate, and of up */
    uint32_t codes = groups * (INT4_GROUP + 4);
    uint16_t to = word_at(y, x->sub * u->down);
    for (uint32_t i = 0; i < x->top_k; i++) {
        uint16_t desc = unit_down_product(t, x, to, i);
        args.desc = i ? args.desc : desc;
    }
    args.field = offsetof(struct stream_desc, dst);
    args.weight = (uint16_t)(x->blocks + codes);
    args.scale = (uint16_t)(x->blocks + codes + u->down * INT4_GROUP / 2);
    args.cols = INT4_GROUP;
    args.base = to;
    args.step = (uint16_t)(4 * u->inputs);
    image_rewrite(t->m, x->down_args, &args, sizeof args);
}

static void gate_up_phase(struct tile *t, struct work *x, uint16_t part)
{
    uint32_t half = x->values;
    if (x->placed)
        gate_up_products(t, x, part);
    line_reduce(t->m, &t->row, REDUCE_ADD, part, x->hidden, fixed(2 * half));
    relay_take(t, x->chosen.weights, x->top_k + 1);
    struct swiglu values = swiglu_of_experts(&x->chosen, x->top_k, x->n, x->hidden, half);
    values.joins = x->placed;
    emit_swiglu(t, &values);
}

/* The rows of a place, as a line. Its colours are the band's column's, which it never meets. */
static struct line place_line(const struct tile *t, const struct work *x)
{
    return line_part(&t->column, x->sub, x->u.rows, COLOUR_COLUMN_A, COLOUR_COLUMN_CAST);
}

/* What the shared expert adds to y, which begins with it. */
static void shared_down(struct tile *t, const struct work *x, uint16_t y)
{
    tile_clear(t, y, t->window.count);
    if (t->config->shared_experts)
        down_product(t, ROLE_SHARED_DOWN, x->shared, y, word_at(x->hidden, x->top_k * x->n), true);
}

/* This row's values of every expert to their places among the 32. */
static void spread_values(struct tile *t, const struct work *x)
{
    static const float one = 1.0f;
    uint16_t unit = image_data(t->m, PART_PROGRAM, &one, sizeof one);
    tile_clear(t, x->group_hidden, x->top_k * INT4_GROUP);
    image_step(t->m, (struct stream_desc){.op = STREAM_DOT_F32,
                                          .count = (uint16_t)x->n,
                                          .dst = word_at(x->group_hidden, x->sub * x->n),
                                          .src0 = x->hidden,
                                          .src1 = unit,
                                          .cols = 1,
                                          .row_bytes = 4,
                                          .batch = (uint16_t)x->top_k,
                                          .dst_step = INT4_GROUP * 4,
                                          .src0_step = (uint16_t)(4 * x->n)});
}

/* Whether the sum of a place is so long on its way from this row, stage by stage, that the shared
 * expert's part is made before it comes back. */
static bool sum_is_long_away(const struct tile *t, const struct work *x)
{
    const struct machine *k = t->plan->machine;
    uint32_t stages = x->u.rows - 1 - x->sub, lanes = k->lanes.bf16;
    uint32_t passes = (x->shared.count + lanes - 1) / lanes;
    return stages * (2 * k->ramp_cycles + 2) > t->hidden_col.count * passes;
}

/* The rows' values are summed with zeros. Meanwhile the shared expert's part of y is made: by rows
 * near the root before the others' values come, by those far from it before the sum comes. */
static void gather_phase(struct tile *t, const struct work *x, uint16_t y)
{
    struct length n = fixed(x->top_k * INT4_GROUP);
    struct line l = place_line(t, x);
    bool near = !sum_is_long_away(t, x);
    if (near)
        shared_down(t, x, y);
    spread_values(t, x);
    line_reduce(t->m, &l, REDUCE_ADD, x->group_hidden, x->group_hidden, n);
    if (!near)
        shared_down(t, x, y);
    line_broadcast(t->m, &l, x->group_hidden, n);
    image_mark(t->m, PHASE_GATHER);
}

static void down_phase(struct tile *t, struct work *x)
{
    uint16_t y = t->norm_x; /* which nobody needs any more */
    if (x->placed) {
        x->group_hidden = image_words(t->m, PART_BUFFERS, x->top_k * INT4_GROUP);
        gather_phase(t, x, y);
        down_products(t, x, y);
    } else {
        shared_down(t, x, y);
    }
    mlp_result(t, y);
}

void emit_unit_experts(struct tile *t, const struct routing *chosen)
{
    const struct model_config *k = t->config;
    struct work x = {
        .u = units_of(t->plan, t->strip, t->stage), .top_k = k->experts_used, .chosen = *chosen};
    x.place = t->r / x.u.rows, x.sub = t->r % x.u.rows;
    x.placed = x.place < x.u.places;
    x.shared = slice_of(k->shared_experts * k->expert_width, t->h, t->r);
    x.n = x.placed ? x.u.up : 0;
    x.values = x.top_k * x.n + x.shared.count;
    uint32_t chosen_values = x.top_k * x.n;
    uint16_t part;
    x.hidden = product_room(t, 2 * x.values, &part);
    if (k->shared_experts) {
        mlp_product(t, ROLE_SHARED_GATE, x.shared, word_at(part, chosen_values));
        mlp_product(t, ROLE_SHARED_UP, x.shared, word_at(part, x.values + chosen_values));
    }
    relay_take(t, chosen->ids, x.top_k);
    if (x.placed)
        place_blocks(t, &x);
    x.here = t->m->trace ? reckoned_here(t, &x) : x.top_k;
    gate_up_phase(t, &x, part);
    down_phase(t, &x);
}
