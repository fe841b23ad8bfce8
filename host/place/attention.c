/* SPDX-License-Identifier: Apache-2.0 */
/* attention.c - multi-head latent attention on one tile, in the absorbed form: phases 1 to 8 of
 * plan.h. Each function is one phase; they share the buffers of struct attention. */
#include "place/cache.h"
#include "place/share.h"
#include "place/trace.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

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
    uint16_t queries;          /* query_runs, then sum q_a^2, sum latent^2, turned */
    uint16_t sums;             /* the two sums behind them */
    uint16_t own;              /* [query]: those of this tile's block */
    uint16_t cache;            /* [users][slots][latent] */
    uint16_t store;            /* the descriptor that appends to it */
    uint32_t store_words;      /* ... so many */
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
static bool next_piece(struct slice s, uint32_t dim, struct piece *p)
{
    uint32_t at = p->at + p->count;
    if (at >= s.count)
        return false;
    uint32_t element = s.first + at, left = dim - element % dim;
    *p =
        (struct piece){element / dim, element % dim, left < s.count - at ? left : s.count - at, at};
    return true;
}

static uint16_t cache_row_bytes(const struct tile *t, const struct attention *a)
{
    return (uint16_t)(t->latent.count * a->latent_bytes);
}

/* Kernel `token`, whose arguments token_finish writes, runs beside the stream engine as soon as the
 * position is there: from the row's input, or else from phase 1. */
static void token_begin(struct tile *t)
{
    struct args_token none = {0};
    t->token_args = image_kernel_beside(t->m, KERNEL_token, &none, sizeof none);
}

/* The new latent and key before norm and RoPE. */
static void latent_products(struct tile *t, const struct attention *a, uint16_t to)
{
    struct weight w;
    tile_weight(t, ROLE_KV_A, &w);
    struct block latents = block_place(t->m, &w, a->kv.latents, t->hidden_row);
    struct block rope = block_place(t->m, &w, a->kv.rope, t->hidden_row);
    block_product(t->m, &latents, to, t->norm_row, false);
    block_product(t->m, &rope, word_at(to, a->kv.latents.count), t->norm_row, false);
}

/* Two norms follow each other where queries are of low rank: the first one's factor nearly cancels
 * (struct args_norm). Tiles of several blocks leave it out; who makes a query or latent at a row
 * root needs it there. */
static bool defers_norm(const struct tile *t, const struct attention *a)
{
    return a->blocks > 1 && t->config->q_lora_rank;
}

/* What a tile adds to [low_rank | kv | sum x^2 | x as C | header]. */
static void low_rank_part(struct tile *t, const struct attention *a, uint16_t part)
{
    struct image *m = t->m;
    struct weight w;
    uint32_t n = a->low_rank.count + a->kv.count;
    uint16_t x = word_at(t->input, PLAN_HEADER);
    if (n) {
        tile_weight(t, ROLE_INPUT_NORM, &w);
        tile_mul(t, t->norm_row, x, block_vector(m, &w, t->hidden_row), t->hidden_row.count);
    }
    if (a->low_rank.count) {
        tile_weight(t, ROLE_Q_A, &w);
        struct block q = block_place(m, &w, a->low_rank, t->hidden_row);
        block_product(m, &q, part, t->norm_row, false);
    }
    latent_products(t, a, word_at(part, a->low_rank.count));
    struct slice squares = defers_norm(t, a) ? slice_of(t->hidden_row.count, t->w, t->c)
                                             : (struct slice){0, t->hidden_row.count};
    tile_square_sum(t, word_at(part, n), word_at(x, squares.first), squares.count);
    tile_pick(t, word_at(part, n + 1), t->hidden_col, x, t->hidden_row);
    if (t->hidden_row.count && t->hidden_row.first == 0)
        tile_copy(t, word_at(part, n + 1 + t->hidden_col.count), t->input, PLAN_HEADER);
}

