/* SPDX-License-Identifier: Apache-2.0 */
/* ring.h - the shared memory between a live tile (QEMU) and the emulated wafer. One layout, both
 * sides.
 *
 * The host makes a file of RING_FILE_BYTES, QEMU maps it as the BAR of an ivshmem-plain device. The
 * tile's SRAM lies in it as well, so the host can read it like any other tile's.
 *
 * - 0: struct ring_header
 * - RING_ROM: the boot ROM's bytes, written by the host before QEMU starts
 * - RING_SRAM: the tile's SRAM
 * - RING_TO_TILE: struct ring[TILE_COLOURS], words on their way into the tile
 * - RING_FROM_TILE: struct ring[TILE_COLOURS], words on their way into its router
 *
 * A ring has one writer and one reader; indices run freely and are taken modulo RING_WORDS. An
 * index is published with release and read with acquire order. What one side writes is never
 * written by the other.
 *
 * Sleep. host_steps counts everything the host did to the rings. The tile reads it, then looks for
 * work; if there was none it writes the number it had read to asleep_at. So the tile can do nothing
 * until the host acts iff asleep_at == host_steps and its outgoing rings are empty. */
#ifndef TESSERA_HAL_VIRT_RING_H
#define TESSERA_HAL_VIRT_RING_H

#include "hal/tile_map.h"

#include <stdbool.h>
#include <stdint.h>

#define RING_MAGIC 0x4b4e494cu /* "LINK" */
#define RING_VERSION 1u
#define RING_WORDS 256u       /* per colour and direction; a power of two */
#define RING_CONFIG_WORDS 64u /* router writes in flight; a power of two */
#define RING_LINE 64u         /* bytes; each writer has its own lines */

enum ring_state {
    RING_NEW = 0,     /* QEMU has not got here yet */
    RING_STARTED = 1, /* the monitor runs and waits for go, or the tile is in its ROM */
    RING_RUNNING = 2, /* the tile has locked its code: it runs the image */
    RING_FAULTED = 3  /* fault[] is complete; the tile has stopped */
};

/* One wavelet, or one router write (offset, value). */
struct ring_slot {
    uint32_t word, control;
};

struct ring {
    _Alignas(RING_LINE) uint32_t written; /* by the sending side */
    _Alignas(RING_LINE) uint32_t read;    /* by the receiving side */
    _Alignas(RING_LINE) struct ring_slot slot[RING_WORDS];
};

struct ring_header {
    /* by the host, before QEMU starts */
    uint32_t magic, version;
    uint32_t x, y, width, height;
    /* by the host, before it sets go */
    uint32_t start; /* pc of the first instruction: the ROM, or the image when it is loaded directly
                     */
    uint32_t code_locked; /* 1: start with the code read-only */
    /* by the host */
    _Alignas(RING_LINE) uint32_t host_steps;
    uint32_t go; /* 1: start */
    uint32_t config_read;
    /* by the tile */
    _Alignas(RING_LINE) uint32_t asleep_at;
    uint32_t tile_steps; /* counts what the tile did to the rings */
    uint32_t state;      /* enum ring_state */
    uint32_t task;       /* last value of the TASK register */
    uint32_t fault[6];   /* FILE, LINE, PC, INFO, STACK_FREE, CODE */
    uint32_t config_written;
    _Alignas(RING_LINE) struct ring_slot config[RING_CONFIG_WORDS]; /* router writes, in order */
};

#define RING_ROM 0x1000u
#define RING_SRAM 0x4000u
#define RING_TO_TILE 0x10000u
#define RING_FROM_TILE 0x40000u
#define RING_FILE_BYTES 0x80000u /* a BAR is a power of two */

_Static_assert(sizeof(struct ring_header) <= RING_ROM, "the header has a page");
_Static_assert(RING_ROM + TILE_ROM_BYTES <= RING_SRAM, "the ROM has a page");
_Static_assert(RING_SRAM + TILE_SRAM_BYTES <= RING_TO_TILE, "the SRAM fits");
_Static_assert(RING_TO_TILE + TILE_COLOURS * sizeof(struct ring) <= RING_FROM_TILE, "rings fit");
_Static_assert(RING_FROM_TILE + TILE_COLOURS * sizeof(struct ring) <= RING_FILE_BYTES, "they fit");

static inline uint32_t ring_get(const uint32_t *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static inline void ring_set(uint32_t *index, uint32_t value)
{
    __atomic_store_n(index, value, __ATOMIC_RELEASE);
}

/* For the sending side: room for one more? For the receiving side: something to take? */
static inline bool ring_room(const struct ring *r)
{
    return r->written - ring_get(&r->read) < RING_WORDS;
}
static inline bool ring_waiting(const struct ring *r)
{
    return ring_get(&r->written) != r->read;
}

/* Needs room. */
static inline void ring_put(struct ring *r, uint32_t word, bool control)
{
    r->slot[r->written % RING_WORDS] = (struct ring_slot){word, control};
    ring_set(&r->written, r->written + 1);
}

/* Needs something waiting. */
static inline struct ring_slot ring_take(struct ring *r)
{
    struct ring_slot s = r->slot[r->read % RING_WORDS];
    ring_set(&r->read, r->read + 1);
    return s;
}

#endif
