/* SPDX-License-Identifier: Apache-2.0 */
/* test_reference_layer.c - one layer alone: against the whole model at its first position, and
 * against a naive statement in double, with keys and values expanded per head, over cached
 * positions. */
#include "base/rng.h"
#include "base/xalloc.h"
#include "harness.h"
#include "model/kv_rule.h"
#include "model/reference.h"
#include "model/reference_layer.h"
#include "model/split.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Kimi K2.6 made small: layer 0 dense, layer 1 with experts. */
static struct model_config small(void)
{
    struct err e = {0};
    struct model_config c;
    CHECK_EQ(config_load(&c, "host/models/kimi-k2.6", &e), 0);
    c.hidden = 96;
    c.layers = 2;
    c.vocab = 50;
    c.heads = 5;
    c.q_lora_rank = 24;
    c.kv_lora_rank = 43;
    c.nope_dim = 16;
    c.v_dim = 12;
    c.rope_dim = 8;
    c.dense_width = 70;
    c.experts = 12;
    c.expert_width = 32;
    c.experts_used = 3;
    c.eos_count = 0;
    return c;
}

static struct checkpoint *open_model(const struct model_config *c, uint64_t seed)
{
    struct checkpoint *ck;
    struct err e = {0};
    CHECK_EQ(checkpoint_open_synthetic(&ck, c, seed, &e), 0);
    return ck;
}

/* ---- the naive statement ---- */

struct naive {
    const struct checkpoint *ck;
    const struct model_config *c;
    const struct reference_layer_cfg *cfg;
    struct arena *arena;
    const float *rounded; /* [kv_lora_rank + rope_dim] the new latent in BF16, or NULL */
};

static double *vector(const struct naive *n, size_t count)
{
    return arena_alloc(n->arena, count, sizeof(double));
}

static double *times(const struct naive *n, enum weight_role role, uint32_t expert, const double *x)
{
    struct weight w;
    CHECK_EQ(checkpoint_weight(n->ck, role, n->cfg->layer, expert, &w), 0);
    double *y = vector(n, w.rows);
    for (uint32_t i = 0; i < w.rows; i++)
        for (uint32_t k = 0; k < w.cols; k++) {
            float value;
            weight_row_f32(&w, i, k, 1, &value);
            y[i] += (double)value * x[k];
        }
    return y;
}

static double *normed(const struct naive *n, enum weight_role role, const double *x)
{
    struct weight w;
    double squares = 0.0;
    CHECK_EQ(checkpoint_weight(n->ck, role, n->cfg->layer, 0, &w), 0);
    double *y = vector(n, w.cols);
    for (uint32_t i = 0; i < w.cols; i++)
        squares += x[i] * x[i];
    for (uint32_t i = 0; i < w.cols; i++) {
        float value;
        weight_row_f32(&w, 0, i, 1, &value);
        y[i] = x[i] / sqrt(squares / w.cols + n->c->norm_eps) * (double)value;
    }
    return y;
}

static void turn(const struct naive *n, double *x)
{
    double *f = vector(n, n->c->rope_dim / 2);
    rope_frequencies(n->c, f);
    for (uint32_t i = 0; i < n->c->rope_dim / 2; i++) {
        double angle = f[i] * n->cfg->position, a = x[2UL * i], b = x[2UL * i + 1];
        x[2UL * i] = a * cos(angle) - b * sin(angle);
        x[2UL * i + 1] = a * sin(angle) + b * cos(angle);
    }
}

