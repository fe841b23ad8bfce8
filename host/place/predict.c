/* SPDX-License-Identifier: Apache-2.0 */
/* predict.c - cycles of a token's phases: the way through the strip that takes the longest. */
#include "place/plan.h"
#include "place/walk.h"

#include <string.h>

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What a step took goes into its own parts first; what is left is words. */
static void add_step(const struct machine *k, const struct walk_step *s, uint64_t cycles,
                     struct image_cost *out)
{
    uint64_t compute = least(s->what.compute, cycles);
    uint64_t dispatch = least(cycles - compute, s->what.dispatch);
    cycles -= compute + dispatch;
    out->compute += compute;
    out->dispatch += dispatch;
    if (s->what.kind == TRACE_LOCAL || s->what.kind == TRACE_KERNEL) {
        out->dispatch += cycles;
        return;
    }
    uint64_t hops = least(cycles, (uint64_t)s->hops * k->hop_cycles);
    uint64_t stages = least(cycles - hops, s->stages * (2 * (uint64_t)k->ramp_cycles + 1));
    uint64_t setup = least(cycles - hops - stages, k->stream_setup_cycles);
    out->hops += hops;
    out->stages += stages;
    out->dispatch += setup;
    out->words += cycles - hops - stages - setup;
}

void plan_predict(const struct plan *p, const struct strip *strip, struct image_cost out[PHASES])
{
    struct walk w;
    memset(out, 0, PHASES * sizeof *out);
    walk_open(&w, p, strip);
    for (const struct walk_step *s = &w.last, *before; s; s = before) {
        before = s->done ? &w.tiles[s->tile].step[s->done - 1] : NULL;
        add_step(p->machine, s, s->end - (before ? before->end : 0), &out[s->what.phase]);
    }
    walk_close(&w);
}

static bool same_slice(struct slice a, struct slice b)
{
    return a.first == b.first && a.count == b.count;
}

/* Whether two strips are alike but for where they lie and what their weights are. */
static bool alike(const struct plan *p, uint32_t i, uint32_t j)
{
    const struct strip *a = &p->strips[i], *b = &p->strips[j];
    struct slice to_a = i + 1 < p->strip_count ? a[1].input : p->output;
    struct slice to_b = j + 1 < p->strip_count ? b[1].input : p->output;
    return a->stages == 1 && b->stages == 1 &&
           plan_stage_kind(p, a->first) == plan_stage_kind(p, b->first) && a->width == b->width &&
           a->blocks == b->blocks && same_slice(a->band, b->band) &&
           same_slice(a->input, b->input) && same_slice(to_a, to_b) &&
           !memcmp(&a->kinds, &b->kinds, sizeof a->kinds);
}

void plan_predict_all(const struct plan *p, struct image_cost (*out)[PHASES])
{
    for (uint32_t i = 0; i < p->strip_count; i++) {
        uint32_t like = 0;
        while (like < i && !alike(p, like, i))
            like++;
        if (like < i)
            memcpy(out[i], out[like], sizeof out[i]);
        else
            plan_predict(p, &p->strips[i], out[i]);
    }
}

uint64_t plan_predicted_cycles(const struct image_cost phase[PHASES])
{
    uint64_t sum = 0;
    for (int i = 0; i < PHASES; i++)
        sum += image_cost_sum(&phase[i]);
    return sum;
}
