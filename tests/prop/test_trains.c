/* SPDX-License-Identifier: Apache-2.0 */
/* test_trains.c - the fast engine against the plain one where trains roll (host/fabric/train.h):
 * long streams over rows and columns, each at its own pace, that meet all that can stop a train. */
#include "base/rng.h"
#include "fabric/fast.h"
#include "fixture/engine_pair.h"
#include "fixture/fabric_rig.h"
#include "hal/mmio.h"
#include "harness.h"

#include <string.h>

enum {
    DESC = 0x2600, /* thread k: DESC + 64 * k; a second one, for `next`, 32 behind */
    DATA = 0x3000,
    WORDS_MAX = 150,
    SIDE_MAX = 9,
    JOBS_MAX = 400,
    CROSS = 0, /* down a column from its top */
    ROW = 1,   /* along a row from its west end */
    CHAIN = 2, /* along a row from tile to tile, on CHAIN and CHAIN + 1 by turns */
    NOISE = 4, /* words that meet the others: from any tile one to the east */
    KINDS = 3,
};

/* A descriptor to start as soon as its thread is free. */
struct job {
    uint64_t from;
    uint32_t tile;
    struct stream_desc d;
    uint32_t split; /* words in a second descriptor */
};

struct yard {
    struct pair p;
    struct rng rng;
    struct job job[JOBS_MAX];
    unsigned jobs;
    unsigned kind; /* of all streams, or KINDS for any */
};

static uint32_t below(struct yard *y, uint32_t n)
{
    return rng_below(&y->rng, n);
}

#define EACH(y, w)                                                                                 \
    for (struct wafer **each_ = (y)->p.w, *(w) = *each_; each_ < (y)->p.w + 2;                     \
         each_++, (w) = each_ < (y)->p.w + 2 ? *each_ : NULL)

/* ---- the yard ---- */

static void route(struct yard *y, uint32_t tile, unsigned colour, unsigned in, unsigned out)
{
    EACH(y, w)
    {
        route_write(w, tile, colour * TILE_SWITCH_POSITIONS, ROUTE_WORD(in, out));
        route_write_mode(w, tile, colour, ROUTE_MODE_POSITIONS(1));
        if (out & AT_RAMP)
            ramp_bind(w, tile, 2 + colour, colour);
    }
}

static void lay_tile(struct yard *y, uint32_t tile)
{
    const struct wafer *plain = y->p.w[0];
    uint32_t x = wafer_x(plain, tile), row = wafer_y(plain, tile);
    bool east = x + 1 < plain->width, south = row + 1 < plain->height;
    route(y, tile, CROSS, row ? AT_NORTH : AT_RAMP, (row ? AT_RAMP : 0u) | (south ? AT_SOUTH : 0u));
    route(y, tile, ROW, x ? AT_WEST : AT_RAMP, (x ? AT_RAMP : 0u) | (east ? AT_EAST : 0u));
    route(y, tile, CHAIN + (x & 1), AT_RAMP, east ? AT_EAST : 0u);
    route(y, tile, CHAIN + 1 - (x & 1), AT_WEST, x ? AT_RAMP : 0u);
    route(y, tile, NOISE, AT_WEST | AT_RAMP, x & 1 || !east ? AT_RAMP : AT_EAST);
}

static void yard_open(struct yard *y, uint64_t seed)
{
    struct machine m = rig_machine();
    memset(y, 0, sizeof *y);
    y->rng.state = seed;
    y->p.label = "trains";
    y->p.case_seed = seed;
    m.router_queue = 2 + below(y, 4);
    m.input_queue = 2 + below(y, 4);
    m.stream_setup_cycles = 1 + below(y, 6);
    if (below(y, 4) == 0) {
        m.hop_cycles = 1 + below(y, 3);
        m.ramp_cycles = 1 + below(y, 4);
    }
    pair_open(&y->p, (struct wafer_cfg){.machine = &m,
                                        .width = 2 + below(y, SIDE_MAX - 1),
                                        .height = 2 + below(y, SIDE_MAX - 1),
                                        .threads = 1 + below(y, 4)});
    for (uint32_t i = 0; i < y->p.w[0]->tiles; i++) {
        lay_tile(y, i);
        for (uint32_t k = 0; k < WORDS_MAX; k++) {
            uint32_t word = (uint32_t)rng_next(&y->rng) & 0xbfffffffu;
            EACH(y, w)
            rig_set_word(w, i, DATA + 4 * k, word);
        }
    }
}

