/* SPDX-License-Identifier: Apache-2.0 */
/* sched.c - the dataflow scheduler. Every cycle between an event and the doorbell it causes is paid
 * hundreds of times for each token, so the path of a task that only starts descriptors is kept
 * short (tests/unit/test_dispatch.c counts it), and the branches stand in the order in which the
 * path falls through them. */
#include "firmware/sched.h"

#include "firmware/fault.h"
#include "firmware/kernels/kernels.h"
#include "hal/event.h"
#include "hal/mmio.h"
#include "hal/sram.h"
#include "hal/stream.h"
#include "hal/tile_map.h"

enum { THIS_FILE = FAULT_FILE_SCHED_C };

static inline __attribute__((always_inline)) void start_list(const uint16_t *entry, uint32_t count)
{
    for (; count; count--, entry++)
        if (*entry & 1)
            hal_post_event(*entry >> 1);
        else
            hal_start_stream(*entry);
}

void sched_start(uint32_t starts, uint32_t count)
{
    start_list(hal_sram(starts), count);
}

/* Tasks with kernels that have all their events: the only one, which takes 16 cycles less than out
 * of a set, or else bit n & 31 of word n / 32. */
struct ready {
    struct program_task *only;
    uint32_t low, high;
};

static inline uint32_t with_bit(uint32_t word, uint32_t number)
{
    uint32_t bit = 1u << (number & 31);

    TILE_CHECK(!(word & bit), JOIN, number);
    return word | bit;
}

static inline void mark_bit(struct ready *r, uint32_t number)
{
    if (number < 32)
        r->low = with_bit(r->low, number);
    else
        r->high = with_bit(r->high, number);
}

static inline void mark_ready(struct ready *r, struct program_task *task, uint32_t number)
{
    if (r->only) {
        mark_bit(r, (uint32_t)(r->only - task));
        r->only = 0;
    } else if (!(r->low | r->high)) {
        r->only = task + number;
        return;
    }
    mark_bit(r, number);
}

/* Place of the lowest bit of a word that is not 0. The isolated bit times a de Bruijn sequence has
 * a different top five bits for each place; the core has no instruction for it. */
static uint32_t lowest_bit(uint32_t word)
{
    static const uint8_t place[32] = {0,  1,  28, 2,  29, 14, 24, 3, 30, 22, 20, 15, 25, 17, 4,  8,
                                      31, 27, 13, 23, 21, 19, 16, 7, 26, 12, 18, 6,  11, 5,  10, 9};

    return place[(word & (0u - word)) * 0x077cb531u >> 27];
}

static inline uint32_t take_ready(struct ready *r)
{
    uint32_t number;

    if (r->low) {
        number = lowest_bit(r->low);
        r->low &= r->low - 1;
    } else {
        number = 32 + lowest_bit(r->high);
        r->high &= r->high - 1;
    }
    return number;
}

static void run_kernel(const struct program_task *t, uint32_t number)
{
    mmio_write(REG_TASK, number);
    TILE_CHECK(t->kernel < KERNEL_COUNT, KERNEL, t->kernel);
    kernel_table[t->kernel](t->args);
    start_list(hal_sram(t->starts), t->start_count);
}

static void check_stack(void)
{
    const uint32_t *guard = hal_sram(TILE_STACK_OFFSET);

    TILE_CHECK(*guard == TILE_STACK_PAINT, STACK, *guard);
}

/* Run what is ready until there is an event for a task; sleep when nothing is. */
static inline __attribute__((always_inline)) uint32_t
next_event(struct program_task *task, uint32_t task_count, struct ready *ready)
{
    uint32_t event;

    while ((event = hal_try_event()) >= task_count) {
        TILE_CHECK(event == EVENT_QUEUE_EMPTY, EVENT, event);
        if (ready->only || ready->low | ready->high) {
            struct program_task *t = ready->only ? ready->only : task + take_ready(ready);
            ready->only = 0;
            run_kernel(t, (uint32_t)(t - task));
        } else {
            check_stack();
            hal_wait_event();
        }
    }
    return event;
}

void sched_run(struct program_task *task, uint32_t task_count)
{
    struct ready ready = {0, 0, 0};

    for (;;) {
        uint32_t event = next_event(task, task_count, &ready);
        struct program_task *t = task + event;
        uint32_t have = t->have + 1u;
        if (have == t->need) {
            t->have = 0;
            if (!t->kernel) {
                mmio_write(REG_TASK, event);
                start_list(hal_sram(t->starts), t->start_count);
            } else {
                mark_ready(&ready, task, event);
            }
        } else {
            TILE_CHECK(have < t->need, JOIN, event);
            t->have = (uint8_t)have;
        }
    }
}
