/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.h - the tile's core as the monitor keeps it, shared with the trap entry in assembler. */
#ifndef TESSERA_HAL_VIRT_MONITOR_H
#define TESSERA_HAL_VIRT_MONITOR_H

/* Byte offsets in struct tile_core. */
#define CORE_X 0
#define CORE_F 128
#define CORE_FCSR 256
#define CORE_PC 260
#define CORE_BYTES 264

#ifndef __ASSEMBLER__
#include <stdint.h>

struct tile_core {
    uint32_t x[32]; /* x[0] stays 0 */
    uint32_t f[32];
    uint32_t fcsr;
    uint32_t pc;
};

_Static_assert(sizeof(struct tile_core) == CORE_BYTES, "monitor_entry.S uses this layout");

/* Called on the monitor's stack for everything the tile's core may not do itself; returns to the
 * tile. */
void monitor_trap(struct tile_core *core, uint32_t cause, uint32_t value);

/* Called once, at reset. Prepares the tile and enters it. */
_Noreturn void monitor_main(void);

/* Let the core run in user mode from core->pc (monitor_entry.S). */
_Noreturn void monitor_enter(struct tile_core *core);

/* A trap of the monitor itself. */
_Noreturn void monitor_broken(uint32_t cause, uint32_t pc, uint32_t value);
#endif

#endif
