/* SPDX-License-Identifier: Apache-2.0 */
/* test_core_fast.c - the fast core against the plain one on random programs. */
#include "core_pair.h"

enum { IMAGES = 40, STARTS = 12, CYCLES = 20000 };

TEST(core_fast_is_the_plain_core)
{
    static struct pair p;
    uint64_t fast = 0;
    for (uint64_t image = 0; image < IMAGES; image++) {
        uint8_t code[PAIR_CODE];
        pair_fill(code, t->seed * 1000 + image);
        struct core_code *decoded = core_code_open(PAIR_BASE, code, PAIR_CODE);
        struct fast_code *f = fast_code_open(decoded, NULL);
        for (uint64_t start = 0; start < STARTS; start++) {
            pair_open(&p, (t->seed * 1000 + image) * 100 + start, code, decoded);
            pair_run(&p, f, CYCLES);
            fast += p.fast_insns;
        }
        fast_code_close(f);
        core_code_close(decoded);
    }
    CHECK(fast > 1000000); /* it was about something */
}
