/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_translate.c - `tessera translate`: a firmware image as C, for the host's compiler. The build
 * does this with the firmware (host/core/aot.mk); cores then run the compiled image. */
#include "base/err.h"
#include "cli/verbs.h"
#include "core/aot.h"
#include "run/images.h"

#include <string.h>

static int run_translate(int argc, char **argv, struct err *e);
const struct verb verb_translate = {
    .name = "translate",
    .summary = "write a firmware image as C, which the build compiles for the fast core",
    .example = "tessera translate build/firmware/tile.elf >tile.c",
    .run = run_translate,
};

/* Where the file belongs: one that is not for the ROM is for the code region. */
static int translate(const char *path, struct err *e)
{
    struct aot_windows windows = {TILE_SRAM_BASE + TILE_CODE_BYTES,
                                  TILE_SRAM_BYTES - TILE_CODE_BYTES, TILE_SRAM_BASE,
                                  TILE_CODE_BYTES};
    uint8_t memory[TILE_CODE_BYTES] = {0};
    _Static_assert(TILE_ROM_BYTES <= TILE_CODE_BYTES, "memory holds either");
    struct image_region rom = {.base = TILE_ROM_BASE, .bytes = TILE_ROM_BYTES, .memory = memory};
    struct image_region code = {.base = TILE_SRAM_BASE, .bytes = TILE_CODE_BYTES, .memory = memory};
    struct err not_rom = {0};
    bool is_rom = images_place(path, &rom, &not_rom) == 0;
    const struct image_region *r = is_rom ? &rom : &code;
    if (!is_rom) {
        memset(memory, 0, sizeof memory);
        if (images_place(path, &code, e))
            return -1;
    }
    if (is_rom) {
        windows.rom_base = TILE_ROM_BASE;
        windows.rom_bytes = TILE_ROM_BYTES;
    }
    struct aot_cfg cfg = {.base = r->base,
                          .bytes = r->bytes,
                          .code = memory,
                          .windows = windows,
                          .entry = &r->entry,
                          .entries = 1};
    return aot_write(stdout, &cfg, e);
}

static int run_translate(int argc, char **argv, struct err *e)
{
    struct option_words words = {0};
    const struct option table[] = {
        {"", "FILE", "an ELF file for the boot ROM or the code region", OPTION_WORDS, &words, NULL},
        {0},
    };
    int result = options_parse(&verb_translate, table, argc, argv, e);
    if (result)
        return result < 0 ? -1 : 0;
    if (words.count != 1)
        return err_set(e, ERR_USAGE, "tessera translate: one FILE is needed");
    return translate(words.word[0], e);
}