/* ---- streams ---- */

static void add_job(struct yard *y, uint32_t tile, struct stream_desc d, uint32_t late)
{
    uint32_t split = below(y, 4) ? 0 : below(y, d.count);
    if (y->jobs == JOBS_MAX)
        return;
    d.thread |= (uint8_t)(below(y, 4) << 4);
    d.event = TILE_EVENT_NONE;
    d.flags = d.op == STREAM_SEND && below(y, 12) == 0 ? STREAM_CONTROL : 0;
    y->job[y->jobs++] =
        (struct job){.from = y->p.w[0]->cycle + late, .tile = tile, .d = d, .split = split};
}

/* What a tile does for a stream on its colours `in` and `out` (TILE_COLOURS: none). */
static struct stream_desc part(struct yard *y, unsigned kind, uint32_t words, unsigned in,
                               unsigned out)
{
    enum stream_op op = in == TILE_COLOURS    ? STREAM_SEND
                        : out == TILE_COLOURS ? below(y, 2) ? STREAM_ADD_RECV : STREAM_RECV
                        : below(y, 5) == 0    ? STREAM_FORWARD
                        : below(y, 5) == 0    ? STREAM_MAX_SEND
                                              : STREAM_ADD_SEND;
    struct stream_desc d = rig_desc(op, kind, words);
    d.src0 = (uint16_t)(DATA + 4 * below(y, 4));
    d.src1 = (uint16_t)in;
    d.dst = (uint16_t)(out < TILE_COLOURS ? out : DATA + 0x1000 + 0x400 * kind);
    if (op == STREAM_ADD_RECV && below(y, 2)) /* over its own operands, before, at or behind them */
        d.dst = (uint16_t)(DATA + 4 * below(y, 12));
    return d;
}

static void start_stream(struct yard *y)
{
    const struct wafer *plain = y->p.w[0];
    unsigned kind = y->kind < KINDS ? y->kind : below(y, KINDS);
    uint32_t words = 1 + below(y, below(y, 3) ? WORDS_MAX - 4 : 12);
    uint32_t n = kind == CROSS ? plain->height : plain->width, spread = below(y, 5) ? 2 : 40;
    uint32_t line = below(y, kind == CROSS ? plain->width : plain->height);
    uint32_t late = below(y, 8) ? 40 : 0; /* of the source: the others are ready */
    for (uint32_t i = 0; i < n; i++) {
        uint32_t tile = kind == CROSS ? i * plain->width + line : line * plain->width + i;
        unsigned in = i == 0 ? TILE_COLOURS : kind, out = i == 0 ? kind : TILE_COLOURS;
        if (kind == CHAIN) {
            in = i == 0 ? TILE_COLOURS : CHAIN + ((i - 1) & 1);
            out = i + 1 == n ? TILE_COLOURS : CHAIN + (i & 1);
        }
        add_job(y, tile, part(y, kind, words, in, out), below(y, spread) + (i == 0 ? late : 0));
    }
}

static bool start_job(struct yard *y, const struct job *j)
{
    const struct wafer *plain = y->p.w[0];
    unsigned k = j->d.thread & 7u;
    uint16_t at = (uint16_t)(DESC + 64 * k);
    struct stream_desc first = j->d, second = j->d;
    if (plain->cycle < j->from || plain->tile[j->tile].engine.busy >> k & 1)
        return false;
    first.count = (uint16_t)(first.count - j->split);
    second.count = (uint16_t)j->split;
    first.next = j->split ? at + 32 : 0;
    EACH(y, w)
    {
        /* not by wafer_load, which stops all trains */
        memcpy(w->tile[j->tile].sram + at, &first, sizeof first);
        memcpy(w->tile[j->tile].sram + at + 32, &second, sizeof second);
        engine_start(w, j->tile, at);
    }
    return true;
}

