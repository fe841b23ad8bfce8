/* SPDX-License-Identifier: Apache-2.0 */
/* upstream.c - a breadth-first search from a router port against the direction of the routes. */
#include "fabric/upstream.h"

#include "base/xalloc.h"

#include <stdlib.h>
#include <string.h>

enum { CHAIN_MAX = 64 }; /* descriptors looked at behind the running one */

struct place {
    uint32_t tile;
    unsigned port;
};

struct search {
    const struct wafer *w;
    unsigned colour;
    struct place *todo; /* ring is not needed: each place enters once */
    uint32_t count, size;
    uint8_t *seen; /* [tiles] ports */
    struct source best;
};

unsigned upstream_inputs(const struct router *r, unsigned colour, unsigned outputs)
{
    unsigned inputs = 0;
    for (unsigned p = 0; p < ROUTE_MODE_COUNT(r->mode[colour]); p++)
        if (ROUTE_OUTPUTS(r->route[colour][p]) & outputs)
            inputs |= ROUTE_INPUTS(r->route[colour][p]);
    return inputs;
}

static bool uses(const struct stream_desc *d, unsigned use, unsigned colour)
{
    return stream_fabric_use(d->op) & use && (use == 1 ? d->src1 : d->dst) == colour;
}

bool upstream_now(const struct tile *t, unsigned thread, unsigned use, unsigned colour)
{
    return t->engine.busy >> thread & 1 && uses(&t->engine.thread[thread].d, use, colour);
}

/* The same for what follows by `next`, as far as it is legal and not too long. */
static bool uses_later(const struct tile *t, unsigned thread, unsigned use, unsigned colour)
{
    struct stream_desc d = t->engine.thread[thread].d;
    for (unsigned i = 0; t->engine.busy >> thread & 1 && d.next && i < CHAIN_MAX; i++) {
        memcpy(&d, t->sram + d.next, sizeof d);
        if (stream_check(&d))
            return false;
        if (uses(&d, use, colour))
            return true;
    }
    return false;
}

unsigned upstream_thread(const struct tile *t, unsigned use, unsigned colour)
{
    for (unsigned k = 0; k < TILE_THREADS; k++)
        if (upstream_now(t, k, use, colour))
            return k;
    for (unsigned k = 0; k < TILE_THREADS; k++)
        if (uses_later(t, k, use, colour))
            return k;
    return NO_THREAD;
}

static void add_ports(struct search *s, uint32_t tile, unsigned ports)
{
    for (unsigned p = 0; p < FABRIC_PORTS; p++) {
        if (!(ports >> p & 1) || s->seen[tile] >> p & 1)
            continue;
        s->seen[tile] |= (uint8_t)(1u << p);
        if (s->count == s->size) {
            s->size = s->size ? s->size * 2 : 64;
            s->todo = xrealloc(s->todo, s->size, sizeof *s->todo);
        }
        s->todo[s->count++] = (struct place){tile, p};
    }
}

static void offer(struct search *s, struct source found)
{
    if (s->best.kind == SOURCE_NONE || found.kind < s->best.kind)
        s->best = found;
}

static void look(struct search *s, struct place at)
{
    const struct router *r = &s->w->router[at.tile];
    if (r->waiting[at.port] >> s->colour & 1) {
        offer(s, (struct source){SOURCE_QUEUE, at.tile, at.port, 0});
    } else if (at.port == PORT_RAMP) {
        unsigned k = upstream_thread(&s->w->tile[at.tile], 2, s->colour);
        enum source_kind kind = k == NO_THREAD ? SOURCE_SILENT : SOURCE_THREAD;
        offer(s, (struct source){kind, at.tile, at.port, k});
    } else if (r->neighbour[at.port] == NO_TILE) {
        offer(s, (struct source){SOURCE_EDGE, at.tile, at.port, 0});
    } else {
        uint32_t from = r->neighbour[at.port];
        unsigned towards = 1u << ((at.port + 2) & 3);
        add_ports(s, from, upstream_inputs(&s->w->router[from], s->colour, towards));
    }
}

struct source upstream_find(const struct wafer *w, uint32_t tile, unsigned ports, unsigned colour)
{
    struct search s = {.w = w, .colour = colour};
    s.seen = xcalloc(w->tiles, 1);
    add_ports(&s, tile, ports);
    for (uint32_t i = 0; i < s.count && s.best.kind != SOURCE_QUEUE; i++)
        look(&s, s.todo[i]);
    free(s.seen);
    free(s.todo);
    return s.best;
}
