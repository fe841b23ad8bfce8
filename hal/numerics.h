/* SPDX-License-Identifier: Apache-2.0 */
/* numerics.h - the exact meaning of every arithmetic operation of the stream engine.
 *
 * All sums and products are IEEE binary32, round to nearest even, subnormals kept. A NaN result of
 * anything but COPY, SEND, RECV and FORWARD (which move bits) is the canonical 0x7fc00000. Order
 * is part of the meaning, so that results depend on neither engine, thread count nor timing:
 *
 *   ADD, MUL, SCALE  one rounding each, b + a and a * b
 *   MAX              RISC-V fmax.s: the number if one is NaN, +0 over -0
 *   ROUND_BF16       to nearest even, beyond the largest to infinity, a NaN is 0x7fc0
 *   DOT, AXPY        y starts at 0 (or d); for k = 0, 1, ...: y = fma(w[k], x[k], y)
 *   DOT_INT4         y starts so too; per group: s = 0; for k in the group: s = fma(q[k], x[k], s);
 *                    then y = fma(scale, s, y). The first group is short when phase > 0, the last
 *                    when it does not end on a boundary.
 *
 * Int4: column j of a row is nibble j & 1 (low first) of byte j / 2, value nibble - 8; scales are
 * bf16, one per group touched, in order. bf16 to fp32 is exact. */
#ifndef TESSERA_HAL_NUMERICS_H
#define TESSERA_HAL_NUMERICS_H

#include "hal/stream.h"

#include <stdint.h>

/* Do a memory-only operation (COPY and all behind it) that passed stream_check. `sram` is byte 0 of
 * a tile's SRAM (TILE_SRAM_BYTES of them), 4-aligned. The portable oracle; small and plain. */
void numerics_execute(const struct stream_desc *d, uint8_t *sram);

/* One word of a reduction step: fabric word `b`, memory word `a`; op is any *_SEND or *_RECV.
 * SEND gives a, RECV and FORWARD give b. Bits of fp32. */
uint32_t numerics_word(uint8_t op, uint32_t b, uint32_t a);

#endif
