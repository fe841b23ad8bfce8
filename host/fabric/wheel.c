/* SPDX-License-Identifier: Apache-2.0 */
/* wheel.c - the bucket per cycle, and the heap of alarms. */
#include "fabric/wheel.h"

#include "base/xalloc.h"

#include <stdlib.h>

void wheel_open(struct wheel *h, uint32_t delay_max)
{
    uint32_t size = 2;
    while (size <= delay_max)
        size *= 2;
    h->mask = size - 1;
    h->bucket = xcalloc(size, sizeof *h->bucket);
    h->total = 0;
}

void wheel_close(struct wheel *h)
{
    for (uint32_t i = 0; h->bucket && i <= h->mask; i++)
        free(h->bucket[i].parcel);
    free(h->bucket);
}

void wheel_put(struct wheel *h, uint64_t cycle, struct parcel p)
{
    struct bucket *b = wheel_bucket(h, cycle);
    if (b->count == b->size) {
        b->size = b->size ? b->size * 2 : 16;
        b->parcel = xrealloc(b->parcel, b->size, sizeof *b->parcel);
    }
    b->parcel[b->count++] = p;
    h->total++;
}

uint64_t wheel_next(const struct wheel *h, uint64_t now)
{
    if (!h->total)
        return UINT64_MAX;
    while (!wheel_bucket(h, now)->count)
        now++;
    return now;
}

static bool sooner(struct alarm a, struct alarm b)
{
    return a.cycle != b.cycle ? a.cycle < b.cycle : a.tile < b.tile;
}

void alarms_close(struct alarms *a)
{
    free(a->heap);
}

void alarms_put(struct alarms *a, uint64_t cycle, uint32_t tile)
{
    if (a->count == a->size) {
        a->size = a->size ? a->size * 2 : 64;
        a->heap = xrealloc(a->heap, a->size, sizeof *a->heap);
    }
    struct alarm new = {cycle, tile};
    uint32_t at = a->count++;
    for (; at > 0 && sooner(new, a->heap[(at - 1) / 2]); at = (at - 1) / 2)
        a->heap[at] = a->heap[(at - 1) / 2];
    a->heap[at] = new;
}

void alarms_drop(struct alarms *a)
{
    struct alarm last = a->heap[--a->count];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= a->count)
            break;
        if (child + 1 < a->count && sooner(a->heap[child + 1], a->heap[child]))
            child++;
        if (!sooner(a->heap[child], last))
            break;
        a->heap[at] = a->heap[child];
        at = child;
    }
    if (a->count)
        a->heap[at] = last;
}
