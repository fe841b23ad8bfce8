/* SPDX-License-Identifier: Apache-2.0 */
/* latent.h - inside host/place: what of a cached position lies where.
 *
 * A position's vector has kv_lora_rank latents, then rope_dim elements of the rotated key in pairs
 * (its natural order). The columns of a block of heads share both alike, for products over the
 * cache wait for the fullest column: scores for all its elements, values for its latents. */
#ifndef TESSERA_PLACE_LATENT_H
#define TESSERA_PLACE_LATENT_H

#include "model/config.h"
#include "place/split.h"

/* Elements of the vector in natural order; in a tile [latents | rope]. */
struct latent_part {
    struct slice latents, rope;
    uint32_t count; /* of both */
};

/* Elements that stay together, so that a word of bf16 has one origin: 2, or 1 where the latents are
 * an odd number. */
static inline uint32_t latent_grain(const struct model_config *k)
{
    return k->kv_lora_rank % 2 ? 1 : 2;
}

/* What column i of `columns` has, in whole grains. Pairs are dealt out evenly and stay whole; then
 * no column has more elements than it must, and of those no more latents than it must. */
struct latent_part latent_of_column(const struct model_config *k, uint32_t columns, uint32_t i);

/* What of a part lies in a slice of the vector in natural order. */
struct latent_part latent_within(const struct latent_part *part, struct slice s);

#endif
