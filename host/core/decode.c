/* SPDX-License-Identifier: Apache-2.0 */
/* decode.c - raw bits to struct core_insn, by walking insn.def, and whole images of them. */
#include "core/code.h"

#include "base/xalloc.h"
#include "core/insn_table.h"

#include <stdlib.h>

const struct core_insn_row core_insn_rows[CORE_OPS] = {
    {".word", 0, 1, "", CORE_COST_TRAP},
#define INSN(id, name, mask, match, operands, timing)                                              \
    {name, mask, match, operands, CORE_COST_##timing},
#include "core/insn.def"
};

static uint32_t field(uint32_t w, unsigned low, unsigned bits)
{
    return w >> low & ((1u << bits) - 1);
}

/* The low `bits` bits of v as a signed number. */
static int32_t sign_extend(uint32_t v, unsigned bits)
{
    uint32_t sign = 1u << (bits - 1);
    return (int32_t)((v ^ sign) - sign);
}

static int32_t imm_i(uint32_t w)
{
    return sign_extend(field(w, 20, 12), 12);
}

static int32_t imm_s(uint32_t w)
{
    return sign_extend(field(w, 25, 7) << 5 | field(w, 7, 5), 12);
}

static int32_t imm_b(uint32_t w)
{
    return sign_extend(field(w, 31, 1) << 12 | field(w, 7, 1) << 11 | field(w, 25, 6) << 5 |
                           field(w, 8, 4) << 1,
                       13);
}

static int32_t imm_j(uint32_t w)
{
    return sign_extend(field(w, 31, 1) << 20 | field(w, 12, 8) << 12 | field(w, 20, 1) << 11 |
                           field(w, 21, 10) << 1,
                       21);
}

static void decode_operand(struct core_insn *i, char letter, uint32_t w)
{
    uint8_t rd = (uint8_t)field(w, 7, 5), rs1 = (uint8_t)field(w, 15, 5);
    uint8_t rs2 = (uint8_t)field(w, 20, 5);
    switch (letter) {
    case 'd':
    case 'D':
        i->rd = rd;
        break;
    case 's':
    case 'S':
    case 'z':
        i->rs1 = rs1;
        break;
    case 't':
    case 'T':
        i->rs2 = rs2;
        break;
    case 'R':
        i->rs3 = (uint8_t)field(w, 27, 5);
        break;
    case 'm':
        i->rm = (uint8_t)field(w, 12, 3);
        break;
    case 'o':
        i->rs1 = rs1;
        i->imm = imm_i(w);
        break;
    case 'q':
        i->rs1 = rs1;
        i->imm = imm_s(w);
        break;
    case 'i':
        i->imm = imm_i(w);
        break;
    case 'h':
        i->imm = rs2;
        break;
    case 'b':
        i->imm = imm_b(w);
        break;
    case 'j':
        i->imm = imm_j(w);
        break;
    case 'u':
        i->imm = (int32_t)(w & 0xfffff000u);
        break;
    case 'c':
        i->imm = (int32_t)field(w, 20, 12);
        break;
    default:
        abort(); /* insn.def names a letter this function does not know */
    }
}

struct core_insn core_decode(uint32_t raw)
{
    unsigned bytes = (raw & 3) == 3 ? 4 : 2;
    uint32_t w = bytes == 4 ? raw : core_expand(raw & 0xffff);
    struct core_insn i = {.bytes = (uint8_t)bytes, .raw = bytes == 4 ? raw : raw & 0xffff};
    unsigned op = CORE_OPS - 1;
    while (op > CORE_OP_ILLEGAL && (w & core_insn_rows[op].mask) != core_insn_rows[op].match)
        op--;
    i.op = (uint8_t)op;
    i.cost = (uint8_t)core_insn_rows[op].cost;
    for (const char *letter = core_insn_rows[op].operands; *letter; letter++)
        decode_operand(&i, *letter, w);
    return i;
}

/* The 32 bits at halfword `at`, zeros behind the end. */
static uint32_t code_word(const uint8_t *code, uint32_t bytes, uint32_t at)
{
    uint32_t w = 0;
    for (uint32_t k = 0; k < 4 && at + k < bytes; k++)
        w |= (uint32_t)code[at + k] << 8 * k;
    return w;
}

struct core_code *core_code_open(uint32_t base, const uint8_t *code, uint32_t bytes)
{
    struct core_code *c = xcalloc(1, sizeof *c);
    c->base = base;
    c->bytes = bytes & ~1u;
    c->insn = xcalloc(c->bytes / 2 + 1, sizeof *c->insn);
    for (uint32_t at = 0; at < c->bytes; at += 2)
        c->insn[at / 2] = core_decode(code_word(code, c->bytes, at));
    return c;
}

void core_code_close(struct core_code *code)
{
    if (!code)
        return;
    free(code->insn);
    free(code);
}

void core_code_update(struct core_code *c, const uint8_t *code, uint32_t addr, uint32_t bytes)
{
    /* An instruction one halfword earlier may reach into the first changed one. */
    uint64_t first = addr - c->base >= 2 ? (addr - c->base - 2) & ~1u : 0;
    uint64_t end = (uint64_t)(addr - c->base) + bytes;
    for (uint64_t at = first; at < end && at < c->bytes; at += 2)
        c->insn[at / 2] = core_decode(code_word(code, c->bytes, (uint32_t)at));
}
