/* SPDX-License-Identifier: Apache-2.0 */
/* grid.c - rows and columns that stand for all of a strip's. */
#include "place/grid.h"

#include "base/xalloc.h"
#include "place/relay.h"

#include <stdlib.h>

enum {
    FEW = 40,         /* rows or columns of which all are taken */
    SPREAD = 8,       /* of more: parts of equal length between those taken */
    BLOCK_COLUMNS = 4 /* of a block of heads that are looked at */
};

static void take(bool *taken, uint32_t count, uint32_t i)
{
    if (i < count)
        taken[i] = true;
}

static void take_around(bool *taken, uint32_t count, uint32_t i)
{
    take(taken, count, i - 1);
    take(taken, count, i);
    take(taken, count, i + 1);
}

/* Of a range: its ends, and some evenly between. */
static void take_spread(bool *taken, struct slice range)
{
    uint32_t parts = range.count > FEW ? SPREAD : range.count;
    for (uint32_t i = 0; i < parts; i++) {
        taken[range.first + slice_of(range.count, parts, i).first] = true;
        taken[range.first + range.count - 1] = true;
    }
}

static void take_rows(struct grid *g, const struct plan *p, const struct strip *s)
{
    uint32_t end = s->band.first + s->band.count;
    struct tile_place root[PLAN_MONITORS];
    uint32_t n = plan_monitors(p, s, root);
    take_spread(g->row, s->band);
    take_spread(g->row, (struct slice){0, s->band.first});
    take_spread(g->row, (struct slice){end, p->height - end});
    for (uint32_t i = 0; i < n; i++) {
        take_around(g->row, p->height, root[i].y);
        take_around(g->column, s->width, root[i].x - s->x0);
    }
}

/* Of several blocks of heads the first is the narrowest and the last the widest (split.h). */
static void take_columns(struct grid *g, const struct strip *s)
{
    take_spread(g->column, (struct slice){0, s->width});
    for (uint32_t b = 0; b < s->blocks && s->blocks > 1; b += s->blocks - 1) {
        struct slice block = slice_of(s->width, s->blocks, b);
        for (uint32_t i = 0; i < block.count && block.count <= FEW; i++)
            g->column[block.first + i] = true;
    }
}

/* The roots of a tile's lines; whether one was missing. */
static bool take_roots(struct grid *g, const struct strip *s, struct tile_place at,
                       const struct trace *t)
{
    bool more = false;
    for (uint32_t i = 0; i < t->lines; i++) {
        const struct line *l = &t->line[i];
        bool row = l->low == PORT_WEST;
        bool *taken = row ? g->column : g->row;
        uint32_t along = row ? at.x - s->x0 : at.y;
        uint32_t root = along + line_way(l, l->root) - line_way(l, l->index);
        more = more || !taken[root] || (l->joint && !taken[root - 1]);
        taken[root] = true;
        if (l->joint)
            taken[root - 1] = true;
    }
    return more;
}

void grid_trace(const struct plan *p, uint32_t x, uint32_t y, struct image *m, struct trace *t)
{
    t->count = t->marked = t->lines = 0;
    m->trace = t;
    (void)plan_emit(p, x, y, true, m);
    m->trace = NULL;
}

struct closing {
    struct grid *grid;
    const struct plan *plan;
    const struct strip *strip;
    struct image *image;
    struct trace *trace;
};

static bool close_at(const struct closing *c, uint32_t column, uint32_t y)
{
    struct tile_place at = {c->strip->x0 + column, y};
    grid_trace(c->plan, at.x, at.y, c->image, c->trace);
    return take_roots(c->grid, c->strip, at, c->trace);
}

/* What lines a tile is on depends on its column in the band and outside, and on its row. */
static bool close_once(const struct closing *c)
{
    uint32_t inner = c->strip->band.first, outer = 0;
    if (strip_is_split(c->plan, c->strip))
        outer = relay_root_row(c->plan, c->strip);
    bool more = false;
    for (uint32_t x = 0; x < c->strip->width; x++)
        if (c->grid->column[x])
            more = close_at(c, x, inner) | close_at(c, x, outer) | more;
    for (uint32_t y = 0; y < c->plan->height; y++)
        if (c->grid->row[y])
            more = close_at(c, 0, y) | more;
    return more;
}

