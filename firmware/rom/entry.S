/* SPDX-License-Identifier: Apache-2.0 */
/* entry.S - reset: a trap vector, a stack and the port's registers for the loader. */
#include "hal/tile_map.h"

    .option arch, +zicsr

    .section .text.entry, "ax"
    .globl  rom_entry
rom_entry:
    la      t0, trap_entry
    csrw    mtvec, t0
    li      sp, TILE_SRAM_BASE + TILE_STACK_OFFSET + TILE_STACK_BYTES
    li      gp, TILE_SRAM_BASE      /* hal/wafer/port.h */
    li      tp, TILE_REGS_BASE
    tail    loader_main
