/* SPDX-License-Identifier: Apache-2.0 */
/* test_fabric_rules.c - one rule of hal/fabric.h at a time: multicast, switches, turns,
 * back-pressure, the faults a router reports, and what a deadlock report says. */
#include "fixture/fabric_rig.h"
#include "harness.h"

#include <string.h>

enum { DESC = 0x2600, DATA = 0x3000, COLOUR = 5, QUEUE = 2 };

static void start_send(struct wafer *w, uint32_t tile, unsigned thread, unsigned colour,
                       uint32_t words)
{
    struct stream_desc d = rig_desc(STREAM_SEND, thread, words);
    d.src0 = DATA;
    d.dst = (uint16_t)colour;
    for (uint32_t i = 0; i < words; i++)
        rig_set_word(w, tile, DATA + 4 * i, tile << 16 | i);
    rig_start(w, tile, DESC + 32 * thread, &d);
}

static void start_recv(struct wafer *w, uint32_t tile, unsigned thread, unsigned colour,
                       uint32_t words)
{
    struct stream_desc d = rig_desc(STREAM_RECV, thread, words);
    d.src1 = (uint16_t)colour;
    d.dst = DATA;
    rig_start(w, tile, DESC + 32 * thread, &d);
}

static void steps(struct wafer *w, unsigned n)
{
    while (n--)
        wafer_step(w);
}

/* West end sends along a row to the east end. */
static struct wafer *line(uint32_t tiles)
{
    struct wafer *w = rig_open(tiles, 1, NULL, 0);
    for (uint32_t x = 0; x < tiles; x++)
        rig_route(w, x, COLOUR, x ? AT_WEST : AT_RAMP, x + 1 < tiles ? AT_EAST : AT_RAMP);
    rig_bind(w, tiles - 1, QUEUE, COLOUR);
    return w;
}

/* Run with a goal that is never reached; the error must be of this kind. */
static bool never(void *self)
{
    (void)self;
    return false;
}

static void run_into(struct wafer *w, enum err_kind kind, struct err *e)
{
    *e = (struct err){0};
    CHECK_EQ(wafer_run(w, never, NULL, 100000, e), -1);
    CHECK_MSG(e->kind == kind, "kind %d: %s", (int)e->kind, e->text);
}

static void check_has(const struct err *e, const char *part)
{
    CHECK_MSG(strstr(e->text, part), "no \"%s\" in: %s", part, e->text);
}

/* ---- multicast ---- */

TEST(fabric_multicast_is_all_or_nothing)
{
    /* from (0,0) to the east, where somebody reads, and to the south, where nobody does */
    struct wafer *w = rig_open(2, 2, NULL, 0);
    rig_route(w, 0, COLOUR, AT_RAMP, AT_EAST | AT_SOUTH);
    rig_route(w, 1, COLOUR, AT_WEST, AT_RAMP);
    rig_route(w, 2, COLOUR, AT_NORTH, AT_RAMP);
    rig_bind(w, 1, QUEUE, COLOUR);
    rig_bind(w, 2, QUEUE, COLOUR);
    start_recv(w, 1, 0, COLOUR, 100);
    start_send(w, 0, 0, COLOUR, 100);
    rig_run(w);
    /* the south took what its queue, its ramp and its router hold, the east not one more */
    CHECK_EQ(w->tile[1].engine.thread[0].done, 4 + 2 + 2);
    CHECK_EQ(w->tile[2].queue[QUEUE].count, 4 + 2);
    start_recv(w, 2, 0, COLOUR, 100);
    rig_run(w);
    for (uint32_t i = 0; i < 100; i++) {
        CHECK_EQ(rig_word(w, 1, DATA + 4 * i), i);
        CHECK_EQ(rig_word(w, 2, DATA + 4 * i), i);
    }
    CHECK_EQ(w->stats.wavelets_copied, 100);
    CHECK_EQ(wafer_check_conservation(w, NULL), 0);
    wafer_close(w);
}

/* ---- back-pressure ---- */

