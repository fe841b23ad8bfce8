/* SPDX-License-Identifier: Apache-2.0 */
/* mlp.h - inside host/place: what the files of the feed-forward half share. */
#ifndef TESSERA_PLACE_MLP_H
#define TESSERA_PLACE_MLP_H

#include "place/share.h"

/* The chosen experts, in every tile that needs them. */
struct routing {
    uint16_t ids, weights; /* [top_k] each, one behind the other */
    uint16_t scale;        /* 1 word behind them: r of the norm */
};
struct routing routing_room(struct tile *t);

/* Router and top-k, in the band (router.c): x times the norm's weight is in t->norm_x. In a split
 * strip the column roots send the choice out, otherwise it ends in every tile. */
void emit_router(struct tile *t, const struct routing *to);

/* y = W x for rows of a matrix over this column's own part of norm_x; y += or = W x for columns of
 * one, into the own part of `windowed`. */
void mlp_product(struct tile *t, enum weight_role role, struct slice rows, uint16_t dst);
void down_product(struct tile *t, enum weight_role role, struct slice cols, uint16_t windowed,
                  uint16_t x, bool accumulate);

/* Room for the products of this tile and, in the same place, what the row makes of them: where a
 * tile has columns of the matrices, products write all of it anew for every token. *part is where
 * they go. */
uint16_t product_room(struct tile *t, uint32_t words, uint16_t *part);

/* The row's gates and, behind them, ups at `sums` become the values, there, in all its tiles. */
struct swiglu {
    struct args_swiglu args; /* norm or r_in, and weights; which values is filled in */
    uint16_t sums;
    uint32_t values, sum_words; /* gates, or ups; all that is at `sums` in the row root */
    bool joins;                 /* every tile runs the kernel, and so waits for kernels beside */
};
void emit_swiglu(struct tile *t, const struct swiglu *s);

/* Of `n` rows of each chosen expert and, behind them, those of the shared one. */
struct swiglu swiglu_of_experts(const struct routing *r, uint32_t top_k, uint32_t n, uint16_t sums,
                                uint32_t values);

/* The MLP's result of a tile outside the band, or of one that does everything. */
void mlp_result(struct tile *t, uint16_t part);

/* Routed experts cut over all tiles (cut_experts.c) or in whole groups of weights (units.c). Both
 * include the shared expert. */
void emit_cut_experts(struct tile *t, const struct routing *chosen);
void emit_unit_experts(struct tile *t, const struct routing *chosen);

#endif
