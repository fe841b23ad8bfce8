/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - how fast the emulator is on this computer: items of a few seconds, each named, timed by
 * the monotonic clock three times. No test asserts any of it. */
#ifndef TESSERA_RUN_BENCH_H
#define TESSERA_RUN_BENCH_H

#include "run/images.h"

#include <stdbool.h>
#include <stddef.h>

enum { BENCH_TIMES = 3, BENCH_ITEMS_MAX = 128 };

/* What items run on; all borrowed. */
struct bench_env {
    const struct images *images;
    const struct machine *machine;
    const char *model;    /* checkpoint folder */
    const char *firmware; /* folder of the images */
    const char *programs; /* of the core programs: translations among them are executed */
};

struct bench_item {
    char id[48]; /* "fabric/neighbour/256/fast": a prefix names all that begin so */
    const char *unit;
    const char *text; /* what is counted */
    /* One timing. `value`: the more the better, unless `less`. */
    int (*run)(const struct bench_item *i, const struct bench_env *env, double *value,
               struct err *e);
    unsigned a, b, c; /* parameters of run */
    bool less, once;  /* the least is the best; not worth doing three times */
    double peer;      /* a figure of another emulator on the same job, 0: none */
    const char *peer_name;
};

struct bench_list {
    struct bench_item item[BENCH_ITEMS_MAX];
    size_t count;
};

struct bench_result {
    double best, median;
};

/* Every item, in the order they are shown. */
void bench_items(struct bench_list *out);

/* Does a name of the command line choose this item? All of it, or whole parts of its front. */
bool bench_chosen(const struct bench_item *i, const char *name);

int bench_run(const struct bench_item *i, const struct bench_env *env, struct bench_result *out,
              struct err *e);

/* For the lists: append an item with an id made by printf; NULL when full is our bug. */
struct bench_item *bench_add(struct bench_list *l, struct bench_item i, const char *id, ...)
    __attribute__((format(printf, 3, 4)));

void bench_items_core(struct bench_list *l);
void bench_items_fabric(struct bench_list *l);
void bench_items_boot(struct bench_list *l);
void bench_items_model(struct bench_list *l);

#endif
