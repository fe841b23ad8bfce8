/* SPDX-License-Identifier: Apache-2.0 */
/* crew.h - several threads run the cycles of one wafer of the fast engine.
 *
 * Each thread owns a strip of rows: a view, which is a struct wafer that shares the tiles, lanes
 * and slots of the whole but has its own sets, buckets, counters and fault. In a cycle a thread
 * touches nothing of another strip, but for held, tail and slots of queues it feeds there, which
 * are upstream's anyway. What crosses a border goes into letters (arrivals and freed room) that
 * are handed out between cycles by the thread of wafer_step, which also calls the outside and the
 * hooks, in the order a single thread would. So nothing depends on the number of threads.
 *
 * When little is active that thread does all strips itself: a cycle must be worth waking others. */
#ifndef TESSERA_FABRIC_CREW_H
#define TESSERA_FABRIC_CREW_H

#include "fabric/fast.h"

enum { CREW_MAX = 64 };

/* A hook call put off until the end of the cycle. */
struct crew_note {
    enum { NOTE_STREAM, NOTE_TASK, NOTE_PRINT } kind;
    uint32_t tile, what; /* task, character, or desc << 1 | moment */
};
struct crew_notes {
    struct crew_note *note;
    uint32_t count, size;
};

/* Split a wafer before its next cycle; what is in its sets and buckets goes to the strips. */
void crew_open(struct wafer *w);
void crew_close(struct wafer *w); /* NULL crew is fine */
void crew_step(struct wafer *w);
uint64_t crew_next(struct wafer *w);

unsigned crew_strips(const struct wafer *w);                     /* 1 without a crew */
struct wafer *crew_strip(const struct wafer *w, unsigned strip); /* itself without a crew */

/* The view a tile belongs to; the wafer itself without a crew, or if it is a view. Between cycles
 * only. */
struct wafer *crew_of(struct wafer *w, uint32_t tile);

void crew_count(const struct wafer *w); /* the counters of views become the wafer's */
void crew_note(struct wafer *view, uint32_t tile, unsigned kind, uint32_t what);

#endif
