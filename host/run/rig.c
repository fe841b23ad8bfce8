/* SPDX-License-Identifier: Apache-2.0 */
/* rig.c - boots a fabric of small programs, opens the gate, times what follows. */
#include "run/rig.h"

#include "base/xalloc.h"
#include "fabric/wafer.h"

#include <stdlib.h>

enum { BOOT_CYCLES_MAX = 1000000, RUN_CYCLES_MAX = 1000000000 };

struct rig_state {
    const struct rig *rig;
    uint16_t gate; /* the gate's descriptor, the same offset in all tiles */
    uint64_t first, last;
    uint64_t open_at;    /* the cycle in which the gate opens */
    uint16_t *end;       /* [tile] its last descriptor */
    uint32_t unfinished; /* tiles */
};

static void on_stream(void *self, uint32_t x, uint32_t y, uint16_t desc, enum stream_moment what,
                      uint64_t cycle)
{
    struct rig_state *s = self;
    s->unfinished -= what == STREAM_FINISHED && desc == s->end[y * s->rig->width + x];
    if (desc == s->gate || (y && s->rig->row_0_only))
        return;
    if (what == STREAM_FIRST_BEAT)
        s->first = cycle < s->first ? cycle : s->first;
    else
        s->last = cycle > s->last ? cycle : s->last;
}

static void open_gate(void *self, struct wafer *w, uint64_t cycle)
{
    struct rig_state *s = self;
    if (cycle != s->open_at)
        return;
    for (uint32_t x = 0; x < s->rig->width; x++)
        wafer_edge_enter(w, (struct edge_port){PORT_NORTH, x},
                         (struct wavelet){.colour = RIG_GATE_COLOUR});
}

static uint64_t next_gate(void *self, uint64_t now)
{
    const struct rig_state *s = self;
    return now <= s->open_at ? s->open_at : UINT64_MAX;
}

static bool all_finished(void *self)
{
    return ((const struct rig_state *)self)->unfinished == 0;
}

static void emit_gate(struct image *m, bool last_row)
{
    image_route(m, RIG_GATE_COLOUR, ROUTE_WORD(AT_NORTH, AT_RAMP | (last_row ? 0 : AT_SOUTH)),
                true);
    uint16_t word = image_words(m, PART_BUFFERS, 1);
    image_step(m, (struct stream_desc){
                      .op = STREAM_RECV, .dst = word, .src1 = RIG_GATE_COLOUR, .count = 1});
}

static int load(const struct rig *r, struct rig_state *s, struct wafer *w, struct err *e)
{
    struct image *m = xcalloc(1, sizeof *m);
    int result = 0;
    for (uint32_t y = 0; y < r->height && !result; y++) {
        for (uint32_t x = 0; x < r->width && !result; x++) {
            image_reset(m, false);
            emit_gate(m, y + 1 == r->height);
            s->gate = m->desc_at[0];
            r->emit(r->self, m, x, y);
            s->end[y * r->width + x] = m->desc_at[m->desc_count - 1];
            image_finish(m);
            if (m->overflow)
                result = err_input(e, "tile (%u,%u): no room for %s", x, y, m->overflow);
            else
                result = wafer_load(w, x, y, TILE_PROGRAM_OFFSET, m->sram + TILE_PROGRAM_OFFSET,
                                    m->low - TILE_PROGRAM_OFFSET, e);
        }
    }
    free(m);
    return result;
}

static int check(const struct rig *r, const struct wafer *w, struct err *e)
{
    uint8_t *sram = xcalloc(1, TILE_SRAM_BYTES);
    int result = wafer_check_conservation(w, e);
    for (uint32_t y = 0; r->check && y < r->height && !result; y++) {
        for (uint32_t x = 0; x < r->width && !result; x++) {
            wafer_read(w, x, y, sram);
            result = r->check(r->self, sram, x, y, e);
        }
    }
    free(sram);
    return result;
}

static int run(struct rig_state *s, struct wafer *w, struct rig_result *out, struct err *e)
{
    struct wafer_stats before, after;
    const struct wafer_outside outside = {.self = s, .cycle = open_gate, .next = next_gate};
    if (load(s->rig, s, w, e))
        return -1;
    wafer_start_loaded(w);
    if (wafer_run_quiet(w, BOOT_CYCLES_MAX, e))
        return -1;
    wafer_stats(w, &before);
    s->open_at = wafer_cycle(w) + 1;
    wafer_set_stream_hook(w, on_stream, s);
    wafer_set_outside(w, &outside);
    if (wafer_run(w, all_finished, s, RUN_CYCLES_MAX, e) || wafer_run_quiet(w, RUN_CYCLES_MAX, e) ||
        check(s->rig, w, e))
        return -1;
    wafer_stats(w, &after);
    *out = (struct rig_result){.cycles = s->last + 1 - s->first,
                               .link_moves = after.link_moves - before.link_moves,
                               .tiles = s->rig->width * s->rig->height};
    return 0;
}

int rig_run(const struct rig *r, struct rig_result *out, struct err *e)
{
    struct wafer_cfg cfg = {.machine = r->machine,
                            .firmware = &r->images->firmware,
                            .width = r->width,
                            .height = r->height};
    struct rig_state s = {.rig = r, .first = UINT64_MAX, .unfinished = r->width * r->height};
    struct wafer *w;
    if (wafer_open(&w, &cfg, e))
        return -1;
    s.end = xcalloc(s.unfinished, sizeof *s.end);
    int result = run(&s, w, out, e);
    wafer_close(w);
    free(s.end);
    return result;
}
