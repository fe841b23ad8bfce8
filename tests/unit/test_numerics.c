/* SPDX-License-Identifier: Apache-2.0 */
/* The stream engine's arithmetic and descriptor rules, against a second statement of them written
 * one output at a time. */
#include "base/rng.h"
#include "hal/numerics.h"
#include "hal/stream.h"
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { Y = 0x3000, W = 0x4000, X = 0x9000, S = 0xa000 }; /* offsets the tests use */

static uint32_t get(const uint8_t *sram, uint32_t at)
{
    uint32_t v;

    memcpy(&v, sram + at, 4);
    return v;
}

static float get_float(const uint8_t *sram, uint32_t at)
{
    float f;

    memcpy(&f, sram + at, 4);
    return f;
}

static float bf16_value(uint32_t half)
{
    uint32_t bits = half << 16;
    float f;

    memcpy(&f, &bits, 4);
    return f;
}

static float get_bf16(const uint8_t *sram, uint32_t at)
{
    return bf16_value((uint32_t)sram[at] | (uint32_t)sram[at + 1] << 8);
}

static void put(uint8_t *sram, uint32_t at, float f)
{
    uint32_t bits;

    memcpy(&bits, &f, 4);
    if (isnan(f))
        bits = 0x7fc00000;
    memcpy(sram + at, &bits, 4);
}

static float element(const struct stream_desc *d, const uint8_t *sram, uint32_t row,
                     uint32_t column)
{
    uint32_t start = d->src0 + row * d->row_bytes;

    switch (d->op) {
    case STREAM_DOT_F32:
    case STREAM_AXPY_F32:
        return get_float(sram, start + 4 * column);
    case STREAM_DOT_INT4:
        return (float)((int)(column % 2 ? sram[start + column / 2] / 16
                                        : sram[start + column / 2] % 16) -
                       8);
    default:
        return get_bf16(sram, start + 2 * column);
    }
}

/* One output of one product whose operands have been moved to batch element 0. */
static float naive_output(const struct stream_desc *d, const uint8_t *sram, uint32_t i)
{
    int axpy = d->op == STREAM_AXPY_F32 || d->op == STREAM_AXPY_BF16;
    float y = d->flags & STREAM_ACCUMULATE ? get_float(sram, d->dst + 4 * i) : 0, s = 0;

    for (uint32_t k = 0; k < d->cols; k++) {
        float x = get_float(sram, d->src1 + 4 * k);
        float w = axpy ? element(d, sram, k, i) : element(d, sram, i, k);
        if (d->op != STREAM_DOT_INT4) {
            y = fmaf(w, x, y);
            continue;
        }
        s = fmaf(w, x, s);
        if ((d->phase + k) % 32 == 31 || k + 1 == d->cols) {
            uint32_t group = (d->phase + k) / 32;
            y = fmaf(get_bf16(sram, d->scales + i * d->scale_row_bytes + 2 * group), s, y);
            s = 0;
        }
    }
    return y;
}

static void naive_execute(const struct stream_desc *desc, uint8_t *sram)
{
    struct stream_desc d = *desc;

    if (d.op < STREAM_DOT_F32) {
        for (uint32_t i = 0; i < d.count; i++) {
            float a = get_float(sram, d.src0 + 4 * i);
            float b = get_float(sram, d.op == STREAM_SCALE ? d.src1 : d.src1 + 4 * i);
            if (d.op == STREAM_COPY)
                memmove(sram + d.dst + 4 * i, sram + d.src0 + 4 * i, 4);
            else
                put(sram, d.dst + 4 * i, d.op == STREAM_ADD ? b + a : a * b);
        }
        return;
    }
    for (uint32_t j = 0; j < (desc->batch ? desc->batch : 1u); j++) {
        for (uint32_t i = 0; i < d.count; i++)
            put(sram, d.dst + 4 * i, naive_output(&d, sram, i));
        d.dst = (uint16_t)(d.dst + d.dst_step);
        d.src0 = (uint16_t)(d.src0 + d.src0_step);
        d.src1 = (uint16_t)(d.src1 + d.src1_step);
        d.scales = (uint16_t)(d.scales + d.count * d.scale_row_bytes);
    }
}

