/* SPDX-License-Identifier: Apache-2.0 */
/* allreduce.h - boot a whole fabric and add up one vector over all its tiles.
 *
 * Tile (x, y) holds `words` whole numbers, chosen so that every partial sum is exact in fp32. Rows
 * are reduced, then the column of their roots, and the sum is sent to every tile (place/
 * collective.h), in the kinds of reduction that cost.h finds cheapest for the fabric. A word from
 * the north-west corner starts all tiles in the same cycle. Every tile's sum is checked. */
#ifndef TESSERA_RUN_ALLREDUCE_H
#define TESSERA_RUN_ALLREDUCE_H

#include "place/cost.h"
#include "run/images.h"

/* How tiles get what they run. BOOT_IMAGE: the firmware image, and the word that ends a tile's
 * load, come through the mesh; its program was written to SRAM before. BOOT_FABRIC: programs come
 * through the mesh too, some 60 words for each tile over half a row of hops. BOOT_DIRECT: all is
 * written. */
enum boot_load { BOOT_IMAGE, BOOT_FABRIC, BOOT_DIRECT };

enum { ALLREDUCE_WORDS_MAX = 2048 };

struct allreduce_cfg {
    const struct machine *machine; /* borrowed */
    const struct images *images;
    uint32_t width, height, words;
    enum boot_load load;
    enum wafer_engine engine;
    uint32_t threads;
    uint64_t max_cycles; /* for boot and sum each; 0: 2^40 */
    /* called now and then; may be NULL. `part` of `whole` of what is done. */
    void (*progress)(void *self, const char *what, uint64_t part, uint64_t whole);
    void *progress_self;
};

struct allreduce_result {
    enum reduce_kind row, column;
    uint32_t program_bytes; /* of the tile with most of it */
    uint64_t boot_cycles;   /* from reset until every tile sleeps, booted */
    uint64_t cycles;        /* first issue to last word stored, both counted */
    uint64_t predicted;     /* cost_rect_allreduce */
    uint64_t link_moves;    /* wavelets over links, boot included */
    double open_seconds, boot_seconds, sum_seconds, check_seconds; /* wall time */
    uint64_t memory_bytes,
        memory_before; /* peak of this process, and before the wafer was opened */
};

/* Errors: as wafer_run; ERR_USAGE for a size or length out of range; ERR_COMPARE names the first
 * tile with a wrong sum. Cost: host memory per tile as wafer_open and one page of SRAM (two when
 * `words` is large); programs are made as rows have room for them. */
int allreduce_run(const struct allreduce_cfg *cfg, struct allreduce_result *out, struct err *e);

#endif