static void low_rank_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    uint32_t n = a->low_rank.count + a->kv.count, all = n + 1 + t->hidden_col.count + PLAN_HEADER;
    if (t->input)
        token_begin(t);
    uint16_t part = image_words(m, PART_BUFFERS, all);
    a->first = image_words(m, PART_BUFFERS, all);
    t->residual = word_at(a->first, n + 1);
    t->header = word_at(t->residual, t->hidden_col.count);
    if (!t->hub)
        low_rank_part(t, a, part);
    tile_column(t, REDUCE_ADD, part, a->first, all);
    image_mark(m, PHASE_LOW_RANK);
    if (t->hub)
        return;

    a->input_sum = word_at(a->first, n);
    if (defers_norm(t, a)) {
        if (!t->input)
            token_begin(t);
        return;
    }
    struct args_rsqrt norm = {.norm = tile_norm(t, a->input_sum, t->config->hidden)};
    norm.out = a->scale = image_words(m, PART_BUFFERS, 1);
    image_kernel(m, KERNEL_rsqrt, &norm, sizeof norm);
    tile_scale(t, a->first, a->first, a->scale, n);
    if (!t->input)
        token_begin(t);
}

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

/* The table of RoPE pairs of a buffer that holds `part` of vectors of `dim` elements, the rope part
 * last; kernel token will know it. */
