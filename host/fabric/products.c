/* SPDX-License-Identifier: Apache-2.0 */
/* products.c - matrix-vector products, eight outputs in the lanes of a vector.
 *
 * Each output is summed in the order of hal/numerics.h, with the same fused multiply-adds. Weights
 * of eight rows are loaded eight 32-bit words at a time and turned, so that a vector holds the same
 * word of all rows. Where fewer than eight outputs are left of a DOT, its last row fills the lanes
 * and the results are dropped; what is left of an AXPY goes to numerics_execute. */
#include "fabric/products.h"

#include "hal/numerics.h"

#include <string.h>

#if defined(__x86_64__)

#include <immintrin.h>
#include <stddef.h>

#define VECTORS __attribute__((target("avx2,fma")))
#define ALWAYS VECTORS static inline __attribute__((always_inline))

enum { ROWS = 8, WORDS = 8, PAIRS = 2 * WORDS, SMALL = 32 /* weights */ };

/* Eight outputs of a product. */
struct block {
    const uint8_t *row[ROWS], *scales[ROWS]; /* AXPY: row[0], of the first input */
    const uint8_t *x;
    size_t cols, row_bytes, phase;
};

ALWAYS __m256i load_words(const uint8_t *at)
{
    return _mm256_loadu_si256((const __m256i_u *)(const void *)at);
}

ALWAYS __m256 broadcast(const uint8_t *at)
{
    float x;
    __builtin_memcpy(&x, at, sizeof x);
    return _mm256_set1_ps(x);
}

/* word[r] holds eight words of row r; afterwards word[k] is word k of all rows. */
ALWAYS void turn(__m256i word[ROWS])
{
    __m256i a[ROWS], b[ROWS];
    for (unsigned i = 0; i < ROWS; i += 2) {
        a[i] = _mm256_unpacklo_epi32(word[i], word[i + 1]);
        a[i + 1] = _mm256_unpackhi_epi32(word[i], word[i + 1]);
    }
    for (unsigned i = 0; i < ROWS; i += 4) {
        b[i] = _mm256_unpacklo_epi64(a[i], a[i + 2]);
        b[i + 1] = _mm256_unpackhi_epi64(a[i], a[i + 2]);
        b[i + 2] = _mm256_unpacklo_epi64(a[i + 1], a[i + 3]);
        b[i + 3] = _mm256_unpackhi_epi64(a[i + 1], a[i + 3]);
    }
    for (unsigned i = 0; i < 4; i++) {
        word[i] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x20);
        word[i + 4] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x31);
    }
}

/* Eight words of each row from byte `at` of the row on. */
ALWAYS void load_turned(const struct block *p, size_t at, __m256i word[ROWS])
{
    for (size_t r = 0; r < ROWS; r++)
        word[r] = load_words(p->row[r] + at);
    turn(word);
}

ALWAYS int load_int(const uint8_t *at, size_t bytes)
{
    uint32_t word = 0;
    __builtin_memcpy((uint8_t *)&word + 4 - bytes, at, bytes);
    return (int)word;
}

/* The 16 or 32 bits at byte `at` of each row, in the upper bits. */
ALWAYS __m256i load_column(const uint8_t *const row[ROWS], size_t at, size_t bytes)
{
    return _mm256_setr_epi32(load_int(row[0] + at, bytes), load_int(row[1] + at, bytes),
                             load_int(row[2] + at, bytes), load_int(row[3] + at, bytes),
                             load_int(row[4] + at, bytes), load_int(row[5] + at, bytes),
                             load_int(row[6] + at, bytes), load_int(row[7] + at, bytes));
}

ALWAYS __m256 high_half(__m256i word)
{
    return _mm256_castsi256_ps(_mm256_and_si256(word, _mm256_set1_epi32((int)0xffff0000u)));
}

ALWAYS __m256 low_half(__m256i word)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(word, 16));
}

ALWAYS __m256 dot_f32(const struct block *p, __m256 y)
{
    size_t k = 0;
    for (; k + WORDS <= p->cols; k += WORDS) {
        __m256i word[ROWS];
        load_turned(p, 4 * k, word);
        for (size_t i = 0; i < WORDS; i++)
            y = _mm256_fmadd_ps(_mm256_castsi256_ps(word[i]), broadcast(p->x + 4 * (k + i)), y);
    }
    for (; k < p->cols; k++)
        y = _mm256_fmadd_ps(_mm256_castsi256_ps(load_column(p->row, 4 * k, 4)),
                            broadcast(p->x + 4 * k), y);
    return y;
}

