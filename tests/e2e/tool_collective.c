/* SPDX-License-Identifier: Apache-2.0 */
/* tool_collective.c - every collective on emulated tiles with the real firmware: results bit by bit
 * against sums made on the host in the documented order (place/levels.h), cycles against the
 * formulas of place/cost.h. Prints TAP; with `table`, measured cycles instead.
 *
 * All tiles begin in the same cycle: a word from the west edge passes every tile, (x, y) waits for
 * it and then beats w + h - x - y times before its first step. The program runs twice, the second
 * time with all numbers doubled, so that switches which do not return would show. */
#include "base/rng.h"
#include "base/xalloc.h"
#include "io/io.h"
#include "place/collective.h"
#include "place/cost.h"
#include "tests/fixture/line_sum.h"
#include "run/images.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GO = 21, CAST = 20, ROW = 0, COLUMN = 8 }; /* colours */
enum what {
    LINE_REDUCE,
    LINE_MAX,
    LINE_BROADCAST,
    LINE_ALLREDUCE,
    LINE_GATHER,
    LINE_RING,
    RECT_REDUCE,
    RECT_BROADCAST,
    RECT_ALLREDUCE,
    RECT_GATHER
};

/* One experiment. Lines lie along a row (h = 1) or a column (w = 1). */
struct job {
    enum what what;
    uint32_t w, h, words;
    uint32_t root_x, root_y;
    struct reduce_shape row, column;
};

struct tile_layout {
    uint16_t first, last; /* descriptors of the collective */
    uint16_t out;
    bool takes;
};

struct rig {
    const struct machine *machine;
    const struct images *images;
    const struct job *job;
    struct tile_layout *tile; /* [h][w] */
    float *part;              /* [h][w][words] */
    struct image *image;
    bool begun;
    uint64_t begin, end;
    uint32_t open; /* tiles that have not finished */
};

static uint32_t out_words(const struct job *j)
{
    uint32_t pieces = j->what == LINE_GATHER || j->what == RECT_GATHER ? j->w * j->h : 1;
    return pieces * j->words;
}

/* ---- programs ---- */

static void on_stream(void *self, uint32_t x, uint32_t y, uint16_t desc, enum stream_moment what,
                      uint64_t cycle)
{
    struct rig *r = self;
    const struct tile_layout *t = &r->tile[y * r->job->w + x];
    if (!t->first || desc < t->first || desc > t->last)
        return;
    if (what == STREAM_FINISHED) {
        r->end = cycle;
        r->open -= desc == t->last;
    } else if (!r->begun) {
        r->begun = true;
        r->begin = cycle;
    }
}

static void emit_go(struct image *m, const struct job *j, uint32_t x, uint32_t y)
{
    unsigned south = x == 0 && y + 1 < j->h ? AT_SOUTH : 0, east = x + 1 < j->w ? AT_EAST : 0;
    image_route(m, GO, ROUTE_WORD(x == 0 && y > 0 ? AT_NORTH : AT_WEST, AT_RAMP | south | east),
                true);
    uint16_t word = image_words(m, PART_BUFFERS, 4);
    image_step(m, (struct stream_desc){.op = STREAM_RECV, .dst = word, .src1 = GO, .count = 1});
    image_step(m, (struct stream_desc){.op = STREAM_DOT_F32,
                                       .dst = (uint16_t)(word + 4),
                                       .src0 = (uint16_t)(word + 8),
                                       .src1 = (uint16_t)(word + 8),
                                       .count = 1,
                                       .cols = 1,
                                       .row_bytes = 4,
                                       .batch = (uint16_t)(j->w + j->h - x - y)});
}

static void set_colours(struct line *l, uint8_t base, uint8_t count)
{
    for (uint8_t i = 0; i < count; i++)
        l->chain[i] = (uint8_t)(base + i);
    l->broadcast = CAST;
}

static struct rect_place place_of(const struct job *j, uint32_t x, uint32_t y)
{
    struct rect area = {0, 0, j->w, j->h};
    struct rect_place p = rect_place(&area, x, y, j->root_x, j->root_y);
    bool both = j->w > 1 && j->h > 1; /* a single line has room for three sets of levels */
    set_colours(&p.row, ROW, both ? 8 : 12);
    set_colours(&p.column, both ? COLUMN : ROW, both ? 8 : 12);
    p.row.shape = j->row;
    p.column.shape = j->column;
    p.cast = CAST;
    return p;
}

