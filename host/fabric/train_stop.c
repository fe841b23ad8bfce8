/* SPDX-License-Identifier: Apache-2.0 */
/* train_stop.c - from a train back to single words, which have the places they have by now. */
#include "fabric/crew.h"

#include "base/xalloc.h"
#include "hal/numerics.h"

/* ---- threads ---- */

static struct thread *lone_thread(struct tile *t)
{
    return &t->engine.thread[__builtin_ctz(t->engine.busy)];
}

/* Words the thread has moved by cycle `at`. */
static uint32_t moved_by(const struct wafer *w, uint32_t tile, int64_t at)
{
    const struct tile *t = &w->tile[tile];
    if (t->inlet)
        return train_taken(w, tile, at);
    const struct train *r = train_of(w, t->outlet);
    uint32_t words = train_words_by(r, at);
    return words > r->unsettled ? words - r->unsettled : 0;
}

static void leave_inlet(struct wafer *w, struct tile *t, uint32_t n)
{
    struct station *s = &train_of(w, t->inlet)->station[t->station];
    s->next += n;
    s->written = 0;
    t->inlet = 0;
    w->stats.wavelets_received += n;
    w->consumed += n;
}

static void leave_outlet(struct wafer *w, struct tile *t, uint32_t n)
{
    struct train *r = train_of(w, t->outlet);
    r->unsettled += n;
    t->outlet = 0;
    train_make(w, r, r->unsettled);
    w->stats.wavelets_sent += n;
    if (n)
        t->engine.ramp_used = train_time(r, r->unsettled - 1) + 1;
}

bool train_settle(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    unsigned k = (unsigned)__builtin_ctz(t->engine.busy);
    struct thread *th = &t->engine.thread[k];
    int64_t now = trains_beaten(w);
    uint32_t n = moved_by(w, tile, now), before = moved_by(w, tile, now - 1);
    bool inlet = t->inlet;
    if (inlet)
        train_write(w, tile, n);
    if (t->outlet)
        leave_outlet(w, t, n);
    if (inlet)
        leave_inlet(w, t, n);
    th->done += n;
    th->left -= n;
    if (n)
        t->engine.turn = (uint8_t)((k + 1) % TILE_THREADS);
    if (!th->left)
        th->ready_at = (uint64_t)(now + (n != before));
    w->stats.stream_beats += n;
    return n != before;
}

/* ---- the trains that stop ---- */

static void add_to_group(struct wafer *w, uint32_t number)
{
    struct trains *s = &w->fast->trains;
    if (!number || train_of(w, number)->listed)
        return;
    if (s->grouped == s->group_size) {
        s->group_size = s->group_size ? 2 * s->group_size : 16;
        s->group = xrealloc(s->group, s->group_size, sizeof *s->group);
    }
    train_of(w, number)->listed = true;
    s->group[s->grouped++] = number;
}

/* What it feeds, through threads aboard; and what feeds it, if its thread has come to the end and
 * does not go on alone. */
static void add_neighbours(struct wafer *w, uint32_t number)
{
    const struct train *r = train_of(w, number);
    struct tile *t = &w->tile[r->tile];
    if (!r->edge && t->outlet == number && t->inlet &&
        train_taken(w, r->tile, trains_beaten(w)) == lone_thread(t)->left)
        add_to_group(w, t->inlet);
    for (uint32_t i = 0; i < r->stations; i++)
        if (w->tile[r->station[i].tile].inlet == number)
            add_to_group(w, w->tile[r->station[i].tile].outlet);
}

void train_leave_before(struct wafer *w, uint32_t tile)
{
    enum train_phase *phase = &w->fast->trains.phase;
    *phase = TRAINS_ARRIVING;
    (void)train_settle(w, tile);
    *phase = TRAINS_BEATING;
}

