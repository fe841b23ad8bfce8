/* SPDX-License-Identifier: Apache-2.0 */
/* validate_gemv.c - WaferLLM's MeshGEMV: an n x n matrix on P x P tiles, each multiplies its block,
 * then every row all-reduces its outputs over two levels. Rows do not meet, so one is run, with
 * blocks of true size. Every third row adds the broadcast of x along a column, from its middle. */
#include "place/cost.h"
#include "run/line_work.h"
#include "run/validate.h"

static const uint32_t sides[] = {660, 750};

/* A row of the mesh: tiles, rows and columns of a tile's block, wavelets that a tile's sums take.
 */
struct gemv_row {
    uint32_t tiles, block, words;
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

static void add(struct validation *v, const struct gemv_point *p, uint32_t tiles, uint64_t cycles,
                const char *how)
{
    validate_add(v,
                 (struct validate_row){.unit = "cycles",
                                       .published = p->seconds * WAFERLLM_CLOCK_HZ,
                                       .ours = (double)cycles,
                                       .source = SOURCE_MEASURED,
                                       .run = RUN_SYMMETRY,
                                       .why = "no software between descriptors here, and the "
                                              "mesh side is a guess"},
                 "%uK on %u x %u, %s", p->n / 1024, tiles, tiles, how);
}

static int run_point(struct validation *v, const struct machine *k, const struct gemv_point *p,
                     uint32_t tiles, struct err *e)
{
    uint32_t block = (p->n + tiles - 1) / tiles, packed = (block + 1) / 2;
    const struct gemv_row halves = {tiles, block, packed}, whole = {tiles, block, block};
    uint64_t row, unpacked, column;
    if (run_row(v, k, &halves, &row, e))
        return -1;
    add(v, p, tiles, row, "sums packed");
    if (v->quick)
        return 0;
    if (run_row(v, k, &whole, &unpacked, e) || run_column(v, k, tiles, packed, &column, e))
        return -1;
    add(v, p, tiles, unpacked, "sums in fp32");
    add(v, p, tiles, row + column, "packed, x broadcast first");
    v->row[v->rows - 1].run = RUN_DERIVED;
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