static void emit_collective(struct image *m, const struct job *j, const struct rect_place *p,
                            uint16_t part, uint16_t out, uint32_t window)
{
    const struct line *l = j->h == 1 ? &p->row : &p->column;
    struct length n = {.plus = j->words};
    switch (j->what) {
    case LINE_REDUCE:
        line_reduce(m, l, REDUCE_ADD, part, out, n);
        break;
    case LINE_MAX:
        line_reduce(m, l, REDUCE_MAX, part, out, n);
        break;
    case LINE_BROADCAST:
        line_broadcast(m, l, part, n);
        break;
    case LINE_ALLREDUCE:
        line_allreduce(m, l, REDUCE_ADD, part, out, n);
        break;
    case LINE_GATHER:
        line_gather(m, l, part, j->words, out);
        break;
    case LINE_RING:
        line_ring_allreduce(m, l, REDUCE_ADD, part, out, (struct ring_size){j->words, window});
        break;
    case RECT_REDUCE:
        rect_reduce(m, p, REDUCE_ADD, part, out, n);
        break;
    case RECT_BROADCAST:
        rect_broadcast(m, p, part, n);
        break;
    case RECT_ALLREDUCE:
        rect_allreduce(m, p, REDUCE_ADD, part, out, n);
        break;
    case RECT_GATHER:
        rect_gather(m, p, part, j->words, image_words(m, PART_BUFFERS, j->w * j->words), out);
        break;
    }
}

static void emit(struct rig *r, uint32_t x, uint32_t y)
{
    const struct job *j = r->job;
    struct image *m = r->image;
    struct tile_layout *t = &r->tile[y * j->w + x];
    struct rect_place p = place_of(j, x, y);
    const float two = 2;
    image_reset(m, false);
    emit_go(m, j, x, y);
    uint16_t part =
        image_data(m, PART_PROGRAM, r->part + ((size_t)y * j->w + x) * j->words, j->words * 4);
    uint16_t factor = image_data(m, PART_PROGRAM, &two, 4);
    uint32_t first = m->desc_count;
    bool cast = j->what == LINE_BROADCAST || j->what == RECT_BROADCAST;
    t->out = cast ? part : image_words(m, PART_BUFFERS, out_words(j));
    emit_collective(m, j, &p, part, t->out, cost_ring_window(r->machine));
    t->takes = line_takes(j->h == 1 ? &p.row : &p.column);
    t->first = m->desc_count > first ? m->desc_at[first] : 0;
    t->last = m->desc_at[m->desc_count - 1];
    if (!cast || (x == j->root_x && y == j->root_y))
        image_step(m, (struct stream_desc){.op = STREAM_SCALE,
                                           .dst = part,
                                           .src0 = part,
                                           .src1 = factor,
                                           .count = (uint16_t)j->words});
    image_finish(m);
}

/* ---- what should come out ---- */

static float maximum(const struct rig *r, uint32_t word)
{
    const struct job *j = r->job;
    float m = r->part[word];
    for (uint32_t i = 1; i < j->w * j->h; i++)
        m = fmaxf(m, r->part[(size_t)i * j->words + word]);
    return m;
}

static float rect_sum(const struct rig *r, uint32_t word)
{
    const struct job *j = r->job;
    float row[4096];
    for (uint32_t y = 0; y < j->h; y++)
        row[y] = line_sum(&j->row, j->w, j->root_x, r->part + (size_t)y * j->w * j->words + word,
                          j->words);
    return line_sum(&j->column, j->h, j->root_y, row, 1);
}

/* The i-th tile of a side-by-side order: the root, down from it, up from it. */
static uint32_t gather_order(uint32_t root, uint32_t i)
{
    return i <= root ? root - i : i;
}

/* Word i goes round a ring of the even tiles and back over the odd ones, from the place behind the
 * one that its piece belongs to. */
