/* SPDX-License-Identifier: Apache-2.0 */
/* kv_rule.h - what a layer finds when it runs alone: the cached latents of earlier positions and
 * the residual stream that comes in, as a rule. Tiles and reference fill from here.
 *
 * The rule never changes, so that results recorded with one version hold for the next:
 *
 *   words          rule_words.h, row = position, rule = rng_mix(tag ^ rng_mix(2^32 * layer +
 * user)); tag 0x6b76 for latents, 0x78 for the stream, whose user is 0 elements       the words 0,
 * 1, ... of the row, 16 bits each, lowest first bell           (sum of the four nibbles of 16 bits
 * - 30) * 7/64: -3.28 .. 3.28, standard deviation 1.008 a latent       bell the stream     bell *
 * sqrt(1 + 9/16 * layer), rounded to BF16: what layers of weight_rule.h make of an embedding of
 * size 1; layer = config.layers is what the head finds
 *
 * A latent's first kv_lora_rank elements are normalised times their norm weight (of mean square
 * 49/48), the others are a rotated key of variance 1 (rope_multiplier is 1 in every published
 * model and not applied). All values are exact in BF16. Neighbouring positions are as different as
 * distant ones.
 *
 * No state, no tables: any thread may ask for anything. Cost: 0.7 ns a value of a latent, 2 of the
 * stream. */
#ifndef TESSERA_MODEL_KV_RULE_H
#define TESSERA_MODEL_KV_RULE_H

#include "model/config.h"

/* Elements first .. first + count - 1 of the kv_lora_rank + rope_dim cached ones. */
void kv_rule_fill(const struct model_config *c, uint32_t layer, uint32_t user, uint32_t position,
                  uint32_t first, uint32_t count, float *out);

/* out[hidden]: the input of a layer. */
void activation_rule_fill(const struct model_config *c, uint32_t layer, uint32_t position,
                          float *out);

#endif
