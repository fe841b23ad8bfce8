/* SPDX-License-Identifier: Apache-2.0 */
/* layer.c - one tile's program: input, attention, MLP, and the move to the next strip. */
#include "place/layer.h"
#include "place/fit.h"
#include "place/relay.h"
#include "place/trace.h"
#include "place/units.h"

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

void tile_clear(struct tile *t, uint16_t d, uint32_t count)
{
    if (count)
        image_step(t->m, (struct stream_desc){.op = STREAM_DOT_F32,
                                              .count = (uint16_t)count,
                                              .dst = d,
                                              .src0 = TILE_PROGRAM_OFFSET,
                                              .src1 = TILE_PROGRAM_OFFSET});
}

void tile_pick(struct tile *t, uint16_t d, struct slice wanted, uint16_t a, struct slice have)
{
    struct slice both = slice_overlap(wanted, have);
    tile_copy(t, word_at(d, both.first - wanted.first), word_at(a, both.first - have.first),
              both.count);
}

void tile_column(struct tile *t, enum reduction op, uint16_t part, uint16_t out, uint32_t count)
{
    line_allreduce(t->m, &t->column, op, column_part(t, part), out, fixed(count));
}

uint8_t plan_input_colour(uint32_t strip_index)
{
    return strip_index & 1 ? COLOUR_INPUT_ODD : COLOUR_INPUT_EVEN;
}

uint8_t plan_logits_colour(void)
{
    return COLOUR_LOGITS;
}

/* ---- the first step of a token ---- */

/* The rows of a band on which nothing comes in begin when the nearest one with input tells them to:
 * the one above them, or below if there is none. They would send what they add to the first sum as
 * soon as they have booted. Hubs between rows with input only take. */
static bool takes_input(const struct tile *t, uint32_t y)
{
    return plan_row_moves(t->plan, t->strip_index, y);
}

static bool in_rows(struct slice rows, uint32_t y)
{
    return y >= rows.first && y < rows.first + rows.count;
}

/* Whether row y begins when the row above, or below it (`from` -1, 1), says so. */
static bool told_from(const struct tile *t, uint32_t y, int from)
{
    struct slice band = t->strip->band;
    bool hubs = true;
    if (!in_rows(band, y) || takes_input(t, y))
        return false;
    uint32_t above = y, below = y;
    for (; in_rows(band, above) && !takes_input(t, above); above--)
        hubs = hubs && strip_is_hub(t->plan, t->strip, above);
    for (; in_rows(band, below) && !takes_input(t, below); below++)
        hubs = hubs && strip_is_hub(t->plan, t->strip, below);
    if (hubs && in_rows(band, above) && in_rows(band, below))
        return false;
    return in_rows(band, above) == (from < 0);
}

static void begin_rows(struct tile *t, uint32_t y)
{
    unsigned north = told_from(t, y - 1, 1) ? AT_NORTH : 0;
    unsigned south = told_from(t, y + 1, -1) ? AT_SOUTH : 0;
    if (!north && !south)
        return;
    image_route(t->m, COLOUR_BEGIN, ROUTE_WORD(AT_RAMP, north | south), false);
    image_step(t->m, (struct stream_desc){
                         .op = STREAM_SEND, .dst = COLOUR_BEGIN, .src0 = t->input, .count = 1});
}

/* The nearest row with input passes on the first word when it has all of its own. */
static void trace_told(struct tile *t, uint32_t y, int from)
{
    uint32_t hops = 0, source = y;
    for (; !takes_input(t, source); source += (uint32_t)from)
        hops++;
    const struct machine *k = t->m->machine;
    if (k)
        trace_input(t->m, PLAN_HEADER + plan_row_share(t->plan, t->strip_index, source).count,
                    k->stream_setup_cycles + 1 + 2 * (uint64_t)k->ramp_cycles +
                        (uint64_t)hops * k->hop_cycles);
}

