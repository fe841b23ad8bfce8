/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - what a descriptor means before it runs: is it legal, does it use the fabric, what does
 * it cost. Pure, so that the emulator, the software engine and the compiler agree. */
#include "hal/stream.h"

/* A set of places in SRAM: all bytes of `batch` products lie in [start, end). */
struct range {
    uint64_t start, end;
};

static int is_memory(uint8_t op)
{
    return op >= STREAM_COPY;
}

static uint32_t batch_count(const struct stream_desc *d)
{
    return stream_is_product(d->op) && d->batch ? d->batch : 1;
}

unsigned stream_fabric_use(uint8_t op)
{
    switch (op) {
    case STREAM_SEND:
        return 2;
    case STREAM_RECV:
    case STREAM_ADD_RECV:
    case STREAM_MAX_RECV:
        return 1;
    case STREAM_FORWARD:
    case STREAM_ADD_SEND:
    case STREAM_MAX_SEND:
        return 3;
    default:
        return 0;
    }
}

static int reads_a(uint8_t op)
{
    return op != STREAM_RECV && op != STREAM_FORWARD;
}

static int writes_memory(uint8_t op)
{
    return !(stream_fabric_use(op) & 2);
}

static enum stream_error check_head(const struct stream_desc *d)
{
    unsigned flags = stream_fabric_use(d->op) & 2 ? STREAM_CONTROL
                     : stream_is_product(d->op)   ? STREAM_ACCUMULATE
                                                  : 0;

    if (d->op < STREAM_SEND || d->op >= STREAM_OP_END || d->flags & ~flags || d->thread & ~0x37u ||
        (d->event >= TILE_EVENTS && d->event != TILE_EVENT_NONE))
        return STREAM_BAD_OP;
    if (d->next && (d->next & 3 || d->next < TILE_CODE_BYTES ||
                    d->next > TILE_SRAM_BYTES - sizeof(struct stream_desc)))
        return STREAM_BAD_NEXT;
    if ((stream_fabric_use(d->op) & 1 && d->src1 >= TILE_COLOURS) ||
        (stream_fabric_use(d->op) & 2 && d->dst >= TILE_COLOURS))
        return STREAM_BAD_COLOUR;
    return STREAM_OK;
}

/* Bits that must be clear in the address and strides of a. */
static unsigned a_align(uint8_t op)
{
    return op == STREAM_DOT_INT4 ? 0 : op == STREAM_DOT_BF16 || op == STREAM_AXPY_BF16 ? 1 : 3;
}

static enum stream_error check_align(const struct stream_desc *d)
{
    unsigned words = 0, halves = 0, a = 0;

    if (d->op == STREAM_ROUND_BF16)
        halves |= d->dst;
    else if (writes_memory(d->op))
        words |= d->dst;
    if (stream_reads_memory_b(d->op))
        words |= d->src1;
    if (reads_a(d->op))
        a |= d->src0;
    if (stream_is_product(d->op)) {
        a |= d->row_bytes;
        if (d->batch > 1) {
            a |= d->src0_step;
            words |= d->dst_step | d->src1_step;
        }
    }
    if (d->op == STREAM_DOT_INT4)
        halves |= d->scales | d->scale_row_bytes;
    return words & 3 || a & a_align(d->op) || halves & 1 ? STREAM_BAD_ALIGN : STREAM_OK;
}

/* `rows` rows of row_bytes used bytes each, row_step apart, the whole repeated with batch_step. */
static struct range range_of(const struct stream_desc *d, uint16_t start, uint64_t row_bytes,
                             uint32_t rows, uint32_t row_step, uint32_t batch_step)
{
    uint64_t bytes =
        row_bytes + (uint64_t)(rows - 1) * row_step + (uint64_t)(batch_count(d) - 1) * batch_step;

    return row_bytes && rows ? (struct range){start, start + bytes} : (struct range){0, 0};
}

static struct range range_dst(const struct stream_desc *d)
{
    uint64_t bytes = d->op == STREAM_ROUND_BF16 ? 2 : 4;

    return range_of(d, d->dst, bytes * d->count, 1, 0, d->dst_step);
}