/* SRAM full of random words, mostly ordinary numbers, some of every odd kind. */
static uint8_t *random_sram(struct rng *r)
{
    static const uint32_t odd[] = {0x7f800000, 0xff800000, 0x7fc00001, 0xffa12345,
                                   0x80000000, 1,          0x807fffff, 0x7f7fffff};
    uint8_t *sram = malloc(TILE_SRAM_BYTES);
    uint32_t rare = rng_below(r, 2) ? 4000 : 40;

    for (uint32_t at = 0; at < TILE_SRAM_BYTES; at += 4) {
        uint32_t bits = (uint32_t)rng_next(r);
        if (rng_below(r, rare))
            bits = (bits & 0x807fffff) | (uint32_t)(0x3b000000 + (rng_below(r, 16) << 23));
        else
            bits = odd[rng_below(r, 8)];
        memcpy(sram + at, &bits, 4);
    }
    return sram;
}

static struct stream_desc random_product(struct rng *r, uint8_t op)
{
    struct stream_desc d = {
        .op = op, .event = TILE_EVENT_NONE, .dst = Y, .src0 = W, .src1 = X, .scales = S};
    uint32_t type = op == STREAM_DOT_F32 || op == STREAM_AXPY_F32 ? 4
                    : op == STREAM_DOT_INT4                       ? 1
                                                                  : 2;
    int axpy = op >= STREAM_AXPY_F32;
    uint32_t rows, row;

    d.count = (uint16_t)rng_below(r, 21);
    d.cols = (uint16_t)(rng_below(r, 4) ? rng_below(r, 100) : 0);
    rows = axpy ? d.cols : d.count;
    row = axpy ? d.count : d.cols;
    d.flags = rng_below(r, 2) ? STREAM_ACCUMULATE : 0;
    d.batch = (uint16_t)rng_below(r, 4);
    d.row_bytes = (uint16_t)((type == 1 ? (row + 1) / 2 : type * row) + type * rng_below(r, 3));
    d.phase = (uint16_t)(op == STREAM_DOT_INT4 ? rng_below(r, 32) : 0);
    d.scale_row_bytes = (uint16_t)(2u * ((d.phase + d.cols + 31u) / 32u + rng_below(r, 2)));
    d.dst_step = (uint16_t)(rng_below(r, 2) ? 0 : 4 * d.count + 4 * rng_below(r, 3));
    d.src0_step = (uint16_t)(rng_below(r, 2) * rows * d.row_bytes / type * type);
    d.src1_step = (uint16_t)(rng_below(r, 2) * 4 * d.cols);
    return d;
}

static void compare(const struct stream_desc *d, const uint8_t *before, uint8_t *sram,
                    uint8_t *want)
{
    CHECK_EQ(stream_check(d), STREAM_OK);
    memcpy(sram, before, TILE_SRAM_BYTES);
    memcpy(want, before, TILE_SRAM_BYTES);
    numerics_execute(d, sram);
    naive_execute(d, want);
    for (uint32_t at = 0; at < TILE_SRAM_BYTES; at += 4)
        CHECK_MSG(get(sram, at) == get(want, at),
                  "op %u count %u cols %u phase %u batch %u: 0x%04x is %08x, not %08x", d->op,
                  d->count, d->cols, d->phase, d->batch, at, get(sram, at), get(want, at));
}

