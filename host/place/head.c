/* SPDX-License-Identifier: Apache-2.0 */
/* head.c - the last strip: final norm and lm_head; logits leave at the south edge of each column.
 */
#include "place/layer.h"

void emit_head(struct tile *t)
{
    struct image *m = t->m;
    struct slice vocab = slice_of(t->config->vocab, t->w, t->c);
    struct weight w;
    tile_weight(t, ROLE_FINAL_NORM, &w);
    uint16_t gain = block_vector(m, &w, t->hidden_row);
    uint16_t x = word_at(t->input, PLAN_HEADER),
             scaled = image_words(m, PART_BUFFERS, t->hidden_row.count);
    uint16_t part = image_words(m, PART_BUFFERS, vocab.count + 1);
    tile_mul(t, scaled, x, gain, t->hidden_row.count);
    tile_weight(t, ROLE_LM_HEAD, &w);
    struct block head = block_place(m, &w, vocab, t->hidden_row);
    block_product(m, &head, part, scaled, false);
    tile_square_sum(t, word_at(part, vocab.count), x, t->hidden_row.count);

    /* a row without a share of x leaves its part as it is, so it must not be summed into */
    bool apart = line_stores(&t->south) > 0 && t->hidden_row.count == 0;
    uint16_t sum = apart ? image_words(m, PART_BUFFERS, vocab.count + 1) : part;
    line_reduce(m, &t->south, REDUCE_ADD, part, sum, fixed(vocab.count + 1));
    image_mark(m, PHASE_LOGITS);
    if (t->r + 1 < t->h)
        return;
    struct args_rsqrt norm = {.norm = tile_norm(t, word_at(part, vocab.count), t->config->hidden),
                              .out = image_words(m, PART_BUFFERS, 1)};
    image_kernel(m, KERNEL_rsqrt, &norm, sizeof norm);
    tile_scale(t, part, part, norm.out, vocab.count);
    image_route(m, COLOUR_LOGITS, ROUTE_WORD(AT_RAMP, AT_SOUTH), false);
    image_step(m, (struct stream_desc){.op = STREAM_SEND,
                                       .dst = COLOUR_LOGITS,
                                       .src0 = part,
                                       .count = (uint16_t)vocab.count});
    image_mark(m, PHASE_LOGITS);
}
