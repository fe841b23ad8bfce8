/* SPDX-License-Identifier: Apache-2.0 */
/* messages.c - routers followed backwards, message by message. */
#include "run/messages.h"

#include "base/xalloc.h"

#include <assert.h>
#include <stdlib.h>

struct messages {
    const struct wafer *wafer;
    uint32_t width, height;
    struct message_list **through[TILE_COLOURS]; /* [tiles], made when first asked for */
};

/* What waits at a port of a router. */
struct waiting {
    struct message_list list;
    uint32_t next;
};

struct messages *messages_open(const struct wafer *w, uint32_t width, uint32_t height)
{
    struct messages *m = xcalloc(1, sizeof *m);
    *m = (struct messages){.wafer = w, .width = width, .height = height};
    return m;
}

void messages_close(struct messages *m)
{
    for (unsigned c = 0; c < TILE_COLOURS; c++) {
        for (size_t i = 0; m->through[c] && i < (size_t)m->width * m->height; i++) {
            if (m->through[c][i])
                free(m->through[c][i]->message);
            free(m->through[c][i]);
        }
        free((void *)m->through[c]);
    }
    free(m);
}

static void append(struct message_list *l, struct message m)
{
    if (!(l->count & (l->count - 1)))
        l->message = xrealloc(l->message, l->count ? 2 * (size_t)l->count : 1, sizeof m);
    l->message[l->count++] = m;
}

/* What the tile itself sent. */
static void from_tile(const struct messages *m, uint32_t x, uint32_t y, uint8_t colour,
                      struct message_list *out)
{
    uint32_t count;
    const struct stream_record *r = wafer_stream_records(m->wafer, x, y, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (r[i].to != colour || !r[i].count)
            continue;
        append(out, (struct message){.x = x,
                                     .y = y,
                                     .record = i,
                                     .words = r[i].count,
                                     .issued = r[i].end + (r[i].from != NO_COLOUR),
                                     .control = r[i].control});
    }
}

static void from_router(const struct message_list *l, unsigned towards, struct message_list *out)
{
    for (uint32_t i = 0; i < l->count; i++) {
        if (!(l->message[i].outputs & towards))
            continue;
        struct message over = l->message[i];
        over.hops++;
        append(out, over);
    }
}

static void from_port(struct messages *m, uint32_t x, uint32_t y, uint8_t colour, unsigned port,
                      struct message_list *out)
{
    static const int dx[] = {0, 1, 0, -1}, dy[] = {-1, 0, 1, 0};
    if (port == PORT_RAMP) {
        from_tile(m, x, y, colour, out);
        return;
    }
    int64_t nx = (int64_t)x + dx[port], ny = (int64_t)y + dy[port];
    if (nx < 0 || ny < 0 || nx >= m->width || ny >= m->height)
        append(out, (struct message){.x = x, .y = y, .words = UINT32_MAX, .outside = true});
    else
        from_router(messages_through(m, (uint32_t)nx, (uint32_t)ny, colour), 1u << ((port + 2) & 3),
                    out);
}

/* Ports that some position with outputs takes. */
static unsigned ports_taken(const struct colour_route *r)
{
    unsigned ports = 0;
    for (unsigned p = 0; p < ROUTE_MODE_COUNT(r->mode); p++)
        if (ROUTE_OUTPUTS(r->word[p]))
            ports |= ROUTE_INPUTS(r->word[p]);
    return ports;
}

/* Of those that wait at a port of this position, the one sent first; NULL: none. */
static struct waiting *choose(struct waiting *at, uint16_t word)
{
    struct waiting *best = NULL;
    for (unsigned p = 0; p < FABRIC_PORTS && ROUTE_OUTPUTS(word); p++) {
        if (!(ROUTE_INPUTS(word) >> p & 1) || at[p].next == at[p].list.count)
            continue;
        if (!best || at[p].list.message[at[p].next].issued < best->list.message[best->next].issued)
            best = &at[p];
    }
    return best;
}

static void let_through(const struct colour_route *r, struct waiting *at, struct message_list *out)
{
    unsigned positions = ROUTE_MODE_COUNT(r->mode), position = 0;
    for (struct waiting *from; positions && (from = choose(at, r->word[position])); from->next++) {
        struct message m = from->list.message[from->next];
        m.outputs = (uint8_t)ROUTE_OUTPUTS(r->word[position]);
        append(out, m);
        if (m.control && position + 1 < positions)
            position++;
        else if (m.control && r->mode & ROUTE_MODE_RING)
            position = 0;
    }
}

const struct message_list *messages_through(struct messages *m, uint32_t x, uint32_t y,
                                            uint8_t colour)
{
    size_t tile = (size_t)y * m->width + x;
    assert(colour < TILE_COLOURS && x < m->width && y < m->height);
    if (!m->through[colour])
        m->through[colour] = xcalloc((size_t)m->width * m->height, sizeof(struct message_list *));
    if (m->through[colour][tile])
        return m->through[colour][tile];
    struct message_list *out = m->through[colour][tile] = xcalloc(1, sizeof *out);
    struct colour_route route = wafer_route(m->wafer, x, y, colour);
    struct waiting at[FABRIC_PORTS] = {0};
    for (unsigned p = 0; p < FABRIC_PORTS; p++)
        if (ports_taken(&route) >> p & 1)
            from_port(m, x, y, colour, p, &at[p].list);
    let_through(&route, at, out);
    for (unsigned p = 0; p < FABRIC_PORTS; p++)
        free(at[p].list.message);
    return out;
}
