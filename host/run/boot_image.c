/* SPDX-License-Identifier: Apache-2.0 */
/* boot_image.c - the image in parts, and the waits between them. */
#include "run/boot_image.h"

#include "hal/fabric.h"

#include <string.h>

/* More than the boot ROM takes from a header to the descriptor of its words, or from the last word
 * to that of the next header; less than from reset to the first. */
enum { ROM_CYCLES = 50, PARTS = 3 };

static const struct edge_port corner = {PORT_WEST, 0};

void boot_image_open(struct boot_image *b, struct io *io, const struct images *images,
                     uint32_t tiles_across_and_down)
{
    *b = (struct boot_image){
        .io = io, .words = images->code_bytes / 4, .way = tiles_across_and_down};
    memcpy(b->code, images->code, images->code_bytes);
}

/* What is sent some cycles later enters so much later. */
static void send(struct boot_image *b, uint64_t cycle)
{
    uint32_t header = b->words << 16, end = 0, n = b->parts == 1 ? b->words : 1;
    const uint32_t *const part[PARTS] = {&header, b->code, &end};
    io_send(b->io, corner, COLOUR_IMAGE, part[b->parts++], n, 0);
    b->next = cycle + n + ROM_CYCLES;
}

bool boot_image_step(struct boot_image *b, uint64_t cycle)
{
    if (b->parts < PARTS) {
        if (cycle >= b->next)
            send(b, cycle);
        return false;
    }
    if (io_pending(b->io, corner))
        b->next = cycle + b->way;
    return cycle >= b->next;
}
