/* SPDX-License-Identifier: Apache-2.0 */
/* test_engine.c - the software stream engine, event queue and registers against hal/stream.h. */
#include "tests/firmware/bench.h"

#include "hal/event.h"
#include "hal/mmio.h"
#include "hal/virt/port.h"

enum {
    FAULT_CODE_STREAM = 0x201,
    FAULT_CODE_BUSY,
    FAULT_CODE_OVERFLOW,
    FAULT_CODE_REGISTER = 0x208
};

static void poll_until_quiet(void)
{
    while (virt_tile_poll(port_tile()))
        ;
}

static void start_at_room(void)
{
    hal_start_stream(ROOM);
}

static void events_come_in_order(void)
{
    CHECK_EQ(hal_try_event(), EVENT_QUEUE_EMPTY);
    for (uint32_t i = 0; i < TILE_EVENTS; i++)
        hal_post_event(TILE_EVENTS - 1 - i);
    for (uint32_t i = 0; i < TILE_EVENTS; i++)
        CHECK_EQ(hal_try_event(), TILE_EVENTS - 1 - i);
    CHECK_EQ(hal_try_event(), EVENT_QUEUE_EMPTY);
}

static void post_too_many(void)
{
    for (uint32_t i = 0; i <= TILE_EVENTS; i++)
        hal_post_event(1);
}

static void full_event_queue_is_a_fault(void)
{
    CHECK_EQ(bench_call(post_too_many), BENCH_FAULTED);
    CHECK_EQ(port_tile()->fault[VIRT_FAULT_CODE], FAULT_CODE_OVERFLOW);
}

static void receive_waits_for_each_word(void)
{
    struct stream_desc d = {
        .op = STREAM_RECV, .event = 9, .count = 2, .src1 = 3, .dst = ROOM + 0x40};
    mmio_write(REG_QUEUE_COLOUR + 4 * 2, 3);
    sram_desc(ROOM, &d);
    start_at_room();
    poll_until_quiet();
    CHECK_EQ(mmio_read(REG_STREAM_BUSY), 1);
    bench_deliver(3, 0x11);
    poll_until_quiet();
    CHECK_EQ(hal_try_event(), EVENT_QUEUE_EMPTY);
    CHECK_EQ(sram_get(ROOM + 0x40), 0x11);
    bench_deliver(3, 0x22);
    poll_until_quiet();
    CHECK_EQ(hal_try_event(), 9);
    CHECK_EQ(sram_get(ROOM + 0x44), 0x22);
    CHECK_EQ(mmio_read(REG_STREAM_BUSY), 0);
}

static void receive_needs_a_bound_queue(void)
{
    struct stream_desc d = {
        .op = STREAM_RECV, .event = 9, .count = 1, .src1 = 3, .dst = ROOM + 0x40};
    sram_desc(ROOM, &d);
    bench_deliver(3, 7);
    start_at_room();
    poll_until_quiet();
    CHECK_EQ(hal_try_event(), EVENT_QUEUE_EMPTY);
    mmio_write(REG_QUEUE_COLOUR + 4 * 7, 3);
    poll_until_quiet();
    CHECK_EQ(hal_try_event(), 9);
}

static void send_ends_with_a_control_word(void)
{
    static const uint32_t words[] = {5, 6, 7};
    struct stream_desc d = {.op = STREAM_SEND,
                            .flags = STREAM_CONTROL,
                            .event = 1,
                            .count = 3,
                            .src0 = ROOM + 0x40,
                            .dst = 4};
    bool control;
    sram_set_words(ROOM + 0x40, words, 3);
    sram_desc(ROOM, &d);
    start_at_room();
    poll_until_quiet();
    CHECK_EQ(bench_sent_count(4), 3);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK_EQ(bench_sent(4, &control), words[i]);
        CHECK_EQ(control, i == 2);
    }
}

static void send_stops_when_there_is_no_room(void)
{
    struct stream_desc d = {
        .op = STREAM_SEND, .event = 1, .count = 5, .src0 = ROOM + 0x40, .dst = 4};
    sram_desc(ROOM, &d);
    bench_limit(4, 2);
    start_at_room();
    poll_until_quiet();
    CHECK_EQ(bench_sent_count(4), 2);
    CHECK_EQ(hal_try_event(), EVENT_QUEUE_EMPTY);
    bench_limit(4, 9);
    poll_until_quiet();
    CHECK_EQ(bench_sent_count(4), 5);
    CHECK_EQ(hal_try_event(), 1);
}

