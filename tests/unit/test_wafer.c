/* SPDX-License-Identifier: Apache-2.0 */
/* test_wafer.c - the boundary of host/fabric: opening, loading, edges, the outside, limits, sets.
 */
#include "base/rng.h"
#include "base/xalloc.h"
#include "fixture/fabric_rig.h"
#include "harness.h"

#include <stdlib.h>
#include <string.h>

enum { DESC = 0x2600, DATA = 0x3000, COLOUR = 5 };

TEST(wafer_open_refuses_nonsense)
{
    struct machine good = rig_machine(), bad[8];
    struct wafer *w;
    static const uint32_t sizes[][2] = {{0, 1}, {1, 0}, {4097, 1}, {1, 4097}, {UINT32_MAX, 2}};
    for (unsigned i = 0; i < 5; i++) {
        struct err e = {0};
        struct wafer_cfg cfg = {.machine = &good, .width = sizes[i][0], .height = sizes[i][1]};
        CHECK_EQ(wafer_open(&w, &cfg, &e), -1);
        CHECK_EQ(e.kind, ERR_INPUT);
        CHECK(w == NULL);
    }
    for (unsigned i = 0; i < 8; i++)
        bad[i] = good;
    bad[0].hop_cycles = 0;
    bad[1].ramp_cycles = 0;
    bad[2].router_queue = 1;
    bad[3].input_queue = 1;
    bad[4].stream_setup_cycles = 0;
    bad[5].lanes.int4 = 0;
    bad[6].router_queue = 1 << 20;
    bad[7].hop_cycles = UINT32_MAX;
    for (unsigned i = 0; i < 8; i++) {
        struct err e = {0};
        struct wafer_cfg cfg = {.machine = &bad[i], .width = 2, .height = 2};
        CHECK_EQ(wafer_open(&w, &cfg, &e), -1);
        CHECK_EQ(e.kind, ERR_INPUT);
    }
}

TEST(wafer_load_stays_inside)
{
    struct wafer *w = rig_open(3, 2, NULL, 0);
    uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8}, *sram = xcalloc(1, TILE_SRAM_BYTES);
    CHECK_EQ(wafer_load(w, 2, 1, TILE_SRAM_BYTES - 8, bytes, 8, NULL), 0);
    CHECK_EQ(wafer_load(w, 2, 1, TILE_CODE_BYTES, bytes, 3, NULL), 0);
    CHECK_EQ(wafer_load(w, 2, 1, TILE_SRAM_BYTES, bytes, 0, NULL), 0);
    static const uint32_t bad[][4] = {{3, 0, 0x3000, 1},
                                      {0, 2, 0x3000, 1},
                                      {0, 0, TILE_CODE_BYTES - 1, 1},
                                      {0, 0, 0, 1},
                                      {0, 0, TILE_SRAM_BYTES - 7, 8},
                                      {0, 0, UINT32_MAX, 8},
                                      {0, 0, 0x3000, UINT32_MAX}};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = {0};
        CHECK_EQ(wafer_load(w, bad[i][0], bad[i][1], bad[i][2], bytes, bad[i][3], &e), -1);
        CHECK_EQ(e.kind, ERR_INPUT);
    }
    wafer_read(w, 2, 1, sram);
    CHECK_EQ(memcmp(sram + TILE_SRAM_BYTES - 8, bytes, 8), 0);
    CHECK_EQ(sram[TILE_CODE_BYTES + 2], 3);
    CHECK_EQ(sram[TILE_CODE_BYTES + 3], 0);
    wafer_read(w, 1, 1, sram); /* the neighbour is untouched */
    for (uint32_t i = 0; i < TILE_SRAM_BYTES; i++)
        CHECK_EQ(sram[i], 0);
    struct wafer_stats s;
    wafer_stats(w, &s);
    CHECK_EQ(s.sram_written_bytes, 8192); /* two pages */
    free(sram);
    wafer_close(w);
}

static bool never(void *self)
{
    (void)self;
    return false;
}

static bool always(void *self)
{
    (void)self;
    return true;
}