TEST(numerics_products_match_the_plain_statement)
{
    struct rng r = {t->seed};
    uint8_t *sram = malloc(TILE_SRAM_BYTES), *want = malloc(TILE_SRAM_BYTES);

    for (int round = 0; round < 40; round++) {
        uint8_t *before = random_sram(&r);
        for (unsigned op = STREAM_DOT_F32; op <= STREAM_AXPY_BF16; op++) {
            struct stream_desc d = random_product(&r, (uint8_t)op);
            compare(&d, before, sram, want);
        }
        free(before);
    }
    free(sram);
    free(want);
}

TEST(numerics_words_match_the_plain_statement)
{
    struct rng r = {t->seed};
    uint8_t *sram = malloc(TILE_SRAM_BYTES), *want = malloc(TILE_SRAM_BYTES);
    uint8_t *before = random_sram(&r);

    for (int round = 0; round < 12; round++)
        for (unsigned op = STREAM_COPY; op <= STREAM_SCALE; op++) {
            uint16_t in_place = (uint16_t)(rng_below(&r, 2) ? W : Y);
            struct stream_desc d = {
                .op = (uint8_t)op, .event = 5, .dst = in_place, .src0 = W, .src1 = X};
            d.count = (uint16_t)rng_below(&r, 700);
            compare(&d, before, sram, want);
        }
    free(before);
    free(sram);
    free(want);
}

/* The bf16 value nearest to x, found by trying: of the two around it the nearer, of equals the
 * even. */
static uint16_t nearest_bf16(float x)
{
    uint32_t bits;
    double below, above;

    if (isnan(x))
        return 0x7fc0;
    memcpy(&bits, &x, 4);
    if (isinf(x))
        return (uint16_t)(bits >> 16);
    below = (double)bf16_value(bits >> 16), above = (double)bf16_value((bits >> 16) + 1);
    if (isinf(above))
        above = copysign(0x1p128, below);
    below = fabs((double)x - below), above = fabs(above - (double)x);
    return (uint16_t)((bits >> 16) + (above < below || (above == below && bits >> 16 & 1)));
}

TEST(numerics_round_bf16_takes_the_nearest)
{
    enum { COUNT = 3000 };
    struct rng r = {t->seed};

    for (int round = 0; round < 10; round++) {
        uint8_t *sram = random_sram(&r), *want = malloc(TILE_SRAM_BYTES);
        struct stream_desc d = {
            .op = STREAM_ROUND_BF16, .event = 5, .count = COUNT, .dst = 0x2002, .src0 = W};
        for (uint32_t i = 0; i < COUNT; i += 5) /* some half way between two */
            memcpy(sram + W + 4 * i, (uint8_t[]){0, 0x80}, 2);
        memcpy(want, sram, TILE_SRAM_BYTES);
        for (uint32_t i = 0; i < COUNT; i++) {
            uint16_t half = nearest_bf16(get_float(sram, W + 4 * i));
            memcpy(want + d.dst + 2 * i, &half, 2);
        }
        CHECK_EQ(stream_check(&d), STREAM_OK);
        numerics_execute(&d, sram);
        CHECK(memcmp(sram, want, TILE_SRAM_BYTES) == 0);
        free(sram);
        free(want);
    }
}

TEST(numerics_int4_takes_low_nibbles_first)
{
    /* 1 * (0x1 - 8) + 10 * (0xf - 8) + 100 * (0x8 - 8), then times 2 */
    uint8_t *sram = calloc(TILE_SRAM_BYTES, 1);
    struct stream_desc d = {
        .op = STREAM_DOT_INT4, .count = 1, .cols = 3, .dst = Y, .src0 = W, .src1 = X, .scales = S};

    sram[W] = 0xf1;
    sram[W + 1] = 0x08;
    sram[S + 1] = 0x40; /* bf16 2.0 */
    put(sram, X, 1);
    put(sram, X + 4, 10);
    put(sram, X + 8, 100);
    numerics_execute(&d, sram);
    CHECK(get_float(sram, Y) == 126.0f);
    free(sram);
}

