/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_rule.c - a model that exists only as a rule: what its weights are named, stored as and
 * how large they are. Their numbers are weight_rule.h.
 *
 * Sizes are chosen so that a deep model neither explodes nor dies out, at any context: with unit
 * variance going into a product, weights of variance gain^2 / cols bring gain out.
 *
 *   embedding               1: the residual stream begins at 1
 *   query                   scores of standard deviation 2.5 whatever the head and YaRN: a softmax
 *                           that prefers some positions and ignores none
 *   o_proj                  3/4: attention adds as much at the first position, 0.2 to 0.3 over
 *                           thousands; with 1 the tokens of a text become alike in the upper layers
 *   down_proj               1/2: SwiGLU brings 0.6 out, 8 experts and a shared one then add 0.4
 *   router                  1, and a bias that decides between neighbours only
 *   lm_head                 3: logits as wide as those of trained models
 *   everything else         1; norm weights 0.75 .. 1.25
 *
 * Each layer thus adds a variance of at most 3/4 to a stream that began with 1. */
#include "model/checkpoint_internal.h"

#include "base/rng.h"
#include "base/xalloc.h"

#include <math.h>
#include <string.h>

struct rule_source {
    const struct model_config *config;
    uint64_t seed;
    float query_gain;
};

/* Seed and name make the rule: FNV-1a over the name without prefix and suffix, mixed. */
static uint64_t rule_of(uint64_t seed, const char *label)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (; *label; label++)
        hash = (hash ^ (uint8_t)*label) * 0x100000001b3;
    return rng_mix(seed ^ rng_mix(hash));
}

/* In 64ths: the logarithm in the scale may differ in its last bit between C libraries, weights must
 * not. */
static float query_gain(const struct model_config *c)
{
    double deviation = attention_scale(c) * sqrt((double)config_query_dim(c));
    return (float)(floor(64.0 * 2.5 / deviation + 0.5) / 64.0);
}

static float gain_of(const struct rule_source *s, enum weight_role role)
{
    switch ((int)role) {
    case ROLE_Q:
    case ROLE_Q_B:
        return s->query_gain;
    case ROLE_O:
        return 0.75f;
    case ROLE_DENSE_DOWN:
    case ROLE_SHARED_DOWN:
    case ROLE_EXPERT_DOWN:
        return 0.5f;
    case ROLE_LM_HEAD:
        return 3.0f;
    default:
        return 1.0f;
    }
}

static void choose_size(const struct rule_source *s, enum weight_role role, struct weight *w)
{
    w->spread = sqrtf(3.0f / (float)w->cols) * gain_of(s, role);
    if (role == ROLE_ROUTER_BIAS) {
        w->spread = 0.02f;
    } else if (role_storage(role) == STORAGE_VECTOR) {
        w->centre = 1.0f;
        w->spread = 0.25f;
    } else if (role == ROLE_EMBED) {
        w->spread = sqrtf(3.0f);
    }
}

static int find_by_rule(void *self, enum weight_role role, uint32_t layer, uint32_t expert,
                        struct weight *out, struct err *e)
{
    (void)e;
    const struct rule_source *s = self;
    const struct model_config *c = s->config;
    char label[128];
    weight_role_label(role, layer, expert, label, sizeof label);
    *out = (struct weight){.kind = WEIGHT_BF16, .rule = rule_of(s->seed, label)};
    role_shape(c, role, &out->rows, &out->cols);
    choose_size(s, role, out);
    if (role_storage(role) == STORAGE_LINEAR && c->quant == QUANT_FP8) {
        out->kind = WEIGHT_FP8_BLOCK;
        out->block_rows = c->fp8_block_rows;
        out->block_cols = c->fp8_block_cols;
    } else if (role_scope(role) == SCOPE_EXPERT && c->quant == QUANT_INT4) {
        out->kind = WEIGHT_INT4_G32;
    } else if (role == ROLE_ROUTER_BIAS) {
        out->kind = WEIGHT_F32;
    }
    return 0;
}

int checkpoint_open_synthetic(struct checkpoint **out, const struct model_config *config,
                              uint64_t seed, struct err *e)
{
    struct checkpoint *ck = xcalloc(1, sizeof *ck);
    ck->config = *config;
    struct rule_source self = {&ck->config, seed, query_gain(config)};
    struct weight_source source = {find_by_rule, &self};
    if (checkpoint_fill(ck, &source, e)) {
        checkpoint_close(ck);
        return -1;
    }
    *out = ck;
    return 0;
}
