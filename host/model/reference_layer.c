/* SPDX-License-Identifier: Apache-2.0 */
/* reference_layer.c - a decoder layer and the head in the order of the model's definition; one of
 * them alone at the bottom. Attention is reference_attention.c. */
#include "model/reference_internal.h"

#include "base/xalloc.h"
#include "model/kv_rule.h"
#include "model/router.h"

#include <math.h>
#include <string.h>

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* ---- room ---- */

static size_t shared_width(const struct model_config *c)
{
    return (size_t)c->shared_experts * c->expert_width;
}

void reference_layer_trace_open(struct reference_layer_trace *t, const struct model_config *c)
{
    struct arena *a = arena_open();
    size_t widths = (size_t)c->experts_used * c->expert_width + shared_width(c);
    widths = larger(widths, c->dense_width);
    *t = (struct reference_layer_trace){.arena = a};
    t->query = arena_alloc(a, (size_t)c->heads * config_query_dim(c), sizeof *t->query);
    t->latent = arena_alloc(a, c->kv_lora_rank + c->rope_dim, sizeof *t->latent);
    t->heads = arena_alloc(a, (size_t)c->heads * c->v_dim, sizeof *t->heads);
    t->attended = arena_alloc(a, c->hidden, sizeof *t->attended);
    t->router = arena_alloc(a, c->experts, sizeof *t->router);
    t->chosen = arena_alloc(a, c->experts_used, sizeof *t->chosen);
    t->weights = arena_alloc(a, c->experts_used, sizeof *t->weights);
    t->gate = arena_alloc(a, widths, sizeof *t->gate);
    t->up = arena_alloc(a, widths, sizeof *t->up);
    t->activation = arena_alloc(a, widths, sizeof *t->activation);
    t->final = arena_alloc(a, c->hidden, sizeof *t->final);
}

void reference_layer_trace_close(struct reference_layer_trace *t)
{
    arena_close(t->arena);
    *t = (struct reference_layer_trace){0};
}

static size_t widest_row(const struct model_config *c)
{
    size_t mlp = larger(larger(c->dense_width, c->expert_width), shared_width(c));
    size_t attention = larger((size_t)c->heads * c->v_dim, larger(c->q_lora_rank, c->kv_lora_rank));
    return larger(larger(c->hidden, c->experts), larger(mlp, attention));
}

void work_open(struct reference_work *w, const struct checkpoint *ck,
               struct reference_layer_trace *v, uint32_t positions, unsigned threads)
{
    const struct model_config *c = checkpoint_config(ck);
    struct arena *a = arena_open();
    size_t cached = c->kv_lora_rank + c->rope_dim;
    *w = (struct reference_work){
        .ck = ck, .config = c, .arena = a, .v = v, .positions = positions, .threads = threads};
    w->scale = attention_scale(c);
    w->multiplier = rope_multiplier(c);
    w->inv_freq = arena_alloc(a, c->rope_dim / 2, sizeof *w->inv_freq);
    rope_frequencies(c, w->inv_freq);
    w->widest = widest_row(c);
    w->rows = arena_alloc(a, threads * w->widest, sizeof *w->rows);
    w->latents = arena_alloc(a, (size_t)threads * LATENTS_AT_ONCE * cached, sizeof *w->latents);
    w->normed = arena_alloc(a, c->hidden, sizeof *w->normed);
    w->part = arena_alloc(a, c->hidden, sizeof *w->part);
    w->sum = arena_alloc(a, c->hidden, sizeof *w->sum);
    w->q_low = arena_alloc(a, c->q_lora_rank, sizeof *w->q_low);
    w->q_latent = arena_alloc(a, c->heads * cached, sizeof *w->q_latent);
    w->mix = arena_alloc(a, (size_t)c->heads * c->kv_lora_rank, sizeof *w->mix);
    w->scores = arena_alloc(a, (size_t)c->heads * positions, sizeof *w->scores);
    w->biases = arena_alloc(a, 2 * (size_t)c->experts + c->groups, sizeof *w->biases);
}

void work_close(struct reference_work *w)
{
    arena_close(w->arena);
}

/* ---- feed-forward ---- */

/* sum += factor * down(silu(gate(normed)) * up(normed)); the three roles follow each other. The
 * vectors of this MLP begin `at` that of the trace. Returns where they end. */
static size_t add_mlp(struct reference_work *w, enum weight_role role, uint32_t layer,
                      uint32_t expert, double factor, size_t at)
{
    struct weight gate = work_weight(w, role, layer, expert);
    struct weight up = work_weight(w, role + 1, layer, expert);
    struct weight down = work_weight(w, role + 2, layer, expert);
    const float *u = w->v->up + at, *g = w->v->gate + at;
    float *activation = w->v->activation + at;
    work_product(w, &gate, w->normed, w->v->gate + at);
    work_product(w, &up, w->normed, w->v->up + at);
    for (uint32_t i = 0; i < gate.rows; i++) {
        double z = (double)g[i];
        activation[i] = (float)(z / (1.0 + exp(-z)) * (double)u[i]);
    }
    work_add_product(w, &down, activation, factor, w->sum);
    return at + gate.rows;
}