/* [position + 1][kv_lora_rank + rope_dim] */
static double *all_latents(const struct naive *n, const double *x)
{
    const struct model_config *c = n->c;
    uint32_t dim = c->kv_lora_rank + c->rope_dim, now = n->cfg->position;
    double *all = vector(n, (size_t)(now + 1) * dim), *a = times(n, ROLE_KV_A, 0, x);
    float cached[128];
    for (uint32_t t = 0; t < now; t++) {
        kv_rule_fill(c, n->cfg->layer, n->cfg->user, t, 0, dim, cached);
        for (uint32_t i = 0; i < dim; i++)
            all[t * dim + i] = (double)cached[i];
    }
    double *latent = all + (size_t)now * dim;
    memcpy(latent, normed(n, ROLE_KV_A_NORM, a), c->kv_lora_rank * sizeof *latent);
    memcpy(latent + c->kv_lora_rank, a + c->kv_lora_rank, c->rope_dim * sizeof *latent);
    turn(n, latent + c->kv_lora_rank);
    for (uint32_t i = 0; n->rounded && i < dim; i++) {
        CHECK(fabs((double)n->rounded[i] - latent[i]) <= 0x1.01p-8 * fabs(latent[i]) + 1e-7);
        latent[i] = (double)n->rounded[i];
    }
    return all;
}

/* One head; kv[t] is its rows of kv_b times the latent of t. */
static void naive_head(const struct naive *n, const double *q, const double *latents,
                       const double *const *kv, double *out)
{
    const struct model_config *c = n->c;
    uint32_t now = n->cfg->position, dim = c->kv_lora_rank + c->rope_dim;
    double *p = vector(n, now + 1), sum = 0.0;
    for (uint32_t t = 0; t <= now; t++) {
        for (uint32_t i = 0; i < c->nope_dim; i++)
            p[t] += q[i] * kv[t][i];
        for (uint32_t i = 0; i < c->rope_dim; i++)
            p[t] += q[c->nope_dim + i] * latents[t * dim + c->kv_lora_rank + i];
        p[t] = exp(p[t] * attention_scale(c));
        sum += p[t];
    }
    for (uint32_t t = 0; t <= now; t++)
        for (uint32_t i = 0; i < c->v_dim; i++)
            out[i] += p[t] / sum * kv[t][c->nope_dim + i];
}

/* What all heads bring, [heads][v_dim]. */
static double *naive_heads(const struct naive *n, const double *x)
{
    const struct model_config *c = n->c;
    uint32_t now = n->cfg->position, dim = c->kv_lora_rank + c->rope_dim;
    double *q, *latents = all_latents(n, x), *out = vector(n, (size_t)c->heads * c->v_dim);
    if (c->q_lora_rank)
        q = times(n, ROLE_Q_B, 0, normed(n, ROLE_Q_A_NORM, times(n, ROLE_Q_A, 0, x)));
    else
        q = times(n, ROLE_Q, 0, x);
    const double **wide = arena_alloc(n->arena, now + 1, sizeof *wide);
    const double **part = arena_alloc(n->arena, now + 1, sizeof *part);
    for (uint32_t t = 0; t <= now; t++)
        wide[t] = times(n, ROLE_KV_B, 0, latents + (size_t)t * dim);
    for (uint32_t h = 0; h < c->heads; h++) {
        double *query = q + (size_t)h * config_query_dim(c);
        turn(n, query + c->nope_dim);
        for (uint32_t t = 0; t <= now; t++)
            part[t] = wide[t] + (size_t)h * config_kv_dim(c);
        naive_head(n, query, latents, part, out + (size_t)h * c->v_dim);
    }
    return out;
}

static void naive_mlp(const struct naive *n, enum weight_role role, uint32_t expert, double factor,
                      const double *x, double *sum)
{
    struct weight w;
    CHECK_EQ(checkpoint_weight(n->ck, role, n->cfg->layer, expert, &w), 0);
    double *gate = times(n, role, expert, x), *up = times(n, role + 1, expert, x);
    for (uint32_t i = 0; i < w.rows; i++)
        gate[i] *= up[i] / (1.0 + exp(-gate[i]));
    double *down = times(n, role + 2, expert, gate);
    for (uint32_t i = 0; i < n->c->hidden; i++)
        sum[i] += factor * down[i];
}

