/* SPDX-License-Identifier: Apache-2.0 */
/* fast_code.c - prepares an image for the threaded loop: what each instruction becomes, in what
 * order the operations lie, and what each block costs. */
#include "core/fast_internal.h"

#include "base/xalloc.h"
#include "core/fast_ops.h"

#include <stdlib.h>
#include <string.h>

enum { RM_NEAREST = 0, RM_TO_ZERO = 1, RM_DYNAMIC = 7 };

/* ---- which label ---- */

static bool has_operand(const struct core_insn *i, char letter)
{
    return strchr(core_insn_rows[i->op].operands, letter) != NULL;
}

static bool is_integer(const struct core_insn *i)
{
    return i->op <= CORE_OP_auipc || (i->op >= CORE_OP_addi && i->op <= CORE_OP_remu);
}

static bool is_branch(const struct core_insn *i)
{
    return i->op >= CORE_OP_beq && i->op <= CORE_OP_bgeu;
}

static bool host_can(const struct core_insn *i)
{
#if FAST_FP
    bool fma = i->op >= CORE_OP_fmadd_s && i->op <= CORE_OP_fnmadd_s;
    return !fma || __builtin_cpu_supports("fma");
#else
    return !has_operand(i, 'm') && !(i->op >= CORE_OP_fle_s && i->op <= CORE_OP_feq_s);
#endif
}

/* Static rounding modes other than to nearest: only conversions to integers, towards zero. */
static unsigned rounding_label(const struct core_insn *i)
{
    if (i->rm == RM_TO_ZERO && i->op == CORE_OP_fcvt_w_s)
        return FAST_CVT_W;
    if (i->rm == RM_TO_ZERO && i->op == CORE_OP_fcvt_wu_s)
        return FAST_CVT_WU;
    return FAST_SLOW;
}

/* A result for x0, which the loop has no place to drop. Loads may reach a device, conversions and
 * comparisons raise flags. */
static unsigned dropped_label(const struct core_insn *i)
{
    if (i->op == CORE_OP_jal)
        return FAST_J;
    if (i->op == CORE_OP_jalr)
        return FAST_JR;
    return is_integer(i) ? FAST_NOP : FAST_SLOW;
}

unsigned fast_label(const struct core_insn *i)
{
    if (i->op == CORE_OP_ILLEGAL || i->op == CORE_OP_fclass_s || !host_can(i) ||
        (i->op >= CORE_OP_ecall && i->op <= CORE_OP_csrrci))
        return FAST_SLOW;
    if (has_operand(i, 'd') && i->rd == 0)
        return dropped_label(i);
    if (has_operand(i, 'm') && i->rm != RM_NEAREST && i->rm != RM_DYNAMIC)
        return rounding_label(i);
    return i->op;
}

uint32_t fast_charge(const struct core_insn *i)
{
    return FAST_CHARGE(is_branch(i) ? (unsigned)CORE_COST_BRANCH_TAKEN : i->cost, 1);
}

/* ---- laying out the operations ---- */

#define NOWHERE UINT32_MAX

struct layout {
    struct fast_code *f;
    uint8_t *label; /* of each operation */
};

static struct fast_op *add_op(struct layout *l, unsigned label, uint32_t at)
{
    struct fast_op *op = &l->f->op[l->f->count];
    l->label[l->f->count++] = (uint8_t)label;
    op->go = fast_labels()[label];
    op->pc = l->f->base + 2 * at;
    return op;
}

/* `from` entries from here on. */
static uint32_t distance(uint32_t from, uint32_t to)
{
    return (to - from) * (uint32_t)sizeof(struct fast_op);
}

/* The instruction at halfword `at`; jumps still need their targets. */
static void add_insn(struct layout *l, uint32_t at)
{
    const struct core_insn *i = &l->f->code->insn[at];
    bool whole = 2 * at + i->bytes <= l->f->bytes;
    unsigned label = whole ? fast_label(i) : (unsigned)FAST_SLOW;
    struct fast_op *op = add_op(l, label, at);
    op->rd = i->rd;
    op->rs1 = i->rs1;
    op->rs2 = i->op == CORE_OP_jal || i->op == CORE_OP_jalr ? i->bytes : i->rs2;
    op->rs3 = i->rs3;
    op->imm = (uint32_t)i->imm + (i->op == CORE_OP_auipc ? op->pc : 0);
    op->charge = label == FAST_SLOW ? 0 : fast_charge(i);
}

/* Instructions one after the other from halfword `at`, up to the end of the image or to one that is
 * there already: code may begin at any halfword, so the same bytes can be read in two ways. */
static void add_run(struct layout *l, uint32_t at)
{
    struct fast_code *f = l->f;
    for (unsigned length = 1; at < f->bytes / 2 && f->at[at] == NOWHERE; length++) {
        if (length % FAST_BLOCK_INSNS == 0)
            add_op(l, FAST_GOTO, at)->imm = distance(0, 1);
        f->at[at] = f->count;
        add_insn(l, at);
        at += f->code->insn[at].bytes / 2;
    }
    uint32_t here = f->count;
    if (at < f->bytes / 2)
        add_op(l, FAST_GOTO, at)->imm = distance(here, f->at[at]);
    else
        add_op(l, FAST_SLOW, at);
}

static bool jumps(unsigned label)
{
    return (label >= CORE_OP_beq && label <= CORE_OP_bgeu) || label == CORE_OP_jal ||
           label == FAST_J;
}

/* Jumps out of the image are for the plain core. */
static void set_target(struct layout *l, uint32_t n)
{
    struct fast_op *op = &l->f->op[n];
    uint32_t target = op->pc + op->imm - l->f->base;
    if (!jumps(l->label[n]))
        return;
    if (target < l->f->bytes) {
        op->imm = distance(n, l->f->at[target / 2]);
        return;
    }
    l->label[n] = FAST_SLOW;
    op->go = fast_labels()[FAST_SLOW];
    op->charge = 0;
}

static bool ends_block(unsigned label)
{
    return jumps(label) || label == CORE_OP_jalr || label == FAST_JR || label == FAST_GOTO ||
           label == FAST_SLOW;
}

struct fast_code *fast_code_open(const struct core_code *code, const struct aot *translated)
{
    struct fast_code *f = xcalloc(1, sizeof *f);
    uint32_t halves = code->bytes / 2;
    f->base = code->base;
    f->bytes = code->bytes;
    f->code = code;
    f->translated = translated;
    f->at = xcalloc((size_t)halves + 1, sizeof *f->at);
    memset(f->at, 0xff, ((size_t)halves + 1) * sizeof *f->at);
    /* at most an instruction, the end of a run and the end of a block for each halfword */
    f->op = xcalloc(3 * (size_t)halves + 1, sizeof *f->op);
    struct layout l = {f, xcalloc(3 * (size_t)halves + 1, 1)};
    for (uint32_t at = 0; at < halves; at++)
        if (f->at[at] == NOWHERE)
            add_run(&l, at);
    for (uint32_t n = 0; n < f->count; n++)
        set_target(&l, n);
    for (uint32_t n = f->count; n-- > 0;)
        f->op[n].charge += ends_block(l.label[n]) ? 0 : f->op[n + 1].charge;
    free(l.label);
    f->op = xrealloc(f->op, (size_t)f->count + 1, sizeof *f->op);
    return f;
}

void fast_code_close(struct fast_code *f)
{
    if (!f)
        return;
    free(f->op);
    free(f->at);
    free(f);
}
