/* SPDX-License-Identifier: Apache-2.0 */
/* test_wafer_engine.c - the stream engine of one tile: setup, beats, priorities, turns, chains,
 * events, and when memory is read and written. */
#include "fixture/fabric_rig.h"
#include "harness.h"

enum { DESC = 0x2600, A = 0x3000, B = 0x4000, D = 0x5000, SETUP = 4 };

static void steps(struct wafer *w, unsigned n)
{
    while (n--)
        wafer_step(w);
}

static void expect_times(struct wafer *w, uint64_t first, uint64_t finished)
{
    struct rig_times times;
    rig_watch(w, &times);
    rig_run(w);
    CHECK_EQ(times.first[0], first);
    CHECK_EQ(times.finished[0], finished);
    rig_watch_close(&times);
    wafer_set_stream_hook(w, NULL, NULL);
}

TEST(wafer_engine_setup_and_beats)
{
    for (uint32_t words = 1; words < 40; words += 3) {
        struct wafer *w = rig_open(1, 1, NULL, 0);
        struct stream_desc d = rig_desc(STREAM_ADD, 0, words);
        d.src0 = A;
        d.src1 = B;
        d.dst = D;
        steps(w, 9);
        rig_start(w, 0, DESC, &d); /* in cycle 9 */
        expect_times(w, 9 + SETUP, 9 + SETUP + words);
        struct wafer_stats s;
        wafer_stats(w, &s);
        CHECK_EQ(s.stream_beats, words);
        wafer_close(w);
    }
}

TEST(wafer_engine_count_0_finishes_after_setup)
{
    struct wafer *w = rig_open(1, 1, NULL, 0);
    struct stream_desc d = rig_desc(STREAM_SEND, 0, 0);
    d.dst = 3;
    d.event = 9;
    rig_start(w, 0, DESC, &d);
    expect_times(w, NEVER, SETUP);
    CHECK_EQ(w->tile[0].events.count, 1);
    CHECK_EQ(w->tile[0].events.event[0], 9);
    CHECK_EQ(w->stats.stream_beats, 0);
    wafer_close(w);
}

/* DOT_BF16 with 8 lanes: 2 * 3 * ceil(20 / 8) beats. */
TEST(wafer_engine_product_beats)
{
    struct wafer *w = rig_open(1, 1, NULL, 0);
    struct stream_desc d = rig_desc(STREAM_DOT_BF16, 0, 3);
    d.batch = 2;
    d.cols = 20;
    d.row_bytes = 40;
    d.src0 = A;
    d.src1 = B;
    d.dst = D;
    d.dst_step = 12;
    d.src0_step = 120;
    rig_start(w, 0, DESC, &d);
    expect_times(w, SETUP, SETUP + 18);
    wafer_close(w);
}

/* Operands are read and results written in the cycle of the last beat. */
TEST(wafer_engine_memory_is_atomic)
{
    struct wafer *w = rig_open(1, 1, NULL, 0);
    struct stream_desc d = rig_desc(STREAM_COPY, 0, 8);
    d.src0 = A;
    d.dst = D;
    rig_set_word(w, 0, A, 1);
    rig_start(w, 0, DESC, &d);
    steps(w, SETUP + 7); /* seven beats done */
    CHECK_EQ(rig_word(w, 0, D), 0);
    rig_set_word(w, 0, A, 2);
    steps(w, 1);
    CHECK_EQ(rig_word(w, 0, D), 2);
    CHECK_EQ(w->tile[0].engine.busy, 1);
    steps(w, 1);
    CHECK_EQ(w->tile[0].engine.busy, 0);
    wafer_close(w);
}

/* The descriptor is read when it starts; `next` when it is its turn. */
TEST(wafer_engine_chain)
{
    struct wafer *w = rig_open(1, 1, NULL, 0);
    struct stream_desc d = rig_desc(STREAM_COPY, 5, 3);
    d.src0 = A;
    d.dst = D;
    d.next = DESC + 32;
    d.event = 1;
    rig_start(w, 0, DESC, &d);
    d.thread = 2; /* does not count: it runs on thread 5 */
    d.event = 2;
    d.next = 0;
    d.count = 9;
    rig_put(w, 0, DESC + 32, &d);
    steps(w, SETUP + 3);
    d.count = 4; /* patched before its turn */
    rig_put(w, 0, DESC + 32, &d);
    steps(w, 1); /* the first ends and the second is read */
    CHECK_EQ(w->tile[0].engine.busy, 1 << 5);
    CHECK_EQ(w->tile[0].events.count, 1);
    d.count = 20;
    rig_put(w, 0, DESC + 32, &d);
    expect_times(w, 2 * SETUP + 3, 2 * SETUP + 3 + 4);
    CHECK_EQ(w->tile[0].events.count, 2);
    CHECK_EQ(w->tile[0].events.event[1], 2);
    wafer_close(w);
}

