/* SPDX-License-Identifier: Apache-2.0 */
/* test_elf.c - the ELF reader: a small good file, and every way it can be broken. */
#include "harness.h"

#include "core/elf.h"

#include <stdlib.h>
#include <string.h>

/* The good file: header, two program headers, code, three section headers, symbols, names. */
enum {
    PHDR = 52,
    TEXT = PHDR + 2 * 32,
    SHDR = TEXT + 16,
    SYMBOLS = SHDR + 3 * 40,
    NAMES = SYMBOLS + 4 * 16,
    NAMES_BYTES = 24,
    FILE_BYTES = NAMES + NAMES_BYTES
};
#define BASE 0x80000000u

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v);
    put16(p + 2, v >> 16);
}

static void put_words(uint8_t *p, const uint32_t *words, size_t count)
{
    for (size_t k = 0; k < count; k++)
        put32(p + 4 * k, words[k]);
}

static void put_symbol(uint8_t *p, uint32_t name, uint32_t value, uint8_t type, uint32_t section)
{
    put32(p, name);
    put32(p + 4, value);
    p[12] = type;
    put16(p + 14, section);
}

static void good_file(uint8_t f[FILE_BYTES])
{
    /* type, machine | version | entry | phoff | shoff | flags | sizes ... */
    const uint32_t header[] = {0xf30002, 1, BASE + 4, PHDR, SHDR, 3, 0x200034, 0x280002, 0x000003};
    const uint32_t text[] = {1, TEXT, 0xdead0000, BASE, 16, 16, ELF_R | ELF_X, 4};
    const uint32_t bss[] = {1, TEXT + 8, 0xdead0000, BASE + 16, 4, 32, ELF_R | ELF_W, 4};
    const uint32_t symtab[] = {0, 2, 0, 0, SYMBOLS, 4 * 16, 2, 0, 4, 16};
    const uint32_t strtab[] = {0, 3, 0, 0, NAMES, NAMES_BYTES, 0, 0, 1, 0};
    static const uint8_t magic[7] = {0x7f, 'E', 'L', 'F', 1, 1, 1};
    static const char names[NAMES_BYTES] = "\0_start\0main\0.L1\0limit";
    memset(f, 0, FILE_BYTES);
    memcpy(f, magic, sizeof magic);
    put_words(f + 16, header, 9);
    put_words(f + PHDR, bss, 8); /* not in order of address */
    put_words(f + PHDR + 32, text, 8);
    for (unsigned k = 0; k < 16; k++)
        f[TEXT + k] = (uint8_t)(0xa0 + k);
    put_words(f + SHDR + 40, symtab, 10);
    put_words(f + SHDR + 80, strtab, 10);
    memcpy(f + NAMES, names, sizeof names);
    put_symbol(f + SYMBOLS + 16, 1, BASE + 4, 0x12, 1);
    put_symbol(f + SYMBOLS + 32, 13, BASE + 6, 0x00, 1);
    put_symbol(f + SYMBOLS + 48, 17, 0x100, 0x10, 0xfff1); /* absolute: a number, not a place */
}

TEST(elf_good_file_is_read_and_placed)
{
    uint8_t f[FILE_BYTES], memory[64];
    struct elf_image image;
    struct err e = {0};
    good_file(f);
    CHECK_EQ(elf_parse(&image, "a.elf", f, sizeof f, &e), 0);
    CHECK_EQ(image.entry, BASE + 4);
    CHECK_EQ(image.segments, 2);
    CHECK_EQ(image.segment[0].addr, BASE);
    CHECK_EQ(image.segment[0].flags, ELF_R | ELF_X);
    CHECK_EQ(image.segment[1].addr, BASE + 16);
    CHECK_EQ(image.segment[1].memory_bytes, 32);
    memset(memory, 0x55, sizeof memory);
    CHECK_EQ(elf_place(&image, "a.elf", BASE, memory, sizeof memory, &e), 0);
    CHECK_EQ(memory[15], 0xaf);
    CHECK_EQ(memory[16], 0xa8);
    CHECK_EQ(memory[19], 0xab);
    CHECK_EQ(memory[20], 0);
    CHECK_EQ(memory[47], 0);
    CHECK_EQ(memory[48], 0x55);
}

