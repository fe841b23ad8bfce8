/* SPDX-License-Identifier: Apache-2.0 */
/* layer.h - inside host/place: what the emitters of a strip share about one tile. */
#ifndef TESSERA_PLACE_LAYER_H
#define TESSERA_PLACE_LAYER_H

#include "place/block.h"
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
    COLOUR_MOVE_A, /* the chain that gathers row r's share on its way east */
    COLOUR_MOVE_B,
    COLOUR_INPUT_EVEN, /* input of strips 0, 2, ...: two, for a tile may take one and send the other
                        */
    COLOUR_INPUT_ODD,
    COLOUR_LOGITS,
    COLOUR_HEAD_A, /* the chain that sums logits on their way south */
    COLOUR_HEAD_B
};

/* What plan_choose adds up. */
struct strip_log {
    struct line_log column, row, south, move;
};

/* A tile of a strip while its program is written. Offsets are SRAM byte offsets of fp32 words
 * unless said. */
struct tile {
    struct image *m;
    const struct plan *plan;
    const struct model_config *config;
    const struct strip *strip;
    uint32_t stage;                   /* the one being written */
    uint32_t strip_index, c, r, w, h; /* column and row in the strip, and its size */
    struct line column, row;          /* this tile's lines: along its column, along its row */
    struct line south, move;          /* the same, for logits and for what goes to the next strip */
    bool column_root, row_root;

    struct slice hidden_row, hidden_col; /* of hidden */
    struct slice latent;                 /* of kv_lora_rank + rope_dim, columns */
    uint32_t latent_count;               /* how many of them are latents (before the rope key) */

    uint16_t input;      /* [PLAN_HEADER + hidden_row]: position, user, share of x as R */
    uint16_t state;      /* struct token_state */
    uint16_t token_args; /* struct args_token, written at the end when all patches are known */
    struct patch_list patches;
    uint16_t residual;         /* [hidden_col]: x as C, then after each block */
    uint16_t norm_x, norm_row; /* scratch: x times the norm's weight, C and R */
};

static inline struct length fixed(uint32_t words)
{
    return (struct length){.plus = words};
}
static inline uint16_t word_at(uint16_t base, uint32_t index)
{
    return (uint16_t)(base + 4 * index);
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

/* The blocks of a layer, in order. */
void emit_attention(struct tile *t);
void emit_dense(struct tile *t);
void emit_experts(struct tile *t);
void emit_residual_sum(struct tile *t, uint16_t part, enum phase phase);

void emit_head(struct tile *t);

#endif
