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
    FIRST = 0x5000,
    EXPERTS_MAX = 400,
    SLOTS_MAX = 16,
    LIST_BYTES = SLOTS_MAX * 32
};

static void call_kernel(void *arg)
{
    (void)arg;
    kernel_select_units(ARGS);
}

/* Which experts a tile holds, in what half of the window, and what it is asked. */
struct holding {
    struct args_select_units args;
    struct stream_desc desc[2][SLOTS_MAX];
    uint8_t here[EXPERTS_MAX], high[EXPERTS_MAX];
    float place[SLOTS_MAX];
};

/* The table of the argument block, byte by byte. */
static void put_table(const struct holding *h, uint8_t *table)
{
    uint32_t words = (h->args.experts + 31u) / 32, prefix = 4 * words;
    uint32_t high = (prefix + 2 * words + 3) / 4 * 4;

    for (uint32_t e = 0, before = 0; e < 32 * words; e++) {
        if (e % 32 == 0) {
            table[prefix + e / 16] = (uint8_t)before;
            table[prefix + e / 16 + 1] = (uint8_t)(before >> 8);
        }
        if (e >= h->args.experts || !h->here[e])
            continue;
        before++;
        table[e / 8] |= (uint8_t)(1u << e % 8);
        table[high + e / 8] |= (uint8_t)(h->high[e] << e % 8);
    }
}

static struct stream_desc expected(const struct holding *h, uint32_t list, uint32_t slot)
{
    const struct unit_list *l = &h->args.list[list];
    struct stream_desc d = h->desc[list][slot];
    uint32_t id = (uint32_t)h->place[slot] - 1, block = h->args.first;

    if (slot >= h->args.count)
        return d;
    if (!h->here[id]) {
        d.cols = 0;
        return d;
    }
    for (uint32_t e = 0; e < id; e++)
        block += h->here[e] * h->args.block_bytes;
    uint16_t value = (uint16_t)(l->base + h->high[id] * l->step);
    d.src0 = (uint16_t)(block + l->weight);
    d.scales = (uint16_t)(block + l->scale);
    d.cols = l->cols;
    memcpy((uint8_t *)&d + l->field, &value, sizeof value);
    return d;
}

static struct unit_list random_list(uint32_t desc, struct rng *r)
{
    static const uint16_t fields[] = {offsetof(struct stream_desc, src1),
                                      offsetof(struct stream_desc, dst),
                                      offsetof(struct stream_desc, src1_step)};

    return (struct unit_list){.desc = (uint16_t)desc,
                              .field = fields[rng_below(r, 3)],
                              .weight = (uint16_t)rng_below(r, 40),
                              .scale = (uint16_t)rng_below(r, 40),
                              .base = (uint16_t)rng_below(r, 0x8000),
                              .step = (uint16_t)rng_below(r, 0x8000),
                              .cols = (uint16_t)rng_below(r, 60)};
}

static struct holding random_holding(uint16_t experts, struct rng *r)
{
    struct holding h = {.args = {.ids = IDS,
                                 .count = (uint16_t)rng_below(r, SLOTS_MAX + 1),
                                 .experts = experts,
                                 .table = TABLE,
                                 .first = FIRST,
                                 .block_bytes = 40}};
    uint32_t rare = 1 + rng_below(r, 9);

    for (uint32_t e = 0; e < experts; e++) {
        h.here[e] = rng_below(r, rare) == 0;
        h.high[e] = (uint8_t)rng_below(r, 2);
    }
    for (uint32_t i = 0; i < SLOTS_MAX; i++)
        h.place[i] = (float)(rng_below(r, 4) ? 1 + rng_below(r, experts) : experts);
    for (uint32_t list = 0; list < 2; list++) {
        h.args.list[list] = random_list(DESCS + list * LIST_BYTES, r);
        for (uint32_t i = 0; i < SLOTS_MAX; i++)
            memset(&h.desc[list][i], (int)rng_below(r, 256), sizeof h.desc[list][i]);
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
        for (uint32_t i = 0; i < 2 * SLOTS_MAX; i++) {
            struct stream_desc want = expected(&h, i / SLOTS_MAX, i % SLOTS_MAX);
            CHECK_MSG(memcmp(n.sram + DESCS + 32 * i, &want, sizeof want) == 0,
                      "round %u list %u slot %u of %u expert %g", round, i / SLOTS_MAX,
                      i % SLOTS_MAX, h.args.count, (double)h.place[i % SLOTS_MAX] - 1);
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
        memset(good.here, 1, 64);
        bad = good, bad.place[slot] = 65;
        CHECK_EQ(refused(&bad), 64);
        bad = good, bad.place[slot] = 0;
        CHECK_EQ(refused(&bad), 0xffffffff);
        for (size_t i = 0; i < sizeof no_place / sizeof *no_place; i++) {
            bad = good, bad.place[slot] = no_place[i];
            CHECK(refused(&bad) >= 64);
        }
        bad = good, bad.args.block_bytes = 1000;
        for (uint32_t i = 0; i < 3; i++)
            bad.place[i] = i == slot ? 64 : 1;
        CHECK_EQ(refused(&bad), FIRST + 63 * 1000);
    }
}

/* The last block that 16 bits reach, and the first they do not. */
TEST(kernel_select_units_reaches_all_of_16_bits)
{
    struct rng r = {t->seed};
    struct holding h = random_holding(64, &r);

    h.args.count = 1;
    h.place[0] = 2;
    h.here[0] = h.here[1] = 1;
    h.args.block_bytes = 0xffff - FIRST;
    struct native_tile n;
    native_open(&n, NULL, 0);
    CHECK_EQ(run(&n, &h), NATIVE_RETURNED);
    struct stream_desc want = expected(&h, 0, 0);
    CHECK(memcmp(n.sram + DESCS, &want, sizeof want) == 0);
    native_close(&n);
    h.args.block_bytes++;
    CHECK_EQ(refused(&h), 0x10000);
}