static void wait_to_begin(struct tile *t, uint32_t y)
{
    bool above = told_from(t, y, -1);
    if (!above && !told_from(t, y, 1))
        return;
    unsigned from = above ? AT_NORTH : AT_SOUTH, on = 0;
    trace_told(t, y, above ? -1 : 1);
    if (above && told_from(t, y + 1, -1))
        on = AT_SOUTH;
    if (!above && told_from(t, y - 1, 1))
        on = AT_NORTH;
    image_route(t->m, COLOUR_BEGIN, ROUTE_WORD(from, AT_RAMP | on), true);
    image_step(t->m, (struct stream_desc){.op = STREAM_RECV,
                                          .dst = image_words(t->m, PART_BUFFERS, 1),
                                          .src1 = COLOUR_BEGIN,
                                          .count = 1});
}

/* The share of x that row r works on comes from the west and goes to every tile of the row. */
static void emit_input(struct tile *t)
{
    uint32_t y = t->strip->band.first + t->r;
    if (!takes_input(t, y)) {
        wait_to_begin(t, y);
        return;
    }
    uint8_t colour = plan_input_colour(t->strip_index);
    unsigned onward = t->c + 1 < t->w ? AT_EAST : 0;
    image_route(t->m, colour, ROUTE_WORD(AT_WEST, AT_RAMP | onward), true);
    t->input = image_words(t->m, PART_BUFFERS, PLAN_HEADER + t->hidden_row.count);
    trace_input(t->m, PLAN_HEADER + t->hidden_row.count, 0);
    image_step(t->m, (struct stream_desc){.op = STREAM_RECV,
                                          .dst = t->input,
                                          .src1 = colour,
                                          .count = (uint16_t)(PLAN_HEADER + t->hidden_row.count)});
    begin_rows(t, y);
}

/* What this tile adds to the message of its row, which is the share `row` of x: its column's
 * elements of x, what the MLP added to them, and, once a row, the position. */
static uint16_t emit_share(struct tile *t, struct slice row)
{
    uint16_t part = image_words(t->m, PART_BUFFERS, PLAN_HEADER + row.count);
    uint16_t x = word_at(part, PLAN_HEADER);
    if (t->c == 0)
        tile_copy(t, part, t->header, PLAN_HEADER);
    if (t->mlp_out) { /* around the residual's elements are zeros */
        struct slice both = slice_overlap(row, t->window);
        tile_add(t, word_at(x, both.first - row.first),
                 word_at(t->mlp_out, both.first - t->window.first),
                 word_at(t->residual, both.first - t->hidden_col.first), both.count);
    } else {
        tile_pick(t, x, row, t->residual, t->hidden_col);
    }
    return part;
}

void emit_row_sum_east(struct tile *t, uint16_t part, struct length n, uint8_t colour)
{
    uint16_t sum = line_stores(&t->row) ? image_words(t->m, PART_BUFFERS, n.plus) : part;
    if (t->row_root)
        image_route(t->m, colour, ROUTE_WORD(AT_RAMP, AT_EAST), false);
    if (t->c > t->row.root)
        image_route(t->m, colour, ROUTE_WORD(AT_WEST, AT_EAST), false);
    line_reduce_onto(t->m, &t->row, part, sum, n, colour);
}

/* The share of the result that the next strip takes on this row is summed along the row, and goes
 * there. */
static void emit_move(struct tile *t)
{
    uint32_t next = t->strip_index + 1, y = t->strip->band.first + t->r;
    if (!plan_row_moves(t->plan, next, y))
        return;
    struct slice row = plan_row_share(t->plan, next, y);
    emit_row_sum_east(t, emit_share(t, row), fixed(PLAN_HEADER + row.count),
                      plan_input_colour(next));
    image_mark(t->m, PHASE_MOVE);
}

/* The same for a next stage in the same strip: summed to the row root and sent back to the whole
 * row. */
static void emit_turn(struct tile *t)
{
    struct slice row = row_slice(t, t->config->hidden);
    struct length n = fixed(PLAN_HEADER + row.count);
    if (t->hub)
        return;
    uint16_t part = emit_share(t, row);
    t->input = image_words(t->m, PART_BUFFERS, n.plus);
    line_reduce(t->m, &t->row, REDUCE_ADD, part, t->input, n);
    line_broadcast(t->m, &t->row, t->input, n);
    image_mark(t->m, PHASE_MOVE);
}

