/* SPDX-License-Identifier: Apache-2.0 */
/* reference_attention.c - attention in the space of the cache: each head's query is carried there
 * once, scored against every position, and the mixed latent carried back. */
#include "model/reference_internal.h"

#include <math.h>
#include <string.h>

struct attention {
    struct reference_work *work;
    struct weight kv_b; /* rows of a head: keys' nope_dim, then values' v_dim */
    latents_get *get;
    const void *cache;
    uint32_t position;
};

static uint32_t cached_dim(const struct model_config *c)
{
    return c->kv_lora_rank + c->rope_dim;
}

static void rotate(const struct reference_work *w, uint32_t position, float *x /* [rope_dim] */)
{
    for (uint32_t i = 0; i < w->config->rope_dim / 2; i++) {
        double angle = position * w->inv_freq[i];
        double c = cos(angle) * w->multiplier, s = sin(angle) * w->multiplier;
        double even = (double)x[(size_t)2 * i], odd = (double)x[(size_t)2 * i + 1];
        x[(size_t)2 * i] = (float)(even * c - odd * s);
        x[(size_t)2 * i + 1] = (float)(even * s + odd * c);
    }
}

/* ---- what the token brings ---- */

static void make_query(struct reference_work *w, uint32_t layer, uint32_t position)
{
    const struct model_config *c = w->config;
    if (c->q_lora_rank) {
        struct weight a = work_weight(w, ROLE_Q_A, layer, 0);
        struct weight b = work_weight(w, ROLE_Q_B, layer, 0);
        work_product(w, &a, w->normed, w->q_low);
        work_norm(w, ROLE_Q_A_NORM, layer, w->q_low, w->q_low);
        work_product(w, &b, w->q_low, w->v->query);
    } else {
        struct weight q = work_weight(w, ROLE_Q, layer, 0);
        work_product(w, &q, w->normed, w->v->query);
    }
    for (uint32_t head = 0; head < c->heads; head++)
        rotate(w, position, w->v->query + (size_t)head * config_query_dim(c) + c->nope_dim);
}

static void make_latent(struct reference_work *w, uint32_t layer, uint32_t position)
{
    const struct model_config *c = w->config;
    struct weight kv_a = work_weight(w, ROLE_KV_A, layer, 0);
    float *latent = w->v->latent;
    work_product(w, &kv_a, w->normed, latent);
    work_norm(w, ROLE_KV_A_NORM, layer, latent, latent);
    rotate(w, position, latent + c->kv_lora_rank);
    for (uint32_t i = 0; w->kv_bf16 && i < cached_dim(c); i++)
        latent[i] = bf16_to_f32(bf16_from_f32(latent[i]));
}

/* ---- one head over some positions ---- */

static double mixed_dot(const double *a, const float *b, uint32_t n)
{
    double sum[8] = {0};
    uint32_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (uint32_t k = 0; k < 8; k++)
            sum[k] += a[i + k] * (double)b[i + k];
    for (; i < n; i++)
        sum[0] += a[i] * (double)b[i];
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

static void score(const struct reference_work *w, uint32_t head, const float *latents,
                  uint32_t first, uint32_t count)
{
    uint32_t dim = cached_dim(w->config);
    const double *q = w->q_latent + (size_t)head * dim;
    double *scores = w->scores + (size_t)head * w->positions + first;
    for (uint32_t t = 0; t < count; t++)
        scores[t] = w->scale * mixed_dot(q, latents + (size_t)t * dim, dim);
}

static void mix(const struct reference_work *w, uint32_t head, const float *latents, uint32_t first,
                uint32_t count)
{
    uint32_t rank = w->config->kv_lora_rank, dim = cached_dim(w->config);
    const double *scores = w->scores + (size_t)head * w->positions + first;
    double *sum = w->mix + (size_t)head * rank;
    for (uint32_t t = 0; t < count; t++)
        for (uint32_t k = 0; k < rank; k++)
            sum[k] += scores[t] * (double)latents[(size_t)t * dim + k];
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

/* ---- some heads over all positions ---- */

static void carry_query(const struct attention *a, unsigned worker, uint32_t head)
{
    const struct reference_work *w = a->work;
    const struct model_config *c = w->config;
    const float *q = w->v->query + (size_t)head * config_query_dim(c);
    double *out = w->q_latent + (size_t)head * cached_dim(c);
    memset(out, 0, c->kv_lora_rank * sizeof *out);
    for (uint32_t i = 0; i < c->nope_dim; i++) {
        const float *row = work_row(w, worker, &a->kv_b, head * config_kv_dim(c) + i);
        for (uint32_t k = 0; k < c->kv_lora_rank; k++)
            out[k] += (double)q[i] * (double)row[k];
    }
    for (uint32_t i = 0; i < c->rope_dim; i++)
        out[c->kv_lora_rank + i] = (double)q[c->nope_dim + i];
}

static void carry_back(const struct attention *a, unsigned worker, uint32_t head)
{
    const struct reference_work *w = a->work;
    const struct model_config *c = w->config;
    const double *mixed = w->mix + (size_t)head * c->kv_lora_rank;
    for (uint32_t i = 0; i < c->v_dim; i++) {
        uint32_t row = head * config_kv_dim(c) + c->nope_dim + i;
        w->v->heads[(size_t)head * c->v_dim + i] =
            (float)mixed_dot(mixed, work_row(w, worker, &a->kv_b, row), c->kv_lora_rank);
    }
}

typedef void visit_some(const struct reference_work *w, uint32_t head, const float *latents,
                        uint32_t first, uint32_t count);

/* A few positions stay in the processor's cache while all heads visit them. */
static void each_position(const struct attention *a, unsigned worker, uint32_t first,
                          uint32_t count, visit_some *visit)
{
    struct reference_work *w = a->work;
    float *room = w->latents + (size_t)worker * LATENTS_AT_ONCE * cached_dim(w->config);
    for (uint32_t t = 0, n; t < a->position; t += n) {
        n = a->position - t < LATENTS_AT_ONCE ? a->position - t : LATENTS_AT_ONCE;
        const float *latents = a->get(a->cache, t, n, room);
        for (uint32_t head = first; head < first + count; head++)
            visit(w, head, latents, t, n);
    }
    for (uint32_t head = first; head < first + count; head++)
        visit(w, head, w->v->latent, a->position, 1);
}

static void attend(void *self, unsigned worker, uint32_t first, uint32_t count)
{
    const struct attention *a = self;
    struct reference_work *w = a->work;
    uint32_t rank = w->config->kv_lora_rank;
    for (uint32_t head = first; head < first + count; head++)
        carry_query(a, worker, head);
    each_position(a, worker, first, count, score);
    for (uint32_t head = first; head < first + count; head++)
        softmax(w->scores + (size_t)head * w->positions, a->position + 1);
    memset(w->mix + (size_t)first * rank, 0, (size_t)count * rank * sizeof *w->mix);
    each_position(a, worker, first, count, mix);
    for (uint32_t head = first; head < first + count; head++)
        carry_back(a, worker, head);
}

void work_attention(struct reference_work *w, uint32_t layer, uint32_t position, latents_get *get,
                    const void *cache, const float *x)
{
    struct attention a = {w, work_weight(w, ROLE_KV_B, layer, 0), get, cache, position};
    struct weight o = work_weight(w, ROLE_O, layer, 0);
    work_norm(w, ROLE_INPUT_NORM, layer, x, w->normed);
    make_query(w, layer, position);
    make_latent(w, layer, position);
    split_run(w->threads, w->config->heads, attend, &a);
    work_product(w, &o, w->v->heads, w->part);
}
