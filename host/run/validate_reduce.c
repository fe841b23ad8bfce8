/* SPDX-License-Identifier: Apache-2.0 */
/* validate_reduce.c - broadcast and reductions on lines of 4 to 512 tiles beside the model of
 * "Near-Optimal Wafer-Scale Reduce": 256 words at every length, 1 to 4,096 words at 512 tiles. */
#include "place/cost.h"
#include "run/line_work.h"
#include "run/validate.h"

#include <math.h>

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

/* What the shape would take with descriptors that cost nothing: what is left of a difference is
 * distance that the published formula hides behind words. */
static void add_without_setup(struct validation *v, const struct line_work *w,
                              const struct sweep *s, struct point p)
{
    struct machine free = *w->machine;
    free.stream_setup_cycles = 0;
    uint64_t cycles =
        cost_reduce_shape(&free, &w->shape, (struct line_size){p.tiles, w->root}, p.words);
    validate_add(v,
                 (struct validate_row){.unit = "cycles",
                                       .published = s->model(p.words, p.tiles),
                                       .ours = (double)cycles,
                                       .source = SOURCE_MODEL,
                                       .run = RUN_DERIVED,
                                       .why = s->why},
                 "   the same with free set-up, by our formula");
}

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
        if (s->pattern == LINE_REDUCE && fabs(validate_difference(&v->row[v->rows - 1])) > LIMIT)
            add_without_setup(v, &w, s, p);
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
    const struct sweep s = {
        .pattern = LINE_REDUCE,
        .kind = REDUCE_TWO_PHASE,
        .longest = 512,
        .model = model_two_phase,
        .limit = 0.10,
        .why = "a group's root takes 2 B words one a cycle, between the way along its own chain "
               "and the way to the line's end: at least 6 (g - 1) + 2 B + (P / g - 2) (g + 5), 632 "
               "at 64 tiles; the formula hides the way behind the words"};
    return sweep(v, k, &s, e);
}

int validate_tree(struct validation *v, const struct machine *k, struct err *e)
{
    const struct sweep s = {
        .pattern = LINE_REDUCE,
        .kind = REDUCE_TREE,
        .longest = 512,
        .model = model_tree,
        .limit = 0.06,
        .why = "short levels cost their words and their set-up, long ones their distance, one "
               "after the other; the formula takes the larger of all words and all distance"};
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

/* The groups of the least cost into the line's end, where the generator's trees end too. */
int validate_auto_gen(struct validation *v, const struct machine *k, struct err *e)
{
    for (size_t i = 0; i < POINTS; i++) {
        struct point p = points[i];
        struct line_size line = {p.tiles, p.tiles - 1};
        struct line_work w = {.machine = k, .pattern = LINE_REDUCE, .root = line.root};
        uint64_t cycles = 0;
        if (v->quick && p.tiles > QUICK_TILES)
            continue;
        w.shape = cost_search_shape(k, line, p.words);
        if (measure(&w, v, &p, &cycles, e))
            return -1;
        validate_add(
            v,
            (struct validate_row){
                .unit = "cycles",
                .published = model_auto_gen(p.words, p.tiles),
                .ours = (double)cycles,
                .source = SOURCE_MODEL,
                .limit = 0.05,
                .why = "the model adds depth, words and distance, of which streams overlap some"},
            "%u levels, %u tiles, %u words", w.shape.levels, p.tiles, p.words);
    }
    return 0;
}
