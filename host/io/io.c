/* SPDX-License-Identifier: Apache-2.0 */
/* io.c - when words go between host, ports and links. The rules are in io.h, the turns in flow.c,
 * the queues in port.c. */
#include "io/io.h"

#include "base/xalloc.h"
#include "io/flow.h"
#include "io/io_link.h"
#include "io/port.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum { HOST = 4, FLOWS = 5 }; /* flows 0..3 belong to sides that have a link */

struct io {
    struct io_wafer wafer;
    uint64_t latency;                   /* cycles, host to edge and back */
    uint32_t ports, base[FABRIC_PORTS]; /* all; a side's first */
    struct port *port;
    struct flow in[FLOWS], out[FLOWS];
    struct io_link link[HOST];
    bool linked[HOST];
    struct timed_queue arrivals; /* cycles in which the host gets something; wavelets unused */
    uint64_t due;                /* nothing to do before this cycle */
};

/* ---- ports ---- */

uint32_t io_side_ports(const struct io *io, enum fabric_port side)
{
    return side == PORT_NORTH || side == PORT_SOUTH ? io->wafer.width : io->wafer.height;
}

bool io_is_linked(const struct io *io, enum fabric_port side)
{
    return io->linked[side];
}

uint64_t io_cycle(const struct io *io)
{
    return io->wafer.cycle(io->wafer.self);
}

static uint32_t port_number(const struct io *io, struct edge_port p)
{
    assert(p.side < PORT_RAMP && p.index < io_side_ports(io, p.side));
    return io->base[p.side] + p.index;
}

static unsigned flow_number(const struct io *io, enum fabric_port side)
{
    return io->linked[side] ? (unsigned)side : HOST;
}

static bool flow_used(const struct io *io, unsigned f)
{
    return f == HOST || io->linked[f];
}

static void wake_at(struct io *io, uint64_t cycle)
{
    if (cycle < io->due)
        io->due = cycle;
}

/* ---- into the wafer ---- */

static void queue_words(struct io *io, struct edge_port port, const struct sending *s)
{
    uint32_t number = port_number(io, port);
    port_queue(&io->port[number], s);
    flow_add(&io->in[flow_number(io, port.side)], number, s->from);
    wake_at(io, s->from);
}

void io_send(struct io *io, struct edge_port port, uint8_t colour, const uint32_t *words, size_t n,
             unsigned flags)
{
    assert(port.side < PORT_RAMP && !io->linked[port.side]);
    struct sending s = {words, n, flags, colour, io_cycle(io) + io->latency};
    if (n)
        queue_words(io, port, &s);
}

void io_link_arrive(struct io *io, struct edge_port port, struct wavelet v, uint64_t cycle)
{
    assert(io->linked[port.side] && cycle >= io_cycle(io));
    unsigned flags = v.control ? IO_LAST_IS_CONTROL : 0;
    queue_words(io, port, &(struct sending){&v.data, 1, flags, v.colour, cycle});
}

/* A colour whose next word can enter now, or TILE_COLOURS; `v` learns why the others cannot. */
static uint32_t ready_colour(const struct io *io, const struct port *p, uint64_t cycle,
                             struct visit *v)
{
    uint64_t twice = (uint64_t)p->colours << TILE_COLOURS | p->colours;
    uint32_t in_turn = (uint32_t)(twice >> p->turn) & ((1u << TILE_COLOURS) - 1);
    for (; in_turn; in_turn &= in_turn - 1) {
        uint32_t colour = (p->turn + (uint32_t)__builtin_ctz(in_turn)) % TILE_COLOURS;
        uint64_t from = p->lanes[colour].first->from;
        if (from > cycle)
            v->again = from < v->again ? from : v->again;
        else if (!io->wafer.room(io->wafer.self, p->name, (uint8_t)colour))
            v->blocked = true;
        else
            return colour;
    }
    return TILE_COLOURS;
}

static struct visit move_in(void *self, uint32_t number, uint64_t cycle)
{
    struct io *io = self;
    struct port *p = &io->port[number];
    if (!pacer_free(&p->wire_in, cycle))
        return (struct visit){.again = p->wire_in.cycle};
    struct visit v = {.again = FLOW_NEVER};
    uint32_t colour = ready_colour(io, p, cycle, &v);
    if (colour == TILE_COLOURS)
        return v;
    io->wafer.enter(io->wafer.self, p->name, port_next(p, colour));
    p->last_in = cycle;
    pacer_take(&p->wire_in, cycle);
    v = (struct visit){.moved = true, .again = FLOW_NEVER};
    if (p->colours)
        v.again = p->wire_in.cycle > cycle ? p->wire_in.cycle : cycle + 1;
    return v;
}

