/* SPDX-License-Identifier: Apache-2.0 */
/* tok_vocab.h - the byte-pair vocabulary of a tiktoken.model file: token bytes <-> id.
 *
 * The file has one token per line, `base64(bytes) SPACE rank`; empty lines are skipped. The rank is
 * the id and the priority of the merge. A file is refused unless its ranks are exactly 0..n-1, its
 * tokens differ, and each of the 256 single bytes is one of them (then any text can be encoded). */
#ifndef TESSERA_MODEL_TOK_VOCAB_H
#define TESSERA_MODEL_TOK_VOCAB_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

enum {
    VOCAB_TOKEN_BYTES_MAX = 4096, /* of one token */
    VOCAB_COUNT_MAX = 1 << 24,    /* tokens */
    VOCAB_FILE_BYTES_MAX = 1 << 28
};
#define VOCAB_NONE UINT32_MAX /* no such token */

struct vocab_token {
    uint32_t at, bytes; /* in vocab.bytes */
};

/* Set by vocab_load or vocab_parse, then constant: threads may share it. */
struct vocab {
    uint32_t count;             /* ids 0..count-1 */
    uint32_t longest;           /* bytes of the longest token */
    uint32_t single[256];       /* the ids of the single bytes */
    struct vocab_token *tokens; /* by id */
    uint8_t *bytes;
    uint64_t *slots; /* hash table: upper half of the hash, id + 1; 0 is empty */
    size_t slot_mask;
};

/* Read `path`, which may hold at most `count_max` tokens. On success the caller owns *out
 * (vocab_close); on failure (ERR_INPUT naming file, line and reason) *out is empty. */
int vocab_load(struct vocab *out, const char *path, uint32_t count_max, struct err *e);
/* The same for text in memory, called `name` in errors and not needed afterwards. */
int vocab_parse(struct vocab *out, const char *name, const char *text, size_t bytes,
                uint32_t count_max, struct err *e);
void vocab_close(struct vocab *v);

/* The id of the token with exactly these bytes, or VOCAB_NONE.
 * Cost: one hash of the bytes; more than `longest` of them are not looked at. */
uint32_t vocab_find(const struct vocab *v, const uint8_t *bytes, size_t n);

#endif
