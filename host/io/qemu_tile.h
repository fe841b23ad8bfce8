/* SPDX-License-Identifier: Apache-2.0 */
/* qemu_tile.h - one tile of an emulated wafer whose core is a QEMU process.
 *
 * The process runs hal/virt's monitor, which runs the wafer's own boot ROM and image; words, router
 * writes and SRAM go through memory shared with it (hal/virt/ring.h). How long the tile takes is
 * not cycle-exact. What it computes is the same, because dataflow does not depend on time. */
#ifndef TESSERA_IO_QEMU_TILE_H
#define TESSERA_IO_QEMU_TILE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct qemu_tile;

struct qemu_tile_cfg {
    const char *qemu;    /* program; NULL: qemu-system-riscv32 on the PATH */
    const char *monitor; /* path of monitor.elf */
    const uint8_t *rom;  /* TILE_ROM_BYTES, copied */
    const uint8_t *sram; /* TILE_SRAM_BYTES to start with, copied; NULL: all zero */
    uint32_t start;      /* pc; TILE_ROM_BASE to boot over the mesh */
    bool code_locked;    /* start with the code region read-only: direct loading */
    uint32_t x, y, width, height;
    uint32_t timeout_seconds; /* without a sign of life; 0: 20 */
};

/* Start the process and wait until its monitor runs. -1 and ERR_INPUT if QEMU or the monitor cannot
 * be started. The process dies with the calling thread, and in qemu_tile_close (NULL is fine). */
int qemu_tile_open(struct qemu_tile **out, const struct qemu_tile_cfg *cfg, struct err *e);
void qemu_tile_close(struct qemu_tile *q);

/* A word for the tile. False if there is no room; try again later. */
bool qemu_tile_take(struct qemu_tile *q, uint8_t colour, uint32_t word, bool control);

/* A word from the tile, of one of the colours in the bit mask, which take turns. False: none. */
bool qemu_tile_give(struct qemu_tile *q, uint32_t colours, uint8_t *colour, uint32_t *word,
                    bool *control);

/* The next write to a router register (an offset of tile_regs.def), in order. Ask before asking for
 * words: a program sets its routes before it uses them. */
bool qemu_tile_configure(struct qemu_tile *q, uint32_t *offset, uint32_t *value);

/* Call when the rest of the wafer can do nothing. Waits until the tile did something (1) or sleeps,
 * has read all it was given and has nothing to say (0). -1 on an error: ERR_FAULT, the tile
 * faulted; ERR_LIMIT, no sign of life; ERR_INTERNAL, the process ended. */
int qemu_tile_wait(struct qemu_tile *q, struct err *e);

/* The tile's SRAM, as it is now: TILE_SRAM_BYTES. Settled only after qemu_tile_wait gave 0. */
const uint8_t *qemu_tile_sram(const struct qemu_tile *q);

/* Last value of the TASK register that the tile reported. */
uint32_t qemu_tile_task(const struct qemu_tile *q);

/* What the tile printed, at most n - 1 bytes of it. */
void qemu_tile_console(const struct qemu_tile *q, char *out, uint32_t n);

#endif