TEST(fabric_back_pressure_loses_nothing)
{
    for (uint32_t tiles = 2; tiles < 12; tiles++) {
        struct wafer *w = line(tiles);
        start_send(w, 0, 0, COLOUR, 300);
        rig_run(w);
        /* all rooms are full: 2 in each router, 2 more in the first ramp, 4 + 2 at the end */
        CHECK_EQ(w->stats.wavelets_sent, 2 * tiles + 2 + 4 + 2);
        start_recv(w, tiles - 1, 0, COLOUR, 300);
        rig_run(w);
        for (uint32_t i = 0; i < 300; i++)
            CHECK_EQ(rig_word(w, tiles - 1, DATA + 4 * i), i);
        CHECK_EQ(w->engines.count + w->routers.count + w->wheel.total, 0);
        wafer_close(w);
    }
}

TEST(fabric_colours_do_not_block_each_other)
{
    struct wafer *w = line(6);
    for (uint32_t x = 0; x < 6; x++)
        rig_route(w, x, COLOUR + 1, x ? AT_WEST : AT_RAMP, x < 5 ? AT_EAST : AT_RAMP);
    rig_bind(w, 5, QUEUE + 1, COLOUR + 1);
    start_send(w, 0, 0, COLOUR, 300); /* nobody reads these */
    rig_run(w);
    start_send(w, 0, 1, COLOUR + 1, 50);
    start_recv(w, 5, 1, COLOUR + 1, 50);
    rig_run(w);
    CHECK_EQ(w->tile[5].engine.busy, 0);
    CHECK_EQ(rig_word(w, 5, DATA + 4 * 49), 49);
    wafer_close(w);
}

/* Three colours from different sides over one link: turns are fair, and the link stays full. */
TEST(fabric_turns_are_fair_and_the_link_is_full)
{
    struct wafer *w = rig_open(3, 3, NULL, 0);
    static const uint32_t from[] = {1, 3, 7}; /* north, west, south of the centre */
    static const unsigned towards[] = {AT_SOUTH, AT_EAST, AT_NORTH};
    static const unsigned port[] = {AT_NORTH, AT_WEST, AT_SOUTH};
    for (unsigned i = 0; i < 3; i++) {
        unsigned colour = 4 + 7 * i;
        rig_route(w, from[i], colour, AT_RAMP, towards[i]);
        rig_route(w, 4, colour, port[i], AT_EAST);
        rig_route(w, 5, colour, AT_WEST, AT_RAMP);
        rig_bind(w, 5, i, colour);
        struct stream_desc d = rig_desc(STREAM_RECV, i, 400);
        d.src1 = (uint16_t)colour;
        d.dst = (uint16_t)(DATA + 0x700 * i);
        rig_start(w, 5, DESC + 32 * i, &d);
        start_send(w, from[i], 0, colour, 400);
    }
    steps(w, 50);
    uint64_t moves = w->stats.link_moves;
    uint32_t before[3];
    for (unsigned i = 0; i < 3; i++)
        before[i] = w->tile[5].engine.thread[i].done;
    steps(w, 300);
    CHECK_EQ(w->stats.link_moves - moves, 600); /* one in and one out each cycle */
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(w->tile[5].engine.thread[i].done - before[i], 100);
    wafer_close(w);
}

TEST(fabric_turn_returns_to_colour_0_when_quiet)
{
    struct wafer *w = line(3);
    start_send(w, 0, 0, COLOUR, 3);
    start_recv(w, 2, 0, COLOUR, 3);
    steps(w, 4 + 2 + 1);
    rig_run(w);
    for (uint32_t x = 0; x < 3; x++) {
        CHECK_EQ(w->router[x].turn, 0);
        CHECK_EQ(w->tile[x].engine.turn, 0);
    }
    wafer_close(w);
}

/* ---- switches ---- */

struct feed {
    struct edge_port port;
    const struct wavelet *v;
    unsigned count, next;
};

