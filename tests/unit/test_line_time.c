/* SPDX-License-Identifier: Apache-2.0 */
/* test_line_time.c - reductions and broadcasts of tiles that become ready at different times
 * (place/line_time.h): against place/cost.h where they are ready together, by hand where not. */
#include "base/xalloc.h"
#include "harness.h"
#include "place/line_time.h"
#include "place/lines.h"

#include <stdlib.h>

enum { WORDS = 20, STAGE = 6, SETUP = 4 };

static const struct machine wse = {.hop_cycles = 1,
                                   .ramp_cycles = 2,
                                   .router_queue = 4,
                                   .input_queue = 4,
                                   .stream_setup_cycles = SETUP};

static struct line_stream reduce(const struct line *l, struct line_time *t, bool onto)
{
    struct line_stream sent = {0};
    struct line_order *o = line_order_open(l);
    struct line_reduction r = {
        .order = o, .line = l, .machine = &wse, .words = WORDS, .onto = onto};
    line_time_reduce(&r, t, &sent);
    line_order_close(o);
    return sent;
}

static struct line_time *ready_together(uint32_t tiles)
{
    struct line_time *t = xcalloc(tiles, sizeof *t);
    for (uint32_t i = 0; i < tiles; i++)
        t[i].origin = i;
    return t;
}

/* As cost.h counts: from the first issue to the last word stored. */
static uint64_t cycles_of_kind(enum reduce_kind kind, uint32_t tiles)
{
    struct line l = {.length = tiles};
    struct line_time *t = ready_together(tiles);
    line_set_kind(&l, kind);
    (void)reduce(&l, t, false);
    uint64_t ready = t[l.root].ready;
    free(t);
    return ready - SETUP + 1;
}

TEST(line_time_of_tiles_that_are_ready_together_is_the_cost)
{
    for (uint32_t tiles = 2; tiles <= 512; tiles = tiles * 3 / 2 + 1) {
        CHECK_EQ(cycles_of_kind(REDUCE_CHAIN, tiles),
                 cost_reduce(REDUCE_CHAIN, &wse, tiles, WORDS));
        for (int kind = 0; kind < REDUCE_KINDS; kind++) {
            double want = (double)cost_reduce((enum reduce_kind)kind, &wse, tiles, WORDS);
            double have = (double)cycles_of_kind((enum reduce_kind)kind, tiles);
            CHECK_MSG(have > 0.85 * want && have <= want, "%s of %u: %.0f, cost %.0f",
                      reduce_kind_name((enum reduce_kind)kind), tiles, have, want);
        }
    }
}

/* A chain to its last tile: one that is late has the stages before the root left. A tile sends its
 * own words when it is ready, and others' a cycle after it took them. */
TEST(line_time_hangs_on_a_late_tile)
{
    struct line l = {.length = 10};
    line_set_kind(&l, REDUCE_CHAIN);
    for (uint32_t late = 0; late < l.length; late++) {
        struct line_time *at = ready_together(l.length);
        at[late].ready = 1000;
        (void)reduce(&l, at, false);
        uint64_t stages = l.root - late;
        CHECK_EQ(l.root, 9);
        CHECK_EQ(at[9].ready, 1000 + WORDS + SETUP + stages * STAGE - (late == 0));
        CHECK_EQ(at[9].origin, late);
        CHECK_EQ(at[9].stages, stages);
        CHECK_EQ(at[9].hops, stages);
        CHECK_EQ(at[late].ready, 1000 + WORDS + SETUP);
        if (late > 0)
            CHECK_EQ(at[0].ready, WORDS + SETUP);
        free(at);
    }
}

TEST(line_time_counts_a_gap_as_hops)
{
    struct line l = {.length = 10};
    struct line_time *at = ready_together(l.length), *u = ready_together(l.length);
    line_set_kind(&l, REDUCE_CHAIN);
    (void)reduce(&l, at, false);
    l.gap_at = 5, l.gap = 100;
    (void)reduce(&l, u, false);
    CHECK_EQ(u[9].ready, at[9].ready + 100);
    CHECK_EQ(u[4].ready, at[4].ready);
    CHECK_EQ(line_way(&l, 4), 4);
    CHECK_EQ(line_way(&l, 5), 105);
    free(at);
    free(u);
}

/* Both sides are summed at the same time; the low root's sum is added to while it is sent on. */
TEST(line_time_of_a_joint_line)
{
    struct line l = {.length = 10};
    struct line_time *at = ready_together(l.length);
    line_set_joint(&l, REDUCE_CHAIN, 0);
    struct line_stream sent = reduce(&l, at, true);
    uint64_t low = WORDS + 4 * STAGE - 1 + SETUP; /* four tiles below the low root */
    CHECK_EQ(l.root, 5);
    CHECK_EQ(at[4].ready, low + WORDS + SETUP);
    CHECK_EQ(sent.first, low + STAGE); /* one hop, two ramps, the sum */
    CHECK_EQ(sent.last, sent.first + WORDS - 1);
    free(at);
}

TEST(line_time_of_a_stream_that_is_early_or_late)
{
    struct line_stream s = {.first = 100, .last = 119, .from = {.origin = 7}};
    struct line_time early = {.ready = 10, .origin = 1}, late = {.ready = 500, .origin = 1};
    line_time_take(&wse, &early, &s, 30, WORDS);
    line_time_take(&wse, &late, &s, 30, WORDS);
    CHECK_EQ(early.ready, 119 + 30 + 4 + 1 + SETUP);
    CHECK_EQ(early.origin, 7);
    CHECK_EQ(early.hops, 30);
    CHECK_EQ(late.ready, 500 + WORDS + SETUP);
    CHECK_EQ(late.origin, 1);
}
