/* SPDX-License-Identifier: Apache-2.0 */
/* engine.c - the stream engine of a tile: eight threads, one beat per cycle. The rules are in
 * hal/stream.h, the meaning of words in hal/numerics.h.
 *
 * Times: started in cycle t, first possible beat in t + setup. A beat of SEND in cycle c issues in
 * c; a beat that combines issues its result in c + 1. The ramp takes one word a cycle, so a SEND
 * waits if a combined word is issued in its cycle. A descriptor whose last beat was in c is
 * finished in c + 1: event, and start of `next`.
 *
 * The engine is visited only while it beats or may beat. A memory operation that has the engine to
 * itself is left alone until its last beat, or until something else could want a beat. */
#include "fabric/ahead.h"
#include "fabric/fast.h"
#include "fabric/products.h"

#include "hal/numerics.h"

#include <string.h>

enum { FETCH_LINE = 64, FETCH_BYTES = 4096 };

static unsigned priority_of(const struct thread *th)
{
    return th->d.thread >> 4 & 3u;
}

/* ---- start and finish ---- */

static const char *error_text(enum stream_error error)
{
    switch (error) {
    case STREAM_OK:
        break;
    case STREAM_BAD_OP:
        return "BAD_OP";
    case STREAM_BAD_COLOUR:
        return "BAD_COLOUR";
    case STREAM_BAD_ALIGN:
        return "BAD_ALIGN";
    case STREAM_BAD_RANGE:
        return "BAD_RANGE";
    case STREAM_BAD_DEST:
        return "BAD_DEST";
    case STREAM_BAD_NEXT:
        return "BAD_NEXT";
    }
    return "OK";
}

/* The weights of a product, long before its last beat: they come from far. */
static void fetch_weights(const struct stream_desc *d, const uint8_t *sram)
{
    uint32_t rows = d->op < STREAM_AXPY_F32 ? d->count : d->cols;
    uint32_t bytes = rows * d->row_bytes < FETCH_BYTES ? rows * d->row_bytes : FETCH_BYTES;
    for (uint32_t at = 0; at < bytes; at += FETCH_LINE)
        __builtin_prefetch(sram + d->src0 + at);
}

static void start_on(struct wafer *w, uint32_t tile, unsigned k, uint32_t offset)
{
    struct tile *t = &w->tile[tile];
    struct engine *g = &t->engine;
    struct thread *th = &g->thread[k];
    if (w->fast)
        trains_stop_tile(w, tile);
    fast_settle(t);
    memset(th, 0, sizeof *th);
    memcpy(&th->d, t->sram + offset, sizeof th->d);
    enum stream_error error = stream_check(&th->d);
    if (error && !(error == STREAM_BAD_DEST && t->code == CODE_OPEN)) {
        fault_hardware(w, tile, FAULT_STREAM, "descriptor at 0x%x, op %u: %s", offset, th->d.op,
                       error_text(error));
        return;
    }
    th->offset = (uint16_t)offset;
    th->use = (uint8_t)stream_fabric_use(th->d.op);
    th->left = stream_beats(&th->d, &w->lanes);
    th->started = w->cycle;
    th->ready_at = w->cycle + w->setup;
    g->busy |= (uint8_t)(1u << k);
    if (th->d.op >= STREAM_DOT_F32)
        fetch_weights(&th->d, t->sram);
    wafer_call(w, tile, th->ready_at);
}

void engine_start(struct wafer *w, uint32_t tile, uint32_t offset)
{
    struct tile *t = &w->tile[tile];
    if (offset & 3 || offset < TILE_CODE_BYTES ||
        offset > TILE_SRAM_BYTES - sizeof(struct stream_desc)) {
        fault_hardware(w, tile, FAULT_STREAM, "no descriptor can be at 0x%x", offset);
        return;
    }
    unsigned k = t->sram[offset + offsetof(struct stream_desc, thread)] & 7u;
    if (t->engine.busy >> k & 1) {
        fault_hardware(w, tile, FAULT_THREAD_BUSY, "thread %u, descriptor at 0x%x", k, offset);
        return;
    }
    t->beside.run = 0;
    start_on(w, tile, k, offset);
}

