/* SPDX-License-Identifier: Apache-2.0 */
/* core_kernels.c - benchmark "kernels": the firmware's own kernels, in about the shares that a
 * token of kimi-nano asks of a tile: softmax, norm with RoPE, router, expert selection, SwiGLU. */
#include "core.h"

#include "firmware/kernels/kernels.h"
#include "hal/program.h"
#include "hal/sram.h"
#include "hal/stream.h"
#include "hal/tile_map.h"

enum {
    HEADS = 2,
    CACHED = 24,
    WORDS = 32,
    PAIRS = 4,
    EXPERTS = 32,
    TOP_K = 4,
    CHANNELS = 8,
};

/* Everything the kernels touch; their offsets count from the start of SRAM. */
static struct bench_memory {
    struct token_state state;
    struct args_score score;
    struct args_norm_rope rope;
    struct args_sigmoid sigmoid;
    struct args_topk topk;
    struct args_select select;
    struct args_swiglu swiglu;
    struct rope_pair pair[PAIRS];
    struct select_entry entry[TOP_K];
    struct stream_desc desc[TOP_K];
    uint32_t id[TOP_K];
    float sum, weight[TOP_K];
    float scores[HEADS * CACHED], exp[HEADS * CACHED], max[HEADS], sums[HEADS];
    float x[WORDS], gain[WORDS], y[WORDS];
    float logit[EXPERTS], chance[EXPERTS], bias[EXPERTS];
    float gate[TOP_K * CHANNELS], up[TOP_K * CHANNELS], out[TOP_K * CHANNELS];
} m;

#define AT(field) ((uint16_t)((uintptr_t)&m.field - TILE_SRAM_BASE))
#define NORM                                                                                       \
    {                                                                                              \
        .inv_n = 1.0f / WORDS, .eps = 1e-6f, .sum = AT(sum)                                        \
    }

static void prepare(void)
{
    m.score = (struct args_score){.scale = 0.125f,
                                  .scores = AT(scores),
                                  .max = AT(max),
                                  .sum = AT(sums),
                                  .exp = AT(exp),
                                  .heads = HEADS,
                                  .state = AT(state)};
    m.rope = (struct args_norm_rope){.norm = NORM,
                                     .src = AT(x),
                                     .dst = AT(y),
                                     .scaled = WORDS,
                                     .gain = AT(gain),
                                     .pairs = AT(pair),
                                     .pair_count = PAIRS};
    m.sigmoid =
        (struct args_sigmoid){.norm = NORM, .z = AT(logit), .out = AT(chance), .count = EXPERTS};
    m.topk = (struct args_topk){.factor = 2.0f,
                                .scores = AT(chance),
                                .bias = AT(bias),
                                .experts = EXPERTS,
                                .top_k = TOP_K,
                                .groups = 1,
                                .group_k = 1,
                                .normalise = 1,
                                .ids = AT(id),
                                .weights = AT(weight)};
    m.select = (struct args_select){.ids = AT(id), .count = TOP_K, .entries = AT(entry)};
    m.swiglu = (struct args_swiglu){.norm = NORM,
                                    .gate = AT(gate),
                                    .up = AT(up),
                                    .out = AT(out),
                                    .count = TOP_K * CHANNELS,
                                    .width = CHANNELS,
                                    .experts = TOP_K,
                                    .weights = AT(weight)};
    for (uint32_t i = 0; i < PAIRS; i++)
        m.pair[i] =
            (struct rope_pair){.sine = 0.6f, .cosine = 0.8f, .at = (uint16_t)(AT(y) + 8 * i)};
    for (uint32_t i = 0; i < TOP_K; i++)
        m.entry[i] = (struct select_entry){AT(desc[i]), (uint16_t)i, 0x3000, 64, 0x6000, 8};
}

static uint32_t fill(float *to, uint32_t count, uint32_t seed)
{
    while (count--) {
        seed = bench_next(seed);
        *to++ = (float)(int32_t)seed * 0x1p-30f;
    }
    return seed;
}

static uint32_t bits(float value)
{
    union {
        float value;
        uint32_t bits;
    } u = {.value = value};
    return u.bits;
}

uint32_t program(uint32_t rounds)
{
    uint32_t seed = 1, result = 0;

    prepare();
    while (rounds--) {
        if (rounds % 8 == 7) {
            seed = fill(m.scores, HEADS * CACHED, seed);
            seed = fill(m.x, WORDS, seed);
            seed = fill(m.gain, WORDS, seed);
            seed = fill(m.logit, EXPERTS, seed);
            seed = fill(m.bias, EXPERTS, seed);
            seed = fill(m.gate, 2 * TOP_K * CHANNELS, seed);
        }
        m.sum = 40.0f;
        m.state = (struct token_state){rounds & 0xfff, CACHED};
        kernel_norm_rope(AT(rope));
        kernel_score_max(AT(score));
        kernel_score_exp(AT(score));
        kernel_sigmoid(AT(sigmoid));
        kernel_topk(AT(topk));
        kernel_select(AT(select));
        kernel_swiglu(AT(swiglu));
        result = result * 33 + (bits(m.y[1]) ^ bits(m.sums[1]) ^ bits(m.out[5]) ^ m.id[0]);
    }
    return result;
}
