/* SPDX-License-Identifier: Apache-2.0 */
/* numerics.c - the portable stream engine arithmetic: the oracle for the emulator's fast one and
 * the engine itself under QEMU and in unit tests.
 *
 * Speed comes only from summing several outputs side by side: each output's own order is fixed. On
 * x86 everything is compiled twice, with and without the FMA instruction; both give the same bits.
 */
#include "hal/numerics.h"

#define NAN_CANONICAL 0x7fc00000u
#define ALWAYS static inline __attribute__((always_inline))

enum { DOT_ROWS = 8 }; /* outputs summed side by side */

enum weight_type { WEIGHT_F32, WEIGHT_BF16 };

union word {
    uint32_t bits;
    float value;
};

ALWAYS float float_of(uint32_t bits)
{
    return (union word){.bits = bits}.value;
}

ALWAYS uint32_t canonical(float value)
{
    uint32_t bits = (union word){.value = value}.bits;

    return (bits & 0x7fffffffu) > 0x7f800000u ? NAN_CANONICAL : bits;
}

ALWAYS uint32_t load_word(const uint8_t *at)
{
    uint32_t word;

    __builtin_memcpy(&word, __builtin_assume_aligned(at, 4), 4);
    return word;
}

ALWAYS void store_word(uint8_t *at, uint32_t word)
{
    __builtin_memcpy(__builtin_assume_aligned(at, 4), &word, 4);
}

ALWAYS float load_f32(const uint8_t *at)
{
    return float_of(load_word(at));
}

ALWAYS void store_f32(uint8_t *at, float value)
{
    store_word(at, canonical(value));
}

ALWAYS float load_bf16(const uint8_t *at)
{
    uint16_t half;

    __builtin_memcpy(&half, __builtin_assume_aligned(at, 2), 2);
    return float_of((uint32_t)half << 16);
}

