/* SPDX-License-Identifier: Apache-2.0 */
/* bench_core.c - one core on its own: the programs of tests/bench on each of the engines, with
 * exact cycles, by CPU time. Each run must end in the state in which the plain core ends. */
#include "run/bench.h"

#include "core/aot.h"
#include "core/fast.h"
#include "hal/tile_map.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum engine { PLAIN, THREADED, TRANSLATED, ENGINES };
static const char *const engine_name[ENGINES] = {"plain", "threaded", "translated"};

/* Rounds of about 20 million instructions. */
static const struct program {
    const char *name, *text;
    uint32_t rounds;
} programs[] = {
    {"int", "integer mix: dot products, list sort, matrix, CRC-32", 900},
    {"full", "integer mix and loops of fused multiply-adds", 260},
    {"mark", "lists, matrix, state machine, CRC-16", 430},
    {"kernels", "the firmware's own kernels", 3500},
    {"bursts", "about 70 instructions, then one register access", 280000},
};

struct machine_of_one {
    uint8_t memory[TILE_SRAM_BYTES];
    struct core core;
    uint64_t accesses; /* of registers: they take what is stored, and hold 0 */
};

static int bus_load(void *self, uint32_t addr, unsigned bytes, uint32_t *value)
{
    struct machine_of_one *m = self;
    *value = 0;
    if (addr - TILE_REGS_BASE >= TILE_REGS_BYTES || bytes != 4)
        return CORE_LOAD_FAULT;
    m->accesses++;
    return CORE_BUS_DEVICE;
}

static int bus_store(void *self, uint32_t addr, unsigned bytes, uint32_t value)
{
    (void)value;
    uint32_t ignored;
    return bus_load(self, addr, bytes, &ignored) == CORE_BUS_DEVICE ? CORE_BUS_DEVICE
                                                                    : CORE_STORE_FAULT;
}

static int bus_fetch(void *self, uint32_t addr, uint32_t *halfword)
{
    (void)self, (void)addr, (void)halfword;
    return CORE_FETCH_FAULT;
}

/* ---- one run of a program ---- */

struct job {
    struct machine_of_one one;
    struct core_code *code;
    struct aot *translated;
    struct fast_code *fast; /* NULL: the plain core */
};

static void start(struct job *j, uint32_t rounds)
{
    struct core *c = &j->one.core;
    memset(j->one.memory + TILE_CODE_BYTES, 0, TILE_SRAM_BYTES - TILE_CODE_BYTES);
    core_reset(c, TILE_SRAM_BASE);
    j->one.accesses = 0;
    c->x[10] = rounds;
    c->trap_stops = true;
    c->code = j->code;
    c->ram =
        (struct core_window){TILE_SRAM_BASE + TILE_CODE_BYTES, TILE_SRAM_BYTES - TILE_CODE_BYTES,
                             j->one.memory + TILE_CODE_BYTES};
    c->rom = (struct core_rom_window){TILE_SRAM_BASE, TILE_CODE_BYTES, j->one.memory};
}

/* Of this thread: the figures are for one host core, however many others want it. */
static double cpu_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* From start to wfi. */
static void run(struct job *j, bool plain)
{
    struct core *c = &j->one.core;
    struct core_bus bus = {&j->one, bus_load, bus_store, bus_fetch};
    enum fast_exit why;
    if (plain)
        (void)core_run(c, &bus, UINT64_MAX);
    while (!c->waiting && !c->halted) {
        (void)fast_run(c, j->fast, UINT64_MAX, &why);
        c->cycle += core_step(c, &bus);
    }
}

static bool same_end(const struct core *a, const struct core *b)
{
    return memcmp(a->x, b->x, sizeof a->x) == 0 && memcmp(a->f, b->f, sizeof a->f) == 0 &&
           a->fcsr == b->fcsr && a->pc == b->pc && a->cycle == b->cycle &&
           a->minstret == b->minstret && !a->halted && !b->halted;
}

static int time_runs(struct job *j, const struct bench_item *i, double *value, struct err *e)
{
    const double enough = 0.4; /* seconds */
    uint32_t rounds = programs[i->a].rounds;
    bool bursts = !strcmp(programs[i->a].name, "bursts");
    start(j, rounds);
    run(j, true);
    struct core end = j->one.core;
    double seconds = 0, counted = 0;
    while (seconds < enough) {
        start(j, rounds);
        double before = cpu_seconds();
        run(j, i->b == PLAIN);
        seconds += cpu_seconds() - before;
        counted += bursts ? (double)j->one.accesses : (double)j->one.core.minstret;
        if (!same_end(&end, &j->one.core))
            return err_set(e, ERR_INTERNAL, "%s: another result than the plain core's", i->id);
    }
    *value = counted / seconds / 1e6;
    return 0;
}

/* ---- items ---- */

static int open_job(struct job *j, const struct bench_item *i, const char *folder, struct err *e)
{
    char path[4096];
    struct image_region r = {
        .base = TILE_SRAM_BASE, .bytes = TILE_CODE_BYTES, .memory = j->one.memory};
    (void)snprintf(path, sizeof path, "%s/core_%s.elf", folder, programs[i->a].name);
    if (images_place(path, &r, e))
        return -1;
    j->code = core_code_open(TILE_SRAM_BASE, j->one.memory, TILE_CODE_BYTES);
    (void)snprintf(path, sizeof path, "%s/core_%s.so", folder, programs[i->a].name);
    if (i->b == TRANSLATED) {
        j->translated = aot_open(path, TILE_SRAM_BASE, j->one.memory, TILE_CODE_BYTES, e);
        if (!j->translated)
            return -1;
    }
    j->fast = fast_code_open(j->code, j->translated);
    return 0;
}

static int run_item(const struct bench_item *i, const struct bench_env *env, double *value,
                    struct err *e)
{
    struct job j = {0};
    int result = open_job(&j, i, env->programs, e);
    if (!result)
        result = time_runs(&j, i, value, e);
    fast_code_close(j.fast);
    aot_close(j.translated);
    core_code_close(j.code);
    return result;
}

void bench_items_core(struct bench_list *l)
{
    for (unsigned n = 0; n < sizeof programs / sizeof programs[0]; n++)
        for (unsigned engine = 0; engine < ENGINES; engine++)
            (void)bench_add(l,
                            (struct bench_item){
                                .unit = !strcmp(programs[n].name, "bursts") ? "M bursts/s" : "MIPS",
                                .text = programs[n].text,
                                .run = run_item,
                                .a = n,
                                .b = engine},
                            "core/%s/%s", programs[n].name, engine_name[engine]);
}
