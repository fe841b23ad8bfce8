/* SPDX-License-Identifier: Apache-2.0 */
/* stream.h - the stream engine: descriptors and what they cost. Hardware contract.
 *
 * Eight threads. Storing a descriptor's SRAM offset into STREAM_START starts it on the thread it
 * names; the engine reads the 32 bytes then and takes setup cycles (machine file). One beat per
 * cycle is issued for the whole engine: among the ready threads of the highest priority,
 * round-robin (the pointer returns to thread 0 when no thread is busy). When the last beat is done
 * the engine posts the event, and starts `next` on the same thread if it is not 0. The core runs on
 * meanwhile.
 *
 * Operands in SRAM are byte offsets from the start of SRAM; fp32 and integer words must be
 * 4-aligned, bf16 2-aligned, int4 rows are byte-aligned, scales 2-aligned. A descriptor out of
 * bounds, into the code region or badly aligned is a fault (stream_check). The result of a memory
 * operation may not lie over what it reads, except exactly in place for COPY .. SCALE (not over the
 * one b of SCALE; never for ROUND_BF16); for products this is checked over the whole batch at once.
 *
 * Fabric operations work a word a beat: a beat needs a wavelet in the input queue, and room in the
 * output. Memory operations are atomic: operands are read and results written in the cycle of the
 * last beat. Beats: words for moves and elementwise operations; DOT: batch * count * ceil(cols /
 * lanes); AXPY: batch * cols * ceil(count / lanes); both at least 1, lanes by weight type from the
 * machine file. A descriptor with count 0 moves nothing and finishes after setup; its ranges are
 * not checked. A product with cols 0 writes zeros, or what d held with STREAM_ACCUMULATE.
 *
 * DOT and AXPY are matrix-vector products, repeated `batch` times with all three operands advanced
 * by their steps, one after the other: with dst_step 0 and STREAM_ACCUMULATE they add up. The
 * scales of DOT_INT4 move by count * scale_row_bytes. With STREAM_ACCUMULATE the sums start from d
 * instead of 0. Results: numerics.h. */
#ifndef TESSERA_HAL_STREAM_H
#define TESSERA_HAL_STREAM_H

#include "hal/tile_map.h"

#include <stdbool.h>
#include <stdint.h>

enum stream_op {
#define OP(name, code, text) STREAM_##name = (code),
#include "hal/stream_ops.def"
#undef OP
    STREAM_OP_END /* behind the last */
};

enum {
    STREAM_CONTROL = 0x01,    /* .._SEND, FORWARD: the last wavelet carries the control bit */
    STREAM_ACCUMULATE = 0x02, /* DOT, AXPY: start from what d holds */
};

#define INT4_GROUP                                                                                 \
    32u /* weights that share one scale, counted from column 0 of the whole matrix                 \
         */

/* One descriptor: 32 bytes, 4-aligned, in SRAM, written by the placement compiler, patched by
 * kernels. */
struct stream_desc {
    uint8_t op;         /* enum stream_op */
    uint8_t flags;      /* STREAM_* */
    uint8_t thread;     /* bits 0..2 the thread, bits 4..5 the priority, 3 first */
    uint8_t event;      /* posted at the end, or TILE_EVENT_NONE */
    uint16_t next;      /* SRAM offset of the descriptor that follows on this thread, 0 for none */
    uint16_t count;     /* words, or outputs of a product */
    uint16_t dst;       /* d: SRAM offset or colour */
    uint16_t src0;      /* a: SRAM offset */
    uint16_t src1;      /* b: SRAM offset or colour */
    uint16_t cols;      /* products: how many inputs */
    uint16_t row_bytes; /* products: bytes from one stored row of a to the next */
    uint16_t scales;    /* DOT_INT4: SRAM offset of the scales of row 0 */
    uint16_t scale_row_bytes; /* DOT_INT4: bytes from one row's scales to the next */
    uint16_t phase;           /* DOT_INT4: place of the first column inside its group, 0..31 */
    uint16_t batch;           /* products: how many; 0 means 1. Others: not looked at */
    uint16_t dst_step;        /* products: bytes d moves between two of the batch */
    uint16_t src0_step;       /* ... a */
    uint16_t src1_step;       /* ... b */
};

_Static_assert(sizeof(struct stream_desc) == 32, "the emulator and the compiler share this layout");

/* What is wrong with a descriptor; 0 is nothing. Shown by name in fault reports. */
enum stream_error {
    STREAM_OK = 0,
    STREAM_BAD_OP, /* operation, or a flag, thread or event it cannot have */
    STREAM_BAD_COLOUR,
    STREAM_BAD_ALIGN,
    STREAM_BAD_RANGE, /* outside SRAM, a result over an operand, or a phase past its group */
    STREAM_BAD_DEST,  /* a result in the code region; nothing else is wrong */
    STREAM_BAD_NEXT
};

/* Check a descriptor against the rules above. Pure; called by the emulator and by the software
 * engines. STREAM_BAD_DEST is looked for last: while the code region is not locked the engine lets
 * it pass, which is how the boot ROM stores the image. */
enum stream_error stream_check(const struct stream_desc *d);

/* Whether an operation takes words from (1) or puts words on (2) the fabric, or both (3). */
unsigned stream_fabric_use(uint8_t op);

static inline bool stream_is_product(uint8_t op)
{
    return op >= STREAM_DOT_F32 && op <= STREAM_AXPY_BF16;
}

static inline bool stream_reads_memory_b(uint8_t op)
{
    return op >= STREAM_ADD && op != STREAM_ROUND_BF16;
}

/* Lanes per cycle of the machine; what stream_beats divides by. */
struct stream_lanes {
    uint32_t f32, bf16, int4;
};

/* Beats of a descriptor that passed stream_check, as in the head comment; 0 for count 0. No lane
 * count may be 0. 64 bits: the product may be large. */
uint64_t stream_beats(const struct stream_desc *d, const struct stream_lanes *lanes);

/* Start a descriptor that lies at this SRAM offset. Its thread must be free. Cost: one store. */
void hal_start_stream(uint32_t desc_offset);

#endif
