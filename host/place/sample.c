/* SPDX-License-Identifier: Apache-2.0 */
/* sample.c - which tiles of a large strip are looked at. */
#include "place/sample.h"

enum { TRIES = 24 }; /* rows, columns of a large strip that are evenly spread */

/* The next of `count` to visit after i: all of few. */
static uint32_t next_of(uint32_t i, uint32_t count, uint32_t root)
{
    uint32_t step = count / TRIES + 1, next = (i / step + 1) * step;
    if (i + 1 == count)
        return count;
    if (i < root && next > root)
        next = root;
    else if (i == root)
        next = root + 1;
    return next < count ? next : count - 1;
}

bool sample_tiles(const struct plan *p, const struct strip *s,
                  bool (*visit)(void *self, struct tile_place at), void *self)
{
    struct tile_place root[PLAN_MONITORS], at;
    uint32_t n = plan_monitors(p, s, root);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t c = root[i].x - s->x0;
        for (uint32_t k = 0; k < s->width; k = next_of(k, s->width, c)) {
            at.x = s->x0 + k;
            for (at.y = 0; at.y < p->height; at.y = next_of(at.y, p->height, root[i].y))
                if (visit(self, at))
                    return true;
        }
    }
    return false;
}
