/* SPDX-License-Identifier: Apache-2.0 */
/* layer_record.c - what of a run goes into its record. */
#include "run/layer_record.h"

#include "report/version.h"

#include <stdio.h>
#include <string.h>

static enum record_kind kind_of(enum stage_kind kind)
{
    switch (kind) {
    case STAGE_DENSE:
        return RECORD_DENSE;
    case STAGE_EXPERTS:
        return RECORD_EXPERTS;
    case STAGE_HEAD:
    case STAGE_KINDS:
        break;
    }
    return RECORD_HEAD;
}

static bool same_slice(struct slice a, struct slice b)
{
    return a.first == b.first && a.count == b.count;
}

static bool same_shape(const struct plan *p, const struct strip *a, uint32_t stage)
{
    const struct strip *b = layer_strip(p, stage);
    return b && b->stages == 1 && plan_stage_kind(p, a->first) == plan_stage_kind(p, stage) &&
           a->width == b->width && same_slice(a->band, b->band) && same_slice(a->input, b->input) &&
           a->blocks == b->blocks;
}

static void add_phases(const struct layer_result *r, struct record *out)
{
    for (int i = 0; i < PHASES; i++) {
        const struct phase_time *t = &r->phase[i];
        if (!t->cycles && !image_cost_sum(&r->predicted[i]))
            continue;
        struct record_phase *p = &out->phases[out->phase_count++];
        *p = (struct record_phase){.cycles = t->cycles,
                                   .predicted = image_cost_sum(&r->predicted[i]),
                                   .compute = t->part[PATH_COMPUTE],
                                   .hops = t->part[PATH_HOPS] + t->part[PATH_RAMPS],
                                   .ramps = t->part[PATH_RAMPS],
                                   .serialisation = t->part[PATH_WORDS],
                                   .contention = t->part[PATH_CONTENTION],
                                   .scheduler = t->part[PATH_SCHEDULER],
                                   .waiting = t->part[PATH_WAITING]};
        (void)snprintf(p->name, sizeof p->name, "%s", phase_name((enum phase)i));
    }
}

/* The layers of the strip's shape, which others may lie between; as far as a record has room. */
static void add_alike(const struct plan *p, const struct strip *s, struct record *out)
{
    uint32_t far = sizeof out->alike / 2 - 1, layer = out->executed_layer;
    uint32_t first = layer > far ? layer - far : 0;
    for (uint32_t i = first; i <= layer + far && layer_strip(p, i); i++) {
        if (!same_shape(p, s, i))
            continue;
        out->layer_first = i < out->layer_first ? i : out->layer_first;
        out->layer_last = i > out->layer_last ? i : out->layer_last;
    }
    for (uint32_t i = out->layer_first; i <= out->layer_last; i++)
        out->alike[i - out->layer_first] = same_shape(p, s, i) ? '1' : '0';
}

void layer_record(const struct layer_cfg *cfg, const char *model, const struct layer_result *r,
                  struct record *out)
{
    const struct plan *p = cfg->plan;
    memset(out, 0, sizeof *out);
    (void)snprintf(out->model, sizeof out->model, "%s", model);
    (void)snprintf(out->machine, sizeof out->machine, "%s", p->machine->name);
    (void)snprintf(out->version, sizeof out->version, "%s", version_digest());
    (void)snprintf(out->kind, sizeof out->kind, "%s",
                   record_kind_name(kind_of(plan_stage_kind(p, cfg->stage))));
    out->executed_layer = out->layer_first = out->layer_last = cfg->stage;
    add_alike(p, &r->strip, out);
    out->context = cfg->context;
    out->users = p->users;
    out->wafers = p->wafers;
    out->width = r->width;
    out->height = r->height;
    out->tiles = r->tiles;
    out->cycles = r->cycles;
    out->period = r->period;
    out->relative_error = r->error;
    out->crossings_before = r->crosses;
    add_phases(r, out);
}
