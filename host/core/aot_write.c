/* SPDX-License-Identifier: Apache-2.0 */
/* aot_write.c - an image as C. What it is made of is in aot_image.h; what instructions compute is
 * in fast_ops.h; this file only puts one behind the other. */
#include "core/aot_image.h"
#include "core/aot_plan.h"

#include <string.h>

struct writer {
    FILE *out;
    const struct aot_plan *p;
    uint32_t chunk;
    uint32_t x_used, f_used; /* registers of the chunk, as bits */
};

/* One instruction being written, and the charge of its block from it on. */
struct place {
    const struct core_insn *i;
    uint32_t at, pc, charge;
    unsigned label;
};

#define PUT(...) (void)fprintf(w->out, __VA_ARGS__)

/* ---- names ---- */

struct name {
    char text[16];
};

static struct name x_name(unsigned n)
{
    struct name name = {"0u"};
    if (n)
        (void)snprintf(name.text, sizeof name.text, "x%u", n);
    return name;
}
#define X(n) x_name(n).text

static struct name op_name(const struct core_insn *i)
{
    struct name name;
    (void)snprintf(name.text, sizeof name.text, "op_%s", core_insn_rows[i->op].name);
    for (char *dot = name.text; (dot = strchr(dot, '.'));)
        *dot = '_';
    return name;
}

static bool has_operands(const struct core_insn *i, const char *operands)
{
    return strcmp(core_insn_rows[i->op].operands, operands) == 0;
}

/* ---- where to go next ---- */

static bool is_near(const struct writer *w, uint32_t at)
{
    return at < w->p->halves && w->p->mark[at] & AOT_LEADER && w->p->chunk[at] == w->chunk;
}

static void put_goto(const struct writer *w, uint32_t at)
{
    if (is_near(w, at))
        PUT("goto L_%x;\n", 2 * at);
    else
        PUT("{ pc = 0x%xu; goto away; }\n", w->p->cfg->base + 2 * at);
}

static uint32_t charge_of(const struct aot_plan *p, uint32_t at)
{
    unsigned label = aot_label(p, at);
    return label == FAST_SLOW ? 0 : fast_charge(&p->code->insn[at]);
}

/* The instruction behind the one at `at` in its block; [halves] if it is the last one. */
static uint32_t next_in_block(const struct aot_plan *p, uint32_t at)
{
    uint32_t behind = aot_behind(p, at);
    bool last = aot_ends(aot_label(p, at)) || behind >= p->halves || p->mark[behind] & AOT_LEADER;
    return last ? p->halves : behind;
}

/* Of the block that begins at `at`, which is a leader. */
static uint32_t block_charge(const struct aot_plan *p, uint32_t at)
{
    uint32_t sum = 0;
    for (; at < p->halves; at = next_in_block(p, at))
        sum += charge_of(p, at);
    return sum;
}

/* Behind a branch that was not taken but charged as if. */
static void put_fall(const struct writer *w, uint32_t at)
{
    uint32_t charge = is_near(w, at) ? block_charge(w->p, at) : 0;
    if (charge < FAST_TAKEN) {
        PUT("    left += %uu;\n    ", FAST_TAKEN);
        put_goto(w, at);
        return;
    }
    PUT("    AOT_BLOCK(0x%xu, %uu, %uu)\n    goto B_%x;\n", w->p->cfg->base + 2 * at, charge,
        FAST_TAKEN, 2 * at);
}

/* ---- instructions ---- */

static void put_load(const struct writer *w, const struct place *h)
{
    static const struct {
        const char *type, *value;
        unsigned bits;
    } row[] = {
        [CORE_OP_lb] = {"uint8_t", "(uint32_t)(int8_t)v_", 0},
        [CORE_OP_lh] = {"uint16_t", "(uint32_t)(int16_t)v_", 1},
        [CORE_OP_lw] = {"uint32_t", "v_", 2},
        [CORE_OP_lbu] = {"uint8_t", "v_", 0},
        [CORE_OP_lhu] = {"uint16_t", "v_", 1},
        [CORE_OP_flw] = {"float", "v_", 2},
    };
    const struct core_insn *i = h->i;
    PUT("    AOT_LOAD(%s, %u, %s + 0x%xu, 0x%xu, %uu, %c%u = %s)\n", row[i->op].type,
        row[i->op].bits, X(i->rs1), (uint32_t)i->imm, h->pc, h->charge,
        i->op == CORE_OP_flw ? 'f' : 'x', i->rd, row[i->op].value);
}

