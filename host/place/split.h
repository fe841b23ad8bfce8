/* SPDX-License-Identifier: Apache-2.0 */
/* split.h - how a vector is cut over the columns or rows of a strip. */
#ifndef TESSERA_PLACE_SPLIT_H
#define TESSERA_PLACE_SPLIT_H

#include <stdint.h>

struct slice {
    uint32_t first, count; /* elements; count may be 0 when there are more parts than elements */
};

/* Part i of `parts`, as equal as possible. */
static inline struct slice slice_of(uint32_t length, uint32_t parts, uint32_t i)
{
    uint32_t from = (uint32_t)((uint64_t)length * i / parts);
    uint32_t to = (uint32_t)((uint64_t)length * (i + 1) / parts);
    return (struct slice){from, to - from};
}

/* The elements of the largest part. */
static inline uint32_t slice_most(uint32_t length, uint32_t parts)
{
    return (length + parts - 1) / parts;
}

/* slice_of for vectors made of `dim` elements, of which the first `plain` may be cut anywhere and
 * the rest are RoPE pairs, which stay together. */
static inline uint32_t pair_cut(uint32_t at, uint32_t dim, uint32_t plain)
{
    uint32_t d = at % dim;
    return d > plain && (d - plain) % 2 ? at - 1 : at;
}
static inline struct slice slice_of_pairs(uint32_t length, uint32_t parts, uint32_t i, uint32_t dim,
                                          uint32_t plain)
{
    struct slice s = slice_of(length, parts, i);
    uint32_t from = pair_cut(s.first, dim, plain), to = pair_cut(s.first + s.count, dim, plain);
    return (struct slice){from, to - from};
}

/* `vectors` vectors of `length` elements, each dealt out to `parts` as slice_of_pairs does, but
 * each begun a little farther than the one before: what one part has more of one, it has less of
 * another. */
struct deal {
    uint32_t length, dim, plain;
    uint32_t vectors, parts;
};
static inline struct slice deal_slice(const struct deal *d, uint32_t vector, uint32_t part)
{
    uint32_t turn = slice_of(d->parts, d->vectors, vector).first;
    return slice_of_pairs(d->length, d->parts, (part + turn) % d->parts, d->dim, d->plain);
}

static inline struct slice slice_overlap(struct slice a, struct slice b)
{
    uint32_t from = a.first > b.first ? a.first : b.first;
    uint32_t end_a = a.first + a.count, end_b = b.first + b.count;
    uint32_t to = end_a < end_b ? end_a : end_b;
    return to > from ? (struct slice){from, to - from} : (struct slice){from, 0};
}

#endif
