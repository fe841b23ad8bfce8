/* SPDX-License-Identifier: Apache-2.0 */
/* lines.h - which reduction the lines of a strip use.
 *
 * One kind for each axis of a strip, the same for all its phases and on all its tiles: a kind fixes
 * the roots, where the kernels between two phases run, and the routes of the axis's colours; two
 * kinds on one axis would need colours and input queues that a tile does not have (a tile that is a
 * group's root on both axes uses all eight: two and a broadcast for each axis, the strip's input,
 * the move east). So the kind is the one with the least sum of costs over the phases of a token.
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
    uint64_t cycles[REDUCE_KINDS];
};

void line_log_reduce(struct line_log *log, struct length n);
void line_log_broadcast(struct line_log *log, struct length n);

/* The cheapest kind in one set of colours. With `to_end` only kinds that run from the first tile to
 * the last, which is the root. */
enum reduce_kind line_choose(const struct line_log *log, bool to_end);

/* Give a line of its length a kind: root and groups. */
void line_set_kind(struct line *l, enum reduce_kind kind);

#endif
