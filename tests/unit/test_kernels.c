/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels, natively: each against a statement of what it means in double precision or in whole
 * numbers. The QEMU suites run the same sources on a RISC-V core. */
#include "base/rng.h"
#include "firmware/fault.h"
#include "firmware/kernels/kernels.h"
#include "hal/native/native.h"
#include "hal/program.h"
#include "hal/stream.h"
#include "harness.h"
#include "place/split.h"

#include <math.h>
#include <string.h>

enum {
    ARGS = 0x2600,
    STATE = 0x2700,
    NORM = 0x2710,
    A = 0x3000,
    B = 0x4000,
    C = 0x5000,
    D = 0x6000,
    E = 0x7000,
    F = 0x8000
};

struct call {
    kernel_function *kernel;
};

static void call_kernel(void *arg)
{
    const struct call *c = arg;

    c->kernel(ARGS);
}

static enum native_end run(struct native_tile *n, kernel_function *kernel, const void *args,
                           size_t bytes)
{
    struct call c = {kernel};

    memcpy(n->sram + ARGS, args, bytes);
    return native_run(n, call_kernel, &c);
}

static float *at(struct native_tile *n, uint32_t offset)
{
    return (float *)(void *)(n->sram + offset);
}

static uint32_t *ints(struct native_tile *n, uint32_t offset)
{
    return (uint32_t *)(void *)(n->sram + offset);
}

static void fill(struct native_tile *n, uint32_t offset, uint32_t count, struct rng *r, double size)
{
    for (uint32_t i = 0; i < count; i++)
        at(n, offset)[i] = (float)((2 * rng_unit(r) - 1) * size);
}

static void set_state(struct native_tile *n, uint32_t position, uint32_t cached)
{
    struct token_state state = {position, cached};

    memcpy(n->sram + STATE, &state, sizeof state);
}

static void near(float got, double want, double relative, const char *what, uint32_t i)
{
    CHECK_MSG(fabs((double)got - want) <= relative * fabs(want) + 1e-30, "%s[%u] is %.9g, not %.9g",
              what, i, (double)got, want);
}

/* ---- token ---- */

struct token_case {
    uint32_t position, row, rows, slots;
    uint32_t cached, fault; /* expected */
    int stores;             /* slot the entry goes to, or -1 */
};

static void check_token(const struct token_case *c)
{
    struct native_tile n;
    struct args_token args = {.x = A,
                              .state = STATE,
                              .row = (uint16_t)c->row,
                              .rows = (uint16_t)c->rows,
                              .slots = (uint16_t)c->slots,
                              .slot_bytes = 48,
                              .cache = D,
                              .store = B,
                              .store_words = 12,
                              .patch_count = 2,
                              .patches = C};
    struct token_patch patches[] = {{E, 1, 0, 0}, {E + 2, 7, 3, 0}};
    struct stream_desc *store;
    enum native_end end;

    native_open(&n, NULL, 0);
    at(&n, A)[0] = (float)c->position;
    memcpy(n.sram + C, patches, sizeof patches);
    end = run(&n, kernel_token, &args, sizeof args);
    CHECK_EQ(end, c->fault ? NATIVE_FAULT : NATIVE_RETURNED);
    CHECK_EQ(n.fault.code, c->fault);
    if (!c->fault) {
        uint16_t lengths[2];
        memcpy(lengths, n.sram + E, sizeof lengths);
        store = (struct stream_desc *)(void *)(n.sram + B);
        CHECK_EQ(ints(&n, STATE)[0], c->position);
        CHECK_EQ(ints(&n, STATE)[1], c->cached);
        CHECK_EQ(lengths[0], c->cached);
        CHECK_EQ(lengths[1], 7 * c->cached + 3);
        CHECK_EQ(store->count, c->stores < 0 ? 0 : 12);
        CHECK_EQ(store->dst, c->stores < 0 ? 0 : D + 48 * c->stores);
    }
    native_close(&n);
}

