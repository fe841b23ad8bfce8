/* SPDX-License-Identifier: Apache-2.0 */
/* allreduce.c - booting a fabric row by row, one sum over all tiles, and its check. */
#include "run/allreduce.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/xalloc.h"
#include "io/io.h"
#include "place/collective.h"
#include "run/boot_image.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum colour { COLOUR_ROW = 0, COLOUR_COLUMN = 4, COLOUR_CAST = 8, COLOUR_GO = 9 };

/* Feeding: rows are looked at every so many cycles and are given programs while fewer words than
 * this wait; a row takes one a cycle at most, so it never runs dry. */
enum { FEED_CYCLES = 256, FEED_WORDS = 1024 };

/* Bytes of tables and descriptors: of tiles that are no group's root, and of any; words of emit_go.
 */
enum { MOST_PROGRAMS = 512, ALL_PROGRAMS = 2048, GO_WORDS = 3 };

struct run {
    const struct allreduce_cfg *cfg;
    struct wafer *wafer;
    struct io *io;
    struct image *image;    /* scratch */
    struct rect_place root; /* what all tiles share: roots, shapes, colours */
    uint32_t largest_value; /* of a word */
    struct boot_image boot;
    uint32_t *words;          /* scratch: one tile's load */
    uint32_t *fed;            /* [height]: tiles of the row that have been fed */
    uint64_t fed_tiles, look; /* all; and when to look again */
    uint32_t program_bytes;   /* the most so far */
    uint16_t *out;            /* [tile]: SRAM offset of its sum */
    uint16_t start;           /* and of the last descriptor of emit_go */
    uint16_t *last;           /* [tile]: its last descriptor */
    uint32_t open;            /* tiles that have not finished */
    uint64_t begin, end;      /* first beat behind the start, and the last end */
};

static uint64_t tiles_of(const struct run *r)
{
    return (uint64_t)r->cfg->width * r->cfg->height;
}

static uint64_t limit_of(const struct run *r)
{
    return r->cfg->max_cycles ? r->cfg->max_cycles : UINT64_C(1) << 40;
}

static void progress(const struct run *r, const char *what, uint64_t part)
{
    if (r->cfg->progress)
        r->cfg->progress(r->cfg->progress_self, what, part, tiles_of(r));
}

/* ---- programs ---- */

/* Word i of tile (x, y). */
static uint32_t value(const struct run *r, uint32_t x, uint32_t y, uint32_t i)
{
    return (x * 7 + y * 13 + i * 5 + (x ^ y)) % (r->largest_value + 1);
}

/* The pair of kinds with the cheapest sum, in one set of colours each: a tile then needs six input
 * queues at most (two and two, the broadcast, the start). */
static void choose_kinds(const struct run *r, struct allreduce_result *out)
{
    const struct allreduce_cfg *c = r->cfg;
    out->predicted = UINT64_MAX;
    for (int i = 0; i < REDUCE_KINDS * REDUCE_KINDS; i++) {
        enum reduce_kind row = (enum reduce_kind)(i / REDUCE_KINDS),
                         column = (enum reduce_kind)(i % REDUCE_KINDS);
        if (reduce_sets(row, c->width) > 1 || reduce_sets(column, c->height) > 1)
            continue;
        struct line_size w = {c->width, reduce_root(row, c->width)},
                         h = {c->height, reduce_root(column, c->height)};
        struct reduce_shape across = reduce_shape(row, w.tiles, w.root),
                            down = reduce_shape(column, h.tiles, h.root);
        struct rect_cost cost = {w, h, &across, &down};
        uint64_t cycles = cost_rect_allreduce(c->machine, &cost, c->words);
        if (cycles >= out->predicted)
            continue;
        out->predicted = cycles;
        out->row = row;
        out->column = column;
    }
}

static void set_line(struct line *l, enum reduce_kind kind, uint8_t colour)
{
    l->shape = reduce_shape(kind, l->length, l->root);
    for (uint8_t i = 0; i < 4; i++)
        l->chain[i] = (uint8_t)(colour + i);
}

