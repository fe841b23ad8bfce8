/* SPDX-License-Identifier: Apache-2.0 */
/* fault.c - the fault record. Runs when anything may be broken, so it calls nothing, keeps next to
 * nothing on the stack and reads the stack only to see how much of it was never touched. */
#include "firmware/fault.h"

#include "hal/event.h"
#include "hal/mmio.h"
#include "hal/sram.h"
#include "hal/tile_map.h"

static inline __attribute__((always_inline)) uint32_t stack_free(void)
{
    const uint32_t *stack = hal_sram(TILE_STACK_OFFSET);
    uint32_t words = 0;

    while (words < TILE_STACK_BYTES / 4 && stack[words] == TILE_STACK_PAINT)
        words++;
    return 4 * words;
}

static inline __attribute__((always_inline)) _Noreturn void record(uint32_t where, uint32_t pc,
                                                                   uint32_t info)
{
    mmio_write(REG_FAULT_FILE, where >> 14 & 0x3f);
    mmio_write(REG_FAULT_LINE, where & 0x3fff);
    mmio_write(REG_FAULT_PC, pc);
    mmio_write(REG_FAULT_INFO, info);
    mmio_write(REG_FAULT_STACK_FREE, stack_free());
    mmio_write(REG_FAULT_CODE, where >> 20); /* last: completes the record and halts */
    for (;;)
        hal_wait_event();
}

void fault_stop(uint32_t where, uint32_t info)
{
    record(where, (uint32_t)(uintptr_t)__builtin_return_address(0), info);
}

void fault_trap(uint32_t pc, uint32_t cause)
{
    record(FAULT_WHERE(FAULT_TRAP, FAULT_FILE_TRAP_S, 0), pc, cause);
}
