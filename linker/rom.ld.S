/* SPDX-License-Identifier: Apache-2.0 */
/* rom.ld.S - the boot ROM: code and constants only. Its working memory is the tile's data and stack regions,
 * which it reaches by offset. */
#include "hal/tile_map.h"

ENTRY(rom_entry)
PHDRS { code PT_LOAD FLAGS(5); }
SECTIONS
{
    . = TILE_ROM_BASE;
    .text : { *(.text.entry) *(.text .text.*) *(.rodata .rodata.* .srodata .srodata.*) . = ALIGN(4); } :code
    .data : { *(.data .data.* .sdata .sdata.*) *(.bss .bss.* .sbss .sbss.* COMMON) } :code
    rom_end = .;

    ASSERT(rom_entry == TILE_ROM_BASE, "reset starts at the first byte")
    ASSERT(rom_end <= TILE_ROM_BASE + TILE_ROM_BYTES, "the boot ROM must fit its region")
    ASSERT(SIZEOF(.data) == 0, "the boot ROM must not have variables")

    /DISCARD/ : { *(.comment) *(.riscv.attributes) *(.note*) *(.eh_frame*) }
}
