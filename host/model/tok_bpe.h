/* SPDX-License-Identifier: Apache-2.0 */
/* tok_bpe.h - byte-pair encoding of one piece of text. */
#ifndef TESSERA_MODEL_TOK_BPE_H
#define TESSERA_MODEL_TOK_BPE_H

#include <stddef.h>
#include <stdint.h>
#include "model/tok_vocab.h"

/* A growing list of token ids. Starts as {0}; its owner frees `data`. */
struct tok_ids {
    uint32_t *data;
    size_t count, room;
};

void tok_ids_add(struct tok_ids *ids, uint32_t id);

/* Working memory, reused from piece to piece; one thread at a time. Starts as {0}; bpe_close. */
struct bpe {
    struct bpe_part *parts;
    uint64_t *heap;
    size_t room;       /* pieces of this many bytes fit */
    size_t heap_count; /* 0 between calls */
};

void bpe_close(struct bpe *b);

/* Append the ids of one piece.
 *   piece, bytes  any bytes, up to 2^30
 * A piece that is a token is that token. Else its bytes are the first parts, and of all
 * neighbouring parts whose joined bytes are a token, those with the lowest rank (leftmost on a tie)
 * are joined, until none are.
 * Cost: n log n lookups at worst. */
void bpe_encode(struct bpe *b, const struct vocab *v, const uint8_t *piece, size_t bytes,
                struct tok_ids *ids);

#endif
