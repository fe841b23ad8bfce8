/* SPDX-License-Identifier: Apache-2.0 */
/* bench_network.c - bench items of the fabric: wavelet-hops a second, and what threads add. */
#include "run/bench.h"
#include "run/bench_fabric.h"

enum { FAST = WAFER_FAST, PLAIN = WAFER_PLAIN };

static const double seconds_each = 0.3;

static int hops(const struct bench_item *i, const struct bench_env *env, unsigned threads,
                double *value, struct err *e)
{
    struct bench_fabric b = {.pattern = (enum bench_pattern)i->a,
                             .side = i->b,
                             .engine = (enum wafer_engine)i->c,
                             .threads = threads,
                             .seconds = seconds_each,
                             .machine = env->machine};
    struct bench_fabric_result r;
    if (bench_fabric_run(&b, &r, e))
        return -1;
    *value = (double)r.hops / r.seconds / 1e6;
    return 0;
}

static int run_hops(const struct bench_item *i, const struct bench_env *env, double *value,
                    struct err *e)
{
    return hops(i, env, 1, value, e);
}

static int run_threads(const struct bench_item *i, const struct bench_env *env, double *value,
                       struct err *e)
{
    double one, two;
    if (hops(i, env, 1, &one, e) || hops(i, env, 2, &two, e))
        return -1;
    *value = two / one;
    return 0;
}

/* Million flit-hops a second of BookSim2 on the nearest job: tests/bench/README.md. */
static double peer(enum bench_pattern pattern, unsigned side)
{
    static const double neighbour[] = {1.07, 0.86, 0.31}, transpose[] = {0.84, 0.54, 0.14};
    const double *of = pattern == BENCH_NEIGHBOUR   ? neighbour
                       : pattern == BENCH_TRANSPOSE ? transpose
                                                    : NULL;
    if (!of || side > 32)
        return 0;
    return of[side == 8 ? 0 : side == 16 ? 1 : 2];
}

void bench_items_fabric(struct bench_list *l)
{
    static const unsigned sides[] = {8, 32, 128, 512};
    for (unsigned p = 0; p < BENCH_PATTERNS; p++) {
        const char *name = bench_pattern_name((enum bench_pattern)p);
        struct bench_item i = {.unit = "M hops/s",
                               .text = "wavelets through a router, one thread",
                               .run = run_hops,
                               .a = p,
                               .peer_name = "BookSim2"};
        for (unsigned s = 0; s < sizeof sides / sizeof sides[0]; s++) {
            i.b = sides[s];
            i.c = FAST;
            i.once = i.b >= 512; /* opening takes longer than measuring */
            i.peer = peer((enum bench_pattern)p, i.b);
            bench_add(l, i, "fabric/%s/%u", name, i.b);
        }
        i.b = 32;
        i.c = PLAIN;
        i.once = false;
        i.peer = 0;
        bench_add(l, i, "fabric/%s/%u/plain", name, i.b);
    }
    for (unsigned p = 0; p < BENCH_PATTERNS; p++)
        bench_add(l,
                  (struct bench_item){.unit = "times",
                                      .text = "hops/s with two threads over one",
                                      .run = run_threads,
                                      .a = p,
                                      .b = 256,
                                      .c = FAST},
                  "threads/%s/256", bench_pattern_name((enum bench_pattern)p));
}
