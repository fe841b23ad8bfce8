/* SPDX-License-Identifier: Apache-2.0 */
/* core_internal.h - what the files of the engine share; nobody else includes it. */
#ifndef TESSERA_CORE_CORE_INTERNAL_H
#define TESSERA_CORE_CORE_INTERNAL_H

#include "core/code.h"
#include "core/core.h"

/* What an instruction in progress has decided. */
struct core_effect {
    uint32_t next_pc;
    unsigned cost;
    int cause; /* enum core_cause to raise instead of retiring; CORE_RETIRES if none */
    uint32_t tval;
};
enum { CORE_RETIRES = -1 };

/* The instruction raises an illegal-instruction exception. */
static inline void effect_illegal(struct core_effect *e, const struct core_insn *i)
{
    e->cause = CORE_ILLEGAL;
    e->tval = i->raw;
}

/* exec_fp.c: everything of the F extension except flw and fsw. */
void exec_fp(struct core *c, const struct core_insn *i, struct core_effect *e);

/* csr.c: the six CSR instructions. */
void exec_csr(struct core *c, const struct core_insn *i, struct core_effect *e);

#endif
