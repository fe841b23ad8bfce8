/* SPDX-License-Identifier: Apache-2.0 */
/* cache.c - a tile's part of the KV cache: empty, or with earlier positions as the rule has them
 * (model/kv_rule.h). */
#include "place/cache.h"

#include "base/xalloc.h"
#include "model/kv_rule.h"

#include <stdlib.h>
#include <string.h>

static void fill_slot(const struct tile *t, uint32_t user, uint32_t position, float *latent,
                      uint8_t *room)
{
    struct slice latents = t->latent.latents, rope = t->latent.rope;
    kv_rule_fill(t->config, t->stage, user, position, latents.first, latents.count, latent);
    kv_rule_fill(t->config, t->stage, user, position, rope.first, rope.count,
                 latent + latents.count);
    if (!t->plan->cache_bf16) {
        memcpy(room, latent, (size_t)t->latent.count * 4);
        return;
    }
    for (uint32_t i = 0; i < t->latent.count; i++) {
        uint16_t bits = bf16_from_f32(latent[i]);
        memcpy(room + (size_t)i * 2, &bits, sizeof bits);
    }
}

uint16_t cache_place(struct tile *t, uint32_t slots)
{
    const struct plan *p = t->plan;
    uint32_t slot_bytes = t->latent.count * (p->cache_bf16 ? 2 : 4);
    uint32_t bytes = p->users * slots * slot_bytes;
    uint16_t at;
    if (!p->filled)
        return image_words(t->m, PART_KV, (bytes + 3) / 4);
    uint8_t *room = image_room(t->m, PART_KV, bytes, &at);
    if (!room || !t->latent.count)
        return at;
    float *latent = xcalloc(t->latent.count, sizeof *latent);
    for (uint32_t user = 0; user < p->users; user++)
        for (uint32_t slot = 0; slot < slots && slot * t->rows + t->share < p->filled; slot++)
            fill_slot(t, user, slot * t->rows + t->share, latent,
                      room + (size_t)(user * slots + slot) * slot_bytes);
    free(latent);
    return at;
}
