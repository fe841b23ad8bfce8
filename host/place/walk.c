/* SPDX-License-Identifier: Apache-2.0 */
/* walk.c - tiles' steps, played against each other. */
#include "place/walk.h"
#include "place/game.h"
#include "place/kernel_cost.h"

#include "base/xalloc.h"

#include <assert.h>
#include <stdlib.h>

/* ---- one step ---- */

static struct walk_step *step_of(struct player *p)
{
    return &p->tile->step[p->at];
}

static uint32_t number(const struct game *g, const struct player *p)
{
    return (uint32_t)(p - g->players);
}

/* It waited for step `done` of a tile, or else for its own. */
static void finish(struct player *p, uint64_t end, uint32_t tile, uint32_t done)
{
    struct walk_step *s = step_of(p);
    s->end = p->ready = end;
    s->tile = tile;
    s->done = done;
    p->at++;
    p->waits = false;
}

static void finish_own(const struct game *g, struct player *p, uint64_t end)
{
    finish(p, end, number(g, p), p->at);
}

static void run_kernel(const struct game *g, struct player *p, const struct trace_step *s)
{
    uint32_t setup = p->at ? g->plan->machine->stream_setup_cycles : 0;
    bool follows = p->at && step_of(p)[-1].what.kind == TRACE_KERNEL;
    uint64_t queued = follows || p->core > p->ready - setup ? CYCLES_QUEUED : 0;
    p->core = (p->ready > p->core ? p->ready : p->core) + queued + s->compute + s->dispatch;
    finish_own(g, p, p->core);
}

static void run_beside(const struct game *g, struct player *p, const struct trace_step *s)
{
    uint32_t setup = g->plan->machine->stream_setup_cycles;
    uint64_t from = p->ready - (p->at ? setup : 0);
    p->core = (from > p->core ? from : p->core) + CYCLES_UNEXPECTED + s->compute + s->dispatch;
    finish_own(g, p, p->ready);
}

static void run_input(const struct game *g, struct player *p, const struct trace_step *s)
{
    const struct machine *k = g->plan->machine;
    uint64_t first = (uint64_t)(p->tile->at.x - g->strip->x0) * k->hop_cycles + k->ramp_cycles;
    first = first > p->ready ? first : p->ready;
    step_of(p)->hops = p->tile->at.x - g->strip->x0;
    finish_own(g, p, first + s->words + k->stream_setup_cycles + s->dispatch);
}

/* Takes a stream; where that came late, the step waited for who sent it. */
static void take_stream(const struct game *g, struct player *p, const struct stream *s,
                        uint32_t hops, uint32_t words)
{
    struct line_time t = {.ready = p->ready, .origin = 0};
    struct line_stream in = s->words;
    in.from = (struct line_time){.origin = 1};
    in.first += (uint64_t)hops * g->plan->machine->hop_cycles;
    in.last += (uint64_t)hops * g->plan->machine->hop_cycles;
    line_time_take(g->plan->machine, &t, &in, 0, words);
    if (t.origin) {
        step_of(p)->hops = hops;
        finish(p, t.ready, s->tile, s->done);
    } else {
        finish_own(g, p, t.ready);
    }
}

static struct stream send_stream(const struct game *g, struct player *p, uint32_t words)
{
    struct line_time t = {.ready = p->ready};
    struct stream s = {.tile = number(g, p), .done = p->at + 1};
    s.words = line_time_send(g->plan->machine, &t, words);
    finish_own(g, p, t.ready);
    return s;
}

static uint32_t distance(uint32_t a, uint32_t b)
{
    return a > b ? a - b : b - a;
}

/* ---- messages along a column ---- */

static struct wire *wire_of(struct game *g, const struct player *p, uint32_t wire)
{
    return &g->wires[(p->tile->at.x - g->strip->x0) * TRACE_WIRES + wire];
}

static bool run_send(struct game *g, struct player *p, const struct trace_step *s)
{
    struct wire *w = wire_of(g, p, s->line);
    w->sent = xrealloc(w->sent, w->count + 1, sizeof *w->sent);
    w->sender_row = p->tile->at.y;
    w->sent[w->count] = send_stream(g, p, s->words);
    w->count++;
    return true;
}

static bool run_take(struct game *g, struct player *p, const struct trace_step *s)
{
    const struct wire *w = wire_of(g, p, s->line);
    if (p->taken[s->line] == w->count)
        return false;
    take_stream(g, p, &w->sent[p->taken[s->line]++], distance(p->tile->at.y, w->sender_row),
                s->words);
    return true;
}

/* ---- lines ---- */

static bool is_low_root(const struct line *l, uint32_t index)
{
    return l->joint && index + 1 == l->root;
}

static void add_cast(struct line_walk *w, const struct stream *s)
{
    w->casts = xrealloc(w->casts, w->cast_count + 1, sizeof *w->casts);
    w->casts[w->cast_count++] = *s;
}

/* The root's part in a broadcast. */
static bool run_root(struct game *g, struct player *p, const struct trace_step *s,
                     struct line_walk *w)
{
    struct stream cast;
    if (s->kind == TRACE_MADE) {
        finish_own(g, p, p->ready);
        return true;
    }
    if (s->kind == TRACE_CAST) {
        cast = send_stream(g, p, s->words);
        add_cast(w, &cast);
        return true;
    }
    cast = (struct stream){.tile = number(g, p), .done = p->at + 1};
    if (!run_take(g, p, &(struct trace_step){.line = WIRE_BACK, .words = s->words}))
        return false;
    cast.words.last = p->ready - g->plan->machine->stream_setup_cycles;
    cast.words.first = cast.words.last - s->words + 1;
    add_cast(w, &cast);
    return true;
}

