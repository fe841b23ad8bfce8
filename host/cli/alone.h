/* SPDX-License-Identifier: Apache-2.0 */
/* alone.h - what `layer` and `token` share: a model placed as a whole, to be run strip by strip. */
#ifndef TESSERA_CLI_ALONE_H
#define TESSERA_CLI_ALONE_H

#include "cli/common.h"
#include "run/layer_run.h"

struct alone_options {
    struct place_options place; /* context: positions cached before the token */
    uint64_t tokens;
    bool json;
};
#define ALONE_DEFAULTS                                                                             \
    {                                                                                              \
        .place = {.context = 1000, .cache = "bf16"}, .tokens = 1                                   \
    }

#define ALONE_OPTIONS(o)                                                                           \
    PLACE_OPTIONS_FOR(&(o)->place, "positions cached before the token (default 1000)",             \
                      "what the KV cache holds: bf16 (default) or f32"),                           \
        {"tokens",                                                                                 \
         "N",                                                                                      \
         "one of each of N users: one alone, then the others together (default 1)",                \
         OPTION_COUNT,                                                                             \
         &(o)->tokens,                                                                             \
         NULL},                                                                                    \
        {"json", NULL, "as JSON", OPTION_FLAG, &(o)->json, NULL}, EMULATOR_OPTIONS(&(o)->place)

/* An open model, its placement, and the layer_run of it but for stage, input and output. */
struct alone {
    struct stage stage;
    struct plan *plan;
    struct layer_cfg cfg; /* points into this */
};

int alone_open(struct alone *a, const struct alone_options *o, struct err *e);
void alone_close(struct alone *a);

/* A stage as people write it: a layer's number or head. Returns what follows, NULL: it is neither.
 */
const char *alone_stage(const struct alone *a, const char *text, uint32_t *out);

#endif
