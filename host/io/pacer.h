/* SPDX-License-Identifier: Apache-2.0 */
/* pacer.h - how many wavelets a wire carries, exactly, without floating point.
 *
 * A wire is free from a point in time that is a cycle and a fraction of it. A wavelet may go in
 * cycle t when the wire is free before cycle t ends; the wire is then busy for clock * 32 / rate
 * cycles, from where it became free or, if it was idle, from the start of cycle t. So a busy wire
 * has its exact rate for ever, and an idle one remembers nothing. */
#ifndef TESSERA_IO_PACER_H
#define TESSERA_IO_PACER_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#define WAVELET_BITS 32u /* what a wavelet counts; its colour and control bit ride for free */

struct pacer {
    /* set once */
    uint64_t cost, cost_parts; /* cycles and parts of a cycle that one wavelet takes */
    uint64_t parts;            /* in a cycle */
    /* free from */
    uint64_t cycle, part;
};

/* Clock and rate are rounded to whole Hz and bit/s; at least 1e3 bit/s, at most 1e17. */
static inline struct pacer pacer_make(double clock_hz, double bits_per_second)
{
    uint64_t work = WAVELET_BITS * (uint64_t)llround(clock_hz);
    uint64_t rate = (uint64_t)llround(bits_per_second);
    return (struct pacer){.cost = work / rate, .cost_parts = work % rate, .parts = rate};
}

/* A wire without a limit. */
static inline struct pacer pacer_unlimited(void)
{
    return (struct pacer){.parts = 1};
}

static inline bool pacer_free(const struct pacer *p, uint64_t cycle)
{
    return p->cycle <= cycle;
}

/* Send one wavelet in a cycle in which the wire is free. */
static inline void pacer_take(struct pacer *p, uint64_t cycle)
{
    if (p->cycle < cycle) {
        p->cycle = cycle;
        p->part = 0;
    }
    p->cycle += p->cost;
    p->part += p->cost_parts;
    if (p->part >= p->parts) {
        p->part -= p->parts;
        p->cycle++;
    }
}

#endif
