/* SPDX-License-Identifier: Apache-2.0 */
/* io_wafer.c - io on a real wafer. A file of its own, so that io links without one. */
#include "io/io.h"

static uint64_t cycle_of(void *self)
{
    return wafer_cycle(self);
}

static bool room_at(void *self, struct edge_port port, uint8_t colour)
{
    return wafer_edge_room(self, port, colour);
}

static void enter_at(void *self, struct edge_port port, struct wavelet v)
{
    wafer_edge_enter(self, port, v);
}

struct io *io_open(struct wafer *w, const struct wafer_cfg *cfg)
{
    struct io_wafer wafer = {.self = w,
                             .cycle = cycle_of,
                             .room = room_at,
                             .enter = enter_at,
                             .width = cfg->width,
                             .height = cfg->height};
    struct io *io = io_open_on(&wafer, cfg->machine);
    struct wafer_outside outside = io_outside(io);
    wafer_set_outside(w, &outside);
    return io;
}
