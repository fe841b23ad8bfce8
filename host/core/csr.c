/* SPDX-License-Identifier: Apache-2.0 */
/* csr.c - the control registers: which exist, what can be written, and the six instructions. */
#include "core/core_internal.h"

enum csr {
    CSR_FFLAGS = 0x001,
    CSR_FRM = 0x002,
    CSR_FCSR = 0x003,
    CSR_MSTATUS = 0x300,
    CSR_MISA = 0x301,
    CSR_MIE = 0x304,
    CSR_MTVEC = 0x305,
    CSR_MSTATUSH = 0x310,
    CSR_MCOUNTINHIBIT = 0x320,
    CSR_MSCRATCH = 0x340,
    CSR_MEPC = 0x341,
    CSR_MCAUSE = 0x342,
    CSR_MTVAL = 0x343,
    CSR_MIP = 0x344,
    CSR_MCYCLE = 0xb00,
    CSR_MINSTRET = 0xb02,
    CSR_MCYCLEH = 0xb80,
    CSR_MINSTRETH = 0xb82,
    CSR_CYCLE = 0xc00,
    CSR_TIME = 0xc01,
    CSR_INSTRET = 0xc02,
    CSR_CYCLEH = 0xc80,
    CSR_TIMEH = 0xc81,
    CSR_INSTRETH = 0xc82,
    CSR_MVENDORID = 0xf11,
    CSR_MARCHID = 0xf12,
    CSR_MIMPID = 0xf13,
    CSR_MHARTID = 0xf14,
    CSR_MCONFIGPTR = 0xf15
};

enum { FFLAGS_MASK = 0x1f, FCSR_MASK = 0xff, FRM_SHIFT = 5, FRM_MASK = 7 };
#define MISA_VALUE                                                                                 \
    (1u << 30 | 1u << ('I' - 'A') | 1u << ('M' - 'A') | 1u << ('F' - 'A') | 1u << ('C' - 'A'))
#define MSTATUS_WRITABLE (CORE_MSTATUS_MIE | CORE_MSTATUS_MPIE | CORE_MSTATUS_FS)
#define INTERRUPT_BITS (CORE_MSIP | CORE_MTIP | CORE_MEIP)

static uint32_t read_mstatus(const struct core *c)
{
    bool dirty = (c->mstatus & CORE_MSTATUS_FS) == CORE_MSTATUS_FS;
    return c->mstatus | CORE_MSTATUS_MPP | (dirty ? CORE_MSTATUS_SD : 0);
}

/* Floating-point state exists only while mstatus.FS is not Off. */
static bool csr_exists(const struct core *c, uint32_t number)
{
    switch (number) {
    case CSR_FFLAGS:
    case CSR_FRM:
    case CSR_FCSR:
        return c->mstatus & CORE_MSTATUS_FS;
    case CSR_MSTATUS:
    case CSR_MISA:
    case CSR_MIE:
    case CSR_MTVEC:
    case CSR_MSTATUSH:
    case CSR_MCOUNTINHIBIT:
    case CSR_MSCRATCH:
    case CSR_MEPC:
    case CSR_MCAUSE:
    case CSR_MTVAL:
    case CSR_MIP:
    case CSR_MCYCLE:
    case CSR_MINSTRET:
    case CSR_MCYCLEH:
    case CSR_MINSTRETH:
    case CSR_CYCLE:
    case CSR_TIME:
    case CSR_INSTRET:
    case CSR_CYCLEH:
    case CSR_TIMEH:
    case CSR_INSTRETH:
    case CSR_MVENDORID:
    case CSR_MARCHID:
    case CSR_MIMPID:
    case CSR_MHARTID:
    case CSR_MCONFIGPTR:
        return true;
    default:
        return false;
    }
}

