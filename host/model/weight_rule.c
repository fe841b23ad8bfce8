/* SPDX-License-Identifier: Apache-2.0 */
/* weight_rule.c - blocks of a weight from rule, row and column (weight_rule.h): the states of many
 * words, all of them at once to what they say (weight_words.h), and each row's share to its place.
 */
#include "model/weight_rule.h"

#include "model/rule_words.h"
#include "model/weight_words.h"

enum { BATCH = 128 /* words */, VALUES_LOG = 2, VALUES = 1 << VALUES_LOG /* of 16 bits, a word */ };

static const uint64_t scale_words = (uint64_t)1 << 31;

/* Mean squares: of the codes 17.5 (INT4) and 9933.33 (FP8), of 0.5 + [0, 1) 13/12. A unit is
 * spread over sqrt(3 * product). */
static const float int4_unit = 0.1325987f, fp8_unit = 0.00556558f;

/* The same part of some rows of each matrix: `words` words from `word` on, of which `n` columns
 * after `skip` are wanted. */
struct lines {
    const struct weight_run *run;
    uint32_t row, rows;
    uint64_t word;
    uint32_t words, skip, n;
    bool scales;
    uint8_t *out;
    size_t each, row_bytes; /* from matrix to matrix, from row to row */
};

union said {
    uint64_t words[BATCH];
    uint16_t halves[VALUES * BATCH];
    float floats[VALUES * BATCH];
    uint8_t bytes[4 * VALUES * BATCH];
};

/* ---- to their places ---- */

