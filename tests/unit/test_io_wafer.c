/* SPDX-License-Identifier: Apache-2.0 */
/* test_io_wafer.c - io on the plain wafer: what goes in at an edge comes out at the others. */
#include "harness.h"

#include "fixture/fabric_rig.h"
#include "io/io.h"
#include "io/link.h"

enum { WIDTH = 4, COLOUR = 3, LATENCY = 100 };

/* One row whose tiles pass east and also out of the north and south edges: a word becomes
 * 2 * WIDTH + 1. */
struct row {
    struct machine machine;
    struct wafer *wafer;
    struct io *io;
    size_t wanted;
};

static void row_open(struct row *r, uint32_t wavelets_per_1000_cycles, uint64_t stress)
{
    *r = (struct row){.machine = rig_machine()};
    r->machine.clock_hz = 1e9;
    r->machine.io_latency_seconds = LATENCY * 1e-9;
    r->machine.channel_bits_per_second = 32e9;
    r->machine.io_bits_per_second = 32e6 * wavelets_per_1000_cycles;
    r->wafer = rig_open(WIDTH, 1, &r->machine, stress);
    struct wafer_cfg cfg = {
        .machine = &r->machine, .width = WIDTH, .height = 1, .stress_seed = stress};
    r->io = io_open(r->wafer, &cfg);
    for (uint32_t x = 0; x < WIDTH; x++)
        rig_route(r->wafer, rig_tile(r->wafer, x, 0), COLOUR, AT_WEST,
                  AT_EAST | AT_NORTH | AT_SOUTH);
}

static void row_close(struct row *r)
{
    io_close(r->io);
    wafer_close(r->wafer);
}

static size_t available(const struct row *r)
{
    size_t sum = io_available(r->io, (struct edge_port){PORT_EAST, 0});
    for (uint32_t x = 0; x < WIDTH; x++)
        sum += io_available(r->io, (struct edge_port){PORT_NORTH, x}) +
               io_available(r->io, (struct edge_port){PORT_SOUTH, x});
    return sum;
}

static bool row_done(void *self)
{
    const struct row *r = self;
    return available(r) >= r->wanted;
}

static void send(struct row *r, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        io_send(r->io, (struct edge_port){PORT_WEST, 0}, COLOUR, &i, 1, 0);
    r->wanted = (size_t)count * (2 * WIDTH + 1);
}

static void check_words(struct row *r, struct edge_port port, uint32_t count)
{
    for (uint32_t i = 0, word = 0; i < count; i++) {
        CHECK_EQ(io_take(r->io, port, &word, 1), 1);
        CHECK_EQ(word, i);
    }
    CHECK_EQ(io_available(r->io, port), 0);
}

TEST(io_wafer_passes_a_word_in_known_time)
{
    struct row r;
    struct err e = {0};
    row_open(&r, 100000, 0);
    send(&r, 1);
    CHECK_MSG(wafer_run(r.wafer, row_done, &r, 10000, &e) == 0, "%s", e.text);
    /* enters at LATENCY, WIDTH hops, crosses a cycle later, LATENCY; the cycle after it is run */
    uint64_t arrives = LATENCY + WIDTH + 1 + LATENCY;
    CHECK(wafer_cycle(r.wafer) == arrives || wafer_cycle(r.wafer) == arrives + 1);
    check_words(&r, (struct edge_port){PORT_EAST, 0}, 1);
    row_close(&r);
}

TEST(io_wafer_stress_is_no_deadlock)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct row r;
        struct err e = {0};
        row_open(&r, 300, seed);
        send(&r, 50);
        CHECK_MSG(wafer_run(r.wafer, row_done, &r, 100000, &e) == 0, "seed %llu: %s",
                  (unsigned long long)seed, e.text);
        check_words(&r, (struct edge_port){PORT_NORTH, 3}, 50);
        row_close(&r);
    }
}

TEST(io_wafer_reports_a_stuck_wafer)
{
    struct row r;
    struct err e = {0};
    row_open(&r, 1000, 0);
    rig_route(r.wafer, rig_tile(r.wafer, 2, 0), COLOUR, AT_WEST,
              AT_RAMP); /* nobody takes it there */
    send(&r, 100);
    CHECK_EQ(wafer_run(r.wafer, row_done, &r, 100000, &e), -1);
    CHECK_MSG(e.kind == ERR_DEADLOCK || e.kind == ERR_FAULT, "%s", e.text);
    row_close(&r);
}

/* ---- two wafers ---- */

struct two {
    struct row a, b;
    struct linked_wafer members[2];
    struct wafer_link *link;
    struct wafer_group group;
    struct wafer_member member[2];
};

static void two_open(struct two *t, uint64_t link_latency)
{
    row_open(&t->a, 1000, 0);
    row_open(&t->b, 1000, 0);
    struct machine m = t->a.machine;
    m.wafer_link_latency_seconds = (double)link_latency * 1e-9;
    m.wafer_link_bits_per_second = 32e9;
    struct wafer_link_end east = {t->a.io, PORT_EAST}, west = {t->b.io, PORT_WEST};
    CHECK(wafer_link_open(&t->link, east, west, &m, NULL) == 0);
    t->members[0] = (struct linked_wafer){t->a.wafer, t->a.io, false};
    t->members[1] = (struct linked_wafer){t->b.wafer, t->b.io, false};
    for (unsigned i = 0; i < 2; i++)
        t->member[i] = linked_wafer_member(&t->members[i]);
    t->group = (struct wafer_group){t->member, 2, wafer_link_cycles(&m)};
}

static bool two_done(void *self)
{
    const struct two *t = self;
    return io_available(t->b.io, (struct edge_port){PORT_EAST, 0}) >= t->b.wanted;
}

TEST(io_wafer_linked_wafers_pass_words_on)
{
    enum { LINK = 70, COUNT = 300 };
    struct two two;
    struct err e = {0};
    two_open(&two, LINK);
    send(&two.a, COUNT);
    two.b.wanted = COUNT;
    CHECK_MSG(wafer_group_run(&two.group, two_done, &two, 100000, &e) == 0, "%s", e.text);
    check_words(&two.b, (struct edge_port){PORT_EAST, 0}, COUNT);
    struct io_stats s;
    io_port_stats(two.b.io, (struct edge_port){PORT_WEST, 0}, &s);
    /* one a cycle: enters a at LATENCY + i, leaves, crosses, LINK later enters b */
    CHECK_EQ(s.last_cycle_in, LATENCY + COUNT - 1 + WIDTH + 1 + LINK);
    CHECK_EQ(s.bytes_in, 4 * COUNT);
    CHECK(wafer_check_conservation(two.a.wafer, &e) == 0);
    CHECK(wafer_check_conservation(two.b.wafer, &e) == 0);
    row_close(&two.a);
    row_close(&two.b);
    wafer_link_close(two.link);
}
TEST(io_wafer_drains_long_after_the_tiles_are_quiet)
{
    struct row r;
    struct err e = {0};
    row_open(&r, 1000, 0); /* in 1 a cycle, out 1 a cycle for nine times as many */
    send(&r, 2000);
    CHECK_MSG(wafer_run(r.wafer, row_done, &r, 100000, &e) == 0, "%s", e.text);
    check_words(&r, (struct edge_port){PORT_EAST, 0}, 2000);
    check_words(&r, (struct edge_port){PORT_SOUTH, 2}, 2000);
    CHECK(wafer_check_conservation(r.wafer, &e) == 0);
    row_close(&r);
}
