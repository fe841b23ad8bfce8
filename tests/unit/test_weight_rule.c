/* SPDX-License-Identifier: Apache-2.0 */
/* test_weight_rule.c - blocks of weights made by rule: each element against the text of
 * weight_rule.h, one matrix against many, plain loops against those for wide processors. */
#include "base/rng.h"
#include "base/xalloc.h"
#include "harness.h"
#include "model/checkpoint.h"
#include "model/weight_rule.h"
#include "model/weight_words.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 400, COLS = 6400 };

static const enum weight_kind kinds[] = {WEIGHT_BF16, WEIGHT_F32, WEIGHT_FP8_BLOCK,
                                         WEIGHT_INT4_G32};

/* ---- the text ---- */

static uint64_t word(const struct weight *w, uint64_t row, uint64_t j)
{
    return rng_mix(w->rule + ((row << 32) + j + 1) * 0x9e3779b97f4a7c15);
}

/* As stored, in the low bits. */
static uint32_t naive_code(const struct weight *w, uint32_t row, uint32_t col)
{
    uint32_t bits = word(w, row, col / 4) >> 16 * (col % 4) & 0xffff, as_stored;
    uint32_t byte = word(w, row, col / 8) >> 8 * (col % 8) & 0xff;
    uint32_t nibble = word(w, row, col / 16) >> 4 * (col % 16) & 15;
    float offset = w->spread * ((float)bits - 32767.5f) / 32768.0f, value = w->centre + offset;
    memcpy(&as_stored, &value, sizeof as_stored);
    switch (w->kind) {
    case WEIGHT_BF16:
        return bf16_from_f32(value);
    case WEIGHT_F32:
        return as_stored;
    case WEIGHT_FP8_BLOCK:
        return (byte & 0x7f) == 0x7f ? 0 : byte;
    case WEIGHT_INT4_G32:
        return nibble ? nibble : 8;
    }
    return 0;
}

static uint16_t naive_scale(const struct weight *w, uint32_t row, uint32_t group)
{
    uint32_t bits = word(w, row, 0x80000000u + group / 4) >> 16 * (group % 4) & 0xffff;
    return bf16_from_f32(w->spread * 0.1325987f * (0.5f + (float)bits / 65536.0f));
}

static uint32_t code_at(enum weight_kind kind, const uint8_t *row, uint32_t k)
{
    uint32_t code = 0;
    if (kind == WEIGHT_INT4_G32)
        return row[k / 2] >> 4 * (k % 2) & 15;
    memcpy(&code, row + weight_code_bytes(kind, k), weight_code_bytes(kind, 1));
    return code;
}

static struct weight some_weight(enum weight_kind kind, struct rng *r)
{
    return (struct weight){.kind = kind,
                           .rows = ROWS,
                           .cols = COLS,
                           .block_rows = 128,
                           .block_cols = 128,
                           .rule = rng_next(r),
                           .centre = kind == WEIGHT_F32 ? 1.0f : 0.0f,
                           .spread = 0.25f};
}

/* Wide, tall or small: several batches of words in each direction. */
static struct weight_block some_block(struct rng *r)
{
    static const uint32_t most[][2] = {{3, COLS}, {ROWS, 5}, {6, 70}, {40, 40}};
    const uint32_t *size = most[rng_below(r, 4)];
    struct weight_block b = {.rows = rng_below(r, size[0] + 1), .cols = rng_below(r, size[1] + 1)};
    b.row = rng_below(r, ROWS + 1 - b.rows);
    b.col = rng_below(r, COLS + 1 - b.cols);
    return b;
}

static size_t some_row_bytes(enum weight_kind kind, const struct weight_block *b, struct rng *r)
{
    return weight_code_bytes(kind, b->cols + b->cols % 2) + rng_below(r, 5);
}

TEST(weight_rule_is_its_text)
{
    struct rng r = {t->seed};
    for (int tries = 0; tries < 200; tries++) {
        struct weight w = some_weight(kinds[tries % 4], &r);
        struct weight_block b = some_block(&r);
        size_t row_bytes = some_row_bytes(w.kind, &b, &r);
        uint32_t groups = weight_block_groups(&b), first = b.col / 32;
        uint8_t *codes = xcalloc(b.rows * row_bytes + 1, 1);
        uint16_t *scales = xcalloc((size_t)b.rows * groups + 1, 2);
        weight_block_codes(&w, &b, row_bytes, codes);
        for (uint32_t i = 0; i < b.rows; i++)
            for (uint32_t k = 0; k < b.cols; k++)
                CHECK_EQ(code_at(w.kind, codes + i * row_bytes, k),
                         naive_code(&w, b.row + i, b.col + k));
        if (w.kind == WEIGHT_INT4_G32)
            weight_block_scales(&w, &b, (uint8_t *)scales);
        for (uint32_t i = 0; i < b.rows * groups && w.kind == WEIGHT_INT4_G32; i++)
            CHECK_EQ(scales[i], naive_scale(&w, b.row + i / groups, first + i % groups));
        free(codes);
        free(scales);
    }
}

/* ---- many matrices ---- */

enum { MATRICES = 37, STEP = 3 };

