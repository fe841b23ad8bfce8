/* SPDX-License-Identifier: Apache-2.0 */
/* units.c - the chosen experts' slices on a tile that holds blocks of some experts only. On the
 * critical path of every token: what does not change lies in registers. */
#include "firmware/fault.h"
#include "firmware/kernels/kernels.h"
#include "firmware/kernels/words.h"
#include "hal/stream.h"

enum { THIS_FILE = FAULT_FILE_UNITS_C };

void kernel_select_units(uint32_t args)
{
    const struct args_select_units *a = hal_sram(args);
    struct stream_desc *d = hal_sram(a->desc);
    uint16_t *field = hal_sram((uint32_t)a->desc + a->field);
    const float *place = words(a->ids), *end = place + a->count;
    const uint8_t *table = hal_sram(a->table);
    uint32_t experts = a->experts, bytes = a->block_bytes, base = a->base, step = a->step;
    uint32_t weight = a->weight, scale = a->scale, cols = a->cols;

    OPAQUE(table); /* known to begin with that of SRAM, it would be added up again for each slot */
    for (; place != end; place++, d++, field += sizeof *d / sizeof *field) {
        uint32_t id = (uint32_t)(int32_t)*place - 1;
        TILE_CHECK(id < experts, ARGUMENT, id);
        uint32_t entry = table[id];
        if (__builtin_expect(entry == UNIT_NONE, 0)) {
            d->cols = 0;
            continue;
        }
        uint32_t block = (id - (entry & (UNIT_HIGH - 1))) * bytes;
        uint32_t src0 = weight + block, scales = scale + block;
        OPAQUE(src0); /* or block is cut to 16 bits first */
        OPAQUE(scales);
        d->src0 = (uint16_t)src0;
        d->scales = (uint16_t)scales;
        d->cols = (uint16_t)cols;
        *field = (uint16_t)(base + entry / UNIT_HIGH * step);
    }
}
