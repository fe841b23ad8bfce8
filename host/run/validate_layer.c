/* SPDX-License-Identifier: Apache-2.0 */
/* validate_layer.c - the all-reductions of a decoder layer as WaferLLM does them: two levels of
 * two-sided chains to the middle, then a broadcast, ten times. A row of the mesh is a line of
 * tiles; all rows do the same on their own, so one is run.
 *
 * What a chain's stage and a hop cost on WSE-3 cannot be told apart from the two published points
 * alone, so they run under three machines: as described, with hops of two cycles, and with stages
 * of fifty cycles (a slower ramp stands for the software between receiving and sending). */
#include "run/line_work.h"
#include "run/validate.h"

/* The root of the middle group; all groups are whole and have theirs in the middle. */
static uint32_t middle(uint32_t tiles, uint32_t group)
{
    return tiles / group / 2 * group + group / 2;
}

/* fp16 elements travel two in a wavelet. */
static uint32_t packed(uint32_t elements)
{
    return (elements + 1) / 2;
}

/* Ten all-reductions over a line in groups. */
struct layer {
    uint32_t tiles, group;
    const uint32_t *words;
};

static int run_layer(struct validation *v, const struct machine *k, const struct layer *l,
                     uint64_t *cycles, struct err *e)
{
    struct line_work w = {.machine = k,
                          .images = v->images,
                          .tiles = l->tiles,
                          .root = middle(l->tiles, l->group),
                          .shape = {.levels = 2, .centred = true, .group = {l->group}},
                          .pattern = LINE_ALLREDUCE,
                          .words = l->words,
                          .count = LAYER_REDUCTIONS};
    struct rig_result r;
    if (line_work_run(&w, &r, e))
        return -1;
    *cycles = r.cycles;
    return 0;
}

struct variant {
    const char *name, *level_why, *slope_why;
    uint32_t hop, ramp; /* 0: the machine's */
    bool unpacked;
};

static const struct variant variants[] = {
    {"as described", "no software between stages and phases here",
     "hops and short stages alone; the real stages or hops cost more", 0, 0, false},
    {"one element a wavelet", "as above", "as above", 0, 0, true},
    {"hop_cycles 2", "what is missing is a stage's cost", "two more stages are missing", 2, 0,
     false},
    {"ramp_cycles 24", "stages of 50 cycles and hops of one: the level fits best, the slope less",
     NULL, 1, 24, false},
    {"hop_cycles 2, ramp_cycles 13",
     "stages of 27 cycles between hops of two: the slope fits, and 155 cycles a "
     "reduction stay unexplained",
     NULL, 2, 13, false},
};
enum { VARIANTS = sizeof variants / sizeof variants[0] };

static void add_level(struct validation *v, const struct variant *a, const struct layer_point *p,
                      uint64_t cycles)
{
    validate_add(v,
                 (struct validate_row){.unit = "cycles",
                                       .published = p->communication,
                                       .ours = (double)cycles,
                                       .source = SOURCE_MEASURED,
                                       .run = RUN_SYMMETRY,
                                       .why = a->level_why},
                 "%s: %u tiles, ten all-reductions", a->name, p->tiles);
}

static double slope(double low, double high, const uint32_t tiles[2])
{
    return (high - low) / (tiles[1] - tiles[0]) / LAYER_REDUCTIONS;
}

static int run_variant(struct validation *v, const struct machine *machine, const struct variant *a,
                       struct err *e)
{
    struct machine k = *machine;
    uint64_t cycles[2];
    uint32_t words[LAYER_REDUCTIONS];
    const struct layer_point *p = wse3_layers;
    const uint32_t tiles[2] = {p[0].tiles, p[1].tiles};
    k.hop_cycles = a->hop ? a->hop : k.hop_cycles;
    k.ramp_cycles = a->ramp ? a->ramp : k.ramp_cycles;
    for (int i = 0; i < LAYER_REDUCTIONS; i++)
        words[i] = a->unpacked ? wse3_payload[i] : packed(wse3_payload[i]);
    for (int i = 0; i < 2; i++) {
        const struct layer l = {p[i].tiles, p[i].group, words};
        if (run_layer(v, &k, &l, &cycles[i], e))
            return -1;
        add_level(v, a, &p[i], cycles[i]);
    }
    validate_add(
        v,
        (struct validate_row){.unit = "cycles/tile",
                              .published = slope(p[0].communication, p[1].communication, tiles),
                              .ours = slope((double)cycles[0], (double)cycles[1], tiles),
                              .source = SOURCE_INFERRED,
                              .run = RUN_DERIVED,
                              .why = a->slope_why},
        "%s: slope of one all-reduction", a->name);
    return 0;
}

int validate_layer(struct validation *v, const struct machine *k, struct err *e)
{
    for (int i = 0; i < (v->quick ? 1 : VARIANTS); i++)
        if (run_variant(v, k, &variants[i], e))
            return -1;
    return 0;
}

/* ---- decode ---- */

enum { HIDDEN = 4096, FEED_FORWARD = 14336, POSITIONS = 4096, LLAMA_8B_LAYERS = 32 };

static uint32_t share(uint32_t n, uint32_t tiles)
{
    return packed((n + tiles - 1) / tiles);
}

static double published_cycles(const struct decode_point *p)
{
    return WAFERLLM_CLOCK_HZ / p->tokens_per_second / LLAMA_8B_LAYERS;
}

int validate_decode(struct validation *v, const struct machine *k, struct err *e)
{
    enum { POINTS = sizeof wse2_decode / sizeof wse2_decode[0] };
    uint64_t cycles[POINTS] = {0};
    for (int i = 0; i < POINTS; i += v->quick ? POINTS - 1 : 1) {
        const struct decode_point *p = &wse2_decode[i];
        uint32_t hidden = share(HIDDEN, p->tiles), wide = share(2 * FEED_FORWARD, p->tiles);
        const uint32_t words[LAYER_REDUCTIONS] = {1,
                                                  share(3 * HIDDEN, p->tiles),
                                                  share(POSITIONS, p->tiles),
                                                  1,
                                                  1,
                                                  hidden,
                                                  hidden,
                                                  1,
                                                  wide,
                                                  hidden};
        const struct layer l = {p->tiles, p->group, words};
        if (run_layer(v, k, &l, &cycles[i], e))
            return -1;
        validate_add(v,
                     (struct validate_row){
                         .unit = "cycles",
                         .published = published_cycles(p),
                         .ours = (double)cycles[i],
                         .source = SOURCE_INFERRED,
                         .run = RUN_SYMMETRY,
                         .why = "published is the whole layer, ours its all-reductions alone: "
                                "no products, kernels, route changes"},
                     "%u x %u tiles, a layer", p->tiles, p->tiles);
    }
    const uint32_t ends[2] = {wse2_decode[0].tiles, wse2_decode[POINTS - 1].tiles};
    validate_add(
        v,
        (struct validate_row){.unit = "cycles/tile",
                              .published = slope(published_cycles(&wse2_decode[0]),
                                                 published_cycles(&wse2_decode[POINTS - 1]), ends),
                              .ours = slope((double)cycles[0], (double)cycles[POINTS - 1], ends),
                              .source = SOURCE_INFERRED,
                              .run = RUN_DERIVED,
                              .why = "published shrinks with the products too (about -0.08)"},
        "slope of one all-reduction, %u to %u tiles", ends[0], ends[1]);
    return 0;
}
