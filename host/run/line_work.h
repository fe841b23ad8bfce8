/* SPDX-License-Identifier: Apache-2.0 */
/* line_work.h - collectives on a line of tiles as programs for run/rig.h, with results checked. */
#ifndef TESSERA_RUN_LINE_WORK_H
#define TESSERA_RUN_LINE_WORK_H

#include "place/levels.h"
#include "run/rig.h"

enum line_pattern {
    LINE_BROADCAST, /* from the root */
    LINE_REDUCE,    /* to the root */
    LINE_ALLREDUCE,
    LINE_RING, /* an all-reduction */
    LINE_STAR  /* every tile sends its words to the last one, nearest first; root = tiles - 1 */
};

struct line_work {
    const struct machine *machine;
    const struct images *images;
    uint32_t tiles, root;
    struct reduce_shape shape; /* not for LINE_BROADCAST, LINE_RING, LINE_STAR */
    enum line_pattern pattern;
    bool stepwise;         /* a stage of a reduction adds, then sends, each begun by the core */
    const uint32_t *words; /* of each, one after the other; each at most 4096 */
    uint32_t count;
    uint32_t rows, cols; /* first a product of bf16 weights, rows x cols; 0: none */
    uint32_t lines;      /* identical lines, one under the other; the first is timed. 0: 1 */
};

/* Boots, runs and checks every sum to the bit. Errors: as rig_run; ERR_INTERNAL names a wrong sum.
 */
int line_work_run(const struct line_work *w, struct rig_result *out, struct err *e);

#endif