static uint16_t rope_table(struct tile *t, uint16_t buffer, struct slice part, uint32_t dim,
                           uint16_t *count)
{
    uint32_t nope = dim - t->config->rope_dim, n = 0;
    for (uint32_t i = 0; i < part.count; i++)
        n += (part.first + i) % dim >= nope;
    n /= 2;
    *count = (uint16_t)n;
    uint16_t table;
    uint8_t *room = image_room(t->m, PART_PROGRAM, n * (uint32_t)sizeof(struct rope_pair), &table);
    for (uint32_t i = 0; room && i < part.count; i++) {
        uint32_t d = (part.first + i) % dim;
        if (d < nope || (d - nope) % 2)
            continue;
        uint64_t turns = t->plan->rope_turns[(d - nope) / 2];
        struct rope_pair pair = {.turns_low = (uint32_t)turns,
                                 .turns_high = (uint32_t)(turns >> 32),
                                 .at = word_at(buffer, i)};
        memcpy(room, &pair, sizeof pair);
        room += sizeof pair;
    }
    if (n) {
        assert(t->rope_count < TILE_ROPE_TABLES);
        t->rope[t->rope_count++] = (struct rope_table){table, (uint16_t)n};
    }
    return table;
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

/* The RoPE pairs of elements `mine` of this tile's block's queries, which lie at `queries`. */
static uint16_t query_pairs(struct tile *t, const struct attention *a, struct slice mine,
                            uint16_t queries, uint16_t *count)
{
    return rope_table(t, word_at(queries, mine.first),
                      (struct slice){a->query.first + mine.first, mine.count}, a->query_dim, count);
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

/* Whether the new latent crosses a column as it is cached, two bf16 in a word: every word comes
 * from one row, and adding zeros to one leaves it as it is. */
static bool packs_latent(const struct tile *t)
{
    return t->plan->cache_bf16 && latent_grain(t->config) == 2;
}

/* Words of a column's part of the new latent on its way. */
static uint32_t turned_words(const struct tile *t, const struct attention *a)
{
    if (a->blocks == 1)
        return 0;
    return packs_latent(t) ? t->latent.count / 2 : t->latent.count;
}

/* Elements `part` of the new latent are normalised and rotated, from src to dst, and with `queries`
 * the tile's queries too: their pairs lie before those of the part. */
static void latent_kernel(struct tile *t, const struct attention *a, struct latent_part part,
                          uint16_t src, uint16_t dst, bool queries)
{
    struct weight w;
    uint32_t lora = t->config->kv_lora_rank, latents = part.latents.count;
    uint16_t pairs = 0, own;
    struct args_norm_rope args = {
        .src = src, .dst = dst, .scaled = (uint16_t)latents, .copied = (uint16_t)part.rope.count};
    if (!latents && a->input_norm) { /* the key has the input's norm only */
        args.norm = tile_norm(t, a->input_sum, t->config->hidden);
        args.scaled = args.copied;
        args.copied = 0;
    } else {
        args.norm = tile_norm(t, word_at(a->sums, 1), lora);
        args.norm.before = a->input_norm;
        tile_weight(t, ROLE_KV_A_NORM, &w);
        args.gain = block_vector(t->m, &w, part.latents);
    }
    if (queries)
        args.pairs = query_pairs(t, a, (struct slice){0, a->query.count}, a->own, &pairs);
    own = rope_table(t, word_at(dst, latents), part.rope, lora + t->config->rope_dim,
                     &args.pair_count);
    args.pairs = pairs ? args.pairs : own;
    args.pair_count = (uint16_t)(args.pair_count + pairs);
    image_kernel(t->m, KERNEL_norm_rope, &args, sizeof args);
}

/* From a row's elements of the new latent to element `at` of the column's part. */
struct turn {
    uint16_t turned, to;
    uint32_t at;
};

/* The same for a part that may be empty: then nothing is done, and false. */
static bool latent_piece(struct tile *t, const struct attention *a, struct latent_part part,
                         struct turn way, bool queries)
{
    struct slice s = part.latents.count ? part.latents : part.rope;
    uint16_t src = word_at(way.turned, s.first - a->turned.first);
    if (!s.count)
        return false;
    if (!packs_latent(t)) {
        latent_kernel(t, a, part, src, word_at(way.to, way.at), queries);
        return true;
    }
    latent_kernel(t, a, part, src, src, queries);
    image_step(t->m, (struct stream_desc){.op = STREAM_ROUND_BF16,
                                          .count = (uint16_t)s.count,
                                          .dst = (uint16_t)(way.to + 2 * way.at),
                                          .src0 = src});
    return true;
}

/* The pairs of the tile's queries alone. */
static void turn_queries(struct tile *t, const struct attention *a)
{
    struct args_norm_rope args = {.src = a->own, .dst = a->own};
    args.pairs = query_pairs(t, a, (struct slice){0, a->query.count}, a->own, &args.pair_count);
    if (args.pair_count)
        image_kernel(t->m, KERNEL_norm_rope, &args, sizeof args);
}

/* Row r's elements of the new latent that this column holds, from [turned] to the column's [latents
 * | rope]. The first kernel that this takes turns the queries' pairs as well. */
static void latent_turned(struct tile *t, const struct attention *a, uint16_t turned, uint16_t to)
{
    struct latent_part in = latent_within(&t->latent, a->turned);
    struct latent_part latents = {.latents = in.latents}, rope = {.rope = in.rope};
    struct turn first = {turned, to, in.latents.first - t->latent.latents.first};
    struct turn second = {turned, to,
                          t->latent.latents.count + in.rope.first - t->latent.rope.first};
    bool done = latent_piece(t, a, latents, first, true);
    if (!latent_piece(t, a, rope, second, !done) && !done)
        turn_queries(t, a);
}

/* In the row that holds this position the new latent is appended to the cache: kernel token sets
 * how many words that are. */
static void latent_store(struct tile *t, struct attention *a, uint16_t latent, bool packed)
{
    uint8_t op = t->plan->cache_bf16 && !packed ? STREAM_ROUND_BF16 : STREAM_COPY;
    a->cache = cache_place(t, a->slots);
    a->store_words = packed ? t->latent.count / 2 : t->latent.count;
    a->store = image_step(t->m, (struct stream_desc){.op = op, .dst = a->cache, .src0 = latent});
}

static void query_phase(struct tile *t, struct attention *a)
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
        latent_store(t, a, latent, false);
    }
    if (a->blocks > 1)
        latent_turned(t, a, word_at(a->sums, query_sums(t, a)), word_at(part, n));
    float multiplier = (float)(rope_multiplier(t->config) * rope_multiplier(t->config));
    a->rope_scale = image_data(m, PART_PROGRAM, &multiplier, sizeof multiplier);
    for (struct piece p = {0}; next_piece(a->query, a->query_dim, &p);)
        latent_query_piece(t, a, p, part);
}

