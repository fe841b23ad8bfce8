/* SPDX-License-Identifier: Apache-2.0 */
/* rule_words.h - the random words all rules draw from (weight_rule.h, kv_rule.h), and rounding to
 * BF16:
 *
 *   word(row, j)   rng_mix(rule + (2^32 * row + j + 1) * 0x9e3779b97f4a7c15), 64 bits */
#ifndef TESSERA_MODEL_RULE_WORDS_H
#define TESSERA_MODEL_RULE_WORDS_H

#include "base/rng.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are stored as they lie");

/* How far the states of neighbouring words are apart. */
static const uint64_t rule_step = 0x9e3779b97f4a7c15;

/* The state from which word j of a row is mixed. */
static inline uint64_t rule_state(uint64_t rule, uint32_t row, uint64_t j)
{
    return rule + (((uint64_t)row << 32) + j + 1) * rule_step;
}

/* To nearest, ties to even. Values of a rule are finite: no NaN to look after. */
static inline uint16_t rule_bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

#endif
