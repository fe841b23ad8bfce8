/* SPDX-License-Identifier: Apache-2.0 */
/* queries.c - phases 2 and 3 of plan.h: queries, and queries in latent space. */
#include "place/attention.h"
#include "place/share.h"

/* The vector that q_b (or the plain q_proj) multiplies, over the columns. */
static uint16_t query_input(struct tile *t, struct attention *a, struct slice *cols)
{
    struct weight w;
    if (t->config->q_lora_rank) {
        *cols = a->low_rank;
        uint16_t scaled = image_words(t->m, PART_BUFFERS, cols->count);
        tile_weight(t, ROLE_Q_A_NORM, &w);
        tile_mul(t, scaled, a->first, block_vector(t->m, &w, *cols), cols->count);
        return scaled;
    }
    *cols = t->hidden_col;
    tile_weight(t, ROLE_INPUT_NORM, &w);
    tile_mul(t, t->norm_x, t->residual, block_vector(t->m, &w, *cols), cols->count);
    tile_scale(t, t->norm_x, t->norm_x, a->scale, cols->count);
    return t->norm_x;
}

/* Whether element i of row r's queries is the second of a RoPE pair. */
static bool pair_end(const struct tile *t, const struct attention *a, uint32_t i)
{
    uint32_t d = (a->query.first + i) % a->query_dim, nope = t->config->nope_dim;
    return d > nope && (d - nope) % 2;
}

/* How a row shares its queries: t's part of them, and the cycles of all and of the largest part.
 * Parts are equal in cycles, not in elements. */
static struct slice query_part(const struct tile *t, const struct attention *a,
                               struct share_work *work)
{
    uint32_t n = a->query.count, part = 0;
    uint64_t done = 0, start = 0, most = 0, all = (uint64_t)n * CYCLES_SCALED_WORD;
    struct slice mine = {0, 0};
    for (uint32_t i = 0; i < n; i++)
        all += pair_end(t, a, i) ? CYCLES_ROPE_PAIR : 0u;
    for (uint32_t i = 0; i < n; i++) {
        bool second = pair_end(t, a, i);
        uint32_t p = second ? part : (uint32_t)(done * t->w / all);
        if (p != part)
            part = p, start = done;
        if (p == t->c && mine.count++ == 0)
            mine.first = i;
        done += CYCLES_SCALED_WORD + (second ? CYCLES_ROPE_PAIR : 0u);
        most = most > done - start ? most : done - start;
    }
    *work = (struct share_work){.all = all, .most = most, .sums = n + 2, .values = n};
    return mine;
}

/* Norm of q_a applied afterwards, and RoPE, on `mine` of the only block's queries, to `to`. */
static void query_kernel(struct tile *t, struct attention *a, struct slice mine, uint16_t to)
{
    struct args_norm_rope args = {.src = word_at(a->own, mine.first),
                                  .dst = word_at(to, mine.first),
                                  .scaled = (uint16_t)mine.count};
    if (t->config->q_lora_rank)
        args.norm = tile_norm(t, a->sums, t->config->q_lora_rank);
    args.pairs = query_pairs(t, a, mine, to, &args.pair_count);
    if (mine.count)
        image_kernel(t->m, KERNEL_norm_rope, &args, sizeof args);
}

/* Elements of all blocks' queries in a row. */
static uint32_t query_words(const struct attention *a)
{
    return runs_before(&a->query_runs, a->blocks);
}

/* Sums behind them: of q_a^2, of latent^2, and of x^2 where the columns share that. */
static uint32_t query_sums(const struct tile *t, const struct attention *a)
{
    return defers_norm(t, a) ? 3 : 2;
}

/* What this column has of sum x^2 joins the sum along the row at `to`. */
static void share_input_sum(struct tile *t, struct attention *a, uint16_t to)
{
    if (!defers_norm(t, a))
        return;
    tile_copy(t, to, a->input_sum, 1);
    a->input_sum = word_at(a->sums, 2);
    struct args_norm norm = tile_norm(t, a->input_sum, t->config->hidden);
    a->input_norm = image_data(t->m, PART_PROGRAM, &norm, sizeof norm);
}

/* One block: at the row root or shared by the row. Several: every tile has few queries of its own
 * block. It rotates their pairs itself (latent_turned), and leaves the norm, which is one factor,
 * to the scores. */
static void query_finish(struct tile *t, struct attention *a)
{
    if (a->blocks > 1) {
        line_broadcast(t->m, &t->row, a->queries,
                       fixed(query_words(a) + query_sums(t, a) + a->turned.count));
        image_mark(t->m, PHASE_QUERY);
    } else {
        struct share_work work;
        struct slice mine = query_part(t, a, &work);
        bool shares = share_pays(t->plan->machine, &t->row, &work);
        uint16_t out = a->queries;
        if (shares)
            out = share_begin(t->m, &t->row, a->queries, fixed(work.sums), work.values);
        else
            mine = share_part(&t->row, false, a->query.count);
        query_kernel(t, a, mine, out);
        share_end(t->m, &t->row, shares, out, a->queries, fixed(shares ? work.values : work.sums));
        image_mark(t->m, PHASE_QUERY);
    }
}

