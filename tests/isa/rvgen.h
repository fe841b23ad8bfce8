/* SPDX-License-Identifier: Apache-2.0 */
/* rvgen.h - the body of a random program: gen_program() fills a struct gen with instructions.
 *
 * A program may use everything that has one right result: all registers but tp, every instruction
 * and rounding mode, every control register with care, loads and stores (misaligned too) in a
 * sandbox, and whatever traps. What runs it must put a trap handler in place that returns behind
 * the instruction, or to ra if the fetch failed (rvgen_runtime.S). All functions are used by
 * gen_program only. */
#ifndef TESSERA_TESTS_RVGEN_H
#define TESSERA_TESTS_RVGEN_H

#include "core/code.h"
#include "rvasm.h"
#include "rvgen_values.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SANDBOX 0x80800000u
enum { SANDBOX_BYTES = 8192, POINTER_MARGIN = 2048 };
enum { CODE_MAX = 8192, INSNS_MAX = CODE_MAX / 2, SAVE_REGISTER = 4, RA = 1 };

struct gen {
    struct rng rng;
    uint8_t code[CODE_MAX];
    uint32_t bytes;
    uint32_t start[INSNS_MAX]; /* offset of each instruction */
    unsigned insns;
    uint32_t reserved; /* x registers that must keep their value, as bits */
    uint32_t pointers; /* x registers that point into the sandbox */
    bool enables_mie;  /* this program writes mie, and therefore never mstatus.MIE */
};

static uint32_t below(struct gen *g, uint32_t n)
{
    return rng_below(&g->rng, n);
}

static bool chance(struct gen *g, unsigned percent)
{
    return below(g, 100) < percent;
}

/* ---- emitting ---- */

static void emit(struct gen *g, uint32_t w, unsigned bytes)
{
    if (g->bytes + bytes > CODE_MAX || g->insns == INSNS_MAX)
        abort(); /* program_write() keeps programs short */
    g->start[g->insns++] = g->bytes;
    for (unsigned k = 0; k < bytes; k++)
        g->code[g->bytes++] = (uint8_t)(w >> 8 * k);
}

static void emit32(struct gen *g, uint32_t w)
{
    emit(g, w, 4);
}

static void emit16(struct gen *g, uint32_t h)
{
    emit(g, h, 2);
}

static void patch(struct gen *g, uint32_t at, uint32_t w, unsigned bytes)
{
    for (unsigned k = 0; k < bytes; k++)
        g->code[at + k] = (uint8_t)(w >> 8 * k);
}

/* A register a program may write; x0 is one. */
static uint8_t target(struct gen *g)
{
    uint32_t r;
    do
        r = below(g, 32);
    while (g->reserved >> r & 1);
    return (uint8_t)r;
}

static uint8_t target_not_zero(struct gen *g)
{
    uint8_t r;
    do
        r = target(g);
    while (r == 0);
    return r;
}

static uint8_t any(struct gen *g)
{
    return (uint8_t)below(g, 32);
}

static void emit_li(struct gen *g, uint8_t rd, uint32_t v)
{
    uint32_t low = ((v & 0xfff) ^ 0x800) - 0x800;
    emit32(g, rvasm(lui, .rd = rd, .imm = (int32_t)(v - low)));
    emit32(g, rvasm(addi, .rd = rd, .rs1 = rd, .imm = (int32_t)low));
}

/* ---- one item each ---- */

static bool is_plain(const struct core_insn *i)
{
    return i->op == CORE_OP_lui || i->op == CORE_OP_auipc ||
           (i->op >= CORE_OP_addi && i->op <= CORE_OP_remu);
}

static bool is_x_memory(const struct core_insn *i)
{
    return i->op >= CORE_OP_lb && i->op <= CORE_OP_sw;
}

static bool is_memory(const struct core_insn *i)
{
    return is_x_memory(i) || i->op == CORE_OP_flw || i->op == CORE_OP_fsw;
}

/* Whether the instruction leaves the reserved x registers alone. */
static bool keeps_reserved(const struct gen *g, const struct core_insn *i)
{
    bool writes_x = strchr(core_insn_rows[i->op].operands, 'd') != NULL;
    return !writes_x || !(g->reserved >> i->rd & 1);
}

