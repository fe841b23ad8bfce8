/* SPDX-License-Identifier: Apache-2.0 */
/* cost_search.c - groups for one line and length, found by trying. */
#include "place/cost.h"

struct search {
    const struct machine *machine;
    struct line_size line;
    uint32_t words;
    struct reduce_shape best;
    uint64_t cycles;
};

static bool try_shape(struct search *s, const struct reduce_shape *shape)
{
    uint64_t cycles = cost_reduce_shape(s->machine, shape, s->line, s->words);
    if (cycles >= s->cycles)
        return false;
    s->cycles = cycles;
    s->best = *shape;
    return true;
}

/* All groups and limits of one level, the others as they are. */
static bool improve_level(struct search *s, uint32_t level)
{
    struct levels v = {&s->best, (int32_t)s->line.root,
                       (int32_t)(s->line.tiles - 1 - s->line.root)};
    uint32_t side = (uint32_t)(v.low > v.high ? v.low : v.high);
    struct reduce_shape shape = s->best;
    bool better = false;
    for (uint32_t i = 0; i < level; i++)
        side = levels_roots(&v, i, side);
    for (uint32_t group = 1; group <= side; group++) {
        shape.group[level] = group;
        for (uint32_t limit = 0; limit <= side / group; limit++) {
            shape.limit[level] = limit;
            better |= try_shape(s, &shape);
        }
    }
    return better;
}

static void improve(struct search *s, enum reduce_kind kind)
{
    struct search here = *s;
    here.cycles = UINT64_MAX;
    here.best = reduce_shape(kind, s->line.tiles, s->line.root);
    (void)try_shape(&here, &here.best);
    for (bool better = true; better;) {
        better = false;
        for (uint32_t level = 0; level + 1 < here.best.levels; level++)
            better |= improve_level(&here, level);
    }
    if (here.cycles < s->cycles)
        *s = here;
}

struct reduce_shape cost_search_shape(const struct machine *k, struct line_size line,
                                      uint32_t words)
{
    struct search s = {.machine = k, .line = line, .words = words, .cycles = UINT64_MAX};
    for (enum reduce_kind kind = 0; kind < REDUCE_KINDS; kind++)
        improve(&s, kind);
    return s.best;
}
