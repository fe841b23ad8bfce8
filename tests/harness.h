/* SPDX-License-Identifier: Apache-2.0 */
/* harness.h - the test runner's interface: a test is a function, a failed check ends it.
 *
 *   TEST(mesh_loses_nothing) { CHECK_EQ(sent, received); }
 *
 * Each test runs in its own child process, so that a crash fails one test and not the run. Output
 * is TAP. T=prefix runs only tests whose name contains the text; SEED=n changes t->seed (printed on
 * failure). */
#ifndef TESSERA_TESTS_HARNESS_H
#define TESSERA_TESTS_HARNESS_H

#include <stdint.h>
#include <stdio.h>

struct test {
    const char *name;
    void (*run)(struct test *t);
    struct test *next;
    uint64_t seed;
};

void test_register(struct test *t);
_Noreturn void test_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define TEST(id)                                                                                   \
    static void test_##id(struct test *t);                                                         \
    static struct test case_##id = {#id, test_##id, 0, 0};                                         \
    __attribute__((constructor)) static void register_##id(void)                                   \
    {                                                                                              \
        test_register(&case_##id);                                                                 \
    }                                                                                              \
    static void test_##id(__attribute__((unused)) struct test *t)

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            test_fail(__FILE__, __LINE__, "%s", #cond);                                            \
    } while (0)
#define CHECK_MSG(cond, ...)                                                                       \
    do {                                                                                           \
        if (!(cond))                                                                               \
            test_fail(__FILE__, __LINE__, __VA_ARGS__);                                            \
    } while (0)
#define CHECK_EQ(a, b)                                                                             \
    do {                                                                                           \
        long long check_a = (long long)(a), check_b = (long long)(b);                              \
        if (check_a != check_b)                                                                    \
            test_fail(__FILE__, __LINE__, "%s is %lld, %s is %lld", #a, check_a, #b, check_b);     \
    } while (0)
#define CHECK_STR(a, b)                                                                            \
    do {                                                                                           \
        const char *check_a = (a), *check_b = (b);                                                 \
        if (__builtin_strcmp(check_a, check_b) != 0)                                               \
            test_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #a, check_a, check_b);       \
    } while (0)

#endif
