/* SPDX-License-Identifier: Apache-2.0 */
/* levels.h - who sends to whom in a reduction over levels of groups; the geometry of every kind.
 *
 * A line is seen from its root: tile u = index - root lies u tiles towards the high end. At level 0
 * every tile is active. At each level the active tiles, which lie `step` tiles apart, form groups;
 * inside a group a chain from either side runs to the group's root, and only the roots are active
 * at the next level. Group roots are multiples of the next step, so the line's root, u = 0, is the
 * root of all its groups and stays to the end. With `centred` a group's root is its middle member
 * (member group / 2 when counted from the low end), otherwise the one nearest to the line's root. A
 * group whose root would lie past the end of the line joins its neighbour towards the line's root,
 * and so do all past the `limit`-th: a long last group keeps its chain busy while the others are
 * still adding up their own.
 *
 * So every kind of reduce_kinds.def is one shape: a plain chain is one level, a tree has groups of
 * two, a two-phase reduction two levels, WaferLLM's reduction K centred levels.
 *
 * Order of additions, for every shape: a chain adds from its far end on, v = v + next; a group's
 * root has r and adds its two chains' sums, at one level after the other: r = r + first, r = r +
 * second. The line's root takes the chain of its low side first; every other tile first the one of
 * the side to which it will send at last, because what comes from behind it can then be added while
 * it sends. Addition of two fp32 numbers commutes to the bit, so this says it all. */
#ifndef TESSERA_PLACE_LEVELS_H
#define TESSERA_PLACE_LEVELS_H

#include <stdbool.h>
#include <stdint.h>

enum { LEVELS_MAX = 12, LEVELS_PER_SET = 4, LEVEL_SETS = LEVELS_MAX / LEVELS_PER_SET };

struct reduce_shape {
    uint32_t levels; /* 0 means one group of all, the plain chain */
    bool centred;
    uint32_t group[LEVELS_MAX]; /* members, >= 1; not looked at for the last level: the rest */
    uint32_t limit[LEVELS_MAX]; /* most groups on a side, with the root's own; 0: no limit */
};

/* A shape on a line. */
struct levels {
    const struct reduce_shape *shape;
    int32_t low, high; /* tiles below and above the root: root, length - 1 - root */
};

/* What a tile does at a level. Directions: +1 towards the high end, -1 towards the low end. */
struct level_role {
    bool take_low, take_high; /* it is active and receives from below, from above */
    int send;                 /* it is active for the last time and sends; 0: not */
    int pass;                 /* a message between two others crosses it; 0: none */
    int32_t receiver;         /* of what it sends or passes */
};

uint32_t levels_count(const struct levels *v);

/* The direction in which a tile sends at last; 0 for the line's root. */
int levels_direction(const struct levels *v, int32_t u);
struct level_role levels_role(const struct levels *v, uint32_t level, int32_t u);

/* Groups at a level: active tiles lie `step` apart. */
int32_t levels_step(const struct levels *v, uint32_t level);
uint32_t levels_group(const struct levels *v, uint32_t level);

/* Of `tiles` that are active on one side of the line's root, those that are roots of groups. */
uint32_t levels_roots(const struct levels *v, uint32_t level, uint32_t tiles);

/* Messages of one direction need two colours in turn, for a tile takes one and passes its sum on at
 * the same time. This is the turn (0, 1) of messages that `receiver` gets from direction `from` at
 * the levels of one set (LEVELS_PER_SET levels each): the same for all of them, and different for
 * what it sends on. */
unsigned levels_turn(const struct levels *v, uint32_t set, int32_t receiver, int direction);

#endif
