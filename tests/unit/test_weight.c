/* SPDX-License-Identifier: Apache-2.0 */
/* test_weight.c - decoding of stored weights, and weights that follow a rule. */
#include "harness.h"
#include "model/weight.h"

#include <math.h>
#include <string.h>

static bool same_bytes(const void *a, const void *b, size_t n)
{
    return memcmp(a, b, n) == 0;
}

TEST(weight_fp8_codes_are_e4m3)
{
    for (int code = 0; code < 256; code++) {
        int exponent = code >> 3 & 15, mantissa = code & 7;
        double sign = code & 128 ? -1.0 : 1.0, got = (double)fp8_to_f32((uint8_t)code);
        double want = exponent ? ldexp(1.0 + mantissa / 8.0, exponent - 7) : ldexp(mantissa, -9);
        if ((code & 127) == 127)
            CHECK_MSG(isnan(got), "code %d is %g", code, got);
        else
            CHECK_MSG(got == sign * want && !signbit(got) == (sign > 0), "code %d is %g", code,
                      got);
    }
    CHECK(fp8_to_f32(0x7e) == 448.0f);
    CHECK(fp8_to_f32(0x01) == 0x1p-9f);
}

TEST(weight_bf16_rounds_to_even)
{
    CHECK(bf16_to_f32(0x3f80) == 1.0f && bf16_to_f32(0xc000) == -2.0f);
    CHECK_EQ(bf16_from_f32(1.0f), 0x3f80);
    CHECK_EQ(bf16_from_f32(1.0f + 0x1p-8f), 0x3f80);            /* a tie, down to even */
    CHECK_EQ(bf16_from_f32(1.0f + 0x1p-8f + 0x1p-20f), 0x3f81); /* just above it */
    CHECK_EQ(bf16_from_f32(1.0f + 0x1p-7f + 0x1p-8f), 0x3f82);  /* a tie, up to even */
    CHECK_EQ(bf16_from_f32(-3.4e38f), 0xff80);                  /* beyond the largest: infinity */
    CHECK(isnan(bf16_to_f32(bf16_from_f32((float)NAN))));
    for (uint32_t bits = 0; bits < 0x7f80; bits++)
        CHECK_EQ(bf16_from_f32(bf16_to_f32((uint16_t)bits)), bits);
}

TEST(weight_int4_is_offset_binary_low_nibble_first)
{
    /* two rows of 64; unaligned on purpose */
    uint8_t room[1 + 64];
    uint16_t scales[4] = {0x3f80, 0x4000, 0xbf80, 0x3f00}; /* 1, 2, -1, 0.5 */
    uint8_t *codes = room + 1;
    memset(codes, 0x88, 64);
    codes[0] = 0xf1;       /* columns 0, 1: -7, 7 */
    codes[16] = 0x9e;      /* columns 32, 33: 6, 1, times 2 */
    codes[32 + 31] = 0x7a; /* row 1, columns 62, 63: 2, -1, times 0.5 */
    struct weight w = {
        .kind = WEIGHT_INT4_G32, .rows = 2, .cols = 64, .data = codes, .scales = scales};
    float x[64];
    weight_row_f32(&w, 0, 0, 64, x);
    CHECK(x[0] == -7.0f && x[1] == 7.0f && x[2] == 0.0f && x[32] == 12.0f && x[33] == 2.0f);
    weight_row_f32(&w, 1, 61, 3, x); /* begins in the middle of a byte */
    CHECK(x[0] == 0.0f && x[1] == 1.0f && x[2] == -0.5f);
    uint8_t out[2];
    weight_codes(&w, 1, 60, 4, out);
    CHECK(out[0] == 0x88 && out[1] == 0x7a);
    CHECK_EQ(weight_int4_scale(&w, 1, 0), 0xbf80);
    CHECK_EQ(weight_code_bytes(WEIGHT_INT4_G32, 64), 32);
}

TEST(weight_fp8_blocks_may_be_cut_off)
{
    uint8_t codes[5 * 7];
    memset(codes, 0x38, sizeof codes);              /* 1.0 */
    const float scales[2 * 3] = {1, 2, 3, 4, 5, 6}; /* blocks of 3 x 3 over 5 x 7 */
    struct weight w = {.kind = WEIGHT_FP8_BLOCK,
                       .rows = 5,
                       .cols = 7,
                       .data = codes,
                       .scales = scales,
                       .block_rows = 3,
                       .block_cols = 3};
    for (uint32_t row = 0; row < 5; row++)
        for (uint32_t first = 0; first < 7; first++) {
            float x[7];
            weight_row_f32(&w, row, first, 7 - first, x);
            for (uint32_t col = first; col < 7; col++)
                CHECK(x[col - first] == scales[row / 3 * 3 + col / 3]);
        }
}

TEST(weight_rules_are_the_same_from_everywhere)
{
    static const enum weight_kind kinds[] = {WEIGHT_BF16, WEIGHT_F32, WEIGHT_FP8_BLOCK,
                                             WEIGHT_INT4_G32};
    for (size_t i = 0; i < 4; i++) {
        struct weight w = {.kind = kinds[i],
                           .rows = 3,
                           .cols = 640,
                           .block_rows = 128,
                           .block_cols = 128,
                           .rule = 77,
                           .centre = 0.0f,
                           .spread = 0.5f};
        float whole[640], part[640];
        double sum = 0.0, squares = 0.0;
        weight_row_f32(&w, 2, 0, 640, whole);
        for (uint32_t first = 0; first < 640; first += 37) {
            weight_row_f32(&w, 2, first, 640 - first, part);
            CHECK(same_bytes(part, whole + first, (640 - first) * sizeof *part));
        }
        weight_row_f32(&w, 1, 0, 640, part);
        CHECK(!same_bytes(part, whole, sizeof part));
        for (int k = 0; k < 640; k++) {
            CHECK(fabsf(whole[k]) <= 0.5f * 3.75f); /* FP8: 448 of a deviation of 99.67 */
            sum += (double)whole[k];
            squares += (double)(whole[k] * whole[k]);
        }
        CHECK_MSG(fabs(sum / 640) < 0.06, "kind %zu: mean %g", i, sum / 640);
        CHECK_MSG(squares / 640 > 0.004, "kind %zu: mean square %g", i, squares / 640);
    }
}

TEST(weight_rule_codes_make_its_values)
{
    struct weight w = {.kind = WEIGHT_INT4_G32, .rows = 2, .cols = 96, .rule = 5, .spread = 1.0f};
    uint8_t codes[48];
    float x[96];
    weight_codes(&w, 1, 0, 96, codes);
    weight_row_f32(&w, 1, 0, 96, x);
    struct weight stored = w;
    uint8_t both[96] = {0};
    uint16_t scales[6] = {0};
    memcpy(both + 48, codes, 48);
    for (uint32_t g = 0; g < 3; g++)
        scales[3 + g] = weight_int4_scale(&w, 1, g);
    stored.data = both;
    stored.scales = scales;
    float y[96];
    weight_row_f32(&stored, 1, 0, 96, y);
    CHECK(same_bytes(x, y, sizeof x));
    for (int i = 0; i < 48; i++)
        CHECK((codes[i] & 15) != 0 && codes[i] >> 4 != 0); /* -8 does not occur in the family */
}
