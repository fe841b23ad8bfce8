/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_vocab.c - the reader of tiktoken.model: what it accepts is a vocabulary, and it encodes any
 * text. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model/tok_bpe.h"
#include "model/tok_vocab.h"

static void check_tokens(const struct vocab *v)
{
    FUZZ_CHECK(v->count >= 256);
    for (uint32_t id = 0; id < v->count; id++) {
        const struct vocab_token *token = &v->tokens[id];
        FUZZ_CHECK(token->bytes > 0 && token->bytes <= v->longest);
        FUZZ_CHECK(vocab_find(v, v->bytes + token->at, token->bytes) == id);
    }
}

/* The file itself serves as the text. */
static void check_encoding(const struct vocab *v, const uint8_t *text, size_t bytes)
{
    struct bpe b = {0};
    struct tok_ids ids = {0};
    size_t at = 0;
    if (bytes)
        bpe_encode(&b, v, text, bytes, &ids);
    for (size_t i = 0; i < ids.count; i++) {
        FUZZ_CHECK(ids.data[i] < v->count);
        const struct vocab_token *token = &v->tokens[ids.data[i]];
        FUZZ_CHECK(token->bytes <= bytes - at);
        FUZZ_CHECK(!memcmp(v->bytes + token->at, text + at, token->bytes));
        at += token->bytes;
    }
    FUZZ_CHECK(at == bytes);
    free(ids.data);
    bpe_close(&b);
}

void fuzz_one(const uint8_t *p, size_t n)
{
    struct vocab v;
    struct err e = {0};
    if (vocab_parse(&v, "fuzz", (const char *)p, n, 4096, &e)) {
        FUZZ_CHECK(e.kind == ERR_INPUT && !strncmp(e.text, "fuzz: ", 6));
        FUZZ_CHECK(!strchr(e.text, '\n'));
        return;
    }
    check_tokens(&v);
    check_encoding(&v, p, n);
    vocab_close(&v);
}

/* The single bytes, and pairs of them that merge: decimal digits, and the letters of base64 itself.
 */
static size_t write_seed(char *out, size_t pairs)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t bytes = 0;
    for (unsigned i = 0; i < 256; i++)
        bytes +=
            (size_t)sprintf(out + bytes, "%c%c== %u\n", digits[i >> 2], digits[(i & 3) << 4], i);
    for (unsigned i = 0; i < pairs; i++) {
        unsigned first = (unsigned char)digits[i % 64],
                 second = (unsigned char)digits[(i * 7) % 64];
        bytes += (size_t)sprintf(out + bytes, "%c%c%c= %u\n", digits[first >> 2],
                                 digits[(first & 3) << 4 | second >> 4], digits[(second & 15) << 2],
                                 256 + i);
    }
    return bytes;
}

const char *fuzz_seed(size_t i, size_t *n)
{
    static char seeds[2][8192];
    static size_t bytes[2];
    if (i >= 2)
        return NULL;
    if (!bytes[i])
        bytes[i] = write_seed(seeds[i], 64 * i);
    *n = bytes[i];
    return seeds[i];
}