/* A chain step: 1 + 10 and 2 + 20, the second only when its word is there. */
static void chain_step_adds_word_by_word(void)
{
    static const uint32_t mine[] = {0x41200000, 0x41a00000};
    struct stream_desc d = {
        .op = STREAM_ADD_SEND, .event = 1, .count = 2, .src0 = ROOM + 0x40, .src1 = 6, .dst = 7};
    mmio_write(REG_QUEUE_COLOUR, 6);
    sram_set_words(ROOM + 0x40, mine, 2);
    sram_desc(ROOM, &d);
    start_at_room();
    bench_deliver(6, 0x3f800000);
    poll_until_quiet();
    CHECK_EQ(bench_sent_count(7), 1);
    CHECK_EQ(bench_sent(7, 0), 0x41300000);
    bench_deliver(6, 0x40000000);
    poll_until_quiet();
    CHECK_EQ(bench_sent(7, 0), 0x41b00000);
    CHECK_EQ(hal_try_event(), 1);
}

static void chains_of_descriptors_share_a_thread(void)
{
    struct stream_desc first = {.op = STREAM_COPY,
                                .event = 1,
                                .thread = 3,
                                .next = ROOM + 0x20,
                                .count = 1,
                                .src0 = ROOM + 0x40,
                                .dst = ROOM + 0x44};
    struct stream_desc second = {.op = STREAM_COPY,
                                 .event = 2,
                                 .thread = 3,
                                 .count = 1,
                                 .src0 = ROOM + 0x44,
                                 .dst = ROOM + 0x48};
    sram_desc(ROOM, &first);
    sram_desc(ROOM + 0x20, &second);
    sram_set(ROOM + 0x40, 0xabcd);
    start_at_room();
    poll_until_quiet();
    CHECK_EQ(hal_try_event(), 1);
    CHECK_EQ(hal_try_event(), 2);
    CHECK_EQ(sram_get(ROOM + 0x48), 0xabcd);
}

/* Both are ready; the one of the higher priority posts first although its thread number is higher.
 */
static void priority_goes_first(void)
{
    struct stream_desc d = {
        .op = STREAM_COPY, .event = 1, .count = 1, .src0 = ROOM + 0x40, .dst = ROOM + 0x44};
    sram_desc(ROOM, &d);
    d.thread = 5 | 2 << 4;
    d.event = 2;
    d.dst = ROOM + 0x48;
    sram_desc(ROOM + 0x20, &d);
    hal_start_stream(ROOM);
    hal_start_stream(ROOM + 0x20);
    poll_until_quiet();
    CHECK_EQ(hal_try_event(), 2);
    CHECK_EQ(hal_try_event(), 1);
}

static void count_zero_only_posts(void)
{
    struct stream_desc d = {.op = STREAM_RECV, .event = 4, .src1 = 3, .dst = ROOM + 0x40};
    sram_desc(ROOM, &d);
    start_at_room();
    poll_until_quiet();
    CHECK_EQ(hal_try_event(), 4);
}

static void busy_thread_is_a_fault(void)
{
    struct stream_desc d = {.op = STREAM_RECV, .count = 1, .src1 = 3, .dst = ROOM + 0x40};
    sram_desc(ROOM, &d);
    start_at_room();
    CHECK_EQ(bench_call(start_at_room), BENCH_FAULTED);
    CHECK_EQ(port_tile()->fault[VIRT_FAULT_CODE], FAULT_CODE_BUSY);
}

static void bad_descriptors_are_faults(void)
{
    static const struct stream_desc bad[] = {
        {.op = 99, .count = 1, .dst = ROOM},
        {.op = STREAM_COPY, .count = 1, .src0 = ROOM + 2, .dst = ROOM},
        {.op = STREAM_COPY, .count = 2, .src0 = ROOM, .dst = TILE_SRAM_BYTES - 4},
        {.op = STREAM_COPY, .count = 1, .src0 = ROOM, .dst = 0x100},
        {.op = STREAM_SEND, .count = 1, .src0 = ROOM, .dst = TILE_COLOURS},
        {.op = STREAM_COPY, .count = 1, .src0 = ROOM, .dst = ROOM, .next = 0xfffc},
    };
    for (uint32_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sram_desc(ROOM, &bad[i]);
        CHECK_EQ(bench_call(start_at_room), BENCH_FAULTED);
        CHECK_EQ(port_tile()->fault[VIRT_FAULT_CODE], FAULT_CODE_STREAM);
        CHECK_EQ(port_tile()->fault[VIRT_FAULT_INFO], ROOM);
        port_tile()->fault[VIRT_FAULT_CODE] = 0;
    }
}

