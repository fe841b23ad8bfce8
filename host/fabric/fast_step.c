/* SPDX-License-Identifier: Apache-2.0 */
/* fast_step.c - one cycle of the fast fabric: words arrive, routers decide and move in one visit,
 * stream engines beat. All that every cycle does is in this file, so that it becomes one piece.
 *
 * An engine's own visit (engine.c) is for what is rare: starts, ends, timers, memory operations.
 * Beats of threads that move words are done here. A thread that has its engine to itself and waits
 * for words does not even need visits: an arriving word would be taken in the same cycle. That
 * holds while nothing else on the engine is busy, the queue is empty and, for a thread that sends
 * on, there is room at the ramp. Then the tile is "direct" on that colour. */
#include "fabric/crew.h"

#include "hal/numerics.h"

#include <string.h>

static inline unsigned opposite(unsigned port)
{
    return (port + 2) & 3;
}

/* ---- words on their way ---- */

static inline void arrive(struct wafer *w, uint32_t key)
{
    uint32_t tile = key >> 8;
    unsigned colour = key >> 3 & 31u, port = key & 7u;
    struct lane *l = fast_lane(w, tile, colour);
    if (!(l->takes >> port & 1))
        fault_hardware(w, tile, FAULT_ROUTE, "colour %u from %s", colour, fault_port_name(port));
    if (port < PORT_RAMP && fast_is_border(w->fast, tile, port) && trains_come(w, key))
        return;
    if (w->fast->router[tile].trains)
        trains_meet(w, tile, colour, port);
    l->count[port]++;
    l->ports |= (uint8_t)(1u << port);
    w->fast->router[tile].waiting |= 1u << colour;
    set_add(&w->routers, tile);
}

static inline uint64_t word_of(struct wavelet v)
{
    return (uint64_t)v.control << 32 | v.data;
}

void fast_enter(struct wafer *w, uint32_t tile, unsigned port, struct wavelet in)
{
    struct wafer *v = crew_of(w, tile);
    struct lane *l = fast_lane(w, tile, in.colour);
    if (!(l->takes >> port & 1)) /* told now, not after the cycle */
        fault_hardware(w, tile, FAULT_ROUTE, "colour %u from %s", in.colour, fault_port_name(port));
    if (trains_enter(v, tile, port, in))
        return;
    fast_fill(v, l, fast_key(tile, in.colour, port), word_of(in));
    arrive(v, fast_key(tile, in.colour, port));
}

/* A word of no train behind those of one: they get their places first. */
static inline void issue(struct wafer *w, uint32_t tile, unsigned colour, uint64_t word)
{
    struct lane *l = fast_lane(w, tile, colour);
    if (l->train)
        trains_stop(w, l->train);
    fast_fill(w, l, fast_key(tile, colour, PORT_RAMP), word);
}

void fast_issue(struct wafer *w, uint32_t tile, struct wavelet v, uint64_t at)
{
    issue(w, tile, v.colour, word_of(v));
    keys_put(&fast_moment(w->fast, at + w->ramp)->arrive, fast_key(tile, v.colour, PORT_RAMP));
}

/* Room down the ramp: the router waits for it only if there was none. */
static inline void taken(struct wafer *w, uint32_t tile, struct lane *l)
{
    bool full = l->down >= w->queue_room || l->sink != SINK_QUEUE;
    l->down--;
    if (full && w->fast->router[tile].waiting)
        set_add(&w->routers, tile);
    w->fast->stir = true;
}

void fast_taken(struct wafer *w, uint32_t tile, unsigned colour)
{
    taken(w, tile, fast_lane(w, tile, colour));
}

/* ---- routers: room ---- */

static inline bool ramp_takes(const struct wafer *w, uint32_t tile, const struct lane *l,
                              unsigned colour)
{
    if (l->sink == SINK_QUEUE)
        return l->down < w->queue_room;
    return l->sink == SINK_NONE || foreign_has_room(w, tile, colour);
}

