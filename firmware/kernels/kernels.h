/* SPDX-License-Identifier: Apache-2.0 */
/* kernels.h - what tasks run on the core. kernels.def says what each does, program.h what its
 * arguments are.
 *
 * A kernel takes the SRAM offset of its argument block, reads and writes SRAM and nothing else, and
 * runs to its end: no events, no registers, no state of its own. All counts may be 0. Arithmetic is
 * +, -, *, /, fma and sqrt of fp32 in the written order, so that a host computes the same bits (of
 * numbers; a NaN is some NaN). */
#ifndef TESSERA_FIRMWARE_KERNELS_H
#define TESSERA_FIRMWARE_KERNELS_H

#include <stdint.h>

typedef void kernel_function(uint32_t args);

#define KERNEL(name, number, text) kernel_function kernel_##name;
#include "hal/kernels.def"
#undef KERNEL

/* By number, KERNEL_COUNT of them. */
extern kernel_function *const kernel_table[];

#endif
