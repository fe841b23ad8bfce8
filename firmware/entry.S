/* SPDX-License-Identifier: Apache-2.0 */
/* entry.S - the first instructions of the image, at the start of SRAM.
 *
 * Nothing that ran before may show: not in memory (a tile loaded over the mesh has used the data and stack
 * regions, one loaded directly has not) and not in registers (functions push them on the stack). */
#include "hal/tile_map.h"

    .option arch, +zicsr

    .section .text.entry, "ax"
    .globl  firmware_entry
firmware_entry:
    li      gp, TILE_SRAM_BASE      /* hal/wafer/port.h; the linker may use it from here on */
    la      t0, trap_entry
    csrw    mtvec, t0
    li      t0, 0x2000              /* mstatus.FS = initial: floating point on */
    csrs    mstatus, t0
    fscsr   zero                    /* round to nearest even, no flags */

    li      t0, TILE_SRAM_BASE + TILE_DATA_OFFSET
    li      t1, TILE_SRAM_BASE + TILE_DATA_OFFSET + TILE_DATA_BYTES
1:  sw      zero, 0(t0)
    addi    t0, t0, 4
    bne     t0, t1, 1b

    li      t0, TILE_SRAM_BASE + TILE_STACK_OFFSET
    li      t1, TILE_SRAM_BASE + TILE_STACK_OFFSET + TILE_STACK_BYTES
    li      t2, TILE_STACK_PAINT
2:  sw      t2, 0(t0)
    addi    t0, t0, 4
    bne     t0, t1, 2b

    mv      sp, t1
    li      tp, TILE_REGS_BASE
    .irp    r, 1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    li      x\r, 0
    .endr
    .irp    r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    fmv.w.x f\r, zero
    .endr
    tail    boot_main
