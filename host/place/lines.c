/* SPDX-License-Identifier: Apache-2.0 */
/* lines.c - adding up what a line is asked for, and choosing by it. */
#include "place/lines.h"

static uint32_t typical(const struct line_log *log, struct length n)
{
    return n.plus + n.times * log->cached;
}

static struct line_size size_of(const struct line_log *log, enum reduce_kind kind)
{
    return (struct line_size){log->tiles, log->rooted ? log->root : reduce_root(kind, log->tiles)};
}

void line_log_reduce(struct line_log *log, struct length n)
{
    for (int k = 0; k < REDUCE_KINDS; k++) {
        struct line_size line = size_of(log, (enum reduce_kind)k);
        struct reduce_shape shape = reduce_shape((enum reduce_kind)k, line.tiles, line.root);
        log->cycles[k] += cost_reduce_shape(log->machine, &shape, line, typical(log, n));
    }
}

void line_log_broadcast(struct line_log *log, struct length n)
{
    for (int k = 0; k < REDUCE_KINDS; k++)
        log->cycles[k] +=
            cost_broadcast(log->machine, size_of(log, (enum reduce_kind)k), typical(log, n));
}

enum reduce_kind line_choose(const struct line_log *log, bool narrow)
{
    enum reduce_kind best = REDUCE_CHAIN;
    for (int i = 0; i < REDUCE_KINDS; i++) {
        enum reduce_kind kind = (enum reduce_kind)i;
        bool centred = reduce_shape(kind, log->tiles, size_of(log, kind).root).centred;
        if (reduce_sets(kind, log->tiles) == 1 && !(centred && narrow) &&
            log->cycles[kind] < log->cycles[best])
            best = kind;
    }
    return best;
}

void line_set_root(struct line *l, enum reduce_kind kind, uint32_t root)
{
    l->root = root;
    l->shape = reduce_shape(kind, l->length, root);
}

void line_set_kind(struct line *l, enum reduce_kind kind)
{
    line_set_root(l, kind, reduce_root(kind, l->length));
}

void line_set_joint(struct line *l, enum reduce_kind kind, uint8_t joint_colour)
{
    uint32_t side = line_joint_side(l->length);
    l->root = line_joint_root(l->length);
    l->shape = reduce_shape(kind, side, side - 1);
    l->joint = true;
    l->joint_colour = joint_colour;
}

struct line line_part(const struct line *whole, uint32_t index, uint32_t length, uint8_t first,
                      uint8_t broadcast)
{
    struct line l = {.index = index,
                     .length = length,
                     .low = whole->low,
                     .high = whole->high,
                     .chain = {first, (uint8_t)(first + 1)},
                     .broadcast = broadcast};
    line_set_kind(&l, REDUCE_CHAIN);
    return l;
}