ALWAYS uint16_t round_bf16(float value)
{
    uint32_t bits = canonical(value);

    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

ALWAYS float load_weight(const uint8_t *row, uint32_t k, enum weight_type type)
{
    return type == WEIGHT_F32 ? load_f32(row + 4 * k) : load_bf16(row + 2 * k);
}

ALWAYS float load_int4(const uint8_t *row, uint32_t k)
{
    return (float)((row[k / 2] >> 4 * (k & 1) & 15) - 8);
}

/* RISC-V fmax.s */
static float max_f32(float a, float b)
{
    if (a != a)
        return b;
    if (b != b)
        return a;
    if (a == b)
        return canonical(a) >> 31 ? b : a;
    return a > b ? a : b;
}

uint32_t numerics_word(uint8_t op, uint32_t b, uint32_t a)
{
    switch (op) {
    case STREAM_SEND:
        return a;
    case STREAM_ADD_SEND:
    case STREAM_ADD_RECV:
        return canonical(float_of(b) + float_of(a));
    case STREAM_MAX_SEND:
    case STREAM_MAX_RECV:
        return canonical(max_f32(float_of(b), float_of(a)));
    default:
        return b;
    }
}

/* One product of a batch, as plain addresses. */
struct product {
    uint8_t *y;
    const uint8_t *w, *x, *scales;
    uint32_t count, cols, row_bytes, scale_row_bytes, phase;
    int accumulate;
};

/* `rows` outputs from output i on; the constant arguments let the compiler unroll. */
ALWAYS void dot_rows(const struct product *p, uint32_t i, uint32_t rows, enum weight_type type)
{
    const uint8_t *w = p->w + i * p->row_bytes;
    float y[DOT_ROWS];

    for (uint32_t r = 0; r < rows; r++)
        y[r] = p->accumulate ? load_f32(p->y + 4 * (i + r)) : 0.0f;
    for (uint32_t k = 0; k < p->cols; k++) {
        float x = load_f32(p->x + 4 * k);
        for (uint32_t r = 0; r < rows; r++)
            y[r] = __builtin_fmaf(load_weight(w + r * p->row_bytes, k, type), x, y[r]);
    }
    for (uint32_t r = 0; r < rows; r++)
        store_f32(p->y + 4 * (i + r), y[r]);
}

ALWAYS void dot_int4_rows(const struct product *p, uint32_t i, uint32_t rows)
{
    const uint8_t *w = p->w + i * p->row_bytes;
    const uint8_t *scales = p->scales + i * p->scale_row_bytes;
    uint32_t end = INT4_GROUP - p->phase;
    float y[DOT_ROWS], s[DOT_ROWS];

    for (uint32_t r = 0; r < rows; r++)
        y[r] = p->accumulate ? load_f32(p->y + 4 * (i + r)) : 0.0f;
    for (uint32_t k = 0; k < p->cols; end += INT4_GROUP, scales += 2) {
        if (end > p->cols)
            end = p->cols;
        for (uint32_t r = 0; r < rows; r++)
            s[r] = 0.0f;
        for (; k < end; k++) {
            float x = load_f32(p->x + 4 * k);
            for (uint32_t r = 0; r < rows; r++)
                s[r] = __builtin_fmaf(load_int4(w + r * p->row_bytes, k), x, s[r]);
        }
        for (uint32_t r = 0; r < rows; r++)
            y[r] = __builtin_fmaf(load_bf16(scales + r * p->scale_row_bytes), s[r], y[r]);
    }
    for (uint32_t r = 0; r < rows; r++)
        store_f32(p->y + 4 * (i + r), y[r]);
}

ALWAYS void axpy_columns(const struct product *p, uint32_t i, uint32_t columns,
                         enum weight_type type)
{
    float y[DOT_ROWS];

    for (uint32_t c = 0; c < columns; c++)
        y[c] = p->accumulate ? load_f32(p->y + 4 * (i + c)) : 0.0f;
    for (uint32_t k = 0; k < p->cols; k++) {
        float x = load_f32(p->x + 4 * k);
        for (uint32_t c = 0; c < columns; c++)
            y[c] = __builtin_fmaf(load_weight(p->w + k * p->row_bytes, i + c, type), x, y[c]);
    }
    for (uint32_t c = 0; c < columns; c++)
        store_f32(p->y + 4 * (i + c), y[c]);
}

ALWAYS void product_part(uint8_t op, const struct product *p, uint32_t i, uint32_t outputs)
{
    switch (op) {
    case STREAM_DOT_F32:
        dot_rows(p, i, outputs, WEIGHT_F32);
        break;
    case STREAM_DOT_BF16:
        dot_rows(p, i, outputs, WEIGHT_BF16);
        break;
    case STREAM_DOT_INT4:
        dot_int4_rows(p, i, outputs);
        break;
    case STREAM_AXPY_F32:
        axpy_columns(p, i, outputs, WEIGHT_F32);
        break;
    case STREAM_AXPY_BF16:
        axpy_columns(p, i, outputs, WEIGHT_BF16);
        break;
    }
}

ALWAYS void product_run(uint8_t op, const struct product *p)
{
    uint32_t i = 0;

    for (; i + DOT_ROWS <= p->count; i += DOT_ROWS)
        product_part(op, p, i, DOT_ROWS);
    for (; i < p->count; i++)
        product_part(op, p, i, 1);
}

ALWAYS void execute_products(const struct stream_desc *d, uint8_t *sram)
{
    uint32_t batch = d->batch ? d->batch : 1;

    for (uint32_t j = 0; d->count && j < batch; j++) {
        struct product p = {
            .y = sram + d->dst + j * d->dst_step,
            .w = sram + d->src0 + j * d->src0_step,
            .x = sram + d->src1 + j * d->src1_step,
            .scales = sram + d->scales + j * d->count * d->scale_row_bytes,
            .count = d->count,
            .cols = d->cols,
            .row_bytes = d->row_bytes,
            .scale_row_bytes = d->scale_row_bytes,
            .phase = d->phase,
            .accumulate = d->flags & STREAM_ACCUMULATE,
        };
        product_run(d->op, &p);
    }
}

#if defined(__x86_64__)
__attribute__((target("fma"))) static void execute_products_fma(const struct stream_desc *d,
                                                                uint8_t *sram)
{
    execute_products(d, sram);
}

static int have_fma(void)
{
    return __builtin_cpu_supports("fma");
}
#else
#define execute_products_fma execute_products
#define have_fma() 0
#endif

static void execute_words(const struct stream_desc *d, uint8_t *sram)
{
    uint32_t factor = d->op == STREAM_SCALE ? load_word(sram + d->src1) : 0;

    for (uint32_t i = 0; i < d->count; i++) {
        uint8_t *at = sram + d->dst + 4 * i;
        uint32_t a = load_word(sram + d->src0 + 4 * i);

        if (d->op == STREAM_COPY)
            store_word(at, a);
        else if (d->op == STREAM_ADD)
            store_f32(at, load_f32(sram + d->src1 + 4 * i) + float_of(a));
        else if (d->op == STREAM_MUL)
            store_f32(at, float_of(a) * load_f32(sram + d->src1 + 4 * i));
        else
            store_f32(at, float_of(a) * float_of(factor));
    }
}

static void execute_round(const struct stream_desc *d, uint8_t *sram)
{
    for (uint32_t i = 0; i < d->count; i++) {
        uint16_t half = round_bf16(load_f32(sram + d->src0 + 4 * i));

        __builtin_memcpy(__builtin_assume_aligned(sram + d->dst + 2 * i, 2), &half, 2);
    }
}

void numerics_execute(const struct stream_desc *d, uint8_t *sram)
{
    if (d->op == STREAM_ROUND_BF16)
        execute_round(d, sram);
    else if (!stream_is_product(d->op))
        execute_words(d, sram);
    else if (have_fma())
        execute_products_fma(d, sram);
    else
        execute_products(d, sram);
}
