/* SPDX-License-Identifier: Apache-2.0 */
/* test_tile_regs.c - the tile as its own software sees it: every register, both devices, code lock,
 * traps, and the cycle in which things happen. Programs are a few instructions, written here. */
#include "base/xalloc.h"
#include "fixture/fabric_rig.h"
#include "hal/mmio.h"
#include "harness.h"
#include "isa/rvasm.h"

#include <stdlib.h>
#include <string.h>

enum { VALUE = 5, SCRATCH = 6, REGS = 10, DATA = 11, DATA_OFFSET = 0x3000 };

struct prog {
    uint8_t code[TILE_CODE_BYTES], rom[TILE_ROM_BYTES];
    uint32_t used;
    struct firmware firmware;
    struct wafer *w;
    char *text; /* what tiles printed */
    size_t text_bytes;
    FILE *console;
};

static void emit(struct prog *p, uint32_t insn)
{
    memcpy(p->code + p->used, &insn, 4);
    p->used += 4;
}

static void li(struct prog *p, uint8_t rd, uint32_t value)
{
    uint32_t low = (value & 0xfffu) ^ 0x800u;
    int32_t add = (int32_t)low - 0x800;
    emit(p, rvasm(lui, .rd = rd, .imm = (int32_t)(value - (uint32_t)add)));
    emit(p, rvasm(addi, .rd = rd, .rs1 = rd, .imm = add));
}

/* The register at this offset = value: 3 instructions, 3 cycles. */
static void put(struct prog *p, uint32_t reg, uint32_t value)
{
    li(p, VALUE, value);
    emit(p, rvasm(sw, .rs1 = REGS, .rs2 = VALUE, .imm = (int32_t)reg));
}

/* word `slot` of the results = the register. */
static void get(struct prog *p, uint32_t reg, uint32_t slot)
{
    emit(p, rvasm(lw, .rd = SCRATCH, .rs1 = REGS, .imm = (int32_t)reg));
    emit(p, rvasm(sw, .rs1 = DATA, .rs2 = SCRATCH, .imm = (int32_t)(4 * slot)));
}

static void wfi(struct prog *p)
{
    emit(p, rvasm(wfi, .rd = 0));
}

enum { PROLOGUE = 4 }; /* cycles before the first instruction of a test's own */

static struct prog *prog_open(void)
{
    struct prog *p = xcalloc(1, sizeof *p);
    li(p, REGS, TILE_REGS_BASE);
    li(p, DATA, TILE_SRAM_BASE + DATA_OFFSET);
    return p;
}

static void prog_load(struct prog *p, uint32_t width, uint32_t height)
{
    struct machine m = rig_machine();
    struct err e = {0};
    p->firmware = (struct firmware){.rom = p->rom, .code = p->code, .entry = TILE_SRAM_BASE};
    struct wafer_cfg cfg = {.machine = &m,
                            .firmware = &p->firmware,
                            .width = width,
                            .height = height,
                            .engine = WAFER_PLAIN};
    CHECK_EQ(wafer_open(&p->w, &cfg, &e), 0);
    p->console = open_memstream(&p->text, &p->text_bytes);
    wafer_set_console(p->w, p->console);
}

static void prog_start(struct prog *p, uint32_t width, uint32_t height)
{
    prog_load(p, width, height);
    wafer_start_loaded(p->w);
}

static void prog_run(struct prog *p)
{
    prog_start(p, 1, 1);
    rig_run(p->w);
}

/* Run a program that must end in a fault; its text must have this part. */
static void prog_fault(struct prog *p, const char *part)
{
    struct err e = {0};
    CHECK_EQ(wafer_run_quiet(p->w, 100000, &e), -1);
    CHECK_EQ(e.kind, ERR_FAULT);
    CHECK_MSG(strstr(e.text, part), "no \"%s\" in: %s", part, e.text);
}

static void prog_close(struct prog *p)
{
    wafer_close(p->w);
    if (p->console)
        (void)fclose(p->console);
    free(p->text);
    free(p);
}

