/* SPDX-License-Identifier: Apache-2.0 */
/* softfp.h - IEEE 754 single precision on bit patterns, as the RISC-V F extension wants it.
 *
 * Integer code, so that all five rounding modes and the exact flags come out the same on every
 * host. NaN results are 0x7fc00000; subnormals are honoured; tininess is detected after rounding.
 * `rm` is a valid rounding mode; flags are or-ed into *flags. */
#ifndef TESSERA_CORE_SOFTFP_H
#define TESSERA_CORE_SOFTFP_H

#include <stdbool.h>
#include <stdint.h>

enum softfp_rm { SOFTFP_RNE, SOFTFP_RTZ, SOFTFP_RDN, SOFTFP_RUP, SOFTFP_RMM, SOFTFP_MODES };
enum softfp_flag { SOFTFP_NX = 1, SOFTFP_UF = 2, SOFTFP_OF = 4, SOFTFP_DZ = 8, SOFTFP_NV = 16 };
#define SOFTFP_NAN 0x7fc00000u
#define SOFTFP_SIGN 0x80000000u

uint32_t softfp_add(uint32_t a, uint32_t b, unsigned rm, uint32_t *flags);
uint32_t softfp_mul(uint32_t a, uint32_t b, unsigned rm, uint32_t *flags);
uint32_t softfp_div(uint32_t a, uint32_t b, unsigned rm, uint32_t *flags);
uint32_t softfp_sqrt(uint32_t a, unsigned rm, uint32_t *flags);

/* a * b + c, rounded once. */
uint32_t softfp_fma(uint32_t a, uint32_t b, uint32_t c, unsigned rm, uint32_t *flags);

/* The number, if one operand is a NaN; -0 is below +0. Only signalling NaNs raise NV. */
uint32_t softfp_min(uint32_t a, uint32_t b, uint32_t *flags);
uint32_t softfp_max(uint32_t a, uint32_t b, uint32_t *flags);

/* Comparisons are false with a NaN; eq raises NV for signalling NaNs only, the others for any. */
bool softfp_eq(uint32_t a, uint32_t b, uint32_t *flags);
bool softfp_lt(uint32_t a, uint32_t b, uint32_t *flags);
bool softfp_le(uint32_t a, uint32_t b, uint32_t *flags);

/* The bit mask of fclass.s: -inf, -normal, -subnormal, -0, +0, +subnormal, +normal, +inf, sNaN,
 * qNaN. */
uint32_t softfp_class(uint32_t a);

/* To integers: out of range and NaN give NV and the nearest end (NaN: the largest). */
uint32_t softfp_to_i32(uint32_t a, unsigned rm, uint32_t *flags);
uint32_t softfp_to_u32(uint32_t a, unsigned rm, uint32_t *flags);
uint32_t softfp_from_i32(uint32_t a, unsigned rm, uint32_t *flags);
uint32_t softfp_from_u32(uint32_t a, unsigned rm, uint32_t *flags);

#endif
