/* SPDX-License-Identifier: Apache-2.0 */
/* test_float.c - the F extension: facts from IEEE 754 and the RISC-V manual, result and flags. */
#include "board.h"

#include "core/softfp.h"

enum { RNE, RTZ, RDN, RUP, RMM };
#define INF 0x7f800000u
#define NAN_QUIET 0x7fc00000u
#define NAN_SIGNALLING 0x7f800001u
#define NEGATIVE 0x80000000u
#define ONE 0x3f800000u
#define LARGEST 0x7f7fffffu
#define SMALLEST_NORMAL 0x00800000u

struct float_case {
    uint8_t op, rm;
    uint32_t a, b, c, want, flags; /* f1, f2, f3; result in f4 */
};

static void run_cases(const struct float_case *cases, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        const struct float_case *t = &cases[k];
        struct board b;
        board_open(&b);
        b.core.f[1] = t->a;
        b.core.f[2] = t->b;
        b.core.f[3] = t->c;
        struct core_insn i = {.op = t->op, .rd = 4, .rs1 = 1, .rs2 = 2, .rs3 = 3, .rm = t->rm};
        board_step(&b, rvasm_encode(i));
        CHECK_MSG(b.core.trap.count == 0, "case %zu trapped", k);
        CHECK_MSG(b.core.f[4] == t->want && b.core.fcsr == t->flags,
                  "%s rm %u of 0x%08x 0x%08x 0x%08x gave 0x%08x flags 0x%x, not 0x%08x 0x%x",
                  core_insn_rows[t->op].name, t->rm, t->a, t->b, t->c, b.core.f[4], b.core.fcsr,
                  t->want, t->flags);
    }
}
#define RUN_CASES(cases) run_cases(cases, sizeof(cases) / sizeof *(cases))

TEST(float_add_rounds_in_all_modes)
{
    static const struct float_case cases[] = {
        /* 1 + 2^-24 is a tie, 1 + 1.5 * 2^-24 is not */
        {CORE_OP_fadd_s, RNE, ONE, 0x33800000, 0, ONE, 1},
        {CORE_OP_fadd_s, RMM, ONE, 0x33800000, 0, ONE + 1, 1},
        {CORE_OP_fadd_s, RTZ, ONE, 0x33c00000, 0, ONE, 1},
        {CORE_OP_fadd_s, RNE, ONE, 0x33c00000, 0, ONE + 1, 1},
        {CORE_OP_fadd_s, RUP, ONE, 1, 0, ONE + 1, 1},
        {CORE_OP_fadd_s, RDN, ONE, 1, 0, ONE, 1},
        {CORE_OP_fadd_s, RDN, NEGATIVE | ONE, NEGATIVE | 1, 0, (NEGATIVE | ONE) + 1, 1},
        {CORE_OP_fadd_s, RNE, 0x40490fdb, 0x402df854, 0, 0x40bb8418, 1}, /* pi + e */
        /* exact cancellation, and sums of zeros */
        {CORE_OP_fadd_s, RNE, ONE, NEGATIVE | ONE, 0, 0, 0},
        {CORE_OP_fadd_s, RDN, ONE, NEGATIVE | ONE, 0, NEGATIVE, 0},
        {CORE_OP_fadd_s, RNE, 0, NEGATIVE, 0, 0, 0},
        {CORE_OP_fadd_s, RDN, 0, NEGATIVE, 0, NEGATIVE, 0},
        {CORE_OP_fadd_s, RNE, NEGATIVE, NEGATIVE, 0, NEGATIVE, 0},
        {CORE_OP_fsub_s, RNE, NEGATIVE, 0, 0, NEGATIVE, 0},
        /* subnormals add exactly */
        {CORE_OP_fadd_s, RNE, 0x007fffff, 1, 0, SMALLEST_NORMAL, 0},
        {CORE_OP_fsub_s, RNE, SMALLEST_NORMAL, 1, 0, 0x007fffff, 0},
    };
    RUN_CASES(cases);
}