/* By phase: a tile's own work, and the words of its collectives. */
struct weights {
    uint64_t own[PHASES], words[PHASES];
};

static struct weights weigh(const struct trace *t)
{
    struct weights w = {.own = {0}};
    for (uint32_t i = 0; i < t->count; i++) {
        w.own[t->step[i].phase] += t->step[i].compute + t->step[i].dispatch;
        w.words[t->step[i].phase] += t->step[i].words;
    }
    return w;
}

struct heaviest {
    struct weights most;
    uint32_t own[PHASES], words[PHASES]; /* where that is */
};

static void compare(struct heaviest *h, const struct weights *w, uint32_t at)
{
    for (int i = 0; i < PHASES; i++) {
        if (w->own[i] > h->most.own[i])
            h->most.own[i] = w->own[i], h->own[i] = at;
        if (w->words[i] > h->most.words[i])
            h->most.words[i] = w->words[i], h->words[i] = at;
    }
}

static void take_heaviest(bool *taken, const struct heaviest *h)
{
    for (int i = 0; i < PHASES; i++) {
        if (h->most.own[i])
            taken[h->own[i]] = true;
        if (h->most.words[i])
            taken[h->words[i]] = true;
    }
}

/* Of a row's columns, of a column's rows, those that have the most to do in a phase. */
static void scan_row(const struct closing *c, uint32_t y)
{
    struct heaviest h = {.own = {0}};
    for (uint32_t x = 0; x < c->strip->width; x++) {
        grid_trace(c->plan, c->strip->x0 + x, y, c->image, c->trace);
        struct weights w = weigh(c->trace);
        compare(&h, &w, x);
    }
    take_heaviest(c->grid->column, &h);
}

static void scan_column(const struct closing *c, uint32_t x, struct slice rows)
{
    struct heaviest h = {.own = {0}};
    for (uint32_t y = rows.first; y < rows.first + rows.count; y++) {
        grid_trace(c->plan, c->strip->x0 + x, y, c->image, c->trace);
        struct weights w = weigh(c->trace);
        compare(&h, &w, y);
    }
    take_heaviest(c->grid->row, &h);
}

/* A column's part of the stream goes to few rows: the first of them. */
static void take_moved(const struct closing *c, uint32_t x)
{
    uint32_t next = c->strip->first + c->strip->stages - c->plan->stage_first;
    struct slice own = slice_of(c->plan->config->hidden, c->strip->width, x);
    for (uint32_t y = 0; y < c->plan->height; y++) {
        if (slice_overlap(plan_row_share(c->plan, next, y), own).count) {
            c->grid->row[y] = true;
            return;
        }
    }
}

static void scan(const struct closing *c)
{
    const struct strip *s = c->strip;
    uint32_t end = s->band.first + s->band.count, block = slice_of(s->width, s->blocks, 0).count;
    for (uint32_t x = 0; x < s->width;
         x += x + 1 < block ? block / BLOCK_COLUMNS + 1 : s->width - x - 1) {
        scan_column(c, x, s->band);
        if (x + 1 == s->width)
            break;
    }
    scan_column(c, 0, (struct slice){0, s->band.first});
    scan_column(c, 0, (struct slice){end, c->plan->height - end});
    scan_row(c, s->band.first);
    scan_row(c, end - 1);
    if (strip_is_split(c->plan, s))
        scan_row(c, relay_root_row(c->plan, s));
    for (uint32_t x = 0; x < s->width; x++)
        if (c->grid->column[x])
            take_moved(c, x);
}

void grid_open(struct grid *g, const struct plan *p, const struct strip *s, struct image *m,
               struct trace *t)
{
    struct closing c = {g, p, s, m, t};
    *g = (struct grid){.column = xcalloc(s->width, sizeof(bool)),
                       .row = xcalloc(p->height, sizeof(bool))};
    take_rows(g, p, s);
    take_columns(g, s);
    scan(&c);
    while (close_once(&c))
        ;
}

void grid_close(struct grid *g)
{
    free(g->column);
    free(g->row);
}
