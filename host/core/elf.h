/* SPDX-License-Identifier: Apache-2.0 */
/* elf.h - reads a RISC-V ELF32 executable. The file is hostile: every offset and count is checked.
 */
#ifndef TESSERA_CORE_ELF_H
#define TESSERA_CORE_ELF_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { ELF_SEGMENTS_MAX = 16, ELF_FILE_MAX = 64 << 20 };
enum { ELF_X = 1, ELF_W = 2, ELF_R = 4 }; /* flags of a segment */

/* One PT_LOAD segment with memory_bytes > 0. Bytes after file_bytes are zero. */
struct elf_segment {
    uint32_t addr; /* where it is loaded (physical address) */
    uint32_t file_bytes, memory_bytes;
    uint32_t flags;
    const uint8_t *bytes; /* [file_bytes], inside the file */
};

struct elf_image {
    uint32_t entry; /* lies in an executable segment, even */
    uint32_t flags; /* e_flags: bit 0 RVC, bits 2:1 float ABI (1 = single) */
    unsigned segments;
    struct elf_segment segment[ELF_SEGMENTS_MAX]; /* by address, none overlapping */
    /* the symbol table, if there is one; read it with the functions below */
    const uint8_t *symbols;
    uint32_t symbol_count;
    const char *names;
    uint32_t names_bytes; /* the last one is NUL */
    uint8_t *file;        /* owned by elf_open/elf_close, NULL after elf_parse */
};

/* Parse bytes[0..size); the image points into them. `name` is for messages. 0, or -1 with
 * ERR_INPUT. */
int elf_parse(struct elf_image *out, const char *name, const uint8_t *bytes, size_t size,
              struct err *e);

/* Read the file at `path` (at most ELF_FILE_MAX bytes) and parse it; close it with elf_close. */
int elf_open(struct elf_image *out, const char *path, struct err *e);
void elf_close(struct elf_image *image);

/* Copy all segments into memory[0..bytes), which the core sees at `base`, and zero what a segment
 * asks to be zero. 0, or -1 with ERR_INPUT if a segment lies outside, and then nothing was written.
 */
int elf_place(const struct elf_image *image, const char *name, uint32_t base, uint8_t *memory,
              uint32_t bytes, struct err *e);

/* The value of a global or local symbol. 0, or -1 if there is none of that name (no error text). */
int elf_symbol_value(const struct elf_image *image, const char *symbol, uint32_t *value);

/* The function or label at or next below `addr`, and the distance to it; NULL if there is none. */
const char *elf_symbol_at(const struct elf_image *image, uint32_t addr, uint32_t *offset);

#endif