/* The lowest n <= 8 bytes of x. */
static void put_few(uint64_t x, uint32_t n, uint8_t *out)
{
    if (n & 8)
        memcpy(out, &x, 8);
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

/* n nibbles after `skip` < 16: 16 at a time out of two neighbours. */
static void put_nibbles(const uint64_t *x, uint32_t skip, uint32_t n, uint8_t *out)
{
    for (uint32_t take; n; n -= take, x++, out += 8) {
        uint64_t window = *x >> 4 * skip;
        take = n < 16 ? n : 16;
        if (skip + take > 16)
            window |= x[1] << (64 - 4 * skip);
        if (take < 16)
            window &= ~(UINT64_MAX << 4 * take);
        put_few(window, (take + 1) / 2, out);
    }
}

/* Most shares are short: a tile's block has few columns. */
static void put_bytes(const uint8_t *in, size_t n, uint8_t *out)
{
    if (n == 16)
        memcpy(out, in, 16);
    else if (n > 8)
        memcpy(out, in, n);
    else
        for (size_t i = 0; i + 2 <= n; i += 2)
            memcpy(out + i, in + i, 2);
    if (n < 8 && n % 2)
        out[n - 1] = in[n - 1];
}

static size_t column_bytes(const struct lines *l, uint32_t n)
{
    return l->scales ? 2 * (size_t)n : weight_code_bytes(l->run->first->kind, n);
}

/* A place among the lines. */
struct place {
    const struct weight *w;
    uint8_t *matrix; /* where the matrix goes */
    uint32_t line;
};

/* The walkers keep what a line needs in variables: bytes they write could be anything else. */
static void put_lines(const struct lines *l, struct place *p, uint32_t lines,
                      const union said *said)
{
    size_t words = l->words, word_bytes = l->run->first->kind == WEIGHT_F32 ? 16 : 8;
    size_t each = l->each, row_bytes = l->row_bytes;
    size_t skip = column_bytes(l, l->skip), bytes = column_bytes(l, l->n);
    uint32_t rows = l->rows, line = p->line, odd = l->skip % 2 | l->n % 2;
    bool nibbles = odd && l->run->first->kind == WEIGHT_INT4_G32 && !l->scales;
    uint8_t *matrix = p->matrix;
    for (uint32_t i = 0; i < lines; i++) {
        uint8_t *out = matrix + line * row_bytes;
        if (nibbles)
            put_nibbles(said->words + i * words, l->skip, l->n, out);
        else
            put_bytes(said->bytes + i * words * word_bytes + skip, bytes, out);
        if (++line == rows) {
            line = 0;
            matrix += each;
        }
    }
    p->matrix = matrix;
    p->line = line;
}

/* ---- from rules ---- */

/* Returns their number, filled up to whole steps. */
static uint32_t make_states(const struct lines *l, struct place *p, uint32_t lines,
                            uint64_t *states)
{
    const struct weight *w = p->w;
    uint64_t word = l->word;
    uint32_t words = l->words, row = l->row, rows = l->rows, line = p->line, n = 0;
    size_t step = l->run->step;
    for (uint32_t i = 0; i < lines; i++) {
        uint64_t state = rule_state(w->rule, row + line, word);
        for (uint32_t j = 0; j < words; j++, state += rule_step)
            states[n++] = state;
        if (++line == rows) {
            line = 0;
            w += step;
        }
    }
    p->w = w;
    p->line = line;
    while (n % WORDS_STEP)
        states[n++] = 0;
    return n;
}

static void say(const struct lines *l, const uint64_t *states, uint32_t n, union said *out)
{
    const struct weight *w = l->run->first;
    const struct word_loops *loops = words_widest();
    switch (w->kind) {
    case WEIGHT_BF16:
        loops->bf16(states, n, w->centre, w->spread, out->halves);
        break;
    case WEIGHT_F32:
        loops->f32(states, n, w->centre, w->spread, out->floats);
        break;
    case WEIGHT_FP8_BLOCK:
        loops->fp8(states, n, out->words);
        break;
    case WEIGHT_INT4_G32:
        if (l->scales)
            loops->scales(states, n, w->spread * int4_unit, out->halves);
        else
            loops->int4(states, n, out->words);
        break;
    }
}

static void fill_lines(const struct lines *l)
{
    uint64_t states[BATCH];
    union said said;
    struct place read = {.w = l->run->first}, write = {.matrix = l->out};
    size_t left = (size_t)l->run->count * l->rows;
    size_t at_once = left * l->words <= BATCH ? left : BATCH / l->words;
    for (uint32_t lines; left; left -= lines) {
        lines = (uint32_t)(left < at_once ? left : at_once);
        say(l, states, make_states(l, &read, lines, states), &said);
        put_lines(l, &write, lines, &said);
    }
}

/* Columns first .. first + n - 1, 2^log to a word. Pieces are as long as whole words, one less than
 * fit: all begin alike within a word, and at a byte. */
static void fill_columns(struct lines *l, uint32_t first, uint32_t n, uint32_t log)
{
    const uint32_t most = (BATCH - 1) << log, last = (1U << log) - 1;
    uint64_t base = l->scales ? scale_words : 0;
    l->skip = first & last;
    for (uint32_t done = 0; done < n; done += l->n) {
        l->n = n - done < most ? n - done : most;
        l->word = base + ((first + done) >> log);
        l->words = (l->skip + l->n + last) >> log;
        fill_lines(l);
        l->out += column_bytes(l, l->n);
    }
}

void rule_codes(const struct weight_run *run, const struct weight_block *b,
                const struct weight_room *room)
{
    static const uint8_t log[] = {[WEIGHT_BF16] = VALUES_LOG,
                                  [WEIGHT_F32] = VALUES_LOG,
                                  [WEIGHT_FP8_BLOCK] = 3,
                                  [WEIGHT_INT4_G32] = 4};
    struct lines l = {.run = run,
                      .row = b->row,
                      .rows = b->rows,
                      .out = room->codes,
                      .each = room->each,
                      .row_bytes = room->row_bytes};
    fill_columns(&l, b->col, b->cols, log[run->first->kind]);
}

/* ---- scales ---- */

static float scale_of(const struct weight *w, float unit, uint32_t row, uint32_t i)
{
    uint64_t word = rng_mix(rule_state(w->rule, row, scale_words + i / VALUES));
    return w->spread * unit * (0.5f + (float)(uint16_t)(word >> 16 * (i % VALUES)) * 0x1p-16f);
}

uint16_t rule_int4_scale(const struct weight *w, uint32_t row, uint32_t group)
{
    return rule_bf16(scale_of(w, int4_unit, row, group));
}

float rule_fp8_scale(const struct weight *w, uint32_t block_row, uint32_t block_col)
{
    return scale_of(w, fp8_unit, block_row, block_col);
}

/* One group a row, as in most tiles. */
static void put_single_scales(const struct weight_run *run, const struct weight_block *b,
                              const struct weight_room *room)
{
    const struct weight *w = run->first;
    uint8_t *to = room->scales;
    for (uint32_t i = 0; i < run->count; i++, w += run->step, to += room->each)
        for (uint32_t row = 0; row < b->rows; row++) {
            uint16_t scale = rule_int4_scale(w, b->row + row, b->col / INT4_GROUP);
            memcpy(to + 2 * (size_t)row, &scale, 2);
        }
}

void rule_int4_scales(const struct weight_run *run, const struct weight_block *b,
                      const struct weight_room *room)
{
    uint32_t groups = weight_block_groups(b);
    if (groups == 1) {
        put_single_scales(run, b, room);
        return;
    }
    struct lines l = {.run = run,
                      .row = b->row,
                      .rows = b->rows,
                      .scales = true,
                      .out = room->scales,
                      .each = room->each,
                      .row_bytes = 2 * (size_t)groups};
    fill_columns(&l, b->col / INT4_GROUP, groups, VALUES_LOG);
}
