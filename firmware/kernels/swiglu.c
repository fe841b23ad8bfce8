/* SPDX-License-Identifier: Apache-2.0 */
/* swiglu.c - the gated activation between an MLP's two products, with the experts' weights. */
#include "firmware/kernels/kernels.h"
#include "firmware/kernels/math.h"
#include "firmware/kernels/words.h"

/* The pointers of a walk over consecutive blocks. */
struct walk {
    const float *gate, *up;
    float *out;
};

static void activate(struct walk *w, uint32_t count, float r, float weight)
{
    for (; count; count--) {
        float z = r * *w->gate++, silu = z / (1.0f + math_exp(-z));
        *w->out++ = silu * (r * *w->up++) * weight;
    }
}

void kernel_swiglu(uint32_t args)
{
    const struct args_swiglu *a = hal_sram(args);
    const float *weight = words(a->weights);
    struct walk experts = {words(a->gate), words(a->up), words(a->out)};
    struct walk shared = {words(a->shared_gate), words(a->shared_up), words(a->shared_out)};
    float r = !a->norm.sum && a->r_in ? *words(a->r_in) : norm_factor(&a->norm);

    for (uint32_t i = 0; i < a->experts; i++)
        activate(&experts, a->count, r, a->weights ? weight[i] : 1.0f);
    activate(&shared, a->shared_count, r, 1.0f);
}
