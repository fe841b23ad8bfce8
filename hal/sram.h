/* SPDX-License-Identifier: Apache-2.0 */
/* sram.h - the door to this tile's own memory. On a wafer it is an addition; a test supplies any
 * 48 KiB. */
#ifndef TESSERA_HAL_SRAM_H
#define TESSERA_HAL_SRAM_H

#include <stdint.h>

/* The byte at this offset, 0..TILE_SRAM_BYTES - 1; as aligned as the offset. Cost: one addition. */
void *hal_sram(uint32_t offset);

#endif
