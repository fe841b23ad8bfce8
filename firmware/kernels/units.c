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

/* Two numbers of an entry in one load, the first one below. */
static inline uint32_t pair(const uint16_t *first)
{
    uint32_t both;

    __builtin_memcpy(&both, __builtin_assume_aligned(first, 4), 4);
    return both;
}

/* An expert, and the mask with its bit on top and those of the experts below it behind. */
struct expert {
    uint32_t id, bits;
};

/* Point the descriptors of one slot at its expert's block; returns the entry behind them. */
static inline const struct select_unit *point(const struct select_unit *u,
                                              const struct select_unit *end, struct expert chosen,
                                              const struct experts *e)
{
    uint32_t word = chosen.id / 32, slot = u->slot;
    uint32_t block = e->before + (e->prefix[word] + popcount(chosen.bits)) * e->block_bytes;
    uint32_t high = (uint32_t)((int32_t)(e->high[word] << (~chosen.id & 31)) >> 31);

    TILE_CHECK(block <= OFFSET_MAX, ARGUMENT, block);
    do {
        struct stream_desc *d = hal_sram(u->desc);
        uint32_t weight_scale = pair(&u->weight), cols_field = pair(&u->cols);
        uint32_t base_step = pair(&u->base), field = cols_field >> 16;
        uint32_t weight = block + weight_scale, scale = block + (weight_scale >> 16);
        OPAQUE(weight); /* or block is cut to 16 bits first */
        OPAQUE(scale);
        d->src0 = (uint16_t)weight;
        d->scales = (uint16_t)scale;
        d->cols = (uint16_t)cols_field;
        if (field)
            *(uint16_t *)hal_sram(u->desc + field) =
                (uint16_t)(base_step + (base_step >> 16 & high));
    } while (++u != end && u->slot == slot);
    return u;
}

static inline const struct select_unit *switch_off(const struct select_unit *u,
                                                   const struct select_unit *end)
{
    uint32_t slot = u->slot;

    do {
        struct stream_desc *d = hal_sram(u->desc);
        d->cols = 0;
    } while (++u != end && u->slot == slot);
    return u;
}

void kernel_select_units(uint32_t args)
{
    const struct args_select_units *a = hal_sram(args);
    const struct select_unit *u = hal_sram(a->entries), *end = u + a->entry_count;
    const uint32_t *ids = table_at(a->ids);
    const struct experts e = experts_of(a);
    uint32_t slots = a->count, experts = a->experts;

    while (u != end) {
        uint32_t slot = u->slot;
        struct expert chosen;
        TILE_CHECK(slot < slots, ARGUMENT, slot);
        chosen.id = ids[slot];
        TILE_CHECK(chosen.id < experts, ARGUMENT, chosen.id);
        chosen.bits = e.mask[chosen.id / 32] << (~chosen.id & 31);
        if (__builtin_expect((int32_t)chosen.bits < 0, 1))
            u = point(u, end, chosen, &e);
        else
            u = switch_off(u, end);
    }
}
