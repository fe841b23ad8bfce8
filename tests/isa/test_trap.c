/* SPDX-License-Identifier: Apache-2.0 */
/* test_trap.c - exceptions, interrupts, wfi, and the two ways to stop. */
#include "board.h"

/* A step at BOARD_BASE that must trap into the handler with this cause and mtval. */
static void check_trap(struct board *b, uint32_t w, uint32_t cause, uint32_t tval)
{
    uint32_t retired = (uint32_t)b->core.minstret;
    CHECK_EQ(board_step(b, w), CORE_COST_TRAP);
    CHECK_EQ(b->core.pc, BOARD_BASE + 1024);
    CHECK_EQ(b->core.mepc, BOARD_BASE);
    CHECK_EQ(b->core.mcause, cause);
    CHECK_EQ(b->core.mtval, tval);
    CHECK_EQ(b->core.trap.pc, BOARD_BASE);
    CHECK_EQ(b->core.trap.cause, cause);
    CHECK_EQ(b->core.trap.tval, tval);
    CHECK_EQ(b->core.trap.count, 1);
    CHECK_EQ(b->core.minstret, retired);
}

TEST(trap_causes_and_values)
{
    static const struct {
        uint32_t w, a, cause, tval;
    } cases[] = {
        {0x00000073, 0, CORE_ECALL, 0},
        {0x00100073, 0, CORE_BREAKPOINT, 0},
        {0x9002, 0, CORE_BREAKPOINT, 0},
        {0x0000, 0, CORE_ILLEGAL, 0},
        {0xffffffff, 0, CORE_ILLEGAL, 0xffffffff},
        {0x2008, 0, CORE_ILLEGAL, 0x2008},                     /* c.fld: no double precision */
        {0x0000100f, 0, CORE_ILLEGAL, 0x0000100f},             /* fence.i */
        {0x10200073, 0, CORE_ILLEGAL, 0x10200073},             /* sret */
        {0x00032283, 0x100, CORE_LOAD_FAULT, 0x100},           /* lw t0,0(t1) */
        {0x00532023, 0x100, CORE_STORE_FAULT, 0x100},          /* sw t0,0(t1) */
        {0x00032283, 0x80000ffd, CORE_LOAD_FAULT, 0x80000ffd}, /* half outside */
        {0x00532023, 0x80000ffd, CORE_STORE_FAULT, 0x80000ffd},
        {0x00032283, BOARD_DEVICE + 1, CORE_LOAD_MISALIGNED, BOARD_DEVICE + 1},
        {0x00532023, BOARD_DEVICE + 1, CORE_STORE_MISALIGNED, BOARD_DEVICE + 1},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct board b;
        board_open(&b);
        b.core.x[5] = 0x5a5a5a5a;
        b.core.x[6] = cases[k].a;
        check_trap(&b, cases[k].w, cases[k].cause, cases[k].tval);
        CHECK_EQ(b.core.x[5], 0x5a5a5a5a); /* nothing was written */
    }
}

TEST(trap_on_a_store_into_the_rom_window)
{
    static const uint8_t rom[16] = {0x78, 0x56, 0x34, 0x12};
    struct board b;
    board_open(&b);
    b.core.rom = (struct core_rom_window){0x1000, 16, rom};
    b.core.x[6] = 0x1000;
    CHECK_EQ(board_step(&b, 0x00032283), CORE_COST_LOAD);
    CHECK_EQ(b.core.x[5], 0x12345678);
    board_step(&b, 0x00532023);
    CHECK_EQ(b.core.trap.cause, CORE_STORE_FAULT);
    CHECK_EQ(b.core.trap.tval, 0x1000);
}

TEST(trap_on_fetch_names_the_missing_half)
{
    struct board b;
    board_open(&b);
    b.core.pc = 0x100;
    core_step(&b.core, &b.bus);
    CHECK_EQ(b.core.mcause, CORE_FETCH_FAULT);
    CHECK_EQ(b.core.mtval, 0x100);
    b.core.pc = BOARD_BASE + BOARD_BYTES - 2;
    b.memory[BOARD_BYTES - 2] = 0x13; /* the first half of a 32-bit instruction */
    core_step(&b.core, &b.bus);
    CHECK_EQ(b.core.mepc, BOARD_BASE + BOARD_BYTES - 2);
    CHECK_EQ(b.core.mtval, BOARD_BASE + BOARD_BYTES);
    CHECK_EQ(b.core.trap.count, 2);
}

