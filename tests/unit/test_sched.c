/* SPDX-License-Identifier: Apache-2.0 */
/* Boot and scheduler against strict scripts: every register access, in order, and nothing else. */
#include "firmware/boot.h"
#include "firmware/fault.h"
#include "firmware/sched.h"
#include "hal/fabric.h"
#include "hal/mmio.h"
#include "hal/native/native.h"
#include "hal/program.h"
#include "hal/sram.h"
#include "harness.h"

#include <string.h>

/* Script lines. */
#define POP(event)                                                                                 \
    {                                                                                              \
        NATIVE_READ, REG_EVENT_POP, event                                                          \
    }
#define EMPTY POP(0xffffffff)
#define TASK(number)                                                                               \
    {                                                                                              \
        NATIVE_WRITE, REG_TASK, number                                                             \
    }
#define START(desc)                                                                                \
    {                                                                                              \
        NATIVE_WRITE, REG_STREAM_START, desc                                                       \
    }
#define POST(event)                                                                                \
    {                                                                                              \
        NATIVE_WRITE, REG_EVENT_POST, event                                                        \
    }
#define SLEEP                                                                                      \
    {                                                                                              \
        NATIVE_SLEEP, 0, 0                                                                         \
    }

enum {
    TASKS = TILE_PROGRAM_OFFSET + 0x100,
    STARTS = TILE_PROGRAM_OFFSET + 0x400,
    ARGS = TILE_PROGRAM_OFFSET + 0x500,
    OUT = 0x3000
};

/* Expected outcome of one script. */
struct outcome {
    enum native_end end;
    uint32_t fault, info;
};

static void call_sched(void *arg)
{
    const uint32_t *count = arg;

    sched_run(hal_sram(TASKS), *count);
}

static void call_boot(void *arg)
{
    (void)arg;
    boot_main();
}

static void check_end(struct native_tile *n, enum native_end end, struct outcome want, int line)
{
    CHECK_MSG(end != NATIVE_WRONG, "script of line %d: %s", line, n->wrong);
    CHECK_MSG(end == want.end, "script of line %d ended with %d", line, end);
    CHECK_MSG(n->fault.code == want.fault && n->fault.info == want.info,
              "script of line %d: fault 0x%x info 0x%x", line, n->fault.code, n->fault.info);
    native_close(n);
}

/* Run `count` tasks against a script. All share one start list: start 0x3000, post to task 1, start
 * 0x3020; and kernel rsqrt writes 1.0 to OUT. */
static void check_sched(const struct program_task *task, uint32_t count,
                        const struct native_step *step, size_t steps, struct outcome want, int line)
{
    static const uint16_t starts[] = {0x3000, PROGRAM_POST(1), 0x3020};
    static const struct args_rsqrt args = {{0, 0, 0, 0}, OUT, 0};
    struct native_tile n;
    enum native_end end;

    native_open(&n, step, steps);
    memcpy(n.sram + TASKS, task, count * sizeof *task);
    memcpy(n.sram + STARTS, starts, sizeof starts);
    memcpy(n.sram + ARGS, &args, sizeof args);
    end = native_run(&n, call_sched, &count);
    check_end(&n, end, want, line);
}

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define ASLEEP ((struct outcome){NATIVE_ASLEEP, 0, 0})
#define FAULTS(name, info) ((struct outcome){NATIVE_FAULT, FAULT_##name, info})
#define SCHED(tasks, want, ...)                                                                    \
    do {                                                                                           \
        static const struct native_step script[] = {__VA_ARGS__};                                  \
        check_sched(tasks, LENGTH(tasks), script, LENGTH(script), want, __LINE__);                 \
    } while (0)

static const struct program_task three[] = {
    {.need = 1, .start_count = 1, .starts = STARTS},
    {.need = 2, .start_count = 3, .starts = STARTS},
    {.need = 0},
};

TEST(sched_sleeps_until_there_is_work)
{
    SCHED(three, ASLEEP, EMPTY, SLEEP, EMPTY, SLEEP, EMPTY, SLEEP);
}

TEST(sched_runs_a_task_when_its_last_event_is_there)
{
    SCHED(three, ASLEEP, POP(0), TASK(0), START(0x3000), EMPTY, SLEEP);
    SCHED(three, ASLEEP, POP(1), EMPTY, SLEEP, POP(1), TASK(1), START(0x3000), POST(1),
          START(0x3020), EMPTY, SLEEP);
}

TEST(sched_counts_again_after_a_run)
{
    SCHED(three, ASLEEP, POP(1), POP(1), TASK(1), START(0x3000), POST(1), START(0x3020), POP(1),
          EMPTY, SLEEP, POP(1), TASK(1), START(0x3000), POST(1), START(0x3020), EMPTY, SLEEP);
}

/* 64 tasks with kernels; each starts nothing. */
static void all_kernels(struct program_task *task)
{
    for (int i = 0; i < 64; i++)
        task[i] = (struct program_task){.need = 1, .kernel = KERNEL_rsqrt, .args = ARGS};
}

