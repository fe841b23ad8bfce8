/* SPDX-License-Identifier: Apache-2.0 */
/* port.c - hal/ on QEMU's virt board for firmware that is compiled for it: the unit tests.
 *
 * Every access to a tile register becomes a call of the software tile. (A live tile needs no such
 * port: it runs the wafer's own image, see monitor.c.) */
#include "hal/virt/port.h"

#include "hal/event.h"
#include "hal/mmio.h"
#include "hal/sram.h"

static struct virt_tile the_tile;

struct virt_tile *port_tile(void)
{
    return &the_tile;
}

uint32_t mmio_read(uint32_t offset)
{
    return virt_tile_read(&the_tile, offset);
}

void mmio_write(uint32_t offset, uint32_t value)
{
    virt_tile_write(&the_tile, offset, value);
}

void *hal_sram(uint32_t offset)
{
    return the_tile.sram + offset;
}

uint32_t hal_try_event(void)
{
    return mmio_read(REG_EVENT_POP);
}

void hal_wait_event(void)
{
    virt_tile_wait(&the_tile);
}

void hal_post_event(uint32_t event)
{
    mmio_write(REG_EVENT_POST, event);
}

void hal_start_stream(uint32_t desc_offset)
{
    mmio_write(REG_STREAM_START, desc_offset);
}