static uint32_t result(const struct prog *p, uint32_t tile, uint32_t slot)
{
    return rig_word(p->w, tile, DATA_OFFSET + 4 * slot);
}

TEST(tile_regs_where_am_i)
{
    struct prog *p = prog_open();
    get(p, REG_TILE_X, 0);
    get(p, REG_TILE_Y, 1);
    get(p, REG_FABRIC_WIDTH, 2);
    get(p, REG_FABRIC_HEIGHT, 3);
    wfi(p);
    prog_start(p, 5, 3);
    rig_run(p->w);
    for (uint32_t i = 0; i < 15; i++) {
        CHECK_EQ(result(p, i, 0), i % 5);
        CHECK_EQ(result(p, i, 1), i / 5);
        CHECK_EQ(result(p, i, 2), 5);
        CHECK_EQ(result(p, i, 3), 3);
    }
    CHECK_EQ(p->w->cores.count, 0);
    CHECK_EQ(p->w->stats.instructions, 15 * 13);
    /* 4 for the prologue, 4 times a device load of 3 and a store of 1, 1 for wfi */
    CHECK_EQ(p->w->stats.core_busy_cycles, 15 * (PROLOGUE + 4 * 4 + 1));
    prog_close(p);
}

TEST(tile_regs_events_in_order)
{
    struct prog *p = prog_open();
    put(p, REG_EVENT_POST, 9);
    put(p, REG_EVENT_POST, 0);
    put(p, REG_EVENT_POST, 63);
    wfi(p); /* does not wait */
    for (uint32_t i = 0; i < 4; i++)
        get(p, REG_EVENT_POP, i);
    wfi(p);
    prog_run(p);
    CHECK_EQ(result(p, 0, 0), 9);
    CHECK_EQ(result(p, 0, 1), 0);
    CHECK_EQ(result(p, 0, 2), 63);
    CHECK_EQ(result(p, 0, 3), UINT32_MAX);
    CHECK_EQ(p->w->cycle, PROLOGUE + 9 + 1 + 16 + 1);
    prog_close(p);
}

TEST(tile_regs_event_overflow)
{
    for (unsigned n = 64; n <= 65; n++) {
        struct prog *p = prog_open();
        for (unsigned i = 0; i < n; i++)
            put(p, REG_EVENT_POST, i % 64);
        put(p, REG_FAULT_CODE, FAULT_EVENT);
        prog_start(p, 1, 1);
        prog_fault(p, n == 64 ? "fault EVENT ("
                              : "fault EVENT_OVERFLOW (the event queue overflowed): event 0;");
        prog_close(p);
    }
}

struct moments {
    uint32_t task[8];
    uint64_t cycle[8];
    unsigned n;
};

static void note_task(void *self, uint32_t x, uint32_t y, uint32_t task, uint64_t cycle)
{
    struct moments *m = self;
    CHECK_EQ(x + y, 0);
    CHECK(m->n < 8);
    m->task[m->n] = task;
    m->cycle[m->n++] = cycle;
}

TEST(tile_regs_timer_and_task_hook)
{
    struct prog *p = prog_open();
    struct moments m = {.n = 0};
    put(p, REG_TASK, 3);
    put(p, REG_TIMER_EVENT, 7);
    put(p, REG_TIMER_START, 50);
    put(p, REG_TIMER_START, 100); /* replaces the first */
    wfi(p);
    put(p, REG_TASK, 4);
    get(p, REG_EVENT_POP, 0);
    get(p, REG_EVENT_POP, 1);
    get(p, REG_TASK, 2);
    wfi(p);
    prog_start(p, 1, 1);
    wafer_set_task_hook(p->w, note_task, &m);
    rig_run(p->w);
    CHECK_EQ(result(p, 0, 0), 7);
    CHECK_EQ(result(p, 0, 1), UINT32_MAX);
    CHECK_EQ(result(p, 0, 2), 4);
    CHECK_EQ(m.n, 4);
    uint64_t first = PROLOGUE + 2, started = first + 9;
    CHECK_EQ(m.task[0], 3);
    CHECK_EQ(m.cycle[0], first);
    CHECK_EQ(m.task[1], UINT32_MAX); /* asleep */
    CHECK_EQ(m.cycle[1], started + 1);
    CHECK_EQ(m.task[2], 4);
    CHECK_EQ(m.cycle[2], started + 100 + 2); /* woken at + 100, two instructions before the store */
    CHECK_EQ(m.task[3], UINT32_MAX);
    struct wafer_stats s;
    wafer_stats(p->w, &s);
    CHECK(s.cycles_skipped > 95); /* the sleep costs nothing */
    prog_close(p);
}

