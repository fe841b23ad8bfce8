/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pretokenize.c - any bytes: pieces cover the text, and streamed decoding does not depend on
 * the cuts. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include "model/tok_decode.h"
#include "model/tok_pre.h"
#include "model/unicode.h"

/* Pieces are never empty, and end between characters. */
static void check_pieces(const char *text, size_t bytes)
{
    size_t boundary = 0;
    for (size_t at = 0, end; at < bytes; at = end) {
        end = pretokenize_piece(text, bytes, at);
        FUZZ_CHECK(end > at && end <= bytes);
        while (boundary < end) {
            size_t used;
            uint32_t code = utf8_read((const uint8_t *)text + boundary, bytes - boundary, &used);
            boundary += code < UTF8_INVALID ? used : 1;
        }
        FUZZ_CHECK(boundary == end);
    }
}

static void check_is_text(const struct tok_text *out)
{
    for (size_t at = 0, used; at < out->bytes; at += used)
        FUZZ_CHECK(utf8_read((const uint8_t *)out->data + at, out->bytes - at, &used) <
                   UTF8_INVALID);
}

static void check_decoding(const uint8_t *p, size_t n)
{
    struct tok_decoder whole = {0}, cut = {0};
    struct tok_text once = {0}, twice = {0};
    tok_decoder_push(&whole, p, n, &once);
    tok_decoder_end(&whole, &once);
    for (size_t at = 0, step; at < n; at += step) {
        step = 1 + p[at] % 5;
        if (step > n - at)
            step = n - at;
        tok_decoder_push(&cut, p + at, step, &twice);
        check_is_text(&twice);
    }
    tok_decoder_end(&cut, &twice);
    FUZZ_CHECK(once.bytes == twice.bytes);
    FUZZ_CHECK(once.bytes == 0 || !memcmp(once.data, twice.data, once.bytes));
    free(once.data);
    free(twice.data);
}

void fuzz_one(const uint8_t *p, size_t n)
{
    check_pieces((const char *)p, n);
    check_decoding(p, n < 2000 ? n : 2000); /* check_is_text makes it quadratic */
}

const char *fuzz_seed(size_t i, size_t *n)
{
    static const char *const seeds[] = {
        "I'm sure they'LL say \"don't\" 12345 times...\r\n\r\n  Or 3.14?\n",
        "\xe4\xb8\xad\xe6\x96\x87 and \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x83\x86\xe3\x82\xb9 "
        "\xf0\x9f\x98\x80",
        "e\xcc\x81"
        "A\xc7\x85\xca\xb0 \xd9\xa3\xc2\xa0\xe2\x80\x83\t\v\xc2\x85 \xe3\x80\x85\xe3\x80\x87",
        "\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41\xed\xa0\x80\xf4\x91\x92\x93\xff\x80\xe1\x80\xe2\xf0"
        "\x91\x92\xf1\xbf",
    };
    if (i >= sizeof seeds / sizeof seeds[0])
        return NULL;
    *n = strlen(seeds[i]);
    return seeds[i];
}
