/* SPDX-License-Identifier: Apache-2.0 */
/* layer_run.h - one layer of a placed model, or its head, at true size: all tiles of its strip are
 * emulated, one token goes through, and the result is compared with the reference forward.
 *
 * Weights, cached positions and the token's residual stream are those of rules when the model has
 * no data (model/weight_rule.h, model/kv_rule.h); the cache and the stream always are.
 *
 * Cycles count from the first word at the strip's west edge to the last one at its east edge; the
 * neighbours give and take a word a cycle on every row, without the latency of a host. */
#ifndef TESSERA_RUN_LAYER_RUN_H
#define TESSERA_RUN_LAYER_RUN_H

#include "run/session.h"

struct layer_cfg {
    const struct plan *plan; /* of the whole model; borrowed, as everything here */
    const struct images *images;
    uint32_t stage;   /* layer, or config->layers for the head */
    uint32_t context; /* positions cached before the token */
    uint32_t threads;
    enum wafer_engine engine;
    void (*progress)(void *self, uint32_t rows_done, uint32_t rows);
    void *progress_self;
};

struct layer_result {
    struct strip strip; /* of the plan */
    bool crosses;       /* the layer before is on another wafer */
    uint32_t width, height, tiles;
    uint64_t cycles, phase[PHASES];
    struct image_cost predicted[PHASES]; /* plan_predict */
    double error, error_added; /* |ours - reference| / |reference|: of the result, and of what the
                                  layer added to the stream (the head: of the result) */
    double seconds_place, seconds_run, seconds_reference;
};

/* Errors: as session_open and wafer_run; ERR_USAGE for a stage the model does not have. */
int layer_run(const struct layer_cfg *cfg, struct layer_result *out, struct err *e);

/* The strip of a plan that holds a stage. */
const struct strip *layer_strip(const struct plan *p, uint32_t stage);

#endif
