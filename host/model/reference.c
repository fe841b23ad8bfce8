/* SPDX-License-Identifier: Apache-2.0 */
/* reference.c - the plain forward pass, in the order of the model's definition: skeleton at the
 * bottom, attention, feed-forward and small pieces above. Shapes stand beside the pointers. */
#include "model/reference.h"

#include "base/xalloc.h"
#include "model/router.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct reference {
    const struct checkpoint *ck;
    const struct model_config *config;
    struct arena *arena;
    uint32_t positions; /* room */
    uint32_t length;    /* used */
    reference_hook *hook;
    void *hook_self;
    double scale, multiplier;
    double *inv_freq; /* [rope_dim / 2] */
    /* the cache */
    float *latent;   /* [layers][positions][kv_lora_rank], normed */
    float *rope_key; /* [layers][positions][rope_dim], rotated */
    /* scratch of one step */
    float *row;       /* one decoded weight row: the widest */
    float *x;         /* [hidden] the residual stream */
    float *normed;    /* [hidden] */
    float *part;      /* [hidden] what a block adds */
    float *q_low;     /* [q_lora_rank] */
    float *q;         /* [heads][nope_dim + rope_dim] */
    float *kv;        /* [kv_lora_rank + rope_dim] */
    double *q_latent; /* [kv_lora_rank] a head's query in latent space; then its mix of latents */
    float *mix;       /* [kv_lora_rank] */
    double *scores;   /* [positions] */
    float *heads;     /* [heads][v_dim] */
    float *gate, *up; /* [widest MLP] */
    float *router;    /* [experts] scores, then bias, then [experts + groups] of scratch */
    uint32_t *chosen; /* [experts_used] */
    float *weights;   /* [experts_used] */
};

/* ---- small pieces ---- */

