/* SPDX-License-Identifier: Apache-2.0 */
/* bench.ld.S - the core benchmarks: code and constants where a tile has its image, cleared variables behind
 * it, the stack below the end of SRAM. */
#include "hal/tile_map.h"

ENTRY(firmware_entry)
PHDRS
{
    code PT_LOAD FLAGS(5);
    data PT_LOAD FLAGS(6);
}
SECTIONS
{
    . = TILE_SRAM_BASE;
    .text : { *(.text.entry) *(.text .text.*) } :code
    .rodata : { *(.rodata .rodata.* .srodata .srodata.*) . = ALIGN(4); } :code
    .data : { *(.data .data.* .sdata .sdata.*) } :code
    image_end = .;

    . = TILE_SRAM_BASE + TILE_CODE_BYTES;
    .bss (NOLOAD) : { *(.bss .bss.* .sbss .sbss.* COMMON) } :data
    data_end = .;

    ASSERT(firmware_entry == TILE_SRAM_BASE, "the host starts at the start of SRAM")
    ASSERT(image_end <= TILE_SRAM_BASE + TILE_CODE_BYTES, "code and constants must fit the code region")
    ASSERT(SIZEOF(.data) == 0, "the image must not have initialised variables")
    ASSERT(data_end <= TILE_SRAM_BASE + TILE_SRAM_BYTES - 4096, "no room for the stack")

    /DISCARD/ : { *(.comment) *(.riscv.attributes) *(.note*) *(.eh_frame*) }
}
