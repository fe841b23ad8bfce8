/* SPDX-License-Identifier: Apache-2.0 */
/* trap.S - every trap ends the tile: there are no interrupts and nothing is emulated. The stack may be what is
 * broken, so sp is not used. */
    .option arch, +zicsr

    .section .text.trap_entry, "ax"
    .globl  trap_entry
    .balign 4                       /* mtvec wants it */
trap_entry:
    csrr    a0, mepc
    csrr    a1, mcause
    tail    fault_trap
