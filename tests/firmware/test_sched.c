/* SPDX-License-Identifier: Apache-2.0 */
/* test_sched.c - the scheduler, the boot and the boot ROM's loader. They never return: each test
 * ends when the tile waits for an event that cannot come, or faults. */
#include "tests/firmware/bench.h"

#include "firmware/boot.h"
#include "firmware/fault.h"
#include "firmware/sched.h"
#include "hal/event.h"
#include "hal/fabric.h"
#include "hal/mmio.h"
#include "hal/sram.h"
#include "hal/virt/port.h"

_Noreturn void loader_main(void);
_Noreturn void firmware_entry(void);

enum { TASKS = ROOM, LISTS = ROOM + 0x100, DESCS = ROOM + 0x200, DATA = ROOM + 0x400 };
enum { TASK_COUNT = 8 };

static struct program_task *task(uint32_t number)
{
    return (struct program_task *)hal_sram(TASKS) + number;
}

static void set_list(uint32_t at, uint16_t first, uint16_t second)
{
    uint16_t *list = hal_sram(at);
    list[0] = first;
    list[1] = second;
}

/* A descriptor that sends its own number on colour 5: a trace of who ran when. */
static uint16_t tracer(uint32_t number)
{
    uint32_t at = DESCS + 0x20 * number;
    struct stream_desc d = {.op = STREAM_SEND,
                            .thread = (uint8_t)number,
                            .event = TILE_EVENT_NONE,
                            .count = 1,
                            .src0 = (uint16_t)(DATA + 4 * number),
                            .dst = 5};
    sram_set(DATA + 4 * number, number);
    sram_desc(at, &d);
    return (uint16_t)at;
}

static void set_task(uint32_t number, uint8_t need, uint8_t kernel)
{
    uint32_t list = LISTS + 4 * number;
    set_list(list, tracer(number), 0);
    *task(number) = (struct program_task){
        .need = need, .kernel = kernel, .start_count = 1, .starts = (uint16_t)list};
}

static void run(void)
{
    sched_run(hal_sram(TASKS), TASK_COUNT);
}

static void check_trace(uint32_t first, uint32_t second)
{
    CHECK_EQ(bench_sent_count(5), 2);
    CHECK_EQ(bench_sent(5, 0), first);
    CHECK_EQ(bench_sent(5, 0), second);
}

static void task_waits_for_all_its_events(void)
{
    set_task(2, 3, KERNEL_none);
    hal_post_event(2);
    hal_post_event(2);
    CHECK_EQ(bench_call(run), BENCH_QUIET);
    CHECK_EQ(bench_sent_count(5), 0);
    CHECK_EQ(task(2)->have, 2);
    hal_post_event(2);
    CHECK_EQ(bench_call(run), BENCH_QUIET);
    CHECK_EQ(bench_sent_count(5), 1);
    CHECK_EQ(task(2)->have, 0);
    CHECK_EQ(mmio_read(REG_TASK), 2);
}

static void tasks_post_to_tasks(void)
{
    set_task(1, 1, KERNEL_none);
    set_task(3, 1, KERNEL_none);
    set_list(LISTS + 4, tracer(1), PROGRAM_POST(3));
    task(1)->start_count = 2;
    hal_post_event(1);
    CHECK_EQ(bench_call(run), BENCH_QUIET);
    check_trace(1, 3);
}

/* Both are full when the queue runs empty: the lower number runs first, whatever came first. */
static void lowest_number_goes_first(void)
{
    struct args_rsqrt *args = hal_sram(DATA + 0x100);
    *args = (struct args_rsqrt){.out = DATA + 0x180};
    for (uint32_t i = 4; i < 8; i += 3) {
        set_task(i, 1, KERNEL_rsqrt);
        task(i)->args = DATA + 0x100;
    }
    hal_post_event(7);
    hal_post_event(4);
    CHECK_EQ(bench_call(run), BENCH_QUIET);
    check_trace(4, 7);
    CHECK_EQ(sram_get(DATA + 0x180), 0x3f800000); /* the kernel ran: no norm, r = 1 */
}

/* Received words start the task that sends them on. */
static void arrival_starts_a_task(void)
{
    struct stream_desc in = {
        .op = STREAM_RECV, .thread = 7, .event = 6, .count = 2, .src1 = 9, .dst = DATA + 0x100};
    set_task(6, 1, KERNEL_none);
    mmio_write(REG_QUEUE_COLOUR, 9);
    sram_desc(DESCS + 0x180, &in);
    hal_start_stream(DESCS + 0x180);
    bench_deliver(9, 1);
    CHECK_EQ(bench_call(run), BENCH_QUIET);
    CHECK_EQ(bench_sent_count(5), 0);
    bench_deliver(9, 2);
    CHECK_EQ(bench_call(run), BENCH_QUIET);
    CHECK_EQ(bench_sent(5, 0), 6);
}

