/* SPDX-License-Identifier: Apache-2.0 */
/* line_time.c - the messages of a reduction, one after the other. */
#include "place/line_time.h"

#include "base/xalloc.h"

#include <stdlib.h>

/* A message to the next tile, or (from == to) the end of a level for a tile that stays active: it
 * has taken from both sides, `direction` last. */
struct event {
    uint32_t from, to;
    int direction;
};

struct line_order {
    uint32_t count;
    struct event event[];
};

/* A tile during a reduction. */
struct member {
    struct line_stream arrives[2]; /* from below, from above */
    bool waits[2];
    struct line_stream took; /* its last message: when it took the first and last word */
    int took_from;           /* the direction in which that moved; 0: none */
};

/* ---- order ---- */

static void append(struct line_order *o, uint32_t from, uint32_t to, int direction)
{
    o->event[o->count++] = (struct event){from, to, direction};
}

/* The messages of one direction, from the far end on. */
static void order_messages(struct line_order *o, const struct levels *v, uint32_t level,
                           uint32_t root, int direction)
{
    for (int32_t i = 0; i <= v->low + v->high; i++) {
        int32_t u = direction > 0 ? i - v->low : v->high - i;
        struct level_role role = levels_role(v, level, u);
        if (role.send == direction)
            append(o, (uint32_t)((int32_t)root + u), (uint32_t)((int32_t)root + role.receiver),
                   direction);
    }
}

static void order_side(struct line_order *o, const struct levels *v, uint32_t root)
{
    for (uint32_t level = 0; level < levels_count(v); level++) {
        order_messages(o, v, level, root, 1);
        order_messages(o, v, level, root, -1);
        for (int32_t u = -v->low; u <= v->high; u++) {
            struct level_role role = levels_role(v, level, u);
            uint32_t at = (uint32_t)((int32_t)root + u);
            int direction = levels_direction(v, u);
            if (!role.send && (role.take_low || role.take_high))
                append(o, at, at, direction ? direction : -1);
        }
    }
}

struct line_order *line_order_open(const struct line *l)
{
    size_t most = (size_t)l->length * (LEVELS_MAX + 1);
    struct line_order *o = xcalloc(1, sizeof *o + most * sizeof o->event[0]);
    int32_t below = (int32_t)l->root, above = (int32_t)(l->length - 1 - l->root);
    if (l->joint) {
        order_side(o, &(struct levels){&l->shape, below - 1, 0}, l->root - 1);
        order_side(o, &(struct levels){&l->shape, 0, above}, l->root);
    } else {
        order_side(o, &(struct levels){&l->shape, below, above}, l->root);
    }
    return o;
}

void line_order_close(struct line_order *o)
{
    free(o);
}

/* ---- times ---- */

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

struct line_stream line_time_send(const struct machine *k, struct line_time *t, uint32_t words)
{
    struct line_stream s = {.first = t->ready, .last = t->ready + words - 1, .from = *t};
    t->ready += words + k->stream_setup_cycles;
    return s;
}

/* Returns when the words are taken. */
static struct line_stream take(const struct machine *k, struct line_time *t,
                               const struct line_stream *s, uint32_t hops, uint32_t words)
{
    uint64_t travel = 2 * (uint64_t)k->ramp_cycles + (uint64_t)hops * k->hop_cycles;
    struct line_stream took = {.first = later(t->ready, s->first + travel)};
    took.last = later(took.first + words - 1, s->last + travel);
    if (took.last > t->ready + words - 1) {
        *t = s->from;
        t->hops += hops;
        t->stages++;
    }
    t->ready = took.last + 1 + k->stream_setup_cycles;
    took.from = *t;
    return took;
}

void line_time_take(const struct machine *k, struct line_time *t, const struct line_stream *s,
                    uint32_t hops, uint32_t words)
{
    (void)take(k, t, s, hops, words);
}

struct summing {
    const struct line_reduction *what;
    struct member *member;
    struct line_time *time;
};

static void take_side(const struct summing *r, uint32_t at, int direction)
{
    struct member *m = &r->member[at];
    int side = direction < 0;
    if (!m->waits[side])
        return;
    m->waits[side] = false;
    m->took = take(r->what->machine, &r->time[at], &m->arrives[side], 0, r->what->words);
    m->took_from = direction;
}

/* What comes from behind is passed on while it is summed; all else is sent when it is stored. */
static struct line_stream pass(const struct summing *r, uint32_t at, int direction)
{
    const struct member *m = &r->member[at];
    if (m->took_from != direction)
        return line_time_send(r->what->machine, &r->time[at], r->what->words);
    struct line_stream s = m->took;
    s.first++, s.last++;
    return s;
}

static uint32_t between(const struct line *l, uint32_t a, uint32_t b)
{
    uint32_t from = line_way(l, a), to = line_way(l, b);
    return from > to ? from - to : to - from;
}

static void happen(const struct summing *r, const struct event *e)
{
    if (e->from == e->to) {
        take_side(r, e->to, -e->direction);
        take_side(r, e->to, e->direction);
        return;
    }
    take_side(r, e->from, e->direction);
    struct line_stream s = pass(r, e->from, e->direction);
    uint32_t hops = between(r->what->line, e->from, e->to);
    s.first += (uint64_t)hops * r->what->machine->hop_cycles;
    s.last += (uint64_t)hops * r->what->machine->hop_cycles;
    s.from.hops += hops;
    r->member[e->to].arrives[e->direction < 0] = s;
    r->member[e->to].waits[e->direction < 0] = true;
}

/* The low root sends its sum to the high one. */
static void join(const struct summing *r)
{
    uint32_t high = r->what->line->root, low = high - 1;
    struct line_stream s = line_time_send(r->what->machine, &r->time[low], r->what->words);
    r->member[high].took = take(r->what->machine, &r->time[high], &s, 1, r->what->words);
    r->member[high].took_from = 1;
}

static struct line_stream root_sends(const struct summing *r)
{
    uint32_t root = r->what->line->root;
    if (!r->member[root].took_from)
        return line_time_send(r->what->machine, &r->time[root], r->what->words);
    return pass(r, root, r->member[root].took_from);
}

void line_time_reduce(const struct line_reduction *r, struct line_time *t, struct line_stream *sent)
{
    struct summing s = {.what = r, .member = xcalloc(r->line->length, sizeof *s.member), .time = t};
    for (uint32_t i = 0; i < r->order->count; i++)
        happen(&s, &r->order->event[i]);
    if (r->line->joint)
        join(&s);
    if (r->onto)
        *sent = root_sends(&s);
    free(s.member);
}