static void item_integer(struct gen *g)
{
    struct core_insn i = {.rs1 = any(g), .rs2 = any(g), .imm = (int32_t)value_random(&g->rng)};
    do
        i.op = (uint8_t)below(g, CORE_OPS);
    while (!is_plain(&i));
    i.rd = target(g);
    emit32(g, rvasm_encode(i));
}

static void item_compressed(struct gen *g)
{
    for (;;) {
        uint32_t h = value_random(&g->rng) & 0xffff;
        if ((h & 3) == 3)
            continue;
        struct core_insn i = core_decode(h);
        bool memory = is_memory(&i) && g->pointers >> i.rs1 & 1;
        bool trap = (i.op == CORE_OP_ILLEGAL || i.op == CORE_OP_ebreak) && chance(g, 3);
        if (!(is_plain(&i) || memory || trap) || !keeps_reserved(g, &i))
            continue;
        emit16(g, h);
        return;
    }
}

static void item_memory(struct gen *g)
{
    struct core_insn i = {.rd = target(g), .rs1 = any(g), .rs2 = any(g)};
    if (!g->pointers)
        return;
    while (!(g->pointers >> i.rs1 & 1))
        i.rs1 = any(g);
    do
        i.op = (uint8_t)below(g, CORE_OPS);
    while (!is_memory(&i));
    i.imm = (int32_t)below(g, 2 * POINTER_MARGIN) - POINTER_MARGIN;
    if (chance(g, 60))
        i.imm &= ~3;
    emit32(g, rvasm_encode(i));
}

static uint8_t rounding_mode(struct gen *g)
{
    if (chance(g, 40))
        return 7;
    return (uint8_t)(chance(g, 4) ? 5 + below(g, 2) : below(g, 5));
}

static void item_float(struct gen *g)
{
    struct core_insn i = {.rs1 = any(g), .rs2 = any(g), .rs3 = any(g), .rm = rounding_mode(g)};
    i.op = (uint8_t)(CORE_OP_fmadd_s + below(g, CORE_OPS - CORE_OP_fmadd_s));
    i.rd = target(g); /* an f register as well, but then every one may be written */
    if (!strchr(core_insn_rows[i.op].operands, 'd'))
        i.rd = any(g);
    emit32(g, rvasm_encode(i));
}

static void item_float_value(struct gen *g)
{
    uint8_t r = target_not_zero(g);
    emit_li(g, r, value_float(&g->rng));
    emit32(g, rvasm(fmv_w_x, .rd = any(g), .rs1 = r));
}

/* One floating-point instruction on three operands chosen for each other. */
static void item_float_case(struct gen *g)
{
    uint32_t v[3];
    value_float_triple(&g->rng, v);
    uint8_t r = target_not_zero(g), first = any(g);
    for (unsigned k = 0; k < 3; k++) {
        emit_li(g, r, v[k]);
        emit32(g, rvasm(fmv_w_x, .rd = (first + k) & 31, .rs1 = r));
    }
    struct core_insn i = {.rd = target(g), .rs1 = first, .rm = rounding_mode(g)};
    i.rs2 = (first + 1) & 31;
    i.rs3 = (first + 2) & 31;
    i.op = (uint8_t)(CORE_OP_fmadd_s + below(g, CORE_OP_fclass_s - CORE_OP_fmadd_s));
    emit32(g, rvasm(csrrwi, .rd = 0, .rs1 = 0, .imm = 1)); /* flags of this one only */
    emit32(g, rvasm_encode(i));
    emit32(g, rvasm(csrrs, .rd = target(g), .rs1 = 0, .imm = 1));
}

static void item_integer_value(struct gen *g)
{
    emit_li(g, target(g), value_integer(&g->rng));
}

/* Any of the six CSR instructions with any operand. */
static void emit_csr(struct gen *g, uint32_t number, uint8_t rd, uint8_t rs1)
{
    uint8_t op = (uint8_t)(CORE_OP_csrrw + below(g, 6));
    struct core_insn i = {.op = op, .rd = rd, .rs1 = rs1, .imm = (int32_t)number};
    emit32(g, rvasm_encode(i));
}

