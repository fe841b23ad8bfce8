/* SPDX-License-Identifier: Apache-2.0 */
/* test_numerics.c - stream arithmetic on the tile's own floating-point unit: known bit patterns,
 * and the checksums that x86 reproduces. */
#include "tests/firmware/bench.h"
#include "tests/firmware/cross.h"

#include "hal/numerics.h"
#include "hal/sram.h"

/* 2^-24 is half a unit of 1.0. */
#define ONE 0x3f800000u
#define HALF_ULP 0x33800000u
#define NAN_CANONICAL 0x7fc00000u
#define INFINITY_BITS 0x7f800000u

static void add_rounds_to_even(void)
{
    CHECK_EQ(numerics_word(STREAM_ADD_RECV, ONE, HALF_ULP), ONE);
    CHECK_EQ(numerics_word(STREAM_ADD_RECV, ONE + 1, HALF_ULP), ONE + 2);
    CHECK_EQ(numerics_word(STREAM_ADD_SEND, ONE, HALF_ULP + 1), ONE + 1);
    CHECK_EQ(numerics_word(STREAM_ADD_SEND, 0x3f800000, 0xbf800000), 0);
    CHECK_EQ(numerics_word(STREAM_ADD_SEND, 0x80000000, 0x80000000), 0x80000000);
}

static void add_keeps_subnormals(void)
{
    CHECK_EQ(numerics_word(STREAM_ADD_RECV, 1, 1), 2);
    CHECK_EQ(numerics_word(STREAM_ADD_RECV, 0x00800000, 0x807fffff), 1);
    CHECK_EQ(numerics_word(STREAM_ADD_RECV, 0x7f7fffff, 0x7f7fffff), INFINITY_BITS);
}

static void add_gives_the_canonical_nan(void)
{
    CHECK_EQ(numerics_word(STREAM_ADD_RECV, 0xffffffff, ONE), NAN_CANONICAL);
    CHECK_EQ(numerics_word(STREAM_ADD_RECV, 0x7f800001, ONE), NAN_CANONICAL);
    CHECK_EQ(numerics_word(STREAM_ADD_RECV, INFINITY_BITS, 0xff800000), NAN_CANONICAL);
}

static void max_is_riscv_fmax(void)
{
    CHECK_EQ(numerics_word(STREAM_MAX_RECV, 0x80000000, 0), 0);
    CHECK_EQ(numerics_word(STREAM_MAX_RECV, 0, 0x80000000), 0);
    CHECK_EQ(numerics_word(STREAM_MAX_SEND, 0x7fc00000, 0xc0000000), 0xc0000000);
    CHECK_EQ(numerics_word(STREAM_MAX_SEND, 0xc0000000, 0x7f800001), 0xc0000000);
    CHECK_EQ(numerics_word(STREAM_MAX_SEND, 0xffc12345, 0x7fc00001), NAN_CANONICAL);
    CHECK_EQ(numerics_word(STREAM_MAX_RECV, 0xff800000, 0xff7fffff), 0xff7fffff);
}

static void moves_keep_the_bits_of_a_nan(void)
{
    CHECK_EQ(numerics_word(STREAM_SEND, 1, 0x7f812345), 0x7f812345);
    CHECK_EQ(numerics_word(STREAM_RECV, 0xffc54321, 1), 0xffc54321);
    CHECK_EQ(numerics_word(STREAM_FORWARD, 0x7f800001, 1), 0x7f800001);
    sram_set(ROOM, 0x7f812345);
    numerics_execute(
        &(struct stream_desc){.op = STREAM_COPY, .count = 1, .src0 = ROOM, .dst = ROOM + 4},
        hal_sram(0));
    CHECK_EQ(sram_get(ROOM + 4), 0x7f812345);
}

/* (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24; minus (1 + 2^-11) it is 2^-24 if and only if the product was
 * not rounded. */
static void dot_fuses_multiply_and_add(void)
{
    static const uint32_t w = 0x3f800800, minus = 0xbf801000;
    sram_set(ROOM, w);
    sram_set(ROOM + 4, minus);
    struct stream_desc d = {.op = STREAM_DOT_F32,
                            .flags = STREAM_ACCUMULATE,
                            .count = 1,
                            .cols = 1,
                            .row_bytes = 4,
                            .src0 = ROOM,
                            .src1 = ROOM,
                            .dst = ROOM + 4};
    numerics_execute(&d, hal_sram(0));
    CHECK_EQ(sram_get(ROOM + 4), HALF_ULP);
}

/* In order: 2^24 + 1 - 2^24 = 0 in binary32, 2^24 - 2^24 + 1 = 1. */
static void dot_adds_in_column_order(void)
{
    static const uint32_t row[] = {0x4b800000, 0x3f800000, 0xcb800000,
                                   0x4b800000, 0xcb800000, 0x3f800000};
    static const uint32_t ones[] = {ONE, ONE, ONE};
    sram_set_words(ROOM, row, 6);
    sram_set_words(ROOM + 0x40, ones, 3);
    struct stream_desc d = {.op = STREAM_DOT_F32,
                            .count = 2,
                            .cols = 3,
                            .row_bytes = 12,
                            .src0 = ROOM,
                            .src1 = ROOM + 0x40,
                            .dst = ROOM + 0x80};
    numerics_execute(&d, hal_sram(0));
    CHECK_EQ(sram_get(ROOM + 0x80), 0);
    CHECK_EQ(sram_get(ROOM + 0x84), ONE);
}

