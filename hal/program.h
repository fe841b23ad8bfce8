/* SPDX-License-Identifier: Apache-2.0 */
/* program.h - the tile program: what the placement compiler writes into a tile and the firmware
 * runs.
 *
 * One firmware image serves all tiles and all models; what a tile does is this data. Every uint16_t
 * below called an offset counts bytes from the start of SRAM. All tables are 4-aligned.
 *
 *   TILE_PROGRAM_OFFSET  struct program_header
 *   anywhere after it    routes, tasks, start lists, kernel arguments, descriptors, buffers,
 * weights
 *
 * A task waits for `need` events of its number, then runs once: first its kernel, then its start
 * list in order; and it waits again. A task without a kernel runs as soon as its last event is
 * taken off the queue; tasks with kernels wait until the queue is empty, and then number 0 goes
 * first when several are ready. A task with need 0 never runs. A list entry is the offset of a
 * descriptor to start (even), or 2 * task + 1 to post an event to a task. The same list form, in
 * the header, is run once at boot. */
#ifndef TESSERA_HAL_PROGRAM_H
#define TESSERA_HAL_PROGRAM_H

#include "hal/tile_map.h"

#include <stdint.h>

#define PROGRAM_MAGIC                                                                              \
    TILE_U(0x41525354) /* "TSRA"; a tile that was given no program holds 0 and sleeps */
#define PROGRAM_VERSION TILE_U(1)
#define PROGRAM_TASKS TILE_EVENTS

#define PROGRAM_POST(task) ((uint16_t)(2u * (task) + 1u))

struct program_header {
    uint32_t magic;
    uint16_t version;
    uint16_t bytes;  /* whole program with buffers and weights; at most TILE_PROGRAM_BYTES */
    uint16_t routes; /* offset of struct program_route[route_count] */
    uint16_t route_count;
    uint16_t tasks; /* offset of struct program_task[task_count] */
    uint16_t task_count;
    uint16_t starts; /* offset of uint16_t[start_count], run at boot */
    uint16_t start_count;
};

struct program_route {
    uint8_t colour;
    uint8_t mode;  /* ROUTE_MODE_* bits */
    uint8_t queue; /* input queue to bind to the colour, 0xff for none */
    uint8_t zero;
    uint16_t word[TILE_SWITCH_POSITIONS]; /* ROUTE_WORD */
};

struct program_task {
    uint8_t need; /* events until it fires, 1..255; 0: never */
    uint8_t have; /* events so far; starts at 0, kept by the scheduler */
    uint8_t kernel;
    uint8_t start_count;
    uint16_t args;   /* offset of the kernel's argument block */
    uint16_t starts; /* offset of uint16_t[start_count] */
};

enum kernel {
#define KERNEL(name, number, text) KERNEL_##name = (number),
#include "hal/kernels.def"
#undef KERNEL
    KERNEL_COUNT
};

/* Argument blocks. "words" are fp32 unless said otherwise; offsets of 0 mean "not there". */

/* Where kernels keep what a token brings. */
struct token_state {
    uint32_t position; /* of the token in its sequence, from 0 */
    uint32_t cached;   /* positions in this tile's share of the KV cache, this token's included */
};

/* *(uint16_t *)at = cached * times + user * per_user + plus */
struct token_patch {
    uint16_t at, times, plus, per_user;
};

/* One pair (x[0], x[1]) to rotate by angle 2 pi * frac(position * turns / 2^64), interleaved RoPE:
 * y0 = x0 cos - x1 sin, y1 = x0 sin + x1 cos. The 64-bit turns make the range reduction exact. */
struct rope_pair {
    uint32_t turns_low, turns_high;
    float sine, cosine; /* of the token's angle: kernel token writes them */
    uint16_t at, zero;  /* offset of x[0] */
};

/* Pairs behind each other. */
struct rope_table {
    uint16_t pairs, count; /* offset of struct rope_pair[count] */
};