TEST(float_overflow_goes_where_the_mode_says)
{
    static const struct float_case cases[] = {
        {CORE_OP_fadd_s, RNE, LARGEST, LARGEST, 0, INF, 5},
        {CORE_OP_fadd_s, RMM, LARGEST, LARGEST, 0, INF, 5},
        {CORE_OP_fadd_s, RTZ, LARGEST, LARGEST, 0, LARGEST, 5},
        {CORE_OP_fadd_s, RDN, LARGEST, LARGEST, 0, LARGEST, 5},
        {CORE_OP_fadd_s, RUP, LARGEST, LARGEST, 0, INF, 5},
        {CORE_OP_fmul_s, RDN, LARGEST, NEGATIVE | 0x40000000, 0, NEGATIVE | INF, 5},
        {CORE_OP_fmul_s, RUP, LARGEST, NEGATIVE | 0x40000000, 0, NEGATIVE | LARGEST, 5},
    };
    RUN_CASES(cases);
}

TEST(float_underflow_is_seen_after_rounding)
{
    static const struct float_case cases[] = {
        /* (1 + 2^-23) * (1 - 2^-23) * 2^-126 rounds to the smallest normal: inexact, not tiny */
        {CORE_OP_fmul_s, RNE, 0x00800001, 0x3f7ffffe, 0, SMALLEST_NORMAL, 1},
        /* (1 - 2^-24) * 2^-126 is tiny: as a subnormal it is a tie, to even */
        {CORE_OP_fmul_s, RNE, SMALLEST_NORMAL, 0x3f7fffff, 0, SMALLEST_NORMAL, 3},
        {CORE_OP_fmul_s, RTZ, SMALLEST_NORMAL, 0x3f7fffff, 0, 0x007fffff, 3},
        {CORE_OP_fmul_s, RNE, 1, 0x3f000000, 0, 0, 3}, /* half the smallest */
        {CORE_OP_fmul_s, RMM, 1, 0x3f000000, 0, 1, 3},
        {CORE_OP_fmul_s, RUP, 1, 1, 0, 1, 3},
        {CORE_OP_fmul_s, RNE, 2, 0x3f000000, 0, 1, 0}, /* exact: no underflow */
        {CORE_OP_fdiv_s, RNE, SMALLEST_NORMAL, 0x40000000, 0, 0x00400000, 0},
    };
    RUN_CASES(cases);
}

TEST(float_divide_and_square_root)
{
    static const struct float_case cases[] = {
        {CORE_OP_fdiv_s, RNE, ONE, 0x40400000, 0, 0x3eaaaaab, 1}, /* 1/3 */
        {CORE_OP_fdiv_s, RTZ, ONE, 0x40400000, 0, 0x3eaaaaaa, 1},
        {CORE_OP_fdiv_s, RNE, ONE, 0, 0, INF, 8},
        {CORE_OP_fdiv_s, RNE, ONE, NEGATIVE, 0, NEGATIVE | INF, 8},
        {CORE_OP_fdiv_s, RNE, 0, 0, 0, NAN_QUIET, 16},
        {CORE_OP_fdiv_s, RNE, INF, INF, 0, NAN_QUIET, 16},
        {CORE_OP_fdiv_s, RNE, INF, 0, 0, INF, 0}, /* not a division by zero */
        {CORE_OP_fdiv_s, RNE, ONE, INF, 0, 0, 0},
        {CORE_OP_fsqrt_s, RNE, 0x40000000, 0, 0, 0x3fb504f3, 1},
        {CORE_OP_fsqrt_s, RUP, 0x40000000, 0, 0, 0x3fb504f4, 1},
        {CORE_OP_fsqrt_s, RNE, 0x41100000, 0, 0, 0x40400000, 0}, /* 9 */
        {CORE_OP_fsqrt_s, RNE, NEGATIVE, 0, 0, NEGATIVE, 0},
        {CORE_OP_fsqrt_s, RNE, NEGATIVE | ONE, 0, 0, NAN_QUIET, 16},
        {CORE_OP_fsqrt_s, RNE, INF, 0, 0, INF, 0},
        {CORE_OP_fsqrt_s, RNE, 1, 0, 0, 0x1a3504f3, 1}, /* 2^-149 */
    };
    RUN_CASES(cases);
}

