/* SPDX-License-Identifier: Apache-2.0 */
/* Experts chosen by many tiles together, against one tile's topk and against plain statements. */
#include "base/rng.h"
#include "firmware/fault.h"
#include "firmware/kernels/kernels.h"
#include "hal/native/native.h"
#include "hal/program.h"
#include "harness.h"

#include <math.h>
#include <string.h>

enum {
    ARGS = TILE_PROGRAM_OFFSET,
    THEIRS = 0x3000,
    THEIR_BIAS = 0x3800,
    MINE = 0x4000,
    MY_BIAS = 0x4800,
    OUT = 0x5000,
    IDS = 0x5800,
    WEIGHTS = 0x6000,
    EXPERTS_MAX = 384
};

static void call_kernel(void *arg)
{
    kernel_function *const *kernel = arg;

    (*kernel)(ARGS);
}

static enum native_end run(struct native_tile *n, kernel_function *kernel, const void *args,
                           size_t bytes)
{
    memcpy(n->sram + ARGS, args, bytes);
    return native_run(n, call_kernel, &kernel);
}

static float *at(struct native_tile *n, uint32_t offset)
{
    return (float *)(void *)(n->sram + offset);
}

/* All experts' scores and biases, and how the region cuts them. */
struct region {
    uint32_t experts, rows, columns, top_k;
    float score[EXPERTS_MAX], bias[EXPERTS_MAX];
    float sums[2 * EXPERTS_MAX];
};

static uint32_t cut(uint32_t experts, uint32_t parts, uint32_t i)
{
    return experts * i / parts;
}

static float value_of(const struct region *g, uint32_t e)
{
    float value = g->score[e] + g->bias[e];

    return value > -0x1.fffffep127f ? value : -0x1.fffffep127f; /* NaN too */
}

/* Many ties, and now and then what is no number. */
static void fill(struct region *g, uint32_t steps, struct rng *r)
{
    for (uint32_t e = 0; e < g->experts; e++) {
        g->score[e] = (float)(1 + rng_below(r, steps)) / (float)(steps + 1);
        g->bias[e] = ((float)rng_below(r, steps) - 2) / (float)steps;
        if (rng_below(r, 16) == 0)
            g->score[e] = NAN;
        else if (rng_below(r, 16) == 0)
            g->bias[e] = -INFINITY;
    }
}

/* Tile (row, column): adds its counts to those of the column's experts, rank[0] the first of all.
 */
static void count_one(const struct region *g, uint32_t row, uint32_t column, float *rank)
{
    struct native_tile n;
    uint32_t theirs = cut(g->experts, g->rows, row), mine = cut(g->experts, g->columns, column);
    struct args_rank_count a = {
        .theirs = THEIRS,
        .their_bias = THEIR_BIAS,
        .their_first = (uint16_t)theirs,
        .their_count = (uint16_t)(cut(g->experts, g->rows, row + 1) - theirs),
        .mine = MINE,
        .my_bias = MY_BIAS,
        .my_first = (uint16_t)mine,
        .my_count = (uint16_t)(cut(g->experts, g->columns, column + 1) - mine),
        .out = OUT};

    native_open(&n, NULL, 0);
    memcpy(n.sram + THEIRS, g->score + theirs, sizeof(float) * a.their_count);
    memcpy(n.sram + THEIR_BIAS, g->bias + theirs, sizeof(float) * a.their_count);
    memcpy(n.sram + MINE, g->score + mine, sizeof(float) * a.my_count);
    memcpy(n.sram + MY_BIAS, g->bias + mine, sizeof(float) * a.my_count);
    at(&n, OUT)[a.my_count] = 99;
    CHECK_EQ(run(&n, kernel_rank_count, &a, sizeof a), NATIVE_RETURNED);
    for (uint32_t k = 0; k < a.my_count; k++)
        rank[mine + k] += at(&n, OUT)[k];
    CHECK(at(&n, OUT)[a.my_count] == 99.0f);
    native_close(&n);
}

/* A tile of this column: what it puts at its places is added to the sums. */
static void place_one(struct region *g, uint32_t column, const float *rank)
{
    struct native_tile n;
    uint32_t mine = cut(g->experts, g->columns, column);
    struct args_rank_place a = {.mine = MINE,
                                .ranks = THEIRS,
                                .my_first = (uint16_t)mine,
                                .my_count =
                                    (uint16_t)(cut(g->experts, g->columns, column + 1) - mine),
                                .top_k = (uint16_t)g->top_k,
                                .out = OUT};

    native_open(&n, NULL, 0);
    memcpy(n.sram + MINE, g->score + mine, sizeof(float) * a.my_count);
    memcpy(n.sram + THEIRS, rank + mine, sizeof(float) * a.my_count);
    at(&n, OUT)[2 * g->top_k] = 77;
    CHECK_EQ(run(&n, kernel_rank_place, &a, sizeof a), NATIVE_RETURNED);
    for (uint32_t i = 0; i < 2 * g->top_k; i++)
        g->sums[i] += at(&n, OUT)[i];
    CHECK(at(&n, OUT)[2 * g->top_k] == 77.0f);
    native_close(&n);
}

static void check_ranks(const struct region *g, const float *rank)
{
    for (uint32_t e = 0; e < g->experts; e++) {
        uint32_t beaten = 0;
        for (uint32_t other = 0; other < g->experts; other++)
            beaten += value_of(g, other) > value_of(g, e) ||
                      (value_of(g, other) == value_of(g, e) && other < e);
        CHECK_EQ((uint32_t)rank[e], beaten);
    }
}