TEST(elf_symbols)
{
    uint8_t f[FILE_BYTES];
    struct elf_image image;
    uint32_t value = 0, offset = 0;
    good_file(f);
    CHECK_EQ(elf_parse(&image, "a.elf", f, sizeof f, NULL), 0);
    CHECK_EQ(elf_symbol_value(&image, "limit", &value), 0);
    CHECK_EQ(value, 0x100);
    CHECK_EQ(elf_symbol_value(&image, "main", &value), -1);
    CHECK(elf_symbol_at(&image, BASE + 3, &offset) == NULL);
    CHECK_STR(elf_symbol_at(&image, BASE + 10, &offset), "_start");
    CHECK_EQ(offset, 6);
    put32(f + SYMBOLS + 16, 0xffffffff); /* a name outside the table is no name */
    CHECK(elf_symbol_at(&image, BASE + 10, &offset) == NULL);
}

TEST(elf_without_sections_is_fine)
{
    uint8_t f[FILE_BYTES];
    struct elf_image image;
    uint32_t value;
    good_file(f);
    put32(f + 32, 0);
    CHECK_EQ(elf_parse(&image, "a.elf", f, SHDR, NULL), 0);
    CHECK_EQ(elf_symbol_value(&image, "_start", &value), -1);
}

/* One field changed, and a piece of the message that must come of it. */
struct damage {
    uint32_t at;
    unsigned bytes;
    uint32_t value;
    const char *says;
};

TEST(elf_bad_files_are_refused)
{
    static const struct damage damages[] = {
        {0, 1, 0x7e, "not an ELF file"},
        {4, 1, 2, "class 2"},
        {5, 1, 2, "byte order 2"},
        {6, 1, 0, "version"},
        {16, 2, 1, "type 1"},
        {18, 2, 62, "machine 62"},
        {20, 4, 2, "version"},
        {24, 4, BASE + 5, "is odd"},
        {24, 4, BASE + 16, "in no executable segment"},
        {24, 4, BASE - 4, "in no executable segment"},
        {28, 4, 0xffffffe0, "program headers at byte"},
        {36, 4, 5, "double precision"},
        {36, 4, 8, "RV32E"},
        {42, 2, 31, "program headers of 31"},
        {44, 2, 0xffff, "65535 program headers"},
        {44, 2, 0, "nothing to load"},
        {32, 4, 0xfffffff0, "section headers"},
        {46, 2, 0xffff, "section headers of 65535"},
        {48, 2, 0xffff, "65535 section headers"},
        {PHDR + 4, 4, FILE_BYTES - 3, "lie outside the file"},
        {PHDR + 4, 4, 0xfffffffe, "lie outside the file"},
        {PHDR + 16, 4, 33, "only 32 in memory"},
        {PHDR + 16, 4, 0xffffffff, "lie outside the file"},
        {PHDR + 20, 4, 0x80000000, "passes the end of the address space"},
        {PHDR + 12, 4, BASE + 15, "overlap"},
        {PHDR + 12, 4, BASE - 31, "overlap"},
        {PHDR + 12, 4, BASE, "overlap"},
        {SHDR + 40 + 16, 4, 0xfffffff0, "symbol table"},
        {SHDR + 40 + 20, 4, 0xffffffff, "symbol table"},
        {SHDR + 40 + 36, 4, 12, "symbol table"},
        {SHDR + 40 + 24, 4, 3, "no string table"},
        {SHDR + 40 + 24, 4, 1, "no string table"},
        {SHDR + 80 + 16, 4, FILE_BYTES - 1, "string table"},
        {SHDR + 80 + 20, 4, 0, "string table"},
        {SHDR + 80 + 20, 4, NAMES_BYTES - 2, "has no end"},
    };
    for (size_t k = 0; k < sizeof damages / sizeof *damages; k++) {
        uint8_t f[FILE_BYTES];
        struct elf_image image;
        struct err e = {0};
        good_file(f);
        for (unsigned b = 0; b < damages[k].bytes; b++)
            f[damages[k].at + b] = (uint8_t)(damages[k].value >> 8 * b);
        CHECK_MSG(elf_parse(&image, "bad.elf", f, sizeof f, &e) == -1, "damage %zu accepted", k);
        CHECK_EQ(e.kind, ERR_INPUT);
        CHECK_MSG(!strncmp(e.text, "bad.elf: ", 9) && strstr(e.text, damages[k].says),
                  "damage %zu: \"%s\" does not say \"%s\"", k, e.text, damages[k].says);
    }
}

