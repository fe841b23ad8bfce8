/* SPDX-License-Identifier: Apache-2.0 */
/* tok_bpe.c - parts in a linked list and candidate joins in a heap: a long piece costs n log n.
 * Candidates stay in the heap: one that no longer describes its part is skipped. */
#include "model/tok_bpe.h"

#include <assert.h>
#include <stdlib.h>
#include "base/xalloc.h"

enum { NO_PART = UINT32_MAX };

/* Part i is the one that begins at byte i of the piece. */
struct bpe_part {
    uint32_t token;
    uint32_t previous, next; /* NO_PART at the ends */
    uint32_t end;            /* byte after the part */
    uint32_t join_rank;      /* with the next; VOCAB_NONE if that is no token, or swallowed */
};

void tok_ids_add(struct tok_ids *ids, uint32_t id)
{
    if (ids->count == ids->room) {
        ids->room = ids->room ? 2 * ids->room : 64;
        ids->data = xrealloc(ids->data, ids->room, sizeof *ids->data);
    }
    ids->data[ids->count++] = id;
}

void bpe_close(struct bpe *b)
{
    free(b->parts);
    free(b->heap);
    *b = (struct bpe){0};
}

static void reserve(struct bpe *b, size_t bytes)
{
    if (bytes <= b->room)
        return;
    b->room = bytes < 256 ? 256 : bytes;
    b->parts = xrealloc(b->parts, b->room, sizeof *b->parts);
    /* n - 1 candidates at the start, two more after each of at most n - 1 joins */
    b->heap = xrealloc(b->heap, b->room, 3 * sizeof *b->heap);
}

/* ---- the heap: smallest first; rank in the upper half, then the place, so ties go left ---- */

static void heap_push(struct bpe *b, uint64_t key)
{
    size_t i = b->heap_count++;
    for (; i && b->heap[(i - 1) / 2] > key; i = (i - 1) / 2)
        b->heap[i] = b->heap[(i - 1) / 2];
    b->heap[i] = key;
}

static uint64_t heap_pop(struct bpe *b)
{
    uint64_t top = b->heap[0], key = b->heap[--b->heap_count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < b->heap_count; i = child) {
        if (child + 1 < b->heap_count && b->heap[child + 1] < b->heap[child])
            child++;
        if (b->heap[child] >= key)
            break;
        b->heap[i] = b->heap[child];
    }
    b->heap[i] = key;
    return top;
}

/* ---- joining ---- */

static void offer_join(struct bpe *b, const struct vocab *v, const uint8_t *piece, uint32_t at)
{
    struct bpe_part *part = &b->parts[at];
    part->join_rank = VOCAB_NONE;
    if (part->next == NO_PART)
        return;
    part->join_rank = vocab_find(v, piece + at, b->parts[part->next].end - at);
    if (part->join_rank != VOCAB_NONE)
        heap_push(b, (uint64_t)part->join_rank << 32 | at);
}

static void join(struct bpe *b, const struct vocab *v, const uint8_t *piece, uint32_t at)
{
    struct bpe_part *part = &b->parts[at], *gone = &b->parts[part->next];
    part->token = part->join_rank;
    part->end = gone->end;
    part->next = gone->next;
    gone->join_rank = VOCAB_NONE;
    if (part->next != NO_PART)
        b->parts[part->next].previous = at;
    offer_join(b, v, piece, at);
    if (part->previous != NO_PART)
        offer_join(b, v, piece, part->previous);
}

void bpe_encode(struct bpe *b, const struct vocab *v, const uint8_t *piece, size_t bytes,
                struct tok_ids *ids)
{
    assert(bytes <= 1u << 30);
    uint32_t whole = vocab_find(v, piece, bytes), n = (uint32_t)bytes;
    if (whole != VOCAB_NONE) {
        tok_ids_add(ids, whole);
        return;
    }
    reserve(b, bytes);
    for (uint32_t i = 0; i < n; i++)
        b->parts[i] = (struct bpe_part){v->single[piece[i]], i ? i - 1 : NO_PART,
                                        i + 1 < n ? i + 1 : NO_PART, i + 1, VOCAB_NONE};
    for (uint32_t i = 0; i < n; i++)
        offer_join(b, v, piece, i);
    while (b->heap_count) {
        uint64_t key = heap_pop(b);
        uint32_t at = (uint32_t)key;
        if (b->parts[at].join_rank == key >> 32)
            join(b, v, piece, at);
    }
    for (uint32_t at = 0; at < n; at = b->parts[at].end)
        tok_ids_add(ids, b->parts[at].token);
}
