/* SPDX-License-Identifier: Apache-2.0 */
/* port.h - what waits at one edge port, in both directions. When it may go is io.c.
 *
 * Inward: transfers, a list per colour. Outward: one queue that holds, oldest first, wavelets that
 * crossed and wait for the host or are on their way to it, and wavelets that wait to cross. */
#ifndef TESSERA_IO_PORT_H
#define TESSERA_IO_PORT_H

#include "fabric/wafer.h"
#include "io/pacer.h"

#include <stddef.h>

/* A ring of wavelets with a cycle each. Indices count from the beginning and never wrap. */
struct timed {
    uint64_t cycle;
    struct wavelet v;
};
struct timed_queue {
    struct timed *ring;
    size_t size; /* a power of two, or 0 */
    size_t first, end;
};

void timed_push(struct timed_queue *q, struct timed t);
static inline struct timed *timed_at(const struct timed_queue *q, size_t i)
{
    return &q->ring[i & (q->size - 1)];
}

struct transfer {
    struct transfer *next;
    uint64_t from; /* its words may enter from this cycle on */
    size_t count, done;
    const uint32_t *words;
    bool last_is_control;
    uint32_t copy[];
};

/* What is to be queued. */
struct sending {
    const uint32_t *words;
    size_t count;   /* > 0 */
    unsigned flags; /* IO_* */
    uint8_t colour;
    uint64_t from;
};

struct lane {
    struct transfer *first, *last;
};

struct port {
    struct edge_port name;
    struct pacer wire_in, wire_out; /* the channel */
    /* inward */
    struct lane lanes[TILE_COLOURS];
    uint32_t colours; /* bit c: lanes[c] is not empty */
    uint32_t turn;    /* colour that is visited first */
    size_t pending;   /* words in the lanes */
    uint64_t words_in, last_in;
    /* outward */
    struct timed_queue out; /* cycle: from when it may cross; when it has crossed: its arrival */
    size_t crossed;         /* index in `out` of the first that has not crossed */
    uint64_t words_out, last_out;
};

void port_free(struct port *p);

/* Queue words; they are copied unless borrowed. */
void port_queue(struct port *p, const struct sending *s);

/* Take the next word of a colour that is not empty; the colour's turn is over. */
struct wavelet port_next(struct port *p, uint32_t colour);

#endif
