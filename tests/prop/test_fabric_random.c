/* SPDX-License-Identifier: Apache-2.0 */
/* test_fabric_random.c - random multicast trees with contention on random machines: nothing is lost
 * or doubled, order is kept, and neither stalls, visiting order nor skipped time change a result.
 *
 * Every colour has one source and a tree of routes, so a correct fabric must deliver everything. */
#include "base/rng.h"
#include "base/xalloc.h"
#include "fixture/fabric_rig.h"
#include "harness.h"

#include <stdlib.h>
#include <string.h>

enum {
    DESC = 0x2600,   /* thread k of a tile: DESC + 32 * k */
    RESULT = 0x3000, /* and its words: RESULT + WORDS_BYTES * k */
    WORDS_MAX = 64,
    WORDS_BYTES = 4 * WORDS_MAX,
    SCRATCH = 0x5000, /* what memory operations work on */
    SENDER = 7,       /* the thread kept for sending */
    RECEIVERS_MAX = 2000
};

struct receiver {
    uint32_t tile;
    unsigned thread, colour;
};

/* One random test case: a wafer and what must come out of it. */
struct traffic {
    struct wafer *w;
    struct rng rng;
    uint32_t words[TILE_COLOURS];
    uint32_t source[TILE_COLOURS];
    uint8_t threads[4096]; /* used per tile */
    struct receiver receiver[RECEIVERS_MAX];
    unsigned receivers;
};

static uint32_t word_of(unsigned colour, uint32_t i)
{
    return (uint32_t)colour << 24 | i * 2654435761u >> 8;
}

static struct machine random_machine(struct rng *r)
{
    struct machine m = rig_machine();
    m.hop_cycles = 1 + rng_below(r, 3);
    m.ramp_cycles = 1 + rng_below(r, 4);
    m.router_queue = 2 + rng_below(r, 3);
    m.input_queue = 2 + rng_below(r, 3);
    m.stream_setup_cycles = 1 + rng_below(r, 6);
    return m;
}

static struct stream_desc stream(struct traffic *f, enum stream_op op, uint32_t tile,
                                 uint32_t words)
{
    struct stream_desc d = rig_desc(op, f->threads[tile]++, words);
    d.thread |= (uint8_t)(rng_below(&f->rng, 4) << 4);
    return d;
}

static void add_receiver(struct traffic *f, uint32_t tile, unsigned colour)
{
    struct stream_desc d = stream(f, STREAM_RECV, tile, f->words[colour]);
    unsigned k = d.thread & 7u;
    rig_bind(f->w, tile, k, colour);
    d.src1 = (uint16_t)colour;
    d.dst = (uint16_t)(RESULT + WORDS_BYTES * k);
    rig_start(f->w, tile, DESC + 32 * k, &d);
    f->receiver[f->receivers++] = (struct receiver){tile, k, colour};
}

/* Grow a tree from the source: outputs[tile] gets bits, inputs[tile] the way it was reached. */
static void grow_tree(struct traffic *f, unsigned colour, uint32_t size)
{
    uint8_t *in = xcalloc(f->w->tiles, 1), *out = xcalloc(f->w->tiles, 1);
    uint32_t *member = xcalloc(size, sizeof *member), count = 1;
    member[0] = f->source[colour];
    in[member[0]] = AT_RAMP;
    for (uint32_t tries = 0; tries < 8 * size && count < size; tries++) {
        /* mostly from the newest, so that trees are long */
        uint32_t from = member[rng_below(&f->rng, 3) ? count - 1 : rng_below(&f->rng, count)];
        unsigned port = rng_below(&f->rng, 4);
        uint32_t to = f->w->router[from].neighbour[port];
        if (to == NO_TILE || in[to])
            continue;
        out[from] |= (uint8_t)(1u << port);
        in[to] = (uint8_t)(1u << ((port + 2) & 3));
        member[count++] = to;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t tile = member[i];
        bool leaf = !out[tile];
        if ((leaf || rng_below(&f->rng, 3) == 0) && f->threads[tile] < SENDER) {
            out[tile] |= AT_RAMP;
            add_receiver(f, tile, colour);
        }
    }
    for (uint32_t i = count; i-- > 0;) { /* prune branches without receivers, from the leaves */
        for (unsigned p = 0; p < 4; p++)
            if (out[member[i]] >> p & 1 && !out[f->w->router[member[i]].neighbour[p]])
                out[member[i]] &= (uint8_t) ~(1u << p);
    }
    for (uint32_t i = 0; i < count; i++)
        if (out[member[i]])
            rig_route(f->w, member[i], colour, in[member[i]], out[member[i]]);
    if (!out[member[0]])
        f->words[colour] = 0;
    free(in);
    free(out);
    free(member);
}