static inline bool has_room(const struct wafer *w, uint32_t tile, const struct lane *l,
                            unsigned colour, unsigned outputs)
{
    unsigned links = outputs & 15u & ~(unsigned)w->fast->router[tile].rim;
    for (unsigned rest = links; rest; rest &= rest - 1) {
        unsigned port = (unsigned)__builtin_ctz(rest);
        if (l[w->fast->step[port]].held[opposite(port)] >= w->link_room)
            return false;
    }
    return !(outputs & AT_RAMP) || ramp_takes(w, tile, l, colour);
}

bool fast_has_room(const struct wafer *w, uint32_t tile, unsigned colour, unsigned outputs)
{
    return has_room(w, tile, fast_lane(w, tile, colour), colour, outputs);
}

static bool stalls(const struct wafer *w, uint32_t tile, unsigned outputs)
{
    for (unsigned rest = outputs; rest; rest &= rest - 1)
        if (wafer_stalls(w, tile, (unsigned)__builtin_ctz(rest)))
            return true;
    return false;
}

/* ---- routers: moving ---- */

static inline void send(struct wafer *w, uint32_t tile, struct lane *l, unsigned colour,
                        unsigned outputs, uint64_t word)
{
    struct fast *f = w->fast;
    unsigned control = (unsigned)(word >> 32), rim = f->router[tile].rim;
    for (unsigned rest = outputs & 15u; rest; rest &= rest - 1) {
        unsigned port = (unsigned)__builtin_ctz(rest), in = opposite(port);
        if (rim >> port & 1) {
            parcels_put(f->leave, (struct parcel){.tile = tile,
                                                  .data = (uint32_t)word,
                                                  .place = (uint8_t)(PLACE_LEAVE + port),
                                                  .colour = (uint8_t)colour,
                                                  .control = control});
            continue;
        }
        uint32_t next = tile + (uint32_t)f->step[port];
        uint32_t key = fast_key(next, colour, in);
        fast_fill(w, l + f->step[port], key, word);
        w->stats.link_moves++;
        keys_put(fast_owns(f, next) ? f->over : &f->letters, key);
    }
    if (outputs & AT_RAMP) {
        l->down++;
        words_put(f->down, fast_key(tile, colour, control), (uint32_t)word);
    }
}

/* The queue at a link got shorter. Lower routers were visited already. Who feeds it waits for room
 * only if there was none. */
static inline void give_back(struct wafer *w, uint32_t tile, struct lane *l, unsigned colour,
                             unsigned port)
{
    struct fast *f = w->fast;
    if (port == PORT_RAMP) {
        if (l->held[port]-- >= w->ramp_room)
            set_add(&w->engines, tile);
    } else if (f->router[tile].rim >> port & 1) {
        l->held[port]--;
    } else if (f->step[port] < 0 && fast_owns(f, tile + (uint32_t)f->step[port])) {
        uint32_t before = tile + (uint32_t)f->step[port];
        f->stir = true;
        if (l->held[port]-- >= w->link_room && f->router[before].waiting)
            set_add(&w->routers, before);
    } else {
        keys_put(&f->freed, fast_key(tile, colour, port)); /* free_all */
    }
}

static inline uint64_t pop(struct wafer *w, uint32_t tile, struct lane *l, unsigned colour,
                           unsigned port)
{
    struct fast *f = w->fast;
    uint64_t word = *fast_slot(w, tile, colour, port, l->head[port]++);
    if (--l->count[port] == 0) {
        l->ports &= (uint8_t) ~(1u << port);
        if (!l->ports)
            f->router[tile].waiting &= ~(1u << colour);
    }
    give_back(w, tile, l, colour, port);
    return word;
}

static void turn_switch(struct lane *l)
{
    unsigned next = l->position + 1u;
    if (next < ROUTE_MODE_COUNT(l->mode))
        l->position = (uint8_t)next;
    else if (l->mode & ROUTE_MODE_RING)
        l->position = 0;
    l->now = l->route[l->position];
}

static void collision(struct wafer *w, uint32_t tile, unsigned colour, unsigned present)
{
    unsigned a = (unsigned)__builtin_ctz(present),
             b = (unsigned)__builtin_ctz(present & (present - 1));
    fault_hardware(w, tile, FAULT_COLLISION, "colour %u from %s and %s", colour, fault_port_name(a),
                   fault_port_name(b));
}

