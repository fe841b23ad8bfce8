/* SPDX-License-Identifier: Apache-2.0 */
/* halo.c - own parts become windows, from neighbour to neighbour. */
#include "place/halo.h"
#include "place/trace.h"
#include "place/units.h"

static struct slice part_of(const struct tile *t, uint32_t column)
{
    return slice_of(t->config->hidden, t->w, column);
}

/* How many columns away lies what some window of the row has. Parts may be empty. */
static uint32_t farthest(const struct tile *t)
{
    uint32_t most = 0;
    for (uint32_t c = 0; c < t->w; c++) {
        struct slice window = units_window(t, c);
        uint32_t end = window.first + window.count;
        for (uint32_t i = c; i-- > 0 && part_of(t, i).first + part_of(t, i).count > window.first;)
            if (part_of(t, i).count && c - i > most)
                most = c - i;
        for (uint32_t i = c + 1; i < t->w && part_of(t, i).first < end; i++)
            if (part_of(t, i).count && i - c > most)
                most = i - c;
    }
    return most;
}

/* One direction: east (1) or west (-1). */
struct flow {
    int32_t towards;
    uint8_t colour[2]; /* of what even and odd columns send */
};

/* The column whose part reaches this one in a step, its own in step 0; whether there is one. */
static bool origin(const struct tile *t, const struct flow *f, uint32_t step, uint32_t *column)
{
    int64_t from = (int64_t)t->c - f->towards * (int64_t)step;
    *column = (uint32_t)from;
    return from >= 0 && from < t->w;
}

static bool has_ahead(const struct tile *t, const struct flow *f)
{
    return f->towards > 0 ? t->c + 1 < t->w : t->c > 0;
}

static void route(struct tile *t, const struct flow *f)
{
    unsigned ahead = f->towards > 0 ? AT_EAST : AT_WEST,
             behind = f->towards > 0 ? AT_WEST : AT_EAST;
    uint32_t from;
    if (has_ahead(t, f))
        image_route(t->m, f->colour[t->c % 2], ROUTE_WORD(AT_RAMP, ahead), false);
    if (origin(t, f, 1, &from))
        image_route(t->m, f->colour[1 - t->c % 2], ROUTE_WORD(behind, AT_RAMP), true);
}

static void send(struct tile *t, const struct flow *f, struct slice part, uint16_t data)
{
    image_step(t->m, (struct stream_desc){.op = STREAM_SEND,
                                          .dst = f->colour[t->c % 2],
                                          .src0 = data,
                                          .count = (uint16_t)part.count});
}

static void take(struct tile *t, const struct flow *f, struct slice part, uint16_t data)
{
    image_step(t->m, (struct stream_desc){.op = STREAM_RECV,
                                          .dst = data,
                                          .src1 = f->colour[1 - t->c % 2],
                                          .count = (uint16_t)part.count});
}

/* Both neighbours of a pair send and take, one after the other. */
static void trace_pair(struct tile *t, struct slice part)
{
    const struct machine *k = t->m->machine;
    if (k)
        trace_local(t->m, 2 * (uint64_t)part.count,
                    2 * (uint64_t)(k->stream_setup_cycles + 2 * k->ramp_cycles + k->hop_cycles));
}

static void flow(struct tile *t, const struct flow *f, uint32_t steps, uint16_t own,
                 uint16_t windowed)
{
    uint16_t have = own;
    struct slice held = t->hidden_col; /* what `have` is */
    bool gives = has_ahead(t, f), first = t->c % 2 == 0, holds = true;
    for (uint32_t k = 1; k <= steps && holds; k++) {
        uint32_t from;
        trace_pair(t, held);
        holds = origin(t, f, k, &from);
        struct slice next = holds ? part_of(t, from) : (struct slice){0, 0};
        uint16_t got = image_words(t->m, PART_BUFFERS, next.count);
        if (gives && first)
            send(t, f, held, have);
        if (next.count)
            take(t, f, next, got);
        if (gives && !first)
            send(t, f, held, have);
        tile_pick(t, windowed, t->window, got, next);
        have = got;
        held = next;
    }
}

void halo_fill(struct tile *t, uint16_t own, uint16_t windowed)
{
    static const struct flow east = {1, {COLOUR_BLOCK_A, COLOUR_BLOCK_B}};
    static const struct flow west = {-1, {COLOUR_INPUT_EVEN, COLOUR_INPUT_ODD}};
    uint32_t steps = farthest(t);
    tile_pick(t, windowed, t->window, own, t->hidden_col);
    if (!steps)
        return;
    route(t, &east);
    route(t, &west);
    flow(t, &east, steps, own, windowed);
    flow(t, &west, steps, own, windowed);
}
