/* SPDX-License-Identifier: Apache-2.0 */
/* census.h - what a model's weights amount to, by what they are for. */
#ifndef TESSERA_MODEL_CENSUS_H
#define TESSERA_MODEL_CENSUS_H

#include "model/checkpoint.h"

enum census_kind {
    CENSUS_MLA, /* attention with the norms of its low ranks */
    CENSUS_DENSE,
    CENSUS_ROUTER, /* with its bias */
    CENSUS_SHARED,
    CENSUS_ROUTED,
    CENSUS_NORMS, /* of the residual stream */
    CENSUS_EMBEDDING,
    CENSUS_HEAD, /* empty if tied */
    CENSUS_KINDS
};

struct census {
    uint64_t parameters[CENSUS_KINDS], bytes[CENSUS_KINDS];
};

const char *census_kind_name(enum census_kind kind);

/* The weights of one layer; `layer` == config.layers: those outside the layers. */
void census_layer(const struct checkpoint *ck, uint32_t layer, struct census *out);
void census_model(const struct checkpoint *ck, struct census *out);

uint64_t census_parameters(const struct census *c);
uint64_t census_bytes(const struct census *c);

/* Weight bytes one decoded token reads: everything but the embedding and the experts not chosen. */
uint64_t census_bytes_per_token(const struct checkpoint *ck);

/* What the cache grows by with each position, in BF16: latent and rope key in every layer. */
uint64_t census_kv_bytes(const struct model_config *c);

#endif
