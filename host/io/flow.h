/* SPDX-License-Identifier: Apache-2.0 */
/* flow.h - many ports that share one wire in one direction, in fair turns.
 *
 * In a cycle the ports that wait are visited once each, in the order of their numbers, cyclically
 * from the one behind the last that moved a wavelet; each may move one; the round ends when the
 * wire is taken. When no port waits the turn goes back to port 0, so that what happened before a
 * quiet moment cannot matter. */
#ifndef TESSERA_IO_FLOW_H
#define TESSERA_IO_FLOW_H

#include "io/pacer.h"
#include "io/port_set.h"

#include <stdbool.h>
#include <stdint.h>

#define FLOW_NEVER UINT64_MAX

struct flow {
    struct pacer wire;
    struct port_set waiting;                 /* ports with something to move, now or later */
    uint32_t turn;                           /* port that is visited first */
    uint64_t due;                            /* no visit can move anything before this cycle */
    uint64_t wake;                           /* the same if no blocked port is ever freed; >= due */
    uint64_t words, busy_cycles, last_cycle; /* moved; cycles in which something moved */
};

/* What a visit to a port found. */
struct visit {
    bool moved;
    bool blocked;   /* something could go but for room: ask again next cycle */
    uint64_t again; /* first cycle in which something else can go; FLOW_NEVER: nothing waits */
};

typedef struct visit flow_move(void *self, uint32_t port, uint64_t cycle);

void flow_open(struct flow *f, uint32_t ports, struct pacer wire);
void flow_close(struct flow *f);

/* A port has something to move from this cycle on. */
void flow_add(struct flow *f, uint32_t port, uint64_t cycle);

/* The round of one cycle. Cycles may be left out before f->due. */
void flow_step(struct flow *f, uint64_t cycle, flow_move *move, void *self);

#endif