/* All of a run at once and one after the other leave the same bytes, between them too. */
static void check_run(const struct weight_run *run, struct rng *r)
{
    enum weight_kind kind = run->first->kind;
    struct weight_block b = some_block(r);
    struct weight_room room = {.row_bytes = some_row_bytes(kind, &b, r)};
    size_t codes = b.rows * room.row_bytes, scales = (size_t)b.rows * weight_block_groups(&b) * 2;
    room.each = codes + scales + rng_below(r, 9);
    size_t bytes = run->count * room.each + 1;
    uint8_t *together = xcalloc(bytes, 1), *alone = xcalloc(bytes, 1);
    memset(together, 0xa5, bytes);
    memset(alone, 0xa5, bytes);
    room.codes = together;
    room.scales = kind == WEIGHT_INT4_G32 ? together + codes : NULL;
    weight_blocks(run, &b, &room);
    for (size_t i = 0; i < run->count; i++) {
        const struct weight *w = run->first + i * run->step;
        weight_block_codes(w, &b, room.row_bytes, alone + i * room.each);
        if (room.scales)
            weight_block_scales(w, &b, alone + i * room.each + codes);
    }
    CHECK(!memcmp(together, alone, bytes));
    CHECK_EQ(together[bytes - 1], 0xa5);
    free(together);
    free(alone);
}

TEST(weight_blocks_are_blocks_of_each_matrix)
{
    struct rng r = {t->seed};
    struct weight all[MATRICES * STEP];
    for (size_t kind = 0; kind < 4; kind++) {
        for (int i = 0; i < MATRICES * STEP; i++)
            all[i] = some_weight(kinds[kind], &r);
        for (int tries = 0; tries < 30; tries++) {
            struct weight_run run = {all + rng_below(&r, 5), 1 + rng_below(&r, STEP),
                                     rng_below(&r, MATRICES - 2)};
            check_run(&run, &r);
        }
    }
}

/* The same numbers in memory: stored matrices take another way to the same places. */
TEST(weight_blocks_of_stored_matrices)
{
    struct rng r = {t->seed};
    for (size_t kind = 0; kind < 4; kind++) {
        struct weight w = some_weight(kinds[kind], &r);
        struct weight_block whole = {0, ROWS, 0, COLS};
        size_t row_bytes = weight_code_bytes(w.kind, COLS);
        uint8_t *codes = xcalloc(ROWS, row_bytes), *scales = xcalloc(ROWS, COLS / 32 * 2);
        weight_block_codes(&w, &whole, row_bytes, codes);
        if (w.kind == WEIGHT_INT4_G32)
            weight_block_scales(&w, &whole, scales);
        w.data = codes;
        w.scales = w.kind == WEIGHT_INT4_G32 ? scales : NULL;
        struct weight_run same = {&w, 0, 3};
        for (int tries = 0; tries < 20; tries++)
            check_run(&same, &r);
        free(codes);
        free(scales);
    }
}

TEST(checkpoint_experts_are_its_weights)
{
    struct model_config c;
    struct checkpoint *ck;
    struct err e = {0};
    struct weight w;
    CHECK_EQ(config_load(&c, "host/models/kimi-k2.6", &e), 0);
    CHECK_EQ(checkpoint_open_synthetic(&ck, &c, t->seed, &e), 0);
    for (enum weight_role role = ROLE_EXPERT_GATE; role <= ROLE_EXPERT_DOWN; role++) {
        struct weight_run run = checkpoint_experts(ck, role, 60);
        CHECK_EQ(run.count, 384);
        for (uint32_t i = 0; i < run.count; i++) {
            CHECK_EQ(checkpoint_weight(ck, role, 60, i, &w), 0);
            CHECK(run.first[i * run.step].rule == w.rule && run.first->rows == w.rows);
        }
        CHECK_EQ(checkpoint_experts(ck, role, 0).count, 0);
        CHECK_EQ(checkpoint_experts(ck, role, 61).count, 0);
    }
    CHECK_EQ(checkpoint_experts(ck, ROLE_SHARED_UP, 60).count, 0);
    checkpoint_close(ck);
}

/* ---- processors ---- */

TEST(weight_words_are_the_same_on_every_processor)
{
    enum { MOST = 128 };
    const struct word_loops *wide = words_widest(), *plain = &words_plain;
    struct rng r = {t->seed};
    (void)printf("# the widest loops are the %s\n", wide == plain ? "plain ones" : "AVX-512 ones");
    for (uint32_t n = WORDS_STEP; n <= MOST; n += WORDS_STEP) {
        uint64_t states[MOST], a[MOST], b[MOST];
        float x[4 * MOST], y[4 * MOST], spread = (float)rng_unit(&r);
        uint16_t u[4 * MOST], v[4 * MOST];
        for (uint32_t i = 0; i < n; i++)
            states[i] = rng_next(&r);
        wide->int4(states, n, a);
        plain->int4(states, n, b);
        CHECK(!memcmp(a, b, n * sizeof *a));
        wide->fp8(states, n, a);
        plain->fp8(states, n, b);
        CHECK(!memcmp(a, b, n * sizeof *a));
        wide->f32(states, n, 1.0f, spread, x);
        plain->f32(states, n, 1.0f, spread, y);
        CHECK(!memcmp(x, y, 4 * n * sizeof *x));
        wide->bf16(states, n, 1.0f, spread, u);
        plain->bf16(states, n, 1.0f, spread, v);
        CHECK(!memcmp(u, v, 4 * n * sizeof *u));
        wide->scales(states, n, spread, u);
        plain->scales(states, n, spread, v);
        CHECK(!memcmp(u, v, 4 * n * sizeof *u));
    }
}
