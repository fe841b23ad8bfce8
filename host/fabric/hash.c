/* SPDX-License-Identifier: Apache-2.0 */
/* hash.c - one number for the complete state of a wafer.
 *
 * Field by field, so that neither padding nor host addresses count. Times enter relative to now,
 * and counters of time not at all: two quiet wafers that got there at different cycles are equal.
 */
#include "fabric/fast.h"

#include "base/rng.h"

#include <string.h>

enum { HASH_PAGE = 256 };
_Static_assert(TILE_CODE_BYTES % HASH_PAGE == 0 && TILE_SRAM_BYTES % HASH_PAGE == 0, "whole pages");

struct hash {
    uint64_t sum;
};

static void add(struct hash *h, uint64_t value)
{
    h->sum = rng_mix(h->sum ^ value) + UINT64_C(0x9e3779b97f4a7c15);
}

static void add_words(struct hash *h, const uint32_t *word, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add(h, word[i]);
}

/* Cycles from now, 0 for the past, NEVER for never. */
static void add_time(struct hash *h, const struct wafer *w, uint64_t cycle)
{
    add(h, cycle == NEVER ? NEVER : cycle > w->cycle ? cycle - w->cycle : 0);
}

static void add_memory(struct hash *h, const uint8_t *bytes, uint32_t n)
{
    static const uint8_t zero[HASH_PAGE];
    for (uint32_t at = 0; at < n; at += HASH_PAGE) {
        if (memcmp(bytes + at, zero, HASH_PAGE) == 0)
            continue;
        add(h, at);
        for (uint32_t i = 0; i < HASH_PAGE; i += 8) {
            uint64_t word;
            memcpy(&word, bytes + at + i, sizeof word);
            add(h, word);
        }
    }
}

static void add_core(struct hash *h, const struct wafer *w, const struct tile *t)
{
    const struct core *c = &t->core;
    const uint32_t csr[] = {c->pc,   c->fcsr,   c->mstatus, c->mie,        c->mtvec, c->mscratch,
                            c->mepc, c->mcause, c->mtval,   c->trap.count, c->mip,   c->waiting};
    add_words(h, c->x, 32);
    add_words(h, c->f, 32);
    add_words(h, csr, sizeof csr / sizeof csr[0]);
    add_time(h, w, t->due);
}

static void add_engine(struct hash *h, const struct wafer *w, const struct tile *t)
{
    const struct engine *g = &t->engine;
    add(h, g->busy);
    add(h, g->turn);
    add_time(h, w, g->ramp_used ? g->ramp_used : 0);
    for (unsigned k = 0; k < TILE_THREADS; k++) {
        const struct thread *th = &g->thread[k];
        uint64_t desc[sizeof th->d / 8];
        if (!(g->busy >> k & 1))
            continue;
        memcpy(desc, &th->d, sizeof desc);
        for (unsigned i = 0; i < sizeof desc / sizeof desc[0]; i++)
            add(h, desc[i]);
        add_time(h, w, th->ready_at);
        add(h, engine_left(w, g, k));
        add(h, th->done);
        add(h, th->offset);
        add(h, th->begun);
    }
}

static void add_queues(struct hash *h, const struct wafer *w, const struct tile *t)
{
    for (unsigned q = 0; q < TILE_QUEUES; q++) {
        const struct input_queue *in = &t->queue[q];
        add(h, in->colour);
        add(h, in->count);
        for (unsigned i = 0; i < in->count; i++)
            add(h, in->data[(in->head + i) % w->queue_room]);
    }
    add(h, t->events.count);
    for (unsigned i = 0; i < t->events.count; i++)
        add(h, t->events.event[(t->events.head + i) % TILE_EVENTS]);
}

static void add_tile(struct hash *h, const struct wafer *w, const struct tile *t)
{
    uint8_t code[TILE_CODE_BYTES];
    const uint32_t regs[] = {t->task,        t->fault_file, t->fault_line,
                             t->fault_pc,    t->fault_info, t->fault_stack_free,
                             t->timer_event, t->halted,     t->code};
    add_words(h, regs, sizeof regs / sizeof regs[0]);
    add_time(h, w, t->timer_at);
    add_core(h, w, t);
    add_engine(h, w, t);
    add_queues(h, w, t);
    tile_copy_code(w, t, code);
    add_memory(h, code, TILE_CODE_BYTES);
    add_memory(h, t->sram + TILE_CODE_BYTES, TILE_SRAM_BYTES - TILE_CODE_BYTES);
}

static void add_channel(struct hash *h, const struct wafer *w, const struct channel *c)
{
    for (unsigned p = 0; c && p < FABRIC_PORTS; p++) {
        for (unsigned i = 0; i < c->count[p]; i++) {
            const struct slot *s = &c->slot[p * w->ring + (c->head[p] + i) % w->ring];
            add(h, (uint64_t)s->control << 32 | s->data);
        }
    }
}

static void add_router(struct hash *h, const struct wafer *w, const struct router *r)
{
    add(h, r->turn);
    add_words(h, r->waiting, FABRIC_PORTS);
    for (unsigned c = 0; c < TILE_COLOURS; c++) {
        for (unsigned p = 0; p < TILE_SWITCH_POSITIONS; p++)
            add(h, r->route[c][p]);
        add(h, r->mode[c]);
        add(h, r->position[c]);
        for (unsigned p = 0; p < FABRIC_PORTS; p++)
            add(h, r->held[p][c]);
        add_channel(h, w, r->channel[c]);
    }
}

/* Wavelets on their way: a sum, because their order inside a cycle means nothing. */
static uint64_t hash_wheel(const struct wafer *w)
{
    uint64_t sum = 0;
    for (uint32_t ahead = 0; ahead <= w->wheel.mask; ahead++) {
        const struct bucket *b = wheel_bucket(&w->wheel, w->cycle + ahead);
        for (uint32_t i = 0; i < b->count; i++) {
            const struct parcel *p = &b->parcel[i];
            struct hash h = {ahead};
            add(&h, p->tile);
            add(&h, p->data);
            add(&h, (uint64_t)p->place << 16 | (uint64_t)p->colour << 8 | p->control);
            sum += h.sum;
        }
    }
    return sum;
}

uint64_t wafer_hash(const struct wafer *w)
{
    struct hash h = {0};
    if (w->fast) {
        struct wafer *view = fast_view(w);
        uint64_t sum = wafer_hash(view);
        fast_view_close(view);
        return sum;
    }
    add(&h, w->width);
    add(&h, w->height);
    for (uint32_t i = 0; i < w->tiles; i++) {
        add_router(&h, w, &w->router[i]);
        add_tile(&h, w, &w->tile[i]);
    }
    add(&h, hash_wheel(w));
    return h.sum;
}
