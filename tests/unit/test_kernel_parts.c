/* SPDX-License-Identifier: Apache-2.0 */
/* score_max and score_exp on parts of the positions, natively: each part against a statement in
 * double precision, and all parts together against one tile that works on all positions. */
#include "base/rng.h"
#include "firmware/kernels/kernels.h"
#include "hal/native/native.h"
#include "hal/program.h"
#include "harness.h"

#include <math.h>
#include <string.h>

enum {
    ARGS = 0x2600,
    STATE = 0x2700,
    SCORES = 0x3000,
    MAX = 0x4000,
    SUM = 0x5000,
    EXP = 0x6000,
    ROWS = 5, /* of which a tile works on HEADS, from FIRST on */
    FIRST = 1,
    HEADS = 3,
    CACHED_MAX = 40,
    WORDS = ROWS * CACHED_MAX,
    PARTS_MAX = 7
};

#define LEAST (-0x1.fffffep127f)
#define SCALE 0.3f

/* A tile, and its argument block. */
struct worker {
    struct native_tile tile;
    struct args_score args;
    uint32_t parts;
    kernel_function *kernel;
};

static float *at(struct worker *w, uint32_t offset)
{
    return (float *)(void *)(w->tile.sram + offset);
}

static void call_kernel(void *worker)
{
    ((const struct worker *)worker)->kernel(ARGS);
}

static void run(struct worker *w, kernel_function *kernel)
{
    w->kernel = kernel;
    memcpy(w->tile.sram + ARGS, &w->args, sizeof w->args);
    CHECK_EQ(native_run(&w->tile, call_kernel, w), NATIVE_RETURNED);
    memcpy(&w->args, w->tile.sram + ARGS, sizeof w->args);
}

static void open_worker(struct worker *w, uint32_t part, uint32_t parts)
{
    native_open(&w->tile, NULL, 0);
    w->args = (struct args_score){.scale = SCALE,
                                  .scores = SCORES,
                                  .max = MAX,
                                  .sum = SUM,
                                  .exp = EXP,
                                  .heads = HEADS,
                                  .state = STATE,
                                  .first = FIRST,
                                  .part = (uint16_t)part,
                                  .each_part = score_each_part(parts)};
    w->parts = parts;
}

static void give(struct worker *w, const float *scores, uint32_t cached)
{
    struct token_state state = {0, cached};

    memcpy(w->tile.sram + STATE, &state, sizeof state);
    memcpy(w->tile.sram + SCORES, scores, sizeof(float) * WORDS);
    memset(w->tile.sram + EXP, 0, sizeof(float) * WORDS);
}

static void random_scores(float *scores, struct rng *r)
{
    for (uint32_t i = 0; i < WORDS; i++)
        scores[i] = (float)(40 * rng_unit(r) - 20);
}

/* Position t is of the part that t * parts / cached falls into, seen from the part's two ends. */
static int in_part(const struct worker *w, uint32_t position, uint32_t cached)
{
    uint32_t parts = w->parts, part = w->args.part;

    return !parts || (position >= cached * part / parts && position < cached * (part + 1) / parts);
}

/* After both kernels, from `scores`: what is of the part is as the contract says, all else as it
 * was: zeros in exp. */
static void check_part(struct worker *w, const float *scores, uint32_t cached)
{
    for (uint32_t row = 0; row < ROWS; row++) {
        float max = LEAST;
        double sum = 0;
        uint32_t head = row - FIRST;
        for (uint32_t t = 0; head < HEADS && t < cached; t++)
            if (in_part(w, t, cached))
                max = fmaxf(max, scores[row * cached + t]);
        for (uint32_t t = 0; t < cached; t++) {
            uint32_t i = row * cached + t;
            int mine = head < HEADS && in_part(w, t, cached);
            double e = mine ? exp((double)SCALE * ((double)scores[i] - (double)max)) : 0;
            CHECK(at(w, SCORES)[i] == scores[i]);
            CHECK(fabs((double)at(w, EXP)[i] - e) <= 2e-6 * e);
            sum += e;
        }
        if (head >= HEADS)
            continue;
        CHECK(at(w, MAX)[head] == max);
        CHECK(fabs((double)at(w, SUM)[head] - sum) <= 2e-6 * sum);
    }
    for (uint32_t i = ROWS * cached; i < WORDS; i++)
        CHECK(at(w, EXP)[i] == 0.0f && at(w, SCORES)[i] == scores[i]);
}

/* One tile, token after token. */
TEST(kernel_scores_of_a_part_are_its_positions)
{
    struct rng r = {t->seed};
    float scores[WORDS];

    for (uint32_t parts = 0; parts <= PARTS_MAX; parts++)
        for (uint32_t part = 0; part < parts + !parts; part++) {
            struct worker w;
            open_worker(&w, part, parts);
            for (int token = 0; token < 12; token++) {
                uint32_t cached = rng_below(&r, CACHED_MAX + 1);
                random_scores(scores, &r);
                give(&w, scores, cached);
                run(&w, kernel_score_max);
                run(&w, kernel_score_exp);
                check_part(&w, scores, cached);
            }
            native_close(&w.tile);
        }
}

/* Every tile gets the largest of the parts' maxima, as a reduction between the two kernels does. */
static void spread_max(struct worker *part, uint32_t parts)
{
    for (uint32_t j = 0; j < HEADS; j++) {
        float max = LEAST;
        for (uint32_t i = 0; i < parts; i++)
            max = fmaxf(max, at(&part[i], MAX)[j]);
        for (uint32_t i = 0; i < parts; i++)
            at(&part[i], MAX)[j] = max;
    }
}

static void check_whole(struct worker *part, uint32_t parts, struct worker *alone)
{
    for (uint32_t i = 0; i < WORDS; i++) {
        float e = 0;
        for (uint32_t p = 0; p < parts; p++)
            e += at(&part[p], EXP)[i];
        CHECK(e == at(alone, EXP)[i]);
    }
    for (uint32_t j = 0; j < HEADS; j++) {
        double sum = 0, whole = (double)at(alone, SUM)[j];
        for (uint32_t p = 0; p < parts; p++)
            sum += (double)at(&part[p], SUM)[j];
        CHECK(fabs(sum - whole) <= 2e-6 * whole);
        CHECK(at(&part[0], MAX)[j] == at(alone, MAX)[j]);
    }
}

TEST(kernel_scores_of_all_parts_make_the_whole)
{
    struct rng r = {t->seed};
    struct worker part[PARTS_MAX], alone;
    float scores[WORDS];

    open_worker(&alone, 0, 0);
    for (uint32_t p = 0; p < PARTS_MAX; p++)
        open_worker(&part[p], p, PARTS_MAX);
    for (int token = 0; token < 40; token++) {
        uint32_t cached = token % 10 ? rng_below(&r, CACHED_MAX + 1) : rng_below(&r, PARTS_MAX);
        random_scores(scores, &r);
        for (uint32_t p = 0; p <= PARTS_MAX; p++) {
            struct worker *w = p < PARTS_MAX ? &part[p] : &alone;
            give(w, scores, cached);
            run(w, kernel_score_max);
        }
        spread_max(part, PARTS_MAX);
        for (uint32_t p = 0; p < PARTS_MAX; p++)
            run(&part[p], kernel_score_exp);
        run(&alone, kernel_score_exp);
        check_whole(part, PARTS_MAX, &alone);
    }
    for (uint32_t p = 0; p < PARTS_MAX; p++)
        native_close(&part[p].tile);
    native_close(&alone.tile);
}