TEST(float_fma_rounds_once_and_signs)
{
    static const struct float_case cases[] = {
        {CORE_OP_fmadd_s, RNE, 0x40000000, 0x40400000, ONE, 0x40e00000, 0},
        {CORE_OP_fmsub_s, RNE, 0x40000000, 0x40400000, ONE, 0x40a00000, 0},
        {CORE_OP_fnmsub_s, RNE, 0x40000000, 0x40400000, ONE, 0xc0a00000, 0},
        {CORE_OP_fnmadd_s, RNE, 0x40000000, 0x40400000, ONE, 0xc0e00000, 0},
        /* (1 + 2^-23)^2 - (1 + 2^-22) = 2^-46, which two roundings would lose */
        {CORE_OP_fmsub_s, RNE, 0x3f800001, 0x3f800001, 0x3f800002, 0x28800000, 0},
        {CORE_OP_fmadd_s, RNE, INF, 0, NAN_QUIET, NAN_QUIET, 16},
        {CORE_OP_fmadd_s, RNE, INF, ONE, NEGATIVE | INF, NAN_QUIET, 16},
        {CORE_OP_fmadd_s, RNE, LARGEST, LARGEST, NEGATIVE | INF, NEGATIVE | INF, 0},
        {CORE_OP_fmadd_s, RNE, NAN_QUIET, ONE, ONE, NAN_QUIET, 0},
        {CORE_OP_fmadd_s, RNE, 0, ONE, NEGATIVE, 0, 0},
        {CORE_OP_fnmadd_s, RNE, 0, ONE, 0, NEGATIVE, 0},
    };
    RUN_CASES(cases);
}

TEST(float_nans_are_canonical)
{
    static const struct float_case cases[] = {
        {CORE_OP_fadd_s, RNE, 0xffc12345, ONE, 0, NAN_QUIET, 0},
        {CORE_OP_fadd_s, RNE, ONE, NAN_SIGNALLING, 0, NAN_QUIET, 16},
        {CORE_OP_fmul_s, RNE, INF, 0, 0, NAN_QUIET, 16},
        {CORE_OP_fsub_s, RNE, INF, INF, 0, NAN_QUIET, 16},
        {CORE_OP_fmin_s, 0, NAN_QUIET, ONE, 0, ONE, 0},
        {CORE_OP_fmax_s, 0, ONE, NAN_SIGNALLING, 0, ONE, 16},
        {CORE_OP_fmin_s, 0, 0xffffffff, 0x7fffffff, 0, NAN_QUIET, 0},
        {CORE_OP_fmin_s, 0, 0, NEGATIVE, 0, NEGATIVE, 0},
        {CORE_OP_fmin_s, 0, NEGATIVE, 0, 0, NEGATIVE, 0},
        {CORE_OP_fmax_s, 0, NEGATIVE, 0, 0, 0, 0},
        {CORE_OP_fmax_s, 0, 0xc0000000, 0xbf800000, 0, 0xbf800000, 0},
        /* sign injection is a bit operation and keeps a NaN's payload */
        {CORE_OP_fsgnj_s, 0, NAN_SIGNALLING, NEGATIVE, 0, NEGATIVE | NAN_SIGNALLING, 0},
        {CORE_OP_fsgnjn_s, 0, ONE, ONE, 0, NEGATIVE | ONE, 0},
        {CORE_OP_fsgnjx_s, 0, NEGATIVE | ONE, NEGATIVE, 0, ONE, 0},
    };
    RUN_CASES(cases);
}