static double dot(const float *a, const float *b, uint32_t n)
{
    double sum[4] = {0};
    uint32_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (uint32_t k = 0; k < 4; k++)
            sum[k] += (double)a[i + k] * (double)b[i + k];
    for (; i < n; i++)
        sum[0] += (double)a[i] * (double)b[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static struct weight weight_of(const struct reference *r, enum weight_role role, uint32_t layer,
                               uint32_t expert)
{
    struct weight w;
    (void)checkpoint_weight(r->ck, role, layer, expert, &w);
    return w;
}

/* y = W x */
static void product(struct reference *r, const struct weight *w, const float *x, float *y)
{
    for (uint32_t i = 0; i < w->rows; i++) {
        weight_row_f32(w, i, 0, w->cols, r->row);
        y[i] = (float)dot(r->row, x, w->cols);
    }
}

static void rms_norm(struct reference *r, enum weight_role role, uint32_t layer, const float *x,
                     float *y)
{
    struct weight w = weight_of(r, role, layer, 0);
    double mean = dot(x, x, w.cols) / w.cols, factor = 1.0 / sqrt(mean + r->config->norm_eps);
    weight_row_f32(&w, 0, 0, w.cols, r->row);
    for (uint32_t i = 0; i < w.cols; i++)
        y[i] = (float)((double)x[i] * factor * (double)r->row[i]);
}

static void rotate(const struct reference *r, uint32_t position, float *x /* [rope_dim] */)
{
    for (uint32_t i = 0; i < r->config->rope_dim / 2; i++) {
        double angle = position * r->inv_freq[i];
        double c = cos(angle) * r->multiplier, s = sin(angle) * r->multiplier;
        double even = (double)x[(size_t)2 * i], odd = (double)x[(size_t)2 * i + 1];
        x[(size_t)2 * i] = (float)(even * c - odd * s);
        x[(size_t)2 * i + 1] = (float)(even * s + odd * c);
    }
}

/* ---- attention ---- */

static float *latent_at(const struct reference *r, uint32_t layer, uint32_t position)
{
    return r->latent + ((size_t)layer * r->positions + position) * r->config->kv_lora_rank;
}

static float *rope_key_at(const struct reference *r, uint32_t layer, uint32_t position)
{
    return r->rope_key + ((size_t)layer * r->positions + position) * r->config->rope_dim;
}

static void make_query(struct reference *r, uint32_t layer, uint32_t position)
{
    const struct model_config *c = r->config;
    if (c->q_lora_rank) {
        struct weight a = weight_of(r, ROLE_Q_A, layer, 0), b = weight_of(r, ROLE_Q_B, layer, 0);
        product(r, &a, r->normed, r->q_low);
        rms_norm(r, ROLE_Q_A_NORM, layer, r->q_low, r->q_low);
        product(r, &b, r->q_low, r->q);
    } else {
        struct weight w = weight_of(r, ROLE_Q, layer, 0);
        product(r, &w, r->normed, r->q);
    }
    for (uint32_t head = 0; head < c->heads; head++)
        rotate(r, position, r->q + (size_t)head * config_query_dim(c) + c->nope_dim);
}

static void extend_cache(struct reference *r, uint32_t layer, uint32_t position)
{
    const struct model_config *c = r->config;
    struct weight w = weight_of(r, ROLE_KV_A, layer, 0);
    product(r, &w, r->normed, r->kv);
    rms_norm(r, ROLE_KV_A_NORM, layer, r->kv, latent_at(r, layer, position));
    float *key = rope_key_at(r, layer, position);
    memcpy(key, r->kv + c->kv_lora_rank, c->rope_dim * sizeof *key);
    rotate(r, position, key);
}

static void softmax(double *x, uint32_t n)
{
    double max = x[0], sum = 0.0;
    for (uint32_t i = 1; i < n; i++)
        max = fmax(max, x[i]);
    for (uint32_t i = 0; i < n; i++) {
        x[i] = exp(x[i] - max);
        sum += x[i];
    }
    for (uint32_t i = 0; i < n; i++)
        x[i] /= sum;
}

/* One head over positions 0..position. kv_b's rows of a head: keys' nope_dim, then values' v_dim.
 */
static void attend(struct reference *r, uint32_t layer, uint32_t head, uint32_t position)
{
    const struct model_config *c = r->config;
    const float *q = r->q + (size_t)head * config_query_dim(c);
    struct weight kv_b = weight_of(r, ROLE_KV_B, layer, 0);
    uint32_t rank = c->kv_lora_rank, first = head * config_kv_dim(c);
    memset(r->q_latent, 0, rank * sizeof *r->q_latent);
    for (uint32_t i = 0; i < c->nope_dim; i++) {
        weight_row_f32(&kv_b, first + i, 0, rank, r->row);
        for (uint32_t k = 0; k < rank; k++)
            r->q_latent[k] += (double)q[i] * (double)r->row[k];
    }
    for (uint32_t t = 0; t <= position; t++) {
        const float *latent = latent_at(r, layer, t);
        double score = dot(q + c->nope_dim, rope_key_at(r, layer, t), c->rope_dim);
        for (uint32_t k = 0; k < rank; k++)
            score += r->q_latent[k] * (double)latent[k];
        r->scores[t] = score * r->scale;
    }
    softmax(r->scores, position + 1);
    memset(r->q_latent, 0, rank * sizeof *r->q_latent);
    for (uint32_t t = 0; t <= position; t++)
        for (uint32_t k = 0; k < rank; k++)
            r->q_latent[k] += r->scores[t] * (double)latent_at(r, layer, t)[k];
    for (uint32_t k = 0; k < rank; k++)
        r->mix[k] = (float)r->q_latent[k];
    for (uint32_t i = 0; i < c->v_dim; i++) {
        weight_row_f32(&kv_b, first + c->nope_dim + i, 0, rank, r->row);
        r->heads[(size_t)head * c->v_dim + i] = (float)dot(r->row, r->mix, rank);
    }
}

static void attention(struct reference *r, uint32_t layer, uint32_t position)
{
    rms_norm(r, ROLE_INPUT_NORM, layer, r->x, r->normed);
    make_query(r, layer, position);
    extend_cache(r, layer, position);
    for (uint32_t head = 0; head < r->config->heads; head++)
        attend(r, layer, head, position);
    struct weight o = weight_of(r, ROLE_O, layer, 0);
    product(r, &o, r->heads, r->part);
}

/* ---- feed-forward ---- */

/* part += factor * down(silu(gate(normed)) * up(normed)); the three roles follow each other. */
static void add_mlp(struct reference *r, enum weight_role gate_role, uint32_t layer,
                    uint32_t expert, float factor)
{
    struct weight gate = weight_of(r, gate_role, layer, expert);
    struct weight up = weight_of(r, gate_role + 1, layer, expert);
    struct weight down = weight_of(r, gate_role + 2, layer, expert);
    product(r, &gate, r->normed, r->gate);
    product(r, &up, r->normed, r->up);
    for (uint32_t i = 0; i < gate.rows; i++) {
        double z = (double)r->gate[i];
        r->gate[i] = (float)(z / (1.0 + exp(-z)) * (double)r->up[i]);
    }
    for (uint32_t i = 0; i < down.rows; i++) {
        weight_row_f32(&down, i, 0, down.cols, r->row);
        r->part[i] += (float)((double)factor * dot(r->row, r->gate, down.cols));
    }
}

static void add_experts(struct reference *r, uint32_t layer)
{
    const struct model_config *c = r->config;
    struct weight router = weight_of(r, ROLE_ROUTER, layer, 0);
    struct weight bias = weight_of(r, ROLE_ROUTER_BIAS, layer, 0);
    float *score = r->router, *biases = score + c->experts;
    product(r, &router, r->normed, score);
    for (uint32_t i = 0; i < c->experts; i++)
        score[i] = (float)(1.0 / (1.0 + exp(-(double)score[i])));
    weight_row_f32(&bias, 0, 0, c->experts, biases);
    router_choose(c, score, biases, r->chosen, r->weights, biases + c->experts);
    for (uint32_t k = 0; k < c->experts_used; k++)
        add_mlp(r, ROLE_EXPERT_GATE, layer, r->chosen[k], r->weights[k]);
    if (c->shared_experts)
        add_mlp(r, ROLE_SHARED_GATE, layer, 0, 1.0f);
}

static void feed_forward(struct reference *r, uint32_t layer)
{
    rms_norm(r, ROLE_POST_NORM, layer, r->x, r->normed);
    memset(r->part, 0, r->config->hidden * sizeof *r->part);
    if (config_has_experts(r->config, layer))
        add_experts(r, layer);
    else
        add_mlp(r, ROLE_DENSE_GATE, layer, 0, 1.0f);
}

/* ---- skeleton ---- */

static void add_part(struct reference *r)
{
    for (uint32_t i = 0; i < r->config->hidden; i++)
        r->x[i] += r->part[i];
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
    struct weight embed = weight_of(r, ROLE_EMBED, 0, 0);
    weight_row_f32(&embed, token, 0, c->hidden, r->x);
    for (uint32_t layer = 0; layer < c->layers; layer++) {
        attention(r, layer, position);
        add_part(r);
        feed_forward(r, layer);
        add_part(r);
        if (r->hook)
            r->hook(r->hook_self, layer, r->x);
    }
    r->length = position + 1;
    if (logits) {
        struct weight head = weight_of(r, ROLE_LM_HEAD, 0, 0);
        rms_norm(r, ROLE_FINAL_NORM, 0, r->x, r->normed);
        product(r, &head, r->normed, logits);
    }
    return 0;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void take_scratch(struct reference *r)
{
    const struct model_config *c = r->config;
    struct arena *a = r->arena;
    size_t values = (size_t)c->heads * c->v_dim,
           shared = (size_t)c->shared_experts * c->expert_width;
    size_t mlp = larger(larger(c->dense_width, c->expert_width), shared);
    size_t widest = larger(larger(c->hidden, mlp), larger(values, c->q_lora_rank));
    widest = larger(larger(widest, c->kv_lora_rank), c->experts);
    r->row = arena_alloc(a, widest, sizeof *r->row);
    r->x = arena_alloc(a, c->hidden, sizeof *r->x);
    r->normed = arena_alloc(a, c->hidden, sizeof *r->normed);
    r->part = arena_alloc(a, c->hidden, sizeof *r->part);
    r->q_low = arena_alloc(a, c->q_lora_rank, sizeof *r->q_low);
    r->q = arena_alloc(a, (size_t)c->heads * config_query_dim(c), sizeof *r->q);
    r->kv = arena_alloc(a, c->kv_lora_rank + c->rope_dim, sizeof *r->kv);
    r->q_latent = arena_alloc(a, c->kv_lora_rank, sizeof *r->q_latent);
    r->mix = arena_alloc(a, c->kv_lora_rank, sizeof *r->mix);
    r->scores = arena_alloc(a, r->positions, sizeof *r->scores);
    r->heads = arena_alloc(a, values, sizeof *r->heads);
    r->gate = arena_alloc(a, mlp, sizeof *r->gate);
    r->up = arena_alloc(a, mlp, sizeof *r->up);
    r->router = arena_alloc(a, 3 * (size_t)c->experts + c->groups, sizeof *r->router);
    r->chosen = arena_alloc(a, c->experts_used, sizeof *r->chosen);
    r->weights = arena_alloc(a, c->experts_used, sizeof *r->weights);
}

int reference_open(struct reference **out, const struct checkpoint *ck, uint32_t positions,
                   struct err *e)
{
    const struct model_config *c = checkpoint_config(ck);
    if (positions == 0 || positions > c->positions_max)
        return err_set(e, ERR_USAGE, "%u positions: the model has 1..%u", positions,
                       c->positions_max);
    struct reference *r = xcalloc(1, sizeof *r);
    *r = (struct reference){.ck = ck, .config = c, .arena = arena_open(), .positions = positions};
    r->scale = attention_scale(c);
    r->multiplier = rope_multiplier(c);
    r->inv_freq = arena_alloc(r->arena, c->rope_dim / 2, sizeof *r->inv_freq);
    rope_frequencies(c, r->inv_freq);
    size_t cached = (size_t)c->layers * positions;
    r->latent = arena_alloc(r->arena, cached * c->kv_lora_rank, sizeof *r->latent);
    r->rope_key = arena_alloc(r->arena, cached * c->rope_dim, sizeof *r->rope_key);
    take_scratch(r);
    *out = r;
    return 0;
}

void reference_close(struct reference *r)
{
    if (!r)
        return;
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
