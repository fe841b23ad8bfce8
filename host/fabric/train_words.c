/* SPDX-License-Identifier: Apache-2.0 */
/* train_words.c - when the words of a train are where, and what they are. */
#include "fabric/fast.h"
#include "fabric/products.h"

#include "hal/numerics.h"

#include <string.h>

/* ---- time ---- */

int64_t trains_beaten(const struct wafer *w)
{
    return (int64_t)w->cycle - (w->fast->trains.phase == TRAINS_BEATING ? 0 : 1);
}

static uint32_t entered_by(const struct train *r, int64_t at)
{
    uint32_t low = 0, high = r->words;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if ((int64_t)r->entered[mid] <= at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

uint32_t train_words_by(const struct train *r, int64_t at)
{
    if (r->edge)
        return entered_by(r, at);
    for (uint32_t i = r->spans; i--;) {
        const struct span *s = &r->span[i];
        int64_t past = at - (int64_t)s->start;
        if (past >= 0)
            return s->first + (past < s->count ? (uint32_t)past + 1 : s->count);
    }
    return 0;
}

bool train_issues(const struct train *r, int64_t first, int64_t last)
{
    if (r->edge)
        return entered_by(r, last) > entered_by(r, first - 1);
    for (uint32_t i = r->spans; i--;) {
        const struct span *s = &r->span[i];
        if (last >= (int64_t)s->start)
            return first < (int64_t)s->start + s->count;
    }
    return false;
}

uint64_t train_time(const struct train *r, uint32_t word)
{
    if (r->edge)
        return r->entered[word];
    const struct span *s = &r->span[r->spans - 1];
    while (word < s->first)
        s--;
    return s->start + (word - s->first);
}

/* A word a thread combined is issued in the cycle after its beat. */
uint32_t train_issued(const struct wafer *w, const struct train *r)
{
    if (r->edge)
        return r->words;
    if (r->span[r->spans - 1].loaded)
        return r->made;
    return train_words_by(r, trains_beaten(w) + (r->span[r->spans - 1].inlet != 0));
}

uint64_t train_way(const struct wafer *w, const struct train *r, uint32_t depth)
{
    return (r->edge ? 0 : w->ramp) + (uint64_t)depth * w->hop;
}

uint64_t train_whole_way(const struct wafer *w, const struct train *r, const struct station *s)
{
    return train_way(w, r, s->depth) + w->ramp;
}

static const struct thread *thread_of(const struct tile *t)
{
    return &t->engine.thread[__builtin_ctz(t->engine.busy)];
}

uint32_t train_taken(const struct wafer *w, uint32_t tile, int64_t at)
{
    const struct tile *t = &w->tile[tile];
    const struct train *r = train_of(w, t->inlet);
    const struct station *s = &r->station[t->station];
    uint32_t there = train_words_by(r, at - (int64_t)train_whole_way(w, r, s));
    uint64_t left = thread_of(t)->left;
    if (there <= s->next)
        return 0;
    return there - s->next < left ? there - s->next : (uint32_t)left;
}

/* ---- what they are ---- */

static void read_operands(const struct wafer *w, uint32_t tile, uint32_t offset, uint32_t *out,
                          uint32_t n)
{
    const struct tile *t = &w->tile[tile];
    for (; n && offset < TILE_CODE_BYTES; n--, offset += 4)
        *out++ = tile_word(w, t, offset);
    memcpy(out, t->sram + offset, n * sizeof *out);
}

static void make_part(struct wafer *w, struct train *r, const struct span *s, uint32_t n)
{
    uint32_t at = r->made - s->first, *out = r->word + r->made;
    if (!s->inlet) {
        read_operands(w, r->tile, s->src0 + 4 * at, out, n);
        return;
    }
    struct train *from = train_of(w, s->inlet);
    const uint32_t *came = from->word + s->inlet_first + at;
    train_make(w, from, s->inlet_first + at + n);
    if (s->op == STREAM_FORWARD) {
        memcpy(out, came, n * sizeof *out);
        return;
    }
    read_operands(w, r->tile, s->src0 + 4 * at, out, n);
    products_combine(s->op, came, (uint8_t *)out, n);
}

void train_make(struct wafer *w, struct train *r, uint32_t upto)
{
    for (uint32_t i = 0; r->made < upto; i++) {
        const struct span *s = &r->span[i];
        uint32_t end = s->first + s->count < upto ? s->first + s->count : upto;
        if (end <= r->made)
            continue;
        make_part(w, r, s, end - r->made);
        r->made = end;
    }
}

/* Words of a RECV. */
static void put(struct wafer *w, uint32_t tile, uint32_t offset, const uint32_t *word, uint32_t n)
{
    if (offset < TILE_CODE_BYTES) {
        uint32_t code = (TILE_CODE_BYTES - offset) / 4 < n ? (TILE_CODE_BYTES - offset) / 4 : n;
        tile_put_code(w, tile, offset, word, code);
        word += code;
        offset += 4 * code;
        n -= code;
    }
    memcpy(w->tile[tile].sram + offset, word, n * sizeof *word);
}

/* Whether no word that is written is an operand of a later one, and none lies in the code. */
static bool can_combine_at_once(const struct stream_desc *d, uint32_t n)
{
    uint32_t src0 = d->src0, dst = d->dst;
    return src0 >= TILE_CODE_BYTES && dst >= TILE_CODE_BYTES &&
           (dst <= src0 || dst >= src0 + 4 * n);
}

static void put_combined(struct wafer *w, uint32_t tile, uint32_t at, const uint32_t *word,
                         uint32_t n)
{
    const struct tile *t = &w->tile[tile];
    const struct stream_desc *d = &thread_of(t)->d;
    if (can_combine_at_once(d, n)) {
        memmove(t->sram + d->dst + at, t->sram + d->src0 + at, 4 * (size_t)n);
        products_combine(d->op, word, t->sram + d->dst + at, n);
        return;
    }
    for (uint32_t i = 0; i < n; i++, at += 4) {
        uint32_t a;
        read_operands(w, tile, d->src0 + at, &a, 1);
        a = numerics_word(d->op, word[i], a);
        put(w, tile, d->dst + at, &a, 1);
    }
}

void train_write(struct wafer *w, uint32_t tile, uint32_t upto)
{
    const struct tile *t = &w->tile[tile];
    const struct thread *th = thread_of(t);
    struct train *r = train_of(w, t->inlet);
    struct station *s = &r->station[t->station];
    uint32_t at = 4 * (th->done + s->written), n = upto - s->written;
    if (th->use & 2 || upto <= s->written)
        return;
    train_make(w, r, s->next + upto);
    if (th->d.op == STREAM_RECV)
        put(w, tile, th->d.dst + at, r->word + s->next + s->written, n);
    else
        put_combined(w, tile, at, r->word + s->next + s->written, n);
    s->written = upto;
}
