/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_entry.S - the way into the monitor and back to the tile.
 *
 * While the tile runs, mscratch holds its struct tile_core; while the monitor runs, it holds 0. So a
 * trap that finds 0 is a bug of the monitor. */
#include "hal/virt/monitor.h"

    .option arch, +zicsr

    .section .text.start, "ax"
    .globl _start
_start:
    la sp, monitor_stack_end
    la t0, trap
    csrw mtvec, t0
    csrw mscratch, zero
    j monitor_main

    .text
    .balign 4
trap:
    csrrw sp, mscratch, sp
    beqz sp, broken
    sw x1, CORE_X + 4(sp)
    .irp n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    sw x\n, CORE_X + 4 * \n(sp)
    .endr
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    fsw f\n, CORE_F + 4 * \n(sp)
    .endr
    mv a0, sp
    csrrw t0, mscratch, zero
    sw t0, CORE_X + 8(a0)
    frcsr t0
    sw t0, CORE_FCSR(a0)
    fscsr zero              /* the engine rounds to nearest, whatever the tile's core does */
    csrr t0, mepc
    sw t0, CORE_PC(a0)
    csrr a1, mcause
    csrr a2, mtval
    mv s0, a0
    la sp, monitor_stack_end
    call monitor_trap
    mv a0, s0

    .globl monitor_enter
monitor_enter:
    csrw mscratch, a0
    mv sp, a0
    lw t0, CORE_PC(sp)
    csrw mepc, t0
    lw t0, CORE_FCSR(sp)
    fscsr t0
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    flw f\n, CORE_F + 4 * \n(sp)
    .endr
    lw x1, CORE_X + 4(sp)
    .irp n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    lw x\n, CORE_X + 4 * \n(sp)
    .endr
    lw sp, CORE_X + 8(sp)
    mret

broken:
    la sp, monitor_stack_end
    csrr a0, mcause
    csrr a1, mepc
    csrr a2, mtval
    j monitor_broken

    .bss
    .balign 16
    .space 8192
monitor_stack_end:
