/* SPDX-License-Identifier: Apache-2.0 */
/* game.h - inside host/place: the tiles and lines of a walk (walk.h) while they are played. */
#ifndef TESSERA_PLACE_GAME_H
#define TESSERA_PLACE_GAME_H

#include "place/line_time.h"
#include "place/walk.h"

/* A stream of words and the step that sends it. */
struct stream {
    struct line_stream words;
    uint32_t tile, done;
};

struct line_member {
    uint32_t tile, index; /* in the walk, on the line */
};

struct line_walk {
    struct line line;      /* of one of its tiles */
    uint32_t fixed, first; /* the coordinate all have in common; the first tile's */
    const struct line_order *order;
    struct line_member *members; /* by index */
    uint32_t count, root;        /* members; which of them is the root */
    uint32_t waiting;            /* members that have come to a reduction */
    struct stream *casts;
    uint32_t cast_count;
};

/* Messages along one column. */
struct wire {
    struct stream *sent;
    uint32_t count, sender_row;
};

/* A tile at work. */
struct player {
    struct walk_tile *tile;
    uint32_t at;
    uint64_t ready, core;        /* core: from when on it is free */
    uint32_t line[TRACE_LINES];  /* of the game's */
    uint32_t index[TRACE_LINES]; /* on them */
    uint32_t casts[TRACE_LINES]; /* taken */
    uint32_t taken[TRACE_WIRES];
    bool waits;
};

struct shape_order { /* lines of the same shape happen alike */
    struct line line;
    struct line_order *order;
};

struct game {
    const struct plan *plan;
    const struct strip *strip;
    struct walk *walk;
    struct player *players;
    struct line_walk *lines;
    uint32_t line_count;
    struct shape_order *orders;
    uint32_t order_count;
    struct wire *wires; /* [width][TRACE_WIRES] */
};

/* All tiles before their first step; the walk's tiles stay after the end. */
void game_open(struct game *g, struct walk *w, const struct plan *p, const struct strip *s);
void game_close(struct game *g);

#endif