/* mcycle counts the tile's cycles, asleep or not. */
TEST(tile_mcycle)
{
    struct prog *p = prog_open();
    put(p, REG_TIMER_START, 1000); /* in cycle 4 + 2 */
    emit(p, rvasm(csrrs, .rd = 20, .rs1 = 0, .imm = 0xb00));
    wfi(p);
    emit(p, rvasm(csrrs, .rd = 21, .rs1 = 0, .imm = 0xb00));
    get(p, REG_EVENT_POP, 0);
    wfi(p);
    prog_run(p);
    CHECK_EQ(p->w->tile[0].core.x[20], PROLOGUE + 3);
    CHECK_EQ(p->w->tile[0].core.x[21], PROLOGUE + 2 + 1000);
    prog_close(p);
}

TEST(tile_regs_doorbell_and_busy)
{
    struct prog *p = prog_open();
    struct stream_desc d = rig_desc(STREAM_COPY, 3, 6);
    d.event = 21;
    d.src0 = 0x3100;
    d.dst = 0x3200;
    put(p, REG_STREAM_START, 0x2600); /* in cycle t: busy, 4 setup, 6 beats, free in t + 10 */
    get(p, REG_STREAM_BUSY, 0);       /* t + 1 */
    for (unsigned i = 0; i < 4; i++)
        emit(p, rvasm(addi, .rd = 7, .rs1 = 7, .imm = 1));
    get(p, REG_STREAM_BUSY, 1); /* t + 9 */
    get(p, REG_STREAM_BUSY, 2); /* t + 13 */
    get(p, REG_EVENT_POP, 3);
    wfi(p);
    prog_load(p, 1, 1);
    rig_put(p->w, 0, 0x2600, &d);
    for (uint32_t i = 0; i < 6; i++)
        rig_set_word(p->w, 0, 0x3100 + 4 * i, 100 + i);
    wafer_start_loaded(p->w);
    rig_run(p->w);
    CHECK_EQ(result(p, 0, 0), 8);
    CHECK_EQ(result(p, 0, 1), 8);
    CHECK_EQ(result(p, 0, 2), 0);
    CHECK_EQ(result(p, 0, 3), 21);
    CHECK_EQ(rig_word(p->w, 0, 0x3200 + 20), 105);
    prog_close(p);
}

TEST(tile_regs_stream_faults)
{
    static const struct {
        uint32_t offset;
        uint8_t op;
        const char *text;
    } bad[] = {
        {0x2602, STREAM_COPY, "no descriptor can be at 0x2602"},
        {TILE_CODE_BYTES - 4, STREAM_COPY, "no descriptor can be at 0x18fc"},
        {TILE_SRAM_BYTES - 28, STREAM_COPY, "no descriptor can be at 0xbfe4"},
        {0xffffffe0, STREAM_COPY, "no descriptor can be at 0xffffffe0"},
        {0x2600, 99, "fault STREAM (a bad stream descriptor): descriptor at 0x2600, op 99: BAD_OP"},
        {0x2600, STREAM_RECV, "descriptor at 0x2600, op 2: BAD_DEST"}, /* into locked code */
    };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct prog *p = prog_open();
        struct stream_desc d = rig_desc((enum stream_op)bad[i].op, 0, 1);
        d.dst = 0x1000;
        put(p, REG_STREAM_START, bad[i].offset);
        wfi(p);
        prog_load(p, 1, 1);
        rig_put(p->w, 0, 0x2600, &d);
        wafer_start_loaded(p->w);
        prog_fault(p, bad[i].text);
        prog_close(p);
    }
    struct prog *p = prog_open();
    struct stream_desc d = rig_desc(STREAM_RECV, 2, 1);
    d.dst = 0x3000;
    put(p, REG_STREAM_START, 0x2600);
    put(p, REG_STREAM_START, 0x2600);
    prog_load(p, 1, 1);
    rig_put(p->w, 0, 0x2600, &d);
    wafer_start_loaded(p->w);
    prog_fault(p, "fault THREAD_BUSY (a descriptor was started on a busy thread): thread 2, "
                  "descriptor at 0x2600; pc 0x80000024 task 0 cycle 9");
    prog_close(p);
}

