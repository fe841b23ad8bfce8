/* SPDX-License-Identifier: Apache-2.0 */
/* start.S - reset of the firmware unit tests: a stack of their own, floating point on, then the bench. A trap
 * that no test expects ends the machine with its cause. */
#include "hal/tile_map.h"

    .option arch, +zicsr

    .section .text.start, "ax"
    .globl _start
_start:
    la sp, bench_stack_end
    la t0, unexpected
    csrw mtvec, t0
    li t0, 0x6000           /* mstatus.FS */
    csrs mstatus, t0
    j bench_main

    .text
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
