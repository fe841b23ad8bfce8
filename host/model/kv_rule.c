/* SPDX-License-Identifier: Apache-2.0 */
/* kv_rule.c - latents and streams from layer, user, position and element (kv_rule.h). */
#include "model/kv_rule.h"

#include "model/rule_words.h"
#include "model/weight.h"

#include <assert.h>
#include <math.h>

enum { TAG_LATENT = 0x6b76, TAG_STREAM = 0x78, CHUNK_WORDS = 8, CHUNK_VALUES = 4 * CHUNK_WORDS };

static uint64_t rule_of(uint64_t tag, uint32_t layer, uint32_t user)
{
    return rng_mix(tag ^ rng_mix((uint64_t)layer << 32 | user));
}

/* The sums of the four nibbles of each 16 bits. */
static uint64_t nibble_sums(uint64_t x)
{
    x = (x & 0x0f0f0f0f0f0f0f0f) + (x >> 4 & 0x0f0f0f0f0f0f0f0f);
    return (x & 0x00ff00ff00ff00ff) + (x >> 8 & 0x00ff00ff00ff00ff);
}

/* Whole chunks even for a few elements: loops of a known length become vector instructions. */
static void bell_chunk(uint64_t state, float *out)
{
    uint64_t words[CHUNK_WORDS];
    int16_t sums[CHUNK_VALUES];
    for (uint64_t i = 0; i < CHUNK_WORDS; i++)
        words[i] = nibble_sums(rng_mix(state + i * rule_step));
    memcpy(sums, words, sizeof sums);
    for (int i = 0; i < CHUNK_VALUES; i++)
        out[i] = (float)(sums[i] - 30) * 0.109375f;
}

static void bells(uint64_t rule, uint32_t row, uint32_t first, uint32_t n, float *out)
{
    float values[CHUNK_VALUES];
    for (uint32_t take; n; n -= take, first += take, out += take) {
        uint32_t skip = first % 4;
        take = n < CHUNK_VALUES - skip ? n : CHUNK_VALUES - skip;
        bell_chunk(rule_state(rule, row, first / 4), values);
        memcpy(out, values + skip, take * sizeof *out);
    }
}

/* NOLINTNEXTLINE(readability-function-size): layer, user, position and element are one address */
void kv_rule_fill(const struct model_config *c, uint32_t layer, uint32_t user, uint32_t position,
                  uint32_t first, uint32_t count, float *out)
{
    uint32_t all = c->kv_lora_rank + c->rope_dim;
    assert(layer < c->layers && first <= all && count <= all - first);
    bells(rule_of(TAG_LATENT, layer, user), position, first, count, out);
}

void activation_rule_fill(const struct model_config *c, uint32_t layer, uint32_t position,
                          float *out)
{
    assert(layer <= c->layers);
    float size = sqrtf(1.0f + 0.5625f * (float)layer);
    bells(rule_of(TAG_STREAM, layer, 0), position, 0, c->hidden, out);
    for (uint32_t i = 0; i < c->hidden; i++)
        out[i] = bf16_to_f32(rule_bf16(out[i] * size));
}
