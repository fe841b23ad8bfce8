/* SPDX-License-Identifier: Apache-2.0 */
/* fast_internal.h - what the files of the fast core share.
 *
 * Accounting: a budget counts cycles left in its upper bits and, negatively, instructions done in
 * its lower ones, so that one subtraction per block does both. The charge of an operation is what
 * the rest of its block costs from it on, both in the same form. */
#ifndef TESSERA_CORE_FAST_INTERNAL_H
#define TESSERA_CORE_FAST_INTERNAL_H

#include "core/fast.h"
#include "core/insn_table.h"

enum {
    FAST_SHIFT = 20,           /* of cycles in a charge or budget; instructions below */
    FAST_CYCLES_MAX = 1 << 19, /* of one budget: instructions are fewer and stay below */
    FAST_BLOCK_INSNS = 64      /* so that a charge is a positive 32-bit number */
};
#define FAST_CHARGE(cycles, insns) ((uint32_t)(cycles) << FAST_SHIFT | (uint32_t)(insns))
#define FAST_TAKEN                                                                                 \
    FAST_CHARGE(CORE_COST_BRANCH_TAKEN - CORE_COST_BRANCH, 0) /* a branch is charged as taken */

/* One operation of the threaded loop. */
struct fast_op {
    const void *go; /* label in fast_loop */
    uint8_t rd, rs1, rs2, rs3;
    uint32_t imm; /* jumps and branches: bytes from this entry to the target's */
    uint32_t charge;
    uint32_t pc;
};

struct fast_code {
    uint32_t base, bytes;
    const struct core_code *code;
    const struct aot *translated;
    struct fast_op *op; /* [count] */
    uint32_t count;
    uint32_t *at; /* [bytes / 2] entry of the instruction that starts there */
};

/* Labels beyond the rows of insn.def. */
enum fast_label {
    FAST_NOP = CORE_OPS,
    FAST_SLOW,   /* for the plain core */
    FAST_GOTO,   /* no instruction: go on at the target */
    FAST_J,      /* jal without a link */
    FAST_JR,     /* jalr without a link */
    FAST_CVT_W,  /* fcvt.w.s towards zero */
    FAST_CVT_WU, /* fcvt.wu.s towards zero */
    FAST_LABELS
};

/* The label of an instruction: its own row, or one of the above. */
unsigned fast_label(const struct core_insn *i);

/* Its part of a charge; branches as if taken. */
uint32_t fast_charge(const struct core_insn *i);

enum fast_stop {
    FAST_STOP_GO,   /* go on at c->pc */
    FAST_STOP_SLOW, /* the instruction at c->pc is for the plain core */
    FAST_STOP_TIGHT /* the block at c->pc does not fit into the budget */
};
struct fast_rest {
    uint64_t budget;
    enum fast_stop stop;
};

/* Execute from c->pc, which is in the image, until something stops it. Floating point only if
 * `fp`. */
struct fast_rest fast_loop(struct core *c, const struct fast_code *f, uint64_t budget, bool fp);

const void *const *fast_labels(void); /* [FAST_LABELS], of fast_loop */

#endif
