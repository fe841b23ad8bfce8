/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c - counters, and the proof that no wavelet was lost or doubled. */
#include "fabric/crew.h"

#include "base/xalloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGES_AT_ONCE = 1 << 16 };

static const uint8_t zero_page[HOST_PAGE];

/* Bytes of SRAM pages that are in host memory and not all zero. Only asks for pages, so that large
 * wafers stay small. */
static uint64_t sram_bytes(const struct wafer *w)
{
    size_t pages = (w->sram_bytes + HOST_PAGE - 1) / HOST_PAGE;
    unsigned char *here = xcalloc(PAGES_AT_ONCE, 1);
    uint64_t bytes = 0;
    for (size_t at = 0; at < pages; at += PAGES_AT_ONCE) {
        size_t n = pages - at < PAGES_AT_ONCE ? pages - at : PAGES_AT_ONCE;
        if (mincore(w->sram + at * HOST_PAGE, n * HOST_PAGE, here))
            break;
        for (size_t i = 0; i < n; i++)
            if (here[i] & 1 && memcmp(w->sram + (at + i) * HOST_PAGE, zero_page, HOST_PAGE) != 0)
                bytes += HOST_PAGE;
    }
    free(here);
    return bytes;
}

void wafer_stats(const struct wafer *w, struct wafer_stats *out)
{
    trains_stop_all(w);
    *out = w->stats;
    out->cycles = w->cycle;
    out->sram_written_bytes = sram_bytes(w);
    for (uint32_t i = 0; i < w->tiles; i++)
        out->stream_beats +=
            w->tile[i].engine.alone == NO_THREAD ? 0 : w->cycle - w->tile[i].engine.alone_from;
}

/* What is where, counted by looking. */
struct census {
    uint64_t queued, flying, held; /* in router queues, in the wheel, counted by upstream */
    uint64_t at_input;             /* in input queues */
};

static void count_router(const struct router *r, struct census *n)
{
    for (unsigned c = 0; c < TILE_COLOURS; c++) {
        for (unsigned p = 0; p < FABRIC_PORTS; p++) {
            n->queued += r->channel[c] ? r->channel[c]->count[p] : 0;
            n->held += r->held[p][c];
        }
    }
}

static void count_tile(const struct tile *t, struct census *n)
{
    for (unsigned c = 0; c < TILE_COLOURS; c++)
        n->held += t->on_ramp[c];
    for (unsigned q = 0; q < TILE_QUEUES; q++)
        n->at_input += t->queue[q].count;
}

/* Wavelets on their way out of the wafer, which nobody holds room for. */
static uint64_t leaving(const struct wafer *w)
{
    uint64_t n = 0;
    for (uint32_t b = 0; b <= w->wheel.mask; b++)
        for (uint32_t i = 0; i < w->wheel.bucket[b].count; i++)
            n += w->wheel.bucket[b].parcel[i].place >= PLACE_LEAVE;
    return n;
}

static void count_moments(const struct fast *f, struct census *n)
{
    for (uint32_t i = 0; i <= f->mask; i++) {
        const struct moment *m = &f->moment[i];
        n->flying += m->arrive.count + m->deliver.count + m->leave.count;
        n->held += m->leave.count;
    }
}

static void count_fast(const struct wafer *w, struct census *n)
{
    uint64_t down = 0;
    for (unsigned c = 0; c < TILE_COLOURS; c++) {
        for (uint32_t i = 0; i < w->tiles; i++) {
            const struct lane *l = fast_lane(w, i, c);
            down += l->down;
            for (unsigned p = 0; p < FABRIC_PORTS; p++) {
                n->queued += l->count[p];
                n->held += l->held[p];
            }
        }
    }
    for (unsigned s = 0; s < crew_strips(w); s++)
        count_moments(crew_strip(w, s)->fast, n);
    /* unlike held, down counts words in input queues too */
    n->held += down - n->at_input;
}

int wafer_check_conservation(const struct wafer *w, struct err *e)
{
    const struct wafer_stats *s = &w->stats;
    trains_stop_all(w);
    struct census n = {0, w->wheel.total, leaving(w), 0};
    for (uint32_t i = 0; i < w->tiles; i++) {
        if (!w->fast)
            count_router(&w->router[i], &n);
        count_tile(&w->tile[i], &n);
    }
    if (w->fast)
        count_fast(w, &n);
    uint64_t in = s->wavelets_entered + s->wavelets_sent + s->wavelets_copied;
    uint64_t out = s->wavelets_left + s->wavelets_received + n.queued + n.flying;
    if (in != out || n.held != n.queued + n.flying ||
        s->wavelets_received != w->consumed + n.at_input)
        return err_set(
            e, ERR_INTERNAL,
            "wavelets not conserved: %llu entered, sent or copied; %llu left, received "
            "or in flight (%llu counted as held); %llu received, %llu taken, %llu waiting",
            (unsigned long long)in, (unsigned long long)out, (unsigned long long)n.held,
            (unsigned long long)s->wavelets_received, (unsigned long long)w->consumed,
            (unsigned long long)n.at_input);
    return 0;
}
