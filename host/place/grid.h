/* SPDX-License-Identifier: Apache-2.0 */
/* grid.h - inside host/place: the rows and columns of a strip whose crossings are walked. */
#ifndef TESSERA_PLACE_GRID_H
#define TESSERA_PLACE_GRID_H

#include "place/plan.h"
#include "place/trace.h"

struct grid {
    bool *column, *row; /* [strip's width], [height] */
};

/* All of a small strip; of a large one the first and last, those around the lines' roots and some
 * evenly between, of the band and outside; the rows of some of the fullest tiles; and the root of
 * every line that one of the tiles is on. *m and *t are scratch. */
void grid_open(struct grid *g, const struct plan *p, const struct strip *s, struct image *m,
               struct trace *t);
void grid_close(struct grid *g);

/* The steps of a tile into *t. */
void grid_trace(const struct plan *p, uint32_t x, uint32_t y, struct image *m, struct trace *t);

#endif
