/* SPDX-License-Identifier: Apache-2.0 */
/* exec_fp.c - the F extension's arithmetic on the core's registers; the arithmetic itself is
 * softfp.c. */
#include "core/core_internal.h"

#include "core/softfp.h"

enum { RM_DYNAMIC = 7 };

/* Results in x registers: compares, moves and conversions out of the f registers. */
static bool exec_to_x(struct core *c, const struct core_insn *i, unsigned rm, uint32_t *flags)
{
    uint32_t a = c->f[i->rs1], b = c->f[i->rs2], *out = &c->x[i->rd];
    switch (i->op) {
    case CORE_OP_fle_s:
        *out = softfp_le(a, b, flags);
        return true;
    case CORE_OP_flt_s:
        *out = softfp_lt(a, b, flags);
        return true;
    case CORE_OP_feq_s:
        *out = softfp_eq(a, b, flags);
        return true;
    case CORE_OP_fclass_s:
        *out = softfp_class(a);
        return true;
    case CORE_OP_fmv_x_w:
        *out = a;
        return true;
    case CORE_OP_fcvt_w_s:
        *out = softfp_to_i32(a, rm, flags);
        return true;
    case CORE_OP_fcvt_wu_s:
        *out = softfp_to_u32(a, rm, flags);
        return true;
    default:
        return false;
    }
}

static uint32_t exec_to_f(struct core *c, const struct core_insn *i, unsigned rm, uint32_t *flags)
{
    uint32_t a = c->f[i->rs1], b = c->f[i->rs2], d = c->f[i->rs3], x = c->x[i->rs1];
    switch (i->op) {
    case CORE_OP_fmadd_s:
        return softfp_fma(a, b, d, rm, flags);
    case CORE_OP_fmsub_s:
        return softfp_fma(a, b, d ^ SOFTFP_SIGN, rm, flags);
    case CORE_OP_fnmsub_s:
        return softfp_fma(a ^ SOFTFP_SIGN, b, d, rm, flags);
    case CORE_OP_fnmadd_s:
        return softfp_fma(a ^ SOFTFP_SIGN, b, d ^ SOFTFP_SIGN, rm, flags);
    case CORE_OP_fadd_s:
        return softfp_add(a, b, rm, flags);
    case CORE_OP_fsub_s:
        return softfp_add(a, b ^ SOFTFP_SIGN, rm, flags);
    case CORE_OP_fmul_s:
        return softfp_mul(a, b, rm, flags);
    case CORE_OP_fdiv_s:
        return softfp_div(a, b, rm, flags);
    case CORE_OP_fsqrt_s:
        return softfp_sqrt(a, rm, flags);
    case CORE_OP_fsgnj_s:
        return (a & ~SOFTFP_SIGN) | (b & SOFTFP_SIGN);
    case CORE_OP_fsgnjn_s:
        return (a & ~SOFTFP_SIGN) | (~b & SOFTFP_SIGN);
    case CORE_OP_fsgnjx_s:
        return a ^ (b & SOFTFP_SIGN);
    case CORE_OP_fmin_s:
        return softfp_min(a, b, flags);
    case CORE_OP_fmax_s:
        return softfp_max(a, b, flags);
    case CORE_OP_fcvt_s_w:
        return softfp_from_i32(x, rm, flags);
    case CORE_OP_fcvt_s_wu:
        return softfp_from_u32(x, rm, flags);
    default: /* CORE_OP_fmv_w_x */
        return x;
    }
}

void exec_fp(struct core *c, const struct core_insn *i, struct core_effect *e)
{
    unsigned rm = i->rm == RM_DYNAMIC ? c->fcsr >> 5 & 7 : i->rm;
    if (!(c->mstatus & CORE_MSTATUS_FS) || rm >= SOFTFP_MODES) {
        effect_illegal(e, i);
        return;
    }
    uint32_t flags = 0;
    bool to_x = exec_to_x(c, i, rm, &flags);
    if (!to_x)
        c->f[i->rd] = exec_to_f(c, i, rm, &flags);
    if (!to_x || flags)
        c->mstatus |= CORE_MSTATUS_FS; /* Dirty */
    c->fcsr |= flags;
}