/* The factor that scores of several blocks are multiplied by: their scale and the norm of q_a, made
 * beside their product. scale / sqrt(x) is 1 / sqrt(x / scale^2). */
static struct args_rsqrt score_factor(const struct tile *t, const struct attention *a, uint16_t out)
{
    float scale = (float)attention_scale(t->config);
    struct args_rsqrt args = {.norm = tile_norm(t, a->sums, t->config->q_lora_rank), .out = out};
    args.norm.before = a->input_norm;
    args.norm.inv_n /= scale * scale;
    args.norm.eps /= scale * scale;
    return args;
}

static void scale_begin(struct tile *t, struct attention *a)
{
    if (!t->config->q_lora_rank)
        return;
    struct args_rsqrt args = score_factor(t, a, image_words(t->m, PART_BUFFERS, 1));
    a->factor_args = image_kernel_beside(t->m, KERNEL_rsqrt, &args, sizeof args);
}

/* It is written into the arguments at `score`. */
static void scale_finish(struct tile *t, const struct attention *a, uint16_t score)
{
    struct args_rsqrt args =
        score_factor(t, a, (uint16_t)(score + offsetof(struct args_score, scale)));
    if (a->factor_args)
        image_rewrite(t->m, a->factor_args, &args, sizeof args);
}

static void latent_query_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    uint32_t n = a->heads * t->latent.count, all = n + turned_words(t, a);
    uint16_t part = image_words(m, PART_BUFFERS, all);
    a->latent_queries = image_words(m, PART_BUFFERS, all);
    if (!t->hub)
        latent_query_part(t, a, part);
    tile_column(t, REDUCE_ADD, part, a->latent_queries, all);
    if (a->blocks > 1 && !t->hub) {
        latent_store(t, a, word_at(a->latent_queries, n), packs_latent(t));
        scale_begin(t, a);
    }
    image_mark(m, PHASE_LATENT_QUERY);
}

/* Descriptor `at` reads this user's part of the cache. */
static void follow_user(struct tile *t, const struct attention *a, uint16_t at)
{
    if (t->plan->users > 1)
        patch_add_user(&t->patches, at + (uint32_t)offsetof(struct stream_desc, src0), a->cache,
                       a->slots * t->latent.count * a->latent_bytes);
}

/* A product over the cache, once per head; the number of positions is patched for every token. */
static void score_product(struct tile *t, struct attention *a, uint16_t part)
{
    uint8_t op = t->plan->cache_bf16 ? STREAM_DOT_BF16 : STREAM_DOT_F32;
    if (t->latent.count == 0)
        return;
    uint16_t at =
        image_step(t->m, (struct stream_desc){.op = op,
                                              .dst = part,
                                              .src0 = a->cache,
                                              .src1 = a->latent_queries,
                                              .cols = (uint16_t)t->latent.count,
                                              .row_bytes = cache_row_bytes(t, a),
                                              .batch = (uint16_t)a->heads,
                                              .src1_step = (uint16_t)(t->latent.count * 4)});
    image_product(t->m, (struct stream_desc){.op = op,
                                             .count = (uint16_t)t->m->cached,
                                             .cols = (uint16_t)t->latent.count,
                                             .batch = (uint16_t)a->heads});
    patch_add(&t->patches, at + (uint32_t)offsetof(struct stream_desc, count), 1, 0);
    patch_add(&t->patches, at + (uint32_t)offsetof(struct stream_desc, dst_step), 4, 0);
    follow_user(t, a, at);
}

/* How many scores of a head a tile has when half the context is used: what choices are made by. */
static uint32_t usual_cached(const struct tile *t)
{
    return t->plan->context / (2 * t->rows) + 1;
}

/* How a block's rows share the softmax: by heads when there is one block, or else by positions. The
 * same for all rows, for columns agree on maxima. */
