/* SPDX-License-Identifier: Apache-2.0 */
/* elf.c - the ELF32 reader. All offsets are checked in 64 bits against the file before a byte is
 * read. */
#include "core/elf.h"

#include "base/xalloc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sizes and values of the format. */
enum {
    HEADER_BYTES = 52,
    PROGRAM_BYTES = 32,
    SECTION_BYTES = 40,
    SYMBOL_BYTES = 16,
    TYPE_EXECUTABLE = 2,
    MACHINE_RISCV = 243,
    PROGRAM_LOAD = 1,
    SECTION_SYMBOLS = 2,
    SECTION_STRINGS = 3,
    SYMBOL_NOTYPE = 0,
    SYMBOL_FUNCTION = 2,
    SYMBOL_UNDEFINED = 0,
    SYMBOL_RESERVED = 0xff00, /* section indices from here on name no section */
    FLAG_FLOAT_ABI = 6,
    FLAG_FLOAT_SINGLE = 2,
    FLAG_RVE = 8
};

/* The file being read, for messages and bounds. */
struct reader {
    const char *name;
    const uint8_t *bytes;
    size_t size;
    struct err *e;
};

static uint32_t get16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | get16(p + 2) << 16;
}

static bool inside(const struct reader *r, uint64_t offset, uint64_t bytes)
{
    return offset <= r->size && bytes <= r->size - offset;
}

static int check_header(const struct reader *r)
{
    const uint8_t *h = r->bytes;
    if (r->size < HEADER_BYTES)
        return err_input(r->e, "%s: %zu bytes are too few for an ELF header", r->name, r->size);
    if (memcmp(h, "\177ELF", 4) != 0)
        return err_input(r->e, "%s: not an ELF file", r->name);
    if (h[4] != 1)
        return err_input(r->e, "%s: ELF class %u, need 32-bit (1)", r->name, h[4]);
    if (h[5] != 1)
        return err_input(r->e, "%s: ELF byte order %u, need little-endian (1)", r->name, h[5]);
    if (get16(h + 16) != TYPE_EXECUTABLE)
        return err_input(r->e, "%s: ELF type %u, need an executable (2)", r->name, get16(h + 16));
    if (get16(h + 18) != MACHINE_RISCV)
        return err_input(r->e, "%s: ELF machine %u, need RISC-V (243)", r->name, get16(h + 18));
    if (h[6] != 1 || get32(h + 20) != 1)
        return err_input(r->e, "%s: unknown ELF version", r->name);
    uint32_t flags = get32(h + 36);
    if ((flags & FLAG_FLOAT_ABI) > FLAG_FLOAT_SINGLE || flags & FLAG_RVE)
        return err_input(r->e, "%s: ELF flags 0x%x ask for double precision or RV32E", r->name,
                         flags);
    return 0;
}

static int read_segment(const struct reader *r, unsigned number, struct elf_segment *s)
{
    const uint8_t *p = r->bytes + get32(r->bytes + 28) + (size_t)number * PROGRAM_BYTES;
    uint32_t offset = get32(p + 4);
    *s = (struct elf_segment){.addr = get32(p + 12),
                              .file_bytes = get32(p + 16),
                              .memory_bytes = get32(p + 20),
                              .flags = get32(p + 24) & (ELF_X | ELF_W | ELF_R)};
    if (!inside(r, offset, s->file_bytes))
        return err_input(r->e, "%s: segment %u: bytes %u+%u lie outside the file", r->name, number,
                         offset, s->file_bytes);
    if (s->file_bytes > s->memory_bytes)
        return err_input(r->e, "%s: segment %u: %u bytes in the file, but only %u in memory",
                         r->name, number, s->file_bytes, s->memory_bytes);
    if ((uint64_t)s->addr + s->memory_bytes > UINT64_C(1) << 32)
        return err_input(r->e, "%s: segment %u: 0x%x+%u passes the end of the address space",
                         r->name, number, s->addr, s->memory_bytes);
    s->bytes = r->bytes + offset;
    return 0;
}

/* Insert by address; refuse overlap. */
static int add_segment(const struct reader *r, struct elf_image *out, struct elf_segment s)
{
    if (out->segments == ELF_SEGMENTS_MAX)
        return err_input(r->e, "%s: more than %d loaded segments", r->name, ELF_SEGMENTS_MAX);
    unsigned at = out->segments;
    while (at > 0 && out->segment[at - 1].addr > s.addr) {
        out->segment[at] = out->segment[at - 1];
        at--;
    }
    out->segment[at] = s;
    out->segments++;
    for (unsigned k = at ? at : 1; k <= at + 1 && k < out->segments; k++) {
        const struct elf_segment *low = &out->segment[k - 1], *high = &out->segment[k];
        if (high->addr - low->addr < low->memory_bytes)
            return err_input(r->e, "%s: the segments at 0x%x and 0x%x overlap", r->name, low->addr,
                             high->addr);
    }
    return 0;
}

