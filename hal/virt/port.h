/* SPDX-License-Identifier: Apache-2.0 */
/* port.h - the one tile of a program that is compiled for the virt board. */
#ifndef TESSERA_HAL_VIRT_PORT_H
#define TESSERA_HAL_VIRT_PORT_H

#include "hal/virt/tile.h"

/* The tile behind mmio_read and mmio_write. Call virt_tile_reset on it before anything else, with
 * the SRAM at TILE_SRAM_BASE. */
struct virt_tile *port_tile(void);

#endif