void query_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    struct weight w;
    struct slice cols;
    uint32_t n = query_words(a), all = n + query_sums(t, a) + a->turned.count;
    uint16_t part = image_words(m, PART_BUFFERS, all), kv = word_at(a->first, a->low_rank.count);
    a->queries = image_words(m, PART_BUFFERS, all);
    a->sums = word_at(a->queries, n);
    a->own = word_at(a->queries, runs_before(&a->query_runs, t->block_index));
    uint16_t in = query_input(t, a, &cols);
    tile_weight(t, t->config->q_lora_rank ? ROLE_Q_B : ROLE_Q, &w);
    struct block q = block_place_runs(m, &w, a->query_runs, one_run(cols));
    block_product(m, &q, part, in, false);
    tile_square_sum(t, word_at(part, n), a->first, a->low_rank.count);
    tile_square_sum(t, word_at(part, n + 1), kv, a->kv.latents.count);
    share_input_sum(t, a, word_at(part, n + 2));
    uint16_t turned = word_at(part, n + query_sums(t, a));
    tile_pick(t, turned, a->turned, kv, a->kv.latents);
    tile_pick(t, turned, a->turned, word_at(kv, a->kv.latents.count), a->kv.rope);
    line_reduce(m, &t->row, REDUCE_ADD, part, a->queries, fixed(all));
    query_finish(t, a);
}

/* Row r's queries, moved into latent space: W_uk^T for the first part of each head, as they are for
 * the rotated part (times RoPE's multiplier for query and key). Heads that row r does not hold stay
 * zero. */
static void latent_query_piece(struct tile *t, struct attention *a, struct piece p, uint16_t part)
{
    struct image *m = t->m;
    struct weight w;
    uint32_t nope = t->config->nope_dim, lora = t->config->kv_lora_rank;
    struct slice here = {p.from, p.count}, latents = t->latent.latents;
    struct slice keys = slice_overlap(here, (struct slice){0, nope});
    tile_weight(t, ROLE_KV_B, &w);
    if (keys.count && latents.count) {
        struct slice rows = {(a->first_head + p.head) * (nope + t->config->v_dim) + keys.first,
                             keys.count};
        struct block b = block_place_axpy(m, &w, rows, latents);
        image_step(m, (struct stream_desc){.op = b.axpy,
                                           .count = (uint16_t)latents.count,
                                           .dst = word_at(part, p.head * t->latent.count),
                                           .src0 = b.at,
                                           .src1 = word_at(a->own, p.at),
                                           .cols = (uint16_t)keys.count,
                                           .row_bytes = b.row_bytes});
    }
    struct slice rope_here = slice_overlap(here, (struct slice){nope, t->config->rope_dim});
    struct slice rope_latent = {t->latent.rope.first - lora, t->latent.rope.count};
    rope_here.first -= nope;
    struct slice both = slice_overlap(rope_here, rope_latent);
    if (rope_here.count && rope_latent.count && both.count)
        tile_scale(t,
                   word_at(part, p.head * t->latent.count + latents.count + both.first -
                                     rope_latent.first),
                   word_at(a->own, p.at + nope + both.first - p.from), a->rope_scale, both.count);
}

/* What a tile adds to [heads][latent] queries and the new latent behind them. */
static void latent_query_part(struct tile *t, struct attention *a, uint16_t part)
{
    struct image *m = t->m;
    uint32_t n = a->heads * t->latent.count;
    if (a->blocks == 1) {
        uint16_t latent = image_words(m, PART_BUFFERS, t->latent.count);
        latent_kernel(t, a, t->latent, word_at(a->first, a->low_rank.count), latent, false);
        latent_store(t, a, latent);
    } else {
        latent_turned(t, a, word_at(a->sums, query_sums(t, a)), word_at(part, n));
    }
    float multiplier = (float)(rope_multiplier(t->config) * rope_multiplier(t->config));
    a->rope_scale = image_data(m, PART_PROGRAM, &multiplier, sizeof multiplier);
    for (struct piece p = {0}; next_piece(a->query, a->query_dim, &p);)
        latent_query_piece(t, a, p, part);
}

void latent_query_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    uint32_t n = a->heads * t->latent.count, all = n + (a->blocks > 1 ? cached_words(t, a) : 0);
    uint16_t part = image_words(m, PART_BUFFERS, all);
    a->latent_queries = image_words(m, PART_BUFFERS, all);
    if (!t->hub)
        latent_query_part(t, a, part);
    tile_column(t, REDUCE_ADD, part, a->latent_queries, all);
    if (a->blocks > 1 && !t->hub) {
        latent_store(t, a, word_at(a->latent_queries, n));
        scale_begin(t, a);
    }
    image_mark(m, PHASE_LATENT_QUERY);
}
