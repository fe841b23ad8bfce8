/* SPDX-License-Identifier: Apache-2.0 */
/* tool_sram.c - every tile's SRAM after loading over the fabric and after loading directly:
 * tool_sram MODEL FIRMWARE_DIR. Exit code 0 when all are equal, byte for byte; 1 names the first
 * difference. */
#include "run/session.h"

#include <string.h>

static int differ(struct session *a, struct session *b)
{
    static uint8_t one[TILE_SRAM_BYTES], other[TILE_SRAM_BYTES];
    const struct plan *p = session_plan(a);
    for (uint32_t y = 0; y < p->height; y++) {
        for (uint32_t x = 0; x < p->width; x++) {
            wafer_read(session_wafer(a, 0), x, y, one);
            wafer_read(session_wafer(b, 0), x, y, other);
            for (uint32_t i = 0; i < TILE_SRAM_BYTES; i++) {
                if (one[i] != other[i]) {
                    (void)printf("tile (%u,%u) byte 0x%x: %02x over the fabric, %02x directly\n", x,
                                 y, i, one[i], other[i]);
                    return 1;
                }
            }
        }
    }
    (void)printf("%u x %u tiles hold the same %u bytes each\n", p->width, p->height,
                 TILE_SRAM_BYTES);
    return 0;
}

int main(int argc, char **argv)
{
    static struct images images;
    struct err e = {0};
    struct machine k;
    struct checkpoint *ck = NULL;
    struct session *fabric = NULL, *direct = NULL;
    int result = 2;
    if (argc != 3)
        (void)err_set(&e, ERR_USAGE, "usage: tool_sram MODEL FIRMWARE_DIR");
    else if (!machine_read(&k, "small", &e) && !images_load(&images, argv[2], &e) &&
             !checkpoint_open(&ck, argv[1], &e)) {
        struct session_cfg cfg = {.place = {.checkpoint = ck, .machine = &k, .context = 64},
                                  .images = &images};
        int opened = session_open(&fabric, &cfg, &e);
        cfg.load_direct = true;
        if (!opened && !session_open(&direct, &cfg, &e))
            result = differ(fabric, direct);
    }
    if (e.kind != ERR_OK)
        (void)fprintf(stderr, "tool_sram: %s\n", e.text);
    session_close(fabric);
    session_close(direct);
    checkpoint_close(ck);
    return result;
}
