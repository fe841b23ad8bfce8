/* SPDX-License-Identifier: Apache-2.0 */
/* test_ahead.c - cores that run ahead of the wafer (fabric/ahead.h) must not be seen doing it.
 *
 * Random programs on rows of tiles compute on the same words that their stream engines read and
 * write, look at clocks, events and busy threads, sleep, and start timers and descriptors. Cores
 * and engines also change where descriptors read and write that follow others. The plain engine
 * steps every core in every cycle; the fast one runs ahead. They are compared whenever a run ends:
 * because the hooks were called often enough, at a limit of cycles, or by a fault. */
#include "base/rng.h"
#include "fixture/engine_pair.h"
#include "fixture/fabric_rig.h"
#include "hal/mmio.h"
#include "harness.h"
#include "isa/rvasm.h"

#include <string.h>

enum {
    REGS = 10, /* x10 the registers, x11 the data, x12 scratch; x16.. are computed with */
    DATA = 11,
    SCRATCH = 12,
    COUNT = 13,
    FREE = 16
};
/* first descriptors, those that follow them, what can be written into these */
enum { DESC = 0x2600, DESCS = 4, NEXT = 0x2b00, PLACES = 0x2c00, COLOUR = 3, QUEUE = 2 };
/* words where descriptors work: first ones, those that follow, those that follow and were changed
 */
enum { WORDS = 64, DATA_OFFSET = 0x3000, MIDDLE = 0x2f00, LOW = 0x2a00 };
static const uint32_t bands[] = {DATA_OFFSET, MIDDLE, LOW};
enum { ITEMS = 120, CASES = 200, STOPS = 30 };

struct scene {
    struct pair p;
    struct rng rng;
    uint8_t code[TILE_CODE_BYTES], rom[TILE_ROM_BYTES];
    uint32_t used;
    struct firmware firmware;
    uint64_t calls[2], wanted; /* of the task hooks */
};

static uint32_t below(struct scene *s, uint32_t n)
{
    return rng_below(&s->rng, n);
}

/* ---- the program ---- */

static void emit(struct scene *s, uint32_t insn)
{
    memcpy(s->code + s->used, &insn, 4);
    s->used += 4;
}

static void li(struct scene *s, uint8_t rd, uint32_t value)
{
    uint32_t low = (value & 0xfffu) ^ 0x800u;
    int32_t add = (int32_t)low - 0x800;
    emit(s, rvasm(lui, .rd = rd, .imm = (int32_t)(value - (uint32_t)add)));
    emit(s, rvasm(addi, .rd = rd, .rs1 = rd, .imm = add));
}

static void put(struct scene *s, uint32_t reg, uint32_t value)
{
    li(s, SCRATCH, value);
    emit(s, rvasm(sw, .rs1 = REGS, .rs2 = SCRATCH, .imm = (int32_t)reg));
}

static uint8_t any(struct scene *s)
{
    return (uint8_t)(FREE + below(s, 8));
}

static int32_t any_word(struct scene *s)
{
    return (int32_t)(bands[below(s, 3)] + 4 * below(s, WORDS)) - DATA_OFFSET;
}

static void item_compute(struct scene *s)
{
    for (uint32_t n = 1 + below(s, 12); n; n--) {
        uint8_t d = any(s), a = any(s), b = any(s);
        switch (below(s, 6)) {
        case 0:
            emit(s, rvasm(add, .rd = d, .rs1 = a, .rs2 = b));
            break;
        case 1:
            emit(s, rvasm(xor, .rd = d, .rs1 = a, .rs2 = b));
            break;
        case 2:
            emit(s, rvasm(divu, .rd = d, .rs1 = a, .rs2 = b));
            break;
        case 3:
            emit(s, rvasm(sw, .rs1 = DATA, .rs2 = a, .imm = any_word(s)));
            break;
        case 4: /* sometimes misaligned */
            emit(s, rvasm(lw, .rd = d, .rs1 = DATA, .imm = any_word(s) + !below(s, 4)));
            break;
        default:
            emit(s, rvasm(csrrs, .rd = d, .imm = below(s, 2) ? 0xc00 : 0xc02));
            break;
        }
    }
}

static void item_loop(struct scene *s)
{
    emit(s, rvasm(addi, .rd = COUNT, .imm = (int32_t)(1 + below(s, 60))));
    uint32_t start = s->used;
    item_compute(s);
    emit(s, rvasm(addi, .rd = COUNT, .rs1 = COUNT, .imm = -1));
    emit(s, rvasm(bne, .rs1 = COUNT, .imm = (int32_t)(start - s->used)));
}

/* dst and src0 of a descriptor, as a word. */
static uint32_t places(struct scene *s, uint32_t base)
{
    uint32_t src0 = base + 4 * below(s, 16), dst = base + 4 * (32 + below(s, 16));
    return dst | src0 << 16;
}

