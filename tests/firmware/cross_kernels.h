/* SPDX-License-Identifier: Apache-2.0 */
/* cross_kernels.h - random runs of every kernel with a checksum of each, like cross.h: QEMU's core,
 * ours and x86 must compute the same bits, also in exp, sine, cosine and square roots. */
#ifndef TESSERA_TESTS_FIRMWARE_CROSS_KERNELS_H
#define TESSERA_TESTS_FIRMWARE_CROSS_KERNELS_H

#include "hal/program.h"

#include <stdint.h>

enum { CROSS_KERNEL_RUNS = 24 };

/* By kernel number. */
extern const uint32_t cross_kernel_expected[KERNEL_COUNT];

/* All runs of one kernel in the SRAM behind hal_sram; the checksum of all they leave there. */
uint32_t cross_kernel_run(enum kernel kernel);

#endif
