/* SPDX-License-Identifier: Apache-2.0 */
/* weight_rule.c - numbers of a weight from rule, row and column (weight_rule.h). Whole words are
 * worked on at once wherever a kind allows it: a true-size layer has 17 G codes. */
#include "model/weight_rule.h"

#include "model/rule_words.h"

enum { CHUNK_WORDS = 8, CHUNK_VALUES = 4 * CHUNK_WORDS };

static const uint64_t scale_words = (uint64_t)1 << 31;

/* ---- codes of 4 and 8 bits ---- */

/* Nibbles of 0 become 8. */
static uint64_t without_minus_eight(uint64_t x)
{
    uint64_t any = x | x >> 2;
    any |= any >> 1;
    return x | (~any & 0x1111111111111111) << 3;
}

/* Bytes of 0x7f and 0xff become 0. */
static uint64_t without_nan(uint64_t x)
{
    const uint64_t low = 0x7f7f7f7f7f7f7f7f, ones = 0x0101010101010101;
    uint64_t nan = ((x & low) + ones) >> 7 & ones;
    return x & ~(nan * 0xff);
}

static uint64_t code_word(enum weight_kind kind, uint64_t state)
{
    uint64_t x = rng_mix(state);
    return kind == WEIGHT_INT4_G32 ? without_minus_eight(x) : without_nan(x);
}

/* The lowest n < 8 bytes of x. */
static void put_few(uint64_t x, uint32_t n, uint8_t *out)
{
    if (n & 4) {
        memcpy(out, &x, 4);
        out += 4;
        x >>= 32;
    }
    if (n & 2) {
        memcpy(out, &x, 2);
        out += 2;
        x >>= 16;
    }
    if (n & 1)
        *out = (uint8_t)x;
}

/* n bytes from byte `first` of the row. */
static void code_bytes(const struct weight *w, uint32_t row, uint32_t first, uint32_t n,
                       uint8_t *out)
{
    uint64_t state = rule_state(w->rule, row, first / 8);
    uint32_t skip = first % 8;
    if (skip && n) {
        uint32_t take = n < 8 - skip ? n : 8 - skip;
        put_few(code_word(w->kind, state) >> 8 * skip, take, out);
        n -= take;
        out += take;
        state += rule_step;
    }
    for (; n >= 8; n -= 8, out += 8, state += rule_step) {
        uint64_t x = code_word(w->kind, state);
        memcpy(out, &x, 8);
    }
    if (n)
        put_few(code_word(w->kind, state), n, out);
}

/* n > 0 nibbles from nibble shift / 4 of a word: 16 at a time out of two neighbours. */
static void nibble_row(uint64_t state, uint32_t shift, uint32_t n, uint8_t *out)
{
    uint64_t x = without_minus_eight(rng_mix(state));
    for (uint64_t next = 0;; n -= 16, out += 8, x = next) {
        uint64_t window = x >> shift;
        state += rule_step;
        if (4 * (uint64_t)n + shift > 64) {
            next = without_minus_eight(rng_mix(state));
            window |= shift ? next << (64 - shift) : 0;
        }
        if (n < 16)
            window &= ~(UINT64_MAX << 4 * n);
        if (n < 15) {
            put_few(window, (n + 1) / 2, out);
            return;
        }
        memcpy(out, &window, 8);
        if (n <= 16)
            return;
    }
}

void rule_int4_block(const struct weight *w, const struct weight_block *b, size_t row_bytes,
                     uint8_t *out)
{
    uint64_t state = rule_state(w->rule, b->row, b->col / 16);
    for (uint32_t i = 0; i < b->rows && b->cols; i++, state += rule_step << 32, out += row_bytes)
        nibble_row(state, 4 * (b->col % 16), b->cols, out);
}

/* ---- values of 16 bits ---- */

static float value_of(float centre, float step, uint16_t bits)
{
    return centre + step * ((float)bits - 32767.5f);
}

/* Columns 4 * j ... 4 * j + 31 of the row. */
static void value_chunk(const struct weight *w, uint32_t row, uint32_t j, float *out)
{
    uint64_t words[CHUNK_WORDS], state = rule_state(w->rule, row, j);
    uint16_t bits[CHUNK_VALUES];
    float centre = w->centre, step = w->spread * 0x1p-15f;
    for (int i = 0; i < CHUNK_WORDS; i++, state += rule_step)
        words[i] = rng_mix(state);
    memcpy(bits, words, sizeof bits);
    for (int i = 0; i < CHUNK_VALUES; i++)
        out[i] = value_of(centre, step, bits[i]);
}

/* Whole chunks even for a few columns: loops of a known length become vector instructions. */
static void put_values(const struct weight *w, uint32_t row, uint32_t first, uint32_t n,
                       uint8_t *out)
{
    size_t each = weight_code_bytes(w->kind, 1);
    float values[CHUNK_VALUES];
    uint16_t codes[CHUNK_VALUES];
    for (uint32_t take; n; n -= take, first += take, out += take * each) {
        uint32_t skip = first % 4;
        take = n < CHUNK_VALUES - skip ? n : CHUNK_VALUES - skip;
        value_chunk(w, row, first / 4, values);
        for (int i = 0; i < CHUNK_VALUES; i++)
            codes[i] = rule_bf16(values[i]);
        if (w->kind == WEIGHT_BF16)
            memcpy(out, codes + skip, take * each);
        else
            memcpy(out, values + skip, take * each);
    }
}

void rule_codes(const struct weight *w, uint32_t row, uint32_t first, uint32_t n, uint8_t *out)
{
    switch (w->kind) {
    case WEIGHT_BF16:
    case WEIGHT_F32:
        put_values(w, row, first, n, out);
        break;
    case WEIGHT_FP8_BLOCK:
        code_bytes(w, row, first, n, out);
        break;
    case WEIGHT_INT4_G32:
        code_bytes(w, row, first / 2, (n + 1) / 2, out);
        break;
    }
}

/* ---- scales ----
 * Mean squares: of the codes 17.5 (INT4) and 9933.33 (FP8), of 0.5 + [0, 1) 13/12. A unit is
 * spread over sqrt(3 * product). */

static const float int4_unit = 0.1325987f, fp8_unit = 0.00556558f;

static float scale_of(float size, uint64_t word, uint32_t i)
{
    return size * (0.5f + (float)(uint16_t)(word >> 16 * (i % 4)) * 0x1p-16f);
}

static uint64_t scale_word(const struct weight *w, uint32_t row, uint32_t i)
{
    return rng_mix(rule_state(w->rule, row, scale_words + i / 4));
}

uint16_t rule_int4_scale(const struct weight *w, uint32_t row, uint32_t group)
{
    return rule_bf16(scale_of(w->spread * int4_unit, scale_word(w, row, group), group));
}

void rule_int4_block_scales(const struct weight *w, uint32_t row, uint32_t rows, uint32_t first,
                            uint32_t count, uint8_t *out)
{
    float size = w->spread * int4_unit;

    for (uint32_t i = row; i < row + rows; i++) {
        uint64_t word = scale_word(w, i, first);
        for (uint32_t group = first; group < first + count; group++, out += 2) {
            if (group % 4 == 0 && group != first)
                word = scale_word(w, i, group);
            uint16_t scale = rule_bf16(scale_of(size, word, group));
            memcpy(out, &scale, 2);
        }
    }
}

float rule_fp8_scale(const struct weight *w, uint32_t block_row, uint32_t block_col)
{
    return scale_of(w->spread * fp8_unit, scale_word(w, block_row, block_col), block_col);
}
