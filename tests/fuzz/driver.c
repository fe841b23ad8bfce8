/* SPDX-License-Identifier: Apache-2.0 */
/* driver.c - runs a fuzz target on random mutations of its seeds, and prints one TAP line.
 *
 *   fuzz_x --seconds 60 --seed 7     try inputs for a minute
 *   fuzz_x --seed 7 --input 12345    exactly one of them again
 *   fuzz_x FILE...                   saved inputs
 *
 * Input i of seed s depends on (s, i) alone. Inputs run in a child process; it writes the number of
 * the input into shared memory first, so that a crash or a hang of the child names the input to
 * repeat. */
#include "fuzz.h"

#include "base/rng.h"
#include "base/xalloc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

_Noreturn void fuzz_broken(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "# %s:%d: broken: %s\n", file, line, what);
    abort();
}

#ifdef LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fuzz_one(p, n);
    return 0;
}

#else

enum { INPUT_BYTES_MAX = 1 << 16, HANG_SECONDS = 20 };

struct input {
    uint8_t bytes[INPUT_BYTES_MAX];
    size_t n;
};

/* ---- mutation ---- */

static void replace(struct input *in, size_t at, size_t old, const void *with, size_t bytes)
{
    if (in->n - old + bytes > INPUT_BYTES_MAX)
        return;
    memmove(in->bytes + at + bytes, in->bytes + at + old, in->n - at - old);
    if (bytes)
        memcpy(in->bytes + at, with, bytes);
    in->n = in->n - old + bytes;
}

static size_t below(struct rng *r, size_t n)
{
    return n ? rng_below(r, (uint32_t)n) : 0;
}

/* Text that parsers trip over. */
static void put_word(struct input *in, struct rng *r)
{
    static const char *const words[] = {
        "0",     "-1",     "1",    "2147483648", "4294967296", "18446744073709551615",
        "1e308", "0.0",    "null", "true",       "\"\"",       "[]",
        "{}",    "[[[[[[", ",",    ":",          "\"",         "\\u0000",
        "\n",    " = ",    "%s",   "../",        "\xff\xfe",   "9223372036854775807"};
    const char *word = words[below(r, sizeof words / sizeof words[0])];
    size_t at = below(r, in->n + 1), old = below(r, 2) ? below(r, in->n - at + 1) % 8 : 0;
    replace(in, at, old, word, strlen(word));
}

/* A number written over the digits that stand somewhere. */
static void change_digits(struct input *in, struct rng *r)
{
    static const uint64_t hard[] = {0, 1, 2, 7, 8, 31, 32, 127, 128, 255, 4096, 65535, 65536};
    size_t at = below(r, in->n + 1), end;
    while (at < in->n && (in->bytes[at] < '0' || in->bytes[at] > '9'))
        at++;
    for (end = at; end < in->n && in->bytes[end] >= '0' && in->bytes[end] <= '9';)
        end++;
    if (at == end)
        return;
    uint64_t value = hard[below(r, sizeof hard / sizeof hard[0])];
    char text[32];
    if (below(r, 4) == 0)
        value = rng_next(r) >> below(r, 64);
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    replace(in, at, end - at, text, strlen(text));
}

static void put_integer(struct input *in, struct rng *r)
{
    uint64_t value = below(r, 2) ? rng_next(r) >> below(r, 64) : (uint64_t)0 - below(r, 4);
    size_t bytes = (size_t)1 << below(r, 4), at = below(r, in->n + 1);
    uint8_t little[8];
    for (size_t i = 0; i < 8; i++)
        little[i] = (uint8_t)(value >> (8 * i));
    replace(in, at, in->n - at < bytes ? in->n - at : bytes, little, bytes);
}

static void splice(struct input *in, struct rng *r)
{
    size_t seeds = 0, n;
    while (fuzz_seed(seeds, &n))
        seeds++;
    const char *other = fuzz_seed(below(r, seeds), &n);
    size_t from = below(r, n + 1), length = below(r, n - from + 1);
    size_t at = below(r, in->n + 1), old = below(r, in->n - at + 1);
    replace(in, at, old, other + from, length);
}

static void copy_part(struct input *in, struct rng *r)
{
    uint8_t part[256];
    size_t from = below(r, in->n + 1), length = below(r, in->n - from + 1) % sizeof part;
    memcpy(part, in->bytes + from, length);
    replace(in, below(r, in->n + 1), 0, part, length);
}

