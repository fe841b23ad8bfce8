/* SPDX-License-Identifier: Apache-2.0 */
/* layer.c - one tile's program: input, attention, MLP, and the move to the next strip. */
#include "place/layer.h"

#include <string.h>

void tile_weight(const struct tile *t, enum weight_role role, struct weight *w)
{
    checkpoint_weight(t->plan->checkpoint, role, t->stage, 0, w);
}

struct args_norm tile_norm(const struct tile *t, uint16_t sum, uint32_t length)
{
    return (struct args_norm){
        .inv_n = (float)(1.0 / length), .eps = (float)t->config->norm_eps, .sum = sum};
}

static void elementwise(struct tile *t, struct stream_desc d, uint32_t count)
{
    d.count = (uint16_t)count;
    if (count)
        image_step(t->m, d);
}

void tile_mul(struct tile *t, uint16_t d, uint16_t a, uint16_t b, uint32_t count)
{
    elementwise(t, (struct stream_desc){.op = STREAM_MUL, .dst = d, .src0 = a, .src1 = b}, count);
}

void tile_scale(struct tile *t, uint16_t d, uint16_t a, uint16_t s, uint32_t count)
{
    elementwise(t, (struct stream_desc){.op = STREAM_SCALE, .dst = d, .src0 = a, .src1 = s}, count);
}

void tile_copy(struct tile *t, uint16_t d, uint16_t a, uint32_t count)
{
    elementwise(t, (struct stream_desc){.op = STREAM_COPY, .dst = d, .src0 = a}, count);
}

void tile_add(struct tile *t, uint16_t d, uint16_t a, uint16_t b, uint32_t count)
{
    elementwise(t, (struct stream_desc){.op = STREAM_ADD, .dst = d, .src0 = a, .src1 = b}, count);
}

/* As a product with one row: the vector times itself. */
void tile_square_sum(struct tile *t, uint16_t d, uint16_t a, uint32_t count)
{
    if (count)
        image_step(t->m, (struct stream_desc){.op = STREAM_DOT_F32,
                                              .count = 1,
                                              .dst = d,
                                              .src0 = a,
                                              .src1 = a,
                                              .cols = (uint16_t)count,
                                              .row_bytes = (uint16_t)(count * 4)});
}

uint8_t plan_input_colour(uint32_t strip_index)
{
    return strip_index & 1 ? COLOUR_INPUT_ODD : COLOUR_INPUT_EVEN;
}

uint8_t plan_logits_colour(void)
{
    return COLOUR_LOGITS;
}

/* The share of x that row r works on comes from the west and goes to every tile of the row. */
static void emit_input(struct tile *t)
{
    uint8_t colour = plan_input_colour(t->strip_index);
    unsigned onward = t->c + 1 < t->w ? AT_EAST : 0;
    image_route(t->m, colour, ROUTE_WORD(AT_WEST, AT_RAMP | onward), true);
    t->input = image_words(t->m, PART_BUFFERS, PLAN_HEADER + t->hidden_row.count);
    image_step(t->m, (struct stream_desc){.op = STREAM_RECV,
                                          .dst = t->input,
                                          .src1 = colour,
                                          .count = (uint16_t)(PLAN_HEADER + t->hidden_row.count)});
}

/* What this tile adds to the message of row r: the elements its column holds, and, once a row, the
 * position. */
static uint16_t emit_share(struct tile *t)
{
    struct slice mine = slice_overlap(t->hidden_row, t->hidden_col);
    uint16_t part = image_words(t->m, PART_BUFFERS, PLAN_HEADER + t->hidden_row.count);
    if (t->c == 0)
        tile_copy(t, part, t->input, PLAN_HEADER);
    tile_copy(t, word_at(part, PLAN_HEADER + mine.first - t->hidden_row.first),
              word_at(t->residual, mine.first - t->hidden_col.first), mine.count);
    return part;
}

/* Row r's share of the result is summed along the row, into the next strip. */
static void emit_move(struct tile *t)
{
    static const uint8_t chain[2] = {COLOUR_MOVE_A, COLOUR_MOVE_B};
    struct image *m = t->m;
    bool last = t->c + 1 == t->w;
    struct stream_desc d = {.op = STREAM_SEND,
                            .src0 = emit_share(t),
                            .count = (uint16_t)(PLAN_HEADER + t->hidden_row.count)};
    d.dst = last ? plan_input_colour(t->strip_index + 1) : chain[t->c & 1];
    image_route(m, (uint8_t)d.dst, ROUTE_WORD(AT_RAMP, AT_EAST), false);
    if (t->c > 0) {
        d.op = STREAM_ADD_SEND;
        d.src1 = chain[(t->c - 1) & 1];
        image_route(m, (uint8_t)d.src1, ROUTE_WORD(AT_WEST, AT_RAMP), true);
    }
    image_step(m, d);
    image_mark(m, PHASE_MOVE);
}

