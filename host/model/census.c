/* SPDX-License-Identifier: Apache-2.0 */
/* census.c - sums over the table of weights. */
#include "model/census.h"

static enum census_kind kind_of(enum weight_role role)
{
    switch (role) {
    case ROLE_EMBED:
        return CENSUS_EMBEDDING;
    case ROLE_LM_HEAD:
        return CENSUS_HEAD;
    case ROLE_FINAL_NORM:
    case ROLE_INPUT_NORM:
    case ROLE_POST_NORM:
        return CENSUS_NORMS;
    case ROLE_Q:
    case ROLE_Q_A:
    case ROLE_Q_A_NORM:
    case ROLE_Q_B:
    case ROLE_KV_A:
    case ROLE_KV_A_NORM:
    case ROLE_KV_B:
    case ROLE_O:
        return CENSUS_MLA;
    case ROLE_DENSE_GATE:
    case ROLE_DENSE_UP:
    case ROLE_DENSE_DOWN:
        return CENSUS_DENSE;
    case ROLE_ROUTER:
    case ROLE_ROUTER_BIAS:
        return CENSUS_ROUTER;
    case ROLE_SHARED_GATE:
    case ROLE_SHARED_UP:
    case ROLE_SHARED_DOWN:
        return CENSUS_SHARED;
    case ROLE_EXPERT_GATE:
    case ROLE_EXPERT_UP:
    case ROLE_EXPERT_DOWN:
    case ROLE_COUNT:
        break;
    }
    return CENSUS_ROUTED;
}

const char *census_kind_name(enum census_kind kind)
{
    static const char *const names[CENSUS_KINDS] = {
        "mla", "dense", "router", "shared", "routed", "norms", "embedding", "head",
    };
    return names[kind];
}

static bool of_the_model(enum weight_role role)
{
    return role == ROLE_EMBED || role == ROLE_FINAL_NORM || role == ROLE_LM_HEAD;
}

static void add_role(const struct checkpoint *ck, enum weight_role role, uint32_t layer,
                     struct census *out)
{
    enum census_kind kind = kind_of(role);
    uint32_t count = kind == CENSUS_ROUTED ? checkpoint_config(ck)->experts : 1;
    struct weight w;
    for (uint32_t expert = 0; expert < count; expert++)
        if (checkpoint_weight(ck, role, layer, expert, &w) == 0) {
            out->parameters[kind] += (uint64_t)w.rows * w.cols;
            out->bytes[kind] += weight_bytes(&w);
        }
}

void census_layer(const struct checkpoint *ck, uint32_t layer, struct census *out)
{
    const struct model_config *c = checkpoint_config(ck);
    *out = (struct census){0};
    for (enum weight_role role = 0; role < ROLE_COUNT; role++)
        if (of_the_model(role) == (layer >= c->layers) && !(role == ROLE_LM_HEAD && c->tied))
            add_role(ck, role, layer, out);
}

void census_model(const struct checkpoint *ck, struct census *out)
{
    *out = (struct census){0};
    for (uint32_t layer = 0; layer <= checkpoint_config(ck)->layers; layer++) {
        struct census one;
        census_layer(ck, layer, &one);
        for (int kind = 0; kind < CENSUS_KINDS; kind++) {
            out->parameters[kind] += one.parameters[kind];
            out->bytes[kind] += one.bytes[kind];
        }
    }
}

uint64_t census_parameters(const struct census *c)
{
    uint64_t sum = 0;
    for (int kind = 0; kind < CENSUS_KINDS; kind++)
        sum += c->parameters[kind];
    return sum;
}

uint64_t census_bytes(const struct census *c)
{
    uint64_t sum = 0;
    for (int kind = 0; kind < CENSUS_KINDS; kind++)
        sum += c->bytes[kind];
    return sum;
}

uint64_t census_bytes_per_token(const struct checkpoint *ck)
{
    const struct model_config *c = checkpoint_config(ck);
    struct census all;
    census_model(ck, &all);
    uint64_t routed = all.bytes[CENSUS_ROUTED];
    uint64_t head = c->tied ? all.bytes[CENSUS_EMBEDDING] : 0; /* read as the head */
    uint64_t used = c->experts ? routed / c->experts * c->experts_used : 0;
    return census_bytes(&all) - routed - all.bytes[CENSUS_EMBEDDING] + used + head;
}

uint64_t census_kv_bytes(const struct model_config *c)
{
    return 2 * ((uint64_t)c->kv_lora_rank + c->rope_dim) * c->layers;
}