/* The same, but only with a register that holds `v`. */
static void emit_csr_value(struct gen *g, uint32_t number, uint8_t rd, uint32_t v)
{
    uint8_t r = target_not_zero(g), op = (uint8_t)(CORE_OP_csrrw + below(g, 3));
    emit_li(g, r, v);
    struct core_insn i = {.op = op, .rd = rd, .rs1 = r, .imm = (int32_t)number};
    emit32(g, rvasm_encode(i));
}

/* QEMU 7.2 lets csrrs write a read-only register if the value is 0, against the manual: not used.
 */
static void emit_read_or_swap(struct gen *g, uint32_t number, uint8_t rd)
{
    struct core_insn i = {.op = CORE_OP_csrrs, .rd = rd, .imm = (int32_t)number};
    if (chance(g, 20)) {
        i.op = CORE_OP_csrrw;
        i.rs1 = any(g);
    }
    emit32(g, rvasm_encode(i));
}

static void item_fcsr(struct gen *g)
{
    emit_csr(g, 1 + below(g, 3), target(g), any(g));
    if (chance(g, 60)) /* five modes of eight exist: mostly go back to one of them */
        emit32(g, rvasm(csrrwi, .rd = 0, .rs1 = (uint8_t)below(g, 5), .imm = 2));
}

/* mstatus: only bits that mean the same on both machines, and reads show FS and SD only. */
static void item_mstatus(struct gen *g)
{
    uint8_t rd = target(g);
    uint32_t mie = g->enables_mie ? 0 : value_random(&g->rng) & 8;
    uint8_t r = target_not_zero(g);
    emit_li(g, r, 0x7800 | mie | (value_random(&g->rng) & 0x80));
    emit32(g, rvasm(csrrw, .rd = 0, .rs1 = r, .imm = 0x300));
    emit32(g, rvasm(csrrs, .rd = rd, .rs1 = 0, .imm = 0x300));
    emit32(g, rvasm(srli, .rd = rd, .rs1 = rd, .imm = 13));
}

static void item_csr(struct gen *g)
{
    static const uint16_t anything[] = {0x340, 0x342, 0x343}; /* mscratch mcause mtval */
    static const uint16_t constant[] = {0x301, 0xf11, 0xf14, 0xf15};
    static const uint16_t counters[] = {0xb00, 0xb02, 0xb80, 0xb82, 0x344};
    static const uint16_t copies[] = {0xc00, 0xc01, 0xc02, 0xc80, 0xc81, 0xc82};
    static const uint16_t missing[] = {0x000, 0x004, 0x015, 0x100, 0x105, 0x141, 0x180, 0x1ff,
                                       0x200, 0x280, 0x306, 0x30a, 0x31a, 0x3a0, 0x3b0, 0x5a8,
                                       0x600, 0x747, 0x7a0, 0x7b0, 0x7c0, 0xb01, 0xb03, 0xbff,
                                       0xc03, 0xc83, 0xd00, 0xe00, 0xe12, 0xf10, 0xf16, 0xfff};
    uint8_t r = target_not_zero(g);
    switch (below(g, 8)) {
    case 0:
    case 1:
        emit_csr(g, anything[below(g, 3)], target(g), any(g));
        break;
    case 2: /* mepc: bit 0 of what is written differs */
        emit_csr_value(g, 0x341, target(g), value_random(&g->rng) & ~1u);
        break;
    case 3:
        if (g->enables_mie)
            emit_csr_value(g, 0x304, target(g), value_random(&g->rng) & 0x888);
        else
            emit32(g, rvasm(csrrs, .rd = target(g), .rs1 = 0, .imm = 0x304));
        break;
    case 4:
        item_mstatus(g);
        break;
    case 5: /* mtvec ignores a write of a reserved mode; the others do not change, or trap */
        emit_li(g, r, value_random(&g->rng) | 2);
        emit32(g, rvasm(csrrw, .rd = target(g), .rs1 = r, .imm = 0x305));
        emit_read_or_swap(g, constant[below(g, 4)], target(g));
        break;
    case 6: /* counters: any write, but the values read are not comparable */
        emit_csr(g, counters[below(g, 5)], 0, any(g));
        emit_read_or_swap(g, copies[below(g, 6)], 0);
        break;
    default:
        emit_csr(g, missing[below(g, sizeof missing / sizeof *missing)], target(g), any(g));
        break;
    }
}

