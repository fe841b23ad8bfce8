/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.c - the table of all weights of a model, and who fills it. Finding a weight's tensors
 * in the files is checkpoint_files.c, making one up is checkpoint_rule.c; here are the roles and
 * the table. */
#include "model/checkpoint_internal.h"

#include "base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- roles ---- */

enum { TABLE_ROLES = ROLE_EXPERT_GATE, EXPERT_ROLES = ROLE_COUNT - ROLE_EXPERT_GATE };

const char *role_name(enum weight_role role)
{
    static const char *const names[] = {
#define ROLE(id, scope, storage, rows, cols, name) name,
#include "model/weight_roles.def"
#undef ROLE
    };
    return names[role];
}

enum role_scope role_scope(enum weight_role role)
{
    static const enum role_scope scopes[] = {
#define ROLE(id, scope, storage, rows, cols, name) SCOPE_##scope,
#include "model/weight_roles.def"
#undef ROLE
    };
    return scopes[role];
}

enum role_storage role_storage(enum weight_role role)
{
    static const enum role_storage storages[] = {
#define ROLE(id, scope, storage, rows, cols, name) STORAGE_##storage,
#include "model/weight_roles.def"
#undef ROLE
    };
    return storages[role];
}

void role_shape(const struct model_config *c, enum weight_role role, uint32_t *rows, uint32_t *cols)
{
    const uint32_t shapes[ROLE_COUNT][2] = {
#define ROLE(id, scope, storage, rows, cols, name) {rows, cols},
#include "model/weight_roles.def"
#undef ROLE
    };
    *rows = shapes[role][0];
    *cols = shapes[role][1];
}

static bool role_exists(const struct model_config *c, enum weight_role role, uint32_t layer,
                        uint32_t expert)
{
    bool moe = config_has_experts(c, layer);
    if ((unsigned)role >= ROLE_COUNT)
        return false;
    if (role_scope(role) == SCOPE_MODEL)
        return true;
    if (layer >= c->layers)
        return false;
    switch (role_scope(role)) {
    case SCOPE_MODEL:
    case SCOPE_LAYER:
        return true;
    case SCOPE_PLAIN_Q:
        return c->q_lora_rank == 0;
    case SCOPE_LORA_Q:
        return c->q_lora_rank != 0;
    case SCOPE_DENSE:
        return !moe;
    case SCOPE_MOE:
        return moe;
    case SCOPE_SHARED:
        return moe && c->shared_experts;
    case SCOPE_EXPERT:
        return moe && expert < c->experts;
    }
    return false;
}

void weight_role_label(enum weight_role role, uint32_t layer, uint32_t expert, char *out,
                       size_t bytes)
{
    if (role_scope(role) == SCOPE_MODEL)
        (void)snprintf(out, bytes, "%s", role_name(role));
    else if (role_scope(role) == SCOPE_EXPERT)
        (void)snprintf(out, bytes, "layers.%u.mlp.experts.%u.%s", layer, expert, role_name(role));
    else
        (void)snprintf(out, bytes, "layers.%u.%s", layer, role_name(role));
}

/* ---- the table ---- */

static struct weight *table_slot(const struct checkpoint *ck, enum weight_role role, uint32_t layer,
                                 uint32_t expert)
{
    const struct model_config *c = &ck->config;
    if (role_scope(role) == SCOPE_MODEL)
        return &ck->table[role];
    if (role_scope(role) != SCOPE_EXPERT)
        return &ck->table[(size_t)layer * TABLE_ROLES + role];
    size_t number = (size_t)(layer - c->dense_layers) * c->experts + expert;
    return &ck->expert_table[number * EXPERT_ROLES + (role - ROLE_EXPERT_GATE)];
}

int checkpoint_weight(const struct checkpoint *ck, enum weight_role role, uint32_t layer,
                      uint32_t expert, struct weight *out)
{
    if (!role_exists(&ck->config, role, layer, expert)) {
        *out = (struct weight){0};
        return -1;
    }
    *out = *table_slot(ck, role, layer, expert);
    return 0;
}

struct weight_run checkpoint_experts(const struct checkpoint *ck, enum weight_role role,
                                     uint32_t layer)
{
    if (!role_exists(&ck->config, role, layer, 0) || role_scope(role) != SCOPE_EXPERT)
        return (struct weight_run){0};
    return (struct weight_run){table_slot(ck, role, layer, 0), EXPERT_ROLES, ck->config.experts};
}

/* Fill the slots of one role in one layer. */
static int fill_role(struct checkpoint *ck, const struct weight_source *from, enum weight_role role,
                     uint32_t layer, struct err *e)
{
    uint32_t count = role_scope(role) == SCOPE_EXPERT ? ck->config.experts : 1;
    for (uint32_t expert = 0; expert < count; expert++)
        if (role_exists(&ck->config, role, layer, expert) &&
            from->find(from->self, role, layer, expert, table_slot(ck, role, layer, expert), e))
            return -1;
    return 0;
}

int checkpoint_fill(struct checkpoint *ck, const struct weight_source *from, struct err *e)
{
    const struct model_config *c = &ck->config;
    size_t moe_layers = c->layers - c->dense_layers;
    ck->table = xcalloc((size_t)c->layers * TABLE_ROLES, sizeof *ck->table);
    ck->expert_table = xcalloc(moe_layers * c->experts * EXPERT_ROLES, sizeof *ck->expert_table);
    for (enum weight_role role = 0; role < ROLE_COUNT; role++) {
        uint32_t layers = role_scope(role) == SCOPE_MODEL ? 1 : c->layers;
        bool tied = role == ROLE_LM_HEAD && c->tied;
        if (tied)
            ck->table[role] = ck->table[ROLE_EMBED];
        for (uint32_t layer = 0; layer < layers && !tied; layer++)
            if (fill_role(ck, from, role, layer, e))
                return -1;
    }
    return 0;
}

uint64_t checkpoint_bytes(const struct checkpoint *ck)
{
    const struct model_config *c = &ck->config;
    size_t slots = (size_t)c->layers * TABLE_ROLES;
    size_t experts = (size_t)(c->layers - c->dense_layers) * c->experts * EXPERT_ROLES;
    uint64_t bytes = 0;
    for (size_t i = 0; i < slots; i++)
        if (i != ROLE_LM_HEAD || !c->tied)
            bytes += weight_bytes(&ck->table[i]);
    for (size_t i = 0; i < experts; i++)
        bytes += weight_bytes(&ck->expert_table[i]);
    return bytes;
}

const struct model_config *checkpoint_config(const struct checkpoint *ck)
{
    return &ck->config;
}

void checkpoint_close(struct checkpoint *ck)
{
    if (!ck)
        return;
    for (size_t i = 0; i < ck->shard_count; i++) {
        safetensors_close(ck->shards[i].file);
        free(ck->shards[i].name);
    }
    free(ck->shards);
    free(ck->table);
    free(ck->expert_table);
    free(ck);
}
