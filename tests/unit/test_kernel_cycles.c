/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_cycles.c - what kernels take for each item on the plain core, wake and sleep
 * included, against the cycles that placement reckons with (place/share.h). */
#include "hal/stream.h"
#include "harness.h"
#include "place/share.h"
#include "stand_in.h"

#include <stddef.h>
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
    D = C + 0x1000,
    IDS = D + 0x200, /* of chosen experts; then what says where they are */
    HELD = IDS + 0x40,
    DESCS = HELD + 0x180,
    ZEROS = DESCS + 0x100,
    TABLES = ZEROS + 0x100, /* one table of pairs */
    TABLE_PAIRS = 10
};

struct kernel_run {
    enum kernel kernel;
    struct token_state state;
    union {
        struct args_token token;
        struct args_swiglu swiglu;
        struct args_norm_rope norm_rope;
        struct args_score score;
        struct args_sigmoid sigmoid;
        struct args_topk topk;
        struct args_rank_count rank_count;
        struct args_rank_place rank_place;
        struct args_rank_finish rank_finish;
        struct args_select_units select_units;
    } args;
    uint8_t table; /* select_units: of every expert */
};

/* Places of eight experts of 384; the tile has all experts, or none. */
static void put_experts(uint8_t *sram, uint8_t table)
{
    for (uint32_t i = 0; i < 8; i++) {
        float place = (float)(48 * i + 6);
        memcpy(sram + IDS + 4 * i, &place, sizeof place);
    }
    memset(sram + HELD, table, 384);
}

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
        float x = 1.25f + 0.001f * (float)(i * 2654435761u >> 20); /* in no order */
        for (uint32_t array = 0; array < 3; array++)
            memcpy(&s.sram[A + array * 0x1000 + 4 * i], &x, sizeof x);
    }
    put_experts(s.sram, r->table);
    memcpy(s.sram + TABLES, &(struct rope_table){PAIRS, TABLE_PAIRS}, sizeof(struct rope_table));
    for (uint32_t i = 0; i < 64; i++) {
        struct rope_pair pair = {0x12345678 + i, 0x01234567, 0.6f, 0.8f, (uint16_t)(A + 8 * i), 0};
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

TEST(kernel_cycles_of_token)
{
    struct kernel_run none = {
        .kernel = KERNEL_token,
        .args.token = {.x = ZEROS, .state = STATE, .rows = 1, .slots = 1, .patches = ZEROS}};
    struct kernel_run many = none;
    many.args.token.patch_count = 10;
    struct kernel_run turned = none;
    turned.args.token.tables = TABLES;
    turned.args.token.table_count = 1;
    check("token patch", &none, &many, 10, 17);
    check("token pair", &none, &turned, TABLE_PAIRS, 63);
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
    struct kernel_run none = {.kernel = KERNEL_norm_rope,
                              .args.norm_rope = {.src = A, .dst = B, .pairs = PAIRS}};
    struct kernel_run scaled = none, pairs = none;
    scaled.args.norm_rope.scaled = 80;
    pairs.args.norm_rope.pair_count = 40;
    check("scaled word", &none, &scaled, 80, CYCLES_SCALED_WORD);
    scaled.args.norm_rope.gain = C;
    check("scaled word with a gain", &none, &scaled, 80, 11);
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
}

TEST(kernel_cycles_of_choosing_together)
{
    struct kernel_run none = {
        .kernel = KERNEL_rank_count,
        .args.rank_count = {
            .theirs = A, .their_bias = B, .mine = A, .my_bias = B, .my_count = 1, .out = C}};
    struct kernel_run many = none;
    many.args.rank_count.my_count = 81;
    check("rank_count expert", &none, &many, 80, 28);
    many = none;
    many.args.rank_count.their_count = 80;
    check("rank_count comparison", &none, &many, 80, 14);
    none = (struct kernel_run){.kernel = KERNEL_rank_place,
                               .args.rank_place = {.mine = A, .ranks = B, .top_k = 8, .out = C}};
    many = none;
    many.args.rank_place.my_count = 80;
    check("rank_place chosen expert", &none, &many, 80, 25);
    none.args.rank_place.top_k = many.args.rank_place.top_k = 1;
    check("rank_place expert", &none, &many, 80, CYCLES_RANK_PLACE);
    none = (struct kernel_run){
        .kernel = KERNEL_rank_finish,
        .args.rank_finish = {.factor = 1, .sums = B, .ids = C, .weights = D, .normalise = 1}};
    many = none;
    many.args.rank_finish.top_k = 8;
    check("rank_finish expert", &none, &many, 8, 39);
}

TEST(kernel_cycles_of_select_units)
{
    struct kernel_run none = {
        .kernel = KERNEL_select_units,
        .table = UNIT_NONE,
        .args.select_units = {.ids = IDS, .experts = 384, .table = HELD, .desc = DESCS}};
    struct kernel_run many = none;
    many.args.select_units.count = 8;
    check("select_units expert that is not here", &none, &many, 8, 17);
    none.table = many.table = UNIT_HIGH;
    check("select_units expert that is here", &none, &many, 8, CYCLES_UNIT_SLOT);
}

TEST(kernel_cycles_of_topk)
{
    struct kernel_run none = {.kernel = KERNEL_topk,
                              .args.topk = {.factor = 1,
                                            .scores = A,
                                            .bias = B,
                                            .experts = 384,
                                            .normalise = 1,
                                            .ids = C,
                                            .weights = D}};
    struct kernel_run many = none;
    many.args.topk.top_k = 8;
    check("topk of 384, an expert", &none, &many, 384, 19);
}
