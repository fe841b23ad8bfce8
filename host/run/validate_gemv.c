/* SPDX-License-Identifier: Apache-2.0 */
/* validate_gemv.c - WaferLLM's MeshGEMV: an n x n matrix on P x P tiles, each multiplies its block,
 * then every row all-reduces its outputs over two levels. Rows do not meet, so one is run, with
 * blocks of true size. The broadcast of x along a column, from
 * its middle, is added to the first; and the row is run with stages begun by the core, as WSE-3
 * seems to do (validate_layer.c). */
#include "place/cost.h"
#include "run/line_work.h"
#include "run/validate.h"

static const uint32_t sides[] = {660, 750};

/* A row of the mesh: tiles, rows and columns of a tile's block, wavelets that a tile's sums take.
 */
struct gemv_row {
    uint32_t tiles, block, words;
    bool by_core;
};

static int run_row(struct validation *v, const struct machine *k, const struct gemv_row *g,
                   uint64_t *cycles, struct err *e)
{
    struct line_work w = {.machine = k,
                          .images = v->images,
                          .tiles = g->tiles,
                          .root = reduce_root(REDUCE_LEVELS_2, g->tiles),
                          .pattern = LINE_ALLREDUCE,
                          .words = &g->words,
                          .count = 1,
                          .stepwise = g->by_core,
                          .rows = g->block,
                          .cols = g->block};
    struct rig_result r;
    w.shape = reduce_shape(REDUCE_LEVELS_2, g->tiles, w.root);
    if (line_work_run(&w, &r, e))
        return -1;
    *cycles = r.cycles;
    return 0;
}

static int run_column(struct validation *v, const struct machine *k, uint32_t tiles, uint32_t words,
                      uint64_t *cycles, struct err *e)
{
    struct line_work w = {.machine = k,
                          .images = v->images,
                          .tiles = tiles,
                          .root = tiles / 2,
                          .pattern = LINE_BROADCAST,
                          .words = &words,
                          .count = 1};
    struct rig_result r;
    if (line_work_run(&w, &r, e))
        return -1;
    *cycles = r.cycles;
    return 0;
}

static struct validate_row *add(struct validation *v, const struct gemv_point *p, uint32_t tiles,
                                uint64_t cycles, const char *how)
{
    return validate_add(v,
                        (struct validate_row){
                            .unit = "cycles",
                            .published = p->seconds * WAFERLLM_CLOCK_HZ,
                            .ours = (double)cycles,
                            .source = SOURCE_MEASURED,
                            .run = RUN_SYMMETRY,
                            .why =
                                "the mesh side is a guess, and whether x was there already is not "
                                "said; stages begun by the core are too slow for WSE-2"},
                        "%uK on %u x %u, %s", p->n / 1024, tiles, tiles, how);
}

static int run_point(struct validation *v, const struct machine *k, const struct gemv_point *p,
                     uint32_t tiles, struct err *e)
{
    uint32_t block = (p->n + tiles - 1) / tiles, packed = (block + 1) / 2;
    const struct gemv_row halves = {tiles, block, packed, false},
                          whole = {tiles, block, block, false},
                          by_core = {tiles, block, packed, true};
    uint64_t row, unpacked, slow, column;
    if (run_row(v, k, &halves, &row, e))
        return -1;
    add(v, p, tiles, row, "sums packed");
    if (v->quick)
        return 0;
    if (run_row(v, k, &whole, &unpacked, e) || run_row(v, k, &by_core, &slow, e) ||
        run_column(v, k, tiles, packed, &column, e))
        return -1;
    add(v, p, tiles, unpacked, "sums in fp32");
    add(v, p, tiles, slow, "packed, stages by the core");
    struct validate_row *all = add(v, p, tiles, row + column, "packed, x broadcast first");
    all->run = RUN_DERIVED;
    all->limit = 0.15;
    return 0;
}

int validate_gemv(struct validation *v, const struct machine *k, struct err *e)
{
    for (int i = 0; i < (v->quick ? 1 : 2); i++)
        for (int side = 0; side < (v->quick ? 1 : 2); side++)
            if (run_point(v, k, &wse2_gemv[i], sides[side], e))
                return -1;
    return 0;
}
