/* SPDX-License-Identifier: Apache-2.0 */
/* trace.h - inside host/place: what a tile's program does for a token, as steps that take time.
 *
 * While a program is emitted dry the image notes what it appends: work of its own, kernels, and its
 * part in what lines and columns do together. walk.c plays the steps of some tiles against each
 * other. */
#ifndef TESSERA_PLACE_TRACE_H
#define TESSERA_PLACE_TRACE_H

#include "place/collective.h"

enum trace_kind {
    TRACE_LOCAL,  /* descriptors that wait for nobody */
    TRACE_KERNEL, /* of the sequence */
    TRACE_BESIDE, /* a kernel that only other kernels wait for */
    TRACE_INPUT,  /* from the west edge: `words`, and `dispatch` cycles later where it is told */
    TRACE_REDUCE, /* of a line; the root stores the result */
    TRACE_ONTO,   /* ... sends it while it makes it */
    TRACE_CAST,   /* of a line: what the root has */
    TRACE_MADE,   /* ... what it sent in the step before */
    TRACE_RELAY,  /* ... what it takes from the rows outside */
    TRACE_SEND,   /* along the column, to all who take */
    TRACE_TAKE
};

/* The two messages along a column between the band and the rows outside. */
enum trace_wire { WIRE_OUT, WIRE_BACK, TRACE_WIRES };

struct trace_step {
    uint8_t kind, phase;
    uint8_t line; /* of trace.line; of a message its wire */
    uint32_t words;
    uint32_t compute, dispatch; /* cycles of one's own */
};

enum { TRACE_STEPS = 2 * IMAGE_DESCS, TRACE_LINES = 16 };

struct trace {
    struct trace_step step[TRACE_STEPS];
    uint32_t count, marked; /* steps before `marked` have their phase */
    struct line line[TRACE_LINES];
    uint32_t lines;
    uint32_t token; /* the step of the last kernel `token` */
};

/* All do nothing where the image has no trace. */
void trace_local(struct image *m, uint64_t compute, uint64_t dispatch);
void trace_kernel(struct image *m, enum trace_kind kind, enum kernel kernel, const void *args);
void trace_line(struct image *m, enum trace_kind kind, const struct line *l, struct length n);
void trace_wire(struct image *m, enum trace_kind kind, enum trace_wire wire, uint32_t words);
void trace_input(struct image *m, uint32_t words, uint64_t told);

/* The items of kernel `token`, which are known when all of a layer is written. */
void trace_token(struct image *m, uint64_t cycles);

/* Steps since the last mark are of this phase; kernels behind the last descriptor are of the next
 * one's. */
void trace_mark(struct image *m, uint8_t phase);

#endif
