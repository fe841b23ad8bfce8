/* SPDX-License-Identifier: Apache-2.0 */
/* tile.c - registers and event queue of the software tile. The stream engine is engine.c. */
#include "hal/virt/tile.h"

#include "hal/event.h"
#include "hal/fabric.h"
#include "hal/mmio.h"
#include "hal/virt/board.h"
#include "hal/virt/engine.h"
#include "hal/virt/link.h"

enum { READ = 1, WRITE = 2, RO = READ, WO = WRITE, RW = READ | WRITE };

void virt_tile_reset(struct virt_tile *t, uint8_t *sram)
{
    *t = (struct virt_tile){.sram = sram, .width = 1, .height = 1};
    for (uint32_t q = 0; q < TILE_QUEUES; q++)
        t->queue_colour[q] = 0xff;
    t->queue_colour[QUEUE_IMAGE] = COLOUR_IMAGE;
    t->queue_colour[QUEUE_LOAD] = COLOUR_LOAD;
}

_Noreturn void virt_tile_fault(struct virt_tile *t, uint32_t code, uint32_t line, uint32_t info)
{
    t->fault[VIRT_FAULT_FILE] = VIRT_FILE_HARDWARE;
    t->fault[VIRT_FAULT_LINE] = line;
    t->fault[VIRT_FAULT_PC] = 0;
    t->fault[VIRT_FAULT_INFO] = info;
    t->fault[VIRT_FAULT_CODE] = code;
    virt_link_fault(t);
}

void virt_tile_post(struct virt_tile *t, uint32_t event)
{
    if (event >= TILE_EVENTS)
        virt_tile_fault(t, VIRT_FAULT_EVENT, __LINE__, event);
    if (t->event_count == TILE_EVENTS)
        virt_tile_fault(t, VIRT_FAULT_EVENT_OVERFLOW, __LINE__, event);
    t->event[(t->event_first + t->event_count++) % TILE_EVENTS] = (uint8_t)event;
}

static uint32_t event_pop(struct virt_tile *t)
{
    if (t->event_count == 0)
        return EVENT_QUEUE_EMPTY;
    uint32_t event = t->event[t->event_first];
    t->event_first = (t->event_first + 1) % TILE_EVENTS;
    t->event_count--;
    return event;
}

static uint32_t busy_threads(const struct virt_tile *t)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < TILE_THREADS; i++)
        bits |= (uint32_t)t->thread[i].busy << i;
    return bits;
}

static bool timer_poll(struct virt_tile *t)
{
    if (!t->timer_running || (int32_t)(board_cycles() - t->timer_end) < 0)
        return false;
    t->timer_running = false;
    virt_tile_post(t, t->timer_event);
    return true;
}

bool virt_tile_poll(struct virt_tile *t)
{
    bool timer = timer_poll(t);
    return virt_engine_beat(t) || timer;
}

void virt_tile_wait(struct virt_tile *t)
{
    while (t->event_count == 0)
        if (!virt_tile_poll(t) && !t->timer_running)
            virt_link_quiet(t);
}

/* The register an offset lies in, by the offset of its array; *index within it, *access. */
static uint32_t register_at(uint32_t offset, uint32_t *index, unsigned *access)
{
#define REG(name, at, n, rights, text)                                                             \
    if (offset - (at) < 4u * (n)) {                                                                \
        *index = (offset - (at)) / 4;                                                              \
        *access = (rights);                                                                        \
        return (at);                                                                               \
    }
#include "hal/tile_regs.def"
#undef REG
    *access = 0;
    return TILE_REGS_BYTES;
}

uint32_t virt_tile_read(struct virt_tile *t, uint32_t offset)
{
    uint32_t i = 0;
    unsigned access;
    uint32_t reg = register_at(offset, &i, &access);
    if (!(access & READ) || offset % 4)
        virt_tile_fault(t, VIRT_FAULT_REGISTER, __LINE__, offset);
    switch (reg) {
    case REG_TILE_X:
        return t->x;
    case REG_TILE_Y:
        return t->y;
    case REG_FABRIC_WIDTH:
        return t->width;
    case REG_FABRIC_HEIGHT:
        return t->height;
    case REG_EVENT_POP:
        virt_tile_poll(t);
        return event_pop(t);
    case REG_STREAM_BUSY:
        virt_tile_poll(t);
        return busy_threads(t);
    case REG_TASK:
        return t->task;
    case REG_QUEUE_COLOUR:
        return t->queue_colour[i];
    case REG_ROUTE_MODE:
        return t->route_mode[i];
    default: /* ROUTE, the last one that can be read */
        return t->route[i];
    }
}

static void write_router(uint32_t *reg, uint32_t offset, uint32_t value)
{
    *reg = value;
    virt_link_configure(offset, value);
}

/* Nobody may still be writing code. */
static void lock_code(struct virt_tile *t)
{
    for (uint32_t i = 0; i < TILE_THREADS; i++)
        if (t->thread[i].busy && stream_check(&t->thread[i].d) == STREAM_BAD_DEST)
            virt_tile_fault(t, VIRT_FAULT_STREAM, __LINE__, t->thread[i].at);
    t->code_locked = true;
}

void virt_tile_write(struct virt_tile *t, uint32_t offset, uint32_t value)
{
    uint32_t i = 0;
    unsigned access;
    uint32_t reg = register_at(offset, &i, &access);
    if (!(access & WRITE) || offset % 4)
        virt_tile_fault(t, VIRT_FAULT_REGISTER, __LINE__, offset);
    switch (reg) {
    case REG_EVENT_POST:
        virt_tile_post(t, value);
        break;
    case REG_STREAM_START:
        virt_engine_start(t, value);
        break;
    case REG_TIMER_EVENT:
        t->timer_event = value;
        break;
    case REG_TIMER_START:
        t->timer_end = board_cycles() + value;
        t->timer_running = true;
        break;
    case REG_TASK:
        t->task = value;
        break;
    case REG_CODE_LOCK:
        lock_code(t);
        break;
    case REG_QUEUE_COLOUR:
        write_router(&t->queue_colour[i], offset, value);
        break;
    case REG_ROUTE_MODE:
        write_router(&t->route_mode[i], offset, value);
        break;
    case REG_ROUTE:
        write_router(&t->route[i], offset, value);
        break;
    case REG_FAULT_CODE:
        t->fault[VIRT_FAULT_CODE] = value;
        virt_link_fault(t);
    default: /* the other words of the fault record */
        t->fault[(reg - REG_FAULT_FILE) / 4] = value;
    }
}
