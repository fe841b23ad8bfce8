/* SPDX-License-Identifier: Apache-2.0 */
/* The router's choice against sorting everything. */
#include "base/rng.h"
#include "firmware/fault.h"
#include "firmware/kernels/kernels.h"
#include "hal/native/native.h"
#include "hal/program.h"
#include "harness.h"

#include <math.h>
#include <string.h>

enum {
    ARGS = 0x2600,
    SCORES = 0x3000,
    BIAS = 0x4000,
    IDS = 0x5000,
    WEIGHTS = 0x5100,
    SCRATCH = 0x6000,
    EXPERTS_MAX = 384
};

static void call_topk(void *arg)
{
    (void)arg;
    kernel_topk(ARGS);
}

static float *at(struct native_tile *n, uint32_t offset)
{
    return (float *)(void *)(n->sram + offset);
}

static enum native_end run(struct native_tile *n, const struct args_topk *args)
{
    memcpy(n->sram + ARGS, args, sizeof *args);
    return native_run(n, call_topk, NULL);
}

/* Place of the largest of value[0..count) not yet taken; the first of equals. */
static uint32_t take_largest(const double *value, uint8_t *taken, uint32_t count)
{
    uint32_t best = count;

    for (uint32_t i = 0; i < count; i++)
        if (!taken[i] && (best == count || value[i] > value[best]))
            best = i;
    taken[best] = 1;
    return best;
}

/* The choice by repeated search: groups first, then experts of the groups that stay. */
static void expected_ids(struct native_tile *n, const struct args_topk *a, uint32_t *ids)
{
    double value[EXPERTS_MAX], group[EXPERTS_MAX];
    uint8_t taken[EXPERTS_MAX] = {0}, group_taken[EXPERTS_MAX] = {0};
    uint32_t size = a->groups > 1 ? (uint32_t)a->experts / a->groups : a->experts;

    for (uint32_t e = 0; e < a->experts; e++)
        value[e] = (double)(at(n, SCORES)[e] + (a->bias ? at(n, BIAS)[e] : 0.0f));
    for (uint32_t g = 0; a->groups > 1 && g < a->groups; g++) {
        uint8_t used[EXPERTS_MAX] = {0};
        uint32_t first = take_largest(value + g * size, used, size);
        uint32_t second = take_largest(value + g * size, used, size);
        group[g] = (double)(float)(value[g * size + first] + value[g * size + second]);
    }
    if (a->groups > 1) {
        memset(taken, 1, sizeof taken);
        for (uint32_t i = 0; i < a->group_k; i++)
            memset(taken + take_largest(group, group_taken, a->groups) * size, 0, size);
    }
    for (uint32_t i = 0; i < a->top_k; i++)
        ids[i] = take_largest(value, taken, a->experts);
}

static void check_choice(struct native_tile *n, const struct args_topk *a)
{
    uint32_t ids[64], got[64];
    double sum = 0;

    CHECK_EQ(run(n, a), NATIVE_RETURNED);
    expected_ids(n, a, ids);
    memcpy(got, n->sram + IDS, sizeof got);
    for (uint32_t i = 0; i < a->top_k; i++)
        sum += (double)at(n, SCORES)[ids[i]];
    for (uint32_t i = 0; i < a->top_k; i++) {
        double want = (double)at(n, SCORES)[ids[i]] * (double)a->factor / (a->normalise ? sum : 1);
        CHECK_EQ(got[i], ids[i]);
        CHECK_MSG(fabs((double)at(n, WEIGHTS)[i] - want) <= 3e-7 * fabs(want) * a->top_k,
                  "weight %u is %g, not %g", i, (double)at(n, WEIGHTS)[i], want);
    }
}

/* Scores with many ties, so that the order of equals is tested. */
static void fill(struct native_tile *n, uint32_t experts, uint32_t steps, struct rng *r)
{
    for (uint32_t e = 0; e < experts; e++) {
        at(n, SCORES)[e] = (float)(1 + rng_below(r, steps)) / (float)(steps + 1);
        at(n, BIAS)[e] = ((float)rng_below(r, steps) - 2) / (float)steps;
    }
}

TEST(kernel_topk_chooses_like_a_sort)
{
    static const struct args_topk shapes[] = {
        {.experts = 384, .top_k = 8, .groups = 1, .normalise = 1},
        {.experts = 32, .top_k = 4, .normalise = 1},
        {.experts = 64, .top_k = 6, .groups = 1},
        {.experts = 256, .top_k = 8, .groups = 8, .group_k = 4, .normalise = 1},
        {.experts = 16, .top_k = 6, .groups = 4, .group_k = 2},
        {.experts = 12, .top_k = 3, .groups = 6, .group_k = 2, .normalise = 1},
        {.experts = 5, .top_k = 5},
        {.experts = 1, .top_k = 1, .normalise = 1},
    };
    struct rng r = {t->seed};

    for (int round = 0; round < 60; round++)
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
            struct native_tile n;
            struct args_topk a = shapes[i];
            a.factor = 2.827f;
            a.scores = SCORES;
            a.bias = round % 3 ? BIAS : 0;
            a.ids = IDS;
            a.weights = WEIGHTS;
            a.scratch = SCRATCH;
            native_open(&n, NULL, 0);
            fill(&n, a.experts, round % 2 ? 5 : 100000, &r);
            check_choice(&n, &a);
            for (uint32_t e = a.experts; e < EXPERTS_MAX; e++)
                CHECK(at(&n, SCRATCH)[e] == 0.0f);
            native_close(&n);
        }
}

TEST(kernel_topk_never_lets_a_nan_hold_a_place)
{
    struct native_tile n;
    struct args_topk a = {1, SCORES, 0, 6, 2, 0, 0, 0, IDS, WEIGHTS, SCRATCH};
    uint32_t ids[2];

    native_open(&n, NULL, 0);
    for (uint32_t e = 0; e < 6; e++)
        at(&n, SCORES)[e] = e == 2 || e == 4 ? (float)e : NAN;
    CHECK_EQ(run(&n, &a), NATIVE_RETURNED);
    memcpy(ids, n.sram + IDS, sizeof ids);
    CHECK(ids[0] == 4 && ids[1] == 2);
    for (uint32_t e = 0; e < 6; e++)
        at(&n, SCORES)[e] = NAN;
    CHECK_EQ(run(&n, &a), NATIVE_RETURNED);
    memcpy(ids, n.sram + IDS, sizeof ids);
    CHECK(ids[0] == 0 && ids[1] == 1);
    native_close(&n);
}

TEST(kernel_topk_refuses_impossible_choices)
{
    static const struct args_topk bad[] = {
        {1, SCORES, 0, 4, 5, 0, 0, 0, IDS, WEIGHTS, SCRATCH},  /* more than there are */
        {1, SCORES, 0, 16, 5, 4, 1, 0, IDS, WEIGHTS, SCRATCH}, /* more than the group has */
        {1, SCORES, 0, 15, 2, 4, 1, 0, IDS, WEIGHTS, SCRATCH}, /* uneven groups */
        {1, SCORES, 0, 16, 2, 4, 5, 0, IDS, WEIGHTS, SCRATCH}, /* more groups than there are */
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct native_tile n;
        native_open(&n, NULL, 0);
        CHECK_EQ(run(&n, bad + i), NATIVE_FAULT);
        CHECK_EQ(n.fault.code, FAULT_ARGUMENT);
        CHECK_EQ(n.fault.file, FAULT_FILE_ROUTER_C);
        native_close(&n);
    }
}