/* token: position p = (uint32_t)x[0] of user u = (uint32_t)x[1] (0 without reading when users < 2);
 * every user has a sequence and a part of the KV cache of its own. Row r of h holds the positions p
 * with p % h == r, in slot p / h. cached = number of such positions <= p. Writes *state and all
 * patches, and the sines and cosines of all tables. If this row holds p: store->count = store_words
 * and store->dst = cache + u * user_bytes
 * + slot * slot_bytes, else store->count = 0. Fault CONTEXT if the slot is not below `slots`,
 * ARGUMENT if u is not below users. */
struct args_token {
    uint16_t x, state;
    uint16_t row, rows;
    uint16_t slots, slot_bytes;
    uint16_t cache, store; /* store: offset of the COPY or ROUND_BF16 descriptor */
    uint16_t store_words, patch_count;
    uint16_t patches, users;
    uint16_t user_bytes;
    uint16_t tables, table_count; /* offset of struct rope_table[table_count] */
};

/* A norm to apply: r = 1 / sqrt(*sum * inv_n + eps), computed as 1.0f / sqrtf(sum * inv_n + eps).
 * rsqrt and norm_rope also know a norm of a vector that still lacks the factor of the norm `before`
 * it. That factor cancels but for eps, which counts eps / factor^2: eps * (sum of before * inv_n of
 * before + eps of before). */
struct args_norm {
    float inv_n, eps;
    uint16_t sum;    /* offset of the sum of squares; 0: r = 1 */
    uint16_t before; /* offset of a struct args_norm; 0: none */
};

struct args_rsqrt {
    struct args_norm norm;
    uint16_t out, zero;
};

/* norm_rope: dst[i] = src[i] * r * gain[i] for i < scaled (gain 0: no gain), dst[i] = src[i] for
 * the `copied` words after them; then rotate the pairs (which lie in dst). src == dst is allowed.
 */
struct args_norm_rope {
    struct args_norm norm;
    uint16_t src, dst;
    uint16_t scaled, copied;
    uint16_t gain, zero;
    uint16_t pairs, pair_count;
};

/* Scores s[..][cached], of which a tile works on rows first .. first + heads - 1 and, of each, on
 * part `part` of n of the positions t (cached * part / n up to cached * (part + 1) / n; each_part
 * is 2^32 / n rounded up, or 0: all), cached * n below 2^24; max and sum are of these only.
 * score_max: max[j] = max over t (-FLT_MAX without any). score_exp: e[j][t] = exp(scale * (s[j][t]
 * - max[j])), sum[j] = sum over t in order; scale is above 0. e may be s. */
struct args_score {
    float scale;
    uint16_t scores, max;
    uint16_t sum, exp;
    uint16_t heads, state;
    uint16_t first, part;
    uint32_t each_part;
};

/* each_part for `parts` up to 255; 0 and 1: all. */
static inline uint32_t score_each_part(uint32_t parts)
{
    return parts > 1 ? (uint32_t)((0x100000000 + parts - 1) / parts) : 0;
}

/* dst[i] = 1 / src[i], i < count. dst may be src. */
struct args_reciprocal {
    uint16_t src, dst;
    uint16_t count, zero;
};

/* out[i] = 1 / (1 + exp(-z[i] * r)); *r_out = r when r_out is not 0. */
struct args_sigmoid {
    struct args_norm norm;
    uint16_t z, out;
    uint16_t count, r_out;
};

/* Choose the top_k largest scores[e] + bias[e] (lower e wins ties), among the groups chosen first
 * when groups > 1: a group counts the sum of its two largest, the group_k best groups stay. ids[i]
 * (uint32_t, in order of choice), weights[i] = scores[id] (divided by their sum + 1e-20 when
 * normalise) times factor. */
struct args_topk {
    float factor;
    uint16_t scores, bias;
    uint16_t experts, top_k;
    uint16_t groups, group_k;
    uint16_t normalise, ids;
    uint16_t weights, scratch; /* scratch: groups + 2 * group_k words, when groups > 1 */
};

