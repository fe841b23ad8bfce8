/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors.h - one safetensors file: mapped, its header checked completely before anything is
 * read.
 *
 * What an opened file promises: names are unique, every shape times its element size is exactly the
 * tensor's byte range, the ranges lie inside the file, do not overlap and leave no holes. Tensor
 * data may start at any byte: read it with the load_ functions below. The file must not shrink
 * while it is open (the system then ends the process). */
#ifndef TESSERA_MODEL_SAFETENSORS_H
#define TESSERA_MODEL_SAFETENSORS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum safetensors_limits {
    SAFETENSORS_HEADER_MAX = 100000000, /* bytes; the format's own limit */
    TENSOR_DIMS_MAX = 8
};

/* DTYPE(name in the file and in the enum, bytes of an element) */
#define DTYPES(DTYPE)                                                                              \
    DTYPE(BF16, 2)                                                                                 \
    DTYPE(F16, 2)                                                                                  \
    DTYPE(F32, 4)                                                                                  \
    DTYPE(F64, 8)                                                                                  \
    DTYPE(F8_E4M3, 1)                                                                              \
    DTYPE(F8_E5M2, 1)                                                                              \
    DTYPE(F8_E8M0, 1)                                                                              \
    DTYPE(BOOL, 1)                                                                                 \
    DTYPE(I8, 1)                                                                                   \
    DTYPE(U8, 1)                                                                                   \
    DTYPE(I16, 2)                                                                                  \
    DTYPE(U16, 2)                                                                                  \
    DTYPE(I32, 4)                                                                                  \
    DTYPE(U32, 4)                                                                                  \
    DTYPE(I64, 8)                                                                                  \
    DTYPE(U64, 8)

enum dtype {
#define DTYPE(name, bytes) DTYPE_##name,
    DTYPES(DTYPE)
#undef DTYPE
        DTYPE_COUNT
};

const char *dtype_name(enum dtype type);
size_t dtype_bytes(enum dtype type);

struct tensor {
    const char *name;
    enum dtype dtype;
    uint32_t dims; /* 0 is a scalar */
    uint64_t shape[TENSOR_DIMS_MAX];
    uint64_t elements, bytes;
    uint64_t begin;      /* offset in the data part of the file */
    const uint8_t *data; /* row-major, little-endian, any alignment; belongs to the file */
};

struct safetensors;

/* Map and check a file. Errors are ERR_INPUT and name the file, the tensor and the byte. */
int safetensors_open(struct safetensors **out, const char *path, struct err *e);

/* The same on memory, which the caller keeps until after the close. `name` is what errors call it.
 */
int safetensors_parse(struct safetensors **out, const char *name, const void *bytes, size_t n,
                      struct err *e);
void safetensors_close(struct safetensors *s); /* NULL is fine */

const char *safetensors_name(const struct safetensors *s);
size_t safetensors_count(const struct safetensors *s);
const struct tensor *safetensors_at(const struct safetensors *s, size_t i); /* in order of name */
/* NULL if there is none. Cost: log n. */
const struct tensor *safetensors_find(const struct safetensors *s, const char *name);

/* ---- writing ---- */

struct tensor_out {
    const char *name;
    enum dtype dtype;
    uint32_t dims;
    uint64_t shape[TENSOR_DIMS_MAX];
    const void *data; /* product of shape times dtype_bytes; NULL if that is 0 */
};

/* Write a file that holds exactly these tensors, in this order. Errors: ERR_INPUT, naming the path.
 */
int safetensors_write(const char *path, const struct tensor_out *list, size_t count, struct err *e);

/* ---- little-endian loads from any address ---- */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "loads below copy bytes as they are");

static inline uint16_t load_u16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint32_t load_u32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t load_u64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline float load_f32(const void *p)
{
    float v;
    memcpy(&v, p, sizeof v);
    return v;
}

#endif