static struct line line_make(uint32_t index, uint32_t length, enum fabric_port low,
                             enum fabric_port high, enum colour first, enum colour cast)
{
    struct line l = {.index = index, .length = length, .low = low, .high = high, .broadcast = cast};
    for (uint32_t i = 0; i < LEVELS_PER_SET; i++)
        l.chain[i] = (uint8_t)(first + i);
    return l;
}

/* The row of this tile inside its block of heads: a chain to its last tile. */
static void block_init(struct tile *t)
{
    uint32_t blocks = t->strip->blocks;
    for (t->block_index = blocks - 1;; t->block_index--) {
        struct slice columns = slice_of(t->w, blocks, t->block_index);
        if (t->c < columns.first)
            continue;
        t->block = line_part(&t->row, t->c - columns.first, columns.count, COLOUR_BLOCK_A,
                             COLOUR_BLOCK_CAST);
        break;
    }
    if (blocks == 1)
        t->block = t->row;
}

static void lines_init(struct tile *t, const struct strip_kinds *kinds, struct strip_log *log)
{
    t->row = line_make(t->c, t->w, PORT_WEST, PORT_EAST, COLOUR_ROW_A, COLOUR_ROW_CAST);
    t->column = line_make(t->r, t->h, PORT_NORTH, PORT_SOUTH,
                          t->outer ? COLOUR_OUTER_A : COLOUR_COLUMN_A, COLOUR_COLUMN_CAST);
    line_set_kind(&t->row, t->outer ? kinds->outer_row : kinds->row);
    if (t->outer)
        line_set_root(&t->column, kinds->outer_column, relay_root(t->plan, t->strip));
    else if (t->split)
        line_set_joint(&t->column, kinds->column, COLOUR_JOINT);
    else
        line_set_kind(&t->column, kinds->column);
    if (log) {
        t->column.log = t->outer ? &log->outer_column : &log->column;
        t->row.log = t->outer ? &log->outer_row : &log->row;
    }
    if (t->outer)
        t->column.gap_at = t->strip->band.first, t->column.gap = t->strip->band.count;
    t->column_root = t->column.index == t->column.root;
    t->row_root = t->row.index == t->row.root;
    if (!t->outer)
        block_init(t);
}

static void tile_init(struct tile *t, const struct plan *p, uint32_t strip_index, uint32_t c,
                      uint32_t y)
{
    const struct strip *s = &p->strips[strip_index];
    struct slice band = s->band;
    *t = (struct tile){
        .m = t->m, .plan = p, .config = p->config, .strip = s, .strip_index = strip_index};
    t->outer = !in_rows(band, y);
    t->split = strip_is_split(p, s);
    t->c = c, t->w = s->width;
    t->r = !t->outer ? y - band.first : y < band.first ? y : y - band.count;
    t->h = t->outer ? p->height - band.count : band.count;
    uint32_t hubs = t->split && !t->outer ? 2 : 0;
    t->hub = hubs && strip_is_hub(p, s, y);
    t->rows = t->h - hubs;
    t->share = t->r - (hubs && y > strip_hub(p, s) ? hubs : 0);
}

/* What comes in on this row, or is turned to it from the stage before in the same strip. */
static struct slice stream_row(const struct tile *t)
{
    if (t->stage > t->strip->first)
        return row_slice(t, t->config->hidden);
    return plan_row_share(t->plan, t->strip_index, t->strip->band.first + t->r);
}

/* How this region cuts the vectors of a stage. */
static void cut_vectors(struct tile *t)
{
    const struct model_config *k = t->config;
    t->hidden_row = t->outer ? (struct slice){0, 0} : stream_row(t);
    t->hidden_col = slice_of(k->hidden, t->w, t->c);
    t->window = units_window(t, t->c);
    if (t->outer)
        return;
    t->latent = latent_of_column(k, t->block.length, t->block.index);
}

static void emit_layer(struct tile *t)
{
    t->patches.count = t->rope_count = 0;
    t->mlp_out = 0;
    t->norm_x = image_words(t->m, PART_BUFFERS, t->outer ? t->window.count : t->hidden_col.count);
    if (!t->outer) {
        t->state = image_words(t->m, PART_BUFFERS, sizeof(struct token_state) / 4);
        t->norm_row = image_words(t->m, PART_BUFFERS, t->hidden_row.count);
        emit_attention(t);
    }
    emit_mlp(t);
}

