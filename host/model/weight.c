/* SPDX-License-Identifier: Apache-2.0 */
/* weight.c - decoding of stored weights, and weights that follow a rule. */
#include "model/weight.h"

#include "base/rng.h"
#include "model/safetensors.h"

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

/* ---- by rule ---- */

/* 16 bits for an element: the same whatever range is asked for. */
static uint32_t rule_bits(const struct weight *w, uint32_t row, uint32_t col)
{
    uint64_t at = (uint64_t)row << 32 | col / 4;
    return (uint32_t)(rng_mix(w->rule ^ rng_mix(at + 1)) >> (16 * (col % 4))) & 0xffff;
}

static float rule_value(const struct weight *w, uint32_t bits)
{
    return w->centre + w->spread * ((float)bits * 0x1p-15f - 1.0f);
}

static void rule_codes(const struct weight *w, uint32_t row, uint32_t first, uint32_t n,
                       uint8_t *out)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t bits = rule_bits(w, row, first + i), nibble;
        float value = rule_value(w, bits);
        uint16_t rounded = bf16_from_f32(value);
        switch (w->kind) {
        case WEIGHT_BF16:
            memcpy(out + 2 * (size_t)i, &rounded, 2);
            break;
        case WEIGHT_F32:
            memcpy(out + 4 * (size_t)i, &value, 4);
            break;
        case WEIGHT_FP8_BLOCK:
            out[i] = (bits & 0x7f) == 0x7f ? 0 : (uint8_t)bits;
            break;
        case WEIGHT_INT4_G32: /* codes -7..7, as the published models have them */
            nibble = bits & 15 ? bits & 15 : NIBBLE_ZERO;
            out[i / 2] = (uint8_t)(i & 1 ? out[i / 2] | nibble << 4 : nibble);
            break;
        }
    }
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
    uint32_t bits = rule_bits(w, row, w->cols + group);
    return bf16_from_f32(w->spread / 7.0f * (0.5f + (float)bits * 0x1p-16f));
}

static float fp8_scale(const struct weight *w, uint32_t row, uint32_t col)
{
    size_t at = row / w->block_rows * blocks(w->cols, w->block_cols) + col / w->block_cols;
    return w->scales ? load_f32((const uint8_t *)w->scales + 4 * at) : w->spread / 448.0f;
}

/* ---- decoding ---- */

static float int4_value(const uint8_t *codes, uint32_t i)
{
    return (float)((codes[i / 2] >> 4 * (i & 1) & 15) - NIBBLE_ZERO);
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
        for (uint32_t i = 0, col = first; i < n; i++, col++) {
            if (i == 0 || col % INT4_GROUP == 0)
                scale = bf16_to_f32(weight_int4_scale(w, row, col / INT4_GROUP));
            out[i] = int4_value(codes, i + (first & 1)) * scale;
        }
        break;
    }
}

static const uint8_t *stored(const struct weight *w, uint32_t row, uint32_t first)
{
    return (const uint8_t *)w->data + weight_code_bytes(w->kind, w->cols) * row +
           weight_code_bytes(w->kind, first);
}

void weight_codes(const struct weight *w, uint32_t row, uint32_t first, uint32_t n, uint8_t *out)
{
    assert(row < w->rows && first <= w->cols && n <= w->cols - first);
    assert(w->kind != WEIGHT_INT4_G32 || (first % 2 == 0 && n % 2 == 0));
    if (!w->data)
        rule_codes(w, row, first, n, out);
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
        rule_codes(w, row, first + done - from, part + from, codes);
        decode(w, codes, row, first + done, part, out + done);
    }
}