void train_load_word(struct wafer *w, uint32_t tile, struct input_queue *q)
{
    struct tile *t = &w->tile[tile];
    unsigned k = (unsigned)__builtin_ctz(t->engine.busy);
    struct thread *th = &t->engine.thread[k];
    struct train *r = train_of(w, t->outlet);
    uint32_t came = ramp_take(w, tile, (unsigned)(q - t->queue)), a = 0;
    if (th->d.op != STREAM_FORWARD)
        a = tile_word(w, t, th->d.src0 + 4 * th->done);
    r->word[r->made++] = numerics_word(th->d.op, came, a);
    r->unsettled++;
    th->done++;
    t->engine.turn = (uint8_t)((k + 1) % TILE_THREADS);
    t->engine.ramp_used = w->cycle + 2;
    w->stats.wavelets_sent++;
    w->stats.stream_beats++;
    if (--th->left)
        return;
    th->ready_at = w->cycle + 1;
    t->loads = false;
    t->outlet = 0;
}

/* A thread that loads does so in this cycle too, if its visit is still to come. */
static void unload_thread(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    unsigned queue = t->queue_of[lone_thread(t)->d.src1];
    if (w->fast->trains.phase == TRAINS_BEATING && t->beaten != w->cycle) {
        t->beaten = w->cycle;
        if (queue != NO_QUEUE && t->queue[queue].count)
            train_load_word(w, tile, &t->queue[queue]);
    }
    t->loads = false;
    t->outlet = 0;
}

/* If it did a beat it is visited in the next cycle; else a word will wake it, or the visit for what
 * happens now is still to come. */
static void disembark(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    uint64_t now = (uint64_t)trains_beaten(w);
    bool ferry = t->ferry;
    t->ferry = false;
    if (t->loads) {
        unload_thread(w, tile);
    } else if (ferry) {
        t->inlet = 0; /* each of its beats was one by itself */
    } else if (t->head && t->head == t->inlet) {
        train_leave_before(w, tile);
    } else if (train_settle(w, tile)) {
        t->beaten = now;
        wafer_call(w, tile, now + 1);
    }
}

/* A thread whose outlet stops goes on to take what comes from its inlet. */
static void leave_source(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    uint32_t inlet = t->inlet;
    disembark(w, tile);
    if (inlet && lone_thread(t)->left) {
        t->inlet = inlet;
        t->ferry = true;
    }
}

static void disembark_all(struct wafer *w, uint32_t number)
{
    const struct train *r = train_of(w, number);
    if (!r->edge && w->tile[r->tile].outlet == number)
        leave_source(w, r->tile);
    for (uint32_t i = 0; i < r->stations; i++)
        if (w->tile[r->station[i].tile].inlet == number)
            disembark(w, r->station[i].tile);
}

/* ---- words ---- */

/* A word that came from another strip in this very cycle goes back into its queue. */
static void come_again(struct wafer *w, struct lane *l, uint32_t key)
{
    struct keys *freed = &w->fast->freed;
    uint32_t i = freed->count - 1;
    while (freed->key[i] != key)
        i--;
    freed->key[i] = freed->key[--freed->count];
    l->head[key & 7u]--;
}

/* Those between a router and the one before it. */
static void unload_rail(struct wafer *w, const struct train *r, const struct rail *l)
{
    uint64_t way = train_way(w, r, l->depth);
    int64_t issued = trains_beaten(w) - (int64_t)way;
    uint32_t passed = train_words_by(r, issued), key = fast_key(l->tile, r->colour, l->port);
    uint32_t before = l->depth ? train_words_by(r, issued + w->hop) : r->words;
    struct lane *lane = fast_lane(w, l->tile, r->colour);
    unsigned links = l->outputs & 15u;
    if (l->depth && passed > train_words_by(r, issued - 1)) /* the router before looks again */
        w->fast->stir |= w->fast->trains.phase != TRAINS_ARRIVING;
    for (uint32_t i = passed; i < before; i++) {
        if (r->border && !l->depth)
            come_again(w, lane, key);
        else
            fast_fill(w, lane, key, r->word[i]);
        keys_put(&fast_moment(w->fast, train_time(r, i) + way)->arrive, key);
    }
    w->stats.link_moves += (uint64_t)passed * (unsigned)__builtin_popcount(links);
    w->stats.wavelets_copied += (uint64_t)passed * fast_copies(l->outputs);
}