/* What a visit to a router found out so far. */
struct visit {
    unsigned used; /* outputs given away in this cycle */
    bool moved, retry;
};

static inline void visit_lane(struct wafer *w, uint32_t tile, unsigned colour, struct visit *v)
{
    struct lane *l = fast_lane(w, tile, colour);
    unsigned present = l->ports & ROUTE_INPUTS(l->now), outputs = ROUTE_OUTPUTS(l->now);
    if (!present || !outputs)
        return;
    if (present & (present - 1)) {
        collision(w, tile, colour, present);
        return;
    }
    /* if an output was given away, something moved, and that alone keeps the router awake */
    if (outputs & v->used || !has_room(w, tile, l, colour, outputs))
        return;
    if (w->stress_seed && stalls(w, tile, outputs)) {
        v->retry = true;
        return;
    }
    v->used |= outputs;
    if (!v->moved)
        w->fast->router[tile].turn = (uint8_t)(colour + 1 < TILE_COLOURS ? colour + 1 : 0);
    v->moved = true;
    uint64_t word = pop(w, tile, l, colour, (unsigned)__builtin_ctz(present));
    send(w, tile, l, colour, outputs, word);
    if (outputs & (outputs - 1))
        w->stats.wavelets_copied += fast_copies(outputs);
    if (word >> 32)
        turn_switch(l);
}

static inline void visit_router(struct wafer *w, uint32_t tile)
{
    struct fast_router *r = &w->fast->router[tile];
    bool beside = r->trains && !(r->trains & (r->trains - 1));
    if (beside)
        train_turn(w, tile, w->cycle);
    unsigned turn = r->turn;
    uint32_t all = r->waiting, first = all >> turn << turn;
    struct visit v = {0, false, false};
    for (uint32_t rest = first ? first : all, later = all ^ rest; rest;) {
        visit_lane(w, tile, (unsigned)__builtin_ctz(rest), &v);
        rest &= rest - 1;
        if (!rest) {
            rest = later;
            later = 0;
        }
    }
    if (beside)
        train_turn_now(w, tile, turn, v.moved);
    if (v.moved)
        r->moved = (uint32_t)w->cycle + 1;
    if (!r->waiting)
        r->turn = 0;
    if (!r->waiting || (!v.moved && !v.retry))
        set_remove(&w->routers, tile);
}

/* A router above that moved its last wavelet in this cycle sleeps; any other looks again, or would
 * if it had waited for room. */
void fast_free(struct wafer *w, uint32_t key)
{
    const struct fast *f = w->fast;
    uint32_t tile = key >> 8, before;
    unsigned port = key & 7u;
    bool full = fast_lane(w, tile, key >> 3 & 31u)->held[port]-- >= w->link_room;
    before = tile + (uint32_t)f->step[port];
    if (full && f->router[before].waiting)
        set_add(&w->routers, before);
    else if (before < tile || f->router[before].moved != (uint32_t)w->cycle + 1)
        w->fast->stir = true;
}

static void free_all(struct wafer *w)
{
    struct fast *f = w->fast;
    for (uint32_t i = 0; i < f->freed.count; i++) {
        uint32_t key = f->freed.key[i];
        if (fast_owns(f, (key >> 8) + (uint32_t)f->step[key & 7u]))
            fast_free(w, key);
        else
            keys_put(&f->freed_letters, key);
    }
    f->freed.count = 0;
}

/* ---- engines: beats ---- */

static inline uint32_t operand(const struct wafer *w, const struct tile *t, uint32_t offset)
{
    uint32_t word;
    if (offset < TILE_CODE_BYTES)
        return tile_word(w, t, offset);
    memcpy(&word, t->sram + offset, sizeof word);
    return word;
}

