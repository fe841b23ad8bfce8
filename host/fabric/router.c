/* SPDX-License-Identifier: Apache-2.0 */
/* router.c - what one router lets through in one cycle, and how a wavelet gets in and out of a
 * queue. The rules are in hal/fabric.h.
 *
 * A cycle has two passes over the active routers: decide reads the state at the start of the cycle
 * and only lists moves; apply carries them out. Room is counted where the wavelet goes: held[] is
 * what the queue holds plus what is on its way. A router that could move nothing leaves the active
 * set until something it waits for changes: a wavelet arrives, a queue it feeds gets shorter. */
#include "fabric/inside.h"

#include "base/xalloc.h"

static unsigned opposite(unsigned port)
{
    return (port + 2) & 3;
}

/* Ports at which this colour has a wavelet. */
static unsigned ports_waiting(const struct router *r, unsigned colour)
{
    unsigned ports = 0;
    for (unsigned p = 0; p < FABRIC_PORTS; p++)
        ports |= (r->waiting[p] >> colour & 1u) << p;
    return ports;
}

static bool output_has_room(const struct wafer *w, uint32_t tile, unsigned port, unsigned colour)
{
    if (port == PORT_RAMP)
        return ramp_has_room(w, tile, colour);
    uint32_t next = w->router[tile].neighbour[port];
    return next == NO_TILE || w->router[next].held[opposite(port)][colour] < w->link_room;
}

/* Whether all outputs can take one wavelet of this colour. */
static bool outputs_ready(const struct wafer *w, uint32_t tile, unsigned outputs, unsigned colour)
{
    for (unsigned rest = outputs; rest; rest &= rest - 1)
        if (!output_has_room(w, tile, (unsigned)__builtin_ctz(rest), colour))
            return false;
    return true;
}

static bool outputs_stall(const struct wafer *w, uint32_t tile, unsigned outputs)
{
    for (unsigned rest = w->stress_seed ? outputs : 0; rest; rest &= rest - 1)
        if (wafer_stalls(w, tile, (unsigned)__builtin_ctz(rest)))
            return true;
    return false;
}

static void list_move(struct wafer *w, struct move m)
{
    if (w->move_count == w->move_size) {
        w->move_size = w->move_size ? w->move_size * 2 : 256;
        w->move = xrealloc(w->move, w->move_size, sizeof *w->move);
    }
    w->move[w->move_count++] = m;
}

static void collision(struct wafer *w, uint32_t tile, unsigned colour, unsigned present)
{
    unsigned a = (unsigned)__builtin_ctz(present),
             b = (unsigned)__builtin_ctz(present & (present - 1));
    fault_hardware(w, tile, FAULT_COLLISION, "colour %u from %s and %s", colour, fault_port_name(a),
                   fault_port_name(b));
}

/* What a visit to a router found out so far. */
struct visit {
    unsigned used; /* outputs given away in this cycle */
    bool moved, retry;
};

static void decide_colour(struct wafer *w, uint32_t tile, unsigned colour, struct visit *v)
{
    struct router *r = &w->router[tile];
    uint16_t word = r->route[colour][r->position[colour]];
    unsigned present = ports_waiting(r, colour) & ROUTE_INPUTS(word);
    unsigned outputs = ROUTE_OUTPUTS(word);
    if (!present || !outputs)
        return;
    if (present & (present - 1)) {
        collision(w, tile, colour, present);
        return;
    }
    if (!outputs_ready(w, tile, outputs, colour))
        return;
    if (outputs & v->used || outputs_stall(w, tile, outputs)) {
        v->retry = true;
        return;
    }
    v->used |= outputs;
    if (!v->moved)
        r->turn = (uint8_t)((colour + 1) % TILE_COLOURS);
    v->moved = true;
    list_move(w, (struct move){.tile = tile,
                               .colour = (uint8_t)colour,
                               .input = (uint8_t)__builtin_ctz(present),
                               .outputs = (uint8_t)outputs});
}

static uint32_t colours_waiting(const struct router *r)
{
    return r->waiting[0] | r->waiting[1] | r->waiting[2] | r->waiting[3] | r->waiting[4];
}

