/* SPDX-License-Identifier: Apache-2.0 */
/* regs.c - the tile registers: one row each in hal/tile_regs.def. */
#include "fabric/fast.h"

#include "hal/mmio.h"

enum { RO = 1, WO = 2, RW = 3 };

struct reg {
    const char *name;
    uint32_t offset, count;
    unsigned access;
};

static const struct reg regs[] = {
#define REG(name, offset, count, access, text) {#name, offset, count, access},
#include "hal/tile_regs.def"
#undef REG
};

/* The register an access names, and the index in its array; NULL and a fault if it is a bad one. */
static const struct reg *find(struct wafer *w, uint32_t tile, uint32_t offset, unsigned bytes,
                              unsigned access)
{
    for (unsigned i = 0; i < sizeof regs / sizeof regs[0]; i++)
        if (offset >= regs[i].offset && offset < regs[i].offset + 4 * regs[i].count &&
            regs[i].access & access && bytes == 4 && offset % 4 == 0)
            return &regs[i];
    fault_hardware(w, tile, FAULT_REGISTER, "%u-byte %s at register 0x%03x", bytes,
                   access == RO ? "load" : "store", offset);
    return NULL;
}

static uint32_t pop_event(struct tile *t)
{
    struct event_queue *q = &t->events;
    if (!q->count)
        return UINT32_MAX;
    uint32_t event = q->event[q->head];
    q->head = (uint8_t)((q->head + 1) % TILE_EVENTS);
    q->count--;
    return event;
}

int regs_load(struct wafer *w, uint32_t tile, uint32_t offset, unsigned bytes, uint32_t *value)
{
    struct tile *t = &w->tile[tile];
    const struct reg *reg = find(w, tile, offset, bytes, RO);
    *value = 0;
    if (!reg)
        return CORE_BUS_DEVICE;
    uint32_t i = (offset - reg->offset) / 4;
    switch (reg->offset) {
    case REG_TILE_X:
        *value = wafer_x(w, tile);
        break;
    case REG_TILE_Y:
        *value = wafer_y(w, tile);
        break;
    case REG_FABRIC_WIDTH:
        *value = w->width;
        break;
    case REG_FABRIC_HEIGHT:
        *value = w->height;
        break;
    case REG_EVENT_POP:
        *value = pop_event(t);
        break;
    case REG_STREAM_BUSY:
        *value = t->engine.busy;
        break;
    case REG_TASK:
        *value = t->task;
        break;
    case REG_QUEUE_COLOUR:
        *value = t->queue[i].colour;
        break;
    case REG_ROUTE_MODE:
        *value = route_mode(w, tile, i);
        break;
    case REG_ROUTE:
        *value = route_word(w, tile, i);
        break;
    }
    return CORE_BUS_DEVICE;
}

/* An event number from software. */
static bool event_ok(struct wafer *w, uint32_t tile, uint32_t event)
{
    if (event < TILE_EVENTS)
        return true;
    fault_hardware(w, tile, FAULT_REGISTER, "event number %u", event);
    return false;
}

static void write_task(struct wafer *w, uint32_t tile, uint32_t task)
{
    w->tile[tile].task = task;
    if (w->task_hook)
        w->task_hook(w->task_self, wafer_x(w, tile), wafer_y(w, tile), task, w->cycle);
}

/* One timer: starting it again replaces it. It cannot post before the next cycle. */
static void start_timer(struct wafer *w, uint32_t tile, uint32_t cycles)
{
    struct tile *t = &w->tile[tile];
    if (w->fast)
        trains_stop_tile(w, tile);
    t->timer_at = w->cycle + (cycles ? cycles : 1);
    wafer_call(w, tile, t->timer_at);
}

static void store_fault(struct wafer *w, uint32_t tile, uint32_t offset, uint32_t value)
{
    struct tile *t = &w->tile[tile];
    switch (offset) {
    case REG_FAULT_FILE:
        t->fault_file = value;
        break;
    case REG_FAULT_LINE:
        t->fault_line = value;
        break;
    case REG_FAULT_PC:
        t->fault_pc = value;
        break;
    case REG_FAULT_INFO:
        t->fault_info = value;
        break;
    case REG_FAULT_STACK_FREE:
        t->fault_stack_free = value;
        break;
    case REG_FAULT_CODE:
        t->halted = true;
        fault_firmware(w, tile, value);
        break;
    }
}

int regs_store(struct wafer *w, uint32_t tile, uint32_t offset, unsigned bytes, uint32_t value)
{
    struct tile *t = &w->tile[tile];
    const struct reg *reg = find(w, tile, offset, bytes, WO);
    if (!reg)
        return CORE_BUS_DEVICE;
    uint32_t i = (offset - reg->offset) / 4;
    switch (reg->offset) {
    case REG_EVENT_POST:
        if (event_ok(w, tile, value))
            tile_post(w, tile, value);
        break;
    case REG_STREAM_START:
        engine_start(w, tile, value);
        break;
    case REG_TIMER_EVENT:
        if (event_ok(w, tile, value))
            t->timer_event = (uint8_t)value;
        break;
    case REG_TIMER_START:
        start_timer(w, tile, value);
        break;
    case REG_TASK:
        write_task(w, tile, value);
        break;
    case REG_CODE_LOCK:
        tile_lock_code(w, tile);
        break;
    case REG_QUEUE_COLOUR:
        ramp_bind(w, tile, i, value);
        break;
    case REG_ROUTE_MODE:
        route_write_mode(w, tile, i, value);
        break;
    case REG_ROUTE:
        route_write(w, tile, i, value);
        break;
    default:
        store_fault(w, tile, reg->offset, value);
    }
    return CORE_BUS_DEVICE;
}
