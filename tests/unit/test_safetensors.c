/* SPDX-License-Identifier: Apache-2.0 */
/* test_safetensors.c - one safetensors file: good ones, and every way to be bad that we know. */
#include "base/xalloc.h"
#include "harness.h"
#include "model/safetensors.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct image {
    unsigned char bytes[1024];
    size_t n;
};

/* A file with this header and `data` bytes 0, 1, 2, ... behind it. */
static struct image image_of(const char *header, size_t data)
{
    struct image f = {.n = 8 + strlen(header) + data};
    uint64_t length = strlen(header);
    memcpy(f.bytes, &length, 8);
    memcpy(f.bytes + 8, header, length);
    for (size_t i = 0; i < data; i++)
        f.bytes[8 + length + i] = (unsigned char)i;
    return f;
}

static const char two_tensors[] =
    "{\"__metadata__\":{\"format\":\"pt\"},"
    "\"b\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[0,12]},"
    "\"a\":{\"data_offsets\":[12,16],\"dtype\":\"F32\",\"shape\":[]},"
    "\"none\":{\"dtype\":\"F8_E4M3\",\"shape\":[0,7],\"data_offsets\":[16,16]}}   ";

TEST(safetensors_reads_a_file)
{
    struct image f = image_of(two_tensors, 16);
    struct safetensors *s;
    struct err e = {0};
    CHECK_EQ(safetensors_parse(&s, "x.safetensors", f.bytes, f.n, &e), 0);
    CHECK_EQ(safetensors_count(s), 3);
    const struct tensor *b = safetensors_find(s, "b"), *a = safetensors_find(s, "a");
    CHECK_EQ(b->dtype, DTYPE_BF16);
    CHECK_EQ(b->dims, 2);
    CHECK_EQ(b->shape[0], 2);
    CHECK_EQ(b->shape[1], 3);
    CHECK_EQ(b->elements, 6);
    CHECK_EQ(b->data[11], 11);
    CHECK_EQ(a->dims, 0);
    CHECK_EQ(a->elements, 1);
    CHECK_EQ(load_u32(a->data), 0x0f0e0d0c);
    CHECK_EQ(safetensors_find(s, "none")->bytes, 0);
    CHECK(!safetensors_find(s, "c"));
    CHECK_STR(safetensors_at(s, 0)->name, "a");
    safetensors_close(s);
}

TEST(safetensors_every_truncation_is_refused)
{
    struct image f = image_of(two_tensors, 16);
    for (size_t n = 0; n < f.n; n++) {
        struct safetensors *s;
        struct err e = {0};
        unsigned char *cut = xcalloc(n, 1);
        memcpy(cut, f.bytes, n);
        CHECK_EQ(safetensors_parse(&s, "cut", cut, n, &e), -1);
        CHECK_EQ(e.kind, ERR_INPUT);
        free(cut);
    }
    struct safetensors *s;
    struct err e = {0};
    CHECK_EQ(safetensors_parse(&s, "long", f.bytes, f.n + 1, &e), -1);
    CHECK_STR(e.text, "long: data byte 16: belongs to no tensor");
}