TEST(kernel_token_counts_its_share)
{
    static const struct token_case cases[] = {
        {0, 0, 1, 4, 1, 0, 0},
        {3, 0, 1, 4, 4, 0, 3},
        {4, 0, 1, 4, 0, FAULT_CONTEXT, -1},
        {0, 1, 3, 2, 0, 0, -1},
        {1, 1, 3, 2, 1, 0, 0},
        {2, 1, 3, 2, 1, 0, -1},
        {4, 1, 3, 2, 2, 0, 1},
        {7, 1, 3, 2, 0, FAULT_CONTEXT, -1},
        {8, 1, 3, 2, 3, 0, -1},
        {0, 3, 3, 2, 0, FAULT_ARGUMENT, -1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_token(cases + i);
}

/* Each user has its own cache: the store and every patch move by the user's part. */
TEST(kernel_token_keeps_users_apart)
{
    for (uint32_t user = 0; user < 4; user++) {
        struct native_tile n;
        struct args_token args = {.x = A,
                                  .state = STATE,
                                  .rows = 1,
                                  .slots = 4,
                                  .slot_bytes = 48,
                                  .cache = D,
                                  .store = B,
                                  .store_words = 12,
                                  .patch_count = 1,
                                  .patches = C,
                                  .users = 3,
                                  .user_bytes = 4 * 48};
        struct token_patch patch = {E, 5, D, 4 * 48};
        uint16_t value;
        native_open(&n, NULL, 0);
        at(&n, A)[0] = 2;
        at(&n, A)[1] = (float)user;
        memcpy(n.sram + C, &patch, sizeof patch);
        CHECK_EQ(run(&n, kernel_token, &args, sizeof args),
                 user < 3 ? NATIVE_RETURNED : NATIVE_FAULT);
        if (user == 3) {
            CHECK_EQ(n.fault.code, FAULT_ARGUMENT);
            CHECK_EQ(n.fault.info, 3);
        } else {
            memcpy(&value, n.sram + E, sizeof value);
            CHECK_EQ(value, 5 * 3 + D + user * 4 * 48);
            CHECK_EQ(((struct stream_desc *)(void *)(n.sram + B))->dst, D + user * 4 * 48 + 2 * 48);
        }
        native_close(&n);
    }
}

TEST(kernel_token_refuses_what_is_no_position)
{
    static const float bad[] = {-1, NAN, INFINITY, 0x1.000002p24f};

    for (int i = 0; i < 4; i++) {
        struct native_tile n;
        struct args_token args = {.x = A, .state = STATE, .rows = 1, .slots = 1};
        native_open(&n, NULL, 0);
        at(&n, A)[0] = bad[i];
        CHECK_EQ(run(&n, kernel_token, &args, sizeof args), NATIVE_FAULT);
        CHECK_EQ(n.fault.code, FAULT_ARGUMENT);
        CHECK_EQ(n.fault.file, FAULT_FILE_TOKEN_C);
        CHECK_EQ(n.fault.stack_free, TILE_STACK_BYTES);
        native_close(&n);
    }
}

TEST(kernel_token_refuses_a_length_beyond_16_bits)
{
    struct native_tile n;
    struct args_token args = {
        .x = A, .state = STATE, .rows = 1, .slots = 0xffff, .patch_count = 1, .patches = C};
    struct token_patch patch = {E, 600, 0, 0};

    native_open(&n, NULL, 0);
    at(&n, A)[0] = 109; /* 110 * 600 = 66000 */
    memcpy(n.sram + C, &patch, sizeof patch);
    CHECK_EQ(run(&n, kernel_token, &args, sizeof args), NATIVE_FAULT);
    CHECK_EQ(n.fault.code, FAULT_ARGUMENT);
    CHECK_EQ(n.fault.info, 66000);
    native_close(&n);
}

/* ---- norms and RoPE ---- */

TEST(kernel_rsqrt_is_the_norm_factor)
{
    struct native_tile n;
    struct args_rsqrt args = {{0.125f, 1e-5f, NORM, 0}, A, 0};

    native_open(&n, NULL, 0);
    at(&n, NORM)[0] = 18.5f;
    CHECK_EQ(run(&n, kernel_rsqrt, &args, sizeof args), NATIVE_RETURNED);
    near(at(&n, A)[0], 1 / sqrt(18.5 / 8 + 1e-5), 2e-7, "r", 0);
    args.norm.sum = 0;
    CHECK_EQ(run(&n, kernel_rsqrt, &args, sizeof args), NATIVE_RETURNED);
    CHECK(at(&n, A)[0] == 1.0f);
    native_close(&n);
}

/* x has a mean square of 0.004, what a product makes of it one of 5: scaled by the first norm's
 * factor, then by the second's, as the kernel says in one. eps is large enough to be seen. */
TEST(kernel_rsqrt_knows_a_norm_before)
{
    struct native_tile n;
    struct args_norm first = {0.125f, 0.001f, NORM, 0};
    struct args_rsqrt args = {{0.25f, 0.5f, C, B}, A, 0};
    double r = 1 / sqrt(0.032 / 8 + 0.001);

    native_open(&n, NULL, 0);
    at(&n, NORM)[0] = 0.032f;
    at(&n, C)[0] = 20;
    memcpy(n.sram + B, &first, sizeof first);
    CHECK_EQ(run(&n, kernel_rsqrt, &args, sizeof args), NATIVE_RETURNED);
    near(at(&n, A)[0], r / sqrt(r * r * 20 / 4 + 0.5), 3e-7, "r", 0);
    native_close(&n);
}

/* Position p, frequency f: the tile gets f as 2^-64 turns, the test as a real number. */
static struct rope_pair pair_of(uint64_t turns, uint32_t offset)
{
    return (struct rope_pair){.turns_low = (uint32_t)turns,
                              .turns_high = (uint32_t)(turns >> 32),
                              .at = (uint16_t)offset};
}

/* Kernel token writes the sines and cosines of a table. */
static void set_angles(struct native_tile *n, uint32_t position, uint16_t pairs, uint16_t count)
{
    struct rope_table table = {pairs, count};
    struct args_token args = {
        .x = E, .state = STATE, .rows = 4, .slots = 60000, .tables = D, .table_count = 1};

    at(n, E)[0] = (float)position;
    memcpy(n->sram + D, &table, sizeof table);
    CHECK_EQ(run(n, kernel_token, &args, sizeof args), NATIVE_RETURNED);
}

static void check_norm_rope(uint16_t src, uint16_t dst, uint16_t gain, struct rng *r)
{
    enum { SCALED = 9, COPIED = 8, PAIRS = 4 };
    struct native_tile n;
    struct args_norm_rope args = {
        {0.25f, 1e-6f, NORM, 0}, src, dst, SCALED, COPIED, gain, 0, C, PAIRS};
    float before[SCALED + COPIED];
    uint32_t position = rng_below(r, 100000);
    uint64_t turns[PAIRS];
    double factor;

    native_open(&n, NULL, 0);
    at(&n, NORM)[0] = 3.0f;
    fill(&n, src, SCALED + COPIED, r, 2);
    fill(&n, F, SCALED, r, 1);
    memcpy(before, at(&n, src), sizeof before);
    for (uint32_t i = 0; i < PAIRS; i++) {
        struct rope_pair p = pair_of(turns[i] = rng_next(r) >> 3, dst + 4u * (SCALED + 2 * i));
        memcpy(n.sram + C + i * sizeof p, &p, sizeof p);
    }
    set_angles(&n, position, C, PAIRS);
    CHECK_EQ(run(&n, kernel_norm_rope, &args, sizeof args), NATIVE_RETURNED);
    factor = 1 / sqrt(0.75 + 1e-6);
    for (uint32_t i = 0; i < SCALED; i++)
        near(at(&n, dst)[i], (double)before[i] * factor * (gain ? (double)at(&n, F)[i] : 1), 4e-7,
             "scaled", i);
    for (uint32_t i = 0; i < PAIRS; i++) {
        double angle = (double)(int64_t)(turns[i] * position) * 0x1p-63 * 3.14159265358979324;
        double x0 = (double)before[SCALED + 2 * i], x1 = (double)before[SCALED + 2 * i + 1];
        const float *y = at(&n, dst) + SCALED + (size_t)2 * i;
        CHECK(fabs((double)y[0] - (x0 * cos(angle) - x1 * sin(angle))) < 1e-6);
        CHECK(fabs((double)y[1] - (x0 * sin(angle) + x1 * cos(angle))) < 1e-6);
    }
    native_close(&n);
}

TEST(kernel_norm_rope_scales_copies_and_rotates)
{
    struct rng r = {t->seed};

    for (int i = 0; i < 10; i++) {
        check_norm_rope(A, B, F, &r);
        check_norm_rope(A, A, F, &r);
        check_norm_rope(A, B, 0, &r);
        check_norm_rope(A, A, 0, &r);
    }
}

TEST(kernel_norm_rope_of_nothing_does_nothing)
{
    struct native_tile n;
    struct args_norm_rope args = {.src = A, .dst = B};

    native_open(&n, NULL, 0);
    at(&n, B)[0] = 5;
    CHECK_EQ(run(&n, kernel_norm_rope, &args, sizeof args), NATIVE_RETURNED);
    CHECK(at(&n, B)[0] == 5.0f);
    native_close(&n);
}

/* ---- attention ---- */

static void check_scores(uint32_t heads, uint32_t cached, struct rng *r)
{
    struct native_tile n;
    struct args_score args = {.scale = 0.3f,
                              .scores = A,
                              .max = B,
                              .sum = C,
                              .exp = D,
                              .heads = (uint16_t)heads,
                              .state = STATE};
    static float before[512];

    native_open(&n, NULL, 0);
    set_state(&n, 0, cached);
    fill(&n, A, heads * cached + 1, r, 20);
    memcpy(before, at(&n, A), sizeof before);
    CHECK_EQ(run(&n, kernel_score_max, &args, sizeof args), NATIVE_RETURNED);
    CHECK_EQ(run(&n, kernel_score_exp, &args, sizeof args), NATIVE_RETURNED);
    CHECK(memcmp(at(&n, A), before, sizeof(float) * (heads * cached + 1)) == 0);
    for (uint32_t j = 0; j < heads; j++) {
        double sum = 0;
        float max = -0x1.fffffep127f;
        for (uint32_t i = j * cached; i < (j + 1) * cached; i++)
            max = fmaxf(max, before[i]);
        CHECK(at(&n, B)[j] == max);
        for (uint32_t i = j * cached; i < (j + 1) * cached; i++) {
            double e = exp((double)0.3f * ((double)before[i] - (double)max));
            near(at(&n, D)[i], e, 2e-6, "exp", i);
            sum += e;
        }
        near(at(&n, C)[j], sum, 2e-6, "sum", j);
    }
    native_close(&n);
}

TEST(kernel_scores_make_a_softmax)
{
    struct rng r = {t->seed};

    check_scores(1, 1, &r);
    check_scores(4, 100, &r);
    check_scores(64, 7, &r);
    check_scores(3, 0, &r);
    check_scores(0, 5, &r);
}

/* Three tiles share the rows of one token after the other: the sum of the tiles' is what one tile
 * makes alone, with zeros behind. */
TEST(kernel_scores_shared_are_those_of_one)
{
    enum { HEADS = 5, TILES = 3, WORDS = 64 };
    static const uint32_t first[TILES + 1] = {0, 1, 3, HEADS}, cached[] = {7, 2, 0, 9, 3, 9, 1};
    struct native_tile tile[TILES], alone;
    struct args_score args[TILES], all = {.scale = 0.3f,
                                          .scores = A,
                                          .max = B,
                                          .sum = C,
                                          .exp = D,
                                          .heads = HEADS,
                                          .state = STATE};
    struct rng r = {t->seed};

    native_open(&alone, NULL, 0);
    for (int i = 0; i < TILES; i++) {
        native_open(&tile[i], NULL, 0);
        args[i] = all;
        args[i].first = (uint16_t)first[i];
        args[i].heads = (uint16_t)(first[i + 1] - first[i]);
    }
    for (uint32_t token = 0; token < sizeof cached / sizeof *cached; token++) {
        memset(alone.sram + D, 0, sizeof(float) * WORDS);
        set_state(&alone, 0, cached[token]);
        fill(&alone, A, HEADS * cached[token], &r, 20);
        for (int i = 0; i < TILES; i++) {
            set_state(&tile[i], 0, cached[token]);
            memcpy(tile[i].sram + A, alone.sram + A, sizeof(float) * WORDS);
            memset(tile[i].sram + D, 0, sizeof(float) * WORDS);
            CHECK_EQ(run(&tile[i], kernel_score_max, &args[i], sizeof args[i]), NATIVE_RETURNED);
            CHECK_EQ(run(&tile[i], kernel_score_exp, &args[i], sizeof args[i]), NATIVE_RETURNED);
        }
        CHECK_EQ(run(&alone, kernel_score_max, &all, sizeof all), NATIVE_RETURNED);
        CHECK_EQ(run(&alone, kernel_score_exp, &all, sizeof all), NATIVE_RETURNED);
        for (uint32_t i = 0; i < WORDS; i++)
            CHECK(at(&tile[0], D)[i] + at(&tile[1], D)[i] + at(&tile[2], D)[i] == at(&alone, D)[i]);
        for (uint32_t j = 0, i = 0; j < HEADS; j++) {
            i += j == first[i + 1] ? 1 : 0;
            CHECK(at(&tile[i], C)[j - first[i]] == at(&alone, C)[j]);
        }
    }
    for (int i = 0; i < TILES; i++)
        native_close(&tile[i]);
    native_close(&alone);
}

TEST(kernel_reciprocal_is_one_over_each)
{
    struct native_tile n;
    struct args_reciprocal args = {A, B, 11, 0};

    native_open(&n, NULL, 0);
    for (int i = 0; i < 12; i++)
        at(&n, A)[i] = (float)(i + 1) / 7;
    CHECK_EQ(run(&n, kernel_reciprocal, &args, sizeof args), NATIVE_RETURNED);
    for (int i = 0; i < 11; i++)
        CHECK(at(&n, B)[i] == 1.0f / at(&n, A)[i]);
    CHECK(at(&n, B)[11] == 0.0f);
    native_close(&n);
}

TEST(kernel_sigmoid_applies_the_norm_first)
{
    struct rng r = {t->seed};
    struct native_tile n;
    struct args_sigmoid args = {{0.5f, 0, NORM, 0}, A, B, 40, C};

    native_open(&n, NULL, 0);
    at(&n, NORM)[0] = 32;
    fill(&n, A, 40, &r, 30);
    CHECK_EQ(run(&n, kernel_sigmoid, &args, sizeof args), NATIVE_RETURNED);
    CHECK(at(&n, C)[0] == 0.25f);
    for (uint32_t i = 0; i < 40; i++)
        near(at(&n, B)[i], 1 / (1 + exp(-(double)at(&n, A)[i] / 4)), 3e-7, "sigmoid", i);
    native_close(&n);
}

TEST(kernel_select_points_at_the_chosen_slices)
{
    struct native_tile n;
    struct args_select args = {A, 3, B, 0};
    struct select_entry entry[3] = {
        {C, 1, 0x5000, 100, 0x6000, 10}, {C + 32, 0, 0x5000, 100, 0, 0}, {C + 64, 1, 7, 0, 8, 0}};
    const struct stream_desc *d;

    native_open(&n, NULL, 0);
    ints(&n, A)[0] = 31;
    ints(&n, A)[1] = 2;
    memcpy(n.sram + B, entry, sizeof entry);
    CHECK_EQ(run(&n, kernel_select, &args, sizeof args), NATIVE_RETURNED);
    d = (const struct stream_desc *)(const void *)(n.sram + C);
    CHECK_EQ(d[0].src0, 0x5000 + 200);
    CHECK_EQ(d[0].scales, 0x6000 + 20);
    CHECK_EQ(d[1].src0, 0x5000 + 3100);
    CHECK_EQ(d[1].scales, 0);
    CHECK_EQ(d[2].src0, 7);
    CHECK_EQ(d[2].scales, 8);
    CHECK_EQ(d[0].count, 0);
    ints(&n, A)[0] = 0x10000000;
    CHECK_EQ(run(&n, kernel_select, &args, sizeof args), NATIVE_FAULT);
    CHECK_EQ(n.fault.code, FAULT_ARGUMENT);
    native_close(&n);
}

static double silu(double z)
{
    return z / (1 + exp(-z));
}

/* Values from `first` on, `count` of them, of 3 experts with 6 values each and 4 shared ones. */
static void check_swiglu(struct args_swiglu *args, double factor, struct slice part, struct rng *r)
{
    enum { WIDTH = 6, EXPERTS = 3, ALL = WIDTH * EXPERTS + 4, W = 0x9000 };
    struct native_tile n;

    args->gate = A;
    args->up = B;
    args->out = C;
    args->first = (uint16_t)part.first;
    args->count = (uint16_t)part.count;
    args->weights = W;
    args->width = WIDTH;
    args->experts = EXPERTS;
    native_open(&n, NULL, 0);
    at(&n, NORM)[0] = 4;
    at(&n, D)[0] = 0.125f;
    fill(&n, A, ALL, r, 5);
    fill(&n, B, ALL, r, 5);
    fill(&n, W, EXPERTS, r, 1);
    CHECK_EQ(run(&n, kernel_swiglu, args, sizeof *args), NATIVE_RETURNED);
    for (uint32_t i = 0; i < part.count; i++) {
        uint32_t expert = (part.first + i) / WIDTH;
        near(at(&n, C)[i],
             silu(factor * (double)at(&n, A)[i]) * factor * (double)at(&n, B)[i] *
                 (expert < EXPERTS ? (double)at(&n, W)[expert] : 1),
             1e-6, "out", i);
    }
    CHECK(at(&n, C)[part.count] == 0.0f);
    native_close(&n);
}

TEST(kernel_swiglu_is_gate_times_up)
{
    struct rng r = {t->seed};
    struct args_swiglu norm = {.norm = {0.25f, 0, NORM, 0}, .r_in = D};
    struct args_swiglu given = {.r_in = D}, plain = {.r_in = 0};

    for (uint32_t first = 0; first <= 22; first++)
        for (uint32_t count = 0; first + count <= 22; count++) {
            check_swiglu(&norm, 1, (struct slice){first, count}, &r);
            check_swiglu(&given, 0.125, (struct slice){first, count}, &r);
        }
    check_swiglu(&plain, 1, (struct slice){0, 22}, &r);
}

TEST(kernel_swiglu_without_experts_has_no_weights)
{
    struct native_tile n;
    struct args_swiglu args = {.gate = A, .up = B, .out = A, .count = 1, .first = 9};

    native_open(&n, NULL, 0);
    at(&n, A)[0] = 2, at(&n, B)[0] = 3;
    CHECK_EQ(run(&n, kernel_swiglu, &args, sizeof args), NATIVE_RETURNED);
    near(at(&n, A)[0], silu(2) * 3, 1e-6, "out", 0);
    args.experts = 1;
    CHECK_EQ(run(&n, kernel_swiglu, &args, sizeof args), NATIVE_FAULT);
    CHECK_EQ(n.fault.code, FAULT_ARGUMENT);
    native_close(&n);
}

TEST(kernel_table_has_every_kernel)
{
    CHECK(kernel_table[KERNEL_none] == kernel_none);
    CHECK(kernel_table[KERNEL_token] == kernel_token);
    CHECK(kernel_table[KERNEL_swiglu] == kernel_swiglu);
    for (int i = 0; i < KERNEL_COUNT; i++)
        CHECK(kernel_table[i] != NULL);
}