static void add_sender(struct traffic *f, unsigned colour)
{
    uint32_t tile = f->source[colour], words = f->words[colour];
    struct stream_desc d = rig_desc(STREAM_SEND, SENDER, words);
    uint32_t data = RESULT + WORDS_BYTES * SENDER + WORDS_BYTES * (colour % 16);
    d.thread |= (uint8_t)(rng_below(&f->rng, 4) << 4);
    d.src0 = (uint16_t)data;
    d.dst = (uint16_t)colour;
    for (uint32_t i = 0; i < words; i++)
        rig_set_word(f->w, tile, data + 4 * i, word_of(colour, i));
    rig_start(f->w, tile, DESC + 32 * SENDER, &d);
}

/* A long memory operation, to share beats with. */
static void add_product(struct traffic *f, uint32_t tile)
{
    if (f->threads[tile] >= SENDER)
        return;
    struct stream_desc d = stream(f, STREAM_DOT_F32, tile, 1 + rng_below(&f->rng, 9));
    d.cols = (uint16_t)(1 + rng_below(&f->rng, 17));
    d.row_bytes = (uint16_t)(4 * d.cols);
    d.src0 = SCRATCH;
    d.src1 = SCRATCH + 0x400;
    d.dst = SCRATCH + 0x800;
    rig_set_word(f->w, tile, SCRATCH, 0x3f800000);
    rig_set_word(f->w, tile, SCRATCH + 0x400, 0x40000000);
    rig_start(f->w, tile, DESC + 32 * (d.thread & 7u), &d);
}

/* The same seed makes the same case, whatever the stress. */
static struct traffic *traffic_open(uint64_t seed, uint64_t stress)
{
    struct traffic *f = xcalloc(1, sizeof *f);
    f->rng.state = seed;
    struct machine m = random_machine(&f->rng);
    f->w = rig_open(1 + rng_below(&f->rng, 7), 1 + rng_below(&f->rng, 7), &m, stress);
    wafer_set_console(f->w, NULL);
    unsigned colours = 1 + rng_below(&f->rng, 22);
    for (unsigned c = 0; c < colours; c++) {
        f->source[c] = rng_below(&f->rng, f->w->tiles);
        f->words[c] = 1 + rng_below(&f->rng, WORDS_MAX);
        for (unsigned other = 0; other < c; other++)
            if (f->source[other] == f->source[c])
                f->words[c] = 0; /* one sender per tile: it has one thread for it */
    }
    return f;
}

static void traffic_start(struct traffic *f)
{
    for (unsigned c = 0; c < TILE_COLOURS; c++) {
        if (!f->words[c])
            continue;
        grow_tree(f, c, 1 + rng_below(&f->rng, f->w->tiles));
    }
    for (uint32_t i = 0; i < f->w->tiles; i++)
        if (rng_below(&f->rng, 3) == 0)
            add_product(f, i);
    for (unsigned c = 0; c < TILE_COLOURS; c++)
        if (f->words[c])
            add_sender(f, c);
}

static void traffic_close(struct traffic *f)
{
    wafer_close(f->w);
    free(f);
}

static void check_delivered(const struct traffic *f)
{
    struct err e = {0};
    uint64_t words = 0;
    for (unsigned i = 0; i < f->receivers; i++) {
        const struct receiver *r = &f->receiver[i];
        words += f->words[r->colour];
        for (uint32_t k = 0; k < f->words[r->colour]; k++)
            CHECK_EQ(rig_word(f->w, r->tile, RESULT + WORDS_BYTES * r->thread + 4 * k),
                     word_of(r->colour, k));
    }
    CHECK_EQ(f->w->stats.wavelets_received, words);
    CHECK_MSG(wafer_check_conservation(f->w, &e) == 0, "%s", e.text);
}

TEST(fabric_random_delivers_everything_in_order)
{
    for (unsigned n = 0; n < 300; n++) {
        struct traffic *f = traffic_open(t->seed * 1000 + n, 0);
        traffic_start(f);
        rig_run(f->w);
        check_delivered(f);
        traffic_close(f);
    }
}

TEST(fabric_random_stalls_change_no_result)
{
    uint64_t cycles[3] = {0};
    for (unsigned n = 0; n < 100; n++) {
        uint64_t hash = 0;
        for (uint64_t stress = 0; stress < 3; stress++) {
            struct traffic *f = traffic_open(t->seed * 2000 + n, stress);
            traffic_start(f);
            rig_run(f->w);
            check_delivered(f);
            cycles[stress] += f->w->cycle;
            if (stress)
                CHECK_EQ(wafer_hash(f->w), hash);
            hash = wafer_hash(f->w);
            traffic_close(f);
        }
    }
    CHECK(cycles[1] > cycles[0] + cycles[0] / 10); /* stalls do happen, */
    CHECK(cycles[1] != cycles[2]);                 /* and not the same ones */
}

/* No link and no ramp has two wavelets that arrive in the same cycle. */
static void check_one_per_link(const struct wafer *w, uint8_t *seen)
{
    enum { PLACES = 10 };
    for (uint32_t b = 0; b <= w->wheel.mask; b++) {
        memset(seen, 0, (size_t)w->tiles * PLACES);
        for (uint32_t i = 0; i < w->wheel.bucket[b].count; i++) {
            const struct parcel *p = &w->wheel.bucket[b].parcel[i];
            CHECK_EQ(seen[p->tile * PLACES + p->place]++, 0);
        }
    }
}