static void feed_cycle(void *self, struct wafer *w, uint64_t cycle)
{
    struct feed *f = self;
    (void)cycle;
    if (f->next < f->count && wafer_edge_room(w, f->port, f->v[f->next].colour))
        wafer_edge_enter(w, f->port, f->v[f->next++]);
}

static uint64_t feed_next(void *self, uint64_t now)
{
    struct feed *f = self;
    return f->next == f->count ? NEVER : f->next == 0 ? now : NEVER; /* then: when there is room */
}

static void feed_wafer(struct wafer *w, struct feed *f)
{
    wafer_set_outside(w,
                      &(struct wafer_outside){.self = f, .cycle = feed_cycle, .next = feed_next});
}

/* The boot routes: every tile of a row takes its share of COLOUR_LOAD and becomes a wire. */
TEST(fabric_switch_take_then_pass)
{
    enum { TILES = 5, SHARE = 7 };
    struct wafer *w = rig_open(TILES, 2, NULL, 0);
    struct wavelet v[TILES * SHARE];
    struct feed f = {.port = {PORT_WEST, 1}, .v = v, .count = TILES * SHARE};
    for (unsigned i = 0; i < TILES * SHARE; i++)
        v[i] = (struct wavelet){1000 + i, COLOUR_LOAD, i % SHARE == SHARE - 1};
    for (uint32_t x = 0; x < TILES; x++)
        start_recv(w, TILES + x, 0, COLOUR_LOAD, SHARE);
    feed_wafer(w, &f);
    rig_run(w);
    for (uint32_t x = 0; x < TILES; x++) {
        CHECK_EQ(w->tile[TILES + x].engine.busy, 0);
        CHECK_EQ(w->router[TILES + x].position[COLOUR_LOAD], 1);
        CHECK_EQ(w->router[x].position[COLOUR_LOAD], 0);
        for (unsigned i = 0; i < SHARE; i++)
            CHECK_EQ(rig_word(w, TILES + x, DATA + 4 * i), 1000 + x * SHARE + i);
    }
    wafer_close(w);
}

TEST(fabric_boot_image_reaches_every_tile)
{
    enum { WORDS = 40 };
    struct wafer *w = rig_open(5, 4, NULL, 0);
    struct wavelet v[WORDS];
    struct feed f = {.port = {PORT_WEST, 0}, .v = v, .count = WORDS};
    for (unsigned i = 0; i < WORDS; i++)
        v[i] = (struct wavelet){77 * i, COLOUR_IMAGE, false};
    for (uint32_t i = 0; i < w->tiles; i++)
        start_recv(w, i, 0, COLOUR_IMAGE, WORDS);
    feed_wafer(w, &f);
    rig_run(w);
    for (uint32_t i = 0; i < w->tiles; i++)
        for (unsigned k = 0; k < WORDS; k++)
            CHECK_EQ(rig_word(w, i, DATA + 4 * k), 77 * k);
    CHECK_EQ(w->stats.wavelets_entered, WORDS);
    CHECK_EQ(w->stats.wavelets_left, 0);
    CHECK_EQ(wafer_check_conservation(w, NULL), 0);
    wafer_close(w);
}

/* A ring of three positions deals packets to east, south and the ramp in turn. */
TEST(fabric_switch_ring)
{
    enum { PACKETS = 12, LENGTH = 3 };
    struct wafer *w = rig_open(2, 2, NULL, 0);
    static const unsigned out[] = {AT_EAST, AT_SOUTH, AT_RAMP};
    static const uint32_t to[] = {1, 2, 0};
    struct wavelet v[PACKETS * LENGTH];
    struct feed f = {.port = {PORT_WEST, 0}, .v = v, .count = PACKETS * LENGTH};
    for (unsigned p = 0; p < 3; p++)
        route_write(w, 0, COLOUR * 4 + p, ROUTE_WORD(AT_WEST, out[p]));
    route_write_mode(w, 0, COLOUR, 3 | ROUTE_MODE_RING);
    rig_route(w, 1, COLOUR, AT_WEST, AT_RAMP);
    rig_route(w, 2, COLOUR, AT_NORTH, AT_RAMP);
    for (unsigned i = 0; i < PACKETS * LENGTH; i++)
        v[i] = (struct wavelet){i, COLOUR, i % LENGTH == LENGTH - 1};
    for (unsigned i = 0; i < 3; i++) {
        rig_bind(w, i, QUEUE, COLOUR);
        start_recv(w, i, 0, COLOUR, PACKETS / 3 * LENGTH);
    }
    feed_wafer(w, &f);
    rig_run(w);
    for (unsigned i = 0; i < PACKETS * LENGTH; i++) {
        unsigned packet = i / LENGTH, place = packet / 3 * LENGTH + i % LENGTH;
        CHECK_EQ(rig_word(w, to[packet % 3], DATA + 4 * place), i);
    }
    wafer_close(w);
}

