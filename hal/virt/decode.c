/* SPDX-License-Identifier: Apache-2.0 */
/* decode.c - see decode.h. Encodings: RISC-V unprivileged ISA, chapters RV32I and C. */
#include "hal/virt/decode.h"

static uint32_t field(uint32_t instruction, unsigned from, unsigned bits)
{
    return instruction >> from & ((1u << bits) - 1);
}

bool decode_word_access(uint32_t i, struct word_access *out)
{
    switch (i & 0xe003) {
    case 0x4000: /* c.lw: its register fields mean x8..x15 */
        *out = (struct word_access){false, 8 + field(i, 2, 3), 2};
        return true;
    case 0xc000: /* c.sw */
        *out = (struct word_access){true, 8 + field(i, 2, 3), 2};
        return true;
    case 0x4002: /* c.lwsp */
        *out = (struct word_access){false, field(i, 7, 5), 2};
        return true;
    case 0xc002: /* c.swsp */
        *out = (struct word_access){true, field(i, 2, 5), 2};
        return true;
    }
    switch (i & 0x707f) {
    case 0x2003: /* lw */
        *out = (struct word_access){false, field(i, 7, 5), 4};
        return true;
    case 0x2023: /* sw */
        *out = (struct word_access){true, field(i, 20, 5), 4};
        return true;
    }
    return false;
}

bool decode_csr_access(uint32_t i, struct csr_access *out)
{
    unsigned funct3 = field(i, 12, 3);
    if ((i & 0x7f) != 0x73 || (funct3 & 3) == 0)
        return false;
    *out = (struct csr_access){.csr = field(i, 20, 12),
                               .rd = field(i, 7, 5),
                               .how = funct3 & 3,
                               .immediate = funct3 & 4,
                               .source = field(i, 15, 5)};
    return true;
}