static void call_hook(struct wafer *w, uint32_t tile, unsigned k, enum stream_moment what)
{
    if (w->stream_hook)
        w->stream_hook(w->stream_self, wafer_x(w, tile), wafer_y(w, tile),
                       w->tile[tile].engine.thread[k].offset, what, w->cycle);
}

static void finish(struct wafer *w, uint32_t tile, unsigned k)
{
    struct engine *g = &w->tile[tile].engine;
    struct stream_desc d = g->thread[k].d;
    call_hook(w, tile, k, STREAM_FINISHED);
    if (w->log)
        log_add(w, tile, &g->thread[k]);
    g->busy &= (uint8_t) ~(1u << k);
    if (!d.next || !beside_is_known(&w->tile[tile]))
        w->tile[tile].beside.run = 0;
    if (d.event != TILE_EVENT_NONE)
        tile_post(w, tile, d.event);
    if (d.next)
        start_on(w, tile, k, d.next);
    if (!g->busy)
        g->turn = 0;
}

static void finish_all(struct wafer *w, uint32_t tile)
{
    struct engine *g = &w->tile[tile].engine;
    for (unsigned rest = g->busy; rest; rest &= rest - 1) {
        unsigned k = (unsigned)__builtin_ctz(rest);
        if (g->thread[k].left == 0 && g->thread[k].ready_at <= w->cycle)
            finish(w, tile, k);
    }
}

/* ---- one beat ---- */

enum engine_wait engine_waits(const struct wafer *w, uint32_t tile, unsigned k)
{
    const struct tile *t = &w->tile[tile];
    const struct engine *g = &t->engine;
    const struct thread *th = &g->thread[k];
    if (w->cycle < th->ready_at)
        return WAIT_SETUP;
    if (th->use & 1) {
        unsigned q = t->queue_of[th->d.src1];
        if (q == NO_QUEUE || !t->queue[q].count)
            return WAIT_WAVELET;
    }
    if (th->use & 2) {
        if (!ramp_has_room_up(w, tile, th->d.dst))
            return WAIT_ROOM;
        if (th->use == 2 && g->ramp_used > w->cycle)
            return WAIT_RAMP;
        if (w->stress_seed && wafer_stalls(w, tile, STRESS_UP))
            return WAIT_STRESS;
    }
    return WAIT_NOTHING;
}

static void issue(struct wafer *w, uint32_t tile, const struct thread *th, uint32_t data)
{
    uint64_t at = w->cycle + (th->use & 1);
    struct wavelet v = {.data = data, .colour = (uint8_t)th->d.dst};
    v.control = th->d.flags & STREAM_CONTROL && th->left == 1;
    w->tile[tile].engine.ramp_used = at + 1;
    ramp_issue(w, tile, v, at);
}

static void beat_fabric(struct wafer *w, uint32_t tile, struct thread *th)
{
    struct tile *t = &w->tile[tile];
    const struct stream_desc *d = &th->d;
    uint32_t a = 0, b = 0, at = 4 * th->done++;
    if (d->op != STREAM_RECV && d->op != STREAM_FORWARD)
        a = tile_word(w, t, d->src0 + at);
    if (th->use & 1)
        b = ramp_take(w, tile, t->queue_of[d->src1]);
    uint32_t word = numerics_word(d->op, b, a);
    if (th->use & 2)
        issue(w, tile, th, word);
    else if (d->dst + at < TILE_CODE_BYTES)
        tile_put_code(w, tile, d->dst + at, &word, 1);
    else
        memcpy(t->sram + d->dst + at, &word, sizeof word);
}

uint32_t engine_lowest(const struct stream_desc *d)
{
    uint32_t low = TILE_SRAM_BYTES;
    if (!(stream_fabric_use(d->op) & 2))
        low = d->dst;
    if (d->op != STREAM_RECV && d->op != STREAM_FORWARD && d->src0 < low)
        low = d->src0;
    if (stream_reads_memory_b(d->op) && d->src1 < low)
        low = d->src1;
    if (d->op == STREAM_DOT_INT4 && d->scales < low)
        low = d->scales;
    return low;
}

/* An operand in the code region: numerics_execute wants all of SRAM in one piece. */
static void own_sources(struct wafer *w, uint32_t tile, const struct stream_desc *d)
{
    if (engine_lowest(d) < TILE_CODE_BYTES)
        tile_own_code(w, tile);
}

