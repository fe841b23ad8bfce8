/* SPDX-License-Identifier: Apache-2.0 */
/* stand_in.c - see stand_in.h. A RECV is done at once, as far as its words are there. */
#include "stand_in.h"

#include "base/xalloc.h"
#include "hal/mmio.h"
#include "hal/stream.h"
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 1000000 };

void stand_in_event(struct stand_in *s, uint32_t event)
{
    CHECK(s->event_count < TILE_EVENTS);
    s->event[s->event_count++] = event;
    core_wake(&s->core);
}

static int device_load(void *self, uint32_t addr, unsigned bytes, uint32_t *value)
{
    struct stand_in *s = self;

    if (bytes != 4 || addr != TILE_REGS_BASE + REG_EVENT_POP)
        return CORE_LOAD_FAULT;
    *value = 0xffffffffu;
    if (s->event_count) {
        *value = s->event[0];
        memmove(s->event, s->event + 1, --s->event_count * sizeof s->event[0]);
    }
    return CORE_BUS_DEVICE;
}

static void receive(struct stand_in *s, uint32_t desc_offset)
{
    struct stream_desc d;
    enum stream_error error;

    do {
        memcpy(&d, s->sram + desc_offset, sizeof d);
        error = stream_check(&d);
        CHECK_MSG(!error || (error == STREAM_BAD_DEST && !s->locked), "descriptor 0x%x: error %d",
                  desc_offset, error);
        if (d.op != STREAM_RECV)
            return;
        CHECK_MSG(d.count <= s->arriving_words[d.src1], "colour %u: %zu words left, %u wanted",
                  d.src1, s->arriving_words[d.src1], d.count);
        memcpy(s->sram + d.dst, s->arriving[d.src1], 4u * d.count);
        s->arriving[d.src1] += d.count;
        s->arriving_words[d.src1] -= d.count;
        if (d.event != TILE_EVENT_NONE)
            stand_in_event(s, d.event);
    } while ((desc_offset = d.next) != 0);
}

static int device_store(void *self, uint32_t addr, unsigned bytes, uint32_t value)
{
    struct stand_in *s = self;

    if (bytes != 4 || addr < TILE_REGS_BASE || addr >= TILE_REGS_BASE + TILE_REGS_BYTES)
        return CORE_STORE_FAULT;
    switch (addr - TILE_REGS_BASE) {
    case REG_STREAM_START:
        s->started = value;
        s->start_count++;
        if (s->rom)
            receive(s, value);
        break;
    case REG_EVENT_POST:
        stand_in_event(s, value);
        break;
    case REG_TASK:
        s->task = value;
        break;
    case REG_CODE_LOCK:
        s->locked = 1;
        break;
    case REG_FAULT_INFO:
        s->fault_info = value;
        break;
    case REG_FAULT_CODE:
        s->fault = value;
        s->core.halted = true;
        break;
    default:
        break;
    }
    return CORE_BUS_DEVICE;
}

static int fetch(void *self, uint32_t addr, uint32_t *halfword)
{
    const struct stand_in *s = self;
    const uint8_t *at;

    if (addr >= TILE_SRAM_BASE && addr < TILE_SRAM_BASE + TILE_CODE_BYTES)
        at = s->sram + (addr - TILE_SRAM_BASE);
    else if (s->rom && addr >= TILE_ROM_BASE && addr < TILE_ROM_BASE + TILE_ROM_BYTES)
        at = s->rom + (addr - TILE_ROM_BASE);
    else
        return CORE_FETCH_FAULT;
    *halfword = (uint32_t)(at[0] | at[1] << 8);
    return CORE_BUS_OK;
}

static void load_image(uint8_t *to, const char *image, size_t max)
{
    const char *build = getenv("B");
    char path[512];
    FILE *f;

    CHECK(snprintf(path, sizeof path, "%s/firmware/%s", build ? build : "build", image) <
          (int)sizeof path);
    f = fopen(path, "rb");
    CHECK_MSG(f != NULL, "no %s", path);
    CHECK(fread(to, 1, max, f) > 100);
    CHECK(fclose(f) == 0);
}

void stand_in_open(struct stand_in *s, const char *image, uint32_t pc)
{
    memset(s, 0, sizeof *s);
    s->sram = xcalloc(TILE_SRAM_BYTES, 1);
    core_reset(&s->core, pc);
    if (pc == TILE_ROM_BASE) {
        s->rom = xcalloc(TILE_ROM_BYTES, 1);
        load_image(s->rom, image, TILE_ROM_BYTES);
        s->core.rom = (struct core_rom_window){TILE_ROM_BASE, TILE_ROM_BYTES, s->rom};
    } else {
        load_image(s->sram, image, TILE_CODE_BYTES);
    }
    s->core.ram = (struct core_window){TILE_SRAM_BASE, TILE_SRAM_BYTES, s->sram};
    s->bus = (struct core_bus){s, device_load, device_store, fetch};
}

void stand_in_close(struct stand_in *s)
{
    free(s->sram);
    free(s->rom);
}

uint32_t stand_in_run(struct stand_in *s, uint32_t starts)
{
    uint64_t from = s->core.cycle;
    uint32_t end = s->start_count + starts;

    for (int i = 0; i < STEPS_MAX && s->start_count != end; i++) {
        unsigned cost;
        if (s->event_count)
            core_wake(&s->core);
        cost = core_step(&s->core, &s->bus);
        if (!cost)
            return (uint32_t)(s->core.cycle - from);
        s->core.cycle += cost;
    }
    CHECK(s->start_count == end);
    return (uint32_t)(s->core.cycle - from);
}
