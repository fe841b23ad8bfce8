/* SPDX-License-Identifier: Apache-2.0 */
/* fit.h - inside host/place: how wide each strip is and how large the fabric. */
#ifndef TESSERA_PLACE_FIT_H
#define TESSERA_PLACE_FIT_H

#include "place/plan.h"

/* Fill in the strips of a plan whose stages are known, and its size when that is open. One stage
 * per strip, unless the fabric is given and too narrow: then as few neighbours as possible share
 * one. ERR_INPUT when nothing fits, naming a tile, the part that overflows, need and have. */
int plan_fit(struct plan *p, struct err *e);

#endif
