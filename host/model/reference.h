/* SPDX-License-Identifier: Apache-2.0 */
/* reference.h - the plain forward pass: what the wafer's logits are compared with.
 *
 * One sequence, one token at a time, with a cache of latents (absorbed attention). Activations are
 * fp32, every sum of products is taken in double, nothing is quantised on the way. Written to be
 * read; its speed is that of one thread decoding each weight it uses. */
#ifndef TESSERA_MODEL_REFERENCE_H
#define TESSERA_MODEL_REFERENCE_H

#include "model/checkpoint.h"

struct reference;

/* Called after each decoder layer with x, the residual stream [hidden]. */
typedef void reference_hook(void *self, uint32_t layer, const float *x);

/* A sequence of up to `positions` tokens. The checkpoint stays the caller's and must outlive this.
 * Errors: ERR_USAGE for more positions than the model has, or none. */
int reference_open(struct reference **out, const struct checkpoint *ck, uint32_t positions,
                   struct err *e);
void reference_close(struct reference *r); /* NULL is fine */

void reference_set_hook(struct reference *r, reference_hook *hook, void *self);

/* Feed one token; `logits` [vocab] may be NULL, which saves the head. `position` is the next one,
 * or an earlier one: then what came at and after it is forgotten. Errors: ERR_INPUT for a token the
 * model does not have, ERR_LIMIT past the last position, ERR_USAGE for a position that skips. */
int reference_step(struct reference *r, uint32_t token, uint32_t position, float *logits,
                   struct err *e);

/* The index of the largest logit; the lower one of equals. */
uint32_t logits_argmax(const float *logits, uint32_t vocab);

#endif
