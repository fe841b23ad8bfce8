/* SPDX-License-Identifier: Apache-2.0 */
/* sample.h - inside host/place: the tiles of a strip that stand for all of them. */
#ifndef TESSERA_PLACE_SAMPLE_H
#define TESSERA_PLACE_SAMPLE_H

#include "place/plan.h"

/* Visit every tile of a small strip; of a large one those in some of its rows and columns: the
 * first, the last, those around the lines' roots, and some evenly between. Programs differ by one
 * element of a vector here and there, so the fullest tile is at most that much fuller. Ends when
 * `visit` returns true, and returns that. */
bool sample_tiles(const struct plan *p, const struct strip *s,
                  bool (*visit)(void *self, struct tile_place at), void *self);

#endif
