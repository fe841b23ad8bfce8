/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c - noting the steps of a tile's program. */
#include "place/trace.h"
#include "place/kernel_cost.h"

#include <assert.h>

static struct trace_step *append(struct trace *t, enum trace_kind kind)
{
    assert(t->count < TRACE_STEPS);
    t->step[t->count] = (struct trace_step){.kind = (uint8_t)kind};
    return &t->step[t->count++];
}

/* Work of its own goes on in one step until a mark. */
void trace_local(struct image *m, uint64_t compute, uint64_t dispatch)
{
    struct trace *t = m->trace;
    if (!t)
        return;
    struct trace_step *s = t->count > t->marked ? &t->step[t->count - 1] : NULL;
    if (!s || s->kind != TRACE_LOCAL)
        s = append(t, TRACE_LOCAL);
    s->compute += (uint32_t)compute;
    s->dispatch += (uint32_t)dispatch;
}

void trace_kernel(struct image *m, enum trace_kind kind, enum kernel kernel, const void *args)
{
    struct kernel_cost cost = kernel_cost(kernel, args, m->cached);
    if (!m->trace)
        return;
    if (kernel == KERNEL_token)
        m->trace->token = m->trace->count;
    struct trace_step *s = append(m->trace, kind);
    s->compute = cost.items;
    s->dispatch = cost.fixed;
}

void trace_token(struct image *m, uint64_t cycles)
{
    if (m->trace)
        m->trace->step[m->trace->token].compute = (uint32_t)cycles;
}

static bool same_line(const struct line *a, const struct line *b)
{
    return a->index == b->index && a->length == b->length && a->root == b->root &&
           a->low == b->low && a->chain[0] == b->chain[0];
}

void trace_line(struct image *m, enum trace_kind kind, const struct line *l, struct length n)
{
    struct trace *t = m->trace;
    uint32_t i = 0;
    if (!t || (l->length == 1 && kind >= TRACE_CAST))
        return;
    while (i < t->lines && !same_line(&t->line[i], l))
        i++;
    assert(i < TRACE_LINES);
    if (i == t->lines)
        t->line[t->lines++] = *l;
    struct trace_step *s = append(m->trace, kind);
    s->line = (uint8_t)i;
    s->words = n.plus + n.times * m->cached;
}

void trace_wire(struct image *m, enum trace_kind kind, enum trace_wire wire, uint32_t words)
{
    if (!m->trace)
        return;
    struct trace_step *s = append(m->trace, kind);
    s->line = (uint8_t)wire;
    s->words = words;
}

void trace_input(struct image *m, uint32_t words, uint64_t told)
{
    if (!m->trace)
        return;
    struct trace_step *s = append(m->trace, TRACE_INPUT);
    s->words = words;
    s->dispatch = (uint32_t)told;
}

static bool is_kernel(const struct trace_step *s)
{
    return s->kind == TRACE_KERNEL || s->kind == TRACE_BESIDE;
}

void trace_mark(struct image *m, uint8_t phase)
{
    struct trace *t = m->trace;
    uint32_t end = t ? t->count : 0;
    while (t && end > t->marked && is_kernel(&t->step[end - 1]))
        end--;
    for (; t && t->marked < end; t->marked++)
        t->step[t->marked].phase = phase;
}
