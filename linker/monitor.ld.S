/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.ld.S - the live tile's monitor: plain RAM from the address at which QEMU's virt board starts. The
 * tile's own memory is elsewhere, in the shared file, so nothing here has to keep out of its way. */
#include "hal/tile_map.h"

ENTRY(_start)
SECTIONS
{
    . = TILE_SRAM_BASE;
    .text : { *(.text.start) *(.text*) *(.rodata*) *(.srodata*) }
    . = ALIGN(4096);
    .data : { *(.data*) *(.sdata*) }
    .bss : { *(.bss*) *(.sbss*) *(COMMON) }
    ASSERT(. < TILE_SRAM_BASE + (1 << 20), "the monitor keeps to the first MiB of its RAM")
}