/* Where a descriptor that follows others holds them. */
static uint32_t places_of_next(uint32_t k)
{
    return NEXT + 32 * k + (uint32_t)offsetof(struct stream_desc, dst);
}

static void item_places(struct scene *s)
{
    li(s, SCRATCH, places(s, LOW));
    emit(s, rvasm(sw, .rs1 = DATA, .rs2 = SCRATCH,
                  .imm = (int32_t)places_of_next(below(s, DESCS)) - DATA_OFFSET));
}

/* Ring the doorbell unless the thread is busy; what it says also goes into memory. */
static void item_stream(struct scene *s)
{
    uint32_t k = below(s, DESCS);
    emit(s, rvasm(lw, .rd = SCRATCH, .rs1 = REGS, .imm = REG_STREAM_BUSY));
    emit(s, rvasm(sw, .rs1 = DATA, .rs2 = SCRATCH, .imm = any_word(s)));
    emit(s, rvasm(andi, .rd = SCRATCH, .rs1 = SCRATCH, .imm = 1 << k));
    emit(s, rvasm(bne, .rs1 = SCRATCH, .imm = 16)); /* over put() */
    put(s, REG_STREAM_START, DESC + 32 * k);
}

static void item_events(struct scene *s)
{
    uint32_t start = s->used;
    emit(s, rvasm(lw, .rd = SCRATCH, .rs1 = REGS, .imm = REG_EVENT_POP));
    emit(s, rvasm(add, .rd = FREE, .rs1 = FREE, .rs2 = SCRATCH));
    emit(s, rvasm(bge, .rs1 = SCRATCH, .imm = (int32_t)(start - s->used)));
}

static void item_timer(struct scene *s)
{
    put(s, REG_TIMER_EVENT, below(s, 64));
    put(s, REG_TIMER_START, below(s, 80));
    if (below(s, 2))
        emit(s, rvasm(wfi, .rd = 0));
}

static void item(struct scene *s)
{
    switch (below(s, 9)) {
    case 8:
        item_places(s);
        break;
    case 0:
        item_stream(s);
        break;
    case 1:
        item_events(s);
        break;
    case 2:
        item_timer(s);
        break;
    case 3:
        put(s, REG_TASK, below(s, 1000));
        break;
    case 4:
        item_loop(s);
        break;
    case 5: /* over the next instruction, if two values are so */
        emit(s, rvasm(bltu, .rs1 = any(s), .rs2 = any(s), .imm = 8));
        item_compute(s);
        break;
    default:
        item_compute(s);
        break;
    }
}

static void write_program(struct scene *s)
{
    li(s, REGS, TILE_REGS_BASE);
    li(s, DATA, TILE_SRAM_BASE + DATA_OFFSET);
    uint32_t start = s->used;
    for (uint32_t n = 0; n < ITEMS && s->used + 512 < TILE_CODE_BYTES; n++)
        item(s);
    item_events(s);
    if (below(s, 8) == 0)
        emit(s, 0xffffffff); /* a trap in the end */
    emit(s, rvasm(jal, .rd = 0, .imm = (int32_t)(start - s->used)));
}

/* ---- the rows ---- */

static struct stream_desc memory_desc(struct scene *s, unsigned k, uint32_t base)
{
    static const enum stream_op memory[] = {STREAM_COPY, STREAM_ADD, STREAM_MUL, STREAM_COPY};
    struct stream_desc d = rig_desc(memory[below(s, 4)], k, 1 + below(s, 16));
    uint32_t at = places(s, base);
    d.event = (uint8_t)(below(s, 2) ? TILE_EVENT_NONE : below(s, 64));
    d.dst = (uint16_t)at;
    d.src0 = (uint16_t)(at >> 16);
    d.src1 = (uint16_t)(base + 4 * below(s, 16));
    return d;
}

static struct stream_desc random_desc(struct scene *s, unsigned k, bool first, bool last)
{
    struct stream_desc d = memory_desc(s, k, DATA_OFFSET);
    d.next = (uint16_t)(below(s, 2) ? NEXT + 32 * k : 0);
    if (k >= 2 && below(s, 2)) { /* into the one that follows this one or another */
        uint16_t next = d.next;
        d = rig_desc(STREAM_COPY, k, 1);
        d.next = next;
        d.src0 = (uint16_t)(PLACES + 4 * below(s, DESCS));
        d.dst = (uint16_t)places_of_next(next ? k : below(s, DESCS));
    } else if (k == 0 && !last) {
        d.op = STREAM_SEND;
        d.dst = COLOUR;
    } else if (k == 1 && !first) {
        d.op = below(s, 2) ? STREAM_RECV : STREAM_ADD_RECV;
        d.src1 = COLOUR;
    }
    return d;
}

