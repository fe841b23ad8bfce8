/* SPDX-License-Identifier: Apache-2.0 */
/* train_board.c - threads aboard: how they get there, and what their visits do. */
#include "fabric/fast.h"

/* ---- where words are issued ---- */

/* The train that takes what a tile issues from cycle `start` on, or 0. */
static uint32_t train_from(struct wafer *w, uint32_t tile, unsigned colour, uint64_t start)
{
    uint32_t number = fast_lane(w, tile, colour)->train;
    if (!number)
        return train_set_out(w, tile, colour, PORT_RAMP);
    const struct train *r = train_of(w, number);
    const struct span *last = &r->span[r->spans - 1];
    bool ours = !r->edge && r->tile == tile && train_has_span_left(r);
    return ours && last->start + last->count <= start ? number : 0;
}

/* Words the thread issues from now on. */
static struct span span_of(const struct thread *th, uint64_t start, uint32_t count)
{
    return (struct span){.start = start,
                         .count = count,
                         .src0 = (uint16_t)(th->d.src0 + 4 * th->done),
                         .op = th->d.op};
}

/* The thread is alone on its engine, can beat by its own time and has not begun. */
static bool may_board(const struct wafer *w, const struct tile *t)
{
    const struct thread *th = &t->engine.thread[__builtin_ctz(t->engine.busy)];
    return th->left >= TRAIN_WORDS_MIN && !(th->d.flags & STREAM_CONTROL) && t->timer_at == NEVER &&
           trains_allowed(w);
}

/* The thread issues all its words from cycle `start` on, one a cycle. */
static uint32_t board(struct wafer *w, uint32_t tile, uint64_t start, bool loaded)
{
    struct tile *t = &w->tile[tile];
    unsigned k = (unsigned)__builtin_ctz(t->engine.busy);
    const struct thread *th = &t->engine.thread[k];
    uint32_t number = train_from(w, tile, th->d.dst, start);
    if (!number)
        return 0;
    train_of(w, number)->unsettled = train_of(w, number)->words;
    struct span s = span_of(th, start, (uint32_t)th->left);
    s.loaded = loaded;
    train_add_span(w, number, s);
    t->outlet = number;
    return number;
}

bool trains_depart(struct wafer *w, uint32_t tile)
{
    const struct tile *t = &w->tile[tile];
    if (!may_board(w, t) || t->engine.ramp_used > w->cycle || !board(w, tile, w->cycle, false))
        return false;
    train_call_finish(w, tile);
    engine_begin(w, tile, (unsigned)__builtin_ctz(t->engine.busy));
    return true;
}

/* The queue a thread that loads takes its words from, or NULL if none is there. */
static struct input_queue *queue_to_load(struct tile *t)
{
    unsigned q = t->queue_of[t->engine.thread[__builtin_ctz(t->engine.busy)].d.src1];
    return q != NO_QUEUE && t->queue[q].count ? &t->queue[q] : NULL;
}

bool trains_load(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    if (!may_board(w, t))
        return false;
    const struct input_queue *q = queue_to_load(t);
    if (!q || q->count < w->ramp || q->count < w->hop) /* or cycles could pass without a move */
        return false;
    if (!board(w, tile, w->cycle + 1, true))
        return false;
    t->loads = true;
    engine_begin(w, tile, (unsigned)__builtin_ctz(t->engine.busy));
    return trains_visit(w, tile);
}

/* ---- at the stations ---- */

/* The words whose first comes to the station now. */
static const struct span *arriving(const struct wafer *w, const struct train *r,
                                   const struct station *s)
{
    uint64_t way = train_whole_way(w, r, s);
    for (uint32_t i = r->spans; i--;)
        if (r->span[i].start + way == w->cycle)
            return &r->span[i];
    return NULL;
}

/* A thread that combines issues as many of the coming words as it still can. */
static bool pass_on(struct wafer *w, uint32_t tile, const struct span *came)
{
    struct tile *t = &w->tile[tile];
    const struct thread *th = &t->engine.thread[__builtin_ctz(t->engine.busy)];
    uint32_t ahead = train_taken(w, tile, (int64_t)w->cycle - 1);
    uint32_t left = (uint32_t)th->left - ahead, n = came->count < left ? came->count : left;
    if (n < TRAIN_WORDS_MIN || train_of(w, t->inlet)->edge || th->d.flags & STREAM_CONTROL)
        return false;
    struct span s = span_of(th, w->cycle + 1, n);
    s.src0 = (uint16_t)(s.src0 + 4 * ahead);
    s.inlet = t->inlet;
    s.inlet_first = came->first;
    uint32_t number = t->outlet ? t->outlet : train_from(w, tile, th->d.dst, w->cycle + 1);
    if (!number || !train_has_span_left(train_of(w, number)))
        return false;
    if (!t->outlet)
        train_of(w, number)->unsettled = train_of(w, number)->words;
    t->outlet = number;
    train_add_span(w, number, s);
    return true;
}

