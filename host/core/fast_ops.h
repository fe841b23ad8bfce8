/* SPDX-License-Identifier: Apache-2.0 */
/* fast_ops.h - what instructions compute, as values in and a value out, for the fast engines: the
 * threaded loop and the translated images. No state and no memory; op_NAME is the row NAME of
 * insn.def.
 *
 * Floating point is the host's own: one SSE or FMA instruction, round to nearest, with the flags
 * collected in MXCSR. Where that might differ from softfp.c (NaNs, conversions near the ends of the
 * range) `*odd` is set, the result means nothing, and the plain core must do the instruction; flags
 * the host has raised by then are ones the plain core raises too. Volatile asm, because neither the
 * number nor the order of these instructions may change: their flags are a result. */
#ifndef TESSERA_CORE_FAST_OPS_H
#define TESSERA_CORE_FAST_OPS_H

#include <stdbool.h>
#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "memory is read as the host reads it");

#if defined(__x86_64__)
#define FAST_FP 1
#else
#define FAST_FP 0 /* all arithmetic is odd */
#endif

/* ---- two registers, or a register and an immediate ---- */

static inline uint32_t op_add(uint32_t a, uint32_t b)
{
    return a + b;
}
static inline uint32_t op_sub(uint32_t a, uint32_t b)
{
    return a - b;
}
static inline uint32_t op_xor(uint32_t a, uint32_t b)
{
    return a ^ b;
}
static inline uint32_t op_or(uint32_t a, uint32_t b)
{
    return a | b;
}
static inline uint32_t op_and(uint32_t a, uint32_t b)
{
    return a & b;
}
static inline uint32_t op_sll(uint32_t a, uint32_t b)
{
    return a << (b & 31);
}
static inline uint32_t op_srl(uint32_t a, uint32_t b)
{
    return a >> (b & 31);
}
static inline uint32_t op_sra(uint32_t a, uint32_t b)
{
    return (uint32_t)((int32_t)a >> (b & 31)); /* gcc and clang shift in the sign */
}
static inline uint32_t op_slt(uint32_t a, uint32_t b)
{
    return (int32_t)a < (int32_t)b;
}
static inline uint32_t op_sltu(uint32_t a, uint32_t b)
{
    return a < b;
}
static inline uint32_t op_mul(uint32_t a, uint32_t b)
{
    return a * b;
}
static inline uint32_t op_mulh(uint32_t a, uint32_t b)
{
    return (uint32_t)((uint64_t)((int64_t)(int32_t)a * (int32_t)b) >> 32);
}
static inline uint32_t op_mulhsu(uint32_t a, uint32_t b)
{
    return (uint32_t)((uint64_t)((int64_t)(int32_t)a * (int64_t)b) >> 32);
}
static inline uint32_t op_mulhu(uint32_t a, uint32_t b)
{
    return (uint32_t)((uint64_t)a * b >> 32);
}
static inline uint32_t op_div(uint32_t a, uint32_t b)
{
    if (b + 1 <= 1) /* 0 and -1; the latter would overflow for the smallest number */
        return b ? 0 - a : UINT32_MAX;
    return (uint32_t)((int32_t)a / (int32_t)b);
}
static inline uint32_t op_divu(uint32_t a, uint32_t b)
{
    return b ? a / b : UINT32_MAX;
}
static inline uint32_t op_rem(uint32_t a, uint32_t b)
{
    if (b + 1 <= 1)
        return b ? 0 : a;
    return (uint32_t)((int32_t)a % (int32_t)b);
}
static inline uint32_t op_remu(uint32_t a, uint32_t b)
{
    return b ? a % b : a;
}

/* The immediate forms compute the same. */
#define op_addi op_add
#define op_xori op_xor
#define op_ori op_or
#define op_andi op_and
#define op_slli op_sll
#define op_srli op_srl
#define op_srai op_sra
#define op_slti op_slt
#define op_sltiu op_sltu

static inline bool op_beq(uint32_t a, uint32_t b)
{
    return a == b;
}
static inline bool op_bne(uint32_t a, uint32_t b)
{
    return a != b;
}
static inline bool op_blt(uint32_t a, uint32_t b)
{
    return (int32_t)a < (int32_t)b;
}
static inline bool op_bge(uint32_t a, uint32_t b)
{
    return (int32_t)a >= (int32_t)b;
}
static inline bool op_bltu(uint32_t a, uint32_t b)
{
    return a < b;
}
static inline bool op_bgeu(uint32_t a, uint32_t b)
{
    return a >= b;
}

