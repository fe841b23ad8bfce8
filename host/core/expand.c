/* SPDX-License-Identifier: Apache-2.0 */
/* expand.c - the C extension: each 16-bit instruction becomes the 32-bit one it stands for.
 *
 * Hints (results written to x0, shifts by 0) expand to instructions without effect; reserved
 * encodings and those of RV64 or of double precision expand to 0, which is an illegal instruction.
 */
#include "core/code.h"

/* Opcodes and funct3 of the targets. */
enum { LOAD = 0x03, LOAD_FP = 0x07, OP_IMM = 0x13, STORE = 0x23, STORE_FP = 0x27, OP = 0x33 };
enum { LUI = 0x37, BRANCH = 0x63, JALR = 0x67, JAL = 0x6f };
enum { RA = 1, SP = 2 };
static const uint32_t ebreak = 0x00100073;

/* Bits from..from+bits-1 of h, moved to bit `to`. */
static uint32_t put(uint32_t h, unsigned from, unsigned bits, unsigned to)
{
    return (h >> from & ((1u << bits) - 1)) << to;
}

static uint32_t sign_extend(uint32_t v, unsigned bits)
{
    uint32_t sign = 1u << (bits - 1);
    return (v ^ sign) - sign;
}

static uint32_t make_i(uint32_t opcode, uint32_t funct3, uint32_t rd, uint32_t rs1, uint32_t imm)
{
    return imm << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}

static uint32_t make_s(uint32_t opcode, uint32_t funct3, uint32_t rs1, uint32_t rs2, uint32_t imm)
{
    return put(imm, 5, 7, 25) | rs2 << 20 | rs1 << 15 | funct3 << 12 | put(imm, 0, 5, 7) | opcode;
}

static uint32_t make_r(uint32_t funct7, uint32_t funct3, uint32_t rd, uint32_t rs1, uint32_t rs2)
{
    return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | OP;
}

static uint32_t make_jal(uint32_t rd, uint32_t imm)
{
    return put(imm, 20, 1, 31) | put(imm, 1, 10, 21) | put(imm, 11, 1, 20) | put(imm, 12, 8, 12) |
           rd << 7 | JAL;
}

static uint32_t make_branch(uint32_t funct3, uint32_t rs1, uint32_t imm)
{
    return put(imm, 12, 1, 31) | put(imm, 5, 6, 25) | rs1 << 15 | funct3 << 12 | put(imm, 1, 4, 8) |
           put(imm, 11, 1, 7) | BRANCH;
}

/* Fields. Three-bit register fields name x8..x15. */
static uint32_t reg_low(uint32_t h)
{
    return 8 + put(h, 2, 3, 0);
}

static uint32_t reg_high(uint32_t h)
{
    return 8 + put(h, 7, 3, 0);
}

static uint32_t reg_full(uint32_t h)
{
    return put(h, 7, 5, 0);
}

static uint32_t reg_second(uint32_t h)
{
    return put(h, 2, 5, 0);
}

static uint32_t imm6(uint32_t h)
{
    return sign_extend(put(h, 12, 1, 5) | put(h, 2, 5, 0), 6);
}

static uint32_t imm_word(uint32_t h) /* c.lw, c.sw */
{
    return put(h, 10, 3, 3) | put(h, 6, 1, 2) | put(h, 5, 1, 6);
}

static uint32_t imm_lwsp(uint32_t h)
{
    return put(h, 12, 1, 5) | put(h, 4, 3, 2) | put(h, 2, 2, 6);
}

static uint32_t imm_swsp(uint32_t h)
{
    return put(h, 9, 4, 2) | put(h, 7, 2, 6);
}

static uint32_t imm_jump(uint32_t h)
{
    uint32_t imm = put(h, 12, 1, 11) | put(h, 11, 1, 4) | put(h, 9, 2, 8) | put(h, 8, 1, 10) |
                   put(h, 7, 1, 6) | put(h, 6, 1, 7) | put(h, 3, 3, 1) | put(h, 2, 1, 5);
    return sign_extend(imm, 12);
}

static uint32_t imm_branch(uint32_t h)
{
    uint32_t imm =
        put(h, 12, 1, 8) | put(h, 10, 2, 3) | put(h, 5, 2, 6) | put(h, 3, 2, 1) | put(h, 2, 1, 5);
    return sign_extend(imm, 9);
}

