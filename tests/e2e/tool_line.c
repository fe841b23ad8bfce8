/* SPDX-License-Identifier: Apache-2.0 */
/* tool_line.c - ping, broadcast and chain reduction on a line of tiles that run the firmware, timed
 * and compared with the published formulas (Luczynski et al., HPDC 2024): tool_line FIRMWARE_DIR.
 * Prints a table and TAP.
 *
 * T = cycles from the first word's issue to the last word stored, both counted; a ping ends when
 * the word is in the queue. The source waits for a word from the west edge, so that every other
 * tile is ready first. */
#include "base/xalloc.h"
#include "io/io.h"
#include "place/collective.h"
#include "run/images.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum pattern { PING, BROADCAST, CHAIN, PATTERNS };
static const char *const names[PATTERNS] = {"ping", "broadcast", "chain"};
enum { GO = 9, DATA = 10 }; /* colours */

struct timing {
    uint32_t source, sink;
    uint16_t source_desc, sink_desc;
    uint64_t issued, stored;
    bool started;
};

static void on_stream(void *self, uint32_t x, uint32_t y, uint16_t desc, enum stream_moment what,
                      uint64_t cycle)
{
    struct timing *t = self;
    (void)y;
    if (x == t->source && desc == t->source_desc && what == STREAM_FIRST_BEAT && !t->started) {
        t->issued = cycle;
        t->started = true;
    }
    if (x == t->sink && desc == t->sink_desc && what == STREAM_FINISHED)
        t->stored = cycle;
}

/* Wait for one word from the west edge. */
static void emit_go(struct image *m)
{
    image_route(m, GO, ROUTE_WORD(AT_WEST, AT_RAMP), true);
    uint16_t word = image_words(m, PART_BUFFERS, 1);
    image_step(m, (struct stream_desc){.op = STREAM_RECV, .dst = word, .src1 = GO, .count = 1});
}

static void emit_cast(struct image *m, struct line *l, uint32_t words, enum pattern pattern)
{
    uint16_t data = image_words(m, PART_BUFFERS, words);
    if (pattern == BROADCAST) {
        line_broadcast(m, l, data, (struct length){.plus = words});
        return;
    }
    if (l->index == 0 ||
        l->index == l->length - 1) { /* a ping passes through the others' routers */
        bool source = l->index == 0;
        image_route(m, DATA, source ? ROUTE_WORD(AT_RAMP, AT_EAST) : ROUTE_WORD(AT_WEST, AT_RAMP),
                    !source);
        image_step(m, (struct stream_desc){.op = source ? STREAM_SEND : STREAM_RECV,
                                           .dst = source ? DATA : data,
                                           .src0 = data,
                                           .src1 = DATA,
                                           .count = (uint16_t)words});
    } else {
        image_route(m, DATA, ROUTE_WORD(AT_WEST, AT_EAST), false);
        emit_go(m); /* a program needs a step; this one never happens */
    }
}

/* The program of tile x; notes source and sink descriptors. */
static void emit(struct image *m, struct timing *t, enum pattern pattern, uint32_t x,
                 uint32_t tiles, uint32_t words)
{
    struct line l = {.index = x,
                     .length = tiles,
                     .low = PORT_WEST,
                     .high = PORT_EAST,
                     .chain = {0, 1},
                     .broadcast = 2};
    l.root = pattern == CHAIN ? tiles - 1 : 0;
    image_reset(m, false);
    if (x == 0)
        emit_go(m);
    if (pattern == CHAIN) {
        uint16_t part = image_words(m, PART_BUFFERS, words);
        line_reduce(m, &l, REDUCE_ADD, part, part, (struct length){.plus = words});
    } else {
        emit_cast(m, &l, words, pattern);
    }
    if (x == t->source)
        t->source_desc = m->desc_at[m->desc_count - 1];
    if (x == t->sink)
        t->sink_desc = m->desc_at[m->desc_count - 1];
    image_finish(m);
}

