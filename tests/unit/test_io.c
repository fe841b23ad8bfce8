/* SPDX-License-Identifier: Apache-2.0 */
/* test_io.c - host channels, on a fake wafer: exact times, exact rates, fair turns, nothing lost.
 *
 * The fake takes or refuses wavelets as a test says, and notes when each came. */
#include "harness.h"

#include "base/rng.h"
#include "io/io.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    struct edge_port port;
    struct wavelet v;
    uint64_t cycle;
};

struct fake {
    uint64_t cycle;
    struct io *io;
    struct wafer_outside outside;
    struct entry *log;
    size_t entries, room_for;
    bool (*refuse)(struct edge_port port, uint8_t colour, uint64_t cycle); /* NULL: never */
};

static uint64_t fake_cycle(void *self)
{
    return ((struct fake *)self)->cycle;
}

static bool fake_room(void *self, struct edge_port port, uint8_t colour)
{
    struct fake *f = self;
    return !f->refuse || !f->refuse(port, colour, f->cycle);
}

static void fake_enter(void *self, struct edge_port port, struct wavelet v)
{
    struct fake *f = self;
    CHECK(fake_room(self, port, v.colour));
    if (f->entries == f->room_for) {
        f->room_for = f->room_for ? 2 * f->room_for : 256;
        f->log = realloc(f->log, f->room_for * sizeof *f->log);
        CHECK(f->log);
    }
    f->log[f->entries++] = (struct entry){port, v, f->cycle};
}

static void fake_open(struct fake *f, const struct machine *m, uint32_t width, uint32_t height)
{
    struct io_wafer w = {.self = f,
                         .cycle = fake_cycle,
                         .room = fake_room,
                         .enter = fake_enter,
                         .width = width,
                         .height = height};
    *f = (struct fake){0};
    f->io = io_open_on(&w, m);
    f->outside = io_outside(f->io);
}

static void fake_close(struct fake *f)
{
    io_close(f->io);
    free(f->log);
}

/* Run the cycles before `end`, all of them or only those the outside asks for. */
static void fake_run(struct fake *f, uint64_t end, bool skip)
{
    while (f->cycle < end) {
        uint64_t next = skip ? f->outside.next(f->outside.self, f->cycle) : f->cycle;
        CHECK(next >= f->cycle);
        f->cycle = next < end ? next : end;
        if (f->cycle == end)
            break;
        f->outside.cycle(f->outside.self, NULL, f->cycle);
        f->cycle++;
    }
}

static void leave(struct fake *f, uint32_t row, uint32_t data)
{
    f->outside.leave(f->outside.self, (struct edge_port){PORT_EAST, row},
                     (struct wavelet){.data = data, .colour = 3}, f->cycle);
}

/* 100 cycles of latency; rates in wavelets per 1000 cycles. */
static struct machine machine_with(uint32_t channel, uint32_t all)
{
    struct machine m;
    CHECK(machine_parse(&m, "", 0, "", NULL) == 0);
    m.clock_hz = 1e9;
    m.io_latency_seconds = 100e-9;
    m.channel_bits_per_second = 32e6 * channel;
    m.io_bits_per_second = 32e6 * all;
    return m;
}

static const struct edge_port west0 = {PORT_WEST, 0}, west1 = {PORT_WEST, 1},
                              east0 = {PORT_EAST, 0}, east1 = {PORT_EAST, 1};

static uint32_t *counting(size_t n)
{
    uint32_t *words = malloc((n ? n : 1) * sizeof *words);
    CHECK(words);
    for (size_t i = 0; i < n; i++)
        words[i] = (uint32_t)i;
    return words;
}

