/* SPDX-License-Identifier: Apache-2.0 */
/* halo.h - inside host/place: what lies around a column's own part of a vector over the columns.
 *
 * Every column has its own elements of a vector; the MLP's experts may need some of its neighbours'
 * as well (units.h). The tiles of a hub hand theirs on in steps, first eastwards, then westwards:
 * in step k each takes what was its neighbour's of k columns away. Tiles in even columns send
 * before they take, those in odd ones take before they send: nobody waits in a circle. The colours
 * are those of blocks of heads and of the stream between strips, which a hub does not meet.
 *
 * Cost with B words a column and windows that reach over k columns: about 4 k (B + S + 2 R + 2). */
#ifndef TESSERA_PLACE_HALO_H
#define TESSERA_PLACE_HALO_H

#include "place/layer.h"

/* Fills `windowed` over this column's window from every column's own part `own` (hidden_col). */
void halo_fill(struct tile *t, uint16_t own, uint16_t windowed);

#endif