void engine_begin(struct wafer *w, uint32_t tile, unsigned k)
{
    struct thread *th = &w->tile[tile].engine.thread[k];
    if (th->begun)
        return;
    th->begun = true;
    call_hook(w, tile, k, STREAM_FIRST_BEAT);
}

static void beat(struct wafer *w, uint32_t tile, unsigned k)
{
    struct engine *g = &w->tile[tile].engine;
    struct thread *th = &g->thread[k];
    engine_begin(w, tile, k);
    if (th->use) {
        beat_fabric(w, tile, th);
    } else if (th->left == 1) {
        own_sources(w, tile, &th->d);
        (w->fast ? products_execute : numerics_execute)(&th->d, w->tile[tile].sram);
    }
    th->left--;
    if (!th->left)
        th->ready_at = w->cycle + 1;
    g->turn = (uint8_t)((k + 1) % TILE_THREADS);
    w->stats.stream_beats++;
}

/* ---- a visit ---- */

struct choice {
    unsigned thread; /* to beat, or NO_THREAD */
    unsigned ready;  /* how many could */
    bool retry;      /* somebody waits for nothing but the next cycle */
};

static struct choice choose(const struct wafer *w, uint32_t tile)
{
    const struct engine *g = &w->tile[tile].engine;
    struct choice c = {NO_THREAD, 0, false};
    unsigned turned = (g->busy >> g->turn | (unsigned)g->busy << (TILE_THREADS - g->turn)) & 0xffu;
    for (unsigned rest = turned; rest; rest &= rest - 1) {
        unsigned k = ((unsigned)__builtin_ctz(rest) + g->turn) % TILE_THREADS;
        if (!g->thread[k].left)
            continue;
        enum engine_wait wait = engine_waits(w, tile, k);
        c.retry |= wait == WAIT_RAMP || wait == WAIT_STRESS;
        if (wait != WAIT_NOTHING)
            continue;
        c.ready++;
        if (c.thread == NO_THREAD || priority_of(&g->thread[k]) > priority_of(&g->thread[c.thread]))
            c.thread = k;
    }
    return c;
}

/* Beats done unwatched, in the cycles before this one. */
static uint64_t beats_alone(const struct wafer *w, const struct engine *g)
{
    return g->alone != NO_THREAD ? w->cycle - g->alone_from : 0;
}

uint64_t engine_left(const struct wafer *w, const struct engine *g, unsigned k)
{
    return g->thread[k].left - (g->alone == k ? beats_alone(w, g) : 0);
}

static void settle_alone(struct wafer *w, struct engine *g)
{
    uint64_t beats = beats_alone(w, g);
    if (g->alone == NO_THREAD)
        return;
    g->thread[g->alone].left -= beats;
    w->stats.stream_beats += beats;
    g->alone = NO_THREAD;
}

/* Leave the set until the next thing that happens by time alone. */
static void sleep_until_due(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    struct engine *g = &t->engine;
    uint64_t at = t->timer_at;
    for (unsigned rest = g->busy; rest; rest &= rest - 1) {
        uint64_t ready = g->thread[__builtin_ctz(rest)].ready_at;
        if (ready > w->cycle && ready < at)
            at = ready;
    }
    if (g->alone != NO_THREAD) {
        uint64_t last = g->alone_from + g->thread[g->alone].left - 1;
        at = last < at ? last : at;
    }
    set_remove(&w->engines, tile);
    t->alarm = NEVER;
    if (at != NEVER)
        wafer_call(w, tile, at);
}

static void timer(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    if (t->timer_at > w->cycle)
        return;
    t->timer_at = NEVER;
    tile_post(w, tile, t->timer_event);
}

void engine_visit(struct wafer *w, uint32_t tile)
{
    struct engine *g = &w->tile[tile].engine;
    settle_alone(w, g);
    finish_all(w, tile);
    timer(w, tile);
    struct choice c = choose(w, tile);
    if (c.thread != NO_THREAD) {
        struct thread *th = &g->thread[c.thread];
        beat(w, tile, c.thread);
        if (c.ready > 1 || c.retry || th->use || th->left < 2 || w->test_no_skip)
            return;
        g->alone = (uint8_t)c.thread;
        g->alone_from = w->cycle + 1;
    } else if (c.retry) {
        return;
    }
    sleep_until_due(w, tile);
}
