/* SPDX-License-Identifier: Apache-2.0 */
/* tok_tokenizer.h - text <-> token ids, from a model's tiktoken.model and tokenizer_config.json. */
#ifndef TESSERA_MODEL_TOK_TOKENIZER_H
#define TESSERA_MODEL_TOK_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "model/tok_bpe.h"
#include "model/tok_decode.h"

struct tokenizer; /* constant once open: threads may share it */

/* Load the tokenizer of a model directory.
 *   vocab_size  rows of the model's embedding: ids are 0..vocab_size - 1. Those above the tokens of
 *               tiktoken.model are control tokens: named by tokenizer_config.json, or else
 *               <|reserved_token_ID|>
 * On success the caller owns *out. Errors (ERR_INPUT) name the file. */
int tokenizer_open(struct tokenizer **out, const char *model_dir, uint32_t vocab_size,
                   struct err *e);
void tokenizer_close(struct tokenizer *t); /* NULL is fine */

enum tokenizer_mode {
    TOKENIZER_PLAIN,   /* "<|im_end|>" is ten characters: for what users typed */
    TOKENIZER_SPECIALS /* "<|im_end|>" is the control token: for templates */
};

/* Append the ids of a text; adds no [BOS].
 *   text, bytes  any bytes, valid UTF-8 or not (tok_pre.h): decoding gives exactly these back
 * As the model's own tokenizer does, long input is cut every 400,000 characters, and before the
 * 25,001st character of a run that is all white space or all not. Nothing is merged or recognised
 * across a cut.
 * Cost: n log n at worst, whatever the text is. */
void tokenizer_encode(const struct tokenizer *t, const char *text, size_t bytes,
                      enum tokenizer_mode mode, struct tok_ids *ids);

/* The bytes of one token, or NULL for an id outside the vocabulary. A control token's are its name;
 * others may end inside a character (tok_decode.h). Not zero-ended; the tokenizer owns them. */
const uint8_t *tokenizer_bytes(const struct tokenizer *t, uint32_t id, size_t *bytes);

/* Push one token through the streaming decoder; -1 and no change for an id outside 0..size - 1. */
int tokenizer_decode_one(const struct tokenizer *t, uint32_t id, struct tok_decoder *d,
                         struct tok_text *out);

uint32_t tokenizer_size(const struct tokenizer *t); /* = vocab_size */
bool tokenizer_is_special(const struct tokenizer *t, uint32_t id);
/* The id of the control token with this name, or VOCAB_NONE. */
uint32_t tokenizer_special(const struct tokenizer *t, const char *name);

#endif