static int read_segments(const struct reader *r, struct elf_image *out)
{
    uint32_t offset = get32(r->bytes + 28), size = get16(r->bytes + 42);
    uint32_t count = get16(r->bytes + 44);
    if (count && size != PROGRAM_BYTES)
        return err_input(r->e, "%s: program headers of %u bytes, need %d", r->name, size,
                         PROGRAM_BYTES);
    if (!inside(r, offset, (uint64_t)count * PROGRAM_BYTES))
        return err_input(r->e, "%s: %u program headers at byte %u lie outside the file", r->name,
                         count, offset);
    for (unsigned k = 0; k < count; k++) {
        const uint8_t *p = r->bytes + offset + (size_t)k * PROGRAM_BYTES;
        struct elf_segment s;
        if (get32(p) != PROGRAM_LOAD || get32(p + 20) == 0)
            continue;
        if (read_segment(r, k, &s) || add_segment(r, out, s))
            return -1;
    }
    if (!out->segments)
        return err_input(r->e, "%s: nothing to load", r->name);
    return 0;
}

static int check_entry(const struct reader *r, const struct elf_image *image)
{
    if (image->entry & 1)
        return err_input(r->e, "%s: the entry 0x%x is odd", r->name, image->entry);
    for (unsigned k = 0; k < image->segments; k++) {
        const struct elf_segment *s = &image->segment[k];
        if (s->flags & ELF_X && image->entry - s->addr < s->memory_bytes)
            return 0;
    }
    return err_input(r->e, "%s: the entry 0x%x is in no executable segment", r->name, image->entry);
}

/* The section header `number` of a table that was checked to lie in the file. */
static const uint8_t *section(const struct reader *r, uint32_t number)
{
    return r->bytes + get32(r->bytes + 32) + (size_t)number * SECTION_BYTES;
}

static int read_symbol_section(const struct reader *r, const uint8_t *symbols, uint32_t sections,
                               struct elf_image *out)
{
    uint32_t offset = get32(symbols + 16), bytes = get32(symbols + 20), link = get32(symbols + 24);
    if (get32(symbols + 36) != SYMBOL_BYTES || !inside(r, offset, bytes))
        return err_input(r->e,
                         "%s: the symbol table at %u+%u lies outside the file or is malformed",
                         r->name, offset, bytes);
    if (link >= sections || get32(section(r, link) + 4) != SECTION_STRINGS)
        return err_input(r->e, "%s: the symbol table has no string table", r->name);
    uint32_t names = get32(section(r, link) + 16), names_bytes = get32(section(r, link) + 20);
    if (!inside(r, names, names_bytes) || !names_bytes || r->bytes[names + names_bytes - 1] != 0)
        return err_input(r->e, "%s: the string table at %u+%u lies outside the file or has no end",
                         r->name, names, names_bytes);
    out->symbols = r->bytes + offset;
    out->symbol_count = bytes / SYMBOL_BYTES;
    out->names = (const char *)r->bytes + names;
    out->names_bytes = names_bytes;
    return 0;
}

/* A stripped file has no symbols and that is fine; a broken table is not. */
static int read_symbols(const struct reader *r, struct elf_image *out)
{
    uint32_t offset = get32(r->bytes + 32), size = get16(r->bytes + 46);
    uint32_t count = get16(r->bytes + 48);
    if (!offset || !count)
        return 0;
    if (size != SECTION_BYTES || !inside(r, offset, (uint64_t)count * SECTION_BYTES))
        return err_input(r->e, "%s: %u section headers of %u bytes at byte %u lie outside the file",
                         r->name, count, size, offset);
    for (uint32_t k = 0; k < count; k++)
        if (get32(section(r, k) + 4) == SECTION_SYMBOLS)
            return read_symbol_section(r, section(r, k), count, out);
    return 0;
}

int elf_parse(struct elf_image *out, const char *name, const uint8_t *bytes, size_t size,
              struct err *e)
{
    struct reader r = {name, bytes, size, e};
    memset(out, 0, sizeof *out);
    if (check_header(&r))
        return -1;
    out->entry = get32(bytes + 24);
    out->flags = get32(bytes + 36);
    if (read_segments(&r, out) || check_entry(&r, out))
        return -1;
    return read_symbols(&r, out);
}

