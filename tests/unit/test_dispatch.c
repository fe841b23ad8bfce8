/* SPDX-License-Identifier: Apache-2.0 */
/* The firmware image, executed by the plain core with its cycle costs: what the scheduler's
 * promises are worth in cycles. */
#include "hal/program.h"
#include "harness.h"
#include "stand_in.h"

#include <stdio.h>
#include <string.h>

enum { ORDERED_CYCLES = 40, OTHER_CYCLES = 40, FOREVER = 1000 };
enum { TASKS = TILE_PROGRAM_OFFSET + 64, STARTS = TASKS + 64, ARGS = STARTS + 64 };

/* Four tasks: 0 needs two events and starts one descriptor, 1 needs one and starts another, 2 runs
 * a kernel and starts a third, 3 posts to 1. */
static void put_program(uint8_t *sram)
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

    memcpy(sram + TILE_PROGRAM_OFFSET, &header, sizeof header);
    memcpy(sram + TASKS, task, sizeof task);
    memcpy(sram + STARTS, starts, sizeof starts);
    memcpy(sram + ARGS, &args, sizeof args);
}

/* Cycles from an event to the doorbell, starting and ending asleep. */
static uint32_t dispatch(struct stand_in *s, uint32_t event, uint32_t doorbell)
{
    uint32_t cycles;

    CHECK(s->core.waiting);
    stand_in_event(s, event);
    cycles = stand_in_run(s, 1);
    CHECK_EQ(s->started, doorbell);
    stand_in_run(s, FOREVER);
    CHECK_EQ(s->fault, 0);
    CHECK_EQ(s->core.trap.count, 0);
    return cycles;
}

TEST(dispatch_of_the_next_kernel_keeps_its_budget)
{
    struct stand_in s;
    uint32_t kernel, again;

    stand_in_open(&s, "tile.bin", TILE_SRAM_BASE);
    put_program(s.sram);
    stand_in_run(&s, FOREVER);
    (void)dispatch(&s, 1, 0x4000); /* 2 comes next */
    kernel = dispatch(&s, 2, 0x5000);
    CHECK_EQ(s.task, 2);
    (void)dispatch(&s, 1, 0x4000);
    again = dispatch(&s, 2, 0x5000);
    CHECK_EQ(again, kernel);
    printf("# in order: wake to doorbell through rsqrt %u cycles\n", kernel);
    CHECK_MSG(kernel <= ORDERED_CYCLES, "%u cycles, budget %d", kernel, ORDERED_CYCLES);
    stand_in_close(&s);
}

TEST(dispatch_of_other_tasks_keeps_its_budget)
{
    struct stand_in s;
    uint32_t boot, one, two, kernel;

    stand_in_open(&s, "tile.bin", TILE_SRAM_BASE);
    put_program(s.sram);
    boot = stand_in_run(&s, FOREVER);
    one = dispatch(&s, 1, 0x4000);
    CHECK_EQ(s.task, 1);
    stand_in_event(&s, 0); /* half of what task 0 needs */
    stand_in_run(&s, FOREVER);
    CHECK_EQ(s.start_count, 1);
    two = dispatch(&s, 0, 0x3000);
    kernel = dispatch(&s, 2, 0x5000);
    printf("# boot %u cycles; out of order: wake to doorbell %u cycles, after the second of two "
           "events %u, through rsqrt %u\n",
           boot, one, two, kernel);
    CHECK_MSG(one <= OTHER_CYCLES && two <= OTHER_CYCLES, "%u and %u cycles, budget %d", one, two,
              OTHER_CYCLES);
    CHECK(boot < 2500 && kernel <= 110);
    stand_in_close(&s);
}