TEST(wafer_run_ends)
{
    struct wafer *w = rig_open(1, 1, NULL, 0);
    struct err e = {0};
    CHECK_EQ(wafer_run(w, always, NULL, 0, &e), 0); /* done before anything */
    CHECK_EQ(wafer_run_quiet(w, 0, &e), 0);         /* quiet is quiet, limit or not */
    CHECK_EQ(wafer_run(w, never, NULL, 10, &e), -1);
    CHECK_EQ(e.kind, ERR_DEADLOCK);
    CHECK(strstr(e.text, "0 threads wait, 0 queues hold wavelets, 0 of 1 cores run"));
    CHECK_EQ(wafer_cycle(w), 0);
    struct stream_desc d = rig_desc(STREAM_COPY, 0, 500);
    d.src0 = DATA;
    d.dst = DATA;
    rig_start(w, 0, DESC, &d);
    e = (struct err){0};
    CHECK_EQ(wafer_run_quiet(w, 100, &e), -1); /* in the middle of a skip */
    CHECK_EQ(e.kind, ERR_LIMIT);
    CHECK_STR(e.text,
              "no end after 100 cycles, in cycle 100: 0 of 1 cores run, 1 threads are busy, "
              "0 queues hold wavelets; first thread: tile (0,0) thread 0 COPY is running");
    CHECK_EQ(wafer_cycle(w), 100);
    e = (struct err){0};
    CHECK_EQ(wafer_run_quiet(w, UINT64_MAX, &e), 0);
    CHECK_EQ(wafer_cycle(w), 4 + 500 + 1);
    wafer_close(w);
}

/* ---- edges ---- */

/* An outside that feeds one port at given cycles and notes what leaves. */
struct outside {
    struct edge_port from;
    uint64_t at[8];
    unsigned count, next, calls;
    uint64_t last;
    struct edge_port left_at[64];
    struct wavelet left[64];
    uint64_t left_cycle[64];
    unsigned gone;
    bool refused; /* there was no room */
};

static void outside_cycle(void *self, struct wafer *w, uint64_t cycle)
{
    struct outside *o = self;
    o->calls++;
    o->refused = false;
    if (o->next == o->count || o->at[o->next] > cycle)
        return;
    o->refused = !wafer_edge_room(w, o->from, COLOUR);
    if (o->refused)
        return;
    wafer_edge_enter(w, o->from, (struct wavelet){o->next++, COLOUR, false});
    CHECK(!wafer_edge_room(w, o->from, COLOUR)); /* one per cycle */
}

/* Enters whenever it can; notes the cycle. */
static void wait_cycle(void *self, struct wafer *w, uint64_t cycle)
{
    struct outside *o = self;
    if (o->next == o->count || !wafer_edge_room(w, o->from, COLOUR))
        return;
    wafer_edge_enter(w, o->from, (struct wavelet){o->next++, COLOUR, false});
    o->last = cycle;
}

static uint64_t outside_next(void *self, uint64_t now)
{
    struct outside *o = self;
    (void)now;
    return o->next < o->count && !o->refused ? o->at[o->next]
                                             : NEVER; /* called again when there is room */
}

static void outside_leave(void *self, struct edge_port port, struct wavelet v, uint64_t cycle)
{
    struct outside *o = self;
    o->left_at[o->gone] = port;
    o->left[o->gone] = v;
    o->left_cycle[o->gone++] = cycle;
}

static void attach(struct wafer *w, struct outside *o)
{
    wafer_set_outside(
        w, &(struct wafer_outside){
               .self = o, .cycle = outside_cycle, .next = outside_next, .leave = outside_leave});
}

/* In at each side, straight through, out at the other. */
TEST(wafer_edges_cross)
{
    static const unsigned sides[] = {PORT_NORTH, PORT_EAST, PORT_SOUTH, PORT_WEST};
    for (unsigned i = 0; i < 4; i++) {
        struct wafer *w = rig_open(5, 3, NULL, 0);
        unsigned in = sides[i], out = sides[(i + 2) % 4];
        struct outside o = {.from = {(enum fabric_port)in, 2}, .at = {0, 0, 1000}, .count = 3};
        uint32_t length = in == PORT_NORTH || in == PORT_SOUTH ? 3 : 5;
        for (uint32_t k = 0; k < w->tiles; k++)
            rig_route(w, k, COLOUR, 1u << in, 1u << out);
        attach(w, &o);
        rig_run(w);
        CHECK_EQ(o.gone, 3);
        for (unsigned k = 0; k < 3; k++) {
            CHECK_EQ(o.left[k].data, k);
            CHECK_EQ(o.left_at[k].side, out);
            CHECK_EQ(o.left_at[k].index, 2);
        }
        CHECK_EQ(o.left_cycle[0], length);
        CHECK_EQ(o.left_cycle[1], length + 1);
        CHECK_EQ(o.left_cycle[2], 1000 + length);
        CHECK_EQ(w->stats.link_moves, 3 * (length - 1));
        CHECK(o.calls < 30); /* the quiet time was skipped */
        CHECK_EQ(wafer_check_conservation(w, NULL), 0);
        wafer_close(w);
    }
}

/* An outside that only waits for room need not ask for cycles: it is called when there is room, in
 * the same cycle as if every cycle were executed. */
static uint64_t next_when_room(void *self, uint64_t now)
{
    struct outside *o = self;
    return o->next ? NEVER : now;
}

