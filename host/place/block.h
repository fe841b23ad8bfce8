/* SPDX-License-Identifier: Apache-2.0 */
/* block.h - a tile's block of a weight matrix: how it lies in SRAM, and the product that reads it.
 */
#ifndef TESSERA_PLACE_BLOCK_H
#define TESSERA_PLACE_BLOCK_H

#include "model/checkpoint.h"
#include "place/image.h"
#include "place/split.h"

/* rows x cols of a weight, in the type the stream engine multiplies: BF16 stays BF16 and INT4 stays
 * INT4 with its scales behind the rows (exact slices, groups cut where the columns are cut); FP8
 * becomes fp32 (exact). */
struct block {
    uint8_t dot, axpy; /* stream operations; axpy 0 where there is none */
    uint16_t at, row_bytes;
    uint16_t scales, scale_row_bytes, phase;
    uint32_t bytes; /* everything; experts follow each other at this distance */
    struct slice rows, cols;
};

/* Take room for the block and fill it (unless the image is dry). */
struct block block_place(struct image *m, const struct weight *w, struct slice rows,
                         struct slice cols);

/* `count` runs of elements, `step` apart, which lie one behind the other in the block: all like
 * `first`, or, where `deal` is not NULL, run i is what part first.first has of vector i. A matrix
 * of INT4 must not be cut like that (it becomes fp32). */
struct runs {
    struct slice first;
    uint32_t step, count;
    const struct deal *deal;
};
static inline struct runs one_run(struct slice s)
{
    return (struct runs){.first = s, .count = 1};
}
struct slice runs_slice(const struct runs *r, uint32_t i);

/* Elements of the runs before run i. */
uint32_t runs_before(const struct runs *r, uint32_t i);
struct block block_place_runs(struct image *m, const struct weight *w, struct runs rows,
                              struct runs cols);

/* The same, stored so that AXPY products can read it (INT4 becomes fp32). */
struct block block_place_axpy(struct image *m, const struct weight *w, struct slice rows,
                              struct slice cols);

/* A matrix that every routed expert of a layer has. */
struct expert_matrix {
    enum weight_role role;
    uint32_t layer, experts;
};

/* The same block of every expert's matrix, one behind the other, `bytes` apart; the first is
 * returned. */
struct block block_place_experts(struct image *m, const struct checkpoint *ck,
                                 const struct expert_matrix *all, struct slice rows,
                                 struct slice cols);

/* Append y = W x over the block (y: rows words at dst, x: cols words at src). Returns the
 * descriptor, or 0 when the block is empty: then nothing is appended and dst keeps its zeros. */
uint16_t block_product(struct image *m, const struct block *b, uint16_t dst, uint16_t src,
                       bool accumulate);

/* A weight vector (norm weights, biases) as fp32 words. */
uint16_t block_vector(struct image *m, const struct weight *w, struct slice part);

#endif
