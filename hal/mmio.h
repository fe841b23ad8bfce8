/* SPDX-License-Identifier: Apache-2.0 */
/* mmio.h - the door to the tile registers. The ports (wafer/, virt/, native/) implement the two
 * functions; wafer/ makes them one load and one store. Offsets come from tile_regs.def. */
#ifndef TESSERA_HAL_MMIO_H
#define TESSERA_HAL_MMIO_H

#include <stdint.h>

enum tile_reg {
#define REG(name, offset, count, access, text) REG_##name = (offset),
#include "hal/tile_regs.def"
#undef REG
};

uint32_t mmio_read(uint32_t offset);
void mmio_write(uint32_t offset, uint32_t value);

#endif