static void set_places(struct run *r, const struct allreduce_result *kinds)
{
    struct rect all = {0, 0, r->cfg->width, r->cfg->height};
    r->root =
        rect_place(&all, 0, 0, reduce_root(kinds->row, all.w), reduce_root(kinds->column, all.h));
    set_line(&r->root.row, kinds->row, COLOUR_ROW);
    set_line(&r->root.column, kinds->column, COLOUR_COLUMN);
    r->root.cast = COLOUR_CAST;
}

/* The start word passes tile (x, y) x + y cycles after it entered. Products that nobody needs make
 * up for that, a beat each, so that all tiles begin in the same cycle. */
static void emit_go(const struct run *r, uint32_t x, uint32_t y)
{
    const struct allreduce_cfg *c = r->cfg;
    unsigned from = x == 0 && y > 0 ? AT_NORTH : AT_WEST;
    unsigned onward =
        (x + 1 < c->width ? AT_EAST : 0u) | (x == 0 && y + 1 < c->height ? AT_SOUTH : 0u);
    uint16_t word = image_words(r->image, PART_BUFFERS, GO_WORDS);
    image_route(r->image, COLOUR_GO, ROUTE_WORD(from, AT_RAMP | onward), true);
    image_step(r->image,
               (struct stream_desc){.op = STREAM_RECV, .dst = word, .src1 = COLOUR_GO, .count = 1});
    image_step(r->image, (struct stream_desc){.op = STREAM_DOT_F32,
                                              .dst = (uint16_t)(word + 4),
                                              .src0 = word,
                                              .src1 = word,
                                              .count = 1,
                                              .cols = 1,
                                              .row_bytes = 4,
                                              .batch = (uint16_t)(c->width + c->height - x - y)});
}

static void emit_sum(struct run *r, uint32_t x, uint32_t y)
{
    struct image *m = r->image;
    uint32_t n = r->cfg->words;
    uint16_t part;
    struct rect_place p = r->root;
    p.row.index = x;
    p.column.index = y;
    uint8_t *room = image_room(m, PART_BUFFERS, n * 4, &part);
    for (uint32_t i = 0; room && i < n; i++) {
        float v = (float)value(r, x, y, i);
        memcpy(room + (size_t)4 * i, &v, 4);
    }
    uint16_t out = image_words(m, PART_BUFFERS, n);
    r->out[(size_t)y * r->cfg->width + x] = out;
    rect_allreduce(m, &p, REDUCE_ADD, part, out, (struct length){.plus = n});
}

/* The program in no more SRAM than up to `high`. */
static void emit_below(struct run *r, uint32_t x, uint32_t y, uint32_t high)
{
    struct image *m = r->image;
    image_reset(m, false);
    m->high = high;
    emit_go(r, x, y);
    r->start = m->desc_at[1];
    emit_sum(r, x, y);
    r->last[(size_t)y * r->cfg->width + x] = m->desc_at[m->desc_count - 1];
    image_finish(m);
}

/* The program of a tile, in r->image. Close to the firmware's own data, so that the host keeps one
 * page of SRAM for most tiles. */
static void emit(struct run *r, uint32_t x, uint32_t y)
{
    uint32_t words = 2 * r->cfg->words + GO_WORDS;
    emit_below(r, x, y, TILE_PROGRAM_OFFSET + 4 * words + MOST_PROGRAMS);
    if (r->image->overflow)
        emit_below(r, x, y, TILE_PROGRAM_OFFSET + 4 * words + ALL_PROGRAMS);
    assert(!r->image->overflow);
    uint32_t bytes = r->image->low - TILE_PROGRAM_OFFSET;
    r->program_bytes = bytes > r->program_bytes ? bytes : r->program_bytes;
}

/* ---- boot ---- */

static uint32_t record_header(uint32_t offset, uint32_t words)
{
    return offset | words << 16;
}

