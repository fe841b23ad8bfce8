/* SPDX-License-Identifier: Apache-2.0 */
/* select_units against a plain walk over a list of the experts a tile holds. */
#include "base/rng.h"
#include "firmware/fault.h"
#include "firmware/kernels/kernels.h"
#include "hal/native/native.h"
#include "hal/program.h"
#include "hal/stream.h"
#include "harness.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum {
    ARGS = TILE_PROGRAM_OFFSET,
    IDS = 0x3000,
    TABLE = 0x3100,
    TABLE_END = 0x3400,
    DESCS = 0x4000,
    EXPERTS_MAX = 400,
    SLOTS_MAX = 16
};

static void call_kernel(void *arg)
{
    (void)arg;
    kernel_select_units(ARGS);
}

/* Which experts a tile holds, in what half of the window, and what it is asked. */
struct holding {
    struct args_select_units args;
    struct stream_desc desc[SLOTS_MAX];
    uint8_t here[EXPERTS_MAX], high[EXPERTS_MAX];
    uint16_t block[EXPERTS_MAX]; /* the place of each */
    float place[SLOTS_MAX];
};

/* The table of the argument block, a byte for each expert. */
static void put_table(const struct holding *h, uint8_t *table)
{
    for (uint32_t e = 0; e < h->args.experts; e++)
        table[e] = h->here[e] ? (uint8_t)(e - h->block[e] + 128u * h->high[e]) : 127;
}

static struct stream_desc expected(const struct holding *h, uint32_t slot)
{
    const struct args_select_units *a = &h->args;
    struct stream_desc d = h->desc[slot];
    uint32_t id = (uint32_t)h->place[slot] - 1, block = h->block[id] * a->block_bytes;

    if (slot >= a->count)
        return d;
    if (!h->here[id]) {
        d.cols = 0;
        return d;
    }
    uint16_t value = (uint16_t)(a->base + h->high[id] * a->step);
    d.src0 = (uint16_t)(block + a->weight);
    d.scales = (uint16_t)(block + a->scale);
    d.cols = a->cols;
    memcpy((uint8_t *)&d + a->field, &value, sizeof value);
    return d;
}

static struct args_select_units random_args(uint16_t experts, struct rng *r)
{
    static const uint16_t fields[] = {offsetof(struct stream_desc, src1),
                                      offsetof(struct stream_desc, dst),
                                      offsetof(struct stream_desc, src1_step)};

    return (struct args_select_units){.ids = IDS,
                                      .count = (uint16_t)rng_below(r, SLOTS_MAX + 1),
                                      .experts = experts,
                                      .table = TABLE,
                                      .desc = DESCS,
                                      .field = fields[rng_below(r, 3)],
                                      .weight = (uint16_t)rng_below(r, 0x8000),
                                      .scale = (uint16_t)rng_below(r, 0x8000),
                                      .block_bytes = (uint16_t)rng_below(r, 200),
                                      .base = (uint16_t)rng_below(r, 0x8000),
                                      .step = (uint16_t)rng_below(r, 0x8000),
                                      .cols = (uint16_t)rng_below(r, 60)};
}

/* A place is left free where more than 126 would come short. */
static void hold(struct holding *h, uint32_t expert, uint32_t *next)
{
    uint32_t block = expert > *next + 126 ? expert - 126 : *next;

    h->block[expert] = (uint16_t)block;
    *next = block + 1;
}

static struct holding random_holding(uint16_t experts, struct rng *r)
{
    struct holding h = {.args = random_args(experts, r)};
    uint32_t rare = 1 + rng_below(r, 9), next = 0;

    for (uint32_t e = 0; e < experts; e++) {
        h.here[e] = rng_below(r, rare) == 0;
        h.high[e] = (uint8_t)rng_below(r, 2);
        if (h.here[e])
            hold(&h, e, &next);
    }
    for (uint32_t i = 0; i < SLOTS_MAX; i++) {
        h.place[i] = (float)(rng_below(r, 4) ? 1 + rng_below(r, experts) : experts);
        memset(&h.desc[i], (int)rng_below(r, 256), sizeof h.desc[i]);
    }
    return h;
}

static enum native_end run(struct native_tile *n, const struct holding *h)
{
    memset(n->sram + TABLE, 0, TABLE_END - TABLE);
    put_table(h, n->sram + TABLE);
    memcpy(n->sram + IDS, h->place, sizeof h->place);
    memcpy(n->sram + DESCS, h->desc, sizeof h->desc);
    memcpy(n->sram + ARGS, &h->args, sizeof h->args);
    return native_run(n, call_kernel, NULL);
}

TEST(kernel_select_units_points_at_what_is_here)
{
    static const uint16_t experts[] = {384, 1, 31, 32, 33, 64, 400, 97};
    struct rng r = {t->seed};

    for (uint32_t round = 0; round < 400; round++) {
        struct holding h = random_holding(experts[round % 8], &r);
        struct native_tile n;
        native_open(&n, NULL, 0);
        CHECK_EQ(run(&n, &h), NATIVE_RETURNED);
        for (uint32_t i = 0; i < SLOTS_MAX; i++) {
            struct stream_desc want = expected(&h, i);
            CHECK_MSG(memcmp(n.sram + DESCS + 32 * i, &want, sizeof want) == 0,
                      "round %u slot %u of %u expert %g", round, i, h.args.count,
                      (double)h.place[i] - 1);
        }
        native_close(&n);
    }
}

/* The fault's info. */
static uint32_t refused(const struct holding *h)
{
    struct native_tile n;

    native_open(&n, NULL, 0);
    CHECK_EQ(run(&n, h), NATIVE_FAULT);
    CHECK_EQ(n.fault.code, FAULT_ARGUMENT);
    CHECK_EQ(n.fault.file, FAULT_FILE_UNITS_C);
    native_close(&n);
    return n.fault.info;
}

TEST(kernel_select_units_refuses_what_leads_outside)
{
    static const float no_place[] = {-1,       -0x1p30f,  0x1p23f, 0x1p24f, 0x1p60f,
                                     INFINITY, -INFINITY, NAN,     -NAN};
    struct rng r = {t->seed};

    for (uint32_t slot = 0; slot < 3; slot++) { /* of three */
        struct holding good = random_holding(64, &r), bad;
        good.args.count = 3;
        good.place[slot] = 64;
        bad = good, bad.place[slot] = 65;
        CHECK_EQ(refused(&bad), 64);
        bad = good, bad.place[slot] = 0;
        CHECK_EQ(refused(&bad), 0xffffffff);
        for (size_t i = 0; i < sizeof no_place / sizeof *no_place; i++) {
            bad = good, bad.place[slot] = no_place[i];
            CHECK(refused(&bad) >= 64);
        }
    }
}
