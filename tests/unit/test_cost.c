/* SPDX-License-Identifier: Apache-2.0 */
/* test_cost.c - the formulas of place/cost.h against published values, against a simulation tile by
 * tile, and the choice they lead to. The emulator's own cycles are tests/e2e/tool_collective.c. */
#include "base/rng.h"
#include "harness.h"
#include "place/cost.h"

#include <math.h>
#include <stdlib.h>

static struct machine wse(void)
{
    return (struct machine){.hop_cycles = 1,
                            .ramp_cycles = 2,
                            .router_queue = 4,
                            .input_queue = 4,
                            .stream_setup_cycles = 4};
}

/* "Near-Optimal Wafer-Scale Reduce", HPDC 2024: chain and broadcast at B = 256, T_R = 2. */
TEST(cost_is_the_published_one_for_chain_and_broadcast)
{
    static const uint32_t tiles[] = {4, 8, 16, 32, 64, 128, 256, 512};
    static const uint32_t chain[] = {274, 298, 346, 442, 634, 1018, 1786, 3322};
    static const uint32_t cast[] = {264, 268, 276, 292, 324, 388, 516, 772};
    struct machine k = wse();
    for (int i = 0; i < 8; i++) {
        CHECK_EQ(cost_reduce(REDUCE_CHAIN, &k, tiles[i], 256), chain[i]);
        CHECK_EQ(cost_broadcast(&k, (struct line_size){tiles[i], 0}, 256), cast[i]);
    }
}

/* Ours sends the far groups' sums on while it makes them, so it is between the chain's B and the
 * published 2 B. */
TEST(cost_of_two_phase_is_near_the_published_one)
{
    struct machine k = wse();
    static const uint32_t words[] = {1, 4, 16, 64}, published[] = {729, 735, 758, 850};
    for (int i = 0; i < 4; i++) {
        double ours = (double)cost_reduce(REDUCE_TWO_PHASE, &k, 512, words[i]);
        CHECK_MSG(fabs(ours - published[i]) < 0.1 * published[i], "%u words: %.0f, published %u",
                  words[i], ours, published[i]);
    }
}

/* ---- a tile by tile simulation ---- */

struct moment {
    double ready, issue;
};

/* What a tile sends at its last level, and takes on the way: by the rules of place/levels.h and the
 * laws of hal/fabric.h for one tile after the other, no closed form. */
static struct moment simulate(const struct levels *v, const struct machine *k, uint32_t words,
                              int32_t u)
{
    struct moment m = {0, 0};
    int direction = levels_direction(v, u), last = direction ? direction : -1;
    for (uint32_t level = 0; level < levels_count(v); level++) {
        struct level_role role = levels_role(v, level, u);
        int32_t step = levels_step(v, level);
        for (int turn = 0; turn < 2; turn++) {
            int moves = turn ? last : -last;
            if (!(moves > 0 ? role.take_low : role.take_high))
                continue;
            struct moment from = simulate(v, k, words, u - moves * step);
            double at = from.issue + 2 * k->ramp_cycles + (double)k->hop_cycles * step;
            double first = at > m.ready ? at : m.ready;
            m.ready = first + words + k->stream_setup_cycles;
            m.issue = moves == direction ? first + 1 : m.ready;
        }
        if (role.send)
            break;
    }
    return m;
}

/* One word never has to share a link or a ramp, so the closed form must be exact. */
TEST(cost_is_exact_for_one_word_in_any_groups)
{
    struct rng g = {t->seed};
    struct machine k = wse();
    for (int i = 0; i < 3000; i++) {
        struct reduce_shape s = {.levels = 1 + rng_below(&g, 5), .centred = rng_below(&g, 2)};
        struct line_size line = {2 + rng_below(&g, 70), 0};
        line.root = rng_below(&g, line.tiles);
        for (uint32_t level = 0; level < s.levels; level++) {
            s.group[level] = 1 + rng_below(&g, 6);
            s.limit[level] = rng_below(&g, 5);
        }
        k.stream_setup_cycles = 1 + rng_below(&g, 9);
        k.ramp_cycles = 1 + rng_below(&g, 7);
        k.hop_cycles = 1 + rng_below(&g, 3);
        struct levels v = {&s, (int32_t)line.root, (int32_t)(line.tiles - 1 - line.root)};
        double want = simulate(&v, &k, 1, 0).ready - k.stream_setup_cycles + 1;
        CHECK_EQ(cost_reduce_shape(&k, &s, line, 1), (uint64_t)want);
    }
}