static float ring_sum(const struct rig *r, uint32_t i)
{
    const struct job *j = r->job;
    uint32_t ring[4096], n = 0, tiles = j->w * j->h, pieces = tiles, piece = 0;
    for (uint32_t x = 0; x < tiles; x += 2)
        ring[n++] = x;
    for (uint32_t x = tiles / 2 * 2; x > 0; x -= 2)
        ring[n++] = x - 1;
    while (pieces * cost_ring_window(r->machine) < j->words)
        pieces += tiles;
    while ((uint64_t)j->words * (piece + 1) / pieces <= i)
        piece++;
    float sum = r->part[(size_t)ring[(piece + 1) % tiles] * j->words + i];
    for (uint32_t k = 2; k <= tiles; k++)
        sum += r->part[(size_t)ring[(piece + k) % tiles] * j->words + i];
    return sum;
}

static float expected(const struct rig *r, uint32_t i)
{
    const struct job *j = r->job;
    uint32_t piece = i / j->words, word = i % j->words;
    switch (j->what) {
    case LINE_MAX:
        return maximum(r, word);
    case LINE_BROADCAST:
    case RECT_BROADCAST:
        return r->part[(size_t)(j->root_y * j->w + j->root_x) * j->words + word];
    case LINE_GATHER:
    case RECT_GATHER: {
        uint32_t x = gather_order(j->root_x, piece % j->w),
                 y = gather_order(j->root_y, piece / j->w);
        return r->part[(size_t)(y * j->w + x) * j->words + word];
    }
    case LINE_RING:
        return ring_sum(r, word);
    case LINE_REDUCE:
    case LINE_ALLREDUCE:
    case RECT_REDUCE:
    case RECT_ALLREDUCE:
        break;
    }
    return rect_sum(r, word);
}

static bool reaches_all(enum what what)
{
    return what == LINE_BROADCAST || what == LINE_ALLREDUCE || what == LINE_RING ||
           what == RECT_BROADCAST || what == RECT_ALLREDUCE;
}

/* Every tile that should have the result has it, times `factor`. */
static int check_results(const struct rig *r, const struct wafer *w, float factor, struct err *e)
{
    const struct job *j = r->job;
    uint32_t n = out_words(j);
    uint8_t *sram = xcalloc(1, TILE_SRAM_BYTES);
    float *want = xcalloc(n, sizeof *want);
    int result = 0;
    for (uint32_t i = 0; i < n; i++)
        want[i] = expected(r, i) * factor;
    for (uint32_t at = 0; at < j->w * j->h && !result; at++) {
        bool root = at == j->root_y * j->w + j->root_x;
        if (!root && !reaches_all(j->what) && (r->tile[at].takes || j->what >= RECT_REDUCE))
            continue;
        wafer_read(w, at % j->w, at / j->w, sram);
        for (uint32_t i = 0; i < n && !result; i++) {
            float have, should = root || reaches_all(j->what) ? want[i] : 0;
            memcpy(&have, sram + r->tile[at].out + (size_t)4 * i, 4);
            if (root && (j->what == LINE_BROADCAST || j->what == RECT_BROADCAST))
                have /= 2; /* it doubles its data behind the broadcast */
            if (memcmp(&have, &should, 4) != 0)
                result = err_set(e, ERR_COMPARE, "tile (%u,%u) word %u is %.9g, not %.9g",
                                 at % j->w, at / j->w, i, (double)have, (double)should);
        }
    }
    free(sram);
    free(want);
    return result;
}

/* ---- running ---- */

static bool all_finished(void *self)
{
    return ((struct rig *)self)->open == 0;
}

static int run_round(struct rig *r, struct wafer *w, struct io *io, uint64_t *cycles, struct err *e)
{
    uint32_t go = 1;
    r->begun = false;
    r->open = 0;
    for (uint32_t i = 0; i < r->job->w * r->job->h; i++)
        r->open += r->tile[i].first != 0;
    io_send(io, (struct edge_port){PORT_WEST, 0}, GO, &go, 1, 0);
    if (wafer_run(w, all_finished, r, wafer_cycle(w) + 10000000, e) ||
        wafer_run_quiet(w, wafer_cycle(w) + 10000000, e))
        return -1;
    *cycles = r->begun ? r->end - r->begin + 1 : 0;
    return 0;
}

