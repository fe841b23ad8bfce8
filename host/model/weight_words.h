/* SPDX-License-Identifier: Apache-2.0 */
/* weight_words.h - many words of a rule at once and what they say, in the processor's widest
 * vectors.
 *
 * states[n] are rule_state()s in any order, n a multiple of WORDS_STEP. Same bits on every
 * processor: integers, and single roundings of floats. Cost a word on a Zen 5, AVX-512 / plain:
 * INT4 and FP8 0.17 / 1.3 ns, F32 0.26 / 1.7, BF16 and scales 0.45 / 2.5. */
#ifndef TESSERA_MODEL_WEIGHT_WORDS_H
#define TESSERA_MODEL_WEIGHT_WORDS_H

#include <stdint.h>

enum { WORDS_STEP = 8 };

struct word_loops {
    void (*int4)(const uint64_t *states, uint32_t n, uint64_t *out); /* 16 nibbles a word */
    void (*fp8)(const uint64_t *states, uint32_t n, uint64_t *out);  /* 8 bytes */
    /* 4 numbers, uniform in centre - spread .. centre + spread */
    void (*f32)(const uint64_t *states, uint32_t n, float centre, float spread, float *out);
    void (*bf16)(const uint64_t *states, uint32_t n, float centre, float spread, uint16_t *out);
    /* 4 BF16, uniform in unit * 0.5 .. unit * 1.5 */
    void (*scales)(const uint64_t *states, uint32_t n, float unit, uint16_t *out);
};

extern const struct word_loops words_plain;
const struct word_loops *words_widest(void); /* for the processor at hand */

#endif
