/* SPDX-License-Identifier: Apache-2.0 */
/* weight.c - decoding of stored weights; those that follow a rule take the same way. */
#include "model/weight.h"

#include "model/safetensors.h"
#include "model/weight_rule.h"

#include <assert.h>

enum { NIBBLE_ZERO = 8, CHUNK = 256 };

static float f32_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

float bf16_to_f32(uint16_t bits)
{
    return f32_of_bits((uint32_t)bits << 16);
}

uint16_t bf16_from_f32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40); /* a NaN must not round to infinity */
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float fp8_to_f32(uint8_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x80) << 24, exponent = bits >> 3 & 15, mantissa = bits & 7;
    if ((bits & 0x7f) == 0x7f)
        return f32_of_bits(sign | 0x7fc00000);
    if (exponent == 0)
        return (sign ? -0x1p-9f : 0x1p-9f) * (float)mantissa;
    return f32_of_bits(sign | (exponent + 120) << 23 | mantissa << 20);
}

const char *weight_kind_name(enum weight_kind kind)
{
    switch (kind) {
    case WEIGHT_BF16:
        return "BF16";
    case WEIGHT_F32:
        return "F32";
    case WEIGHT_FP8_BLOCK:
        return "FP8";
    case WEIGHT_INT4_G32:
        return "INT4";
    }
    return "?";
}

size_t weight_code_bytes(enum weight_kind kind, uint32_t n)
{
    switch (kind) {
    case WEIGHT_BF16:
        return 2 * (size_t)n;
    case WEIGHT_F32:
        return 4 * (size_t)n;
    case WEIGHT_FP8_BLOCK:
        return n;
    case WEIGHT_INT4_G32:
        return n / 2;
    }
    return 0;
}

/* ---- scales ---- */

static size_t blocks(uint32_t n, uint32_t block)
{
    return (n + (size_t)block - 1) / block;
}

uint16_t weight_int4_scale(const struct weight *w, uint32_t row, uint32_t group)
{
    if (w->scales)
        return load_u16((const uint8_t *)w->scales +
                        2 * ((size_t)row * (w->cols / INT4_GROUP) + group));
    return rule_int4_scale(w, row, group);
}

static float fp8_scale(const struct weight *w, uint32_t row, uint32_t col)
{
    uint32_t block_row = row / w->block_rows, block_col = col / w->block_cols;
    if (!w->scales)
        return rule_fp8_scale(w, block_row, block_col);
    size_t at = block_row * blocks(w->cols, w->block_cols) + block_col;
    return load_f32((const uint8_t *)w->scales + 4 * at);
}

uint64_t weight_bytes(const struct weight *w)
{
    uint64_t bytes = weight_code_bytes(w->kind, w->cols) * (uint64_t)w->rows;
    if (w->kind == WEIGHT_INT4_G32)
        bytes += 2 * (uint64_t)w->rows * (w->cols / INT4_GROUP);
    if (w->kind == WEIGHT_FP8_BLOCK)
        bytes += 4 * (uint64_t)blocks(w->rows, w->block_rows) * blocks(w->cols, w->block_cols);
    return bytes;
}

/* ---- decoding ---- */

/* Nibbles of one group, the first in the low half of *codes or, if `odd`, in the high one. */
static void decode_int4(const uint8_t *codes, uint32_t odd, uint32_t n, float scale, float *out)
{
    for (uint32_t i = odd; i < n + odd; i++)
        out[i - odd] = (float)((codes[i / 2] >> 4 * (i & 1) & 15) - NIBBLE_ZERO) * scale;
}

/* `codes` begins at column `first`, or the one before if that is odd and INT4. */
static void decode(const struct weight *w, const uint8_t *codes, uint32_t row, uint32_t first,
                   uint32_t n, float *out)
{
    float scale = 0.0f;
    switch (w->kind) {
    case WEIGHT_BF16:
        for (uint32_t i = 0; i < n; i++)
            out[i] = bf16_to_f32(load_u16(codes + 2 * (size_t)i));
        break;
    case WEIGHT_F32:
        memcpy(out, codes, 4 * (size_t)n);
        break;
    case WEIGHT_FP8_BLOCK:
        for (uint32_t i = 0, col = first; i < n; i++, col++) {
            if (i == 0 || col % w->block_cols == 0)
                scale = fp8_scale(w, row, col);
            out[i] = fp8_to_f32(codes[i]) * scale;
        }
        break;
    case WEIGHT_INT4_G32:
        for (uint32_t i = 0, part; i < n; i += part) {
            uint32_t col = first + i, left = INT4_GROUP - col % INT4_GROUP;
            part = n - i < left ? n - i : left;
            scale = bf16_to_f32(weight_int4_scale(w, row, col / INT4_GROUP));
            decode_int4(codes + (i + (first & 1)) / 2, col & 1, part, scale, out + i);
        }
        break;
    }
}

