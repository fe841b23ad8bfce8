/* SPDX-License-Identifier: Apache-2.0 */
/* units.c - from the chosen experts to the blocks of them that this tile holds. */
#include "firmware/fault.h"
#include "firmware/kernels/kernels.h"
#include "hal/program.h"
#include "hal/sram.h"
#include "hal/stream.h"

#include <stdbool.h>

enum { THIS_FILE = FAULT_FILE_UNITS_C };

static uint32_t bits_set(uint32_t x)
{
    x -= x >> 1 & 0x55555555;
    x = (x & 0x33333333) + (x >> 2 & 0x33333333);
    x = (x + (x >> 4)) & 0x0f0f0f0f;
    return x * 0x01010101 >> 24;
}

struct found {
    bool held, second;
    uint32_t block;
};

static struct found find(const struct args_select_units *a, uint32_t id)
{
    uint32_t words = (a->experts + 31u) / 32, word = id / 32, bit = 1u << id % 32;
    const uint32_t *held = hal_sram(a->table), *second = held + words;
    const uint16_t *below = (const uint16_t *)(second + words);

    TILE_CHECK(id < a->experts, ARGUMENT, id);
    return (struct found){.held = (held[word] & bit) != 0,
                          .second = (second[word] & bit) != 0,
                          .block = a->first + (below[word] + bits_set(held[word] & (bit - 1))) *
                                                  a->block_bytes};
}

static void point(const struct unit_group *g, struct stream_desc *d, const struct found *f)
{
    uint16_t *field = (uint16_t *)(void *)d + g->field / 2;

    d->cols = f->held ? g->cols : 0;
    if (!f->held)
        return;
    d->src0 = (uint16_t)(f->block + g->weight);
    d->scales = (uint16_t)(f->block + g->scale);
    *field = (uint16_t)(f->second ? g->base + g->step : g->base);
}

void kernel_select_units(uint32_t args)
{
    const struct args_select_units *a = hal_sram(args);
    const struct unit_group *group = hal_sram(a->groups);
    const uint32_t *id = hal_sram(a->ids);

    for (uint32_t k = 0; k < a->group_count; k++)
        TILE_CHECK(group[k].field < sizeof(struct stream_desc) && group[k].field % 2 == 0, ARGUMENT,
                   group[k].field);
    for (uint32_t i = 0; i < a->top_k; i++) {
        struct found f = find(a, id[i]);
        for (uint32_t k = 0; k < a->group_count; k++) {
            struct stream_desc *d = hal_sram(group[k].desc);
            point(&group[k], d + i, &f);
        }
    }
}
