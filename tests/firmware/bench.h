/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - the test bench of the firmware unit tests: runs a table of tests on a tile (QEMU's or
 * our core), prints TAP, and plays the fabric around the tile.
 *
 * Each test starts with a tile fresh from reset, an empty fabric and a cleared program area. A
 * failed check ends the test. Output must not depend on time: both cores must print the same bytes.
 */
#ifndef TESSERA_TESTS_FIRMWARE_BENCH_H
#define TESSERA_TESTS_FIRMWARE_BENCH_H

#include "hal/program.h"
#include "hal/stream.h"
#include "hal/virt/tile.h"

#include <stdbool.h>
#include <stdint.h>

struct bench_test {
    const char *name;
    void (*run)(void);
};

/* The tables, one per test file; each ends with a NULL name. */
extern const struct bench_test tests_numerics[];
extern const struct bench_test tests_engine[];
extern const struct bench_test tests_kernels[];
extern const struct bench_test tests_sched[];
extern const struct bench_test tests_trap[];

_Noreturn void bench_fail(const char *file, uint32_t line, const char *what, uint32_t is,
                          uint32_t should);

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            bench_fail(__FILE__, __LINE__, #cond, 0, 1);                                           \
    } while (0)
#define CHECK_EQ(a, b)                                                                             \
    do {                                                                                           \
        uint32_t check_is = (uint32_t)(a), check_should = (uint32_t)(b);                           \
        if (check_is != check_should)                                                              \
            bench_fail(__FILE__, __LINE__, #a, check_is, check_should);                            \
    } while (0)

/* How a call ended. */
enum bench_end {
    BENCH_RETURNED,
    BENCH_QUIET,  /* it waits for an event that cannot come */
    BENCH_FAULTED /* the tile's fault record is complete */
};
enum bench_end bench_call(void (*call)(void));

/* Words for the tile, and words it sent: taken in order. bench_sent needs one to be there. */
void bench_deliver(uint8_t colour, uint32_t word);
uint32_t bench_sent_count(uint8_t colour);
uint32_t bench_sent(uint8_t colour, bool *control); /* control may be NULL */

/* Let a colour take this many words more and then none, until it is called again. */
void bench_limit(uint8_t colour, uint32_t words);

/* SRAM by offset. */
uint32_t sram_get(uint32_t offset);
void sram_set(uint32_t offset, uint32_t word);
void sram_set_words(uint32_t offset, const uint32_t *words, uint32_t count);
void sram_desc(uint32_t offset, const struct stream_desc *d);

/* Free room for tests in the program area, clear of a program header at its start. */
#define ROOM (TILE_PROGRAM_OFFSET + 0x400u)

#endif