/* The same choice (one group) made by many tiles together: an expert beats another when its
 * score + bias is larger, or equal and its number lower; NaN counts as the least.
 *
 * rank_count: out[k] (fp32) = how many of the experts their_first .. + their_count - 1 beat expert
 * my_first + k, k < my_count. Scores in theirs[..] and mine[..], biases beside them (0: none). The
 * counts against all experts add up to the expert's rank. */
struct args_rank_count {
    uint16_t theirs, their_bias;
    uint16_t their_first, their_count;
    uint16_t mine, my_bias;
    uint16_t my_first, my_count;
    uint16_t out, zero;
};

/* rank_place: for each k < my_count whose ranks[k] (fp32) is below top_k: out[rank] = id + 1
 * (fp32), out[top_k + rank] = mine[k], id = my_first + k. Of all tiles with different experts
 * exactly one writes each place, so where they were zero their sum holds the choice. Fault ARGUMENT
 * if a rank is not a number below 2^23. */
struct args_rank_place {
    uint16_t mine, ranks;
    uint16_t my_first, my_count;
    uint16_t top_k, out;
};

/* rank_finish: sums are such a sum, 2 * top_k words. ids[i] (uint32_t) and weights[i] as topk makes
 * them. ids may be sums, and weights the second half of sums. Fault ARGUMENT if a place is empty.
 */
struct args_rank_finish {
    float factor;
    uint16_t sums, top_k;
    uint16_t ids, weights;
    uint16_t normalise, zero;
};

/* For each of count entries: desc->src0 = weight + id * weight_step, desc->scales = scale + id *
 * scale_step, id = ids[slot]. */
struct select_entry {
    uint16_t desc, slot;
    uint16_t weight, weight_step;
    uint16_t scale, scale_step;
};
struct args_select {
    uint16_t ids, count;
    uint16_t entries, zero;
};

/* select_units: the same where a tile holds blocks of some of the experts only, block_bytes each,
 * in order of their numbers. table[experts] says of expert e, a byte each: UNIT_NONE, or how many
 * places for blocks fewer than e there are before its own, and UNIT_HIGH when its columns are the
 * window's second group.
 *
 * There are `count` descriptors, one behind the other, slot i for ids[i], which is still id + 1 as
 * fp32, as rank_place makes it. When the tile holds place b of that expert, desc->src0 = weight + b
 * * block_bytes, desc->scales = scale + b * block_bytes, desc->cols = cols, and the uint16_t at
 * byte `field` of the descriptor = base, plus step with UNIT_HIGH. Else desc->cols = 0 and nothing
 * else changes. All sums are cut to 16 bits. Fault ARGUMENT if an id is not below experts. */
enum { UNIT_HIGH = 0x80, UNIT_FEWER_MAX = 0x7e, UNIT_NONE = 0x7f };
struct args_select_units {
    uint16_t ids, count;
    uint16_t experts, table;
    uint16_t desc, field;
    uint16_t weight, scale, block_bytes;
    uint16_t base, step;
    uint16_t cols;
};

/* out[i] = silu(r * gate[i]) * (up[i] * (r * weight)), i < count; silu(z) = z / (1 + exp(-z)).
 * These are the values `first` .. of a vector that holds `width` of each of `experts` experts,
 * which are weighted by weights[expert], and then others with weight 1. norm.sum 0: r is the word
 * at r_in; both 0: r = 1. out may be gate. Fault ARGUMENT if width is 0 and experts is not. */
struct args_swiglu {
    struct args_norm norm;
    uint16_t gate, up;
    uint16_t out, count;
    uint16_t first, width;
    uint16_t experts, weights;
    uint16_t r_in, zero;
};

_Static_assert(sizeof(struct program_header) == 20, "shared layout");
_Static_assert(sizeof(struct program_route) == 12, "shared layout");
_Static_assert(sizeof(struct program_task) == 8, "shared layout");
_Static_assert(sizeof(struct args_token) == 30, "shared layout");
_Static_assert(sizeof(struct args_norm_rope) == 28, "shared layout");
_Static_assert(sizeof(struct args_swiglu) == 32, "shared layout");

#endif
