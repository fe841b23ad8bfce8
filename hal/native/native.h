/* SPDX-License-Identifier: Apache-2.0 */
/* native.h - hal/ for unit tests on the host: a strict script of register accesses.
 *
 *   struct native_step script[] = {{NATIVE_READ, REG_EVENT_POP, 3}, {NATIVE_WRITE, REG_TASK, 3},
 *                                  {NATIVE_SLEEP, 0, 0}};
 *   native_open(&n, script, 3);
 *   CHECK_EQ(native_run(&n, code, arg), NATIVE_ASLEEP);
 *
 * Firmware must make exactly these accesses in this order; anything else ends the run with
 * NATIVE_WRONG and a sentence. Writes of the fault record are not part of a script: they are kept,
 * and FAULT_CODE ends the run. A sleep that is the last step ends it too, others return at once.
 *
 * The port functions take no context, so the tile in use is the one per-thread variable of hal/. */
#ifndef TESSERA_HAL_NATIVE_NATIVE_H
#define TESSERA_HAL_NATIVE_NATIVE_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

enum native_access { NATIVE_READ, NATIVE_WRITE, NATIVE_SLEEP };

struct native_step {
    enum native_access access;
    uint32_t offset, value; /* a register; the value read, or expected to be written */
};

/* How a run ended. */
enum native_end {
    NATIVE_RETURNED, /* the code came back with the script used up */
    NATIVE_ASLEEP,   /* in the last step */
    NATIVE_FAULT,    /* FAULT_CODE was written */
    NATIVE_WRONG     /* an access that is not the next step, or steps left over */
};

struct native_fault {
    uint32_t file, line, pc, info, stack_free, code;
};

struct native_tile {
    uint8_t *sram; /* TILE_SRAM_BYTES, zero at first; the stack region holds its paint */
    const struct native_step *step;
    size_t step_count, next;
    struct native_fault fault;
    char wrong[160];
    jmp_buf end;
};

/* A tile with fresh SRAM and a script (which the caller keeps; NULL with 0 steps for code that
 * touches no register). Free it with native_close. */
void native_open(struct native_tile *n, const struct native_step *step, size_t step_count);
void native_close(struct native_tile *n);

/* Run code on this tile until it returns, sleeps, faults or is wrong. Run once per native_open. */
enum native_end native_run(struct native_tile *n, void (*code)(void *), void *arg);

#endif
