/* SPDX-License-Identifier: Apache-2.0 */
/* core.h - what the core benchmarks share: they are small programs for one tile, without devices.
 * core_start.S calls program() with the number of rounds; its result ends up in a0, where the host
 * looks: every engine must get the same. */
#ifndef TESSERA_TESTS_BENCH_CORE_H
#define TESSERA_TESTS_BENCH_CORE_H

#include <stdint.h>

uint32_t program(uint32_t rounds);

/* core_integer.c: one round of the integer mix on data made from `seed`. */
uint32_t integer_round(uint32_t seed);

/* A small generator: the next state of a non-zero one. */
static inline uint32_t bench_next(uint32_t state)
{
    state ^= state << 13;
    state ^= state >> 17;
    return state ^ state << 5;
}

#endif