/* Results in x5. */
static void check_to_x(uint8_t op, uint8_t rm, uint32_t a, uint32_t second, uint32_t want,
                       uint32_t flags)
{
    struct board b;
    board_open(&b);
    b.core.f[1] = a;
    b.core.f[2] = second;
    struct core_insn i = {.op = op, .rd = 5, .rs1 = 1, .rs2 = 2, .rm = rm};
    board_step(&b, rvasm_encode(i));
    CHECK_MSG(b.core.x[5] == want && b.core.fcsr == flags,
              "%s rm %u of 0x%08x 0x%08x gave 0x%08x flags 0x%x", core_insn_rows[op].name, rm, a,
              second, b.core.x[5], b.core.fcsr);
}

TEST(float_compare)
{
    check_to_x(CORE_OP_feq_s, 0, 0, NEGATIVE, 1, 0);
    check_to_x(CORE_OP_feq_s, 0, NAN_QUIET, NAN_QUIET, 0, 0);
    check_to_x(CORE_OP_feq_s, 0, NAN_SIGNALLING, ONE, 0, 16);
    check_to_x(CORE_OP_flt_s, 0, NEGATIVE, 0, 0, 0);
    check_to_x(CORE_OP_flt_s, 0, NEGATIVE | ONE, ONE, 1, 0);
    check_to_x(CORE_OP_flt_s, 0, 0xc0000000, 0xbf800000, 1, 0);
    check_to_x(CORE_OP_flt_s, 0, NAN_QUIET, ONE, 0, 16);
    check_to_x(CORE_OP_fle_s, 0, 0, NEGATIVE, 1, 0);
    check_to_x(CORE_OP_fle_s, 0, INF, LARGEST, 0, 0);
    check_to_x(CORE_OP_fle_s, 0, ONE, NAN_QUIET, 0, 16);
}

TEST(float_class)
{
    static const uint32_t values[] = {
        NEGATIVE | INF, NEGATIVE | ONE, NEGATIVE | 1, NEGATIVE, 0, 1, LARGEST, INF,
        NAN_SIGNALLING, NAN_QUIET};
    for (unsigned k = 0; k < 10; k++)
        check_to_x(CORE_OP_fclass_s, 0, values[k], 0, 1u << k, 0);
    check_to_x(CORE_OP_fclass_s, 0, 0xffffffff, 0, 1u << 9, 0);
}

TEST(float_to_integer)
{
    check_to_x(CORE_OP_fcvt_w_s, RNE, 0x3fc00000, 0, 2, 1); /* 1.5 */
    check_to_x(CORE_OP_fcvt_w_s, RNE, 0x40200000, 0, 2, 1); /* 2.5 */
    check_to_x(CORE_OP_fcvt_w_s, RMM, 0x40200000, 0, 3, 1);
    check_to_x(CORE_OP_fcvt_w_s, RTZ, 0xbfc00000, 0, 0xffffffff, 1);
    check_to_x(CORE_OP_fcvt_w_s, RDN, 0xbf8ccccd, 0, 0xfffffffe, 1);
    check_to_x(CORE_OP_fcvt_w_s, RUP, 1, 0, 1, 1);
    check_to_x(CORE_OP_fcvt_w_s, RNE, 0xcf000000, 0, 0x80000000, 0); /* -2^31 fits */
    check_to_x(CORE_OP_fcvt_w_s, RNE, 0x4f000000, 0, 0x7fffffff, 16);
    check_to_x(CORE_OP_fcvt_w_s, RNE, 0xcf000001, 0, 0x80000000, 16);
    check_to_x(CORE_OP_fcvt_w_s, RNE, NAN_QUIET | NEGATIVE, 0, 0x7fffffff, 16);
    check_to_x(CORE_OP_fcvt_w_s, RNE, NEGATIVE | INF, 0, 0x80000000, 16);
    check_to_x(CORE_OP_fcvt_wu_s, RNE, 0x4f7fffff, 0, 0xffffff00, 0);
    check_to_x(CORE_OP_fcvt_wu_s, RNE, 0x4f800000, 0, 0xffffffff, 16);
    check_to_x(CORE_OP_fcvt_wu_s, RTZ, 0xbf7fffff, 0, 0, 1); /* -0.99 truncates to 0: inexact */
    check_to_x(CORE_OP_fcvt_wu_s, RDN, 0xbf7fffff, 0, 0, 16);
    check_to_x(CORE_OP_fcvt_wu_s, RNE, NAN_SIGNALLING, 0, 0xffffffff, 16);
}