/* The same choice and weights, to the bit, as one tile with all scores. */
static void check_as_topk(const struct region *g, int in_place)
{
    struct native_tile n, one;
    struct args_rank_finish a = {.factor = 2.827f,
                                 .sums = OUT,
                                 .top_k = (uint16_t)g->top_k,
                                 .ids = IDS,
                                 .weights = WEIGHTS,
                                 .normalise = 1};
    struct args_topk all = {.factor = 2.827f,
                            .scores = THEIRS,
                            .bias = MINE,
                            .experts = (uint16_t)g->experts,
                            .top_k = (uint16_t)g->top_k,
                            .normalise = 1,
                            .ids = IDS,
                            .weights = WEIGHTS};

    native_open(&n, NULL, 0);
    native_open(&one, NULL, 0);
    memcpy(n.sram + OUT, g->sums, 2 * sizeof(float) * g->top_k);
    if (in_place)
        a.ids = OUT, a.weights = (uint16_t)(OUT + 4 * g->top_k);
    CHECK_EQ(run(&n, kernel_rank_finish, &a, sizeof a), NATIVE_RETURNED);
    memcpy(one.sram + THEIRS, g->score, sizeof(float) * g->experts);
    memcpy(one.sram + MINE, g->bias, sizeof(float) * g->experts);
    CHECK_EQ(run(&one, kernel_topk, &all, sizeof all), NATIVE_RETURNED);
    for (uint32_t i = 0; i < g->top_k; i++) {
        uint32_t got, want;
        float weight = at(&n, a.weights)[i], expected = at(&one, WEIGHTS)[i];
        memcpy(&got, n.sram + a.ids + 4 * i, 4);
        memcpy(&want, one.sram + IDS + 4 * i, 4);
        CHECK_EQ(got, want);
        CHECK(weight == expected || (isnan(weight) && isnan(expected)));
    }
    native_close(&n);
    native_close(&one);
}

TEST(kernel_rank_chooses_as_topk_does)
{
    static const uint32_t shape[][4] = {
        {384, 16, 9, 8}, {32, 5, 7, 4}, {7, 9, 3, 7}, {1, 1, 1, 1}, {20, 3, 40, 6}};
    struct rng r = {t->seed};

    for (int round = 0; round < 12; round++)
        for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
            struct region g = {shape[i][0], shape[i][1], shape[i][2], shape[i][3], {0}, {0}, {0}};
            float rank[EXPERTS_MAX] = {0};
            fill(&g, round % 2 ? 4 : 1000, &r);
            for (uint32_t tile = 0; tile < g.rows * g.columns; tile++)
                count_one(&g, tile / g.columns, tile % g.columns, rank);
            check_ranks(&g, rank);
            for (uint32_t column = 0; column < g.columns; column++)
                place_one(&g, column, rank);
            check_as_topk(&g, round % 3 == 0);
        }
}

TEST(kernel_rank_count_without_biases)
{
    struct native_tile n;
    struct args_rank_count a = {.theirs = THEIRS,
                                .their_first = 4,
                                .their_count = 3,
                                .mine = MINE,
                                .my_first = 5,
                                .my_count = 2,
                                .out = OUT};
    static const float theirs[] = {2, 1, 2}, mine[] = {2, 1}; /* experts 4 5 6, 5 6 */

    native_open(&n, NULL, 0);
    memcpy(n.sram + THEIRS, theirs, sizeof theirs);
    memcpy(n.sram + MINE, mine, sizeof mine);
    CHECK_EQ(run(&n, kernel_rank_count, &a, sizeof a), NATIVE_RETURNED);
    CHECK(at(&n, OUT)[0] == 1.0f); /* 4 is equal and comes first, 6 is equal and comes later */
    CHECK(at(&n, OUT)[1] == 3.0f);
    native_close(&n);
}

TEST(kernel_rank_place_refuses_what_is_no_rank)
{
    static const float bad[] = {-1, NAN, INFINITY, -INFINITY, 0x1p23f, 0x1.000002p24f};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct native_tile n;
        struct args_rank_place a = {
            .mine = MINE, .ranks = THEIRS, .my_first = 6, .my_count = 2, .top_k = 4, .out = OUT};
        native_open(&n, NULL, 0);
        at(&n, THEIRS)[1] = bad[i];
        CHECK_EQ(run(&n, kernel_rank_place, &a, sizeof a), NATIVE_FAULT);
        CHECK_EQ(n.fault.code, FAULT_ARGUMENT);
        CHECK_EQ(n.fault.file, FAULT_FILE_RANK_C);
        CHECK_EQ(n.fault.info, 7);
        native_close(&n);
    }
}

TEST(kernel_rank_finish_refuses_an_empty_place)
{
    static const float bad[] = {0, -1, NAN, INFINITY, -INFINITY, 0x1p24f};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct native_tile n;
        struct args_rank_finish a = {
            .factor = 1, .sums = OUT, .top_k = 3, .ids = IDS, .weights = WEIGHTS};
        native_open(&n, NULL, 0);
        at(&n, OUT)[0] = 4, at(&n, OUT)[1] = 1, at(&n, OUT)[2] = bad[i];
        CHECK_EQ(run(&n, kernel_rank_finish, &a, sizeof a), NATIVE_FAULT);
        CHECK_EQ(n.fault.code, FAULT_ARGUMENT);
        CHECK_EQ(n.fault.info, 2);
        at(&n, OUT)[2] = 9, at(&n, OUT)[3] = 0.5f;
        CHECK_EQ(run(&n, kernel_rank_finish, &a, sizeof a), NATIVE_RETURNED);
        CHECK(at(&n, WEIGHTS)[0] == 0.5f);
        native_close(&n);
    }
}
