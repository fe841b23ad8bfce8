/* SPDX-License-Identifier: Apache-2.0 */
/* code.h - instructions, decoded: one at a time, or a whole image once for all tiles.
 *
 * insn.def is the only table; the decoder, the disassembler and the random program generator read
 * it. */
#ifndef TESSERA_CORE_CODE_H
#define TESSERA_CORE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum core_op {
    CORE_OP_ILLEGAL,
#define INSN(id, name, mask, match, operands, timing) CORE_OP_##id,
#include "core/insn.def"
    CORE_OPS
};

static inline bool core_op_stores(unsigned op)
{
    return (op >= CORE_OP_sb && op <= CORE_OP_sw) || op == CORE_OP_fsw;
}

/* One decoded instruction. Fields its operands do not name are zero. */
struct core_insn {
    uint8_t op; /* enum core_op */
    uint8_t rd, rs1, rs2, rs3;
    uint8_t rm;    /* rounding mode field, 7 = dynamic */
    uint8_t bytes; /* 2 or 4 */
    uint8_t cost;  /* cycles of its class in hal/timing.def; taken branches and devices differ */
    int32_t imm;   /* sign-extended immediate, shift amount, CSR number; for zimm forms rs1 is the
                      value */
    uint32_t raw;  /* as fetched: 16 or 32 bits */
};

/* Decode what starts with the low halfword of `raw`; the upper half counts only if (raw & 3) == 3.
 */
struct core_insn core_decode(uint32_t raw);

/* The 32-bit instruction a compressed one stands for, or 0 if it is not legal. */
uint32_t core_expand(uint32_t halfword);

/* Write an instruction at pc as text ("addi a0,a0,-1", branch targets absolute) into out[size]. */
void core_disasm(char *out, size_t size, const struct core_insn *i, uint32_t pc);

/* A predecoded stretch of code, one entry per halfword (code may start at any). Constant after
 * opening: any number of cores and threads may read it. 16 bytes of host memory per halfword. */
struct core_code {
    uint32_t base, bytes;   /* both even */
    struct core_insn *insn; /* [bytes / 2]; one that reaches past the end is not used */
};

/* Decode `bytes` (rounded down to even) bytes of code that the core sees at `base` (even). */
struct core_code *core_code_open(uint32_t base, const uint8_t *code, uint32_t bytes);
void core_code_close(struct core_code *code); /* NULL is fine */

/* Decode again the entries that [addr, addr + bytes) touches, after the owner changed code[] there.
 * For owners whose code is writable; not while another thread runs it. */
void core_code_update(struct core_code *c, const uint8_t *code, uint32_t addr, uint32_t bytes);

#endif
