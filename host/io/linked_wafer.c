/* SPDX-License-Identifier: Apache-2.0 */
/* linked_wafer.c - a real wafer in a group. A file of its own, so that links are tested without
 * one. */
#include "io/link.h"

static uint64_t next_of(void *self)
{
    const struct linked_wafer *l = self;
    struct wafer_outside outside = io_outside(l->io);
    uint64_t now = wafer_cycle(l->wafer);
    return l->cut ? now : outside.next(outside.self, now);
}

/* A quiet wafer's clock goes on to the end: what the host gives it next must not lie in the others'
 * past. */
static int run_to(void *self, uint64_t end, struct err *e)
{
    struct linked_wafer *l = self;
    struct err stop = {0};
    uint64_t now = wafer_cycle(l->wafer);
    l->cut = false;
    if (now >= end)
        return 0;
    if (wafer_run_quiet(l->wafer, end - now, &stop) == 0) {
        wafer_wait(l->wafer, end);
        return 0;
    }
    if (stop.kind != ERR_LIMIT)
        return err_set(e, stop.kind, "%s", stop.text);
    l->cut = true;
    return 0;
}

struct wafer_member linked_wafer_member(struct linked_wafer *l)
{
    return (struct wafer_member){.self = l, .next = next_of, .run = run_to};
}