/* Cut anywhere, the file is refused or, if only symbols are gone, never read past its end
 * (sanitised). */
TEST(elf_truncated_anywhere)
{
    uint8_t whole[FILE_BYTES];
    good_file(whole);
    for (size_t n = 0; n < FILE_BYTES; n++) {
        uint8_t *f = malloc(n ? n : 1);
        struct elf_image image;
        struct err e = {0};
        memcpy(f, whole, n);
        CHECK_EQ(elf_parse(&image, "cut.elf", f, n, &e), -1);
        CHECK_EQ(e.kind, ERR_INPUT);
        free(f);
    }
}

TEST(elf_too_many_segments)
{
    enum { COUNT = ELF_SEGMENTS_MAX + 1, BYTES = PHDR + COUNT * 32 };
    uint8_t f[FILE_BYTES + BYTES] = {0};
    struct elf_image image;
    struct err e = {0};
    good_file(f);
    put32(f + 28, FILE_BYTES);
    put16(f + 44, COUNT);
    for (unsigned k = 0; k < COUNT; k++) {
        uint8_t *p = f + FILE_BYTES + (size_t)32 * k;
        memcpy(p, f + PHDR + 32, 32);
        put32(p + 12, BASE + 16 * k);
    }
    CHECK_EQ(elf_parse(&image, "many.elf", f, sizeof f, &e), -1);
    CHECK(strstr(e.text, "more than 16") != NULL);
}

TEST(elf_place_refuses_what_does_not_fit)
{
    static const struct {
        uint32_t base, bytes;
    } memories[] = {{BASE, 47}, {BASE + 1, 64}, {BASE + 48, 64}, {0, 4096}};
    uint8_t f[FILE_BYTES], memory[4096];
    struct elf_image image;
    good_file(f);
    CHECK_EQ(elf_parse(&image, "a.elf", f, sizeof f, NULL), 0);
    for (size_t k = 0; k < sizeof memories / sizeof *memories; k++) {
        struct err e = {0};
        memset(memory, 0x55, sizeof memory);
        CHECK_EQ(elf_place(&image, "a.elf", memories[k].base, memory, memories[k].bytes, &e), -1);
        CHECK_EQ(e.kind, ERR_INPUT);
        CHECK(strstr(e.text, "a.elf: the segment 0x8000") != NULL);
        for (size_t b = 0; b < sizeof memory; b++)
            CHECK_EQ(memory[b], 0x55);
    }
}

TEST(elf_open_names_the_file)
{
    struct elf_image image;
    struct err e = {0};
    CHECK_EQ(elf_open(&image, "tests/no-such.elf", &e), -1);
    CHECK_EQ(e.kind, ERR_INPUT);
    CHECK(!strncmp(e.text, "tests/no-such.elf: ", 19));
    struct err dir = {0};
    CHECK_EQ(elf_open(&image, "tests", &dir), -1);
    CHECK_EQ(dir.kind, ERR_INPUT);
    elf_close(&image);
}
