/* SPDX-License-Identifier: Apache-2.0 */
/* halo.c - own parts become windows, from neighbour to neighbour. */
#include "place/halo.h"
#include "place/units.h"

static struct slice part_of(const struct tile *t, uint32_t column)
{
    return slice_of(t->config->hidden, t->w, column);
}

/* How many columns away lies what some window of the row has. */
static uint32_t farthest(const struct tile *t)
{
    uint32_t most = 0;
    for (uint32_t c = 0; c < t->w; c++) {
        struct slice window = units_window(t, c);
        for (uint32_t k = most + 1; k <= c && slice_overlap(part_of(t, c - k), window).count; k++)
            most = k;
        for (uint32_t k = most + 1; c + k < t->w && slice_overlap(part_of(t, c + k), window).count;
             k++)
            most = k;
    }
    return most;
}

/* One direction: east (1) or west (-1). */
struct flow {
    int32_t towards;
    uint8_t colour[2]; /* of what even and odd columns send */
};

/* Whether a tile of this column sends in a step, and takes: there is a neighbour, and something
 * has come from so many columns away. */
static bool sends(const struct tile *t, const struct flow *f, uint32_t step)
{
    int64_t from = (int64_t)t->c - f->towards * (int64_t)(step - 1),
            to = (int64_t)t->c + f->towards;
    return from >= 0 && from < t->w && to >= 0 && to < t->w;
}

static bool takes(const struct tile *t, const struct flow *f, uint32_t step)
{
    int64_t from = (int64_t)t->c - f->towards * (int64_t)step;
    return from >= 0 && from < t->w;
}

static void route(struct tile *t, const struct flow *f)
{
    unsigned ahead = f->towards > 0 ? AT_EAST : AT_WEST,
             behind = f->towards > 0 ? AT_WEST : AT_EAST;
    if (sends(t, f, 1))
        image_route(t->m, f->colour[t->c % 2], ROUTE_WORD(AT_RAMP, ahead), false);
    if (takes(t, f, 1))
        image_route(t->m, f->colour[1 - t->c % 2], ROUTE_WORD(behind, AT_RAMP), true);
}

static void send(struct tile *t, const struct flow *f, uint32_t step, uint16_t data)
{
    uint32_t from = (uint32_t)((int32_t)t->c - f->towards * (int32_t)(step - 1));
    image_step(t->m, (struct stream_desc){.op = STREAM_SEND,
                                          .dst = f->colour[t->c % 2],
                                          .src0 = data,
                                          .count = (uint16_t)part_of(t, from).count});
}

static void take(struct tile *t, const struct flow *f, uint32_t step, uint16_t data)
{
    uint32_t from = (uint32_t)((int32_t)t->c - f->towards * (int32_t)step);
    image_step(t->m, (struct stream_desc){.op = STREAM_RECV,
                                          .dst = data,
                                          .src1 = f->colour[1 - t->c % 2],
                                          .count = (uint16_t)part_of(t, from).count});
}

static void flow(struct tile *t, const struct flow *f, uint32_t steps, uint16_t own,
                 uint16_t windowed)
{
    uint16_t have = own;
    for (uint32_t k = 1; k <= steps; k++) {
        bool gives = sends(t, f, k), gets = takes(t, f, k);
        uint32_t from = gets ? (uint32_t)((int32_t)t->c - f->towards * (int32_t)k) : t->c;
        uint16_t got = image_words(t->m, PART_BUFFERS, part_of(t, from).count);
        if (gives && t->c % 2 == 0)
            send(t, f, k, have);
        if (gets)
            take(t, f, k, got);
        if (gives && t->c % 2 == 1)
            send(t, f, k, have);
        if (gets)
            tile_pick(t, windowed, t->window, got, part_of(t, from));
        have = got;
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
