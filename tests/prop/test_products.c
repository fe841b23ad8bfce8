/* SPDX-License-Identifier: Apache-2.0 */
/* test_products.c - products and sums, eight at a time, against hal/numerics.c, bit by bit. */
#include "fabric/products.h"

#include "base/rng.h"
#include "hal/numerics.h"
#include "harness.h"

#include <string.h>

enum { DATA = TILE_CODE_BYTES, CASES = 4000 };

static uint32_t below(struct rng *r, uint32_t n)
{
    return rng_below(r, n);
}

/* Any bits, so NaNs, infinities and denormals too; or tame ones, whose sums stay finite. */
static void fill(struct rng *r, uint8_t *sram, bool tame)
{
    for (uint32_t at = DATA; at < TILE_SRAM_BYTES; at += 4) {
        uint32_t word = (uint32_t)rng_next(r);
        if (tame)
            word = (word & 0x83ff83ffu) | 0x3c003c00u;
        memcpy(sram + at, &word, sizeof word);
    }
}

static struct stream_desc any_product(struct rng *r)
{
    struct stream_desc d = {.op = (uint8_t)(STREAM_DOT_F32 + below(r, 5)),
                            .flags = below(r, 2) ? STREAM_ACCUMULATE : 0,
                            .event = TILE_EVENT_NONE,
                            .count = (uint16_t)below(r, 40),
                            .cols = (uint16_t)below(r, 90),
                            .batch = (uint16_t)below(r, 4)};
    bool axpy = d.op >= STREAM_AXPY_F32;
    uint32_t along = axpy ? d.count : d.cols, rows = axpy ? d.cols : d.count;
    uint32_t weight = d.op == STREAM_DOT_F32 || d.op == STREAM_AXPY_F32 ? 4 : 2;
    d.row_bytes = (uint16_t)(d.op == STREAM_DOT_INT4 ? (along + 1) / 2 + below(r, 3)
                                                     : along * weight + 4 * below(r, 2));
    d.phase = d.op == STREAM_DOT_INT4 ? (uint16_t)below(r, INT4_GROUP) : 0;
    d.scale_row_bytes = (uint16_t)(2 * ((d.cols + INT4_GROUP - 1) / INT4_GROUP + 1));
    d.src0 = DATA;
    d.src0_step = (uint16_t)(below(r, 2) * ((rows * d.row_bytes + 3) & ~3u));
    d.src1 = TILE_SRAM_BYTES - 4096;
    d.src1_step = (uint16_t)(4 * below(r, 100));
    d.scales = TILE_SRAM_BYTES - 8192;
    d.dst = TILE_SRAM_BYTES - 2048;
    d.dst_step = (uint16_t)(4 * d.count * below(r, 2));
    return d;
}

/* False if the product is not legal. */
static bool run_case(struct rng *r, uint64_t number)
{
    static uint8_t one[TILE_SRAM_BYTES], other[TILE_SRAM_BYTES];
    struct stream_desc d = any_product(r);
    if (stream_check(&d))
        return false;
    fill(r, one, number % 2);
    memcpy(other, one, sizeof one);
    numerics_execute(&d, one);
    products_execute(&d, other);
    for (uint32_t at = 0; at < sizeof one; at += 4)
        CHECK_MSG(!memcmp(one + at, other + at, 4),
                  "case %llu: op %u, %u outputs of %u, batch %u, flags %u: byte 0x%x",
                  (unsigned long long)number, d.op, d.count, d.cols, d.batch, d.flags, at);
    return true;
}

TEST(products_are_those_of_numerics)
{
    struct rng r = {.state = t->seed};
    unsigned legal = 0;
    for (uint64_t n = 0; n < CASES; n++)
        legal += run_case(&r, n);
    CHECK_MSG(legal > CASES / 2, "%u", legal);
}

/* Runs of every length at every offset: words beside them must stay. */
TEST(products_combine_is_numerics_word)
{
    static const uint8_t ops[] = {STREAM_ADD_SEND, STREAM_ADD_RECV, STREAM_MAX_SEND,
                                  STREAM_MAX_RECV, STREAM_FORWARD,  STREAM_RECV};
    static uint8_t one[TILE_SRAM_BYTES], other[TILE_SRAM_BYTES];
    struct rng r = {.state = t->seed};
    for (uint32_t n = 0; n < CASES / 10; n++) {
        uint8_t op = ops[below(&r, sizeof ops)];
        uint32_t b[40], count = below(&r, 40), at = DATA + 4 * below(&r, 20);
        fill(&r, one, n % 2);
        memcpy(b, one + DATA + 1024, sizeof b);
        memcpy(other, one, sizeof one);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t a;
            memcpy(&a, one + at + 4 * i, sizeof a);
            a = numerics_word(op, b[i], a);
            memcpy(one + at + 4 * i, &a, sizeof a);
        }
        products_combine(op, b, other + at, count);
        CHECK_MSG(!memcmp(one, other, sizeof one), "op %u, %u words at 0x%x", op, count, at);
    }
}
