/* SPDX-License-Identifier: Apache-2.0 */
/* test_integer.c - arithmetic, branches, jumps and memory of RV32IM: facts from the manual. */
#include "board.h"

struct binary {
    uint8_t op;
    uint32_t a, b, want;
};

TEST(integer_register_forms)
{
    static const struct binary cases[] = {
        {CORE_OP_add, 0xffffffff, 2, 1},
        {CORE_OP_sub, 0, 1, 0xffffffff},
        {CORE_OP_sll, 1, 33, 2}, /* only five bits of the count matter */
        {CORE_OP_srl, 0x80000000, 31, 1},
        {CORE_OP_sra, 0x80000000, 31, 0xffffffff},
        {CORE_OP_sra, 0x80000000, 32, 0x80000000},
        {CORE_OP_sra, 0x7fffffff, 30, 1},
        {CORE_OP_slt, 0xffffffff, 0, 1},
        {CORE_OP_sltu, 0xffffffff, 0, 0},
        {CORE_OP_xor, 0xff00ff00, 0x0ff00ff0, 0xf0f0f0f0},
        {CORE_OP_or, 0xf0, 0x0f, 0xff},
        {CORE_OP_and, 0xf0, 0x3c, 0x30},
        {CORE_OP_mul, 0x80000001, 3, 0x80000003},
        {CORE_OP_mulh, 0x80000000, 0x80000000, 0x40000000},
        {CORE_OP_mulh, 0xffffffff, 1, 0xffffffff},
        {CORE_OP_mulhu, 0xffffffff, 0xffffffff, 0xfffffffe},
        {CORE_OP_mulhsu, 0xffffffff, 0xffffffff, 0xffffffff},
        {CORE_OP_mulhsu, 2, 0x80000000, 1},
        {CORE_OP_div, 0xfffffff9, 2, 0xfffffffd}, /* -7 / 2 = -3 */
        {CORE_OP_div, 7, 0, 0xffffffff},
        {CORE_OP_div, 0x80000000, 0xffffffff, 0x80000000},
        {CORE_OP_divu, 0xfffffff9, 2, 0x7ffffffc},
        {CORE_OP_divu, 7, 0, 0xffffffff},
        {CORE_OP_rem, 0xfffffff9, 2, 0xffffffff},
        {CORE_OP_rem, 7, 0, 7},
        {CORE_OP_rem, 0x80000000, 0xffffffff, 0},
        {CORE_OP_remu, 0xfffffff9, 10, 9},
        {CORE_OP_remu, 7, 0, 7},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct board b;
        board_open(&b);
        b.core.x[6] = cases[k].a;
        b.core.x[7] = cases[k].b;
        struct core_insn i = {.op = cases[k].op, .rd = 5, .rs1 = 6, .rs2 = 7};
        board_step(&b, rvasm_encode(i));
        CHECK_MSG(b.core.x[5] == cases[k].want, "%s 0x%x, 0x%x gave 0x%x",
                  core_insn_rows[i.op].name, cases[k].a, cases[k].b, b.core.x[5]);
        CHECK_EQ(b.core.pc, BOARD_BASE + 4);
        CHECK_EQ(b.core.minstret, 1);
    }
}

TEST(integer_immediate_forms)
{
    static const struct binary cases[] = {
        {CORE_OP_addi, 5, 0xfffff800, 0xfffff805},
        {CORE_OP_slti, 0xfffffffe, 0xffffffff, 1},
        {CORE_OP_sltiu, 5, 0xffffffff, 1}, /* sign-extended first, then unsigned */
        {CORE_OP_xori, 0x0f, 0xffffffff, 0xfffffff0},
        {CORE_OP_ori, 0xf0, 0xfffff80f, 0xfffff8ff},
        {CORE_OP_andi, 0xffffffff, 0x7ff, 0x7ff},
        {CORE_OP_slli, 1, 31, 0x80000000},
        {CORE_OP_srli, 0x80000000, 4, 0x08000000},
        {CORE_OP_srai, 0x80000000, 4, 0xf8000000},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct board b;
        board_open(&b);
        b.core.x[6] = cases[k].a;
        struct core_insn i = {.op = cases[k].op, .rd = 5, .rs1 = 6, .imm = (int32_t)cases[k].b};
        board_step(&b, rvasm_encode(i));
        CHECK_MSG(b.core.x[5] == cases[k].want, "%s gave 0x%x", core_insn_rows[i.op].name,
                  b.core.x[5]);
    }
}

