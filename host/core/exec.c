/* SPDX-License-Identifier: Apache-2.0 */
/* exec.c - one step of the core: fetch, execute, retire or trap. core_step() is the place to start.
 */
#include "core/core.h"

#include "core/core_internal.h"
#include "core/insn_table.h"

#include <string.h>

void core_reset(struct core *c, uint32_t pc)
{
    memset(c, 0, sizeof *c);
    c->pc = pc;
}

void core_wake(struct core *c)
{
    c->waiting = false;
}

const char *core_cause_text(uint32_t cause)
{
    switch (cause) {
    case CORE_FETCH_MISALIGNED:
        return "misaligned instruction address";
    case CORE_FETCH_FAULT:
        return "instruction fetch outside memory";
    case CORE_ILLEGAL:
        return "illegal instruction";
    case CORE_BREAKPOINT:
        return "breakpoint";
    case CORE_LOAD_MISALIGNED:
        return "misaligned load";
    case CORE_LOAD_FAULT:
        return "load outside memory";
    case CORE_STORE_MISALIGNED:
        return "misaligned store";
    case CORE_STORE_FAULT:
        return "store outside writable memory";
    case CORE_ECALL:
        return "environment call";
    default:
        return cause & CORE_INTERRUPT ? "interrupt" : "unknown trap";
    }
}

/* ---- memory ---- */

/* Whether [addr, addr + bytes) lies in a window; the offset by way of *at. */
static bool in_window(uint32_t base, uint32_t size, uint32_t addr, unsigned bytes, uint32_t *at)
{
    *at = addr - base;
    return size >= bytes && *at <= size - bytes;
}

static uint32_t read_bytes(const uint8_t *p, unsigned bytes)
{
    switch (bytes) {
    case 1:
        return p[0];
    case 2:
        return (uint32_t)p[0] | (uint32_t)p[1] << 8;
    default:
        return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    }
}

static void write_bytes(uint8_t *p, unsigned bytes, uint32_t v)
{
    p[0] = (uint8_t)v;
    if (bytes >= 2)
        p[1] = (uint8_t)(v >> 8);
    if (bytes == 4) {
        p[2] = (uint8_t)(v >> 16);
        p[3] = (uint8_t)(v >> 24);
    }
}

/* What the bus answered: a device's price, or an exception. */
static void note_bus_result(struct core_effect *e, int result, unsigned device_cost, uint32_t addr)
{
    if (result == CORE_BUS_DEVICE) {
        e->cost = device_cost;
    } else if (result != CORE_BUS_OK) {
        e->cause = result;
        e->tval = addr;
    }
}

/* Load `bytes` bytes, zero-extended. On an exception e->cause is set and the value means nothing.
 */
static inline uint32_t load(const struct core *c, const struct core_bus *bus, uint32_t addr,
                            unsigned bytes, struct core_effect *e)
{
    uint32_t at, value = 0;
    if (addr & (bytes - 1))
        e->cost += CORE_COST_MISALIGNED;
    if (in_window(c->ram.base, c->ram.bytes, addr, bytes, &at))
        return read_bytes(c->ram.host + at, bytes);
    if (in_window(c->rom.base, c->rom.bytes, addr, bytes, &at))
        return read_bytes(c->rom.host + at, bytes);
    note_bus_result(e, bus->load(bus->self, addr, bytes, &value), CORE_COST_DEVICE_LOAD, addr);
    return value;
}

static inline void store(struct core *c, const struct core_bus *bus, uint32_t addr, unsigned bytes,
                         uint32_t value, struct core_effect *e)
{
    uint32_t at, mask = bytes == 4 ? UINT32_MAX : (1u << 8 * bytes) - 1;
    if (addr & (bytes - 1))
        e->cost += CORE_COST_MISALIGNED;
    if (in_window(c->ram.base, c->ram.bytes - c->ram_guarded, addr, bytes, &at))
        write_bytes(c->ram.host + at, bytes, value);
    else if (in_window(c->rom.base, c->rom.bytes, addr, bytes, &at))
        note_bus_result(e, CORE_STORE_FAULT, 0, addr);
    else
        note_bus_result(e, bus->store(bus->self, addr, bytes, value & mask), CORE_COST_DEVICE_STORE,
                        addr);
}