static void lock(void)
{
    mmio_write(REG_CODE_LOCK, 1);
}

static void only_an_open_code_region_is_written(void)
{
    struct stream_desc d = {
        .op = STREAM_RECV, .event = 1, .count = 1, .src1 = 3, .dst = TILE_CODE_BYTES - 4};
    port_tile()->code_locked = false;
    sram_desc(ROOM, &d);
    CHECK_EQ(bench_call(start_at_room), BENCH_RETURNED);
    CHECK_EQ(bench_call(lock), BENCH_FAULTED); /* the thread is still at it */
    CHECK_EQ(port_tile()->fault[VIRT_FAULT_CODE], FAULT_CODE_STREAM);
    port_tile()->thread[0].busy = false;
    lock();
    CHECK_EQ(bench_call(start_at_room), BENCH_FAULTED);
}

static void read_write_only(void)
{
    mmio_read(REG_EVENT_POST);
}

static void write_read_only(void)
{
    mmio_write(REG_TILE_X, 1);
}

static void beyond_the_registers(void)
{
    mmio_read(REG_ROUTE + 4 * 96);
}

static void wrong_register_access_is_a_fault(void)
{
    void (*const wrong[])(void) = {read_write_only, write_read_only, beyond_the_registers};
    for (uint32_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_EQ(bench_call(wrong[i]), BENCH_FAULTED);
        CHECK_EQ(port_tile()->fault[VIRT_FAULT_CODE], FAULT_CODE_REGISTER);
        port_tile()->fault[VIRT_FAULT_CODE] = 0;
    }
}

static void boot_colours_are_bound_at_reset(void)
{
    CHECK_EQ(mmio_read(REG_QUEUE_COLOUR), 23);
    CHECK_EQ(mmio_read(REG_QUEUE_COLOUR + 4), 22);
    CHECK_EQ(mmio_read(REG_QUEUE_COLOUR + 8), 0xff);
}

static void timer_posts_its_event(void)
{
    mmio_write(REG_TIMER_EVENT, 33);
    mmio_write(REG_TIMER_START, 1000);
    CHECK_EQ(bench_call(hal_wait_event), BENCH_RETURNED);
    CHECK_EQ(hal_try_event(), 33);
    CHECK_EQ(hal_try_event(), EVENT_QUEUE_EMPTY);
}

static void waiting_for_nothing_is_noticed(void)
{
    CHECK_EQ(bench_call(hal_wait_event), BENCH_QUIET);
}

const struct bench_test tests_engine[] = {
    {"events_come_in_order", events_come_in_order},
    {"full_event_queue_is_a_fault", full_event_queue_is_a_fault},
    {"receive_waits_for_each_word", receive_waits_for_each_word},
    {"receive_needs_a_bound_queue", receive_needs_a_bound_queue},
    {"send_ends_with_a_control_word", send_ends_with_a_control_word},
    {"send_stops_when_there_is_no_room", send_stops_when_there_is_no_room},
    {"chain_step_adds_word_by_word", chain_step_adds_word_by_word},
    {"chains_of_descriptors_share_a_thread", chains_of_descriptors_share_a_thread},
    {"priority_goes_first", priority_goes_first},
    {"count_zero_only_posts", count_zero_only_posts},
    {"busy_thread_is_a_fault", busy_thread_is_a_fault},
    {"bad_descriptors_are_faults", bad_descriptors_are_faults},
    {"only_an_open_code_region_is_written", only_an_open_code_region_is_written},
    {"wrong_register_access_is_a_fault", wrong_register_access_is_a_fault},
    {"boot_colours_are_bound_at_reset", boot_colours_are_bound_at_reset},
    {"timer_posts_its_event", timer_posts_its_event},
    {"waiting_for_nothing_is_noticed", waiting_for_nothing_is_noticed},
    {0, 0}};
