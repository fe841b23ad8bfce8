/* SPDX-License-Identifier: Apache-2.0 */
/* collective.h - reductions and broadcasts along a line of tiles, as steps and routes of each
 * tile's image.
 *
 * Two-sided chain: both ends send towards the root, every tile adds its part; the root takes the
 * low side first, then the high side, so the order of additions is fixed. Neighbours on a chain use
 * two colours in turn; both sides meet the root on different ones. Cycles for n tiles, B words, m =
 * max(root, n - 1 - root): reduce     B + (2 T_R + 2) m, and B more at a root with two sides (it
 * takes them one after the other) broadcast  B + m + 1 + 2 T_R (Luczynski et al., HPDC 2024.) With
 * the root at one end the first is the plain chain. */
#ifndef TESSERA_PLACE_COLLECTIVE_H
#define TESSERA_PLACE_COLLECTIVE_H

#include "place/image.h"

/* One tile's place on a line. */
struct line {
    uint32_t index, length, root;
    enum fabric_port low, high;  /* directions of falling and rising index */
    uint8_t chain[2], broadcast; /* colours */
};

enum reduction { REDUCE_ADD, REDUCE_MAX };

/* A length that grows with the positions cached: count = cached * times + plus, patched on the tile
 * for every token (struct token_patch). times 0: fixed. */
struct length {
    uint32_t plus, times;
};

/* Lists the patches that varying lengths need. */
struct patch_list {
    struct token_patch patch[64];
    uint32_t count;
};
void patch_add(struct patch_list *l, uint32_t at, uint32_t times, uint32_t plus);

/* Sum (or maximum) of every tile's `part` into the root's `out`. Other tiles' `out` stays. */
void line_reduce(struct image *m, const struct line *l, enum reduction op, uint16_t part,
                 uint16_t out, struct length n, struct patch_list *patches);

/* The root's `data` into every other tile's `data`. */
void line_broadcast(struct image *m, const struct line *l, uint16_t data, struct length n,
                    struct patch_list *patches);

#endif
