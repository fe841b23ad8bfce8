/* SPDX-License-Identifier: Apache-2.0 */
/* sampler.c - greedy and temperature/top-p; sums in double and in a fixed order, so runs repeat. */
#include "run/sampler.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include "base/xalloc.h"

struct sampler_choice {
    double weight; /* probability times an unknown constant; the best token has 1 */
    uint32_t token;
};

int sampler_open(struct sampler *s, const struct sampler_config *config, struct err *e)
{
    *s = (struct sampler){.config = *config, .rng = {config->seed}};
    if (!isfinite(config->temperature) || config->temperature < 0)
        return err_set(e, ERR_USAGE, "sampling: temperature %g must be 0 or more",
                       config->temperature);
    if (!(config->top_p > 0 && config->top_p <= 1))
        return err_set(e, ERR_USAGE, "sampling: top-p %g must be above 0 and at most 1",
                       config->top_p);
    return 0;
}

void sampler_close(struct sampler *s)
{
    free(s->choices);
    *s = (struct sampler){0};
}

static int find_best(const float *logits, uint32_t count, uint32_t *best, struct err *e)
{
    *best = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (isnan(logits[i]) || logits[i] == INFINITY)
            return err_set(e, ERR_FAULT, "sampling: the logit of token %u is %s", i,
                           isnan(logits[i]) ? "not a number" : "infinite");
        if (logits[i] > logits[*best])
            *best = i;
    }
    if (count == 0 || logits[*best] == -INFINITY)
        return err_set(e, ERR_FAULT, "sampling: all of the %u logits are -infinity", count);
    return 0;
}

/* ---- a heap with the most likely token on top ---- */

static bool comes_first(const struct sampler_choice *a, const struct sampler_choice *b)
{
    return a->weight > b->weight || (!(a->weight < b->weight) && a->token < b->token);
}

static void sift_down(struct sampler_choice *heap, size_t count, size_t i)
{
    struct sampler_choice moving = heap[i];
    for (size_t child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && comes_first(&heap[child + 1], &heap[child]))
            child++;
        if (!comes_first(&heap[child], &moving))
            break;
        heap[i] = heap[child];
    }
    heap[i] = moving;
}

/* Move the top_p set to the end of the array, the most likely token last. Returns where the set
 * begins; its weight goes to *kept. */
static size_t keep_top(struct sampler_choice *choices, size_t count, double enough, double *kept)
{
    size_t first = count;
    for (size_t i = count / 2; i-- > 0;)
        sift_down(choices, count, i);
    *kept = 0;
    while (first > 0 && *kept < enough) {
        struct sampler_choice top = choices[0];
        choices[0] = choices[--first];
        sift_down(choices, first, 0);
        choices[first] = top;
        *kept += top.weight;
    }
    return first;
}

static uint32_t draw(const struct sampler_choice *choices, size_t first, size_t count, double at)
{
    uint32_t last = choices[count - 1].token;
    double passed = 0;
    for (size_t i = count; i-- > first;) {
        passed += choices[i].weight;
        if (at < passed)
            return choices[i].token;
        if (choices[i].weight > 0)
            last = choices[i].token;
    }
    return last; /* rounding: the sum came out a little below `at` */
}

int sampler_next(struct sampler *s, const float *logits, uint32_t count, uint32_t *token,
                 struct err *e)
{
    uint32_t best;
    if (find_best(logits, count, &best, e))
        return -1;
    *token = best;
    if (!(s->config.temperature > 0))
        return 0;
    if (s->room < count) {
        s->choices = xrealloc(s->choices, count, sizeof *s->choices);
        s->room = count;
    }
    double total = 0, top = (double)logits[best], kept;
    for (uint32_t i = 0; i < count; i++) {
        double weight = exp(((double)logits[i] - top) / s->config.temperature);
        s->choices[i] = (struct sampler_choice){weight, i};
        total += weight;
    }
    size_t first = 0;
    kept = total;
    if (s->config.top_p < 1)
        first = keep_top(s->choices, count, s->config.top_p * total, &kept);
    *token = draw(s->choices, first, count, rng_unit(&s->rng) * kept);
    return 0;
}