static void check_fault(uint32_t code, uint32_t file, uint32_t info)
{
    const uint32_t *f = port_tile()->fault;
    CHECK_EQ(f[VIRT_FAULT_CODE], code);
    CHECK_EQ(f[VIRT_FAULT_FILE], file);
    CHECK_EQ(f[VIRT_FAULT_INFO], info);
    CHECK(f[VIRT_FAULT_LINE] > 0);
}

static void event_without_a_task_is_a_fault(void)
{
    hal_post_event(TASK_COUNT);
    CHECK_EQ(bench_call(run), BENCH_FAULTED);
    check_fault(FAULT_EVENT, FAULT_FILE_SCHED_C, TASK_COUNT);
}

static void event_too_many_is_a_fault(void)
{
    hal_post_event(3); /* need 0: never runs */
    CHECK_EQ(bench_call(run), BENCH_FAULTED);
    check_fault(FAULT_JOIN, FAULT_FILE_SCHED_C, 3);
}

static void unknown_kernel_is_a_fault(void)
{
    set_task(3, 1, KERNEL_COUNT);
    hal_post_event(3);
    CHECK_EQ(bench_call(run), BENCH_FAULTED);
    check_fault(FAULT_KERNEL, FAULT_FILE_SCHED_C, KERNEL_COUNT);
}

static void broken_stack_guard_is_a_fault(void)
{
    sram_set(TILE_STACK_OFFSET, 0x1234);
    CHECK_EQ(bench_call(run), BENCH_FAULTED);
    check_fault(FAULT_STACK, FAULT_FILE_SCHED_C, 0x1234);
    CHECK_EQ(port_tile()->fault[VIRT_FAULT_STACK_FREE], 0);
}

/* ---- boot ---- */

enum { PROGRAM_BYTES = 0x80 };

/* A whole tile program: one route, one task that sends a word, started by an event posted at boot.
 * Word by word, so that the loader can get it as a stream. */
static void make_program(uint32_t *out)
{
    struct program_header h = {.magic = PROGRAM_MAGIC,
                               .version = PROGRAM_VERSION,
                               .bytes = PROGRAM_BYTES,
                               .routes = TILE_PROGRAM_OFFSET + 0x14,
                               .route_count = 1,
                               .tasks = TILE_PROGRAM_OFFSET + 0x20,
                               .task_count = 1,
                               .starts = TILE_PROGRAM_OFFSET + 0x28,
                               .start_count = 1};
    struct program_route route = {
        .colour = 11,
        .mode = ROUTE_MODE_POSITIONS(2) | ROUTE_MODE_RING,
        .queue = 4,
        .word = {ROUTE_WORD(AT_RAMP, AT_EAST), ROUTE_WORD(AT_WEST, AT_RAMP)}};
    struct program_task t = {.need = 1, .start_count = 1, .starts = TILE_PROGRAM_OFFSET + 0x2c};
    struct stream_desc d = {.op = STREAM_SEND,
                            .event = TILE_EVENT_NONE,
                            .count = 1,
                            .src0 = TILE_PROGRAM_OFFSET + 0x60,
                            .dst = 11};
    uint8_t *p = (uint8_t *)out;
    for (uint32_t i = 0; i < PROGRAM_BYTES / 4; i++)
        out[i] = 0;
    __builtin_memcpy(p, &h, sizeof h);
    __builtin_memcpy(p + 0x14, &route, sizeof route);
    __builtin_memcpy(p + 0x20, &t, sizeof t);
    out[0x28 / 4] = PROGRAM_POST(0);
    out[0x2c / 4] = TILE_PROGRAM_OFFSET + 0x40;
    __builtin_memcpy(p + 0x40, &d, sizeof d);
    out[0x60 / 4] = 0x600df00d;
}

static void check_running_program(void)
{
    CHECK_EQ(bench_sent(11, 0), 0x600df00d);
    CHECK_EQ(mmio_read(REG_QUEUE_COLOUR + 4 * 4), 11);
    CHECK_EQ(mmio_read(REG_QUEUE_COLOUR + 4 * QUEUE_IMAGE), 0xff);
    CHECK_EQ(mmio_read(REG_QUEUE_COLOUR + 4 * QUEUE_LOAD), 0xff);
    CHECK_EQ(mmio_read(REG_ROUTE_MODE + 4 * 11), ROUTE_MODE_POSITIONS(2) | ROUTE_MODE_RING);
    CHECK_EQ(mmio_read(REG_ROUTE + 4 * (4 * 11 + 1)), ROUTE_WORD(AT_WEST, AT_RAMP));
}