/* The next tile of a row gets its share of the row's stream. */
static void feed_tile(struct run *r, uint32_t y)
{
    uint32_t x = r->fed[y]++, used = 0;
    r->fed_tiles++;
    if (r->cfg->load == BOOT_FABRIC) {
        emit(r, x, y);
        uint32_t n = (r->image->low - TILE_PROGRAM_OFFSET) / 4;
        r->words[used++] = record_header(TILE_PROGRAM_OFFSET, n);
        memcpy(r->words + used, r->image->sram + TILE_PROGRAM_OFFSET, (size_t)n * 4);
        used += n;
    }
    r->words[used++] = record_header(0, 0);
    io_send(r->io, (struct edge_port){PORT_WEST, y}, COLOUR_LOAD, r->words, used,
            IO_LAST_IS_CONTROL);
}

/* For wafer_run: whether all rows have been given all their programs. */
static bool feed(void *self)
{
    struct run *r = self;
    uint64_t now = wafer_cycle(r->wafer);
    if (now < r->look || !boot_image_step(&r->boot, now))
        return false;
    r->look = now + FEED_CYCLES;
    for (uint32_t y = 0; y < r->cfg->height; y++)
        while (r->fed[y] < r->cfg->width &&
               io_pending(r->io, (struct edge_port){PORT_WEST, y}) < FEED_WORDS)
            feed_tile(r, y);
    progress(r, "booting: tiles fed", r->fed_tiles);
    return r->fed_tiles == tiles_of(r);
}

static int write_programs(struct run *r, struct err *e)
{
    for (uint32_t y = 0; y < r->cfg->height; y++) {
        for (uint32_t x = 0; x < r->cfg->width; x++) {
            emit(r, x, y);
            if (wafer_load(r->wafer, x, y, TILE_PROGRAM_OFFSET,
                           r->image->sram + TILE_PROGRAM_OFFSET,
                           r->image->low - TILE_PROGRAM_OFFSET, e))
                return -1;
        }
        progress(r, "writing programs: tiles", (uint64_t)(y + 1) * r->cfg->width);
    }
    return 0;
}

static int boot(struct run *r, struct err *e)
{
    uint64_t limit = limit_of(r);
    if (r->cfg->load != BOOT_FABRIC && write_programs(r, e))
        return -1;
    if (r->cfg->load == BOOT_DIRECT) {
        wafer_start_loaded(r->wafer);
    } else {
        boot_image_open(&r->boot, r->io, r->cfg->images, r->cfg->width + r->cfg->height);
        if (wafer_run(r->wafer, feed, r, limit, e))
            return -1;
    }
    return wafer_run_quiet(r->wafer, limit, e);
}

/* ---- the sum ---- */

static void on_stream(void *self, uint32_t x, uint32_t y, uint16_t desc, enum stream_moment what,
                      uint64_t cycle)
{
    struct run *r = self;
    const struct allreduce_cfg *c = r->cfg;
    if (what == STREAM_FINISHED) {
        r->end = cycle;
        r->open -= desc == r->last[(size_t)y * c->width + x];
        return;
    }
    if (desc > r->start && r->begin == UINT64_MAX)
        r->begin = cycle;
}

static bool all_finished(void *self)
{
    return ((const struct run *)self)->open == 0;
}

static int sum(struct run *r, struct allreduce_result *out, struct err *e)
{
    uint32_t go = 1;
    uint64_t limit = limit_of(r);
    r->begin = UINT64_MAX;
    r->open = (uint32_t)tiles_of(r);
    wafer_set_stream_hook(r->wafer, on_stream, r);
    io_send(r->io, (struct edge_port){PORT_WEST, 0}, COLOUR_GO, &go, 1, 0);
    if (wafer_run(r->wafer, all_finished, r, limit, e) || wafer_run_quiet(r->wafer, limit, e) ||
        wafer_check_conservation(r->wafer, e))
        return -1;
    out->cycles = r->end - r->begin + 1;
    return 0;
}

static int check_tile(const struct run *r, const float *want, float *have, uint32_t x, uint32_t y,
                      struct err *e)
{
    uint32_t n = r->cfg->words;
    wafer_read_part(r->wafer, x, y, r->out[(size_t)y * r->cfg->width + x], have, 4 * n);
    for (uint32_t i = 0; i < n; i++)
        if (have[i] != want[i])
            return err_set(e, ERR_COMPARE, "tile (%u,%u), word %u: the sum is %.9g, not %.9g", x, y,
                           i, (double)have[i], (double)want[i]);
    return 0;
}

