/* SPDX-License-Identifier: Apache-2.0 */
/* fast_route.c - what the routers let through in one cycle, decided and done in one visit. */
#include "fabric/fast.h"

#include "base/xalloc.h"

struct visit {
    unsigned used; /* outputs given away in this cycle */
    bool moved, retry;
};

static unsigned opposite(unsigned port)
{
    return (port + 2) & 3;
}

/* ---- room ---- */

static bool ramp_takes(const struct wafer *w, uint32_t tile, const struct lane *l, unsigned colour)
{
    if (l->sink == SINK_QUEUE)
        return l->down < w->queue_room;
    return l->sink == SINK_NONE || foreign_has_room(w, tile, colour);
}

static inline bool has_room(const struct wafer *w, uint32_t tile, const struct lane *l,
                            unsigned colour, unsigned outputs)
{
    unsigned links = outputs & 15u & ~(unsigned)w->fast->router[tile].rim;
    for (unsigned rest = links; rest; rest &= rest - 1) {
        unsigned port = (unsigned)__builtin_ctz(rest);
        if (l[w->fast->step[port]].held[opposite(port)] >= w->link_room)
            return false;
    }
    return !(outputs & AT_RAMP) || ramp_takes(w, tile, l, colour);
}

static bool stalls(const struct wafer *w, uint32_t tile, unsigned outputs)
{
    for (unsigned rest = outputs; rest; rest &= rest - 1)
        if (wafer_stalls(w, tile, (unsigned)__builtin_ctz(rest)))
            return true;
    return false;
}

/* ---- moving ---- */

static void leave(struct wafer *w, struct parcel p)
{
    struct parcels *all = &fast_moment(w->fast, w->cycle + w->hop)->leave;
    if (all->count == all->size) {
        all->size = all->size ? all->size * 2 : 16;
        all->parcel = xrealloc(all->parcel, all->size, sizeof *all->parcel);
    }
    all->parcel[all->count++] = p;
}

static inline void send(struct wafer *w, uint32_t tile, struct lane *l, unsigned colour,
                        unsigned outputs, uint64_t word)
{
    struct fast *f = w->fast;
    unsigned control = (unsigned)(word >> 32), rim = f->router[tile].rim;
    for (unsigned rest = outputs & 15u; rest; rest &= rest - 1) {
        unsigned port = (unsigned)__builtin_ctz(rest);
        if (rim >> port & 1) {
            leave(w, (struct parcel){.tile = tile,
                                     .data = (uint32_t)word,
                                     .place = (uint8_t)(PLACE_LEAVE + port),
                                     .colour = (uint8_t)colour,
                                     .control = control});
            continue;
        }
        uint32_t next = tile + (uint32_t)f->step[port];
        unsigned in = opposite(port);
        fast_fill(w, l + f->step[port], next, colour, in, word);
        w->stats.link_moves++;
        keys_put(&fast_moment(f, w->cycle + w->hop)->arrive, fast_key(next, colour, in));
    }
    if (outputs & AT_RAMP) {
        l->down++;
        words_put(&fast_moment(f, w->cycle + w->ramp)->deliver, fast_key(tile, colour, control),
                  (uint32_t)word);
    }
}

/* The queue at a link got shorter. Lower routers were visited already. */
static inline void give_back(struct wafer *w, uint32_t tile, struct lane *l, unsigned colour,
                             unsigned port)
{
    struct fast *f = w->fast;
    if (port == PORT_RAMP) {
        l->held[port]--;
        set_add(&w->engines, tile);
    } else if (f->router[tile].rim >> port & 1) {
        l->held[port]--;
    } else if (f->step[port] < 0) {
        uint32_t before = tile + (uint32_t)f->step[port];
        l->held[port]--;
        f->stir = true;
        if (f->router[before].waiting)
            set_add(&w->routers, before);
    } else {
        keys_put(&f->freed, fast_key(tile, colour, port));
    }
}

static inline uint64_t pop(struct wafer *w, uint32_t tile, struct lane *l, unsigned colour,
                           unsigned port)
{
    struct fast *f = w->fast;
    uint32_t at = l->head[port]++ & ((1u << f->ring_bits) - 1);
    uint64_t word = fast_slots(w, tile, colour, port)[at];
    if (--l->count[port] == 0) {
        l->ports &= (uint8_t) ~(1u << port);
        if (!l->ports)
            f->router[tile].waiting &= ~(1u << colour);
    }
    give_back(w, tile, l, colour, port);
    return word;
}

