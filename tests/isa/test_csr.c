/* SPDX-License-Identifier: Apache-2.0 */
/* test_csr.c - control registers: the six instructions, read-only and missing ones, counters. */
#include "board.h"

enum { MSTATUS = 0x300, MISA = 0x301, MIE = 0x304, MTVEC = 0x305, MSCRATCH = 0x340, MEPC = 0x341 };
enum {
    MIP = 0x344,
    MCYCLE = 0xb00,
    MCYCLEH = 0xb80,
    MINSTRET = 0xb02,
    CYCLE = 0xc00,
    TIME = 0xc01
};

/* csrrw x5, number, x6 with x6 = v, then what a read gives. */
static uint32_t write_and_read(struct board *b, int32_t number, uint32_t v)
{
    b->core.x[6] = v;
    board_step(b, rvasm(csrrw, .rd = 5, .rs1 = 6, .imm = number));
    board_step(b, rvasm(csrrs, .rd = 5, .rs1 = 0, .imm = number));
    CHECK_EQ(b->core.trap.count, 0);
    return b->core.x[5];
}

TEST(csr_swap_set_clear)
{
    struct board b;
    board_open(&b);
    b.core.mscratch = 0xf0;
    b.core.x[6] = 0x3c;
    board_step(&b, rvasm(csrrw, .rd = 5, .rs1 = 6, .imm = MSCRATCH));
    CHECK_EQ(b.core.x[5], 0xf0);
    board_step(&b, rvasm(csrrsi, .rd = 5, .rs1 = 0x11, .imm = MSCRATCH));
    CHECK_EQ(b.core.x[5], 0x3c);
    board_step(&b, rvasm(csrrc, .rd = 6, .rs1 = 6, .imm = MSCRATCH)); /* rd and rs1 the same */
    CHECK_EQ(b.core.x[6], 0x3d);
    CHECK_EQ(b.core.mscratch, 1);
    board_step(&b, rvasm(csrrwi, .rd = 0, .rs1 = 31, .imm = MSCRATCH));
    board_step(&b, rvasm(csrrci, .rd = 5, .rs1 = 1, .imm = MSCRATCH));
    CHECK_EQ(b.core.mscratch, 30);
}

TEST(csr_fixed_and_masked_bits)
{
    struct board b;
    board_open(&b);
    CHECK_EQ(write_and_read(&b, MISA, 0xffffffff), 0x40001124); /* RV32 IMFC */
    CHECK_EQ(write_and_read(&b, MSTATUS, 0xffffffff), 0x80007888);
    CHECK_EQ(write_and_read(&b, MSTATUS, 0), 0x1800);
    CHECK_EQ(write_and_read(&b, MIE, 0xffffffff), 0x888);
    CHECK_EQ(write_and_read(&b, MEPC, 0xffffffff), 0xfffffffe);
    CHECK_EQ(write_and_read(&b, MTVEC, 0x80000101), 0x80000101);
    CHECK_EQ(write_and_read(&b, MTVEC, 0x12345672), 0x80000101); /* reserved mode */
    CHECK_EQ(write_and_read(&b, MIP, 0xffffffff), 0);            /* belongs to the owner */
    b.core.mip = CORE_MTIP;
    CHECK_EQ(write_and_read(&b, MIP, 0), CORE_MTIP);
    CHECK_EQ(write_and_read(&b, 0x310, 0xffffffff), 0); /* mstatush */
    CHECK_EQ(write_and_read(&b, 0x320, 0xffffffff), 0); /* mcountinhibit */
}

TEST(csr_fcsr_and_its_parts)
{
    struct board b;
    board_open(&b);
    CHECK_EQ(write_and_read(&b, 3, 0xffffff75), 0x75);
    CHECK_EQ(write_and_read(&b, 1, 0xea), 0x0a);
    CHECK_EQ(b.core.fcsr, 0x6a);
    CHECK_EQ(write_and_read(&b, 2, 0xfc), 4);
    CHECK_EQ(b.core.fcsr, 0x8a);
}

TEST(csr_read_only_and_missing_trap)
{
    static const int32_t missing[] = {0x000, 0x004, 0x100, 0x180, 0x302, 0x306, 0x3a0,
                                      0x7a0, 0xb01, 0xb03, 0xc03, 0xf10, 0xf16, 0xfff};
    for (size_t k = 0; k < sizeof missing / sizeof *missing; k++) {
        struct board b;
        board_open(&b);
        uint32_t w = rvasm(csrrs, .rd = 5, .rs1 = 0, .imm = missing[k]);
        board_step(&b, w);
        CHECK_EQ(b.core.trap.cause, CORE_ILLEGAL);
        CHECK_EQ(b.core.mtval, w);
    }
    static const int32_t read_only[] = {CYCLE, TIME, 0xc82, 0xf11, 0xf14, 0xf15};
    for (size_t k = 0; k < sizeof read_only / sizeof *read_only; k++) {
        struct board b;
        board_open(&b);
        b.core.x[5] = 77;
        board_step(&b, rvasm(csrrs, .rd = 5, .rs1 = 0, .imm = read_only[k]));
        board_step(&b, rvasm(csrrsi, .rd = 5, .rs1 = 0, .imm = read_only[k]));
        CHECK_EQ(b.core.trap.count, 0);
        CHECK_EQ(b.core.x[5], read_only[k] == 0xc82 ? 0 : b.core.x[5]);
        /* x7 holds 0, but naming it is an attempt to write */
        board_step(&b, rvasm(csrrs, .rd = 5, .rs1 = 7, .imm = read_only[k]));
        CHECK_EQ(b.core.trap.count, 1);
    }
}

TEST(csr_counters)
{
    struct board b;
    board_open(&b);
    b.core.cycle = 0x1fffffff0;
    b.core.hartid = 9;
    CHECK_EQ(write_and_read(&b, MCYCLE, 7), 7);
    CHECK_EQ(write_and_read(&b, MCYCLEH, 5), 5);
    b.core.cycle += 100;
    board_step(&b, rvasm(csrrs, .rd = 5, .rs1 = 0, .imm = CYCLE));
    CHECK_EQ(b.core.x[5], 107);
    board_step(&b, rvasm(csrrs, .rd = 5, .rs1 = 0, .imm = TIME)); /* not moved by writes */
    CHECK_EQ(b.core.x[5], 0x54);
    board_step(&b, rvasm(csrrs, .rd = 5, .rs1 = 0, .imm = 0xf14));
    CHECK_EQ(b.core.x[5], 9);
    CHECK_EQ(write_and_read(&b, MINSTRET, 1000), 1000); /* the next instruction sees the value */
    board_step(&b, rvasm(csrrs, .rd = 5, .rs1 = 0, .imm = MINSTRET));
    CHECK_EQ(b.core.x[5], 1001);
}
