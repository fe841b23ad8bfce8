/* SPDX-License-Identifier: Apache-2.0 */
/* test_fabric_ring.c - cores, engines and routers together: a ring of tiles, each with a few
 * instructions of dataflow, passes tokens on for ever. Visiting order, skipped time and two runs
 * must not differ in any cycle, task hook calls included. */
#include "base/rng.h"
#include "fixture/fabric_rig.h"
#include "hal/mmio.h"
#include "harness.h"
#include "isa/rvasm.h"

#include <string.h>

enum { POP = 6, STEP = 7, REGS = 10, TABLE = 11, COUNT = 12 };
enum { DESC = 0x2600, TABLE_OFFSET = 0x2800, DATA = 0x3000, MATRIX = 0x3400, OUT = 0x4000 };
enum { GOT_TOKEN = 1, HAS_RESULT = 2 }; /* events */

struct ring {
    struct wafer *w;
    uint8_t rom[TILE_ROM_BYTES], code[TILE_CODE_BYTES];
    struct firmware firmware;
    uint32_t used;
    uint64_t trace; /* of the task hook */
};

static void emit(struct ring *r, uint32_t insn)
{
    memcpy(r->code + r->used, &insn, 4);
    r->used += 4;
}

/* for ever: wait for an event e; task = e; ring the doorbell for the descriptors in table[e]. */
static void write_program(struct ring *r)
{
    emit(r, rvasm(lui, .rd = REGS, .imm = (int32_t)TILE_REGS_BASE));
    emit(r, rvasm(lui, .rd = TABLE, .imm = (int32_t)(TILE_SRAM_BASE + 0x3000)));
    emit(r, rvasm(addi, .rd = TABLE, .rs1 = TABLE, .imm = TABLE_OFFSET - 0x3000));
    emit(r, rvasm(wfi, .rd = 0));
    emit(r, rvasm(lw, .rd = POP, .rs1 = REGS, .imm = REG_EVENT_POP));
    emit(r, rvasm(blt, .rs1 = POP, .rs2 = 0, .imm = -8));
    emit(r, rvasm(sw, .rs1 = REGS, .rs2 = POP, .imm = REG_TASK));
    emit(r, rvasm(slli, .rd = POP, .rs1 = POP, .imm = 3));
    emit(r, rvasm(add, .rd = POP, .rs1 = POP, .rs2 = TABLE));
    for (int32_t i = 0; i < 2; i++) {
        emit(r, rvasm(lw, .rd = STEP, .rs1 = POP, .imm = 4 * i));
        emit(r, rvasm(beq, .rs1 = STEP, .rs2 = 0, .imm = 8));
        emit(r, rvasm(sw, .rs1 = REGS, .rs2 = STEP, .imm = REG_STREAM_START));
    }
    emit(r, rvasm(addi, .rd = COUNT, .rs1 = COUNT, .imm = 1));
    emit(r, rvasm(jal, .rd = 0, .imm = -4 * 12));
}

/* Tile i of a snake through all tiles: its number, and the port towards the next one. */
static uint32_t snake(const struct wafer *w, uint32_t i)
{
    uint32_t y = i / w->width, x = i % w->width;
    return rig_tile(w, y % 2 ? w->width - 1 - x : x, y);
}

static unsigned port_between(const struct wafer *w, uint32_t a, uint32_t b)
{
    unsigned port = 0;
    while (w->router[a].neighbour[port] != b)
        port++;
    return port;
}

/* Tiles 0..n-1 pass on along the snake in colours 2 and 3 by turns; the last one turns tokens back
 * to the first on colour 4 the whole way. */
static void connect(struct ring *r, uint32_t n)
{
    struct wafer *w = r->w;
    for (uint32_t i = 0; i + 1 < n; i++) {
        uint32_t a = snake(w, i), b = snake(w, i + 1);
        unsigned there = port_between(w, a, b), back = (there + 2) & 3, colour = 2 + i % 2;
        rig_route(w, a, colour, AT_RAMP, 1u << there);
        rig_route(w, b, colour, 1u << back, AT_RAMP);
        rig_bind(w, b, 2, colour);
        unsigned in = i + 2 < n ? 1u << port_between(w, b, snake(w, i + 2)) : AT_RAMP;
        rig_route(w, b, 4, in, 1u << back);
    }
    rig_route(w, snake(w, 0), 4, 1u << port_between(w, snake(w, 0), snake(w, 1)), AT_RAMP);
    rig_bind(w, snake(w, 0), 2, 4);
}

