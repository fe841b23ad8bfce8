/* SPDX-License-Identifier: Apache-2.0 */
/* fast.c - fast_run(): which engine executes what, and where the plain core has to. */
#include "core/fast_internal.h"

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

static int refuse_load(void *self, uint32_t addr, unsigned bytes, uint32_t *value)
{
    (void)self, (void)addr, (void)bytes, (void)value;
    return CORE_LOAD_FAULT;
}

static int refuse_store(void *self, uint32_t addr, unsigned bytes, uint32_t value)
{
    (void)self, (void)addr, (void)bytes, (void)value;
    return CORE_STORE_FAULT;
}

static int refuse_fetch(void *self, uint32_t addr, uint32_t *halfword)
{
    (void)self, (void)addr, (void)halfword;
    return CORE_FETCH_FAULT;
}

/* Instructions that can neither trap nor ask the bus: the loop has them, and they do not reach
 * memory. The loop's pc may be wrong for this core: an instruction over the end of the image. */
static bool is_harmless(const struct core *c, const struct fast_code *f)
{
    uint32_t at = c->pc - f->base;
    if (at >= f->bytes || at + f->code->insn[at / 2].bytes > f->bytes)
        return false;
    const struct core_insn *i = &f->code->insn[at / 2];
    return i->op <= CORE_OP_bgeu ? i->op != CORE_OP_ILLEGAL
                                 : i->op >= CORE_OP_addi && i->op <= CORE_OP_fence;
}

/* One instruction on the plain core, if it is not the owner's business. A bus that refuses
 * everything turns those that are into traps, which are tried on a copy and leave no trace. */
static bool step_alone(struct core *c, const struct fast_code *f)
{
    static const struct core_bus nobody = {NULL, refuse_load, refuse_store, refuse_fetch};
    const struct core_code *owners = c->code;
    bool harmless = is_harmless(c, f);
    struct core copy, *next = c;
    if (!harmless) {
        copy = *c;
        next = &copy;
    }
    next->code = f->code;
    unsigned cost = core_step(next, &nobody);
    next->code = owners;
    if (!harmless && (next->trap.count != c->trap.count || next->waiting || next->halted))
        return false;
    next->cycle += cost;
    if (!harmless)
        *c = copy;
    return true;
}

/* ---- */

static bool owner_is_wanted(const struct core *c)
{
    return c->halted || c->waiting || (c->mip & c->mie && c->mstatus & CORE_MSTATUS_MIE);
}

/* The engines take apart an offset, not an address, to see whether it is aligned. */
static bool windows_are_aligned(const struct core *c)
{
    return ((c->ram.base | c->rom.base) & 3) == 0;
}

/* Blocks, as many as fit in `cycles`. Adds the instructions done; says whether the next block does
 * not fit. */
static bool run_blocks(struct core *c, const struct fast_code *f, uint64_t cycles, uint64_t *done)
{
    uint64_t budget = cycles << FAST_SHIFT;
    bool fp = fp_is_simple(c);
    if (fp)
        fp_begin();
    struct fast_rest rest = fast_loop(c, f, budget, fp);
    if (fp)
        fp_end(c);
    uint64_t used = budget - rest.budget, insns = used & ((1u << FAST_SHIFT) - 1);
    c->cycle += used >> FAST_SHIFT;
    c->minstret += insns;
    *done += insns;
    return rest.tight;
}

uint64_t fast_run(struct core *c, const struct fast_code *f, uint64_t horizon, enum fast_exit *why)
{
    uint64_t done = 0;
    bool mine = true, tight = false;
    while (mine && c->cycle < horizon && !owner_is_wanted(c)) {
        if (!tight && c->pc - f->base < f->bytes && windows_are_aligned(c)) {
            uint64_t left = horizon - c->cycle;
            bool last = left <= FAST_CYCLES_MAX;
            tight = run_blocks(c, f, last ? left : FAST_CYCLES_MAX, &done) && last;
        }
        /* what is next is unusual; or it is a block with the horizon in it, one by one then */
        if (c->cycle < horizon) {
            mine = step_alone(c, f);
            done += mine;
        }
    }
    *why = c->cycle >= horizon ? FAST_HORIZON : FAST_STEP;
    return done;
}
