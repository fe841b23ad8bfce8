/* SPDX-License-Identifier: Apache-2.0 */
/* board.c - console, exit and cycle counter of QEMU's virt board. */
#include "hal/virt/board.h"

#include "hal/tile_map.h"

static void print_char(char c)
{
    volatile uint8_t *transmit = board_at(TILE_UART_BASE);
    *transmit = (uint8_t)c;
}

void board_print(const char *text)
{
    while (*text)
        print_char(*text++);
}

void board_print_hex(uint32_t value)
{
    board_print("0x");
    for (unsigned shift = 32; shift; shift -= 4)
        print_char("0123456789abcdef"[value >> (shift - 4) & 0xf]);
}

void board_print_decimal(uint32_t value)
{
    if (value >= 10)
        board_print_decimal(value / 10);
    print_char((char)('0' + value % 10));
}

_Noreturn void board_exit(uint32_t status)
{
    *board_word(TILE_EXIT_BASE) = status ? status << 16 | TILE_EXIT_FAIL : TILE_EXIT_PASS;
    for (;;)
        ;
}

uint32_t board_cycles(void)
{
    uint32_t low;
    __asm__ volatile(".option push\n.option arch, +zicsr\ncsrr %0, mcycle\n.option pop"
                     : "=r"(low));
    return low;
}
