/* SPDX-License-Identifier: Apache-2.0 */
/* collective_ring.c - a line folded into a ring: reduce-scatter, then all-gather. */
#include "place/collective.h"
#include "place/split.h"

/* Tiles of even index in rising order, then those of odd index in falling order. */
static uint32_t place_of(const struct line *l, uint32_t tile)
{
    return tile % 2 ? l->length - 1 - tile / 2 : tile / 2;
}

static uint32_t tile_at(const struct line *l, uint32_t place)
{
    uint32_t even = (l->length + 1) / 2;
    return place < even ? 2 * place : 2 * (l->length - 1 - place) + 1;
}

/* The colour on which a tile sends: even tiles have one pair, odd ones the other, in turn, so that
 * of what a tile takes, sends and lets pass no two share one. */
static uint8_t colour_of(const struct line *l, uint32_t tile)
{
    return l->chain[2 * (tile & 1) + (tile / 2 & 1)];
}

static unsigned port_to(const struct line *l, uint32_t tile)
{
    return 1u << (tile > l->index ? l->high : l->low);
}

/* What passes an inner tile goes from one neighbour to the other. */
static void route_ring(struct image *m, const struct line *l, uint32_t prev, uint32_t next)
{
    bool rising = l->index % 2;
    uint32_t from = rising ? l->index - 1 : l->index + 1;
    image_route(m, colour_of(l, l->index), ROUTE_WORD(AT_RAMP, port_to(l, next)), false);
    image_route(m, colour_of(l, prev), ROUTE_WORD(port_to(l, prev), AT_RAMP), true);
    if (l->index > 0 && l->index + 1 < l->length)
        image_route(
            m, colour_of(l, from),
            ROUTE_WORD(1u << (rising ? l->low : l->high), 1u << (rising ? l->high : l->low)),
            false);
}

/* One ring's work on this tile. */
struct ring {
    struct image *m;
    uint32_t tiles, place, words;
    uint32_t first; /* the pieces of this round of the ring are first .. first + tiles - 1 */
    uint32_t pieces;
    uint8_t from, to;
};

/* A step on the piece that belongs `behind` places before this one. */
static void piece_step(const struct ring *r, uint32_t behind, struct stream_desc d)
{
    uint32_t piece = r->first + (r->place + r->tiles - behind) % r->tiles;
    struct slice s = slice_of(r->words, r->pieces, piece);
    bool sends = stream_fabric_use(d.op) & 2;
    d.src0 = (uint16_t)(d.src0 + 4 * s.first);
    d.dst = sends ? r->to : (uint16_t)(d.dst + 4 * s.first);
    d.src1 = r->from;
    line_step(r->m, d, (struct length){.plus = s.count});
}

static void ring_once(const struct ring *r, enum reduction op, uint16_t part, uint16_t out)
{
    uint8_t combine = op == REDUCE_ADD ? STREAM_ADD_SEND : STREAM_MAX_SEND;
    uint8_t receive = op == REDUCE_ADD ? STREAM_ADD_RECV : STREAM_MAX_RECV;
    piece_step(r, 1, (struct stream_desc){.op = STREAM_SEND, .src0 = part});
    for (uint32_t behind = 2; behind < r->tiles; behind++)
        piece_step(r, behind, (struct stream_desc){.op = combine, .src0 = part});
    piece_step(r, 0, (struct stream_desc){.op = receive, .src0 = part, .dst = out});
    for (uint32_t behind = 0; behind + 1 < r->tiles; behind++) {
        piece_step(r, behind, (struct stream_desc){.op = STREAM_SEND, .src0 = out});
        piece_step(r, behind + 1, (struct stream_desc){.op = STREAM_RECV, .dst = out});
    }
}

void line_ring_allreduce(struct image *m, const struct line *l, enum reduction op, uint16_t part,
                         uint16_t out, struct ring_size n)
{
    if (l->length == 1) {
        line_step(m, (struct stream_desc){.op = STREAM_COPY, .dst = out, .src0 = part},
                  (struct length){.plus = n.words});
        return;
    }
    uint32_t place = place_of(l, l->index);
    uint32_t prev = tile_at(l, (place + l->length - 1) % l->length);
    uint32_t rounds = ring_rounds(n, l->length);
    route_ring(m, l, prev, tile_at(l, (place + 1) % l->length));
    struct ring r = {.m = m,
                     .tiles = l->length,
                     .place = place,
                     .words = n.words,
                     .pieces = rounds * l->length,
                     .from = colour_of(l, prev),
                     .to = colour_of(l, l->index)};
    for (uint32_t i = 0; i < rounds; i++) {
        r.first = i * l->length;
        ring_once(&r, op, part, out);
    }
}