static struct range range_a(const struct stream_desc *d)
{
    switch (d->op) {
    case STREAM_DOT_F32:
        return range_of(d, d->src0, 4u * (uint64_t)d->cols, d->count, d->row_bytes, d->src0_step);
    case STREAM_DOT_BF16:
        return range_of(d, d->src0, 2u * (uint64_t)d->cols, d->count, d->row_bytes, d->src0_step);
    case STREAM_DOT_INT4:
        return range_of(d, d->src0, ((uint64_t)d->cols + 1) / 2, d->count, d->row_bytes,
                        d->src0_step);
    case STREAM_AXPY_F32:
        return range_of(d, d->src0, 4u * (uint64_t)d->count, d->cols, d->row_bytes, d->src0_step);
    case STREAM_AXPY_BF16:
        return range_of(d, d->src0, 2u * (uint64_t)d->count, d->cols, d->row_bytes, d->src0_step);
    default:
        return range_of(d, d->src0, 4u * (uint64_t)d->count, 1, 0, 0);
    }
}

static struct range range_b(const struct stream_desc *d)
{
    uint32_t words = stream_is_product(d->op) ? d->cols : d->op == STREAM_SCALE ? 1 : d->count;

    return range_of(d, d->src1, 4u * (uint64_t)words, 1, 0, d->src1_step);
}

static struct range range_scales(const struct stream_desc *d)
{
    uint32_t groups = d->cols ? (d->phase + d->cols + INT4_GROUP - 1) / INT4_GROUP : 0;

    /* the scales of one product follow those of the one before it, row after row */
    return range_of(d, d->scales, 2u * (uint64_t)groups, d->count, d->scale_row_bytes,
                    (uint32_t)d->count * d->scale_row_bytes);
}

static int overlaps(struct range x, struct range y)
{
    return x.start < y.end && y.start < x.end;
}

/* A memory operation is atomic: nothing may depend on which of its words is written first. */
static int clobbers(const struct stream_desc *d, struct range dst, struct range src)
{
    int in_place = !stream_is_product(d->op) && dst.start == src.start && dst.end == src.end;

    return is_memory(d->op) && !in_place && overlaps(dst, src);
}

enum stream_error stream_check(const struct stream_desc *d)
{
    struct range none = {0, 0}, dst = none, a = none, b = none, scales = none;
    enum stream_error error = check_head(d);

    if (error || (error = check_align(d)) != STREAM_OK)
        return error;
    if (d->op == STREAM_DOT_INT4 && d->phase >= INT4_GROUP)
        return STREAM_BAD_RANGE;
    if (!d->count)
        return STREAM_OK;
    if (writes_memory(d->op))
        dst = range_dst(d);
    if (reads_a(d->op))
        a = range_a(d);
    if (stream_reads_memory_b(d->op))
        b = range_b(d);
    if (d->op == STREAM_DOT_INT4)
        scales = range_scales(d);
    if (dst.end > TILE_SRAM_BYTES || a.end > TILE_SRAM_BYTES || b.end > TILE_SRAM_BYTES ||
        scales.end > TILE_SRAM_BYTES || clobbers(d, dst, a) || clobbers(d, dst, b) ||
        clobbers(d, dst, scales))
        return STREAM_BAD_RANGE;
    return writes_memory(d->op) && dst.start < TILE_CODE_BYTES ? STREAM_BAD_DEST : STREAM_OK;
}

static uint32_t passes(uint32_t n, uint32_t lanes)
{
    return n / lanes + (n % lanes != 0);
}

uint64_t stream_beats(const struct stream_desc *d, const struct stream_lanes *lanes)
{
    uint64_t products, beats;
    uint32_t per_cycle;

    if (!stream_is_product(d->op) || !d->count)
        return d->count;
    per_cycle = d->op == STREAM_DOT_INT4                                ? lanes->int4
                : d->op == STREAM_DOT_BF16 || d->op == STREAM_AXPY_BF16 ? lanes->bf16
                                                                        : lanes->f32;
    products = batch_count(d);
    if (d->op == STREAM_AXPY_F32 || d->op == STREAM_AXPY_BF16)
        beats = products * d->cols * passes(d->count, per_cycle);
    else
        beats = products * d->count * passes(d->cols, per_cycle);
    return beats ? beats : 1;
}
