/* SPDX-License-Identifier: Apache-2.0 */
/* cross.h - random runs of every stream operation, and a checksum of each, as written down once.
 *
 * The same code runs on QEMU's core, on our core (tests/firmware/test_numerics.c) and on x86
 * (tests/unit/test_numerics_cross.c), so three floating-point units must give the same bits. */
#ifndef TESSERA_TESTS_FIRMWARE_CROSS_H
#define TESSERA_TESTS_FIRMWARE_CROSS_H

#include "hal/stream.h"

#include <stdint.h>

enum { CROSS_RUNS = 48 };

struct cross_expected {
    uint8_t op;
    uint32_t sum;
};
extern const struct cross_expected cross_expected[];
extern const uint32_t cross_expected_count;

/* Prepare run number `run` of a memory operation: fill the program area of SRAM with random data
 * and make a legal descriptor for it. */
void cross_prepare(uint8_t op, uint32_t run, struct stream_desc *d, uint8_t *sram);

/* All runs of an operation, fabric or memory; the checksum of all their results. */
uint32_t cross_run(uint8_t op, uint8_t *sram);

#endif