TEST(integer_upper_immediates_and_x0)
{
    struct board b;
    board_open(&b);
    board_step(&b, rvasm(lui, .rd = 5, .imm = (int32_t)0xfffff000));
    CHECK_EQ(b.core.x[5], 0xfffff000);
    board_step(&b, rvasm(auipc, .rd = 5, .imm = 0x1000));
    CHECK_EQ(b.core.x[5], BOARD_BASE + 4 + 0x1000);
    board_step(&b, rvasm(addi, .rd = 0, .rs1 = 5, .imm = 1));
    CHECK_EQ(b.core.x[0], 0);
}

TEST(branch_conditions_and_cost)
{
    static const struct binary cases[] = {
        {CORE_OP_beq, 5, 5, 1},           {CORE_OP_beq, 5, 6, 0},
        {CORE_OP_bne, 5, 6, 1},           {CORE_OP_bne, 5, 5, 0},
        {CORE_OP_blt, 0xffffffff, 0, 1},  {CORE_OP_blt, 0, 0, 0},
        {CORE_OP_bge, 0, 0, 1},           {CORE_OP_bge, 0xffffffff, 0, 0},
        {CORE_OP_bltu, 0, 0xffffffff, 1}, {CORE_OP_bltu, 0xffffffff, 0, 0},
        {CORE_OP_bgeu, 0xffffffff, 0, 1}, {CORE_OP_bgeu, 0, 1, 0},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct board b;
        board_open(&b);
        b.core.pc += 64;
        b.core.x[6] = cases[k].a;
        b.core.x[7] = cases[k].b;
        struct core_insn i = {.op = cases[k].op, .rs1 = 6, .rs2 = 7, .imm = -62};
        unsigned cost = board_step(&b, rvasm_encode(i));
        CHECK_EQ(b.core.pc, BOARD_BASE + 64 + (cases[k].want ? 0u - 62 : 4));
        CHECK_EQ(cost, cases[k].want ? CORE_COST_BRANCH_TAKEN : CORE_COST_BRANCH);
    }
}

TEST(jumps_link_and_clear_bit_0)
{
    struct board b;
    board_open(&b);
    board_step(&b, rvasm(jal, .rd = 1, .imm = 0x102));
    CHECK_EQ(b.core.pc, BOARD_BASE + 0x102);
    CHECK_EQ(b.core.x[1], BOARD_BASE + 4);
    b.core.x[5] = BOARD_BASE + 0x200;
    CHECK_EQ(board_step(&b, rvasm(jalr, .rd = 5, .rs1 = 5, .imm = 5)), CORE_COST_JUMP);
    CHECK_EQ(b.core.pc, BOARD_BASE + 0x204);
    CHECK_EQ(b.core.x[5], BOARD_BASE + 0x106);
}

TEST(jump_reaches_its_limits)
{
    static const int32_t far[] = {-1048576, 1048574, -2, 2048, -2050};
    for (size_t k = 0; k < sizeof far / sizeof *far; k++) {
        struct core_insn i = core_decode(rvasm(jal, .rd = 1, .imm = far[k]));
        CHECK_EQ(i.op, CORE_OP_jal);
        CHECK_EQ(i.imm, far[k]);
    }
}