struct order {
    uint16_t desc[64];
    uint64_t cycle[64];
    unsigned n;
};

static void note_end(void *self, uint32_t x, uint32_t y, uint16_t desc, enum stream_moment what,
                     uint64_t cycle)
{
    struct order *o = self;
    CHECK_EQ(x + y, 0);
    if (what != STREAM_FINISHED)
        return;
    o->desc[o->n] = desc;
    o->cycle[o->n++] = cycle;
}

static void start_copy(struct wafer *w, unsigned thread, unsigned priority, uint32_t words)
{
    struct stream_desc d = rig_desc(STREAM_COPY, thread | priority << 4, words);
    d.src0 = A;
    d.dst = (uint16_t)(D + 0x100 * thread);
    rig_start(w, 0, DESC + 32 * thread, &d);
}

TEST(wafer_engine_turns)
{
    struct wafer *w = rig_open(1, 1, NULL, 0);
    struct order o = {.n = 0};
    wafer_set_stream_hook(w, note_end, &o);
    start_copy(w, 6, 0, 10);
    start_copy(w, 1, 0, 3);
    start_copy(w, 3, 0, 3);
    rig_run(w);
    /* 1 3 6, 1 3 6, 1 3 6: the third beats of 1 and 3 are the 7th and 8th of all */
    CHECK_EQ(o.n, 3);
    CHECK_EQ(o.desc[0], DESC + 32);
    CHECK_EQ(o.cycle[0], SETUP + 7);
    CHECK_EQ(o.desc[1], DESC + 96);
    CHECK_EQ(o.cycle[1], SETUP + 8);
    CHECK_EQ(o.cycle[2], SETUP + 16);
    wafer_close(w);
}

TEST(wafer_engine_priorities)
{
    struct wafer *w = rig_open(1, 1, NULL, 0);
    struct order o = {.n = 0};
    wafer_set_stream_hook(w, note_end, &o);
    start_copy(w, 0, 1, 20);
    start_copy(w, 1, 1, 20);
    steps(w, SETUP + 6); /* three beats each */
    start_copy(w, 7, 3, 5);
    rig_run(w);
    CHECK_EQ(o.desc[0], DESC + 7 * 32);
    CHECK_EQ(o.cycle[0], SETUP + 6 + SETUP + 5); /* nobody got between */
    CHECK_EQ(o.cycle[1], SETUP + 44);
    CHECK_EQ(o.cycle[2], SETUP + 45);
    wafer_close(w);
}

/* A thread that waits for the fabric leaves its turns to others, and a long memory operation is
 * disturbed by it at the right cycle although nobody watches each of its beats. */
TEST(wafer_engine_waiting_thread_gives_way)
{
    struct wafer *w = rig_open(2, 1, NULL, 0);
    struct order o = {.n = 0};
    struct stream_desc d = rig_desc(STREAM_RECV, 0 | 2 << 4, 4);
    rig_route(w, 0, 5, AT_EAST, AT_RAMP);
    rig_route(w, 1, 5, AT_RAMP, AT_WEST);
    rig_bind(w, 0, 3, 5);
    d.src1 = 5;
    d.dst = A;
    rig_start(w, 0, DESC, &d);
    start_copy(w, 1, 0, 60);
    steps(w, 20);
    CHECK_EQ(w->tile[0].engine.alone, 1);
    d = rig_desc(STREAM_SEND, 0, 4);
    d.dst = 5;
    d.src0 = A;
    rig_start(w, 1, DESC, &d);
    steps(w, 15);
    CHECK_EQ(w->tile[0].engine.busy, 2); /* all four came and went */
    wafer_set_stream_hook(w, note_end, &o);
    rig_run(w);
    CHECK_EQ(o.cycle[0], SETUP + 64);
    wafer_close(w);
}

/* The ramp takes one word a cycle: a combined word is issued a cycle after its beat, and a SEND
 * cannot issue beside it. */
