/* SPDX-License-Identifier: Apache-2.0 */
/* fabric.h - what a router does: ports, colours, routes, switches, timing. Hardware contract.
 *
 * A wavelet is 32 bits, its colour (0..23) and a control bit. A router has five ports. Colours are
 * independent lossless virtual channels: one never waits for another except for its turn on a link,
 * which carries one wavelet per cycle and direction.
 *
 * Route of a colour: {inputs} -> {outputs}; a wavelet goes to all outputs in the same cycle, or
 * waits. Up to four switch positions hold one route each. A control wavelet is routed by the
 * position it finds and then advances the switch of every router it passes by one; past the last
 * position it stays there, or goes back to 0 when ROUTE_MODE_RING is set. A wavelet waits at a port
 * that only another position takes. Firmware bugs, found and reported by the emulator: a wavelet at
 * a port no position takes; two inputs of one position that present a wavelet in the same cycle; an
 * unbound colour arriving at the ramp; a write to the route of a colour that has wavelets waiting
 * in this router.
 *
 * Turns: each cycle a router visits its colours cyclically from a pointer and lets through each
 * whose outputs are all free and have room; then the pointer stands behind the first colour that
 * moved. It returns to colour 0 when nothing waits in the router, so that what happened before a
 * quiet moment cannot matter.
 *
 * Timing, T_R = ramp cycles, hop = cycles per link (machine file):
 *   issued by the stream engine in cycle t -> may leave the router from cycle t + T_R
 *   -> is in the next router hop cycles later -> delivered to the ramp, it is in the input queue
 *   T_R cycles after the router let it go.
 * A word taken from a queue in cycle t can be issued again, combined, in cycle t + 1, so:
 *   ping over h hops               h + 2 T_R              issue to arrival in the queue
 *   broadcast, P tiles             B + P + 2 T_R          first issue to last word stored, both
 *                                                         cycles counted
 *   chain reduction                B + (2 T_R + 2)(P - 1) the same
 * (Luczynski et al., "Near-Optimal Wafer-Scale Reduce", HPDC 2024.) */
#ifndef TESSERA_HAL_FABRIC_H
#define TESSERA_HAL_FABRIC_H

#include "hal/tile_map.h"

#include <stdint.h>

/* Ports, and the bits that name them in routes. North is y - 1. RAMP is the tile itself. */
enum fabric_port { PORT_NORTH, PORT_EAST, PORT_SOUTH, PORT_WEST, PORT_RAMP, FABRIC_PORTS };
enum {
    AT_NORTH = 1 << PORT_NORTH,
    AT_EAST = 1 << PORT_EAST,
    AT_SOUTH = 1 << PORT_SOUTH,
    AT_WEST = 1 << PORT_WEST,
    AT_RAMP = 1 << PORT_RAMP
};

/* A route word: inputs in bits 0..4, outputs in bits 8..12. */
#define ROUTE_WORD(inputs, outputs) ((uint16_t)((inputs) | (outputs) << 8))
#define ROUTE_INPUTS(word) ((word)&0x1fu)
#define ROUTE_OUTPUTS(word) ((word) >> 8 & 0x1fu)

/* ROUTE_MODE: how many positions the switch has (1..4; 0 = colour not routed), and whether it
 * wraps. */
#define ROUTE_MODE_POSITIONS(n) ((uint8_t)(n))
#define ROUTE_MODE_COUNT(mode) ((mode)&0x7u)
#define ROUTE_MODE_RING 0x8u

/* The two boot colours are routed by hardware at reset, so that a tile without software can be
 * reached.
 *   IMAGE  one stream for all: enters at the west port of tile (0, 0), runs down column 0 and along
 *          every row: column 0: {W at row 0, else N} -> {RAMP, E, S}; other columns: {W} -> {RAMP,
 *          E}; edges cut off. Bound to queue 0.
 *   LOAD   one stream per row from its west edge, take then pass: position 0 {W} -> {RAMP},
 *          position 1 {W} -> {E}. The control wavelet that ends a tile's share turns its switch.
 *          Bound to queue 1. */
#define COLOUR_IMAGE 23
#define COLOUR_LOAD 22
#define QUEUE_IMAGE 0
#define QUEUE_LOAD 1

#endif
