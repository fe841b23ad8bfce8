/* SPDX-License-Identifier: Apache-2.0 */
/* fast_engine.c - the two things a stream engine does most, without the general visit of engine.c:
 * a single thread that sends, and a single thread that takes words as they arrive.
 *
 * The second one needs no queue: an arriving word would be taken in the same cycle. That holds
 * while nothing else on the engine is busy, the queue is empty and, for a thread that sends on,
 * there is room at the ramp. Then the tile is "direct" on that colour. */
#include "fabric/fast.h"

#include "hal/numerics.h"

#include <string.h>

static uint32_t operand(const struct wafer *w, const struct tile *t, uint32_t offset)
{
    uint32_t word;
    if (offset < TILE_CODE_BYTES)
        return tile_word(w, t, offset);
    memcpy(&word, t->sram + offset, sizeof word);
    return word;
}

/* Bookkeeping of a beat that engine.c's beat() does too. */
static void count_beat(struct wafer *w, struct engine *g, unsigned k)
{
    struct thread *th = &g->thread[k];
    if (--th->left == 0)
        th->ready_at = w->cycle + 1;
    g->turn = (uint8_t)((k + 1) % TILE_THREADS);
    w->stats.stream_beats++;
}

/* ---- words that arrive ---- */

/* The word is taken in this cycle: false if the thread must wait after all. */
static bool take_directly(struct wafer *w, uint32_t tile, struct tile *t, uint32_t data)
{
    struct engine *g = &t->engine;
    unsigned k = (unsigned)__builtin_ctz(g->busy);
    struct thread *th = &g->thread[k];
    const struct stream_desc *d = &th->d;
    if (th->use == 3 && fast_lane(w, tile, d->dst)->held[PORT_RAMP] >= w->ramp_room)
        return false;
    uint32_t at = 4 * th->done++, a = 0;
    if (d->op != STREAM_RECV && d->op != STREAM_FORWARD)
        a = operand(w, t, d->src0 + at);
    uint32_t word = numerics_word(d->op, data, a);
    if (th->use == 3) {
        struct wavelet v = {.data = word,
                            .colour = (uint8_t)d->dst,
                            .control = d->flags & STREAM_CONTROL && th->left == 1};
        g->ramp_used = w->cycle + 2;
        w->stats.wavelets_sent++;
        fast_issue(w, tile, v, w->cycle + 1);
    } else {
        memcpy(t->sram + d->dst + at, &word, sizeof word);
    }
    count_beat(w, g, k);
    if (!th->left) {
        t->direct = NO_DIRECT;
        wafer_call(w, tile, w->cycle + 1);
    }
    return true;
}

void fast_deliver(struct wafer *w, uint32_t key, uint32_t data)
{
    uint32_t tile = key >> 8;
    unsigned colour = key >> 3 & 31u;
    struct tile *t = &w->tile[tile];
    struct lane *l = fast_lane(w, tile, colour);
    if (t->direct == colour) {
        if (take_directly(w, tile, t, data)) {
            w->stats.wavelets_received++;
            w->consumed++;
            fast_taken(w, tile, colour);
            return;
        }
        t->direct = NO_DIRECT;
    }
    if (l->sink != SINK_QUEUE)
        l->down--;
    ramp_arrive(w, tile,
                (struct wavelet){.data = data, .colour = (uint8_t)colour, .control = key & 1});
}

/* ---- visits ---- */

/* The only busy thread, if it is in the middle of its words; or NO_THREAD. */
static unsigned lone_thread(const struct wafer *w, const struct tile *t)
{
    const struct engine *g = &t->engine;
    if (!g->busy || g->busy & (g->busy - 1))
        return NO_THREAD;
    unsigned k = (unsigned)__builtin_ctz(g->busy);
    const struct thread *th = &g->thread[k];
    return th->begun && th->left && th->ready_at <= w->cycle && t->timer_at > w->cycle ? k
                                                                                       : NO_THREAD;
}

static bool send_directly(struct wafer *w, uint32_t tile, struct tile *t, unsigned k)
{
    struct engine *g = &t->engine;
    struct thread *th = &g->thread[k];
    const struct stream_desc *d = &th->d;
    if (th->use != 2 || g->ramp_used > w->cycle || w->stress_seed ||
        fast_lane(w, tile, d->dst)->held[PORT_RAMP] >= w->ramp_room)
        return false;
    struct wavelet v = {.data = operand(w, t, d->src0 + 4 * th->done++),
                        .colour = (uint8_t)d->dst,
                        .control = d->flags & STREAM_CONTROL && th->left == 1};
    g->ramp_used = w->cycle + 1;
    w->stats.wavelets_sent++;
    fast_issue(w, tile, v, w->cycle);
    count_beat(w, g, k);
    return true;
}

void fast_engine_visit(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    unsigned k = lone_thread(w, t);
    t->direct = NO_DIRECT;
    if (k != NO_THREAD && send_directly(w, tile, t, k))
        return;
    engine_visit(w, tile);
    k = lone_thread(w, t);
    if (k == NO_THREAD || !(t->engine.thread[k].use & 1) || w->stress_seed || w->test_no_skip)
        return;
    unsigned colour = t->engine.thread[k].d.src1;
    if (t->queue_of[colour] != NO_QUEUE && !t->queue[t->queue_of[colour]].count) {
        t->direct = (uint8_t)colour;
        set_remove(&w->engines, tile);
        if (t->timer_at != NEVER)
            wafer_call(w, tile, t->timer_at);
    }
}
