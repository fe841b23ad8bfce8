/* SPDX-License-Identifier: Apache-2.0 */
/* block.c - cutting a block out of a checkpoint's matrix. */
#include "place/block.h"

#include <string.h>

static uint32_t even(uint32_t bytes)
{
    return (bytes + 1) & ~1u;
}

/* Sizes of the block, before it has a place. */
static struct block block_shape(enum weight_kind kind, struct slice rows, struct slice cols)
{
    struct block b = {.dot = STREAM_DOT_F32, .axpy = STREAM_AXPY_F32, .rows = rows, .cols = cols};
    switch (kind) {
    case WEIGHT_BF16:
        b.dot = STREAM_DOT_BF16;
        b.axpy = STREAM_AXPY_BF16;
        b.row_bytes = (uint16_t)(cols.count * 2);
        break;
    case WEIGHT_INT4_G32:
        b.dot = STREAM_DOT_INT4;
        b.axpy = 0;
        b.phase = (uint16_t)(cols.first % INT4_GROUP);
        b.row_bytes = (uint16_t)((cols.count + 1) / 2);
        if (cols.count)
            b.scale_row_bytes =
                (uint16_t)((b.phase + cols.count + INT4_GROUP - 1) / INT4_GROUP * 2);
        break;
    case WEIGHT_F32:
    case WEIGHT_FP8_BLOCK:
        b.row_bytes = (uint16_t)(cols.count * 4);
        break;
    }
    b.bytes = even(rows.count * b.row_bytes) + rows.count * b.scale_row_bytes;
    b.bytes = (b.bytes + 3) & ~3u;
    return b;
}

/* Columns that begin inside a byte are moved down by one nibble. */
static void fill_int4(const struct weight *w, const struct block *b, uint8_t *room)
{
    enum { CHUNK = 64 };
    uint8_t *scale_room = room + even(b->rows.count * b->row_bytes);
    uint32_t odd = b->cols.first & 1;
    for (uint32_t i = 0; i < b->rows.count; i++) {
        uint32_t row = b->rows.first + i;
        uint8_t *out = room + (size_t)i * b->row_bytes;
        for (uint32_t at = 0; at < b->row_bytes; at += CHUNK) {
            uint8_t codes[CHUNK + 1] = {0};
            uint32_t bytes = b->row_bytes - at < CHUNK ? b->row_bytes - at : CHUNK;
            uint32_t first = b->cols.first - odd + 2 * at, left = w->cols - first;
            uint32_t want = 2 * (bytes + odd) < left ? 2 * (bytes + odd) : left;
            weight_codes(w, row, first, want, codes);
            for (uint32_t j = 0; j < bytes; j++)
                out[at + j] = (uint8_t)(odd ? codes[j] >> 4 | codes[j + 1] << 4 : codes[j]);
        }
        for (uint32_t g = 0; g < b->scale_row_bytes / 2u; g++) {
            uint16_t scale = weight_int4_scale(w, row, b->cols.first / INT4_GROUP + g);
            memcpy(scale_room + (size_t)i * b->scale_row_bytes + 2 * (size_t)g, &scale, 2);
        }
    }
}

static void fill(const struct weight *w, const struct block *b, uint8_t *room)
{
    if (b->cols.count == 0)
        return;
    if (b->dot == STREAM_DOT_INT4) {
        fill_int4(w, b, room);
        return;
    }
    for (uint32_t i = 0; i < b->rows.count; i++) {
        uint8_t *out = room + (size_t)i * b->row_bytes;
        if (b->dot == STREAM_DOT_BF16)
            weight_codes(w, b->rows.first + i, b->cols.first, b->cols.count, out);
        else
            weight_row_f32(w, b->rows.first + i, b->cols.first, b->cols.count,
                           (float *)(void *)out);
    }
}

static struct block place(struct image *m, const struct weight *w, struct block b)
{
    uint8_t *room = image_room(m, PART_WEIGHTS, b.bytes, &b.at);
    b.scales = (uint16_t)(b.at + even(b.rows.count * b.row_bytes));
    if (room)
        fill(w, &b, room);
    return b;
}

struct block block_place(struct image *m, const struct weight *w, struct slice rows,
                         struct slice cols)
{
    return place(m, w, block_shape(w->kind, rows, cols));
}

struct block block_place_axpy(struct image *m, const struct weight *w, struct slice rows,
                              struct slice cols)
{
    return place(m, w, block_shape(w->kind == WEIGHT_INT4_G32 ? WEIGHT_F32 : w->kind, rows, cols));
}

struct block block_place_experts(struct image *m, const struct checkpoint *ck,
                                 enum weight_role role, uint32_t layer, uint32_t count,
                                 struct slice rows, struct slice cols)
{
    struct weight w;
    checkpoint_weight(ck, role, layer, 0, &w);
    struct block b = block_shape(w.kind, rows, cols);
    uint8_t *room = image_room(m, PART_WEIGHTS, b.bytes * count, &b.at);
    b.scales = (uint16_t)(b.at + even(b.rows.count * b.row_bytes));
    for (uint32_t e = 0; room && e < count; e++) {
        checkpoint_weight(ck, role, layer, e, &w);
        fill(&w, &b, room + (size_t)e * b.bytes);
    }
    return b;
}

uint16_t block_product(struct image *m, const struct block *b, uint16_t dst, uint16_t src,
                       bool accumulate)
{
    if (b->rows.count == 0 || b->cols.count == 0)
        return 0;
    return image_step(m, (struct stream_desc){.op = b->dot,
                                              .flags = accumulate ? STREAM_ACCUMULATE : 0,
                                              .count = (uint16_t)b->rows.count,
                                              .dst = dst,
                                              .src0 = b->at,
                                              .src1 = src,
                                              .cols = (uint16_t)b->cols.count,
                                              .row_bytes = b->row_bytes,
                                              .scales = b->scales,
                                              .scale_row_bytes = b->scale_row_bytes,
                                              .phase = b->phase});
}

uint16_t block_vector(struct image *m, const struct weight *w, struct slice part)
{
    uint16_t at;
    uint8_t *room = image_room(m, PART_WEIGHTS, part.count * 4, &at);
    if (room && part.count)
        weight_row_f32(w, 0, part.first, part.count, (float *)(void *)room);
    return at;
}