/* A beat of a thread that moves words, given the word that came, if it takes one. */
static inline void beat(struct wafer *w, uint32_t tile, struct tile *t, unsigned k, uint32_t came)
{
    struct engine *g = &t->engine;
    struct thread *th = &g->thread[k];
    const struct stream_desc *d = &th->d;
    uint32_t at = 4 * th->done++, word = came, a;
    if (d->op != STREAM_RECV && d->op != STREAM_FORWARD) {
        a = operand(w, t, d->src0 + at);
        word = d->op == STREAM_SEND ? a : numerics_word(d->op, came, a);
    }
    if (th->use & 2) {
        unsigned later = th->use & 1;
        uint64_t control = d->flags & STREAM_CONTROL && th->left == 1;
        issue(w, tile, d->dst, control << 32 | word);
        keys_put(w->fast->up[later], fast_key(tile, d->dst, PORT_RAMP));
        g->ramp_used = w->cycle + later + 1;
        w->stats.wavelets_sent++;
    } else if (d->dst + at < TILE_CODE_BYTES) {
        tile_put_code(w, tile, d->dst + at, &word, 1);
    } else {
        memcpy(t->sram + d->dst + at, &word, sizeof word);
    }
    if (--th->left == 0)
        th->ready_at = w->cycle + 1;
    g->turn = (uint8_t)((k + 1) % TILE_THREADS);
    w->stats.stream_beats++;
}

void fast_beat(struct wafer *w, uint32_t tile, unsigned k, uint32_t came)
{
    beat(w, tile, &w->tile[tile], k, came);
}

static inline bool up_has_room(const struct wafer *w, uint32_t tile, const struct thread *th)
{
    return fast_lane(w, tile, th->d.dst)->held[PORT_RAMP] < w->ramp_room;
}

/* RECV: all that changes is in the first line of the tile, until fast_settle. */
static inline void receive(struct wafer *w, uint32_t tile, struct tile *t, uint32_t data)
{
    uint32_t at = t->direct_at + 4u * t->direct_came++;
    if (at < TILE_CODE_BYTES)
        tile_put_code(w, tile, at, &data, 1);
    else
        memcpy(t->sram + at, &data, sizeof data);
    w->stats.stream_beats++;
    if (t->direct_came != t->direct_words)
        return;
    unsigned k = (unsigned)__builtin_ctz(t->engine.busy);
    fast_settle(t);
    t->engine.thread[k].ready_at = w->cycle + 1;
    wafer_call(w, tile, w->cycle + 1);
}

/* Any other operation that takes words; false if it must wait after all. */
static inline bool combine(struct wafer *w, uint32_t tile, struct tile *t, uint32_t data)
{
    unsigned k = (unsigned)__builtin_ctz(t->engine.busy);
    struct thread *th = &t->engine.thread[k];
    if (th->use == 3 && !up_has_room(w, tile, th))
        return false;
    beat(w, tile, t, k, data);
    if (!th->left) {
        t->direct = NO_DIRECT;
        wafer_call(w, tile, w->cycle + 1);
    }
    return true;
}

static inline bool take_directly(struct wafer *w, uint32_t tile, struct tile *t, uint32_t data)
{
    if (!t->direct_words)
        return combine(w, tile, t, data);
    receive(w, tile, t, data);
    return true;
}

static inline void deliver(struct wafer *w, uint32_t key, uint32_t data)
{
    uint32_t tile = key >> 8;
    unsigned colour = key >> 3 & 31u;
    struct tile *t = &w->tile[tile];
    struct lane *l = fast_lane(w, tile, colour);
    if (t->direct == colour && take_directly(w, tile, t, data)) {
        w->stats.wavelets_received++;
        w->consumed++;
        taken(w, tile, l);
        return;
    }
    if (t->direct == colour)
        fast_settle(t);
    if (l->sink != SINK_QUEUE)
        l->down--;
    ramp_arrive(w, tile,
                (struct wavelet){.data = data, .colour = (uint8_t)colour, .control = key & 1});
}

/* ---- engines: visits ---- */

/* Whether each busy thread is in the middle of moving words, and no time has come. */
static inline bool only_words(const struct wafer *w, const struct tile *t)
{
    const struct engine *g = &t->engine;
    if (t->timer_at <= w->cycle || w->stress_seed)
        return false;
    for (unsigned rest = g->busy; rest; rest &= rest - 1) {
        const struct thread *th = &g->thread[__builtin_ctz(rest)];
        if (!th->use || !th->left || !th->begun || th->ready_at > w->cycle)
            return false;
    }
    return g->busy;
}

