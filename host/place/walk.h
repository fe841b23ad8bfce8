/* SPDX-License-Identifier: Apache-2.0 */
/* walk.h - inside host/place: a token's way through a strip, in time, on some of its tiles.
 *
 * The tiles are all crossings of some rows with some columns, so that every line they are on has
 * several of them, and the root of every such line. Their steps (trace.h) are played against each
 * other: a tile does its own work, waits for what comes to it, and a line's reduction happens when
 * all of its tiles that are looked at have come to it; those between them are taken to come between
 * them (line_time.h). Every step keeps on whom it waited, so the way that took the longest can be
 * walked back from the end. */
#ifndef TESSERA_PLACE_WALK_H
#define TESSERA_PLACE_WALK_H

#include "place/plan.h"
#include "place/trace.h"

/* A step of a tile: when the next one could begin, and the step that this one waited for: number
 * `done` - 1 of a tile, where 0 is the token's start. */
struct walk_step {
    struct trace_step what;
    uint64_t end;
    uint32_t tile, done;
    uint32_t hops, stages; /* on the way from there */
};

struct walk_tile {
    struct tile_place at;
    struct walk_step *step;
    uint32_t count;
};

struct walk {
    struct walk_tile *tiles;
    uint32_t count;
    struct walk_step last; /* the last word of the result has left the strip */
};

void walk_open(struct walk *w, const struct plan *p, const struct strip *s);
void walk_close(struct walk *w);

#endif
