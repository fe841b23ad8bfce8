/* SPDX-License-Identifier: Apache-2.0 */
/* cross_kernels.c - see cross_kernels.h. Only integer arithmetic here. */
#include "tests/firmware/cross_kernels.h"

#include "firmware/kernels/kernels.h"
#include "hal/sram.h"
#include "hal/stream.h"

/* From a run on x86; tests/unit/test_kernels.c holds the same sources against double precision. */
const uint32_t cross_kernel_expected[KERNEL_COUNT] = {
    0xf1244353, 0x1b6281b7, 0x919a33d8, 0xa434d21c, 0x04daf534, 0xfe31d235, 0xcbd2a8cc, 0x82348417,
    0xd508af1b, 0x2707281b, 0x439f1215, 0xaa13697c, 0x62c33bc1, 0x1a331cac, 0x11608c76};

/* Places: arguments, token state, a norm's sum, four arrays, and what else a kernel needs. */
enum {
    ARGS = 0x2600,
    STATE = 0x2680,
    NORM_SUM = 0x2690,
    TABLE = 0x26a0, /* 0x160 bytes */
    A = 0x2800,
    B = 0x2c00,
    C = 0x3000,
    D = 0x3400,
    E = 0x3800,
    AREA_END = 0x3c00
};

struct random {
    uint32_t state;
};