/* Can it beat? `retry`: it can in the next cycle, whatever happens. */
static inline bool can_beat(const struct wafer *w, uint32_t tile, const struct tile *t,
                            const struct thread *th, bool *retry)
{
    if (th->use & 1) {
        unsigned q = t->queue_of[th->d.src1];
        if (q == NO_QUEUE || !t->queue[q].count)
            return false;
    }
    if (!(th->use & 2))
        return true;
    if (!up_has_room(w, tile, th))
        return false;
    if (th->use == 2 && t->engine.ramp_used > w->cycle) {
        *retry = true;
        return false;
    }
    return true;
}

static inline uint32_t take(struct wafer *w, uint32_t tile, struct tile *t, unsigned colour)
{
    struct input_queue *q = &t->queue[t->queue_of[colour]];
    uint32_t data = q->data[q->head];
    if (++q->head == w->queue_room)
        q->head = 0;
    q->count--;
    w->consumed++;
    taken(w, tile, fast_lane(w, tile, colour));
    return data;
}

/* One beat among threads that move words; false if none can and none will by time alone. */
static inline bool beat_words(struct wafer *w, uint32_t tile, struct tile *t)
{
    const struct engine *g = &t->engine;
    unsigned best = NO_THREAD, priority = 0;
    bool retry = false;
    unsigned turned = (g->busy >> g->turn | (unsigned)g->busy << (TILE_THREADS - g->turn)) & 0xffu;
    for (unsigned rest = turned; rest; rest &= rest - 1) {
        unsigned k = ((unsigned)__builtin_ctz(rest) + g->turn) % TILE_THREADS;
        const struct thread *th = &g->thread[k];
        if (!can_beat(w, tile, t, th, &retry))
            continue;
        if (best == NO_THREAD || th->d.thread >> 4 > priority) {
            best = k;
            priority = th->d.thread >> 4;
        }
    }
    if (best == NO_THREAD)
        return retry;
    const struct thread *th = &g->thread[best];
    beat(w, tile, t, best, th->use & 1 ? take(w, tile, t, th->d.src1) : 0);
    return true;
}

/* Let a thread that is alone take its words as they come. */
static inline void go_direct(struct wafer *w, uint32_t tile, struct tile *t)
{
    const struct engine *g = &t->engine;
    if (!g->busy || g->busy & (g->busy - 1))
        return;
    const struct thread *th = &g->thread[__builtin_ctz(g->busy)];
    unsigned queue = th->use & 1 ? t->queue_of[th->d.src1] : NO_QUEUE;
    if (queue == NO_QUEUE || t->queue[queue].count || w->test_no_skip || !only_words(w, t))
        return;
    t->direct = (uint8_t)th->d.src1;
    t->direct_came = 0;
    t->direct_at = (uint16_t)(th->d.dst + 4 * th->done);
    t->direct_words = th->d.op == STREAM_RECV ? (uint16_t)th->left : 0;
    set_remove(&w->engines, tile);
    if (t->timer_at != NEVER)
        wafer_call(w, tile, t->timer_at);
}

/* A thread that is alone and issues words may get aboard a train before its first one. */
static inline bool gets_aboard(struct wafer *w, uint32_t tile, const struct tile *t)
{
    const struct engine *g = &t->engine;
    if (!g->busy || g->busy & (g->busy - 1))
        return false;
    const struct thread *th = &g->thread[__builtin_ctz(g->busy)];
    if (th->begun || th->ready_at > w->cycle)
        return false;
    if (th->use == 2 && trains_depart(w, tile)) {
        set_remove(&w->engines, tile);
        return true;
    }
    return th->use == 3 && trains_load(w, tile);
}

static inline void visit_engine(struct wafer *w, uint32_t tile)
{
    struct tile *t = &w->tile[tile];
    if ((t->inlet | t->outlet | t->head || t->beaten == w->cycle) && trains_visit(w, tile))
        return;
    fast_settle(t);
    if (gets_aboard(w, tile, t))
        return;
    if (!only_words(w, t) || !beat_words(w, tile, t))
        engine_visit(w, tile);
    go_direct(w, tile, t);
}

/* ---- the cycle ---- */

