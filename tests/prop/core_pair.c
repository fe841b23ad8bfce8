/* SPDX-License-Identifier: Apache-2.0 */
/* core_pair.c - makes random images and drives the two cores of core_pair.h. */
#include "core_pair.h"

#include "../isa/rvasm.h"
#include "../isa/rvgen_values.h"

#include <stdlib.h>
#include <string.h>

/* Registers no instruction writes: they point to the edges and the middle of what there is. Their
 * use as bases makes most accesses hit, and the rest come close. */
enum { BASE_FIRST = 5, BASES = 8 };
static const uint32_t base_value[BASES] = {
    PAIR_RAM_BASE,
    PAIR_RAM_BASE + 1,
    PAIR_RAM_BASE + PAIR_RAM / 2,
    PAIR_RAM_BASE + PAIR_RAM / 2 + 512,
    PAIR_RAM_BASE + PAIR_RAM,
    PAIR_BASE,
    PAIR_BASE + PAIR_CODE / 2,
    PAIR_DEVICE,
};

/* ---- the image ---- */

static uint8_t random_base(struct rng *r)
{
    return (uint8_t)(BASE_FIRST + rng_below(r, BASES));
}

static uint8_t random_target(struct rng *r)
{
    uint8_t x;
    do
        x = (uint8_t)rng_below(r, 32);
    while (x >= BASE_FIRST && x < BASE_FIRST + BASES);
    return x;
}

static bool is_memory(const struct core_insn *i)
{
    return (i->op >= CORE_OP_lb && i->op <= CORE_OP_sw) || i->op == CORE_OP_flw ||
           i->op == CORE_OP_fsw;
}

static bool is_branch(const struct core_insn *i)
{
    return i->op >= CORE_OP_beq && i->op <= CORE_OP_bgeu;
}

static bool is_system(const struct core_insn *i)
{
    return i->op >= CORE_OP_fence && i->op <= CORE_OP_csrrci;
}

/* Control registers that exist and do not lead astray: mtvec stays. */
static int32_t random_csr(struct rng *r)
{
    static const uint16_t number[] = {0x001, 0x002, 0x003, 0x300, 0x304, 0x340, 0x341,
                                      0x342, 0x344, 0xb00, 0xb02, 0xb80, 0xb82, 0xc00,
                                      0xc01, 0xc02, 0xc80, 0xc82, 0xf14, 0x7c0};
    return number[rng_below(r, sizeof number / sizeof *number)];
}

/* Offsets and immediates: often small, so that accesses stay near and branches inside. */
static int32_t random_imm(struct rng *r, const struct core_insn *i)
{
    int32_t v = (int32_t)value_random(r);
    if (is_memory(i))
        return (int32_t)rng_below(r, 4) ? (v % 256) & ~3 : v % 16;
    if (is_branch(i) || i->op == CORE_OP_jal)
        return (v % 64) & ~1;
    return v;
}

static struct core_insn random_insn(struct rng *r)
{
    struct core_insn i = {.rs1 = (uint8_t)rng_below(r, 32), .rs2 = (uint8_t)rng_below(r, 32)};
    do
        i.op = (uint8_t)(1 + rng_below(r, CORE_OPS - 1));
    while (is_system(&i) && rng_below(r, 8));
    i.rd = random_target(r);
    i.rs3 = (uint8_t)rng_below(r, 32);
    i.rm = rng_below(r, 4) ? 7 : (uint8_t)rng_below(r, 8);
    i.imm = random_imm(r, &i);
    if (is_memory(&i) || (i.op == CORE_OP_jalr && rng_below(r, 4)))
        i.rs1 = random_base(r);
    if (strchr(core_insn_rows[i.op].operands, 'D'))
        i.rd = (uint8_t)rng_below(r, 32);
    if (strchr(core_insn_rows[i.op].operands, 'c'))
        i.imm = random_csr(r);
    if (i.op >= CORE_OP_csrrw && i.op <= CORE_OP_csrrc && rng_below(r, 2))
        i.rs1 = 0; /* only read */
    return i;
}

static bool writes_base(const struct core_insn *i)
{
    return strchr(core_insn_rows[i->op].operands, 'd') && i->rd >= BASE_FIRST &&
           i->rd < BASE_FIRST + BASES;
}

static uint32_t random_compressed(struct rng *r)
{
    for (;;) {
        uint32_t h = (uint32_t)rng_next(r) & 0xffff;
        struct core_insn i = core_decode(h);
        if ((h & 3) != 3 && !writes_base(&i) && (i.op != CORE_OP_ILLEGAL || !rng_below(r, 64)))
            return h;
    }
}

void core_pair_fill(uint8_t code[PAIR_CODE], uint64_t seed)
{
    struct rng r = {seed};
    for (unsigned at = 0; at < PAIR_CODE;) {
        bool compressed = rng_below(&r, 3) == 0;
        uint32_t w = compressed ? random_compressed(&r) : rvasm_encode(random_insn(&r));
        for (unsigned k = 0; k < (compressed ? 2 : 4) && at < PAIR_CODE; k++)
            code[at++] = (uint8_t)(w >> 8 * k);
    }
}

