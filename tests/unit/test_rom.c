/* SPDX-License-Identifier: Apache-2.0 */
/* The boot ROM's own bytes on the plain core: loads, refuses, and leaves no trace. */
#include "firmware/fault.h"
#include "hal/fabric.h"
#include "hal/program.h"
#include "harness.h"
#include "stand_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FOREVER = 1000, STREAM_MAX = 8192 };

/* Words of a load. */
struct stream {
    uint32_t word[STREAM_MAX];
    size_t count;
};

static void record(struct stream *s, uint32_t offset, const void *data, uint32_t words)
{
    CHECK(s->count + words + 1 <= STREAM_MAX);
    s->word[s->count++] = words << 16 | offset;
    if (words)
        memcpy(s->word + s->count, data, 4 * words);
    s->count += words;
}

/* A program with one task that runs a kernel, so that registers and stack are used. */
static void put_program(uint8_t *sram)
{
    enum { TASKS = TILE_PROGRAM_OFFSET + 32, ARGS = TASKS + 16, STARTS = ARGS + 32 };
    static const struct program_header header = {
        PROGRAM_MAGIC, PROGRAM_VERSION, 512, 0, 0, TASKS, 1, STARTS, 1};
    static const struct program_task task = {.need = 1, .kernel = KERNEL_rsqrt, .args = ARGS};
    static const struct args_rsqrt args = {{1, 1, 0, 0}, ARGS + 16, 0};
    static const uint16_t start = PROGRAM_POST(0);

    memcpy(sram + TILE_PROGRAM_OFFSET, &header, sizeof header);
    memcpy(sram + TASKS, &task, sizeof task);
    memcpy(sram + ARGS, &args, sizeof args);
    memcpy(sram + STARTS, &start, sizeof start);
}

static void arrive(struct stand_in *s, uint16_t colour, const struct stream *words)
{
    s->arriving[colour] = words->word;
    s->arriving_words[colour] = words->count;
}

TEST(rom_loads_a_tile_as_if_directly)
{
    static struct stream image, data;
    struct stand_in mesh, direct;

    stand_in_open(&direct, "tile.bin", TILE_SRAM_BASE);
    put_program(direct.sram);
    /* in two records, the second one first */
    record(&image, 6000, direct.sram + 6000, (TILE_CODE_BYTES - 6000) / 4);
    record(&image, 0, direct.sram, 1500);
    record(&image, 0x7f4, NULL, 0); /* the offset of an end does not matter */
    record(&data, TILE_PROGRAM_OFFSET, direct.sram + TILE_PROGRAM_OFFSET, 64);
    record(&data, TILE_SRAM_BYTES - 4, direct.sram + TILE_SRAM_BYTES - 4, 1);
    record(&data, 0, NULL, 0);

    stand_in_open(&mesh, "rom.bin", TILE_ROM_BASE);
    memset(mesh.sram + TILE_DATA_OFFSET, 0xa5, TILE_DATA_BYTES + TILE_STACK_BYTES);
    arrive(&mesh, COLOUR_IMAGE, &image);
    arrive(&mesh, COLOUR_LOAD, &data);
    printf("# load of %zu words and boot: %u cycles of the core\n", image.count + data.count,
           stand_in_run(&mesh, FOREVER));
    stand_in_run(&direct, FOREVER);
    CHECK(mesh.core.waiting && direct.core.waiting);
    CHECK_EQ(mesh.fault, 0);
    CHECK_EQ(mesh.locked, 1);
    CHECK_EQ(mesh.arriving_words[COLOUR_LOAD], 0);
    for (uint32_t at = 0; at < TILE_SRAM_BYTES; at++)
        CHECK_MSG(mesh.sram[at] == direct.sram[at], "SRAM 0x%04x: %02x over the mesh, %02x direct",
                  at, mesh.sram[at], direct.sram[at]);
    CHECK(!memcmp(mesh.core.x, direct.core.x, sizeof mesh.core.x));
    CHECK(!memcmp(mesh.core.f, direct.core.f, sizeof mesh.core.f));
    stand_in_close(&mesh);
    stand_in_close(&direct);
}

/* One bad record, as the image or as data after an empty image. */
static void check_refused(uint32_t offset, uint32_t words, int as_data)
{
    static const uint32_t zeros[4096];
    struct stream *bad = calloc(1, sizeof *bad), *empty = calloc(1, sizeof *empty);
    struct stand_in s;

    record(bad, offset, zeros, words > 4096 ? 4096 : words);
    bad->word[0] = words << 16 | offset;
    record(empty, 0, NULL, 0);
    stand_in_open(&s, "rom.bin", TILE_ROM_BASE);
    arrive(&s, COLOUR_IMAGE, as_data ? empty : bad);
    arrive(&s, COLOUR_LOAD, bad);
    stand_in_run(&s, FOREVER);
    CHECK_MSG(s.fault == FAULT_LOAD, "offset 0x%x, %u words: fault 0x%x", offset, words, s.fault);
    CHECK_EQ(s.fault_info, words << 16 | offset);
    stand_in_close(&s);
    free(bad);
    free(empty);
}

TEST(rom_refuses_records_it_cannot_place)
{
    check_refused(2, 1, 0);
    check_refused(TILE_CODE_BYTES, 1, 0);
    check_refused(TILE_CODE_BYTES - 4, 2, 0);
    check_refused(0, 0xffff, 0);
    check_refused(0xfffc, 0xffff, 0);
    check_refused(0, 1, 1);
    check_refused(TILE_DATA_OFFSET, 1, 1);
    check_refused(TILE_PROGRAM_OFFSET - 4, 2, 1);
    check_refused(TILE_PROGRAM_OFFSET + 1, 1, 1);
    check_refused(TILE_SRAM_BYTES, 1, 1);
    check_refused(TILE_SRAM_BYTES - 4, 2, 1);
}

TEST(rom_image_that_traps_is_reported)
{
    static struct stream image, data;
    uint32_t nothing = 0;
    struct stand_in s;

    record(&image, 0, &nothing, 1);
    record(&image, 0, NULL, 0);
    record(&data, 0, NULL, 0);
    stand_in_open(&s, "rom.bin", TILE_ROM_BASE);
    arrive(&s, COLOUR_IMAGE, &image);
    arrive(&s, COLOUR_LOAD, &data);
    stand_in_run(&s, FOREVER);
    CHECK_EQ(s.fault, FAULT_TRAP);
    CHECK_EQ(s.fault_info, CORE_ILLEGAL);
    stand_in_close(&s);
}
