/* SPDX-License-Identifier: Apache-2.0 */
/* bench.c - the list of items, and timing one. */
#include "run/bench.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bench_items(struct bench_list *out)
{
    out->count = 0;
    bench_items_core(out);
    bench_items_fabric(out);
    bench_items_boot(out);
    bench_items_model(out);
}

struct bench_item *bench_add(struct bench_list *l, struct bench_item i, const char *id, ...)
{
    va_list args;
    assert(l->count < BENCH_ITEMS_MAX);
    va_start(args, id);
    (void)vsnprintf(i.id, sizeof i.id, id, args);
    va_end(args);
    l->item[l->count] = i;
    return &l->item[l->count++];
}

bool bench_chosen(const struct bench_item *i, const char *name)
{
    size_t n = strlen(name);
    return !strncmp(i->id, name, n) && (i->id[n] == 0 || i->id[n] == '/');
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int bench_run(const struct bench_item *i, const struct bench_env *env, struct bench_result *out,
              struct err *e)
{
    double value[BENCH_TIMES] = {0};
    size_t times = i->once ? 1 : BENCH_TIMES;
    for (size_t n = 0; n < times; n++)
        if (i->run(i, env, &value[n], e))
            return -1;
    qsort(value, times, sizeof value[0], compare);
    out->median = value[times / 2];
    out->best = i->less ? value[0] : value[times - 1];
    return 0;
}
