/* SPDX-License-Identifier: Apache-2.0 */
/* fast.c - one cycle of the fast fabric, and the buckets of those to come. */
#include "fabric/ahead.h"
#include "fabric/crew.h"

#include "base/xalloc.h"

#include <stdlib.h>
#include <sys/mman.h>

/* ---- growing ---- */

enum { KEYS_FIRST = 64 };

void keys_grow(struct keys *k)
{
    k->size = k->size ? k->size * 2 : KEYS_FIRST;
    k->key = xrealloc(k->key, k->size, sizeof *k->key);
}

void words_grow(struct words *k)
{
    k->size = k->size ? k->size * 2 : KEYS_FIRST;
    k->word = xrealloc(k->word, k->size, sizeof *k->word);
}

void parcels_put(struct parcels *all, struct parcel p)
{
    if (all->count == all->size) {
        all->size = all->size ? all->size * 2 : 16;
        all->parcel = xrealloc(all->parcel, all->size, sizeof *all->parcel);
    }
    all->parcel[all->count++] = p;
}

/* ---- opening ---- */

static void open_moments(struct wafer *w, struct fast *f)
{
    uint32_t size = FAST_BUCKETS_MIN;
    while (size <= w->hop || size <= w->ramp + 1)
        size *= 2;
    f->mask = size - 1;
    f->moment = xcalloc(size, sizeof *f->moment);
}

static void open_routers(struct wafer *w, struct fast *f)
{
    f->router = xcalloc(w->tiles, sizeof *f->router);
    f->step[PORT_NORTH] = -(int32_t)w->width;
    f->step[PORT_SOUTH] = (int32_t)w->width;
    f->step[PORT_WEST] = -1;
    f->step[PORT_EAST] = 1;
    for (uint32_t i = 0; i < w->tiles; i++) {
        uint32_t x = wafer_x(w, i), y = wafer_y(w, i);
        f->router[i].rim = (uint8_t)((y == 0 ? AT_NORTH : 0) | (y + 1 == w->height ? AT_SOUTH : 0) |
                                     (x == 0 ? AT_WEST : 0) | (x + 1 == w->width ? AT_EAST : 0));
    }
}

int fast_open(struct wafer *w, struct err *e)
{
    struct fast *f = xcalloc(1, sizeof *f);
    w->fast = f;
    f->span = w->tiles;
    open_moments(w, f);
    open_routers(w, f);
    while (1u << f->ring_bits < w->ring)
        f->ring_bits++;
    size_t lanes = (size_t)TILE_COLOURS * w->tiles;
    f->lane_bytes = lanes * sizeof **f->lane;
    f->slot_bytes = (lanes * FABRIC_PORTS << f->ring_bits) * sizeof **f->slot;
    f->lane[0] = wafer_reserve(f->lane_bytes);
    f->slot[0] = wafer_reserve(f->slot_bytes);
    if (!f->lane[0] || !f->slot[0])
        return err_input(e, "wafer: cannot reserve %zu bytes for the queues of %u tiles",
                         f->lane_bytes + f->slot_bytes, w->tiles);
    wafer_sweep(f->lane[0], f->lane_bytes, w->tiles);
    wafer_sweep(f->slot[0], f->slot_bytes, w->tiles);
    for (unsigned c = 0; c < TILE_COLOURS; c++)
        f->lane[c] = f->lane[0] + (size_t)c * w->tiles;
    for (unsigned c = 0; c < TILE_COLOURS * FABRIC_PORTS; c++)
        f->slot[c] = f->slot[0] + ((size_t)c * w->tiles << f->ring_bits);
    return 0;
}

void fast_close_moments(struct fast *f)
{
    for (uint32_t i = 0; i <= f->mask; i++) {
        free(f->moment[i].arrive.key);
        free(f->moment[i].deliver.word);
        free(f->moment[i].alarms.key);
        free(f->moment[i].cores.key);
        free(f->moment[i].leave.parcel);
        free(f->moment[i].heads.word);
        free(f->moment[i].ends.word);
    }
    free(f->moment);
    free(f->freed.key);
    alarms_close(&f->late);
    trains_close(&f->trains);
}

void fast_close(struct wafer *w)
{
    struct fast *f = w->fast;
    if (!f)
        return;
    fast_close_moments(f);
    if (f->lane[0])
        (void)munmap(f->lane[0], f->lane_bytes);
    if (f->slot[0])
        (void)munmap(f->slot[0], f->slot_bytes);
    free(f->router);
    free(f);
}

/* ---- ramps ---- */

