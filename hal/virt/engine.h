/* SPDX-License-Identifier: Apache-2.0 */
/* engine.h - the two halves of the software tile for each other: tile.c and engine.c. */
#ifndef TESSERA_HAL_VIRT_ENGINE_H
#define TESSERA_HAL_VIRT_ENGINE_H

#include "hal/virt/tile.h"

enum {
#define FAULT(name, code, text) VIRT_FAULT_##name = (code),
#define FAULT_FILE(name, number) VIRT_FILE_##name = (number),
#include "hal/fault.def"
#undef FAULT
#undef FAULT_FILE
};

/* Put an event on the queue (tile.c). Full: FAULT EVENT_OVERFLOW. */
void virt_tile_post(struct virt_tile *t, uint32_t event);

/* Start the descriptor at this SRAM offset (engine.c). */
void virt_engine_start(struct virt_tile *t, uint32_t desc_offset);

/* One beat of one thread; whether one could move. */
bool virt_engine_beat(struct virt_tile *t);

#endif