TEST(trap_and_mret_move_the_enable_bits)
{
    struct board b;
    board_open(&b);
    b.core.mstatus |= CORE_MSTATUS_MIE;
    board_step(&b, 0x00000073);
    CHECK_EQ(b.core.mstatus, CORE_MSTATUS_FS | CORE_MSTATUS_MPIE);
    b.core.mepc = BOARD_BASE + 0x42;
    CHECK_EQ(board_step(&b, 0x30200073), CORE_COST_JUMP);
    CHECK_EQ(b.core.pc, BOARD_BASE + 0x42);
    CHECK_EQ(b.core.mstatus, CORE_MSTATUS_FS | CORE_MSTATUS_MPIE | CORE_MSTATUS_MIE);
}

TEST(trap_stops_halts_at_the_instruction)
{
    struct board b;
    board_open(&b);
    b.core.trap_stops = true;
    b.core.cycle = 41230;
    board_step(&b, 0x00100073);
    CHECK(b.core.halted);
    CHECK_EQ(b.core.pc, BOARD_BASE);
    CHECK_EQ(b.core.mepc, BOARD_BASE);
    CHECK_EQ(b.core.mcause, CORE_BREAKPOINT);
    CHECK_EQ(b.core.trap.cycle, 41230);
    CHECK_EQ(core_step(&b.core, &b.bus), 0);
    CHECK_EQ(b.core.trap.count, 1);
}

TEST(interrupts_by_priority_and_vector)
{
    struct board b;
    board_open(&b);
    b.core.mstatus |= CORE_MSTATUS_MIE;
    b.core.mip = b.core.mie = CORE_MTIP | CORE_MSIP | CORE_MEIP;
    core_step(&b.core, &b.bus);
    CHECK_EQ(b.core.mcause, CORE_INTERRUPT | 11);
    CHECK_EQ(b.core.mepc, BOARD_BASE);
    CHECK_EQ(b.core.pc, BOARD_BASE + 1024); /* direct */
    CHECK_EQ(b.core.trap.count, 0);
    b.core.mtvec |= 1;
    b.core.mstatus |= CORE_MSTATUS_MIE;
    b.core.mip = CORE_MTIP | CORE_MSIP;
    core_step(&b.core, &b.bus);
    CHECK_EQ(b.core.pc, BOARD_BASE + 1024 + 4 * 3);
    b.core.mstatus |= CORE_MSTATUS_MIE;
    b.core.mip = CORE_MTIP;
    core_step(&b.core, &b.bus);
    CHECK_EQ(b.core.mcause, CORE_INTERRUPT | 7);
    board_step(&b, 0x00000073); /* exceptions are never vectored */
    CHECK_EQ(b.core.pc, BOARD_BASE + 1024);
}

TEST(interrupts_wait_for_both_enables)
{
    struct board b;
    board_open(&b);
    b.core.mip = CORE_MTIP;
    b.core.mstatus |= CORE_MSTATUS_MIE;
    board_step(&b, 0x00000013); /* mie clear */
    CHECK_EQ(b.core.pc, BOARD_BASE + 4);
    b.core.mie = CORE_MTIP;
    b.core.mstatus &= ~CORE_MSTATUS_MIE;
    board_step(&b, 0x00000013); /* mstatus.MIE clear */
    CHECK_EQ(b.core.pc, BOARD_BASE + 8);
}

TEST(wfi_sleeps_until_woken)
{
    struct board b;
    board_open(&b);
    CHECK_EQ(board_step(&b, 0x10500073), CORE_COST_SYSTEM);
    CHECK(b.core.waiting);
    CHECK_EQ(core_step(&b.core, &b.bus), 0);
    core_wake(&b.core);
    CHECK_EQ(board_step(&b, 0x00000013), 1);
    CHECK_EQ(b.core.pc, BOARD_BASE + 8);
    /* a pending interrupt that is enabled in mie ends it, taken or not */
    board_step(&b, 0x10500073);
    b.core.mie = b.core.mip = CORE_MSIP;
    CHECK_EQ(board_step(&b, 0x00000013), 1);
    CHECK_EQ(b.core.pc, BOARD_BASE + 16);
    board_step(&b, 0x10500073); /* pending already: no sleep at all */
    CHECK(!b.core.waiting);
}

TEST(core_run_advances_the_clock)
{
    struct board b;
    board_open(&b);
    for (unsigned k = 0; k < 8; k++)
        board_store(&b, BOARD_BASE + 4 * k, 4, 0x00000013);
    board_store(&b, BOARD_BASE + 32, 4, 0x10500073);
    CHECK_EQ(core_run(&b.core, &b.bus, 5), 5);
    CHECK_EQ(b.core.cycle, 5);
    CHECK_EQ(core_run(&b.core, &b.bus, 1000), 4);
    CHECK_EQ(b.core.cycle, 9);
    CHECK(b.core.waiting);
}
