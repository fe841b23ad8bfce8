/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - carries wavelets from the outward flow of one io to the inward flow of another. */
#include "io/link.h"

#include "base/xalloc.h"
#include "io/io_link.h"

#include <math.h>
#include <stdlib.h>

struct direction {
    struct wafer_link_end to;
    uint64_t latency;
};

struct wafer_link {
    struct direction forth, back;
};

static void crossed(void *self, uint32_t index, struct wavelet v, uint64_t cycle)
{
    const struct direction *d = self;
    io_link_arrive(d->to.io, (struct edge_port){d->to.side, index}, v, cycle + d->latency);
}

uint64_t wafer_link_cycles(const struct machine *m)
{
    return (uint64_t)llround(m->wafer_link_latency_seconds * m->clock_hz);
}

static void attach(struct wafer_link_end from, struct direction *d, const struct machine *m)
{
    struct io_link link = {.self = d,
                           .crossed = crossed,
                           .wire = pacer_make(m->clock_hz, m->wafer_link_bits_per_second)};
    io_link_attach(from.io, from.side, &link);
}

int wafer_link_open(struct wafer_link **out, struct wafer_link_end a, struct wafer_link_end b,
                    const struct machine *m, struct err *e)
{
    uint32_t ports_a = io_side_ports(a.io, a.side), ports_b = io_side_ports(b.io, b.side);
    uint64_t latency = wafer_link_cycles(m);
    if (ports_a != ports_b)
        return err_input(e, "wafer link: edges of %u and %u ports do not fit", ports_a, ports_b);
    if (latency == 0)
        return err_input(e, "wafer link: wafer_link_latency_seconds is less than one cycle");
    if (io_is_linked(a.io, a.side) || io_is_linked(b.io, b.side) ||
        (a.io == b.io && a.side == b.side))
        return err_input(e, "wafer link: sides %u and %u: one is linked already", a.side, b.side);
    struct wafer_link *l = xcalloc(1, sizeof *l);
    l->forth = (struct direction){b, latency};
    l->back = (struct direction){a, latency};
    attach(a, &l->forth, m);
    attach(b, &l->back, m);
    *out = l;
    return 0;
}

void wafer_link_close(struct wafer_link *l)
{
    free(l);
}

static uint64_t first_cycle(const struct wafer_group *g)
{
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < g->count; i++) {
        uint64_t next = g->members[i].next(g->members[i].self);
        first = next < first ? next : first;
    }
    return first;
}

int wafer_group_run(const struct wafer_group *g, bool (*done)(void *self), void *self,
                    uint64_t max_cycles, struct err *e)
{
    while (!done(self)) {
        uint64_t first = first_cycle(g);
        if (first == UINT64_MAX)
            return err_set(e, ERR_DEADLOCK, "%zu wafers: quiet, but not done", g->count);
        if (first >= max_cycles)
            return err_set(e, ERR_LIMIT, "%zu wafers: cycle limit %llu reached", g->count,
                           (unsigned long long)max_cycles);
        uint64_t end = max_cycles - first > g->window ? first + g->window : max_cycles;
        for (size_t i = 0; i < g->count; i++)
            if (g->members[i].run(g->members[i].self, end, e))
                return -1;
    }
    return 0;
}