static double formula(enum pattern pattern, const struct machine *k, uint32_t tiles, uint32_t words)
{
    double ramp = k->ramp_cycles;
    switch (pattern) {
    case PING:
        return tiles - 1 + 2 * ramp;
    case BROADCAST:
        return words + tiles + 2 * ramp;
    default:
        return words + (2 * ramp + 2) * (tiles - 1);
    }
}

/* What runs, and on what. */
struct run {
    enum pattern pattern;
    const struct machine *machine;
    const struct images *images;
    uint32_t tiles, words;
};

static int measure(const struct run *r, uint64_t *cycles, struct err *e)
{
    struct wafer_cfg cfg = {
        .machine = r->machine, .firmware = &r->images->firmware, .width = r->tiles, .height = 1};
    struct wafer *w;
    struct timing t = {.source = 0, .sink = r->tiles - 1};
    struct image *m = xcalloc(1, sizeof *m);
    if (wafer_open(&w, &cfg, e))
        return -1;
    struct io *io = io_open(w, &cfg);
    int result = 0;
    for (uint32_t x = 0; x < r->tiles && !result; x++) {
        emit(m, &t, r->pattern, x, r->tiles, r->words);
        result = wafer_load(w, x, 0, TILE_PROGRAM_OFFSET, m->sram + TILE_PROGRAM_OFFSET,
                            m->low - TILE_PROGRAM_OFFSET, e);
    }
    wafer_start_loaded(w);
    wafer_set_stream_hook(w, on_stream, &t);
    uint32_t go = 1;
    if (!result && !(result = wafer_run_quiet(w, 1000000, e))) {
        io_send(io, (struct edge_port){PORT_WEST, 0}, GO, &go, 1, 0);
        result = wafer_run_quiet(w, 1000000000, e);
    }
    *cycles = r->pattern == PING ? t.stored - t.issued - 1 : t.stored - t.issued + 1;
    io_close(io);
    wafer_close(w);
    free(m);
    return result;
}

int main(int argc, char **argv)
{
    static const uint32_t lengths[] = {4, 8, 16, 32, 64, 128, 256, 512}, sizes[] = {1, 16, 256};
    struct err e = {0};
    struct machine k;
    struct images images;
    unsigned number = 0, failed = 0;
    if (argc != 2 || machine_read(&k, "small", &e) || images_load(&images, argv[1], &e)) {
        (void)fprintf(stderr, "tool_line: %s\n",
                      argc != 2 ? "usage: tool_line FIRMWARE_DIR" : e.text);
        return 2;
    }
    (void)printf("# %-10s %6s %6s %8s %8s %7s\n", "pattern", "tiles", "words", "formula",
                 "measured", "diff");
    for (int p = 0; p < PATTERNS; p++) {
        for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            double worst = 0;
            for (unsigned j = 0; j < (p == PING ? 1 : sizeof sizes / sizeof sizes[0]); j++) {
                uint64_t cycles = 0;
                double want = formula((enum pattern)p, &k, lengths[i], sizes[j]);
                if (measure(&(struct run){(enum pattern)p, &k, &images, lengths[i], sizes[j]},
                            &cycles, &e))
                    (void)printf("# %s\n", e.text);
                double off = ((double)cycles - want) / want;
                worst = fabs(off) > worst ? fabs(off) : worst;
                (void)printf("# %-10s %6u %6u %8.0f %8llu %6.2f%%\n", names[p], lengths[i],
                             sizes[j], want, (unsigned long long)cycles, 100 * off);
            }
            failed += worst > 0.02;
            (void)printf("%s %u - %s over %u tiles is within 2 %% of the formula\n",
                         worst > 0.02 ? "not ok" : "ok", ++number, names[p], lengths[i]);
        }
    }
    (void)printf("1..%u\n", number);
    return failed != 0;
}