ALWAYS __m256 dot_bf16(const struct block *p, __m256 y)
{
    size_t k = 0;
    for (; k + PAIRS <= p->cols; k += PAIRS) {
        __m256i word[ROWS];
        load_turned(p, 2 * k, word);
        for (size_t i = 0; i < WORDS; i++) {
            const uint8_t *x = p->x + 4 * (k + 2 * i);
            y = _mm256_fmadd_ps(low_half(word[i]), broadcast(x), y);
            y = _mm256_fmadd_ps(high_half(word[i]), broadcast(x + 4), y);
        }
    }
    for (; k + 2 <= p->cols; k += 2) {
        __m256i word = load_column(p->row, 2 * k, 4);
        y = _mm256_fmadd_ps(low_half(word), broadcast(p->x + 4 * k), y);
        y = _mm256_fmadd_ps(high_half(word), broadcast(p->x + 4 * k + 4), y);
    }
    for (; k < p->cols; k++)
        y = _mm256_fmadd_ps(_mm256_castsi256_ps(load_column(p->row, 2 * k, 2)),
                            broadcast(p->x + 4 * k), y);
    return y;
}

/* Weight `i` of the eight in each word. */
ALWAYS __m256 nibble(__m256i word, int i)
{
    __m256i bits = _mm256_and_si256(_mm256_srli_epi32(word, 4 * i), _mm256_set1_epi32(15));
    return _mm256_cvtepi32_ps(_mm256_sub_epi32(bits, _mm256_set1_epi32(8)));
}

/* One weight of each row. */
ALWAYS __m256 nibble_column(const struct block *p, size_t k)
{
    __m256i byte = _mm256_srli_epi32(load_column(p->row, k / 2, 1), 24);
    return k & 1 ? nibble(byte, 1) : nibble(byte, 0);
}

/* The sum of columns k .. end - 1, without their scale. */
ALWAYS __m256 sum_group(const struct block *p, size_t k, size_t end)
{
    __m256 s = _mm256_setzero_ps();
    for (; k < end && k & 1; k++)
        s = _mm256_fmadd_ps(nibble_column(p, k), broadcast(p->x + 4 * k), s);
    for (; k + WORDS <= end; k += WORDS) {
        __m256i word = load_column(p->row, k / 2, 4);
        for (int i = 0; i < WORDS; i++)
            s = _mm256_fmadd_ps(nibble(word, i), broadcast(p->x + 4 * (k + (size_t)i)), s);
    }
    for (; k < end; k++)
        s = _mm256_fmadd_ps(nibble_column(p, k), broadcast(p->x + 4 * k), s);
    return s;
}

ALWAYS __m256 dot_int4(const struct block *p, __m256 y)
{
    size_t end = INT4_GROUP - p->phase, scale = 0;
    for (size_t k = 0; k < p->cols; k = end, end += INT4_GROUP, scale += 2) {
        if (end > p->cols)
            end = p->cols;
        __m256 s = sum_group(p, k, end);
        y = _mm256_fmadd_ps(_mm256_castsi256_ps(load_column(p->scales, scale, 2)), s, y);
    }
    return y;
}

/* Weights of eight neighbouring outputs lie side by side. */
ALWAYS __m256 axpy(const struct block *p, __m256 y, bool bf16)
{
    for (size_t k = 0; k < p->cols; k++) {
        const uint8_t *row = p->row[0] + k * p->row_bytes;
        __m256i word =
            bf16 ? _mm256_slli_epi32(
                       _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i_u *)(const void *)row)),
                       16)
                 : load_words(row);
        y = _mm256_fmadd_ps(_mm256_castsi256_ps(word), broadcast(p->x + 4 * k), y);
    }
    return y;
}

ALWAYS __m256 canonical(__m256 y)
{
    __m256 nan = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000));
    return _mm256_blendv_ps(y, nan, _mm256_cmp_ps(y, y, _CMP_UNORD_Q));
}

/* Of the eight outputs `n` are wanted, at y. */
VECTORS static void run_block(const struct stream_desc *d, const struct block *p, uint8_t *at,
                              size_t n)
{
    float out[ROWS] = {0};
    if (d->flags & STREAM_ACCUMULATE)
        __builtin_memcpy(out, at, n * sizeof *out);
    __m256 y = _mm256_loadu_ps(out);
    switch (d->op) {
    case STREAM_DOT_F32:
        y = dot_f32(p, y);
        break;
    case STREAM_DOT_BF16:
        y = dot_bf16(p, y);
        break;
    case STREAM_DOT_INT4:
        y = dot_int4(p, y);
        break;
    case STREAM_AXPY_F32:
        y = axpy(p, y, false);
        break;
    case STREAM_AXPY_BF16:
        y = axpy(p, y, true);
        break;
    }
    _mm256_storeu_ps(out, canonical(y));
    __builtin_memcpy(at, out, n * sizeof *out);
}

