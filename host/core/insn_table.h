/* SPDX-License-Identifier: Apache-2.0 */
/* insn_table.h - insn.def as an array indexed by enum core_op, for whoever walks all instructions.
 */
#ifndef TESSERA_CORE_INSN_TABLE_H
#define TESSERA_CORE_INSN_TABLE_H

#include "core/code.h"

/* Cycles of each row of hal/timing.def. */
enum core_timing {
#define TIMING(id, cycles, sentence) CORE_COST_##id = (cycles),
#include "hal/timing.def"
};

struct core_insn_row {
    const char *name;
    uint32_t mask, match;
    const char *operands; /* letters explained in insn.def */
    unsigned cost;
};
extern const struct core_insn_row core_insn_rows[CORE_OPS]; /* row 0 is CORE_OP_ILLEGAL */

#endif
