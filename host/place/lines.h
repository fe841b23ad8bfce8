/* SPDX-License-Identifier: Apache-2.0 */
/* lines.h - which reduction the lines of a strip use.
 *
 * One kind for each axis of a strip's band and of the rows outside, the same for all phases and on
 * all tiles there: a kind fixes the roots, where the kernels between two phases run, and the routes
 * of the axis's colours; two kinds on one axis would need colours and input queues that a tile does
 * not have (a centred group's root takes from two sides and a broadcast on each axis, and the
 * strip's input: seven of eight). So the kind is the one with the least sum of costs over the
 * phases of a token.
 *
 * What the phases ask of a line is not written down twice: a tile's program is emitted once, dry,
 * with lines that log it (plan_choose in layer.c). The tile in the last column and row is taken: it
 * has the longest slices, and with every line a chain to its end it is the root of all lines. */
#ifndef TESSERA_PLACE_LINES_H
#define TESSERA_PLACE_LINES_H

#include "place/collective.h"
#include "place/cost.h"

/* What a line is asked for, as the sum of what it would cost with each kind. */
struct line_log {
    const struct machine *machine;
    uint32_t tiles;
    uint32_t cached; /* positions in a tile's cache that lengths are reckoned with */
    bool rooted;     /* the root is given */
    uint32_t root;
    uint64_t cycles[REDUCE_KINDS];
};

void line_log_reduce(struct line_log *log, struct length n);
void line_log_broadcast(struct line_log *log, struct length n);

/* The cheapest kind in one set of colours. With `narrow` none that is centred, so that no tile but
 * the root takes from two sides. */
enum reduce_kind line_choose(const struct line_log *log, bool narrow);

/* Give a line of its length a kind: groups, and the best root or a given one. */
void line_set_kind(struct line *l, enum reduce_kind kind);
void line_set_root(struct line *l, enum reduce_kind kind, uint32_t root);

/* A joint line: its roots in the middle, the tiles of its longer side, and a kind for its sides. At
 * least 4 tiles. */
static inline uint32_t line_joint_root(uint32_t tiles)
{
    return tiles / 2;
}
static inline uint32_t line_joint_side(uint32_t tiles)
{
    return tiles - line_joint_root(tiles);
}
void line_set_joint(struct line *l, enum reduce_kind kind, uint8_t joint_colour);

/* A tile beside the roots, of a line of more than one tile. */
static inline uint32_t line_beside(const struct line *l)
{
    return l->joint || l->root == 0 ? l->root + 1 : l->root - 1;
}

/* Tile `index` of `length` neighbours of a line, as a line of its own: a chain to its last tile, on
 * the two colours from `first` on. */
struct line line_part(const struct line *whole, uint32_t index, uint32_t length, uint8_t first,
                      uint8_t broadcast);

#endif