/* ---- floats, as values: moving one keeps every bit, NaN or not ---- */

#define FAST_SIGN (1u << 31)

static inline uint32_t fast_bits(float v)
{
    uint32_t bits;
    __builtin_memcpy(&bits, &v, sizeof bits);
    return bits;
}
static inline float fast_float(uint32_t bits)
{
    float v;
    __builtin_memcpy(&v, &bits, sizeof v);
    return v;
}
static inline bool fast_is_nan(float v)
{
    return __builtin_isnan(v); /* a result: never signalling, so the comparison raises nothing */
}

static inline float op_fsgnj_s(float a, float b)
{
    return fast_float((fast_bits(a) & ~FAST_SIGN) | (fast_bits(b) & FAST_SIGN));
}
static inline float op_fsgnjn_s(float a, float b)
{
    return fast_float((fast_bits(a) & ~FAST_SIGN) | (~fast_bits(b) & FAST_SIGN));
}
static inline float op_fsgnjx_s(float a, float b)
{
    return fast_float(fast_bits(a) ^ (fast_bits(b) & FAST_SIGN));
}

/* Bit patterns of numbers in the order of the numbers, -0 below +0. */
static inline int32_t fast_order(uint32_t bits)
{
    return (int32_t)(bits ^ ((uint32_t)((int32_t)bits >> 31) & ~FAST_SIGN));
}
static inline bool fast_any_nan(uint32_t a, uint32_t b)
{
    return (a & ~FAST_SIGN) > 0x7f800000u || (b & ~FAST_SIGN) > 0x7f800000u;
}
static inline float op_fmin_s(float a, float b, bool *odd)
{
    *odd = fast_any_nan(fast_bits(a), fast_bits(b));
    return fast_order(fast_bits(a)) < fast_order(fast_bits(b)) ? a : b;
}
static inline float op_fmax_s(float a, float b, bool *odd)
{
    *odd = fast_any_nan(fast_bits(a), fast_bits(b));
    return fast_order(fast_bits(a)) < fast_order(fast_bits(b)) ? b : a;
}

#if FAST_FP

#define FAST_FP_2(name, insn)                                                                      \
    static inline float name(float a, float b, bool *odd)                                          \
    {                                                                                              \
        __asm__ volatile(insn " %1, %0" : "+x"(a) : "x"(b));                                       \
        *odd = fast_is_nan(a);                                                                     \
        return a;                                                                                  \
    }
FAST_FP_2(op_fadd_s, "addss")
FAST_FP_2(op_fsub_s, "subss")
FAST_FP_2(op_fmul_s, "mulss")
FAST_FP_2(op_fdiv_s, "divss")
#undef FAST_FP_2

static inline float op_fsqrt_s(float a, bool *odd)
{
    float root;
    __asm__ volatile("sqrtss %1, %0" : "=x"(root) : "x"(a));
    *odd = fast_is_nan(root);
    return root;
}

/* a = b * a + c with the signs of the name: AT&T order. */
#define FAST_FP_3(name, insn)                                                                      \
    static inline float name(float a, float b, float c, bool *odd)                                 \
    {                                                                                              \
        __asm__ volatile(insn " %2, %1, %0" : "+x"(a) : "x"(b), "x"(c));                           \
        *odd = fast_is_nan(a);                                                                     \
        return a;                                                                                  \
    }
FAST_FP_3(op_fmadd_s, "vfmadd213ss")
FAST_FP_3(op_fmsub_s, "vfmsub213ss")
FAST_FP_3(op_fnmsub_s, "vfnmadd213ss") /* RISC-V negates the product first: -(a*b) + c */
FAST_FP_3(op_fnmadd_s, "vfnmsub213ss")
#undef FAST_FP_3

/* COMISS says "invalid" for any NaN, UCOMISS for signalling ones: as RISC-V wants it. */
static inline uint32_t op_flt_s(float a, float b)
{
    bool less;
    __asm__ volatile("comiss %1, %2" : "=@cca"(less) : "x"(a), "x"(b));
    return less;
}
static inline uint32_t op_fle_s(float a, float b)
{
    bool not_above;
    __asm__ volatile("comiss %1, %2" : "=@ccae"(not_above) : "x"(a), "x"(b));
    return not_above;
}
static inline uint32_t op_feq_s(float a, float b)
{
    bool same, ordered;
    __asm__ volatile("ucomiss %2, %3" : "=@cce"(same), "=@ccnp"(ordered) : "x"(a), "x"(b));
    return same & ordered;
}

