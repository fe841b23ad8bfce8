/* SPDX-License-Identifier: Apache-2.0 */
/* trap_cases.S - one instruction each that traps, at a label the test knows. */
    .option arch, +zicsr

    .macro case name
    .text
    .globl \name, \name\()_at
\name:
    .endm

    .text
    .globl trap_install
trap_install:
    la t0, trap_entry
    csrw mtvec, t0
    ret

    case trap_illegal
trap_illegal_at:
    .half 0
    ret

    case trap_break
trap_break_at:
    ebreak
    ret

    case trap_ecall
trap_ecall_at:
    ecall
    ret

    case trap_load          /* nothing answers at this address on either board */
    li t0, 0x0e000000
trap_load_at:
    lw t1, 0(t0)
    ret

    case trap_store
    li t0, 0x0e000000
trap_store_at:
    sw t1, 0(t0)
    ret

    case trap_float_off
    li t0, 0x6000
    csrc mstatus, t0
trap_float_off_at:
    fadd.s fa0, fa0, fa0
    ret