TEST(tile_regs_routes_and_queues_read_back)
{
    struct prog *p = prog_open();
    put(p, REG_QUEUE_COLOUR + 4 * 6, 13);
    put(p, REG_ROUTE + 4 * (4 * 13 + 2), ROUTE_WORD(AT_NORTH | AT_WEST, AT_SOUTH | AT_RAMP));
    put(p, REG_ROUTE_MODE + 4 * 13, 3 | ROUTE_MODE_RING);
    get(p, REG_QUEUE_COLOUR + 4 * 6, 0);
    get(p, REG_ROUTE + 4 * (4 * 13 + 2), 1);
    get(p, REG_ROUTE_MODE + 4 * 13, 2);
    get(p, REG_QUEUE_COLOUR + 4 * 7, 3);
    get(p, REG_QUEUE_COLOUR, 4);
    put(p, REG_QUEUE_COLOUR, 0xff);
    get(p, REG_QUEUE_COLOUR, 5);
    wfi(p);
    prog_run(p);
    CHECK_EQ(result(p, 0, 0), 13);
    CHECK_EQ(result(p, 0, 1), ROUTE_WORD(AT_NORTH | AT_WEST, AT_SOUTH | AT_RAMP));
    CHECK_EQ(result(p, 0, 2), 11);
    CHECK_EQ(result(p, 0, 3), 0xff);
    CHECK_EQ(result(p, 0, 4), COLOUR_IMAGE);
    CHECK_EQ(result(p, 0, 5), 0xff);
    CHECK_EQ(p->w->router[0].takes[13], AT_NORTH | AT_WEST);
    CHECK_EQ(p->w->tile[0].queue_of[13], 6);
    CHECK_EQ(p->w->tile[0].queue_of[COLOUR_IMAGE], NO_QUEUE);
    prog_close(p);
}

static void check_register_fault(uint32_t insn, const char *text)
{
    struct prog *p = prog_open();
    li(p, VALUE, 0x2020);
    emit(p, insn);
    wfi(p);
    prog_start(p, 1, 1);
    prog_fault(p, text);
    prog_close(p);
}

TEST(tile_regs_bad_accesses)
{
    check_register_fault(rvasm(lbu, .rd = 1, .rs1 = REGS, .imm = 0),
                         "1-byte load at register 0x000");
    check_register_fault(rvasm(lw, .rd = 1, .rs1 = REGS, .imm = 2),
                         "4-byte load at register 0x002");
    check_register_fault(rvasm(lw, .rd = 1, .rs1 = REGS, .imm = 0x30), "load at register 0x030");
    check_register_fault(rvasm(lw, .rd = 1, .rs1 = REGS, .imm = 0x380), "load at register 0x380");
    check_register_fault(rvasm(lw, .rd = 1, .rs1 = REGS, .imm = REG_EVENT_POST),
                         "load at register");
    check_register_fault(
        rvasm(sw, .rs1 = REGS, .rs2 = 0, .imm = REG_TILE_X),
        "tile (0,0) fault REGISTER (a bad access to a tile register): 4-byte store "
        "at register 0x000; pc 0x80000018 task 0 cycle 6");
    check_register_fault(rvasm(sh, .rs1 = REGS, .rs2 = 0, .imm = REG_TASK), "2-byte store");
    check_register_fault(rvasm(sw, .rs1 = REGS, .rs2 = VALUE, .imm = REG_EVENT_POST),
                         "event number 8224");
    check_register_fault(rvasm(sw, .rs1 = REGS, .rs2 = VALUE, .imm = REG_TIMER_EVENT),
                         "event number 8224");
    check_register_fault(rvasm(sw, .rs1 = REGS, .rs2 = VALUE, .imm = REG_ROUTE + 8),
                         "route word 0x2020 of colour 0");
    check_register_fault(rvasm(sw, .rs1 = REGS, .rs2 = VALUE, .imm = REG_ROUTE_MODE + 8),
                         "route mode 0x2020 of colour 2");
    check_register_fault(rvasm(sw, .rs1 = REGS, .rs2 = VALUE, .imm = REG_QUEUE_COLOUR),
                         "colour 8224 for queue 0");
}

