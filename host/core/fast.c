/* SPDX-License-Identifier: Apache-2.0 */
/* fast.c - fast_run(): which engine executes what, and where the plain core has to. */
#include "core/fast_internal.h"

#include "core/aot_image.h"
#include "core/fast_ops.h"

#if FAST_FP
#include <xmmintrin.h>
#endif

/* ---- the host's floating point ---- */

enum { FFLAGS = 0x1f, FRM_SHIFT = 5, FRM_MASK = 7 };

/* The host's instructions replace softfp.c: the core rounds to nearest, and no instruction changes
 * mstatus by making the registers dirty. */
static bool fp_is_simple(const struct core *c)
{
    return (c->mstatus & CORE_MSTATUS_FS) == CORE_MSTATUS_FS &&
           (c->fcsr >> FRM_SHIFT & FRM_MASK) == 0;
}

#if FAST_FP
enum { MXCSR_DEFAULT = 0x1f80, MXCSR_FLAGS = 0x3f };

static void fp_begin(void)
{
    if (_mm_getcsr() != MXCSR_DEFAULT)
        _mm_setcsr(MXCSR_DEFAULT);
}

/* MXCSR: invalid, denormal operand, divide by zero, overflow, underflow, precision. */
static void fp_end(struct core *c)
{
    unsigned raised = _mm_getcsr() & MXCSR_FLAGS;
    if (!raised)
        return;
    c->fcsr |= (raised >> 5 & 1) | (raised >> 4 & 1) << 1 | (raised >> 3 & 1) << 2 |
               (raised >> 2 & 1) << 3 | (raised & 1) << 4;
    _mm_setcsr(MXCSR_DEFAULT);
}
#else
static void fp_begin(void)
{
}
static void fp_end(struct core *c)
{
    (void)c;
}
#endif

/* ---- the plain core ---- */

static bool lies_in(uint32_t base, uint32_t size, uint32_t addr, uint32_t bytes)
{
    return size >= bytes && addr - base <= size - bytes;
}

/* Where a load or store goes, by way of *addr and *bytes. */
static bool is_access(const struct core *c, const struct core_insn *i, uint32_t *addr,
                      uint32_t *bytes)
{
    static const uint8_t size[CORE_OPS] = {
        [CORE_OP_lb] = 1, [CORE_OP_lh] = 2, [CORE_OP_lw] = 4, [CORE_OP_lbu] = 1, [CORE_OP_lhu] = 2,
        [CORE_OP_sb] = 1, [CORE_OP_sh] = 2, [CORE_OP_sw] = 4, [CORE_OP_flw] = 4, [CORE_OP_fsw] = 4};
    *addr = c->x[i->rs1] + (uint32_t)i->imm;
    *bytes = size[i->op];
    return *bytes != 0;
}

enum kind {
    HARMLESS, /* neither traps nor asks the bus */
    TO_TRY,   /* may trap */
    OWNERS    /* asks the bus, traps or sleeps */
};

static enum kind kind_of(const struct core *c, const struct fast_code *f)
{
    uint32_t at = c->pc - f->base, addr, bytes;
    if (at >= f->bytes || at + f->code->insn[at / 2].bytes > f->bytes)
        return OWNERS;
    const struct core_insn *i = &f->code->insn[at / 2];
    if (is_access(c, i, &addr, &bytes)) {
        bool store = core_op_stores(i->op);
        uint32_t ram_bytes = c->ram.bytes - (store ? c->ram_guarded : 0);
        if (!lies_in(c->ram.base, ram_bytes, addr, bytes) &&
            (store || !lies_in(c->rom.base, c->rom.bytes, addr, bytes)))
            return OWNERS;
        return i->op <= CORE_OP_sw ? HARMLESS : TO_TRY;
    }
    if (i->op == CORE_OP_ILLEGAL || (i->op >= CORE_OP_ecall && i->op <= CORE_OP_wfi))
        return i->op == CORE_OP_mret ? HARMLESS : OWNERS;
    return i->op < CORE_OP_csrrw ? HARMLESS : TO_TRY;
}

/* One instruction on the plain core, if it is not the owner's business. A bus that refuses
 * everything turns the rest of those that are into traps, which leave no trace on a copy. */
