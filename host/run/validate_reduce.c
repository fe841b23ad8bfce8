/* SPDX-License-Identifier: Apache-2.0 */
/* validate_reduce.c - broadcast and reductions on lines of 4 to 512 tiles beside the model of
 * "Near-Optimal Wafer-Scale Reduce": 256 words at every length, 1 to 4,096 words at 512 tiles. */
#include "place/cost.h"
#include "run/line_work.h"
#include "run/validate.h"

#include <string.h>

#define LIMIT 0.04 /* what the paper says of its model on hardware */

struct point {
    uint32_t tiles, words;
};
static const struct point points[] = {
    {4, 256}, {8, 256}, {16, 256}, {32, 256}, {64, 256},  {128, 256},  {256, 256},
    {512, 1}, {512, 4}, {512, 16}, {512, 64}, {512, 256}, {512, 1024}, {512, 4096},
};
enum {
    POINTS = sizeof points / sizeof points[0],
    QUICK_TILES = 128,
    STAR_TILES = 64,
    RING_TILES = 128
};

static int measure(struct line_work *w, struct validation *v, const struct point *p,
                   uint64_t *cycles, struct err *e)
{
    struct rig_result r;
    w->images = v->images;
    w->tiles = p->tiles;
    w->words = &p->words;
    w->count = 1;
    if (line_work_run(w, &r, e))
        return -1;
    *cycles = r.cycles;
    return 0;
}

/* One pattern at all points not longer than `longest`. */
struct sweep {
    enum line_pattern pattern;
    enum reduce_kind kind;
    uint32_t longest;
    double (*model)(double words, double tiles);
    double limit;
    const char *why;
};

static int sweep(struct validation *v, const struct machine *k, const struct sweep *s,
                 struct err *e)
{
    uint32_t longest = v->quick && s->longest > QUICK_TILES ? QUICK_TILES : s->longest;
    for (unsigned i = 0; i < POINTS; i++) {
        struct point p = points[i];
        uint64_t cycles = 0;
        struct line_work w = {.machine = k, .pattern = s->pattern};
        if (p.tiles > longest)
            continue;
        w.root = s->pattern == LINE_BROADCAST ? 0 : p.tiles - 1;
        if (s->pattern == LINE_REDUCE)
            w.shape = reduce_shape(s->kind, p.tiles, w.root);
        if (measure(&w, v, &p, &cycles, e))
            return -1;
        validate_add(v,
                     (struct validate_row){.unit = "cycles",
                                           .published = s->model(p.words, p.tiles),
                                           .ours = (double)cycles,
                                           .source = SOURCE_MODEL,
                                           .limit = s->limit,
                                           .why = s->why},
                     "%s, %u tiles, %u words", v->at->name, p.tiles, p.words);
    }
    return 0;
}

int validate_broadcast(struct validation *v, const struct machine *k, struct err *e)
{
    const struct sweep s = {
        .pattern = LINE_BROADCAST, .longest = 512, .model = model_message, .limit = LIMIT};
    return sweep(v, k, &s, e);
}

int validate_chain(struct validation *v, const struct machine *k, struct err *e)
{
    const struct sweep s = {.pattern = LINE_REDUCE,
                            .kind = REDUCE_CHAIN,
                            .longest = 512,
                            .model = model_chain,
                            .limit = LIMIT};
    return sweep(v, k, &s, e);
}

int validate_star(struct validation *v, const struct machine *k, struct err *e)
{
    const struct sweep s = {.pattern = LINE_STAR,
                            .longest = STAR_TILES,
                            .model = model_star,
                            .limit = LIMIT,
                            .why = "a descriptor for each sender, set up in 5 cycles"};
    return sweep(v, k, &s, e);
}

int validate_two_phase(struct validation *v, const struct machine *k, struct err *e)
{
    const struct sweep s = {.pattern = LINE_REDUCE,
                            .kind = REDUCE_TWO_PHASE,
                            .longest = 512,
                            .model = model_two_phase,
                            .limit = 0.10,
                            .why = "the model takes the larger of words and distance; here the "
                                   "second phase waits for the first, so they add up"};
    return sweep(v, k, &s, e);
}

int validate_tree(struct validation *v, const struct machine *k, struct err *e)
{
    const struct sweep s = {.pattern = LINE_REDUCE,
                            .kind = REDUCE_TREE,
                            .longest = 512,
                            .model = model_tree,
                            .limit = 0.06,
                            .why = "levels follow each other, each with its distance, words and "
                                   "set-up; the model takes the larger of words and distance"};
    return sweep(v, k, &s, e);
}

int validate_ring(struct validation *v, const struct machine *k, struct err *e)
{
    const struct sweep s = {.pattern = LINE_RING,
                            .longest = RING_TILES,
                            .model = model_ring,
                            .why = "taking and sending are a beat each: (3 P - 2) B / P beats, 640 "
                                   "at 4 tiles; the rest is set-up, for pieces of at most 8 words"};
    return sweep(v, k, &s, e);
}

/* The kind that costs least of those that end, as the generator's do, at the line's end. */
static enum reduce_kind cheapest(const struct machine *k, struct point p)
{
    enum reduce_kind best = REDUCE_CHAIN;
    for (enum reduce_kind kind = 0; kind < REDUCE_KINDS; kind++)
        if (reduce_root(kind, p.tiles) == p.tiles - 1 &&
            cost_reduce(kind, k, p.tiles, p.words) < cost_reduce(best, k, p.tiles, p.words))
            best = kind;
    return best;
}

int validate_auto_gen(struct validation *v, const struct machine *k, struct err *e)
{
    for (size_t i = 0; i < auto_gen_count; i++) {
        struct point p = {auto_gen_points[i].tiles, auto_gen_points[i].words};
        enum reduce_kind kind = cheapest(k, p);
        uint32_t root = reduce_root(kind, p.tiles);
        struct line_work w = {.machine = k,
                              .pattern = LINE_REDUCE,
                              .root = root,
                              .shape = reduce_shape(kind, p.tiles, root)};
        uint64_t cycles = 0;
        if (v->quick && p.tiles > QUICK_TILES)
            continue;
        if (measure(&w, v, &p, &cycles, e))
            return -1;
        validate_add(v,
                     (struct validate_row){.unit = "cycles",
                                           .published = auto_gen_points[i].cycles,
                                           .ours = (double)cycles,
                                           .source = SOURCE_MODEL,
                                           .why = "the generator is free in shape, ours "
                                                  "picks a chain, two-phase or tree"},
                     "%s, %u tiles, %u words", reduce_kind_name(kind), p.tiles, p.words);
    }
    return 0;
}
