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
 * Cost without data: weight_blocks. */
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

/* How many groups of 32 columns the block touches. */
static inline uint32_t weight_block_groups(const struct weight_block *b)
{
    return b->cols ? (b->col + b->cols - 1) / INT4_GROUP - b->col / INT4_GROUP + 1 : 0;
}

/* The codes of a block, row i at out + i * row_bytes, each row from a byte's low bits on. INT4: any
 * column and count; the last half byte of an odd count is 0. */
void weight_block_codes(const struct weight *w, const struct weight_block *b, size_t row_bytes,
                        uint8_t *out);

/* INT4: the BF16 scales of all groups the block's columns touch, row after row without gaps. */
void weight_block_scales(const struct weight *w, const struct weight_block *b, uint8_t *out);

/* Matrices of one role, first[0], first[step], ... (checkpoint_experts). */
struct weight_run {
    const struct weight *first;
    size_t step;
    uint32_t count;
};

/* Where the blocks of a run go: matrix i's codes to codes + i * each, its scales to scales + i *
 * each. */
struct weight_room {
    uint8_t *codes;
    size_t row_bytes;
    uint8_t *scales; /* NULL: none are wanted */
    size_t each;
};

/* The same block of every matrix of a run. Cost without data (Zen 5 with AVX-512): 3 ns a row of 32
 * INT4 columns and 3 for its scale, so 11 us for gate, up and down, two rows each, of 340 experts;
 * one matrix at a time, a call of weight_block_codes and one of weight_block_scales each, 43. BF16
 * 0.25 ns a value in rows of 60 and more, 0.4 to 0.6 in rows of 8 to 32; 1.1 in rows of 4, 3 in
 * columns of one. Long rows: BF16 0.25, INT4 0.04. */
void weight_blocks(const struct weight_run *run, const struct weight_block *b,
                   const struct weight_room *room);

float bf16_to_f32(uint16_t bits);
uint16_t bf16_from_f32(float x); /* nearest, ties to even; NaN stays NaN */
/* E4M3: sign, 4 bits of exponent with bias 7, 3 of mantissa; no infinity, 0x7f and 0xff are NaN. */
float fp8_to_f32(uint8_t bits);

const char *weight_kind_name(enum weight_kind kind);

#endif
