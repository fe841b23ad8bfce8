/* SPDX-License-Identifier: Apache-2.0 */
/* cache.h - inside host/place: where a tile's part of the KV cache lies. */
#ifndef TESSERA_PLACE_CACHE_H
#define TESSERA_PLACE_CACHE_H

#include "place/layer.h"

/* [users][slots][latent] elements of the cache's type; slot s holds position s * h + r. Positions
 * below the plan's `filled` are there from the start. */
uint16_t cache_place(struct tile *t, uint32_t slots);

#endif
