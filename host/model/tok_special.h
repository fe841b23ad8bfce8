/* SPDX-License-Identifier: Apache-2.0 */
/* tok_special.h - the control tokens above the byte-pair vocabulary: "[BOS]", "<|im_end|>", ... */
#ifndef TESSERA_MODEL_TOK_SPECIAL_H
#define TESSERA_MODEL_TOK_SPECIAL_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

enum { SPECIALS_MAX = 1 << 16, SPECIAL_BYTES_MAX = 256 };

struct special {
    const char *text; /* not empty, no zero bytes */
    size_t bytes;
    uint32_t id;
};

/* Set by specials_load, then constant. */
struct specials {
    uint32_t first, count;   /* ids first..first + count - 1 */
    struct special *by_id;   /* by_id[i] has id first + i */
    struct special *by_text; /* the same, sorted by bytes */
    struct arena *arena;
};

/* Name the ids first..first + count - 1: from "added_tokens_decoder" of tokenizer_config.json, and
 * <|reserved_token_ID|> where it has none. All are control tokens, whatever "special" says there.
 * On success the caller owns *out (specials_close); on failure (ERR_INPUT) *out is empty. */
int specials_load(struct specials *out, const char *path, uint32_t first, uint32_t count,
                  struct err *e);
void specials_close(struct specials *s);

/* The longest control token that stands at the front of the text, or NULL.
 * Cost: two binary searches per byte of it. */
const struct special *specials_match(const struct specials *s, const char *text, size_t bytes);

#endif