static void turn_switch(struct lane *l)
{
    unsigned next = l->position + 1u;
    if (next < ROUTE_MODE_COUNT(l->mode))
        l->position = (uint8_t)next;
    else if (l->mode & ROUTE_MODE_RING)
        l->position = 0;
    l->now = l->route[l->position];
}

static void collision(struct wafer *w, uint32_t tile, unsigned colour, unsigned present)
{
    unsigned a = (unsigned)__builtin_ctz(present),
             b = (unsigned)__builtin_ctz(present & (present - 1));
    fault_hardware(w, tile, FAULT_COLLISION, "colour %u from %s and %s", colour, fault_port_name(a),
                   fault_port_name(b));
}

static inline void visit_lane(struct wafer *w, uint32_t tile, unsigned colour, struct visit *v)
{
    struct fast *f = w->fast;
    struct lane *l = &f->lane[(size_t)colour * w->tiles + tile];
    unsigned present = l->ports & ROUTE_INPUTS(l->now), outputs = ROUTE_OUTPUTS(l->now);
    if (!present || !outputs)
        return;
    if (present & (present - 1)) {
        collision(w, tile, colour, present);
        return;
    }
    if (!has_room(w, tile, l, colour, outputs))
        return;
    if (outputs & v->used || (w->stress_seed && stalls(w, tile, outputs))) {
        v->retry = true;
        return;
    }
    v->used |= outputs;
    if (!v->moved)
        f->router[tile].turn = (uint8_t)(colour + 1 < TILE_COLOURS ? colour + 1 : 0);
    v->moved = true;
    uint64_t word = pop(w, tile, l, colour, (unsigned)__builtin_ctz(present));
    send(w, tile, l, colour, outputs, word);
    if (outputs & (outputs - 1))
        w->stats.wavelets_copied += (unsigned)__builtin_popcount(outputs) - 1;
    if (word >> 32)
        turn_switch(l);
}

static inline void visit_router(struct wafer *w, uint32_t tile)
{
    struct fast_router *r = &w->fast->router[tile];
    uint32_t all = r->waiting, first = all >> r->turn << r->turn;
    struct visit v = {0, false, false};
    for (uint32_t rest = first; rest; rest &= rest - 1)
        visit_lane(w, tile, (unsigned)__builtin_ctz(rest), &v);
    for (uint32_t rest = all ^ first; rest; rest &= rest - 1)
        visit_lane(w, tile, (unsigned)__builtin_ctz(rest), &v);
    if (v.moved)
        r->moved = (uint32_t)w->cycle + 1;
    if (!r->waiting) {
        r->turn = 0;
        set_remove(&w->routers, tile);
    } else if (!v.moved && !v.retry) {
        set_remove(&w->routers, tile);
    }
}

void fast_route_all(struct wafer *w)
{
    struct set *s = &w->routers;
    for (uint32_t up = 0; up < s->summaries; up++) {
        for (uint64_t words = s->summary[up]; words; words &= words - 1) {
            uint32_t at = up * 64 + (uint32_t)__builtin_ctzll(words);
            for (uint64_t bits = s->word[at]; bits; bits &= bits - 1)
                visit_router(w, at * 64 + (uint32_t)__builtin_ctzll(bits));
        }
    }
}

/* A router that moved its last wavelet in this cycle sleeps; any other looks again. */
void fast_free_all(struct wafer *w)
{
    struct fast *f = w->fast;
    for (uint32_t i = 0; i < f->freed.count; i++) {
        uint32_t key = f->freed.key[i], tile = key >> 8, before;
        unsigned port = key & 7u;
        fast_lane(w, tile, key >> 3 & 31u)->held[port]--;
        before = tile + (uint32_t)f->step[port];
        if (f->router[before].waiting)
            set_add(&w->routers, before);
        else if (f->router[before].moved != (uint32_t)w->cycle + 1)
            f->stir = true;
    }
    f->freed.count = 0;
}
