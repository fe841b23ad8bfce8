/* SPDX-License-Identifier: Apache-2.0 */
/* reference.c - a sequence through the whole model: the cache, and layer after layer
 * (reference_layer.c). */
#include "model/reference.h"

#include "base/xalloc.h"
#include "model/reference_internal.h"

#include <stdlib.h>
#include <string.h>

struct reference {
    struct reference_work work;
    struct reference_layer_trace vectors;
    const struct model_config *config;
    struct arena *arena;
    uint32_t positions; /* room */
    uint32_t length;    /* used */
    reference_hook *hook;
    void *hook_self;
    float *cache; /* [layers][positions][kv_lora_rank + rope_dim], normed and rotated */
    float *x;     /* [hidden] the residual stream */
};

static size_t cached_dim(const struct model_config *c)
{
    return c->kv_lora_rank + c->rope_dim;
}

struct layer_cache {
    float *rows;
    size_t dim;
};

static const float *get_from_layer(const void *self, uint32_t first, uint32_t count, float *room)
{
    (void)count;
    (void)room;
    const struct layer_cache *l = self;
    return l->rows + first * l->dim;
}

static void one_layer(struct reference *r, uint32_t layer, uint32_t position)
{
    size_t dim = cached_dim(r->config);
    struct layer_cache cache = {r->cache + (size_t)layer * r->positions * dim, dim};
    work_layer(&r->work, layer, position, get_from_layer, &cache, r->x);
    memcpy(cache.rows + position * dim, r->vectors.latent, dim * sizeof *r->cache);
    memcpy(r->x, r->vectors.final, r->config->hidden * sizeof *r->x);
    if (r->hook)
        r->hook(r->hook_self, layer, r->x);
}

int reference_step(struct reference *r, uint32_t token, uint32_t position, float *logits,
                   struct err *e)
{
    const struct model_config *c = r->config;
    if (token >= c->vocab)
        return err_input(e, "token %u: the vocabulary has %u", token, c->vocab);
    if (position >= r->positions)
        return err_set(e, ERR_LIMIT, "position %u: there is room for %u", position, r->positions);
    if (position > r->length)
        return err_set(e, ERR_USAGE, "position %u: the next one is %u", position, r->length);
    struct weight embed = work_weight(&r->work, ROLE_EMBED, 0, 0);
    weight_row_f32(&embed, token, 0, c->hidden, r->x);
    for (uint32_t layer = 0; layer < c->layers; layer++)
        one_layer(r, layer, position);
    r->length = position + 1;
    if (logits)
        work_head(&r->work, r->x, logits);
    return 0;
}

int reference_open(struct reference **out, const struct checkpoint *ck, uint32_t positions,
                   struct err *e)
{
    const struct model_config *c = checkpoint_config(ck);
    if (positions == 0 || positions > c->positions_max)
        return err_set(e, ERR_USAGE, "%u positions: the model has 1..%u", positions,
                       c->positions_max);
    struct reference *r = xcalloc(1, sizeof *r);
    *r = (struct reference){.config = c, .arena = arena_open(), .positions = positions};
    reference_layer_trace_open(&r->vectors, c);
    work_open(&r->work, ck, &r->vectors, positions, 1);
    size_t cached = (size_t)c->layers * positions;
    r->cache = arena_alloc(r->arena, cached * cached_dim(c), sizeof *r->cache);
    r->x = arena_alloc(r->arena, c->hidden, sizeof *r->x);
    *out = r;
    return 0;
}

void reference_close(struct reference *r)
{
    if (!r)
        return;
    work_close(&r->work);
    reference_layer_trace_close(&r->vectors);
    arena_close(r->arena);
    free(r);
}

void reference_set_hook(struct reference *r, reference_hook *hook, void *self)
{
    r->hook = hook;
    r->hook_self = self;
}

uint32_t logits_argmax(const float *logits, uint32_t vocab)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < vocab; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}
