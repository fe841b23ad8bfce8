/* SPDX-License-Identifier: Apache-2.0 */
/* weight.h - one weight matrix as stored: BF16, F32, FP8 in blocks, or INT4 in groups of 32.
 *
 * y = W x with W of `rows` outputs and `cols` inputs, row-major. A vector is one row. A weight is a
 * view: it owns nothing, and lives as long as its checkpoint. The numbers either lie in a mapped
 * file (`data`), or follow a rule and exist nowhere (`data` is NULL): weight_codes and
 * weight_row_f32 serve both. */
#ifndef TESSERA_MODEL_WEIGHT_H
#define TESSERA_MODEL_WEIGHT_H

#include "model/config.h"

#include <stddef.h>
#include <stdint.h>

enum weight_kind {
    WEIGHT_BF16,
    WEIGHT_F32,
    WEIGHT_FP8_BLOCK, /* E4M3 bytes; value = code * scale of its block */
    WEIGHT_INT4_G32   /* nibbles, value = (nibble - 8) * scale of its 32 columns; cols is a multiple
                         of 32 */
};

struct weight {
    enum weight_kind kind;
    uint32_t rows, cols;
    const void
        *data; /* any alignment. INT4: cols / 2 bytes a row, even columns in the low nibbles */
    const void *scales;              /* FP8: F32 [ceil(rows / block_rows)][ceil(cols / block_cols)];
                                        INT4: BF16 [rows][cols / 32]; else NULL */
    uint32_t block_rows, block_cols; /* FP8 */
    /* data == NULL: pseudo-random numbers from rule, row and column (weight_rule.h), for BF16 and
     * F32 uniform in centre - spread .. centre + spread; INT4 and FP8 have the same standard
     * deviation, spread / sqrt(3), around 0 */
    uint64_t rule;
    float centre, spread;
};

/* n values of a row, exactly as stored times scale. first + n <= cols. */
void weight_row_f32(const struct weight *w, uint32_t row, uint32_t first, uint32_t n, float *out);

/* The stored codes of n columns: 2, 4, 1 or 1/2 bytes each. INT4: `first` and n are even.
 * Cost without data: INT4 0.1 ns a column in long runs, 0.7 in runs of 14; BF16 1 and 2 ns. */
void weight_codes(const struct weight *w, uint32_t row, uint32_t first, uint32_t n, uint8_t *out);

/* The bytes weight_codes writes for n columns. */
size_t weight_code_bytes(enum weight_kind kind, uint32_t n);

/* What the whole matrix takes as stored, scales included. */
uint64_t weight_bytes(const struct weight *w);

/* INT4: the BF16 scale of columns 32*group .. 32*group+31. */
uint16_t weight_int4_scale(const struct weight *w, uint32_t row, uint32_t group);

/* ---- rows x cols at once: what a tile holds ---- */
struct weight_block {
    uint32_t row, rows, col, cols; /* inside the weight */
};

/* The codes of a block, row i at out + i * row_bytes, each row from a byte's low bits on. INT4: any
 * column and count; the last half byte of an odd count is 0. Cost without data: 6 ns a row of up to
 * 16 INT4 columns. */
void weight_block_codes(const struct weight *w, const struct weight_block *b, size_t row_bytes,
                        uint8_t *out);

/* INT4: the BF16 scales of all groups the block's columns touch, row after row without gaps. */
void weight_block_scales(const struct weight *w, const struct weight_block *b, uint8_t *out);

float bf16_to_f32(uint16_t bits);
uint16_t bf16_from_f32(float x); /* nearest, ties to even; NaN stays NaN */
/* E4M3: sign, 4 bits of exponent with bias 7, 3 of mantissa; no infinity, 0x7f and 0xff are NaN. */
float fp8_to_f32(uint8_t bits);

const char *weight_kind_name(enum weight_kind kind);

#endif
