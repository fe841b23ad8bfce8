/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - the placement compiler: a model and a machine become one program per tile.
 *
 * The fabric is cut into vertical strips of full height, west to east, one per decoder layer and
 * one for the head; when there are fewer columns than that, neighbouring layers share a strip.
 * A band of a strip's rows is where attention and routing happen; the rows outside hold the MLPs.
 * On small fabrics the band is all rows and every tile does everything; on a wafer it is a belt
 * across the middle and the MLPs lie north and south of it (place/relay.h). The residual stream
 * runs from strip to strip on the rows that both bands have. Tokens come in at the west edge,
 * one share of the embedding per row; logits leave at the east edge.
 *
 * Inside a region of w columns and h rows every matrix is cut over all tiles. A vector lies either
 * over the columns ("C": part c in every tile of column c) or over the rows ("R": part r in every
 * tile of row r). A product from R sums along the columns and leaves its result as C, one from C
 * sums along the rows and leaves R. So products alternate, and nothing is ever transposed. A layer
 * takes its input as R and hands it on as R:
 *
 *    1 column  q_a, kv_a        R -> C  with sum x^2, and x itself turned to C for the residual
 *    2 row     q_b              C -> R  with the sums of the two low-rank norms; then RoPE
 *    3 column  W_uk             R -> C  latent queries; the new latent goes into the cache
 *    4 row     scores           C -> R  positions lie over the rows
 *    5 column  maximum                  between the tiles that make exp of a head's scores
 *    6 column  weighted latents R -> C  with the sums of exp
 *    7 row     W_uv             C -> R
 *    8 column  o_proj           R -> C  plus the residual
 *    9 row     router           C -> R  with sum x^2 (9 and 10: MoE layers only)
 *   10         top-k                    place/router.c
 *   11 row     gate, up         C -> R  then SwiGLU
 *   12 column  down             R -> C  plus the residual
 *   13 row     to the next strip: every tile adds its elements of row r's share to the stream
 *
 * Per-head products (3 to 7) are block-diagonal: the columns are dealt out to blocks of heads
 * (struct strip.blocks), each with a copy of the cache, and what is said of columns and rows there
 * holds inside a block. A block's columns are slices of the latent (place/latent.h), its rows
 * groups of positions.
 *
 * What kernels do to a row's sums (RoPE, exp, SwiGLU) is shared by its tiles where that is quicker
 * (place/share.h).
 *
 * A model that one fabric does not hold lies on several wafers: a strip is never cut, the last one
 * of a wafer reaches its east edge, and the first one of the next wafer takes its input from the
 * link there.
 *
 * Passes: plan_shape (what must be placed) - plan_split (strip widths and fabric size, by trying) -
 * then per tile, on demand, plan_emit (place weights, route, write the program). plan_dump prints
 * any of them. */
#ifndef TESSERA_PLACE_PLAN_H
#define TESSERA_PLACE_PLAN_H

#include "base/err.h"
#include "fabric/machine.h"
#include "fabric/wafer.h"
#include "model/checkpoint.h"
#include "place/cost.h"
#include "place/image.h"
#include "place/split.h"

#include <stdio.h>

/* The steps of a token, for reports. */
enum phase {
#define PHASE(id, name, text) PHASE_##id,
#include "place/phases.def"
#undef PHASE
    PHASES
};
const char *phase_name(enum phase p);

/* A stage is what a strip holds at least one of: a decoder layer, or (the last one) the head. */
enum stage_kind { STAGE_DENSE, STAGE_EXPERTS, STAGE_HEAD, STAGE_KINDS };
const char *stage_kind_name(enum stage_kind kind);

/* How a strip reduces along its columns and rows: in the band, and outside of it. */
struct strip_kinds {
    enum reduce_kind column, row, outer_column, outer_row;
};

struct strip {
    uint32_t first, stages; /* which of the plan's stages: layers by number, then the head */
    uint32_t x0, width;     /* columns, counted over all wafers; a strip lies on one wafer */
    struct slice band;      /* rows of attention; all of them: every tile does everything */
    struct slice input;     /* rows of the band on which the stream comes in, if not on hubs */
    uint32_t blocks;        /* of heads; divides them */
    struct strip_kinds kinds;
};

struct plan {
    const struct checkpoint *checkpoint; /* borrowed */
    const struct model_config *config;
    const struct machine *machine; /* borrowed */
    uint32_t wafers;               /* side by side, west to east */
    uint32_t width, height;        /* fabric of each */
    uint32_t users;                /* sequences at a time, each with a KV cache of its own */
    uint32_t context;              /* positions the KV cache holds for each */
    bool cache_bf16;               /* the cache holds bf16, else fp32 */
    uint32_t reckoned;             /* positions that predictions are made for, with the token's */
    uint32_t filled;               /* positions 0.. of each user cached by rule before the start */
    struct slice band;             /* of strips that are split, at least */
    struct slice output;           /* rows that the last strip's residual stream leaves on */
    uint32_t band_rows, blocks;    /* asked for: of the band, of heads in a strip; 0: chosen */
    uint32_t stage_first,
        stage_count;      /* the model's stages that are placed: layers, then the head */
    struct strip *strips; /* west to east, at most stage_count */
    uint32_t strip_count;
    uint64_t *rope_turns; /* [rope_dim / 2]: turns per position, as a fraction of 2^64 */
};

