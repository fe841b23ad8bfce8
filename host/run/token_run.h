/* SPDX-License-Identifier: Apache-2.0 */
/* token_run.h - a token's whole way through a placed model too large to emulate at once: its layers
 * and the head one after the other, each on its strip (layer_run.h), what one gives being what the
 * next takes. The first takes the token's embedding.
 *
 * With several users the same token goes through for each, with a cache of its own. */
#ifndef TESSERA_RUN_TOKEN_RUN_H
#define TESSERA_RUN_TOKEN_RUN_H

#include "run/layer_run.h"
#include "run/token_folder.h"

struct token_cfg {
    struct layer_cfg layer; /* stage, input and output are set here */
    const char *model;      /* what reports call it */
    uint32_t token;         /* below the vocabulary */
    uint32_t first, last;   /* stages to run; those that are finished are not run again */
    /* a stage is finished, after so many seconds; may be NULL */
    void (*finished)(void *self, const struct record *r, double seconds);
    void *self;
};

/* ERR_COMPARE: a stage's result differs too much from the reference's (OUTPUT_ERROR, figures.def);
 * ERR_USAGE: the stage before the first is not finished; as layer_run. */
int token_run(const struct token_cfg *cfg, struct token_folder *s, struct err *e);

/* The most likely next token of user 0. The head must be finished. */
int token_argmax(const struct token_cfg *cfg, const struct token_folder *s, uint32_t *out,
                 struct err *e);

#endif