/* An expert is chosen if fewer than experts_used are better. */
static void naive_experts(const struct naive *n, const double *x, double *sum)
{
    const struct model_config *c = n->c;
    struct weight w;
    double *s = times(n, ROLE_ROUTER, 0, x), total = 0.0;
    float bias[64];
    bool chosen[64] = {false};
    CHECK_EQ(checkpoint_weight(n->ck, ROLE_ROUTER_BIAS, n->cfg->layer, 0, &w), 0);
    weight_row_f32(&w, 0, 0, c->experts, bias);
    for (uint32_t i = 0; i < c->experts; i++)
        s[i] = 1.0 / (1.0 + exp(-s[i]));
    for (uint32_t i = 0; i < c->experts; i++) {
        uint32_t better = 0;
        for (uint32_t j = 0; j < c->experts; j++)
            better += s[j] + (double)bias[j] > s[i] + (double)bias[i];
        chosen[i] = better < c->experts_used;
        total += chosen[i] ? s[i] : 0.0;
    }
    for (uint32_t i = 0; i < c->experts; i++)
        if (chosen[i])
            naive_mlp(n, ROLE_EXPERT_GATE, i, s[i] / total * c->routed_scale, x, sum);
    naive_mlp(n, ROLE_SHARED_GATE, 0, 1.0, x, sum);
}

/* Fills attended[hidden] and final[hidden]. */
static void naive_layer(const struct naive *n, const float *in, double *attended, double *final)
{
    const struct model_config *c = n->c;
    double *x = vector(n, c->hidden);
    for (uint32_t i = 0; i < c->hidden; i++)
        x[i] = (double)in[i];
    double *o = times(n, ROLE_O, 0, naive_heads(n, normed(n, ROLE_INPUT_NORM, x)));
    for (uint32_t i = 0; i < c->hidden; i++)
        final[i] = attended[i] = x[i] + o[i];
    x = normed(n, ROLE_POST_NORM, attended);
    if (config_has_experts(c, n->cfg->layer))
        naive_experts(n, x, final);
    else
        naive_mlp(n, ROLE_DENSE_GATE, 0, 1.0, x, final);
}

/* ---- comparison ---- */

static double worst(const float *got, const double *want, uint32_t n)
{
    double most = 0.0;
    for (uint32_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)got[i] - want[i]));
    return most;
}

static void check_layer(const struct checkpoint *ck, const struct reference_layer_cfg *cfg)
{
    struct naive n = {ck, checkpoint_config(ck), cfg, arena_open(), NULL};
    struct reference_layer_trace trace;
    struct err e = {0};
    uint32_t hidden = n.c->hidden;
    float *x = arena_alloc(n.arena, hidden, sizeof *x), *out = arena_alloc(n.arena, hidden, 4);
    double *attended = vector(&n, hidden), *final = vector(&n, hidden);
    activation_rule_fill(n.c, cfg->layer, cfg->position, x);
    reference_layer_trace_open(&trace, n.c);
    CHECK_EQ(reference_layer_run(ck, cfg, x, out, &trace, &e), 0);
    n.rounded = cfg->kv_bf16 ? trace.latent : NULL;
    naive_layer(&n, x, attended, final);
    double part = worst(trace.attended, attended, hidden), all = worst(out, final, hidden);
    CHECK_MSG(part < 2e-6 && all < 4e-6, "layer %u, position %u: %g after attention, %g at the end",
              cfg->layer, cfg->position, part, all);
    CHECK(!memcmp(out, trace.final, hidden * sizeof *out));
    CHECK_EQ(reference_layer_run(ck, cfg, x, out, NULL, &e), 0);
    CHECK(!memcmp(out, trace.final, hidden * sizeof *out));
    reference_layer_trace_close(&trace);
    arena_close(n.arena);
}

TEST(reference_layer_is_the_naive_statement)
{
    static const uint32_t positions[] = {0, 1, 31, 32, 33, 100};
    struct rng r = {t->seed};
    struct model_config c = small();
    for (int plain_q = 0; plain_q < 2; plain_q++) {
        c.q_lora_rank = plain_q ? 0 : c.q_lora_rank;
        struct checkpoint *ck = open_model(&c, rng_next(&r));
        for (size_t i = 0; i < sizeof positions / sizeof positions[0]; i++)
            for (uint32_t layer = 0; layer < 2; layer++) {
                struct reference_layer_cfg cfg = {.layer = layer,
                                                  .position = positions[i],
                                                  .user = rng_below(&r, 9),
                                                  .kv_bf16 = rng_below(&r, 2),
                                                  .threads = 1 + rng_below(&r, 3)};
                check_layer(ck, &cfg);
            }
        checkpoint_close(ck);
    }
}

