/* SPDX-License-Identifier: Apache-2.0 */
/* blocks.c - how many blocks of heads share the columns of a band.
 *
 * More blocks: shorter rows to sum scores over and more tiles that make different scores, but more
 * copies of the cache and longer pieces of latent queries on every column. Reckoned in cycles of
 * what differs, with half of the context cached. */
#include "place/fit.h"
#include "place/share.h"

enum { CACHE_BYTES_MOST = TILE_SRAM_BYTES / 2 }; /* cache and scores of a tile */

struct estimate {
    uint64_t cycles, bytes;
};

static struct estimate estimate(const struct plan *p, const struct strip *s, uint32_t blocks)
{
    const struct model_config *k = p->config;
    const struct machine *m = p->machine;
    uint32_t columns = s->width / blocks, heads = k->heads / blocks, rows = s->band.count;
    uint32_t latents = k->kv_lora_rank + k->rope_dim, latent = (latents + columns - 1) / columns;
    uint32_t slots = (p->context + rows - 1) / rows, cached = p->context / (2 * rows) + 1;
    uint32_t lanes = p->cache_bf16 ? m->lanes.bf16 : m->lanes.f32;
    uint64_t scores = (uint64_t)heads * cached, beats = (latent + lanes - 1) / lanes;
    uint64_t queries = (uint64_t)heads * latent + (blocks > 1 ? latent : 0);
    struct estimate e = {.bytes = (uint64_t)p->users * slots * latent * (p->cache_bf16 ? 2 : 4) +
                                  (uint64_t)heads * (1 + slots) * 4};
    e.cycles = 2 * scores * beats + 3 * queries + 3 * (uint64_t)heads * latent + 3 * scores;
    e.cycles += scores * CYCLES_SCORE_EXP / columns + scores * CYCLES_SCORE_MAX;
    e.cycles += 3 * cost_reduce(REDUCE_CHAIN, m, columns, 1);
    return e;
}

/* What fits is better than what does not; then the faster, or the smaller. */
static bool better(struct estimate a, struct estimate b)
{
    bool fits = a.bytes <= CACHE_BYTES_MOST, fitted = b.bytes <= CACHE_BYTES_MOST;
    if (fits != fitted)
        return fits;
    return fits ? a.cycles < b.cycles : a.bytes < b.bytes;
}

static bool tried(const uint32_t *choice, uint32_t n, uint32_t blocks)
{
    for (uint32_t i = 0; i < n; i++)
        if (choice[i] == blocks)
            return true;
    return false;
}

uint32_t plan_blocks(const struct plan *p, const struct strip *s, uint32_t out[BLOCKS_CHOICES])
{
    uint32_t n = 0, heads = p->config->heads;
    if (p->blocks && p->blocks <= s->width) {
        out[0] = p->blocks;
        return 1;
    }
    while (n < BLOCKS_CHOICES) {
        uint32_t best = 0;
        for (uint32_t b = 1; b <= heads && b <= s->width; b++)
            if (heads % b == 0 && !tried(out, n, b) &&
                (!best || better(estimate(p, s, b), estimate(p, s, best))))
                best = b;
        if (!best)
            break;
        out[n++] = best;
    }
    return n;
}
