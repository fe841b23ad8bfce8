/* SPDX-License-Identifier: Apache-2.0 */
/* attention.h - inside host/place: what the files of one tile's attention share: attention.c (who
 * has what, and the order of phases), queries.c, new_latent.c, softmax.c. */
#ifndef TESSERA_PLACE_ATTENTION_H
#define TESSERA_PLACE_ATTENTION_H

#include "place/layer.h"

struct attention {
    uint32_t blocks, first_head;
    uint32_t heads, query_dim; /* heads of this tile's block */
    struct slice low_rank;     /* of q_lora_rank, columns; empty without one */
    struct latent_part kv;     /* what phase 1 makes, columns */
    struct slice turned;       /* of kv_lora_rank + rope_dim, rows; empty with one block */
    struct deal queries_deal;  /* of all blocks' heads * (nope + rope), over the rows */
    struct runs query_runs;    /* a row's part of them, one block behind the other */
    struct slice query;        /* of the tile's block */
    struct slice value;        /* of a block's heads * v, rows; as many of every block */
    uint32_t slots;            /* positions of one user this tile can cache */
    uint32_t latent_bytes;     /* of one element of the cache */
    uint16_t first;            /* [low_rank | kv | sum x^2 | x as C | header], after phase 1 */
    uint16_t scale;            /* 1 word: r of the input norm */
    uint16_t input_sum;        /* 1 word: sum x^2 */
    uint16_t input_norm;       /* struct args_norm, where what phase 1 makes lacks r; else 0 */
    uint16_t queries;          /* query_runs, sums of q_a^2 and latent^2 (and of x^2), turned */
    uint16_t sums;             /* the sums behind them */
    uint16_t own;              /* [query]: those of this tile's block */
    uint16_t cache;            /* [users][slots][latent] */
    uint16_t store;            /* the descriptor that appends to it */
    uint16_t rope_scale;       /* 1 word */
    uint16_t factor_args;      /* of the kernel that makes the scores' factor; 0: they need none */
    uint16_t latent_queries;   /* [heads][latent], after phase 3, then (blocks) the new latent, as
                                  it is cached */
    uint16_t weights;          /* [heads sums | heads * cached exp], after phase 5 */
    uint16_t mixed;            /* [heads][latents] then [heads] sums, after phase 6 */
};

/* One head's share of a slice over heads * dim. */
struct piece {
    uint32_t head, from, count; /* elements from.. of the head's dim */
    uint32_t at;                /* place of the first in the slice */
};
static inline bool next_piece(struct slice s, uint32_t dim, struct piece *p)
{
    uint32_t at = p->at + p->count;
    if (at >= s.count)
        return false;
    uint32_t element = s.first + at, left = dim - element % dim;
    *p =
        (struct piece){element / dim, element % dim, left < s.count - at ? left : s.count - at, at};
    return true;
}

/* Two norms follow each other where queries are of low rank: the first one's factor nearly cancels
 * (struct args_norm). Tiles of several blocks leave it out; who makes a query or latent at a row
 * root needs it there. Nobody needs sum x^2 before the queries are there, then: columns share it.
 */
bool defers_norm(const struct tile *t, const struct attention *a);

/* ---- queries.c ---- */

void query_phase(struct tile *t, struct attention *a);
void latent_query_phase(struct tile *t, struct attention *a);

/* ---- new_latent.c ---- */

/* The RoPE pairs of elements `mine` of this tile's block's queries, which lie at `queries`. */
uint16_t query_pairs(struct tile *t, const struct attention *a, struct slice mine, uint16_t queries,
                     uint16_t *count);

/* Words of a column's part of the new latent where it is about to be cached. In several blocks it
 * crosses the column as it is cached if that is bf16, two in a word: every word comes from one row,
 * and adding zeros to one leaves it as it is. */
uint32_t cached_words(const struct tile *t, const struct attention *a);

/* Elements `part` of the new latent are normalised and rotated, from src to dst, and with `queries`
 * the tile's queries too: their pairs lie before those of the part. */
void latent_kernel(struct tile *t, const struct attention *a, struct latent_part part, uint16_t src,
                   uint16_t dst, bool queries);

/* Row r's elements of the new latent that this column holds, from [turned] to the column's [latents
 * | rope]. The first kernel that this takes turns the queries' pairs as well. */
void latent_turned(struct tile *t, const struct attention *a, uint16_t turned, uint16_t to);

/* In the row that holds this position the new latent is appended to the cache: kernel token sets
 * how many words that are. */
void latent_store(struct tile *t, struct attention *a, uint16_t latent);

/* ---- softmax.c ---- */

/* The factor that scores of several blocks are multiplied by is made beside what follows. */
void scale_begin(struct tile *t, struct attention *a);
void score_phase(struct tile *t, struct attention *a);
void softmax_phase(struct tile *t, struct attention *a);
void value_phase(struct tile *t, struct attention *a);

#endif