TEST(numerics_a_group_is_summed_before_it_is_scaled)
{
    /* 2^24 + 1 - 2^24 in one group loses the 1 only if the sum is taken in order in fp32 */
    uint8_t *sram = calloc(TILE_SRAM_BYTES, 1);
    struct stream_desc d = {.op = STREAM_DOT_INT4,
                            .count = 1,
                            .cols = 3,
                            .dst = Y,
                            .src0 = W,
                            .src1 = X,
                            .scales = S,
                            .phase = 30};

    sram[W] = 0x99; /* weights 1, 1, and -1 in the next group */
    sram[W + 1] = 0x07;
    sram[S + 1] = 0x40; /* 2 */
    sram[S + 2] = 0x80; /* 1 */
    sram[S + 3] = 0x3f;
    put(sram, X, 0x1p24f);
    put(sram, X + 4, 1);
    put(sram, X + 8, 0x1p24f);
    numerics_execute(&d, sram);
    CHECK(get_float(sram, Y) == 0x1p24f);
    free(sram);
}

TEST(numerics_word_is_the_reduction_step)
{
    const uint32_t ONE = 0x3f800000, TWO = 0x40000000, ZERO = 0, MINUS_ZERO = 0x80000000,
                   ODD_NAN = 0xffc12345, NAN_ = 0x7fc00000, INF = 0x7f800000,
                   MINUS_INF = 0xff800000;

    CHECK_EQ(numerics_word(STREAM_SEND, TWO, ODD_NAN), ODD_NAN);
    CHECK_EQ(numerics_word(STREAM_RECV, ODD_NAN, ONE), ODD_NAN);
    CHECK_EQ(numerics_word(STREAM_FORWARD, ODD_NAN, ONE), ODD_NAN);
    CHECK_EQ(numerics_word(STREAM_ADD_SEND, ONE, ONE), TWO);
    CHECK_EQ(numerics_word(STREAM_ADD_RECV, ONE, ODD_NAN), NAN_);
    CHECK_EQ(numerics_word(STREAM_ADD_RECV, INF, MINUS_INF), NAN_);
    CHECK_EQ(numerics_word(STREAM_MAX_SEND, ONE, TWO), TWO);
    CHECK_EQ(numerics_word(STREAM_MAX_SEND, TWO, ONE), TWO);
    CHECK_EQ(numerics_word(STREAM_MAX_RECV, ODD_NAN, ONE), ONE);
    CHECK_EQ(numerics_word(STREAM_MAX_RECV, ONE, ODD_NAN), ONE);
    CHECK_EQ(numerics_word(STREAM_MAX_RECV, ODD_NAN, ODD_NAN), NAN_);
    CHECK_EQ(numerics_word(STREAM_MAX_RECV, ZERO, MINUS_ZERO), ZERO);
    CHECK_EQ(numerics_word(STREAM_MAX_RECV, MINUS_ZERO, ZERO), ZERO);
    CHECK_EQ(numerics_word(STREAM_MAX_RECV, MINUS_ZERO, MINUS_ZERO), MINUS_ZERO);
}

/* One row: a legal descriptor with one thing changed, and what must be said of it. */
static void expect(struct stream_desc d, int line, enum stream_error want)
{
    enum stream_error got = stream_check(&d);

    CHECK_MSG(got == want, "descriptor of line %d: %d, not %d", line, got, want);
}
#define EXPECT(want, base, ...)                                                                    \
    do {                                                                                           \
        struct stream_desc d = base;                                                               \
        __VA_ARGS__;                                                                               \
        expect(d, __LINE__, want);                                                                 \
    } while (0)

static const struct stream_desc send = {.op = STREAM_SEND, .count = 4, .dst = 23, .src0 = W};
static const struct stream_desc recv = {.op = STREAM_RECV, .count = 4, .dst = Y, .src1 = 23};
static const struct stream_desc add = {
    .op = STREAM_ADD, .count = 4, .dst = Y, .src0 = W, .src1 = X};
