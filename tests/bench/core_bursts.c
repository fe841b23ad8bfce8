/* SPDX-License-Identifier: Apache-2.0 */
/* core_bursts.c - benchmark "bursts": what a tile's core does between two waits, about fifty
 * instructions of looking things up and counting, then one access to a tile register. */
#include "core.h"

#include "hal/mmio.h"
#include "hal/tile_map.h"

enum { ROWS = 16, COUNTS = 8 };

struct row {
    uint8_t need, have;
    uint16_t next;
    uint32_t sum;
};

static struct row row[ROWS];

uint32_t program(uint32_t rounds)
{
    uint32_t seed = 1, at = 0;

    for (uint32_t i = 0; i < ROWS; i++)
        row[i] = (struct row){(uint8_t)(3 + i), 0, (uint16_t)(i * 5 + 1), i};
    while (rounds--) {
        for (uint32_t k = 0; k < 3; k++) {
            struct row *r = &row[at % ROWS];
            seed = bench_next(seed);
            r->sum += seed >> 7;
            if (++r->have == r->need) {
                r->have = 0;
                at = r->next;
            } else {
                at += seed >> 28;
            }
        }
        mmio_write(REG_TASK, at);
    }
    return seed ^ row[3].sum;
}
