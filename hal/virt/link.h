/* SPDX-License-Identifier: Apache-2.0 */
/* link.h - where the words of the software tile come from and go to, and who hears of its state.
 *
 * Implemented once per program: shm.c (a live tile of an emulated wafer) and
 * tests/firmware/bench.c (unit tests, which play the neighbours). Colours are below TILE_COLOURS.
 */
#ifndef TESSERA_HAL_VIRT_LINK_H
#define TESSERA_HAL_VIRT_LINK_H

#include <stdbool.h>
#include <stdint.h>

struct virt_tile;

/* Whether one more word of this colour can leave now. */
bool virt_link_room(uint8_t colour);

/* Let a word leave; virt_link_room() must have said yes. */
void virt_link_send(uint8_t colour, uint32_t word, bool control);

/* Take the next word of this colour that has arrived. False, and *word untouched: there is none. */
bool virt_link_try_receive(uint8_t colour, uint32_t *word, bool *control);

/* Whether virt_link_try_receive would succeed. */
bool virt_link_waiting(uint8_t colour);

/* The tile wrote a register of its router (QUEUE_COLOUR, ROUTE_MODE, ROUTE). */
void virt_link_configure(uint32_t offset, uint32_t value);

/* The tile waits for an event and its engine cannot move. Returns when another look is worth it. */
void virt_link_quiet(struct virt_tile *t);

/* The fault record of *t is complete: the tile has stopped for good. */
_Noreturn void virt_link_fault(struct virt_tile *t);

#endif