/* ---- traps ---- */

static void enter_handler(struct core *c, uint32_t cause, uint32_t tval)
{
    bool vectored = c->mtvec & 1 && cause & CORE_INTERRUPT;
    bool enabled = c->mstatus & CORE_MSTATUS_MIE;
    c->mepc = c->pc;
    c->mcause = cause;
    c->mtval = tval;
    c->mstatus &= ~(CORE_MSTATUS_MIE | CORE_MSTATUS_MPIE);
    c->mstatus |= enabled ? CORE_MSTATUS_MPIE : 0;
    if (!c->halted)
        c->pc = (c->mtvec & ~3u) + (vectored ? 4 * (cause & ~CORE_INTERRUPT) : 0);
}

static unsigned take_exception(struct core *c, uint32_t cause, uint32_t tval)
{
    c->trap.count++;
    c->trap.pc = c->pc;
    c->trap.cause = cause;
    c->trap.tval = tval;
    c->trap.cycle = c->cycle;
    c->halted = c->trap_stops;
    enter_handler(c, cause, tval);
    return CORE_COST_TRAP;
}

/* External first, then software, then timer: the order of the privileged architecture. */
static unsigned take_interrupt(struct core *c, uint32_t pending)
{
    uint32_t number = pending & CORE_MEIP ? 11 : pending & CORE_MSIP ? 3 : 7;
    enter_handler(c, CORE_INTERRUPT | number, 0);
    return CORE_COST_TRAP;
}

static void return_from_trap(struct core *c, struct core_effect *e)
{
    bool enable = c->mstatus & CORE_MSTATUS_MPIE;
    c->mstatus &= ~CORE_MSTATUS_MIE;
    c->mstatus |= CORE_MSTATUS_MPIE | (enable ? CORE_MSTATUS_MIE : 0);
    e->next_pc = c->mepc;
}

/* ---- instructions ---- */

static int32_t divide(int32_t a, int32_t b)
{
    if (b == 0)
        return -1;
    return a == INT32_MIN && b == -1 ? INT32_MIN : a / b;
}

static int32_t remainder_of(int32_t a, int32_t b)
{
    if (b == 0)
        return a;
    return a == INT32_MIN && b == -1 ? 0 : a % b;
}

static uint32_t shift_arithmetic(uint32_t a, uint32_t count)
{
    uint32_t sign = a >> 31 ? ~(UINT32_MAX >> count) : 0;
    return a >> count | sign;
}

static void branch(struct core *c, const struct core_insn *i, bool taken, struct core_effect *e)
{
    if (!taken)
        return;
    e->next_pc = c->pc + (uint32_t)i->imm;
    e->cost = CORE_COST_BRANCH_TAKEN;
}

static void load_x(struct core *c, const struct core_insn *i, uint32_t v,
                   const struct core_effect *e)
{
    if (e->cause == CORE_RETIRES)
        c->x[i->rd] = v;
}

static void exec_fload_store(struct core *c, const struct core_bus *bus, const struct core_insn *i,
                             struct core_effect *e)
{
    uint32_t addr = c->x[i->rs1] + (uint32_t)i->imm;
    if (!(c->mstatus & CORE_MSTATUS_FS)) {
        effect_illegal(e, i);
    } else if (i->op == CORE_OP_fsw) {
        store(c, bus, addr, 4, c->f[i->rs2], e);
    } else {
        uint32_t v = load(c, bus, addr, 4, e);
        if (e->cause == CORE_RETIRES) {
            c->f[i->rd] = v;
            c->mstatus |= CORE_MSTATUS_FS; /* Dirty */
        }
    }
}

