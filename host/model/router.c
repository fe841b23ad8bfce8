/* SPDX-License-Identifier: Apache-2.0 */
/* router.c - the choice of experts: groups first if the model has them, then the best in what is
 * left. */
#include "model/router.h"

#include <math.h>

/* The index of the largest value; the lower one of equals. */
static uint32_t best_of(const float *values, uint32_t n)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++)
        if (values[i] > values[best])
            best = i;
    return best;
}

/* A group's score: the sum of its two largest. */
static float top_two(const float *values, uint32_t n)
{
    float first = -INFINITY, second = -INFINITY;
    for (uint32_t i = 0; i < n; i++) {
        if (values[i] > first) {
            second = first;
            first = values[i];
        } else if (values[i] > second) {
            second = values[i];
        }
    }
    return first + second;
}

/* Experts outside the best groups can no longer win. */
static void drop_groups(const struct model_config *c, float *biased, float *group_score)
{
    uint32_t members = c->experts / c->groups;
    for (uint32_t g = 0; g < c->groups; g++)
        group_score[g] = top_two(biased + (size_t)g * members, members);
    for (uint32_t kept = 0; kept < c->groups_used; kept++)
        group_score[best_of(group_score, c->groups)] = -INFINITY; /* marks it as kept */
    for (uint32_t g = 0; g < c->groups; g++)
        for (uint32_t i = 0; i < members && group_score[g] > -INFINITY; i++)
            biased[g * members + i] = -INFINITY;
}

void router_choose(const struct model_config *c, const float *score, const float *bias,
                   uint32_t *chosen, float *weights, float *scratch)
{
    float *biased = scratch;
    for (uint32_t i = 0; i < c->experts; i++)
        biased[i] = score[i] + bias[i];
    if (c->groups > 1)
        drop_groups(c, biased, scratch + c->experts);
    double sum = 0.0;
    for (uint32_t k = 0; k < c->experts_used; k++) {
        chosen[k] = best_of(biased, c->experts);
        biased[chosen[k]] = -INFINITY;
        sum += (double)score[chosen[k]];
    }
    double scale = c->routed_scale / (c->norm_topk ? sum + 1e-20 : 1.0);
    for (uint32_t k = 0; k < c->experts_used; k++)
        weights[k] = (float)((double)score[chosen[k]] * scale);
}
