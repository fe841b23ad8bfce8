/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h - what a fuzz target defines, and what the driver gives it.
 *
 * A target is tests/fuzz/fuzz_NAME.c with the two functions below. driver.c mutates the seeds at
 * random (the same --seed, the same inputs) and runs fuzz_one on each under the sanitizers. Built
 * by clang with -DLIBFUZZER -fsanitize=fuzzer the driver steps aside and libFuzzer calls fuzz_one.
 */
#ifndef TESSERA_TESTS_FUZZ_H
#define TESSERA_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Feed one input to the code under test. It must survive anything, free what it took, and abort()
 * when a promise is broken (an accepted input that is inconsistent, an error without text, ...). */
void fuzz_one(const uint8_t *p, size_t n);

/* The i-th seed and its length, or NULL past the last. Static storage; there is at least one. */
const char *fuzz_seed(size_t i, size_t *n);

/* Abort with a message unless `cond` holds. */
#define FUZZ_CHECK(cond)                                                                           \
    do {                                                                                           \
        if (!(cond))                                                                               \
            fuzz_broken(__FILE__, __LINE__, #cond);                                                \
    } while (0)
_Noreturn void fuzz_broken(const char *file, int line, const char *what);

#endif
