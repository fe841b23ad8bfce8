/* SPDX-License-Identifier: Apache-2.0 */
/* collective_rect.c - rectangles: rows, then the column of their roots. */
#include "place/collective.h"

struct rect_place rect_place(const struct rect *r, uint32_t x, uint32_t y, uint32_t root_column,
                             uint32_t root_row)
{
    return (struct rect_place){.row = {.index = x - r->x0,
                                       .length = r->w,
                                       .root = root_column,
                                       .low = PORT_WEST,
                                       .high = PORT_EAST},
                               .column = {.index = y - r->y0,
                                          .length = r->h,
                                          .root = root_row,
                                          .low = PORT_NORTH,
                                          .high = PORT_SOUTH}};
}

static bool in_root_column(const struct rect_place *p)
{
    return p->row.index == p->row.root;
}

void rect_reduce(struct image *m, const struct rect_place *p, enum reduction op, uint16_t part,
                 uint16_t out, struct length n)
{
    if (p->row.length > 1)
        line_reduce(m, &p->row, op, part, out, n);
    if (in_root_column(p))
        line_reduce(m, &p->column, op, p->row.length > 1 ? out : part, out, n);
}

/* Onward from the root's place on a line: the ports behind this tile, and where it comes from. */
static unsigned line_onward(const struct line *l)
{
    unsigned down = l->index > 0 && l->index <= l->root ? 1u << l->low : 0;
    unsigned up = l->index + 1 < l->length && l->index >= l->root ? 1u << l->high : 0;
    return down | up;
}

static unsigned line_source(const struct line *l)
{
    return 1u << (l->index < l->root ? l->high : l->low);
}

void rect_broadcast(struct image *m, const struct rect_place *p, uint16_t data, struct length n)
{
    unsigned onward = line_onward(&p->row), from = line_source(&p->row);
    bool root = false;
    if (in_root_column(p)) {
        onward |= line_onward(&p->column);
        from = line_source(&p->column);
        root = p->column.index == p->column.root;
    }
    if (root && !onward)
        return;
    struct stream_desc d = {.op = STREAM_RECV, .dst = data, .src1 = p->cast};
    if (root)
        d = (struct stream_desc){.op = STREAM_SEND, .dst = p->cast, .src0 = data};
    image_route(m, p->cast, root ? ROUTE_WORD(AT_RAMP, onward) : ROUTE_WORD(from, AT_RAMP | onward),
                !root);
    line_step(m, d, n);
}

void rect_allreduce(struct image *m, const struct rect_place *p, enum reduction op, uint16_t part,
                    uint16_t out, struct length n)
{
    rect_reduce(m, p, op, part, out, n);
    rect_broadcast(m, p, out, n);
}

void rect_gather(struct image *m, const struct rect_place *p, uint16_t piece, uint32_t words,
                 uint16_t row, uint16_t out)
{
    line_gather(m, &p->row, piece, words, row);
    if (in_root_column(p))
        line_gather(m, &p->column, row, p->row.length * words, out);
}