static const struct stream_desc scale = {
    .op = STREAM_SCALE, .count = 4, .dst = Y, .src0 = W, .src1 = X};
static const struct stream_desc dot = {
    .op = STREAM_DOT_F32, .count = 4, .cols = 8, .dst = Y, .src0 = W, .src1 = X, .row_bytes = 32};
static const struct stream_desc int4 = {.op = STREAM_DOT_INT4,
                                        .count = 4,
                                        .cols = 40,
                                        .dst = Y,
                                        .src0 = W,
                                        .src1 = X,
                                        .row_bytes = 21,
                                        .scales = S,
                                        .scale_row_bytes = 4};
static const struct stream_desc axpy = {
    .op = STREAM_AXPY_BF16, .count = 4, .cols = 8, .dst = Y, .src0 = W, .src1 = X, .row_bytes = 8};

static const struct stream_desc round_bf16 = {
    .op = STREAM_ROUND_BF16, .count = 4, .dst = Y, .src0 = W, .src1 = 0xffff};

TEST(stream_check_refuses_bad_operations)
{
    EXPECT(STREAM_OK, send, d.flags = STREAM_CONTROL; d.thread = 0x37; d.event = 63);
    EXPECT(STREAM_OK, dot, d.flags = STREAM_ACCUMULATE; d.event = TILE_EVENT_NONE);
    EXPECT(STREAM_BAD_OP, send, d.op = 0);
    EXPECT(STREAM_BAD_OP, send, d.op = STREAM_OP_END);
    EXPECT(STREAM_BAD_OP, round_bf16, d.flags = STREAM_ACCUMULATE);
    EXPECT(STREAM_OK, send, d.flags = STREAM_CONTROL; d.op = STREAM_ADD_SEND);
    EXPECT(STREAM_BAD_OP, recv, d.flags = STREAM_CONTROL);
    EXPECT(STREAM_BAD_OP, send, d.flags = STREAM_ACCUMULATE);
    EXPECT(STREAM_BAD_OP, dot, d.flags = 4);
    EXPECT(STREAM_BAD_OP, send, d.thread = 8);
    EXPECT(STREAM_BAD_OP, send, d.thread = 0x40);
    EXPECT(STREAM_BAD_OP, send, d.event = 64);
    EXPECT(STREAM_BAD_OP, send, d.event = 0xfe);
    EXPECT(STREAM_OK, send, d.next = TILE_CODE_BYTES);
    EXPECT(STREAM_OK, send, d.next = TILE_SRAM_BYTES - 32);
    EXPECT(STREAM_BAD_NEXT, send, d.next = TILE_SRAM_BYTES - 28);
    EXPECT(STREAM_BAD_NEXT, send, d.next = 0x3002);
    EXPECT(STREAM_BAD_NEXT, send, d.next = TILE_CODE_BYTES - 32);
    EXPECT(STREAM_BAD_COLOUR, send, d.dst = 24);
    EXPECT(STREAM_BAD_COLOUR, recv, d.src1 = 24);
    EXPECT(STREAM_BAD_COLOUR, send, d.op = STREAM_FORWARD; d.src1 = 24);
    EXPECT(STREAM_BAD_COLOUR, recv, d.op = STREAM_FORWARD; d.src1 = 1);
}

