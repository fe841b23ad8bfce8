/* SPDX-License-Identifier: Apache-2.0 */
/* fast.h - the fast core: the same state, results and cycles as core_step(), many instructions at a
 * time.
 *
 * An image is prepared once (struct fast_code) and shared by all cores that run it. fast_run()
 * executes it on a core until something happens that only the core's owner can do; anything unusual
 * in between (control registers, odd roundings, NaNs, misaligned accesses, code outside the image)
 * is left to the plain core, so there is one definition of it. Two engines can be behind fast_run:
 * a threaded loop over predecoded operations, always there, and the image translated to C and
 * compiled (aot.h), where there is one. Which one ran cannot be seen.
 *
 * Time is counted a basic block at a time: a block is entered only if it ends before the horizon,
 * and the last few instructions before it are done one by one. */
#ifndef TESSERA_CORE_FAST_H
#define TESSERA_CORE_FAST_H

#include "core/code.h"
#include "core/core.h"

struct fast_code; /* constant after opening: any number of cores and threads may run it */
struct aot;       /* aot.h */

/* Prepare an image. `code` is its instructions, decoded; borrowed. `translated` is the same image
 * compiled, or NULL; borrowed. 28 bytes of host memory per halfword of code. */
struct fast_code *fast_code_open(const struct core_code *code, const struct aot *translated);
void fast_code_close(struct fast_code *f); /* NULL is fine */

/* Why fast_run returned. */
enum fast_exit {
    FAST_HORIZON, /* the next instruction starts at or after the horizon */
    FAST_STEP /* the next core_step() at c->cycle is the owner's: it would use the bus, trap, enter
               * wfi or an interrupt; or the core waits or is halted */
};

/* Run from c->cycle on, and advance it. Nothing the core did not decide itself may change
 * meanwhile: c->mip, the bytes of the image, and what the windows c->ram and c->rom lead to, which
 * nobody else may read either. The bytes of the image are those the core would fetch: they must not
 * lie in c->ram.
 * Afterwards all of *c is as if core_step() had been called in a loop that adds its result to
 * c->cycle, up to the instruction c->pc that the result is about. Returns the instructions
 * executed; each of them retired.
 * The exception flags and rounding mode of the host's floating point are those of the default
 * environment afterwards.
 * Cost: entry and exit are worth about 30 instructions; see tests/bench/README.md. */
uint64_t fast_run(struct core *c, const struct fast_code *f, uint64_t horizon, enum fast_exit *why);

#endif
