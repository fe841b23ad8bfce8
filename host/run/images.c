/* SPDX-License-Identifier: Apache-2.0 */
/* images.c - firmware files to memory images. */
#include "run/images.h"

#include "core/elf.h"

#include <stdio.h>
#include <string.h>

/* Place a file's segments into memory[0..bytes) at `base`; *used is the end of the last byte of the
 * file. */
static int place(const char *path, uint32_t base, uint8_t *memory, uint32_t bytes, uint32_t *used,
                 uint32_t *entry, struct err *e)
{
    struct elf_image image;
    if (elf_open(&image, path, e))
        return -1;
    int result = 0;
    *used = 0;
    *entry = image.entry;
    for (unsigned i = 0; i < image.segments && !result; i++) {
        const struct elf_segment *s = &image.segment[i];
        uint32_t at = s->addr - base;
        if (s->file_bytes == 0)
            continue; /* zero data: the firmware clears its own */
        if (s->addr < base || at > bytes || s->file_bytes > bytes - at) {
            result = err_input(e, "%s: segment at 0x%x is outside 0x%x..0x%x", path, s->addr, base,
                               base + bytes);
            break;
        }
        memcpy(memory + at, s->bytes, s->file_bytes);
        if (at + s->file_bytes > *used)
            *used = at + s->file_bytes;
    }
    if (!result && (*entry < base || *entry - base >= *used))
        result = err_input(e, "%s: entry 0x%x is outside the image", path, *entry);
    elf_close(&image);
    return result;
}

int images_load(struct images *out, const char *folder, struct err *e)
{
    char path[4096];
    uint32_t used, entry;
    memset(out, 0, sizeof *out);
    (void)snprintf(path, sizeof path, "%s/rom.elf", folder);
    if (place(path, TILE_ROM_BASE, out->rom, sizeof out->rom, &used, &entry, e))
        return -1;
    if (entry != TILE_ROM_BASE)
        return err_input(e, "%s: entry 0x%x is not the reset address 0x%x", path, entry,
                         TILE_ROM_BASE);
    (void)snprintf(path, sizeof path, "%s/tile.elf", folder);
    if (place(path, TILE_SRAM_BASE, out->code, sizeof out->code, &used, &entry, e))
        return -1;
    out->code_bytes = (used + 3) & ~3u;
    out->firmware = (struct firmware){.rom = out->rom, .code = out->code, .entry = entry};
    return 0;
}
