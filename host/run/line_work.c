/* SPDX-License-Identifier: Apache-2.0 */
/* line_work.c - emits a line's programs and checks what they leave. */
#include "run/line_work.h"

#include "base/xalloc.h"
#include "place/collective.h"
#include "place/cost.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { COLOUR_CHAIN = 0, COLOUR_BROADCAST = 12, BF16_ONE = 0x3f80 };

struct work_state {
    const struct line_work *work;
    uint32_t words_max;
    uint16_t out; /* where sums end up, the same offset in all tiles */
};

/* Small whole numbers, so that every order of additions gives the same sum. */
static float element(uint32_t x, uint32_t i)
{
    return (float)((3 * x + i) % 8);
}

/* Element i of what tile x adds. */
static float part_of(const struct line_work *w, uint32_t x, uint32_t i)
{
    float sum = 0;
    if (!w->cols)
        return element(x, i);
    for (uint32_t k = 0; k < w->cols; k++)
        sum += element(x, k);
    return i < w->rows ? sum : 0;
}

static uint16_t put_elements(struct image *m, uint32_t x, uint32_t count)
{
    uint16_t at;
    uint8_t *room = image_room(m, PART_BUFFERS, 4 * count, &at);
    for (uint32_t i = 0; room && i < count; i++) {
        float v = element(x, i);
        memcpy(room + 4 * (size_t)i, &v, 4);
    }
    return at;
}

static uint16_t emit_product(struct image *m, const struct line_work *w, uint32_t x, uint32_t words)
{
    uint16_t weights;
    uint8_t *room = image_room(m, PART_WEIGHTS, 2 * w->rows * w->cols, &weights);
    const uint16_t one = BF16_ONE;
    for (size_t i = 0; room && i < (size_t)w->rows * w->cols; i++)
        memcpy(room + 2 * i, &one, 2);
    uint16_t input = put_elements(m, x, w->cols);
    uint16_t part = image_words(m, PART_BUFFERS, words > w->rows ? words : w->rows);
    image_step(m, (struct stream_desc){.op = STREAM_DOT_BF16,
                                       .count = (uint16_t)w->rows,
                                       .cols = (uint16_t)w->cols,
                                       .row_bytes = (uint16_t)(2 * w->cols),
                                       .src0 = weights,
                                       .src1 = input,
                                       .dst = part});
    return part;
}

/* Send as soon as the tile nearer to the last one has; then be a wire for those behind. */
static void emit_star(struct image *m, const struct line *l, uint16_t part, uint16_t out,
                      uint32_t words)
{
    const uint16_t wire[] = {ROUTE_WORD(AT_RAMP, AT_EAST), ROUTE_WORD(AT_WEST, AT_EAST)};
    if (l->index != l->root) {
        image_switch(m, COLOUR_CHAIN, wire, 2, false);
        m->route[m->route_count - 1].mode = ROUTE_MODE_POSITIONS(2); /* stays a wire */
        line_step(m, (struct stream_desc){.op = STREAM_SEND, .flags = STREAM_CONTROL, .src0 = part},
                  (struct length){.plus = words});
        return;
    }
    image_route(m, COLOUR_CHAIN, ROUTE_WORD(AT_WEST, AT_RAMP), true);
    for (uint32_t i = 1; i < l->length; i++)
        line_step(m,
                  (struct stream_desc){.op = STREAM_ADD_RECV,
                                       .src0 = i == 1 ? part : out,
                                       .src1 = COLOUR_CHAIN,
                                       .dst = out},
                  (struct length){.plus = words});
}

/* A step that the core begins when the one before it has ended. */
static void core_step(struct image *m, struct stream_desc d, struct length n)
{
    image_kernel(m, KERNEL_none, NULL, 0);
    line_step(m, d, n);
}

/* What a stage of a chain does in one step, in two: add what comes, send the sum. */
static void emit_in_two(struct image *m, struct stream_desc d, uint16_t out, struct length n)
{
    if (d.op == STREAM_ADD_SEND) {
        core_step(
            m,
            (struct stream_desc){.op = STREAM_ADD_RECV, .dst = out, .src0 = d.src0, .src1 = d.src1},
            n);
        d.op = STREAM_SEND;
        d.src0 = out;
    }
    core_step(m, d, n);
}