/* Each layer alone from what the one before gave, then the head. */
struct walk {
    const struct checkpoint *ck;
    float *x;   /* into the layer */
    float *out; /* of the layer alone */
    uint32_t layers;
};

static void same_layer(void *self, uint32_t layer, const float *x)
{
    struct walk *w = self;
    struct err e = {0};
    size_t bytes = checkpoint_config(w->ck)->hidden * sizeof *x;
    struct reference_layer_cfg cfg = {.layer = layer, .threads = 2};
    CHECK_EQ(reference_layer_run(w->ck, &cfg, w->x, w->out, NULL, &e), 0);
    CHECK(!memcmp(x, w->out, bytes));
    memcpy(w->x, x, bytes);
    w->layers++;
}

TEST(reference_layer_is_a_layer_of_the_model)
{
    struct err e = {0};
    struct walk w = {0};
    struct checkpoint *ck;
    struct reference *r;
    struct weight embed;
    CHECK_EQ(checkpoint_open(&ck, "host/models/kimi-nano", &e), 0);
    const struct model_config *c = checkpoint_config(ck);
    float *logits = xcalloc(c->vocab, sizeof *logits);
    w.ck = ck;
    w.x = xcalloc(c->hidden, sizeof *w.x);
    w.out = xcalloc(c->vocab, sizeof *w.out);
    CHECK_EQ(checkpoint_weight(ck, ROLE_EMBED, 0, 0, &embed), 0);
    weight_row_f32(&embed, 300, 0, c->hidden, w.x);
    CHECK_EQ(reference_open(&r, ck, 1, &e), 0);
    reference_set_hook(r, same_layer, &w);
    CHECK_EQ(reference_step(r, 300, 0, logits, &e), 0);
    CHECK_EQ(w.layers, c->layers);
    struct reference_layer_cfg head = {.layer = c->layers, .threads = 2};
    CHECK_EQ(reference_layer_run(ck, &head, w.x, w.out, NULL, &e), 0);
    CHECK(!memcmp(w.out, logits, c->vocab * sizeof *logits));
    reference_close(r);
    free(w.x);
    free(w.out);
    free(logits);
    checkpoint_close(ck);
}

/* ---- what a caller sets ---- */

enum { HIDDEN = 96 };

static void run_small(const struct checkpoint *ck, const struct reference_layer_cfg *cfg,
                      float out[HIDDEN], struct reference_layer_trace *trace)
{
    float x[HIDDEN];
    struct err e = {0};
    activation_rule_fill(checkpoint_config(ck), cfg->layer, 3, x);
    CHECK_EQ(reference_layer_run(ck, cfg, x, out, trace, &e), 0);
}

TEST(reference_layer_does_not_see_threads)
{
    static const unsigned threads[] = {2, 3, 5, SPLIT_MAX};
    struct model_config c = small();
    struct checkpoint *ck = open_model(&c, t->seed);
    for (uint32_t layer = 0; layer < 2; layer++) {
        struct reference_layer_cfg cfg = {.layer = layer, .position = 77, .threads = 1};
        float one[HIDDEN], many[HIDDEN];
        run_small(ck, &cfg, one, NULL);
        for (int i = 0; i < 4; i++) {
            cfg.threads = threads[i];
            run_small(ck, &cfg, many, NULL);
            CHECK(!memcmp(one, many, sizeof one));
        }
    }
    checkpoint_close(ck);
}

