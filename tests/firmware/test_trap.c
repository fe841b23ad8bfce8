/* SPDX-License-Identifier: Apache-2.0 */
/* test_trap.c - a trap of any kind becomes a fault record that names its pc and cause. */
#include "tests/firmware/bench.h"

#include "firmware/fault.h"
#include "hal/virt/port.h"

/* trap_cases.S */
void trap_entry(void);
void trap_install(void);
void trap_illegal(void);
void trap_break(void);
void trap_ecall(void);
void trap_load(void);
void trap_store(void);
void trap_float_off(void);
extern const uint8_t trap_illegal_at[], trap_break_at[], trap_ecall_at[], trap_load_at[],
    trap_store_at[], trap_float_off_at[];

static void check_trap(void (*call)(void), const uint8_t *pc, uint32_t cause)
{
    const uint32_t *f = port_tile()->fault;
    trap_install();
    CHECK_EQ(bench_call(call), BENCH_FAULTED);
    CHECK_EQ(f[VIRT_FAULT_CODE], FAULT_TRAP);
    CHECK_EQ(f[VIRT_FAULT_FILE], FAULT_FILE_TRAP_S);
    CHECK_EQ(f[VIRT_FAULT_PC], (uintptr_t)pc);
    CHECK_EQ(f[VIRT_FAULT_INFO], cause);
}

static void illegal_instruction(void)
{
    check_trap(trap_illegal, trap_illegal_at, 2);
}

static void breakpoint(void)
{
    check_trap(trap_break, trap_break_at, 3);
}

static void environment_call(void)
{
    check_trap(trap_ecall, trap_ecall_at, 11);
}

static void load_from_nowhere(void)
{
    check_trap(trap_load, trap_load_at, 5);
}

static void store_to_nowhere(void)
{
    check_trap(trap_store, trap_store_at, 7);
}

static void floating_point_switched_off(void)
{
    check_trap(trap_float_off, trap_float_off_at, 2);
}

static void trap_reports_the_stack_that_was_left(void)
{
    for (uint32_t i = 0; i < 100; i++)
        sram_set(TILE_STACK_OFFSET + 4 * i, TILE_STACK_PAINT);
    sram_set(TILE_STACK_OFFSET + 400, 0);
    check_trap(trap_break, trap_break_at, 3);
    CHECK_EQ(port_tile()->fault[VIRT_FAULT_STACK_FREE], 400);
}

const struct bench_test tests_trap[] = {
    {"illegal_instruction", illegal_instruction},
    {"breakpoint", breakpoint},
    {"environment_call", environment_call},
    {"load_from_nowhere", load_from_nowhere},
    {"store_to_nowhere", store_to_nowhere},
    {"floating_point_switched_off", floating_point_switched_off},
    {"trap_reports_the_stack_that_was_left", trap_reports_the_stack_that_was_left},
    {0, 0}};
