/* SPDX-License-Identifier: Apache-2.0 */
/* ramp.c - from the router down to the tile's input queues.
 *
 * The ramp is a pipeline of T_R stages in front of the queue, so a queue and its ramp together hold
 * input_queue + T_R wavelets. The router lets a wavelet go only if that leaves room for all that
 * are on their way, so a queue can always take what arrives: with nobody reading, the stages fill
 * up like the queue itself. This is also just enough for one wavelet per cycle. The way up
 * (engine.c) holds router_queue + T_R in the same way. */
#include "fabric/crew.h"

#include "base/xalloc.h"

#include <assert.h>

bool ramp_has_room(const struct wafer *w, uint32_t tile, unsigned colour)
{
    const struct tile *t = &w->tile[tile];
    unsigned q = t->queue_of[colour];
    if (t->foreign)
        return foreign_has_room(w, tile, colour);
    /* unbound: let it come; the fault is that it arrives */
    return q == NO_QUEUE || t->queue[q].count + t->on_ramp[colour] < w->queue_room;
}

void ramp_arrive(struct wafer *w, uint32_t tile, struct wavelet v)
{
    struct tile *t = &w->tile[tile];
    unsigned number = t->queue_of[v.colour];
    if (!w->fast)
        t->on_ramp[v.colour]--;
    w->stats.wavelets_received++;
    if (t->foreign) {
        foreign_arrive(w, tile, v);
        return;
    }
    if (number == NO_QUEUE) {
        w->consumed++;
        fault_hardware(w, tile, FAULT_UNBOUND, "colour %u", v.colour);
        return;
    }
    struct input_queue *q = &t->queue[number];
    assert(q->count < w->queue_room);
    if (!q->data)
        q->data = xcalloc(w->queue_room, sizeof *q->data);
    uint32_t at = (uint32_t)q->head + q->count++;
    q->data[at < w->queue_room ? at : at - w->queue_room] = v.data;
    set_add(&w->engines, tile);
}

uint32_t ramp_take(struct wafer *w, uint32_t tile, unsigned queue)
{
    struct input_queue *q = &w->tile[tile].queue[queue];
    assert(q->count > 0);
    uint32_t data = q->data[q->head];
    if (++q->head == w->queue_room)
        q->head = 0;
    q->count--;
    w->consumed++;
    if (w->fast)
        fast_taken(w, tile, q->colour);
    else
        set_add(&w->routers, tile);
    return data;
}

bool ramp_has_room_up(const struct wafer *w, uint32_t tile, unsigned colour)
{
    uint32_t held = w->fast ? fast_lane(w, tile, colour)->held[PORT_RAMP]
                            : w->router[tile].held[PORT_RAMP][colour];
    return held < w->ramp_room;
}

void ramp_issue(struct wafer *w, uint32_t tile, struct wavelet v, uint64_t at)
{
    w->stats.wavelets_sent++;
    if (w->fast) {
        fast_issue(w, tile, v, at);
        return;
    }
    w->router[tile].held[PORT_RAMP][v.colour]++;
    wheel_put(&w->wheel, at + w->ramp,
              (struct parcel){.tile = tile,
                              .data = v.data,
                              .place = PORT_RAMP,
                              .colour = v.colour,
                              .control = v.control});
}

/* Words between the router and the queue of a bound colour. */
static unsigned on_ramp(const struct wafer *w, uint32_t tile, unsigned colour)
{
    const struct tile *t = &w->tile[tile];
    if (!w->fast)
        return t->on_ramp[colour];
    return (unsigned)fast_lane(w, tile, colour)->down - t->queue[t->queue_of[colour]].count;
}

/* Undo a binding. What the queue holds would be lost, so that is a fault. */
static void unbind(struct wafer *w, uint32_t tile, unsigned queue)
{
    struct tile *t = &w->tile[tile];
    struct input_queue *q = &t->queue[queue];
    if (q->colour == NO_QUEUE)
        return;
    if (w->fast)
        trains_stop_lane(w, tile, q->colour);
    if (q->count || on_ramp(w, tile, q->colour))
        fault_hardware(w, tile, FAULT_REBIND, "queue %u with %u wavelets of colour %u", queue,
                       q->count + on_ramp(w, tile, q->colour), q->colour);
    if (w->fast)
        fast_bound(w, tile, q->colour, NO_QUEUE, queue);
    t->queue_of[q->colour] = NO_QUEUE;
    q->colour = NO_QUEUE;
}

/* A colour has at most one queue: binding it to another takes it away from the first. */
void ramp_bind(struct wafer *w, uint32_t tile, uint32_t queue, uint32_t colour)
{
    struct tile *t = &w->tile[tile];
    if (colour >= TILE_COLOURS && colour != NO_QUEUE) {
        fault_hardware(w, tile, FAULT_REGISTER, "colour %u for queue %u", colour, queue);
        return;
    }
    if (t->queue[queue].colour == colour)
        return;
    unbind(w, tile, queue);
    if (colour == NO_QUEUE)
        return;
    if (t->queue_of[colour] != NO_QUEUE)
        unbind(w, tile, t->queue_of[colour]);
    t->queue[queue].colour = (uint8_t)colour;
    t->queue_of[colour] = (uint8_t)queue;
    if (w->fast)
        fast_bound(w, tile, colour, queue, NO_QUEUE);
    set_add(&crew_of(w, tile)->engines, tile);
    set_add(&crew_of(w, tile)->routers, tile);
}