static void emit_stage(struct tile *t)
{
    const struct plan *p = t->plan;
    cut_vectors(t);
    if (t->stage == t->strip->first && !t->outer)
        emit_input(t);
    if (plan_stage_kind(p, t->stage) == STAGE_HEAD) {
        emit_head(t);
        return;
    }
    emit_layer(t);
    if (t->outer)
        return;
    if (t->stage + 1 < t->strip->first + t->strip->stages)
        emit_turn(t);
    else
        emit_move(t);
}

static void emit_stages(struct tile *t)
{
    relay_routes(t);
    for (uint32_t k = 0; k < t->strip->stages; k++) {
        t->stage = t->strip->first + k;
        emit_stage(t);
    }
}

static struct line_log log_make(const struct plan *p, const struct strip *s, uint32_t tiles)
{
    return (struct line_log){
        .machine = p->machine, .tiles = tiles, .cached = p->context / (2 * s->band.count) + 1};
}

/* What a tile's program asks of its lines, when all of them are chains. */
static void log_tile(const struct plan *alone, uint32_t y, struct image *m, struct strip_log *log)
{
    static const struct strip_kinds chains = {REDUCE_CHAIN, REDUCE_CHAIN, REDUCE_CHAIN,
                                              REDUCE_CHAIN};
    struct tile t = {.m = m};
    m->machine = NULL;
    image_reset(m, true);
    tile_init(&t, alone, 0, alone->strips[0].width - 1, y);
    lines_init(&t, &chains, log);
    emit_stages(&t);
}

void plan_choose(const struct plan *p, struct strip *s, struct image *m)
{
    struct plan alone = *p;
    uint32_t outside = p->height - s->band.count;
    uint32_t column = outside ? line_joint_side(s->band.count) : s->band.count;
    struct strip_log log = {.column = log_make(p, s, column),
                            .row = log_make(p, s, s->width),
                            .outer_column = log_make(p, s, outside),
                            .outer_row = log_make(p, s, s->width)};
    alone.strips = s, alone.strip_count = 1;
    log.column.rooted = outside > 0;
    log.column.root = column - 1;
    log_tile(&alone, s->band.first + s->band.count - 1, m, &log);
    bool narrow = s->blocks > 1; /* a tile takes from blocks too, which needs input queues */
    s->kinds = (struct strip_kinds){.column = line_choose(&log.column, narrow),
                                    .row = line_choose(&log.row, narrow)};
    if (outside) {
        log.outer_column.rooted = true;
        log.outer_column.root = relay_root(p, s);
        log_tile(&alone, relay_root_row(p, s), m, &log);
        s->kinds.outer_column = line_choose(&log.outer_column, true);
        s->kinds.outer_row = line_choose(&log.outer_row, true);
    }
}

/* Of the positions that predictions are made for, those in a tile's cache: about, and in this
 * one's.
 */
static uint32_t most_cached(const struct plan *p, const struct strip *s)
{
    return (p->reckoned + s->band.count - 1) / s->band.count;
}

static uint32_t cached_positions(const struct tile *t)
{
    return t->hub || t->outer ? 0 : (t->plan->reckoned + t->rows - 1 - t->share) / t->rows;
}

static bool emit_tile(const struct plan *p, uint32_t x, uint32_t y, bool dry, struct image *m)
{
    uint32_t i = 0;
    while (i < p->strip_count && x >= p->strips[i].x0 + p->strips[i].width)
        i++;
    if (i == p->strip_count)
        return false;
    const struct strip *s = &p->strips[i];
    struct tile t = {.m = m};
    image_reset(m, dry);
    tile_init(&t, p, i, x - s->x0, y);
    m->cached = m->trace ? cached_positions(&t) : most_cached(p, s);
    lines_init(&t, &s->kinds, NULL);
    emit_stages(&t);
    image_finish(m);
    return true;
}

bool plan_emit(const struct plan *p, uint32_t x, uint32_t y, bool dry, struct image *m)
{
    m->machine = dry ? p->machine : NULL;
    return emit_tile(p, x, y, dry, m);
}

bool plan_count(const struct plan *p, uint32_t x, uint32_t y, struct image *m)
{
    m->machine = NULL;
    return emit_tile(p, x, y, true, m);
}