void router_decide(struct wafer *w, uint32_t tile)
{
    struct router *r = &w->router[tile];
    uint32_t all = colours_waiting(r), first = all >> r->turn << r->turn;
    struct visit v = {0, false, false};
    for (uint32_t rest = first; rest; rest &= rest - 1)
        decide_colour(w, tile, (unsigned)__builtin_ctz(rest), &v);
    for (uint32_t rest = all ^ first; rest; rest &= rest - 1)
        decide_colour(w, tile, (unsigned)__builtin_ctz(rest), &v);
    if (!v.moved && !v.retry)
        set_remove(&w->routers, tile);
}

/* ---- queues ---- */

static struct channel *channel_of(struct wafer *w, struct router *r, unsigned colour)
{
    if (!r->channel[colour])
        r->channel[colour] = xcalloc(1, sizeof(struct channel) +
                                            (size_t)FABRIC_PORTS * w->ring * sizeof(struct slot));
    return r->channel[colour];
}

void router_arrive(struct wafer *w, uint32_t tile, unsigned port, struct wavelet v)
{
    struct router *r = &w->router[tile];
    if (!(r->takes[v.colour] >> port & 1))
        fault_hardware(w, tile, FAULT_ROUTE, "colour %u from %s", v.colour, fault_port_name(port));
    struct channel *c = channel_of(w, r, v.colour);
    uint32_t at = (uint32_t)c->head[port] + c->count[port]++;
    c->slot[port * w->ring + (at < w->ring ? at : at - w->ring)] = (struct slot){v.data, v.control};
    r->waiting[port] |= 1u << v.colour;
    set_add(&w->routers, tile);
}

/* Take the oldest wavelet of a queue, and tell whoever fills it that there is room. */
static struct slot pop(struct wafer *w, uint32_t tile, unsigned port, unsigned colour)
{
    struct router *r = &w->router[tile];
    struct channel *c = r->channel[colour];
    struct slot s = c->slot[port * w->ring + c->head[port]];
    if (++c->head[port] == w->ring)
        c->head[port] = 0;
    if (--c->count[port] == 0)
        r->waiting[port] &= ~(1u << colour);
    r->held[port][colour]--;
    if (port == PORT_RAMP)
        set_add(&w->engines, tile);
    else if (r->neighbour[port] != NO_TILE)
        set_add(&w->routers, r->neighbour[port]);
    return s;
}

static void send(struct wafer *w, uint32_t tile, unsigned port, struct wavelet v)
{
    struct parcel p = {.tile = tile, .data = v.data, .colour = v.colour, .control = v.control};
    uint32_t next = port == PORT_RAMP ? NO_TILE : w->router[tile].neighbour[port];
    if (port == PORT_RAMP) {
        w->tile[tile].on_ramp[v.colour]++;
        p.place = PLACE_QUEUE;
        wheel_put(&w->wheel, w->cycle + w->ramp, p);
        return;
    }
    p.place = (uint8_t)(PLACE_LEAVE + port);
    if (next != NO_TILE) {
        p.tile = next;
        p.place = (uint8_t)opposite(port);
        w->router[next].held[p.place][v.colour]++;
        w->stats.link_moves++;
    }
    wheel_put(&w->wheel, w->cycle + w->hop, p);
}

static void advance(struct router *r, unsigned colour)
{
    unsigned next = r->position[colour] + 1u;
    if (next < ROUTE_MODE_COUNT(r->mode[colour]))
        r->position[colour] = (uint8_t)next;
    else if (r->mode[colour] & ROUTE_MODE_RING)
        r->position[colour] = 0;
}

void router_apply(struct wafer *w, const struct move *m)
{
    struct router *r = &w->router[m->tile];
    struct slot s = pop(w, m->tile, m->input, m->colour);
    struct wavelet v = {.data = s.data, .colour = m->colour, .control = s.control};
    for (unsigned rest = m->outputs; rest; rest &= rest - 1) {
        w->stats.wavelets_copied += (rest & (rest - 1)) != 0;
        send(w, m->tile, (unsigned)__builtin_ctz(rest), v);
    }
    if (s.control)
        advance(r, m->colour);
    if (!colours_waiting(r)) {
        r->turn = 0;
        set_remove(&w->routers, m->tile);
    }
}