TEST(stream_check_refuses_bad_alignment)
{
    EXPECT(STREAM_BAD_ALIGN, send, d.src0 += 2);
    EXPECT(STREAM_BAD_ALIGN, recv, d.dst += 1);
    EXPECT(STREAM_BAD_ALIGN, add, d.src1 += 2);
    EXPECT(STREAM_BAD_ALIGN, dot, d.row_bytes += 2);
    EXPECT(STREAM_BAD_ALIGN, dot, d.batch = 2; d.dst_step = 2);
    EXPECT(STREAM_BAD_ALIGN, dot, d.batch = 2; d.src0_step = 2);
    EXPECT(STREAM_BAD_ALIGN, dot, d.batch = 2; d.src1_step = 2);
    EXPECT(STREAM_OK, dot, d.batch = 1; d.src1_step = 2);
    EXPECT(STREAM_OK, axpy, d.src0 += 2; d.row_bytes += 2);
    EXPECT(STREAM_BAD_ALIGN, axpy, d.src0 += 1);
    EXPECT(STREAM_BAD_ALIGN, axpy, d.src1 += 2);
    EXPECT(STREAM_OK, round_bf16, d.dst += 2);
    EXPECT(STREAM_BAD_ALIGN, round_bf16, d.dst += 1);
    EXPECT(STREAM_BAD_ALIGN, round_bf16, d.src0 += 2);
    EXPECT(STREAM_OK, int4, d.src0 += 1);
    EXPECT(STREAM_BAD_ALIGN, int4, d.scales += 1);
    EXPECT(STREAM_BAD_ALIGN, int4, d.scale_row_bytes += 1);
}

TEST(stream_check_refuses_bad_ranges)
{
    enum { END = TILE_SRAM_BYTES };

    EXPECT(STREAM_OK, send, d.src0 = END - 16);
    EXPECT(STREAM_BAD_RANGE, send, d.src0 = END - 12);
    EXPECT(STREAM_OK, send, d.src0 = 0xfffc; d.count = 0);
    EXPECT(STREAM_OK, send, d.src0 = 0);
    EXPECT(STREAM_BAD_RANGE, recv, d.dst = END - 12);
    EXPECT(STREAM_BAD_RANGE, add, d.src1 = END - 12);
    EXPECT(STREAM_OK, scale, d.src1 = END - 4);
    EXPECT(STREAM_BAD_RANGE, scale, d.src1 = END);
    EXPECT(STREAM_OK, dot, d.src0 = END - 4 * 32);
    EXPECT(STREAM_BAD_RANGE, dot, d.src0 = END - 4 * 32 + 4);
    EXPECT(STREAM_OK, dot, d.src0 = END - 5 * 32; d.batch = 2; d.src0_step = 32);
    EXPECT(STREAM_BAD_RANGE, dot, d.src0 = END - 5 * 32; d.batch = 3; d.src0_step = 32);
    EXPECT(STREAM_BAD_RANGE, dot, d.batch = 0xffff; d.src0_step = 0xfffc);
    EXPECT(STREAM_BAD_RANGE, dot, d.src1 = END - 28);
    EXPECT(STREAM_BAD_RANGE, dot, d.count = 1; d.dst = END);
    EXPECT(STREAM_OK, axpy, d.src0 = END - 8 * 8);
    EXPECT(STREAM_BAD_RANGE, axpy, d.src0 = END - 8 * 8 + 2);
    EXPECT(STREAM_OK, axpy, d.src0 = 0xfffe; d.cols = 0);
    EXPECT(STREAM_OK, dot, d.src0 = 0xfffc; d.src1 = 0xfffc; d.cols = 0);
    EXPECT(STREAM_OK, int4, d.src0 = END - 3 * 21 - 20);
    EXPECT(STREAM_BAD_RANGE, int4, d.src0 = END - 3 * 21 - 19);
    EXPECT(STREAM_OK, int4, d.scales = END - 16);
    EXPECT(STREAM_BAD_RANGE, int4, d.scales = END - 14);
    EXPECT(STREAM_BAD_RANGE, int4, d.scales = END - 16; d.phase = 25);
    EXPECT(STREAM_BAD_RANGE, int4, d.scales = END - 16; d.batch = 2);
    EXPECT(STREAM_BAD_RANGE, int4, d.phase = 32);
    EXPECT(STREAM_OK, round_bf16, d.dst = END - 8);
    EXPECT(STREAM_BAD_RANGE, round_bf16, d.dst = END - 6);
    EXPECT(STREAM_OK, round_bf16, d.src0 = END - 16);
    EXPECT(STREAM_BAD_RANGE, round_bf16, d.src0 = END - 12);
    EXPECT(STREAM_OK, round_bf16, d.dst = 0xfffe; d.count = 0);
}

