/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_safetensors.c - a safetensors file: what is accepted tiles the data, and every byte is
 * readable. */
#include "fuzz.h"

#include "model/safetensors.h"

#include <stdio.h>
#include <string.h>

static void check_file(const struct safetensors *s, const uint8_t *p, size_t n)
{
    uint64_t header = load_u64(p), total = 0;
    unsigned sum = 0;
    for (size_t i = 0; i < safetensors_count(s); i++) {
        const struct tensor *t = safetensors_at(s, i);
        FUZZ_CHECK(safetensors_find(s, t->name) == t);
        FUZZ_CHECK(t->elements * dtype_bytes(t->dtype) == t->bytes);
        for (uint64_t b = 0; b < t->bytes; b++)
            sum += t->data[b];
        total += t->bytes;
    }
    for (size_t b = 8 + header; b < n; b++)
        sum -= p[b];
    FUZZ_CHECK(total == n - 8 - header && sum == 0); /* each byte belongs to exactly one tensor */
}

void fuzz_one(const uint8_t *p, size_t n)
{
    struct safetensors *s;
    struct err e = {0};
    if (safetensors_parse(&s, "fuzz", p, n, &e)) {
        FUZZ_CHECK(e.kind == ERR_INPUT && !strncmp(e.text, "fuzz: ", 6));
        return;
    }
    check_file(s, p, n);
    safetensors_close(s);
}

const char *fuzz_seed(size_t i, size_t *n)
{
    static const char *const seeds[][2] = {
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}}", "abcdefgh"},
        {"{\"__metadata__\":{\"format\":\"pt\"},"
         "\"b\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[0,12]},"
         "\"a\":{\"data_offsets\":[12,16],\"dtype\":\"I32\",\"shape\":[]},"
         "\"none\":{\"dtype\":\"F8_E4M3\",\"shape\":[0,7],\"data_offsets\":[16,16]}} ",
         "0123456789abcdef"},
        {"{}", ""},
    };
    static char room[sizeof seeds / sizeof seeds[0]][512];
    if (i >= sizeof seeds / sizeof seeds[0])
        return NULL;
    uint64_t header = strlen(seeds[i][0]);
    memcpy(room[i], &header, sizeof header);
    *n = sizeof header;
    *n += (size_t)snprintf(room[i] + *n, sizeof room[i] - *n, "%s%s", seeds[i][0], seeds[i][1]);
    return room[i];
}
