/* SPDX-License-Identifier: Apache-2.0 */
/* boot_image.h - the firmware image to all tiles of a wafer through its mesh.
 *
 * It goes in three parts (firmware/rom/loader.c: header, words, end), each when the tiles wait for
 * it, and their own data only after it. So no word stops on its way, which takes much less of the
 * host's time (fabric/train.h). */
#ifndef TESSERA_RUN_BOOT_IMAGE_H
#define TESSERA_RUN_BOOT_IMAGE_H

#include "io/io.h"
#include "run/images.h"

struct boot_image {
    struct io *io;
    uint32_t code[TILE_CODE_BYTES / 4], words;
    uint32_t way;   /* to the last tile, cycles */
    unsigned parts; /* sent */
    uint64_t next;  /* cycle to go on in */
};

/* Before the first cycle of the wafer that `io` is attached to, of this size. */
void boot_image_open(struct boot_image *b, struct io *io, const struct images *images,
                     uint32_t tiles_across_and_down);

/* For `done` of wafer_run: sends what is to be sent in this cycle. True when the last word is in
 * all tiles. */
bool boot_image_step(struct boot_image *b, uint64_t cycle);

#endif
