/* SPDX-License-Identifier: Apache-2.0 */
/* foreign.c - tiles whose core and stream engine are somewhere else, in another process.
 *
 * The wafer keeps their routers. What comes down the ramp is handed over; what they send is issued
 * into the ramp, one word a cycle; what they write to router registers is applied. They run in
 * their own time, so the wafer waits for them only when nothing else can happen. */
#include "fabric/fast.h"

#include "base/xalloc.h"
#include "hal/mmio.h"

#include <assert.h>
#include <stdlib.h>

enum { ALL_COLOURS = (1 << TILE_COLOURS) - 1 };

struct foreign {
    struct foreign_tile ops;
    struct foreign *next;
    uint32_t tile;
    bool started;
    bool pending; /* may have words for us */
    bool blocked; /* those it has find no room at the ramp */
};

int wafer_set_foreign_tile(struct wafer *w, uint32_t x, uint32_t y, const struct foreign_tile *ops,
                           struct err *e)
{
    if (x >= w->width || y >= w->height)
        return err_input(e, "wafer: there is no tile (%u,%u), the fabric is %u x %u", x, y,
                         w->width, w->height);
    struct tile *t = &w->tile[y * w->width + x];
    assert(w->cycle == 0 && !t->foreign);
    struct foreign *f = xcalloc(1, sizeof *f);
    f->ops = *ops;
    f->tile = y * w->width + x;
    f->next = w->foreign;
    w->foreign = f;
    t->foreign = f;
    t->sram = ops->sram;
    t->halted = true;
    set_remove(&w->cores, f->tile);
    for (unsigned c = 0; w->fast && c < TILE_COLOURS; c++)
        fast_lane(w, f->tile, c)->sink = SINK_FOREIGN;
    return 0;
}

void foreign_close(struct wafer *w)
{
    for (struct foreign *f = w->foreign, *next; f; f = next) {
        next = f->next;
        free(f);
    }
}

void foreign_start(struct foreign *f, uint32_t pc, bool code_locked)
{
    if (!f->started)
        f->ops.start(f->ops.self, pc, code_locked);
    f->started = true;
}

bool foreign_has_room(const struct wafer *w, uint32_t tile, unsigned colour)
{
    const struct tile *t = &w->tile[tile];
    const struct foreign_tile *ops = &t->foreign->ops;
    uint32_t coming = w->fast ? fast_lane(w, tile, colour)->down : t->on_ramp[colour];
    return ops->room(ops->self, (uint8_t)colour) > coming;
}

void foreign_arrive(struct wafer *w, uint32_t tile, struct wavelet v)
{
    const struct foreign_tile *ops = &w->tile[tile].foreign->ops;
    w->consumed++;
    ops->take(ops->self, v);
}

static void configure(struct wafer *w, struct foreign *f)
{
    uint32_t offset, value;
    while (f->ops.configure(f->ops.self, &offset, &value)) {
        if (offset - REG_ROUTE < 4 * TILE_COLOURS * TILE_SWITCH_POSITIONS)
            route_write(w, f->tile, (offset - REG_ROUTE) / 4, value);
        else if (offset - REG_ROUTE_MODE < 4 * TILE_COLOURS)
            route_write_mode(w, f->tile, (offset - REG_ROUTE_MODE) / 4, value);
    }
}

static void issue(struct wafer *w, struct foreign *f)
{
    uint32_t colours = 0;
    struct wavelet v;
    for (unsigned c = 0; c < TILE_COLOURS; c++)
        colours |= (uint32_t)ramp_has_room_up(w, f->tile, c) << c;
    bool given = f->ops.give(f->ops.self, colours, &v);
    f->pending = given || colours != ALL_COLOURS;
    f->blocked = !given;
    if (!given)
        return;
    ramp_issue(w, f->tile, v, w->cycle);
}

static void stirred(struct wafer *w, struct foreign *f)
{
    set_add(&w->routers, f->tile); /* it may have made room */
    f->pending = true;
    f->blocked = false;
}

/* As if the registers had been ours. */
static bool check_fault(struct wafer *w, struct foreign *f)
{
    struct tile *t = &w->tile[f->tile];
    struct foreign_fault r;
    if (!f->ops.faulted(f->ops.self, &r))
        return false;
    t->fault_file = r.file;
    t->fault_line = r.line;
    t->fault_pc = r.pc;
    t->fault_info = r.info;
    t->fault_stack_free = r.stack_free;
    t->task = r.task;
    fault_firmware(w, f->tile, r.code);
    return true;
}

void foreign_visit(struct wafer *w)
{
    for (struct foreign *f = w->foreign; f; f = f->next) {
        foreign_start(f, TILE_ROM_BASE, false);
        if (f->ops.stirred(f->ops.self))
            stirred(w, f);
        if (!f->pending)
            continue;
        configure(w, f);
        issue(w, f);
        check_fault(w, f);
    }
}

bool foreign_pending(const struct wafer *w)
{
    for (const struct foreign *f = w->foreign; f; f = f->next)
        if (f->pending && !f->blocked)
            return true;
    return false;
}

bool foreign_wait(struct wafer *w)
{
    struct err e = {0};
    for (struct foreign *f = w->foreign; f; f = f->next) {
        foreign_start(f, TILE_ROM_BASE, false);
        int result = f->ops.wait(f->ops.self, &e);
        if (result < 0)
            fault_foreign(w, f->tile, e.text);
        else if (result && !check_fault(w, f))
            stirred(w, f);
        if (result)
            return true;
    }
    return false;
}
