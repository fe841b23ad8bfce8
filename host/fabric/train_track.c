/* SPDX-License-Identifier: Apache-2.0 */
/* train_track.c - the routers a train passes through: whether it can, and that it does. */
#include "fabric/fast.h"

#include "base/xalloc.h"

static unsigned opposite(unsigned port)
{
    return (port + 2) & 3;
}

/* Nothing waits or is on its way. What comes from another strip is known to that strip only. */
static bool lane_is_empty(const struct wafer *w, uint32_t tile, const struct lane *l)
{
    uint32_t held = l->held[PORT_RAMP];
    for (unsigned p = 0; p < PORT_RAMP; p++)
        if (!fast_is_border(w->fast, tile, p))
            held |= l->held[p];
    return !held && !l->ports;
}

/* Whether a train with these outputs can pass beside what waits in a router (trains_meet). */
static bool fits_beside(const struct wafer *w, uint32_t tile, unsigned outputs)
{
    const struct fast_router *r = &w->fast->router[tile];
    for (uint32_t rest = r->waiting; rest; rest &= rest - 1) {
        const struct lane *l = fast_lane(w, tile, (unsigned)__builtin_ctz(rest));
        if (r->trains || ROUTE_MODE_COUNT(l->mode) != 1 || ROUTE_OUTPUTS(l->now) & outputs)
            return false;
    }
    return true;
}

/* Whether words that come to a port of a router all go through it at once. */
static bool is_free(const struct wafer *w, uint32_t tile, unsigned colour, unsigned port)
{
    const struct fast *f = w->fast;
    const struct fast_router *r = &f->router[tile];
    const struct lane *l = fast_lane(w, tile, colour);
    unsigned outputs = ROUTE_OUTPUTS(l->now);
    if (l->train || !(ROUTE_INPUTS(l->now) >> port & 1) || !outputs || outputs & r->rim)
        return false;
    if (r->outputs & outputs || !lane_is_empty(w, tile, l) || !fits_beside(w, tile, outputs))
        return false;
    return !(outputs & AT_RAMP) || (l->sink == SINK_QUEUE && !l->down);
}

static void add_station(struct train *r, uint32_t tile, uint32_t depth)
{
    if (r->stations == r->station_size) {
        r->station_size = r->station_size ? 2 * r->station_size : 4;
        r->station = xrealloc(r->station, r->station_size, sizeof *r->station);
    }
    r->station[r->stations++] = (struct station){.tile = tile, .depth = depth};
}

static void lead_across(struct trains *s, uint32_t number)
{
    if (s->leading == s->across_size) {
        s->across_size = s->across_size ? 2 * s->across_size : 16;
        s->across = xrealloc(s->across, s->across_size, sizeof *s->across);
    }
    s->all[number - 1]->across = s->leading;
    s->across[s->leading++] = number;
}

static void lead_no_more(struct trains *s, const struct train *r)
{
    uint32_t last = s->across[--s->leading];
    s->across[r->across] = last;
    s->all[last - 1]->across = r->across;
}

/* Not where a word comes from another strip in the same cycle: room is looked at before. */
static bool add_crossing(struct wafer *w, uint32_t number, uint32_t rail, unsigned port)
{
    struct train *r = train_of(w, number);
    if (r->border && !rail)
        return false;
    if (r->crossings == r->crossing_size) {
        r->crossing_size = r->crossing_size ? 2 * r->crossing_size : 4;
        r->crossing = xrealloc(r->crossing, r->crossing_size, sizeof *r->crossing);
    }
    if (!r->crossings)
        lead_across(&w->fast->trains, number);
    r->crossing[r->crossings++] = (struct crossing){.rail = rail, .port = (uint8_t)port};
    return true;
}

