/* SPDX-License-Identifier: Apache-2.0 */
/* layer_run.h - one layer of a placed model, or its head, at true size: all tiles of its strip are
 * emulated, tokens go through, and every result is compared with the reference forward.
 *
 * One token of each of the plan's users goes through. User 0's is alone in the strip: its latency
 * and phases are measured. Then those of all other users follow each other as closely as the strip
 * takes them: what lies between their results is its period.
 *
 * Weights and cached positions are those of rules when the model has no data (model/weight_rule.h,
 * model/kv_rule.h); the cache always is.
 *
 * Cycles count from the first word at the strip's west edge to the last one at its east edge; the
 * neighbours give and take a word a cycle on every row, without the latency of a host. */
#ifndef TESSERA_RUN_LAYER_RUN_H
#define TESSERA_RUN_LAYER_RUN_H

#include "run/layer_path.h"

struct layer_cfg {
    const struct plan *plan; /* of the whole model; borrowed, as everything here */
    const struct images *images;
    uint32_t stage;   /* layer, or config->layers for the head */
    uint32_t context; /* positions cached before the token */
    uint32_t threads;
    enum wafer_engine engine;
    uint64_t max_cycles; /* for each wait; 0: as session.h */
    const float *input;  /* [users][hidden]; NULL: by rule */
    float *output;       /* [users][layer_output_count]; NULL: not wanted */
    void (*progress)(void *self, uint32_t rows_done, uint32_t rows); /* of placing */
    void (*answered)(void *self, uint32_t results, uint32_t of);     /* may be NULL */
    void *progress_self;
};

struct layer_result {
    struct strip strip; /* of the plan */
    bool crosses;       /* the layer before is on another wafer */
    uint32_t width, height, tiles;
    uint64_t cycles;                     /* of the first token */
    struct critical_path path;           /* its; layer_result_free */
    struct phase_time phase[PHASES];     /* its parts; they add up to cycles */
    struct image_cost predicted[PHASES]; /* plan_predict, with as many positions cached */
    uint64_t period; /* mean of the cycles between the others' results; 0: fewer than two others */
    double error, error_added; /* the largest |ours - reference| / |reference|: of a result, and of
                                  what the layer added to the stream (the head: of a result) */
    double seconds_place, seconds_run, seconds_reference;
};

/* Errors: as session_open and wafer_run; ERR_USAGE for a stage the model does not have. */
int layer_run(const struct layer_cfg *cfg, struct layer_result *out, struct err *e);
void layer_result_free(struct layer_result *r); /* after a success or an error, or zeroes */

/* The strip of a plan that holds a stage. */
const struct strip *layer_strip(const struct plan *p, uint32_t stage);

/* Words of a stage's result: the residual stream, or the logits. */
uint32_t layer_output_count(const struct plan *p, uint32_t stage);

/* out[hidden]: what comes in by rule for a user. */
void layer_input_by_rule(const struct layer_cfg *cfg, uint32_t user, float *out);

#endif