/* Of an existing register. Those without a case read 0. */
static uint32_t csr_read(const struct core *c, uint32_t number)
{
    uint64_t mcycle = c->cycle + c->mcycle_bias;
    switch (number) {
    case CSR_FFLAGS:
        return c->fcsr & FFLAGS_MASK;
    case CSR_FRM:
        return c->fcsr >> FRM_SHIFT;
    case CSR_FCSR:
        return c->fcsr;
    case CSR_MSTATUS:
        return read_mstatus(c);
    case CSR_MISA:
        return MISA_VALUE;
    case CSR_MIE:
        return c->mie;
    case CSR_MTVEC:
        return c->mtvec;
    case CSR_MSCRATCH:
        return c->mscratch;
    case CSR_MEPC:
        return c->mepc;
    case CSR_MCAUSE:
        return c->mcause;
    case CSR_MTVAL:
        return c->mtval;
    case CSR_MIP:
        return c->mip & INTERRUPT_BITS;
    case CSR_MCYCLE:
    case CSR_CYCLE:
        return (uint32_t)mcycle;
    case CSR_MCYCLEH:
    case CSR_CYCLEH:
        return (uint32_t)(mcycle >> 32);
    case CSR_TIME: /* the tile's clock, whatever was written to mcycle */
        return (uint32_t)c->cycle;
    case CSR_TIMEH:
        return (uint32_t)(c->cycle >> 32);
    case CSR_MINSTRET:
    case CSR_INSTRET:
        return (uint32_t)c->minstret;
    case CSR_MINSTRETH:
    case CSR_INSTRETH:
        return (uint32_t)(c->minstret >> 32);
    case CSR_MHARTID:
        return c->hartid;
    default:
        return 0;
    }
}

static uint64_t with_low(uint64_t v, uint32_t low)
{
    return (v & ~(uint64_t)UINT32_MAX) | low;
}

static uint64_t with_high(uint64_t v, uint32_t high)
{
    return (uint64_t)high << 32 | (uint32_t)v;
}

static void write_fcsr(struct core *c, uint32_t v)
{
    c->fcsr = v & FCSR_MASK;
    c->mstatus |= CORE_MSTATUS_FS; /* Dirty */
}

/* Counters hold the written value in the next instruction, hence the minus one of minstret. */
static void write_counter(struct core *c, uint32_t number, uint32_t v)
{
    uint64_t mcycle = c->cycle + c->mcycle_bias;
    switch (number) {
    case CSR_MCYCLE:
        c->mcycle_bias = with_low(mcycle, v) - c->cycle;
        break;
    case CSR_MCYCLEH:
        c->mcycle_bias = with_high(mcycle, v) - c->cycle;
        break;
    case CSR_MINSTRET:
        c->minstret = with_low(c->minstret, v) - 1;
        break;
    case CSR_MINSTRETH:
        c->minstret = with_high(c->minstret, v) - 1;
        break;
    default:
        break;
    }
}

/* To an existing register that is not read-only. What cannot be changed is ignored. */
static void csr_write(struct core *c, uint32_t number, uint32_t v)
{
    switch (number) {
    case CSR_FFLAGS:
        write_fcsr(c, (c->fcsr & ~(uint32_t)FFLAGS_MASK) | (v & FFLAGS_MASK));
        break;
    case CSR_FRM:
        write_fcsr(c, (c->fcsr & FFLAGS_MASK) | (v & FRM_MASK) << FRM_SHIFT);
        break;
    case CSR_FCSR:
        write_fcsr(c, v);
        break;
    case CSR_MSTATUS:
        c->mstatus = v & MSTATUS_WRITABLE;
        break;
    case CSR_MIE:
        c->mie = v & INTERRUPT_BITS;
        break;
    case CSR_MTVEC:
        if ((v & 3) < 2) /* direct or vectored; the other modes are reserved */
            c->mtvec = v;
        break;
    case CSR_MSCRATCH:
        c->mscratch = v;
        break;
    case CSR_MEPC:
        c->mepc = v & ~1u;
        break;
    case CSR_MCAUSE:
        c->mcause = v;
        break;
    case CSR_MTVAL:
        c->mtval = v;
        break;
    default:
        write_counter(c, number, v);
        break;
    }
}

static bool csr_read_only(uint32_t number)
{
    return number >> 10 == 3;
}

void exec_csr(struct core *c, const struct core_insn *i, struct core_effect *e)
{
    uint32_t number = (uint32_t)i->imm;
    bool immediate = i->op >= CORE_OP_csrrwi;
    bool swap = i->op == CORE_OP_csrrw || i->op == CORE_OP_csrrwi;
    bool clear = i->op == CORE_OP_csrrc || i->op == CORE_OP_csrrci;
    bool writes = swap || i->rs1 != 0; /* by the register's number, not by its value */
    if (!csr_exists(c, number) || (writes && csr_read_only(number))) {
        effect_illegal(e, i);
        return;
    }
    uint32_t operand = immediate ? i->rs1 : c->x[i->rs1], old = csr_read(c, number);
    if (writes)
        csr_write(c, number, swap ? operand : clear ? old & ~operand : old | operand);
    c->x[i->rd] = old;
}