/* The rail that begins here becomes the train's. */
static bool add_rail(struct wafer *w, uint32_t number, struct rail l)
{
    struct train *r = train_of(w, number);
    struct lane *lane = fast_lane(w, l.tile, r->colour);
    if (!is_free(w, l.tile, r->colour, l.port) || l.depth == UINT16_MAX)
        return false;
    if (r->rails == r->rail_size) {
        r->rail_size = r->rail_size ? 2 * r->rail_size : 4;
        r->rail = xrealloc(r->rail, r->rail_size, sizeof *r->rail);
    }
    l.outputs = (uint8_t)ROUTE_OUTPUTS(lane->now);
    r->rail[r->rails++] = l;
    lane->train = number;
    lane->depth = l.depth;
    if (w->fast->router[l.tile].waiting)
        w->fast->router[l.tile].turned = (uint32_t)trains_beaten(w) + 1;
    w->fast->router[l.tile].trains |= 1u << r->colour;
    w->fast->router[l.tile].outputs |= l.outputs;
    if (l.outputs & AT_RAMP)
        add_station(r, l.tile, l.depth);
    return true;
}

/* Rails come in the order of their depth, and so do stations. */
bool train_lay(struct wafer *w, uint32_t number, uint32_t tile, unsigned port)
{
    struct train *r = train_of(w, number);
    bool ok = add_rail(w, number, (struct rail){.tile = tile, .port = (uint8_t)port});
    for (uint32_t i = 0; ok && i < r->rails; i++) {
        struct rail l = r->rail[i];
        for (unsigned rest = l.outputs & 15u; ok && rest; rest &= rest - 1) {
            unsigned out = (unsigned)__builtin_ctz(rest);
            if (fast_is_border(w->fast, l.tile, out))
                ok = add_crossing(w, number, i, out);
            else
                ok = add_rail(w, number,
                              (struct rail){.tile = l.tile + (uint32_t)w->fast->step[out],
                                            .depth = (uint16_t)(l.depth + 1),
                                            .port = (uint8_t)opposite(out)});
        }
    }
    return ok && r->stations;
}

/* ---- turns ---- */

static unsigned next_colour(unsigned colour)
{
    return colour + 1 < TILE_COLOURS ? colour + 1 : 0;
}

/* Whether a word of the train passes the router from cycle `first` to `last`. */
static bool passes(const struct wafer *w, uint32_t tile, unsigned colour, int64_t first,
                   int64_t last)
{
    const struct lane *l = fast_lane(w, tile, colour);
    const struct train *r = train_of(w, l->train);
    int64_t way = (int64_t)train_way(w, r, l->depth);
    return first <= last && train_issues(r, first - way, last - way);
}

void train_turn(struct wafer *w, uint32_t tile, uint64_t before)
{
    struct fast_router *at = &w->fast->router[tile];
    unsigned colour = (unsigned)__builtin_ctz(at->trains);
    int64_t last = (int64_t)before - 1, first = last + 1 - (int64_t)((uint32_t)before - at->turned);
    if (passes(w, tile, colour, first, last))
        at->turn = (uint8_t)next_colour(colour);
    at->turned = (uint32_t)before;
}

void train_turn_now(struct wafer *w, uint32_t tile, unsigned first, bool moved)
{
    struct fast_router *at = &w->fast->router[tile];
    unsigned colour = (unsigned)__builtin_ctz(at->trains), turn = next_colour(colour);
    int64_t now = (int64_t)w->cycle;
    at->turned = (uint32_t)w->cycle + 1;
    if (!passes(w, tile, colour, now, now))
        return;
    /* the one that comes first behind `first` */
    unsigned before = (at->turn + TILE_COLOURS - 1 - first) % TILE_COLOURS,
             ours = (colour + TILE_COLOURS - first) % TILE_COLOURS;
    if (!moved || ours < before)
        at->turn = (uint8_t)turn;
}

void train_release(struct wafer *w, uint32_t number)
{
    struct train *r = train_of(w, number);
    for (uint32_t i = 0; i < r->rails; i++) {
        const struct rail *l = &r->rail[i];
        struct fast_router *at = &w->fast->router[l->tile];
        if (at->waiting && !(at->trains & (at->trains - 1)))
            train_turn(w, l->tile, (uint64_t)trains_beaten(w) + 1);
        fast_lane(w, l->tile, r->colour)->train = 0;
        at->trains &= ~(1u << r->colour);
        at->outputs &= (uint8_t)~l->outputs;
    }
    if (r->crossings)
        lead_no_more(&w->fast->trains, r);
    r->rolling = false;
    r->next_free = w->fast->trains.free;
    w->fast->trains.free = number;
    r->rails = r->stations = r->crossings = r->spans = r->words = r->made = 0;
}
