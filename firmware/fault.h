/* SPDX-License-Identifier: Apache-2.0 */
/* fault.h - how firmware stops when something impossible happened.
 *
 *   TILE_CHECK(event < task_count, EVENT, event);
 *
 * A source that checks says once which file of fault.def it is:
 *
 *   enum { THIS_FILE = FAULT_FILE_SCHED_C };
 *
 * Checks are always compiled. The record goes to the FAULT_* registers; the write of FAULT_CODE
 * halts the tile and the host prints it by name. */
#ifndef TESSERA_FIRMWARE_FAULT_H
#define TESSERA_FIRMWARE_FAULT_H

#include <stdint.h>

enum fault_code {
#define FAULT(name, code, text) FAULT_##name = (code),
#include "hal/fault.def"
#undef FAULT
};

enum fault_file {
#define FAULT_FILE(name, number) FAULT_FILE_##name = (number),
#include "hal/fault.def"
#undef FAULT_FILE
};

/* Code, file and line in one word, so that a check costs one constant. */
#define FAULT_WHERE(code, file, line)                                                              \
    ((uint32_t)(code) << 20 | (uint32_t)(file) << 14 | (uint32_t)(line))

#define TILE_CHECK(condition, name, info)                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fault_stop(FAULT_WHERE(FAULT_##name, THIS_FILE, __LINE__), (info));                    \
    } while (0)

/* Write the fault record and halt: where as above, info the value that was wrong, pc the caller's.
 * Uses 16 bytes of stack at most. */
_Noreturn void fault_stop(uint32_t where, uint32_t info);

/* The same for the trap stub of entry.S: info is mcause. */
_Noreturn void fault_trap(uint32_t pc, uint32_t cause);

#endif