/* The same for a next stage in the same strip: summed to the row root and sent back to the whole
 * row. */
static void emit_turn(struct tile *t)
{
    struct length n = fixed(PLAN_HEADER + t->hidden_row.count);
    uint16_t part = emit_share(t);
    t->input = image_words(t->m, PART_BUFFERS, n.plus);
    line_reduce(t->m, &t->row, REDUCE_ADD, part, t->input, n);
    line_broadcast(t->m, &t->row, t->input, n);
    image_mark(t->m, PHASE_MOVE);
}

static void tile_init(struct tile *t, const struct plan *p, uint32_t strip_index, uint32_t c,
                      uint32_t r)
{
    const struct strip *s = &p->strips[strip_index];
    const struct model_config *k = p->config;
    *t = (struct tile){.m = t->m, .plan = p, .config = k, .strip = s, .strip_index = strip_index};
    t->c = c, t->r = r, t->w = s->width, t->h = p->height;
    t->column =
        (struct line){.index = r,
                      .length = t->h,
                      .root = (t->h - 1) / 2,
                      .low = PORT_NORTH,
                      .high = PORT_SOUTH,
                      .chain = {COLOUR_COLUMN_A, COLOUR_COLUMN_B, COLOUR_COLUMN_C, COLOUR_COLUMN_D},
                      .broadcast = COLOUR_COLUMN_CAST};
    t->row = (struct line){.index = c,
                           .length = t->w,
                           .root = (t->w - 1) / 2,
                           .low = PORT_WEST,
                           .high = PORT_EAST,
                           .chain = {COLOUR_ROW_A, COLOUR_ROW_B, COLOUR_ROW_C, COLOUR_ROW_D},
                           .broadcast = COLOUR_ROW_CAST};
    t->column_root = t->column.index == t->column.root;
    t->row_root = t->row.index == t->row.root;
    t->hidden_row = slice_of(k->hidden, t->h, r);
    t->hidden_col = slice_of(k->hidden, t->w, c);
    t->latent = slice_of_pairs(k->kv_lora_rank + k->rope_dim, t->w, c,
                               k->kv_lora_rank + k->rope_dim, k->kv_lora_rank);
    t->latent_count = slice_overlap(t->latent, (struct slice){0, k->kv_lora_rank}).count;
}

static void emit_layer(struct tile *t)
{
    struct args_token none = {0};
    t->state = image_words(t->m, PART_BUFFERS, sizeof(struct token_state) / 4);
    t->token_args = image_kernel(t->m, KERNEL_token, &none, sizeof none);
    t->norm_row = image_words(t->m, PART_BUFFERS, t->hidden_row.count);
    t->norm_x = image_words(t->m, PART_BUFFERS, t->hidden_col.count);
    emit_attention(t);
    if (plan_stage_kind(t->plan, t->stage) == STAGE_DENSE)
        emit_dense(t);
    else
        emit_experts(t);
}

static void emit_stage(struct tile *t)
{
    if (plan_stage_kind(t->plan, t->stage) == STAGE_HEAD) {
        emit_head(t);
        return;
    }
    t->patches.count = 0;
    emit_layer(t);
    if (t->stage + 1 < t->strip->first + t->strip->stages)
        emit_turn(t);
    else
        emit_move(t);
}

bool plan_emit(const struct plan *p, uint32_t x, uint32_t y, bool dry, struct image *m)
{
    uint32_t i = 0;
    while (i < p->strip_count && x >= p->strips[i].x0 + p->strips[i].width)
        i++;
    if (i == p->strip_count)
        return false;
    struct tile t = {.m = m};
    image_reset(m, dry);
    tile_init(&t, p, i, x - p->strips[i].x0, y);
    emit_input(&t);
    for (uint32_t k = 0; k < t.strip->stages; k++) {
        t.stage = t.strip->first + k;
        emit_stage(&t);
    }
    image_finish(m);
    return true;
}
