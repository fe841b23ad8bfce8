/* SPDX-License-Identifier: Apache-2.0 */
/* bench_fabric.c - fills a fabric with endless streams and times it. Looks inside the wafer,
 * because tiles without firmware are set up from outside. */
#include "run/bench_fabric.h"

#include "base/clock.h"
#include "fabric/inside.h"

enum {
    DESC = 0x2600,
    DATA = 0x2800,
    WORDS = 64,
    BLOCK = 16,
    QUEUE = 2,
    CYCLES_AT_ONCE = 16,
    TOUCH_CYCLES = 32
};

const char *bench_pattern_name(enum bench_pattern pattern)
{
    switch (pattern) {
    case BENCH_NEIGHBOUR:
        return "neighbour";
    case BENCH_BROADCAST:
        return "broadcast";
    case BENCH_CHAIN:
        return "chain";
    case BENCH_TRANSPOSE:
        return "transpose";
    case BENCH_PATTERNS:
        break;
    }
    return "?";
}

static void route(struct wafer *w, uint32_t tile, uint32_t colour, unsigned in, unsigned out)
{
    route_write(w, tile, colour * TILE_SWITCH_POSITIONS, ROUTE_WORD(in, out));
    route_write_mode(w, tile, colour, ROUTE_MODE_POSITIONS(1));
}

/* An operation that follows itself for ever. */
static void start(struct wafer *w, uint32_t tile, unsigned thread, struct stream_desc d)
{
    uint32_t at = DESC + thread * (uint32_t)sizeof d;
    d.thread = (uint8_t)thread;
    d.event = TILE_EVENT_NONE;
    d.next = (uint16_t)at;
    d.count = WORDS;
    d.src0 = DATA;
    (void)wafer_load(w, wafer_x(w, tile), wafer_y(w, tile), at, &d, sizeof d, NULL);
    engine_start(w, tile, at);
}

static void start_send(struct wafer *w, uint32_t tile, uint32_t colour)
{
    start(w, tile, 0, (struct stream_desc){.op = STREAM_SEND, .dst = (uint16_t)colour});
}

static void start_receive(struct wafer *w, uint32_t tile, enum stream_op op, uint32_t colour)
{
    ramp_bind(w, tile, QUEUE, colour);
    start(
        w, tile, 1,
        (struct stream_desc){.op = (uint8_t)op, .src1 = (uint16_t)colour, .dst = DATA + 4 * WORDS});
}

static void set_neighbour(struct wafer *w, uint32_t tile)
{
    uint32_t x = wafer_x(w, tile), out = x % 2, in = 1 - out;
    if (x + 1 < w->width) {
        route(w, tile, out, AT_RAMP, AT_EAST);
        start_send(w, tile, out);
    }
    if (x) {
        route(w, tile, in, AT_WEST, AT_RAMP);
        start_receive(w, tile, STREAM_RECV, in);
    }
}

static void set_broadcast(struct wafer *w, uint32_t tile)
{
    uint32_t x = wafer_x(w, tile);
    unsigned east = x + 1 < w->width ? AT_EAST : 0;
    route(w, tile, 0, x ? AT_WEST : AT_RAMP, x ? AT_RAMP | east : east);
    if (x)
        start_receive(w, tile, STREAM_RECV, 0);
    else
        start_send(w, tile, 0);
}

static void set_chain(struct wafer *w, uint32_t tile)
{
    uint32_t x = wafer_x(w, tile), out = x % 2, in = 1 - out;
    route(w, tile, out, AT_RAMP, AT_EAST);
    route(w, tile, in, AT_WEST, AT_RAMP);
    if (!x) {
        start_send(w, tile, out);
    } else if (x + 1 == w->width) {
        start_receive(w, tile, STREAM_ADD_RECV, in);
    } else {
        ramp_bind(w, tile, QUEUE, in);
        start(w, tile, 1,
              (struct stream_desc){
                  .op = STREAM_ADD_SEND, .src1 = (uint16_t)in, .dst = (uint16_t)out});
    }
}

