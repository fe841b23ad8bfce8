/* SPDX-License-Identifier: Apache-2.0 */
/* virt.ld.S - the firmware unit tests on QEMU's virt board and on our core.
 *
 * The tile's SRAM holds what QEMU enters, and the firmware's data where they lie on the wafer; the rest is
 * free for the tests. Code is beyond the 48 KiB: compiled for a port it is larger than the code region. */
#include "hal/tile_map.h"

#define PORT_BASE (TILE_SRAM_BASE + 0x20000)

ENTRY(_start)
PHDRS { code PT_LOAD FLAGS(5); data PT_LOAD FLAGS(6); port PT_LOAD FLAGS(5); port_data PT_LOAD FLAGS(6); }
SECTIONS
{
    . = TILE_SRAM_BASE;
    .code : {
        *virt?tests?firmware?start.o(.text.start)
    } :code
    . = TILE_SRAM_BASE + TILE_DATA_OFFSET;
    .fwdata (NOLOAD) : {
        EXCLUDE_FILE(*virt?tests?*.o *virt?hal?*.o) *(.bss .bss.* .sbss .sbss.* .data .data.* .sdata .sdata.*)
    } :data
    ASSERT(. <= TILE_SRAM_BASE + TILE_DATA_OFFSET + TILE_DATA_BYTES, "firmware data must fit the data region")
    . = PORT_BASE;
    .text : { *(.text .text.*) *(.rodata .rodata.* .srodata .srodata.*) } :port
    . = ALIGN(4096);
    .data : { *(.data .data.* .sdata .sdata.*) } :port_data
    .bss : { *(.bss .bss.* .sbss .sbss.* COMMON) } :port_data
    ASSERT(. < TILE_SRAM_BASE + 0x400000, "QEMU puts its device tree further up")
}