static const uint8_t *stored(const struct weight *w, uint32_t row, uint32_t first)
{
    return (const uint8_t *)w->data + weight_code_bytes(w->kind, w->cols) * row +
           weight_code_bytes(w->kind, first);
}

static void rule_row(const struct weight *w, uint32_t row, uint32_t first, uint32_t n, uint8_t *out)
{
    struct weight_run run = {w, 0, 1};
    rule_codes(&run, &(struct weight_block){row, 1, first, n}, &(struct weight_room){.codes = out});
}

void weight_codes(const struct weight *w, uint32_t row, uint32_t first, uint32_t n, uint8_t *out)
{
    assert(row < w->rows && first <= w->cols && n <= w->cols - first);
    assert(w->kind != WEIGHT_INT4_G32 || (first % 2 == 0 && n % 2 == 0));
    if (!w->data)
        rule_row(w, row, first, n, out);
    else if (n)
        memcpy(out, stored(w, row, first), weight_code_bytes(w->kind, n));
}

void weight_row_f32(const struct weight *w, uint32_t row, uint32_t first, uint32_t n, float *out)
{
    assert(row < w->rows && first <= w->cols && n <= w->cols - first);
    if (w->data) {
        decode(w, stored(w, row, first), row, first, n, out);
        return;
    }
    uint8_t codes[4 * CHUNK + 4];
    for (uint32_t done = 0, part; done < n; done += part) {
        uint32_t odd = (first + done) & 1; /* a nibble's byte begins at an even column */
        part = n - done < CHUNK ? n - done : CHUNK;
        uint32_t from = w->kind == WEIGHT_INT4_G32 ? odd : 0;
        rule_row(w, row, first + done - from, part + from, codes);
        decode(w, codes, row, first + done, part, out + done);
    }
}

/* ---- blocks ---- */

/* Stored nibbles from any column: from an odd one, every byte takes half of its neighbour. */
static void stored_nibbles(const struct weight *w, uint32_t row, uint32_t first, uint32_t n,
                           uint8_t *out)
{
    const uint8_t *in = stored(w, row, first);
    uint32_t bytes = (n + 1) / 2;
    for (uint32_t i = 0; i < bytes; i++) {
        uint32_t low = first & 1 ? in[i] >> 4 : in[i] & 15;
        uint32_t high = 2 * i + 1 == n ? 0 : first & 1 ? in[i + 1] & 15 : in[i] >> 4;
        out[i] = (uint8_t)(low | high << 4);
    }
}

static void stored_codes(const struct weight *w, const struct weight_block *b, size_t row_bytes,
                         uint8_t *out)
{
    for (uint32_t i = 0; i < b->rows; i++, out += row_bytes)
        if (w->kind == WEIGHT_INT4_G32)
            stored_nibbles(w, b->row + i, b->col, b->cols, out);
        else
            weight_codes(w, b->row + i, b->col, b->cols, out);
}

static void stored_scales(const struct weight *w, const struct weight_block *b, uint8_t *out)
{
    uint32_t groups = weight_block_groups(b), first = b->col / INT4_GROUP;
    for (uint32_t i = 0; i < b->rows; i++)
        for (uint32_t group = first; group < first + groups; group++, out += 2) {
            uint16_t scale = weight_int4_scale(w, b->row + i, group);
            memcpy(out, &scale, 2);
        }
}

void weight_blocks(const struct weight_run *run, const struct weight_block *b,
                   const struct weight_room *room)
{
    const struct weight *w = run->first;
    if (run->count == 0)
        return;
    assert(b->row <= w->rows && b->rows <= w->rows - b->row);
    assert(b->col <= w->cols && b->cols <= w->cols - b->col);
    if (!w->data && room->codes)
        rule_codes(run, b, room);
    if (!w->scales && room->scales)
        rule_int4_scales(run, b, room);
    for (size_t i = 0; i < run->count; i++, w += run->step) {
        if (w->data && room->codes)
            stored_codes(w, b, room->row_bytes, room->codes + i * room->each);
        if (w->scales && room->scales)
            stored_scales(w, b, room->scales + i * room->each);
    }
}

void weight_block_codes(const struct weight *w, const struct weight_block *b, size_t row_bytes,
                        uint8_t *out)
{
    struct weight_run one = {w, 0, 1};
    weight_blocks(&one, b, &(struct weight_room){.codes = out, .row_bytes = row_bytes});
}

void weight_block_scales(const struct weight *w, const struct weight_block *b, uint8_t *out)
{
    struct weight_run one = {w, 0, 1};
    weight_blocks(&one, b, &(struct weight_room){.scales = out});
}
