/* SPDX-License-Identifier: Apache-2.0 */
/* cross.c - see cross.h. Only integer arithmetic here: what is tested is numerics.c. */
#include "tests/firmware/cross.h"

#include "hal/numerics.h"

/* From a run on x86 (the unit test prints what it got when they differ); the unit test computes
 * every result a second time with its own loops, so these are not just what numerics.c says. */
const struct cross_expected cross_expected[] = {
    {STREAM_SEND, 0x437d910f},      {STREAM_RECV, 0x0f786a58},       {STREAM_FORWARD, 0x3c338fdb},
    {STREAM_ADD_SEND, 0xbafa0888},  {STREAM_ADD_RECV, 0x15a58db2},   {STREAM_MAX_SEND, 0x43b98452},
    {STREAM_MAX_RECV, 0x901781e6},  {STREAM_COPY, 0xd18b7519},       {STREAM_ADD, 0x5b8ffce4},
    {STREAM_MUL, 0x31a2cf41},       {STREAM_SCALE, 0x9d8b344b},      {STREAM_DOT_F32, 0x1a31a106},
    {STREAM_DOT_BF16, 0x20523850},  {STREAM_DOT_INT4, 0x01f7b764},   {STREAM_AXPY_F32, 0xd9b7fd59},
    {STREAM_AXPY_BF16, 0xf6b1ec2d}, {STREAM_ROUND_BF16, 0x244e31b5},
};
const uint32_t cross_expected_count = sizeof cross_expected / sizeof *cross_expected;

struct random {
    uint32_t state;
};

static uint32_t next(struct random *r)
{
    r->state = r->state * 1664525u + 1013904223u;
    uint32_t x = r->state;
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

static uint32_t below(struct random *r, uint32_t n)
{
    return next(r) % n;
}

/* Mostly numbers of like size, so that sums round; in one run of eight anything at all. */
static uint32_t random_float(struct random *r, uint32_t run)
{
    uint32_t bits = next(r);
    if (run % 8 == 7)
        return below(r, 4) ? bits : bits & 0x807fffffu; /* NaNs, infinities, subnormals */
    return (bits & 0x807fffffu) | (120u + below(r, 12)) << 23;
}

static uint32_t random_pair_of_halves(struct random *r, uint32_t run)
{
    uint32_t low = random_float(r, run) >> 16;
    return low | (random_float(r, run) & 0xffff0000u);
}

static void put(uint8_t *sram, uint32_t at, uint32_t word)
{
    __builtin_memcpy(sram + at, &word, sizeof word);
}

enum { DST = 0x2800, SRC0 = 0x4000, SRC1 = 0x9000, SCALES = 0xa000, AREA_END = 0xb000 };

static void fill(uint8_t op, uint32_t run, struct random *r, uint8_t *sram)
{
    int halves = op == STREAM_DOT_BF16 || op == STREAM_AXPY_BF16;
    for (uint32_t at = DST; at < AREA_END; at += 4) {
        int a = at >= SRC0 && at < SRC1;
        put(sram, at,
            a && op == STREAM_DOT_INT4      ? next(r)
            : (a && halves) || at >= SCALES ? random_pair_of_halves(r, run)
                                            : random_float(r, run));
    }
}

static void shape_product(uint8_t op, struct random *r, struct stream_desc *d)
{
    static const uint8_t weight_bits[] = {32, 16, 4, 32, 16};
    int axpy = op >= STREAM_AXPY_F32;
    uint32_t bits = weight_bits[op - STREAM_DOT_F32];
    d->count = (uint16_t)(1 + below(r, 20));
    d->cols = (uint16_t)below(r, 70);
    d->flags = (uint8_t)(below(r, 2) ? STREAM_ACCUMULATE : 0);
    d->phase = (uint16_t)(op == STREAM_DOT_INT4 ? below(r, 32) : 0);
    uint32_t row = (axpy ? d->count : d->cols) * bits;
    d->row_bytes = (uint16_t)((row + 31) / 32 * 4);
    d->scale_row_bytes = (uint16_t)(2 * ((d->phase + d->cols + 31u) / 32));
    d->batch = (uint16_t)below(r, 4);
    d->dst_step = (uint16_t)(4 * d->count);
    d->src0_step = (uint16_t)(4 * below(r, 3));
    d->src1_step = (uint16_t)(4 * below(r, 9));
}

void cross_prepare(uint8_t op, uint32_t run, struct stream_desc *d, uint8_t *sram)
{
    struct random r = {op * 1000u + run};
    fill(op, run, &r, sram);
    *d = (struct stream_desc){.op = op,
                              .event = TILE_EVENT_NONE,
                              .dst = DST,
                              .src0 = SRC0,
                              .src1 = SRC1,
                              .scales = SCALES};
    if (stream_is_product(op))
        shape_product(op, &r, d);
    else
        d->count = (uint16_t)(1 + below(&r, 100));
}

static uint32_t add_to_sum(uint32_t sum, uint32_t word)
{
    for (unsigned k = 0; k < 32; k += 8)
        sum = (sum ^ (word >> k & 0xff)) * 0x01000193u; /* FNV-1a */
    return sum;
}

static uint32_t run_words(uint8_t op, uint32_t run, uint32_t sum)
{
    struct random r = {op * 1000u + run};
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t b = random_float(&r, run);
        sum = add_to_sum(sum, numerics_word(op, b, random_float(&r, run)));
    }
    return sum;
}

uint32_t cross_run(uint8_t op, uint8_t *sram)
{
    uint32_t sum = 0x811c9dc5u;
    for (uint32_t run = 0; run < CROSS_RUNS; run++) {
        if (op < STREAM_COPY) {
            sum = run_words(op, run, sum);
            continue;
        }
        struct stream_desc d;
        cross_prepare(op, run, &d, sram);
        if (stream_check(&d) != STREAM_OK)
            return 0;
        numerics_execute(&d, sram);
        for (uint32_t at = DST; at < SRC0; at += 4) {
            uint32_t word;
            __builtin_memcpy(&word, sram + at, sizeof word);
            sum = add_to_sum(sum, word);
        }
    }
    return sum;
}