void fast_let_leave(struct wafer *w, struct parcels *all)
{
    for (uint32_t i = 0; i < all->count; i++) {
        const struct parcel *p = &all->parcel[i];
        struct wavelet v = {.data = p->data, .colour = p->colour, .control = p->control};
        edge_leave(w, p->tile, p->place - (unsigned)PLACE_LEAVE, v);
    }
    all->count = 0;
}

/* The host's memory is slow where tiles are many, and what comes next is known here. */
enum { LOOK_AHEAD = 12 };

static inline void fetch_lane(const struct wafer *w, uint32_t key)
{
    __builtin_prefetch(fast_lane(w, key >> 8, key >> 3 & 31u), 1);
}

static inline void fetch_tile(const struct wafer *w, uint32_t key)
{
    fetch_lane(w, key);
    __builtin_prefetch(&w->tile[key >> 8], 1);
}

static void arrive_all(struct wafer *w, struct moment *m)
{
    for (uint32_t i = 0; i < m->arrive.count; i++) {
        if (i + LOOK_AHEAD < m->arrive.count)
            fetch_lane(w, m->arrive.key[i + LOOK_AHEAD]);
        arrive(w, m->arrive.key[i]);
    }
    m->arrive.count = 0;
    for (uint32_t i = 0; i < m->deliver.count; i++) {
        if (i + LOOK_AHEAD < m->deliver.count)
            fetch_tile(w, (uint32_t)(m->deliver.word[i + LOOK_AHEAD] >> 32));
        deliver(w, (uint32_t)(m->deliver.word[i] >> 32), (uint32_t)m->deliver.word[i]);
    }
    m->deliver.count = 0;
}

/* Each member once, in rising order; those a visit adds are for the next cycle. */
#define VISIT_ALL(w, s, visit)                                                                     \
    for (uint32_t up_ = 0; up_ < (s)->summaries; up_++)                                            \
        for (uint64_t words_ = (s)->summary[up_]; words_; words_ &= words_ - 1) {                  \
            uint32_t at_ = up_ * 64 + (uint32_t)__builtin_ctzll(words_);                           \
            for (uint64_t bits_ = (s)->word[at_]; bits_; bits_ &= bits_ - 1)                       \
                visit(w, at_ * 64 + (uint32_t)__builtin_ctzll(bits_));                             \
        }

static void begin(struct wafer *w)
{
    struct fast *f = w->fast;
    f->stir = false;
    f->over = &fast_moment(f, w->cycle + w->hop)->arrive;
    f->leave = &fast_moment(f, w->cycle + w->hop)->leave;
    f->down = &fast_moment(f, w->cycle + w->ramp)->deliver;
    f->up[0] = &fast_moment(f, w->cycle + w->ramp)->arrive;
    f->up[1] = &fast_moment(f, w->cycle + w->ramp + 1)->arrive;
}

void fast_work(struct wafer *w)
{
    struct moment *m = fast_moment(w->fast, w->cycle);
    enum train_phase *phase = &w->fast->trains.phase;
    begin(w);
    *phase = TRAINS_ARRIVING;
    if (w->fast->trains.leading)
        trains_look_across(w);
    arrive_all(w, m);
    if (w->fast->trains.leading)
        trains_cross(w);
    VISIT_ALL(w, &w->routers, visit_router)
    free_all(w);
    fast_ring_alarms(w, m);
    *phase = TRAINS_BEATING;
    if (m->heads.count)
        trains_tell(w, m);
    VISIT_ALL(w, &w->engines, visit_engine)
    if (m->ends.count)
        trains_end(w, m);
    if (w->foreign)
        foreign_visit(w);
    fast_run_cores(w, m);
    *phase = TRAINS_BETWEEN;
}

void fast_step(struct wafer *w)
{
    if (w->threads > 1 && !w->crew && !w->foreign && w->height > 1)
        crew_open(w);
    if (w->crew) {
        crew_step(w);
        return;
    }
    if (fast_moment(w->fast, w->cycle)->leave.count)
        fast_let_leave(w, &fast_moment(w->fast, w->cycle)->leave);
    w->edge_entered = false;
    if (w->outside.cycle)
        w->outside.cycle(w->outside.self, w, w->cycle);
    fast_work(w);
    w->cycle++;
}
