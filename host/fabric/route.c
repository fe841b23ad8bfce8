/* SPDX-License-Identifier: Apache-2.0 */
/* route.c - the route table of a router: what reset leaves in it, and how it is rewritten. */
#include "fabric/fast.h"

/* The routes of one colour, wherever the engine in use keeps them. */
struct table {
    uint16_t *word; /* [TILE_SWITCH_POSITIONS] */
    uint8_t *mode, *position, *takes;
    bool waits; /* wavelets of the colour wait, or are on their way from the tile */
};

static bool colour_waits(const struct router *r, unsigned colour)
{
    for (unsigned p = 0; p < FABRIC_PORTS; p++)
        if (r->waiting[p] >> colour & 1)
            return true;
    return r->held[PORT_RAMP][colour] != 0;
}

static struct table table_of(const struct wafer *w, uint32_t tile, unsigned colour)
{
    if (w->fast) {
        struct lane *l = fast_lane(w, tile, colour);
        return (struct table){l->route, &l->mode, &l->position, &l->takes,
                              l->ports || l->held[PORT_RAMP]};
    }
    struct router *r = &w->router[tile];
    return (struct table){r->route[colour], &r->mode[colour], &r->position[colour],
                          &r->takes[colour], colour_waits(r, colour)};
}

/* Ports some position lets through. A position without outputs takes nothing: it would swallow
 * wavelets. */
static uint8_t ports_taken(const struct table *t)
{
    unsigned ports = 0;
    for (unsigned p = 0; p < ROUTE_MODE_COUNT(*t->mode); p++)
        if (ROUTE_OUTPUTS(t->word[p]))
            ports |= ROUTE_INPUTS(t->word[p]);
    return (uint8_t)ports;
}

/* What follows from the table. */
static void derive(struct wafer *w, uint32_t tile, uint32_t colour)
{
    struct table t = table_of(w, tile, colour);
    *t.takes = ports_taken(&t);
    if (w->fast)
        fast_lane(w, tile, colour)->now = t.word[*t.position];
}

static void changed(struct wafer *w, uint32_t tile, uint32_t colour)
{
    if (table_of(w, tile, colour).waits)
        fault_hardware(w, tile, FAULT_REBIND, "route of colour %u", colour);
    derive(w, tile, colour);
}

void route_write(struct wafer *w, uint32_t tile, uint32_t index, uint32_t word)
{
    uint32_t colour = index / TILE_SWITCH_POSITIONS;
    if (word & ~0x1f1fu) {
        fault_hardware(w, tile, FAULT_REGISTER, "route word 0x%x of colour %u", word, colour);
        return;
    }
    if (w->fast)
        trains_stop_lane(w, tile, colour);
    table_of(w, tile, colour).word[index % TILE_SWITCH_POSITIONS] = (uint16_t)word;
    changed(w, tile, colour);
}

void route_write_mode(struct wafer *w, uint32_t tile, uint32_t colour, uint32_t mode)
{
    struct table t = table_of(w, tile, colour);
    if (mode > (7u | ROUTE_MODE_RING) || ROUTE_MODE_COUNT(mode) > TILE_SWITCH_POSITIONS) {
        fault_hardware(w, tile, FAULT_REGISTER, "route mode 0x%x of colour %u", mode, colour);
        return;
    }
    if (w->fast)
        trains_stop_lane(w, tile, colour);
    *t.mode = (uint8_t)mode;
    *t.position = 0;
    changed(w, tile, colour);
}

uint32_t route_word(const struct wafer *w, uint32_t tile, uint32_t index)
{
    return table_of(w, tile, index / TILE_SWITCH_POSITIONS).word[index % TILE_SWITCH_POSITIONS];
}

uint32_t route_mode(const struct wafer *w, uint32_t tile, uint32_t colour)
{
    return *table_of(w, tile, colour).mode;
}

/* The boot routes of hal/fabric.h. */
void route_reset(struct wafer *w, uint32_t tile)
{
    uint32_t x = wafer_x(w, tile), y = wafer_y(w, tile);
    unsigned east = x + 1 < w->width ? AT_EAST : 0;
    unsigned south = x == 0 && y + 1 < w->height ? AT_SOUTH : 0;
    unsigned image_from = x == 0 && y > 0 ? AT_NORTH : AT_WEST;
    struct table image = table_of(w, tile, COLOUR_IMAGE), load = table_of(w, tile, COLOUR_LOAD);
    image.word[0] = ROUTE_WORD(image_from, AT_RAMP | east | south);
    *image.mode = ROUTE_MODE_POSITIONS(1);
    load.word[0] = ROUTE_WORD(AT_WEST, AT_RAMP);
    load.word[1] = ROUTE_WORD(AT_WEST, east);
    *load.mode = ROUTE_MODE_POSITIONS(2);
    derive(w, tile, COLOUR_IMAGE);
    derive(w, tile, COLOUR_LOAD);
}

/* The loader's last act on the fabric was to turn the switch. */
void route_loaded(struct wafer *w, uint32_t tile)
{
    *table_of(w, tile, COLOUR_LOAD).position = 1;
    derive(w, tile, COLOUR_LOAD);
}

struct colour_route wafer_route(const struct wafer *w, uint32_t x, uint32_t y, uint8_t colour)
{
    uint32_t tile = y * w->width + x;
    struct colour_route r = {.mode = (uint8_t)route_mode(w, tile, colour)};
    for (uint32_t i = 0; i < TILE_SWITCH_POSITIONS; i++)
        r.word[i] = (uint16_t)route_word(w, tile, (uint32_t)colour * TILE_SWITCH_POSITIONS + i);
    return r;
}
