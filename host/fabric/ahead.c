/* SPDX-License-Identifier: Apache-2.0 */
/* ahead.c - running a core ahead: with the fast core in the fast engine; a step at a time in the
 * plain one, which does it only at the end of a run. */
#include "fabric/ahead.h"

#include "base/xalloc.h"
#include "fabric/crew.h"

#include <stdlib.h>

/* A translation is only an advantage: without one that fits the same cycles take longer. */
static struct aot *open_translation(const char *path, const struct core_code *code,
                                    const uint8_t *bytes)
{
    struct err ignored = {0};
    return path ? aot_open(path, code->base, bytes, code->bytes, &ignored) : NULL;
}

struct ahead *ahead_open(const struct wafer *w)
{
    const struct firmware *f = &w->firmware;
    struct ahead *a = xcalloc(1, sizeof *a);
    a->rom_translated = open_translation(f->rom_translation, w->rom_code, f->rom);
    a->image_translated = open_translation(f->code_translation, w->image_code, f->code);
    a->rom = fast_code_open(w->rom_code, a->rom_translated);
    a->image = fast_code_open(w->image_code, a->image_translated);
    return a;
}

void ahead_close(struct ahead *a)
{
    if (!a)
        return;
    fast_code_close(a->rom);
    fast_code_close(a->image);
    aot_close(a->rom_translated);
    aot_close(a->image_translated);
    free(a);
}

/* ---- the plain engine ---- */

/* Steps on a copy that has no bus: what asks for one traps, and did not happen. */
static uint64_t step_on(struct core *c, uint64_t horizon)
{
    uint64_t steps = 0;
    while (c->cycle < horizon) {
        struct core next = *c;
        unsigned cost = core_step(&next, &core_bus_nobody);
        if (next.trap.count != c->trap.count || next.waiting)
            break;
        next.cycle += cost;
        *c = next;
        steps++;
    }
    return steps;
}

/* ---- both ---- */

/* What the tile's core runs: code that nobody can write. */
static const struct fast_code *code_of(const struct ahead *a, const struct tile *t)
{
    return t->code == CODE_OPEN ? a->rom : t->code == CODE_SHARED ? a->image : NULL;
}

static uint64_t run_on(struct wafer *w, struct tile *t, uint64_t horizon)
{
    enum fast_exit why;
    return w->fast ? fast_run(&t->core, code_of(w->ahead, t), horizon, &why)
                   : step_on(&t->core, horizon);
}

/* Whether an instruction may store into a descriptor that is yet to start. */
static bool stores_into_followed(const struct tile *t, const struct core_insn *i)
{
    uint32_t offset = t->core.x[i->rs1] + (uint32_t)i->imm - TILE_SRAM_BASE;
    if (!core_op_stores(i->op) || offset >= TILE_SRAM_BYTES)
        return false;
    return !beside_is_known(t) ||
           (offset + sizeof(uint32_t) > t->beside.followed && offset < t->beside.followed_end);
}

/* The next instruction may change what is known. What starts and ends, engine.c forgets. */
static void forget_stores(struct tile *t)
{
    const struct core_code *code = t->core.code;
    uint32_t at = t->core.pc - code->base;
    if (at >= code->bytes || stores_into_followed(t, &code->insn[at / 2]))
        t->beside.run = 0;
}

static uint64_t run_beside(struct wafer *w, struct tile *t, uint64_t horizon)
{
    struct core *c = &t->core;
    uint32_t whole = c->ram.bytes;
    if (t->beside.run != w->ahead->run) {
        beside_find(t);
        t->beside.run = w->ahead->run;
    }
    c->ram.bytes = t->beside.load_end - TILE_CODE_BYTES;
    c->ram_guarded = t->beside.load_end - t->beside.store_end;
    uint64_t steps = run_on(w, t, horizon);
    c->ram.bytes = whole;
    c->ram_guarded = 0;
    forget_stores(t);
    return steps;
}

/* A core that runs other code stays where it is, in both engines. */
void ahead_run(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    uint64_t horizon = (w->cycle | (AHEAD_CYCLES - 1)) + 1;
    if (horizon > w->ahead->horizon)
        horizon = w->ahead->horizon;
    if (t->halted || t->core.waiting || t->due >= horizon || !code_of(w->ahead, t)) {
        t->beside.run = 0;
        return;
    }
    t->core.cycle = t->due;
    w->stats.instructions += (t->engine.busy ? run_beside : run_on)(w, t, horizon);
    w->stats.core_busy_cycles += t->core.cycle - t->due;
    t->due = t->core.cycle;
}

/* What is known of memory may be less than there is, after what came before this run's end: both
 * engines find it anew. */
static void settle_tile(struct wafer *w, uint32_t tile)
{
    w->tile[tile].beside.run = 0;
    ahead_run(w, tile);
}

/* The awake cores of the fast engine: those due, and those that wait for their cycle. */
static void settle_strip(struct wafer *w, const struct wafer *strip)
{
    const struct fast *f = strip->fast;
    for (uint32_t m = 0; m <= f->mask; m++)
        for (uint32_t i = 0; i < f->moment[m].cores.count; i++)
            settle_tile(w, f->moment[m].cores.key[i]);
    for (uint32_t i = 0; i < f->late.count; i++)
        settle_tile(w, f->late.heap[i].tile);
}

void ahead_begin(struct ahead *a, uint64_t horizon)
{
    a->horizon = horizon;
    a->run++;
}

void ahead_settle(struct wafer *w)
{
    if (!w->ahead)
        return;
    for (unsigned n = 0; n < crew_strips(w); n++) {
        struct wafer *strip = crew_strip(w, n);
        const struct set *s = &strip->cores;
        for (uint32_t i = set_next(s, 0); i != SET_END; i = set_next(s, i + 1))
            settle_tile(w, i);
        if (w->fast)
            settle_strip(w, strip);
    }
}
