/* SPDX-License-Identifier: Apache-2.0 */
/* aot_image.h - what a translated image contains: included by the C that aot_write() writes and by
 * the loader.
 *
 * A chunk is a C function that holds the guest's registers in its variables; it is entered at one
 * of its entries, and left with the registers written back. Charges and budgets are those of
 * fast_internal.h. */
#ifndef TESSERA_CORE_AOT_IMAGE_H
#define TESSERA_CORE_AOT_IMAGE_H

#include "core/aot.h"
#include "core/fast_internal.h"
#include "core/fast_ops.h"

#include <stddef.h>
#include <string.h>

struct aot_frame {
    struct core *c;
    uint8_t *ram; /* c->ram.host */
    const uint8_t *rom;
    bool fp;
    enum fast_stop stop; /* set by the chunk; FAST_STOP_GO: c->pc is in another one, or nowhere */
};

/* Enter at c->pc, an entry of the chunk; returns the budget left. */
typedef uint64_t aot_chunk(struct aot_frame *r, uint64_t left);

/* Which declarations the chunks were compiled with. */
struct aot_version {
    uint32_t number, core_bytes, x_at, f_at, pc_at;
};
#define AOT_VERSION                                                                                \
    {                                                                                              \
        1, sizeof(struct core), offsetof(struct core, x), offsetof(struct core, f),                \
            offsetof(struct core, pc)                                                              \
    }

struct aot_image {
    struct aot_version version;
    uint32_t base, bytes;
    uint64_t hash; /* aot_hash of the code */
    struct aot_windows windows;
    bool fma;                /* the host needs FMA instructions */
    aot_chunk *const *entry; /* [bytes / 2]; NULL where there is none */
};
extern const struct aot_image aot_image; /* the only symbol of the object */

uint64_t aot_hash(const uint8_t *code, uint32_t bytes);

/* The engine, for fast.c. */
static inline aot_chunk *aot_entry(const struct aot_image *image, uint32_t pc)
{
    uint32_t at = pc - image->base;
    return at < image->bytes ? image->entry[at / 2] : NULL;
}
const struct aot_image *aot_image_of(const struct aot *a);

/* ---- what the chunks are made of ---- */

#define AOT_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* The block at `at` begins; `charge` is what it costs, `credit` what was paid too much before. */
#define AOT_BLOCK(at, charge, credit)                                                              \
    if (AOT_UNLIKELY(__builtin_sub_overflow(left, (charge) - (credit), &left))) {                  \
        left += (charge);                                                                          \
        pc = (at);                                                                                 \
        goto tight;                                                                                \
    }

/* Leave at an instruction in the middle of a block. */
#define AOT_LEAVE(at, refund)                                                                      \
    {                                                                                              \
        left += (refund);                                                                          \
        pc = (at);                                                                                 \
        goto slow;                                                                                 \
    }

/* An aligned offset of n = 2^bits bytes that is inside `limit` bytes; see fast_loop.c. */
static inline bool aot_inside(uint32_t offset, unsigned bits, uint32_t limit)
{
    uint32_t rotated = bits ? offset >> bits | offset << (32 - bits) : offset;
    return __builtin_expect(rotated < limit >> bits, 1);
}

#define AOT_LOAD(type, bits, address, at, refund, use)                                             \
    {                                                                                              \
        uint32_t a_ = (address)-AOT_RAM_BASE;                                                      \
        type v_;                                                                                   \
        if (aot_inside(a_, bits, AOT_RAM_BYTES)) {                                                 \
            memcpy(&v_, ram + a_, sizeof v_);                                                      \
        } else {                                                                                   \
            a_ += AOT_RAM_BASE - AOT_ROM_BASE;                                                     \
            if (!aot_inside(a_, bits, AOT_ROM_BYTES))                                              \
                AOT_LEAVE(at, refund)                                                              \
            memcpy(&v_, rom + a_, sizeof v_);                                                      \
        }                                                                                          \
        (use);                                                                                     \
    }
#define AOT_STORE(type, bits, address, at, refund, value)                                          \
    {                                                                                              \
        uint32_t a_ = (address)-AOT_RAM_BASE;                                                      \
        type v_ = (type)(value);                                                                   \
        if (!aot_inside(a_, bits, AOT_RAM_BYTES))                                                  \
            AOT_LEAVE(at, refund)                                                                  \
        memcpy(ram + a_, &v_, sizeof v_);                                                          \
    }

#endif