#define ENTRY(text) "{\"w\":{" text "}}"
#define SHAPE(shape, offsets)                                                                      \
    ENTRY("\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":" offsets)

TEST(safetensors_refuses_bad_headers)
{
    static const struct {
        const char *header, *reason;
    } bad[] = {
        {SHAPE("[4]", "[0,8]"), "tensor \"w\" (byte 13): its data is not as long as"},
        {SHAPE("[2]", "[0,16]"), "its data is not as long as"},
        {SHAPE("[4]", "[8,24]"), "tensor \"w\" (byte 13): its data lies outside the file"},
        {SHAPE("[4]", "[16,0]"), "its data ends before it begins"},
        {SHAPE("[4]", "[0]"), "no data_offsets"},
        {SHAPE("[4]", "[0,16.0]"), "no data_offsets"},
        {SHAPE("[4]", "[-16,0]"), "no data_offsets"},
        {SHAPE("[4]", "\"0\""), "no data_offsets"},
        {SHAPE("[-4]", "[0,16]"), "a dimension that is no count"},
        {SHAPE("[4.5]", "[0,16]"), "a dimension that is no count"},
        {SHAPE("[\"4\"]", "[0,16]"), "a dimension that is no count"},
        {SHAPE("4", "[0,16]"), "no shape"},
        {SHAPE("[1,1,1,1,1,1,1,1,4]", "[0,16]"), "too many dimensions"},
        {SHAPE("[4294967296,4294967296]", "[0,0]"), "its shape overflows"},
        {SHAPE("[4294967296,1073741824]", "[0,0]"), "its shape overflows"}, /* only times 4 bytes */
        {SHAPE("[9223372036854775808]", "[0,0]"), "a dimension that is no count"},
        {ENTRY("\"shape\":[4],\"data_offsets\":[0,16]"), "no dtype"},
        {ENTRY("\"dtype\":\"F33\",\"shape\":[4],\"data_offsets\":[0,16]"), "unknown dtype \"F33\""},
        {ENTRY("\"dtype\":3,\"shape\":[4],\"data_offsets\":[0,16]"), "no dtype"},
        {"{\"w\":[]}", "tensor \"w\" (byte 13): not an object"},
        {ENTRY("\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16],\"x\":1"), "unknown field"},
        {"{\"__metadata__\":3}", "__metadata__: not an object"},
        {"{\"__metadata__\":{\"k\":3}}", "__metadata__: \"k\" is not a string"},
        {"[]", "byte 8: the header does not begin with '{'"},
        {" {}", "byte 8: the header does not begin with '{'"},
        {"", "byte 8: the header does not begin with '{'"},
        {"{\"w\":", "header: byte 5"},
        {"{}", "data byte 0: belongs to no tensor"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[9],\"data_offsets\":[0,9]},"
         "\"w\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[8,16]}}",
         "tensor \"w\" (data byte 8): overlaps another"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[7],\"data_offsets\":[0,7]},"
         "\"w\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[8,16]}}",
         "tensor \"w\" (data byte 8): a hole before it"},
        {"{\"w\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]},"
         "\"w\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[8,16]}}",
         "a second \"w\" in one object"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct image f = image_of(bad[i].header, 16);
        struct safetensors *s;
        struct err e = {0};
        CHECK_MSG(safetensors_parse(&s, "x.safetensors", f.bytes, f.n, &e), "accepted: %s",
                  bad[i].header);
        CHECK_EQ(e.kind, ERR_INPUT);
        CHECK_MSG(!strncmp(e.text, "x.safetensors: ", 15), "%s", e.text);
        CHECK_MSG(strstr(e.text, bad[i].reason), "%s: %s", bad[i].header, e.text);
    }
}

TEST(safetensors_header_length_is_checked)
{
    static const uint64_t lengths[] = {1000, UINT64_MAX, UINT64_MAX - 7,
                                       SAFETENSORS_HEADER_MAX + 1};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct image f = image_of(two_tensors, 16);
        memcpy(f.bytes, &lengths[i], 8);
        struct safetensors *s;
        struct err e = {0};
        CHECK_EQ(safetensors_parse(&s, "x", f.bytes, f.n, &e), -1);
        CHECK_EQ(e.kind, ERR_INPUT);
        CHECK_MSG(strstr(e.text, "x: byte 0: a header of "), "%s", e.text);
    }
}

TEST(safetensors_open_names_what_it_cannot_open)
{
    struct safetensors *s;
    struct err e = {0};
    CHECK_EQ(safetensors_open(&s, "no/such.safetensors", &e), -1);
    CHECK_EQ(e.kind, ERR_INPUT);
    CHECK_MSG(!strncmp(e.text, "no/such.safetensors: cannot be opened", 37), "%s", e.text);
    e = (struct err){0};
    CHECK_EQ(safetensors_open(&s, "host/models", &e), -1);
    CHECK_STR(e.text, "host/models: not a file");
    e = (struct err){0};
    CHECK_EQ(safetensors_open(&s, "/dev/null", &e), -1);
    CHECK_EQ(e.kind, ERR_INPUT);
}

TEST(safetensors_written_files_read_back)
{
    static const float x[] = {1, -2, 3, -4, 5, -6};
    static const int32_t ids[] = {7, 8, 9};
    struct tensor_out list[] = {
        {.name = "logits", .dtype = DTYPE_F32, .dims = 2, .shape = {2, 3}, .data = x},
        {.name = "ids \"quoted\"", .dtype = DTYPE_I32, .dims = 1, .shape = {3}, .data = ids},
        {.name = "nothing", .dtype = DTYPE_I64, .dims = 1, .shape = {0}},
    };
    char path[] = "/tmp/tessera-test-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    (void)close(fd);
    struct err e = {0};
    struct safetensors *s;
    CHECK_EQ(safetensors_write(path, list, 3, &e), 0);
    CHECK_MSG(safetensors_open(&s, path, &e) == 0, "%s", e.text);
    (void)unlink(path);
    const struct tensor *logits = safetensors_find(s, "logits");
    CHECK_EQ(logits->dims, 2);
    CHECK_EQ(logits->shape[1], 3);
    for (size_t i = 0; i < 6; i++)
        CHECK(load_f32(logits->data + 4 * i) == x[i]);
    CHECK_EQ((uintptr_t)logits->data % 8, 0);
    CHECK(!memcmp(safetensors_find(s, "ids \"quoted\"")->data, ids, sizeof ids));
    CHECK_EQ(safetensors_count(s), 3);
    safetensors_close(s);
    CHECK_EQ(safetensors_write("no/such/folder", list, 3, &e), -1);
    CHECK_EQ(e.kind, ERR_INPUT);
    CHECK_MSG(!strncmp(e.text, "no/such/folder: ", 16), "%s", e.text);
}

TEST(safetensors_reads_the_default_model)
{
    struct safetensors *s;
    struct err e = {0};
    const char *path = "host/models/kimi-nano/model-00001-of-000002.safetensors";
    CHECK_MSG(safetensors_open(&s, path, &e) == 0, "%s", e.text);
    const struct tensor *w = safetensors_find(s, "model.layers.0.self_attn.kv_b_proj.weight");
    CHECK(w && w->dtype == DTYPE_BF16 && w->shape[0] == 512 && w->shape[1] == 64);
    safetensors_close(s);
}
