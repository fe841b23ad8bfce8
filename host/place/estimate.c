/* SPDX-License-Identifier: Apache-2.0 */
/* estimate.c - a quick estimate of a strip's cycles, from the programs of some tiles. */
#include "base/xalloc.h"
#include "place/plan.h"
#include "place/sample.h"

#include <stdlib.h>
#include <string.h>

enum { BAND, OUTSIDE, HUB, REGIONS };

/* What a phase takes in a region: a collective costs all tiles of its line the same; between two of
 * them the slowest counts. */
struct region_phase {
    struct image_cost local, line;
    uint32_t column, row;         /* of the slowest tile */
    uint64_t *in_column, *in_row; /* local part of the fastest tile of each; 0: none tried */
};

struct slowest {
    const struct plan *plan;
    const struct strip *strip;
    struct image *image;
    struct region_phase phase[PHASES][REGIONS];
};

static uint64_t local_part(const struct image_cost *c)
{
    return c->compute + c->dispatch;
}

static uint64_t line_part(const struct image_cost *c)
{
    return c->stages + c->hops + c->words;
}

/* While a reduction waits for its slowest tile it takes what the others have: half of its words at
 * most are gone by then. The others of its line, column or row: the one whose tiles differ less. */
static uint64_t early_words(const struct region_phase *r)
{
    uint64_t column = r->in_column[r->column], row = r->in_row[r->row];
    uint64_t late = local_part(&r->local) - (column > row ? column : row);
    return late < r->line.words / 2 ? late : r->line.words / 2;
}

static void keep_least(uint64_t *least, uint64_t cycles)
{
    if (!*least || cycles < *least)
        *least = cycles;
}

static void add_tile(struct region_phase *r, const struct image_cost *c, uint32_t column,
                     uint32_t row)
{
    keep_least(&r->in_column[column], local_part(c));
    keep_least(&r->in_row[row], local_part(c));
    if (local_part(c) > local_part(&r->local)) {
        r->local = *c;
        r->column = column, r->row = row;
    }
    if (line_part(c) > line_part(&r->line))
        r->line = *c;
}

static bool visit(void *self, struct tile_place at)
{
    struct slowest *s = self;
    struct slice band = s->strip->band;
    bool outer = at.y < band.first || at.y >= band.first + band.count;
    int region = outer ? OUTSIDE : strip_is_hub(s->plan, s->strip, at.y) ? HUB : BAND;
    (void)plan_emit(s->plan, at.x, at.y, true, s->image);
    for (uint32_t i = 0; i < s->image->mark_count; i++)
        if (region != HUB || s->image->mark[i].id == PHASE_TOP_K) /* else it only waits */
            add_tile(&s->phase[s->image->mark[i].id][region], &s->image->mark[i].cost,
                     at.x - s->strip->x0, at.y);
    return false;
}

/* Every region's phases begin with lines of which no tile has been tried. */
static uint64_t *empty_lines(struct slowest *s)
{
    uint32_t lines = s->strip->width + s->plan->height;
    uint64_t *least = xcalloc((size_t)PHASES * REGIONS * lines, sizeof *least), *at = least;
    for (int i = 0; i < PHASES; i++) {
        for (int region = 0; region < REGIONS; region++, at += lines) {
            s->phase[i][region].in_column = at;
            s->phase[i][region].in_row = at + s->strip->width;
        }
    }
    return least;
}

uint64_t plan_estimate(const struct plan *p, const struct strip *strip)
{
    struct slowest *s = xcalloc(1, sizeof *s);
    uint64_t sum = 0;
    *s = (struct slowest){.plan = p, .strip = strip, .image = xcalloc(1, sizeof *s->image)};
    uint64_t *lines = empty_lines(s);
    (void)sample_tiles(p, strip, visit, s);
    for (int i = 0; i < PHASES; i++) {
        for (int region = 0; region < REGIONS; region++) {
            const struct region_phase *r = &s->phase[i][region];
            sum += local_part(&r->local) + line_part(&r->line) - early_words(r);
        }
    }
    free(lines);
    free(s->image);
    free(s);
    return sum;
}
