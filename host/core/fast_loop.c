/* SPDX-License-Identifier: Apache-2.0 */
/* fast_loop.c - the threaded loop: one label per operation, each jumps to the next one's.
 *
 * gcc's labels as values keep the indirect jumps apart, so the host predicts each by itself. All
 * accounting is at the ends of blocks; an operation that has to leave in the middle gives back the
 * charge of the rest of its block, itself included. */
#include "core/fast_internal.h"

#include "core/fast_ops.h"

#include <string.h>

#pragma GCC diagnostic ignored "-Wpedantic" /* labels as values */

/* 4-aligned offsets of whole words in a window as numbers below a limit, all others above it: the
 * low bits come to the top. One comparison checks both. */
static inline uint32_t rotated(uint32_t offset, unsigned bits)
{
    return bits ? offset >> bits | offset << (32 - bits) : offset;
}

static inline uint32_t read_8(const uint8_t *p)
{
    return *p;
}
static inline uint32_t read_16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint32_t read_32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline void write_8(uint8_t *p, uint32_t v)
{
    *p = (uint8_t)v;
}
static inline void write_16(uint8_t *p, uint32_t v)
{
    uint16_t half = (uint16_t)v;
    memcpy(p, &half, sizeof half);
}
static inline void write_32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, sizeof v);
}

/* ---- the bodies of the labels ---- */

#define NEXT                                                                                       \
    do {                                                                                           \
        ip++;                                                                                      \
        goto * ip->go;                                                                             \
    } while (0)

/* Begin the block at ip. */
#define ENTER                                                                                      \
    do {                                                                                           \
        if (left < ip->charge)                                                                     \
            goto no_budget;                                                                        \
        left -= ip->charge;                                                                        \
        goto * ip->go;                                                                             \
    } while (0)
#define TARGET ((const struct fast_op *)((const char *)ip + (int32_t)ip->imm))

#define A x[ip->rs1]
#define B x[ip->rs2]
#define D x[ip->rd]
#define FA fast_float(c->f[ip->rs1])
#define FB fast_float(c->f[ip->rs2])
#define FC fast_float(c->f[ip->rs3])

#define REGISTERS(name)                                                                            \
    L_##name : D = op_##name(A, B);                                                                \
    NEXT;
#define IMMEDIATE(name)                                                                            \
    L_##name : D = op_##name(A, ip->imm);                                                          \
    NEXT;
#define BRANCH(name)                                                                               \
    L_##name : if (op_##name(A, B))                                                                \
    {                                                                                              \
        ip = TARGET;                                                                               \
        ENTER;                                                                                     \
    }                                                                                              \
    left += FAST_TAKEN;                                                                            \
    ip++;                                                                                          \
    ENTER;

