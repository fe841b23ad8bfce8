/* SPDX-License-Identifier: Apache-2.0 */
/* test_fabric_timing.c - the cycle counts of hal/fabric.h, exactly, on lines of tiles. */
#include "fixture/fabric_rig.h"
#include "harness.h"

enum { DESC = 0x2600, DATA = 0x3000, COLOUR = 5, QUEUE = 2 };

static uint32_t pattern(uint32_t tile, uint32_t i)
{
    union {
        float f;
        uint32_t bits;
    } u = {.f = (float)(tile % 7 + i % 11)};
    return u.bits;
}

static void fill(struct wafer *w, uint32_t tile, uint32_t words)
{
    for (uint32_t i = 0; i < words; i++)
        rig_set_word(w, tile, DATA + 4 * i, pattern(tile, i));
}

static void start_receiver(struct wafer *w, uint32_t tile, enum stream_op op, uint32_t words)
{
    struct stream_desc d = rig_desc(op, 0, words);
    rig_bind(w, tile, QUEUE, COLOUR);
    d.src1 = COLOUR;
    d.src0 = DATA;
    d.dst = stream_fabric_use((uint8_t)op) & 2 ? COLOUR + 1 : DATA;
    rig_start(w, tile, DESC, &d);
}

static void start_sender(struct wafer *w, uint32_t tile, uint32_t words)
{
    struct stream_desc d = rig_desc(STREAM_SEND, 0, words);
    d.src0 = DATA;
    d.dst = COLOUR;
    fill(w, tile, words);
    rig_start(w, tile, DESC, &d);
}

static void run_cycles(struct wafer *w, unsigned n)
{
    while (n--)
        wafer_step(w);
}

/* Broadcast of B words over P tiles from its west end. */
static uint64_t broadcast_cycles(const struct machine *m, uint32_t tiles, uint32_t words)
{
    struct wafer *w = rig_open(tiles, 1, m, 0);
    struct rig_times t;
    rig_watch(w, &t);
    for (uint32_t x = 0; x < tiles; x++) {
        unsigned east = x + 1 < tiles ? AT_EAST : 0;
        rig_route(w, x, COLOUR, x ? AT_WEST : AT_RAMP, x ? AT_RAMP | east : AT_EAST);
        if (x)
            start_receiver(w, x, STREAM_RECV, words);
    }
    run_cycles(w, 10);
    start_sender(w, 0, words);
    rig_run(w);
    for (uint32_t i = 0; i < words; i++)
        CHECK_EQ(rig_word(w, tiles - 1, DATA + 4 * i), pattern(0, i));
    CHECK_EQ(wafer_check_conservation(w, NULL), 0);
    uint64_t cycles = t.finished[tiles - 1] - t.first[0] + 1;
    rig_watch_close(&t);
    wafer_close(w);
    return cycles;
}

TEST(fabric_timing_broadcast)
{
    static const uint32_t sizes[] = {2, 3, 4, 8, 16, 33, 64, 128, 256, 512};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (uint32_t words = 1; words <= 256; words *= 4)
            CHECK_EQ(broadcast_cycles(NULL, sizes[i], words), words + sizes[i] + 4);
}

TEST(fabric_timing_broadcast_other_machines)
{
    for (uint32_t hop = 1; hop <= 5; hop++) {
        for (uint32_t ramp = 1; ramp <= 9; ramp++) {
            struct machine m = rig_machine();
            m.hop_cycles = hop;
            m.ramp_cycles = ramp;
            m.input_queue = 2;
            CHECK_EQ(broadcast_cycles(&m, 12, 100), 100 + 11 * hop + 1 + 2 * ramp);
        }
    }
}

/* Chain reduction: odd and even tiles use two colours in turn; tile P - 1 gets the sum. */
static uint64_t chain_cycles(uint32_t tiles, uint32_t words)
{
    struct wafer *w = rig_open(tiles, 1, NULL, 0);
    struct rig_times t;
    rig_watch(w, &t);
    for (uint32_t x = 0; x < tiles; x++) {
        unsigned in = COLOUR + (x + 1) % 2, out = COLOUR + x % 2;
        fill(w, x, words);
        rig_route(w, x, out, AT_RAMP, AT_EAST);
        rig_route(w, x, in, AT_WEST, AT_RAMP);
        rig_bind(w, x, QUEUE, in);
        struct stream_desc d =
            rig_desc(x + 1 < tiles ? STREAM_ADD_SEND : STREAM_ADD_RECV, 0, words);
        d.src0 = DATA;
        d.src1 = (uint16_t)in;
        d.dst = x + 1 < tiles ? (uint16_t)out : DATA;
        if (x)
            rig_start(w, x, DESC, &d);
    }
    run_cycles(w, 10);
    start_sender(w, 0, words);
    rig_run(w);
    for (uint32_t i = 0; i < words; i++) {
        float sum = 0;
        for (uint32_t x = 0; x < tiles; x++)
            sum += (float)(x % 7 + i % 11);
        union {
            float f;
            uint32_t bits;
        } u = {.f = sum};
        CHECK_EQ(rig_word(w, tiles - 1, DATA + 4 * i), u.bits);
    }
    uint64_t cycles = t.finished[tiles - 1] - t.first[0] + 1;
    rig_watch_close(&t);
    wafer_close(w);
    return cycles;
}

TEST(fabric_timing_chain)
{
    static const uint32_t sizes[] = {2, 4, 5, 8, 16, 32, 64, 128, 256, 512};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (uint32_t words = 1; words <= 256; words *= 16)
            CHECK_EQ(chain_cycles(sizes[i], words), words + 6 * (sizes[i] - 1));
}

/* A word is in the queue h + 2 T_R cycles after its issue. */
TEST(fabric_timing_ping)
{
    for (uint32_t hops = 1; hops < 40; hops++) {
        struct wafer *w = rig_open(hops + 1, 1, NULL, 0);
        struct rig_times times;
        rig_watch(w, &times);
        for (uint32_t x = 0; x <= hops; x++)
            rig_route(w, x, COLOUR, x ? AT_WEST : AT_RAMP, x < hops ? AT_EAST : AT_RAMP);
        rig_bind(w, hops, QUEUE, COLOUR);
        start_sender(w, 0, 1);
        while (!w->tile[hops].queue[QUEUE].count)
            wafer_step(w);
        CHECK_EQ(w->cycle - 1 - times.first[0], hops + 4); /* it arrived in the cycle just done */
        rig_watch_close(&times);
        wafer_close(w);
    }
}
