/* SPDX-License-Identifier: Apache-2.0 */
/* test_numerics_cross.c - x86 against the tile: the checksums that the firmware unit tests get on
 * QEMU and on our core must come out here too, and every run must agree with loops written here
 * from numerics.h alone. */
#include "harness.h"

#include "hal/numerics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/firmware/cross.c" /* NOLINT(bugprone-suspicious-include): its only user here */

static float f32_at(const uint8_t *sram, uint32_t at)
{
    float v;
    memcpy(&v, sram + at, 4);
    return v;
}

static float bf16_at(const uint8_t *sram, uint32_t at)
{
    uint32_t bits = (uint32_t)(sram[at] | sram[at + 1] << 8) << 16;
    float v;
    memcpy(&v, &bits, 4);
    return v;
}

/* Weight a[i][k] of a DOT or a[k][i] of an AXPY in product j. */
static float weight(const struct stream_desc *d, const uint8_t *sram, uint32_t j, uint32_t i,
                    uint32_t k)
{
    uint32_t base = d->src0 + j * d->src0_step;
    switch (d->op) {
    case STREAM_DOT_F32:
        return f32_at(sram, base + i * d->row_bytes + 4 * k);
    case STREAM_DOT_BF16:
        return bf16_at(sram, base + i * d->row_bytes + 2 * k);
    case STREAM_AXPY_F32:
        return f32_at(sram, base + k * d->row_bytes + 4 * i);
    case STREAM_AXPY_BF16:
        return bf16_at(sram, base + k * d->row_bytes + 2 * i);
    default: /* int4 */
        return (float)((sram[base + i * d->row_bytes + k / 2] >> (k % 2 ? 4 : 0) & 15) - 8);
    }
}

static float product(const struct stream_desc *d, const uint8_t *sram, uint32_t j, uint32_t i)
{
    float y = d->flags & STREAM_ACCUMULATE ? f32_at(sram, d->dst + j * d->dst_step + 4 * i) : 0;
    float s = 0;
    uint32_t scales = d->scales + (j * d->count + i) * d->scale_row_bytes;
    for (uint32_t k = 0; k < d->cols; k++) {
        float x = f32_at(sram, d->src1 + j * d->src1_step + 4 * k);
        if (d->op != STREAM_DOT_INT4) {
            y = fmaf(weight(d, sram, j, i, k), x, y);
            continue;
        }
        uint32_t place = d->phase + k;
        s = fmaf(weight(d, sram, j, i, k), x, s);
        if (place % 32 == 31 || k + 1 == d->cols) {
            y = fmaf(bf16_at(sram, scales + 2 * (place / 32)), s, y);
            s = 0;
        }
    }
    return y;
}

static float elementwise(const struct stream_desc *d, const uint8_t *sram, uint32_t i)
{
    float a = f32_at(sram, d->src0 + 4 * i);
    if (d->op == STREAM_ADD)
        return a + f32_at(sram, d->src1 + 4 * i);
    if (d->op == STREAM_MUL)
        return a * f32_at(sram, d->src1 + 4 * i);
    return a * f32_at(sram, d->src1);
}

static uint32_t bits_of_result(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, 4);
    return isnan(v) ? 0x7fc00000u : bits;
}

static void check_run(uint8_t op, uint32_t run, uint8_t *sram, uint8_t *before)
{
    struct stream_desc d;
    cross_prepare(op, run, &d, sram);
    CHECK_EQ(stream_check(&d), STREAM_OK);
    memcpy(before, sram, TILE_SRAM_BYTES);
    numerics_execute(&d, sram);
    uint32_t batch = op >= STREAM_DOT_F32 && d.batch ? d.batch : 1;
    for (uint32_t j = 0; j < batch; j++)
        for (uint32_t i = 0; i < d.count; i++) {
            uint32_t at = d.dst + j * d.dst_step + 4 * i, word;
            memcpy(&word, sram + at, 4);
            float should =
                op >= STREAM_DOT_F32 ? product(&d, before, j, i) : elementwise(&d, before, i);
            CHECK_MSG(word == bits_of_result(should), "op %u run %u output %u of product %u", op,
                      run, i, j);
            memcpy(before + at, &word, 4); /* so that what is left must be untouched */
        }
    CHECK(memcmp(sram, before, TILE_SRAM_BYTES) == 0);
}

TEST(numerics_cross_agrees_with_plain_loops)
{
    uint8_t *sram = calloc(1, TILE_SRAM_BYTES), *before = malloc(TILE_SRAM_BYTES);
    for (unsigned op = STREAM_ADD; op <= STREAM_AXPY_BF16; op++)
        for (uint32_t run = 0; run < CROSS_RUNS; run++)
            check_run((uint8_t)op, run, sram, before);
    free(sram);
    free(before);
}

TEST(numerics_cross_checksums)
{
    uint8_t *sram = calloc(1, TILE_SRAM_BYTES);
    CHECK_EQ(cross_expected_count, STREAM_OP_END - 1);
    for (uint32_t i = 0; i < cross_expected_count; i++) {
        uint32_t sum = cross_run(cross_expected[i].op, sram);
        CHECK_MSG(sum == cross_expected[i].sum, "op %u: 0x%08x, not 0x%08x", cross_expected[i].op,
                  sum, cross_expected[i].sum);
    }
    free(sram);
}