static uint32_t expand_quadrant0(uint32_t h)
{
    uint32_t imm;
    switch (h >> 13) {
    case 0: /* c.addi4spn */
        imm = put(h, 11, 2, 4) | put(h, 7, 4, 6) | put(h, 6, 1, 2) | put(h, 5, 1, 3);
        return imm ? make_i(OP_IMM, 0, reg_low(h), SP, imm) : 0;
    case 2: /* c.lw */
        return make_i(LOAD, 2, reg_low(h), reg_high(h), imm_word(h));
    case 3: /* c.flw */
        return make_i(LOAD_FP, 2, reg_low(h), reg_high(h), imm_word(h));
    case 6: /* c.sw */
        return make_s(STORE, 2, reg_high(h), reg_low(h), imm_word(h));
    case 7: /* c.fsw */
        return make_s(STORE_FP, 2, reg_high(h), reg_low(h), imm_word(h));
    default:
        return 0;
    }
}

static uint32_t expand_arithmetic(uint32_t h)
{
    static const uint32_t funct7[4] = {0x20, 0, 0, 0},
                          funct3[4] = {0, 4, 6, 7}; /* sub xor or and */
    uint32_t rd = reg_high(h), shift = put(h, 2, 5, 0), which = put(h, 5, 2, 0);
    uint32_t bit12 = put(h, 12, 1, 0);
    switch (put(h, 10, 2, 0)) {
    case 0: /* c.srli */
        return bit12 ? 0 : make_i(OP_IMM, 5, rd, rd, shift);
    case 1: /* c.srai */
        return bit12 ? 0 : make_i(OP_IMM, 5, rd, rd, shift | 0x400);
    case 2: /* c.andi */
        return make_i(OP_IMM, 7, rd, rd, imm6(h));
    default:
        return bit12 ? 0 : make_r(funct7[which], funct3[which], rd, rd, reg_low(h));
    }
}

static uint32_t expand_lui(uint32_t h)
{
    uint32_t rd = reg_full(h), imm = imm6(h);
    if (imm == 0)
        return 0;
    if (rd != SP)
        return imm << 12 | rd << 7 | LUI;
    imm = put(h, 12, 1, 9) | put(h, 6, 1, 4) | put(h, 5, 1, 6) | put(h, 3, 2, 7) | put(h, 2, 1, 5);
    return make_i(OP_IMM, 0, SP, SP, sign_extend(imm, 10)); /* c.addi16sp */
}

static uint32_t expand_quadrant1(uint32_t h)
{
    switch (h >> 13) {
    case 0: /* c.addi, c.nop */
        return make_i(OP_IMM, 0, reg_full(h), reg_full(h), imm6(h));
    case 1: /* c.jal */
        return make_jal(RA, imm_jump(h));
    case 2: /* c.li */
        return make_i(OP_IMM, 0, reg_full(h), 0, imm6(h));
    case 3:
        return expand_lui(h);
    case 4:
        return expand_arithmetic(h);
    case 5: /* c.j */
        return make_jal(0, imm_jump(h));
    case 6: /* c.beqz */
        return make_branch(0, reg_high(h), imm_branch(h));
    default: /* c.bnez */
        return make_branch(1, reg_high(h), imm_branch(h));
    }
}

/* c.jr, c.mv, c.ebreak, c.jalr, c.add share one row of the encoding. */
static uint32_t expand_register(uint32_t h)
{
    uint32_t rd = reg_full(h), rs2 = reg_second(h), link = put(h, 12, 1, 0);
    if (rs2)
        return make_r(0, 0, rd, link ? rd : 0, rs2);
    if (rd)
        return make_i(JALR, 0, link ? RA : 0, rd, 0);
    return link ? ebreak : 0;
}

static uint32_t expand_quadrant2(uint32_t h)
{
    switch (h >> 13) {
    case 0: /* c.slli */
        return h >> 12 & 1 ? 0 : make_i(OP_IMM, 1, reg_full(h), reg_full(h), reg_second(h));
    case 2: /* c.lwsp */
        return reg_full(h) ? make_i(LOAD, 2, reg_full(h), SP, imm_lwsp(h)) : 0;
    case 3: /* c.flwsp */
        return make_i(LOAD_FP, 2, reg_full(h), SP, imm_lwsp(h));
    case 4:
        return expand_register(h);
    case 6: /* c.swsp */
        return make_s(STORE, 2, SP, reg_second(h), imm_swsp(h));
    case 7: /* c.fswsp */
        return make_s(STORE_FP, 2, SP, reg_second(h), imm_swsp(h));
    default:
        return 0;
    }
}

uint32_t core_expand(uint32_t halfword)
{
    uint32_t h = halfword & 0xffff;
    switch (h & 3) {
    case 0:
        return expand_quadrant0(h);
    case 1:
        return expand_quadrant1(h);
    case 2:
        return expand_quadrant2(h);
    default: /* the first half of a 32-bit instruction */
        return 0;
    }
}
