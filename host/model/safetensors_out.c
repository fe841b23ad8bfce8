/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors_out.c - writes a safetensors file: logits for others to compare, and test models. */
#include "model/safetensors.h"

#include "base/json.h"

#include <assert.h>
#include <errno.h>

static uint64_t out_bytes(const struct tensor_out *t)
{
    uint64_t n = dtype_bytes(t->dtype);
    assert(t->dims <= TENSOR_DIMS_MAX);
    for (uint32_t i = 0; i < t->dims; i++) {
        bool overflow = __builtin_mul_overflow(n, t->shape[i], &n);
        assert(!overflow);
    }
    return n;
}

static void put_header(struct json_out *o, const struct tensor_out *list, size_t count)
{
    uint64_t at = 0;
    json_out_object(o, NULL);
    for (size_t i = 0; i < count; i++) {
        json_out_object(o, list[i].name);
        json_out_string(o, "dtype", dtype_name(list[i].dtype));
        json_out_array(o, "shape");
        for (uint32_t d = 0; d < list[i].dims; d++)
            json_out_uint(o, NULL, list[i].shape[d]);
        json_out_end(o);
        json_out_array(o, "data_offsets");
        json_out_uint(o, NULL, at);
        at += out_bytes(&list[i]);
        json_out_uint(o, NULL, at);
        json_out_end(o);
        json_out_end(o);
    }
    json_out_end(o);
}

static bool put_all(FILE *f, const struct json_out *header, const struct tensor_out *list,
                    size_t count)
{
    static const char spaces[] = "       ";
    size_t text = header->used - 1; /* without the newline */
    size_t pad = (8 - text % 8) % 8;
    uint64_t length = text + pad;
    bool ok = fwrite(&length, sizeof length, 1, f) == 1 && fwrite(header->bytes, text, 1, f) == 1 &&
              fwrite(spaces, 1, pad, f) == pad;
    for (size_t i = 0; i < count && ok; i++) {
        uint64_t bytes = out_bytes(&list[i]);
        ok = bytes == 0 || fwrite(list[i].data, bytes, 1, f) == 1;
    }
    return ok;
}

int safetensors_write(const char *path, const struct tensor_out *list, size_t count, struct err *e)
{
    FILE *f = fopen(path, "wb");
    if (!f)
        return err_input(e, "%s: cannot be written: %s", path, strerror(errno));
    struct json_out header;
    json_out_buffer(&header);
    put_header(&header, list, count);
    bool ok = put_all(f, &header, list, count);
    json_out_close(&header);
    ok = fclose(f) == 0 && ok;
    return ok ? 0 : err_input(e, "%s: cannot be written: %s", path, strerror(errno));
}