TEST(stream_check_refuses_results_over_operands_and_code)
{
    EXPECT(STREAM_OK, add, d.dst = W);
    EXPECT(STREAM_OK, add, d.dst = X);
    EXPECT(STREAM_OK, add, d.dst = W + 16);
    EXPECT(STREAM_BAD_RANGE, add, d.dst = W + 12);
    EXPECT(STREAM_BAD_RANGE, add, d.dst = X - 4);
    EXPECT(STREAM_BAD_RANGE, scale, d.dst = X);
    EXPECT(STREAM_OK, recv, d.op = STREAM_ADD_RECV; d.src0 = Y + 4);
    EXPECT(STREAM_BAD_RANGE, dot, d.dst = X + 28);
    EXPECT(STREAM_BAD_RANGE, dot, d.dst = W);
    EXPECT(STREAM_BAD_RANGE, dot, d.batch = 2; d.dst_step = X - Y);
    EXPECT(STREAM_BAD_RANGE, int4, d.dst = S);
    EXPECT(STREAM_OK, round_bf16, d.dst = W - 8);
    EXPECT(STREAM_OK, round_bf16, d.dst = W + 16);
    EXPECT(STREAM_BAD_RANGE, round_bf16, d.dst = W - 6);
    EXPECT(STREAM_BAD_RANGE, round_bf16, d.dst = W);
    EXPECT(STREAM_BAD_RANGE, round_bf16, d.dst = W + 14);
    EXPECT(STREAM_BAD_DEST, round_bf16, d.dst = TILE_CODE_BYTES - 2);
    EXPECT(STREAM_BAD_DEST, recv, d.dst = 0);
    EXPECT(STREAM_BAD_DEST, recv, d.dst = TILE_CODE_BYTES - 4);
    EXPECT(STREAM_BAD_DEST, dot, d.dst = 0x100);
    EXPECT(STREAM_BAD_RANGE, dot, d.dst = 0x100; d.src1 = TILE_SRAM_BYTES);
    EXPECT(STREAM_OK, dot, d.src1 = 0x100);
}

TEST(stream_fabric_use_names_the_directions)
{
    static const uint8_t use[] = {0, 2, 1, 3, 3, 1, 3, 1};

    for (unsigned op = sizeof use; op <= STREAM_OP_END; op++)
        CHECK_EQ(stream_fabric_use((uint8_t)op), 0);
    for (unsigned op = 0; op < sizeof use; op++)
        CHECK_EQ(stream_fabric_use((uint8_t)op), use[op]);
}

TEST(stream_beats_follow_the_cost_rule)
{
    struct stream_lanes lanes = {1, 8, 8};
    struct stream_desc d = dot;

    CHECK_EQ(stream_beats(&send, &lanes), 4);
    CHECK_EQ(stream_beats(&round_bf16, &lanes), 4);
    CHECK_EQ(stream_beats(&dot, &lanes), 32);
    d.batch = 3;
    CHECK_EQ(stream_beats(&d, &lanes), 96);
    CHECK_EQ(stream_beats(&int4, &lanes), 20);
    CHECK_EQ(stream_beats(&axpy, &lanes), 8);
    d = axpy;
    d.count = 9;
    CHECK_EQ(stream_beats(&d, &lanes), 16);
    d.cols = 0;
    CHECK_EQ(stream_beats(&d, &lanes), 1);
    d.count = 0;
    CHECK_EQ(stream_beats(&d, &lanes), 0);
    d = (struct stream_desc){
        .op = STREAM_DOT_F32, .count = 0xffff, .cols = 0xffff, .batch = 0xffff};
    CHECK_EQ(stream_beats(&d, &lanes), 0xfffd0002ffffLL);
}