static void add_experts(struct reference_work *w, uint32_t layer)
{
    const struct model_config *c = w->config;
    struct reference_layer_trace *v = w->v;
    struct weight router = work_weight(w, ROLE_ROUTER, layer, 0);
    struct weight bias = work_weight(w, ROLE_ROUTER_BIAS, layer, 0);
    size_t at = 0;
    work_product(w, &router, w->normed, v->router);
    for (uint32_t i = 0; i < c->experts; i++)
        v->router[i] = (float)(1.0 / (1.0 + exp(-(double)v->router[i])));
    weight_row_f32(&bias, 0, 0, c->experts, w->biases);
    router_choose(c, v->router, w->biases, v->chosen, v->weights, w->biases + c->experts);
    for (uint32_t k = 0; k < c->experts_used; k++)
        at = add_mlp(w, ROLE_EXPERT_GATE, layer, v->chosen[k], (double)v->weights[k], at);
    if (c->shared_experts)
        add_mlp(w, ROLE_SHARED_GATE, layer, 0, 1.0, at);
}

/* ---- a layer, the head ---- */

void work_layer(struct reference_work *w, uint32_t layer, uint32_t position, latents_get *get,
                const void *cache, const float *x)
{
    uint32_t hidden = w->config->hidden;
    work_attention(w, layer, position, get, cache, x);
    for (uint32_t i = 0; i < hidden; i++)
        w->v->attended[i] = x[i] + w->part[i];
    work_norm(w, ROLE_POST_NORM, layer, w->v->attended, w->normed);
    memset(w->sum, 0, hidden * sizeof *w->sum);
    if (config_has_experts(w->config, layer))
        add_experts(w, layer);
    else
        add_mlp(w, ROLE_DENSE_GATE, layer, 0, 1.0, 0);
    for (uint32_t i = 0; i < hidden; i++)
        w->v->final[i] = w->v->attended[i] + (float)w->sum[i];
}

void work_head(struct reference_work *w, const float *x, float *logits)
{
    struct weight head = work_weight(w, ROLE_LM_HEAD, 0, 0);
    work_norm(w, ROLE_FINAL_NORM, 0, x, w->normed);
    work_product(w, &head, w->normed, logits);
}

/* ---- one alone ---- */

struct rule_cache {
    const struct model_config *config;
    uint32_t layer, user;
};

static const float *get_by_rule(const void *self, uint32_t first, uint32_t count, float *room)
{
    const struct rule_cache *r = self;
    uint32_t dim = r->config->kv_lora_rank + r->config->rope_dim;
    for (uint32_t i = 0; i < count; i++)
        kv_rule_fill(r->config, r->layer, r->user, first + i, 0, dim, room + (size_t)i * dim);
    return room;
}

static int check_cfg(const struct model_config *c, const struct reference_layer_cfg *cfg,
                     struct err *e)
{
    if (cfg->layer > c->layers)
        return err_set(e, ERR_USAGE, "layer %u: the model has %u", cfg->layer, c->layers);
    if (cfg->position >= c->positions_max)
        return err_set(e, ERR_USAGE, "position %u: the model has %u", cfg->position,
                       c->positions_max);
    if (cfg->threads < 1 || cfg->threads > SPLIT_MAX)
        return err_set(e, ERR_USAGE, "%u threads: 1 to %d", cfg->threads, SPLIT_MAX);
    return 0;
}

int reference_layer_run(const struct checkpoint *ck, const struct reference_layer_cfg *cfg,
                        const float *x, float *out, struct reference_layer_trace *trace,
                        struct err *e)
{
    const struct model_config *c = checkpoint_config(ck);
    struct reference_layer_trace own = {0};
    struct reference_work w;
    if (check_cfg(c, cfg, e))
        return -1;
    if (!trace)
        reference_layer_trace_open(&own, c);
    work_open(&w, ck, trace ? trace : &own, cfg->position + 1, cfg->threads);
    w.kv_bf16 = cfg->kv_bf16;
    if (cfg->layer == c->layers) {
        work_head(&w, x, out);
    } else {
        struct rule_cache cache = {c, cfg->layer, cfg->user};
        work_layer(&w, cfg->layer, cfg->position, get_by_rule, &cache, x);
        memcpy(out, w.v->final, c->hidden * sizeof *out);
    }
    work_close(&w);
    reference_layer_trace_close(&own);
    return 0;
}
