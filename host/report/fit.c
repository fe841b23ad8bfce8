/* SPDX-License-Identifier: Apache-2.0 */
/* fit.c - whole layers into wafers, in order. */
#include "report/fit.h"

#include "hal/tile_map.h"
#include "model/census.h"

enum { CACHE_VALUE_BYTES = 4, CENSUS_VALUE_BYTES = 2 }; /* fp32 on tiles; the census counts BF16 */

/* Bytes of one layer; the one after the last: the head. */
static uint64_t layer_bytes(const struct checkpoint *ck, uint32_t layer, uint64_t cache)
{
    struct census c;
    census_layer(ck, layer, &c);
    if (layer < checkpoint_config(ck)->layers)
        return census_bytes(&c) + cache;
    return checkpoint_config(ck)->tied ? census_bytes(&c)
                                       : census_bytes(&c) - c.bytes[CENSUS_EMBEDDING];
}

static void pack(struct fit *f, const struct checkpoint *ck, uint64_t cache)
{
    uint64_t used = f->room_bytes; /* of the wafer being filled: none is */
    for (uint32_t layer = 0; layer <= checkpoint_config(ck)->layers; layer++) {
        uint64_t bytes = layer_bytes(ck, layer, cache);
        if (bytes > f->largest_layer)
            f->largest_layer = bytes;
        if (bytes > f->room_bytes - used) {
            f->wafers++;
            used = 0;
        }
        used += bytes;
    }
    if (f->largest_layer > f->room_bytes)
        f->wafers = 0;
}

void fit_model(struct fit *out, const struct checkpoint *ck, const struct machine *m,
               uint32_t context, uint32_t users)
{
    const struct model_config *c = checkpoint_config(ck);
    struct census all;
    uint64_t tiles = (uint64_t)m->fabric_width * m->fabric_height;
    uint64_t cache =
        census_kv_bytes(c) / c->layers * CACHE_VALUE_BYTES / CENSUS_VALUE_BYTES * context * users;
    census_model(ck, &all);
    *out = (struct fit){.weight_bytes = census_bytes(&all),
                        .cache_bytes = cache * c->layers,
                        .wafer_bytes = tiles * TILE_SRAM_BYTES,
                        .room_bytes = tiles * TILE_PROGRAM_BYTES};
    out->wafers_by_bytes =
        (uint32_t)((out->weight_bytes + out->wafer_bytes - 1) / out->wafer_bytes);
    pack(out, ck, cache);
}