static bool run_cast(struct game *g, struct player *p, const struct trace_step *s)
{
    struct line_walk *w = &g->lines[p->line[s->line]];
    uint32_t index = p->index[s->line];
    uint32_t *casts = &p->casts[s->line];
    if (index == w->line.root)
        return run_root(g, p, s, w);
    if (is_low_root(&w->line, index)) {
        finish_own(g, p, p->ready);
        return true;
    }
    if (*casts == w->cast_count)
        return false;
    uint32_t root = line_way(&w->line, w->line.root), way = line_way(&w->line, index);
    take_stream(g, p, &w->casts[(*casts)++], distance(root, way), s->words);
    return true;
}

/* Tiles between two that are looked at come between them. */
static void spread(const struct game *g, const struct line_walk *w, struct line_time *t)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < w->line.length; i++) {
        while (next + 1 < w->count && w->members[next].index < i)
            next++;
        const struct line_member *b = &w->members[next],
                                 *a = next && i < b->index ? &w->members[next - 1] : b;
        int64_t from = (int64_t)g->players[a->tile].ready, to = (int64_t)g->players[b->tile].ready;
        int64_t part = a == b ? 0 : (int64_t)(i - a->index), all = b->index - a->index;
        t[i] = (struct line_time){.ready = (uint64_t)(from + (all ? (to - from) * part / all : 0)),
                                  .origin = part * 2 > all ? next : (uint32_t)(a - w->members)};
    }
}

/* The result leaves the strip at its east edge. */
static void leave(struct game *g, const struct line_walk *w, const struct line_stream *sent,
                  const struct trace_step *s)
{
    const struct machine *k = g->plan->machine;
    struct walk_step *last = &g->walk->last;
    uint32_t hops = w->line.length - 1 - w->line.root, root = w->members[w->root].tile;
    uint64_t end = sent->last + (hops + 1) * (uint64_t)k->hop_cycles + k->ramp_cycles + 1;
    if (end <= last->end)
        return;
    *last = (struct walk_step){
        .what = *s, .end = end, .tile = root, .done = g->players[root].at, .hops = hops};
}

/* Every member goes on when its part is done; `t` says whom of the line that hung on. */
static void finish_members(const struct game *g, const struct line_walk *w,
                           const struct line_time *t)
{
    uint32_t *done = xcalloc(w->count, sizeof *done);
    for (uint32_t i = 0; i < w->count; i++)
        done[i] = g->players[w->members[i].tile].at;
    for (uint32_t i = 0; i < w->count; i++) {
        struct player *p = &g->players[w->members[i].tile];
        const struct line_time *now = &t[w->members[i].index];
        step_of(p)->hops = now->hops;
        step_of(p)->stages = now->stages;
        finish(p, now->ready, w->members[now->origin].tile, done[now->origin]);
    }
    free(done);
}

static void reduce_line(struct game *g, struct line_walk *w, const struct trace_step *s)
{
    struct line_reduction r = {.order = w->order,
                               .line = &w->line,
                               .machine = g->plan->machine,
                               .words = s->words,
                               .onto = s->kind == TRACE_ONTO};
    struct line_time *t = xcalloc(w->line.length, sizeof *t);
    uint32_t root = w->members[w->root].tile;
    struct line_stream sent;
    spread(g, w, t);
    if (w->line.length > 1 || r.onto)
        line_time_reduce(&r, t, &sent);
    finish_members(g, w, t);
    free(t);
    w->waiting = 0;
    if (r.onto && w->line.joint)
        add_cast(w, &(struct stream){sent, root, g->players[root].at});
    else if (r.onto)
        leave(g, w, &sent, s);
}

/* A reduction happens when all have come. */
static bool run_reduce(struct game *g, struct player *p, const struct trace_step *s)
{
    struct line_walk *w = &g->lines[p->line[s->line]];
    if (p->waits)
        return false;
    p->waits = true;
    if (++w->waiting < w->count)
        return false;
    reduce_line(g, w, s);
    return true;
}

/* ---- all steps ---- */

static bool run_step(struct game *g, struct player *p)
{
    const struct trace_step *s = &step_of(p)->what;
    switch ((enum trace_kind)s->kind) {
    case TRACE_LOCAL:
        finish_own(g, p, p->ready + s->compute + s->dispatch);
        return true;
    case TRACE_KERNEL:
        run_kernel(g, p, s);
        return true;
    case TRACE_BESIDE:
        run_beside(g, p, s);
        return true;
    case TRACE_INPUT:
        run_input(g, p, s);
        return true;
    case TRACE_SEND:
        return run_send(g, p, s);
    case TRACE_TAKE:
        return run_take(g, p, s);
    case TRACE_REDUCE:
    case TRACE_ONTO:
        return run_reduce(g, p, s);
    case TRACE_CAST:
    case TRACE_MADE:
    case TRACE_RELAY:
        break;
    }
    return run_cast(g, p, s);
}

static bool play_round(struct game *g)
{
    bool moved = false;
    for (uint32_t i = 0; i < g->walk->count; i++)
        while (g->players[i].at < g->players[i].tile->count && run_step(g, &g->players[i]))
            moved = true;
    return moved;
}

static void play(struct game *g)
{
    while (play_round(g))
        ;
    for (uint32_t i = 0; i < g->walk->count; i++)
        assert(g->players[i].at == g->players[i].tile->count);
}

void walk_open(struct walk *w, const struct plan *p, const struct strip *s)
{
    struct game g;
    game_open(&g, w, p, s);
    play(&g);
    game_close(&g);
}

void walk_close(struct walk *w)
{
    for (uint32_t i = 0; i < w->count; i++)
        free(w->tiles[i].step);
    free(w->tiles);
}
