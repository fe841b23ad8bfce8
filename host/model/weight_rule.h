/* SPDX-License-Identifier: Apache-2.0 */
/* weight_rule.h - weights that exist only as a rule: any code of any matrix from its position
 * alone.
 *
 * The rule never changes, so that results recorded with one version hold for the next:
 *
 *   words          rule_words.h
 *   columns        the words 0, 1, ... of the row, lowest bits first: 16 bits a column for BF16 and
 *                  F32, 8 for FP8, 4 for INT4
 *   scales         the words 2^31, 2^31 + 1, ... of the row (FP8: of the row of blocks), 16 bits
 * each
 *
 *   BF16, F32      centre + spread * (bits - 32767.5) / 32768
 *   INT4           nibbles 1..15, that is -7..7; 0 becomes 8, the middle
 *   FP8            every E4M3 number; the two NaNs become zero
 *   a scale        unit * (0.5 + bits / 65536), unit such that the matrix has the standard
 *                  deviation of the unquantised one, spread / sqrt(3)
 *
 * No state, no tables: any thread may ask for anything. Cost: weight_words.h, and a few ns a row.
 */
#ifndef TESSERA_MODEL_WEIGHT_RULE_H
#define TESSERA_MODEL_WEIGHT_RULE_H

#include "model/weight.h"

/* weight_blocks() of weights without data: codes, and INT4 scales. All matrices are of one kind and
 * spread. */
void rule_codes(const struct weight_run *run, const struct weight_block *b,
                const struct weight_room *room);
void rule_int4_scales(const struct weight_run *run, const struct weight_block *b,
                      const struct weight_room *room);

/* The BF16 scale of columns 32 * group ... of a row. */
uint16_t rule_int4_scale(const struct weight *w, uint32_t row, uint32_t group);

/* The scale of a block; both count blocks. */
float rule_fp8_scale(const struct weight *w, uint32_t block_row, uint32_t block_col);

#endif