/* What the caller fixes; 0 leaves it to the planner. */
struct plan_cfg {
    const struct checkpoint *checkpoint;
    const struct machine *machine;
    uint32_t wafers;        /* 0: one, or with a given fabric as many as the model needs */
    uint32_t width, height; /* both or none */
    uint32_t context;
    uint32_t users; /* 0: one */
    bool cache_bf16;
    uint32_t filled;           /* at most context */
    uint32_t band;             /* rows of the band, 0: chosen */
    uint32_t blocks;           /* of heads, 0: chosen */
    const struct strip *alone; /* not NULL: only this stage, in a strip of this band and input that
                                  is as wide as the fabric, which is given */
    struct slice output;       /* `alone`: rows that it sends on */
};

enum stage_kind plan_stage_kind(const struct plan *p, uint32_t stage);
bool strip_is_split(const struct plan *p, const struct strip *s); /* the band is not all rows */

/* The hubs of a split strip are the two rows of its band where columns are summed (joint lines of
 * collective.h), this one and the one above it. They have no share of vectors over the rows, so
 * they take nothing from their row and have input queues to spare for what goes to the rows
 * outside. No row: the fabric's height. */
uint32_t strip_hub(const struct plan *p, const struct strip *s);
bool strip_is_hub(const struct plan *p, const struct strip *s, uint32_t y);
enum { BAND_LEAST = 4 }; /* rows of a band that is not all rows */

/* The rows on which the residual stream enters strip i, or leaves the last one (i = strip_count):
 * all that both bands have but their hubs. Row y's share of the stream; empty: none. */
bool plan_row_moves(const struct plan *p, uint32_t i, uint32_t y);
struct slice plan_row_share(const struct plan *p, uint32_t i, uint32_t y);

/* Place a model. When it does not fit: ERR_INPUT naming the tile, the part that overflows, need and
 * have. */
int plan_open(struct plan **out, const struct plan_cfg *cfg, struct err *e);
void plan_close(struct plan *p);

/* Choose how a strip reduces (place/lines.h): a function of the plan and the strip's stages, width,
 * band and blocks. *m is scratch. */
void plan_choose(const struct plan *p, struct strip *s, struct image *m);

/* The program of tile (x, y) into *m, x counted over all wafers as everywhere in a plan. A tile
 * east of the last strip gets no program: returns false. `dry`: counts only. */
bool plan_emit(const struct plan *p, uint32_t x, uint32_t y, bool dry, struct image *m);

/* As a dry plan_emit, but costs are not reckoned: for whether and how it fits. */
bool plan_count(const struct plan *p, uint32_t x, uint32_t y, struct image *m);

/* The tiles by which a strip's phases are timed: about where its row root and column root meet, in
 * the band and, in a split strip, in the hub and outside, in this order. */
enum { PLAN_MONITORS = 3 };
struct tile_place {
    uint32_t x, y;
};
uint32_t plan_monitors(const struct plan *p, const struct strip *s,
                       struct tile_place out[PLAN_MONITORS]);

/* The descriptors of a monitor that end a phase. */
struct phase_end {
    uint16_t desc;
    enum phase phase;
};
uint32_t plan_phase_ends(const struct plan *p, struct tile_place at, struct phase_end *out,
                         uint32_t max);

/* Where a token enters and where the result leaves, by share. The message of a share of the input
 * (and of the output of a plan without the head): position and user as fp32 numbers (PLAN_HEADER
 * words), then elements of the residual stream. A share of the head's output: logits. */
enum { PLAN_HEADER = 2 };
struct plan_port {
    uint32_t wafer;
    struct edge_port port;
    uint8_t colour;
    struct slice part; /* of hidden, or of vocab */
};
uint32_t plan_input_count(const struct plan *p);
struct plan_port plan_input(const struct plan *p, uint32_t i);
uint32_t plan_output_count(const struct plan *p);
struct plan_port plan_output(const struct plan *p, uint32_t i);
bool plan_ends_in_head(const struct plan *p);

/* The colours of the model's traffic that the outside meets (others: layer.h). */
uint8_t plan_input_colour(uint32_t strip_index);
uint8_t plan_logits_colour(void);

/* What a token takes in each phase, with `reckoned` positions cached: the cycles of the longest way
 * through the strip, walked on some of its tiles (place/walk.h); waits are no part of it. Phases
 * are those of the descriptors on the way, as in an execution (run/layer_path.h). A tenth of a
 * second on a strip of a wafer. */
void plan_predict(const struct plan *p, const struct strip *s, struct image_cost out[PHASES]);
void plan_predict_all(const struct plan *p, struct image_cost (*out)[PHASES]); /* [strip_count] */
static inline uint64_t image_cost_sum(const struct image_cost *c)
{
    return c->compute + c->dispatch + c->stages + c->hops + c->words;
}
uint64_t plan_predicted_cycles(const struct image_cost phase[PHASES]); /* their sum */

/* About as many, quickly: what strips are compared by while their widths and bands are chosen. */
uint64_t plan_estimate(const struct plan *p, const struct strip *s);

/* SRAM use: of the fullest tile of a strip, by part, and where it is. */
struct plan_memory {
    uint32_t used[IMAGE_PARTS];
    uint32_t total, x, y;
};
void plan_memory(const struct plan *p, const struct strip *s, struct plan_memory *out);

#endif
