/* SPDX-License-Identifier: Apache-2.0 */
/* train_edge.c - trains of words that come from outside, of the wafer or of the strip; and words
 * that leave for other strips. */
#include "fabric/fast.h"

/* ---- at the edge ---- */

static void finish_wanting(struct wafer *w, uint32_t number)
{
    struct train *r = train_of(w, number);
    r->want = UINT32_MAX;
    for (uint32_t i = 0; i < r->stations; i++)
        if (w->tile[r->station[i].tile].inlet == number)
            train_call_finish(w, r->station[i].tile);
}

static void enter_word(struct wafer *w, uint32_t number, uint32_t data)
{
    struct train *r = train_of(w, number);
    train_reserve(r, r->words + 1);
    r->entered[r->words] = w->cycle;
    r->word[r->made++] = data;
    if (r->split) {
        train_add_span(w, number, (struct span){.start = w->cycle, .count = 1});
        r->split = false;
    } else {
        r->span[r->spans - 1].count++;
        r->words++;
        train_keep_awake(w, r);
    }
    if (r->words == r->want)
        finish_wanting(w, number);
}

/* The train that can take what comes in at this port now, or 0. With longer hops or ramps a lone
 * word would leave cycles in which nothing moves. */
static uint32_t train_into(struct wafer *w, uint32_t tile, unsigned colour, unsigned port)
{
    struct trains *s = &w->fast->trains;
    uint32_t number = fast_lane(w, tile, colour)->train;
    if (number) {
        const struct train *r = train_of(w, number);
        bool ours = r->edge && r->tile == tile && r->rail[0].port == port;
        return ours && train_has_span_left(r) ? number : 0;
    }
    if (w->hop > 1 || w->ramp > 2 || w->cycle < s->enter_again || !trains_allowed(w))
        return 0;
    number = train_set_out(w, tile, colour, port);
    if (!number)
        s->enter_again = w->cycle + TRAIN_ENTER_AGAIN;
    return number;
}

bool trains_enter(struct wafer *w, uint32_t tile, unsigned port, struct wavelet v)
{
    uint32_t number = v.control ? 0 : train_into(w, tile, v.colour, port);
    if (number)
        enter_word(w, number, v.data);
    else
        trains_stop_lane(w, tile, v.colour);
    return number;
}

bool trains_come(struct wafer *w, uint32_t key)
{
    uint32_t tile = key >> 8;
    unsigned colour = key >> 3 & 31u, port = key & 7u;
    struct lane *l = fast_lane(w, tile, colour);
    uint64_t word = *fast_slot(w, tile, colour, port, l->head[port]);
    uint32_t number = l->count[port] || word >> 32 ? 0 : train_into(w, tile, colour, port);
    if (!number)
        return false;
    enter_word(w, number, (uint32_t)word);
    l->head[port]++;
    keys_put(&w->fast->freed, key);
    return true;
}

/* ---- to other strips ---- */

static bool crosses_now(const struct wafer *w, const struct train *r, const struct crossing *x)
{
    uint64_t way = train_way(w, r, r->rail[x->rail].depth);
    return train_words_by(r, (int64_t)w->cycle - (int64_t)way) > x->gone;
}

/* The queue behind a crossing. */
static uint32_t key_behind(const struct wafer *w, const struct train *r, const struct crossing *x)
{
    uint32_t next = r->rail[x->rail].tile + (uint32_t)w->fast->step[x->port];
    return fast_key(next, r->colour, (x->port + 2) & 3u);
}

static bool is_blocked(const struct wafer *w, const struct train *r, const struct crossing *x)
{
    uint32_t key = key_behind(w, r, x);
    return fast_lane(w, key >> 8, r->colour)->held[key & 7u] >= w->link_room;
}

static bool is_held_up(const struct wafer *w, const struct train *r)
{
    for (uint32_t k = 0; k < r->crossings; k++)
        if (crosses_now(w, r, &r->crossing[k]) && is_blocked(w, r, &r->crossing[k]))
            return true;
    return false;
}

/* A train that stops, and those it feeds, leave the list. */
void trains_look_across(struct wafer *w)
{
    const struct trains *s = &w->fast->trains;
    for (uint32_t i = 0; i < s->leading;) {
        if (is_held_up(w, s->all[s->across[i] - 1])) {
            trains_stop(w, s->across[i]);
            i = 0;
        } else {
            i++;
        }
    }
}

static void cross(struct wafer *w, struct train *r, struct crossing *x)
{
    uint32_t key = key_behind(w, r, x);
    train_make(w, r, x->gone + 1);
    fast_fill(w, fast_lane(w, key >> 8, r->colour), key, r->word[x->gone++]);
    keys_put(&w->fast->letters, key);
}

void trains_cross(struct wafer *w)
{
    const struct trains *s = &w->fast->trains;
    for (uint32_t i = 0; i < s->leading; i++) {
        struct train *r = s->all[s->across[i] - 1];
        for (uint32_t k = 0; k < r->crossings; k++)
            if (crosses_now(w, r, &r->crossing[k]))
                cross(w, r, &r->crossing[k]);
    }
}
