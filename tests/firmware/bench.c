/* SPDX-License-Identifier: Apache-2.0 */
/* bench.c - see bench.h: TAP, the fabric around the tile, and ways out of code that does not
 * return.
 */
#include "tests/firmware/bench.h"

#include "hal/virt/board.h"
#include "hal/virt/link.h"
#include "hal/virt/port.h"

void bench_main(void);

/* start.S. bench_mark returns 0 when called, and 1 when bench_jump comes back to it. */
void bench_reset_core(void);
__attribute__((returns_twice)) int bench_mark(uint32_t *way);
_Noreturn void bench_jump(const uint32_t *way);

enum { COLOUR_WORDS = 128, WAYS_OUT = 2, WAY_WORDS = 26 };

struct channel {
    uint32_t word[COLOUR_WORDS], control[COLOUR_WORDS / 32], first, count, room;
};

static struct {
    struct channel in[TILE_COLOURS], out[TILE_COLOURS];
    uint32_t way[WAYS_OUT][WAY_WORDS]; /* 0: end of the test, 1: end of bench_call */
    bool in_call;
    enum bench_end end;
    uint32_t failed;
} bench;

/* ---- ways out ---- */

_Noreturn void bench_fail(const char *file, uint32_t line, const char *what, uint32_t is,
                          uint32_t should)
{
    board_print("# ");
    board_print(file);
    board_print(":");
    board_print_decimal(line);
    board_print(": ");
    board_print(what);
    board_print(" is ");
    board_print_hex(is);
    board_print(", not ");
    board_print_hex(should);
    board_print("\n");
    bench.failed++;
    bench_jump(bench.way[0]);
}

static void call_with_way_out(void (*call)(void))
{
    if (bench_mark(bench.way[1]) == 0) {
        call();
        bench.end = BENCH_RETURNED;
    }
}

enum bench_end bench_call(void (*call)(void))
{
    bench.in_call = true;
    call_with_way_out(call);
    bench.in_call = false;
    return bench.end;
}

static _Noreturn void leave(enum bench_end end)
{
    bench_reset_core(); /* the way out restores floating-point registers */
    bench.end = end;
    bench_jump(bench.way[1]);
}

void virt_link_quiet(struct virt_tile *t)
{
    if (!bench.in_call)
        bench_fail(__FILE__, __LINE__, "waits for an event that cannot come, task", t->task, 0);
    leave(BENCH_QUIET);
}

_Noreturn void virt_link_fault(struct virt_tile *t)
{
    if (!bench.in_call)
        bench_fail(__FILE__, __LINE__, "fault", t->fault[VIRT_FAULT_CODE], 0);
    leave(BENCH_FAULTED);
}

/* ---- fabric ---- */

static void channel_put(struct channel *c, uint32_t word, bool control)
{
    uint32_t at = (c->first + c->count++) % COLOUR_WORDS;
    if (c->count > COLOUR_WORDS)
        bench_fail(__FILE__, __LINE__, "words in a channel", c->count, COLOUR_WORDS);
    c->word[at] = word;
    c->control[at / 32] = (c->control[at / 32] & ~(1u << at % 32)) | (uint32_t)control << at % 32;
}

static uint32_t channel_take(struct channel *c, bool *control)
{
    uint32_t at = c->first;
    if (c->count == 0)
        bench_fail(__FILE__, __LINE__, "words in a channel", 0, 1);
    c->first = (c->first + 1) % COLOUR_WORDS;
    c->count--;
    if (control)
        *control = c->control[at / 32] >> at % 32 & 1;
    return c->word[at];
}

void bench_deliver(uint8_t colour, uint32_t word)
{
    channel_put(&bench.in[colour], word, false);
}

uint32_t bench_sent_count(uint8_t colour)
{
    return bench.out[colour].count;
}

uint32_t bench_sent(uint8_t colour, bool *control)
{
    return channel_take(&bench.out[colour], control);
}

void bench_limit(uint8_t colour, uint32_t words)
{
    bench.out[colour].room = words;
}

bool virt_link_room(uint8_t colour)
{
    return bench.out[colour].room > 0;
}

void virt_link_send(uint8_t colour, uint32_t word, bool control)
{
    bench.out[colour].room--;
    channel_put(&bench.out[colour], word, control);
}

bool virt_link_waiting(uint8_t colour)
{
    return bench.in[colour].count > 0;
}

bool virt_link_try_receive(uint8_t colour, uint32_t *word, bool *control)
{
    if (!virt_link_waiting(colour))
        return false;
    *word = channel_take(&bench.in[colour], control);
    return true;
}

void virt_link_configure(uint32_t offset, uint32_t value)
{
    (void)offset;
    (void)value;
}

/* ---- SRAM ---- */

uint32_t sram_get(uint32_t offset)
{
    return *board_word(TILE_SRAM_BASE + offset);
}

void sram_set(uint32_t offset, uint32_t word)
{
    *board_word(TILE_SRAM_BASE + offset) = word;
}

void sram_set_words(uint32_t offset, const uint32_t *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        sram_set(offset + 4 * i, words[i]);
}

void sram_desc(uint32_t offset, const struct stream_desc *d)
{
    __builtin_memcpy(board_at(TILE_SRAM_BASE + offset), d, sizeof *d);
}

/* ---- the run ---- */

static void reset(void)
{
    bench_reset_core();
    virt_tile_reset(port_tile(), board_at(TILE_SRAM_BASE));
    port_tile()->code_locked = true;
    for (uint32_t at = TILE_DATA_OFFSET; at < TILE_SRAM_BYTES; at += 4)
        sram_set(at, 0);
    sram_set(TILE_STACK_OFFSET, TILE_STACK_PAINT);
    for (uint32_t c = 0; c < TILE_COLOURS; c++) {
        bench.in[c].first = bench.in[c].count = 0;
        bench.out[c].first = bench.out[c].count = 0;
        bench.out[c].room = COLOUR_WORDS;
    }
}

static void run_one(const struct bench_test *test)
{
    bench.in_call = false;
    if (bench_mark(bench.way[0]) == 0)
        test->run();
}

static uint32_t run_table(const struct bench_test *table, uint32_t number)
{
    for (const struct bench_test *test = table; test->name; test++) {
        uint32_t before = bench.failed;
        reset();
        run_one(test);
        board_print(bench.failed == before ? "ok " : "not ok ");
        board_print_decimal(++number);
        board_print(" - ");
        board_print(test->name);
        board_print("\n");
    }
    return number;
}

void bench_main(void)
{
    static const struct bench_test *const tables[] = {tests_numerics, tests_engine, tests_kernels,
                                                      tests_sched, tests_trap};
    uint32_t number = 0;
    for (uint32_t i = 0; i < sizeof tables / sizeof *tables; i++)
        number = run_table(tables[i], number);
    board_print("1..");
    board_print_decimal(number);
    board_print("\n");
    board_exit(bench.failed != 0);
}