TEST(io_latency_is_exact_both_ways)
{
    struct machine m = machine_with(1000, 100000);
    struct fake f;
    uint32_t word = 7, got = 0;
    fake_open(&f, &m, 4, 4);
    f.cycle = 50;
    io_send(f.io, west1, 5, &word, 1, IO_LAST_IS_CONTROL);
    CHECK_EQ(io_pending(f.io, west1), 1);
    fake_run(&f, 1000, true);
    CHECK_EQ(f.entries, 1);
    CHECK_EQ(f.log[0].cycle, 150);
    CHECK(f.log[0].port.side == PORT_WEST && f.log[0].port.index == 1);
    CHECK(f.log[0].v.data == 7 && f.log[0].v.colour == 5 && f.log[0].v.control);
    CHECK_EQ(io_pending(f.io, west1), 0);
    leave(&f, 1, 99); /* in cycle 1000: crosses in 1001, arrives for 1101 */
    CHECK_EQ(f.outside.next(f.outside.self, 1000), 1001);
    f.cycle = 1001;
    fake_run(&f, 1100, true);
    CHECK_EQ(io_available(f.io, east1), 0);
    CHECK_EQ(f.outside.next(f.outside.self, 1100), 1101); /* so that the engine asks `done` then */
    CHECK(!io_idle(f.io));
    f.cycle = 1101;
    CHECK_EQ(io_available(f.io, east1), 1);
    CHECK_EQ(io_available(f.io, east0), 0);
    fake_run(&f, 1200, true);
    CHECK(io_idle(f.io));
    CHECK_EQ(io_take(f.io, east1, &got, 5), 1);
    CHECK_EQ(got, 99);
    CHECK_EQ(io_take(f.io, east1, &got, 5), 0);
    fake_close(&f);
}

TEST(io_latency_of_published_machine)
{
    struct machine m;
    CHECK(machine_read(&m, "wse3", NULL) == 0);
    struct fake f;
    uint32_t word = 1;
    fake_open(&f, &m, 2, 2);
    io_send(f.io, west0, 0, &word, 1, 0);
    fake_run(&f, 10000, true);
    CHECK_EQ(f.log[0].cycle, 5500); /* 5 us at 1.1 GHz */
    fake_close(&f);
}

/* Words that a busy wire of `rate` per 1000 cycles has taken when cycle t (from 0) is over. */
static uint64_t carried(uint64_t rate, uint64_t t)
{
    return ((t + 1) * rate + 999) / 1000;
}

TEST(io_channel_rate_is_exact_for_ever)
{
    static const uint32_t rates[] = {1, 3, 199, 333, 500, 667, 999, 1000};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct machine m = machine_with(rates[i], 100000);
        struct fake f;
        uint32_t *words = counting(5000);
        fake_open(&f, &m, 1, 1);
        io_send(f.io, west0, 0, words, 5000, IO_BORROWED);
        fake_run(&f, 100 + 10000, i % 2);
        uint64_t expect = carried(rates[i], 9999);
        CHECK_EQ(f.entries, expect < 5000 ? expect : 5000);
        for (size_t n = 0; n < f.entries; n++) {
            CHECK_EQ(f.log[n].v.data, n);
            CHECK_EQ(f.log[n].cycle, 100 + n * 1000 / rates[i]);
        }
        fake_close(&f);
        free(words);
    }
}

TEST(io_port_takes_one_a_cycle)
{
    struct machine m = machine_with(7000, 100000);
    struct fake f;
    uint32_t *words = counting(64);
    fake_open(&f, &m, 1, 1);
    io_send(f.io, west0, 0, words, 64, 0);
    fake_run(&f, 1000, true);
    CHECK_EQ(f.entries, 64);
    for (size_t n = 0; n < 64; n++)
        CHECK_EQ(f.log[n].cycle, 100 + n);
    fake_close(&f);
    free(words);
}

/* All ports are busy: the sum keeps the shared rate in every cycle, no port gets ahead of another
 * by more than a word. */
