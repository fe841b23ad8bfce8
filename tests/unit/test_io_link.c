/* SPDX-License-Identifier: Apache-2.0 */
/* test_io_link.c - two fake wafers joined by a link: exact times, rates, both directions, ends.
 *
 * A fake passes what enters at port i of any side to port i of its east side, DELAY cycles later.
 */
#include "harness.h"

#include "io/link.h"

#include <stdlib.h>

enum { DELAY = 10, ROWS = 8, ROOM = 1 << 12 };

struct passing {
    uint64_t cycle;
    uint32_t index;
    struct wavelet v;
};

struct fake {
    uint64_t cycle;
    struct io *io;
    struct wafer_outside outside;
    struct passing passing[ROOM]; /* a queue: they leave in the order they entered */
    size_t first, end;
    bool closed; /* no room at the edges */
};

static uint64_t fake_cycle(void *self)
{
    return ((struct fake *)self)->cycle;
}

static bool fake_room(void *self, struct edge_port port, uint8_t colour)
{
    (void)port;
    (void)colour;
    return !((struct fake *)self)->closed;
}

static void fake_enter(void *self, struct edge_port port, struct wavelet v)
{
    struct fake *f = self;
    CHECK(f->end < ROOM);
    f->passing[f->end++] = (struct passing){f->cycle, port.index, v};
}

static uint64_t fake_next(void *self)
{
    struct fake *f = self;
    uint64_t next = f->outside.next(f->outside.self, f->cycle);
    uint64_t leaves = f->first < f->end ? f->passing[f->first].cycle + DELAY : UINT64_MAX;
    return leaves < next ? leaves : next;
}

static int fake_run(void *self, uint64_t end, struct err *e)
{
    struct fake *f = self;
    (void)e;
    for (uint64_t next; (next = fake_next(f)) < end; f->cycle++) {
        f->cycle = next;
        f->outside.cycle(f->outside.self, NULL, f->cycle);
        for (; f->first < f->end && f->passing[f->first].cycle + DELAY <= f->cycle; f->first++)
            f->outside.leave(f->outside.self,
                             (struct edge_port){PORT_EAST, f->passing[f->first].index},
                             f->passing[f->first].v, f->cycle);
    }
    f->cycle = end;
    return 0;
}

/* Two wafers, the east of the first joined to the west of the second. */
struct pair {
    struct fake a, b;
    struct wafer_link *link;
    struct wafer_member members[2];
    size_t wanted; /* words at the host of b's east side */
};

static void fake_open(struct fake *f, const struct machine *m)
{
    struct io_wafer w = {.self = f,
                         .cycle = fake_cycle,
                         .room = fake_room,
                         .enter = fake_enter,
                         .width = ROWS,
                         .height = ROWS};
    f->io = io_open_on(&w, m);
    f->outside = io_outside(f->io);
}

/* Host: 50 cycles and no limit to speak of. Link: 70 cycles, `rate` wavelets per 1000 cycles. */
static struct machine machine_with(uint32_t rate)
{
    struct machine m;
    CHECK(machine_parse(&m, "", 0, "", NULL) == 0);
    m.clock_hz = 1e9;
    m.io_latency_seconds = 50e-9;
    m.channel_bits_per_second = m.io_bits_per_second = 1e15;
    m.wafer_link_latency_seconds = 70e-9;
    m.wafer_link_bits_per_second = 32e6 * rate;
    return m;
}

static struct pair *pair_open(const struct machine *m)
{
    struct pair *p = calloc(1, sizeof *p);
    CHECK(p);
    fake_open(&p->a, m);
    fake_open(&p->b, m);
    CHECK(wafer_link_open(&p->link, (struct wafer_link_end){p->a.io, PORT_EAST},
                          (struct wafer_link_end){p->b.io, PORT_WEST}, m, NULL) == 0);
    p->members[0] = (struct wafer_member){&p->a, fake_next, fake_run};
    p->members[1] = (struct wafer_member){&p->b, fake_next, fake_run};
    return p;
}

static void pair_close(struct pair *p)
{
    io_close(p->a.io);
    io_close(p->b.io);
    wafer_link_close(p->link);
    free(p);
}

static bool pair_done(void *self)
{
    struct pair *p = self;
    size_t there = 0;
    for (uint32_t i = 0; i < ROWS; i++)
        there += io_available(p->b.io, (struct edge_port){PORT_EAST, i});
    return there >= p->wanted;
}