static bool softmax_shares(const struct tile *t, const struct attention *a)
{
    uint32_t cached = usual_cached(t), length = t->block.length;
    uint32_t scores = a->heads * cached, each = CYCLES_SCORE_MAX + CYCLES_SCORE_EXP;
    uint32_t most = a->blocks > 1 ? a->heads * ((cached + length - 1) / length)
                                  : (a->heads + length - 1) / length * cached;
    struct share_work work = {.all = (uint64_t)scores * each,
                              .most = (uint64_t)most * each,
                              .sums = scores,
                              .values = a->heads + scores};
    return share_pays(t->plan->machine, &t->block, &work);
}

/* The scores' products and what the row makes of them lie in one place, as in mlp.c. */
static void score_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    a->weights = image_words(m, PART_BUFFERS, a->heads * (1 + a->slots));
    uint16_t scores = word_at(a->weights, a->heads), part = scores;
    if (!t->latent.count)
        part = image_words(m, PART_BUFFERS, a->heads * a->slots);
    score_product(t, a, part);
    line_reduce(m, &t->block, REDUCE_ADD, part, scores,
                (struct length){.times = a->heads, .patches = &t->patches});
    image_mark(m, PHASE_SCORES);
}

/* The maxima of the scores of a tile's heads become those of all positions: along the block's row
 * where it shares by positions, then along the column. */
static uint16_t agree_on_maxima(struct tile *t, uint16_t max, uint32_t heads, bool positions)
{
    struct image *m = t->m;
    uint16_t top = image_words(m, PART_BUFFERS, heads);
    if (positions && !t->hub) {
        uint16_t row = image_words(m, PART_BUFFERS, heads);
        line_reduce(m, &t->block, REDUCE_MAX, max, row, fixed(heads));
        max = row;
    }
    if (!positions || t->block.index == t->block.root)
        tile_column(t, REDUCE_MAX, max, top, heads);
    if (positions && !t->hub)
        line_broadcast(m, &t->block, top, fixed(heads));
    return top;
}

/* The tiles that hold scores of the same heads agree on each head's maximum; then they make
 * exp(score - maximum) and its sums. `out`: [heads] sums, then exp. */
static void softmax_kernels(struct tile *t, struct attention *a, bool shares, uint16_t out)
{
    struct image *m = t->m;
    bool positions = shares && a->blocks > 1;
    struct slice mine = share_part(&t->block, shares, a->heads);
    if (positions)
        mine = (struct slice){0, a->heads};
    if (!mine.count)
        return;
    if (t->hub) {
        (void)agree_on_maxima(t, LINE_NO_PART, mine.count, positions);
        return;
    }
    struct args_score args = {.scale = (float)attention_scale(t->config),
                              .scores = word_at(a->weights, a->heads),
                              .max = image_words(m, PART_BUFFERS, mine.count),
                              .sum = word_at(out, mine.first),
                              .exp = word_at(out, a->heads),
                              .heads = (uint16_t)mine.count,
                              .first = (uint16_t)mine.first,
                              .state = t->state};
    if (positions)
        args.part = (uint16_t)t->block.index, args.each_part = score_each_part(t->block.length);
    image_kernel(m, KERNEL_score_max, &args, sizeof args);
    args.max = agree_on_maxima(t, args.max, mine.count, positions);
    scale_finish(t, a, image_kernel(m, KERNEL_score_exp, &args, sizeof args));
}

/* Where the row shares: room for this tile's sums and weights, of which all but its own are zero.
 */
static uint16_t softmax_begin(struct tile *t, const struct attention *a, struct length scores)
{
    uint16_t out = share_begin(t->m, &t->block, word_at(a->weights, a->heads), scores,
                               a->heads * (1 + a->slots));
    line_step(t->m,
              (struct stream_desc){.op = STREAM_DOT_F32,
                                   .dst = word_at(out, a->heads),
                                   .src0 = TILE_PROGRAM_OFFSET,
                                   .src1 = TILE_PROGRAM_OFFSET},
              scores);
    return out;
}

