/* SPDX-License-Identifier: Apache-2.0 */
/* test_foreign.c - the wafer's side of a tile that runs elsewhere, with a fake tile that doubles
 * what it gets: room, order, configuration, waiting, faults, conservation. */
#include "harness.h"

#include "base/rng.h"
#include "base/xalloc.h"
#include "fabric/inside.h"
#include "fixture/fabric_rig.h"
#include "hal/mmio.h"

#include <stdlib.h>
#include <string.h>

enum { IN = 3, OUT = 4, INBOX = 8, OUTBOX = 64, WORDS = 200 };

struct fake {
    struct rng rng;
    uint32_t inbox[INBOX], in, outbox[OUTBOX], out_first, out;
    uint32_t configured, starts, start_pc, total;
    bool start_locked, awake, asleep_for_good, silent, faulty, broken;
    uint8_t *sram;
};

static void start(void *self, uint32_t pc, bool code_locked)
{
    struct fake *f = self;
    f->starts++;
    f->start_pc = pc;
    f->start_locked = code_locked;
}

static uint32_t room(void *self, uint8_t colour)
{
    const struct fake *f = self;
    CHECK_EQ(colour, IN);
    return INBOX - f->in;
}

static void take(void *self, struct wavelet v)
{
    struct fake *f = self;
    CHECK(f->in < INBOX);
    CHECK_EQ(v.colour, IN);
    f->inbox[f->in++] = v.data;
}

/* Do some of the work there is, as much as chance has it. */
static bool work(struct fake *f)
{
    uint32_t n = f->in < OUTBOX - f->out ? f->in : OUTBOX - f->out;
    n = n ? 1 + rng_below(&f->rng, n) : 0;
    for (uint32_t i = 0; i < n && !f->silent; i++)
        f->outbox[(f->out_first + f->out++) % OUTBOX] = 2 * f->inbox[i];
    f->in -= n;
    memmove(f->inbox, f->inbox + n, f->in * sizeof *f->inbox);
    f->total += n;
    return n > 0;
}

static bool stirred(void *self)
{
    struct fake *f = self;
    return !f->asleep_for_good && rng_below(&f->rng, 20) == 0 && work(f);
}

static bool configure(void *self, uint32_t *offset, uint32_t *value)
{
    struct fake *f = self;
    static const uint32_t writes[][2] = {
        {REG_ROUTE + 16 * IN, ROUTE_WORD(AT_WEST, AT_RAMP)},
        {REG_ROUTE_MODE + 4 * IN, ROUTE_MODE_POSITIONS(1)},
        {REG_ROUTE + 16 * OUT, ROUTE_WORD(AT_RAMP, AT_WEST)},
        {REG_ROUTE_MODE + 4 * OUT, ROUTE_MODE_POSITIONS(1)},
        {REG_QUEUE_COLOUR, IN},
    };
    if (f->configured == sizeof writes / sizeof *writes)
        return false;
    *offset = writes[f->configured][0];
    *value = writes[f->configured++][1];
    return true;
}

static bool give(void *self, uint32_t colours, struct wavelet *v)
{
    struct fake *f = self;
    if (!f->out || !(colours >> OUT & 1))
        return false;
    *v = (struct wavelet){.data = f->outbox[f->out_first], .colour = OUT};
    f->out_first = (f->out_first + 1) % OUTBOX;
    f->out--;
    return true;
}

static int wait_for_it(void *self, struct err *e)
{
    struct fake *f = self;
    if (f->broken)
        return err_set(e, ERR_INTERNAL, "the other side is gone");
    if (!f->awake) { /* its boot: it has router writes for us */
        f->awake = true;
        return 1;
    }
    return f->faulty || (!f->asleep_for_good && work(f));
}

static bool faulted(void *self, struct foreign_fault *out)
{
    const struct fake *f = self;
    *out = (struct foreign_fault){.file = 4, .line = 88, .info = 5, .code = FAULT_JOIN, .task = 9};
    return f->faulty;
}

/* Tile (0,0) sends WORDS words to the fake at (1,0) and receives what comes back. */
static struct wafer *open_pair(struct fake *f, uint64_t seed, uint64_t stress)
{
    *f = (struct fake){.rng = {seed}, .sram = xcalloc(1, TILE_SRAM_BYTES)};
    struct foreign_tile ops = {f,         start, room,        take,    stirred,
                               configure, give,  wait_for_it, faulted, f->sram};
    struct wafer *w = rig_open(2, 1, NULL, stress);
    struct err e = {0};
    CHECK(wafer_set_foreign_tile(w, 1, 0, &ops, &e) == 0);
    rig_route(w, 0, IN, AT_RAMP, AT_EAST);
    rig_route(w, 0, OUT, AT_EAST, AT_RAMP);
    rig_bind(w, 0, 2, OUT);
    return w;
}

