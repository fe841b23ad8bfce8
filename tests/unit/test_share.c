/* SPDX-License-Identifier: Apache-2.0 */
/* test_share.c - when a row shares a kernel: the sum of place/share.h by published formulas. */
#include "harness.h"
#include "place/share.h"

static const struct machine machine = {.hop_cycles = 1,
                                       .ramp_cycles = 2,
                                       .router_queue = 4,
                                       .input_queue = 4,
                                       .stream_setup_cycles = 4};

/* Plain chains and broadcasts cost B + (2 R + 2)(P - 1) and B + P - 1 + 1 + 2 R. */
TEST(share_pays_from_the_cycle_on_that_the_formulas_say)
{
    for (uint32_t tiles = 2; tiles < 40; tiles++) {
        struct line row = {.length = tiles, .root = tiles - 1};
        struct share_work w = {.most = 100, .sums = 160, .values = 80};
        uint64_t moves = (160 + tiles + 4) + 3 + 3 + (80 + 6 * (tiles - 1));
        w.all = moves + w.most;
        CHECK(!share_pays(&machine, &row, &w));
        w.all++;
        CHECK(share_pays(&machine, &row, &w));
    }
}

TEST(share_never_pays_for_one_tile)
{
    struct line row = {.length = 1};
    struct share_work w = {.all = 1000000, .most = 1};
    CHECK(!share_pays(&machine, &row, &w));
}

TEST(share_parts_cover_all_values_once)
{
    for (uint32_t width = 1; width < 12; width++)
        for (uint32_t count = 0; count < 30; count++) {
            uint32_t next = 0, alone = 0;
            for (uint32_t c = 0; c < width; c++) {
                struct line row = {.index = c, .length = width, .root = width / 2};
                struct slice s = share_part(&row, true, count);
                CHECK_EQ(s.first, next);
                next += s.count;
                alone += share_part(&row, false, count).count;
            }
            CHECK_EQ(next, count);
            CHECK_EQ(alone, count);
        }
}
