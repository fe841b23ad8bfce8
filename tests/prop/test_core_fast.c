/* SPDX-License-Identifier: Apache-2.0 */
/* test_core_fast.c - the fast core against the plain one on random programs. */
#include "core/aot.h"
#include "core_pair.h"

#include <stdlib.h>
#include <unistd.h>

enum { IMAGES = 40, STARTS = 12, CYCLES = 20000 };
enum { TRANSLATED_IMAGES = 2, TRANSLATED_STARTS = 200, ENTRY_STEP = 32 };

TEST(core_fast_is_the_plain_core)
{
    static struct pair p;
    uint64_t fast = 0;
    for (uint64_t image = 0; image < IMAGES; image++) {
        uint8_t code[PAIR_CODE];
        core_pair_fill(code, t->seed * 1000 + image);
        struct core_code *decoded = core_code_open(PAIR_BASE, code, PAIR_CODE);
        struct fast_code *f = fast_code_open(decoded, NULL);
        for (uint64_t start = 0; start < STARTS; start++) {
            core_pair_open(&p, (t->seed * 1000 + image) * 100 + start, code, decoded);
            core_pair_run(&p, f, CYCLES);
            fast += p.fast_insns;
        }
        fast_code_close(f);
        core_code_close(decoded);
    }
    CHECK(fast > 1000000); /* it was about something */
}

/* ---- translated ---- */

static void write_translation(const char *path, const uint8_t *code)
{
    static uint32_t entry[PAIR_CODE / ENTRY_STEP];
    struct err e = {0};
    for (uint32_t k = 0; k < PAIR_CODE / ENTRY_STEP; k++)
        entry[k] = PAIR_BASE + k * ENTRY_STEP;
    struct aot_cfg cfg = {.base = PAIR_BASE,
                          .bytes = PAIR_CODE,
                          .code = code,
                          .windows = {PAIR_RAM_BASE, PAIR_RAM, PAIR_BASE, PAIR_CODE},
                          .entry = entry,
                          .entries = PAIR_CODE / ENTRY_STEP};
    FILE *out = fopen(path, "w");
    CHECK(out);
    CHECK_MSG(aot_write(out, &cfg, &e) == 0, "%s", e.text);
    CHECK(fclose(out) == 0);
}

/* As the build does it: firmware.mk. */
static struct aot *translate(const uint8_t *code)
{
    char folder[] = "/tmp/tessera-aot-XXXXXX", c[64], so[64], command[512];
    const char *cc = getenv("CC");
    struct err e = {0};
    CHECK(mkdtemp(folder));
    (void)snprintf(c, sizeof c, "%s/image.c", folder);
    (void)snprintf(so, sizeof so, "%s/image.so", folder);
    write_translation(c, code);
    (void)snprintf(command, sizeof command,
                   "%s -std=gnu11 -O1 -w -fPIC -shared -I. -Ihost %s -o %s", cc ? cc : "cc", c, so);
    CHECK(system(command) == 0);
    struct aot *a = aot_open(so, PAIR_BASE, code, PAIR_CODE, &e);
    CHECK_MSG(a, "%s", e.text);
    CHECK(unlink(c) == 0 && unlink(so) == 0 && rmdir(folder) == 0);
    return a;
}

/* The image of a seed, from many starts; returns how many instructions the fast core executed. */
static uint64_t run_translated(uint64_t seed)
{
    static struct pair p;
    uint64_t fast = 0;
    uint8_t code[PAIR_CODE];
    core_pair_fill(code, seed);
    struct core_code *decoded = core_code_open(PAIR_BASE, code, PAIR_CODE);
    struct aot *a = translate(code);
    struct fast_code *f = fast_code_open(decoded, a);
    for (uint64_t start = 0; start < TRANSLATED_STARTS; start++) {
        core_pair_open(&p, seed * 1000 + start, code, decoded);
        core_pair_run(&p, f, CYCLES);
        fast += p.fast_insns;
    }
    fast_code_close(f);
    aot_close(a);
    core_code_close(decoded);
    return fast;
}

TEST(core_fast_translated_is_the_plain_core)
{
    uint64_t fast = 0;
    for (uint64_t image = 0; image < TRANSLATED_IMAGES; image++)
        fast += run_translated(t->seed * 2000 + image);
    CHECK(fast > 1000000);
}

/* Images in which a block reaches over the first address of the next chunk, so that its registers
 * are those of instructions at addresses of another chunk (seeds 11, 12 and 16 of the test above).
 */
TEST(core_fast_translated_blocks_reach_over_chunks)
{
    static const uint64_t found[] = {22000, 24001, 32001};
    for (unsigned k = 0; k < sizeof found / sizeof *found; k++)
        CHECK(run_translated(found[k]) > 400000);
}
