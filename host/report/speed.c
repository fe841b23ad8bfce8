/* SPDX-License-Identifier: Apache-2.0 */
/* speed.c - sums over layers. */
#include "report/speed.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WORD_BITS = 32 };

const char *speed_part_name(enum speed_part part)
{
    static const char *const names[SPEED_PARTS] = {"compute",      "hops",      "serialisation",
                                                   "contention",   "scheduler", "waiting",
                                                   "unattributed", "crossings", "links"};
    return names[part];
}

struct speed_options speed_options_of(const struct machine *m, uint32_t wafers)
{
    return (struct speed_options){.clock_hz = m->clock_hz,
                                  .crossing_seconds = m->wafer_link_latency_seconds,
                                  .link_bits_per_second = m->wafer_link_bits_per_second,
                                  .crossings = wafers,
                                  .hop_scale = 1,
                                  .accepted = 1};
}

/* ---- records of layers ---- */

static enum record_kind kind_of(const struct speed_shape *s, uint32_t layer)
{
    if (layer >= s->layers)
        return RECORD_HEAD;
    return layer < s->dense_layers ? RECORD_DENSE : RECORD_EXPERTS;
}

bool speed_uses(const struct record *r, const struct speed_shape *s, const struct speed_query *q)
{
    return r->context == q->context && r->users == q->users && r->wafers == q->wafers &&
           !strcmp(r->model, s->model) && !strcmp(r->machine, q->machine);
}

static uint32_t distance(uint32_t a, uint32_t b)
{
    return a > b ? a - b : b - a;
}

/* A layer of the same shape is better than one whose strip is some columns wider or narrower. */
const struct record *speed_record(const struct records *records, const struct speed_shape *s,
                                  const struct speed_query *q, uint32_t layer)
{
    const char *kind = record_kind_name(kind_of(s, layer));
    const struct record *best = NULL;
    for (size_t i = 0; i < records->count; i++) {
        const struct record *r = &records->record[i];
        if (!speed_uses(r, s, q) || strcmp(r->kind, kind) != 0)
            continue;
        if (!best || record_is_alike(r, layer) > record_is_alike(best, layer) ||
            (record_is_alike(r, layer) == record_is_alike(best, layer) &&
             distance(r->executed_layer, layer) < distance(best->executed_layer, layer)))
            best = r;
    }
    return best;
}

/* ---- one layer ---- */

double speed_phase_part(const struct record_phase *p, enum speed_part part)
{
    uint64_t known =
        p->compute + p->hops + p->serialisation + p->contention + p->scheduler + p->waiting;
    switch (part) {
    case SPEED_COMPUTE:
        return (double)p->compute;
    case SPEED_HOPS:
        return (double)p->hops;
    case SPEED_SERIALISATION:
        return (double)p->serialisation;
    case SPEED_CONTENTION:
        return (double)p->contention;
    case SPEED_SCHEDULER:
        return (double)p->scheduler;
    case SPEED_WAITING:
        return (double)p->waiting;
    case SPEED_UNATTRIBUTED:
        return (double)(p->cycles - known);
    case SPEED_CROSSINGS:
    case SPEED_LINKS:
    case SPEED_PARTS:
        break;
    }
    return 0;
}

/* Adds a layer's parts, and its phases; returns its cycles under the options. */
static double add_layer(struct speed *out, const struct record *r, const struct speed_options *o)
{
    uint64_t in_phases = 0;
    double sum = 0, ramps = 0, all[SPEED_PARTS] = {0};
    for (uint32_t i = 0; i < r->phase_count; i++) {
        in_phases += r->phases[i].cycles;
        ramps += (double)r->phases[i].ramps;
        for (int k = 0; k <= SPEED_UNATTRIBUTED; k++)
            all[k] += speed_phase_part(&r->phases[i], (enum speed_part)k);
    }
    out->phases += r->phase_count;
    out->phases_rest += all[SPEED_SCHEDULER] + all[SPEED_WAITING] + all[SPEED_UNATTRIBUTED];
    all[SPEED_HOPS] = ramps + (all[SPEED_HOPS] - ramps) * o->hop_scale;
    all[SPEED_SCHEDULER] += r->phase_count * o->phase_extra;
    all[SPEED_UNATTRIBUTED] += (double)(r->cycles - in_phases);
    for (int k = 0; k <= SPEED_UNATTRIBUTED; k++) {
        out->part[k] += all[k];
        sum += all[k];
    }
    return sum;
}

/* ---- terms ---- */

static struct speed_term *add_term(struct speed *out, const char *name, enum label label)
{
    struct speed_term *t = &out->term[out->terms++];
    *t = (struct speed_term){.label = label};
    (void)snprintf(t->name, sizeof t->name, "%s", name);
    return t;
}