static void start_jobs(struct yard *y)
{
    for (unsigned i = 0; i < y->jobs;)
        if (start_job(y, &y->job[i]))
            memmove(&y->job[i], &y->job[i + 1], (--y->jobs - i) * sizeof y->job[0]);
        else
            i++;
}

/* ---- what stops trains ---- */

static void make_noise(struct yard *y, uint32_t tile)
{
    struct stream_desc d = rig_desc(STREAM_SEND, 5, 1 + below(y, 12));
    d.src0 = DATA;
    d.dst = NOISE;
    add_job(y, tile, d, 0);
    uint32_t to = tile + !(wafer_x(y->p.w[0], tile) & 1 || tile + 1 == y->p.w[0]->tiles);
    d.op = STREAM_RECV;
    d.dst = DATA + 0x2000;
    d.src1 = NOISE;
    d.thread = 6;
    add_job(y, to, d, below(y, 30));
}

static void enter(struct yard *y)
{
    struct edge_port port = {PORT_WEST, below(y, y->p.w[0]->height)};
    struct wavelet v = {.data = 7, .colour = NOISE};
    if (!wafer_edge_room(y->p.w[0], port, NOISE))
        return;
    EACH(y, w)
    wafer_edge_enter(w, port, v);
}

/* One whose engine is in the middle of something, if there is one. */
static uint32_t busy_tile(struct yard *y)
{
    const struct wafer *plain = y->p.w[0];
    uint32_t first = below(y, plain->tiles);
    for (uint32_t i = 0; i < plain->tiles; i++) {
        uint32_t tile = (first + i) % plain->tiles;
        const struct engine *g = &plain->tile[tile].engine;
        if (g->busy && g->thread[__builtin_ctz(g->busy)].begun)
            return tile;
    }
    return first;
}

static void disturb(struct yard *y)
{
    uint32_t tile = busy_tile(y), value = 1 + below(y, 60);
    unsigned colour = below(y, NOISE), queue = 2 + (colour + below(y, 2)) % NOISE;
    struct stream_desc d = rig_desc(STREAM_COPY, 7, 1 + below(y, 5));
    d.src0 = DATA;
    d.dst = DATA + 0x2400;
    switch (below(y, 10)) {
    case 0:
    case 1:
        EACH(y, w)
        (void)regs_store(w, tile, REG_TIMER_START, 4, value);
        break;
    case 2:
        EACH(y, w)
        ramp_bind(w, tile, queue, colour);
        break;
    case 3:
        EACH(y, w)
        route_write_mode(w, tile, colour, ROUTE_MODE_POSITIONS(1));
        break;
    case 4:
    case 5:
        add_job(y, tile, d, 0);
        break;
    case 6:
        enter(y);
        break;
    default:
        make_noise(y, tile);
    }
}

static void run_case(uint64_t seed, bool busy)
{
    struct yard *y = &(struct yard){0};
    yard_open(y, seed);
    unsigned look = 1 + below(y, 400), cycles = 600 + below(y, 600);
    unsigned streams = 20 + below(y, 100), disturbances = 10 + below(y, 60);
    y->kind = below(y, KINDS + 2);
    for (unsigned i = 0; i < cycles; i++) {
        if (below(y, streams) == 0)
            start_stream(y);
        if (busy && below(y, disturbances) == 0)
            disturb(y);
        start_jobs(y);
        EACH(y, w)
        for (uint32_t k = 0; i % 64 == 0 && k < w->tiles; k++)
            w->tile[k].events.count = 0; /* nobody takes them */
        pair_step(&y->p, i % look == look - 1);
    }
    pair_run(&y->p, 5000);
    pair_close(&y->p);
}

TEST(engines_agree_on_trains)
{
    for (unsigned n = 0; n < 60; n++)
        run_case(t->seed * 10000 + n, false);
}