TEST(sched_takes_kernels_lowest_number_first)
{
    struct program_task task[64];

    all_kernels(task);
    SCHED(task, ASLEEP, POP(63), POP(5), POP(32), POP(31), POP(0), EMPTY, TASK(0), EMPTY, TASK(5),
          EMPTY, TASK(31), EMPTY, TASK(32), EMPTY, TASK(63), EMPTY, SLEEP);
    for (uint32_t number = 0; number < 64; number++) {
        struct native_step step[] = {POP(number), EMPTY, TASK(number), EMPTY, SLEEP};
        check_sched(task, 64, step, LENGTH(step), ASLEEP, __LINE__);
    }
}

TEST(sched_asks_the_queue_again_between_kernels)
{
    struct program_task task[64];

    all_kernels(task);
    SCHED(task, ASLEEP, POP(40), POP(41), EMPTY, TASK(40), POP(3), EMPTY, TASK(3), EMPTY, TASK(41),
          EMPTY, SLEEP);
}

TEST(sched_starts_descriptors_before_kernels)
{
    struct program_task task[64];

    all_kernels(task);
    task[9] = (struct program_task){.need = 1, .start_count = 1, .starts = STARTS};
    SCHED(task, ASLEEP, POP(2), POP(9), TASK(9), START(0x3000), EMPTY, TASK(2), EMPTY, SLEEP);
}

TEST(sched_runs_the_kernel_then_the_start_list)
{
    static const struct program_task task[] = {
        {.need = 1, .kernel = KERNEL_rsqrt, .start_count = 1, .args = ARGS, .starts = STARTS}};
    static const struct native_step step[] = {POP(0), EMPTY, TASK(0), START(0x3000), SLEEP};
    static const struct args_rsqrt args = {{0, 0, 0, 0}, OUT, 0};
    static const uint16_t start = 0x3000;
    struct native_tile n;
    uint32_t count = 1;
    float out;

    native_open(&n, step, LENGTH(step));
    memcpy(n.sram + TASKS, task, sizeof task);
    memcpy(n.sram + ARGS, &args, sizeof args);
    memcpy(n.sram + STARTS, &start, sizeof start);
    CHECK_EQ(native_run(&n, call_sched, &count), NATIVE_ASLEEP);
    memcpy(&out, n.sram + OUT, sizeof out);
    CHECK(out == 1.0f);
    CHECK_EQ(n.sram[TASKS + 1], 0); /* have */
    native_close(&n);
}

TEST(sched_counts_for_the_next_run_while_a_kernel_waits)
{
    static const struct program_task task[] = {{.need = 2, .kernel = KERNEL_rsqrt, .args = ARGS}};

    SCHED(task, ASLEEP, POP(0), POP(0), POP(0), EMPTY, TASK(0), EMPTY, SLEEP, POP(0), EMPTY,
          TASK(0), EMPTY, SLEEP);
    SCHED(task, FAULTS(JOIN, 0), POP(0), POP(0), POP(0), POP(0));
}

TEST(sched_faults_on_what_cannot_be)
{
    static const struct program_task no_kernel[] = {{.need = 1, .kernel = KERNEL_COUNT}};

    SCHED(three, FAULTS(EVENT, 3), POP(3));
    SCHED(three, FAULTS(EVENT, 64), POP(64));
    SCHED(three, FAULTS(JOIN, 2), POP(2));
    SCHED(no_kernel, FAULTS(KERNEL, KERNEL_COUNT), POP(0), EMPTY, TASK(0));
}

TEST(sched_checks_the_stack_before_it_sleeps)
{
    static const struct native_step step[] = {EMPTY};
    struct native_tile n;
    uint32_t count = 0;

    native_open(&n, step, LENGTH(step));
    n.sram[TILE_STACK_OFFSET] ^= 1;
    CHECK_EQ(native_run(&n, call_sched, &count), NATIVE_FAULT);
    CHECK_EQ(n.fault.code, FAULT_STACK);
    CHECK_EQ(n.fault.file, FAULT_FILE_SCHED_C);
    CHECK_EQ(n.fault.stack_free, 0);
    CHECK(n.fault.line > 1);
    native_close(&n);
}

TEST(sched_fault_record_tells_the_stack_left)
{
    static const struct native_step step[] = {POP(9)};
    struct native_tile n;
    uint32_t count = 0;

    native_open(&n, step, LENGTH(step));
    n.sram[TILE_STACK_OFFSET + 401] ^= 1;
    CHECK_EQ(native_run(&n, call_sched, &count), NATIVE_FAULT);
    CHECK_EQ(n.fault.stack_free, 400);
    native_close(&n);
}

/* ---- boot ---- */

enum { ROUTES = TILE_PROGRAM_OFFSET + 0x40, BOOT_STARTS = TILE_PROGRAM_OFFSET + 0x80 };

static const struct program_header good = {.magic = PROGRAM_MAGIC,
                                           .version = PROGRAM_VERSION,
                                           .bytes = 0x800,
                                           .routes = ROUTES,
                                           .route_count = 2,
                                           .tasks = TASKS,
                                           .task_count = 1,
                                           .starts = BOOT_STARTS,
                                           .start_count = 2};