TEST(io_shared_rate_is_exact_and_fair)
{
    enum { ROWS = 1500, EACH = 40, RATE = 33700 };
    static uint32_t per_row[ROWS];
    struct machine m = machine_with(1000, RATE);
    struct fake f;
    uint32_t *words = counting(EACH);
    fake_open(&f, &m, 3, ROWS);
    for (uint32_t r = 0; r < ROWS; r++)
        io_send(f.io, (struct edge_port){PORT_WEST, r}, 0, words, EACH, 0);
    uint64_t cycles = (uint64_t)ROWS * EACH * 1000 / RATE;
    size_t seen = 0;
    for (uint64_t at = 0; at < cycles; at++) {
        fake_run(&f, 100 + at + 1, false);
        CHECK_EQ(f.entries, carried(RATE, at));
        for (; seen < f.entries; seen++) {
            uint32_t row = f.log[seen].port.index;
            CHECK_EQ(f.log[seen].v.data, per_row[row]);
            CHECK_EQ(f.log[seen].v.data, seen / ROWS); /* nobody twice before all had a turn */
            per_row[row]++;
        }
    }
    struct io_stats s;
    io_stats(f.io, &s);
    CHECK_EQ(s.bytes_in, 4 * f.entries);
    CHECK_EQ(s.busy_cycles_in, cycles);
    CHECK_EQ(s.last_cycle_in, 100 + cycles - 1);
    io_port_stats(f.io, (struct edge_port){PORT_WEST, ROWS - 1}, &s);
    CHECK_EQ(s.bytes_in, 4 * per_row[ROWS - 1]);
    fake_close(&f);
    free(words);
}

TEST(io_remembers_nothing_after_quiet)
{
    struct machine m = machine_with(370, 730);
    struct fake f;
    uint32_t *words = counting(50);
    struct entry seen[3][64];
    fake_open(&f, &m, 4, 4);
    for (unsigned round = 0; round < 3; round++) {
        uint64_t begin = 1000 * round + 17 * round, before = f.entries;
        fake_run(&f, begin, true);
        for (uint32_t i = 0; i < (round == 1 ? 1 : 3); i++) /* round 1 is another one */
            for (unsigned colour = 4; colour < (round == 1 ? 5 : 6); colour++)
                io_send(f.io, (struct edge_port){PORT_NORTH, i}, (uint8_t)colour, words, 7, 0);
        fake_run(&f, begin + 900, round == 1);
        CHECK(io_idle(f.io));
        CHECK_EQ(f.entries - before, round == 1 ? 7 : 42);
        for (size_t n = 0; n < f.entries - before; n++) {
            seen[round][n] = f.log[before + n];
            seen[round][n].cycle -= begin;
        }
    }
    for (size_t n = 0; n < 42; n++) {
        CHECK_EQ(seen[0][n].cycle, seen[2][n].cycle);
        CHECK_EQ(seen[0][n].port.index, seen[2][n].port.index);
        CHECK_EQ(seen[0][n].v.colour, seen[2][n].v.colour);
    }
    fake_close(&f);
    free(words);
}

/* Whether the wafer calls `leave` before or after `cycle` cannot matter either. */
TEST(io_what_leaves_crosses_in_the_next_cycle_at_the_earliest)
{
    struct machine m = machine_with(1000, 100000);
    struct fake f;
    fake_open(&f, &m, 2, 2);
    for (uint32_t i = 0; i < 50; i++)
        leave(&f, 0, i);
    fake_run(&f, 20, false);
    leave(&f, 1, 7); /* in cycle 20, which is run now */
    fake_run(&f, 120, false);
    CHECK_EQ(io_available(f.io, east1), 0);
    fake_run(&f, 121, false);
    CHECK_EQ(io_available(f.io, east1), 1);
    fake_close(&f);
}

static bool refuse_row_0(struct edge_port port, uint8_t colour, uint64_t cycle)
{
    (void)colour;
    return port.index == 0 && cycle < 500;
}