static void items(struct gen *g, unsigned count, unsigned depth);

/* With FS off, floating point traps. */
static void item_fs_off(struct gen *g)
{
    uint8_t r = target_not_zero(g);
    emit_li(g, r, 0x6000);
    emit32(g, rvasm(csrrc, .rd = 0, .rs1 = r, .imm = 0x300));
    item_float(g);
    item_fcsr(g);
    item_memory(g);
    emit_li(g, r, 0x6000);
    emit32(g, rvasm(csrrs, .rd = 0, .rs1 = r, .imm = 0x300));
}

/* The virt board takes sfence.vma and the like without having a supervisor mode. */
static bool is_system_function(uint32_t w)
{
    return (w & 0x707f) == 0x73;
}

static void item_illegal(struct gen *g)
{
    static const uint32_t known[] = {0x10200073, 0x00200073, 0x7b200073, 0x0000100f, 0xffffffff,
                                     0x0000707f, 0x1005252f, 0x02b50553, 0x00053507, 0x0000001f};
    if (chance(g, 20)) {
        emit32(g, known[below(g, sizeof known / sizeof *known)]);
        return;
    }
    for (;;) {
        /* one bit away from an instruction, or anything */
        const struct core_insn_row *row = &core_insn_rows[1 + below(g, CORE_OPS - 1)];
        uint32_t near = (row->match ^ 1u << below(g, 32)) | (value_random(&g->rng) & ~row->mask);
        uint32_t w = (chance(g, 70) ? near : value_random(&g->rng)) | 3;
        if (core_decode(w).op != CORE_OP_ILLEGAL || is_system_function(w))
            continue;
        emit32(g, w);
        return;
    }
}

static void item_trap(struct gen *g)
{
    static const uint32_t calls[] = {0x00000073, 0x00100073}; /* ecall ebreak */
    if (chance(g, 40))
        emit32(g, calls[below(g, 2)]);
    else
        item_illegal(g);
}

/* An aligned access, or a jump, to where neither machine has anything. */
static void item_bad_address(struct gen *g)
{
    uint32_t addr = (chance(g, 50) ? 0 : 0xa0000000) + (below(g, 64) << 2);
    struct core_insn i = {.rd = target(g), .rs1 = target_not_zero(g), .rs2 = any(g)};
    emit_li(g, i.rs1, addr);
    if (chance(g, 30) && !(g->reserved >> RA & 1)) {
        emit32(g, rvasm(jalr, .rd = RA, .rs1 = i.rs1, .imm = (int32_t)below(g, 4)));
        return;
    }
    do
        i.op = (uint8_t)below(g, CORE_OPS);
    while (!is_memory(&i));
    emit32(g, rvasm_encode(i));
}

/* c.beqz and c.bnez, or c.j and c.jal, over `distance` bytes forward. */
static uint32_t compressed_branch(uint32_t base, uint32_t distance)
{
    return base | rvasm_bits(distance, 8, 1, 12) | rvasm_bits(distance, 3, 2, 10) |
           rvasm_bits(distance, 6, 2, 5) | rvasm_bits(distance, 1, 2, 3) |
           rvasm_bits(distance, 5, 1, 2);
}

static uint32_t compressed_jump(uint32_t base, uint32_t distance)
{
    return base | rvasm_bits(distance, 11, 1, 12) | rvasm_bits(distance, 4, 1, 11) |
           rvasm_bits(distance, 8, 2, 9) | rvasm_bits(distance, 10, 1, 8) |
           rvasm_bits(distance, 6, 1, 7) | rvasm_bits(distance, 7, 1, 6) |
           rvasm_bits(distance, 1, 3, 3) | rvasm_bits(distance, 5, 1, 2);
}