static int run_both(struct rig *r, struct wafer *w, struct io *io, uint64_t *cycles, struct err *e)
{
    uint64_t again;
    if (run_round(r, w, io, cycles, e) || check_results(r, w, 1, e) ||
        run_round(r, w, io, &again, e) || check_results(r, w, 2, e))
        return -1;
    if (again != *cycles)
        return err_set(e, ERR_COMPARE, "%llu cycles, then %llu", (unsigned long long)*cycles,
                       (unsigned long long)again);
    return 0;
}

static int load(struct rig *r, struct wafer *w, struct err *e)
{
    const struct job *j = r->job;
    assert(j->w > 0);
    for (uint32_t i = 0; i < j->w * j->h; i++) {
        emit(r, i % j->w, i / j->w);
        if (r->image->overflow)
            return err_set(e, ERR_INTERNAL, "no room for %s", r->image->overflow);
        if (wafer_load(w, i % j->w, i / j->w, TILE_PROGRAM_OFFSET,
                       r->image->sram + TILE_PROGRAM_OFFSET, r->image->low - TILE_PROGRAM_OFFSET,
                       e))
            return -1;
    }
    wafer_start_loaded(w);
    return wafer_run_quiet(w, 1000000, e);
}

/* Run a job; its cycles, or -1. */
static int measure(const struct machine *k, const struct images *images, const struct job *j,
                   uint64_t *cycles, struct err *e)
{
    struct wafer_cfg cfg = {
        .machine = k, .firmware = &images->firmware, .width = j->w, .height = j->h};
    struct wafer *w;
    struct rig r = {.machine = k, .images = images, .job = j};
    struct rng g = {j->w * 31 + j->h * 17 + j->words};
    size_t words = (size_t)j->w * j->h * j->words;
    if (wafer_open(&w, &cfg, e))
        return -1;
    struct io *io = io_open(w, &cfg);
    r.image = xcalloc(1, sizeof *r.image);
    r.tile = xcalloc((size_t)j->w * j->h, sizeof *r.tile);
    r.part = xcalloc(words + 1, sizeof *r.part);
    for (size_t i = 0; i < words; i++)
        r.part[i] =
            ldexpf((float)rng_below(&g, 1 << 24) - (float)(1 << 23), (int)rng_below(&g, 20) - 20);
    wafer_set_stream_hook(w, on_stream, &r);
    int result = load(&r, w, e) || run_both(&r, w, io, cycles, e) ? -1 : 0;
    io_close(io);
    wafer_close(w);
    free(r.image);
    free(r.tile);
    free(r.part);
    return result;
}

/* ---- the experiments ---- */

struct bench {
    struct machine machine;
    struct images images;
    unsigned number, failed;
};

static struct job line_job(enum what what, enum reduce_kind kind, uint32_t tiles, uint32_t words)
{
    uint32_t root = reduce_root(kind, tiles);
    return (struct job){.what = what,
                        .w = tiles,
                        .h = 1,
                        .words = words,
                        .root_x = root,
                        .row = reduce_shape(kind, tiles, root)};
}

/* Lines along a column instead. */
static struct job turned(struct job j)
{
    return (struct job){.what = j.what,
                        .w = j.h,
                        .h = j.w,
                        .words = j.words,
                        .root_x = j.root_y,
                        .root_y = j.root_x,
                        .row = j.column,
                        .column = j.row};
}

static uint64_t predicted(const struct bench *b, const struct job *j)
{
    const struct machine *k = &b->machine;
    struct line_size row = {j->w, j->root_x}, column = {j->h, j->root_y};
    struct rect_cost c = {row, column, &j->row, &j->column};
    switch (j->what) {
    case LINE_BROADCAST:
    case RECT_BROADCAST:
        return cost_rect_broadcast(k, &c, j->words);
    case LINE_ALLREDUCE:
    case RECT_ALLREDUCE:
        return cost_rect_allreduce(k, &c, j->words);
    case LINE_GATHER:
        return cost_gather(k, j->h == 1 ? row : column, j->words);
    case LINE_RING:
        return cost_ring_allreduce(k, j->w * j->h, j->words);
    case RECT_GATHER:
        return cost_gather(k, row, j->words) + k->stream_setup_cycles - 1 +
               cost_gather(k, column, j->words * j->w);
    case LINE_REDUCE:
    case LINE_MAX:
    case RECT_REDUCE:
        break;
    }
    return cost_rect_reduce(k, &c, j->words);
}