/* line_reduce with its routes, and stages in two steps. */
static void emit_stepwise(struct image *m, const struct line *l, uint16_t part, uint16_t out,
                          struct length n)
{
    struct image *fused = xcalloc(1, sizeof *fused);
    image_reset(fused, true);
    line_reduce(fused, l, REDUCE_ADD, part, out, n);
    for (uint32_t i = 0; i < fused->route_count; i++) {
        const struct program_route *r = &fused->route[i];
        image_switch(m, r->colour, r->word, ROUTE_MODE_COUNT(r->mode), r->queue != 0xff);
    }
    for (uint32_t i = 0; i < fused->desc_count; i++)
        emit_in_two(m, fused->desc[i], out, n);
    free(fused);
}

static void emit(void *self, struct image *m, uint32_t x, uint32_t y)
{
    struct work_state *s = self;
    const struct line_work *w = s->work;
    struct line l = {.index = x,
                     .length = w->tiles,
                     .root = w->root,
                     .low = PORT_WEST,
                     .high = PORT_EAST,
                     .shape = w->shape,
                     .broadcast = COLOUR_BROADCAST};
    (void)y;
    for (size_t i = 0; i < sizeof l.chain; i++)
        l.chain[i] = (uint8_t)(COLOUR_CHAIN + i);
    s->out = image_words(m, PART_BUFFERS, s->words_max);
    uint16_t part =
        w->cols ? emit_product(m, w, x, s->words_max) : put_elements(m, x, s->words_max);
    for (uint32_t i = 0; i < w->count; i++) {
        struct length n = {.plus = w->words[i]};
        if (w->pattern == LINE_BROADCAST)
            line_broadcast(m, &l, x == w->root ? part : s->out, n);
        else if (w->pattern == LINE_STAR)
            emit_star(m, &l, part, s->out, w->words[i]);
        else if (w->pattern == LINE_RING)
            line_ring_allreduce(m, &l, REDUCE_ADD, part, s->out,
                                (struct ring_size){w->words[i], cost_ring_window(w->machine)});
        else if (w->stepwise)
            emit_stepwise(m, &l, part, s->out, n);
        else
            line_reduce(m, &l, REDUCE_ADD, part, s->out, n);
        if (w->pattern == LINE_ALLREDUCE)
            line_broadcast(m, &l, s->out, n);
    }
}

/* What element i of the result is on every tile that has it. */
static float expected(const struct line_work *w, uint32_t i)
{
    float sum = 0;
    for (uint32_t x = 0; x < w->tiles; x++)
        sum += part_of(w, x, i);
    return w->pattern == LINE_BROADCAST ? part_of(w, w->root, i) : sum;
}

/* The root of a broadcast keeps its words elsewhere; a reduction's result is at the root only. */
static bool has_result(const struct line_work *w, uint32_t x)
{
    if (w->pattern == LINE_ALLREDUCE || w->pattern == LINE_RING)
        return true;
    return (x == w->root) != (w->pattern == LINE_BROADCAST);
}

static int check(void *self, const uint8_t *sram, uint32_t x, uint32_t y, struct err *e)
{
    const struct work_state *s = self;
    uint32_t last = s->words_max - 1;
    const uint32_t at[] = {0, last / 2, last}; /* first, middle, last word */
    for (unsigned j = 0; has_result(s->work, x) && j < 3; j++) {
        float have, want = expected(s->work, at[j]);
        memcpy(&have, sram + s->out + 4 * (size_t)at[j], 4);
        if (have != want)
            return err_set(e, ERR_INTERNAL, "tile (%u,%u): word %u is %g, not %g", x, y, at[j],
                           (double)have, (double)want);
    }
    return 0;
}

int line_work_run(const struct line_work *w, struct rig_result *out, struct err *e)
{
    struct work_state s = {.work = w};
    for (uint32_t i = 0; i < w->count; i++)
        s.words_max = w->words[i] > s.words_max ? w->words[i] : s.words_max;
    assert(s.words_max > 0 && w->root < w->tiles);
    struct rig r = {.machine = w->machine,
                    .images = w->images,
                    .width = w->tiles,
                    .height = w->lines ? w->lines : 1,
                    .row_0_only = true,
                    .emit = emit,
                    .check = check,
                    .self = &s};
    return rig_run(&r, out, e);
}
