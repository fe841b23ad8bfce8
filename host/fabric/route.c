/* SPDX-License-Identifier: Apache-2.0 */
/* route.c - the route table of a router: what reset leaves in it, and how it is rewritten. */
#include "fabric/inside.h"

/* Ports some position lets through. A position without outputs takes nothing: it would swallow
 * wavelets. */
static uint8_t ports_taken(const struct router *r, unsigned colour)
{
    unsigned ports = 0;
    for (unsigned p = 0; p < ROUTE_MODE_COUNT(r->mode[colour]); p++)
        if (ROUTE_OUTPUTS(r->route[colour][p]))
            ports |= ROUTE_INPUTS(r->route[colour][p]);
    return (uint8_t)ports;
}

static bool colour_waits(const struct router *r, unsigned colour)
{
    for (unsigned p = 0; p < FABRIC_PORTS; p++)
        if (r->waiting[p] >> colour & 1)
            return true;
    return r->held[PORT_RAMP][colour] != 0;
}

static void changed(struct wafer *w, uint32_t tile, uint32_t colour)
{
    struct router *r = &w->router[tile];
    if (colour_waits(r, colour))
        fault_hardware(w, tile, FAULT_REBIND, "route of colour %u", colour);
    r->takes[colour] = ports_taken(r, colour);
}

void route_write(struct wafer *w, uint32_t tile, uint32_t index, uint32_t word)
{
    uint32_t colour = index / TILE_SWITCH_POSITIONS;
    if (word & ~0x1f1fu) {
        fault_hardware(w, tile, FAULT_REGISTER, "route word 0x%x of colour %u", word, colour);
        return;
    }
    w->router[tile].route[colour][index % TILE_SWITCH_POSITIONS] = (uint16_t)word;
    changed(w, tile, colour);
}

void route_write_mode(struct wafer *w, uint32_t tile, uint32_t colour, uint32_t mode)
{
    struct router *r = &w->router[tile];
    if (mode > (7u | ROUTE_MODE_RING) || ROUTE_MODE_COUNT(mode) > TILE_SWITCH_POSITIONS) {
        fault_hardware(w, tile, FAULT_REGISTER, "route mode 0x%x of colour %u", mode, colour);
        return;
    }
    r->mode[colour] = (uint8_t)mode;
    r->position[colour] = 0;
    changed(w, tile, colour);
}

/* The boot routes of hal/fabric.h. */
void route_reset(struct wafer *w, uint32_t tile)
{
    uint32_t x = wafer_x(w, tile), y = wafer_y(w, tile);
    unsigned east = x + 1 < w->width ? AT_EAST : 0;
    unsigned south = x == 0 && y + 1 < w->height ? AT_SOUTH : 0;
    unsigned image_from = x == 0 && y > 0 ? AT_NORTH : AT_WEST;
    struct router *r = &w->router[tile];
    r->route[COLOUR_IMAGE][0] = ROUTE_WORD(image_from, AT_RAMP | east | south);
    r->mode[COLOUR_IMAGE] = ROUTE_MODE_POSITIONS(1);
    r->route[COLOUR_LOAD][0] = ROUTE_WORD(AT_WEST, AT_RAMP);
    r->route[COLOUR_LOAD][1] = ROUTE_WORD(AT_WEST, east);
    r->mode[COLOUR_LOAD] = ROUTE_MODE_POSITIONS(2);
    r->takes[COLOUR_IMAGE] = ports_taken(r, COLOUR_IMAGE);
    r->takes[COLOUR_LOAD] = ports_taken(r, COLOUR_LOAD);
}
