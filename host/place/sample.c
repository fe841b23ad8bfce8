/* SPDX-License-Identifier: Apache-2.0 */
/* sample.c - which tiles of a large strip are looked at. */
#include "place/sample.h"
#include "place/units.h"

enum { TRIES = 24 }; /* rows, columns of a large strip that are evenly spread */

/* The next of `count` to visit after i: all of few; and of many the roots, what follows them, and
 * the last. */
static uint32_t next_of(uint32_t i, uint32_t count, const uint32_t root[PLAN_MONITORS])
{
    uint32_t step = count / TRIES + 1, next = (i / step + 1) * step;
    if (i + 1 == count)
        return count;
    for (int k = 0; k < PLAN_MONITORS; k++) {
        if (i < root[k] && next > root[k])
            next = root[k];
        else if (i == root[k])
            next = i + 1;
    }
    return next < count ? next : count - 1;
}

struct visit {
    const struct plan *plan;
    const struct strip *strip;
    bool (*call)(void *self, struct tile_place at);
    void *self;
    uint32_t column[PLAN_MONITORS], row[PLAN_MONITORS]; /* roots: in the band, outside */
};

/* The rows of a place, at one column. */
static bool visit_place(const struct visit *v, const struct units *u, uint32_t column,
                        uint32_t place)
{
    const struct slice *band = &v->strip->band;
    for (uint32_t i = 0; i < u->rows; i++) {
        uint32_t r = place * u->rows + i;
        struct tile_place at = {v->strip->x0 + column, r < band->first ? r : r + band->count};
        if (v->call(v->self, at))
            return true;
    }
    return false;
}

/* Where experts lie in units tiles hold more or fewer blocks: the fullest ones of some columns,
 * among them those around the row's root, and of the rows at the outer columns' root. */
static bool visit_fullest(const struct visit *v)
{
    struct units u = units_of(v->plan, v->strip, v->strip->first);
    uint32_t experts = v->plan->config->experts, first = v->strip->band.first;
    if (!u.used)
        return false;
    for (uint32_t c = 0; c < u.width; c = next_of(c, u.width, v->column))
        if (visit_place(v, &u, c, units_fullest_place(&u, experts, c)))
            return true;
    for (uint32_t p = first / u.rows; p <= first / u.rows + 1 && p < u.places; p++)
        if (visit_place(v, &u, units_fullest_column(&u, experts, p), p))
            return true;
    return false;
}

/* Of several blocks of heads the first is the narrowest and the last the widest (split.h): their
 * columns, in the band's first row, which has the most positions, and its last, which has the
 * largest share of queries. */
static bool visit_blocks(const struct visit *v)
{
    const struct strip *s = v->strip;
    uint32_t rows[] = {s->band.first, s->band.first + s->band.count - 1};
    for (uint32_t b = 0; s->blocks > 1 && b < s->blocks; b += s->blocks - 1) {
        struct slice columns = slice_of(s->width, s->blocks, b);
        for (uint32_t i = 0; i < columns.count; i++)
            for (int k = 0; k < 2; k++)
                if (v->call(v->self, (struct tile_place){s->x0 + columns.first + i, rows[k]}))
                    return true;
    }
    return false;
}

bool sample_tiles(const struct plan *p, const struct strip *s,
                  bool (*visit)(void *self, struct tile_place at), void *self)
{
    struct tile_place root[PLAN_MONITORS], at;
    struct visit v = {.plan = p, .strip = s, .call = visit, .self = self};
    uint32_t n = plan_monitors(p, s, root);
    for (uint32_t i = 0; i < PLAN_MONITORS; i++) {
        v.column[i] = root[i < n ? i : 0].x - s->x0;
        v.row[i] = root[i < n ? i : 0].y;
    }
    for (uint32_t c = 0; c < s->width; c = next_of(c, s->width, v.column)) {
        at.x = s->x0 + c;
        for (at.y = 0; at.y < p->height; at.y = next_of(at.y, p->height, v.row))
            if (visit(self, at))
                return true;
    }
    return visit_blocks(&v) || (strip_is_split(p, s) && visit_fullest(&v));
}
