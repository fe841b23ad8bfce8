/* SPDX-License-Identifier: Apache-2.0 */
/* edge.c - the rim of the wafer: one port for the outside at the outer side of each rim tile.
 *
 * The outside is called in every cycle that is not skipped, and none is skipped right after a
 * wavelet entered. So it need not ask for cycles while it waits for room: a port without room has a
 * full queue, and when that lets one go its router is still active in the next cycle.
 *
 * A wavelet that enters in cycle t stands in the router's queue in t. One that a router lets go in
 * cycle t has left in t + hop. */
#include "fabric/fast.h"

#include "base/xalloc.h"

#include <assert.h>
#include <stdlib.h>

static uint32_t side_ports(const struct wafer *w, unsigned side)
{
    return side == PORT_NORTH || side == PORT_SOUTH ? w->width : w->height;
}

void edge_open(struct wafer *w)
{
    for (unsigned side = 0; side < 4; side++)
        w->edge_used[side] = xcalloc(side_ports(w, side), sizeof *w->edge_used[side]);
}

void edge_close(struct wafer *w)
{
    for (unsigned side = 0; side < 4; side++)
        free(w->edge_used[side]);
}

static uint32_t edge_tile(const struct wafer *w, struct edge_port port)
{
    assert(port.side < PORT_RAMP && port.index < side_ports(w, port.side));
    switch (port.side) {
    case PORT_NORTH:
        return port.index;
    case PORT_SOUTH:
        return (w->height - 1) * w->width + port.index;
    case PORT_WEST:
        return port.index * w->width;
    default:
        return port.index * w->width + w->width - 1;
    }
}

static uint32_t held(const struct wafer *w, uint32_t tile, unsigned side, unsigned colour)
{
    return w->fast ? fast_lane(w, tile, colour)->held[side] : w->router[tile].held[side][colour];
}

bool wafer_edge_room(const struct wafer *w, struct edge_port port, uint8_t colour)
{
    uint32_t tile = edge_tile(w, port);
    assert(colour < TILE_COLOURS);
    return w->edge_used[port.side][port.index] != w->cycle + 1 &&
           held(w, tile, port.side, colour) < w->link_room;
}

void wafer_edge_enter(struct wafer *w, struct edge_port port, struct wavelet v)
{
    uint32_t tile = edge_tile(w, port);
    assert(wafer_edge_room(w, port, v.colour));
    w->edge_used[port.side][port.index] = w->cycle + 1;
    w->stats.wavelets_entered++;
    w->edge_entered = true;
    if (w->fast) {
        fast_enter(w, tile, port.side, v);
        return;
    }
    w->router[tile].held[port.side][v.colour]++;
    router_arrive(w, tile, port.side, v);
}

void edge_leave(struct wafer *w, uint32_t tile, unsigned side, struct wavelet v)
{
    bool along = side == PORT_NORTH || side == PORT_SOUTH;
    struct edge_port port = {(enum fabric_port)side, along ? wafer_x(w, tile) : wafer_y(w, tile)};
    w->stats.wavelets_left++;
    if (w->outside.leave)
        w->outside.leave(w->outside.self, port, v, w->cycle);
}

void wafer_set_outside(struct wafer *w, const struct wafer_outside *outside)
{
    w->outside = *outside;
}
