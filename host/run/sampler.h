/* SPDX-License-Identifier: Apache-2.0 */
/* sampler.h - picks the next token from the logits. */
#ifndef TESSERA_RUN_SAMPLER_H
#define TESSERA_RUN_SAMPLER_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/rng.h"

struct sampler_config {
    double temperature; /* 0: the most likely token, and top_p and seed do not matter; else > 0 */
    double top_p;       /* 0 < top_p <= 1: choose among the fewest tokens with this probability */
    uint64_t seed;      /* the same seed and logits, the same tokens */
};

struct sampler_choice;

struct sampler {
    struct sampler_config config;
    struct rng rng;
    struct sampler_choice *choices; /* working memory */
    size_t room;
};

/* Check the configuration (ERR_USAGE). The caller ends with sampler_close. */
int sampler_open(struct sampler *s, const struct sampler_config *config, struct err *e);
void sampler_close(struct sampler *s);

/* Choose a token; of equal logits the lower id comes first.
 *   logits, count  at least one. -infinity means never; NaN, +infinity and no token left at all are
 *                  errors (ERR_FAULT: a model does not produce them)
 * One random number is drawn per call, none if the temperature is 0.
 * Cost: count, plus log(count) for each token of the top_p set. */
int sampler_next(struct sampler *s, const float *logits, uint32_t count, uint32_t *token,
                 struct err *e);

#endif
