/* SPDX-License-Identifier: Apache-2.0 */
/* load.h - a plan's programs into the tiles of one wafer. */
#ifndef TESSERA_RUN_LOAD_H
#define TESSERA_RUN_LOAD_H

#include "io/io.h"
#include "place/plan.h"
#include "run/images.h"

struct loading {
    const struct plan *plan;
    const struct images *images;
    struct wafer *wafer;
    struct io *io;
    uint32_t first_column; /* of the plan's */
    uint32_t threads;      /* that make programs; 0: one */
    void (*progress)(void *self, uint32_t rows_done);
    void *progress_self;
    uint32_t tiles; /* out: that have a program */
};

/* Queue the firmware image and every row's programs at the west edge. */
int load_over_fabric(struct loading *l, struct err *e);

/* Write the same bytes into SRAM and start the tiles. */
int load_directly(struct loading *l, struct err *e);

#endif