/* Those on the ramp, and those that came and found nobody. */
static void unload_station(struct wafer *w, const struct train *r, const struct station *s)
{
    uint64_t way = train_whole_way(w, r, s);
    int64_t issued = trains_beaten(w) - (int64_t)way;
    uint32_t came = train_words_by(r, issued), passed = train_words_by(r, issued + w->ramp);
    struct lane *lane = fast_lane(w, s->tile, r->colour);
    for (uint32_t i = s->next; i < passed; i++) {
        lane->down++;
        if (i < came)
            ramp_arrive(w, s->tile, (struct wavelet){.data = r->word[i], .colour = r->colour});
        else
            words_put(&fast_moment(w->fast, train_time(r, i) + way)->deliver,
                      fast_key(s->tile, r->colour, 0), r->word[i]);
    }
}

static void unload(struct wafer *w, struct train *r)
{
    r->words = train_issued(w, r);
    train_make(w, r, r->words);
    for (uint32_t i = 0; i < r->rails; i++)
        unload_rail(w, r, &r->rail[i]);
    for (uint32_t i = 0; i < r->stations; i++)
        unload_station(w, r, &r->station[i]);
    if (r->edge)
        w->fast->trains.enter_again = w->cycle + TRAIN_ENTER_AGAIN;
}

/* ---- stopping ---- */

static void forget_until(struct wafer *w)
{
    struct trains *s = &w->fast->trains;
    s->until = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct train *r = s->all[i];
        if (r->rolling && train_gone(w, r) + 1 > s->until)
            s->until = train_gone(w, r) + 1;
    }
}

void trains_stop(struct wafer *w, uint32_t number)
{
    struct trains *s = &w->fast->trains;
    s->grouped = 0;
    add_to_group(w, number);
    for (uint32_t i = 0; i < s->grouped; i++)
        add_neighbours(w, s->group[i]);
    for (uint32_t i = 0; i < s->grouped; i++)
        train_make(w, train_of(w, s->group[i]), train_issued(w, train_of(w, s->group[i])));
    for (uint32_t i = 0; i < s->grouped; i++)
        disembark_all(w, s->group[i]);
    for (uint32_t i = 0; i < s->grouped; i++)
        unload(w, train_of(w, s->group[i]));
    bool early = false;
    for (uint32_t i = 0; i < s->grouped; i++) {
        struct train *r = train_of(w, s->group[i]);
        early |= (int64_t)train_gone(w, r) > trains_beaten(w);
        r->listed = false;
        train_release(w, s->group[i]);
    }
    if (early)
        forget_until(w);
}

void trains_stop_lane(struct wafer *w, uint32_t tile, unsigned colour)
{
    uint32_t number = fast_lane(w, tile, colour)->train;
    if (number)
        trains_stop(crew_of(w, tile), number);
}

void trains_stop_tile(struct wafer *w, uint32_t tile)
{
    const struct tile *t = &w->tile[tile];
    if (t->inlet)
        trains_stop(crew_of(w, tile), t->inlet);
    if (t->outlet)
        trains_stop(crew_of(w, tile), t->outlet);
}

void trains_stop_all(const struct wafer *w)
{
    for (unsigned n = 0; w->fast && n < crew_strips(w); n++) {
        struct wafer *v = crew_strip(w, n);
        v->cycle = w->cycle;
        for (uint32_t i = 0; i < v->fast->trains.count; i++)
            if (v->fast->trains.all[i]->rolling)
                trains_stop(v, i + 1);
    }
    crew_count(w);
}

/* Beside one train a word may also wait for what the train does not use: the turn can be told
 * (train_turn). */
void trains_meet(struct wafer *w, uint32_t tile, unsigned colour, unsigned port)
{
    const struct lane *l = fast_lane(w, tile, colour);
    struct fast_router *r = &w->fast->router[tile];
    unsigned outputs = ROUTE_OUTPUTS(l->now);
    if (l->train)
        trains_stop(w, l->train);
    bool beside = outputs && !(outputs & r->outputs);
    bool may_wait = !(r->trains & (r->trains - 1)) && ROUTE_MODE_COUNT(l->mode) == 1;
    bool passes =
        !r->waiting && ROUTE_INPUTS(l->now) >> port & 1 && fast_has_room(w, tile, colour, outputs);
    if (!r->waiting)
        r->turned = (uint32_t)w->cycle;
    if (beside && (passes || may_wait))
        return;
    while (r->trains)
        trains_stop(w, fast_lane(w, tile, (unsigned)__builtin_ctz(r->trains))->train);
}
