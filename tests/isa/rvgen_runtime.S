/* SPDX-License-Identifier: Apache-2.0 */
/* rvgen_runtime.S - runs the programs that tool_rvgen wrote, one after the other, and prints what each
 * left behind. Assembled with -DBLOB="file"; the record layout is that of struct record in tool_rvgen.c.
 *
 * tp is the one register the programs must not touch: it points to the save area below. */
.option arch, +zicsr

#define SANDBOX 0x80800000      /* 8 KiB the programs read and write */
#define SANDBOX_WORDS 2048
#define SAVE 0x80810000
#define UART 0x10000000
#define EXIT 0x00100000

/* the save area, offsets from tp */
#define SAVE_X 0                /* x0..x31 */
#define SAVE_F 128              /* f0..f31 */
#define SAVE_CSR 256            /* fcsr mstatus mscratch mie mtvec, trap count, trap hash, memory hash */
#define TRAPS (SAVE_CSR + 20)
#define TRAP_HASH (SAVE_CSR + 24)
#define MEMORY_HASH (SAVE_CSR + 28)
#define DUMP_WORDS 72
#define RECORD 288              /* the record of the running program */
#define CUT 292                 /* a trap from here to CODE_END ends the program */
#define CODE_END 296
#define NUMBER 300

/* a record, offsets from its start */
#define R_BYTES 0
#define R_CUT 4
#define R_FCSR 8
#define R_SEED 12
#define R_X 16
#define R_F 144
#define R_TABLE 272             /* 64 words */
#define R_CODE 528

#define MSTATUS_FS 0x6000
#define MSTATUS_MPP 0x1800
#define TRAPS_MAX 4000

    .section .text.start
    .globl _start
_start:
    la t0, trap
    csrw mtvec, t0
    csrw mie, zero
    li tp, SAVE
    la s0, blob
    sw zero, NUMBER(tp)

next_program: /* s0 = record */
    lw t0, R_BYTES(s0)
    bnez t0, 1f
    li t0, EXIT
    li t1, 0x5555
    sw t1, 0(t0)
1:  sw s0, RECORD(tp)
    add t0, s0, t0
    sw t0, CODE_END(tp)
    lw t0, R_CUT(s0)
    add t0, s0, t0
    sw t0, CUT(tp)
    sw zero, TRAPS(tp)
    sw zero, TRAP_HASH(tp)

    /* even words of the sandbox come from the table, odd ones are random */
    li t0, SANDBOX
    li t1, 0
    lw t2, R_SEED(s0)
2:  andi t3, t1, 63
    slli t3, t3, 2
    add t3, t3, s0
    lw t3, R_TABLE(t3)
    sw t3, 0(t0)
    slli t3, t2, 13
    xor t2, t2, t3
    srli t3, t2, 17
    xor t2, t2, t3
    slli t3, t2, 5
    xor t2, t2, t3
    sw t2, 4(t0)
    addi t0, t0, 8
    addi t1, t1, 1
    li t3, SANDBOX_WORDS / 2
    bne t1, t3, 2b

    li t0, MSTATUS_FS | MSTATUS_MPP
    csrw mstatus, t0
    csrw mie, zero
    csrw mcause, zero
    csrw mtval, zero
    lw t0, R_SEED(s0)
    csrw mscratch, t0
    lw t0, R_FCSR(s0)
    csrw fcsr, t0
    addi t0, s0, R_CODE
    csrw mepc, t0
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    flw f\n, R_F + 4*\n(s0)
    .endr
    .irp n, 1,2,3,5,6,7,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    lw x\n, R_X + 4*\n(s0)
    .endr
    lw s0, R_X + 32(s0)
    mret

    .align 2
trap: /* log it, then go on behind the instruction, or at ra if the fetch itself failed */
    .irp n, 5,6,7,28,29
    sw x\n, SAVE_X + 4*\n(tp)
    .endr
    csrr t0, mcause
    csrr t1, mepc
    csrr t2, mtval
    lw t3, TRAP_HASH(tp)
    .irp r, t0,t1,t2
    slli t4, t3, 5
    add t3, t3, t4
    xor t3, t3, \r
    .endr
    sw t3, TRAP_HASH(tp)
    lw t3, TRAPS(tp)
    addi t3, t3, 1
    sw t3, TRAPS(tp)
    li t4, TRAPS_MAX
    bgtu t3, t4, finish
    li t4, 1
    beq t0, t4, 3f
    lw t4, CUT(tp)
    bltu t1, t4, 1f
    lw t4, CODE_END(tp)
    bltu t1, t4, finish
1:  lhu t4, 0(t1)
    andi t4, t4, 3
    addi t1, t1, 2
    addi t4, t4, -3
    bnez t4, 2f
    addi t1, t1, 2
2:  csrw mepc, t1
    j 4f
3:  csrw mepc, ra
4:  .irp n, 5,6,7,28,29
    lw x\n, SAVE_X + 4*\n(tp)
    .endr
    mret

finish: /* x5, x6, x7, x28, x29 are saved already */
    sw zero, SAVE_X(tp)
    .irp n, 1,2,3,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,30,31
    sw x\n, SAVE_X + 4*\n(tp)
    .endr
    sw zero, SAVE_X + 16(tp)
    csrr t0, mstatus
    li t1, MSTATUS_MPP /* the manual lets it read anything legal after mret */
    not t1, t1
    and t0, t0, t1
    sw t0, SAVE_CSR + 4(tp)
    li t1, MSTATUS_FS | MSTATUS_MPP
    csrw mstatus, t1
    csrr t0, fcsr
    sw t0, SAVE_CSR(tp)
    csrr t0, mscratch
    sw t0, SAVE_CSR + 8(tp)
    csrr t0, mie
    sw t0, SAVE_CSR + 12(tp)
    csrr t0, mtvec
    sw t0, SAVE_CSR + 16(tp)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsw f\n, SAVE_F + 4*\n(tp)
    .endr

    li t0, SANDBOX
    li t1, SANDBOX_WORDS
    li t2, 0
5:  lw t3, 0(t0)
    slli t4, t2, 5
    add t2, t2, t4
    xor t2, t2, t3
    addi t0, t0, 4
    addi t1, t1, -1
    bnez t1, 5b
    sw t2, MEMORY_HASH(tp)

    lw a0, NUMBER(tp)
    li a5, 1
    jal print_word
    lw t0, NUMBER(tp)
    addi t0, t0, 1
    sw t0, NUMBER(tp)
    li s1, 0
6:  slli t0, s1, 2
    add t0, t0, tp
    lw a0, 0(t0)
    addi s1, s1, 1
    andi a5, s1, 7
    jal print_word
    li t0, DUMP_WORDS
    bne s1, t0, 6b
    lw s0, RECORD(tp)
    lw t0, R_BYTES(s0)
    add s0, s0, t0
    j next_program

print_word: /* a0 in hexadecimal, then a blank, or a newline if a5 is 0 */
    li a1, UART
    li a2, 28
7:  srl a3, a0, a2
    andi a3, a3, 15
    addi a3, a3, '0'
    li a4, '9'
    ble a3, a4, 8f
    addi a3, a3, 'a' - '0' - 10
8:  sb a3, 0(a1)
    addi a2, a2, -4
    bgez a2, 7b
    li a3, ' '
    bnez a5, 9f
    li a3, '\n'
9:  sb a3, 0(a1)
    ret

    .section .rodata
    .align 2
blob:
    .incbin BLOB
    .align 2
    .word 0
