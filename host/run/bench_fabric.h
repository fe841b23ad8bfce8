/* SPDX-License-Identifier: Apache-2.0 */
/* bench_fabric.h - how many wavelet-hops a second the fabric engines do.
 *
 * A hop is one wavelet let through by one router, whatever number of outputs it is copied to: a
 * word that crosses n links and is then delivered counts n + 1, as NoC simulators count it. No
 * firmware runs: stream engines send and receive without pause, so that the network is full. */
#ifndef TESSERA_RUN_BENCH_FABRIC_H
#define TESSERA_RUN_BENCH_FABRIC_H

#include "fabric/wafer.h"

enum bench_pattern {
    BENCH_NEIGHBOUR, /* every tile sends to its eastern neighbour */
    BENCH_BROADCAST, /* the west end of each row sends to all of its row */
    BENCH_CHAIN,     /* each row adds up towards its east end */
    BENCH_TRANSPOSE, /* (x, y) sends to (y, x) inside blocks of 16 x 16, x first */
    BENCH_PATTERNS
};

struct bench_fabric {
    enum bench_pattern pattern;
    uint32_t side; /* tiles */
    enum wafer_engine engine;
    uint32_t threads;
    double seconds; /* run for about so long, after a warm-up of 4 * side cycles,
                      or as long at most */
    const struct machine *machine;
};

struct bench_fabric_result {
    uint64_t cycles, hops;
    double seconds;
};

const char *bench_pattern_name(enum bench_pattern pattern);

/* Errors: those of wafer_open; ERR_FAULT or ERR_INTERNAL is our bug. */
int bench_fabric_run(const struct bench_fabric *b, struct bench_fabric_result *out, struct err *e);

#endif
