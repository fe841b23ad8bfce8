/* SPDX-License-Identifier: Apache-2.0 */
/* test_machine.c - machine files: presets, every way a file can be wrong, printing, the README's
 * table. */
#include "harness.h"

#include "fabric/machine.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int parse(struct machine *m, const char *text, struct err *e)
{
    return machine_parse(m, text, strlen(text), "m.txt", e);
}

static char *print(const struct machine *m, size_t *bytes)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, bytes);
    machine_print(m, f);
    CHECK(fclose(f) == 0);
    return text;
}

/* The whole file, zero-terminated. */
static char *slurp(const char *path)
{
    enum { ROOM = 1 << 20 };
    char *text = malloc(ROOM);
    FILE *f = fopen(path, "rb");
    CHECK(text && f);
    size_t n = fread(text, 1, ROOM - 1, f);
    text[n] = '\0';
    CHECK(fclose(f) == 0);
    return text;
}

TEST(machine_presets_hold_the_published_numbers)
{
    struct machine small, two, three;
    CHECK(machine_read(&small, "small", NULL) == 0);
    CHECK(machine_read(&two, "wse2", NULL) == 0);
    CHECK(machine_read(&three, "wse3", NULL) == 0);
    CHECK_STR(three.name, "wse3");
    CHECK_EQ(two.fabric_width, 757);
    CHECK_EQ(two.fabric_height, 996);
    CHECK_EQ(three.fabric_width, 762);
    CHECK_EQ(three.fabric_height, 1172);
    CHECK_EQ(two.clock_hz, 850000000);
    CHECK_EQ(three.clock_hz, 1100000000);
    CHECK_EQ(two.lanes.bf16, 4);
    CHECK_EQ(three.lanes.bf16, 8);
    CHECK_EQ(three.io_bits_per_second, 1200000000000);
    CHECK(three.io_latency_seconds * three.clock_hz > 5499.9);
    CHECK(three.io_latency_seconds * three.clock_hz < 5500.1);
    CHECK(small.fabric_width == 0 && small.fabric_height == 0);
    CHECK_EQ(small.ramp_cycles, three.ramp_cycles);
    CHECK_EQ(small.lanes.int4, three.lanes.int4);
    CHECK_EQ(small.clock_hz, three.clock_hz);
}

TEST(machine_presets_are_the_files)
{
    static const char *const names[] = {"small", "wse2", "wse3"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct machine built_in, file;
        char path[64];
        (void)snprintf(path, sizeof path, "host/machines/%s.txt", names[i]);
        CHECK(machine_read(&built_in, names[i], NULL) == 0);
        CHECK(machine_read(&file, path, NULL) == 0);
        CHECK_STR(file.name, names[i]);
        size_t na, nb;
        char *a = print(&built_in, &na), *b = print(&file, &nb);
        CHECK_STR(a, b);
        free(a);
        free(b);
    }
}

TEST(machine_text_forms)
{
    struct machine m;
    struct err e = {0};
    CHECK(parse(&m, "", &e) == 0);
    CHECK_STR(m.name, "unnamed");
    CHECK_EQ(m.lanes.bf16, 8);
    CHECK(parse(&m, "\r\n  # only a comment\n\tname=a b # not the name\r\nclock_hz = 8.5e8", &e) ==
          0);
    CHECK_STR(m.name, "a b");
    CHECK_EQ(m.clock_hz, 850000000);
    CHECK(parse(&m, "io_latency_seconds = 0\nlanes_int4 = 064\nclock_hz=1E+7", &e) == 0);
    CHECK(m.io_latency_seconds == 0);
    CHECK_EQ(m.lanes.int4, 64);
    CHECK_EQ(m.clock_hz, 10000000);
}

