/* SPDX-License-Identifier: Apache-2.0 */
/* lines.c - adding up what a line is asked for, and choosing by it. */
#include "place/lines.h"

static uint32_t typical(const struct line_log *log, struct length n)
{
    return n.plus + n.times * log->cached;
}

void line_log_reduce(struct line_log *log, struct length n)
{
    for (int k = 0; k < REDUCE_KINDS; k++)
        log->cycles[k] +=
            cost_reduce((enum reduce_kind)k, log->machine, log->tiles, typical(log, n));
}

void line_log_broadcast(struct line_log *log, struct length n)
{
    for (int k = 0; k < REDUCE_KINDS; k++) {
        struct line_size line = {log->tiles, reduce_root((enum reduce_kind)k, log->tiles)};
        log->cycles[k] += cost_broadcast(log->machine, line, typical(log, n));
    }
}

enum reduce_kind line_choose(const struct line_log *log, bool to_end)
{
    enum reduce_kind best = REDUCE_CHAIN;
    for (int i = 0; i < REDUCE_KINDS; i++) {
        enum reduce_kind kind = (enum reduce_kind)i;
        bool ends = reduce_root(kind, log->tiles) == log->tiles - 1 &&
                    !reduce_shape(kind, log->tiles, log->tiles - 1).centred;
        if (reduce_sets(kind, log->tiles) == 1 && (ends || !to_end) &&
            log->cycles[kind] < log->cycles[best])
            best = kind;
    }
    return best;
}

void line_set_kind(struct line *l, enum reduce_kind kind)
{
    l->root = reduce_root(kind, l->length);
    l->shape = reduce_shape(kind, l->length, l->root);
}
