/* SPDX-License-Identifier: Apache-2.0 */
/* words.h - what kernels share: arrays by SRAM offset, the norm's factor, and how to insist. */
#ifndef TESSERA_FIRMWARE_KERNELS_WORDS_H
#define TESSERA_FIRMWARE_KERNELS_WORDS_H

#include "hal/program.h"
#include "hal/sram.h"

#include <stdint.h>

/* A value the compiler must take as it is, however well it knows where it comes from. */
#define OPAQUE(value) __asm__("" : "+r"(value))

/* The fp32 words at an offset. */
static inline float *words(uint32_t offset)
{
    return hal_sram(offset);
}

/* The same where 0 means that there are none. */
static inline float *words_or_none(uint32_t offset)
{
    return offset ? words(offset) : 0;
}

/* r of a norm (program.h). */
static inline float norm_factor(const struct args_norm *n)
{
    return n->sum ? 1.0f / __builtin_sqrtf(*words(n->sum) * n->inv_n + n->eps) : 1.0f;
}

/* The same for a vector that an earlier norm's factor is still missing from. */
static inline float norm_factor_after(const struct args_norm *n)
{
    float eps = n->eps;

    if (!n->sum)
        return 1.0f;
    if (n->before) {
        const struct args_norm *b = hal_sram(n->before);
        eps *= *words(b->sum) * b->inv_n + b->eps;
    }
    return 1.0f / __builtin_sqrtf(*words(n->sum) * n->inv_n + eps);
}

#endif