static void start_streams(struct wafer *w)
{
    struct stream_desc out = rig_desc(STREAM_SEND, 0, WORDS), in = rig_desc(STREAM_RECV, 1, WORDS);
    out.src0 = 0x3000;
    out.dst = IN;
    in.src1 = OUT;
    in.dst = 0x4000;
    for (uint32_t i = 0; i < WORDS; i++)
        rig_set_word(w, 0, 0x3000 + 4 * i, i);
    rig_start(w, 0, 0x2600, &out);
    rig_start(w, 0, 0x2620, &in);
}

static void close_pair(struct wafer *w, struct fake *f)
{
    wafer_close(w);
    free(f->sram);
}

static void check_round_trip(uint64_t seed, uint64_t stress)
{
    struct fake f;
    struct err e = {0};
    struct wafer *w = open_pair(&f, seed, stress);
    rig_run(w); /* its routes are set */
    start_streams(w);
    rig_run(w);
    for (uint32_t i = 0; i < WORDS; i++)
        CHECK_EQ(rig_word(w, 0, 0x4000 + 4 * i), 2 * i);
    CHECK_EQ(f.total, WORDS);
    CHECK_EQ(f.starts, 1);
    CHECK_EQ(f.start_pc, TILE_ROM_BASE);
    CHECK(wafer_check_conservation(w, &e) == 0);
    close_pair(w, &f);
}

TEST(foreign_tile_gets_and_gives_every_word_in_order)
{
    for (uint64_t i = 0; i < 10; i++)
        check_round_trip(t->seed + i, 0);
}

TEST(foreign_tile_under_stress)
{
    for (uint64_t i = 1; i < 10; i++)
        check_round_trip(t->seed + i, i);
}

/* Room in it is the only thing that ever changes. */
TEST(foreign_tile_that_only_takes)
{
    struct fake f;
    struct wafer *w = open_pair(&f, t->seed, 0);
    rig_run(w);
    f.silent = true;
    start_streams(w);
    rig_run(w);
    CHECK_EQ(f.total, WORDS);
    close_pair(w, &f);
}

static bool never(void *self)
{
    (void)self;
    return false;
}

/* It takes what it has room for and no more; then nothing can happen and that is said. */
TEST(foreign_tile_that_sleeps_holds_its_sender_up)
{
    struct fake f;
    struct err e = {0};
    struct wafer *w = open_pair(&f, t->seed, 0);
    rig_run(w);
    f.asleep_for_good = true;
    start_streams(w);
    CHECK(wafer_run(w, never, NULL, 1000000, &e) == -1);
    CHECK_EQ(e.kind, ERR_DEADLOCK);
    CHECK_EQ(f.in, INBOX);
    e = (struct err){0};
    CHECK(wafer_check_conservation(w, &e) == 0);
    close_pair(w, &f);
}

/* Its words find no room in the router: it is asked again only when that may have changed. */
TEST(foreign_tile_is_held_up_by_its_receiver)
{
    struct fake f;
    struct err e = {0};
    struct wafer *w = open_pair(&f, t->seed, 0);
    rig_run(w);
    start_streams(w);
    w->tile[0].engine.busy &= 1; /* nobody receives */
    CHECK(wafer_run(w, never, NULL, 1000000, &e) == -1);
    CHECK_EQ(e.kind, ERR_DEADLOCK);
    CHECK(f.out > 0);
    close_pair(w, &f);
}

TEST(foreign_tile_fault_is_reported_as_if_it_were_ours)
{
    struct fake f;
    struct err e = {0};
    struct wafer *w = open_pair(&f, t->seed, 0);
    rig_run(w);
    f.faulty = true;
    CHECK(wafer_run_quiet(w, 1000, &e) == -1);
    CHECK_EQ(e.kind, ERR_FAULT);
    CHECK(strstr(e.text, "tile (1,0) fault JOIN"));
    CHECK(strstr(e.text, "sched.c:88"));
    CHECK(strstr(e.text, "task 9"));
    close_pair(w, &f);
}

TEST(foreign_tile_that_is_gone_is_an_error)
{
    struct fake f;
    struct err e = {0};
    struct wafer *w = open_pair(&f, t->seed, 0);
    f.broken = true;
    CHECK(wafer_run_quiet(w, 1000, &e) == -1);
    CHECK(strstr(e.text, "the other side is gone"));
    close_pair(w, &f);
}

TEST(foreign_tile_is_loaded_and_read_in_its_own_memory)
{
    struct fake f;
    struct err e = {0};
    uint8_t out[TILE_SRAM_BYTES];
    struct wafer *w = open_pair(&f, t->seed, 0);
    CHECK(wafer_load(w, 1, 0, TILE_PROGRAM_OFFSET, "hello", 5, &e) == 0);
    CHECK(memcmp(f.sram + TILE_PROGRAM_OFFSET, "hello", 5) == 0);
    f.sram[0] = 77;
    wafer_read(w, 1, 0, out);
    CHECK(memcmp(out, f.sram, TILE_SRAM_BYTES) == 0);
    CHECK(wafer_set_foreign_tile(w, 2, 0, &(struct foreign_tile){0}, &e) == -1);
    CHECK_EQ(e.kind, ERR_INPUT);
    close_pair(w, &f);
}