/* bf16 1.5, -2, 0.25 against 2, 3, 4: 3 - 6 + 1 = -2. */
static void dot_bf16_small(void)
{
    static const uint32_t x[] = {0x40000000, 0x40400000, 0x40800000};
    sram_set(ROOM, 0xc0003fc0);
    sram_set(ROOM + 4, 0x00003e80);
    sram_set_words(ROOM + 0x40, x, 3);
    struct stream_desc d = {.op = STREAM_DOT_BF16,
                            .count = 1,
                            .cols = 3,
                            .row_bytes = 6,
                            .src0 = ROOM,
                            .src1 = ROOM + 0x40,
                            .dst = ROOM + 0x80};
    numerics_execute(&d, hal_sram(0));
    CHECK_EQ(sram_get(ROOM + 0x80), 0xc0000000);
}

/* Columns 31, 32, 33 of a matrix (phase 31): nibbles 15, 0, 9 are 7, -8, 1; x = 1, 2, 3. The first
 * is a group by itself with scale 2, the others have scale 0.5: 14 + (-16 + 3) / 2 = 7.5. */
static void dot_int4_splits_at_the_group(void)
{
    static const uint32_t x[] = {0x3f800000, 0x40000000, 0x40400000};
    sram_set(ROOM, 0x0000090f);
    sram_set(ROOM + 8, 0x3f004000);
    sram_set_words(ROOM + 0x40, x, 3);
    struct stream_desc d = {.op = STREAM_DOT_INT4,
                            .count = 1,
                            .cols = 3,
                            .row_bytes = 2,
                            .scales = ROOM + 8,
                            .scale_row_bytes = 4,
                            .phase = 31,
                            .src0 = ROOM,
                            .src1 = ROOM + 0x40,
                            .dst = ROOM + 0x80};
    numerics_execute(&d, hal_sram(0));
    CHECK_EQ(sram_get(ROOM + 0x80), 0x40f00000);
}

/* The same matrix by columns: y = 2 (1, 2) + 3 (10, 20) = (32, 64). */
static void axpy_walks_rows_of_inputs(void)
{
    static const uint32_t a[] = {0x3f800000, 0x40000000, 0x41200000, 0x41a00000};
    static const uint32_t x[] = {0x40000000, 0x40400000};
    sram_set_words(ROOM, a, 4);
    sram_set_words(ROOM + 0x40, x, 2);
    struct stream_desc d = {.op = STREAM_AXPY_F32,
                            .count = 2,
                            .cols = 2,
                            .row_bytes = 8,
                            .src0 = ROOM,
                            .src1 = ROOM + 0x40,
                            .dst = ROOM + 0x80};
    numerics_execute(&d, hal_sram(0));
    CHECK_EQ(sram_get(ROOM + 0x80), 0x42000000);
    CHECK_EQ(sram_get(ROOM + 0x84), 0x42800000);
}

/* 1 + 2^-8 is half way between 1 and 1 + 2^-7; 1 + 3 * 2^-8 half way to the next even. */
static void round_bf16_known_values(void)
{
    static const uint32_t a[] = {0x3f808000, 0x3f818000, 0x3f808001, 0xbf807fff, 0x7f7f7fff,
                                 0x7f7f8000, 0xff7f8000, 0xff800000, 0x7f800001, 0xffffffff,
                                 0x80000000, 0x00008000, 0x00018000, 0x807f8000};
    static const uint32_t d[] = {0x3f823f80, 0xbf803f81, 0x7f807f7f, 0xff80ff80,
                                 0x7fc07fc0, 0x00008000, 0x80800002};
    enum { COUNT = sizeof a / sizeof *a };
    sram_set_words(ROOM, a, COUNT);
    sram_set(ROOM + 0x80 + 2 * COUNT, ONE);
    numerics_execute(
        &(struct stream_desc){
            .op = STREAM_ROUND_BF16, .count = COUNT, .src0 = ROOM, .dst = ROOM + 0x80},
        hal_sram(0));
    for (uint32_t i = 0; i < COUNT / 2; i++)
        CHECK_EQ(sram_get(ROOM + 0x80 + 4 * i), d[i]);
    CHECK_EQ(sram_get(ROOM + 0x80 + 2 * COUNT), ONE);
}

static void random_runs_match_x86(void)
{
    CHECK_EQ(cross_expected_count, STREAM_OP_END - 1);
    for (uint32_t i = 0; i < cross_expected_count; i++)
        CHECK_EQ(cross_run(cross_expected[i].op, hal_sram(0)), cross_expected[i].sum);
}

const struct bench_test tests_numerics[] = {
    {"add_rounds_to_even", add_rounds_to_even},
    {"add_keeps_subnormals", add_keeps_subnormals},
    {"add_gives_the_canonical_nan", add_gives_the_canonical_nan},
    {"max_is_riscv_fmax", max_is_riscv_fmax},
    {"moves_keep_the_bits_of_a_nan", moves_keep_the_bits_of_a_nan},
    {"dot_fuses_multiply_and_add", dot_fuses_multiply_and_add},
    {"dot_adds_in_column_order", dot_adds_in_column_order},
    {"dot_bf16_small", dot_bf16_small},
    {"dot_int4_splits_at_the_group", dot_int4_splits_at_the_group},
    {"axpy_walks_rows_of_inputs", axpy_walks_rows_of_inputs},
    {"round_bf16_known_values", round_bf16_known_values},
    {"random_runs_match_x86", random_runs_match_x86},
    {0, 0}};
