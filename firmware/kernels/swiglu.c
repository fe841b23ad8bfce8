/* SPDX-License-Identifier: Apache-2.0 */
/* swiglu.c - the gated activation between an MLP's two products, with the experts' weights. */
#include "firmware/fault.h"
#include "firmware/kernels/kernels.h"
#include "firmware/kernels/math.h"
#include "firmware/kernels/words.h"

enum { THIS_FILE = FAULT_FILE_SWIGLU_C };

static inline __attribute__((always_inline)) void
activate(const float *gate, const float *up, float *out, uint32_t count, float r, float weight)
{
    float up_factor = r * weight;

    for (const float *end = gate + count; gate != end;) {
        float z = r * *gate++, silu = z / (1.0f + math_exp(-z));
        *out++ = silu * (*up++ * up_factor);
    }
}

void kernel_swiglu(uint32_t args)
{
    const struct args_swiglu *a = hal_sram(args);
    const float *gate = words(a->gate), *up = words(a->up), *weight = words(a->weights);
    float *out = words(a->out);
    float r = !a->norm.sum && a->r_in ? *words(a->r_in) : norm_factor(&a->norm);
    uint32_t left = a->count, expert = 0, in_part = 0;

    TILE_CHECK(a->width || !a->experts, ARGUMENT, a->experts);
    if (a->experts) {
        expert = a->first / a->width;
        OPAQUE(expert); /* or the remainder would be a second division */
        in_part = a->width - (a->first - expert * a->width);
    }
    while (left) { /* one expert after the other, then the rest */
        int weighted = expert < a->experts;
        uint32_t n = weighted && in_part < left ? in_part : left;
        activate(gate, up, out, n, r, weighted ? weight[expert] : 1.0f);
        gate += n, up += n, out += n, left -= n;
        expert++, in_part = a->width;
    }
}
