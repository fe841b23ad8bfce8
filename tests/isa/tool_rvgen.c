/* SPDX-License-Identifier: Apache-2.0 */
/* tool_rvgen.c - writes random RV32IMFC programs for rvgen_runtime.S, to be run on two machines
 * whose results must agree. Program n of a seed is always the same, whatever else is written.
 * What a program may do is rvgen.h. It ends with a trap at the place the record calls `cut`. */
#include "base/err.h"
#include "base/rng.h"
#include "core/code.h"
#include "rvgen.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_WORDS = 64 };

/* What the runtime finds before the code. */
struct record {
    uint32_t bytes; /* to the next record */
    uint32_t cut;   /* a trap from this offset on ends the program */
    uint32_t fcsr, seed;
    uint32_t x[32], f[32];
    uint32_t table[TABLE_WORDS];
};
_Static_assert(sizeof(struct record) == 528, "R_CODE in rvgen_runtime.S");

/* ---- programs and files ---- */

struct program {
    struct record record;
    struct gen gen;
};

static void program_make(struct program *p, uint64_t seed, uint32_t number)
{
    struct gen *g = &p->gen;
    memset(p, 0, sizeof *p);
    g->rng.state = rng_mix(seed * 1000003 + number);
    p->record.fcsr = below(g, 5) << 5 | below(g, 32);
    p->record.seed = value_random(&g->rng) | 1;
    for (unsigned k = 0; k < 32; k++) {
        p->record.x[k] = value_integer(&g->rng);
        p->record.f[k] = value_float(&g->rng);
    }
    for (unsigned k = 0; k < TABLE_WORDS; k++)
        p->record.table[k] = chance(g, 50) ? value_float(&g->rng) : value_integer(&g->rng);
    gen_program(g);
}

/* Keep only the first `insns` instructions; fill the rest with c.ebreak, each of which ends the
 * program. */
static void program_cut(struct program *p, unsigned insns)
{
    struct gen *g = &p->gen;
    uint32_t at = g->start[insns < g->insns ? insns : g->insns];
    uint32_t end = g->bytes;
    for (g->bytes = at; g->bytes < end; g->bytes += 2)
        patch(g, g->bytes, 0x9002, 2);
    p->record.cut = (uint32_t)sizeof p->record + at;
    patch(g, g->bytes, 0x9002, 2);
    g->bytes += 2;
    if (g->bytes & 2) {
        patch(g, g->bytes, 0x9002, 2);
        g->bytes += 2;
    }
    p->record.bytes = (uint32_t)sizeof p->record + g->bytes;
}

static void program_list(const struct program *p)
{
    const struct gen *g = &p->gen;
    for (unsigned k = 0; k < g->insns; k++) {
        char text[64];
        uint32_t raw = 0, at = g->start[k];
        for (unsigned b = 0; b < 4; b++)
            raw |= (uint32_t)g->code[at + b] << 8 * b;
        struct core_insn i = core_decode(raw);
        core_disasm(text, sizeof text, &i, at);
        (void)printf("%4u  %4x: %0*x%*s %s\n", k + 1, at, 2 * i.bytes, i.raw, 8 - 2 * i.bytes, "",
                     text);
    }
}

struct options {
    const char *out;
    uint64_t seed;
    uint32_t first, count, cut;
    bool list;
};

static const char usage[] =
    "tool_rvgen --seed N --out FILE [--first K] [--count M] [--cut C] [--list]\n"
    "Writes random programs K..K+M-1 of seed N for rvgen_runtime.S. --cut keeps the first C "
    "instructions of\n"
    "each; --list prints them, numbered from 1.\n";

static int parse_options(struct options *o, int argc, char **argv)
{
    for (int k = 1; k < argc; k++) {
        const char *name = argv[k], *value = k + 1 < argc ? argv[k + 1] : NULL;
        if (!strcmp(name, "--list")) {
            o->list = true;
            continue;
        }
        if (!value)
            return -1;
        if (!strcmp(name, "--out"))
            o->out = value;
        else if (!strcmp(name, "--seed"))
            o->seed = strtoull(value, NULL, 0);
        else if (!strcmp(name, "--first"))
            o->first = (uint32_t)strtoul(value, NULL, 0);
        else if (!strcmp(name, "--count"))
            o->count = (uint32_t)strtoul(value, NULL, 0);
        else if (!strcmp(name, "--cut"))
            o->cut = (uint32_t)strtoul(value, NULL, 0);
        else
            return -1;
        k++;
    }
    return o->out ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct options o = {.count = 1, .cut = INSNS_MAX};
    if (parse_options(&o, argc, argv)) {
        (void)fputs(usage, stderr);
        return ERR_USAGE;
    }
    FILE *f = fopen(o.out, "wb");
    if (!f) {
        (void)fprintf(stderr, "tool_rvgen: %s cannot be written\n", o.out);
        return ERR_INPUT;
    }
    static struct program p; /* 25 KiB, and main runs once */
    for (uint32_t n = 0; n < o.count; n++) {
        program_make(&p, o.seed, o.first + n);
        if (o.list)
            program_list(&p);
        program_cut(&p, o.cut);
        (void)fwrite(&p.record, sizeof p.record, 1, f);
        (void)fwrite(p.gen.code, 1, p.gen.bytes, f);
    }
    return fclose(f) ? ERR_INPUT : 0;
}
