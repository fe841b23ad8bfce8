/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernels.c - every kernel on the tile's own core. Values with many digits were computed in
 * double precision elsewhere and rounded once; NEAR allows a kernel two units in the last place. */
#include "tests/firmware/bench.h"
#include "tests/firmware/cross_kernels.h"

#include "firmware/fault.h"
#include "firmware/kernels/kernels.h"
#include "hal/sram.h"
#include "hal/virt/port.h"

enum { ARGS = ROOM, STATE = ROOM + 0x80, A = ROOM + 0x100, B = ROOM + 0x200, C = ROOM + 0x300 };
enum { OUT = ROOM + 0x400, DESC = ROOM + 0x500, LIST = ROOM + 0x600 };

#define F_0 0x00000000u
#define F_HALF 0x3f000000u
#define F_1 0x3f800000u
#define F_2 0x40000000u
#define F_3 0x40400000u
#define F_4 0x40800000u
#define F_LEAST 0xff7fffffu

#define CHECK_NEAR(at, value) check_near(__LINE__, at, value)
#define SET(offset, ...)                                                                           \
    sram_set_words(offset, (const uint32_t[]){__VA_ARGS__},                                        \
                   sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static void check_near(uint32_t line, uint32_t at, uint32_t should)
{
    uint32_t is = sram_get(at);
    if (is - should + 2 > 4)
        bench_fail(__FILE__, line, "word", is, should);
}

static uint16_t sram_half(uint32_t offset)
{
    return *(const uint16_t *)hal_sram(offset);
}

/* ---- token ---- */

/* Row 1 of 4: it holds positions 1, 5, 9, ... */
static void token_at(uint32_t position_bits)
{
    struct args_token a = {.x = A,
                           .state = STATE,
                           .row = 1,
                           .rows = 4,
                           .slots = 3,
                           .slot_bytes = 0x20,
                           .cache = 0x8000,
                           .store = DESC,
                           .store_words = 8,
                           .patch_count = 1,
                           .patches = B};
    struct token_patch patch = {.at = C, .times = 3, .plus = 2};
    __builtin_memcpy(hal_sram(ARGS), &a, sizeof a);
    __builtin_memcpy(hal_sram(B), &patch, sizeof patch);
    sram_set(A, position_bits);
    kernel_token(ARGS);
}

static void token_counts_its_share(void)
{
    const struct stream_desc *d = hal_sram(DESC);
    token_at(F_0); /* held by row 0 */
    CHECK_EQ(sram_get(STATE), 0);
    CHECK_EQ(sram_get(STATE + 4), 0);
    CHECK_EQ(d->count, 0);
    CHECK_EQ(sram_half(C), 2);
    token_at(0x40a00000); /* 5: the second of ours */
    CHECK_EQ(sram_get(STATE), 5);
    CHECK_EQ(sram_get(STATE + 4), 2);
    CHECK_EQ(d->count, 8);
    CHECK_EQ(d->dst, 0x8020);
    CHECK_EQ(sram_half(C), 8);
    token_at(0x41000000); /* 8: row 0 again */
    CHECK_EQ(sram_get(STATE + 4), 2);
    CHECK_EQ(d->count, 0);
}

static void token_13(void)
{
    token_at(0x41500000);
}

static void token_minus_1(void)
{
    token_at(0xbf800000);
}

static void token_beyond_the_cache_is_a_fault(void)
{
    CHECK_EQ(bench_call(token_13), BENCH_FAULTED); /* slot 3 of 3 */
    CHECK_EQ(port_tile()->fault[VIRT_FAULT_CODE], FAULT_CONTEXT);
    CHECK_EQ(port_tile()->fault[VIRT_FAULT_FILE], FAULT_FILE_TOKEN_C);
    CHECK_EQ(port_tile()->fault[VIRT_FAULT_INFO], 13);
    CHECK(port_tile()->fault[VIRT_FAULT_LINE] > 0);
    CHECK_EQ(bench_call(token_minus_1), BENCH_FAULTED);
    CHECK_EQ(port_tile()->fault[VIRT_FAULT_CODE], FAULT_ARGUMENT);
}

/* ---- norms and RoPE ---- */

static void rsqrt_of_exact_values(void)
{
    struct args_rsqrt a = {.norm = {.inv_n = 0.25f, .eps = 0.0f, .sum = A}, .out = OUT};
    __builtin_memcpy(hal_sram(ARGS), &a, sizeof a);
    sram_set(A, 0x41800000); /* 16 / 4 = 4 */
    kernel_rsqrt(ARGS);
    CHECK_EQ(sram_get(OUT), F_HALF);
    sram_set(A, 0x41400000); /* 12 / 4 = 3 */
    kernel_rsqrt(ARGS);
    CHECK_EQ(sram_get(OUT), 0x3f13cd3a);
}

static void set_norm_rope(const struct args_norm_rope *a)
{
    __builtin_memcpy(hal_sram(ARGS), a, sizeof *a);
}

static void norm_scales_and_copies(void)
{
    struct args_norm_rope a = {.norm = {.inv_n = 0.25f, .sum = A},
                               .src = B,
                               .dst = OUT,
                               .scaled = 3,
                               .copied = 2,
                               .gain = C};
    sram_set(A, 0x41800000); /* r = 1/2 */
    SET(B, F_1, F_2, F_3, F_4, F_HALF);
    SET(C, F_2, F_2, F_4);
    set_norm_rope(&a);
    kernel_norm_rope(ARGS);
    CHECK_EQ(sram_get(OUT), F_1);
    CHECK_EQ(sram_get(OUT + 4), F_2);
    CHECK_EQ(sram_get(OUT + 8), 0x40c00000);
    CHECK_EQ(sram_get(OUT + 12), F_4);
    CHECK_EQ(sram_get(OUT + 16), F_HALF);
    CHECK_EQ(sram_get(OUT + 20), 0);
}

/* Kernel token with one table of one pair at B. */
static void turn_to(uint32_t position)
{
    struct args_token a = {
        .x = A, .state = STATE, .rows = 8, .slots = 60000, .tables = C, .table_count = 1};
    struct rope_table table = {.pairs = B, .count = 1};
    float x = (float)position;
    __builtin_memcpy(hal_sram(ARGS), &a, sizeof a);
    __builtin_memcpy(hal_sram(C), &table, sizeof table);
    __builtin_memcpy(hal_sram(A), &x, sizeof x);
    kernel_token(ARGS);
}

/* Rotate (1, 0) by position * turns / 2^64 turns; cosine and sine are then in the pair. */
static void rotate_one(uint32_t position, uint32_t turns_high, uint32_t turns_low)
{
    struct args_norm_rope a = {.src = OUT, .dst = OUT, .pairs = B, .pair_count = 1};
    struct rope_pair pair = {.turns_low = turns_low, .turns_high = turns_high, .at = OUT};
    __builtin_memcpy(hal_sram(B), &pair, sizeof pair);
    SET(OUT, F_1, F_0);
    turn_to(position);
    set_norm_rope(&a);
    kernel_norm_rope(ARGS);
}

static void rope_quarter_turns_are_exact(void)
{
    rotate_one(1, 0x40000000, 0);
    CHECK_EQ(sram_get(OUT) & 0x7fffffff, 0);
    CHECK_EQ(sram_get(OUT + 4), F_1);
    rotate_one(5, 0x40000000, 0); /* four of the five quarters are nothing */
    CHECK_EQ(sram_get(OUT + 4), F_1);
    rotate_one(2, 0x40000000, 0);
    CHECK_EQ(sram_get(OUT), 0xbf800000);
    rotate_one(3, 0x40000000, 0);
    CHECK_EQ(sram_get(OUT + 4), 0xbf800000);
}

static void rope_far_positions_are_accurate(void)
{
    rotate_one(1, 0x20000000, 0);
    CHECK_NEAR(OUT, 0x3f3504f3);
    CHECK_NEAR(OUT + 4, 0x3f3504f3);
    rotate_one(1, 0x12345678, 0x9abcdef1);
    CHECK_NEAR(OUT, 0x3f66de7f);
    CHECK_NEAR(OUT + 4, 0x3edd3a58);
    rotate_one(1000, 0x12345678, 0x9abcdef1);
    CHECK_NEAR(OUT, 0x3f441b7d);
    CHECK_NEAR(OUT + 4, 0x3f248dbb);
    rotate_one(262143, 0x12345678, 0x9abcdef1);
    CHECK_NEAR(OUT, 0xbe3fe0e3);
    CHECK_NEAR(OUT + 4, 0x3f7b772d);
}

/* ---- attention ---- */

static const struct args_score score_args = {
    .scale = 0.5f, .scores = A, .max = B, .sum = C, .exp = OUT, .heads = 2, .state = STATE};

static void softmax_in_two_steps(void)
{
    __builtin_memcpy(hal_sram(ARGS), &score_args, sizeof score_args);
    sram_set(STATE + 4, 2);
    SET(A, F_2, F_4, 0xc0a00000, F_0); /* times 0.5: 1, 2 and -2.5, 0 */
    kernel_score_max(ARGS);
    CHECK_EQ(sram_get(A), F_2);
    CHECK_EQ(sram_get(B), F_4);
    CHECK_EQ(sram_get(B + 4), F_0);
    kernel_score_exp(ARGS);
    CHECK_NEAR(OUT, 0x3ebc5ab2); /* exp(-1) */
    CHECK_EQ(sram_get(OUT + 4), F_1);
    CHECK_NEAR(OUT + 8, 0x3da81c2e); /* exp(-2.5) */
    CHECK_EQ(sram_get(OUT + 12), F_1);
    CHECK_NEAR(C, 0x3faf16ac); /* 1.36787944 */
}

static void softmax_of_nothing(void)
{
    __builtin_memcpy(hal_sram(ARGS), &score_args, sizeof score_args);
    sram_set(B, F_1);
    sram_set(C, F_1);
    kernel_score_max(ARGS);
    CHECK_EQ(sram_get(B), F_LEAST);
    CHECK_EQ(sram_get(B + 4), F_LEAST);
    kernel_score_exp(ARGS);
    CHECK_EQ(sram_get(C), F_0);
    CHECK_EQ(sram_get(OUT), 0);
}

static void reciprocal_of_each(void)
{
    struct args_reciprocal a = {.src = A, .dst = OUT, .count = 2};
    __builtin_memcpy(hal_sram(ARGS), &a, sizeof a);
    SET(A, F_HALF, F_4, F_1);
    sram_set(OUT + 8, F_3);
    kernel_reciprocal(ARGS);
    CHECK_EQ(sram_get(OUT), F_2);
    CHECK_EQ(sram_get(OUT + 4), 0x3e800000); /* 0.25 */
    CHECK_EQ(sram_get(OUT + 8), F_3);
}

/* ---- experts ---- */

static void sigmoid_known_values(void)
{
    struct args_sigmoid a = {.z = A, .out = OUT, .count = 4, .r_out = B};
    __builtin_memcpy(hal_sram(ARGS), &a, sizeof a);
    SET(A, F_0, F_1, 0xc0400000, 0x42c80000); /* 0, 1, -3, 100 */
    kernel_sigmoid(ARGS);
    CHECK_EQ(sram_get(OUT), F_HALF);
    CHECK_NEAR(OUT + 4, 0x3f3b26a8);
    CHECK_NEAR(OUT + 8, 0x3d4241a2);
    CHECK_EQ(sram_get(OUT + 12), F_1);
    CHECK_EQ(sram_get(B), F_1);
}

static const struct args_topk topk_args = {
    .factor = 2.0f, .scores = A, .experts = 8, .top_k = 2, .ids = OUT, .weights = B, .scratch = C};

static void topk_lower_expert_wins_a_tie(void)
{
    __builtin_memcpy(hal_sram(ARGS), &topk_args, sizeof topk_args);
    SET(A, F_1, F_3, F_HALF, F_3, F_2, F_3, F_0, F_1);
    kernel_topk(ARGS);
    CHECK_EQ(sram_get(OUT), 1);
    CHECK_EQ(sram_get(OUT + 4), 3);
    CHECK_EQ(sram_get(B), 0x40c00000);
}

/* The bias chooses, the score weighs: 1 and 3 of 4, times 2. */
static void topk_bias_only_chooses(void)
{
    struct args_topk a = topk_args;
    a.bias = DESC;
    a.normalise = 1;
    __builtin_memcpy(hal_sram(ARGS), &a, sizeof a);
    SET(A, F_4, F_1, F_0, F_0, F_0, F_0, F_0, F_3);
    SET(DESC, F_0, 0x42c80000, F_0, F_0, F_0, F_0, F_0, 0x42480000);
    kernel_topk(ARGS);
    CHECK_EQ(sram_get(OUT), 1);
    CHECK_EQ(sram_get(OUT + 4), 7);
    CHECK_EQ(sram_get(B), F_HALF);
    CHECK_EQ(sram_get(B + 4), 0x3fc00000);
}

/* Four groups of two. The best expert (4, in group 2) is alone; group 1 has the best pair. */
static void topk_groups_go_by_their_best_two(void)
{
    struct args_topk a = topk_args;
    a.groups = 4;
    a.group_k = 1;
    __builtin_memcpy(hal_sram(ARGS), &a, sizeof a);
    SET(A, F_1, F_1, F_3, F_3, F_4, F_1, F_0, F_0);
    kernel_topk(ARGS);
    CHECK_EQ(sram_get(OUT), 2);
    CHECK_EQ(sram_get(OUT + 4), 3);
}

static void select_points_at_slices(void)
{
    struct args_select a = {.ids = A, .count = 1, .entries = LIST};
    struct select_entry e = {.desc = DESC,
                             .slot = 1,
                             .weight = 0x4000,
                             .weight_step = 0x100,
                             .scale = 0x5000,
                             .scale_step = 0x10};
    const struct stream_desc *d = hal_sram(DESC);
    __builtin_memcpy(hal_sram(ARGS), &a, sizeof a);
    __builtin_memcpy(hal_sram(LIST), &e, sizeof e);
    SET(A, 9, 3);
    kernel_select(ARGS);
    CHECK_EQ(d->src0, 0x4300);
    CHECK_EQ(d->scales, 0x5030);
}

static void call_select(void)
{
    kernel_select(ARGS);
}

static void select_of_an_impossible_expert_is_a_fault(void)
{
    select_points_at_slices();
    SET(A, 9, 0xc0);
    CHECK_EQ(bench_call(call_select), BENCH_FAULTED);
    CHECK_EQ(port_tile()->fault[VIRT_FAULT_CODE], FAULT_ARGUMENT);
    CHECK_EQ(port_tile()->fault[VIRT_FAULT_INFO], 0x10000);
}

static void swiglu_weighs_experts_and_not_the_shared(void)
{
    struct args_swiglu a = {
        .gate = A, .up = B, .out = OUT, .count = 5, .width = 2, .experts = 2, .weights = C};
    __builtin_memcpy(hal_sram(ARGS), &a, sizeof a);
    SET(A, F_1, F_0, 0xc0000000, F_HALF, F_1);
    SET(B, F_2, F_3, F_1, F_2, F_2);
    SET(C, F_HALF, F_4);
    kernel_swiglu(ARGS);
    CHECK_NEAR(OUT, 0x3f3b26a8); /* silu(1) * 2 * 0.5 */
    CHECK_EQ(sram_get(OUT + 4), F_0);
    CHECK_NEAR(OUT + 8, 0xbf7420a9);  /* silu(-2) * 4 */
    CHECK_NEAR(OUT + 12, 0x401f597f); /* silu(0.5) * 2 * 4 */
    CHECK_NEAR(OUT + 16, 0x3fbb26a8); /* silu(1) * 2 */
}

/* Experts 2, 3, 4 of a row against 3 and 4 of a column: 3 is beaten by 2, its equal before it; 4 by
 * all. Biases make 4 the best. */
static void rank_counts_who_is_better(void)
{
    struct args_rank_count a = {.theirs = A,
                                .their_first = 2,
                                .their_count = 3,
                                .mine = B,
                                .my_first = 3,
                                .my_count = 2,
                                .out = OUT};
    __builtin_memcpy(hal_sram(ARGS), &a, sizeof a);
    SET(A, F_2, F_2, F_1);
    SET(B, F_2, F_1);
    kernel_rank_count(ARGS);
    CHECK_EQ(sram_get(OUT), F_1);
    CHECK_EQ(sram_get(OUT + 4), F_2);
    a.their_bias = C;
    a.my_bias = C + 4;
    __builtin_memcpy(hal_sram(ARGS), &a, sizeof a);
    SET(C, F_0, F_0, F_4);
    kernel_rank_count(ARGS);
    CHECK_EQ(sram_get(OUT), F_2);
    CHECK_EQ(sram_get(OUT + 4), F_0);
}

static void rank_places_what_is_chosen(void)
{
    struct args_rank_place a = {
        .mine = A, .ranks = B, .my_first = 6, .my_count = 3, .top_k = 2, .out = OUT};
    __builtin_memcpy(hal_sram(ARGS), &a, sizeof a);
    SET(A, F_HALF, F_3, F_4);
    SET(B, F_2, F_1, F_3);
    SET(OUT, F_1, F_1, F_1, F_1, F_1);
    kernel_rank_place(ARGS);
    CHECK_EQ(sram_get(OUT), F_1);
    CHECK_EQ(sram_get(OUT + 4), 0x41000000); /* expert 7 */
    CHECK_EQ(sram_get(OUT + 8), F_1);
    CHECK_EQ(sram_get(OUT + 12), F_3);
    CHECK_EQ(sram_get(OUT + 16), F_1);
}

static void call_rank_finish(void)
{
    kernel_rank_finish(ARGS);
}

static void rank_finish_makes_ids_and_weights(void)
{
    struct args_rank_finish a = {
        .factor = 2.0f, .sums = A, .top_k = 2, .ids = OUT, .weights = B, .normalise = 1};
    __builtin_memcpy(hal_sram(ARGS), &a, sizeof a);
    SET(A, F_4, F_1, F_3, F_1);
    kernel_rank_finish(ARGS);
    CHECK_EQ(sram_get(OUT), 3);
    CHECK_EQ(sram_get(OUT + 4), 0);
    CHECK_EQ(sram_get(B), 0x3fc00000); /* 3 / 4 * 2 */
    CHECK_EQ(sram_get(B + 4), F_HALF);
    sram_set(A + 4, F_0);
    CHECK_EQ(bench_call(call_rank_finish), BENCH_FAULTED);
    CHECK_EQ(port_tile()->fault[VIRT_FAULT_CODE], FAULT_ARGUMENT);
    CHECK_EQ(port_tile()->fault[VIRT_FAULT_INFO], 1);
}

static void call_select_units(void)
{
    kernel_select_units(ARGS);
}

/* Of 64 experts this tile holds 3, 31 and 33; the last is in the second group of columns. */
static void select_units_points_at_blocks(void)
{
    struct args_select_units a = {.ids = A,
                                  .count = 2,
                                  .experts = 64,
                                  .table = B,
                                  .desc = DESC,
                                  .field = 12, /* src1 */
                                  .weight = 0x4000,
                                  .scale = 0x4080,
                                  .block_bytes = 0x100,
                                  .base = 0x5000,
                                  .step = 0x60,
                                  .cols = 24};
    const struct stream_desc *d = hal_sram(DESC);
    __builtin_memcpy(hal_sram(ARGS), &a, sizeof a);
    SET(A, 0x42080000, 0x40a00000); /* places 34 and 5: experts 33 and 4 */
    for (uint32_t e = 0; e < 64; e += 4)
        SET(B + e, 0x7f7f7f7f);
    SET(B, 0x037f7f7f);      /* expert 3 */
    SET(B + 28, 0x1e7f7f7f); /* 31 */
    SET(B + 32, 0x7f7f9f7f); /* 33 */
    SET(DESC + 32, 1, 2, 3, 4, 5, 6, 7, 8);
    kernel_select_units(ARGS);
    CHECK_EQ(d->src0, 0x4200);
    CHECK_EQ(d->scales, 0x4280);
    CHECK_EQ(d->cols, 24);
    CHECK_EQ(d->src1, 0x5060);
    CHECK_EQ(d->dst, 0);
    CHECK_EQ(d[1].cols, 0);
    CHECK_EQ(d[1].src1, 4);
    a.field = 8; /* dst */
    __builtin_memcpy(hal_sram(ARGS), &a, sizeof a);
    SET(A, 0x42000000, F_4); /* experts 31 and 3 */
    kernel_select_units(ARGS);
    CHECK_EQ(d->src0, 0x4100);
    CHECK_EQ(d->dst, 0x5000);
    CHECK_EQ(d->src1, 0x5060);
    CHECK_EQ(d[1].src0, 0x4000);
    CHECK_EQ(d[1].scales, 0x4080);
    CHECK_EQ(d[1].cols, 24);
    SET(A, 0x42000000, 0x42820000); /* place 65 */
    CHECK_EQ(bench_call(call_select_units), BENCH_FAULTED);
    CHECK_EQ(port_tile()->fault[VIRT_FAULT_CODE], FAULT_ARGUMENT);
    CHECK_EQ(port_tile()->fault[VIRT_FAULT_INFO], 64);
}

static void random_kernels_match_x86(void)
{
    for (uint32_t k = KERNEL_none; k < KERNEL_COUNT; k++)
        CHECK_EQ(cross_kernel_run((enum kernel)k), cross_kernel_expected[k]);
}

const struct bench_test tests_kernels[] = {
    {"token_counts_its_share", token_counts_its_share},
    {"token_beyond_the_cache_is_a_fault", token_beyond_the_cache_is_a_fault},
    {"rsqrt_of_exact_values", rsqrt_of_exact_values},
    {"norm_scales_and_copies", norm_scales_and_copies},
    {"rope_quarter_turns_are_exact", rope_quarter_turns_are_exact},
    {"rope_far_positions_are_accurate", rope_far_positions_are_accurate},
    {"softmax_in_two_steps", softmax_in_two_steps},
    {"softmax_of_nothing", softmax_of_nothing},
    {"reciprocal_of_each", reciprocal_of_each},
    {"sigmoid_known_values", sigmoid_known_values},
    {"topk_lower_expert_wins_a_tie", topk_lower_expert_wins_a_tie},
    {"topk_bias_only_chooses", topk_bias_only_chooses},
    {"topk_groups_go_by_their_best_two", topk_groups_go_by_their_best_two},
    {"select_points_at_slices", select_points_at_slices},
    {"select_of_an_impossible_expert_is_a_fault", select_of_an_impossible_expert_is_a_fault},
    {"swiglu_weighs_experts_and_not_the_shared", swiglu_weighs_experts_and_not_the_shared},
    {"rank_counts_who_is_better", rank_counts_who_is_better},
    {"rank_places_what_is_chosen", rank_places_what_is_chosen},
    {"rank_finish_makes_ids_and_weights", rank_finish_makes_ids_and_weights},
    {"select_units_points_at_blocks", select_units_points_at_blocks},
    {"random_kernels_match_x86", random_kernels_match_x86},
    {0, 0}};