static void result(struct bench *b, bool good, const char *name)
{
    b->failed += !good;
    (void)printf("%s %u - %s\n", good ? "ok" : "not ok", ++b->number, name);
    (void)fflush(stdout);
}

/* close: within 4 % of the formula, or 6 cycles; near, for groups that no kind has: 10 %, or 15 */
enum match { EXACT, CLOSE, NEAR };

static double tolerance(enum match match, double cycles)
{
    static const double share[] = {0, 0.04, 0.1}, least[] = {0, 6, 15};
    return fmax(least[match], share[match] * cycles);
}

/* Run a job and compare the bits and the cycles. */
static bool try_job(struct bench *b, const struct job *j, enum match match)
{
    struct err e = {0};
    uint64_t cycles = 0, want = predicted(b, j);
    bool good = measure(&b->machine, &b->images, j, &cycles, &e) == 0;
    double off = fabs((double)cycles - (double)want);
    if (good && off <= tolerance(match, (double)want))
        return true;
    (void)printf("# %ux%u, %u words, root (%u,%u): %s; formula %llu, measured %llu\n", j->w, j->h,
                 j->words, j->root_x, j->root_y, good ? "cycles" : e.text, (unsigned long long)want,
                 (unsigned long long)cycles);
    return false;
}

static const uint32_t lengths[] = {1, 2, 3, 4, 5, 7, 8, 16, 33, 64, 100, 256};
static const uint32_t sizes[] = {1, 2, 16, 100, 256};
enum { LENGTHS = sizeof lengths / sizeof lengths[0], SIZES = sizeof sizes / sizeof sizes[0] };

/* Whether a tile has room for a job's results and steps. */
static bool fits(const struct machine *k, const struct job *j)
{
    struct ring_size ring = {j->words, cost_ring_window(k)};
    if (j->what == LINE_RING)
        return 3 * j->w * ring_rounds(ring, j->w) < IMAGE_DESCS;
    return out_words(j) <= 8000;
}

static void line_tests(struct bench *b, enum what what, enum reduce_kind kind, const char *name)
{
    bool one_level =
        reduce_shape(kind, 100, 0).levels == 1 && what != LINE_GATHER && what != LINE_RING;
    for (unsigned i = 0; i < LENGTHS; i++) {
        char text[128];
        bool good = true;
        for (unsigned n = 0; n < SIZES; n++) {
            struct job j = line_job(what, kind, lengths[i], sizes[n]);
            if (!fits(&b->machine, &j))
                continue;
            if (n & 1)
                j = turned(j);
            good &= try_job(b, &j, one_level ? EXACT : CLOSE);
        }
        (void)snprintf(text, sizeof text, "%s over %u tiles: bits and cycles", name, lengths[i]);
        result(b, good, text);
    }
}

/* Any groups, any root. */
static struct job random_line(struct rng *g)
{
    struct job j = {.what = LINE_REDUCE, .w = 1 + rng_below(g, 80), .h = 1};
    j.words = 1 + rng_below(g, rng_below(g, 3) ? 20 : 250);
    j.root_x = rng_below(g, j.w);
    j.row.centred = rng_below(g, 2);
    j.row.levels = 1 + rng_below(g, 6);
    for (uint32_t i = 0; i < j.row.levels; i++) {
        j.row.group[i] = 1 + rng_below(g, 5);
        j.row.limit[i] = rng_below(g, 5);
    }
    return rng_below(g, 2) ? turned(j) : j;
}

static void random_tests(struct bench *b, uint64_t seed)
{
    struct rng g = {seed};
    bool good = true;
    for (int i = 0; i < 150 && good; i++) {
        struct job j = random_line(&g);
        good = try_job(b, &j, NEAR);
    }
    char text[80];
    (void)snprintf(text, sizeof text, "150 reductions in random groups to random roots, seed %llu",
                   (unsigned long long)seed);
    result(b, good, text);
}

