/* SPDX-License-Identifier: Apache-2.0 */
/* head.c - the last strip: the residual stream is turned to columns, final norm and lm_head; each
 * row's share of the logits leaves at the east edge. */
#include "place/relay.h"

/* x as C times the norm, in the column root of the band. */
static uint16_t normed(struct tile *t)
{
    struct image *m = t->m;
    struct weight w;
    uint32_t n = t->hidden_col.count;
    uint16_t x = word_at(t->input, PLAN_HEADER), part = image_words(m, PART_BUFFERS, n + 1);
    uint16_t out = image_words(m, PART_BUFFERS, n + 1);
    tile_square_sum(t, word_at(part, n), x, t->hidden_row.count);
    tile_pick(t, part, t->hidden_col, x, t->hidden_row);
    line_reduce(m, &t->column, REDUCE_ADD, column_part(t, part), out, fixed(n + 1));
    if (!t->column_root)
        return out;
    struct args_rsqrt norm = {.norm = tile_norm(t, word_at(out, n), t->config->hidden),
                              .out = image_words(m, PART_BUFFERS, 1)};
    image_kernel(m, KERNEL_rsqrt, &norm, sizeof norm);
    tile_weight(t, ROLE_FINAL_NORM, &w);
    tile_mul(t, out, out, block_vector(m, &w, t->hidden_col), n);
    tile_scale(t, out, out, norm.out, n);
    return out;
}

static void logits(struct tile *t, uint16_t x)
{
    struct slice vocab = slice_of(t->config->vocab, t->h, t->r);
    struct weight w;
    uint16_t part = image_words(t->m, PART_BUFFERS, vocab.count);
    tile_weight(t, ROLE_LM_HEAD, &w);
    struct block b = block_place(t->m, &w, vocab, t->hidden_col);
    block_product(t->m, &b, part, x, false);
    emit_row_sum_east(t, part, fixed(vocab.count), COLOUR_LOGITS);
    image_mark(t->m, PHASE_LOGITS);
}

void emit_head(struct tile *t)
{
    uint32_t n = t->hidden_col.count;
    if (t->outer) {
        uint16_t x = image_words(t->m, PART_BUFFERS, n);
        relay_take(t, x, n);
        logits(t, x);
        return;
    }
    uint16_t x = normed(t);
    if (t->split) {
        relay_out(t, x, n);
        image_mark(t->m, PHASE_LOGITS);
        return;
    }
    line_broadcast(t->m, &t->column, x, fixed(n));
    logits(t, x);
}
