/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_index.c - the shard index: what is accepted names only files of its own folder, and finds
 * each. */
#include "fuzz.h"

#include "model/shard_index.h"

#include <string.h>

void fuzz_one(const uint8_t *p, size_t n)
{
    struct shard_index *x;
    struct err e = {0};
    if (shard_index_parse(&x, "fuzz", (const char *)p, n, &e)) {
        FUZZ_CHECK(e.kind == ERR_INPUT && !strncmp(e.text, "fuzz: ", 6));
        return;
    }
    for (size_t i = 0; i < shard_index_count(x); i++) {
        const char *file = shard_index_file(x, shard_index_tensor(x, i));
        FUZZ_CHECK(file && *file && *file != '.' && !strchr(file, '/'));
    }
    shard_index_close(x);
}

const char *fuzz_seed(size_t i, size_t *n)
{
    static const char *const seeds[] = {
        "{\"metadata\":{\"total_size\":7605376},\"weight_map\":{"
        "\"lm_head.weight\":\"model-00002-of-000002.safetensors\","
        "\"model.norm.weight\":\"model-00001-of-000002.safetensors\"}}",
        "{\"weight_map\":{\"a\":\"x\",\"b\":\"x\",\"c\":\"y..\"}}",
        "{\"weight_map\":{\"a\":\"../x\"}}",
    };
    if (i >= sizeof seeds / sizeof seeds[0])
        return NULL;
    *n = strlen(seeds[i]);
    return seeds[i];
}