/* A wavelet waits at a port that only another position takes; past the last position it stays. */
TEST(fabric_switch_holds_other_ports)
{
    struct wafer *w = rig_open(3, 1, NULL, 0);
    route_write(w, 1, COLOUR * 4, ROUTE_WORD(AT_WEST, AT_RAMP));
    route_write(w, 1, COLOUR * 4 + 1, ROUTE_WORD(AT_EAST, AT_RAMP));
    route_write_mode(w, 1, COLOUR, 2);
    rig_route(w, 0, COLOUR, AT_RAMP, AT_EAST);
    rig_route(w, 2, COLOUR, AT_RAMP, AT_WEST);
    rig_bind(w, 1, QUEUE, COLOUR);
    start_recv(w, 1, 0, COLOUR, 20);
    start_send(w, 2, 0, COLOUR, 10);
    rig_run(w);
    CHECK_EQ(w->tile[1].engine.thread[0].done, 0);
    struct stream_desc d = rig_desc(STREAM_SEND, 0, 10);
    d.src0 = DATA;
    d.dst = COLOUR;
    d.flags = STREAM_CONTROL;
    rig_start(w, 0, DESC, &d);
    rig_run(w);
    CHECK_EQ(w->tile[1].engine.busy, 0);
    for (uint32_t i = 0; i < 10; i++) {
        CHECK_EQ(rig_word(w, 1, DATA + 4 * i), 0);
        CHECK_EQ(rig_word(w, 1, DATA + 40 + 4 * i), 2u << 16 | i);
    }
    d.count = 1;
    rig_start(w, 2, DESC, &d); /* a control wavelet at the last position */
    start_recv(w, 1, 0, COLOUR, 1);
    rig_run(w);
    CHECK_EQ(w->router[1].position[COLOUR], 1);
    wafer_close(w);
}

/* ---- faults ---- */

TEST(fabric_fault_collision)
{
    struct wafer *w = rig_open(3, 1, NULL, 0);
    struct err e;
    rig_route(w, 0, COLOUR, AT_RAMP, AT_EAST);
    rig_route(w, 2, COLOUR, AT_RAMP, AT_WEST);
    rig_route(w, 1, COLOUR, AT_WEST | AT_EAST, AT_RAMP);
    rig_bind(w, 1, QUEUE, COLOUR);
    start_recv(w, 1, 0, COLOUR, 20);
    start_send(w, 0, 0, COLOUR, 10);
    start_send(w, 2, 0, COLOUR, 10);
    run_into(w, ERR_FAULT, &e);
    check_has(&e, "tile (1,0) fault COLLISION");
    check_has(&e, "colour 5 from east and west");
    check_has(&e, "cycle 7"); /* 4 setup, 2 ramp, 1 hop */
    struct err again = {0};
    CHECK_EQ(wafer_run_quiet(w, 10, &again), -1); /* it stays */
    CHECK_STR(again.text, e.text);
    wafer_close(w);
}

