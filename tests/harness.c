/* SPDX-License-Identifier: Apache-2.0 */
/* harness.c - runs the registered tests, one child process each, and prints TAP. */
#include "harness.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct test *tests; /* in the order of registration, reversed */

void test_register(struct test *t)
{
    t->next = tests;
    tests = t;
}

_Noreturn void test_fail(const char *file, int line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)printf("# %s:%d: ", file, line);
    (void)vprintf(fmt, args);
    (void)printf("\n");
    va_end(args);
    (void)fflush(stdout);
    exit(1); /* not _exit: the leak checker should not fire, but stdio must be flushed */
}

static int run_one(struct test *t)
{
    (void)fflush(stdout);
    pid_t child = fork();
    if (child < 0)
        return -1;
    if (child == 0) {
        t->run(t);
        (void)fflush(stdout);
        exit(0);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child)
        return -1;
    return status;
}

static struct test *reversed(struct test *list)
{
    struct test *out = NULL;
    for (struct test *t = list, *next; t; t = next) {
        next = t->next;
        t->next = out;
        out = t;
    }
    return out;
}

int main(void)
{
    const char *filter = getenv("T"), *seed = getenv("SEED");
    unsigned number = 0, failed = 0;
    for (struct test *t = reversed(tests); t; t = t->next) {
        if (filter && !strstr(t->name, filter))
            continue;
        t->seed = seed ? strtoull(seed, NULL, 0) : 1;
        int status = run_one(t);
        number++;
        if (status == 0) {
            (void)printf("ok %u - %s\n", number, t->name);
        } else {
            failed++;
            (void)printf("not ok %u - %s (status 0x%x; again: T=%s SEED=%llu)\n", number, t->name,
                         (unsigned)status, t->name, (unsigned long long)t->seed);
        }
    }
    (void)printf("1..%u\n", number);
    return failed != 0;
}