/* ---- the bus ---- */

static int bus_load(void *self, uint32_t addr, unsigned bytes, uint32_t *value)
{
    struct core_pair_machine *m = self;
    *value = 0;
    if (addr - PAIR_DEVICE < 64) {
        m->device = rng_mix(m->device ^ addr ^ m->core.cycle << 8);
        *value = (uint32_t)m->device & (uint32_t)((UINT64_C(1) << 8 * bytes) - 1);
        return CORE_BUS_DEVICE;
    }
    for (unsigned k = 0; k < bytes; k++) {
        uint32_t at = addr + k - PAIR_BASE;
        if (at >= PAIR_CODE + PAIR_RAM)
            return CORE_LOAD_FAULT;
        *value |= (uint32_t)(at < PAIR_CODE ? m->code[at] : m->ram[at - PAIR_CODE]) << 8 * k;
    }
    return CORE_BUS_OK;
}

static int bus_store(void *self, uint32_t addr, unsigned bytes, uint32_t value)
{
    struct core_pair_machine *m = self;
    if (addr - PAIR_DEVICE < 64) {
        m->device = rng_mix(m->device ^ addr ^ value ^ bytes ^ m->core.cycle << 8);
        return CORE_BUS_DEVICE;
    }
    if (addr < PAIR_RAM_BASE || addr - PAIR_RAM_BASE > PAIR_RAM - bytes)
        return CORE_STORE_FAULT;
    memcpy(m->ram + (addr - PAIR_RAM_BASE), &value, bytes); /* the guarded end */
    m->device = rng_mix(m->device ^ addr ^ value);
    return CORE_BUS_OK;
}

static int bus_fetch(void *self, uint32_t addr, uint32_t *halfword)
{
    return bus_load(self, addr, 2, halfword) == CORE_BUS_OK && addr - PAIR_DEVICE >= 64
               ? CORE_BUS_OK
               : CORE_FETCH_FAULT;
}

static struct core_bus bus_of(struct core_pair_machine *m)
{
    return (struct core_bus){m, bus_load, bus_store, bus_fetch};
}

/* ---- starting ---- */

static void connect(struct core_pair_machine *m, const struct pair *p)
{
    m->code = p->code;
    uint64_t guard = rng_mix(p->seed);
    m->core.ram = (struct core_window){PAIR_RAM_BASE, PAIR_RAM, m->ram};
    m->core.ram_guarded = guard % 4 ? 0 : guard / 4 % PAIR_RAM;
    m->core.rom = (struct core_rom_window){PAIR_BASE, PAIR_CODE, p->code};
}

static void random_start(struct core_pair_machine *m, struct rng *r)
{
    struct core *c = &m->core;
    core_reset(c, PAIR_BASE + 2 * rng_below(r, PAIR_CODE / 2));
    for (unsigned k = 1; k < 32; k++)
        c->x[k] = value_integer(r);
    for (unsigned k = 0; k < BASES; k++)
        c->x[BASE_FIRST + k] = base_value[k];
    for (unsigned k = 0; k < 32; k++)
        c->f[k] = value_float(r);
    for (unsigned k = 0; k < PAIR_RAM; k += 4) {
        uint32_t w = rng_below(r, 2) ? value_float(r) : value_integer(r);
        memcpy(m->ram + k, &w, sizeof w);
    }
    c->mtvec = PAIR_BASE + 4 * rng_below(r, PAIR_CODE / 8);
    c->mstatus = rng_below(r, 8) ? CORE_MSTATUS_FS : 0;
    c->fcsr = rng_below(r, 8) ? 0 : rng_below(r, 8) << 5;
    c->hartid = 7;
    c->cycle = rng_next(r) >> 20;
}

void core_pair_open(struct pair *p, uint64_t seed, const uint8_t code[PAIR_CODE],
                    struct core_code *decoded)
{
    p->seed = seed;
    p->rng.state = seed;
    p->fast_insns = 0;
    p->decoded = decoded;
    memcpy(p->code, code, PAIR_CODE);
    memset(&p->plain, 0, sizeof p->plain);
    random_start(&p->plain, &p->rng);
    p->fast = p->plain;
    connect(&p->plain, p);
    connect(&p->fast, p);
    p->fast.core.code = decoded;
}

/* ---- comparing ---- */

struct field {
    const char *name;
    size_t at, bytes;
};
#define FIELD(name)                                                                                \
    {                                                                                              \
#name, offsetof(struct core, name), sizeof((struct core *)0)->name                         \
    }
static const struct field fields[] = {
    FIELD(pc),       FIELD(x),           FIELD(f),      FIELD(fcsr),     FIELD(mstatus),
    FIELD(mie),      FIELD(mtvec),       FIELD(mepc),   FIELD(mcause),   FIELD(mtval),
    FIELD(mscratch), FIELD(mcycle_bias), FIELD(cycle),  FIELD(trap),     FIELD(waiting),
    FIELD(halted),   FIELD(mip),         FIELD(hartid), FIELD(minstret),
};

