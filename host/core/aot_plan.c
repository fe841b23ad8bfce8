/* SPDX-License-Identifier: Apache-2.0 */
/* aot_plan.c - finds the code of an image: from its entries along all jumps, from there to the
 * addresses of code that the code builds or that lie in its constants. What is missed is not lost,
 * the threaded loop runs it. */
#include "core/aot_plan.h"

#include "base/xalloc.h"

#include <stdlib.h>

enum { DEVICE_BASE = 4, CHUNK_INSNS = 100 }; /* tp: the port keeps the registers' address there */

struct search {
    struct aot_plan *p;
    uint32_t *todo; /* [halves + 1]; each instruction is put there at most once */
    uint32_t count;
};

unsigned aot_label(const struct aot_plan *p, uint32_t at)
{
    const struct core_insn *i = &p->code->insn[at];
    bool memory = i->op >= CORE_OP_lb && i->op <= CORE_OP_sw;
    if (2 * at + i->bytes > p->cfg->bytes || (memory && i->rs1 == DEVICE_BASE))
        return FAST_SLOW;
    return fast_label(i);
}

/* Code is at `at`, for this reason; look at it if it is new. */
static void found(struct search *s, uint32_t at, unsigned marks)
{
    struct aot_plan *p = s->p;
    if (at >= p->halves)
        return;
    if (!(p->mark[at] & AOT_LEADER))
        s->todo[s->count++] = at;
    p->mark[at] |= (uint8_t)(marks | AOT_LEADER);
}

/* Loops are entered again at their heads. */
static unsigned backwards(uint32_t at, uint32_t target)
{
    return target <= at ? AOT_ENTRY : 0;
}

static void find_successors(struct search *s, uint32_t at, unsigned label)
{
    uint32_t target = aot_target(s->p, at), behind = aot_behind(s->p, at);
    if (aot_is_branch(label)) {
        found(s, target, backwards(at, target));
        found(s, behind, 0);
    } else if (label == FAST_J) {
        found(s, target, backwards(at, target));
    } else if (label == CORE_OP_jal) {
        found(s, target, AOT_ENTRY | AOT_FUNCTION);
        found(s, behind, AOT_ENTRY);
    } else if (label == CORE_OP_jalr || label == FAST_SLOW) {
        found(s, behind, AOT_ENTRY);
    }
}

/* lui or auipc, then addi: the address of a function? */
static void find_address(struct search *s, uint32_t before, uint32_t at)
{
    const struct aot_plan *p = s->p;
    const struct core_insn *high = &p->code->insn[before], *low = &p->code->insn[at];
    if ((high->op != CORE_OP_lui && high->op != CORE_OP_auipc) || low->op != CORE_OP_addi ||
        low->rs1 != high->rd)
        return;
    uint32_t pc = high->op == CORE_OP_auipc ? p->cfg->base + 2 * before : 0;
    uint32_t offset = pc + (uint32_t)high->imm + (uint32_t)low->imm - p->cfg->base;
    if (offset % 2 == 0 && offset < p->cfg->bytes)
        found(s, offset / 2, AOT_ENTRY | AOT_FUNCTION);
}

static void walk_block(struct search *s, uint32_t at)
{
    struct aot_plan *p = s->p;
    for (unsigned length = 1;; length++) {
        unsigned label = aot_label(p, at);
        uint32_t behind = aot_behind(p, at);
        p->mark[at] |= AOT_INSN;
        if (aot_ends(label)) {
            find_successors(s, at, label);
            return;
        }
        if (behind >= p->halves)
            return;
        find_address(s, at, behind);
        if (p->mark[behind] & AOT_INSN || length == FAST_BLOCK_INSNS)
            found(s, behind, 0);
        if (p->mark[behind] & AOT_LEADER)
            return;
        at = behind;
    }
}

static void walk_all(struct search *s)
{
    while (s->count)
        walk_block(s, s->todo[--s->count]);
}

/* Words outside the code that look like addresses in it. */
static void find_tables(struct search *s)
{
    struct aot_plan *p = s->p;
    for (uint32_t at = 0; at + 1 < p->halves; at += 2) {
        const uint8_t *b = p->cfg->code + 2 * (size_t)at;
        uint32_t w = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        uint32_t offset = w - p->cfg->base;
        if (offset % 2 == 0 && offset < p->cfg->bytes && !(p->mark[at] & AOT_INSN))
            found(s, offset / 2, AOT_ENTRY | AOT_FUNCTION);
        walk_all(s);
    }
}

/* Leaders in the order of addresses; a new chunk begins with a function when the last one has
 * become large. */
static void make_chunks(struct aot_plan *p)
{
    uint32_t insns = 0;
    p->chunks = 1;
    for (uint32_t at = 0; at < p->halves; at++) {
        if (p->mark[at] & AOT_FUNCTION && insns >= CHUNK_INSNS && p->chunks < UINT16_MAX) {
            p->chunks++;
            insns = 0;
        }
        p->chunk[at] = (uint16_t)(p->chunks - 1);
        insns += p->mark[at] & AOT_INSN;
    }
}

void aot_plan_open(struct aot_plan *p, const struct aot_cfg *cfg)
{
    uint32_t halves = cfg->bytes / 2;
    *p = (struct aot_plan){.cfg = cfg, .halves = halves};
    p->code = core_code_open(cfg->base, cfg->code, cfg->bytes);
    p->mark = xcalloc((size_t)halves + 1, sizeof *p->mark);
    p->chunk = xcalloc((size_t)halves + 1, sizeof *p->chunk);
    struct search s = {p, xcalloc((size_t)halves + 1, sizeof *s.todo), 0};
    for (uint32_t k = 0; k < cfg->entries; k++)
        found(&s, (cfg->entry[k] - cfg->base) / 2, AOT_ENTRY | AOT_FUNCTION);
    walk_all(&s);
    find_tables(&s);
    free(s.todo);
    make_chunks(p);
}

void aot_plan_close(struct aot_plan *p)
{
    core_code_close(p->code);
    free(p->mark);
    free(p->chunk);
}