/* Whether the thread of a tile waits for words of this colour and for nothing else. */
static bool waits_for(const struct wafer *w, const struct tile *t, unsigned colour)
{
    const struct engine *g = &t->engine;
    if (!g->busy || g->busy & (g->busy - 1) || t->timer_at != NEVER || t->outlet)
        return false;
    const struct thread *th = &g->thread[__builtin_ctz(g->busy)];
    unsigned queue = t->queue_of[colour];
    return th->use & 1 && th->d.src1 == colour && th->left && th->ready_at <= w->cycle &&
           queue != NO_QUEUE && !t->queue[queue].count;
}

/* The first word of a span has come to a station, `number` being its train. */
static void receive(struct wafer *w, uint32_t tile, uint32_t number)
{
    struct tile *t = &w->tile[tile];
    const struct train *r = train_of(w, number);
    if (!r->rolling || fast_lane(w, tile, r->colour)->train != number)
        return;
    const struct span *came = arriving(w, r, &r->station[t->station]);
    if (!came)
        return;
    bool aboard = t->inlet == number;
    if (!aboard && (t->inlet || !waits_for(w, t, r->colour))) {
        trains_stop(w, number);
        return;
    }
    fast_settle(t);
    t->inlet = number;
    unsigned k = (unsigned)__builtin_ctz(t->engine.busy);
    if (t->engine.thread[k].use & 2 && !t->ferry && !pass_on(w, tile, came)) {
        train_leave_before(w, tile);
        t->inlet = number;
        t->ferry = true;
    }
    if (!t->ferry)
        train_call_finish(w, tile);
    engine_begin(w, tile, k);
}

/* The thread has done its last beat in an earlier cycle. */
static bool is_finished(const struct wafer *w, uint32_t tile)
{
    const struct tile *t = &w->tile[tile];
    uint64_t left = t->engine.thread[__builtin_ctz(t->engine.busy)].left;
    int64_t before = (int64_t)w->cycle - 1;
    if (t->inlet)
        return train_taken(w, tile, before) == left;
    const struct train *r = train_of(w, t->outlet);
    return train_words_by(r, before) == r->unsettled + left;
}

/* Whether a station is told before the first word its next thread could want comes. */
static bool is_told(struct train *r, const struct station *s)
{
    if (s->next == r->words) {
        r->split = true;
        return true;
    }
    for (uint32_t i = r->spans; i--;)
        if (r->span[i].first == s->next)
            return true;
    return false;
}

/* Words behind the last one the thread wanted: nobody takes them at once. */
static void finish(struct wafer *w, uint32_t tile, uint32_t number)
{
    if (number &&
        !is_told(train_of(w, number), &train_of(w, number)->station[w->tile[tile].station]))
        trains_stop(w, number);
}

/* Without a word the train stops: more than was promised did not come. */
static bool load(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    struct input_queue *q = queue_to_load(t);
    t->beaten = w->cycle;
    if (q)
        train_load_word(w, tile, q);
    else
        trains_stop(w, t->outlet);
    return q;
}

/* The next word of a thread that issues one by one; without room, it has to wait in the queue. */
static bool trains_ferry(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    unsigned k = (unsigned)__builtin_ctz(t->engine.busy);
    uint32_t number = t->inlet;
    struct train *r = train_of(w, number);
    struct station *s = &r->station[t->station];
    if (!train_taken(w, tile, (int64_t)w->cycle))
        return true;
    if (!ramp_has_room_up(w, tile, t->engine.thread[k].d.dst)) {
        t->inlet = 0;
        t->ferry = false;
        trains_stop(w, number);
        return false;
    }
    train_make(w, r, s->next + 1);
    fast_beat(w, tile, k, r->word[s->next++]);
    w->stats.wavelets_received++;
    w->consumed++;
    if (t->engine.thread[k].left)
        return true;
    t->inlet = 0;
    t->ferry = false;
    finish(w, tile, number);
    return true;
}

bool trains_visit(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    uint32_t head = t->head;
    t->head = 0;
    if (t->loads && !head && t->beaten != w->cycle)
        return load(w, tile);
    if (!t->loads && (t->inlet || t->outlet) && is_finished(w, tile)) {
        uint32_t inlet = t->inlet;
        (void)train_settle(w, tile);
        finish(w, tile, inlet);
    }
    if (head)
        receive(w, tile, head);
    if (t->beaten == w->cycle)
        return true;
    if (!t->inlet && !t->outlet)
        return false;
    if (t->ferry)
        return trains_ferry(w, tile);
    if (t->loads)
        return load(w, tile);
    train_call_finish(w, tile);
    set_remove(&w->engines, tile);
    return true;
}
