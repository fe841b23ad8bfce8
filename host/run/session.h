/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - a model on a wafer: placed, loaded, fed with tokens, asked for logits.
 *
 * Tokens may be pushed ahead of the logits that come back (the strips then work on several at
 * once); logits come back in the order of the tokens. Everything crosses the wafer's edges through
 * host/io. */
#ifndef TESSERA_RUN_SESSION_H
#define TESSERA_RUN_SESSION_H

#include "io/io.h"
#include "place/plan.h"
#include "run/images.h"

struct session;

struct session_cfg {
    struct plan_cfg place; /* what it points at is borrowed, as everything here */
    const struct images *images;
    bool load_direct;     /* write SRAM without the fabric */
    uint64_t stress_seed; /* struct wafer_cfg */
    enum wafer_engine engine;
    uint32_t threads;
    uint64_t max_cycles; /* for each wait; 0: 2^40 */
    /* called once with the reset (first) wafer, before loading; -1 ends the session; may be NULL */
    int (*prepare)(void *self, struct wafer *w, const struct plan *plan, struct err *e);
    void *prepare_self;
    /* called now and then while loading; may be NULL */
    void (*progress)(void *self, uint32_t rows_done, uint32_t rows);
    void *progress_self;
};

/* Place, boot and load. Errors: as plan_open and wafer_run. */
int session_open(struct session **out, const struct session_cfg *cfg, struct err *e);
void session_close(struct session *s);

/* Queue a token at this user's next position. ERR_LIMIT when the user's context is full. */
int session_push(struct session *s, uint32_t user, uint32_t token, struct err *e);

/* The same with what comes in where the plan begins: x[hidden]. */
int session_push_stream(struct session *s, uint32_t user, const float *x, struct err *e);

/* Run the wafer until the oldest unanswered token's result is there: float[vocab] logits, or
 * float[hidden] when the plan ends before the head. */
int session_output(struct session *s, float *output, struct err *e);

/* Between the push of a token and the last word of its result, only meaningful when nothing else
 * was in flight.
 */
uint64_t session_token_cycles(const struct session *s);

/* Cycles of each phase of each strip, summed over the tokens that were alone on the wafer. */
struct session_phases {
    uint64_t tokens;
    uint64_t (*cycles)[PHASES]; /* [strip_count] */
};
const struct session_phases *session_phases(const struct session *s);

const struct plan *session_plan(const struct session *s);
uint64_t
session_cycle(const struct session *s); /* the latest clock; wafers may be some cycles apart */

/* Wafer i of session_plan()->wafers, and its system. */
struct wafer *session_wafer(struct session *s, uint32_t i);
const struct io *session_io(const struct session *s, uint32_t i);

/* wafer_check_conservation on every wafer. */
int session_check(struct session *s, struct err *e);
uint64_t
session_load_cycles(const struct session *s); /* from reset until every tile sleeps, booted */
uint32_t session_tiles_used(const struct session *s);

#endif
