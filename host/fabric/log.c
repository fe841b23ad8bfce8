/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - what each stream engine finished, kept beside the tiles. A tile's log belongs to the
 * thread that runs the tile, so recording needs no order between threads and cannot change a cycle.
 */
#include "fabric/inside.h"

#include "base/xalloc.h"

#include <assert.h>
#include <stdlib.h>

enum { LOG_STEP = 32 }; /* records a log grows by */

struct stream_log {
    struct stream_record *record;
    uint32_t count;
    uint64_t from; /* cycle in which recording began */
};

static int32_t since(const struct stream_log *l, uint64_t cycle)
{
    int64_t ago = (int64_t)(cycle - l->from);
    return ago < INT32_MIN ? INT32_MIN : (int32_t)ago;
}

void log_add(struct wafer *w, uint32_t tile, const struct thread *th)
{
    struct stream_log *l = &w->log[tile];
    const struct stream_desc *d = &th->d;
    if (l->count % LOG_STEP == 0)
        l->record = xrealloc(l->record, l->count + LOG_STEP, sizeof *l->record);
    l->record[l->count++] =
        (struct stream_record){.begin = since(l, th->started),
                               .end = since(l, w->cycle),
                               .desc = th->offset,
                               .count = d->count,
                               .op = d->op,
                               .from = th->use & 1 ? (uint8_t)d->src1 : NO_COLOUR,
                               .to = th->use & 2 ? (uint8_t)d->dst : NO_COLOUR,
                               .control = th->use & 2 && d->flags & STREAM_CONTROL};
}

void wafer_record_streams(struct wafer *w, bool on)
{
    for (uint32_t i = 0; w->log && i < w->tiles; i++)
        free(w->log[i].record);
    free(w->log);
    w->log = on ? xcalloc(w->tiles, sizeof *w->log) : NULL;
    for (uint32_t i = 0; on && i < w->tiles; i++)
        w->log[i].from = w->cycle;
}

const struct stream_record *wafer_stream_records(const struct wafer *w, uint32_t x, uint32_t y,
                                                 uint32_t *count)
{
    assert(w->log && x < w->width && y < w->height);
    const struct stream_log *l = &w->log[y * w->width + x];
    *count = l->count;
    return l->record;
}
