/* SPDX-License-Identifier: Apache-2.0 */
/* relay.h - inside host/place: between the band and the rows outside of it, column by column.
 *
 *   band      the column's root sends on TO_OUTER; every tile of the column outside receives
 *   outside   one line over all rows north and south of the band, which is a longer step to it;
 *             its root is the first row south (the last one north where there is no south) and
 *             sends the column's sum back on FROM_OUTER
 *
 * Cost, m the hops to the farthest tile: B + m hop + 1 + 2 R out, the same back from the root. */
#ifndef TESSERA_PLACE_RELAY_H
#define TESSERA_PLACE_RELAY_H

#include "place/layer.h"

/* The root of the columns outside: its place among the rows outside, and the fabric's row. */
uint32_t relay_root(const struct plan *p, const struct strip *s);
uint32_t relay_root_row(const struct plan *p, const struct strip *s);

/* A tile's routes for all of it. Nothing in a strip that is not split. */
void relay_routes(struct tile *t);

/* The band's column root sends (others do nothing), a tile outside receives, `count` words. */
void relay_out(struct tile *t, uint16_t data, uint32_t count);
void relay_take(struct tile *t, uint16_t data, uint32_t count);

/* The outer column's root sends `sum`; every tile of the band gets it into `data`. */
void relay_back(struct tile *t, uint16_t sum, uint32_t count);
void relay_result(struct tile *t, uint16_t data, uint32_t count);

/* How many hops later than the outer columns' root the farthest row outside gets something. */
uint32_t relay_spread(const struct plan *p, const struct strip *s);

/* In layer.c: sum along the row, which the row root sends out of the strip eastwards while it makes
 * it. */
void emit_row_sum_east(struct tile *t, uint16_t part, struct length n, uint8_t colour);

#endif