TEST(machine_refuses_and_says_where)
{
    static const struct {
        const char *text, *error;
    } bad[] = {
        {"\nclok_hz = 1e9", "m.txt:2: unknown key 'clok_hz', nearest is 'clock_hz'"},
        {"lanes_bf8 = 1", "m.txt:1: unknown key 'lanes_bf8', nearest is 'lanes_bf16'"},
        {"hop_cycles = 1\n\nhop_cycles = 1", "m.txt:3: hop_cycles: already set on line 1"},
        {"hop_cycles", "m.txt:1: 'hop_cycles' is not of the form key = value"},
        {"hop_cycles =", "m.txt:1: hop_cycles: '' is not a whole number in cycles"},
        {"hop_cycles = 1.0", "m.txt:1: hop_cycles: '1.0' is not a whole number in cycles"},
        {"hop_cycles = -1", "m.txt:1: hop_cycles: '-1' is not a whole number in cycles"},
        {"hop_cycles = 1 cycle", "m.txt:1: hop_cycles: '1 cycle' is not a whole number in cycles"},
        {"hop_cycles = 0", "m.txt:1: hop_cycles: 0 is outside 1 to 64 cycles"},
        {"hop_cycles = 4294967297", "m.txt:1: hop_cycles: 4294967297 is outside 1 to 64 cycles"},
        {"clock_hz = 1e5", "m.txt:1: clock_hz: 1e5 is outside 1000000 to 1e+11 Hz"},
        {"clock_hz = 1e999", "m.txt:1: clock_hz: 1e999 is outside 1000000 to 1e+11 Hz"},
        {"clock_hz = inf", "m.txt:1: clock_hz: 'inf' is not a number in Hz"},
        {"clock_hz = nan", "m.txt:1: clock_hz: 'nan' is not a number in Hz"},
        {"clock_hz = 0x1p30", "m.txt:1: clock_hz: '0x1p30' is not a number in Hz"},
        {"clock_hz = 1.e9", "m.txt:1: clock_hz: '1.e9' is not a number in Hz"},
        {"clock_hz = .5e9", "m.txt:1: clock_hz: '.5e9' is not a number in Hz"},
        {"clock_hz = 1e", "m.txt:1: clock_hz: '1e' is not a number in Hz"},
        {"clock_hz = 1e9 Hz", "m.txt:1: clock_hz: '1e9 Hz' is not a number in Hz"},
        {"name =  ", "m.txt:1: name: 0 characters, must be 1 to 63"},
        {"name = a\x01", "m.txt:1: name: only printable ASCII is allowed"},
        {"x\x1b[2J = 1", "m.txt:1: unknown key 'x?[2J', nearest is 'name'"},
        {"fabric_width = 8", "m.txt: fabric_width 8 and fabric_height 0: both or none must be 0"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct machine m;
        struct err e = {0};
        CHECK_EQ(parse(&m, bad[i].text, &e), -1);
        CHECK_EQ(e.kind, ERR_INPUT);
        CHECK_STR(e.text, bad[i].error);
    }
}

TEST(machine_refuses_long_things)
{
    char text[4096];
    struct machine m;
    struct err e = {0};
    memset(text, 'a', sizeof text);
    memcpy(text, "name = ", 7);
    CHECK_EQ(machine_parse(&m, text, 7 + 64, "m", &e), -1);
    CHECK(machine_parse(&m, text, 7 + 63, "m", NULL) == 0);
    CHECK_EQ(strlen(m.name), 63);
    memset(text, 'z', sizeof text);
    text[4000] = '=';
    e = (struct err){0};
    CHECK_EQ(machine_parse(&m, text, sizeof text, "m", &e), -1);
    CHECK(strstr(e.text, "nearest is") != NULL);
    memset(text, '1', sizeof text);
    memcpy(text, "clock_hz = ", 11);
    e = (struct err){0};
    CHECK_EQ(machine_parse(&m, text, sizeof text, "m", &e), -1);
    CHECK_STR(e.text, "m:1: clock_hz: more than 63 characters");
}

TEST(machine_names_and_paths)
{
    struct machine m;
    struct err e = {0};
    CHECK_EQ(machine_read(&m, "wse4", &e), -1);
    CHECK_EQ(e.kind, ERR_INPUT);
    CHECK(strstr(e.text, "machine 'wse4': no such preset, nearest is 'wse2'") == e.text);
    e = (struct err){0};
    CHECK_EQ(machine_read(&m, "./no/such.txt", &e), -1);
    CHECK_STR(e.text, "./no/such.txt: No such file or directory");
    e = (struct err){0};
    CHECK_EQ(machine_read(&m, "host/", &e), -1);
    CHECK_EQ(e.kind, ERR_INPUT);
    e = (struct err){0};
    CHECK_EQ(machine_read(&m, "", &e), -1);
    CHECK_EQ(e.kind, ERR_INPUT);
}

TEST(machine_print_reads_back)
{
    struct machine m, again;
    CHECK(parse(&m,
                "name = x-1\nclock_hz = 1234567890.123\nio_latency_seconds = 1.7e-7\n"
                "fabric_width=3\nfabric_height=4\nchannel_bits_per_second=0.1e5\nlanes_f32=7",
                NULL) == 0);
    size_t bytes, bytes_again;
    char *text = print(&m, &bytes);
    CHECK(machine_parse(&again, text, bytes, "printed", NULL) == 0);
    CHECK(again.clock_hz == 1234567890.123 && again.io_latency_seconds == 1.7e-7);
    CHECK_EQ(again.fabric_width, 3);
    CHECK_EQ(again.fabric_height, 4);
    CHECK_EQ(again.lanes.f32, 7);
    char *text_again = print(&again, &bytes_again);
    CHECK_STR(text, text_again);
    CHECK(strstr(text, "clock_hz                   = 1234567890.123 # Hz: clock of tiles") != NULL);
    free(text);
    free(text_again);
}

TEST(machine_readme_lists_every_key)
{
    char *readme = slurp("host/machines/README.md"), row[512];
    size_t rows = 0;
#define KEY(name, kind, field, min, max, standard, unit, sentence)                                 \
    (void)snprintf(row, sizeof row, "\n| `%s` | %s | %s | %s |\n", #name, unit, standard,          \
                   sentence);                                                                      \
    CHECK_MSG(strstr(readme, row) != NULL, "no row:%s", row);                                      \
    rows++;
#include "fabric/machine_keys.def"
    const char *at = strstr(readme, "\n| key |");
    CHECK(at);
    for (; (at = strstr(at, "\n| `")) != NULL; at++)
        rows--;
    CHECK_EQ(rows, 0);
    free(readme);
}