static void mutate(struct input *in, struct rng *r)
{
    size_t at = below(r, in->n + 1);
    uint8_t byte = (uint8_t)rng_next(r);
    switch (below(r, 9)) {
    case 0:
        if (at < in->n)
            in->bytes[at] ^= (uint8_t)(1u << below(r, 8));
        break;
    case 1:
        replace(in, at, at < in->n, &byte, 1);
        break;
    case 2:
        replace(in, at, below(r, in->n - at + 1) % 32, NULL, 0);
        break;
    case 3:
        if (below(r, 4) == 0)
            in->n = at;
        break;
    case 4:
        put_word(in, r);
        break;
    case 5:
        change_digits(in, r);
        break;
    case 6:
        put_integer(in, r);
        break;
    case 7:
        copy_part(in, r);
        break;
    case 8:
        if (below(r, 4) == 0)
            splice(in, r);
        break;
    }
}

static void make_input(struct input *in, uint64_t seed, uint64_t number)
{
    struct rng r = {rng_mix(seed) ^ rng_mix(number + 1)};
    size_t seeds = 0, n;
    while (fuzz_seed(seeds, &n))
        seeds++;
    const char *base = fuzz_seed(number < seeds ? number : below(&r, seeds), &n);
    in->n = n < INPUT_BYTES_MAX ? n : INPUT_BYTES_MAX;
    memcpy(in->bytes, base, in->n);
    if (number < seeds)
        return; /* each seed once as it is */
    for (size_t i = 1 + below(&r, 6); i > 0; i--)
        mutate(in, &r);
}

/* An exact-size copy: the address sanitizer then sees one byte too far. */
static void run_input(const struct input *in)
{
    uint8_t *p = xcalloc(in->n, 1);
    memcpy(p, in->bytes, in->n);
    fuzz_one(p, in->n);
    free(p);
}

/* ---- the loop ---- */

struct progress {
    uint64_t number; /* of the input being tried */
};

static double now_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void child_loop(struct progress *shared, uint64_t seed, double seconds)
{
    struct input *in = xcalloc(1, sizeof *in);
    double end = now_seconds() + seconds;
    for (uint64_t i = 0; now_seconds() < end; i++) {
        shared->number = i;
        (void)alarm(HANG_SECONDS);
        make_input(in, seed, i);
        run_input(in);
    }
    (void)alarm(0);
    free(in);
}

static int run_files(char **paths, int count)
{
    struct input *in = xcalloc(1, sizeof *in);
    for (int i = 0; i < count; i++) {
        FILE *f = fopen(paths[i], "rb");
        if (!f) {
            (void)fprintf(stderr, "%s: %s\n", paths[i], strerror(errno));
            free(in);
            return 1;
        }
        in->n = fread(in->bytes, 1, sizeof in->bytes, f);
        (void)fclose(f);
        run_input(in);
    }
    free(in);
    return 0;
}

static int run_random(const char *name, uint64_t seed, double seconds)
{
    struct progress *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 70;
    pid_t child = fork();
    if (child == 0) {
        child_loop(shared, seed, seconds);
        exit(0); /* not _exit: the leak checker runs here */
    }
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 70;
    if (status == 0) {
        (void)printf("ok 1 - %s: %llu inputs\n", name, (unsigned long long)shared->number + 1);
        return 0;
    }
    (void)printf(
        "not ok 1 - %s: status 0x%x, last input %llu; again: %s --seed %llu --input %llu\n", name,
        (unsigned)status, (unsigned long long)shared->number, name, (unsigned long long)seed,
        (unsigned long long)shared->number);
    return 1;
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
    const char *environment = getenv("SEED");
    uint64_t seed = environment ? strtoull(environment, NULL, 0) : 1, number = 0;
    double seconds = 2.0;
    bool one = false;
    int at = 1;
    for (; at + 1 < argc && !strncmp(argv[at], "--", 2); at += 2) {
        if (!strcmp(argv[at], "--seconds")) {
            seconds = strtod(argv[at + 1], NULL);
        } else if (!strcmp(argv[at], "--seed")) {
            seed = strtoull(argv[at + 1], NULL, 0);
        } else if (!strcmp(argv[at], "--input")) {
            number = strtoull(argv[at + 1], NULL, 0);
            one = true;
        } else {
            break;
        }
    }
    if (at < argc && argv[at][0] == '-') {
        (void)fprintf(stderr, "usage: %s [--seconds N] [--seed N] [--input N] [FILE...]\n", name);
        return 2;
    }
    if (at < argc)
        return run_files(argv + at, argc - at);
    if (!one)
        return run_random(name, seed, seconds);
    struct input *in = xcalloc(1, sizeof *in);
    make_input(in, seed, number);
    run_input(in);
    free(in);
    return 0;
}

#endif