/* The same routes are fine while the two take turns. */
TEST(fabric_two_inputs_may_take_turns)
{
    struct wafer *w = rig_open(3, 1, NULL, 0);
    rig_route(w, 0, COLOUR, AT_RAMP, AT_EAST);
    rig_route(w, 2, COLOUR, AT_RAMP, AT_WEST);
    rig_route(w, 1, COLOUR, AT_WEST | AT_EAST, AT_RAMP);
    rig_bind(w, 1, QUEUE, COLOUR);
    start_recv(w, 1, 0, COLOUR, 20);
    start_send(w, 0, 0, COLOUR, 10);
    steps(w, 10);
    start_send(w, 2, 0, COLOUR, 10);
    rig_run(w);
    CHECK_EQ(w->tile[1].engine.busy, 0);
    wafer_close(w);
}

TEST(fabric_fault_route)
{
    struct wafer *w = rig_open(2, 2, NULL, 0);
    struct err e;
    rig_route(w, 0, COLOUR, AT_RAMP, AT_SOUTH);
    rig_route(w, 2, COLOUR, AT_EAST | AT_SOUTH | AT_WEST | AT_RAMP, AT_RAMP);
    start_send(w, 0, 0, COLOUR, 1);
    run_into(w, ERR_FAULT, &e);
    check_has(&e, "tile (0,1) fault ROUTE");
    check_has(&e, "colour 5 from north");
    wafer_close(w);

    w = rig_open(1, 1, NULL, 0); /* a position without outputs takes nothing */
    rig_route(w, 0, COLOUR, AT_RAMP, 0);
    start_send(w, 0, 0, COLOUR, 1);
    run_into(w, ERR_FAULT, &e);
    check_has(&e, "fault ROUTE");
    check_has(&e, "from the ramp");
    wafer_close(w);
}

TEST(fabric_fault_unbound)
{
    struct wafer *w = line(2);
    struct err e;
    rig_bind(w, 1, QUEUE, NO_QUEUE);
    start_send(w, 0, 0, COLOUR, 1);
    run_into(w, ERR_FAULT, &e);
    check_has(&e, "tile (1,0) fault UNBOUND");
    check_has(&e, "colour 5");
    CHECK_EQ(wafer_check_conservation(w, NULL), 0);
    wafer_close(w);
}

TEST(fabric_fault_rebind)
{
    struct err e;
    for (unsigned what = 0; what < 5; what++) {
        struct wafer *w = line(3);
        start_send(w, 0, 0, COLOUR, 20);
        if (what < 4)
            rig_run(w);
        else
            steps(w, 5); /* one word is on the ramp, none in the router */
        if (what == 0)
            ramp_bind(w, 2, QUEUE, COLOUR + 1);
        else if (what == 1)
            ramp_bind(w, 2, QUEUE + 1, COLOUR); /* takes the colour away from the full queue */
        else if (what == 2)
            route_write(w, 1, COLOUR * 4 + 3, 0);
        else
            route_write_mode(w, 0, COLOUR, 1);
        run_into(w, ERR_FAULT, &e);
        check_has(&e, "fault REBIND");
        check_has(&e, what < 2 ? "queue 2 with 6 wavelets of colour 5" : "route of colour 5");
        wafer_close(w);
    }
}

TEST(fabric_rebind_of_an_empty_queue_is_fine)
{
    struct wafer *w = line(2);
    ramp_bind(w, 1, QUEUE + 1, COLOUR);
    CHECK_EQ(w->tile[1].queue[QUEUE].colour, NO_QUEUE);
    start_recv(w, 1, 0, COLOUR, 3);
    start_send(w, 0, 0, COLOUR, 3);
    rig_run(w);
    CHECK_EQ(w->tile[1].engine.busy, 0);
    rig_route(w, 1, COLOUR, AT_WEST, AT_EAST);
    CHECK(!w->fault.raised);
    wafer_close(w);
}

/* Several in one cycle: the order of visits must not choose. */
TEST(fabric_fault_lowest_tile_wins)
{
    for (unsigned reverse = 0; reverse < 2; reverse++) {
        struct wafer *w = rig_open(1, 6, NULL, 0);
        struct err e;
        struct stream_desc d = rig_desc(STREAM_COPY, 0, 1);
        w->test_reverse = reverse;
        d.src0 = d.dst = DATA;
        d.next = DESC + 32; /* all zero: no operation */
        for (uint32_t y = 2; y < 5; y++)
            rig_start(w, y, DESC, &d);
        run_into(w, ERR_FAULT, &e);
        check_has(&e, "tile (0,2) fault STREAM (a bad stream descriptor): descriptor at 0x2620, op "
                      "0: BAD_OP");
        wafer_close(w);
    }
}

