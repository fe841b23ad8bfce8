/* SPDX-License-Identifier: Apache-2.0 */
/* change.c - the focused speed again, with one thing different each time. */
#include "report/audit.h"

#include <assert.h>

static struct change *add(struct audit *a, const char *group, enum source_id source)
{
    assert(a->changes < CHANGES_MAX);
    struct change *c = &a->change[a->changes++];
    *c = (struct change){.group = group, .source = source};
    return c;
}

static void take_speed(const struct audit *a, struct change *c, const struct speed_options *o)
{
    struct speed s;
    speed_of_token(&s, a->records, &a->shape, &a->focus->query, o);
    c->wafers = o->crossings;
    c->cycles = s.cycles;
    c->tokens_per_second = s.tokens_per_second;
}

/* ---- one number of the machine, or of what runs on it ---- */

enum knob { KNOB_CLOCK, KNOB_CROSSING, KNOB_HOP, KNOB_PHASE, KNOB_ACCEPTED };

static const struct {
    const char *group;
    enum knob knob;
    enum figure_id figure;
    double scale;
    const char *unit;
} knobs[] = {
    {"clock", KNOB_CLOCK, FIGURE_CLOCK_LOW, 1e-9, "GHz"},
    {"clock", KNOB_CLOCK, FIGURE_CLOCK_HIGH, 1e-9, "GHz"},
    {"wafer crossing", KNOB_CROSSING, FIGURE_CROSSING_NOW, 1e6, "us"},
    {"wafer crossing", KNOB_CROSSING, FIGURE_CROSSING_NEXT, 1e6, "us"},
    {"hop", KNOB_HOP, FIGURE_HOP_SDK, 1, "cycle"},
    {"hop", KNOB_HOP, FIGURE_HOP_SLOW, 1, "cycles"},
    {"fixed cost of a phase", KNOB_PHASE, FIGURE_PHASE_WSE3, 1, "cycles, as on WSE-3"},
    {"fixed cost of a phase", KNOB_PHASE, FIGURE_PHASE_WSE2, 1, "cycles, as on WSE-2"},
    {"accepted per pass", KNOB_ACCEPTED, FIGURE_ACCEPTED_ONE, 1, "token"},
    {"accepted per pass", KNOB_ACCEPTED, FIGURE_ACCEPTED_TWO, 1, "tokens, drafting for free"},
    {"accepted per pass", KNOB_ACCEPTED, FIGURE_ACCEPTED_THREE, 1, "tokens, drafting for free"},
};

/* What one of our phases costs besides compute, hops, serialisation and contention. */
static double our_phase(const struct speed *s)
{
    return s->phases ? s->phases_rest / s->phases : 0;
}

static void turn(struct speed_options *o, enum knob knob, double value, const struct audit *a)
{
    switch (knob) {
    case KNOB_CLOCK:
        o->clock_hz = value;
        break;
    case KNOB_CROSSING:
        o->crossing_seconds = value;
        break;
    case KNOB_HOP:
        o->hop_scale = value / a->machine->hop_cycles;
        break;
    case KNOB_PHASE:
        o->phase_extra = value - our_phase(a->focus);
        break;
    case KNOB_ACCEPTED:
        o->accepted = value;
        break;
    }
}

static void add_our_phase(struct audit *a)
{
    struct speed_options o = speed_options_of(a->machine, a->focus->query.wafers);
    struct change *c = add(a, "fixed cost of a phase", SOURCE_RUN);
    (void)snprintf(c->what, sizeof c->what, "%.0f cycles, as executed", our_phase(a->focus));
    take_speed(a, c, &o);
}

static void add_knobs(struct audit *a)
{
    for (size_t i = 0; i < sizeof knobs / sizeof knobs[0]; i++) {
        struct speed_options o = speed_options_of(a->machine, a->focus->query.wafers);
        if (knobs[i].knob == KNOB_PHASE && knobs[i - 1].knob != KNOB_PHASE)
            add_our_phase(a);
        struct change *c = add(a, knobs[i].group, figures[knobs[i].figure].source);
        (void)snprintf(c->what, sizeof c->what, "%g %s", figure(knobs[i].figure) * knobs[i].scale,
                       knobs[i].unit);
        turn(&o, knobs[i].knob, figure(knobs[i].figure), a);
        take_speed(a, c, &o);
    }
}

/* ---- the same model stored in another way ---- */

static const struct {
    enum quantization quant;
    const char *name;
} precisions[] = {{QUANT_INT4, "INT4 experts"}, {QUANT_FP8, "FP8"}, {QUANT_NONE, "BF16"}};

enum { FP8_BLOCK = 128 };

static int add_precision(struct audit *a, size_t i, struct err *e)
{
    struct checkpoint *ck;
    struct fit f;
    struct model_config k = *checkpoint_config(a->checkpoint);
    k.quant = precisions[i].quant;
    k.fp8_block_rows = k.fp8_block_cols = k.quant == QUANT_FP8 ? FP8_BLOCK : 0;
    if (checkpoint_open_synthetic(&ck, &k, 1, e))
        return -1;
    fit_model(&f, ck, a->machine, audit_contexts[CONTEXTS - 1], 1);
    checkpoint_close(ck);
    struct change *c = add(a, "precision", SOURCE_MODEL);
    (void)snprintf(c->what, sizeof c->what, "%s: %.0f GB, at least %u wafers by bytes",
                   precisions[i].name, (double)f.weight_bytes / 1e9, f.wafers_by_bytes);
    if (a->focus && f.wafers) {
        struct speed_options o = speed_options_of(a->machine, f.wafers);
        take_speed(a, c, &o);
    }
    c->wafers = f.wafers;
    return 0;
}

int audit_change(struct audit *a, struct err *e)
{
    a->changes = 0;
    if (a->focus)
        add_knobs(a);
    for (size_t i = 0; i < sizeof precisions / sizeof precisions[0]; i++)
        if (add_precision(a, i, e))
            return -1;
    return 0;
}
