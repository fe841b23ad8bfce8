/* SPDX-License-Identifier: Apache-2.0 */
/* tile.h - a tile's devices in software: registers, event queue, stream engine.
 *
 * This is what a tile needs beside a RISC-V core, so that firmware runs on any core: QEMU's or
 * ours. It keeps the meaning of hal/stream.h and hal/event.h; its timing is not the wafer's. The
 * engine moves only inside virt_tile_poll, so whoever waits must call it. Words travel through
 * link.h. */
#ifndef TESSERA_HAL_VIRT_TILE_H
#define TESSERA_HAL_VIRT_TILE_H

#include "hal/stream.h"
#include "hal/tile_map.h"

#include <stdbool.h>
#include <stdint.h>

/* Words of the fault record, in the order of the FAULT_* registers. */
enum virt_fault_word {
    VIRT_FAULT_FILE,
    VIRT_FAULT_LINE,
    VIRT_FAULT_PC,
    VIRT_FAULT_INFO,
    VIRT_FAULT_STACK_FREE,
    VIRT_FAULT_CODE,
    VIRT_FAULT_WORDS
};

struct virt_thread {
    bool busy;
    uint16_t at;   /* SRAM offset the descriptor came from */
    uint32_t done; /* words moved so far */
    struct stream_desc d;
};

struct virt_tile {
    /* set by virt_tile_reset, then constant */
    uint8_t *sram; /* TILE_SRAM_BYTES, 4-aligned */
    uint32_t x, y, width, height;

    /* registers that can be read back */
    uint32_t queue_colour[TILE_QUEUES];
    uint32_t route_mode[TILE_COLOURS];
    uint32_t route[TILE_COLOURS * TILE_SWITCH_POSITIONS];
    uint32_t task;
    bool code_locked;
    uint32_t fault[VIRT_FAULT_WORDS];

    uint8_t event[TILE_EVENTS]; /* a ring: the oldest is at event_first */
    uint32_t event_first, event_count;
    bool timer_running;
    uint32_t timer_event, timer_end; /* low word of the cycle in which the timer posts */

    struct virt_thread thread[TILE_THREADS];
    uint32_t turn; /* thread that is asked first */
};

/* The state after reset: boot colours bound, everything else empty. SRAM is not touched. */
void virt_tile_reset(struct virt_tile *t, uint8_t *sram);

/* A load from, and a store to, a tile register. A bad access is FAULT REGISTER. A read of EVENT_POP
 * or STREAM_BUSY lets the engine move first, so that software that polls them gets on. */
uint32_t virt_tile_read(struct virt_tile *t, uint32_t offset);
void virt_tile_write(struct virt_tile *t, uint32_t offset, uint32_t value);

/* Let the engine do one beat (a fabric word, or a whole memory operation), and the timer post.
 * Returns whether anything moved. */
bool virt_tile_poll(struct virt_tile *t);

/* Poll until the event queue is not empty: what wfi means. */
void virt_tile_wait(struct virt_tile *t);

/* Fill the fault record as the hardware would and stop. */
_Noreturn void virt_tile_fault(struct virt_tile *t, uint32_t code, uint32_t line, uint32_t info);

#endif
