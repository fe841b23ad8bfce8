/* SPDX-License-Identifier: Apache-2.0 */
/* units.c - the chosen experts' slices on a tile that holds blocks of some experts only. On the
 * critical path of every token: everything about an expert is worked out once for both lists, and
 * what does not change lies in registers. */
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

/* What the argument block says of the experts. A block's place is counted from the one before the
 * first, and at most `limit`. */
struct experts {
    const char *mask, *prefix, *high;
    uint32_t limit, block_bytes;
};

static inline struct experts experts_of(const struct args_select_units *a, uint32_t before)
{
    uint32_t words = (a->experts + 31u) / 32, prefix = a->table + 4 * words;
    uint32_t limit = OFFSET_MAX - before;

    OPAQUE(limit); /* or `before` is kept for the fault's info */
    return (struct experts){.mask = table_at(a->table),
                            .prefix = table_at(prefix),
                            .high = table_at((prefix + 2 * words + 3) & ~3u),
                            .limit = limit,
                            .block_bytes = a->block_bytes};
}

/* A list: its descriptor in turn with the field in it, and what is stored into each. */
struct list {
    struct stream_desc *d;
    uint16_t *field;
    uint32_t weight, scale, cols;
};

static inline struct list list_of(const struct unit_list *l, uint32_t before)
{
    struct list list = {.d = hal_sram(l->desc),
                        .field = hal_sram((uint32_t)l->desc + l->field),
                        .weight = before + l->weight,
                        .scale = before + l->scale,
                        .cols = l->cols};

    OPAQUE(list.d);
    OPAQUE(list.field);
    return list;
}

/* Point a list's descriptor at a block. */
static inline void point(const struct list *l, uint32_t block, uint32_t field)
{
    uint32_t weight = block + l->weight, scale = block + l->scale;

    OPAQUE(weight); /* or block is cut to 16 bits first */
    OPAQUE(scale);
    l->d->src0 = (uint16_t)weight;
    l->d->scales = (uint16_t)scale;
    l->d->cols = (uint16_t)l->cols;
    *l->field = (uint16_t)field;
}

static inline void step(struct list *l)
{
    l->d++;
    l->field += sizeof *l->d / sizeof *l->field;
}

/* A word of a mask, from its byte on, shifted so that the bit of expert `number` - 1 is on top. */
static inline uint32_t bit_on_top(const char *mask, uint32_t byte, uint32_t number)
{
    return *(const uint32_t *)(const void *)(mask + byte) << (-number & 31);
}

/* The same numbers of both lists in one register. */
static inline uint32_t both(uint16_t first, uint16_t second)
{
    uint32_t pair = first | (uint32_t)second << 16;

    OPAQUE(pair);
    return pair;
}

void kernel_select_units(uint32_t args)
{
    const struct args_select_units *a = hal_sram(args);
    uint32_t before = (uint32_t)a->first - a->block_bytes, experts = a->experts;
    const struct experts e = experts_of(a, before);
    struct list one = list_of(&a->list[0], before), two = list_of(&a->list[1], before);
    uint32_t bases = both(a->list[0].base, a->list[1].base);
    uint32_t steps = both(a->list[0].step, a->list[1].step);
    const float *place = words(a->ids), *end = place + a->count;

    OPAQUE(place);
    for (; place != end; place++, step(&one), step(&two)) {
        uint32_t number = (uint32_t)(int32_t)*place, id = number - 1, byte = id / 32 * 4;
        TILE_CHECK(id < experts, ARGUMENT, id);
        uint32_t bits = bit_on_top(e.mask, byte, number);
        if (__builtin_expect((int32_t)bits >= 0, 0)) {
            one.d->cols = two.d->cols = 0;
            continue;
        }
        OPAQUE(number); /* or both shifts are cut to 5 bits, which the instruction does */
        uint32_t high = bit_on_top(e.high, byte, number);
        uint32_t skipped = *(const uint16_t *)(const void *)(e.prefix + byte / 2);
        uint32_t block = (skipped + popcount(bits)) * e.block_bytes;
        TILE_CHECK(block <= e.limit, ARGUMENT, block + OFFSET_MAX - e.limit);
        uint32_t fields = bases + (steps & (uint32_t)((int32_t)high >> 31));
        OPAQUE(fields);
        point(&one, block, fields);
        point(&two, block, fields >> 16);
    }
}