static void put_store(const struct writer *w, const struct place *h)
{
    const struct core_insn *i = h->i;
    unsigned bits = i->op == CORE_OP_sb ? 0 : i->op == CORE_OP_sh ? 1 : 2;
    PUT("    AOT_STORE(%s, %u, %s + 0x%xu, 0x%xu, %uu, ",
        bits == 0   ? "uint8_t"
        : bits == 1 ? "uint16_t"
                    : "uint32_t",
        bits, X(i->rs1), (uint32_t)i->imm, h->pc, h->charge);
    if (i->op == CORE_OP_fsw)
        PUT("fast_bits(f%u))\n", i->rs2);
    else
        PUT("%s)\n", X(i->rs2));
}

static void put_integer(const struct writer *w, const struct place *h)
{
    const struct core_insn *i = h->i;
    if (has_operands(i, "du"))
        PUT("    x%u = 0x%xu;\n", i->rd, (uint32_t)i->imm + (i->op == CORE_OP_auipc ? h->pc : 0));
    else if (has_operands(i, "dst"))
        PUT("    x%u = %s(%s, %s);\n", i->rd, op_name(i).text, X(i->rs1), X(i->rs2));
    else
        PUT("    x%u = %s(%s, 0x%xu);\n", i->rd, op_name(i).text, X(i->rs1), (uint32_t)i->imm);
}

/* The arguments of a float operation: its registers, and where it says "odd". */
static void put_float_call(const struct writer *w, const struct place *h, bool odd)
{
    const struct core_insn *i = h->i;
    const char *operands = core_insn_rows[i->op].operands;
    bool to_zero = h->label == FAST_CVT_W || h->label == FAST_CVT_WU;
    PUT("%s%s(", op_name(i).text, to_zero ? "_rtz" : "");
    if (strchr(operands, 's'))
        PUT("%s", X(i->rs1));
    else
        PUT("f%u", i->rs1);
    if (strchr(operands, 'T'))
        PUT(", f%u", i->rs2);
    if (strchr(operands, 'R'))
        PUT(", f%u", i->rs3);
    PUT("%s)", odd ? ", &odd" : "");
}

/* Results that the host may not be able to give. */
static bool may_be_odd(const struct core_insn *i)
{
    return (i->op >= CORE_OP_fmadd_s && i->op <= CORE_OP_fsqrt_s) || i->op == CORE_OP_fmin_s ||
           i->op == CORE_OP_fmax_s || i->op == CORE_OP_fcvt_w_s || i->op == CORE_OP_fcvt_wu_s;
}

static void put_float(const struct writer *w, const struct place *h)
{
    const struct core_insn *i = h->i;
    char file = strchr(core_insn_rows[i->op].operands, 'D') ? 'f' : 'x';
    if (i->op == CORE_OP_fmv_x_w) {
        PUT("    x%u = fast_bits(f%u);\n", i->rd, i->rs1);
    } else if (i->op == CORE_OP_fmv_w_x) {
        PUT("    f%u = fast_float(%s);\n", i->rd, X(i->rs1));
    } else if (may_be_odd(i)) {
        PUT("    { bool odd; %s v = ", file == 'f' ? "float" : "uint32_t");
        put_float_call(w, h, true);
        PUT("; if (AOT_UNLIKELY(odd)) AOT_LEAVE(0x%xu, %uu) %c%u = v; }\n", h->pc, h->charge, file,
            i->rd);
    } else {
        PUT("    %c%u = ", file, i->rd);
        put_float_call(w, h, false);
        PUT(";\n");
    }
}

static void put_jump(const struct writer *w, const struct place *h)
{
    const struct core_insn *i = h->i;
    bool direct = i->op == CORE_OP_jal;
    if (!direct)
        PUT("    pc = (%s + 0x%xu) & ~1u;\n", X(i->rs1), (uint32_t)i->imm);
    if (i->rd)
        PUT("    x%u = 0x%xu;\n", i->rd, h->pc + i->bytes);
    PUT("    ");
    if (direct)
        put_goto(w, aot_target(w->p, h->at));
    else
        PUT("goto enter;\n");
}

