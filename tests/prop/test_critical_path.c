/* SPDX-License-Identifier: Apache-2.0 */
/* test_critical_path.c - walks back along executions whose path is known, of both engines. */
#include "fixture/fabric_rig.h"
#include "harness.h"
#include "run/critical_path.h"

#include <string.h>

enum {
    DESC = 0x2600,
    DATA = 0x3000,
    COLOUR = 5,
    QUEUE = 2,
    SETUP = 4,
    TILES_MAX = 64,
    ENGINES = WAFER_PLAIN + 1
};

/* A line of tiles, what each does in turn, and what came of it. */
struct line {
    struct wafer *w;
    uint32_t tiles, steps[TILES_MAX];
    struct critical_path path;
    uint64_t part[PATH_PARTS];
    uint32_t cycles;
};

static void open_line(struct line *l, enum wafer_engine engine, uint32_t tiles)
{
    struct machine m = rig_machine();
    struct wafer_cfg cfg = {.machine = &m, .width = tiles, .height = 1, .engine = engine};
    memset(l, 0, sizeof *l);
    CHECK_EQ(wafer_open(&l->w, &cfg, NULL), 0);
    l->tiles = tiles;
}

/* The descriptor is chained to what the tile did before. */
static void add(struct line *l, uint32_t x, struct stream_desc d)
{
    uint32_t at = DESC + 32 * l->steps[x]++;
    rig_put(l->w, x, at, &d);
    if (l->steps[x] == 1)
        return;
    uint16_t next = (uint16_t)at;
    CHECK_EQ(wafer_load(l->w, x, 0, at - 32 + (uint32_t)offsetof(struct stream_desc, next), &next,
                        sizeof next, NULL),
             0);
}

static void add_words(struct line *l, uint32_t x, enum stream_op op, uint32_t count, uint8_t to)
{
    struct stream_desc d = rig_desc(op, 0, count);
    bool sends = stream_fabric_use((uint8_t)op) & 2;
    d.src0 = DATA;
    d.src1 = (uint16_t)(COLOUR + (to + 1) % 2);
    d.dst = sends ? (uint16_t)(COLOUR + to) : DATA;
    add(l, x, d);
}

static void add_copy(struct line *l, uint32_t x, uint32_t count)
{
    struct stream_desc d = rig_desc(STREAM_COPY, 0, count);
    d.src0 = d.dst = DATA;
    add(l, x, d);
}

static unsigned phase_is_tile(void *self, uint32_t x, uint32_t y, uint16_t desc)
{
    (void)self, (void)y, (void)desc;
    return x;
}

static uint32_t no_core(void *self, uint32_t x, uint32_t y, uint16_t before)
{
    (void)self, (void)x, (void)y, (void)before;
    CHECK(false);
    return 0;
}

/* Start all tiles at once, run, and find the path to the end of tile `last`. */
static void run_line(struct line *l, uint32_t last)
{
    uint32_t count, sum = 0;
    wafer_record_streams(l->w, true);
    for (uint32_t x = 0; x < l->tiles; x++)
        if (l->steps[x])
            engine_start(l->w, x, DESC);
    rig_run(l->w);
    const struct stream_record *r = wafer_stream_records(l->w, last, 0, &count);
    CHECK_EQ(count, l->steps[last]);
    l->cycles = (uint32_t)r[count - 1].end;
    const struct machine m = rig_machine();
    const struct path_end end = {.x = last, .port = PORT_RAMP};
    struct critical_path_cfg cfg = {.wafer = l->w,
                                    .machine = &m,
                                    .width = l->tiles,
                                    .height = 1,
                                    .ends = &end,
                                    .end_count = 1,
                                    .cycles = l->cycles,
                                    .phase = phase_is_tile,
                                    .dispatch = no_core};
    struct err e = {0};
    int result = critical_path_find(&cfg, &l->path, &e);
    CHECK_MSG(result == 0, "%s", e.text);
    for (uint32_t i = 0; i < l->path.count; i++) {
        const struct path_piece *p = &l->path.piece[i];
        CHECK_EQ(p->begin, sum); /* no gaps */
        CHECK_EQ(p->phase, p->x);
        sum += p->cycles;
        l->part[p->part] += p->cycles;
    }
    CHECK_EQ(sum, l->cycles);
}

static void close_line(struct line *l)
{
    critical_path_free(&l->path);
    wafer_close(l->w);
}

static void route_line(struct line *l, unsigned colour, uint32_t from, uint32_t to)
{
    for (uint32_t x = from; x <= to; x++)
        rig_route(l->w, x, colour, x == from ? AT_RAMP : AT_WEST, x == to ? AT_RAMP : AT_EAST);
    rig_bind(l->w, to, colour - COLOUR + QUEUE, colour);
}