/* Scores become weights, at the row roots or shared by their rows. */
static void softmax_phase(struct tile *t, struct attention *a)
{
    bool shares = softmax_shares(t, a);
    struct length scores = {.times = a->heads, .patches = &t->patches}, weights = scores;
    uint16_t out = a->weights;
    weights.plus = a->heads;
    if (shares && !t->hub)
        out = softmax_begin(t, a, scores);
    softmax_kernels(t, a, shares, out);
    if (!t->hub)
        share_end(t->m, &t->block, shares, out, a->weights, weights);
    image_mark(t->m, PHASE_SOFTMAX);
}

/* What a tile adds to [heads][latents] weighted latents and the weights' sums behind them. */
static void value_part(struct tile *t, const struct attention *a, uint16_t part)
{
    struct image *m = t->m;
    uint32_t latents = t->latent.latents.count, mixed = a->heads * latents;
    uint8_t op = t->plan->cache_bf16 ? STREAM_AXPY_BF16 : STREAM_AXPY_F32;
    if (latents) {
        uint16_t at = image_step(m, (struct stream_desc){.op = op,
                                                         .count = (uint16_t)latents,
                                                         .dst = part,
                                                         .src0 = a->cache,
                                                         .src1 = word_at(a->weights, a->heads),
                                                         .row_bytes = cache_row_bytes(t, a),
                                                         .batch = (uint16_t)a->heads,
                                                         .dst_step = (uint16_t)(latents * 4)});
        image_product(m, (struct stream_desc){.op = op,
                                              .count = (uint16_t)latents,
                                              .cols = (uint16_t)m->cached,
                                              .batch = (uint16_t)a->heads});
        patch_add(&t->patches, at + (uint32_t)offsetof(struct stream_desc, cols), 1, 0);
        patch_add(&t->patches, at + (uint32_t)offsetof(struct stream_desc, src1_step), 4, 0);
        follow_user(t, a, at);
    }
    tile_copy(t, word_at(part, mixed), a->weights, a->heads);
}

static void value_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    uint32_t all = a->heads * (t->latent.latents.count + 1);
    uint16_t part = image_words(m, PART_BUFFERS, all);
    a->mixed = image_words(m, PART_BUFFERS, all);
    if (!t->hub)
        value_part(t, a, part);
    tile_column(t, REDUCE_ADD, part, a->mixed, all);
    image_mark(m, PHASE_VALUES);
}

/* The values that row r holds of this block were weighted by exp: they are divided by their heads'
 * sums, as a product with the reciprocal. Before they are summed along the row, for so all its
 * tiles do it at once and the row root has nothing to do after it. */
static void scale_values(struct tile *t, const struct attention *a, uint16_t values)
{
    uint32_t v = t->config->v_dim, first = a->value.first / v;
    uint32_t heads = (a->value.first + a->value.count + v - 1) / v - first;
    uint32_t latents = t->latent.latents.count;
    if (!latents || !a->value.count)
        return;
    uint16_t factors = image_words(t->m, PART_BUFFERS, heads);
    struct args_reciprocal args = {.src = word_at(a->mixed, a->heads * latents + first),
                                   .dst = factors,
                                   .count = (uint16_t)heads};
    image_kernel(t->m, KERNEL_reciprocal, &args, sizeof args);
    for (struct piece p = {0}; next_piece(a->value, v, &p);)
        tile_scale(t, word_at(values, p.at), word_at(values, p.at),
                   word_at(factors, p.head - first), p.count);
}

