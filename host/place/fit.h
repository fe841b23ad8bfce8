/* SPDX-License-Identifier: Apache-2.0 */
/* fit.h - inside host/place: how wide each strip is and how large the fabric. */
#ifndef TESSERA_PLACE_FIT_H
#define TESSERA_PLACE_FIT_H

#include "place/plan.h"

/* Fill in the strips of a plan whose stages are known, and its size when that is open. One stage
 * per strip, unless the fabric is given and too narrow: then as few neighbours as possible share
 * one. With `alone` that strip and no other. ERR_INPUT when nothing fits, naming a tile, the part
 * that overflows, need and have. */
int plan_fit(struct plan *p, const struct strip *alone, struct err *e);

/* How many blocks of heads a strip with its width and band may get, the best first (blocks.c).
 * Returns how many choices there are, at least one. */
enum { BLOCKS_CHOICES = 5 };
uint32_t plan_blocks(const struct plan *p, const struct strip *s, uint32_t out[BLOCKS_CHOICES]);

/* Choose blocks and kinds of a strip for its width and band such that it fits (kinds of few
 * descriptors before the next choice of blocks); false if none does, with the overflow in *m and
 * its tile in *at. */
bool plan_settle(const struct plan *p, struct strip *s, struct image *m, struct tile_place *at);

/* A plan of one strip, at column 0. */
struct plan plan_alone(const struct plan *p, struct strip *s);

/* A band of so many rows, 0: all, in the middle, at a whole number of groups of rows (units.h). */
struct slice plan_band(const struct plan *p, uint32_t rows);

/* Strips lie on their wafers: give them the columns that are left over there, their bands and what
 * goes with those (widths.c). False if a strip does not fit then. */
bool plan_share_columns(struct plan *p, struct image *m);

#endif