/* Layers of one kind whose records are (`own`) or are not their own. */
struct group {
    uint32_t layers, runs, first_run, last_run;
    double cycles;
};

static void join_group(struct group *g, const struct record *r, double cycles)
{
    if (!g->layers)
        g->first_run = r->executed_layer;
    g->runs += !g->layers || g->last_run != r->executed_layer;
    g->last_run = r->executed_layer;
    g->layers++;
    g->cycles += cycles;
}

static void group_source(char *out, size_t bytes, const struct group *g, enum record_kind kind)
{
    if (kind == RECORD_HEAD)
        (void)snprintf(out, bytes, "head executed");
    else if (g->runs == 1)
        (void)snprintf(out, bytes, "layer %u executed", g->first_run);
    else
        (void)snprintf(out, bytes, "%u layers executed, %u to %u", g->runs, g->first_run,
                       g->last_run);
}

static void group_term(struct speed *out, const struct group *g, enum record_kind kind, bool own)
{
    char name[48];
    if (!g->layers)
        return;
    if (kind == RECORD_HEAD)
        (void)snprintf(name, sizeof name, "head");
    else
        (void)snprintf(name, sizeof name, "%u %s layer%s", g->layers, record_kind_name(kind),
                       g->layers > 1 ? "s" : "");
    struct speed_term *t = add_term(out, name, own ? LABEL_EXECUTED : LABEL_EXTRAPOLATED);
    group_source(t->from, sizeof t->from, g, kind);
    t->cycles = g->cycles;
}

static void add_layers(struct speed *out, const struct records *records,
                       const struct speed_shape *s, const struct speed_query *q,
                       const struct speed_options *o)
{
    struct group group[RECORD_KINDS][2] = {0};
    for (uint32_t layer = 0; layer <= s->layers; layer++) {
        enum record_kind kind = kind_of(s, layer);
        const struct record *r = speed_record(records, s, q, layer);
        if (!r) {
            if (!out->missing[kind])
                out->missing_layer[kind] = layer;
            out->missing[kind] = true;
            continue;
        }
        bool own = kind == RECORD_HEAD || r->executed_layer == layer;
        join_group(&group[kind][own], r, add_layer(out, r, o));
    }
    for (int kind = 0; kind < RECORD_KINDS; kind++)
        for (int own = 1; own >= 0; own--)
            group_term(out, &group[kind][own], (enum record_kind)kind, own);
}

static void add_crossings(struct speed *out, const struct speed_shape *s,
                          const struct speed_options *o)
{
    char name[48];
    double words_seconds = (double)s->hidden * WORD_BITS / o->link_bits_per_second;
    out->part[SPEED_CROSSINGS] = o->crossings * o->crossing_seconds * o->clock_hz;
    out->part[SPEED_LINKS] = o->crossings * words_seconds * o->clock_hz;
    (void)snprintf(name, sizeof name, "%u wafer crossings", o->crossings);
    struct speed_term *t = add_term(out, name, LABEL_ASSUMED);
    (void)snprintf(t->from, sizeof t->from, "%g us each, machine file", 1e6 * o->crossing_seconds);
    t->cycles = out->part[SPEED_CROSSINGS];
    t = add_term(out, "hidden vector over the links", LABEL_ASSUMED);
    (void)snprintf(t->from, sizeof t->from, "%u words at %g Gbit/s, machine file", s->hidden,
                   o->link_bits_per_second / 1e9);
    t->cycles = out->part[SPEED_LINKS];
}

/* ---- all of it ---- */

static void describe(struct speed *out)
{
    size_t at = 0;
    out->label = LABEL_EXECUTED;
    for (uint32_t i = 0; i < out->terms; i++) {
        const struct speed_term *t = &out->term[i];
        if (t->label == LABEL_EXTRAPOLATED)
            out->label = LABEL_EXTRAPOLATED;
        if (t->label != LABEL_ASSUMED && !strstr(out->from, t->from) && at < sizeof out->from)
            at += (size_t)snprintf(out->from + at, sizeof out->from - at, "%s%s", at ? ", " : "",
                                   t->from);
    }
}

void speed_of_token(struct speed *out, const struct records *records, const struct speed_shape *s,
                    const struct speed_query *q, const struct speed_options *o)
{
    memset(out, 0, sizeof *out);
    out->query = *q;
    add_layers(out, records, s, q, o);
    out->complete =
        !out->missing[RECORD_DENSE] && !out->missing[RECORD_EXPERTS] && !out->missing[RECORD_HEAD];
    if (!out->complete) {
        out->label = LABEL_NOT_EXECUTED;
        return;
    }
    add_crossings(out, s, o);
    for (uint32_t i = 0; i < out->terms; i++)
        out->cycles += out->term[i].cycles;
    out->tokens_per_second = o->clock_hz / out->cycles * o->accepted;
    describe(out);
}
