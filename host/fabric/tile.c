/* SPDX-License-Identifier: Apache-2.0 */
/* tile.c - a tile without its router: SRAM, what the core sees on its bus, events, when the core
 * runs.
 *
 * All SRAM is one reserved mapping, zero and without host memory until touched. The code region of
 * a locked tile that holds the firmware image is served from the image; its own pages are given
 * back. */
#include "fabric/crew.h"

#include "hal/mmio.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

/* ---- memory ---- */

/* The byte of the code region at this offset; those behind it up to the end, or up to the prefix if
 * it lies before that, follow. */
static const uint8_t *code_at(const struct wafer *w, const struct tile *t, uint32_t offset)
{
    bool image = t->code == CODE_SHARED || offset < t->prefix;
    return (image ? w->firmware.code : t->sram) + offset;
}

uint32_t tile_word(const struct wafer *w, const struct tile *t, uint32_t offset)
{
    const uint8_t *from = offset < TILE_CODE_BYTES ? code_at(w, t, offset) : t->sram + offset;
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

void tile_copy_code(const struct wafer *w, const struct tile *t, uint8_t *out)
{
    memcpy(out, code_at(w, t, 0), t->prefix);
    memcpy(out + t->prefix, code_at(w, t, t->prefix), TILE_CODE_BYTES - t->prefix);
}

void tile_own_code(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    if (t->code == CODE_OPEN) {
        if (t->prefix)
            memcpy(t->sram, w->firmware.code, t->prefix);
        t->prefix = 0;
        t->code_touched = true;
    } else if (t->code == CODE_SHARED && !t->code_copied) {
        memcpy(t->sram, w->firmware.code, TILE_CODE_BYTES);
        t->code_copied = true;
    }
}

/* While the image comes in order, all a tile keeps of it is how far it got. */
void tile_put_code(struct wafer *w, uint32_t tile, uint32_t offset, const uint32_t *word,
                   uint32_t n)
{
    struct tile *t = &w->tile[tile];
    if (!t->code_touched && offset == t->prefix && w->has_firmware &&
        memcmp(w->firmware.code + offset, word, n * sizeof *word) == 0) {
        t->prefix = (uint16_t)(t->prefix + n * sizeof *word);
        return;
    }
    tile_own_code(w, tile);
    memcpy(t->sram + offset, word, n * sizeof *word);
}

/* What the core reaches without the bus: code in SRAM only once it is locked. */
static void set_windows(struct wafer *w, struct tile *t)
{
    struct core *c = &t->core;
    c->ram = (struct core_window){TILE_SRAM_BASE + TILE_CODE_BYTES,
                                  TILE_SRAM_BYTES - TILE_CODE_BYTES, t->sram + TILE_CODE_BYTES};
    if (t->code == CODE_OPEN) {
        c->rom = (struct core_rom_window){TILE_ROM_BASE, TILE_ROM_BYTES, w->firmware.rom};
        c->code = w->rom_code;
        return;
    }
    c->rom = (struct core_rom_window){TILE_SRAM_BASE, TILE_CODE_BYTES, code_at(w, t, 0)};
    c->code = t->code == CODE_SHARED ? w->image_code : NULL;
}

void tile_share_code(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    t->code = CODE_SHARED;
    t->prefix = 0;
    set_windows(w, t);
}

/* Only saves host memory: the pages that hold nothing but code. The bytes before t->sram in its
 * first page are nobody's; the last bytes of code share a page with the data and stay. */
static void give_code_back(struct tile *t)
{
    uint8_t *page = t->sram - (uintptr_t)t->sram % HOST_PAGE;
    (void)madvise(page, TILE_LEAD + TILE_CODE_BYTES, MADV_DONTNEED);
}

void tile_lock_code(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    if (t->code != CODE_OPEN)
        return;
    for (unsigned k = 0; k < TILE_THREADS; k++)
        if (t->engine.busy >> k & 1 && stream_check(&t->engine.thread[k].d) == STREAM_BAD_DEST)
            fault_hardware(w, tile, FAULT_STREAM, "thread %u writes code while it is locked", k);
    if (!t->code_touched && t->prefix >= w->image_bytes) {
        tile_share_code(w, tile);
        return;
    }
    tile_own_code(w, tile);
    if (memcmp(t->sram, w->firmware.code, TILE_CODE_BYTES) == 0) {
        give_code_back(t);
        tile_share_code(w, tile);
        return;
    }
    t->code = CODE_PRIVATE;
    set_windows(w, t);
}

void tile_reset(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    t->sram = w->sram + (size_t)tile * TILE_STRIDE + TILE_LEAD +
              (size_t)(tile % TILE_SHIFTS) * TILE_SHIFT;
    t->alarm = t->timer_at = t->beaten = NEVER;
    t->engine.alone = NO_THREAD;
    t->direct = NO_DIRECT;
    memset(t->queue_of, NO_QUEUE, sizeof t->queue_of);
    for (unsigned q = 0; q < TILE_QUEUES; q++)
        t->queue[q].colour = NO_QUEUE;
    ramp_bind(w, tile, QUEUE_IMAGE, COLOUR_IMAGE);
    ramp_bind(w, tile, QUEUE_LOAD, COLOUR_LOAD);
    core_reset(&t->core, TILE_ROM_BASE);
    t->core.hartid = 0;
    t->halted = !w->has_firmware;
    set_windows(w, t);
    if (!t->halted)
        set_add(&w->cores, tile);
    set_remove(&w->engines, tile); /* the bindings woke them */
    set_remove(&w->routers, tile);
}

/* ---- the bus ---- */

/* The byte at an address of ROM or SRAM for reading, or NULL. */
static const uint8_t *byte_at(const struct wafer *w, const struct tile *t, uint32_t addr)
{
    if (addr - TILE_ROM_BASE < TILE_ROM_BYTES)
        return w->firmware.rom + (addr - TILE_ROM_BASE);
    uint32_t offset = addr - TILE_SRAM_BASE;
    if (offset >= TILE_SRAM_BYTES)
        return NULL;
    return offset < TILE_CODE_BYTES ? code_at(w, t, offset) : t->sram + offset;
}

static bool byte_is_writable(const struct tile *t, uint32_t addr)
{
    uint32_t offset = addr - TILE_SRAM_BASE;
    return offset < TILE_SRAM_BYTES && (offset >= TILE_CODE_BYTES || t->code == CODE_OPEN);
}

/* The 16550: byte 0 transmits; line status (5) says that it always can. */
static uint32_t uart_load(uint32_t offset)
{
    return offset == 5 ? 0x60 : 0;
}

/* QEMU's test device: PASS, or FAIL with a code in the upper half. */
static void leave(struct wafer *w, uint32_t tile, uint32_t value)
{
    struct tile *t = &w->tile[tile];
    t->halted = true;
    if (value != TILE_EXIT_PASS)
        fault_exit(w, tile, value);
}

static int bus_load(void *self, uint32_t addr, unsigned bytes, uint32_t *value)
{
    struct wafer *w = self;
    const struct tile *t = &w->tile[w->running];
    if (addr - TILE_REGS_BASE < TILE_REGS_BYTES)
        return regs_load(w, w->running, addr - TILE_REGS_BASE, bytes, value);
    if (addr - TILE_UART_BASE < TILE_UART_BYTES) {
        *value = uart_load(addr - TILE_UART_BASE);
        return CORE_BUS_DEVICE;
    }
    *value = 0;
    if (addr == TILE_EXIT_BASE && bytes == 4)
        return CORE_BUS_DEVICE;
    for (unsigned i = 0; i < bytes; i++) {
        const uint8_t *at = byte_at(w, t, addr + i);
        if (!at)
            return CORE_LOAD_FAULT;
        *value |= (uint32_t)*at << (8 * i);
    }
    return CORE_BUS_OK;
}

static int bus_store(void *self, uint32_t addr, unsigned bytes, uint32_t value)
{
    struct wafer *w = self;
    struct tile *t = &w->tile[w->running];
    if (addr - TILE_REGS_BASE < TILE_REGS_BYTES)
        return regs_store(w, w->running, addr - TILE_REGS_BASE, bytes, value);
    if (addr - TILE_UART_BASE < TILE_UART_BYTES) {
        if (addr == TILE_UART_BASE)
            console_put(w, w->running, (char)(value & 0xff));
        return CORE_BUS_DEVICE;
    }
    if (addr == TILE_EXIT_BASE && bytes == 4) {
        leave(w, w->running, value);
        return CORE_BUS_DEVICE;
    }
    for (unsigned i = 0; i < bytes; i++)
        if (!byte_is_writable(t, addr + i))
            return CORE_STORE_FAULT;
    if (addr - TILE_SRAM_BASE < TILE_CODE_BYTES)
        tile_own_code(w, w->running);
    for (unsigned i = 0; i < bytes; i++)
        t->sram[addr - TILE_SRAM_BASE + i] = (uint8_t)(value >> (8 * i));
    return CORE_BUS_OK;
}

static int bus_fetch(void *self, uint32_t addr, uint32_t *halfword)
{
    struct wafer *w = self;
    const struct tile *t = &w->tile[w->running];
    const uint8_t *low = byte_at(w, t, addr), *high = byte_at(w, t, addr + 1);
    if (!low || !high)
        return CORE_FETCH_FAULT;
    *halfword = *low | (uint32_t)*high << 8;
    return CORE_BUS_OK;
}

struct core_bus tile_bus(struct wafer *w)
{
    return (struct core_bus){w, bus_load, bus_store, bus_fetch};
}

/* ---- events, and the core's turn ---- */

void tile_post(struct wafer *w, uint32_t tile, uint32_t event)
{
    struct tile *t = &w->tile[tile];
    struct event_queue *q = &t->events;
    assert(event < TILE_EVENTS);
    if (q->count == TILE_EVENTS) {
        fault_hardware(w, tile, FAULT_EVENT_OVERFLOW, "event %u", event);
        return;
    }
    q->event[(q->head + q->count++) % TILE_EVENTS] = (uint8_t)event;
    if (t->core.waiting && !t->halted) {
        core_wake(&t->core);
        set_add(&crew_of(w, tile)->cores, tile);
    }
}

/* The handler in mtvec gets the first trap of a tile and reports it; nobody gets a second one. */
static void check_trap(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    const struct core_trap *trap = &t->core.trap;
    if (t->core.mtvec >> 2 && trap->count < 2)
        return;
    t->halted = true;
    t->fault_pc = trap->pc;
    t->fault_info = trap->cause;
    fault_hardware(w, tile, FAULT_TRAP, "%s, value 0x%x%s", core_cause_text(trap->cause),
                   trap->tval, trap->count < 2 ? "" : ", in the trap handler");
}

static void fall_asleep(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    if (t->events.count) {
        core_wake(&t->core);
        return;
    }
    set_remove(&w->cores, tile);
    if (w->task_hook)
        w->task_hook(w->task_self, wafer_x(w, tile), wafer_y(w, tile), UINT32_MAX, w->cycle);
}

void tile_run_core(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    if (t->due > w->cycle)
        return;
    uint32_t traps = t->core.trap.count;
    t->core.cycle = w->cycle;
    w->running = tile;
    unsigned cost = core_step(&t->core, &w->bus);
    w->running = NO_TILE;
    t->due = w->cycle + cost;
    w->stats.instructions++;
    w->stats.core_busy_cycles += cost;
    if (t->core.trap.count != traps)
        check_trap(w, tile);
    if (t->halted)
        set_remove(&w->cores, tile);
    else if (t->core.waiting)
        fall_asleep(w, tile);
}
