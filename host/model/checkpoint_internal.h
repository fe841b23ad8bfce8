/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_internal.h - shared by the parts of the checkpoint, and by nobody else. */
#ifndef TESSERA_MODEL_CHECKPOINT_INTERNAL_H
#define TESSERA_MODEL_CHECKPOINT_INTERNAL_H

#include "model/checkpoint.h"
#include "model/safetensors.h"

/* The columns of weight_roles.def. */
enum role_scope {
    SCOPE_MODEL,
    SCOPE_LAYER,
    SCOPE_PLAIN_Q,
    SCOPE_LORA_Q,
    SCOPE_DENSE,
    SCOPE_MOE,
    SCOPE_SHARED,
    SCOPE_EXPERT
};
enum role_storage { STORAGE_VECTOR, STORAGE_MATRIX, STORAGE_LINEAR };

const char *role_name(enum weight_role role);
enum role_scope role_scope(enum weight_role role);
enum role_storage role_storage(enum weight_role role);
void role_shape(const struct model_config *c, enum weight_role role, uint32_t *rows,
                uint32_t *cols);

struct shard {
    char *name; /* without the folder */
    struct safetensors *file;
};

struct checkpoint {
    struct model_config config;
    struct weight *table; /* [layer][role below EXPERT_GATE]; roles of the model in layer 0 */
    struct weight *expert_table; /* [layer - dense_layers][expert][gate, up, down] */
    struct shard *shards;        /* the data of the weights; none if they follow a rule */
    size_t shard_count;
};

/* Where weights come from. */
struct weight_source {
    int (*find)(void *self, enum weight_role role, uint32_t layer, uint32_t expert,
                struct weight *out, struct err *e);
    void *self;
};

/* Ask the source for every weight the config calls for. */
int checkpoint_fill(struct checkpoint *ck, const struct weight_source *from, struct err *e);

#endif