/* NOLINTNEXTLINE(readability-function-size): one case per instruction */
static void exec(struct core *c, const struct core_bus *bus, const struct core_insn *i,
                 struct core_effect *e)
{
    uint32_t *x = c->x, a = x[i->rs1], b = x[i->rs2], imm = (uint32_t)i->imm, *d = &x[i->rd];
    switch ((enum core_op)i->op) {
    case CORE_OP_lui:
        *d = imm;
        break;
    case CORE_OP_auipc:
        *d = c->pc + imm;
        break;
    case CORE_OP_jal:
        *d = c->pc + i->bytes;
        e->next_pc = c->pc + imm;
        break;
    case CORE_OP_jalr:
        *d = c->pc + i->bytes;
        e->next_pc = (a + imm) & ~1u;
        break;
    case CORE_OP_beq:
        branch(c, i, a == b, e);
        break;
    case CORE_OP_bne:
        branch(c, i, a != b, e);
        break;
    case CORE_OP_blt:
        branch(c, i, (int32_t)a < (int32_t)b, e);
        break;
    case CORE_OP_bge:
        branch(c, i, (int32_t)a >= (int32_t)b, e);
        break;
    case CORE_OP_bltu:
        branch(c, i, a < b, e);
        break;
    case CORE_OP_bgeu:
        branch(c, i, a >= b, e);
        break;
    case CORE_OP_lb:
        load_x(c, i, (uint32_t)(int8_t)load(c, bus, a + imm, 1, e), e);
        break;
    case CORE_OP_lh:
        load_x(c, i, (uint32_t)(int16_t)load(c, bus, a + imm, 2, e), e);
        break;
    case CORE_OP_lw:
        load_x(c, i, load(c, bus, a + imm, 4, e), e);
        break;
    case CORE_OP_lbu:
        load_x(c, i, load(c, bus, a + imm, 1, e), e);
        break;
    case CORE_OP_lhu:
        load_x(c, i, load(c, bus, a + imm, 2, e), e);
        break;
    case CORE_OP_sb:
        store(c, bus, a + imm, 1, b, e);
        break;
    case CORE_OP_sh:
        store(c, bus, a + imm, 2, b, e);
        break;
    case CORE_OP_sw:
        store(c, bus, a + imm, 4, b, e);
        break;
    case CORE_OP_addi:
        *d = a + imm;
        break;
    case CORE_OP_slti:
        *d = (int32_t)a < i->imm;
        break;
    case CORE_OP_sltiu:
        *d = a < imm;
        break;
    case CORE_OP_xori:
        *d = a ^ imm;
        break;
    case CORE_OP_ori:
        *d = a | imm;
        break;
    case CORE_OP_andi:
        *d = a & imm;
        break;
    case CORE_OP_slli:
        *d = a << imm;
        break;
    case CORE_OP_srli:
        *d = a >> imm;
        break;
    case CORE_OP_srai:
        *d = shift_arithmetic(a, imm);
        break;
    case CORE_OP_add:
        *d = a + b;
        break;
    case CORE_OP_sub:
        *d = a - b;
        break;
    case CORE_OP_sll:
        *d = a << (b & 31);
        break;
    case CORE_OP_slt:
        *d = (int32_t)a < (int32_t)b;
        break;
    case CORE_OP_sltu:
        *d = a < b;
        break;
    case CORE_OP_xor:
        *d = a ^ b;
        break;
    case CORE_OP_srl:
        *d = a >> (b & 31);
        break;
    case CORE_OP_sra:
        *d = shift_arithmetic(a, b & 31);
        break;
    case CORE_OP_or:
        *d = a | b;
        break;
    case CORE_OP_and:
        *d = a & b;
        break;
    case CORE_OP_mul:
        *d = a * b;
        break;
    case CORE_OP_mulh:
        *d = (uint32_t)((uint64_t)((int64_t)(int32_t)a * (int32_t)b) >> 32);
        break;
    case CORE_OP_mulhsu:
        *d = (uint32_t)((uint64_t)((int64_t)(int32_t)a * (int64_t)b) >> 32);
        break;
    case CORE_OP_mulhu:
        *d = (uint32_t)((uint64_t)a * b >> 32);
        break;
    case CORE_OP_div:
        *d = (uint32_t)divide((int32_t)a, (int32_t)b);
        break;
    case CORE_OP_divu:
        *d = b ? a / b : UINT32_MAX;
        break;
    case CORE_OP_rem:
        *d = (uint32_t)remainder_of((int32_t)a, (int32_t)b);
        break;
    case CORE_OP_remu:
        *d = b ? a % b : a;
        break;
    case CORE_OP_fence: /* one hart, and memory is in order */
        break;
    case CORE_OP_ecall:
        e->cause = CORE_ECALL;
        break;
    case CORE_OP_ebreak:
        e->cause = CORE_BREAKPOINT;
        break;
    case CORE_OP_mret:
        return_from_trap(c, e);
        break;
    case CORE_OP_wfi:
        c->waiting = !(c->mip & c->mie);
        break;
    case CORE_OP_csrrw:
    case CORE_OP_csrrs:
    case CORE_OP_csrrc:
    case CORE_OP_csrrwi:
    case CORE_OP_csrrsi:
    case CORE_OP_csrrci:
        exec_csr(c, i, e);
        break;
    case CORE_OP_flw:
    case CORE_OP_fsw:
        exec_fload_store(c, bus, i, e);
        break;
    case CORE_OP_fmadd_s:
    case CORE_OP_fmsub_s:
    case CORE_OP_fnmsub_s:
    case CORE_OP_fnmadd_s:
    case CORE_OP_fadd_s:
    case CORE_OP_fsub_s:
    case CORE_OP_fmul_s:
    case CORE_OP_fdiv_s:
    case CORE_OP_fsqrt_s:
    case CORE_OP_fsgnj_s:
    case CORE_OP_fsgnjn_s:
    case CORE_OP_fsgnjx_s:
    case CORE_OP_fmin_s:
    case CORE_OP_fmax_s:
    case CORE_OP_fle_s:
    case CORE_OP_flt_s:
    case CORE_OP_feq_s:
    case CORE_OP_fclass_s:
    case CORE_OP_fmv_x_w:
    case CORE_OP_fmv_w_x:
    case CORE_OP_fcvt_w_s:
    case CORE_OP_fcvt_wu_s:
    case CORE_OP_fcvt_s_w:
    case CORE_OP_fcvt_s_wu:
        exec_fp(c, i, e);
        break;
    case CORE_OP_ILLEGAL:
    case CORE_OPS:
        effect_illegal(e, i);
        break;
    }
}