TEST(loads_extend_and_stores_keep_neighbours)
{
    struct board b;
    board_open(&b);
    b.core.x[6] = BOARD_DATA;
    b.core.x[7] = 0x12348687;
    board_step(&b, rvasm(sw, .rs1 = 6, .rs2 = 7, .imm = -4));
    board_step(&b, rvasm(lb, .rd = 5, .rs1 = 6, .imm = -4));
    CHECK_EQ(b.core.x[5], 0xffffff87);
    board_step(&b, rvasm(lbu, .rd = 5, .rs1 = 6, .imm = -4));
    CHECK_EQ(b.core.x[5], 0x87);
    board_step(&b, rvasm(lh, .rd = 5, .rs1 = 6, .imm = -4));
    CHECK_EQ(b.core.x[5], 0xffff8687);
    board_step(&b, rvasm(lhu, .rd = 5, .rs1 = 6, .imm = -2));
    CHECK_EQ(b.core.x[5], 0x1234);
    board_step(&b, rvasm(sb, .rs1 = 6, .rs2 = 6, .imm = -3));
    board_step(&b, rvasm(sh, .rs1 = 6, .rs2 = 0, .imm = -2));
    board_step(&b, rvasm(lw, .rd = 5, .rs1 = 6, .imm = -4));
    CHECK_EQ(b.core.x[5], 0x00000087);
}

/* The same accesses through the window and over the bus: same values, same cost. */
TEST(window_and_bus_agree)
{
    for (unsigned shift = 0; shift < 4; shift++) {
        struct board b, w;
        board_open(&b);
        board_open(&w);
        w.core.ram = (struct core_window){BOARD_DATA, 64, w.memory + 2048};
        for (unsigned k = 0; k < 16; k++) {
            struct core_insn i = {.op = (uint8_t)(CORE_OP_lb + k % 8), .rs1 = 6, .rs2 = 7};
            i.rd = 5;
            i.imm = (int32_t)(k * 3 + shift);
            b.core.x[6] = w.core.x[6] = BOARD_DATA;
            b.core.x[7] = w.core.x[7] = 0x81828384 + k;
            CHECK_EQ(board_step(&b, rvasm_encode(i)), board_step(&w, rvasm_encode(i)));
            CHECK_EQ(b.core.x[5], w.core.x[5]);
        }
        CHECK(memcmp(b.memory, w.memory, sizeof b.memory) == 0);
    }
}

TEST(memory_costs)
{
    struct board b;
    board_open(&b);
    b.core.x[6] = BOARD_DATA;
    b.core.x[8] = BOARD_DEVICE;
    CHECK_EQ(board_step(&b, rvasm(lw, .rd = 5, .rs1 = 6)), CORE_COST_LOAD);
    CHECK_EQ(board_step(&b, rvasm(lw, .rd = 5, .rs1 = 6, .imm = 2)),
             CORE_COST_LOAD + CORE_COST_MISALIGNED);
    CHECK_EQ(board_step(&b, rvasm(sh, .rs1 = 6, .rs2 = 5, .imm = 1)),
             CORE_COST_STORE + CORE_COST_MISALIGNED);
    CHECK_EQ(board_step(&b, rvasm(lb, .rd = 5, .rs1 = 6, .imm = 1)), CORE_COST_LOAD);
    CHECK_EQ(board_step(&b, rvasm(lw, .rd = 5, .rs1 = 8)), CORE_COST_DEVICE_LOAD);
    CHECK_EQ(board_step(&b, rvasm(sw, .rs1 = 8, .rs2 = 6)), CORE_COST_DEVICE_STORE);
    CHECK_EQ(b.device, BOARD_DATA);
    CHECK_EQ(b.device_accesses, 2);
}

/* The table of costs against the classes, one instruction of each. */
TEST(every_class_has_its_cost)
{
    static const struct {
        uint32_t w;
        unsigned cost;
    } cases[] = {
        {0x02628233, 1},                   /* mul tp,t0,t1 */
        {0x0262c233, 16},                  /* div */
        {0x34029073, 1},                   /* csrw mscratch,t0 */
        {0x00000013, 1},  {0x0ff0000f, 1}, /* fence */
        {0x00000073, 4},                   /* ecall */
        {0x00007053, 2},                   /* fadd.s */
        {0x10007053, 2},                   /* fmul.s */
        {0x00007043, 2},                   /* fmadd.s */
        {0x18007053, 12},                  /* fdiv.s */
        {0x58007053, 16},                  /* fsqrt.s */
        {0xc0007053, 2},                   /* fcvt.w.s */
        {0x20000053, 1},                   /* fsgnj.s */
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct board b;
        board_open(&b);
        CHECK_EQ(board_step(&b, cases[k].w), cases[k].cost);
    }
}