TEST(io_blocked_port_lets_others_pass_and_looks_stuck)
{
    struct machine m = machine_with(1000, 1000);
    struct fake f;
    uint32_t *words = counting(20);
    fake_open(&f, &m, 1, 2);
    f.refuse = refuse_row_0;
    io_send(f.io, west0, 0, words, 20, 0);
    io_send(f.io, west1, 0, words, 20, 0);
    fake_run(&f, 300, false);
    CHECK_EQ(f.entries, 20);
    CHECK_EQ(f.log[19].cycle, 119); /* the blocked port used up nothing */
    CHECK_EQ(io_pending(f.io, west0), 20);
    CHECK(f.outside.next(f.outside.self, 300) == UINT64_MAX);
    CHECK(!io_idle(f.io));
    f.cycle = 500;
    CHECK_EQ(f.outside.next(f.outside.self, 500), 500);
    fake_run(&f, 600, true);
    CHECK_EQ(f.entries, 40);
    CHECK_EQ(f.log[20].cycle, 500);
    fake_close(&f);
    free(words);
}

static bool refuse_colour_2(struct edge_port port, uint8_t colour, uint64_t cycle)
{
    (void)port;
    return colour == 2 && cycle < 1000;
}

TEST(io_colours_are_channels_of_their_own)
{
    struct machine m = machine_with(1000, 100000);
    struct fake f;
    uint32_t *words = counting(10);
    fake_open(&f, &m, 1, 1);
    f.refuse = refuse_colour_2;
    io_send(f.io, west0, 2, words, 10, 0);
    io_send(f.io, west0, 7, words, 10, IO_LAST_IS_CONTROL);
    io_send(f.io, west0, 23, words, 10, 0);
    io_send(f.io, west0, 7, words, 3, 0);
    fake_run(&f, 2000, false);
    CHECK_EQ(f.entries, 33);
    for (size_t n = 0; n < 20; n++) { /* 7 and 23 take turns */
        CHECK_EQ(f.log[n].v.colour, n % 2 ? 23 : 7);
        CHECK_EQ(f.log[n].v.data, n / 2);
        CHECK_EQ(f.log[n].cycle, 100 + n);
        CHECK_EQ(f.log[n].v.control, n == 18);
    }
    for (size_t n = 20; n < 23; n++)
        CHECK(f.log[n].v.colour == 7 && f.log[n].v.data == n - 20 && !f.log[n].v.control);
    for (size_t n = 23; n < 33; n++)
        CHECK(f.log[n].v.colour == 2 && f.log[n].cycle == 1000 + n - 23);
    fake_close(&f);
    free(words);
}

TEST(io_order_of_leaving_inside_a_cycle_cannot_matter)
{
    struct machine m = machine_with(1000, 700);
    struct fake a, b;
    fake_open(&a, &m, 1, 8);
    fake_open(&b, &m, 1, 8);
    for (uint32_t at = 0; at < 200; at++) {
        for (uint32_t r = 0; r < 8 && at < 20; r++) {
            leave(&a, r, 100 * at + r);
            leave(&b, 7 - r, 100 * at + 7 - r);
        }
        a.outside.cycle(a.outside.self, NULL, a.cycle++);
        b.outside.cycle(b.outside.self, NULL, b.cycle++);
        for (uint32_t r = 0; r < 8; r++) {
            struct edge_port p = {PORT_EAST, r};
            CHECK_EQ(io_available(a.io, p), io_available(b.io, p));
        }
    }
    fake_run(&a, 1000, true);
    for (uint32_t r = 0; r < 8; r++) {
        struct wavelet v[32];
        CHECK_EQ(io_take_wavelets(a.io, (struct edge_port){PORT_EAST, r}, v, 32), 20);
        for (uint32_t at = 0; at < 20; at++)
            CHECK(v[at].data == 100 * at + r && v[at].colour == 3 && !v[at].control);
    }
    fake_close(&a);
    fake_close(&b);
}

