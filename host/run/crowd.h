/* SPDX-License-Identifier: Apache-2.0 */
/* crowd.h - users who generate text side by side: several tokens in flight through the strips of
 * one session.
 *
 * Every user has the same prompt and a sampler seed of its own (seed + user), so what a user gets
 * does not depend on the company. Prompts are pushed first, user after user; then each user's next
 * token is pushed as soon as its last one has been answered. Times are machine time, in cycles, by
 * the usual names: TTFT  from the start (all prompts are there) to the user's first token TPOT from
 * one token of a user to its next */
#ifndef TESSERA_RUN_CROWD_H
#define TESSERA_RUN_CROWD_H

#include "model/tok_tokenizer.h"
#include "run/sampler.h"
#include "run/session.h"

struct crowd_cfg {
    struct session *session; /* all borrowed */
    const struct tokenizer *tokenizer;
    const struct model_config *config;
    const uint32_t *prompt;
    uint32_t prompt_count; /* 1.. */
    uint32_t users;        /* of the session's plan */
    uint64_t tokens;       /* for each user, at most; fewer when it says an end-of-text token */
    bool ignore_eos;
    struct sampler_config sampling;
    /* more text of a user is certain; may be NULL */
    void (*show)(void *self, uint32_t user, const char *text, size_t bytes);
    void *show_self;
};

struct crowd_user {
    struct sampler sampler;
    struct tok_decoder decoder;
    struct tok_text text; /* all of it */
    uint64_t tokens;
    uint64_t first_cycle, last_cycle; /* when its first and its last token were there */
};

struct crowd {
    struct crowd_cfg cfg;
    struct crowd_user *users; /* [cfg.users] */
    uint64_t tokens;          /* of all users */
    uint64_t start_cycle, end_cycle;
    uint64_t *gaps; /* [gap_count]: every TPOT of every user, ascending after crowd_run */
    size_t gap_count;
    uint32_t *owner;       /* ring of users whose tokens are in flight, oldest first */
    uint32_t *prompt_left; /* [cfg.users]: answers that are still to the prompt */
    size_t in_flight, oldest, room;
    float *logits;
};

int crowd_open(struct crowd *c, const struct crowd_cfg *cfg, struct err *e);
void crowd_close(struct crowd *c); /* a zeroed one is fine */

/* Generate everything. */
int crowd_run(struct crowd *c, struct err *e);

/* Machine time in cycles; 0 when there was no such token. */
double crowd_ttft_mean(const struct crowd *c);
double crowd_tpot_mean(const struct crowd *c);
double crowd_tpot_quantile(const struct crowd *c, double q); /* nearest rank */

#endif
