/* SPDX-License-Identifier: Apache-2.0 */
/* swiglu.c - the gated activation between an MLP's two products, with the experts' weights. */
#include "firmware/kernels/kernels.h"
#include "firmware/kernels/math.h"
#include "firmware/kernels/words.h"

static inline __attribute__((always_inline)) void
activate(const float *gate, const float *up, float *out, uint32_t count, float r, float weight)
{
    for (const float *end = gate + count; gate != end;) {
        float z = r * *gate++, silu = z / (1.0f + math_exp(-z));
        *out++ = silu * (r * *up++) * weight;
    }
}

void kernel_swiglu(uint32_t args)
{
    const struct args_swiglu *a = hal_sram(args);
    const float *weight = words(a->weights);
    float r = !a->norm.sum && a->r_in ? *words(a->r_in) : norm_factor(&a->norm);

    for (uint32_t i = 0; i <= a->experts; i++) { /* the shared part last: one copy of the loop */
        uint32_t done = 4 * i * a->count;
        if (i < a->experts)
            activate(words(a->gate + done), words(a->up + done), words(a->out + done), a->count, r,
                     a->weights ? weight[i] : 1.0f);
        else
            activate(words(a->shared_gate), words(a->shared_up), words(a->shared_out),
                     a->shared_count, r, 1.0f);
    }
}
