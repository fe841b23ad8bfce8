/* SPDX-License-Identifier: Apache-2.0 */
/* io.h - the system around a wafer: words between the host and the edge ports, in machine time.
 *
 * Every edge port is a channel to the host. Timing, with L = io_latency_seconds in cycles
 * (nearest), each direction by itself:
 *
 *   host to wafer   a word given to io_send in cycle t may enter the wafer from cycle t + L on
 *   wafer to host   a wavelet that left the wafer in cycle t may cross from cycle t + 1 on; having
 *                   crossed in cycle c it can be taken when the wafer's cycle is c + L or later
 *
 * Crossing (entering, or starting on its way to the host) is limited to one wavelet a cycle and
 * port, to channel_bits_per_second at a port and to io_bits_per_second over all ports; a wavelet
 * counts 32 bits. The limits are exact (pacer.h): no rounding builds up, and what was not used is
 * lost. Ports take fair turns at the shared limit (flow.h), colours take fair turns at a port. A
 * wavelet the router has no room for lets the others pass and uses up nothing. Each port and colour
 * is a channel of its own that keeps its order; what leaves at a port is one sequence. Waiting room
 * outside the wafer has no limit.
 *
 * All of this is a function of the calls and their cycles alone. */
#ifndef TESSERA_IO_IO_H
#define TESSERA_IO_IO_H

#include "fabric/wafer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct io;

/* What io needs of a wafer; io_open fills it in from fabric/wafer.h, tests from what they like. */
struct io_wafer {
    void *self;
    uint64_t (*cycle)(void *self);
    /* may it enter in this cycle? */
    bool (*room)(void *self, struct edge_port port, uint8_t colour);
    void (*enter)(void *self, struct edge_port port, struct wavelet v); /* there is room */
    uint32_t width, height;
};

/* Attach to a wafer before its first cycle (it takes wafer_set_outside). `cfg` is what the wafer
 * was opened with. Both are borrowed; close io first. Cost: about 500 bytes per port. */
struct io *io_open(struct wafer *w, const struct wafer_cfg *cfg);

/* The same for anything that behaves like a wafer and calls io_outside's functions. */
struct io *io_open_on(const struct io_wafer *wafer, const struct machine *machine);
struct wafer_outside io_outside(struct io *io);
void io_close(struct io *io);

/* How io_send treats its words. */
enum {
    IO_LAST_IS_CONTROL = 1, /* the last word's wavelet carries the control bit */
    IO_BORROWED = 2         /* do not copy: the caller keeps the words until io_pending says 0 */
};

/* Queue `n` words for a port, behind what was queued there for this colour. Never waits.
 * Cost: a copy of the words unless borrowed. Call while no cycle is being run, or from wafer_run's
 * `done`. */
void io_send(struct io *io, struct edge_port port, uint8_t colour, const uint32_t *words, size_t n,
             unsigned flags);

/* Words queued at a port that have not entered the wafer. */
size_t io_pending(const struct io *io, struct edge_port port);

/* Wavelets that have come from a port and were not taken. */
size_t io_available(struct io *io, struct edge_port port);

/* Take up to `n` of them, oldest first; returns how many. io_take keeps only the words. */
size_t io_take(struct io *io, struct edge_port port, uint32_t *out, size_t n);
size_t io_take_wavelets(struct io *io, struct edge_port port, struct wavelet *out, size_t n);

/* Nothing is on its way, in or out; what has arrived and was not taken does not count. */
bool io_idle(const struct io *io);

/* Counters since io_open: over all ports of the host, or for one port. */
struct io_stats {
    uint64_t bytes_in, bytes_out;             /* crossed; in: to the wafer */
    uint64_t busy_cycles_in, busy_cycles_out; /* in which something crossed */
    uint64_t last_cycle_in, last_cycle_out;   /* the last such cycle */
};
void io_stats(const struct io *io, struct io_stats *out);
void io_port_stats(const struct io *io, struct edge_port port, struct io_stats *out);

#endif
