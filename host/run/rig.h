/* SPDX-License-Identifier: Apache-2.0 */
/* rig.h - tile programs under the real firmware, timed: what the validation and bench cases run on.
 *
 * Every tile's program begins with one word it waits for (rig_gate). Once all tiles have booted and
 * sleep, that word enters every column in the same cycle, so on a fabric one tile high all tiles
 * are ready in the same cycle; row y is y hops later. Measured is the time from the first beat of
 * any later descriptor to the end of the last one, both cycles counted, in row 0 (`row_0_only`) or
 * anywhere. */
#ifndef TESSERA_RUN_RIG_H
#define TESSERA_RUN_RIG_H

#include "place/image.h"
#include "run/images.h"

enum { RIG_GATE_COLOUR = 21 };

struct rig {
    const struct machine *machine;
    const struct images *images;
    uint32_t width, height;
    bool row_0_only;
    /* Append tile (x, y)'s steps behind the gate. */
    void (*emit)(void *self, struct image *m, uint32_t x, uint32_t y);
    /* After the run, what tile (x, y) holds: -1 with an error when that is wrong. May be NULL. */
    int (*check)(void *self, const uint8_t *sram, uint32_t x, uint32_t y, struct err *e);
    void *self;
};

struct rig_result {
    uint64_t cycles;     /* measured, see above */
    uint64_t link_moves; /* wavelets over links, boot excluded */
    uint32_t tiles;
};

/* Boot (direct loading), gate, run until quiet, check conservation and results. Errors: as
 * wafer_run; ERR_INPUT when a program does not fit a tile. */
int rig_run(const struct rig *r, struct rig_result *out, struct err *e);

#endif
