/* SPDX-License-Identifier: Apache-2.0 */
/* train.c - how trains begin, what they promise, and how they end. */
#include "fabric/fast.h"

#include "base/xalloc.h"

#include <stdlib.h>

/* ---- the trains of a wafer or strip ---- */

static uint32_t number_free(struct wafer *w)
{
    struct trains *s = &w->fast->trains;
    uint32_t number = s->free;
    if (number) {
        s->free = train_of(w, number)->next_free;
        return number;
    }
    if (s->count == s->size) {
        s->size = s->size ? 2 * s->size : 16;
        s->all = xrealloc(s->all, s->size, sizeof *s->all);
    }
    s->all[s->count++] = xcalloc(1, sizeof **s->all);
    return s->count;
}

void trains_close(struct trains *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        free(s->all[i]->rail);
        free(s->all[i]->station);
        free(s->all[i]->span);
        free(s->all[i]->crossing);
        free(s->all[i]->word);
        free(s->all[i]->entered);
        free(s->all[i]);
    }
    free(s->all);
    free(s->across);
    free(s->group);
}

/* The emulator's fast paths for rare machines and tests are not worth proving. */
bool trains_allowed(const struct wafer *w)
{
    return !w->stress_seed && !w->foreign && !w->test_no_skip && w->hop + 2 <= TRAIN_WORDS_MIN &&
           w->ramp + 2 <= TRAIN_WORDS_MIN;
}

uint64_t train_gone(const struct wafer *w, const struct train *r)
{
    uint64_t way = train_whole_way(w, r, &r->station[r->stations - 1]), across = 0;
    if (r->crossings)
        across = train_way(w, r, r->rail[r->crossing[r->crossings - 1].rail].depth);
    return train_time(r, r->words - 1) + 1 + (across > way ? across : way);
}

/* ---- what will happen ---- */

/* In the bucket of a cycle, or on the way to it. */
static void put_event(struct wafer *w, size_t list, uint64_t cycle, uint64_t event)
{
    uint64_t last = w->cycle + w->fast->mask;
    struct moment *m = fast_moment(w->fast, cycle < last ? cycle : last);
    words_put((struct words *)((char *)m + list), (uint32_t)(event >> 32), (uint32_t)event);
}

static void call_head(struct wafer *w, uint32_t number, uint32_t span)
{
    const struct train *r = train_of(w, number);
    const struct span *s = &r->span[span];
    if (s->told < r->stations)
        put_event(w, offsetof(struct moment, heads),
                  s->start + train_whole_way(w, r, &r->station[s->told]),
                  (uint64_t)number << 32 | (r->serial << 8 & 0xffffffffu) | span);
}

static void call_end(struct wafer *w, uint32_t number)
{
    const struct train *r = train_of(w, number);
    put_event(w, offsetof(struct moment, ends), train_gone(w, r),
              (uint64_t)number << 32 | (r->serial & 0xffffffu));
}

void train_keep_awake(struct wafer *w, const struct train *r)
{
    struct trains *s = &w->fast->trains;
    if (s->until < train_gone(w, r) + 1)
        s->until = train_gone(w, r) + 1;
}

/* The visit after the thread's last beat, when that is known. */
void train_call_finish(struct wafer *w, uint32_t tile)
{
    const struct tile *t = &w->tile[tile];
    uint64_t left = t->engine.thread[__builtin_ctz(t->engine.busy)].left;
    if (!t->inlet) {
        const struct train *r = train_of(w, t->outlet);
        wafer_call(w, tile, train_time(r, r->unsettled + (uint32_t)left - 1) + 1);
        return;
    }
    struct train *r = train_of(w, t->inlet);
    const struct station *s = &r->station[t->station];
    uint64_t end = s->next + left;
    if (end <= r->words)
        wafer_call(w, tile, train_time(r, (uint32_t)end - 1) + train_whole_way(w, r, s) + 1);
    else if (end < r->want)
        r->want = (uint32_t)end;
}

/* ---- words are promised ---- */

bool train_has_span_left(const struct train *r)
{
    return r->spans < TRAIN_SPANS_MAX;
}

/* What a train has when it sets out. */
uint32_t train_set_out(struct wafer *w, uint32_t tile, unsigned colour, unsigned port)
{
    uint32_t number = number_free(w);
    struct train *r = train_of(w, number);
    r->colour = (uint8_t)colour;
    r->tile = tile;
    r->edge = port != PORT_RAMP;
    r->border = r->edge && fast_is_border(w->fast, tile, port);
    r->unsettled = 0;
    r->want = UINT32_MAX;
    r->split = true;
    r->serial++;
    r->rolling = train_lay(w, number, tile, port);
    if (r->rolling)
        return number;
    train_release(w, number);
    return 0;
}

void train_reserve(struct train *r, uint32_t words)
{
    if (words <= r->word_size)
        return;
    r->word_size = words > 2 * r->word_size ? words : 2 * r->word_size;
    r->word = xrealloc(r->word, r->word_size, sizeof *r->word);
    r->entered = xrealloc(r->entered, r->word_size, sizeof *r->entered);
}

void train_add_span(struct wafer *w, uint32_t number, struct span s)
{
    struct train *r = train_of(w, number);
    if (r->spans == r->span_size) {
        r->span_size = r->span_size ? 2 * r->span_size : 4;
        r->span = xrealloc(r->span, r->span_size, sizeof *r->span);
    }
    s.first = r->words;
    r->span[r->spans++] = s;
    r->words += s.count;
    train_reserve(r, r->words);
    call_head(w, number, r->spans - 1);
    if (r->spans == 1)
        call_end(w, number);
    train_keep_awake(w, r);
}

/* ---- the cycle ---- */

static bool is_this_ride(const struct wafer *w, uint64_t event, unsigned shift)
{
    const struct train *r = train_of(w, (uint32_t)(event >> 32));
    return r->rolling && (r->serial & 0xffffffu) == ((uint32_t)event >> shift);
}

static void tell(struct wafer *w, uint32_t number, uint32_t span)
{
    struct train *r = train_of(w, number);
    struct span *s = &r->span[span];
    for (; s->told < r->stations; s->told++) {
        const struct station *at = &r->station[s->told];
        struct tile *t = &w->tile[at->tile];
        if (s->start + train_whole_way(w, r, at) > w->cycle)
            break;
        t->head = number;
        if (!t->inlet)
            t->station = s->told;
        set_add(&w->engines, at->tile);
    }
    call_head(w, number, span);
}

void trains_tell(struct wafer *w, struct moment *m)
{
    for (uint32_t i = 0; i < m->heads.count; i++)
        if (is_this_ride(w, m->heads.word[i], 8))
            tell(w, (uint32_t)(m->heads.word[i] >> 32), m->heads.word[i] & 0xff);
    m->heads.count = 0;
}

void trains_end(struct wafer *w, struct moment *m)
{
    for (uint32_t i = 0; i < m->ends.count; i++) {
        uint32_t number = (uint32_t)(m->ends.word[i] >> 32);
        if (!is_this_ride(w, m->ends.word[i], 0))
            continue;
        if (train_gone(w, train_of(w, number)) <= w->cycle)
            trains_stop(w, number);
        else
            call_end(w, number);
    }
    m->ends.count = 0;
}

void trains_sync(struct wafer *w, uint32_t tile)
{
    const struct tile *t = &w->tile[tile];
    int64_t now = trains_beaten(w);
    if (t->outlet)
        train_make(w, train_of(w, t->outlet), train_issued(w, train_of(w, t->outlet)));
    if (t->inlet)
        train_write(w, tile, train_taken(w, tile, now));
}
