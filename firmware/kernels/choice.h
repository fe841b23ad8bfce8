/* SPDX-License-Identifier: Apache-2.0 */
/* choice.h - by what experts are chosen and how the chosen are weighted: the same whether one tile
 * chooses (router.c) or all of a region together (rank.c). */
#ifndef TESSERA_FIRMWARE_KERNELS_CHOICE_H
#define TESSERA_FIRMWARE_KERNELS_CHOICE_H

#include "firmware/kernels/math.h"

#include <stdint.h>

/* The value expert e is chosen by; no bias when there is none. */
static inline float choice(const float *score, const float *bias, uint32_t e)
{
    return bias ? score[e] + bias[e] : score[e];
}

/* NaN counts as the least, so that it can never hold a place. */
static inline float ordered(float value)
{
    return math_max(value, -0x1.fffffep127f);
}

/* Make the scores of the chosen experts, which were summed in order of choice, their weights. */
static inline void weigh(float *weight, uint32_t count, float sum, float factor, int normalise)
{
    float *end = weight + count;

    sum += 1e-20f;
    if (normalise)
        for (float *w = weight; w != end; w++)
            *w = *w / sum * factor;
    else
        for (float *w = weight; w != end; w++)
            *w *= factor;
}

#endif
