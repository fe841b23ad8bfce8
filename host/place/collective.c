/* SPDX-License-Identifier: Apache-2.0 */
/* collective.c - the two-sided chain and the broadcast on one line of tiles. */
#include "place/collective.h"

#include <assert.h>
#include <stddef.h>

void patch_add(struct patch_list *l, uint32_t at, uint32_t times, uint32_t plus)
{
    assert(l->count < sizeof l->patch / sizeof l->patch[0]);
    l->patch[l->count++] =
        (struct token_patch){.at = (uint16_t)at, .times = (uint16_t)times, .plus = (uint16_t)plus};
}

static void step(struct image *m, struct stream_desc d, struct length n, struct patch_list *patches)
{
    d.count = (uint16_t)n.plus;
    uint16_t at = image_step(m, d);
    if (n.times)
        patch_add(patches, at + (uint32_t)offsetof(struct stream_desc, count), n.times, n.plus);
}

/* The colour on which tile `index` sends towards the root: the root's neighbours use 0 (low) and 1
 * (high). */
static uint8_t send_colour(const struct line *l, uint32_t index)
{
    uint32_t turn = index < l->root ? (l->root - 1 - index) & 1 : ((index - l->root - 1) & 1) ^ 1;
    return l->chain[turn];
}

/* A tile that is not the root: take from the far side if there is one, add, pass on. */
static void chain_link(struct image *m, const struct line *l, enum reduction op, uint16_t part,
                       struct length n, struct patch_list *patches)
{
    int below = l->index < l->root;
    enum fabric_port towards = below ? l->high : l->low, away = below ? l->low : l->high;
    int far_end = below ? l->index == 0 : l->index == l->length - 1;
    uint8_t to = send_colour(l, l->index);
    image_route(m, to, ROUTE_WORD(AT_RAMP, 1u << towards), false);
    struct stream_desc d = {.op = STREAM_SEND, .dst = to, .src0 = part};
    if (!far_end) {
        uint8_t from = send_colour(l, below ? l->index - 1 : l->index + 1);
        image_route(m, from, ROUTE_WORD(1u << away, AT_RAMP), true);
        d.op = op == REDUCE_ADD ? STREAM_ADD_SEND : STREAM_MAX_SEND;
        d.src1 = from;
    }
    step(m, d, n, patches);
}

void line_reduce(struct image *m, const struct line *l, enum reduction op, uint16_t part,
                 uint16_t out, struct length n, struct patch_list *patches)
{
    if (l->index != l->root) {
        chain_link(m, l, op, part, n, patches);
        return;
    }
    uint8_t receive = op == REDUCE_ADD ? STREAM_ADD_RECV : STREAM_MAX_RECV;
    uint16_t have = part;
    for (int side = 0; side < 2; side++) {
        int there = side == 0 ? l->root > 0 : l->root + 1 < l->length;
        if (!there)
            continue;
        uint8_t from = send_colour(l, side == 0 ? l->root - 1 : l->root + 1);
        image_route(m, from, ROUTE_WORD(1u << (side == 0 ? l->low : l->high), AT_RAMP), true);
        step(m, (struct stream_desc){.op = receive, .dst = out, .src0 = have, .src1 = from}, n,
             patches);
        have = out;
    }
    if (have == part && part != out)
        step(m, (struct stream_desc){.op = STREAM_COPY, .dst = out, .src0 = part}, n, patches);
}

void line_broadcast(struct image *m, const struct line *l, uint16_t data, struct length n,
                    struct patch_list *patches)
{
    if (l->length == 1)
        return;
    uint32_t down = l->index > 0 ? 1u << l->low : 0,
             up = l->index + 1 < l->length ? 1u << l->high : 0;
    if (l->index == l->root) {
        image_route(m, l->broadcast, ROUTE_WORD(AT_RAMP, down | up), false);
        step(m, (struct stream_desc){.op = STREAM_SEND, .dst = l->broadcast, .src0 = data}, n,
             patches);
        return;
    }
    int below = l->index < l->root;
    image_route(m, l->broadcast,
                ROUTE_WORD(1u << (below ? l->high : l->low), AT_RAMP | (below ? down : up)), true);
    step(m, (struct stream_desc){.op = STREAM_RECV, .dst = data, .src1 = l->broadcast}, n, patches);
}
