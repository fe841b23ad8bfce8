/* SPDX-License-Identifier: Apache-2.0 */
/* tok_decode.c - UTF-8 across the borders of tokens. */
#include "model/tok_decode.h"

#include <stdlib.h>
#include <string.h>
#include "base/xalloc.h"
#include "model/unicode.h"

void tok_text_add(struct tok_text *out, const void *data, size_t bytes)
{
    if (bytes > out->room - out->bytes) {
        size_t least = out->bytes + bytes;
        out->room = least < 2 * out->room ? 2 * out->room : least + 64;
        out->data = xrealloc(out->data, out->room, 1);
    }
    if (bytes)
        memcpy(out->data + out->bytes, data, bytes);
    out->bytes += bytes;
}

static void add_replacement(struct tok_text *out)
{
    tok_text_add(out, "\xef\xbf\xbd", 3);
}

/* Decode all that is certain; returns how many bytes that was. */
static size_t decode_certain(const uint8_t *data, size_t bytes, struct tok_text *out)
{
    size_t at = 0, used;
    for (; at < bytes; at += used) {
        uint32_t code = utf8_read(data + at, bytes - at, &used);
        if (code == UTF8_SHORT)
            break;
        if (code == UTF8_INVALID)
            add_replacement(out);
        else
            tok_text_add(out, data + at, used);
    }
    return at;
}

void tok_decoder_push(struct tok_decoder *d, const uint8_t *data, size_t bytes,
                      struct tok_text *out)
{
    /* one byte at a time while something is held: at most three */
    while (d->held_bytes && bytes) {
        d->held[d->held_bytes++] = *data++;
        bytes--;
        size_t done = decode_certain(d->held, d->held_bytes, out);
        d->held_bytes -= (uint32_t)done;
        memmove(d->held, d->held + done, d->held_bytes);
    }
    size_t done = bytes ? decode_certain(data, bytes, out) : 0;
    for (; done < bytes; done++)
        d->held[d->held_bytes++] = data[done];
}

void tok_decoder_end(struct tok_decoder *d, struct tok_text *out)
{
    if (d->held_bytes)
        add_replacement(out);
    d->held_bytes = 0;
}
