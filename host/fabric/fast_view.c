/* SPDX-License-Identifier: Apache-2.0 */
/* fast_view.c - the state of the fast fabric in the words of the plain one, so that hash.c and
 * explain.c need to know only those. Cost: about 1 KiB per tile; not for every day. */
#include "fabric/crew.h"

#include "base/xalloc.h"

#include <stdlib.h>
#include <string.h>

/* The view being made, and how many words of each queue on their way were seen so far. */
struct viewer {
    const struct wafer *w;
    struct wafer *view;
    uint16_t *flown; /* [TILE_COLOURS][tiles][FABRIC_PORTS] */
};

static uint64_t slot_at(const struct wafer *w, uint32_t tile, unsigned colour, unsigned port,
                        uint32_t number)
{
    uint32_t at = fast_lane(w, tile, colour)->head[port] + number;
    return *fast_slot(w, tile, colour, port, at);
}

static struct channel *view_channel(const struct viewer *s, uint32_t tile, unsigned colour)
{
    const struct lane *l = fast_lane(s->w, tile, colour);
    struct channel *c = xcalloc(1, sizeof *c + (size_t)FABRIC_PORTS * s->w->ring * sizeof *c->slot);
    for (unsigned p = 0; p < FABRIC_PORTS; p++) {
        c->count[p] = l->count[p];
        for (uint32_t i = 0; i < l->count[p]; i++) {
            uint64_t word = slot_at(s->w, tile, colour, p, i);
            c->slot[p * s->w->ring + i] = (struct slot){(uint32_t)word, (uint32_t)(word >> 32)};
        }
    }
    return c;
}

static uint32_t neighbour(const struct wafer *w, uint32_t tile, unsigned port)
{
    const struct fast *f = w->fast;
    return f->router[tile].rim >> port & 1 ? NO_TILE : tile + (uint32_t)f->step[port];
}

static void view_router(const struct viewer *s, uint32_t tile)
{
    struct router *r = &s->view->router[tile];
    r->turn = s->w->fast->router[tile].turn;
    for (unsigned p = 0; p < 4; p++)
        r->neighbour[p] = neighbour(s->w, tile, p);
    for (unsigned c = 0; c < TILE_COLOURS; c++) {
        const struct lane *l = fast_lane(s->w, tile, c);
        memcpy(r->route[c], l->route, sizeof r->route[c]);
        r->mode[c] = l->mode;
        r->position[c] = l->position;
        r->takes[c] = l->takes;
        for (unsigned p = 0; p < FABRIC_PORTS; p++) {
            r->held[p][c] = l->held[p];
            r->waiting[p] |= (uint32_t)(l->ports >> p & 1) << c;
        }
        if (l->ports)
            r->channel[c] = view_channel(s, tile, c);
    }
}

static void view_arrival(const struct viewer *s, uint32_t key, uint64_t cycle)
{
    uint32_t tile = key >> 8;
    unsigned colour = key >> 3 & 31u, port = key & 7u;
    const struct lane *l = fast_lane(s->w, tile, colour);
    uint16_t *flown = &s->flown[((size_t)colour * s->w->tiles + tile) * FABRIC_PORTS + port];
    uint64_t word = slot_at(s->w, tile, colour, port, (uint32_t)l->count[port] + (*flown)++);
    wheel_put(&s->view->wheel, cycle,
              (struct parcel){.tile = tile,
                              .data = (uint32_t)word,
                              .place = (uint8_t)port,
                              .colour = (uint8_t)colour,
                              .control = word >> 32});
}

static void view_delivery(const struct viewer *s, uint64_t word, uint64_t cycle)
{
    uint32_t key = (uint32_t)(word >> 32);
    unsigned colour = key >> 3 & 31u;
    s->view->tile[key >> 8].on_ramp[colour]++;
    wheel_put(&s->view->wheel, cycle,
              (struct parcel){.tile = key >> 8,
                              .data = (uint32_t)word,
                              .place = PLACE_QUEUE,
                              .colour = (uint8_t)colour,
                              .control = key & 1});
}

static void view_moments(const struct viewer *s, const struct fast *f)
{
    for (uint64_t at = s->w->cycle; at <= s->w->cycle + f->mask; at++) {
        const struct moment *m = fast_moment(f, at);
        for (uint32_t i = 0; i < m->arrive.count; i++)
            view_arrival(s, m->arrive.key[i], at);
        for (uint32_t i = 0; i < m->deliver.count; i++)
            view_delivery(s, m->deliver.word[i], at);
        for (uint32_t i = 0; i < m->leave.count; i++)
            wheel_put(&s->view->wheel, at, m->leave.parcel[i]);
    }
}

/* What the thread of a direct tile has done shows; the tile stays direct. */
static void settle(struct tile *t)
{
    uint16_t came = t->direct_came;
    uint8_t colour = t->direct;
    if (colour == NO_DIRECT || !came)
        return;
    fast_settle(t);
    t->direct = colour;
    t->direct_at = (uint16_t)(t->direct_at + 4 * came);
    t->direct_words = (uint16_t)(t->direct_words - came);
}

struct wafer *fast_view(const struct wafer *w)
{
    struct wafer *view = xcalloc(1, sizeof *view);
    struct viewer s = {.w = w, .view = view};
    trains_stop_all(w);
    *view = *w;
    view->fast = NULL;
    view->crew = NULL;
    view->router = xcalloc(w->tiles, sizeof *view->router);
    memset(&view->wheel, 0, sizeof view->wheel);
    wheel_open(&view->wheel, w->hop > w->ramp + 1 ? w->hop : w->ramp + 1);
    set_open(&view->cores, w->tiles);
    s.flown = xcalloc((size_t)TILE_COLOURS * w->tiles, FABRIC_PORTS * sizeof *s.flown);
    for (uint32_t i = 0; i < w->tiles; i++) {
        view_router(&s, i);
        settle(&w->tile[i]);
        memset(view->tile[i].on_ramp, 0, sizeof view->tile[i].on_ramp);
        if (!w->tile[i].halted && !w->tile[i].core.waiting)
            set_add(&view->cores, i);
    }
    for (unsigned i = 0; i < crew_strips(w); i++)
        view_moments(&s, crew_strip(w, i)->fast);
    free(s.flown);
    return view;
}

void fast_view_close(struct wafer *view)
{
    for (uint32_t i = 0; i < view->tiles; i++) {
        memset(view->tile[i].on_ramp, 0, sizeof view->tile[i].on_ramp); /* not used by fast */
        for (unsigned c = 0; c < TILE_COLOURS; c++)
            free(view->router[i].channel[c]);
    }
    wheel_close(&view->wheel);
    set_close(&view->cores);
    free(view->router);
    free(view);
}
