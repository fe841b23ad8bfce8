/* SPDX-License-Identifier: Apache-2.0 */
/* port.h - hal/ on a tile: every function is one or two instructions.
 *
 * Forced in front of each source of the tile image (-include hal/wafer/port.h), so that the sources
 * name only the contract headers and yet pay no call. The memory clobbers keep SRAM accesses on
 * their side of the register access: the stream engine reads and writes SRAM in between.
 *
 * The two base addresses live in the registers the ABI leaves to the platform, set by the entry
 * code: gp points to SRAM, tp to the tile registers. Building them anew would cost an instruction
 * an access. */
#ifndef TESSERA_HAL_WAFER_PORT_H
#define TESSERA_HAL_WAFER_PORT_H

#include "hal/event.h"
#include "hal/mmio.h"
#include "hal/sram.h"
#include "hal/stream.h"
#include "hal/tile_map.h"

/* The usual way to give a declared function an inline body and no other: the GNU meaning of extern
 * inline. */
#define PORT extern inline __attribute__((gnu_inline, always_inline))

__extension__ register uint8_t *port_sram __asm__("gp");
__extension__ register volatile uint32_t *port_registers __asm__("tp");

PORT uint32_t mmio_read(uint32_t offset)
{
    uint32_t value = *(port_registers + offset / 4);

    __asm__ volatile("" ::: "memory");
    return value;
}

PORT void mmio_write(uint32_t offset, uint32_t value)
{
    __asm__ volatile("" ::: "memory");
    *(port_registers + offset / 4) = value;
}

PORT void *hal_sram(uint32_t offset)
{
    return port_sram + offset;
}

PORT uint32_t hal_try_event(void)
{
    return mmio_read(REG_EVENT_POP);
}

PORT void hal_wait_event(void)
{
    __asm__ volatile("wfi" ::: "memory");
}

PORT void hal_post_event(uint32_t event)
{
    mmio_write(REG_EVENT_POST, event);
}

PORT void hal_start_stream(uint32_t desc_offset)
{
    mmio_write(REG_STREAM_START, desc_offset);
}

#endif
