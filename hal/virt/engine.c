/* SPDX-License-Identifier: Apache-2.0 */
/* engine.c - the stream engine in software: what hal/stream.h says, a word or an operation a beat.
 */
#include "hal/virt/engine.h"

#include "hal/numerics.h"
#include "hal/virt/link.h"

enum { TAKES = 1, GIVES = 2 }; /* bits of stream_fabric_use */

void virt_engine_start(struct virt_tile *t, uint32_t desc_offset)
{
    if (desc_offset % 4 || desc_offset > TILE_SRAM_BYTES - sizeof(struct stream_desc))
        virt_tile_fault(t, VIRT_FAULT_STREAM, __LINE__, desc_offset);
    struct stream_desc d;
    __builtin_memcpy(&d, t->sram + desc_offset, sizeof d);
    enum stream_error wrong = stream_check(&d);
    if (wrong != STREAM_OK && !(wrong == STREAM_BAD_DEST && !t->code_locked))
        virt_tile_fault(t, VIRT_FAULT_STREAM, __LINE__, desc_offset);
    struct virt_thread *thread = &t->thread[d.thread % TILE_THREADS];
    if (thread->busy)
        virt_tile_fault(t, VIRT_FAULT_THREAD_BUSY, __LINE__, desc_offset);
    *thread = (struct virt_thread){.busy = true, .at = (uint16_t)desc_offset, .d = d};
}

static bool queue_bound(const struct virt_tile *t, uint16_t colour)
{
    for (uint32_t q = 0; q < TILE_QUEUES; q++)
        if (t->queue_colour[q] == colour)
            return true;
    return false;
}

static bool thread_ready(const struct virt_tile *t, const struct virt_thread *thread)
{
    const struct stream_desc *d = &thread->d;
    if (!thread->busy)
        return false;
    if (d->count == 0)
        return true;
    unsigned use = stream_fabric_use(d->op);
    if (use & TAKES && !(queue_bound(t, d->src1) && virt_link_waiting((uint8_t)d->src1)))
        return false;
    return !(use & GIVES) || virt_link_room((uint8_t)d->dst);
}

static void thread_finish(struct virt_tile *t, struct virt_thread *thread)
{
    thread->busy = false;
    if (thread->d.event != TILE_EVENT_NONE)
        virt_tile_post(t, thread->d.event);
    if (thread->d.next)
        virt_engine_start(t, thread->d.next);
}

static void fabric_word(struct virt_tile *t, struct virt_thread *thread, unsigned use)
{
    const struct stream_desc *d = &thread->d;
    uint32_t a = 0, b = 0, at = 4 * thread->done;
    bool control = false;
    if (use & TAKES)
        virt_link_try_receive((uint8_t)d->src1, &b, &control);
    if (d->op != STREAM_RECV && d->op != STREAM_FORWARD)
        __builtin_memcpy(&a, t->sram + d->src0 + at, sizeof a);
    uint32_t result = numerics_word(d->op, b, a);
    thread->done++;
    if (use & GIVES)
        virt_link_send((uint8_t)d->dst, result,
                       d->flags & STREAM_CONTROL && thread->done == d->count);
    else
        __builtin_memcpy(t->sram + d->dst + at, &result, sizeof result);
}

static void thread_beat(struct virt_tile *t, struct virt_thread *thread)
{
    unsigned use = stream_fabric_use(thread->d.op);
    if (thread->d.count != 0) {
        if (use) {
            fabric_word(t, thread, use);
            if (thread->done < thread->d.count)
                return;
        } else {
            numerics_execute(&thread->d, t->sram);
        }
    }
    thread_finish(t, thread);
}

bool virt_engine_beat(struct virt_tile *t)
{
    struct virt_thread *best = 0;
    for (uint32_t k = 0; k < TILE_THREADS; k++) {
        struct virt_thread *thread = &t->thread[(t->turn + k) % TILE_THREADS];
        if (thread_ready(t, thread) && (!best || thread->d.thread >> 4 > best->d.thread >> 4))
            best = thread;
    }
    if (!best)
        return false;
    t->turn = (uint32_t)(best - t->thread) + 1;
    thread_beat(t, best);
    return true;
}
