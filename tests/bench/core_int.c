/* SPDX-License-Identifier: Apache-2.0 */
/* core_int.c - benchmark "int": the integer mix and nothing else. */
#include "core.h"

uint32_t program(uint32_t rounds)
{
    uint32_t sum = 1;

    while (rounds--)
        sum = sum * 33 + integer_round(sum);
    return sum;
}