static void rect_tests(struct bench *b)
{
    static const uint32_t rects[][2] = {{5, 3}, {16, 16}, {9, 1}, {1, 1}, {1, 6}, {2, 7}, {23, 12}};
    static const enum what whats[] = {RECT_REDUCE, RECT_BROADCAST, RECT_ALLREDUCE, RECT_GATHER};
    static const char *const names[] = {"reduce", "broadcast", "allreduce", "gather"};
    for (unsigned i = 0; i < sizeof rects / sizeof rects[0]; i++) {
        for (unsigned n = 0; n < 4; n++) {
            bool good = true;
            for (int kind = 0; kind < REDUCE_KINDS; kind++) {
                enum reduce_kind across = (enum reduce_kind)kind;
                enum reduce_kind down = (enum reduce_kind)((kind + 2) % REDUCE_KINDS);
                struct job j = line_job(whats[n], across, rects[i][0], sizes[kind % 3]);
                j.h = rects[i][1];
                j.root_y = reduce_root(down, j.h);
                j.column = reduce_shape(down, j.h, j.root_y);
                good &= try_job(b, &j, whats[n] == RECT_BROADCAST ? EXACT : CLOSE);
            }
            char text[80];
            (void)snprintf(text, sizeof text, "rectangle %ux%u, %s: bits and cycles", rects[i][0],
                           rects[i][1], names[n]);
            result(b, good, text);
        }
    }
}

/* Measured cycles of every kind, and what would be chosen. */
static void print_table(struct bench *b)
{
    static const uint32_t tiles[] = {240, 360, 512}, words[] = {1, 9, 60, 256};
    (void)printf("%-20s %6s %6s %9s %9s %9s\n", "kind", "tiles", "words", "formula", "measured",
                 "allreduce");
    for (int kind = 0; kind < REDUCE_KINDS; kind++) {
        for (unsigned i = 0; i < 12; i++) {
            struct job j =
                line_job(LINE_REDUCE, (enum reduce_kind)kind, tiles[i / 4], words[i % 4]);
            struct err e = {0};
            uint64_t cycles = 0, all = 0;
            if (!measure(&b->machine, &b->images, &j, &cycles, &e)) {
                j.what = LINE_ALLREDUCE;
                (void)measure(&b->machine, &b->images, &j, &all, &e);
            }
            j.what = LINE_REDUCE;
            (void)printf("%-20s %6u %6u %9llu %9llu %9llu %s\n",
                         reduce_kind_name((enum reduce_kind)kind), j.w, j.words,
                         (unsigned long long)predicted(b, &j), (unsigned long long)cycles,
                         (unsigned long long)all, e.text);
        }
    }
}

static void run_tests(struct bench *b)
{
    for (int kind = 0; kind < REDUCE_KINDS; kind++)
        line_tests(b, LINE_REDUCE, (enum reduce_kind)kind,
                   reduce_kind_name((enum reduce_kind)kind));
    line_tests(b, LINE_ALLREDUCE, REDUCE_LEVELS_3, "allreduce in 3 levels");
    line_tests(b, LINE_MAX, REDUCE_LEVELS_2, "maximum in 2 levels");
    line_tests(b, LINE_BROADCAST, REDUCE_CHAIN, "broadcast from the end");
    line_tests(b, LINE_BROADCAST, REDUCE_TWO_SIDED, "broadcast from the middle");
    line_tests(b, LINE_GATHER, REDUCE_CHAIN, "gather to the end");
    line_tests(b, LINE_GATHER, REDUCE_TWO_SIDED, "gather to the middle");
    line_tests(b, LINE_RING, REDUCE_CHAIN, "allreduce on a ring");
    const char *seed = getenv("SEED");
    random_tests(b, seed ? strtoull(seed, NULL, 0) : 1);
    rect_tests(b);
    (void)printf("1..%u\n", b->number);
}

int main(int argc, char **argv)
{
    struct bench b = {.number = 0};
    struct err e = {0};
    if (argc < 2 || machine_read(&b.machine, "small", &e) || images_load(&b.images, argv[1], &e)) {
        (void)fprintf(stderr, "tool_collective: %s\n",
                      argc < 2 ? "usage: tool_collective FIRMWARE_DIR [table]" : e.text);
        return 2;
    }
    if (argc > 2)
        print_table(&b);
    else
        run_tests(&b);
    return b.failed != 0;
}