/* A branch or jump over a few items. Distances stay below 256, so that every form reaches. */
static void item_skip(struct gen *g, unsigned depth)
{
    uint32_t form = below(g, 6), at, base;
    struct core_insn i = {.rs1 = any(g), .rs2 = any(g)};
    if (form == 5) { /* jalr, with an odd sum now and then */
        uint32_t from = g->bytes;
        i = (struct core_insn){.op = CORE_OP_jalr, .rd = target(g), .rs1 = target_not_zero(g)};
        emit32(g, rvasm(auipc, .rd = i.rs1, .imm = 0));
        at = g->bytes;
        emit32(g, 0x13);
        items(g, below(g, 3), depth + 1);
        i.imm = (int32_t)(g->bytes - from) + (int32_t)below(g, 2);
        patch(g, at, rvasm_encode(i), 4);
        return;
    }
    at = g->bytes;
    if (form < 2) { /* c.beqz c.bnez; c.jal writes ra */
        base = 0xc001 | below(g, 2) << 13 | below(g, 8) << 7;
    } else {
        base = g->reserved >> RA & 1 || chance(g, 50) ? 0xa001 : 0x2001;
    }
    emit(g, form < 3 ? 1 : 0x13, form < 3 ? 2 : 4);
    i.op = (uint8_t)(form == 3 ? CORE_OP_jal : CORE_OP_beq + below(g, 6));
    i.rd = target(g);
    items(g, below(g, 3), depth + 1);
    i.imm = (int32_t)(g->bytes - at);
    if (form < 3 && i.imm < 256)
        patch(g, at,
              form < 2 ? compressed_branch(base, (uint32_t)i.imm)
                       : compressed_jump(base, (uint32_t)i.imm),
              2);
    else if (form >= 3)
        patch(g, at, rvasm_encode(i), 4);
}

static void item_loop(struct gen *g, unsigned depth)
{
    uint8_t counter = target_not_zero(g);
    if (g->pointers >> counter & 1)
        return;
    emit32(g, rvasm(addi, .rd = counter, .rs1 = 0, .imm = 1 + (int32_t)below(g, 4)));
    uint32_t top = g->bytes, reserved = g->reserved;
    g->reserved |= 1u << counter;
    items(g, 1 + below(g, 5), depth + 1);
    g->reserved = reserved;
    emit32(g, rvasm(addi, .rd = counter, .rs1 = counter, .imm = -1));
    emit32(g, rvasm(bne, .rs1 = counter, .rs2 = 0, .imm = (int32_t)(top - g->bytes)));
}

static void item(struct gen *g, unsigned depth)
{
    uint32_t dice = below(g, 100);
    if (dice < 22)
        item_integer(g);
    else if (dice < 40)
        item_compressed(g);
    else if (dice < 52)
        item_memory(g);
    else if (dice < 68)
        item_float(g);
    else if (dice < 76)
        item_float_case(g);
    else if (dice < 80)
        item_float_value(g);
    else if (dice < 82)
        item_integer_value(g);
    else if (dice < 85)
        item_fcsr(g);
    else if (dice < 88)
        item_csr(g);
    else if (dice < 89)
        item_trap(g);
    else if (dice < 90)
        item_bad_address(g);
    else if (dice < 91)
        item_fs_off(g);
    else if (dice < 97 && depth < 3)
        item_skip(g, depth);
    else if (depth < 2)
        item_loop(g, depth);
    else
        emit32(g, rvasm(fence, ) | (value_random(&g->rng) & 0xfff00000u));
}

static void items(struct gen *g, unsigned count, unsigned depth)
{
    while (count--)
        item(g, depth);
}

/* Some new pointers into the sandbox, then items that use and keep them. */
static void segment(struct gen *g)
{
    g->reserved = 1u << SAVE_REGISTER;
    g->pointers = 0;
    for (unsigned n = 1 + below(g, 3); n; n--) {
        static const uint8_t compressible[] = {2, 8, 9, 10, 11, 12, 13, 14, 15};
        uint8_t r = chance(g, 70) ? compressible[below(g, 9)] : target_not_zero(g);
        uint32_t at = POINTER_MARGIN + below(g, SANDBOX_BYTES - 2 * POINTER_MARGIN - 4);
        emit_li(g, r, SANDBOX + (chance(g, 80) ? at & ~3u : at));
        g->pointers |= 1u << r;
    }
    g->reserved |= g->pointers;
    items(g, 10 + below(g, 25), 0);
}

/* Two to four segments. g is zero but for the seed in g->rng. */
static void gen_program(struct gen *g)
{
    g->enables_mie = chance(g, 50);
    for (unsigned n = 2 + below(g, 3); n; n--)
        segment(g);
    g->start[g->insns] = g->bytes; /* where the last trap goes */
}

#endif
