/* SPDX-License-Identifier: Apache-2.0 */
/* disasm.c - one decoded instruction as text, driven by the operand letters of insn.def. */
#include "core/code.h"

#include "core/insn_table.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const x_names[32] = {
    "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
    "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
    "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
};
static const char *const f_names[32] = {
    "ft0", "ft1", "ft2", "ft3", "ft4",  "ft5",  "ft6", "ft7", "fs0",  "fs1",  "fa0",
    "fa1", "fa2", "fa3", "fa4", "fa5",  "fa6",  "fa7", "fs2", "fs3",  "fs4",  "fs5",
    "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
};
static const char *const rm_names[8] = {"rne", "rtz", "rdn", "rup", "rmm", "rm5", "rm6", "dyn"};

struct text {
    char *out;
    size_t size, used;
};

__attribute__((format(printf, 2, 3))) static void text_add(struct text *t, const char *fmt, ...)
{
    if (t->used >= t->size)
        return;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(t->out + t->used, t->size - t->used, fmt, args);
    va_end(args);
    t->used += n > 0 ? (size_t)n : 0;
}

static void add_operand(struct text *t, char letter, const struct core_insn *i, uint32_t pc)
{
    switch (letter) {
    case 'd':
        text_add(t, "%s", x_names[i->rd]);
        break;
    case 's':
        text_add(t, "%s", x_names[i->rs1]);
        break;
    case 't':
        text_add(t, "%s", x_names[i->rs2]);
        break;
    case 'D':
        text_add(t, "%s", f_names[i->rd]);
        break;
    case 'S':
        text_add(t, "%s", f_names[i->rs1]);
        break;
    case 'T':
        text_add(t, "%s", f_names[i->rs2]);
        break;
    case 'R':
        text_add(t, "%s", f_names[i->rs3]);
        break;
    case 'm':
        text_add(t, "%s", rm_names[i->rm & 7]);
        break;
    case 'z':
        text_add(t, "%u", i->rs1);
        break;
    case 'o':
    case 'q':
        text_add(t, "%d(%s)", i->imm, x_names[i->rs1]);
        break;
    case 'b':
    case 'j':
        text_add(t, "0x%x", pc + (uint32_t)i->imm);
        break;
    case 'u':
        text_add(t, "0x%x", (uint32_t)i->imm >> 12);
        break;
    case 'c':
        text_add(t, "0x%03x", (uint32_t)i->imm);
        break;
    case 'h':
        text_add(t, "0x%x", (uint32_t)i->imm);
        break;
    default: /* i */
        text_add(t, "%d", i->imm);
        break;
    }
}

void core_disasm(char *out, size_t size, const struct core_insn *i, uint32_t pc)
{
    struct text t = {out, size, 0};
    const struct core_insn_row *row = &core_insn_rows[i->op < CORE_OPS ? i->op : CORE_OP_ILLEGAL];
    text_add(&t, "%s", row->name);
    if (i->op == CORE_OP_ILLEGAL)
        text_add(&t, " 0x%0*x", 2 * i->bytes, i->raw);
    for (const char *letter = row->operands; *letter; letter++) {
        text_add(&t, letter == row->operands ? " " : ",");
        add_operand(&t, *letter, i, pc);
    }
}