static void count_task(void *self, uint32_t x, uint32_t y, uint32_t task, uint64_t cycle)
{
    uint64_t *calls = self;
    (void)x, (void)y, (void)task, (void)cycle;
    ++*calls;
}

static void fill_tile(struct scene *s, uint32_t tile)
{
    const struct wafer *row = s->p.w[0];
    bool first = wafer_x(row, tile) == 0, last = wafer_x(row, tile) + 1 == row->width;
    struct stream_desc d[DESCS], next[DESCS];
    uint32_t word[3][WORDS], place[DESCS];
    for (unsigned k = 0; k < DESCS; k++) {
        d[k] = random_desc(s, k, first, last);
        next[k] = memory_desc(s, k, MIDDLE);
        place[k] = places(s, LOW);
    }
    for (unsigned i = 0; i < 3 * WORDS; i++)
        word[i / WORDS][i % WORDS] = (uint32_t)rng_next(&s->rng) & 0xbfffffffu;
    for (unsigned i = 0; i < 2; i++) {
        struct wafer *w = s->p.w[i];
        for (unsigned k = 0; k < DESCS; k++) {
            rig_put(w, tile, DESC + 32 * k, &d[k]);
            rig_put(w, tile, NEXT + 32 * k, &next[k]);
            rig_set_word(w, tile, PLACES + 4 * k, place[k]);
        }
        for (unsigned n = 0; n < 3 * WORDS; n++)
            rig_set_word(w, tile, bands[n / WORDS] + 4 * (n % WORDS), word[n / WORDS][n % WORDS]);
        if (first && last)
            continue;
        /* each tile sends to the next: its own words turn east, those from the west come down */
        rig_route(w, tile, COLOUR, (last ? 0 : AT_RAMP) | (first ? 0 : AT_WEST),
                  first  ? AT_EAST
                  : last ? AT_RAMP
                         : AT_EAST | AT_RAMP);
        if (!first)
            rig_bind(w, tile, QUEUE, COLOUR);
    }
}

static void scene_open(struct scene *s, uint64_t seed)
{
    struct machine m = rig_machine();
    memset(s, 0, sizeof *s);
    s->rng.state = seed;
    write_program(s);
    s->firmware = (struct firmware){.rom = s->rom, .code = s->code, .entry = TILE_SRAM_BASE};
    struct wafer_cfg cfg = {.machine = &m,
                            .firmware = &s->firmware,
                            .width = 1 + below(s, 2),
                            .height = 1 + below(s, 3),
                            .threads = 1 + below(s, 3)};
    s->p.label = "ahead";
    s->p.case_seed = seed;
    pair_open(&s->p, cfg);
    for (uint32_t tile = 0; tile < s->p.w[0]->tiles; tile++)
        fill_tile(s, tile);
    for (unsigned i = 0; i < 2; i++) {
        wafer_start_loaded(s->p.w[i]);
        wafer_set_task_hook(s->p.w[i], count_task, &s->calls[i]);
    }
}

/* ---- running ---- */

struct watched {
    const struct scene *s;
    unsigned wafer;
};

static bool called_enough(void *self)
{
    const struct watched *v = self;
    return v->s->calls[v->wafer] >= v->s->wanted;
}

/* One run on both wafers. True while they can go on. */
static bool scene_run(struct scene *s)
{
    struct err e[2] = {{0}, {0}};
    uint64_t cycles = below(s, 2) ? 1 + below(s, 300) : 20000;
    s->wanted = s->calls[0] + 1 + below(s, 20);
    for (unsigned i = 0; i < 2; i++) {
        struct watched v = {s, i};
        (void)wafer_run(s->p.w[i], called_enough, &v, cycles, &e[i]);
    }
    CHECK_EQ(s->calls[0], s->calls[1]);
    CHECK_EQ(e[0].kind, e[1].kind);
    CHECK_STR(e[0].text, e[1].text);
    pair_compare(&s->p);
    CHECK_EQ(s->p.w[0]->stats.core_busy_cycles, s->p.w[1]->stats.core_busy_cycles);
    return e[0].kind == ERR_OK || e[0].kind == ERR_LIMIT;
}

TEST(ahead_is_not_seen)
{
    static struct scene s;
    unsigned stops = 0;
    uint64_t skipped = 0;
    for (uint64_t n = 0; n < CASES; n++) {
        scene_open(&s, t->seed * 1000 + n);
        for (unsigned k = 0; k < STOPS && scene_run(&s); k++)
            stops++;
        skipped += s.p.w[1]->stats.cycles_skipped - s.p.w[0]->stats.cycles_skipped;
        pair_close(&s.p);
    }
    CHECK(stops > CASES * 5);
    CHECK(skipped > 10000); /* they did run ahead */
}
