/* SPDX-License-Identifier: Apache-2.0 */
/* tile_map.h - where everything in a tile's address space is. The one place with these numbers.
 *
 * Read by C, by the assembler, by the linker scripts (through cpp) and by the emulator, so it holds
 * integer #defines only: no types, no casts, no conditions other than TILE_U.
 *
 *   0x0000_1000  boot ROM         4 KiB   reset starts here; takes the image off the mesh
 *   0x0010_0000  exit device              as on QEMU's virt board
 *   0x1000_0000  UART transmit            as on QEMU's virt board (16550)
 *   0x5000_0000  tile registers   4 KiB   tile_regs.def
 *   0x8000_0000  SRAM            48 KiB   as on QEMU's virt board (RAM)
 *       +0x0000  code          6.25 KiB   the firmware image and its constants; read-only once
 *                                         locked, one host copy for all tiles
 *       +0x1900  firmware data    128 B   variables of the firmware; the boot ROM's working memory
 *       +0x1980  stack            512 B   grows down; guard word at the bottom
 *       +0x1b80  tile program 41.125 KiB  program.h: routes, tasks, descriptors, buffers, KV share,
 *                                         weights
 */
#ifndef TESSERA_HAL_TILE_MAP_H
#define TESSERA_HAL_TILE_MAP_H

#ifdef __ASSEMBLER__
#define TILE_U(x) x
#else
#define TILE_U(x) x##u
#endif

#define TILE_ROM_BASE TILE_U(0x00001000)
#define TILE_ROM_BYTES TILE_U(0x00001000)
#define TILE_EXIT_BASE TILE_U(0x00100000)
#define TILE_EXIT_PASS TILE_U(0x5555)
#define TILE_EXIT_FAIL TILE_U(0x3333)
#define TILE_UART_BASE TILE_U(0x10000000)
#define TILE_UART_BYTES TILE_U(0x00000100)
#define TILE_REGS_BASE TILE_U(0x50000000)
#define TILE_REGS_BYTES TILE_U(0x00001000)
#define TILE_SRAM_BASE TILE_U(0x80000000)
#define TILE_SRAM_BYTES TILE_U(0x0000c000)

/* Byte offsets inside SRAM. */
#define TILE_CODE_BYTES TILE_U(0x00001900)
#define TILE_DATA_OFFSET TILE_CODE_BYTES
#define TILE_DATA_BYTES TILE_U(0x00000080)
#define TILE_STACK_OFFSET (TILE_DATA_OFFSET + TILE_DATA_BYTES)
#define TILE_STACK_BYTES TILE_U(0x00000200)
#define TILE_PROGRAM_OFFSET (TILE_STACK_OFFSET + TILE_STACK_BYTES)
#define TILE_PROGRAM_BYTES (TILE_SRAM_BYTES - TILE_PROGRAM_OFFSET)

#define TILE_STACK_PAINT                                                                           \
    TILE_U(0x57ac57ac) /* boot fills the stack with it; what is left tells the depth */

#define TILE_COLOURS TILE_U(24)
#define TILE_QUEUES TILE_U(8)  /* input queues from the ramp, each bound to one colour */
#define TILE_THREADS TILE_U(8) /* stream engine threads */
#define TILE_SWITCH_POSITIONS TILE_U(4)
#define TILE_EVENTS TILE_U(64)       /* event numbers 0..63; the event queue holds as many */
#define TILE_EVENT_NONE TILE_U(0xff) /* in a descriptor: post nothing */

#endif