/* ---- out of the wafer ---- */

static void wavelet_left(void *self, struct edge_port port, struct wavelet v, uint64_t cycle)
{
    struct io *io = self;
    uint32_t number = port_number(io, port);
    timed_push(&io->port[number].out, (struct timed){cycle + 1, v});
    flow_add(&io->out[flow_number(io, port.side)], number, cycle + 1);
    wake_at(io, cycle + 1);
}

/* The wavelet goes on its way: to the host, or over the link. */
static void cross(struct io *io, struct port *p, struct timed *t, uint64_t cycle)
{
    struct timed_queue *a = &io->arrivals;
    p->crossed++;
    p->words_out++;
    p->last_out = cycle;
    pacer_take(&p->wire_out, cycle);
    if (io->linked[p->name.side]) {
        const struct io_link *link = &io->link[p->name.side];
        p->out.first++;
        link->crossed(link->self, p->name.index, t->v, cycle);
        return;
    }
    t->cycle = cycle + io->latency;
    if (a->end == a->first || timed_at(a, a->end - 1)->cycle != t->cycle)
        timed_push(a, (struct timed){.cycle = t->cycle});
}

static struct visit move_out(void *self, uint32_t number, uint64_t cycle)
{
    struct io *io = self;
    struct port *p = &io->port[number];
    struct timed *t = timed_at(&p->out, p->crossed);
    uint64_t from = t->cycle > p->wire_out.cycle ? t->cycle : p->wire_out.cycle;
    if (from > cycle)
        return (struct visit){.again = from};
    cross(io, p, t, cycle);
    struct visit v = {.moved = true, .again = FLOW_NEVER};
    if (p->crossed != p->out.end)
        v.again = p->wire_out.cycle > cycle ? p->wire_out.cycle : cycle + 1;
    return v;
}

/* ---- time ---- */

static void run_cycle(void *self, struct wafer *w, uint64_t cycle)
{
    struct io *io = self;
    struct timed_queue *a = &io->arrivals;
    (void)w;
    if (cycle < io->due)
        return;
    io->due = UINT64_MAX;
    for (unsigned f = 0; f < FLOWS; f++) {
        if (!flow_used(io, f))
            continue;
        flow_step(&io->in[f], cycle, move_in, io);
        flow_step(&io->out[f], cycle, move_out, io);
        wake_at(io, io->in[f].due);
        wake_at(io, io->out[f].due);
    }
    while (a->first != a->end && timed_at(a, a->first)->cycle <= cycle)
        a->first++;
    if (a->first != a->end)
        wake_at(io, timed_at(a, a->first)->cycle);
}

/* Whether a port that was blocked could move now. */
static bool some_unblocked(const struct io *io, const struct flow *f, uint64_t now)
{
    struct visit ignored = {.again = FLOW_NEVER};
    for (uint32_t n = port_set_next(&f->waiting, 0); n != PORT_SET_END;
         n = port_set_next(&f->waiting, n + 1))
        if (pacer_free(&io->port[n].wire_in, now) &&
            ready_colour(io, &io->port[n], now, &ignored) != TILE_COLOURS)
            return true;
    return false;
}

/* A port that waits for room has nothing to do until the wafer makes some: were it reported as
 * busy, a wafer that is stuck would never look stuck. */
static uint64_t next_cycle(void *self, uint64_t now)
{
    const struct io *io = self;
    const struct timed_queue *a = &io->arrivals;
    uint64_t next = a->first != a->end ? timed_at(a, a->first)->cycle : UINT64_MAX;
    for (unsigned f = 0; f < FLOWS; f++) {
        const struct flow *in = &io->in[f], *out = &io->out[f];
        if (!flow_used(io, f))
            continue;
        uint64_t wake = in->wake;
        if (in->due < wake && wake > now && some_unblocked(io, in, now))
            wake = in->due;
        next = wake < next ? wake : next;
        next = out->wake < next ? out->wake : next;
    }
    return next > now ? next : now;
}

/* ---- the host's side ---- */

size_t io_pending(const struct io *io, struct edge_port port)
{
    return io->port[port_number(io, port)].pending;
}

size_t io_available(struct io *io, struct edge_port port)
{
    const struct port *p = &io->port[port_number(io, port)];
    uint64_t now = io_cycle(io);
    size_t low = p->out.first, high = p->crossed;
    while (low < high) { /* arrivals ascend */
        size_t middle = low + (high - low) / 2;
        if (timed_at(&p->out, middle)->cycle <= now)
            low = middle + 1;
        else
            high = middle;
    }
    return low - p->out.first;
}

