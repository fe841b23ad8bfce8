/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - kernels by number, made from kernels.def. */
#include "firmware/kernels/kernels.h"

void kernel_none(uint32_t args)
{
    (void)args;
}

kernel_function *const kernel_table[] = {
#define KERNEL(name, number, text) [number] = kernel_##name,
#include "hal/kernels.def"
#undef KERNEL
};