static int run(struct pair *p, uint64_t window, uint64_t max_cycles, struct err *e)
{
    struct wafer_group g = {p->members, 2, window};
    return wafer_group_run(&g, pair_done, p, max_cycles, e);
}

TEST(link_times_are_exact_for_every_window)
{
    static const uint64_t windows[] = {1, 7, 69, 70};
    struct machine m = machine_with(1000);
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        struct pair *p = pair_open(&m);
        uint32_t word = 5, got = 0;
        p->wanted = 1;
        io_send(p->a.io, (struct edge_port){PORT_NORTH, 3}, 9, &word, 1, IO_LAST_IS_CONTROL);
        CHECK_EQ(run(p, windows[i], 10000, NULL), 0);
        /* enters a at 50, leaves at 60, crosses at 61, enters b at 131, leaves at 141 */
        CHECK_EQ(p->a.passing[0].cycle, 50);
        CHECK_EQ(p->b.passing[0].cycle, 131);
        CHECK(p->b.passing[0].v.colour == 9 && p->b.passing[0].v.control);
        CHECK_EQ(p->b.passing[0].index, 3);
        CHECK(p->b.cycle >= 142 + 50 && p->b.cycle <= 142 + 50 + windows[i]);
        CHECK_EQ(io_take(p->b.io, (struct edge_port){PORT_EAST, 3}, &got, 1), 1);
        CHECK_EQ(got, 5);
        pair_close(p);
    }
}

TEST(link_rate_is_exact_and_shared_by_the_edge)
{
    enum { EACH = 100, RATE = 2300, ALL = ROWS * EACH };
    struct machine m = machine_with(RATE);
    struct pair *p = pair_open(&m);
    uint32_t words[EACH];
    for (uint32_t i = 0; i < EACH; i++)
        words[i] = i;
    for (uint32_t r = 0; r < ROWS; r++)
        io_send(p->a.io, (struct edge_port){PORT_NORTH, r}, 0, words, EACH, 0);
    p->wanted = ALL;
    CHECK_EQ(run(p, wafer_link_cycles(&m), 10000, NULL), 0);
    CHECK_EQ(p->b.end, ALL);
    for (size_t n = 0; n < p->b.end; n++) {
        CHECK_EQ(p->b.passing[n].cycle, 131 + n * 1000 / RATE);
        CHECK_EQ(p->b.passing[n].v.data, n / ROWS);
    }
    pair_close(p);
}

TEST(link_says_deadlock_and_limit)
{
    struct machine m = machine_with(1000);
    struct pair *p = pair_open(&m);
    struct err e = {0};
    uint32_t word = 1;
    p->wanted = 1;
    p->b.closed = true;
    io_send(p->a.io, (struct edge_port){PORT_NORTH, 0}, 0, &word, 1, 0);
    CHECK_EQ(run(p, 70, 100, &e), -1);
    CHECK_EQ(e.kind, ERR_LIMIT);
    e = (struct err){0};
    CHECK_EQ(run(p, 70, 10000, &e), -1);
    CHECK_EQ(e.kind, ERR_DEADLOCK);
    CHECK_EQ(io_pending(p->b.io, (struct edge_port){PORT_WEST, 0}), 1);
    p->b.closed = false;
    CHECK_EQ(run(p, 70, 10000, NULL), 0);
    pair_close(p);
}

TEST(link_refuses_what_does_not_fit)
{
    struct machine m = machine_with(1000), instant = m;
    struct pair *p = pair_open(&m);
    struct wafer_link *l = NULL;
    struct wafer_link_end a = {p->a.io, PORT_SOUTH}, b = {p->b.io, PORT_WEST};
    struct err e = {0};
    CHECK_EQ(wafer_link_open(&l, a, b, &m, &e), -1);
    CHECK_STR(e.text, "wafer link: sides 2 and 3: one is linked already");
    instant.wafer_link_latency_seconds = 1e-10;
    b.side = PORT_NORTH;
    e = (struct err){0};
    CHECK_EQ(wafer_link_open(&l, a, b, &instant, &e), -1);
    CHECK_EQ(e.kind, ERR_INPUT);
    struct fake f = {0};
    struct io_wafer other = {.self = &f, .cycle = fake_cycle, .width = 3, .height = 3};
    struct io *small = io_open_on(&other, &m);
    b.io = small;
    e = (struct err){0};
    CHECK_EQ(wafer_link_open(&l, a, b, &m, &e), -1);
    CHECK_STR(e.text, "wafer link: edges of 8 and 3 ports do not fit");
    io_close(small);
    pair_close(p);
}
