/* SPDX-License-Identifier: Apache-2.0 */
/* collective.h - reductions, broadcasts and gathers on lines and rectangles of tiles, as steps and
 * routes of each tile's image.
 *
 * Every tile of the line (or rectangle) calls the same functions in the same order. Who sends to
 * whom, and the order of additions, is levels.h; what it costs is cost.h, whose symbols are used
 * here: B words, P tiles, R ramp cycles, S setup cycles. In bytes a step costs 32, a route 12; a
 * length that varies 8 more.
 *
 * Colours. A message of a reduction takes one of four colours of its set of levels: two for each
 * direction, in turn, because a tile takes one and sends another at the same time. All levels of a
 * set use the same four: the message that passes a tile turns its switch with its last word (its
 * control bit), so that the tile is first an end of messages and then a wire for those of higher
 * levels, and the last turns it back. So a tile needs one input queue for each direction and set,
 * the same for one level as for four: a plan must live with 8 queues. The order on a link is the
 * order of the levels, whoever is late: a wavelet that is early waits at the switch.
 *
 * Two reductions on the same tiles may share colours only if line, root and shape are the same; all
 * phases of a model that reduce along one axis therefore use one shape. */
#ifndef TESSERA_PLACE_COLLECTIVE_H
#define TESSERA_PLACE_COLLECTIVE_H

#include "place/image.h"
#include "place/levels.h"

/* One tile's place on a line. */
struct line {
    uint32_t index, length, root;
    enum fabric_port low, high; /* directions of falling and rising index */
    struct reduce_shape shape;  /* how it reduces; all zero: a chain from both ends to the root */
    uint32_t gap_at, gap;       /* tiles from this one on lie so many hops further, if any */
    bool joint;                 /* two roots beside each other, below */
    uint8_t joint_colour;       /* from the low root to the high one */
    /* colours by set: two for messages towards the high end, two for those towards the low end;
     * a line whose root is its last tile does not use the latter */
    uint8_t chain[LEVEL_SETS * 4];
    uint8_t broadcast;
    struct line_log *log; /* NULL, or adds up what the line is asked for (place/lines.h) */
};

/* Joint lines. `root`, the high root, and the tile below it add nothing of their own. Each sums its
 * side, as the end of a line; the low root sends its sum to the high one, which has its own ready
 * and broadcasts the total while it adds: a root between two sides would take one behind the
 * other. The low root has the whole sum before it sends any of it, so that no tile that the
 * broadcast reaches is still sending to it. It takes no broadcasts itself. */
static inline bool line_is_low_root(const struct line *l)
{
    return l->joint && l->index + 1 == l->root;
}

/* Hops along the line from its first tile to this one. */
static inline uint32_t line_way(const struct line *l, uint32_t index)
{
    return index + (l->gap && index >= l->gap_at ? l->gap : 0);
}

enum reduction { REDUCE_ADD, REDUCE_MAX };

/* Lists the patches that varying lengths need. */
struct patch_list {
    struct token_patch patch[64];
    uint32_t count;
};
void patch_add(struct patch_list *l, uint32_t at, uint32_t times, uint32_t plus);

/* An address that moves with the user: plus + user * per_user. */
void patch_add_user(struct patch_list *l, uint32_t at, uint32_t plus, uint32_t per_user);

/* A length that may grow with the positions cached: count = cached * times + plus, patched on the
 * tile for every token (struct token_patch). times 0: fixed, and no patches. */
struct length {
    uint32_t plus, times;
    struct patch_list *patches;
};

/* Append a step of this length. */
void line_step(struct image *m, struct stream_desc d, struct length n);

/* Sum (or maximum) of every tile's `part` into the root's `out`. Other tiles that must store
 * something on the way (line_stores) use their `out` for it, the rest do not touch it. `part` may
 * be `out` where all of it is written anew each time. Cost: cost_reduce. Steps: one to send, one
 * for each side and level that the tile takes; routes: up to four a set. */
void line_reduce(struct image *m, const struct line *l, enum reduction op, uint16_t part,
                 uint16_t out, struct length n);

/* For a root's `part`: it adds nothing of its own. */
enum { LINE_NO_PART = 0 };

/* The same, but the root sends the result on a colour (which it must route) while it makes it. */
void line_reduce_onto(struct image *m, const struct line *l, uint16_t part, uint16_t out,
                      struct length n, uint8_t colour);