/* Wavelets stay conserved in every cycle, not only at the end, and links carry one a cycle. */
TEST(fabric_random_conserves_in_every_cycle)
{
    for (unsigned n = 0; n < 20; n++) {
        struct traffic *f = traffic_open(t->seed * 3000 + n, n % 2);
        struct err e = {0};
        uint8_t *seen = xcalloc(f->w->tiles, 10);
        traffic_start(f);
        for (unsigned i = 0; i < 200; i++) {
            wafer_step(f->w);
            check_one_per_link(f->w, seen);
            CHECK_MSG(wafer_check_conservation(f->w, &e) == 0, "%s", e.text);
        }
        rig_run(f->w);
        check_delivered(f);
        traffic_close(f);
        free(seen);
    }
}

/* Two engines that must agree in every cycle: this one, and itself visiting backwards, or without
 * skipping and with every beat watched. */
TEST(fabric_random_visiting_order_does_not_matter)
{
    for (unsigned n = 0; n < 30; n++) {
        uint64_t seed = t->seed * 4000 + n;
        struct traffic *f = traffic_open(seed, n % 3), *g = traffic_open(seed, n % 3);
        traffic_start(f);
        traffic_start(g);
        g->w->test_reverse = true;
        g->w->test_no_skip = n % 2;
        for (unsigned i = 0; i < 150; i++) {
            CHECK_EQ(wafer_hash(f->w), wafer_hash(g->w));
            wafer_step(f->w);
            wafer_step(g->w);
        }
        rig_run(f->w);
        rig_run(g->w);
        check_delivered(g);
        CHECK_EQ(wafer_hash(f->w), wafer_hash(g->w));
        traffic_close(f);
        traffic_close(g);
    }
}

TEST(fabric_random_skipping_time_does_not_matter)
{
    for (unsigned n = 0; n < 100; n++) {
        uint64_t seed = t->seed * 5000 + n;
        struct traffic *f = traffic_open(seed, n % 3), *g = traffic_open(seed, n % 3);
        struct wafer_stats a, b;
        traffic_start(f);
        traffic_start(g);
        g->w->test_no_skip = true;
        rig_run(f->w);
        rig_run(g->w);
        wafer_stats(f->w, &a);
        wafer_stats(g->w, &b);
        CHECK_EQ(a.cycles, b.cycles);
        CHECK_EQ(a.stream_beats, b.stream_beats);
        CHECK_EQ(a.link_moves, b.link_moves);
        CHECK_EQ(b.cycles_skipped, 0);
        CHECK_EQ(wafer_hash(f->w), wafer_hash(g->w));
        traffic_close(f);
        traffic_close(g);
    }
}

/* A word counts wherever it is: in memory, on the ramp, on a link, in a queue. */
TEST(fabric_hash_sees_wavelets_in_flight)
{
    enum { TILES = 4, CYCLES = 4 + 3 + 4 + 2 };
    uint64_t hash[2][CYCLES];
    for (uint32_t data = 0; data < 2; data++) {
        struct wafer *w = rig_open(TILES, 1, NULL, 0);
        for (uint32_t x = 0; x < TILES; x++)
            rig_route(w, x, 5, x ? AT_WEST : AT_RAMP, x + 1 < TILES ? AT_EAST : AT_RAMP);
        rig_bind(w, TILES - 1, 2, 5);
        struct stream_desc d = rig_desc(STREAM_SEND, 0, 1);
        d.src0 = RESULT;
        d.dst = 5;
        rig_set_word(w, 0, RESULT, data);
        rig_start(w, 0, DESC, &d);
        for (unsigned i = 0; i < CYCLES; i++) {
            wafer_step(w);
            if (i == 4)
                rig_set_word(w, 0, RESULT, 0); /* it is sent: now only the wavelet differs */
            hash[data][i] = wafer_hash(w);
        }
        CHECK_EQ(w->tile[TILES - 1].queue[2].count, 1);
        wafer_close(w);
    }
    for (unsigned i = 0; i < CYCLES; i++)
        CHECK_MSG(hash[0][i] != hash[1][i], "the same in cycle %u", i);
}

/* What happened before a quiet moment, and when, does not show. */
TEST(fabric_random_hash_forgets_time)
{
    for (unsigned n = 0; n < 30; n++) {
        struct traffic *f = traffic_open(t->seed * 6000 + n, 0);
        struct traffic *g = traffic_open(t->seed * 6000 + n, 0);
        for (unsigned i = 0; i < 1000 + n; i++)
            wafer_step(g->w);
        traffic_start(f);
        traffic_start(g);
        for (unsigned i = 0; i < 60; i++) {
            wafer_step(f->w);
            wafer_step(g->w);
        }
        CHECK_EQ(wafer_hash(f->w), wafer_hash(g->w));
        rig_run(f->w);
        rig_run(g->w);
        CHECK_EQ(g->w->cycle - f->w->cycle, 1000 + n);
        CHECK_EQ(wafer_hash(f->w), wafer_hash(g->w));
        traffic_close(f);
        traffic_close(g);
    }
}
