/* SPDX-License-Identifier: Apache-2.0 */
/* sched.c - the dataflow scheduler. Every cycle between an event and the doorbell it causes is paid
 * hundreds of times for each token, so what can be done before the event is: a core that has
 * nothing to do reads up the task that comes next in number, which in a sequence of steps is the
 * next to fire (tests/unit/test_dispatch.c counts the cycles). */
#include "firmware/sched.h"

#include "firmware/fault.h"
#include "firmware/kernels/kernels.h"
#include "hal/event.h"
#include "hal/mmio.h"
#include "hal/sram.h"
#include "hal/stream.h"
#include "hal/tile_map.h"

enum { THIS_FILE = FAULT_FILE_SCHED_C };

static inline void start(uint32_t entry)
{
    if (entry & 1)
        hal_post_event(entry >> 1);
    else
        hal_start_stream(entry);
}

static inline __attribute__((always_inline)) void start_list(const uint16_t *entry, uint32_t count)
{
    for (; count; count--, entry++)
        start(*entry);
}

void sched_start(uint32_t starts, uint32_t count)
{
    start_list(hal_sram(starts), count);
}

/* Tasks with kernels that have all their events: bit n & 31 of word n / 32. */
struct ready {
    uint32_t low, high;
};

static inline uint32_t with_bit(uint32_t word, uint32_t number)
{
    uint32_t bit = 1u << (number & 31);

    TILE_CHECK(!(word & bit), JOIN, number);
    return word | bit;
}

static inline void mark_ready(struct ready *r, uint32_t number)
{
    if (number < 32)
        r->low = with_bit(r->low, number);
    else
        r->high = with_bit(r->high, number);
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

/* Run what is ready until there is an event for a task, or until nothing is. */
static inline uint32_t next_event(const struct program_task *task, uint32_t task_count,
                                  struct ready *ready)
{
    uint32_t event;

    while ((event = hal_try_event()) >= task_count) {
        TILE_CHECK(event == EVENT_QUEUE_EMPTY, EVENT, event);
        if (!(ready->low | ready->high))
            break;
        uint32_t number = take_ready(ready);
        run_kernel(task + number, number);
    }
    return event;
}

static inline __attribute__((always_inline)) void count_event(struct program_task *task,
                                                              uint32_t event, struct ready *ready)
{
    struct program_task *t = task + event;
    uint32_t have = t->have + 1u;

    if (have != t->need) {
        TILE_CHECK(have < t->need, JOIN, event);
        t->have = (uint8_t)have;
        return;
    }
    t->have = 0;
    if (t->kernel) {
        mark_ready(ready, event);
        return;
    }
    mmio_write(REG_TASK, event);
    start_list(hal_sram(t->starts), t->start_count);
}

/* Count an event, the one behind it if there is one, and all that follow, and run what they make
 * ready, until the core has nothing to do. Returns the last event. */
static inline __attribute__((always_inline)) uint32_t
run_from(struct program_task *task, uint32_t task_count, uint32_t event, uint32_t second)
{
    struct ready ready = {0, 0};

    for (;;) {
        TILE_CHECK(event < task_count, EVENT, event);
        count_event(task, event, &ready);
        uint32_t next = second == EVENT_QUEUE_EMPTY ? next_event(task, task_count, &ready) : second;
        if (next == EVENT_QUEUE_EMPTY)
            return event;
        event = next;
        second = EVENT_QUEUE_EMPTY;
    }
}

/* The next task to fire, read up. */
struct expected {
    uint32_t event; /* EVENT_QUEUE_EMPTY: not a task with a kernel, one event and one start */
    void (*kernel)(uint32_t args);
    uint32_t args, start;
};

static inline struct expected expect(const struct program_task *task, uint32_t task_count,
                                     uint32_t number)
{
    struct expected next = {.event = EVENT_QUEUE_EMPTY};
    const struct program_task *t = task + (number < task_count ? number : 0);

    if (!task_count || t->need != 1 || !t->kernel || t->start_count != 1)
        return next;
    TILE_CHECK(t->kernel < KERNEL_COUNT, KERNEL, t->kernel);
    next.event = (uint32_t)(t - task);
    next.kernel = kernel_table[t->kernel];
    next.args = t->args;
    next.start = *(const uint16_t *)hal_sram(t->starts);
    return next;
}

/* What was expected has come, and nothing else. The counter of a task that needs one event stays as
 * it is. */
static inline void run_expected(const struct expected *next)
{
    mmio_write(REG_TASK, next->event);
    next->kernel(next->args);
    start(next->start);
}

void sched_run(struct program_task *task, uint32_t task_count)
{
    uint32_t event = hal_try_event(), number = 0;

    for (;;) {
        struct expected next = expect(task, task_count, number);
        uint32_t second = EVENT_QUEUE_EMPTY;
        while (event == EVENT_QUEUE_EMPTY) {
            check_stack();
            hal_wait_event();
            event = hal_try_event();
        }
        if (event == next.event && (second = hal_try_event()) == EVENT_QUEUE_EMPTY)
            run_expected(&next);
        else
            event = run_from(task, task_count, event, second);
        number = event + 1;
        event = EVENT_QUEUE_EMPTY; /* what has come since then ends the sleep at once */
    }
}
