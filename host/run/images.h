/* SPDX-License-Identifier: Apache-2.0 */
/* images.h - the two firmware files, tile.elf and rom.elf, as the wafer wants them. */
#ifndef TESSERA_RUN_IMAGES_H
#define TESSERA_RUN_IMAGES_H

#include "base/err.h"
#include "fabric/wafer.h"

struct images {
    struct firmware firmware; /* points into the two arrays below */
    uint32_t code_bytes;      /* of code, rounded up to words */
    uint8_t rom[TILE_ROM_BYTES], code[TILE_CODE_BYTES];
    char rom_translation[4096], code_translation[4096]; /* see images_translated */
};

/* Read both files of a folder. Errors are ERR_INPUT and name the file: not an ELF for this tile, a
 * segment outside the ROM or outside the code region, no bytes at the entry. */
int images_load(struct images *out, const char *folder, struct err *e);

/* Use the translations rom.so and tile.so of this folder where they are there and fit. They are
 * programs that will be executed: the folder must be the program's own, never one from an input. */
void images_translated(struct images *i, const char *folder);

/* A stretch of tile memory that a file fills. */
struct image_region {
    uint32_t base, bytes;
    uint8_t *memory;
    uint32_t used, entry; /* end of the last byte of the file, and where it begins to run */
};

/* Read one ELF file into a region; out: used and entry. The same errors. */
int images_place(const char *path, struct image_region *r, struct err *e);

#endif