static bool between(uint32_t a, uint32_t b, uint32_t c)
{
    return a <= c ? a <= b && b <= c : c <= b && b <= a;
}

/* Tile (x, y) of a block, colours named by the column they start in: colour c comes along the row
 * from (c, y) to the diagonal, or along the column from the diagonal on its way to row c. */
static void set_transpose(struct wafer *w, uint32_t tile, uint32_t side)
{
    uint32_t x = wafer_x(w, tile) % side, y = wafer_y(w, tile) % side;
    for (uint32_t c = 0; c < side; c++) {
        unsigned in = 0, out = 0;
        if (c != y && between(c, x, y)) { /* along row y, from c to y */
            unsigned towards = c < y ? AT_EAST : AT_WEST, from = c < y ? AT_WEST : AT_EAST;
            in = x == c ? AT_RAMP : from;
            out = x == y ? (c < y ? AT_NORTH : AT_SOUTH) : towards;
        } else if (c != x && between(x, y, c)) { /* along column x, from x to c */
            in = c < x ? AT_SOUTH : AT_NORTH;
            out = y == c ? AT_RAMP : c < x ? AT_NORTH : AT_SOUTH;
        }
        if (out)
            route(w, tile, c, in, out);
    }
    if (x == y)
        return;
    start_receive(w, tile, STREAM_RECV, y);
    start_send(w, tile, x);
}

static void set_up(const struct bench_fabric *b, struct wafer *w)
{
    for (uint32_t tile = 0; tile < w->tiles; tile++) {
        switch (b->pattern) {
        case BENCH_NEIGHBOUR:
            set_neighbour(w, tile);
            break;
        case BENCH_BROADCAST:
            set_broadcast(w, tile);
            break;
        case BENCH_CHAIN:
            set_chain(w, tile);
            break;
        case BENCH_TRANSPOSE:
            set_transpose(w, tile, b->side < BLOCK ? b->side : BLOCK);
            break;
        case BENCH_PATTERNS:
            break;
        }
    }
}

static uint64_t hops(const struct wafer *w)
{
    struct wafer_stats s;
    wafer_stats(w, &s);
    return s.link_moves + s.wavelets_received + s.wavelets_left - s.wavelets_copied;
}

struct until {
    const struct wafer *w;
    uint64_t cycle;
};

static bool is_there(void *self)
{
    const struct until *u = self;
    return wafer_cycle(u->w) >= u->cycle;
}

static int run(struct wafer *w, uint64_t cycles, struct err *e)
{
    struct until u = {w, wafer_cycle(w) + cycles};
    return wafer_run(w, is_there, &u, 2 * cycles, e);
}

/* Until the network is full, or for as long as will be measured; but every tile that works from
 * the start has touched its memory then. */
static int warm_up(const struct bench_fabric *b, struct wafer *w, struct err *e)
{
    double until = wall_seconds() + b->seconds;
    int result = 0;
    for (uint32_t at = 0;
         !result && at < 4 * b->side && (at < TOUCH_CYCLES || wall_seconds() < until);
         at += CYCLES_AT_ONCE)
        result = run(w, CYCLES_AT_ONCE, e);
    return result;
}

int bench_fabric_run(const struct bench_fabric *b, struct bench_fabric_result *out, struct err *e)
{
    struct wafer_cfg cfg = {.machine = b->machine,
                            .width = b->side,
                            .height = b->side,
                            .engine = b->engine,
                            .threads = b->threads};
    struct wafer *w;
    if (wafer_open(&w, &cfg, e))
        return -1;
    set_up(b, w);
    int result = warm_up(b, w, e);
    uint64_t from = w->cycle, before = hops(w);
    double start_at = wall_seconds();
    while (!result && wall_seconds() - start_at < b->seconds)
        result = run(w, CYCLES_AT_ONCE, e);
    out->seconds = wall_seconds() - start_at;
    out->cycles = w->cycle - from;
    out->hops = hops(w) - before;
    wafer_close(w);
    return result;
}