/* Returns row r's share of all heads' values, one block's behind the other's. */
static uint16_t heads_out_phase(struct tile *t, struct attention *a)
{
    struct image *m = t->m;
    struct weight w;
    uint32_t nope = t->config->nope_dim, v = t->config->v_dim, n = a->blocks * a->value.count;
    uint16_t part = image_words(m, PART_BUFFERS, n);
    uint16_t own = word_at(part, t->block_index * a->value.count);
    uint16_t out = image_words(m, PART_BUFFERS, n);
    struct slice latents = t->latent.latents;
    tile_weight(t, ROLE_KV_B, &w);
    for (struct piece p = {0}; next_piece(a->value, v, &p);) {
        struct slice rows = {(a->first_head + p.head) * (nope + v) + nope + p.from, p.count};
        struct block b = block_place(m, &w, rows, latents);
        block_product(m, &b, word_at(own, p.at), word_at(a->mixed, p.head * latents.count), false);
    }
    scale_values(t, a, own);
    line_reduce(m, &t->row, REDUCE_ADD, part, out, fixed(n));
    line_broadcast(m, &t->row, out, fixed(n));
    image_mark(m, PHASE_HEADS_OUT);
    return out;
}

/* The attention's sum of products, summed along the column, plus the residual: the new residual in
 * every tile. */
static void attention_out_phase(struct tile *t, const struct attention *a, uint16_t values)
{
    struct image *m = t->m;
    struct weight w;
    uint16_t part = image_words(m, PART_BUFFERS, t->hidden_col.count);
    if (!t->hub) {
        struct runs cols = {
            .first = a->value, .step = a->heads * t->config->v_dim, .count = a->blocks};
        tile_weight(t, ROLE_O, &w);
        struct block o = block_place_runs(m, &w, one_run(t->hidden_col), cols);
        block_product(m, &o, part, values, false);
    }
    emit_residual_sum(t, part, PHASE_ATTENTION_OUT);
}

void emit_residual_sum(struct tile *t, uint16_t part, enum phase phase)
{
    struct image *m = t->m;
    struct length n = fixed(t->hidden_col.count);
    uint16_t out = word_at(image_words(m, PART_BUFFERS, t->window.count),
                           t->hidden_col.first - t->window.first);
    if (t->h == 1 || t->r == line_beside(&t->column)) {
        uint16_t both = image_words(m, PART_BUFFERS, n.plus); /* not every product is made anew */
        tile_add(t, both, part, t->residual, n.plus);
        part = both;
    }
    line_reduce(m, &t->column, REDUCE_ADD, column_part(t, part), out, n);
    line_broadcast(m, &t->column, out, n);
    image_mark(m, phase);
    t->residual = out;
}

/* What kernel `token` takes for a tile's patches and angles. */
static uint64_t token_items(const struct tile *t)
{
    uint64_t cycles = (uint64_t)t->patches.count * CYCLES_TOKEN_PATCH;
    for (uint32_t i = 0; i < t->rope_count; i++)
        cycles += CYCLES_TOKEN_TABLE + (uint64_t)t->rope[i].count * CYCLES_TOKEN_PAIR;
    return cycles;
}

static void token_finish(struct tile *t, const struct attention *a)
{
    uint32_t slot_bytes = t->latent.count * a->latent_bytes;
    struct args_token args = {.x = t->input ? t->input : t->header,
                              .state = t->state,
                              .row = (uint16_t)t->share,
                              .rows = (uint16_t)t->rows,
                              .slots = (uint16_t)a->slots,
                              .slot_bytes = (uint16_t)slot_bytes,
                              .users = (uint16_t)t->plan->users,
                              .user_bytes = (uint16_t)(a->slots * slot_bytes),
                              .cache = a->cache,
                              .store = a->store,
                              .store_words = (uint16_t)a->store_words,
                              .patch_count = (uint16_t)t->patches.count,
                              .table_count = (uint16_t)t->rope_count};
    args.tables =
        image_data(t->m, PART_PROGRAM, t->rope, t->rope_count * (uint32_t)sizeof t->rope[0]);
    args.patches = image_data(t->m, PART_PROGRAM, t->patches.patch,
                              t->patches.count * (uint32_t)sizeof t->patches.patch[0]);
    image_rewrite(t->m, t->token_args, &args, sizeof args);
    trace_token(t->m, token_items(t));
}