/* B + P + 2 T_R: words, then links and ramps, to whichever tile is last. */
static void check_broadcast(enum wafer_engine engine, uint32_t tiles, uint32_t words)
{
    struct line l;
    open_line(&l, engine, tiles);
    for (uint32_t x = 0; x < tiles; x++) {
        unsigned east = x + 1 < tiles ? AT_EAST : 0;
        rig_route(l.w, x, COLOUR, x ? AT_WEST : AT_RAMP, x ? AT_RAMP | east : AT_EAST);
        rig_bind(l.w, x, QUEUE, COLOUR);
        add_words(&l, x, x ? STREAM_RECV : STREAM_SEND, words, x ? 1 : 0);
    }
    run_line(&l, tiles - 1);
    CHECK_EQ(l.part[PATH_SCHEDULER], SETUP);
    CHECK_EQ(l.part[PATH_WORDS], words);
    CHECK_EQ(l.part[PATH_HOPS], tiles - 1);
    CHECK_EQ(l.part[PATH_RAMPS], 4);
    CHECK_EQ(l.cycles, SETUP + words + tiles + 3);
    CHECK_EQ(l.path.piece[0].x, 0);
    close_line(&l);
}

TEST(critical_path_broadcast)
{
    for (unsigned engine = 0; engine < ENGINES; engine++)
        for (uint32_t tiles = 2; tiles <= TILES_MAX; tiles *= 2)
            for (uint32_t words = 1; words <= 256; words *= 16)
                check_broadcast(engine, tiles, words);
}

/* B + (2 T_R + 2)(P - 1): the first tile's words; then a link, two ramps and a beat for each tile.
 */
static void check_chain(enum wafer_engine engine, uint32_t tiles, uint32_t words)
{
    struct line l;
    open_line(&l, engine, tiles);
    for (uint32_t x = 0; x < tiles; x++) {
        enum stream_op op = !x ? STREAM_SEND : x + 1 < tiles ? STREAM_ADD_SEND : STREAM_ADD_RECV;
        unsigned in = COLOUR + (x + 1) % 2, out = COLOUR + x % 2;
        rig_route(l.w, x, out, AT_RAMP, AT_EAST);
        rig_route(l.w, x, in, AT_WEST, AT_RAMP);
        rig_bind(l.w, x, QUEUE, in);
        add_words(&l, x, op, words, x % 2);
    }
    run_line(&l, tiles - 1);
    CHECK_EQ(l.part[PATH_SCHEDULER], SETUP);
    CHECK_EQ(l.part[PATH_WORDS], words + tiles - 2);
    CHECK_EQ(l.part[PATH_HOPS], tiles - 1);
    CHECK_EQ(l.part[PATH_RAMPS], 4 * (tiles - 1));
    CHECK_EQ(l.path.piece[0].x, 0);
    close_line(&l);
}

TEST(critical_path_chain)
{
    for (unsigned engine = 0; engine < ENGINES; engine++)
        for (uint32_t tiles = 2; tiles <= TILES_MAX; tiles *= 2)
            for (uint32_t words = 1; words <= 256; words *= 16)
                check_chain(engine, tiles, words);
}

/* A reduces and sends, B takes and works on: whoever is later decides. */
static void check_pair(enum wafer_engine engine, uint32_t first, uint32_t second)
{
    struct line l;
    bool late = second > first + SETUP + 5; /* B's words are there before it is */
    open_line(&l, engine, 2);
    route_line(&l, COLOUR, 0, 1);
    add_copy(&l, 0, first);
    add_words(&l, 0, STREAM_SEND, 20, 0);
    add_copy(&l, 1, second);
    add_words(&l, 1, STREAM_RECV, 20, 1);
    add_copy(&l, 1, 30);
    run_line(&l, 1);
    CHECK_EQ(l.part[PATH_SCHEDULER], 3 * SETUP);
    CHECK_EQ(l.part[PATH_COMPUTE], (late ? second : first) + 30);
    CHECK_EQ(l.part[PATH_WORDS], 20);
    CHECK_EQ(l.part[PATH_HOPS] + l.part[PATH_RAMPS], late ? 0 : 5);
    CHECK_EQ(l.path.piece[0].x, late);
    close_line(&l);
}

TEST(critical_path_the_later_one)
{
    for (unsigned engine = 0; engine < ENGINES; engine++) {
        check_pair(engine, 50, 1);
        check_pair(engine, 50, 50);
        check_pair(engine, 50, 60);
        check_pair(engine, 50, 200);
    }
}

