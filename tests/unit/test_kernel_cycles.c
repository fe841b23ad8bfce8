/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_cycles.c - what kernels take for each item on the plain core, wake and sleep
 * included, against the cycles that placement reckons with (place/share.h). */
#include "harness.h"
#include "place/share.h"
#include "stand_in.h"

#include <stdio.h>
#include <string.h>

enum {
    FOREVER = 100000,
    TASK = TILE_PROGRAM_OFFSET + 64,
    ARGS = TASK + 64,
    STATE = ARGS + 64,
    PAIRS = STATE + 64,
    A = PAIRS + 0x800,
    B = A + 0x1000,
    C = B + 0x1000,
    D = C + 0x1000
};

struct kernel_run {
    enum kernel kernel;
    struct token_state state;
    union {
        struct args_swiglu swiglu;
        struct args_norm_rope norm_rope;
        struct args_score score;
        struct args_sigmoid sigmoid;
    } args;
};

/* Cycles from the event that wakes the tile until it sleeps again; the second run of a tile. */
static uint32_t cycles(const struct kernel_run *r)
{
    struct program_task task = {.need = 1, .kernel = (uint8_t)r->kernel, .args = ARGS};
    static const struct program_header header = {
        PROGRAM_MAGIC, PROGRAM_VERSION, 512, 0, 0, TASK, 1, 0, 0};
    struct stand_in s;

    stand_in_open(&s, "tile.bin", TILE_SRAM_BASE);
    memcpy(s.sram + TILE_PROGRAM_OFFSET, &header, sizeof header);
    memcpy(s.sram + TASK, &task, sizeof task);
    memcpy(s.sram + ARGS, &r->args, sizeof r->args);
    memcpy(s.sram + STATE, &r->state, sizeof r->state);
    for (uint32_t i = 0; i < 0x400; i++) {
        float x = 0.25f + 0.001f * (float)i;
        for (uint32_t array = 0; array < 3; array++)
            memcpy(&s.sram[A + array * 0x1000 + 4 * i], &x, sizeof x);
    }
    for (uint32_t i = 0; i < 64; i++) {
        struct rope_pair pair = {0x12345678 + i, 0x01234567, (uint16_t)(A + 8 * i), 0};
        memcpy(s.sram + PAIRS + i * sizeof pair, &pair, sizeof pair);
    }
    stand_in_run(&s, FOREVER);
    stand_in_event(&s, 0);
    stand_in_run(&s, FOREVER);
    stand_in_event(&s, 0);
    uint32_t taken = stand_in_run(&s, FOREVER);
    CHECK_EQ(s.fault, 0);
    CHECK_EQ(s.core.trap.count, 0);
    stand_in_close(&s);
    return taken;
}

/* Within a tenth for each of `items` more. */
static void check(const char *what, const struct kernel_run *few, const struct kernel_run *many,
                  uint32_t items, uint32_t reckoned)
{
    uint32_t fixed = cycles(few), all = cycles(many);
    double each = (double)(all - fixed) / items;
    printf("# %s: %u cycles, %.1f more for each\n", what, fixed, each);
    CHECK_MSG(each > 0.9 * reckoned && each < 1.1 * reckoned, "%s: %.1f each, not %u", what, each,
              reckoned);
}

TEST(kernel_cycles_of_swiglu)
{
    struct kernel_run none = {
        .kernel = KERNEL_swiglu,
        .args.swiglu = {
            .gate = A, .up = B, .out = C, .width = 100, .experts = 1, .weights = D, .r_in = A}};
    struct kernel_run many = none;
    many.args.swiglu.count = 80;
    check("swiglu value", &none, &many, 80, CYCLES_SWIGLU);
}

TEST(kernel_cycles_of_sigmoid)
{
    struct kernel_run none = {.kernel = KERNEL_sigmoid, .args.sigmoid = {.z = A, .out = B}};
    struct kernel_run many = none;
    many.args.sigmoid.count = 80;
    check("sigmoid value", &none, &many, 80, CYCLES_SIGMOID);
}

TEST(kernel_cycles_of_norm_rope)
{
    struct kernel_run none = {
        .kernel = KERNEL_norm_rope,
        .state = {7, 0},
        .args.norm_rope = {.src = A, .dst = B, .state = STATE, .pairs = PAIRS}};
    struct kernel_run scaled = none, pairs = none;
    scaled.args.norm_rope.scaled = 80;
    pairs.args.norm_rope.pair_count = 40;
    check("scaled word", &none, &scaled, 80, CYCLES_SCALED_WORD);
    check("RoPE pair", &none, &pairs, 40, CYCLES_ROPE_PAIR);
}

TEST(kernel_cycles_of_scores)
{
    struct kernel_run none = {.kernel = KERNEL_score_max,
                              .args.score = {.scale = 1,
                                             .scores = A,
                                             .max = C,
                                             .sum = C + 64,
                                             .exp = D,
                                             .heads = 1,
                                             .state = STATE}};
    struct kernel_run many = none;
    many.state.cached = 80;
    check("score_max score", &none, &many, 80, CYCLES_SCORE_MAX);
    none.kernel = many.kernel = KERNEL_score_exp;
    check("score_exp score", &none, &many, 80, CYCLES_SCORE_EXP);
    none.args.score.share = many.args.score.share = 1;
    check("score_exp score, shared", &none, &many, 80, CYCLES_SCORE_EXP + CYCLES_SCORE_CLEAR);
}
