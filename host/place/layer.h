/* SPDX-License-Identifier: Apache-2.0 */
/* layer.h - inside host/place: what the emitters of a strip share about one tile. */
#ifndef TESSERA_PLACE_LAYER_H
#define TESSERA_PLACE_LAYER_H

#include "place/block.h"
#include "place/latent.h"
#include "place/lines.h"
#include "place/plan.h"

/* Colours of the model's traffic; the boot colours are in hal/fabric.h. */
enum colour {
    COLOUR_COLUMN_A, /* reductions: A, B towards the high end, C, D towards the low end */
    COLOUR_COLUMN_B,
    COLOUR_COLUMN_C,
    COLOUR_COLUMN_D,
    COLOUR_COLUMN_CAST,
    COLOUR_ROW_A,
    COLOUR_ROW_B,
    COLOUR_ROW_C,
    COLOUR_ROW_D,
    COLOUR_ROW_CAST,
    COLOUR_BLOCK_A, /* rows of a block of heads, whose root is their last tile */
    COLOUR_BLOCK_B,
    COLOUR_BLOCK_CAST,
    COLOUR_OUTER_A, /* columns outside the band, which run through it */
    COLOUR_OUTER_B,
    COLOUR_OUTER_C,
    COLOUR_JOINT = COLOUR_OUTER_C, /* between the hubs of a band, where no such message passes */
    COLOUR_OUTER_D,
    COLOUR_TO_OUTER,   /* from the band's column root to all tiles outside */
    COLOUR_FROM_OUTER, /* from the outer column's root to the band's */
    COLOUR_INPUT_EVEN, /* input of strips 0, 2, ...: two, for a tile may take one and send the other
                        */
    COLOUR_INPUT_ODD,
    COLOUR_LOGITS,
    COLOUR_BEGIN = COLOUR_LOGITS /* a token came, for rows of a band without input; logits are sent
                                    outside of bands, or where all rows have input */
};

/* What plan_choose adds up. */
struct strip_log {
    struct line_log column, row, outer_column, outer_row;
};

enum { TILE_ROPE_TABLES = 4 };

/* A tile of a strip while its program is written. Offsets are SRAM byte offsets of fp32 words
 * unless said. */
struct tile {
    struct image *m;
    const struct plan *plan;
    const struct model_config *config;
    const struct strip *strip;
    uint32_t stage; /* the one being written */
    uint32_t strip_index;
    bool split, outer;    /* outside the band of a split strip: c, r, w, h and lines are of there */
    uint32_t c, r, w, h;  /* column and row in the region, and its size */
    bool hub;             /* in a row of column roots of a band (strip_hub) */
    uint32_t rows, share; /* rows that have shares of vectors over the rows; this one's number */
    struct line column, row; /* this tile's lines: along its column, along its row */
    struct line block; /* its row inside its block of heads; the row when there is one block */
    uint32_t block_index;
    bool column_root, row_root;

    struct slice hidden_row, hidden_col; /* of hidden */
    struct slice window; /* of hidden: hidden_col and around it, what this column's MLP reads and
                            adds to (units.h); the same where experts are cut */
    struct latent_part latent; /* by the columns of a block */

    uint16_t input;      /* [PLAN_HEADER + hidden_row]: position, user, share of x as R; 0: none */
    uint16_t header;     /* [PLAN_HEADER]: position and user, in all tiles after phase 1 */
    uint16_t state;      /* struct token_state */
    uint16_t token_args; /* struct args_token, written at the end when all patches are known */
    struct patch_list patches;
    struct rope_table rope[TILE_ROPE_TABLES]; /* likewise: of a token's angles */
    uint32_t rope_count;
    uint16_t residual;         /* [hidden_col]: x as C, then after each block; after attention with
                                  zeros around it, as far as the window */
    uint16_t mlp_out;          /* [window]: what the tiles outside add to it; 0: nothing */
    uint16_t norm_x, norm_row; /* scratch: x times the norm's weight, C (outside: window) and R */
};

static inline struct length fixed(uint32_t words)
{
    return (struct length){.plus = words};
}
static inline uint16_t word_at(uint16_t base, uint32_t index)
{
    return (uint16_t)(base + 4 * index);
}

/* Where this column's own part of a vector begins, which outside a band is over the window. */
static inline uint16_t own_part(const struct tile *t, uint16_t vector)
{
    return t->outer ? word_at(vector, t->hidden_col.first - t->window.first) : vector;
}

/* This row's share of a vector over the rows; the same where neighbours pair off behind `plain`. */
static inline struct slice row_slice(const struct tile *t, uint32_t length)
{
    return t->hub ? (struct slice){0, 0} : slice_of(length, t->rows, t->share);
}
static inline struct slice row_slice_of_pairs(const struct tile *t, uint32_t length, uint32_t dim,
                                              uint32_t plain)
{
    return t->hub ? (struct slice){0, 0} : slice_of_pairs(length, t->rows, t->share, dim, plain);
}

/* Every tile's `part` summed (or its maximum) along the column into every tile's `out`. */
void tile_column(struct tile *t, enum reduction op, uint16_t part, uint16_t out, uint32_t count);

/* The part that a tile adds to a sum along the column; the hub has none. */
static inline uint16_t column_part(const struct tile *t, uint16_t part)
{
    return t->hub ? LINE_NO_PART : part;
}

void tile_weight(const struct tile *t, enum weight_role role, struct weight *w);
struct args_norm tile_norm(const struct tile *t, uint16_t sum, uint32_t length);

/* d = a * b elementwise, the sum of squares, and d = a * (the word at s); nothing when count is 0
 */
void tile_mul(struct tile *t, uint16_t d, uint16_t a, uint16_t b, uint32_t count);
void tile_square_sum(struct tile *t, uint16_t d, uint16_t a, uint32_t count);
void tile_scale(struct tile *t, uint16_t d, uint16_t a, uint16_t s, uint32_t count);
void tile_copy(struct tile *t, uint16_t d, uint16_t a, uint32_t count);
void tile_add(struct tile *t, uint16_t d, uint16_t a, uint16_t b, uint32_t count);

/* d[count] = 0, for one beat. */
void tile_clear(struct tile *t, uint16_t d, uint32_t count);

/* The elements of `wanted` that a tile has, out of a vector over `have`. */
void tile_pick(struct tile *t, uint16_t d, struct slice wanted, uint16_t a, struct slice have);

/* The parts of a layer, in order. */
void emit_attention(struct tile *t);
void emit_mlp(struct tile *t);

/* `part` summed along the column, plus the residual: the new residual in every tile. */
void emit_residual_sum(struct tile *t, uint16_t part, enum phase phase);

void emit_head(struct tile *t);

#endif