/* How many messages this tile takes in a reduction, and how many of them it stores in `out`. */
uint32_t line_takes(const struct line *l);
uint32_t line_stores(const struct line *l);

/* The root's `data` into every other tile's `data`. Cost: cost_broadcast. One step, one route. */
void line_broadcast(struct image *m, const struct line *l, uint16_t data, struct length n);

/* The root broadcasts what comes in on a colour (which it must route): into every other tile's
 * `data`. */
void line_forward(struct image *m, const struct line *l, uint8_t from, uint16_t data,
                  struct length n);

/* line_reduce, then line_broadcast of `out`. Cost: cost_allreduce. Joint: `out` of the roots is
 * scratch. */
void line_allreduce(struct image *m, const struct line *l, enum reduction op, uint16_t part,
                    uint16_t out, struct length n);

/* Every tile's `words` at `piece` into the root's `out`, one piece behind the other: its own, those
 * of its low side from the nearest to the farthest, those of its high side likewise. A tile sends
 * its own and then forwards what comes from beyond it. It takes the colours of a plain chain, so a
 * line that reduces in another shape needs other ones. Cost: cost_gather, about (P - 1) B, or 2 R +
 * 2 for each tile where B is less than that. Steps: two, the root three; routes: two. */
void line_gather(struct image *m, const struct line *l, uint16_t piece, uint32_t words,
                 uint16_t out);

/* ---- ring ---- */

/* A vector in pieces of at most `window` words, which is what may wait between two tiles. */
struct ring_size {
    uint32_t words, window;
};

/* How often the ring is gone round, each time with a piece for every tile. */
static inline uint32_t ring_rounds(struct ring_size n, uint32_t tiles)
{
    uint32_t pieces = n.window * tiles;
    return n.words > pieces ? (n.words + pieces - 1) / pieces : 1;
}

/* Sum (or maximum) of every tile's `part` into every tile's `out` without a root: the line folded
 * into a ring, tiles of even index upwards, then those of odd index downwards. Every tile sends a
 * piece, adds its own to what comes, P - 1 times, and has a whole sum; the sums then go round.
 * Piece i of `rounds * P` equal ones (split.h) belongs to place i % P of the ring; its sum begins
 * at the place behind that and is added to in the ring's order. `part` may be `out`.
 *
 * All tiles send before they take, so what is between two of them must fit what lies there:
 * `window` is at most cost_ring_window. Colours: the first four of `chain`, of which a tile takes
 * one, sends on one and lets one pass; shape, root and the other colours do not matter. Cost:
 * cost_ring_allreduce. Steps: 3 P - 2 for each round, where a chain and a broadcast take two or
 * three; routes: three. */
void line_ring_allreduce(struct image *m, const struct line *l, enum reduction op, uint16_t part,
                         uint16_t out, struct ring_size n);

/* ---- rectangles ---- */

struct rect {
    uint32_t x0, y0, w, h;
};

/* A tile's place in a rectangle: its row and its column of it, which meet in the tile. Their shapes
 * and roots are the same in all tiles; the colours of rows and columns differ. `cast` is for
 * rect_broadcast. */
struct rect_place {
    struct line row, column;
    uint8_t cast;
};

/* The place of tile (x, y), which lies in the rectangle; roots in the given column and row of it.
 * Colours and shapes are left at zero. */
struct rect_place rect_place(const struct rect *r, uint32_t x, uint32_t y, uint32_t root_column,
                             uint32_t root_row);

/* Rows first, each into its root, then the roots' column into the root of all. Cost: the row's
 * cost_reduce + the column's + S - 1. */
void rect_reduce(struct image *m, const struct rect_place *p, enum reduction op, uint16_t part,
                 uint16_t out, struct length n);

/* The root's `data` to every tile, on one colour: along its column, and from there along the rows.
 * Cost: B + m + 1 + 2 R, m the distance to the farthest corner. */
void rect_broadcast(struct image *m, const struct rect_place *p, uint16_t data, struct length n);

/* Both, of `out`. Cost: the sum + S - 1. */
void rect_allreduce(struct image *m, const struct rect_place *p, enum reduction op, uint16_t part,
                    uint16_t out, struct length n);

/* Rows first, then the roots' column: `out` of the root holds its own row's pieces, then the other
 * rows', in the order of line_gather. Row roots need `out` for their row (at `row`, row length *
 * words). */
void rect_gather(struct image *m, const struct rect_place *p, uint16_t piece, uint32_t words,
                 uint16_t row, uint16_t out);

#endif