static uint32_t next(struct random *r)
{
    r->state = r->state * 1664525u + 1013904223u;
    uint32_t x = r->state;
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

static uint32_t below(struct random *r, uint32_t n)
{
    return next(r) % n;
}

/* Numbers drawn for one run: the order in which C evaluates initialisers is not defined. */
struct draw {
    uint32_t v[24];
};

/* A positive or negative number from 2^-9 to 2^5. */
static uint32_t random_float(struct random *r)
{
    uint32_t bits = next(r);
    return (bits & 0x807fffffu) | (118u + below(r, 14)) << 23;
}

static uint16_t pick(const struct draw *x, uint32_t which, uint32_t n)
{
    return (uint16_t)(x->v[which] % n);
}

static uint8_t pick8(const struct draw *x, uint32_t which, uint32_t n)
{
    return (uint8_t)(x->v[which] % n);
}

static void put(uint32_t offset, uint32_t word)
{
    *(uint32_t *)hal_sram(offset) = word;
}

static void put_bytes(uint32_t offset, const void *from, uint32_t bytes)
{
    const uint8_t *byte = from;
    uint8_t *to = hal_sram(offset);
    for (uint32_t i = 0; i < bytes; i++)
        to[i] = byte[i];
}

#define ARGUMENTS(a) put_bytes(ARGS, &(a), sizeof(a))

static struct args_norm random_norm(const struct draw *x)
{
    static const float inverse[] = {0.0078125f, 0.005208333f, 1.0f, 0.25f};
    put(NORM_SUM, (x->v[20] & 0x007fffffu) | (118u + x->v[21] % 14) << 23);
    return (struct args_norm){.inv_n = inverse[x->v[22] % 4],
                              .eps = 1e-6f,
                              .sum = (uint16_t)(x->v[23] % 4 ? NORM_SUM : 0)};
}

static void fill(struct random *r)
{
    for (uint32_t at = ARGS; at < A; at += 4)
        put(at, 0);
    for (uint32_t at = A; at < AREA_END; at += 4)
        put(at, random_float(r));
    put(STATE, below(r, 1u << 18));
    put(STATE + 4, below(r, 13));
}

static void token(const struct draw *x)
{
    static const float position[] = {0, 1, 2, 7, 8, 30, 63};
    struct token_patch patch = {.at = D, .times = pick(x, 0, 9), .plus = 3};
    struct rope_table table = {.pairs = B, .count = 8};
    struct args_token a = {.x = A,
                           .state = STATE,
                           .row = pick(x, 1, 4),
                           .rows = 4,
                           .slots = 16,
                           .slot_bytes = 0x40,
                           .cache = 0x8000,
                           .store = C,
                           .store_words = 16,
                           .patch_count = 1,
                           .patches = TABLE,
                           .tables = E,
                           .table_count = 1};
    put_bytes(A, &position[pick(x, 2, 7)], sizeof *position);
    put_bytes(TABLE, &patch, sizeof patch);
    put_bytes(E, &table, sizeof table);
    for (uint32_t i = 0; i < table.count; i++) {
        uint32_t low = x->v[4 + 2 * i], high = x->v[5 + 2 * i] >> (low & 15);
        struct rope_pair pair = {.turns_low = low, .turns_high = high};
        put_bytes(B + i * (uint32_t)sizeof pair, &pair, sizeof pair);
    }
    ARGUMENTS(a);
}

static void rsqrt(const struct draw *x)
{
    struct args_rsqrt a = {.norm = random_norm(x), .out = D};
    ARGUMENTS(a);
}

static void norm_rope(const struct draw *x)
{
    struct args_norm_rope a = {.norm = random_norm(x),
                               .src = A,
                               .dst = (uint16_t)(pick(x, 0, 2) ? A : D),
                               .scaled = pick(x, 1, 40),
                               .copied = (uint16_t)(2 + pick(x, 2, 20)),
                               .gain = (uint16_t)(pick(x, 3, 2) ? B : 0),
                               .pairs = TABLE,
                               .pair_count = 8};
    for (uint32_t i = 0; i < 8; i++) {
        float turn = (float)(int32_t)x->v[4 + 2 * i] * 0x1p-31f;
        struct rope_pair pair = {.sine = turn, .cosine = -turn, .at = (uint16_t)(a.dst + 8 * i)};
        put_bytes(TABLE + i * (uint32_t)sizeof pair, &pair, sizeof pair);
    }
    ARGUMENTS(a);
}

static void score(const struct draw *x)
{
    struct args_score a = {.scale = 0.1447f,
                           .scores = A,
                           .max = B,
                           .sum = C,
                           .exp = D,
                           .heads = pick(x, 0, 9),
                           .state = STATE,
                           .first = pick(x, 1, 3),
                           .part = pick(x, 4, 3),
                           .each_part = score_each_part(3u * pick8(x, 5, 2))};
    ARGUMENTS(a);
}

static void reciprocal(const struct draw *x)
{
    struct args_reciprocal a = {.src = A, .dst = B, .count = pick(x, 0, 60)};
    ARGUMENTS(a);
}

static void sigmoid(const struct draw *x)
{
    struct args_sigmoid a = {.norm = random_norm(x),
                             .z = A,
                             .out = D,
                             .count = pick(x, 0, 60),
                             .r_out = (uint16_t)(pick(x, 1, 2) ? B : 0)};
    ARGUMENTS(a);
}

static void topk(const struct draw *x)
{
    static const float factor[] = {2.827f, 1.0f};
    struct args_topk a = {.factor = factor[pick(x, 0, 2)],
                          .scores = A,
                          .bias = (uint16_t)(pick(x, 1, 2) ? B : 0),
                          .experts = 32,
                          .top_k = (uint16_t)(1 + pick(x, 2, 8)),
                          .groups = (uint16_t)(pick(x, 3, 2) ? 4 : 1),
                          .group_k = 2,
                          .normalise = pick(x, 4, 2),
                          .ids = C,
                          .weights = D,
                          .scratch = E};
    for (uint32_t i = 0; i < 8; i++) /* some ties */
        put(A + 4u * pick(x, 5 + i, 32), 0x3f000000);
    ARGUMENTS(a);
}

static void select(const struct draw *x)
{
    struct args_select a = {.ids = A, .count = 4, .entries = TABLE};
    for (uint32_t i = 0; i < 4; i++) {
        struct select_entry e = {.desc = (uint16_t)(D + 0x20 * i),
                                 .slot = pick(x, i, 8),
                                 .weight = 0x4000,
                                 .weight_step = pick(x, 4 + i, 0x200),
                                 .scale = 0x5000,
                                 .scale_step = pick(x, 8 + i, 0x40)};
        put_bytes(TABLE + i * (uint32_t)sizeof e, &e, sizeof e);
    }
    for (uint32_t i = 0; i < 8; i++)
        put(A + 4 * i, pick(x, 12 + i, 32));
    ARGUMENTS(a);
}

static void swiglu(const struct draw *x)
{
    struct args_swiglu a = {.norm = random_norm(x),
                            .gate = A,
                            .up = B,
                            .out = D,
                            .count = pick(x, 0, 20),
                            .first = pick(x, 5, 30),
                            .width = (uint16_t)(1 + pick(x, 3, 8)),
                            .experts = pick(x, 1, 5),
                            .weights = C,
                            .r_in = (uint16_t)(pick(x, 4, 2) ? B : 0)};
    ARGUMENTS(a);
}

static void rank_count(const struct draw *x)
{
    struct args_rank_count a = {.theirs = A,
                                .their_bias = (uint16_t)(pick(x, 0, 2) ? B : 0),
                                .their_first = pick(x, 1, 40),
                                .their_count = pick(x, 2, 20),
                                .mine = C,
                                .my_bias = (uint16_t)(pick(x, 3, 2) ? D : 0),
                                .my_first = pick(x, 4, 40),
                                .my_count = pick(x, 5, 20),
                                .out = E};
    for (uint32_t i = 0; i < 8; i++) { /* some ties, and no numbers */
        put(A + 4u * pick(x, 6 + i, 20), i % 4 ? 0x3f000000 : 0x7fc00000);
        put(C + 4u * pick(x, 14 + i, 20), i % 4 ? 0x3f000000 : 0xffc00001);
    }
    ARGUMENTS(a);
}

static void rank_place(const struct draw *x)
{
    static const float rank[] = {0, 1, 2, 3, 5, 8, 13, 383};
    struct args_rank_place a = {.mine = A,
                                .ranks = B,
                                .my_first = pick(x, 0, 380),
                                .my_count = pick(x, 1, 9),
                                .top_k = pick(x, 2, 9),
                                .out = C};
    for (uint32_t i = 0; i < 8; i++)
        put_bytes(B + 4 * i, &rank[pick(x, 3 + i, 8)], sizeof *rank);
    ARGUMENTS(a);
}

static void rank_finish(const struct draw *x)
{
    static const float number[] = {1, 2, 17, 100, 255, 256, 383, 384}, factor[] = {2.827f, 1.0f};
    struct args_rank_finish a = {.factor = factor[pick(x, 0, 2)],
                                 .sums = A,
                                 .top_k = pick(x, 1, 9),
                                 .ids = (uint16_t)(pick(x, 2, 2) ? A : B),
                                 .weights = C,
                                 .normalise = pick(x, 3, 2)};
    for (uint32_t i = 0; i < 8; i++)
        put_bytes(A + 4 * i, &number[pick(x, 4 + i, 8)], sizeof *number);
    ARGUMENTS(a);
}

static void select_units(const struct draw *x)
{
    static const float place[] = {1, 31, 32, 33, 50, 64, 65, 96};
    struct args_select_units a = {.ids = A,
                                  .count = pick(x, 9, 5),
                                  .experts = 96,
                                  .table = B,
                                  .desc = D,
                                  .field = (uint16_t)(pick(x, 2, 2) ? 8 : 12), /* dst, src1 */
                                  .weight = pick(x, 1, 0x4080),
                                  .scale = pick(x, 3, 0x4080),
                                  .block_bytes = pick(x, 0, 0x100),
                                  .base = 0x5000,
                                  .step = pick(x, 5, 0x100),
                                  .cols = pick(x, 7, 0x40)};
    for (uint32_t i = 0; i < 4; i++)
        put_bytes(A + 4 * i, &place[pick(x, 18 + i, 8)], sizeof *place);
    for (uint32_t i = 0; i < 24; i++) /* about half of them are here */
        put(B + 4 * i, x->v[i] | (x->v[(i + 1) % 24] & 0x01010101) * 0x7f);
    ARGUMENTS(a);
}

static void prepare(enum kernel kernel, struct random *r)
{
    static void (*const of[KERNEL_COUNT])(const struct draw *) = {
        [KERNEL_token] = token,
        [KERNEL_rsqrt] = rsqrt,
        [KERNEL_norm_rope] = norm_rope,
        [KERNEL_score_max] = score,
        [KERNEL_score_exp] = score,
        [KERNEL_reciprocal] = reciprocal,
        [KERNEL_sigmoid] = sigmoid,
        [KERNEL_topk] = topk,
        [KERNEL_select] = select,
        [KERNEL_swiglu] = swiglu,
        [KERNEL_rank_count] = rank_count,
        [KERNEL_rank_place] = rank_place,
        [KERNEL_rank_finish] = rank_finish,
        [KERNEL_select_units] = select_units};
    struct draw x;
    fill(r);
    for (uint32_t i = 0; i < sizeof x.v / sizeof *x.v; i++)
        x.v[i] = next(r);
    if (of[kernel])
        of[kernel](&x);
}

uint32_t cross_kernel_run(enum kernel kernel)
{
    uint32_t sum = 0x811c9dc5u;
    for (uint32_t run = 0; run < CROSS_KERNEL_RUNS; run++) {
        struct random r = {(uint32_t)kernel * 7919u + run};
        prepare(kernel, &r);
        kernel_table[kernel](ARGS);
        const uint8_t *byte = hal_sram(ARGS);
        for (uint32_t i = 0; i < AREA_END - ARGS; i++)
            sum = (sum ^ byte[i]) * 0x01000193u; /* FNV-1a */
    }
    return sum;
}
