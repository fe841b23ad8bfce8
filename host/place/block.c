/* SPDX-License-Identifier: Apache-2.0 */
/* block.c - cutting a block out of a checkpoint's matrix. */
#include "place/block.h"

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

/* Part of a weight at `room`, rows b->row_bytes apart. */
static void fill_part(const struct weight *w, const struct block *b, struct weight_block part,
                      uint8_t *room)
{
    if (part.rows == 0 || part.cols == 0)
        return;
    if (b->dot != STREAM_DOT_F32)
        weight_block_codes(w, &part, b->row_bytes, room);
    for (uint32_t i = 0; b->dot == STREAM_DOT_F32 && i < part.rows; i++)
        weight_row_f32(w, part.row + i, part.col, part.cols,
                       (float *)(void *)(room + (size_t)i * b->row_bytes));
}

static void fill(const struct weight *w, const struct block *b, uint8_t *room)
{
    struct weight_block part = {b->rows.first, b->rows.count, b->cols.first, b->cols.count};
    fill_part(w, b, part, room);
    if (b->dot == STREAM_DOT_INT4 && part.rows && part.cols)
        weight_block_scales(w, &part, room + even(b->rows.count * b->row_bytes));
}

static uint8_t *take_room(struct image *m, struct block *b)
{
    uint8_t *room = image_room(m, PART_WEIGHTS, b->bytes, &b->at);
    b->scales = (uint16_t)(b->at + even(b->rows.count * b->row_bytes));
    return room;
}

static struct block place(struct image *m, const struct weight *w, struct block b)
{
    uint8_t *room = take_room(m, &b);
    if (room)
        fill(w, &b, room);
    return b;
}

struct block block_place(struct image *m, const struct weight *w, struct slice rows,
                         struct slice cols)
{
    return place(m, w, block_shape(w->kind, rows, cols));
}

struct slice runs_slice(const struct runs *r, uint32_t i)
{
    struct slice s = r->deal ? deal_slice(r->deal, i, r->first.first) : r->first;
    s.first += i * r->step;
    return s;
}

uint32_t runs_before(const struct runs *r, uint32_t i)
{
    uint32_t sum = 0;
    while (i-- > 0)
        sum += runs_slice(r, i).count;
    return sum;
}

/* A row of the block: what all runs of columns have of it. */
static void fill_runs(const struct weight *w, const struct block *b, struct slice rows,
                      const struct runs *cols, uint8_t *room)
{
    uint32_t each = (uint32_t)(b->dot == STREAM_DOT_F32 ? 4 : 2);
    for (uint32_t j = 0; j < cols->count; j++) {
        struct slice c = runs_slice(cols, j);
        fill_part(w, b, (struct weight_block){rows.first, rows.count, c.first, c.count}, room);
        room += (size_t)c.count * each;
    }
}

struct block block_place_runs(struct image *m, const struct weight *w, struct runs rows,
                              struct runs cols)
{
    enum weight_kind kind = w->kind == WEIGHT_INT4_G32 ? WEIGHT_F32 : w->kind;
    struct slice down = {0, runs_before(&rows, rows.count)};
    struct block b = block_shape(kind, down, (struct slice){0, runs_before(&cols, cols.count)});
    uint8_t *room = take_room(m, &b);
    for (uint32_t i = 0; room && i < rows.count; i++) {
        struct slice r = runs_slice(&rows, i);
        fill_runs(w, &b, r, &cols, room);
        room += (size_t)r.count * b.row_bytes;
    }
    return b;
}

struct block block_place_axpy(struct image *m, const struct weight *w, struct slice rows,
                              struct slice cols)
{
    return place(m, w, block_shape(w->kind == WEIGHT_INT4_G32 ? WEIGHT_F32 : w->kind, rows, cols));
}

struct block block_place_experts(struct image *m, const struct checkpoint *ck,
                                 const struct expert_matrix *all, struct slice rows,
                                 struct slice cols)
{
    struct weight w;
    checkpoint_weight(ck, all->role, all->layer, 0, &w);
    struct block b = block_shape(w.kind, rows, cols);
    uint8_t *room = image_room(m, PART_WEIGHTS, b.bytes * all->experts, &b.at);
    b.scales = (uint16_t)(b.at + even(b.rows.count * b.row_bytes));
    for (uint32_t e = 0; room && e < all->experts; e++) {
        checkpoint_weight(ck, all->role, all->layer, e, &w);
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
