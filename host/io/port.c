/* SPDX-License-Identifier: Apache-2.0 */
/* port.c - the queues of one edge port. */
#include "io/port.h"

#include "base/xalloc.h"
#include "io/io.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void timed_push(struct timed_queue *q, struct timed t)
{
    if (q->end - q->first == q->size) {
        size_t size = q->size ? 2 * q->size : 64;
        struct timed *ring = xcalloc(size, sizeof *ring);
        for (size_t i = q->first; i < q->end; i++)
            ring[i & (size - 1)] = *timed_at(q, i);
        free(q->ring);
        q->ring = ring;
        q->size = size;
    }
    *timed_at(q, q->end++) = t;
}

void port_free(struct port *p)
{
    for (uint32_t c = 0; c < TILE_COLOURS; c++) {
        struct transfer *next;
        for (struct transfer *t = p->lanes[c].first; t; t = next) {
            next = t->next;
            free(t);
        }
    }
    free(p->out.ring);
}

void port_queue(struct port *p, const struct sending *s)
{
    size_t copied = s->flags & IO_BORROWED ? 0 : s->count;
    struct lane *lane = &p->lanes[s->colour];
    assert(s->count && s->count <= SIZE_MAX / 8 && s->colour < TILE_COLOURS);
    struct transfer *t = xcalloc(1, sizeof *t + copied * sizeof *t->copy);
    if (copied)
        memcpy(t->copy, s->words, copied * sizeof *t->copy);
    t->words = copied ? t->copy : s->words;
    t->count = s->count;
    t->from = s->from;
    t->last_is_control = s->flags & IO_LAST_IS_CONTROL;
    if (lane->first)
        lane->last->next = t;
    else
        lane->first = t;
    lane->last = t;
    p->colours |= 1u << s->colour;
    p->pending += s->count;
}

struct wavelet port_next(struct port *p, uint32_t colour)
{
    struct lane *lane = &p->lanes[colour];
    struct transfer *t = lane->first;
    struct wavelet v = {.data = t->words[t->done++], .colour = (uint8_t)colour};
    v.control = t->last_is_control && t->done == t->count;
    p->pending--;
    p->words_in++;
    if (t->done == t->count) {
        lane->first = t->next;
        free(t);
    }
    if (!lane->first)
        p->colours &= ~(1u << colour);
    p->turn = p->colours ? (colour + 1) % TILE_COLOURS : 0;
    return v;
}