/* The first field of the cores that differs, or NULL. */
static const char *difference(const struct core_pair_machine *a, const struct core_pair_machine *b)
{
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++)
        if (memcmp((const uint8_t *)&a->core + fields[k].at,
                   (const uint8_t *)&b->core + fields[k].at, fields[k].bytes) != 0)
            return fields[k].name;
    if (memcmp(a->ram, b->ram, PAIR_RAM) != 0)
        return "memory";
    return a->device != b->device ? "device" : NULL;
}

static void plain_until(struct core_pair_machine *m, uint64_t horizon)
{
    struct core_bus bus = bus_of(m);
    (void)core_run(&m->core, &bus, horizon);
    if (m->core.waiting && m->core.cycle < horizon)
        m->core.cycle = horizon; /* asleep */
}

static void fast_until(struct pair *p, struct core_pair_machine *m, const struct fast_code *f,
                       uint64_t horizon)
{
    struct core_bus bus = bus_of(m);
    enum fast_exit why = FAST_STEP;
    while (m->core.cycle < horizon && !m->core.waiting) {
        uint64_t cycle = m->core.cycle;
        uint64_t done = fast_run(&m->core, f, horizon, &why);
        p->fast_insns += done;
        CHECK(done || why == FAST_STEP || cycle >= horizon);
        CHECK(why == FAST_STEP || m->core.cycle >= horizon);
        if (why == FAST_STEP)
            m->core.cycle += core_step(&m->core, &bus);
    }
    if (m->core.waiting && m->core.cycle < horizon)
        m->core.cycle = horizon;
}

/* Both from where the stretch began, an instruction at a time, to see which one it was. */
static void explain(struct pair *p, const struct fast_code *f, uint64_t horizon, const char *what)
{
    struct core_pair_machine plain = p->before, fast;
    connect(&plain, p);
    while (plain.core.cycle < horizon) {
        uint32_t pc = plain.core.pc, raw = 0, high = 0;
        char text[64];
        plain_until(&plain, plain.core.cycle + 1);
        fast = p->before;
        connect(&fast, p);
        fast_until(p, &fast, f, plain.core.cycle);
        const char *name = difference(&plain, &fast);
        if (!name)
            continue;
        (void)bus_fetch(&plain, pc, &raw);
        (void)bus_fetch(&plain, pc + 2, &high);
        struct core_insn i = core_decode(high << 16 | raw);
        core_disasm(text, sizeof text, &i, pc);
        test_fail(__FILE__, __LINE__,
                  "seed %llu: %s differs first behind 0x%x: %s (or in its block)",
                  (unsigned long long)p->seed, name, pc, text);
    }
    test_fail(__FILE__, __LINE__, "seed %llu: %s differs, but only over the whole stretch",
              (unsigned long long)p->seed, what);
}

/* ---- running ---- */

static uint64_t random_stretch(struct rng *r)
{
    switch (rng_below(r, 4)) {
    case 0:
        return rng_below(r, 4);
    case 1:
        return rng_below(r, 40);
    case 2:
        return rng_below(r, 400);
    default:
        return rng_below(r, 3000);
    }
}

/* What an owner does between two stretches. */
static void disturb(struct core_pair_machine *m, struct rng r)
{
    struct core *c = &m->core;
    uint32_t what = rng_below(&r, 8), value = value_integer(&r);
    core_wake(c);
    for (unsigned k = 0; k < 4; k++) /* or all floats become NaNs */
        c->f[rng_below(&r, 32)] = value_float(&r);
    if (what == 0)
        c->mip = value & (CORE_MSIP | CORE_MTIP | CORE_MEIP);
    if (what == 1)
        c->mstatus |= CORE_MSTATUS_FS; /* floating point back on, should the program have lost it */
    if (what <= 2)
        c->fcsr &= 0x1f;
    if (what == 3)
        c->mip = 0;
    if (what == 4) /* somewhere else: the program may be in a small loop */
        c->pc = PAIR_BASE + value % PAIR_CODE / 2 * 2;
}

void core_pair_run(struct pair *p, const struct fast_code *f, uint64_t cycles)
{
    uint64_t end = p->plain.core.cycle + cycles;
    while (p->plain.core.cycle < end) {
        struct rng r = {rng_next(&p->rng)};
        disturb(&p->plain, r);
        disturb(&p->fast, r);
        p->before = p->fast;
        uint64_t horizon = p->plain.core.cycle + random_stretch(&p->rng);
        plain_until(&p->plain, horizon);
        if (rng_below(&p->rng, 8))
            fast_until(p, &p->fast, f, horizon);
        else
            plain_until(&p->fast, horizon);
        const char *what_differs = difference(&p->plain, &p->fast);
        if (what_differs)
            explain(p, f, horizon, what_differs);
    }
}
