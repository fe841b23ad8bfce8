/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.h - a model folder: config.json and its safetensors files, every weight found and
 * checked.
 *
 * Layouts: model.safetensors, or shards through model.safetensors.index.json; names beginning
 * "model." (K2, Moonlight, DeepSeek V3) or "language_model.model." (K2.5, K2.6). Opening checks
 * that each weight the config calls for is there, of a type we compute with, and of the right
 * shape; vision towers and other tensors are left alone. Files are mapped, not read: a 600 GB
 * checkpoint opens in seconds. */
#ifndef TESSERA_MODEL_CHECKPOINT_H
#define TESSERA_MODEL_CHECKPOINT_H

#include "model/weight.h"

enum weight_role {
#define ROLE(id, scope, storage, rows, cols, name) ROLE_##id,
#include "model/weight_roles.def"
#undef ROLE
    ROLE_COUNT
};

struct checkpoint;

/* Open `folder`. Errors are ERR_INPUT and name the file and the tensor or field. */
int checkpoint_open(struct checkpoint **out, const char *folder, struct err *e);

/* A model that exists only as a rule: the shapes of `config`, each weight from `seed` and its name
 * (weight_role_label), of sizes that keep activations sane in any depth (checkpoint_rule.c). Linear
 * weights are stored as the config's quantisation says (INT4: routed experts only). The same config
 * and seed give the same numbers in every version. Cost: a table, 5 MB and 30 ms for Kimi K2. */
int checkpoint_open_synthetic(struct checkpoint **out, const struct model_config *config,
                              uint64_t seed, struct err *e);
void checkpoint_close(struct checkpoint *ck); /* NULL is fine */

const struct model_config *checkpoint_config(const struct checkpoint *ck);

/* One weight. `layer` counts for all but EMBED, FINAL_NORM, LM_HEAD; `expert` only for EXPERT_...
 * Returns -1, and *out all zero, if the model has no such weight (Q with a LoRA rank, a router in a
 * dense layer, layer or expert out of range). Cost: a table look-up, 3 ns. */
int checkpoint_weight(const struct checkpoint *ck, enum weight_role role, uint32_t layer,
                      uint32_t expert, struct weight *out);

/* All experts' weights of one EXPERT_... role side by side, for weight_blocks; none (count 0) in a
 * dense layer. */
struct weight_run checkpoint_experts(const struct checkpoint *ck, enum weight_role role,
                                     uint32_t layer);

/* The name of a weight as errors and reports print it, e.g. "layers.3.mlp.experts.7.up_proj". */
void weight_role_label(enum weight_role role, uint32_t layer, uint32_t expert, char *out,
                       size_t bytes);

/* Bytes all weights take as stored (codes and scales). */
uint64_t checkpoint_bytes(const struct checkpoint *ck);

#endif
