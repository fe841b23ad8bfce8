/* SPDX-License-Identifier: Apache-2.0 */
/* test_decode.c - the instruction table, compressed forms, predecoded images, the disassembler. */
#include "board.h"

#include "base/rng.h"

/* No word belongs to two rows, and an encoded instruction decodes to itself. */
TEST(table_is_unambiguous_and_round_trips)
{
    struct rng r = {t->seed};
    for (unsigned op = 1; op < CORE_OPS; op++) {
        const struct core_insn_row *a = &core_insn_rows[op];
        CHECK_MSG((a->match & ~a->mask) == 0 && (a->match & 3) == 3, "%s", a->name);
        for (unsigned other = op + 1; other < CORE_OPS; other++) {
            const struct core_insn_row *b = &core_insn_rows[other];
            CHECK_MSG((a->match ^ b->match) & a->mask & b->mask, "%s and %s", a->name, b->name);
        }
        for (unsigned k = 0; k < 100; k++) {
            uint32_t w = a->match | ((uint32_t)rng_next(&r) & ~a->mask);
            struct core_insn i = core_decode(w);
            CHECK_EQ(i.op, op);
            CHECK_EQ(i.bytes, 4);
            CHECK_EQ(i.raw, w);
            CHECK_MSG(op == CORE_OP_fence || rvasm_encode(i) == w, "%s 0x%08x", a->name, w);
        }
    }
}

/* Pairs made by the GNU assembler (all but jal, which it does not compress). */
TEST(compressed_forms_stand_for)
{
    static const uint32_t pairs[][2] = {
        {0x0808, 0x01010513}, /* addi a0,sp,16 */
        {0x4110, 0x00052603}, /* lw a2,0(a0) */
        {0x5d7c, 0x07c52783}, /* lw a5,124(a0) */
        {0xdd7c, 0x06f52e23}, /* sw a5,124(a0) */
        {0x6110, 0x00052607}, /* flw fa2,0(a0) */
        {0xfd7c, 0x06f52e27}, /* fsw fa5,124(a0) */
        {0x0001, 0x00000013}, /* nop */
        {0x1501, 0xfe050513}, /* addi a0,a0,-32 */
        {0x557d, 0xfff00513}, /* li a0,-1 */
        {0x7139, 0xfc010113}, /* addi sp,sp,-64 */
        {0x617d, 0x1f010113}, /* addi sp,sp,496 */
        {0x757d, 0xfffff537}, /* lui a0,0xfffff */
        {0x817d, 0x01f55513}, /* srli a0,a0,31 */
        {0x857d, 0x41f55513}, /* srai a0,a0,31 */
        {0x9901, 0xfe057513}, /* andi a0,a0,-32 */
        {0x8d0d, 0x40b50533}, /* sub a0,a0,a1 */
        {0x8d2d, 0x00b54533}, /* xor a0,a0,a1 */
        {0x8d4d, 0x00b56533}, /* or a0,a0,a1 */
        {0x8d6d, 0x00b57533}, /* and a0,a0,a1 */
        {0xb001, 0x801ff06f}, /* j .-2048 */
        {0x2ffd, 0x7fe000ef}, /* jal .+2046 */
        {0xd101, 0xf00500e3}, /* beqz a0,.-256 */
        {0xeffd, 0x0e079f63}, /* bnez a5,.+254 */
        {0x057e, 0x01f51513}, /* slli a0,a0,31 */
        {0x557e, 0x0fc12503}, /* lw a0,252(sp) */
        {0x757e, 0x0fc12507}, /* flw fa0,252(sp) */
        {0xdfaa, 0x0ea12e23}, /* sw a0,252(sp) */
        {0xffaa, 0x0ea12e27}, /* fsw fa0,252(sp) */
        {0x8082, 0x00008067}, /* ret */
        {0x9502, 0x000500e7}, /* jalr a0 */
        {0x852e, 0x00b00533}, /* add a0,x0,a1 */
        {0x952e, 0x00b50533}, /* add a0,a0,a1 */
        {0x9002, 0x00100073}, /* ebreak */
    };
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++)
        CHECK_MSG(core_expand(pairs[k][0]) == pairs[k][1], "0x%04x became 0x%08x", pairs[k][0],
                  core_expand(pairs[k][0]));
}

