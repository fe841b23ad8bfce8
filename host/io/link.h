/* SPDX-License-Identifier: Apache-2.0 */
/* link.h - links from an edge of one wafer to an edge of another, and wafers that run side by side.
 *
 * What leaves at row (or column) i of one edge enters at row i of the other. A wavelet that left in
 * cycle t crosses from cycle t + 1 on, when the wire and its turn allow; having crossed in cycle c
 * it may enter the other wafer from cycle c + L on, L = wafer_link_latency_seconds in cycles, as
 * soon as the router has room. A port moves one wavelet a cycle at most and all ports of the edge
 * share wafer_link_bits_per_second, exactly and in fair turns, each direction by itself. The
 * receiving end has unlimited room. Both wafers have the same clock. A linked edge is closed to the
 * host. */
#ifndef TESSERA_IO_LINK_H
#define TESSERA_IO_LINK_H

#include "io/io.h"

struct wafer_link;

struct wafer_link_end {
    struct io *io; /* borrowed */
    enum fabric_port side;
};

/* Join two edges that have not been used. ERR_INPUT when they differ in length or belong to a link
 * already, or when the machine's latency is less than one cycle. The link must outlive both io's
 * use of it: close it after them. */
int wafer_link_open(struct wafer_link **out, struct wafer_link_end a, struct wafer_link_end b,
                    const struct machine *m, struct err *e);
void wafer_link_close(struct wafer_link *l);

/* L of a machine: how far linked wafers may be apart. */
uint64_t wafer_link_cycles(const struct machine *m);

/* A wafer as wafer_group_run sees it. */
struct wafer_member {
    void *self;
    /* first cycle in which something can happen, outside included; UINT64_MAX: never */
    uint64_t (*next)(void *self);
    /* run all cycles before `end` in which something happens, and no other. 0 or -1 */
    int (*run)(void *self, uint64_t end, struct err *e);
};

/* A real wafer as a member; needs no more than the two, which are borrowed. */
struct linked_wafer {
    struct wafer *wafer;
    struct io *io;
    bool cut; /* the last stretch ended before the wafer was quiet; false at first */
};
struct wafer_member linked_wafer_member(struct linked_wafer *l); /* `l` must stay where it is */

/* Wafers that are joined by links. */
struct wafer_group {
    const struct wafer_member *members;
    size_t count;
    uint64_t window; /* cycles, 1 .. the smallest L of their links */
};

/* Run the group: stretches of `window` cycles, each wafer after the other. Nothing that crosses in
 * a stretch can arrive in it, so the result is exact. Quiet stretches of all are skipped. `done` is
 * asked after each stretch, so the end is known to a window. Returns 0 when done; else -1: what a
 * wafer reported, ERR_DEADLOCK (nothing can happen any more) or ERR_LIMIT. */
int wafer_group_run(const struct wafer_group *g, bool (*done)(void *self), void *self,
                    uint64_t max_cycles, struct err *e);

#endif
