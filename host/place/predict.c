/* SPDX-License-Identifier: Apache-2.0 */
/* predict.c - cycles of a token's phases, from the programs of some tiles. */
#include "base/xalloc.h"
#include "place/plan.h"
#include "place/sample.h"

#include <stdlib.h>
#include <string.h>

enum { REGIONS = 2 }; /* band, outside */

/* A collective costs all tiles of its line the same; between two of them the slowest counts. */
struct slowest {
    const struct plan *plan;
    const struct strip *strip;
    struct image *image;
    struct image_cost local[PHASES][REGIONS], lines[PHASES][REGIONS];
    uint64_t least[PHASES][REGIONS]; /* local part of the fastest tile that adds to a sum */
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
 * most are gone by then. */
static uint64_t early_words(const struct image_cost *slowest, const struct image_cost *line,
                            uint64_t least)
{
    uint64_t late = local_part(slowest) - least;
    return late < line->words / 2 ? late : line->words / 2;
}

static bool visit(void *self, struct tile_place at)
{
    struct slowest *s = self;
    struct slice band = s->strip->band;
    bool outer = at.y < band.first || at.y >= band.first + band.count;
    (void)plan_emit(s->plan, at.x, at.y, true, s->image);
    for (uint32_t i = 0; i < s->image->mark_count; i++) {
        const struct image_cost *c = &s->image->mark[i].cost;
        uint8_t phase = s->image->mark[i].id;
        uint64_t *least = &s->least[phase][outer];
        if (at.y != strip_hub(s->plan, s->strip) && (!*least || local_part(c) < *least))
            *least = local_part(c);
        if (local_part(c) > local_part(&s->local[phase][outer]))
            s->local[phase][outer] = *c;
        if (line_part(c) > line_part(&s->lines[phase][outer]))
            s->lines[phase][outer] = *c;
    }
    return false;
}

void plan_predict(const struct plan *p, const struct strip *strip, struct image_cost out[PHASES])
{
    struct slowest *s = xcalloc(1, sizeof *s);
    *s = (struct slowest){.plan = p, .strip = strip, .image = xcalloc(1, sizeof *s->image)};
    (void)sample_tiles(p, strip, visit, s);
    memset(out, 0, PHASES * sizeof *out);
    for (int i = 0; i < PHASES; i++) {
        for (int outer = 0; outer < REGIONS; outer++) {
            const struct image_cost *local = &s->local[i][outer], *line = &s->lines[i][outer];
            out[i].compute += local->compute;
            out[i].dispatch += local->dispatch;
            out[i].stages += line->stages;
            out[i].hops += line->hops;
            out[i].words += line->words - early_words(local, line, s->least[i][outer]);
        }
    }
    free(s->image);
    free(s);
}

uint64_t plan_predicted_cycles(const struct image_cost phase[PHASES])
{
    uint64_t sum = 0;
    for (int i = 0; i < PHASES; i++)
        sum += image_cost_sum(&phase[i]);
    return sum;
}