TEST(reference_layer_rounds_the_new_latent_when_asked)
{
    struct model_config c = small();
    struct checkpoint *ck = open_model(&c, t->seed);
    struct reference_layer_trace exact, rounded;
    struct reference_layer_cfg cfg = {.layer = 1, .position = 9, .threads = 1};
    float out[2][HIDDEN];
    uint32_t changed = 0;
    reference_layer_trace_open(&exact, &c);
    reference_layer_trace_open(&rounded, &c);
    run_small(ck, &cfg, out[0], &exact);
    cfg.kv_bf16 = true;
    run_small(ck, &cfg, out[1], &rounded);
    for (uint32_t i = 0; i < c.kv_lora_rank + c.rope_dim; i++) {
        CHECK(rounded.latent[i] == bf16_to_f32(bf16_from_f32(exact.latent[i])));
        changed += rounded.latent[i] != exact.latent[i];
    }
    CHECK(changed > 10 && memcmp(out[0], out[1], sizeof out[0]) != 0);
    cfg.user = 1;
    run_small(ck, &cfg, out[0], NULL);
    CHECK(memcmp(out[0], out[1], sizeof out[0]) != 0);
    reference_layer_trace_close(&exact);
    reference_layer_trace_close(&rounded);
    checkpoint_close(ck);
}

/* Gate, up and activation of every MLP, chosen ones in the order of `chosen`. */
TEST(reference_layer_shows_experts_in_order)
{
    struct model_config c = small();
    struct checkpoint *ck = open_model(&c, t->seed);
    struct reference_layer_cfg cfg = {.layer = 1, .position = 5, .threads = 2};
    struct naive n = {ck, &c, &cfg, arena_open(), NULL};
    struct reference_layer_trace v;
    float out[HIDDEN];
    reference_layer_trace_open(&v, &c);
    run_small(ck, &cfg, out, &v);
    double *x = vector(&n, HIDDEN);
    for (int i = 0; i < HIDDEN; i++)
        x[i] = (double)v.attended[i];
    x = normed(&n, ROLE_POST_NORM, x);
    for (uint32_t k = 0; k <= c.experts_used; k++) {
        bool shared = k == c.experts_used;
        enum weight_role role = shared ? ROLE_SHARED_GATE : ROLE_EXPERT_GATE;
        uint32_t expert = shared ? 0 : v.chosen[k], at = k * c.expert_width;
        double *gate = times(&n, role, expert, x), *up = times(&n, role + 1, expert, x);
        CHECK(worst(v.gate + at, gate, c.expert_width) < 2e-6);
        CHECK(worst(v.up + at, up, c.expert_width) < 2e-6);
        for (uint32_t i = 0; i < c.expert_width; i++)
            gate[i] *= up[i] / (1.0 + exp(-gate[i]));
        CHECK(worst(v.activation + at, gate, c.expert_width) < 2e-6);
    }
    double *scores = times(&n, ROLE_ROUTER, 0, x);
    for (uint32_t i = 0; i < c.experts; i++)
        scores[i] = 1.0 / (1.0 + exp(-scores[i]));
    CHECK(worst(v.router, scores, c.experts) < 1e-6);
    CHECK(v.weights[0] > 0.3f && v.weights[0] < 3.0f);
    reference_layer_trace_close(&v);
    arena_close(n.arena);
    checkpoint_close(ck);
}

TEST(reference_layer_refuses_what_is_not_there)
{
    struct model_config c = small();
    struct checkpoint *ck = open_model(&c, t->seed);
    static const struct {
        struct reference_layer_cfg cfg;
        const char *text;
    } bad[] = {
        {{.layer = 3, .threads = 1}, "layer 3: the model has 2"},
        {{.position = 262144, .threads = 1}, "position 262144: the model has 262144"},
        {{.threads = 0}, "0 threads: 1 to 64"},
        {{.threads = 65}, "65 threads: 1 to 64"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = {0};
        float x[HIDDEN] = {0}, out[HIDDEN];
        CHECK_EQ(reference_layer_run(ck, &bad[i].cfg, x, out, NULL, &e), -1);
        CHECK_EQ(e.kind, ERR_USAGE);
        CHECK_STR(e.text, bad[i].text);
    }
    checkpoint_close(ck);
}
