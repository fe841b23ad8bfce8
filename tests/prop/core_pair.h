/* SPDX-License-Identifier: Apache-2.0 */
/* core_pair.h - the same random program on two cores: one plain, one that may go fast. After every
 * stretch both must be in the same state.
 *
 * The image is 8 KiB of random instructions that a tile's layout would hold: read-only code, then
 * memory, and one device register. A program never ends: what traps goes to a handler that walks
 * on, and jumps go anywhere. */
#ifndef TESSERA_TESTS_CORE_PAIR_H
#define TESSERA_TESTS_CORE_PAIR_H

#include "core/fast.h"
#include "harness.h"
#include "base/rng.h"

enum { PAIR_CODE = 8192, PAIR_RAM = 4096 };
#define PAIR_BASE 0x80000000u
#define PAIR_RAM_BASE (PAIR_BASE + PAIR_CODE)
#define PAIR_DEVICE 0x50000000u

struct core_pair_machine {
    struct core core;
    uint8_t ram[PAIR_RAM];
    uint64_t device; /* a hash of all accesses to it */
    const uint8_t *code;
};

struct pair {
    uint64_t seed;
    struct rng rng;
    uint8_t code[PAIR_CODE];
    struct core_code *decoded;
    struct core_pair_machine plain, fast, before; /* before: `fast` at the start of the stretch */
    uint64_t fast_insns;                          /* done by fast_run */
};

/* Random instructions for an image, the same for a seed. */
void core_pair_fill(uint8_t code[PAIR_CODE], uint64_t seed);

/* Both cores at the same random start. `decoded` is of `code`, and borrowed. */
void core_pair_open(struct pair *p, uint64_t seed, const uint8_t code[PAIR_CODE],
                    struct core_code *decoded);

/* Some cycles with random horizons, interrupts and switches between the engines; a difference fails
 * the test with the first instruction that made it. */
void core_pair_run(struct pair *p, const struct fast_code *f, uint64_t cycles);

#endif
