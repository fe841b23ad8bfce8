/* SPDX-License-Identifier: Apache-2.0 */
/* core_start.S - reset of a core benchmark: floating point on, stack, the ports' base registers; then the
 * program with its number of rounds still in a0. It ends asleep, with the result in a0. */
#include "hal/tile_map.h"

    .option arch, +zicsr

    .section .text.entry, "ax"
    .globl firmware_entry
firmware_entry:
    li t0, 0x6000           /* mstatus.FS */
    csrs mstatus, t0
    fscsr zero
    li gp, TILE_SRAM_BASE
    li tp, TILE_REGS_BASE
    li sp, TILE_SRAM_BASE + TILE_SRAM_BYTES
    call program
    wfi
1:  j 1b
