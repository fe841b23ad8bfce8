/* SPDX-License-Identifier: Apache-2.0 */
/* upstream.h - where a colour comes from, followed backwards along the routes. */
#ifndef TESSERA_FABRIC_UPSTREAM_H
#define TESSERA_FABRIC_UPSTREAM_H

#include "fabric/inside.h"

enum source_kind {
    SOURCE_NONE,   /* no route leads here */
    SOURCE_QUEUE,  /* wavelets wait in the router queue (tile, port) */
    SOURCE_THREAD, /* thread `thread` of the tile is to send them */
    SOURCE_SILENT, /* they come from the ramp of this tile, but no thread sends */
    SOURCE_EDGE    /* they come in from outside at (tile, port) */
};

struct source {
    enum source_kind kind;
    uint32_t tile;
    unsigned port, thread;
};

/* What should bring wavelets of a colour to these ports of a tile: the first waiting queue found,
 * else a sending thread, else a silent tile or edge. Cost: the number of routers upstream. */
struct source upstream_find(const struct wafer *w, uint32_t tile, unsigned ports, unsigned colour);

/* Ports whose wavelets of this colour some switch position gives to one of these outputs. */
unsigned upstream_inputs(const struct router *r, unsigned colour, unsigned outputs);

/* The busy thread of a tile that takes (1) or sends (2) a colour, now or with a descriptor that
 * follows on it, or NO_THREAD. */
unsigned upstream_thread(const struct tile *t, unsigned use, unsigned colour);

/* Whether what that thread does now is it. */
bool upstream_now(const struct tile *t, unsigned thread, unsigned use, unsigned colour);

#endif