static bool step_alone(struct core *c, const struct fast_code *f)
{
    const struct core_code *owners = c->code;
    enum kind kind = kind_of(c, f);
    struct core copy, *next = c;
    if (kind == OWNERS)
        return false;
    if (kind == TO_TRY) {
        copy = *c;
        next = &copy;
    }
    next->code = f->code;
    unsigned cost = core_step(next, &core_bus_nobody);
    next->code = owners;
    if (next->trap.count != c->trap.count)
        return false;
    next->cycle += cost;
    if (kind == TO_TRY)
        *c = copy;
    return true;
}

static bool owner_is_wanted(const struct core *c)
{
    return c->halted || c->waiting || (c->mip & c->mie && c->mstatus & CORE_MSTATUS_MIE);
}

/* The engines take apart an offset, not an address, to see whether it is aligned. */
static bool windows_are_aligned(const struct core *c)
{
    return ((c->ram.base | c->rom.base) & 3) == 0;
}

/* ---- the engines ---- */

/* The core has the windows the translation was made for. */
static bool aot_fits(const struct core *c, const struct aot_image *image)
{
    const struct aot_windows *w = &image->windows;
    return c->ram.base == w->ram_base && c->ram.bytes == w->ram_bytes && !c->ram_guarded &&
           c->rom.base == w->rom_base && c->rom.bytes == w->rom_bytes;
}

static struct fast_rest aot_run(struct core *c, const struct aot_image *image, uint64_t budget,
                                bool fp)
{
    struct aot_frame frame = {.c = c, .ram = c->ram.host, .rom = c->rom.host, .fp = fp};
    aot_chunk *chunk;
    while (frame.stop == FAST_STOP_GO && (chunk = aot_entry(image, c->pc)))
        budget = chunk(&frame, budget);
    return (struct fast_rest){budget, frame.stop};
}

/* One block: the next may be an entry of the translation. */
static struct fast_rest loop_once(struct core *c, const struct fast_code *f, uint64_t budget,
                                  bool fp)
{
    uint32_t charge = f->op[f->at[(c->pc - f->base) / 2]].charge;
    if (charge > budget)
        return (struct fast_rest){budget, FAST_STOP_TIGHT};
    struct fast_rest rest = fast_loop(c, f, charge, fp);
    rest.budget += budget - charge;
    if (rest.stop == FAST_STOP_TIGHT)
        rest.stop = FAST_STOP_GO;
    return rest;
}

static struct fast_rest run_engine(struct core *c, const struct fast_code *f, uint64_t budget,
                                   bool fp)
{
    const struct aot_image *image = f->translated ? aot_image_of(f->translated) : NULL;
    if (!image || !aot_fits(c, image))
        return fast_loop(c, f, budget, fp);
    return aot_entry(image, c->pc) ? aot_run(c, image, budget, fp) : loop_once(c, f, budget, fp);
}

/* Blocks, as many as fit in `cycles`. Adds the instructions done. */
static enum fast_stop run_blocks(struct core *c, const struct fast_code *f, uint64_t cycles,
                                 uint64_t *done)
{
    uint64_t budget = cycles << FAST_SHIFT;
    bool fp = fp_is_simple(c);
    if (fp)
        fp_begin();
    struct fast_rest rest = run_engine(c, f, budget, fp);
    if (fp)
        fp_end(c);
    uint64_t used = budget - rest.budget, insns = used & ((1u << FAST_SHIFT) - 1);
    c->cycle += used >> FAST_SHIFT;
    c->minstret += insns;
    *done += insns;
    return rest.stop;
}

uint64_t fast_run(struct core *c, const struct fast_code *f, uint64_t horizon, enum fast_exit *why)
{
    uint64_t done = 0;
    bool mine = true, tight = false; /* tight: the horizon is inside of this block */
    while (mine && c->cycle < horizon && !owner_is_wanted(c)) {
        uint64_t left = horizon - c->cycle;
        enum fast_stop stop = FAST_STOP_SLOW;
        if (!tight && c->pc - f->base < f->bytes && windows_are_aligned(c))
            stop = run_blocks(c, f, left < FAST_CYCLES_MAX ? left : FAST_CYCLES_MAX, &done);
        tight |= stop == FAST_STOP_TIGHT && left <= FAST_CYCLES_MAX;
        if (stop != FAST_STOP_GO && c->cycle < horizon) {
            mine = step_alone(c, f);
            done += mine;
        }
    }
    *why = c->cycle >= horizon ? FAST_HORIZON : FAST_STEP;
    return done;
}