TEST(tile_regs_fault_record)
{
    struct prog *p = prog_open();
    put(p, REG_TASK, 5);
    put(p, REG_FAULT_FILE, 4);
    put(p, REG_FAULT_LINE, 88);
    put(p, REG_FAULT_PC, 0x80000412);
    put(p, REG_FAULT_INFO, 0x1234);
    put(p, REG_FAULT_STACK_FREE, 100);
    put(p, REG_FAULT_CODE, FAULT_STACK);
    prog_start(p, 1, 1);
    prog_fault(p, "tile (0,0) fault STACK (the stack guard was overwritten) sched.c:88 pc "
                  "0x80000412 task 5 cycle 24 info 0x1234, stack free 100");
    CHECK_EQ(p->w->cores.count, 0); /* halted */
    prog_close(p);
}

TEST(tile_regs_trap_without_handler)
{
    struct prog *p = prog_open();
    emit(p, 0xffffffff);
    prog_start(p, 1, 1);
    prog_fault(p,
               "tile (0,0) fault TRAP (the core trapped): illegal instruction, value 0xffffffff; "
               "pc 0x80000010 task 0 cycle 4");
    prog_close(p);
}

/* The handler gets the first trap; a second one is the emulator's. */
TEST(tile_regs_trap_handler)
{
    for (unsigned again = 0; again < 2; again++) {
        struct prog *p = prog_open();
        li(p, VALUE, TILE_SRAM_BASE + 0x100);
        emit(p, rvasm(csrrw, .rd = 0, .rs1 = VALUE, .imm = 0x305)); /* mtvec */
        emit(p, rvasm(lw, .rd = 1, .rs1 = 0, .imm = 0));            /* nothing is at 0 */
        p->used = 0x100;
        if (again)
            emit(p, rvasm(sw, .rs1 = 0, .rs2 = 0, .imm = 4));
        put(p, REG_FAULT_FILE, 1);
        put(p, REG_FAULT_INFO, CORE_LOAD_FAULT);
        put(p, REG_FAULT_CODE, FAULT_TRAP);
        prog_start(p, 1, 1);
        prog_fault(p, again
                          ? "store outside writable memory, value 0x4, in the trap handler; "
                            "pc 0x80000100"
                          : "trap.S:0 pc 0x00000000 task 0 cycle 19 info 0x5 load outside memory");
        prog_close(p);
    }
}

TEST(tile_code_is_read_only_and_shared)
{
    struct prog *p = prog_open();
    li(p, VALUE, TILE_SRAM_BASE + TILE_CODE_BYTES - 2);
    emit(p, rvasm(sh, .rs1 = VALUE, .rs2 = VALUE, .imm = 2)); /* the first byte after it */
    emit(p, rvasm(sw, .rs1 = VALUE, .rs2 = VALUE, .imm = 0)); /* straddles */
    prog_start(p, 2, 1);
    CHECK_EQ(p->w->tile[0].code, CODE_SHARED);
    CHECK_EQ(p->w->tile[0].sram[0], 0); /* no page of its own */
    prog_fault(p, "store outside writable memory, value 0x800018fe");
    uint8_t *sram = xcalloc(1, TILE_SRAM_BYTES);
    wafer_read(p->w, 1, 0, sram);
    CHECK_EQ(memcmp(sram, p->code, TILE_CODE_BYTES), 0);
    CHECK_EQ(sram[TILE_CODE_BYTES] | sram[TILE_CODE_BYTES + 1] << 8, 0x18fe);
    free(sram);
    prog_close(p);
}

