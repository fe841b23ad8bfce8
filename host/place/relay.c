/* SPDX-License-Identifier: Apache-2.0 */
/* relay.c - routes and steps between the band and the rows outside. */
#include "place/relay.h"
#include "place/trace.h"

static uint32_t rows_north(const struct strip *s)
{
    return s->band.first;
}

static uint32_t rows_south(const struct plan *p, const struct strip *s)
{
    return p->height - s->band.first - s->band.count;
}

uint32_t relay_root(const struct plan *p, const struct strip *s)
{
    return rows_south(p, s) ? rows_north(s) : rows_north(s) - 1;
}

uint32_t relay_root_row(const struct plan *p, const struct strip *s)
{
    return rows_south(p, s) ? s->band.first + s->band.count : s->band.first - 1;
}

static void band_routes(struct tile *t)
{
    const struct plan *p = t->plan;
    const struct strip *s = t->strip;
    uint32_t root = t->column.root;
    unsigned north = rows_north(s) ? AT_NORTH : 0, south = rows_south(p, s) ? AT_SOUTH : 0;
    bool root_south = rows_south(p, s) > 0;
    for (int i = 0; i < 2 && north && south; i++)
        image_route(t->m, (uint8_t)(COLOUR_OUTER_A + i), ROUTE_WORD(AT_NORTH, AT_SOUTH), false);
    if (t->r == root)
        image_route(t->m, COLOUR_TO_OUTER, ROUTE_WORD(AT_RAMP, north | south), false);
    else if (t->r < root && north)
        image_route(t->m, COLOUR_TO_OUTER, ROUTE_WORD(AT_SOUTH, AT_NORTH), false);
    else if (t->r > root && south)
        image_route(t->m, COLOUR_TO_OUTER, ROUTE_WORD(AT_NORTH, AT_SOUTH), false);
    unsigned from = root_south ? AT_SOUTH : AT_NORTH, to = root_south ? AT_NORTH : AT_SOUTH;
    if (t->r == root)
        image_route(t->m, COLOUR_FROM_OUTER, ROUTE_WORD(from, AT_RAMP), true);
    else if (root_south ? t->r > root : t->r < root)
        image_route(t->m, COLOUR_FROM_OUTER, ROUTE_WORD(from, to), false);
}

static void outer_routes(struct tile *t)
{
    bool north = t->r < rows_north(t->strip), last = north ? t->r == 0 : t->r + 1 == t->h;
    unsigned inward = north ? AT_SOUTH : AT_NORTH, outward = north ? AT_NORTH : AT_SOUTH;
    image_route(t->m, COLOUR_TO_OUTER, ROUTE_WORD(inward, AT_RAMP | (last ? 0 : outward)), true);
    if (t->column_root)
        image_route(t->m, COLOUR_FROM_OUTER, ROUTE_WORD(AT_RAMP, inward), false);
}

void relay_routes(struct tile *t)
{
    if (!t->split)
        return;
    if (t->outer)
        outer_routes(t);
    else
        band_routes(t);
}

static void send(struct tile *t, enum trace_wire wire, uint8_t colour, uint16_t data,
                 uint32_t count)
{
    trace_wire(t->m, TRACE_SEND, wire, count);
    image_step(t->m, (struct stream_desc){
                         .op = STREAM_SEND, .dst = colour, .src0 = data, .count = (uint16_t)count});
}

/* The hops between the band's column root and a row outside. */
static uint32_t distance(const struct strip *s, uint32_t row)
{
    uint32_t root = s->band.first + line_joint_root(s->band.count);
    return row > root ? row - root : root - row;
}

static void reckon(struct tile *t, uint32_t hops, uint32_t words)
{
    const struct machine *k = t->m->machine;
    if (!k)
        return;
    uint64_t way = (uint64_t)hops * k->hop_cycles;
    uint64_t single = way + 2 + 2 * (uint64_t)k->ramp_cycles;
    image_collective(t->m, single + words - 1, single, way);
}

uint32_t relay_spread(const struct plan *p, const struct strip *s)
{
    uint32_t far = distance(s, 0), south = distance(s, p->height - 1);
    far = far > south ? far : south;
    return far - distance(s, relay_root_row(p, s));
}

void relay_out(struct tile *t, uint16_t data, uint32_t count)
{
    if (t->column_root)
        send(t, WIRE_OUT, COLOUR_TO_OUTER, data, count);
}

void relay_take(struct tile *t, uint16_t data, uint32_t count)
{
    trace_wire(t->m, TRACE_TAKE, WIRE_OUT, count);
    image_step(t->m, (struct stream_desc){.op = STREAM_RECV,
                                          .dst = data,
                                          .src1 = COLOUR_TO_OUTER,
                                          .count = (uint16_t)count});
    reckon(t, distance(t->strip, relay_root_row(t->plan, t->strip)), count);
}

void relay_back(struct tile *t, uint16_t sum, uint32_t count)
{
    if (t->column_root)
        send(t, WIRE_BACK, COLOUR_FROM_OUTER, sum, count);
}

void relay_result(struct tile *t, uint16_t data, uint32_t count)
{
    reckon(t, distance(t->strip, relay_root_row(t->plan, t->strip)), count);
    line_forward(t->m, &t->column, COLOUR_FROM_OUTER, data, fixed(count));
}
