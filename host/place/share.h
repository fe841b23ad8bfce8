/* SPDX-License-Identifier: Apache-2.0 */
/* share.h - inside host/place: a kernel's work between two products, shared by the tiles of a row.
 *
 * After a reduction along a row its sums lie at the row root, and a kernel (SwiGLU, RoPE, exp) must
 * go over them before all tiles of the row get them. Alone, the root makes the row wait for every
 * value. Shared, the root sends the sums, every tile computes its part of the values into words
 * that are zero elsewhere, and a reduction gathers them: a sum with zeros is exact (but makes -0 a
 * +0). Which is quicker is reckoned:
 *
 *   alone    kernel(all)
 *   shared   broadcast(sums) + S - 1 + kernel(largest part) + S - 1 + reduce(values)
 *
 * All tiles of a row must come to the same choice, so it may depend only on what they have in
 * common. */
#ifndef TESSERA_PLACE_SHARE_H
#define TESSERA_PLACE_SHARE_H

#include "place/kernel_cost.h"
#include "place/layer.h"

/* Cycles of the kernel without its fixed part, for all values and for the largest part, and how
 * many words go to the tiles before and come from them after. */
struct share_work {
    uint64_t all, most;
    uint32_t sums, values;
};
bool share_pays(const struct machine *k, const struct line *row, const struct share_work *w);

/* Before the kernels, when the row shares: the root's `sums` (n words) go to all tiles' `sums`.
 * Returns zeroed `words` to write this tile's part of the values into; nothing else may write
 * there. */
uint16_t share_begin(struct image *m, const struct line *row, uint16_t sums, struct length n,
                     uint32_t words);

/* After them: the values (n words) to every tile's `values`; they are at `part` of every tile when
 * the row shares, or else at the root's `values`. */
void share_end(struct image *m, const struct line *row, bool shares, uint16_t part, uint16_t values,
               struct length n);

/* The part of this tile when `count` values are alike: all at the root when the row does not share.
 */
struct slice share_part(const struct line *row, bool shares, uint32_t count);

#endif
