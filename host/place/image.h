/* SPDX-License-Identifier: Apache-2.0 */
/* image.h - builds one tile's program: memory, descriptors in sequence, tasks, routes.
 *
 * What a tile does for a token is one sequence of steps. A step is a descriptor or a kernel.
 * Descriptors that follow each other are chained in hardware; a kernel becomes a task that the last
 * descriptor's event fires and that starts the next chain. The sequence wraps: after the last step
 * comes the first again.
 *
 * Memory grows from both ends: what must be loaded (tables, descriptors, weights) up from
 * TILE_PROGRAM_OFFSET, zero buffers down from the end of SRAM. Crossing is the sticky error
 * `overflow`. A dry image only counts, so that a placement can be tried for the price of its
 * arithmetic. */
#ifndef TESSERA_PLACE_IMAGE_H
#define TESSERA_PLACE_IMAGE_H

#include "fabric/machine.h"
#include "hal/fabric.h"
#include "hal/program.h"
#include "hal/stream.h"

#include <stdbool.h>
#include <stdint.h>

/* What SRAM is used for; index of struct image.used. */
enum image_part {
    PART_CODE,
    PART_STACK,
    PART_PROGRAM,
    PART_BUFFERS,
    PART_KV,
    PART_WEIGHTS,
    IMAGE_PARTS
};
const char *image_part_name(enum image_part part);

enum {
    IMAGE_DESCS = 512, /* limits of one tile's program; more is the sticky error */
    IMAGE_ROUTES = TILE_COLOURS,
    IMAGE_MARKS = 256
};

/* What a token costs a tile, in cycles, by what they go into: products and kernels' items; setting
 * up descriptors and dispatching kernels; and, of collectives, the stages of a reduction and ramps,
 * the hops, and words one behind the other. */
struct image_cost {
    uint64_t compute, dispatch, stages, hops, words;
};

struct trace;

struct image {
    const struct machine *machine; /* NULL: costs are not reckoned */
    struct trace *trace;           /* NULL, or notes the steps (trace.h); of a dry image */
    uint32_t cached;               /* positions in the tile's cache to reckon with */
    struct image_cost cost;        /* since the last mark */
    bool dry;
    _Alignas(16) uint8_t sram[TILE_SRAM_BYTES]; /* not touched when dry */
    uint32_t low, high;                         /* free memory is low..high-1 */
    uint32_t dirty;                             /* sram below it may not be zero */
    uint32_t used[IMAGE_PARTS];                 /* bytes */
    const char *overflow;                       /* NULL, or what did not fit */
    enum image_part overflow_part;

    struct stream_desc desc[IMAGE_DESCS];
    uint16_t desc_at[IMAGE_DESCS];
    uint32_t desc_count;
    struct program_route route[IMAGE_ROUTES];
    uint32_t route_count, queue_count;
    struct program_task task[PROGRAM_TASKS];
    uint16_t task_start[PROGRAM_TASKS]; /* every task has at most one entry */
    uint32_t task_count;

    struct {
        uint16_t desc;
        uint8_t id;
        struct image_cost cost; /* since the mark before */
    } mark[IMAGE_MARKS];        /* named points of the sequence: the descriptor that reaches them */
    uint32_t mark_count;

    int last_desc, last_task; /* the step the next one is tied to; -1 none */
    int first_desc;           /* the sequence starts with it */
};

/* Begin a program. The image is zero before its first reset (xcalloc). */
void image_reset(struct image *m, bool dry);

/* Take memory. All return the SRAM offset. image_data copies `bytes` (may be NULL in a dry image);
 * the pointer form gives room to fill in (NULL in a dry image). image_words gives zeroed words that
 * are not loaded. */
uint16_t image_data(struct image *m, enum image_part part, const void *data, uint32_t bytes);
uint8_t *image_room(struct image *m, enum image_part part, uint32_t bytes, uint16_t *offset);
uint16_t image_words(struct image *m, enum image_part part, uint32_t words);

/* Append a descriptor (thread 0; event and next are filled in here). Returns its SRAM offset. */
uint16_t image_step(struct image *m, struct stream_desc d);

/* Append a kernel with its argument block. Returns the block's offset. */
uint16_t image_kernel(struct image *m, enum kernel kernel, const void *args, uint32_t bytes);

/* A kernel beside the sequence: the last descriptor fires it, and what follows does not wait for
 * it. Kernels run one after the other in the order of the descriptors that fire them, so every
 * kernel of the sequence from here on, and what follows that, comes after it. Where the last step
 * is a kernel or has one beside it already, the sequence waits. */
uint16_t image_kernel_beside(struct image *m, enum kernel kernel, const void *args, uint32_t bytes);

/* Name the point after the last descriptor (for reports; costs the tile nothing). */
void image_mark(struct image *m, uint8_t id);

/* What the last steps cost beside what image_step and image_kernel see themselves: a collective, of
 * `total` cycles by place/cost.h and `single` with one word; a product whose counts are patched on
 * the tile, with counts to reckon with. */
void image_collective(struct image *m, uint64_t total, uint64_t single, uint64_t hops);
void image_product(struct image *m, struct stream_desc d);

/* What was reckoned since the last mark is not on a token's way. */
void image_aside(struct image *m);

/* Overwrite loaded bytes taken earlier. Nothing in a dry image. */
void image_rewrite(struct image *m, uint16_t offset, const void *data, uint32_t bytes);

/* The route of a colour (one position); `receive` binds the next free input queue to it. Saying the
 * same route twice is fine, two different ones is the sticky error. */
void image_route(struct image *m, uint8_t colour, uint16_t word, bool receive);

/* The same with `count` switch positions (1..TILE_SWITCH_POSITIONS) that control wavelets go
 * through in turn, from the last back to the first. */
void image_switch(struct image *m, uint8_t colour, const uint16_t *words, uint32_t count,
                  bool receive);

/* Close the sequence and write header and tables. The first step must be a descriptor. */
void image_finish(struct image *m);

#endif
