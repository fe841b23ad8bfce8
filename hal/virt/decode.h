/* SPDX-License-Identifier: Apache-2.0 */
/* decode.h - the few instructions of a tile that the monitor carries out for it. */
#ifndef TESSERA_HAL_VIRT_DECODE_H
#define TESSERA_HAL_VIRT_DECODE_H

#include <stdbool.h>
#include <stdint.h>

/* A load or store of one 32-bit word from or to an integer register. */
struct word_access {
    bool store;
    unsigned reg;   /* where the word goes to or comes from */
    unsigned bytes; /* of the instruction: 2 or 4 */
};

/* Decode lw, sw and their compressed forms. False for anything else. */
bool decode_word_access(uint32_t instruction, struct word_access *out);

/* An access to a control register. */
struct csr_access {
    unsigned csr, rd;
    unsigned how;   /* 1 write, 2 set bits, 3 clear bits */
    bool immediate; /* the operand is source itself, else register x[source] */
    unsigned source;
};

bool decode_csr_access(uint32_t instruction, struct csr_access *out);

#define INSTRUCTION_MRET 0x30200073u
#define INSTRUCTION_WFI 0x10500073u

/* Length of the instruction whose first halfword is this one. */
static inline unsigned decode_length(uint32_t halfword)
{
    return (halfword & 3) == 3 ? 4 : 2;
}

#endif
