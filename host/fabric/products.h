/* SPDX-License-Identifier: Apache-2.0 */
/* products.h - the products of hal/numerics.h for the fast engine: the same bits. */
#ifndef TESSERA_FABRIC_PRODUCTS_H
#define TESSERA_FABRIC_PRODUCTS_H

#include "hal/stream.h"

#include <stdbool.h>
#include <stddef.h>

/* As numerics_execute, for any memory operation; eight outputs of a product at a time where the
 * host has AVX2 and FMA. */
void products_execute(const struct stream_desc *d, uint8_t *sram);

/* a[i] = numerics_word(op, b[i], a[i]) for n words, anywhere in memory. */
void products_combine(uint8_t op, const uint32_t *b, uint8_t *a, size_t n);

#endif
