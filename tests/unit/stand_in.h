/* SPDX-License-Identifier: Apache-2.0 */
/* stand_in.h - the least a tile needs beside its core for the firmware's own bytes to run: an event
 * queue, a doorbell, and one stream of words per colour. Nothing here takes time except the core.
 */
#ifndef TESSERA_TESTS_UNIT_STAND_IN_H
#define TESSERA_TESTS_UNIT_STAND_IN_H

#include "core/core.h"
#include "hal/tile_map.h"

#include <stddef.h>
#include <stdint.h>

struct stand_in {
    struct core core;
    struct core_bus bus;
    uint8_t *sram, *rom;
    uint32_t event[TILE_EVENTS], event_count; /* oldest first */
    const uint32_t *arriving[TILE_COLOURS];   /* what RECV takes; the test sets it */
    size_t arriving_words[TILE_COLOURS];
    uint32_t started, start_count; /* last doorbell, and how many */
    uint32_t task, locked, fault, fault_info;
};

/* A core about to execute at pc, with $B/firmware/<image> loaded at its place in ROM or SRAM. */
void stand_in_open(struct stand_in *s, const char *image, uint32_t pc);
void stand_in_close(struct stand_in *s);

/* Run until the core sleeps with no event, stops, or has rung the doorbell `starts` times. Returns
 * the cycles it took. Fails the test if it takes too long. */
uint32_t stand_in_run(struct stand_in *s, uint32_t starts);

/* Put an event on the queue, which wakes the core. */
void stand_in_event(struct stand_in *s, uint32_t event);

#endif
