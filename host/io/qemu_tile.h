/* SPDX-License-Identifier: Apache-2.0 */
/* qemu_tile.h - one tile of an emulated wafer whose core is a QEMU process.
 *
 * The process runs hal/virt's monitor, which runs the wafer's own boot ROM and image; words, router
 * writes and SRAM go through memory shared with it (hal/virt/ring.h). How long the tile takes is
 * not cycle-exact. What it computes is the same, because dataflow does not depend on time. */
#ifndef TESSERA_IO_QEMU_TILE_H
#define TESSERA_IO_QEMU_TILE_H

#include "base/err.h"
#include "fabric/wafer.h"

#include <stdbool.h>
#include <stdint.h>

struct qemu_tile;

struct qemu_tile_cfg {
    const char *qemu;    /* program; NULL: qemu-system-riscv32 on the PATH */
    const char *monitor; /* path of monitor.elf */
    const uint8_t *rom;  /* TILE_ROM_BYTES, copied */
    uint32_t x, y, width, height;
    uint32_t timeout_seconds; /* without a sign of life; 0: 20 */
};

/* Start the process and wait until its monitor runs. -1 and ERR_INPUT if QEMU or the monitor cannot
 * be started. The process dies with the calling thread, and in qemu_tile_close (NULL is fine),
 * which must come after the wafer is closed. */
int qemu_tile_open(struct qemu_tile **out, const struct qemu_tile_cfg *cfg, struct err *e);
void qemu_tile_close(struct qemu_tile *q);

/* What wafer_set_foreign_tile wants; refers to q. `wait` fails with ERR_LIMIT after timeout_seconds
 * without a sign of life, ERR_INTERNAL if the process ended. */
struct foreign_tile qemu_tile_ops(struct qemu_tile *q);

/* The process, while it lives. */
int qemu_tile_pid(const struct qemu_tile *q);

#endif
