/* SPDX-License-Identifier: Apache-2.0 */
/* tile.ld.S - the firmware image: code and constants at the start of SRAM, variables (there are none so
 * far) in the data region. Nothing may need initialised variables: the image is shared by all tiles and is
 * read-only, and boot only clears. Numbers lie so close behind its start that gp (hal/wafer/port.h) reaches them:
 * the linker turns the address and the load of one into a load. */
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
    __global_pointer$ = .;
    .entry : { *(.text.entry) . = ALIGN(4); } :code
    .rodata : { *(.srodata .srodata.*) *(.rodata .rodata.*) . = ALIGN(4); } :code
    .text : { *(.text .text.*) . = ALIGN(4); } :code
    .data : { *(.data .data.* .sdata .sdata.*) } :code
    image_end = .;

    . = TILE_SRAM_BASE + TILE_DATA_OFFSET;
    .bss (NOLOAD) : { *(.bss .bss.* .sbss .sbss.* COMMON) } :data
    data_end = .;

    ASSERT(firmware_entry == TILE_SRAM_BASE, "the boot ROM jumps to the start of SRAM")
    ASSERT(image_end <= TILE_SRAM_BASE + TILE_CODE_BYTES, "code and constants must fit the code region")
    ASSERT(SIZEOF(.data) == 0, "the image must not have initialised variables")
    ASSERT(data_end <= TILE_SRAM_BASE + TILE_DATA_OFFSET + TILE_DATA_BYTES, "variables must fit the data region")
    ASSERT(TILE_DATA_OFFSET >= TILE_CODE_BYTES, "regions overlap")
    ASSERT(TILE_STACK_OFFSET >= TILE_DATA_OFFSET + TILE_DATA_BYTES, "regions overlap")
    ASSERT(TILE_PROGRAM_OFFSET >= TILE_STACK_OFFSET + TILE_STACK_BYTES, "regions overlap")

    /DISCARD/ : { *(.comment) *(.riscv.attributes) *(.note*) *(.eh_frame*) }
}
