/* SPDX-License-Identifier: Apache-2.0 */
/* weight_words.c - words to codes and numbers. Each loop is written once and compiled twice; its
 * inner rounds have a known number, so that they become vector instructions. */
#include "model/weight_words.h"

#include "model/rule_words.h"

#include <stdbool.h>

enum { STEP_VALUES = 4 * WORDS_STEP };

#define ONCE static inline __attribute__((always_inline))
/* ---- words ---- */

/* Nibbles of 0 become 8. */
ONCE uint64_t without_minus_eight(uint64_t x)
{
    uint64_t any = x | x >> 2;
    any |= any >> 1;
    return x | (~any & 0x1111111111111111) << 3;
}

/* Bytes of 0x7f and 0xff become 0. */
ONCE uint64_t without_nan(uint64_t x)
{
    const uint64_t low = 0x7f7f7f7f7f7f7f7f, ones = 0x0101010101010101;
    uint64_t nan = ((x & low) + ones) >> 7 & ones;
    return x & ~(nan * 0xff);
}

ONCE void int4(const uint64_t *states, uint32_t n, uint64_t *restrict out)
{
    for (; n; n -= WORDS_STEP, states += WORDS_STEP, out += WORDS_STEP)
        for (int i = 0; i < WORDS_STEP; i++)
            out[i] = without_minus_eight(rng_mix(states[i]));
}

ONCE void fp8(const uint64_t *states, uint32_t n, uint64_t *restrict out)
{
    for (; n; n -= WORDS_STEP, states += WORDS_STEP, out += WORDS_STEP)
        for (int i = 0; i < WORDS_STEP; i++)
            out[i] = without_nan(rng_mix(states[i]));
}

/* ---- numbers ---- */

ONCE void some_bits(const uint64_t *states, uint16_t *out)
{
    uint64_t words[WORDS_STEP];
    for (int i = 0; i < WORDS_STEP; i++)
        words[i] = rng_mix(states[i]);
    memcpy(out, words, sizeof words);
}

ONCE void some_values(const uint64_t *states, float centre, float step, float *out)
{
    uint16_t bits[STEP_VALUES];
    some_bits(states, bits);
    for (int i = 0; i < STEP_VALUES; i++)
        out[i] = centre + step * ((float)bits[i] - 32767.5f);
}

ONCE void round_some(const float *values, uint16_t *out)
{
    for (int i = 0; i < STEP_VALUES; i++)
        out[i] = rule_bf16(values[i]);
}

ONCE void f32(const uint64_t *states, uint32_t n, float centre, float spread, float *restrict out)
{
    for (; n; n -= WORDS_STEP, states += WORDS_STEP, out += STEP_VALUES)
        some_values(states, centre, spread * 0x1p-15f, out);
}

ONCE void bf16(const uint64_t *states, uint32_t n, float centre, float spread,
               uint16_t *restrict out)
{
    float values[STEP_VALUES];
    for (; n; n -= WORDS_STEP, states += WORDS_STEP, out += STEP_VALUES) {
        some_values(states, centre, spread * 0x1p-15f, values);
        round_some(values, out);
    }
}

ONCE void scales(const uint64_t *states, uint32_t n, float unit, uint16_t *restrict out)
{
    uint16_t bits[STEP_VALUES];
    float values[STEP_VALUES];
    for (; n; n -= WORDS_STEP, states += WORDS_STEP, out += STEP_VALUES) {
        some_bits(states, bits);
        for (int i = 0; i < STEP_VALUES; i++)
            values[i] = unit * (0.5f + (float)bits[i] * 0x1p-16f);
        round_some(values, out);
    }
}

/* ---- twice ---- */

#define LOOPS(set)                                                                                 \
    TARGET_##set static void int4_##set(const uint64_t *states, uint32_t n, uint64_t *out)         \
    {                                                                                              \
        int4(states, n, out);                                                                      \
    }                                                                                              \
    TARGET_##set static void fp8_##set(const uint64_t *states, uint32_t n, uint64_t *out)          \
    {                                                                                              \
        fp8(states, n, out);                                                                       \
    }                                                                                              \
    TARGET_##set static void f32_##set(const uint64_t *states, uint32_t n, float centre,           \
                                       float spread, float *out)                                   \
    {                                                                                              \
        f32(states, n, centre, spread, out);                                                       \
    }                                                                                              \
    TARGET_##set static void bf16_##set(const uint64_t *states, uint32_t n, float centre,          \
                                        float spread, uint16_t *out)                               \
    {                                                                                              \
        bf16(states, n, centre, spread, out);                                                      \
    }                                                                                              \
    TARGET_##set static void scales_##set(const uint64_t *states, uint32_t n, float unit,          \
                                          uint16_t *out)                                           \
    {                                                                                              \
        scales(states, n, unit, out);                                                              \
    }
#define TABLE(set)                                                                                 \
    {                                                                                              \
        int4_##set, fp8_##set, f32_##set, bf16_##set, scales_##set                                 \
    }

#define TARGET_plain
LOOPS(plain)
const struct word_loops words_plain = TABLE(plain);

#ifdef __x86_64__
#define TARGET_avx512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
LOOPS(avx512)
static const struct word_loops words_avx512 = TABLE(avx512);

const struct word_loops *words_widest(void)
{
    bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return wide ? &words_avx512 : &words_plain;
}
#else
const struct word_loops *words_widest(void)
{
    return &words_plain;
}
#endif
