/* SPDX-License-Identifier: Apache-2.0 */
/* The firmware image, executed by the plain core with its cycle costs: what the scheduler's
 * promises are worth in cycles. Everything beside the core is a stand-in of a few lines. */
#include "core/core.h"
#include "hal/mmio.h"
#include "hal/program.h"
#include "hal/stream.h"
#include "hal/tile_map.h"
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUDGET_CYCLES = 30, STEPS_MAX = 100000 };
enum { TASKS = TILE_PROGRAM_OFFSET + 64, STARTS = TASKS + 64, ARGS = STARTS + 64 };

struct machine {
    struct core core;
    struct core_bus bus;
    uint8_t *sram;
    uint32_t event[TILE_EVENTS], event_count; /* taken from the front */
    uint32_t started, start_count, task, fault;
};

static int device_load(void *self, uint32_t addr, unsigned bytes, uint32_t *value)
{
    struct machine *m = self;

    if (bytes != 4 || addr != TILE_REGS_BASE + REG_EVENT_POP)
        return CORE_LOAD_FAULT;
    *value = 0xffffffffu;
    if (m->event_count) {
        *value = m->event[0];
        memmove(m->event, m->event + 1, --m->event_count * sizeof m->event[0]);
    }
    return CORE_BUS_DEVICE;
}

static int device_store(void *self, uint32_t addr, unsigned bytes, uint32_t value)
{
    struct machine *m = self;

    if (bytes != 4 || addr < TILE_REGS_BASE || addr >= TILE_REGS_BASE + TILE_REGS_BYTES)
        return CORE_STORE_FAULT;
    switch (addr - TILE_REGS_BASE) {
    case REG_STREAM_START:
        m->started = value;
        m->start_count++;
        break;
    case REG_EVENT_POST:
        m->event[m->event_count++] = value;
        break;
    case REG_TASK:
        m->task = value;
        break;
    case REG_FAULT_CODE:
        m->fault = value;
        m->core.halted = true;
        break;
    default:
        break;
    }
    return CORE_BUS_DEVICE;
}

static int no_fetch(void *self, uint32_t addr, uint32_t *halfword)
{
    const struct machine *m = self;

    if (addr < TILE_SRAM_BASE || addr >= TILE_SRAM_BASE + TILE_SRAM_BYTES)
        return CORE_FETCH_FAULT;
    *halfword =
        (uint32_t)(m->sram[addr - TILE_SRAM_BASE] | m->sram[addr - TILE_SRAM_BASE + 1] << 8);
    return CORE_BUS_OK;
}

static void put(struct machine *m, uint32_t offset, const void *data, size_t bytes)
{
    memcpy(m->sram + offset, data, bytes);
}

/* The image at the start of SRAM and a program of four tasks: 0 needs two events and starts one
 * descriptor, 1 needs one and starts another, 2 runs a kernel and starts a third, 3 posts to 1. */
static void machine_init(struct machine *m)
{
    static const uint16_t starts[] = {0x3000, 0x4000, 0x5000, PROGRAM_POST(1)};
    static const struct program_task task[] = {
        {.need = 2, .start_count = 1, .starts = STARTS},
        {.need = 1, .start_count = 1, .starts = STARTS + 2},
        {.need = 1, .start_count = 1, .starts = STARTS + 4, .kernel = KERNEL_rsqrt, .args = ARGS},
        {.need = 1, .start_count = 1, .starts = STARTS + 6},
    };
    static const struct program_header header = {
        PROGRAM_MAGIC, PROGRAM_VERSION, 512, 0, 0, TASKS, 4, 0, 0};
    static const struct args_rsqrt args = {{1, 1, 0, 0}, ARGS + 16, 0};
    const char *build = getenv("B");
    char path[512];
    FILE *f;

    memset(m, 0, sizeof *m);
    m->sram = calloc(TILE_SRAM_BYTES, 1);
    snprintf(path, sizeof path, "%s/firmware/tile.bin", build ? build : "build");
    f = fopen(path, "rb");
    CHECK_MSG(f != NULL, "no %s", path);
    CHECK(fread(m->sram, 1, TILE_CODE_BYTES, f) > 1000);
    fclose(f);
    put(m, TILE_PROGRAM_OFFSET, &header, sizeof header);
    put(m, TASKS, task, sizeof task);
    put(m, STARTS, starts, sizeof starts);
    put(m, ARGS, &args, sizeof args);
    core_reset(&m->core, TILE_SRAM_BASE);
    m->core.ram = (struct core_window){TILE_SRAM_BASE, TILE_SRAM_BYTES, m->sram};
    m->bus = (struct core_bus){m, device_load, device_store, no_fetch};
}

/* Run until the core sleeps, or has rung the doorbell `starts` times. Returns the cycles. */
static uint32_t machine_run(struct machine *m, uint32_t starts)
{
    uint64_t from = m->core.cycle;

    m->start_count = 0;
    for (int i = 0; i < STEPS_MAX && m->start_count < starts; i++) {
        unsigned cost = core_step(&m->core, &m->bus);
        if (!cost)
            break;
        m->core.cycle += cost;
    }
    CHECK_EQ(m->fault, 0);
    CHECK_EQ(m->core.trap.count, 0);
    return (uint32_t)(m->core.cycle - from);
}

static uint32_t wake(struct machine *m, uint32_t event)
{
    CHECK(m->core.waiting);
    m->event[m->event_count++] = event;
    core_wake(&m->core);
    return machine_run(m, 1);
}

TEST(dispatch_of_a_start_only_task_keeps_its_budget)
{
    struct machine m;
    uint32_t cycles;

    machine_init(&m);
    machine_run(&m, 1); /* boot, to sleep */
    cycles = wake(&m, 1);
    printf("# one event: %u cycles from wake to doorbell\n", cycles);
    CHECK_EQ(m.started, 0x4000);
    CHECK_EQ(m.task, 1);
    CHECK_MSG(cycles <= BUDGET_CYCLES, "%u cycles from wake to doorbell, budget %d", cycles,
              BUDGET_CYCLES);
    machine_run(&m, 1);
    wake(&m, 0);
    CHECK_EQ(m.start_count, 0); /* half of what task 0 needs */
    cycles = wake(&m, 0);
    printf("# last of two events: %u cycles from wake to doorbell\n", cycles);
    CHECK_EQ(m.started, 0x3000);
    CHECK_MSG(cycles <= BUDGET_CYCLES, "%u cycles from wake to doorbell, budget %d", cycles,
              BUDGET_CYCLES);
    free(m.sram);
}

TEST(dispatch_of_a_kernel_and_of_a_post_are_measured)
{
    struct machine m;
    uint32_t cycles;

    machine_init(&m);
    printf("# boot without routes: %u cycles\n", machine_run(&m, 1));
    cycles = wake(&m, 2);
    printf("# kernel rsqrt: %u cycles from wake to doorbell\n", cycles);
    CHECK_EQ(m.started, 0x5000);
    CHECK(cycles < 150);
    machine_run(&m, 1);
    cycles = wake(&m, 3);
    printf("# through a posted event: %u cycles from wake to doorbell\n", cycles);
    CHECK_EQ(m.started, 0x4000);
    CHECK(cycles < 80);
    free(m.sram);
}
