/* SPDX-License-Identifier: Apache-2.0 */
/* rvasm.h - writes instructions for tests: the inverse of the decoder, driven by the same operand
 * letters of insn.def. Checked against an independent assembler by tests/qemu/isa_disasm.sh. */
#ifndef TESSERA_TESTS_RVASM_H
#define TESSERA_TESTS_RVASM_H

#include "core/insn_table.h"

static inline uint32_t rvasm_bits(uint32_t v, unsigned from, unsigned bits, unsigned to)
{
    return (v >> from & ((1u << bits) - 1)) << to;
}

static inline uint32_t rvasm_imm(char letter, uint32_t imm)
{
    switch (letter) {
    case 'i':
    case 'o':
    case 'c':
        return rvasm_bits(imm, 0, 12, 20);
    case 'h':
        return rvasm_bits(imm, 0, 5, 20);
    case 'q':
        return rvasm_bits(imm, 5, 7, 25) | rvasm_bits(imm, 0, 5, 7);
    case 'b':
        return rvasm_bits(imm, 12, 1, 31) | rvasm_bits(imm, 5, 6, 25) | rvasm_bits(imm, 1, 4, 8) |
               rvasm_bits(imm, 11, 1, 7);
    case 'j':
        return rvasm_bits(imm, 20, 1, 31) | rvasm_bits(imm, 1, 10, 21) |
               rvasm_bits(imm, 11, 1, 20) | rvasm_bits(imm, 12, 8, 12);
    case 'u':
        return imm & 0xfffff000u;
    default:
        return 0;
    }
}

/* The 32-bit encoding of `i`; its op, registers, rm and imm count. */
static inline uint32_t rvasm_encode(struct core_insn i)
{
    const struct core_insn_row *row = &core_insn_rows[i.op];
    uint32_t w = row->match;
    for (const char *letter = row->operands; *letter; letter++) {
        w |= rvasm_imm(*letter, (uint32_t)i.imm);
        switch (*letter) {
        case 'd':
        case 'D':
            w |= (uint32_t)i.rd << 7;
            break;
        case 's':
        case 'S':
        case 'z':
        case 'o':
        case 'q':
            w |= (uint32_t)i.rs1 << 15;
            break;
        case 't':
        case 'T':
            w |= (uint32_t)i.rs2 << 20;
            break;
        case 'R':
            w |= (uint32_t)i.rs3 << 27;
            break;
        case 'm':
            w |= (uint32_t)i.rm << 12;
            break;
        default:
            break;
        }
    }
    return w;
}

/* rvasm(add, .rd = 1, .rs1 = 2, .rs2 = 3) */
#define rvasm(id, ...) rvasm_encode((struct core_insn){.op = CORE_OP_##id, __VA_ARGS__})

#endif