/* ---- one step ---- */

/* Fetch over the bus, one halfword at a time. Returns a cause, or CORE_BUS_OK. */
static int fetch_slow(const struct core *c, const struct core_bus *bus, struct core_insn *out,
                      uint32_t *tval)
{
    uint32_t low = 0, high = 0;
    *tval = c->pc;
    int result = bus->fetch(bus->self, c->pc, &low);
    if (result == CORE_BUS_OK && (low & 3) == 3) {
        *tval = c->pc + 2;
        result = bus->fetch(bus->self, c->pc + 2, &high);
    }
    if (result == CORE_BUS_OK)
        *out = core_decode((high & 0xffff) << 16 | (low & 0xffff));
    return result;
}

unsigned core_step(struct core *c, const struct core_bus *bus)
{
    uint32_t pending = c->mip & c->mie, at;
    if (c->halted || (c->waiting && !pending))
        return 0;
    c->waiting = false;
    if (pending && c->mstatus & CORE_MSTATUS_MIE)
        return take_interrupt(c, pending);

    struct core_insn fetched;
    const struct core_insn *i = &fetched;
    if (c->code && in_window(c->code->base, c->code->bytes, c->pc, 2, &at) &&
        c->code->insn[at / 2].bytes <= c->code->bytes - at) {
        i = &c->code->insn[at / 2];
    } else {
        uint32_t tval;
        int result = fetch_slow(c, bus, &fetched, &tval);
        if (result != CORE_BUS_OK)
            return take_exception(c, (uint32_t)result, tval);
    }

    struct core_effect e = {c->pc + i->bytes, i->cost, CORE_RETIRES, 0};
    exec(c, bus, i, &e);
    c->x[0] = 0;
    if (e.cause != CORE_RETIRES)
        return take_exception(c, (uint32_t)e.cause, e.tval);
    c->pc = e.next_pc;
    c->minstret++;
    return e.cost;
}

uint64_t core_run(struct core *c, const struct core_bus *bus, uint64_t until)
{
    uint64_t steps = 0;
    while (c->cycle < until) {
        unsigned cost = core_step(c, bus);
        if (!cost)
            break;
        c->cycle += cost;
        steps++;
    }
    return steps;
}
