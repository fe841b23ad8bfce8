/* SPDX-License-Identifier: Apache-2.0 */
/* tok_decode.h - turns a stream of token bytes into text that can be printed as it comes.
 *
 * Tokens end anywhere, also inside a character. The decoder holds back an unfinished character (up
 * to three bytes) until its rest arrives; what can no longer become one is replaced by U+FFFD, one
 * for each longest prefix of a character, so the output is always valid UTF-8. */
#ifndef TESSERA_MODEL_TOK_DECODE_H
#define TESSERA_MODEL_TOK_DECODE_H

#include <stddef.h>
#include <stdint.h>

/* Growing text, not zero-ended. Starts as {0} (`data` is then NULL); its owner frees `data`. */
struct tok_text {
    char *data;
    size_t bytes, room;
};

void tok_text_add(struct tok_text *out, const void *data, size_t bytes);

/* Starts as {0}. */
struct tok_decoder {
    uint8_t held[4];
    uint32_t held_bytes; /* 0..3 between calls */
};

/* Append to `out` what is certain after these bytes. How the stream was cut makes no difference. */
void tok_decoder_push(struct tok_decoder *d, const uint8_t *data, size_t bytes,
                      struct tok_text *out);
/* The stream is over: what is held back becomes one U+FFFD. The decoder may then be used again. */
void tok_decoder_end(struct tok_decoder *d, struct tok_text *out);

#endif
