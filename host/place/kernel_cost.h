/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_cost.h - what kernels take on the core, in cycles: measured in executed layers
 * (tests/e2e/predict.sh), items also by themselves (tests/unit/test_kernel_cycles.c). */
#ifndef TESSERA_PLACE_KERNEL_COST_H
#define TESSERA_PLACE_KERNEL_COST_H

#include "hal/program.h"

#include <stdint.h>

/* For each item. */
enum kernel_cycles {
    CYCLES_SWIGLU = 59,
    CYCLES_SWIGLU_EXPERT = 20,
    CYCLES_SWIGLU_NORM = 21,
    CYCLES_NORM = 42,
    CYCLES_NORM_BEFORE = 12,
    CYCLES_SIGMOID = 52,
    CYCLES_SCALED_WORD = 7,
    CYCLES_GAINED_WORD = 12,
    CYCLES_ROPE_PAIR = 29,
    CYCLES_SCORE_MAX = 5,
    CYCLES_SCORE_EXP = 38,
    CYCLES_HEAD_MAX = 13,
    CYCLES_HEAD_EXP = 22,
    CYCLES_SELECT = 31,
    CYCLES_RECIPROCAL = 18,
    CYCLES_RANK_MINE = 28,
    CYCLES_RANK_PAIR = 14,
    CYCLES_RANK_PLACE = 15,
    CYCLES_RANK_CHOSEN = 44,
    CYCLES_UNIT_SLOT = 28,
    CYCLES_TOKEN_PATCH = 18,
    CYCLES_TOKEN_TABLE = 18,
    CYCLES_TOKEN_PAIR = 63,
    CYCLES_RSQRT_BEFORE = 36,
    CYCLES_UNEXPECTED = 66, /* more: a kernel beside the sequence */
    CYCLES_QUEUED = 45      /* more: a kernel that follows another one, or one that still runs */
};

/* Cycles between the end of the descriptor before a kernel and the doorbell of the one after it,
 * where the core is idle and the scheduler expects the kernel: its fixed part, and what its
 * arguments add with `cached` positions in the tile's cache. */
struct kernel_cost {
    uint32_t fixed, items;
};
struct kernel_cost kernel_cost(enum kernel kernel, const void *args, uint32_t cached);

#endif