void fast_bound(struct wafer *w, uint32_t tile, unsigned colour, unsigned queue, unsigned before)
{
    struct tile *t = &w->tile[tile];
    struct lane *l = fast_lane(w, tile, colour);
    fast_settle(t);
    if (before != NO_QUEUE)
        l->down = (uint16_t)(l->down - t->queue[before].count);
    if (queue != NO_QUEUE)
        l->down = (uint16_t)(l->down + t->queue[queue].count);
    l->sink = queue == NO_QUEUE ? SINK_NONE : SINK_QUEUE;
}

/* ---- time ---- */

/* Near ones have a place in their cycle, the others in the heap. */
void fast_call(struct wafer *w, uint32_t tile, uint64_t cycle)
{
    if (cycle - w->cycle <= w->fast->mask)
        keys_put(&fast_moment(w->fast, cycle)->alarms, tile);
    else
        alarms_put(&w->alarms, cycle, tile);
}

void fast_ring_alarms(struct wafer *w, struct moment *m)
{
    for (uint32_t i = 0; i < m->alarms.count; i++) {
        uint32_t tile = m->alarms.key[i];
        if (w->tile[tile].alarm != w->cycle)
            continue;
        w->tile[tile].alarm = NEVER;
        set_add(&w->engines, tile);
    }
    m->alarms.count = 0;
    for (struct alarms *a = &w->alarms; a->count && a->heap[0].cycle <= w->cycle; alarms_drop(a)) {
        uint32_t tile = a->heap[0].tile;
        if (a->heap[0].cycle != w->tile[tile].alarm)
            continue;
        w->tile[tile].alarm = NEVER;
        set_add(&w->engines, tile);
    }
}

/* A core that does nothing for some cycles leaves the set until then. */
static void postpone(struct wafer *w, uint32_t tile, uint64_t due)
{
    struct fast *f = w->fast;
    set_remove(&w->cores, tile);
    if (due - w->cycle <= f->mask)
        keys_put(&fast_moment(f, due)->cores, tile);
    else
        alarms_put(&f->late, due, tile);
}

static bool is_awake(const struct tile *t)
{
    return !t->halted && !t->core.waiting;
}

static void wake_cores(struct wafer *w, struct moment *m)
{
    struct alarms *late = &w->fast->late;
    for (uint32_t i = 0; i < m->cores.count; i++)
        if (is_awake(&w->tile[m->cores.key[i]]))
            set_add(&w->cores, m->cores.key[i]);
    m->cores.count = 0;
    for (; late->count && late->heap[0].cycle <= w->cycle; alarms_drop(late))
        if (is_awake(&w->tile[late->heap[0].tile]))
            set_add(&w->cores, late->heap[0].tile);
}

static void visit_core(struct wafer *w, uint32_t tile)
{
    const struct tile *t = &w->tile[tile];
    if (t->due <= w->cycle) {
        if (t->inlet | t->outlet)
            trains_sync(w, tile);
        tile_run_core(w, tile);
        ahead_run(w, tile);
    }
    if (t->due > w->cycle + 1 && set_has(&w->cores, tile))
        postpone(w, tile, t->due);
}

void fast_run_cores(struct wafer *w, struct moment *m)
{
    struct set *s = &w->cores;
    wake_cores(w, m);
    if (!s->count)
        return;
    for (uint32_t i = set_next(s, 0); i != SET_END; i = set_next(s, i + 1))
        visit_core(w, i);
}

/* Drop stale alarms; true if some are left. */
static bool has_alarm(struct wafer *w, struct keys *alarms, uint64_t cycle)
{
    while (alarms->count && w->tile[alarms->key[alarms->count - 1]].alarm != cycle)
        alarms->count--;
    return alarms->count != 0;
}

static uint64_t next_moment(struct wafer *w)
{
    for (uint64_t at = w->cycle; at <= w->cycle + w->fast->mask; at++) {
        struct moment *m = fast_moment(w->fast, at);
        if (m->arrive.count || m->deliver.count || m->leave.count || m->cores.count ||
            has_alarm(w, &m->alarms, at))
            return at;
    }
    return NEVER;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t fast_next(struct wafer *w)
{
    if (w->crew)
        return crew_next(w);
    const struct fast *f = w->fast;
    const struct alarms *a = &w->alarms;
    if (w->routers.count || w->engines.count || w->edge_entered || f->stir ||
        w->cycle < f->trains.until || foreign_pending(w))
        return w->cycle;
    uint64_t first = next_moment(w);
    while (a->count && a->heap[0].cycle != w->tile[a->heap[0].tile].alarm)
        alarms_drop(&w->alarms);
    if (a->count)
        first = least(first, a->heap[0].cycle);
    if (f->late.count)
        first = least(first, f->late.heap[0].cycle);
    for (uint32_t i = set_next(&w->cores, 0); i != SET_END && first > w->cycle;
         i = set_next(&w->cores, i + 1))
        first = least(first, w->tile[i].due);
    return first < w->cycle ? w->cycle : first;
}