TEST(compressed_reserved_forms_are_illegal)
{
    static const uint32_t reserved[] = {
        0x0000, 0x2000, 0xa000, 0x2002, 0xa002, /* double precision */
        0x8000,                                 /* reserved */
        0x6101, 0x6501,                         /* c.addi16sp 0, c.lui 0 */
        0x9101, 0x9501,                         /* shift by 32 and more */
        0x1502, 0x4002,                         /* c.slli by 32, c.lwsp to x0 */
        0x8002,                                 /* c.jr x0 */
        0x9d0d, 0x9d6d,                         /* c.subw and reserved */
    };
    for (size_t k = 0; k < sizeof reserved / sizeof *reserved; k++)
        CHECK_MSG(core_expand(reserved[k]) == 0, "0x%04x", reserved[k]);
}

/* A predecoded image and a fetch over the bus run the same program alike. */
TEST(image_runs_like_the_bus)
{
    struct rng r = {t->seed};
    for (unsigned round = 0; round < 50; round++) {
        struct board a, b;
        board_open(&a);
        for (unsigned k = 0; k < 1024; k++)
            a.memory[k] = (uint8_t)rng_next(&r);
        for (unsigned k = 1; k < 32; k++)
            a.core.x[k] = BOARD_DATA + (rng_below(&r, 1024) & ~1u);
        b = a;
        b.bus.self = &b;
        struct core_code *code = core_code_open(BOARD_BASE, b.memory, 1022);
        b.core.code = code;
        for (unsigned step = 0; step < 200 && a.core.pc - BOARD_BASE < 1022; step++) {
            CHECK_EQ(core_step(&a.core, &a.bus), core_step(&b.core, &b.bus));
            b.core.code = NULL;
            CHECK(memcmp(&a.core, &b.core, sizeof a.core) == 0);
            b.core.code = memcmp(a.memory, b.memory, 1022) == 0 ? code : NULL;
        }
        core_code_close(code);
    }
}

TEST(image_entries_follow_an_update)
{
    uint8_t bytes[16] = {0x13, 0x01, 0x01, 0x00, 0x01, 0x00, 0x13, 0x00, 0x05, 0x00};
    struct core_code *code = core_code_open(0x1000, bytes, 15);
    CHECK_EQ(code->bytes, 14);
    CHECK_EQ(code->insn[0].op, CORE_OP_addi);
    CHECK_EQ(code->insn[3].raw, 0x00050013);
    bytes[8] = 0x06; /* the second half of the instruction at 6, and what starts at 8 */
    core_code_update(code, bytes, 0x1008, 1);
    for (uint32_t at = 0; at < 14; at += 2) {
        uint32_t w = 0;
        for (uint32_t k = 0; k < 4 && at + k < 14; k++)
            w |= (uint32_t)bytes[at + k] << 8 * k;
        struct core_insn want = core_decode(w);
        CHECK(memcmp(&code->insn[at / 2], &want, sizeof want) == 0);
    }
    core_code_update(code, bytes, 0x1000, 2);
    core_code_close(code);
}

TEST(disassembly_reads_well)
{
    static const struct {
        uint32_t w;
        const char *text;
    } cases[] = {
        {0xfff50513, "addi a0,a0,-1"},       {0x00c5a283, "lw t0,12(a1)"},
        {0xfe512e23, "sw t0,-4(sp)"},        {0xfeb50ee3, "beq a0,a1,0x80000ffc"},
        {0x008000ef, "jal ra,0x80001008"},   {0x123452b7, "lui t0,0x12345"},
        {0x34051073, "csrrw zero,0x340,a0"}, {0x60c5f543, "fmadd.s fa0,fa1,fa2,fa2,dyn"},
        {0xffffffff, ".word 0xffffffff"},    {0x0000, ".word 0x0000"},
        {0x8082, "jalr zero,0(ra)"},         {0x3007d073, "csrrwi zero,0x300,15"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char text[64];
        struct core_insn i = core_decode(cases[k].w);
        core_disasm(text, sizeof text, &i, 0x80001000);
        CHECK_STR(text, cases[k].text);
    }
    char small[6];
    struct core_insn i = core_decode(0xfff50513);
    core_disasm(small, sizeof small, &i, 0);
    CHECK_STR(small, "addi ");
}
