/* SPDX-License-Identifier: Apache-2.0 */
/* layer_path.c - what the walk back along a token must know of the plan: where results leave, and
 * what the programs of the tiles on the path say. */
#include "run/layer_path.h"

#include "base/xalloc.h"
#include "place/kernel_cost.h"

#include <assert.h>
#include <stdlib.h>

/* The program of the tile that was last asked about. */
struct programs {
    const struct plan *plan;
    struct image *image;
    struct tile_place at;
    bool there;
};

static const struct image *program_of(struct programs *p, uint32_t x, uint32_t y)
{
    if (p->there && p->at.x == x && p->at.y == y)
        return p->image;
    p->at = (struct tile_place){x, y};
    p->there = true;
    (void)plan_emit(p->plan, x, y, false, p->image);
    return p->image;
}

static uint32_t index_of(const struct image *m, uint16_t desc)
{
    uint32_t i = 0;
    while (i + 1 < m->desc_count && m->desc_at[i] != desc)
        i++;
    return i;
}

/* The phase whose mark is at the descriptor or the first one behind it. */
static unsigned phase_of(void *self, uint32_t x, uint32_t y, uint16_t desc)
{
    const struct image *m = program_of(self, x, y);
    uint32_t at = index_of(m, desc), mark = 0;
    while (mark + 1 < m->mark_count && index_of(m, m->mark[mark].desc) < at)
        mark++;
    return m->mark[mark].id;
}

/* The kernels that the end of `before` fires, one after the other, up to the next doorbell. */
static uint32_t dispatch(void *self, uint32_t x, uint32_t y, uint16_t before)
{
    const struct image *m = program_of(self, x, y);
    uint32_t task = m->desc[index_of(m, before)].event, cycles = 0;
    while (task < m->task_count) {
        const struct program_task *t = &m->task[task];
        cycles += kernel_cost(t->kernel, m->sram + t->args, m->cached).fixed;
        uint16_t next = m->task_start[task];
        task = next & 1 ? next / 2u : TILE_EVENT_NONE;
    }
    return cycles;
}

void layer_path_record(struct session *s)
{
    assert(session_plan(s)->wafers == 1);
    wafer_record_streams(session_wafer(s, 0), true);
}

static struct path_end *ends_of(const struct plan *p)
{
    struct path_end *ends = xcalloc(plan_output_count(p), sizeof *ends);
    for (uint32_t i = 0; i < plan_output_count(p); i++) {
        struct plan_port out = plan_output(p, i);
        ends[i] = (struct path_end){p->width - 1, out.port.index, out.port.side, out.colour};
    }
    return ends;
}

static void add_up(const struct critical_path *path, struct phase_time phase[PHASES])
{
    for (int i = 0; i < PHASES; i++)
        phase[i] = (struct phase_time){0};
    for (uint32_t i = 0; i < path->count; i++) {
        const struct path_piece *piece = &path->piece[i];
        phase[piece->phase].cycles += piece->cycles;
        phase[piece->phase].part[piece->part] += piece->cycles;
    }
}

int layer_path_find(struct session *s, struct critical_path *path, struct phase_time phase[PHASES],
                    struct err *e)
{
    const struct plan *p = session_plan(s);
    struct programs programs = {.plan = p, .image = xcalloc(1, sizeof *programs.image)};
    struct path_end *ends = ends_of(p);
    struct critical_path_cfg cfg = {.wafer = session_wafer(s, 0),
                                    .machine = p->machine,
                                    .width = p->width,
                                    .height = p->height,
                                    .ends = ends,
                                    .end_count = plan_output_count(p),
                                    .cycles = (uint32_t)session_token_cycles(s),
                                    .phase = phase_of,
                                    .dispatch = dispatch,
                                    .self = &programs};
    int result = critical_path_find(&cfg, path, e);
    if (!result)
        add_up(path, phase);
    wafer_record_streams(session_wafer(s, 0), false);
    free(ends);
    free(programs.image);
    return result;
}