static void load_tile(struct ring *r, uint32_t i, uint32_t n, struct rng *rng)
{
    uint32_t tile = snake(r->w, i), words = 6;
    struct stream_desc recv = rig_desc(STREAM_RECV, 0, words),
                       dot = rig_desc(STREAM_DOT_F32, 1, words);
    struct stream_desc send = rig_desc(STREAM_SEND, 2, words);
    recv.event = GOT_TOKEN;
    recv.src1 = (uint16_t)(i ? 2 + (i - 1) % 2 : 4);
    recv.dst = DATA;
    dot.event = HAS_RESULT;
    dot.src0 = MATRIX;
    dot.src1 = DATA;
    dot.dst = OUT;
    dot.cols = (uint16_t)words;
    dot.row_bytes = (uint16_t)(4 * words);
    send.src0 = OUT;
    send.dst = (uint16_t)(i + 1 < n ? 2 + i % 2 : 4);
    rig_put(r->w, tile, DESC, &recv);
    rig_put(r->w, tile, DESC + 32, &dot);
    rig_put(r->w, tile, DESC + 64, &send);
    rig_set_word(r->w, tile, TABLE_OFFSET + 8 * GOT_TOKEN, DESC + 32);
    rig_set_word(r->w, tile, TABLE_OFFSET + 8 * HAS_RESULT, DESC + 64);
    rig_set_word(r->w, tile, TABLE_OFFSET + 8 * HAS_RESULT + 4, DESC); /* listen again */
    for (uint32_t k = 0; k < words * words; k++) /* a permutation: values stay in range */
        rig_set_word(r->w, tile, MATRIX + 4 * k,
                     (k / words + i) % words == k % words ? 0x3f800000 : 0);
    for (uint32_t k = 0; k < words; k++)
        rig_set_word(r->w, tile, OUT + 4 * k, 0x3f800000 + (rng_below(rng, 100) << 12));
    engine_start(r->w, tile, DESC);
}

static void note_task(void *self, uint32_t x, uint32_t y, uint32_t task, uint64_t cycle)
{
    struct ring *r = self;
    r->trace = rng_mix(r->trace ^ cycle ^ (uint64_t)x << 40 ^ (uint64_t)y << 50) + task;
}

static void ring_open(struct ring *r, uint64_t seed, uint64_t stress)
{
    struct rng rng = {seed};
    struct machine m = rig_machine();
    m.hop_cycles = 1 + rng_below(&rng, 2);
    m.stream_setup_cycles = 1 + rng_below(&rng, 5);
    memset(r, 0, sizeof *r);
    write_program(r);
    r->firmware = (struct firmware){.rom = r->rom, .code = r->code, .entry = TILE_SRAM_BASE};
    struct wafer_cfg cfg = {.machine = &m,
                            .firmware = &r->firmware,
                            .width = 2 + rng_below(&rng, 2),
                            .height = 1 + rng_below(&rng, 2),
                            .stress_seed = stress,
                            .engine = WAFER_PLAIN};
    CHECK_EQ(wafer_open(&r->w, &cfg, NULL), 0);
    wafer_set_task_hook(r->w, note_task, r);
    uint32_t n = r->w->tiles;
    connect(r, n);
    for (uint32_t i = 0; i < n; i++)
        load_tile(r, i, n, &rng);
    wafer_start_loaded(r->w);
    for (uint32_t i = 0; i < n; i += 2 + rng_below(&rng, 2))
        engine_start(r->w, snake(r->w, i), DESC + 64); /* a token starts here */
}

TEST(fabric_ring_of_cores_is_the_same_in_any_order)
{
    static struct ring a, b;
    for (unsigned n = 0; n < 12; n++) {
        ring_open(&a, t->seed * 100 + n, n % 4 == 3);
        ring_open(&b, t->seed * 100 + n, n % 4 == 3);
        b.w->test_reverse = true;
        b.w->test_no_skip = n % 2;
        for (unsigned i = 0; i < 300; i++) {
            CHECK_EQ(wafer_hash(a.w), wafer_hash(b.w));
            wafer_step(a.w);
            wafer_step(b.w);
        }
        wafer_close(a.w);
        wafer_close(b.w);
    }
}

TEST(fabric_ring_of_cores_runs_on_and_repeats)
{
    static struct ring a, b;
    for (unsigned n = 0; n < 12; n++) {
        struct err e = {0}, f = {0};
        struct wafer_stats s, u;
        ring_open(&a, t->seed * 200 + n, n % 4 == 3);
        ring_open(&b, t->seed * 200 + n, n % 4 == 3);
        b.w->test_no_skip = n % 2;
        CHECK_EQ(wafer_run_quiet(a.w, 20000, &e), -1); /* it never ends */
        CHECK_EQ(wafer_run_quiet(b.w, 20000, &f), -1);
        CHECK_MSG(e.kind == ERR_LIMIT, "%s", e.text);
        CHECK_STR(e.text, f.text);
        CHECK_EQ(a.trace, b.trace);
        CHECK_EQ(wafer_hash(a.w), wafer_hash(b.w));
        wafer_stats(a.w, &s);
        wafer_stats(b.w, &u);
        CHECK_EQ(s.instructions, u.instructions);
        CHECK_EQ(s.wavelets_sent, u.wavelets_sent);
        CHECK_EQ(s.stream_beats, u.stream_beats);
        CHECK(s.wavelets_sent > 500); /* tokens did go round */
        for (uint32_t i = 0; i < a.w->tiles; i++)
            CHECK(a.w->tile[i].core.x[COUNT] > 20);
        CHECK_EQ(wafer_check_conservation(a.w, NULL), 0);
        wafer_close(a.w);
        wafer_close(b.w);
    }
}
