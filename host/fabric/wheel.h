/* SPDX-License-Identifier: Apache-2.0 */
/* wheel.h - what happens at a known later cycle: wavelets on their way, and alarms.
 *
 * The wheel has a bucket per cycle for the next few cycles (the longest link or ramp); the alarms
 * are a heap, for any distance. */
#ifndef TESSERA_FABRIC_WHEEL_H
#define TESSERA_FABRIC_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

/* Where a parcel goes: the queue of a router port (0..4, enum fabric_port), the input queue of the
 * tile, or out of the wafer through a side (PLACE_LEAVE + side). */
enum { PLACE_QUEUE = 5, PLACE_LEAVE };

struct parcel {
    uint32_t tile;
    uint32_t data;
    uint8_t place, colour;
    bool control;
};

struct bucket {
    struct parcel *parcel;
    uint32_t count, size;
};

struct wheel {
    struct bucket *bucket;
    uint32_t mask; /* buckets - 1, a power of two */
    uint64_t total;
};

void wheel_open(struct wheel *h, uint32_t delay_max);
void wheel_close(struct wheel *h);
/* `cycle` is at most delay_max after the bucket emptied last. */
void wheel_put(struct wheel *h, uint64_t cycle, struct parcel p);
/* The first cycle >= now with a parcel, or UINT64_MAX. */
uint64_t wheel_next(const struct wheel *h, uint64_t now);

static inline struct bucket *wheel_bucket(const struct wheel *h, uint64_t cycle)
{
    return &h->bucket[cycle & h->mask];
}

/* Alarms: a heap ordered by cycle, then tile. An entry counts only while the tile's own `alarm`
 * field says the same cycle; the caller drops the others. */
struct alarm {
    uint64_t cycle;
    uint32_t tile;
};

struct alarms {
    struct alarm *heap;
    uint32_t count, size;
};

void alarms_close(struct alarms *a);
void alarms_put(struct alarms *a, uint64_t cycle, uint32_t tile);
void alarms_drop(struct alarms *a); /* the first; not empty */

#endif