TEST(wafer_engine_ramp_takes_one_word_a_cycle)
{
    struct wafer *w = rig_open(3, 1, NULL, 0);
    rig_route(w, 0, 5, AT_RAMP, AT_EAST);
    rig_route(w, 1, 5, AT_WEST, AT_RAMP);
    rig_route(w, 1, 6, AT_RAMP, AT_EAST);
    rig_route(w, 1, 7, AT_RAMP, AT_EAST);
    rig_route(w, 2, 6, AT_WEST, AT_RAMP);
    rig_route(w, 2, 7, AT_WEST, AT_RAMP);
    rig_bind(w, 1, 0, 5);
    rig_bind(w, 2, 0, 6);
    rig_bind(w, 2, 1, 7);
    struct stream_desc d = rig_desc(STREAM_SEND, 0, 30);
    d.src0 = A;
    d.dst = 5;
    rig_start(w, 0, DESC, &d);
    d = rig_desc(STREAM_FORWARD, 0, 30);
    d.src1 = 5;
    d.dst = 6;
    rig_start(w, 1, DESC, &d);
    d = rig_desc(STREAM_SEND, 1, 30);
    d.src0 = A;
    d.dst = 7;
    rig_start(w, 1, DESC + 32, &d);
    for (unsigned q = 0; q < 2; q++) {
        d = rig_desc(STREAM_RECV, q, 30);
        d.src1 = (uint16_t)(6 + q);
        d.dst = D;
        rig_start(w, 2, DESC + 32 * q, &d);
    }
    for (unsigned i = 0; i < 200; i++) { /* never two for the same cycle */
        unsigned up[8] = {0};
        for (unsigned b = 0; b <= w->wheel.mask; b++)
            for (unsigned k = 0; k < w->wheel.bucket[b].count; k++)
                if (w->wheel.bucket[b].parcel[k].tile == 1 &&
                    w->wheel.bucket[b].parcel[k].place == PORT_RAMP)
                    CHECK_EQ(up[b]++, 0);
        wafer_step(w);
    }
    CHECK_EQ(w->tile[2].engine.busy, 0);
    wafer_close(w);
}

/* The results of the reduction steps, against words worked out here. */
TEST(wafer_engine_operations)
{
    static const struct {
        enum stream_op op;
        float result; /* of fabric 2.5 and memory 4 */
    } cases[] = {{STREAM_RECV, 2.5f},     {STREAM_FORWARD, 2.5f},  {STREAM_ADD_SEND, 6.5f},
                 {STREAM_ADD_RECV, 6.5f}, {STREAM_MAX_SEND, 4.0f}, {STREAM_MAX_RECV, 4.0f}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wafer *w = rig_open(3, 1, NULL, 0);
        union {
            float f;
            uint32_t bits;
        } u = {.f = 2.5f};
        for (uint32_t x = 0; x < 3; x++) {
            rig_route(w, x, 5 + x, AT_RAMP, AT_EAST);
            rig_route(w, x, 4 + x, AT_WEST, AT_RAMP);
            rig_bind(w, x, 2, 4 + x);
        }
        struct stream_desc d = rig_desc(STREAM_SEND, 0, 1);
        d.src0 = A;
        d.dst = 5;
        rig_set_word(w, 0, A, u.bits);
        rig_start(w, 0, DESC, &d);
        d = rig_desc(cases[i].op, 0, 1);
        bool sends = stream_fabric_use((uint8_t)cases[i].op) & 2;
        d.src0 = A;
        d.src1 = 5;
        d.dst = sends ? 6 : D;
        u.f = 4;
        rig_set_word(w, 1, A, u.bits);
        rig_start(w, 1, DESC, &d);
        d = rig_desc(STREAM_RECV, 0, 1);
        d.src1 = 6;
        d.dst = D;
        rig_start(w, 2, DESC, &d);
        steps(w, 60);
        u.f = cases[i].result;
        CHECK_EQ(rig_word(w, sends ? 2 : 1, D), u.bits);
        CHECK_EQ(w->tile[2].engine.busy, !sends);
        wafer_close(w);
    }
}

TEST(wafer_engine_control_marks_the_last_word)
{
    struct wafer *w = rig_open(1, 1, NULL, 0);
    struct stream_desc d = rig_desc(STREAM_SEND, 0, 3);
    d.dst = 5;
    d.src0 = A;
    d.flags = STREAM_CONTROL;
    route_write(w, 0, 4 * 5, ROUTE_WORD(AT_RAMP, AT_EAST));
    route_write(w, 0, 4 * 5 + 1, ROUTE_WORD(AT_RAMP, AT_WEST));
    route_write_mode(w, 0, 5, 2);
    rig_start(w, 0, DESC, &d);
    while (w->stats.wavelets_left < 2)
        wafer_step(w);
    CHECK_EQ(w->router[0].position[5], 1); /* the third is on its way out and has turned it */
    wafer_step(w);
    CHECK_EQ(w->stats.wavelets_left, 3);
    wafer_close(w);
}
