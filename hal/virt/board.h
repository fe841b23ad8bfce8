/* SPDX-License-Identifier: Apache-2.0 */
/* board.h - what the port uses of the board itself (QEMU's riscv32 virt): console, exit, cycles.
 * The addresses are those of tile_map.h, because the tile took them from this board. */
#ifndef TESSERA_HAL_VIRT_BOARD_H
#define TESSERA_HAL_VIRT_BOARD_H

#include <stdint.h>

/* Print on the UART. Never waits: QEMU's UART takes what it is given. */
void board_print(const char *text);
void board_print_hex(uint32_t value); /* 0x and eight digits */
void board_print_decimal(uint32_t value);

/* End the machine: status 0 is a pass, anything up to 0xffff a failure with that status. */
_Noreturn void board_exit(uint32_t status);

/* Low word of mcycle. */
uint32_t board_cycles(void);

/* The memory or the device at an address; the only place here that makes a pointer of a number. */
static inline void *board_at(uint32_t at)
{
    return (void *)(uintptr_t)at; /* NOLINT(performance-no-int-to-ptr): addresses are numbers */
}

/* A device register. */
static inline volatile uint32_t *board_word(uint32_t address)
{
    return board_at(address);
}

#endif
