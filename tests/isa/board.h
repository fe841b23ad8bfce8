/* SPDX-License-Identifier: Apache-2.0 */
/* board.h - a core with 4 KiB of memory for one-instruction tests. Memory is behind the bus, not in
 * a window, unless a test says so; one device register at BOARD_DEVICE counts its accesses. */
#ifndef TESSERA_TESTS_BOARD_H
#define TESSERA_TESTS_BOARD_H

#include "core/core.h"
#include "harness.h"
#include "rvasm.h"

#include <string.h>

enum { BOARD_BYTES = 4096 };
#define BOARD_BASE 0x80000000u
#define BOARD_DATA (BOARD_BASE + 2048)
#define BOARD_DEVICE 0x40000000u

struct board {
    struct core core;
    struct core_bus bus;
    uint8_t memory[BOARD_BYTES];
    uint32_t device, device_accesses;
};

static inline int board_load(void *self, uint32_t addr, unsigned bytes, uint32_t *value)
{
    struct board *b = self;
    uint32_t at = addr - BOARD_BASE;
    *value = 0;
    if (addr - BOARD_DEVICE < 4) {
        b->device_accesses++;
        *value = b->device;
        return addr & (bytes - 1) ? CORE_LOAD_MISALIGNED : CORE_BUS_DEVICE;
    }
    if (at > BOARD_BYTES - bytes)
        return CORE_LOAD_FAULT;
    for (unsigned k = 0; k < bytes; k++)
        *value |= (uint32_t)b->memory[at + k] << 8 * k;
    return CORE_BUS_OK;
}

static inline int board_store(void *self, uint32_t addr, unsigned bytes, uint32_t value)
{
    struct board *b = self;
    uint32_t at = addr - BOARD_BASE;
    if (addr - BOARD_DEVICE < 4) {
        b->device_accesses++;
        b->device = value;
        return addr & (bytes - 1) ? CORE_STORE_MISALIGNED : CORE_BUS_DEVICE;
    }
    if (at > BOARD_BYTES - bytes)
        return CORE_STORE_FAULT;
    for (unsigned k = 0; k < bytes; k++)
        b->memory[at + k] = (uint8_t)(value >> 8 * k);
    return CORE_BUS_OK;
}

static inline int board_fetch(void *self, uint32_t addr, uint32_t *halfword)
{
    return board_load(self, addr, 2, halfword) == CORE_BUS_OK ? CORE_BUS_OK : CORE_FETCH_FAULT;
}

/* Reset, with floating point on and the handler at BOARD_BASE + 1024. */
static inline void board_open(struct board *b)
{
    memset(b, 0, sizeof *b);
    core_reset(&b->core, BOARD_BASE);
    b->core.mstatus = CORE_MSTATUS_FS;
    b->core.mtvec = BOARD_BASE + 1024;
    b->bus = (struct core_bus){b, board_load, board_store, board_fetch};
}

/* Put `w` at pc and step over it; its cost. */
static inline unsigned board_step(struct board *b, uint32_t w)
{
    CHECK(board_store(b, b->core.pc, (w & 3) == 3 ? 4 : 2, w) == CORE_BUS_OK);
    return core_step(&b->core, &b->bus);
}

#endif
