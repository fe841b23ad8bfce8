/* SPDX-License-Identifier: Apache-2.0 */
/* bare.ld.S - for small test programs: everything in one stretch at the start of RAM, writable too, since
 * the random programs store into their own surroundings only by mistake and we want to see that. */
#include "hal/tile_map.h"

ENTRY(_start)
PHDRS { all PT_LOAD FLAGS(7); }
SECTIONS
{
    . = TILE_SRAM_BASE;
    .text : { *(.text.start) *(.text*) *(.rodata*) *(.data*) *(.sdata*) *(.bss*) *(.sbss*) } :all
}