static void check_boot(struct program_header header, const struct native_step *step, size_t steps,
                       struct outcome want, int line)
{
    static const struct program_route route[] = {
        {3, ROUTE_MODE_POSITIONS(2) | ROUTE_MODE_RING, 7, 0, {0x1001, 0x0210, 9, 9}},
        {23, ROUTE_MODE_POSITIONS(1), 0xff, 0, {0x0102, 9, 9, 9}}};
    static const struct program_task task = {.need = 1};
    static const uint16_t starts[] = {0x3000, PROGRAM_POST(0)};
    struct native_tile n;
    enum native_end end;

    native_open(&n, step, steps);
    memcpy(n.sram + TILE_PROGRAM_OFFSET, &header, sizeof header);
    memcpy(n.sram + ROUTES, route, sizeof route);
    memcpy(n.sram + TASKS, &task, sizeof task);
    memcpy(n.sram + BOOT_STARTS, starts, sizeof starts);
    end = native_run(&n, call_boot, NULL);
    check_end(&n, end, want, line);
}

#define ROUTE(colour, position, word)                                                              \
    {                                                                                              \
        NATIVE_WRITE, REG_ROUTE + 16 * (colour) + 4 * (position), word                             \
    }
#define MODE(colour, mode)                                                                         \
    {                                                                                              \
        NATIVE_WRITE, REG_ROUTE_MODE + 4 * (colour), mode                                          \
    }
#define BIND(queue, colour)                                                                        \
    {                                                                                              \
        NATIVE_WRITE, REG_QUEUE_COLOUR + 4 * (queue), colour                                       \
    }

TEST(boot_sets_routes_and_queues_then_starts)
{
    static const struct native_step step[] = {BIND(0, 0xff),
                                              BIND(1, 0xff),
                                              ROUTE(3, 0, 0x1001),
                                              ROUTE(3, 1, 0x0210),
                                              MODE(3, 10),
                                              BIND(7, 3),
                                              ROUTE(23, 0, 0x0102),
                                              MODE(23, 1),
                                              START(0x3000),
                                              POST(0),
                                              POP(0),
                                              TASK(0),
                                              EMPTY,
                                              SLEEP};

    check_boot(good, step, LENGTH(step), ASLEEP, __LINE__);
}

TEST(boot_without_a_program_sleeps_for_ever)
{
    static const struct native_step step[] = {SLEEP, SLEEP, SLEEP};
    struct program_header none = {0};

    check_boot(none, step, LENGTH(step), ASLEEP, __LINE__);
}

static struct program_header changed(size_t offset, uint32_t value, size_t bytes)
{
    struct program_header h = good;

    memcpy((uint8_t *)&h + offset, &value, bytes);
    return h;
}

TEST(boot_refuses_what_is_no_program)
{
#define REFUSED(field, value)                                                                      \
    check_boot(changed(offsetof(struct program_header, field), value, sizeof good.field), NULL, 0, \
               FAULTS(PROGRAM, value), __LINE__)
    REFUSED(magic, 0x12345678);
    REFUSED(version, 2);
    REFUSED(bytes, TILE_PROGRAM_BYTES + 1);
    REFUSED(task_count, 65);
    REFUSED(routes, ROUTES + 2);
    REFUSED(routes, TILE_PROGRAM_OFFSET - 4);
    REFUSED(tasks, TILE_PROGRAM_OFFSET + 0x800 - 4);
    REFUSED(starts, 0xfffc);
}

TEST(boot_refuses_a_route_of_no_colour_and_a_queue_that_is_none)
{
    static const struct native_step unbind[] = {BIND(0, 0xff), BIND(1, 0xff), MODE(4, 0)};
    static const struct program_route bad[] = {{24, 0, 0xff, 0, {0}}, {4, 0, 8, 0, {0}}};

    for (int i = 0; i < 2; i++) {
        struct native_tile n;
        native_open(&n, unbind, i == 0 ? 2 : 3);
        memcpy(n.sram + TILE_PROGRAM_OFFSET, &good, sizeof good);
        memcpy(n.sram + ROUTES, bad + i, sizeof bad[i]);
        CHECK_EQ(native_run(&n, call_boot, NULL), NATIVE_FAULT);
        CHECK_EQ(n.fault.code, FAULT_PROGRAM);
        CHECK_EQ(n.fault.info, i == 0 ? 24 : 8);
        native_close(&n);
    }
}

TEST(native_tile_is_strict)
{
    static const struct native_step step[] = {POP(0), TASK(1)};
    struct native_tile n;
    uint32_t count = 3;

    native_open(&n, step, LENGTH(step));
    memcpy(n.sram + TASKS, three, sizeof three);
    CHECK_EQ(native_run(&n, call_sched, &count), NATIVE_WRONG);
    CHECK_STR(n.wrong, "a write to 0x028 value 0x0; step 1 is a write to 0x028 value 0x1");
    native_close(&n);
}