static bool is_float(const struct core_insn *i)
{
    return i->op >= CORE_OP_flw;
}

static void put_insn(const struct writer *w, const struct place *h)
{
    const struct core_insn *i = h->i;
    if (h->label == FAST_SLOW) {
        PUT("    AOT_LEAVE(0x%xu, 0)\n", h->pc);
    } else if (h->label == FAST_NOP || i->op == CORE_OP_fence) {
        PUT("    ;\n");
    } else if (aot_is_branch(h->label)) {
        PUT("    if (%s(%s, %s)) ", op_name(i).text, X(i->rs1), X(i->rs2));
        put_goto(w, aot_target(w->p, h->at));
        put_fall(w, aot_behind(w->p, h->at));
    } else if (i->op == CORE_OP_jal || i->op == CORE_OP_jalr) {
        put_jump(w, h);
    } else if ((i->op >= CORE_OP_lb && i->op <= CORE_OP_lhu) || i->op == CORE_OP_flw) {
        put_load(w, h);
    } else if (core_op_stores(i->op)) {
        put_store(w, h);
    } else if (is_float(i)) {
        put_float(w, h);
    } else {
        put_integer(w, h);
    }
}

/* ---- blocks ---- */

static void put_block(const struct writer *w, uint32_t at)
{
    const struct aot_plan *p = w->p;
    bool checked = false; /* whether floating point is on */
    uint32_t charge = block_charge(p, at);
    PUT("L_%x:\n", 2 * at);
    if (charge)
        PUT("    AOT_BLOCK(0x%xu, %uu, 0u)\n", p->cfg->base + 2 * at, charge);
    PUT("B_%x:;\n", 2 * at);
    for (;;) {
        struct place h = {&p->code->insn[at], at, p->cfg->base + 2 * at, charge, aot_label(p, at)};
        if (is_float(h.i) && h.label != FAST_SLOW && !checked) {
            PUT("    if (AOT_UNLIKELY(!fp)) AOT_LEAVE(0x%xu, %uu)\n", h.pc, charge);
            checked = true;
        }
        put_insn(w, &h);
        if (aot_ends(h.label))
            return;
        charge -= charge_of(p, at);
        at = aot_behind(p, at);
        if (at < p->halves && !(p->mark[at] & AOT_LEADER))
            continue;
        PUT("    ");
        put_goto(w, at);
        return;
    }
}

/* ---- chunks ---- */

static bool in_chunk(const struct writer *w, uint32_t at, unsigned mark)
{
    return w->p->mark[at] & mark && w->p->chunk[at] == w->chunk;
}

/* Registers an instruction names, all of them: fields it does not have are 0. */
static void note_registers(struct writer *w, const struct core_insn *i)
{
    for (const char *letter = core_insn_rows[i->op].operands; *letter; letter++) {
        w->x_used |= *letter == 'd' ? 1u << i->rd : 0;
        w->x_used |= strchr("soq", *letter) ? 1u << i->rs1 : 0;
        w->x_used |= *letter == 't' ? 1u << i->rs2 : 0;
        w->f_used |= *letter == 'D' ? 1u << i->rd : 0;
        w->f_used |= *letter == 'S' ? 1u << i->rs1 : 0;
        w->f_used |= *letter == 'T' ? 1u << i->rs2 : 0;
        w->f_used |= *letter == 'R' ? 1u << i->rs3 : 0;
    }
}

static void find_block_registers(struct writer *w, uint32_t at)
{
    for (; at < w->p->halves; at = next_in_block(w->p, at))
        if (aot_label(w->p, at) != FAST_SLOW)
            note_registers(w, &w->p->code->insn[at]);
}

/* Block by block: one may reach over the first address of the next chunk, where the same bytes are
 * read in two ways. */
static void find_registers(struct writer *w)
{
    w->x_used = w->f_used = 0;
    for (uint32_t at = 0; at < w->p->halves; at++)
        if (in_chunk(w, at, AOT_LEADER))
            find_block_registers(w, at);
    w->x_used &= ~1u;
}

static void put_loads(const struct writer *w)
{
    for (unsigned n = 0; n < 32; n++)
        if (w->x_used >> n & 1)
            PUT("    uint32_t x%u = c->x[%u];\n", n, n);
    for (unsigned n = 0; n < 32; n++)
        if (w->f_used >> n & 1)
            PUT("    float f%u = fast_float(c->f[%u]);\n", n, n);
}