size_t io_take_wavelets(struct io *io, struct edge_port port, struct wavelet *out, size_t n)
{
    struct timed_queue *q = &io->port[port_number(io, port)].out;
    size_t there = io_available(io, port);
    n = n < there ? n : there;
    for (size_t i = 0; i < n; i++)
        out[i] = timed_at(q, q->first++)->v;
    return n;
}

size_t io_take(struct io *io, struct edge_port port, uint32_t *out, size_t n)
{
    struct timed_queue *q = &io->port[port_number(io, port)].out;
    size_t there = io_available(io, port);
    n = n < there ? n : there;
    for (size_t i = 0; i < n; i++)
        out[i] = timed_at(q, q->first++)->v.data;
    return n;
}

bool io_idle(const struct io *io)
{
    bool idle = io->arrivals.first == io->arrivals.end;
    for (unsigned f = 0; f < FLOWS; f++)
        idle = idle && port_set_next(&io->in[f].waiting, 0) == PORT_SET_END &&
               port_set_next(&io->out[f].waiting, 0) == PORT_SET_END;
    return idle;
}

void io_stats(const struct io *io, struct io_stats *out)
{
    const struct flow *in = &io->in[HOST], *back = &io->out[HOST];
    *out = (struct io_stats){.bytes_in = 4 * in->words,
                             .bytes_out = 4 * back->words,
                             .busy_cycles_in = in->busy_cycles,
                             .busy_cycles_out = back->busy_cycles,
                             .last_cycle_in = in->last_cycle,
                             .last_cycle_out = back->last_cycle};
}

void io_port_stats(const struct io *io, struct edge_port port, struct io_stats *out)
{
    const struct port *p = &io->port[port_number(io, port)];
    *out = (struct io_stats){.bytes_in = 4 * p->words_in,
                             .bytes_out = 4 * p->words_out,
                             .busy_cycles_in = p->words_in,
                             .busy_cycles_out = p->words_out,
                             .last_cycle_in = p->last_in,
                             .last_cycle_out = p->last_out};
}

/* ---- open and close ---- */

static void open_side(struct io *io, enum fabric_port side, struct pacer channel)
{
    io->base[side] = io->ports;
    for (uint32_t i = 0; i < io_side_ports(io, side); i++) {
        struct port *p = &io->port[io->ports++];
        p->name = (struct edge_port){side, i};
        p->wire_in = p->wire_out = channel;
    }
}

struct io *io_open_on(const struct io_wafer *wafer, const struct machine *m)
{
    struct io *io = xcalloc(1, sizeof *io);
    struct pacer channel = pacer_make(m->clock_hz, m->channel_bits_per_second);
    struct pacer all = pacer_make(m->clock_hz, m->io_bits_per_second);
    io->wafer = *wafer;
    io->due = UINT64_MAX;
    io->latency = (uint64_t)llround(m->io_latency_seconds * m->clock_hz);
    io->port = xcalloc(2 * ((size_t)wafer->width + wafer->height), sizeof *io->port);
    for (unsigned side = 0; side < PORT_RAMP; side++)
        open_side(io, (enum fabric_port)side, channel);
    for (unsigned f = 0; f < FLOWS; f++) {
        flow_open(&io->in[f], io->ports, f == HOST ? all : pacer_unlimited());
        flow_open(&io->out[f], io->ports, f == HOST ? all : pacer_unlimited());
    }
    return io;
}

void io_link_attach(struct io *io, enum fabric_port side, const struct io_link *link)
{
    assert(side < PORT_RAMP && !io->linked[side]);
    io->linked[side] = true;
    io->link[side] = *link;
    io->out[side].wire = link->wire;
    for (uint32_t i = 0; i < io_side_ports(io, side); i++) {
        struct port *p = &io->port[io->base[side] + i];
        p->wire_in = p->wire_out = pacer_unlimited();
    }
}

struct wafer_outside io_outside(struct io *io)
{
    return (struct wafer_outside){
        .self = io, .cycle = run_cycle, .next = next_cycle, .leave = wavelet_left};
}

void io_close(struct io *io)
{
    if (!io)
        return;
    for (uint32_t i = 0; i < io->ports; i++)
        port_free(&io->port[i]);
    for (unsigned f = 0; f < FLOWS; f++) {
        flow_close(&io->in[f]);
        flow_close(&io->out[f]);
    }
    free(io->arrivals.ring);
    free(io->port);
    free(io);
}