TEST(io_outward_rate_is_exact)
{
    struct machine m = machine_with(1000, 2400);
    struct fake f;
    fake_open(&f, &m, 1, 16);
    for (uint32_t i = 0; i < 1600; i++)
        leave(&f, i % 16, i / 16);
    size_t cycles = 1600 * 1000 / 2400;
    for (size_t at = 0; at < cycles; at++) { /* from cycle 1 on; 100 to arrive */
        fake_run(&f, 101 + at, true);
        size_t there = 0;
        for (uint32_t r = 0; r < 16; r++)
            there += io_available(f.io, (struct edge_port){PORT_EAST, r});
        CHECK_EQ(there, carried(2400, at));
    }
    fake_close(&f);
}

static bool refuse_at_random(struct edge_port port, uint8_t colour, uint64_t cycle)
{
    uint64_t channel = 100 * (uint64_t)port.side + 24 * (uint64_t)port.index + colour;
    return rng_mix(cycle / 8 * 1000 + channel) % 3 == 0;
}

/* The same random traffic, once cycle by cycle and once with skipping; the fake refuses, so
 * skipping visits every cycle while something is blocked, as a wafer that moves does. */
static void random_traffic(struct fake *f, uint64_t seed, bool skip)
{
    struct rng r = {seed};
    uint32_t words[40];
    for (unsigned step = 0; step < 60; step++) {
        for (uint32_t i = rng_below(&r, 6); i > 0; i--) {
            enum fabric_port side = (enum fabric_port)rng_below(&r, 4);
            struct edge_port p = {side, rng_below(&r, 5)};
            size_t n = rng_below(&r, 40);
            for (size_t k = 0; k < n; k++)
                words[k] = (uint32_t)rng_next(&r);
            io_send(f->io, p, (uint8_t)rng_below(&r, 3), words, n, rng_below(&r, 2));
            leave(f, rng_below(&r, 5), (uint32_t)rng_next(&r));
        }
        f->cycle++;
        uint64_t end = f->cycle + rng_below(&r, 90);
        fake_run(f, end, skip && step % 2);
    }
    fake_run(f, f->cycle + 100000, false);
}

TEST(io_skipping_changes_nothing)
{
    for (uint64_t round = 0; round < 20; round++) {
        struct rng r = {t->seed + round};
        struct machine m = machine_with(1 + rng_below(&r, 1500), 1 + rng_below(&r, 3000));
        struct fake a, b;
        fake_open(&a, &m, 5, 5);
        fake_open(&b, &m, 5, 5);
        if (round % 2)
            a.refuse = b.refuse = refuse_at_random;
        random_traffic(&a, t->seed + round, false);
        random_traffic(&b, t->seed + round, round % 2 == 0);
        CHECK(io_idle(a.io) && io_idle(b.io));
        CHECK_EQ(a.entries, b.entries);
        CHECK(a.entries > 0);
        for (size_t n = 0; n < a.entries; n++) {
            const struct entry *x = &a.log[n], *y = &b.log[n];
            CHECK(x->cycle == y->cycle && x->port.side == y->port.side &&
                  x->port.index == y->port.index && x->v.data == y->v.data);
        }
        for (uint32_t i = 0; i < 5; i++) {
            uint32_t x[512], y[512];
            size_t n = io_take(a.io, (struct edge_port){PORT_EAST, i}, x, 512);
            CHECK_EQ(io_take(b.io, (struct edge_port){PORT_EAST, i}, y, 512), n);
            CHECK(memcmp(x, y, n * sizeof *x) == 0);
        }
        fake_close(&a);
        fake_close(&b);
    }
}

TEST(io_close_frees_what_is_queued)
{
    struct machine m = machine_with(10, 10);
    struct fake f;
    uint32_t words[3] = {1, 2, 3};
    fake_open(&f, &m, 2, 2);
    io_send(f.io, west0, 1, words, 3, 0);
    io_send(f.io, west0, 1, words, 3, 0);
    io_send(f.io, west0, 2, words, 3, IO_BORROWED);
    io_send(f.io, west0, 2, words, 0, 0);
    leave(&f, 0, 1);
    fake_run(&f, 150, true);
    CHECK_EQ(io_pending(f.io, west0), 8);
    fake_close(&f);
}
