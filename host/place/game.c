/* SPDX-License-Identifier: Apache-2.0 */
/* game.c - which tiles are walked, and the lines they are on. */
#include "place/game.h"
#include "place/grid.h"

#include "base/xalloc.h"

#include <stdlib.h>
#include <string.h>

static bool same_shape(const struct line *a, const struct line *b)
{
    return a->length == b->length && a->root == b->root && a->joint == b->joint &&
           !memcmp(&a->shape, &b->shape, sizeof a->shape);
}

static const struct line_order *order_of(struct game *g, const struct line *l)
{
    uint32_t i = 0;
    while (i < g->order_count && !same_shape(&g->orders[i].line, l))
        i++;
    if (i == g->order_count) {
        g->orders = xrealloc(g->orders, i + 1, sizeof *g->orders);
        g->orders[g->order_count++] = (struct shape_order){*l, line_order_open(l)};
    }
    return g->orders[i].order;
}

static bool is_line(const struct line_walk *w, const struct line *l, uint32_t fixed, uint32_t first)
{
    return w->fixed == fixed && w->first == first && w->line.low == l->low &&
           w->line.length == l->length && w->line.chain[0] == l->chain[0];
}

/* The line that tile `at` sees as `l`. */
static uint32_t find_line(struct game *g, const struct line *l, struct tile_place at)
{
    bool row = l->low == PORT_WEST;
    uint32_t fixed = row ? at.y : at.x;
    uint32_t first = (row ? at.x : at.y) - line_way(l, l->index);
    uint32_t i = 0;
    while (i < g->line_count && !is_line(&g->lines[i], l, fixed, first))
        i++;
    if (i == g->line_count) {
        g->lines = xrealloc(g->lines, i + 1, sizeof *g->lines);
        g->lines[g->line_count++] =
            (struct line_walk){.line = *l, .fixed = fixed, .first = first, .order = order_of(g, l)};
    }
    return i;
}

/* Tiles are added from the west and north on, so the members of a line are in order. */
static void join_line(struct line_walk *w, uint32_t tile, uint32_t index)
{
    w->members = xrealloc(w->members, w->count + 1, sizeof *w->members);
    if (index == w->line.root)
        w->root = w->count;
    w->members[w->count++] = (struct line_member){tile, index};
}

static void add_tile(struct game *g, struct tile_place at, const struct trace *t)
{
    struct walk *w = g->walk;
    uint32_t n = w->count++;
    w->tiles[n] = (struct walk_tile){
        .at = at, .step = xcalloc(t->count, sizeof *w->tiles[n].step), .count = t->count};
    for (uint32_t i = 0; i < t->count; i++)
        w->tiles[n].step[i].what = t->step[i];
    g->players[n] = (struct player){.tile = &w->tiles[n]};
    for (uint32_t i = 0; i < t->lines; i++) {
        uint32_t line = find_line(g, &t->line[i], at);
        g->players[n].line[i] = line;
        g->players[n].index[i] = t->line[i].index;
        join_line(&g->lines[line], n, t->line[i].index);
    }
}

static uint32_t taken(const bool *is, uint32_t count)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++)
        n += is[i];
    return n;
}

static void add_tiles(struct game *g)
{
    const struct strip *s = g->strip;
    struct image *m = xcalloc(1, sizeof *m);
    struct trace *t = xcalloc(1, sizeof *t);
    struct grid grid;
    grid_open(&grid, g->plan, s, m, t);
    size_t most = (size_t)taken(grid.column, s->width) * taken(grid.row, g->plan->height);
    g->walk->tiles = xcalloc(most, sizeof *g->walk->tiles);
    g->players = xcalloc(most, sizeof *g->players);
    for (uint32_t y = 0; y < g->plan->height; y++) {
        for (uint32_t c = 0; grid.row[y] && c < s->width; c++) {
            if (!grid.column[c])
                continue;
            grid_trace(g->plan, s->x0 + c, y, m, t);
            add_tile(g, (struct tile_place){s->x0 + c, y}, t);
        }
    }
    grid_close(&grid);
    free(t);
    free(m);
}

void game_open(struct game *g, struct walk *w, const struct plan *p, const struct strip *s)
{
    *w = (struct walk){.count = 0};
    *g = (struct game){.plan = p,
                       .strip = s,
                       .walk = w,
                       .wires = xcalloc((size_t)s->width * TRACE_WIRES, sizeof *g->wires)};
    add_tiles(g);
}

void game_close(struct game *g)
{
    for (uint32_t i = 0; i < g->line_count; i++) {
        free(g->lines[i].members);
        free(g->lines[i].casts);
    }
    for (uint32_t i = 0; i < g->order_count; i++)
        line_order_close(g->orders[i].order);
    for (uint32_t i = 0; i < g->strip->width * TRACE_WIRES; i++)
        free(g->wires[i].sent);
    free(g->orders);
    free(g->lines);
    free(g->wires);
    free(g->players);
}
