/* SPDX-License-Identifier: Apache-2.0 */
/* flow.c - the turns of the ports on a shared wire. */
#include "io/flow.h"

void flow_open(struct flow *f, uint32_t ports, struct pacer wire)
{
    *f = (struct flow){.wire = wire, .due = FLOW_NEVER, .wake = FLOW_NEVER};
    f->waiting = port_set_make(ports);
}

void flow_close(struct flow *f)
{
    port_set_free(&f->waiting);
}

void flow_add(struct flow *f, uint32_t port, uint64_t cycle)
{
    port_set_add(&f->waiting, port);
    if (cycle < f->wake)
        f->wake = cycle;
    if (cycle < f->due)
        f->due = cycle;
}

/* One visit; false: the wire is taken, the round ends. */
static bool visit_port(struct flow *f, uint32_t port, uint64_t cycle, flow_move *move, void *self)
{
    struct visit v = move(self, port, cycle);
    if (v.blocked)
        f->due = cycle + 1;
    if (v.again < f->wake)
        f->wake = v.again;
    if (v.again == FLOW_NEVER && !v.blocked)
        port_set_remove(&f->waiting, port);
    if (!v.moved)
        return true;
    pacer_take(&f->wire, cycle);
    f->words++;
    f->turn = port + 1;
    return pacer_free(&f->wire, cycle);
}

static bool visit_range(struct flow *f, uint32_t from, uint32_t to, uint64_t cycle, flow_move *move,
                        void *self)
{
    uint32_t p = port_set_next(&f->waiting, from);
    for (; p < to; p = port_set_next(&f->waiting, p + 1))
        if (!visit_port(f, p, cycle, move, self))
            return false;
    return true;
}

void flow_step(struct flow *f, uint64_t cycle, flow_move *move, void *self)
{
    if (cycle < f->due)
        return;
    f->due = f->wake = FLOW_NEVER;
    uint64_t words = f->words;
    uint32_t turn = f->turn;
    bool open = pacer_free(&f->wire, cycle) &&
                visit_range(f, turn, PORT_SET_END, cycle, move, self) &&
                visit_range(f, 0, turn, cycle, move, self);
    if (f->words != words) {
        f->busy_cycles++;
        f->last_cycle = cycle;
    }
    if (port_set_next(&f->waiting, 0) == PORT_SET_END) {
        f->due = f->wake = FLOW_NEVER;
        f->turn = 0;
    } else if (!open) {
        f->due = f->wake = f->wire.cycle;
    } else if (f->wake < f->due) {
        f->due = f->wake;
    }
}