/* A copy of the image that turns out to be one is given back, and nothing beside it. */
TEST(tile_gives_back_nothing_but_code)
{
    struct prog *p = prog_open();
    memset(p->code, 0x5a, sizeof p->code);
    prog_load(p, 40, 1);
    for (uint32_t i = 0; i < 40; i++) {
        struct tile *tile = &p->w->tile[i];
        tile_own_code(p->w, i);
        memcpy(tile->sram, p->code, TILE_CODE_BYTES);
        memset(tile->sram + TILE_CODE_BYTES, 0xa5, TILE_SRAM_BYTES - TILE_CODE_BYTES);
    }
    for (uint32_t i = 0; i < 40; i++)
        tile_lock_code(p->w, i);
    for (uint32_t i = 0; i < 40; i++) {
        const struct tile *tile = &p->w->tile[i];
        CHECK_EQ(tile->code, CODE_SHARED);
        CHECK_EQ(tile->sram[0], 0);
        for (uint32_t at = TILE_CODE_BYTES; at < TILE_SRAM_BYTES; at++)
            CHECK_EQ(tile->sram[at], 0xa5);
    }
    prog_close(p);
}

/* A descriptor may read constants out of shared code. */
TEST(tile_stream_reads_code)
{
    struct prog *p = prog_open();
    struct stream_desc copy = rig_desc(STREAM_COPY, 0, 2), scale = rig_desc(STREAM_SCALE, 1, 1);
    put(p, REG_STREAM_START, 0x2600);
    put(p, REG_STREAM_START, 0x2640);
    wfi(p);
    float two = 2, three = 3;
    memcpy(p->code + 0x1000, &two, 4);
    memcpy(p->code + TILE_CODE_BYTES - 4, &three, 4);
    copy.src0 = 0x1000;
    copy.dst = 0x3000;
    scale.src0 = 0x1000;
    scale.src1 = TILE_CODE_BYTES - 4;
    scale.dst = 0x3010;
    prog_load(p, 1, 1);
    rig_put(p->w, 0, 0x2600, &copy);
    rig_put(p->w, 0, 0x2640, &scale);
    wafer_start_loaded(p->w);
    uint64_t before = wafer_hash(p->w);
    tile_own_code(p->w, 0);
    CHECK_EQ(wafer_hash(p->w), before); /* a copy is not a different state */
    rig_run(p->w);
    float six;
    uint32_t word = rig_word(p->w, 0, 0x3010);
    memcpy(&six, &word, 4);
    CHECK(six == 6.0f);
    CHECK_EQ(rig_word(p->w, 0, 0x3000), 0x40000000);
    prog_close(p);
}

/* From reset: the ROM copies one instruction into the code region, locks it and jumps. */
TEST(tile_boots_from_rom_and_locks)
{
    for (unsigned same = 0; same < 2; same++) {
        struct prog *p = prog_open();
        li(p, 7, TILE_SRAM_BASE);
        li(p, VALUE, rvasm(wfi, .rd = 0));
        emit(p, rvasm(sw, .rs1 = 7, .rs2 = VALUE, .imm = 0));
        put(p, REG_CODE_LOCK, 1);
        emit(p, rvasm(jalr, .rd = 0, .rs1 = 7, .imm = 0));
        memcpy(p->rom, p->code, p->used);
        memset(p->code, 0, sizeof p->code);
        p->used = 0;
        emit(p, rvasm(wfi, .rd = 0));
        if (!same)
            emit(p, 1);
        prog_load(p, 2, 1);
        rig_run(p->w);
        for (uint32_t i = 0; i < 2; i++) {
            CHECK_EQ(p->w->tile[i].code, same ? CODE_SHARED : CODE_PRIVATE);
            CHECK_EQ(p->w->tile[i].core.pc, TILE_SRAM_BASE + 4);
            CHECK(p->w->tile[i].core.waiting);
            CHECK_EQ(rig_word(p->w, i, 0), 0x10500073);
        }
        prog_close(p);
    }
}

