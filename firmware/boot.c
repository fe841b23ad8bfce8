/* SPDX-License-Identifier: Apache-2.0 */
/* boot.c - the boot as a list: read boot_main. */
#include "firmware/boot.h"

#include "firmware/fault.h"
#include "firmware/sched.h"
#include "hal/event.h"
#include "hal/fabric.h"
#include "hal/mmio.h"
#include "hal/program.h"
#include "hal/sram.h"

enum { THIS_FILE = FAULT_FILE_BOOT_C };
enum { QUEUE_NONE = 0xff };

/* A table of the program lies inside it. Empty tables may lie anywhere. */
static void check_table(const struct program_header *p, uint32_t offset, uint32_t bytes)
{
    TILE_CHECK(!bytes || (offset >= TILE_PROGRAM_OFFSET && !(offset & 3) &&
                          offset + bytes <= TILE_PROGRAM_OFFSET + p->bytes),
               PROGRAM, offset);
}

static void check_program(const struct program_header *p)
{
    TILE_CHECK(p->magic == PROGRAM_MAGIC, PROGRAM, p->magic);
    TILE_CHECK(p->version == PROGRAM_VERSION, PROGRAM, p->version);
    TILE_CHECK(p->bytes <= TILE_PROGRAM_BYTES, PROGRAM, p->bytes);
    TILE_CHECK(p->task_count <= PROGRAM_TASKS, PROGRAM, p->task_count);
    check_table(p, p->routes, p->route_count * (uint32_t)sizeof(struct program_route));
    check_table(p, p->tasks, p->task_count * (uint32_t)sizeof(struct program_task));
    check_table(p, p->starts, p->start_count * (uint32_t)sizeof(uint16_t));
}

/* The loader's queues must be free before the program binds its own; the boot colours' routes stay,
 * because tiles behind this one may still be loading through it. */
static void unbind_boot_queues(void)
{
    mmio_write(REG_QUEUE_COLOUR + 4 * QUEUE_IMAGE, QUEUE_NONE);
    mmio_write(REG_QUEUE_COLOUR + 4 * QUEUE_LOAD, QUEUE_NONE);
}

static void set_route(const struct program_route *r)
{
    uint32_t colour = r->colour;

    TILE_CHECK(colour < TILE_COLOURS, PROGRAM, colour);
    for (uint32_t i = 0; i < ROUTE_MODE_COUNT(r->mode) && i < TILE_SWITCH_POSITIONS; i++)
        mmio_write(REG_ROUTE + 4 * (TILE_SWITCH_POSITIONS * colour + i), r->word[i]);
    mmio_write(REG_ROUTE_MODE + 4 * colour, r->mode);
    if (r->queue == QUEUE_NONE)
        return;
    TILE_CHECK(r->queue < TILE_QUEUES, PROGRAM, r->queue);
    mmio_write(REG_QUEUE_COLOUR + 4u * r->queue, colour);
}

void boot_main(void)
{
    const struct program_header *p = hal_sram(TILE_PROGRAM_OFFSET);
    const struct program_route *route;

    while (!p->magic)
        hal_wait_event();
    check_program(p);
    unbind_boot_queues();
    route = hal_sram(p->routes);
    for (uint32_t i = 0; i < p->route_count; i++)
        set_route(route + i);
    sched_start(p->starts, p->start_count);
    sched_run(hal_sram(p->tasks), p->task_count);
}