/* A tile cannot send on because the one that takes its words is busy. */
TEST(critical_path_waits_for_room)
{
    for (unsigned engine = 0; engine < ENGINES; engine++) {
        struct line l;
        open_line(&l, engine, 2);
        route_line(&l, COLOUR, 0, 1);
        add_words(&l, 0, STREAM_SEND, 100, 0);
        add_copy(&l, 0, 300);
        add_copy(&l, 1, 200);
        add_words(&l, 1, STREAM_RECV, 100, 1);
        run_line(&l, 0);
        CHECK_EQ(l.part[PATH_COMPUTE], 200 + 300); /* of the taker, then of the sender */
        CHECK_EQ(l.part[PATH_SCHEDULER], 2 * SETUP);
        CHECK_EQ(l.path.piece[0].x, 1);
        CHECK_EQ(l.path.piece[l.path.count - 1].x, 0);
        CHECK_EQ(l.part[PATH_WAITING], l.cycles - 500 - 2 * SETUP);
        CHECK(l.part[PATH_WAITING] > 80 && l.part[PATH_WAITING] < 100); /* but for the queues */
        close_line(&l);
    }
}

/* Two streams on one link: nobody is late, and each gets half of it. */
TEST(critical_path_shares_a_link)
{
    for (unsigned engine = 0; engine < ENGINES; engine++) {
        struct line l;
        open_line(&l, engine, 4);
        route_line(&l, COLOUR, 0, 3);
        route_line(&l, COLOUR + 1, 1, 2);
        add_words(&l, 0, STREAM_SEND, 100, 0);
        add_words(&l, 1, STREAM_SEND, 100, 1);
        add_words(&l, 2, STREAM_RECV, 100, 0);
        add_words(&l, 3, STREAM_RECV, 100, 1);
        run_line(&l, 3);
        CHECK_EQ(l.part[PATH_WORDS], 100);
        CHECK_EQ(l.part[PATH_HOPS], 3);
        CHECK_EQ(l.part[PATH_SCHEDULER], SETUP);
        CHECK(l.part[PATH_CONTENTION] > 90 && l.part[PATH_CONTENTION] <= 100);
        close_line(&l);
    }
}

/* Words of two tiles, the nearer one first, which turns its switch: the path leads to the later
 * one.
 */
static void check_turns(enum wafer_engine engine, uint32_t near, uint32_t far)
{
    struct line l;
    open_line(&l, engine, 3);
    route_line(&l, COLOUR, 0, 2);
    route_write(l.w, 1, COLOUR * TILE_SWITCH_POSITIONS, ROUTE_WORD(AT_RAMP, AT_EAST));
    route_write(l.w, 1, COLOUR * TILE_SWITCH_POSITIONS + 1, ROUTE_WORD(AT_WEST, AT_EAST));
    route_write_mode(l.w, 1, COLOUR, ROUTE_MODE_POSITIONS(2));
    struct stream_desc last = rig_desc(STREAM_SEND, 0, 10);
    last.flags = STREAM_CONTROL;
    last.src0 = DATA;
    last.dst = COLOUR;
    add_copy(&l, 0, far);
    add_words(&l, 0, STREAM_SEND, 10, 0);
    add_copy(&l, 1, near);
    add(&l, 1, last);
    add_words(&l, 2, STREAM_RECV, 20, 1);
    run_line(&l, 2);
    CHECK_EQ(l.path.piece[0].x, far > near ? 0 : 1);
    CHECK_EQ(l.part[PATH_COMPUTE], far > near ? far : near);
    CHECK_EQ(l.part[PATH_HOPS], far > near ? 2 : 1);
    CHECK_EQ(l.part[PATH_WORDS], far > near ? 10 : 20);
    close_line(&l);
}

TEST(critical_path_follows_switches)
{
    for (unsigned engine = 0; engine < ENGINES; engine++) {
        check_turns(engine, 10, 300);
        check_turns(engine, 300, 10);
    }
}

/* What was recorded before is forgotten, and nothing is kept that nobody asked for. */
TEST(critical_path_records_again)
{
    uint32_t count;
    struct wafer *w = rig_open(1, 1, NULL, 0);
    struct stream_desc d = rig_desc(STREAM_COPY, 0, 40);
    d.src0 = d.dst = DATA;
    for (int i = 0; i < 3; i++) {
        if (i != 1)
            wafer_record_streams(w, true);
        rig_start(w, 0, DESC, &d);
        rig_run(w);
        const struct stream_record *r = wafer_stream_records(w, 0, 0, &count);
        CHECK_EQ(count, i == 1 ? 2 : 1);
        CHECK_EQ(r[count - 1].end - r[count - 1].begin, SETUP + 40);
        CHECK_EQ(r[0].begin, 0);
        CHECK_EQ(r[0].desc, DESC);
    }
    wafer_record_streams(w, false);
    CHECK(!w->log);
    rig_start(w, 0, DESC, &d);
    rig_run(w);
    wafer_close(w);
}