static void boot_runs_a_program(void)
{
    uint32_t program[PROGRAM_BYTES / 4];
    make_program(program);
    sram_set_words(TILE_PROGRAM_OFFSET, program, PROGRAM_BYTES / 4);
    CHECK_EQ(bench_call(firmware_entry), BENCH_QUIET);
    check_running_program();
}

static void boot_paints_the_stack_and_clears_data(void)
{
    sram_set(TILE_DATA_OFFSET, 77);
    CHECK_EQ(bench_call(firmware_entry), BENCH_QUIET); /* no program: it sleeps */
    CHECK_EQ(sram_get(TILE_DATA_OFFSET), 0);
    CHECK_EQ(sram_get(TILE_STACK_OFFSET), TILE_STACK_PAINT);
    CHECK_EQ(sram_get(TILE_STACK_OFFSET + TILE_STACK_BYTES / 2), TILE_STACK_PAINT);
}

static void boot_refuses_another_version(void)
{
    uint32_t program[PROGRAM_BYTES / 4];
    make_program(program);
    program[1] = (program[1] & 0xffff0000) | (PROGRAM_VERSION + 1);
    sram_set_words(TILE_PROGRAM_OFFSET, program, PROGRAM_BYTES / 4);
    CHECK_EQ(bench_call(boot_main), BENCH_FAULTED);
    check_fault(FAULT_PROGRAM, FAULT_FILE_BOOT_C, PROGRAM_VERSION + 1);
}

/* ---- the loader ---- */

static void deliver_record(uint8_t colour, uint32_t offset, const uint32_t *word, uint32_t count)
{
    bench_deliver(colour, offset | count << 16);
    for (uint32_t i = 0; i < count; i++)
        bench_deliver(colour, word[i]);
}

/* The image is the one that runs: its first words are stored over themselves. The loader then jumps
 * to the start of SRAM, which leads to firmware_entry (start.S). */
static void loader_takes_image_and_program(void)
{
    uint32_t program[PROGRAM_BYTES / 4], image[8];
    make_program(program);
    port_tile()->code_locked = false;
    for (uint32_t i = 0; i < 8; i++)
        image[i] = sram_get(4 * i);
    deliver_record(COLOUR_IMAGE, 0, image, 8);
    bench_deliver(COLOUR_IMAGE, 0);
    deliver_record(COLOUR_LOAD, TILE_PROGRAM_OFFSET, program, 20);
    deliver_record(COLOUR_LOAD, TILE_PROGRAM_OFFSET + 80, program + 20, PROGRAM_BYTES / 4 - 20);
    bench_deliver(COLOUR_LOAD, 0);
    CHECK_EQ(bench_call(loader_main), BENCH_QUIET);
    CHECK(port_tile()->code_locked);
    check_running_program();
}

static void loader_refuses_records_outside(void)
{
    static const uint32_t bad[] = {2u << 16 | (TILE_SRAM_BYTES - 4),
                                   1u << 16 | (TILE_PROGRAM_OFFSET - 4),
                                   1u << 16 | (TILE_PROGRAM_OFFSET + 2)};
    for (uint32_t i = 0; i < 3; i++) {
        virt_tile_reset(port_tile(), hal_sram(0));
        bench_deliver(COLOUR_IMAGE, 0);
        bench_deliver(COLOUR_LOAD, bad[i]);
        CHECK_EQ(bench_call(loader_main), BENCH_FAULTED);
        check_fault(FAULT_LOAD, FAULT_FILE_LOADER_C, bad[i]);
    }
}

const struct bench_test tests_sched[] = {
    {"task_waits_for_all_its_events", task_waits_for_all_its_events},
    {"tasks_post_to_tasks", tasks_post_to_tasks},
    {"lowest_number_goes_first", lowest_number_goes_first},
    {"arrival_starts_a_task", arrival_starts_a_task},
    {"event_without_a_task_is_a_fault", event_without_a_task_is_a_fault},
    {"event_too_many_is_a_fault", event_too_many_is_a_fault},
    {"unknown_kernel_is_a_fault", unknown_kernel_is_a_fault},
    {"broken_stack_guard_is_a_fault", broken_stack_guard_is_a_fault},
    {"boot_runs_a_program", boot_runs_a_program},
    {"boot_paints_the_stack_and_clears_data", boot_paints_the_stack_and_clears_data},
    {"boot_refuses_another_version", boot_refuses_another_version},
    {"loader_takes_image_and_program", loader_takes_image_and_program},
    {"loader_refuses_records_outside", loader_refuses_records_outside},
    {0, 0}};