TEST(float_from_integer_and_moves)
{
    struct board b;
    board_open(&b);
    b.core.x[6] = 0xffffffff;
    board_step(&b, rvasm(fcvt_s_w, .rd = 1, .rs1 = 6));
    CHECK_EQ(b.core.f[1], NEGATIVE | ONE);
    board_step(&b, rvasm(fcvt_s_wu, .rd = 1, .rs1 = 6));
    CHECK_EQ(b.core.f[1], 0x4f800000);
    CHECK_EQ(b.core.fcsr, 1);
    board_step(&b, rvasm(fcvt_s_wu, .rd = 1, .rs1 = 6, .rm = RTZ));
    CHECK_EQ(b.core.f[1], 0x4f7fffff);
    b.core.x[6] = 0x80000000;
    board_step(&b, rvasm(fcvt_s_w, .rd = 1, .rs1 = 6));
    CHECK_EQ(b.core.f[1], 0xcf000000);
    b.core.x[6] = NAN_SIGNALLING;
    board_step(&b, rvasm(fmv_w_x, .rd = 1, .rs1 = 6));
    board_step(&b, rvasm(fmv_x_w, .rd = 5, .rs1 = 1));
    CHECK_EQ(b.core.x[5], NAN_SIGNALLING);
}

TEST(float_rounding_mode_field)
{
    struct board b;
    board_open(&b);
    b.core.f[1] = ONE;
    b.core.f[2] = 0x33800000;
    b.core.fcsr = RMM << 5;
    board_step(&b, rvasm(fadd_s, .rd = 3, .rs1 = 1, .rs2 = 2, .rm = 7));
    CHECK_EQ(b.core.f[3], ONE + 1);
    CHECK_EQ(b.core.fcsr, RMM << 5 | 1);
    for (uint8_t rm = 5; rm <= 6;
         rm++) { /* reserved, static or dynamic, even if nothing is rounded */
        board_open(&b);
        board_step(&b, rvasm(fadd_s, .rd = 3, .rs1 = 1, .rs2 = 2, .rm = rm));
        CHECK_EQ(b.core.trap.cause, CORE_ILLEGAL);
        board_open(&b);
        b.core.fcsr = (uint32_t)rm << 5;
        board_step(&b, rvasm(fcvt_s_w, .rd = 3, .rs1 = 1, .rm = 7));
        CHECK_EQ(b.core.trap.cause, CORE_ILLEGAL);
    }
}

TEST(float_off_traps_and_use_makes_dirty)
{
    static const uint32_t words[] = {0x00007053, 0x00002007, 0x00002027, 0x00102073, 0x003010f3};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        struct board b;
        board_open(&b);
        b.core.mstatus = 0;
        board_step(&b, words[k]);
        CHECK_EQ(b.core.trap.cause, CORE_ILLEGAL);
        CHECK_EQ(b.core.trap.tval, words[k]);
    }
    struct board b;
    board_open(&b);
    b.core.mstatus = 1u << 13; /* Initial */
    board_step(&b, rvasm(fmv_x_w, .rd = 5, .rs1 = 1));
    CHECK_EQ(b.core.mstatus, 1u << 13);
    board_step(&b, rvasm(fmv_w_x, .rd = 1, .rs1 = 5));
    board_step(&b, rvasm(csrrs, .rd = 5, .rs1 = 0, .imm = 0x300));
    CHECK_EQ(b.core.x[5], 0x80007800);
}