TEST(wafer_outside_is_called_when_there_is_room)
{
    uint64_t end[2];
    for (unsigned skip = 0; skip < 2; skip++) {
        struct machine m = rig_machine();
        m.hop_cycles = 7;
        struct wafer *w = rig_open(2, 1, &m, 0);
        struct outside o = {.from = {PORT_WEST, 0}, .count = 60};
        w->test_no_skip = !skip;
        rig_route(w, 0, COLOUR, AT_WEST, AT_EAST);
        rig_route(w, 1, COLOUR, AT_WEST, AT_RAMP);
        rig_bind(w, 1, 0, COLOUR);
        wafer_set_outside(
            w, &(struct wafer_outside){.self = &o, .cycle = wait_cycle, .next = next_when_room});
        rig_run(w);
        uint32_t stuck = o.next; /* both routers, the link, the queue */
        CHECK_EQ(stuck, 2 * (2 + 7 - 1) + 4 + 2);
        for (unsigned i = 0; o.next < o.count; i++) { /* one word is read every now and then */
            struct stream_desc d = rig_desc(STREAM_RECV, 0, 1);
            d.src1 = COLOUR;
            d.dst = DATA;
            rig_start(w, 1, DESC, &d);
            rig_run(w);
            CHECK_EQ(o.next, stuck + i + 1);
        }
        end[skip] = o.last;
        wafer_close(w);
    }
    CHECK_EQ(end[0], end[1]);
}

/* An outside that always has something for a full port must not keep a deadlock alive. */
TEST(wafer_outside_without_room_is_a_deadlock)
{
    struct wafer *w = rig_open(2, 1, NULL, 0);
    struct outside o = {.from = {PORT_WEST, 0}, .count = 8};
    struct err e = {0};
    rig_route(w, 0, COLOUR, AT_WEST, AT_EAST);
    rig_route(w, 1, COLOUR, AT_WEST | AT_EAST, AT_RAMP);
    rig_bind(w, 1, 0, COLOUR);
    attach(w, &o);
    o.count = 8;
    CHECK_EQ(wafer_run_quiet(w, 100, &e), 0);
    CHECK_EQ(o.next, 8); /* they fit: 2 + 2 in the routers, 4 + 2 at the ramp */
    o.next = 0;
    CHECK_EQ(wafer_run(w, never, NULL, 1000000, &e), -1);
    CHECK_EQ(e.kind, ERR_DEADLOCK);
    CHECK_EQ(o.next, 2);
    CHECK(strstr(e.text, "tile (1,0) holds colour 5 from west: its input queue 0 is full"));
    /* and it goes on when there is room again */
    struct stream_desc d = rig_desc(STREAM_RECV, 0, 16);
    d.src1 = COLOUR;
    d.dst = DATA;
    rig_start(w, 1, DESC, &d);
    rig_run(w);
    CHECK_EQ(o.next, 8);
    CHECK_EQ(w->tile[1].engine.busy, 0);
    wafer_close(w);
}

/* ---- sets ---- */

TEST(wafer_set_matches_a_plain_array)
{
    static const uint32_t sizes[] = {1, 63, 64, 65, 4095, 4096, 4097, 20000};
    struct rng r = {t->seed};
    for (unsigned n = 0; n < sizeof sizes / sizeof sizes[0]; n++) {
        uint32_t size = sizes[n];
        bool *has = xcalloc(size, sizeof *has);
        struct set s;
        set_open(&s, size);
        for (unsigned round = 0; round < 200; round++) {
            uint32_t i = rng_below(&r, size), from = rng_below(&r, size + 1);
            has[i] = rng_below(&r, 3) != 0;
            if (has[i])
                set_add(&s, i);
            else
                set_remove(&s, i);
            uint32_t next = from, before = from, count = 0;
            while (next < size && !has[next])
                next++;
            while (before > 0 && !has[before - 1])
                before--;
            for (uint32_t k = 0; k < size; k++)
                count += has[k];
            CHECK_EQ(set_next(&s, from), next < size ? next : SET_END);
            CHECK_EQ(set_before(&s, from), before ? before - 1 : SET_END);
            CHECK_EQ(s.count, count);
        }
        free(has);
        set_close(&s);
    }
}

/* ---- size ---- */

/* A wafer of the real size opens, and untouched SRAM is not in host memory. */
TEST(wafer_large_is_mostly_absent)
{
    struct wafer *w = rig_open(400, 300, NULL, 0);
    struct wafer_stats s;
    rig_set_word(w, rig_tile(w, 399, 299), DATA, 1);
    wafer_stats(w, &s);
    CHECK_EQ(s.sram_written_bytes, 4096);
    CHECK(sizeof(struct tile) + sizeof(struct router) < 3000);
    wafer_close(w);
}