/* `at` is where the bytes are; the read-only window is the second to be asked. */
#define LOAD(bits, to)                                                                             \
    {                                                                                              \
        uint32_t addr = A + ip->imm - ram_base;                                                    \
        const uint8_t *at = ram;                                                                   \
        if (__builtin_expect(rotated(addr, (bits) / 16) >= ram_limit_##bits, 0)) {                 \
            addr += ram_base - rom_base;                                                           \
            if (rotated(addr, (bits) / 16) >= rom_limit >> (bits) / 16)                            \
                goto slow;                                                                         \
            at = rom;                                                                              \
        }                                                                                          \
        at += addr;                                                                                \
        to;                                                                                        \
        NEXT;                                                                                      \
    }
#define STORE(bits, value)                                                                         \
    {                                                                                              \
        uint32_t addr = A + ip->imm - ram_base;                                                    \
        if (__builtin_expect(rotated(addr, (bits) / 16) >= store_limit_##bits, 0))                 \
            goto slow;                                                                             \
        write_##bits(ram + addr, value);                                                           \
        NEXT;                                                                                      \
    }

/* A row of the F extension. mstatus.FS is Dirty already while `fp`. */
#define FLOAT(name, ...)                                                                           \
    L_##name:                                                                                      \
    {                                                                                              \
        if (!fp)                                                                                   \
            goto slow;                                                                             \
        __VA_ARGS__;                                                                               \
        NEXT;                                                                                      \
    }
/* ... that the host may not do like softfp.c */
#define ODD_FLOAT(name, expression)                                                                \
    FLOAT(name, bool odd; float v = expression; if (odd) goto slow; c->f[ip->rd] = fast_bits(v))
#define ODD_TO_X(name, expression)                                                                 \
    FLOAT(name, bool odd; uint32_t v = expression; if (odd) goto slow; D = v)

/* NOLINTNEXTLINE(readability-function-size): all labels must be in one function */
static struct fast_rest run(struct core *c, const struct fast_code *f, uint64_t left, bool fp,
                            const void *const **labels)
{
    static const void *const label[FAST_LABELS] = {
        [CORE_OP_ILLEGAL] = &&L_slow,
#define INSN(id, name, mask, match, operands, timing) [CORE_OP_##id] = &&L_##id,
#include "core/insn.def"
        [FAST_NOP] = &&L_nop,         [FAST_SLOW] = &&L_slow,
        [FAST_GOTO] = &&L_goto,       [FAST_J] = &&L_j,
        [FAST_JR] = &&L_jr,           [FAST_CVT_W] = &&L_cvt_w,
        [FAST_CVT_WU] = &&L_cvt_wu,
    };
    if (labels) {
        *labels = label;
        return (struct fast_rest){0, FAST_STOP_SLOW};
    }

    uint32_t *const x = c->x;
    uint8_t *const ram = c->ram.host;
    const uint8_t *const rom = c->rom.host;
    const uint32_t ram_base = c->ram.base, rom_base = c->rom.base, rom_limit = c->rom.bytes;
    const uint32_t ram_limit_8 = c->ram.bytes, ram_limit_16 = c->ram.bytes / 2;
    const uint32_t ram_limit_32 = c->ram.bytes / 4;
    const uint32_t store_limit_8 = c->ram.bytes - c->ram_guarded;
    const uint32_t store_limit_16 = store_limit_8 / 2, store_limit_32 = store_limit_8 / 4;
    uint32_t pc = c->pc;

jump:
    if (pc - f->base >= f->bytes) {
        c->pc = pc;
        return (struct fast_rest){left, FAST_STOP_SLOW};
    }
    const struct fast_op *ip = f->op + f->at[(pc - f->base) / 2];
    ENTER;

    REGISTERS(add)
    REGISTERS(sub)
    REGISTERS(sll)
    REGISTERS(slt)
    REGISTERS(sltu)
    REGISTERS(xor)
    REGISTERS(srl)
    REGISTERS(sra)
    REGISTERS(or)
    REGISTERS(and)
    REGISTERS(mul)
    REGISTERS(mulh)
    REGISTERS(mulhsu)
    REGISTERS(mulhu)
    REGISTERS(div)
    REGISTERS(divu)
    REGISTERS(rem)
    REGISTERS(remu)
    IMMEDIATE(addi)
    IMMEDIATE(slti)
    IMMEDIATE(sltiu)
    IMMEDIATE(xori)
    IMMEDIATE(ori)
    IMMEDIATE(andi)
    IMMEDIATE(slli)
    IMMEDIATE(srli)
    IMMEDIATE(srai)

L_auipc: /* imm holds the sum */
L_lui:
    D = ip->imm;
L_fence:
L_nop:
    NEXT;
L_goto:
    ip = TARGET;
    ENTER;

    BRANCH(beq)
    BRANCH(bne)
    BRANCH(blt)
    BRANCH(bge)
    BRANCH(bltu)
    BRANCH(bgeu)
L_jal:
    D = ip->pc + ip->rs2;
L_j:
    ip = TARGET;
    ENTER;
L_jalr:
    pc = (A + ip->imm) & ~1u;
    D = ip->pc + ip->rs2;
    goto jump;
L_jr:
    pc = (A + ip->imm) & ~1u;
    goto jump;

L_lb:
    LOAD(8, D = (uint32_t)(int8_t)read_8(at))
L_lh:
    LOAD(16, D = (uint32_t)(int16_t)read_16(at))
L_lw:
    LOAD(32, D = read_32(at))
L_lbu:
    LOAD(8, D = read_8(at))
L_lhu:
    LOAD(16, D = read_16(at))
L_sb:
    STORE(8, B)
L_sh:
    STORE(16, B)
L_sw:
    STORE(32, B)

L_flw:
    if (!fp)
        goto slow;
    LOAD(32, c->f[ip->rd] = read_32(at))
L_fsw:
    if (!fp)
        goto slow;
    STORE(32, c->f[ip->rs2])

    ODD_FLOAT(fadd_s, op_fadd_s(FA, FB, &odd))
    ODD_FLOAT(fsub_s, op_fsub_s(FA, FB, &odd))
    ODD_FLOAT(fmul_s, op_fmul_s(FA, FB, &odd))
    ODD_FLOAT(fdiv_s, op_fdiv_s(FA, FB, &odd))
    ODD_FLOAT(fsqrt_s, op_fsqrt_s(FA, &odd))
    ODD_FLOAT(fmadd_s, op_fmadd_s(FA, FB, FC, &odd))
    ODD_FLOAT(fmsub_s, op_fmsub_s(FA, FB, FC, &odd))
    ODD_FLOAT(fnmsub_s, op_fnmsub_s(FA, FB, FC, &odd))
    ODD_FLOAT(fnmadd_s, op_fnmadd_s(FA, FB, FC, &odd))
    ODD_FLOAT(fmin_s, op_fmin_s(FA, FB, &odd))
    ODD_FLOAT(fmax_s, op_fmax_s(FA, FB, &odd))
    ODD_TO_X(fcvt_w_s, op_fcvt_w_s(FA, &odd))
    ODD_TO_X(fcvt_wu_s, op_fcvt_wu_s(FA, &odd))
    ODD_TO_X(cvt_w, op_fcvt_w_s_rtz(FA, &odd))
    ODD_TO_X(cvt_wu, op_fcvt_wu_s_rtz(FA, &odd))
    FLOAT(fcvt_s_w, c->f[ip->rd] = fast_bits(op_fcvt_s_w(A)))
    FLOAT(fcvt_s_wu, c->f[ip->rd] = fast_bits(op_fcvt_s_wu(A)))
    FLOAT(fsgnj_s, c->f[ip->rd] = fast_bits(op_fsgnj_s(FA, FB)))
    FLOAT(fsgnjn_s, c->f[ip->rd] = fast_bits(op_fsgnjn_s(FA, FB)))
    FLOAT(fsgnjx_s, c->f[ip->rd] = fast_bits(op_fsgnjx_s(FA, FB)))
    FLOAT(fmv_w_x, c->f[ip->rd] = A)
    FLOAT(fmv_x_w, D = c->f[ip->rs1])
    FLOAT(fle_s, D = op_fle_s(FA, FB))
    FLOAT(flt_s, D = op_flt_s(FA, FB))
    FLOAT(feq_s, D = op_feq_s(FA, FB))

L_ecall:
L_ebreak:
L_mret:
L_wfi:
L_csrrw:
L_csrrs:
L_csrrc:
L_csrrwi:
L_csrrsi:
L_csrrci:
L_fclass_s:
L_slow:
slow:
    c->pc = ip->pc;
    return (struct fast_rest){left + ip->charge, FAST_STOP_SLOW};
no_budget:
    c->pc = ip->pc;
    return (struct fast_rest){left, FAST_STOP_TIGHT};
}

struct fast_rest fast_loop(struct core *c, const struct fast_code *f, uint64_t budget, bool fp)
{
    return run(c, f, budget, fp, NULL);
}

const void *const *fast_labels(void)
{
    const void *const *labels;
    (void)run(NULL, NULL, 0, false, &labels);
    return labels;
}