TEST(cost_chooses_the_cheapest)
{
    struct machine k = wse();
    static const uint32_t tiles[] = {1, 2, 3, 8, 16, 43, 240, 360, 512, 1172};
    static const uint32_t words[] = {0, 1, 9, 60, 256, 4000};
    for (int i = 0; i < 60; i++) {
        uint32_t n = tiles[i / 6], b = words[i % 6];
        uint64_t best = cost_allreduce(cost_choose_reduce(&k, n, b, LEVEL_SETS), &k, n, b);
        for (int kind = 0; kind < REDUCE_KINDS; kind++)
            CHECK(best <= cost_allreduce((enum reduce_kind)kind, &k, n, b));
    }
    /* long vectors on short lines want the chain, short ones on long lines want levels */
    CHECK_EQ(cost_choose_reduce(&k, 8, 256, 1), REDUCE_CHAIN);
    CHECK(reduce_shape(cost_choose_reduce(&k, 512, 1, 1), 512, 255).levels > 2);
    CHECK(reduce_sets(cost_choose_reduce(&k, 512, 1, 1), 512) == 1);
}

/* No worse than any kind, and better where words and distance are alike: as the best tree of
 * Luczynski et al., 584 for 64 tiles and 684 for 128 of 256 words, where two-phase takes 643. */
TEST(cost_search_beats_the_kinds)
{
    struct machine k = wse();
    static const uint32_t tiles[] = {2, 5, 64, 128, 300}, words[] = {1, 20, 256};
    for (uint32_t i = 0; i < 15; i++) {
        struct line_size line = {tiles[i / 3], tiles[i / 3] - 1 - i % 2 * (tiles[i / 3] / 3)};
        struct reduce_shape found = cost_search_shape(&k, line, words[i % 3]);
        uint64_t best = cost_reduce_shape(&k, &found, line, words[i % 3]);
        for (enum reduce_kind kind = 0; kind < REDUCE_KINDS; kind++) {
            struct reduce_shape s = reduce_shape(kind, line.tiles, line.root);
            CHECK(best <= cost_reduce_shape(&k, &s, line, words[i % 3]));
        }
    }
    struct reduce_shape s = cost_search_shape(&k, (struct line_size){64, 63}, 256);
    CHECK(cost_reduce_shape(&k, &s, (struct line_size){64, 63}, 256) <= 584);
    s = cost_search_shape(&k, (struct line_size){128, 127}, 256);
    CHECK(cost_reduce_shape(&k, &s, (struct line_size){128, 127}, 256) <= 684);
}

/* Every tile but the root sends exactly once, to a tile that takes it; whoever takes has two turns
 * of colours, one to take and one to send. */
TEST(levels_agree_between_tiles)
{
    struct rng g = {t->seed};
    for (int i = 0; i < 400; i++) {
        struct reduce_shape s = {.levels = rng_below(&g, 7), .centred = rng_below(&g, 2)};
        int32_t low = (int32_t)rng_below(&g, 90), high = (int32_t)rng_below(&g, 90);
        for (uint32_t level = 0; level < LEVELS_MAX; level++) {
            s.group[level] = 1 + rng_below(&g, 6);
            s.limit[level] = rng_below(&g, 5);
        }
        struct levels v = {&s, low, high};
        for (int32_t u = -low; u <= high; u++) {
            unsigned sent = 0;
            for (uint32_t level = 0; level < levels_count(&v); level++) {
                struct level_role role = levels_role(&v, level, u);
                sent += role.send != 0;
                if (!role.send)
                    continue;
                struct level_role to = levels_role(&v, level, role.receiver);
                CHECK(role.send > 0 ? to.take_low : to.take_high);
                uint32_t set = level / LEVELS_PER_SET;
                CHECK(levels_turn(&v, set, u, role.send) !=
                      levels_turn(&v, set, role.receiver, role.send));
            }
            CHECK_EQ(sent, u != 0);
        }
    }
}