TEST(engines_agree_when_trains_stop)
{
    for (unsigned n = 0; n < 60; n++)
        run_case(t->seed * 20000 + n, true);
}

/* ---- one scene ---- */

static void send(struct yard *y, uint32_t tile, unsigned colour, uint32_t words, uint32_t split)
{
    struct job j = {.tile = tile, .d = rig_desc(STREAM_SEND, 0, words), .split = split};
    j.d.src0 = DATA;
    j.d.dst = (uint16_t)colour;
    CHECK(start_job(y, &j));
}

static void receive(struct yard *y, uint32_t tile, unsigned colour, uint32_t words)
{
    struct job j = {.tile = tile, .d = rig_desc(STREAM_RECV, 0, words)};
    j.d.src1 = (uint16_t)colour;
    j.d.dst = DATA + 0x1000;
    CHECK(start_job(y, &j));
}

/* In the middle of the lower row a train goes up the ramp, with a gap in its words. Others from the
 * north, from cycle `cross` on, wait beside it for room in the east, until the last tile takes
 * them. */
static void wait_beside(unsigned cross, unsigned look)
{
    struct yard *y = &(struct yard){.p.label = "beside", .p.case_seed = 100 * cross + look};
    struct machine m = rig_machine();
    pair_open(&y->p, (struct wafer_cfg){.machine = &m, .width = 3, .height = 2});
    route(y, 3, ROW, AT_RAMP, AT_EAST);
    route(y, 4, ROW, AT_WEST, AT_RAMP);
    route(y, 1, CROSS, AT_RAMP, AT_SOUTH);
    route(y, 4, CROSS, AT_NORTH, AT_EAST);
    route(y, 5, CROSS, AT_WEST, AT_RAMP);
    receive(y, 4, ROW, 60);
    send(y, 3, ROW, 60, 30);
    for (unsigned i = 0; i < look; i++) {
        if (i == cross)
            send(y, 1, CROSS, 14, 0);
        if (i == 60)
            receive(y, 5, CROSS, 14);
        pair_step(&y->p, false);
    }
    pair_compare(&y->p);
    pair_run(&y->p, 1000);
    pair_close(&y->p);
}

TEST(engines_agree_on_words_beside_trains)
{
    for (unsigned cross = 0; cross < 40; cross++)
        for (unsigned look = 10; look < 90; look += 7)
            wait_beside(cross, look);
}

/* In a column words from the south end wait in the middle tile, where nobody takes them. The middle
 * router, which cannot move them, is woken all the same by others that leave the queue behind it:
 * the plain engine executes a cycle for that, and so must the fast one, or a run could end later.
 */
static void wake_in_vain(uint32_t ramp, uint32_t words)
{
    struct yard *y = &(struct yard){.p.label = "in vain", .p.case_seed = 100 * ramp + words};
    struct machine m = rig_machine();
    m.ramp_cycles = ramp;
    pair_open(&y->p, (struct wafer_cfg){.machine = &m, .width = 1, .height = 3});
    route(y, 2, CROSS, AT_RAMP, AT_NORTH);
    route(y, 1, CROSS, AT_SOUTH, AT_RAMP);
    route(y, 1, ROW, AT_RAMP, AT_NORTH);
    route(y, 0, ROW, AT_SOUTH, AT_RAMP);
    send(y, 2, CROSS, 60, 0);
    receive(y, 0, ROW, words);
    pair_run(&y->p, 1000);
    CHECK(y->p.w[1]->fast->router[1].waiting == 1u << CROSS);
    send(y, 1, ROW, words, 0);
    pair_run(&y->p, 1000);
    CHECK_EQ(y->p.w[1]->tile[0].engine.busy, 0);
    pair_close(&y->p);
}

TEST(engines_agree_on_cycles_that_wake_in_vain)
{
    for (uint32_t ramp = 1; ramp < 7; ramp++)
        for (uint32_t words = 1; words < 4; words++)
            wake_in_vain(ramp, words);
}
