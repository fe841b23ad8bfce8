/* SPDX-License-Identifier: Apache-2.0 */
/* beside.c - which memory of a tile its core may use in advance, beside a busy stream engine. */
#include "fabric/ahead.h"

#include <string.h>

enum { CHAIN_MAX = 32 };

/* What the engine of a tile will touch before its core starts another thread. */
struct touched {
    uint32_t low;                    /* nothing lies below */
    uint32_t written, written_end;   /* all it writes */
    uint32_t followed, followed_end; /* descriptors that are yet to start */
};

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t most(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* More than it writes, if `batch` is of no meaning. */
static void touch(struct touched *all, const struct stream_desc *d)
{
    all->low = least(all->low, engine_lowest(d));
    if (stream_fabric_use(d->op) & 2)
        return;
    all->written = least(all->written, d->dst);
    all->written_end =
        most(all->written_end, d->dst + 4u * d->count + (uint32_t)d->batch * d->dst_step);
}

/* A descriptor and those behind it; false if that is not worth knowing. */
static bool touch_chain(struct touched *all, const struct tile *t, struct stream_desc d)
{
    touch(all, &d);
    for (unsigned n = 0; d.next; n++) {
        uint32_t next = d.next;
        if (n == CHAIN_MAX || next > TILE_SRAM_BYTES - sizeof d)
            return false;
        all->followed = least(all->followed, next);
        all->followed_end = most(all->followed_end, next + (uint32_t)sizeof d);
        memcpy(&d, t->sram + next, sizeof d);
        touch(all, &d);
    }
    return true;
}

void beside_find(struct tile *t)
{
    struct touched all = {TILE_SRAM_BYTES, TILE_SRAM_BYTES, 0, TILE_SRAM_BYTES, 0};
    bool known = true;
    for (unsigned rest = t->engine.busy; rest && known; rest &= rest - 1)
        known = touch_chain(&all, t, t->engine.thread[__builtin_ctz(rest)].d);
    if (all.written < all.followed_end && all.followed < all.written_end)
        known = false;
    uint32_t store_end = least(all.low, all.followed) & ~3u, load_end = all.written & ~3u;
    if (!known || store_end < TILE_CODE_BYTES)
        store_end = load_end = TILE_CODE_BYTES;
    t->beside.store_end = store_end;
    t->beside.load_end = load_end;
    t->beside.followed = (uint16_t)all.followed;
    t->beside.followed_end = (uint16_t)all.followed_end;
}
