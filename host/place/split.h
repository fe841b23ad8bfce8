/* SPDX-License-Identifier: Apache-2.0 */
/* split.h - how a vector is cut over the columns or rows of a strip. */
#ifndef TESSERA_PLACE_SPLIT_H
#define TESSERA_PLACE_SPLIT_H

#include <stdint.h>

struct slice {
    uint32_t first, count; /* elements; count may be 0 when there are more parts than elements */
};

/* Part i of `parts`: as equal as possible, cut only at multiples of `grain` (the length must be one
 * too). */
static inline struct slice slice_of(uint32_t length, uint32_t parts, uint32_t i, uint32_t grain)
{
    uint64_t units = length / grain;
    uint32_t from = (uint32_t)(units * i / parts) * grain;
    uint32_t to = (uint32_t)(units * (i + 1) / parts) * grain;
    return (struct slice){from, to - from};
}

static inline struct slice slice_overlap(struct slice a, struct slice b)
{
    uint32_t from = a.first > b.first ? a.first : b.first;
    uint32_t end_a = a.first + a.count, end_b = b.first + b.count;
    uint32_t to = end_a < end_b ? end_a : end_b;
    return to > from ? (struct slice){from, to - from} : (struct slice){from, 0};
}

#endif
