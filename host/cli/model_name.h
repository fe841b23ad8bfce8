/* SPDX-License-Identifier: Apache-2.0 */
/* model_name.h - which model --model and --weights mean, and whether its weights exist. */
#ifndef TESSERA_CLI_MODEL_NAME_H
#define TESSERA_CLI_MODEL_NAME_H

#include "model/checkpoint.h"

#define MODEL_HELP "a checkpoint folder, or a model of this project by name (default: kimi-nano)"
#define WEIGHTS_HELP "synthetic[:SEED]: shapes from config.json, weights made by rule"

struct model_choice {
    char folder[4096];
    bool synthetic; /* weights are made by rule: asked for, or a model of the project without any */
    uint64_t seed;
};

/* `name` is a folder; or, without '/' and if there is no such folder here, a model of the project
 * (host/models beside the program); NULL is kimi-nano. `weights` is NULL or synthetic[:SEED].
 * A folder of the user's is synthetic only when `weights` says so: a missing file stays an error.
 * Errors: ERR_INPUT for an unknown name, with the known ones; ERR_USAGE for `weights`. */
int model_choose(struct model_choice *out, const char *name, const char *weights, struct err *e);

/* What reports call the model of a folder: its last part. */
const char *model_label(const char *folder);

/* Open it; says on stderr when weights are made by rule. */
int model_open(struct checkpoint **out, const struct model_choice *m, struct err *e);

#endif
