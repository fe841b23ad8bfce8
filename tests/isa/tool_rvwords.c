/* SPDX-License-Identifier: Apache-2.0 */
/* tool_rvwords.c - random instructions of every row of insn.def, as bytes into a file and as text
 * to stdout, for comparison with another disassembler: tool_rvwords SEED COUNT_PER_ROW FILE. */
#include "base/err.h"
#include "base/rng.h"
#include "core/code.h"
#include "core/insn_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FENCE_ALL 0x0ff0000fu

int main(int argc, char **argv)
{
    if (argc != 4) {
        (void)fputs("usage: tool_rvwords SEED COUNT_PER_ROW FILE\n", stderr);
        return ERR_USAGE;
    }
    struct rng r = {strtoull(argv[1], NULL, 0)};
    unsigned each = (unsigned)strtoul(argv[2], NULL, 0);
    FILE *f = fopen(argv[3], "wb");
    if (!f)
        return ERR_INPUT;
    uint32_t pc = 0;
    for (unsigned op = 1; op < CORE_OPS; op++)
        for (unsigned k = 0; k < each; k++) {
            const struct core_insn_row *row = &core_insn_rows[op];
            uint32_t w = row->match | ((uint32_t)rng_next(&r) & ~row->mask);
            if (strchr(row->operands, 'c'))
                w = (w & 0x03ffffff) | 0x7c000000;
            if (op == CORE_OP_fence)
                w = FENCE_ALL;
            struct core_insn i = core_decode(w);
            char text[64];
            core_disasm(text, sizeof text, &i, pc);
            for (unsigned b = 0; b < 4; b++)
                (void)fputc((int)(w >> 8 * b & 0xff), f);
            (void)printf("%x: %s\n", pc, text);
            pc += 4;
        }
    return fclose(f) ? ERR_INPUT : 0;
}