/* The new latent is turned to all rows alike. */
static struct slice turned_part(const struct tile *t)
{
    uint32_t lora = t->config->kv_lora_rank, latents = lora + t->config->rope_dim;
    return row_slice_of_pairs(t, latents, latents, latent_grain(t->config) == 2 ? 0 : lora);
}

static uint32_t up(uint32_t count, uint32_t parts)
{
    return (count + parts - 1) / parts;
}

/* The columns that q_a and kv_a are cut over. The input comes from the west and is late in the
 * east: without those columns the rest has more rows of both, but begins earlier. Several blocks.
 */
static uint32_t low_rank_columns(const struct tile *t, uint32_t blocks)
{
    enum { PASSES = 3 }; /* of a word along the column: two levels of a sum, and back */
    const struct model_config *k = t->config;
    uint32_t lanes = t->plan->machine->lanes.bf16, best = t->w;
    uint32_t row = up(up(k->hidden, t->rows), lanes) + PASSES;
    uint32_t queries = up(k->heads * config_query_dim(k), t->rows);
    uint64_t least = UINT64_MAX;
    for (uint32_t n = t->w; blocks > 1 && n > 0; n--) {
        uint32_t q = up(k->q_lora_rank, n), kv = up(k->kv_lora_rank + k->rope_dim, n);
        uint64_t cycles = (uint64_t)n * t->plan->machine->hop_cycles + (uint64_t)(q + kv) * row +
                          (uint64_t)queries * up(q, lanes);
        if (cycles < least) {
            least = cycles;
            best = n;
        }
    }
    return best;
}

static struct slice part_of_columns(uint32_t length, uint32_t columns, uint32_t c)
{
    return c < columns ? slice_of(length, columns, c) : (struct slice){length, 0};
}

/* Who has what. */
static struct attention cut(const struct tile *t)
{
    const struct model_config *k = t->config;
    uint32_t blocks = t->strip->blocks, latents = k->kv_lora_rank + k->rope_dim;
    struct attention a = {.blocks = blocks,
                          .heads = k->heads / blocks,
                          .query_dim = config_query_dim(k),
                          .latent_bytes = t->plan->cache_bf16 ? 2 : 4,
                          .kv = t->latent};
    a.first_head = t->block_index * a.heads;
    uint32_t columns = low_rank_columns(t, blocks);
    a.low_rank = part_of_columns(k->q_lora_rank, columns, t->c);
    a.queries_deal = (struct deal){a.heads * a.query_dim, a.query_dim, k->nope_dim,
                                   .vectors = blocks, .parts = t->rows};
    a.query_runs =
        (struct runs){.first = {t->share, 0}, .step = a.heads * a.query_dim, .count = blocks};
    if (!t->hub)
        a.query = deal_slice(&a.queries_deal, t->block_index, t->share);
    a.value = row_slice(t, a.heads * k->v_dim);
    a.slots = t->hub ? 0 : (t->plan->context + t->rows - 1 - t->share) / t->rows;
    if (blocks > 1) {
        struct latent_part all = latent_of_column(k, 1, 0);
        a.kv = latent_within(&all, part_of_columns(latents, columns, t->c));
        a.turned = turned_part(t);
    }
    return a;
}

/* The hub's share: what is summed along columns. */
static void emit_hub(struct tile *t, struct attention *a)
{
    low_rank_phase(t, a);
    latent_query_phase(t, a);
    softmax_phase(t, a);
    value_phase(t, a);
    attention_out_phase(t, a, LINE_NO_PART);
}

void emit_attention(struct tile *t)
{
    struct attention a = cut(t);
    a.query_runs.deal = &a.queries_deal;
    if (t->hub) {
        emit_hub(t, &a);
        return;
    }
    low_rank_phase(t, &a);
    query_phase(t, &a);
    latent_query_phase(t, &a);
    score_phase(t, &a);
    softmax_phase(t, &a);
    value_phase(t, &a);
    attention_out_phase(t, &a, heads_out_phase(t, &a));
    token_finish(t, &a);
}
