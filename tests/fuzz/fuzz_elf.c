/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_elf.c - the ELF reader: what it accepts can be placed, looked up and decoded without
 * surprises. */
#include "fuzz.h"

#include "core/code.h"
#include "core/elf.h"

#include <string.h>

enum { MEMORY_BYTES = 1 << 16 };
#define BASE 0x80000000u

static void check_image(const struct elf_image *image, const uint8_t *p, size_t n)
{
    FUZZ_CHECK(image->segments >= 1 && image->segments <= ELF_SEGMENTS_MAX);
    FUZZ_CHECK(!(image->entry & 1));
    uint64_t end = 0;
    for (unsigned k = 0; k < image->segments; k++) {
        const struct elf_segment *s = &image->segment[k];
        FUZZ_CHECK(s->addr >= end && s->file_bytes <= s->memory_bytes);
        end = (uint64_t)s->addr + s->memory_bytes;
        FUZZ_CHECK(end <= UINT64_C(1) << 32);
        FUZZ_CHECK(s->bytes >= p && (size_t)(s->bytes - p) + s->file_bytes <= n);
        for (uint32_t at = 0; s->flags & ELF_X && at + 4 <= s->file_bytes && at < 512; at += 2) {
            char text[64];
            uint32_t w;
            memcpy(&w, s->bytes + at, sizeof w);
            struct core_insn i = core_decode(w);
            core_disasm(text, sizeof text, &i, s->addr + at);
            FUZZ_CHECK(i.op < CORE_OPS && strlen(text) > 1);
        }
    }
}

void fuzz_one(const uint8_t *p, size_t n)
{
    static uint8_t memory[MEMORY_BYTES];
    struct elf_image image;
    struct err e = {0};
    if (elf_parse(&image, "fuzz", p, n, &e)) {
        FUZZ_CHECK(e.kind == ERR_INPUT && !strncmp(e.text, "fuzz: ", 6));
        return;
    }
    check_image(&image, p, n);
    uint32_t value = 0, offset = 0;
    if (elf_place(&image, "fuzz", BASE, memory, sizeof memory, &e))
        FUZZ_CHECK(e.kind == ERR_INPUT && !strncmp(e.text, "fuzz: ", 6));
    const char *name = elf_symbol_at(&image, image.entry, &offset);
    FUZZ_CHECK(!name || offset <= image.entry);
    FUZZ_CHECK(!name || elf_symbol_value(&image, name, &value) == 0);
}

const char *fuzz_seed(size_t i, size_t *n)
{
    /* header; one program header at 52; two section headers at 84; a symbol at 164; names at 180;
     * code */
    static const char seed[] =
        "\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\xf3\0\1\0\0\0\2\0\0\x80\x34\0\0\0\x54\0\0\0\3\0\0\0"
        "\x34\0\x20\0"
        "\1\0\x28\0\2\0\0\0"
        "\1\0\0\0\xb8\0\0\0\0\0\0\x80\0\0\0\x80\x0c\0\0\0\x20\0\0\0\7\0\0\0\4\0\0\0"
        "\0\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\xa4\0\0\0\x10\0\0\0\1\0\0\0\0\0\0\0\4\0\0\0\x10\0\0\0"
        "\0\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\xb4\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
        "\1\0\0\0\2\0\0\x80\0\0\0\0\2\0\1\0"
        "\0ab\0"
        "\1\0\x13\5\xf0\xff\x73\0\x10\0\2\x90";
    if (i)
        return NULL;
    *n = sizeof seed - 1;
    return seed;
}