static void expect(const struct run *r, float *want)
{
    for (uint32_t i = 0; i < r->cfg->words; i++) {
        uint64_t total = 0;
        for (uint32_t y = 0; y < r->cfg->height; y++)
            for (uint32_t x = 0; x < r->cfg->width; x++)
                total += value(r, x, y, i);
        want[i] = (float)total;
    }
}

static int check(const struct run *r, struct err *e)
{
    float *want = xcalloc(r->cfg->words, sizeof *want),
          *have = xcalloc(r->cfg->words, sizeof *have);
    int result = 0;
    expect(r, want);
    for (uint32_t y = 0; y < r->cfg->height && !result; y++) {
        for (uint32_t x = 0; x < r->cfg->width && !result; x++)
            result = check_tile(r, want, have, x, y, e);
        progress(r, "checking: tiles", (uint64_t)(y + 1) * r->cfg->width);
    }
    free(want);
    free(have);
    return result;
}

/* ---- all of it ---- */

static int run_timed(struct run *r, struct allreduce_result *out, struct err *e)
{
    struct wafer_stats stats;
    double t0 = wall_seconds();
    if (boot(r, e))
        return -1;
    out->boot_cycles = wafer_cycle(r->wafer);
    double t1 = wall_seconds();
    if (sum(r, out, e))
        return -1;
    double t2 = wall_seconds();
    if (check(r, e))
        return -1;
    out->boot_seconds = t1 - t0;
    out->sum_seconds = t2 - t1;
    out->check_seconds = wall_seconds() - t2;
    wafer_stats(r->wafer, &stats);
    out->link_moves = stats.link_moves;
    out->program_bytes = r->program_bytes;
    out->memory_bytes = memory_peak();
    return 0;
}

static void run_free(struct run *r)
{
    io_close(r->io);
    wafer_close(r->wafer);
    free(r->image);
    free(r->words);
    free(r->fed);
    free(r->last);
    free(r->out);
}

static int run_open(struct run *r, const struct allreduce_cfg *cfg, struct err *e)
{
    struct wafer_cfg wafer = {.machine = cfg->machine,
                              .firmware = &cfg->images->firmware,
                              .width = cfg->width,
                              .height = cfg->height,
                              .engine = cfg->engine,
                              .threads = cfg->threads};
    if (wafer_open(&r->wafer, &wafer, e))
        return -1;
    r->io = io_open(r->wafer, &wafer);
    r->image = xcalloc(1, sizeof *r->image);
    r->words = xcalloc(TILE_PROGRAM_BYTES / 4 + 2, sizeof *r->words);
    r->fed = xcalloc(cfg->height, sizeof *r->fed);
    r->last = xcalloc(tiles_of(r), sizeof *r->last);
    r->out = xcalloc(tiles_of(r), sizeof *r->out);
    return 0;
}

int allreduce_run(const struct allreduce_cfg *cfg, struct allreduce_result *out, struct err *e)
{
    struct run r = {.cfg = cfg};
    uint64_t exact = 1u << 24; /* fp32 counts so far in ones */
    memset(out, 0, sizeof *out);
    if (cfg->words == 0 || cfg->words > ALLREDUCE_WORDS_MAX)
        return err_set(e, ERR_USAGE, "allreduce: 1 to %d words, not %u", ALLREDUCE_WORDS_MAX,
                       cfg->words);
    out->memory_before = memory_now();
    double from = wall_seconds();
    int result = run_open(&r, cfg, e);
    if (!result) {
        out->open_seconds = wall_seconds() - from;
        r.largest_value = tiles_of(&r) * 15 <= exact ? 15 : (uint32_t)(exact / tiles_of(&r));
        choose_kinds(&r, out);
        set_places(&r, out);
        result = run_timed(&r, out, e);
    }
    run_free(&r);
    return result;
}
