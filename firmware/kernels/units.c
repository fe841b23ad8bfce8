/* SPDX-License-Identifier: Apache-2.0 */
/* units.c - the chosen experts' slices on a tile that holds blocks of some experts only. On the
 * critical path of every token: everything about an expert is worked out once, not per descriptor.
 */
#include "firmware/fault.h"
#include "firmware/kernels/kernels.h"
#include "firmware/kernels/words.h"
#include "hal/stream.h"

enum { THIS_FILE = FAULT_FILE_UNITS_C };
enum { OFFSET_MAX = 0xffff };

/* How many bits are set. A known factor would become four shifts and additions. */
static inline uint32_t popcount(uint32_t word)
{
    uint32_t ones = 0x01010101;

    OPAQUE(ones);
    word -= word >> 1 & 0x55555555;
    word = (word & 0x33333333) + (word >> 2 & 0x33333333);
    word = (word + (word >> 4)) & 0x0f0f0f0f;
    return word * ones >> 24;
}

/* A table's address. Known to begin with that of SRAM, it would be added up again for each use. */
static inline const void *table_at(uint32_t offset)
{
    const void *table = hal_sram(offset);

    OPAQUE(table);
    return table;
}

/* What the argument block says of the experts. */
struct experts {
    const uint32_t *mask, *high;
    const uint16_t *prefix;
    uint32_t before, block_bytes; /* before: where a block before the first would lie */
};

static inline struct experts experts_of(const struct args_select_units *a)
{
    uint32_t words = (a->experts + 31u) / 32, prefix = a->table + 4 * words;

    return (struct experts){.mask = table_at(a->table),
                            .prefix = table_at(prefix),
                            .high = table_at((prefix + 2 * words + 3) & ~3u),
                            .before = (uint32_t)a->first - a->block_bytes,
                            .block_bytes = a->block_bytes};
}

static inline uint32_t expert_of_place(float place)
{
    return (uint32_t)(int32_t)place - 1;
}

/* Point a descriptor at a block. */
static inline void point(const struct unit_list *l, uint32_t slot, uint32_t block, uint32_t high)
{
    struct stream_desc *d = (struct stream_desc *)hal_sram(l->desc) + slot;

    d->src0 = (uint16_t)(block + l->weight);
    d->scales = (uint16_t)(block + l->scale);
    d->cols = l->cols;
    ((uint16_t *)(void *)d)[l->field / 2] = (uint16_t)(l->base + (l->step & high));
}

void kernel_select_units(uint32_t args)
{
    const struct args_select_units *a = hal_sram(args);
    const struct experts e = experts_of(a);
    const float *place = hal_sram(a->ids);
    uint32_t experts = a->experts;

    for (uint32_t i = 0; i < a->count; i++) {
        uint32_t id = expert_of_place(place[i]), word = id / 32;
        TILE_CHECK(id < experts, ARGUMENT, id);
        uint32_t bits = e.mask[word] << (~id & 31);
        if ((int32_t)bits >= 0) {
            ((struct stream_desc *)hal_sram(a->list[0].desc))[i].cols = 0;
            ((struct stream_desc *)hal_sram(a->list[1].desc))[i].cols = 0;
            continue;
        }
        uint32_t block = e.before + (e.prefix[word] + popcount(bits)) * e.block_bytes;
        uint32_t high = (uint32_t)((int32_t)(e.high[word] << (~id & 31)) >> 31);
        TILE_CHECK(block <= OFFSET_MAX, ARGUMENT, block);
        point(&a->list[0], i, block, high);
        point(&a->list[1], i, block, high);
    }
}
