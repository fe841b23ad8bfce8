/* SPDX-License-Identifier: Apache-2.0 */
/* aot_plan.h - where the code is in an image: blocks, entries, chunks. For aot_write.c. */
#ifndef TESSERA_CORE_AOT_PLAN_H
#define TESSERA_CORE_AOT_PLAN_H

#include "core/aot.h"
#include "core/fast_internal.h"

/* Marks of the instruction that starts at a halfword. */
enum {
    AOT_INSN = 1,    /* reached */
    AOT_LEADER = 2,  /* begins a block */
    AOT_ENTRY = 4,   /* execution may come back here from outside of its chunk */
    AOT_FUNCTION = 8 /* is called */
};

struct aot_plan {
    const struct aot_cfg *cfg;
    struct core_code *code;
    uint32_t halves;
    uint8_t *mark;   /* [halves] */
    uint16_t *chunk; /* [halves], of leaders */
    uint32_t chunks;
};

void aot_plan_open(struct aot_plan *p, const struct aot_cfg *cfg);
void aot_plan_close(struct aot_plan *p);

/* The label (fast_internal.h) of the instruction at a halfword; FAST_SLOW also for those that only
 * the owner of the core can do by all appearances. */
unsigned aot_label(const struct aot_plan *p, uint32_t at);

static inline bool aot_is_branch(unsigned label)
{
    return label >= CORE_OP_beq && label <= CORE_OP_bgeu;
}

/* Whether the block ends behind an instruction with this label, other than by a leader. */
static inline bool aot_ends(unsigned label)
{
    return aot_is_branch(label) || label == CORE_OP_jal || label == FAST_J ||
           label == CORE_OP_jalr || label == FAST_JR || label == FAST_SLOW;
}

/* Where a jump or branch goes, as a halfword; may be outside. */
static inline uint32_t aot_target(const struct aot_plan *p, uint32_t at)
{
    return at + (uint32_t)(p->code->insn[at].imm / 2);
}
static inline uint32_t aot_behind(const struct aot_plan *p, uint32_t at)
{
    return at + p->code->insn[at].bytes / 2u;
}

#endif
