/* SPDX-License-Identifier: Apache-2.0 */
/* reference_layer.h - one layer of the plain forward pass alone, or the head: what a placement of a
 * true-size model is compared with, layer by layer.
 *
 * The same code as reference.h's whole model. The cache is kv_rule.h's; only weights that are used
 * are made. Cost for Kimi K2.6, two threads of a Zen 5: an expert layer by rule 0.4 s, with 10,000
 * cached positions 0.6 s, with 100,000 2.3 s; the head 1.0 s. Memory: 8 bytes a head and position.
 */
#ifndef TESSERA_MODEL_REFERENCE_LAYER_H
#define TESSERA_MODEL_REFERENCE_LAYER_H

#include "model/checkpoint.h"

struct reference_layer_cfg {
    uint32_t layer;    /* config.layers: the head */
    uint32_t position; /* of the token; those before it are cached. The head needs none */
    uint32_t user;     /* whose cache */
    bool kv_bf16;      /* what the token adds to the cache is rounded to BF16 before use */
    unsigned threads;  /* 1 .. SPLIT_MAX; the result does not depend on it */
};

/* The vectors on a layer's way. A dense layer leaves router and experts alone, the head everything.
 * MLPs follow each other in gate, up and activation: chosen experts, best first, then the shared
 * ones; or the dense one. */
struct reference_layer_trace {
    float *query;      /* [heads][nope_dim + rope_dim], rotated */
    float *latent;     /* [kv_lora_rank + rope_dim] what the token adds to the cache */
    float *heads;      /* [heads][v_dim] */
    float *attended;   /* [hidden] the stream after o_proj and residual */
    float *router;     /* [experts] after the sigmoid, without bias */
    uint32_t *chosen;  /* [experts_used] best first */
    float *weights;    /* [experts_used] */
    float *gate, *up;  /* [sum of widths] */
    float *activation; /* [sum of widths] silu(gate) * up */
    float *final;      /* [hidden] the stream after the layer */
    struct arena *arena;
};

void reference_layer_trace_open(struct reference_layer_trace *t, const struct model_config *c);
void reference_layer_trace_close(struct reference_layer_trace *t);

/* out[hidden] from x[hidden], or out[vocab] for the head. `trace`, opened, may be NULL. Errors:
 * ERR_USAGE for a layer, position or number of threads out of range. */
int reference_layer_run(const struct checkpoint *ck, const struct reference_layer_cfg *cfg,
                        const float *x, float *out, struct reference_layer_trace *trace,
                        struct err *e);

#endif
