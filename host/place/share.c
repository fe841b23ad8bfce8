/* SPDX-License-Identifier: Apache-2.0 */
/* share.c - when a row shares a kernel's work, and the collectives around it. */
#include "place/share.h"

bool share_pays(const struct machine *k, const struct line *row, const struct share_work *w)
{
    struct line_size size = {row->length, row->root};
    uint64_t gap = 2 * ((uint64_t)k->stream_setup_cycles - 1);
    uint64_t moves =
        cost_broadcast(k, size, w->sums) + cost_reduce_shape(k, &row->shape, size, w->values) + gap;
    return row->length > 1 && moves + w->most < w->all;
}

struct slice share_part(const struct line *row, bool shares, uint32_t count)
{
    if (shares)
        return slice_of(count, row->length, row->index);
    return (struct slice){0, row->index == row->root ? count : 0};
}

uint16_t share_begin(struct image *m, const struct line *row, uint16_t sums, struct length n,
                     uint32_t words)
{
    line_broadcast(m, row, sums, n);
    return image_words(m, PART_BUFFERS, words);
}

void share_end(struct image *m, const struct line *row, bool shares, uint16_t part, uint16_t values,
               struct length n)
{
    if (shares)
        line_reduce(m, row, REDUCE_ADD, part, values, n);
    line_broadcast(m, row, values, n);
}
