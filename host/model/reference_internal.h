/* SPDX-License-Identifier: Apache-2.0 */
/* reference_internal.h - shared by the parts of the reference forward pass, and by nobody else. */
#ifndef TESSERA_MODEL_REFERENCE_INTERNAL_H
#define TESSERA_MODEL_REFERENCE_INTERNAL_H

#include "model/reference_layer.h"
#include "model/split.h"

/* The cache of one layer: positions first .. first + count - 1, [count][kv_lora_rank + rope_dim],
 * latents normed and keys rotated; made in `room` or lying elsewhere. Called from any thread. */
typedef const float *latents_get(const void *self, uint32_t first, uint32_t count, float *room);

enum { LATENTS_AT_ONCE = 32 };

/* What computing one layer after the other needs. */
struct reference_work {
    const struct checkpoint *ck;
    const struct model_config *config;
    struct arena *arena;
    struct reference_layer_trace *v;
    unsigned threads;
    uint32_t positions; /* room */
    bool kv_bf16;
    double scale, multiplier;
    double *inv_freq; /* [rope_dim / 2] */
    size_t widest;    /* columns of a weight */
    float *rows;      /* [threads][widest] decoded weight rows */
    float *latents;   /* [threads][LATENTS_AT_ONCE][kv_lora_rank + rope_dim] */
    float *normed;    /* [hidden] */
    float *part;      /* [hidden] what attention adds */
    double *sum;      /* [hidden] what MLPs add */
    float *q_low;     /* [q_lora_rank] */
    double *q_latent; /* [heads][kv_lora_rank + rope_dim] queries in the space of the cache */
    double *mix;      /* [heads][kv_lora_rank] latents by probability */
    double *scores;   /* [heads][positions] */
    float *biases;    /* [experts], then [experts + groups] of scratch */
};

/* For up to `positions` positions; the vectors of the layer at hand are in *v. */
void work_open(struct reference_work *w, const struct checkpoint *ck,
               struct reference_layer_trace *v, uint32_t positions, unsigned threads);
void work_close(struct reference_work *w);

/* One decoder layer from x[hidden] to v->final. The cache holds positions 0 .. position - 1, and
 * gets v->latent from the caller. */
void work_layer(struct reference_work *w, uint32_t layer, uint32_t position, latents_get *get,
                const void *cache, const float *x);

void work_head(struct reference_work *w, const float *x, float *logits);

/* ---- pieces (reference_product.c) ---- */

struct weight work_weight(const struct reference_work *w, enum weight_role role, uint32_t layer,
                          uint32_t expert);

double work_dot(const float *a, const float *b, uint32_t n);

/* A row of a weight as numbers, in the worker's scratch. */
const float *work_row(const struct reference_work *w, unsigned worker, const struct weight *m,
                      uint32_t row);

/* y = M x */
void work_product(const struct reference_work *w, const struct weight *m, const float *x, float *y);

/* sum += factor * M x */
void work_add_product(const struct reference_work *w, const struct weight *m, const float *x,
                      double factor, double *sum);

/* y may be x. */
void work_norm(const struct reference_work *w, enum weight_role role, uint32_t layer,
               const float *x, float *y);

/* ---- attention (reference_attention.c) ---- */

/* From x[hidden] to w->part. */
void work_attention(struct reference_work *w, uint32_t layer, uint32_t position, latents_get *get,
                    const void *cache, const float *x);

#endif