/* The first bytes of eight rows, or of fewer and the last one again. */
static void set_rows(const uint8_t *row[ROWS], const uint8_t *first, size_t bytes, size_t n)
{
    row[0] = first;
    for (size_t r = 1; r < ROWS; r++)
        row[r] = row[r - 1] + (r < n ? bytes : 0);
}

static void run_dot(const struct stream_desc *d, uint8_t *sram)
{
    struct block p = {.x = sram + d->src1, .cols = d->cols, .phase = d->phase};
    for (size_t i = 0; i < d->count; i += ROWS) {
        size_t n = d->count - i < ROWS ? d->count - i : ROWS;
        set_rows(p.row, sram + d->src0 + i * d->row_bytes, d->row_bytes, n);
        if (d->op == STREAM_DOT_INT4)
            set_rows(p.scales, sram + d->scales + i * d->scale_row_bytes, d->scale_row_bytes, n);
        run_block(d, &p, sram + d->dst + 4 * i, n);
    }
}

static void run_axpy(struct stream_desc d, uint8_t *sram)
{
    size_t weight = d.op == STREAM_AXPY_F32 ? 4 : 2;
    struct block p = {.x = sram + d.src1, .cols = d.cols, .row_bytes = d.row_bytes};
    for (; d.count >= ROWS; d.count -= ROWS) {
        p.row[0] = sram + d.src0;
        run_block(&d, &p, sram + d.dst, ROWS);
        d.dst += 4 * ROWS;
        d.src0 = (uint16_t)(d.src0 + weight * ROWS);
    }
    if (d.count)
        numerics_execute(&d, sram);
}

void products_execute(const struct stream_desc *d, uint8_t *sram)
{
    struct stream_desc one = *d;
    size_t batch = d->batch ? d->batch : 1;
    if (d->op < STREAM_DOT_F32 || d->count * d->cols < SMALL || !__builtin_cpu_supports("avx2") ||
        !__builtin_cpu_supports("fma")) {
        numerics_execute(d, sram);
        return;
    }
    for (one.batch = 1; batch; batch--) {
        if (one.op >= STREAM_AXPY_F32)
            run_axpy(one, sram);
        else
            run_dot(&one, sram);
        one.dst = (uint16_t)(one.dst + d->dst_step);
        one.src0 = (uint16_t)(one.src0 + d->src0_step);
        one.src1 = (uint16_t)(one.src1 + d->src1_step);
        one.scales = (uint16_t)(one.scales + d->count * d->scale_row_bytes);
    }
}

VECTORS static size_t add_blocks(const uint32_t *b, uint8_t *a, size_t n)
{
    size_t i = 0;
    for (; i + WORDS <= n; i += WORDS) {
        __m256 sum = _mm256_add_ps(_mm256_castsi256_ps(load_words((const uint8_t *)(b + i))),
                                   _mm256_castsi256_ps(load_words(a + 4 * i)));
        _mm256_storeu_ps((float *)(void *)(a + 4 * i), canonical(sum));
    }
    return i;
}

static size_t combine_blocks(uint8_t op, const uint32_t *b, uint8_t *a, size_t n)
{
    bool adds = op == STREAM_ADD_SEND || op == STREAM_ADD_RECV;
    return adds && __builtin_cpu_supports("avx2") ? add_blocks(b, a, n) : 0;
}

#else

static size_t combine_blocks(uint8_t op, const uint32_t *b, uint8_t *a, size_t n)
{
    (void)op, (void)b, (void)a, (void)n;
    return 0;
}

void products_execute(const struct stream_desc *d, uint8_t *sram)
{
    numerics_execute(d, sram);
}

#endif

void products_combine(uint8_t op, const uint32_t *b, uint8_t *a, size_t n)
{
    for (size_t i = combine_blocks(op, b, a, n); i < n; i++) {
        uint32_t word;
        memcpy(&word, a + 4 * i, sizeof word);
        word = numerics_word(op, b[i], word);
        memcpy(a + 4 * i, &word, sizeof word);
    }
}
