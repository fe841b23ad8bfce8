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
    struct image *m = t->m;
    struct length n = fixed(PLAN_HEADER + t->hidden_row.count);
    uint8_t next = plan_input_colour(t->strip_index + 1);
    uint16_t part = emit_share(t);
    uint16_t sum = line_stores(&t->move) ? image_words(m, PART_BUFFERS, n.plus) : part;
    if (t->c + 1 == t->w)
        image_route(m, next, ROUTE_WORD(AT_RAMP, AT_EAST), false);
    line_reduce_onto(m, &t->move, part, sum, n, next);
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

static void lines_init(struct tile *t, const struct strip_kinds *kinds, struct strip_log *log)
{
    t->column =
        (struct line){.index = t->r,
                      .length = t->h,
                      .low = PORT_NORTH,
                      .high = PORT_SOUTH,
                      .chain = {COLOUR_COLUMN_A, COLOUR_COLUMN_B, COLOUR_COLUMN_C, COLOUR_COLUMN_D},
                      .broadcast = COLOUR_COLUMN_CAST};
    t->row = (struct line){.index = t->c,
                           .length = t->w,
                           .low = PORT_WEST,
                           .high = PORT_EAST,
                           .chain = {COLOUR_ROW_A, COLOUR_ROW_B, COLOUR_ROW_C, COLOUR_ROW_D},
                           .broadcast = COLOUR_ROW_CAST};
    t->south = t->column;
    t->south.chain[0] = COLOUR_HEAD_A, t->south.chain[1] = COLOUR_HEAD_B;
    t->move = t->row;
    t->move.chain[0] = COLOUR_MOVE_A, t->move.chain[1] = COLOUR_MOVE_B;
    line_set_kind(&t->column, kinds->column);
    line_set_kind(&t->row, kinds->row);
    line_set_kind(&t->south, kinds->south);
    line_set_kind(&t->move, kinds->move);
    if (log) {
        t->column.log = &log->column, t->row.log = &log->row;
        t->south.log = &log->south, t->move.log = &log->move;
    }
    t->column_root = t->column.index == t->column.root;
    t->row_root = t->row.index == t->row.root;
}

static void tile_init(struct tile *t, const struct plan *p, uint32_t strip_index, uint32_t c,
                      uint32_t r)
{
    const struct strip *s = &p->strips[strip_index];
    const struct model_config *k = p->config;
    *t = (struct tile){.m = t->m, .plan = p, .config = k, .strip = s, .strip_index = strip_index};
    t->c = c, t->r = r, t->w = s->width, t->h = p->height;
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

static void emit_stages(struct tile *t)
{
    emit_input(t);
    for (uint32_t k = 0; k < t->strip->stages; k++) {
        t->stage = t->strip->first + k;
        emit_stage(t);
    }
}

static struct line_log log_make(const struct plan *p, uint32_t tiles)
{
    return (struct line_log){
        .machine = p->machine, .tiles = tiles, .cached = p->context / (2 * p->height) + 1};
}

void plan_choose(const struct plan *p, struct strip *s, struct image *m)
{
    static const struct strip_kinds chains = {REDUCE_CHAIN, REDUCE_CHAIN, REDUCE_CHAIN,
                                              REDUCE_CHAIN};
    struct plan alone = *p;
    struct tile t = {.m = m};
    struct strip_log log = {.column = log_make(p, p->height),
                            .row = log_make(p, s->width),
                            .south = log_make(p, p->height),
                            .move = log_make(p, s->width)};
    alone.strips = s, alone.strip_count = 1;
    image_reset(m, true);
    tile_init(&t, &alone, 0, s->width - 1, p->height - 1);
    lines_init(&t, &chains, &log);
    emit_stages(&t);
    s->kinds = (struct strip_kinds){.column = line_choose(&log.column, false),
                                    .row = line_choose(&log.row, false),
                                    .south = line_choose(&log.south, true),
                                    .move = line_choose(&log.move, true)};
    s->chosen = true;
}

bool plan_emit(const struct plan *p, uint32_t x, uint32_t y, bool dry, struct image *m)
{
    uint32_t i = 0;
    while (i < p->strip_count && x >= p->strips[i].x0 + p->strips[i].width)
        i++;
    if (i == p->strip_count)
        return false;
    struct strip s = p->strips[i];
    if (!s.chosen)
        plan_choose(p, &s, m);
    struct tile t = {.m = m};
    image_reset(m, dry);
    tile_init(&t, p, i, x - s.x0, y);
    lines_init(&t, &s.kinds, NULL);
    emit_stages(&t);
    image_finish(m);
    return true;
}