static void put_stores(const struct writer *w)
{
    for (unsigned n = 0; n < 32; n++)
        if (w->x_used >> n & 1)
            PUT("    c->x[%u] = x%u;\n", n, n);
    for (unsigned n = 0; n < 32; n++)
        if (w->f_used >> n & 1)
            PUT("    c->f[%u] = fast_bits(f%u);\n", n, n);
}

static void put_chunk(struct writer *w)
{
    const struct aot_plan *p = w->p;
    find_registers(w);
    PUT("\nstatic uint64_t chunk_%u(struct aot_frame *r, uint64_t left)\n{\n", w->chunk);
    PUT("    struct core *const c = r->c;\n    uint8_t *const ram = r->ram;\n");
    PUT("    const uint8_t *const rom = r->rom;\n    const bool fp = r->fp;\n");
    PUT("    uint32_t pc = c->pc;\n");
    put_loads(w);
    PUT("enter:\n    switch (pc) {\n");
    for (uint32_t at = 0; at < p->halves; at++)
        if (in_chunk(w, at, AOT_ENTRY))
            PUT("    case 0x%x: goto L_%x;\n", p->cfg->base + 2 * at, 2 * at);
    PUT("    default: goto away;\n    }\n");
    for (uint32_t at = 0; at < p->halves; at++)
        if (in_chunk(w, at, AOT_LEADER))
            put_block(w, at);
    PUT("away:\n    r->stop = FAST_STOP_GO;\n    goto out;\n");
    PUT("slow:\n    r->stop = FAST_STOP_SLOW;\n    goto out;\n");
    PUT("tight:\n    r->stop = FAST_STOP_TIGHT;\nout:\n    c->pc = pc;\n");
    put_stores(w);
    PUT("    return left;\n}\n");
}

static bool uses_fma(const struct aot_plan *p)
{
    for (uint32_t at = 0; at < p->halves; at++)
        if (p->mark[at] & AOT_INSN && p->code->insn[at].op >= CORE_OP_fmadd_s &&
            p->code->insn[at].op <= CORE_OP_fnmadd_s)
            return true;
    return false;
}

static void put_image(const struct writer *w)
{
    const struct aot_plan *p = w->p;
    const struct aot_cfg *cfg = p->cfg;
    PUT("\nstatic aot_chunk *const entry[%u] = {\n", p->halves + 1);
    for (uint32_t at = 0; at < p->halves; at++)
        if (p->mark[at] & AOT_ENTRY)
            PUT("    [%u] = chunk_%u,\n", at, p->chunk[at]);
    PUT("};\n\nconst struct aot_image aot_image = {\n    .version = AOT_VERSION,\n");
    PUT("    .base = 0x%xu, .bytes = %uu, .hash = 0x%llxu,\n", cfg->base, cfg->bytes,
        (unsigned long long)aot_hash(cfg->code, cfg->bytes));
    PUT("    .windows = {AOT_RAM_BASE, AOT_RAM_BYTES, AOT_ROM_BASE, AOT_ROM_BYTES},\n");
    PUT("    .fma = %d, .entry = entry,\n};\n", uses_fma(p));
}

int aot_write(FILE *out, const struct aot_cfg *cfg, struct err *e)
{
    struct aot_plan p;
    aot_plan_open(&p, cfg);
    struct writer writer = {.out = out, .p = &p}, *w = &writer;
    const struct aot_windows *windows = &cfg->windows;
    PUT("/* made by aot_write(); see host/core/aot.h */\n");
    PUT("#define AOT_RAM_BASE 0x%xu\n#define AOT_RAM_BYTES 0x%xu\n", windows->ram_base,
        windows->ram_bytes);
    PUT("#define AOT_ROM_BASE 0x%xu\n#define AOT_ROM_BYTES 0x%xu\n", windows->rom_base,
        windows->rom_bytes);
    PUT("#include \"core/aot_image.h\"\n");
    for (w->chunk = 0; w->chunk < p.chunks; w->chunk++)
        put_chunk(w);
    put_image(w);
    aot_plan_close(&p);
    return ferror(out) ? err_input(e, "translation: write failed") : 0;
}
