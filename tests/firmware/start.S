/* SPDX-License-Identifier: Apache-2.0 */
/* start.S - reset of the firmware unit tests: a stack of their own, then the bench. A trap that no test expects
 * ends the machine with its cause. The loader under test jumps to this place too, and goes on to the firmware. */
#include "hal/tile_map.h"

    .option arch, +zicsr

    .section .text.start, "ax"
    .globl _start
_start:
    la t0, started
    lw t1, 0(t0)
    beqz t1, 1f
    tail firmware_entry
1:  li t1, 1
    sw t1, 0(t0)
    la sp, bench_stack_end
    call bench_reset_core
    tail bench_main

    /* Traps and floating point as a test finds them. */
    .text
    .globl bench_reset_core
bench_reset_core:
    la t0, unexpected
    csrw mtvec, t0
    li t0, 0x6000           /* mstatus.FS */
    csrs mstatus, t0
    fscsr zero
    ret

    /* The registers a call keeps: a way back to here. */
    .macro each what
    \what ra, 0(a0)
    \what sp, 4(a0)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    \what s\n, 8 + 4 * \n(a0)
    f\what fs\n, 56 + 4 * \n(a0)
    .endr
    .endm

    .globl bench_mark
bench_mark:
    each sw
    li a0, 0
    ret

    .globl bench_jump
bench_jump:
    each lw
    li a0, 1
    ret

    .balign 4
unexpected:
    csrr t0, mcause
    slli t0, t0, 16
    li t1, TILE_EXIT_FAIL
    or t0, t0, t1
    li t1, TILE_EXIT_BASE
    sw t0, 0(t1)
1:  j 1b

    .bss
    .balign 16
    .space 16384
bench_stack_end:
started:
    .space 4