/* ---- deadlocks ---- */

TEST(fabric_deadlock_silent_sender)
{
    struct wafer *w = line(4);
    struct err e;
    start_recv(w, 3, 1, COLOUR, 2);
    run_into(w, ERR_DEADLOCK, &e);
    check_has(&e, "1 threads wait, 0 queues hold wavelets");
    check_has(&e, "tile (3,0) thread 1 RECV waits for colour 5 from west; "
                  "tile (0,0) sends nothing on colour 5");
    CHECK(!strstr(e.text, "CYCLE"));
    wafer_close(w);
}

/* Of several sources, the one that would send is named, not the ones that have nothing to say. */
TEST(fabric_deadlock_names_the_sender)
{
    struct wafer *w = line(4);
    struct err e;
    rig_route(w, 2, COLOUR, AT_WEST | AT_RAMP, AT_EAST);
    rig_bind(w, 2, QUEUE, 9);
    struct stream_desc d = rig_desc(STREAM_ADD_SEND, 6, 2);
    d.src0 = DATA;
    d.src1 = 9;
    d.dst = COLOUR;
    rig_start(w, 2, DESC, &d);
    start_recv(w, 3, 1, COLOUR, 2);
    run_into(w, ERR_DEADLOCK, &e);
    check_has(&e, "tile (2,0) thread 6 ADD_SEND waits for colour 9, which no route brings to it. "
                  "tile (3,0) thread 1 RECV waits for colour 5 from west; tile (2,0) as said.");
    CHECK(!strstr(e.text, "tile (0,0)"));
    wafer_close(w);
}

TEST(fabric_deadlock_nobody_reads)
{
    struct wafer *w = line(3);
    struct err e;
    start_send(w, 0, 0, COLOUR, 100);
    run_into(w, ERR_DEADLOCK, &e);
    check_has(&e, "tile (0,0) thread 0 SEND waits for room on colour 5; "
                  "tile (0,0) holds colour 5 from the ramp: no room in tile (1,0); "
                  "tile (1,0) holds colour 5 from west: no room in tile (2,0); "
                  "tile (2,0) holds colour 5 from west: its input queue 2 is full and no thread "
                  "takes from it");
    CHECK(!strstr(e.text, "CYCLE"));
    wafer_close(w);
}

TEST(fabric_deadlock_unbound_and_unrouted)
{
    struct wafer *w = rig_open(2, 1, NULL, 0);
    struct err e;
    start_recv(w, 0, 0, 7, 1);
    rig_bind(w, 1, 3, 9);
    start_recv(w, 1, 0, 9, 1);
    run_into(w, ERR_DEADLOCK, &e);
    check_has(&e, "tile (0,0) thread 0 RECV waits for colour 7, which no queue is bound to");
    check_has(&e, "tile (1,0) thread 0 RECV waits for colour 9, which no route brings to it");
    wafer_close(w);
}

TEST(fabric_deadlock_edge)
{
    struct wafer *w = rig_open(3, 2, NULL, 0);
    struct err e;
    start_recv(w, 4, 0, COLOUR_IMAGE, 1);
    run_into(w, ERR_DEADLOCK, &e);
    check_has(&e, "nothing comes in on colour 23 at the west edge of tile (0,0)");
    wafer_close(w);
}

/* Two tiles that each add to what the other sends; a third one waits for one of them. */
TEST(fabric_deadlock_cycle)
{
    struct wafer *w = rig_open(4, 1, NULL, 0);
    struct err e;
    for (uint32_t x = 1; x < 3; x++) {
        unsigned in = COLOUR + x % 2, out = COLOUR + (x + 1) % 2;
        unsigned other = x == 1 ? AT_EAST : AT_WEST;
        rig_route(w, x, out, AT_RAMP, other | (x == 2 ? AT_EAST : 0));
        rig_route(w, x, in, other, AT_RAMP);
        rig_bind(w, x, QUEUE, in);
        struct stream_desc d = rig_desc(STREAM_ADD_SEND, x, 4);
        d.src0 = DATA;
        d.src1 = (uint16_t)in;
        d.dst = (uint16_t)out;
        rig_start(w, x, DESC, &d);
    }
    rig_route(w, 3, COLOUR + 1, AT_WEST, AT_RAMP);
    rig_bind(w, 3, QUEUE, COLOUR + 1);
    start_recv(w, 3, 0, COLOUR + 1, 4);
    run_into(w, ERR_DEADLOCK, &e);
    check_has(&e, "CYCLE: tile (1,0) thread 1 ADD_SEND waits for colour 6 from east; "
                  "tile (2,0) thread 2 ADD_SEND waits for colour 5 from west; "
                  "which closes the cycle.");
    check_has(&e, "tile (3,0) thread 0 RECV waits for colour 6 from west; tile (2,0) as said.");
    wafer_close(w);
}

/* A cycle through full queues: one thread sends 5 and then 6, the other end reads 6 and then 5. */
TEST(fabric_deadlock_cycle_through_queues)
{
    struct wafer *w = line(2);
    struct err e;
    rig_route(w, 0, COLOUR + 1, AT_RAMP, AT_EAST);
    rig_route(w, 1, COLOUR + 1, AT_WEST, AT_RAMP);
    rig_bind(w, 1, QUEUE + 1, COLOUR + 1);
    struct stream_desc second = rig_desc(STREAM_SEND, 0, 1);
    second.src0 = DATA;
    second.dst = COLOUR + 1;
    rig_put(w, 0, DESC + 64, &second);
    struct stream_desc first = rig_desc(STREAM_SEND, 0, 30);
    first.src0 = DATA;
    first.dst = COLOUR;
    first.next = DESC + 64;
    rig_start(w, 0, DESC, &first);
    struct stream_desc later = rig_desc(STREAM_RECV, 3, 30);
    later.src1 = COLOUR;
    later.dst = DATA;
    rig_put(w, 1, DESC + 64, &later);
    struct stream_desc now = rig_desc(STREAM_RECV, 3, 1);
    now.src1 = COLOUR + 1;
    now.dst = DATA;
    now.next = DESC + 64;
    rig_start(w, 1, DESC, &now);
    run_into(w, ERR_DEADLOCK, &e);
    check_has(&e, "CYCLE: tile (0,0) thread 0 SEND waits for room on colour 5; "
                  "tile (0,0) holds colour 5 from the ramp: no room in tile (1,0); "
                  "tile (1,0) holds colour 5 from west: its input queue 2 is full, "
                  "which a later descriptor is to read; "
                  "tile (1,0) thread 3 RECV waits for colour 6 from west, "
                  "which a later descriptor is to send; which closes the cycle.");
    wafer_close(w);
}

TEST(fabric_deadlock_switch_position)
{
    struct wafer *w = rig_open(2, 1, NULL, 0);
    struct err e;
    route_write(w, 1, COLOUR * 4, ROUTE_WORD(AT_RAMP, AT_EAST));
    route_write(w, 1, COLOUR * 4 + 1, ROUTE_WORD(AT_WEST, AT_EAST));
    route_write_mode(w, 1, COLOUR, 2);
    rig_route(w, 0, COLOUR, AT_RAMP, AT_EAST);
    start_send(w, 0, 0, COLOUR, 2);
    run_into(w, ERR_DEADLOCK, &e);
    check_has(&e, "0 threads wait, 1 queues hold wavelets");
    check_has(&e, "tile (1,0) holds colour 5 from west: its switch stands at position 0, which "
                  "takes the ramp; tile (1,0) sends nothing on colour 5");
    wafer_close(w);
}