static void print(struct prog *p, const char *text)
{
    li(p, 8, TILE_UART_BASE);
    for (; *text; text++) {
        li(p, VALUE, (uint8_t)*text);
        emit(p, rvasm(sb, .rs1 = 8, .rs2 = VALUE, .imm = 0));
    }
}

TEST(tile_console_prints_whole_lines)
{
    struct prog *p = prog_open();
    print(p, "hello\r\n\nrest");
    emit(p, rvasm(lbu, .rd = SCRATCH, .rs1 = 8, .imm = 5)); /* line status: can send */
    emit(p, rvasm(sw, .rs1 = DATA, .rs2 = SCRATCH, .imm = 0));
    wfi(p);
    prog_start(p, 2, 1);
    rig_run(p->w);
    CHECK_EQ(result(p, 1, 0), 0x60);
    wafer_close(p->w);
    p->w = NULL;
    (void)fflush(p->console);
    CHECK_STR(p->text, "(0,0) hello\n(1,0) hello\n(0,0) \n(1,0) \n(0,0) rest\n(1,0) rest\n");
    prog_close(p);
}

TEST(tile_exit_device)
{
    struct prog *p = prog_open();
    li(p, 8, TILE_EXIT_BASE);
    li(p, VALUE, TILE_EXIT_PASS);
    emit(p, rvasm(sw, .rs1 = 8, .rs2 = VALUE, .imm = 0));
    put(p, REG_FAULT_CODE, FAULT_EVENT); /* not reached */
    prog_run(p);
    CHECK(p->w->tile[0].halted);
    prog_close(p);

    p = prog_open();
    li(p, 8, TILE_EXIT_BASE);
    li(p, VALUE, 7u << 16 | TILE_EXIT_FAIL);
    emit(p, rvasm(sw, .rs1 = 8, .rs2 = VALUE, .imm = 0));
    prog_start(p, 1, 1);
    prog_fault(p, "tile (0,0) gave 0x73333 (code 7) to the exit device");
    prog_close(p);
}

/* Cores sleep and wake on other tiles' words: a ping-pong between two cores, one event each. */
TEST(tile_cores_wake_on_streams)
{
    struct prog *p = prog_open();
    struct stream_desc send = rig_desc(STREAM_SEND, 0, 1), recv = rig_desc(STREAM_RECV, 1, 1);
    for (unsigned i = 0; i < 10; i++) {
        put(p, REG_STREAM_START, 0x2620); /* receive */
        wfi(p);
        get(p, REG_EVENT_POP, i);
        put(p, REG_STREAM_START, 0x2600); /* and answer */
    }
    wfi(p);
    prog_load(p, 2, 1);
    recv.event = 33;
    recv.dst = 0x3800;
    send.src0 = 0x3800;
    for (uint32_t i = 0; i < 2; i++) {
        unsigned in = 3 + i, out = 4 - i, far = i ? AT_WEST : AT_EAST;
        rig_route(p->w, i, in, far, AT_RAMP);
        rig_route(p->w, i, out, AT_RAMP, far);
        rig_bind(p->w, i, 2, in);
        recv.src1 = (uint16_t)in;
        send.dst = (uint16_t)out;
        rig_put(p->w, i, 0x2600, &send);
        rig_put(p->w, i, 0x2620, &recv);
    }
    wafer_start_loaded(p->w);
    rig_set_word(p->w, 0, 0x3800, 4711);
    engine_start(p->w, 0, 0x2600); /* the first ball */
    rig_run(p->w);
    for (unsigned i = 0; i < 10; i++) {
        CHECK_EQ(result(p, 0, i), 33);
        CHECK_EQ(result(p, 1, i), 33);
    }
    CHECK_EQ(rig_word(p->w, 1, 0x3800), 4711);
    CHECK_EQ(p->w->stats.wavelets_sent, 21);
    CHECK_EQ(p->w->stats.wavelets_received, 21);
    prog_close(p);
}