/* Rounding mode nearest-even. Below 2^31 the host has no reason to say "invalid". */
static inline uint32_t op_fcvt_w_s(float a, bool *odd)
{
    int32_t v;
    *odd = (fast_bits(a) & ~FAST_SIGN) >= 0x4f000000u;
    if (*odd)
        return 0;
    __asm__ volatile("cvtss2si %1, %0" : "=r"(v) : "x"(a));
    return (uint32_t)v;
}
/* ... towards zero */
static inline uint32_t op_fcvt_w_s_rtz(float a, bool *odd)
{
    int32_t v;
    *odd = (fast_bits(a) & ~FAST_SIGN) >= 0x4f000000u;
    if (*odd)
        return 0;
    __asm__ volatile("cvttss2si %1, %0" : "=r"(v) : "x"(a));
    return (uint32_t)v;
}
/* Only positive numbers below 2^32. */
static inline uint32_t op_fcvt_wu_s(float a, bool *odd)
{
    int64_t v;
    *odd = fast_bits(a) >= 0x4f800000u;
    if (*odd)
        return 0;
    __asm__ volatile("cvtss2siq %1, %0" : "=r"(v) : "x"(a));
    return (uint32_t)v;
}
static inline uint32_t op_fcvt_wu_s_rtz(float a, bool *odd)
{
    int64_t v;
    *odd = fast_bits(a) >= 0x4f800000u;
    if (*odd)
        return 0;
    __asm__ volatile("cvttss2siq %1, %0" : "=r"(v) : "x"(a));
    return (uint32_t)v;
}
static inline float op_fcvt_s_w(uint32_t a)
{
    float v;
    __asm__ volatile("xorps %0, %0\n\tcvtsi2ssl %1, %0" : "=&x"(v) : "r"(a));
    return v;
}
static inline float op_fcvt_s_wu(uint32_t a)
{
    float v;
    __asm__ volatile("xorps %0, %0\n\tcvtsi2ssq %1, %0" : "=&x"(v) : "r"((uint64_t)a));
    return v;
}

#else /* never called: FAST_FP 0 makes the decoder leave these rows to the plain core */

#define FAST_FP_ABSENT(type, name, ...)                                                            \
    static inline type name(__VA_ARGS__)                                                           \
    {                                                                                              \
        __builtin_trap();                                                                          \
    }
FAST_FP_ABSENT(float, op_fadd_s, float a, float b, bool *odd)
FAST_FP_ABSENT(float, op_fsub_s, float a, float b, bool *odd)
FAST_FP_ABSENT(float, op_fmul_s, float a, float b, bool *odd)
FAST_FP_ABSENT(float, op_fdiv_s, float a, float b, bool *odd)
FAST_FP_ABSENT(float, op_fsqrt_s, float a, bool *odd)
FAST_FP_ABSENT(float, op_fmadd_s, float a, float b, float c, bool *odd)
FAST_FP_ABSENT(float, op_fmsub_s, float a, float b, float c, bool *odd)
FAST_FP_ABSENT(float, op_fnmsub_s, float a, float b, float c, bool *odd)
FAST_FP_ABSENT(float, op_fnmadd_s, float a, float b, float c, bool *odd)
FAST_FP_ABSENT(uint32_t, op_flt_s, float a, float b)
FAST_FP_ABSENT(uint32_t, op_fle_s, float a, float b)
FAST_FP_ABSENT(uint32_t, op_feq_s, float a, float b)
FAST_FP_ABSENT(uint32_t, op_fcvt_w_s, float a, bool *odd)
FAST_FP_ABSENT(uint32_t, op_fcvt_w_s_rtz, float a, bool *odd)
FAST_FP_ABSENT(uint32_t, op_fcvt_wu_s, float a, bool *odd)
FAST_FP_ABSENT(uint32_t, op_fcvt_wu_s_rtz, float a, bool *odd)
FAST_FP_ABSENT(float, op_fcvt_s_w, uint32_t a)
FAST_FP_ABSENT(float, op_fcvt_s_wu, uint32_t a)
#undef FAST_FP_ABSENT

#endif

#endif
