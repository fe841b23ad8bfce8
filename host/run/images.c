/* SPDX-License-Identifier: Apache-2.0 */
/* images.c - firmware files to memory images. */
#include "run/images.h"

#include "core/elf.h"

#include <stdio.h>
#include <string.h>

int images_place(const char *path, struct image_region *r, struct err *e)
{
    struct elf_image image;
    if (elf_open(&image, path, e))
        return -1;
    int result = 0;
    r->used = 0;
    r->entry = image.entry;
    for (unsigned i = 0; i < image.segments && !result; i++) {
        const struct elf_segment *s = &image.segment[i];
        uint32_t at = s->addr - r->base;
        if (s->file_bytes == 0)
            continue; /* zero data: the firmware clears its own */
        if (s->addr < r->base || at > r->bytes || s->file_bytes > r->bytes - at) {
            result = err_input(e, "%s: segment at 0x%x is outside 0x%x..0x%x", path, s->addr,
                               r->base, r->base + r->bytes);
            break;
        }
        memcpy(r->memory + at, s->bytes, s->file_bytes);
        if (at + s->file_bytes > r->used)
            r->used = at + s->file_bytes;
    }
    if (!result && (r->entry < r->base || r->entry - r->base >= r->used))
        result = err_input(e, "%s: entry 0x%x is outside the image", path, r->entry);
    elf_close(&image);
    return result;
}

int images_load(struct images *out, const char *folder, struct err *e)
{
    char path[4096];
    struct image_region rom = {.base = TILE_ROM_BASE, .bytes = sizeof out->rom, .memory = out->rom};
    struct image_region code = {
        .base = TILE_SRAM_BASE, .bytes = sizeof out->code, .memory = out->code};
    memset(out, 0, sizeof *out);
    (void)snprintf(path, sizeof path, "%s/rom.elf", folder);
    if (images_place(path, &rom, e))
        return -1;
    if (rom.entry != TILE_ROM_BASE)
        return err_input(e, "%s: entry 0x%x is not the reset address 0x%x", path, rom.entry,
                         TILE_ROM_BASE);
    (void)snprintf(path, sizeof path, "%s/tile.elf", folder);
    if (images_place(path, &code, e))
        return -1;
    out->code_bytes = (code.used + 3) & ~3u;
    out->firmware = (struct firmware){.rom = out->rom, .code = out->code, .entry = code.entry};
    return 0;
}

void images_translated(struct images *i, const char *folder)
{
    (void)snprintf(i->rom_translation, sizeof i->rom_translation, "%s/rom.so", folder);
    (void)snprintf(i->code_translation, sizeof i->code_translation, "%s/tile.so", folder);
    i->firmware.rom_translation = i->rom_translation;
    i->firmware.code_translation = i->code_translation;
}