/* The whole of an open file. */
static uint8_t *read_stream(FILE *f, const char *path, size_t *size, struct err *e)
{
    size_t room = 1 << 16;
    uint8_t *bytes = xcalloc(room, 1);
    *size = 0;
    for (;;) {
        *size += fread(bytes + *size, 1, room - *size, f);
        if (*size < room)
            break;
        if (room > ELF_FILE_MAX) {
            err_input(e, "%s: longer than %d bytes", path, ELF_FILE_MAX);
            free(bytes);
            return NULL;
        }
        room *= 2;
        bytes = xrealloc(bytes, room, 1);
    }
    if (ferror(f)) {
        err_input(e, "%s: cannot be read: %s", path, strerror(errno));
        free(bytes);
        return NULL;
    }
    return bytes;
}

int elf_open(struct elf_image *out, const char *path, struct err *e)
{
    memset(out, 0, sizeof *out);
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_input(e, "%s: cannot be opened: %s", path, strerror(errno));
    size_t size;
    uint8_t *bytes = read_stream(f, path, &size, e);
    (void)fclose(f); /* only read */
    if (!bytes)
        return -1;
    int result = elf_parse(out, path, bytes, size, e);
    out->file = bytes;
    if (result)
        elf_close(out);
    return result;
}

void elf_close(struct elf_image *image)
{
    free(image->file);
    memset(image, 0, sizeof *image);
}

int elf_place(const struct elf_image *image, const char *name, uint32_t base, uint8_t *memory,
              uint32_t bytes, struct err *e)
{
    for (unsigned k = 0; k < image->segments; k++) {
        const struct elf_segment *s = &image->segment[k];
        if (s->addr < base || (uint64_t)(s->addr - base) + s->memory_bytes > bytes)
            return err_input(e, "%s: the segment 0x%x+%u lies outside memory 0x%x+%u", name,
                             s->addr, s->memory_bytes, base, bytes);
    }
    for (unsigned k = 0; k < image->segments; k++) {
        const struct elf_segment *s = &image->segment[k];
        uint8_t *to = memory + (s->addr - base);
        memcpy(to, s->bytes, s->file_bytes);
        memset(to + s->file_bytes, 0, s->memory_bytes - s->file_bytes);
    }
    return 0;
}

/* The name of symbol `k`, "" if it has none or points outside. */
static const char *symbol_name(const struct elf_image *image, uint32_t k)
{
    uint32_t at = get32(image->symbols + (size_t)k * SYMBOL_BYTES);
    return at < image->names_bytes ? image->names + at : "";
}

int elf_symbol_value(const struct elf_image *image, const char *symbol, uint32_t *value)
{
    for (uint32_t k = 0; k < image->symbol_count; k++) {
        const uint8_t *s = image->symbols + (size_t)k * SYMBOL_BYTES;
        if (get16(s + 14) == SYMBOL_UNDEFINED || strcmp(symbol_name(image, k), symbol) != 0)
            continue;
        *value = get32(s + 4);
        return 0;
    }
    return -1;
}

/* Functions and labels in a section, without the assembler's own ("$x", ".L1"). */
static bool names_code(const struct elf_image *image, uint32_t k)
{
    const uint8_t *s = image->symbols + (size_t)k * SYMBOL_BYTES;
    uint32_t type = s[12] & 15, section_index = get16(s + 14);
    const char *name = symbol_name(image, k);
    return (type == SYMBOL_FUNCTION || type == SYMBOL_NOTYPE) &&
           section_index != SYMBOL_UNDEFINED && section_index < SYMBOL_RESERVED && *name &&
           *name != '$' && *name != '.';
}

const char *elf_symbol_at(const struct elf_image *image, uint32_t addr, uint32_t *offset)
{
    const char *best = NULL;
    bool best_function = false;
    for (uint32_t k = 0; k < image->symbol_count; k++) {
        const uint8_t *s = image->symbols + (size_t)k * SYMBOL_BYTES;
        uint32_t value = get32(s + 4);
        bool function = (s[12] & 15) == SYMBOL_FUNCTION;
        if (value > addr || !names_code(image, k))
            continue;
        if (best && (addr - value > *offset || (addr - value == *offset && best_function)))
            continue;
        best = symbol_name(image, k);
        best_function = function;
        *offset = addr - value;
    }
    return best;
}
