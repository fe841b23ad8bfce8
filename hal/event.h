/* SPDX-License-Identifier: Apache-2.0 */
/* event.h - how a tile learns that something happened.
 *
 * Every event is a number 0..63, which is also the number of the task it counts for (program.h).
 * Sources: a finished stream descriptor, the timer, and the tile itself. The queue holds
 * TILE_EVENTS entries, oldest first; an overflow is a fault. `wfi` ends when the queue is not
 * empty. */
#ifndef TESSERA_HAL_EVENT_H
#define TESSERA_HAL_EVENT_H

#include <stdint.h>

#define EVENT_QUEUE_EMPTY 0xffffffffu

/* The oldest event, or EVENT_QUEUE_EMPTY. Never waits. Cost: one load from a register. */
uint32_t hal_try_event(void);

/* Sleep until the event queue is not empty. Costs the host nothing. Returns at once if it is not
 * empty. */
void hal_wait_event(void);

/* Put an event on this tile's own queue. */
void hal_post_event(uint32_t event);

#endif
