/* SPDX-License-Identifier: Apache-2.0 */
/* select_units against a plain walk over a list of the experts a tile holds. */
#include "base/rng.h"
#include "firmware/fault.h"
#include "firmware/kernels/kernels.h"
#include "hal/native/native.h"
#include "hal/program.h"
#include "hal/stream.h"
#include "harness.h"

#include <stddef.h>
#include <string.h>

enum {
    ARGS = TILE_PROGRAM_OFFSET,
    IDS = 0x3000,
    TABLE = 0x3100,
    ENTRIES = 0x3400,
    DESCS = 0x4000,
    FIRST = 0x5000,
    EXPERTS_MAX = 400,
    ENTRIES_MAX = 40
};

static void call_kernel(void *arg)
{
    (void)arg;
    kernel_select_units(ARGS);
}

/* Which experts a tile holds, in what half of the window, and what it is asked. */
struct holding {
    struct args_select_units args;
    struct select_unit unit[ENTRIES_MAX];
    struct stream_desc desc[ENTRIES_MAX];
    uint8_t here[EXPERTS_MAX], high[EXPERTS_MAX];
    uint32_t ids[16];
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

static struct stream_desc expected(const struct holding *h, uint32_t i)
{
    const struct select_unit *u = &h->unit[i];
    struct stream_desc d = h->desc[i];
    uint32_t id = h->ids[u->slot], block = h->args.first;

    if (!h->here[id]) {
        d.cols = 0;
        return d;
    }
    for (uint32_t e = 0; e < id; e++)
        block += h->here[e] * h->args.block_bytes;
    d.src0 = (uint16_t)(block + u->weight);
    d.scales = (uint16_t)(block + u->scale);
    d.cols = u->cols;
    if (u->field) {
        uint16_t value = (uint16_t)(u->base + h->high[id] * u->step);
        memcpy((uint8_t *)&d + u->field, &value, sizeof value);
    }
    return d;
}

static struct holding random_holding(uint16_t experts, struct rng *r)
{
    static const uint16_t fields[] = {0, offsetof(struct stream_desc, src1),
                                      offsetof(struct stream_desc, dst)};
    struct holding h = {.args = {.ids = IDS,
                                 .count = 16,
                                 .experts = experts,
                                 .table = TABLE,
                                 .entries = ENTRIES,
                                 .entry_count = (uint16_t)rng_below(r, ENTRIES_MAX + 1),
                                 .first = FIRST,
                                 .block_bytes = 40}};
    uint32_t rare = 1 + rng_below(r, 9);

    for (uint32_t e = 0; e < experts; e++) {
        h.here[e] = rng_below(r, rare) == 0;
        h.high[e] = (uint8_t)rng_below(r, 2);
    }
    for (uint32_t i = 0; i < 16; i++)
        h.ids[i] = rng_below(r, 4) ? rng_below(r, experts) : experts - 1u;
    for (uint32_t i = 0, slot = 0; i < h.args.entry_count; i++) {
        slot = rng_below(r, 8) ? (slot + rng_below(r, 2)) % 16 : rng_below(r, 16);
        h.unit[i] = (struct select_unit){.desc = (uint16_t)(DESCS + 32 * i),
                                         .slot = (uint16_t)slot,
                                         .weight = (uint16_t)rng_below(r, 40),
                                         .scale = (uint16_t)rng_below(r, 40),
                                         .cols = (uint16_t)rng_below(r, 60),
                                         .field = fields[rng_below(r, 3)],
                                         .base = (uint16_t)rng_below(r, 0x8000),
                                         .step = (uint16_t)rng_below(r, 0x8000)};
        memset(&h.desc[i], (int)rng_below(r, 256), sizeof h.desc[i]);
    }
    return h;
}

static enum native_end run(struct native_tile *n, const struct holding *h)
{
    memset(n->sram + TABLE, 0, ENTRIES - TABLE);
    put_table(h, n->sram + TABLE);
    memcpy(n->sram + IDS, h->ids, sizeof h->ids);
    memcpy(n->sram + ENTRIES, h->unit, sizeof h->unit);
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
        for (uint32_t i = 0; i < h.args.entry_count; i++) {
            struct stream_desc want = expected(&h, i);
            CHECK_MSG(memcmp(n.sram + DESCS + 32 * i, &want, sizeof want) == 0,
                      "round %u entry %u slot %u expert %u", round, i, h.unit[i].slot,
                      h.ids[h.unit[i].slot]);
        }
        for (uint32_t i = h.args.entry_count; i < ENTRIES_MAX; i++)
            CHECK(memcmp(n.sram + DESCS + 32 * i, &h.desc[i], sizeof h.desc[i]) == 0);
        native_close(&n);
    }
}

static void check_refused(const struct holding *h, uint32_t info)
{
    struct native_tile n;

    native_open(&n, NULL, 0);
    CHECK_EQ(run(&n, h), NATIVE_FAULT);
    CHECK_EQ(n.fault.code, FAULT_ARGUMENT);
    CHECK_EQ(n.fault.file, FAULT_FILE_UNITS_C);
    CHECK_EQ(n.fault.info, info);
    native_close(&n);
}

TEST(kernel_select_units_refuses_what_leads_outside)
{
    struct rng r = {t->seed};
    struct holding good = random_holding(64, &r), bad;

    good.args.entry_count = 1;
    good.unit[0].slot = 2;
    good.ids[2] = 63;
    memset(good.here, 1, 64);
    bad = good, bad.args.count = 2;
    check_refused(&bad, 2);
    bad = good, bad.ids[2] = 64;
    check_refused(&bad, 64);
    bad = good, bad.args.block_bytes = 1000;
    check_refused(&bad, FIRST + 63 * 1000);
}
