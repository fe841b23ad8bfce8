/* SPDX-License-Identifier: Apache-2.0 */
/* cost.h - how long reductions, broadcasts and gathers on a line take, and which reduction is best.
 *
 * All functions are pure. They count cycles from the first issue to the last word stored, both
 * counted, when every tile is ready at the start and nothing else uses the links: what
 * tests/e2e/tool_collective.c measures. B words, P tiles, R = T_R (ramp cycles), hop = cycles per
 * link, S = setup cycles of the stream engine. From hal/fabric.h: a word that a tile sends in cycle
 * t is in the queue of a tile h hops away in cycle t + h * hop + 2 R, and can be sent on, summed,
 * one cycle later. So over one level whose active tiles lie d tiles apart:
 *
 *   stage   = 2 R + d hop + 1   from one tile of a chain to the next; 2 R + 2 for neighbours
 *   chain   = B + n stage         n tiles send in turn towards a root
 *
 * and a plain chain is B + (2 R + 2)(P - 1), as published (Luczynski et al., HPDC 2024). Where our
 * engine differs from the published formulas:
 *
 *   sides    a root with two sides takes one after the other: B + S + 1 more if both came at the
 *            same time
 *   levels   it takes levels one after the other too, and a level begins S + 1 cycles after the
 *            last word of the one before: K levels cost it K B + (K - 1)(S + 1) and all stages
 *
 * The cost of a tile that stands between two levels is less where it need not turn round: it passes
 * on, while it sums, what it took last from behind, and the level costs it one cycle.
 *
 * cost_reduce follows a regular group of each level, the groups at the ends of the line, which may
 * be shorter or longer, and the line's root. It is exact for one level. Streams that meet at a ramp
 * or on a link are reckoned with where a root has two sides and where a stream is early; what is
 * left is within 4 % or 6 cycles for every kind on lines up to 256 tiles
 * (tests/e2e/collectives.sh), was 5 % at worst in trees of long vectors, and within 10 % or 15
 * cycles in random groups. */
#ifndef TESSERA_PLACE_COST_H
#define TESSERA_PLACE_COST_H

#include "fabric/machine.h"
#include "place/levels.h"

#include <stdint.h>

enum reduce_kind {
#define KIND(id, name, levels, centred, root, text) REDUCE_##id,
#include "place/reduce_kinds.def"
    REDUCE_KINDS
};
const char *reduce_kind_name(enum reduce_kind kind);

/* The best root of a kind, and its groups on a line of this many tiles with this root (which may be
 * another one). tiles 1..4096, root < tiles. */
uint32_t reduce_root(enum reduce_kind kind, uint32_t tiles);
struct reduce_shape reduce_shape(enum reduce_kind kind, uint32_t tiles, uint32_t root);

/* The parts of a line that its costs depend on. */
struct line_size {
    uint32_t tiles, root;
};

/* A reduction of a shape on a line; a line of one tile copies. */
uint64_t cost_reduce_shape(const struct machine *k, const struct reduce_shape *shape,
                           struct line_size line, uint32_t words);

/* The same for a kind with its own groups and root. */
uint64_t cost_reduce(enum reduce_kind kind, const struct machine *k, uint32_t tiles,
                     uint32_t words);

/* B + m hop + 1 + 2 R, m the distance from the root to the farther end; 0 on a line of one tile. */
uint64_t cost_broadcast(const struct machine *k, struct line_size line, uint32_t words);

/* The root begins to send S + 1 cycles after its last sum: reduce + broadcast + S - 1. */
uint64_t cost_allreduce(enum reduce_kind kind, const struct machine *k, uint32_t tiles,
                        uint32_t words);

/* A tile sends its B words and then forwards what comes from beyond; u = 2 R + hop. For m tiles on
 * a side B + u + 1 (m = 1), else max(B + S, u) + (m - 2) max(B, u + 1) + B + u + 2; the root takes
 * the high side's m B words S cycles after the low side's, or as they come. Within 4 %. */
uint64_t cost_gather(const struct machine *k, struct line_size line, uint32_t words);

/* Words that surely find room between two tiles while neither takes any. */
uint32_t cost_ring_window(const struct machine *k);

/* line_ring_allreduce with that window. n = max(1, B / (rounds P)) words a piece, u = 2 R + 2 hop,
 * w = max(u, n + S). A round of the ring adds in (P - 2) max(n + S, u + 1) + w + n + S cycles, a
 * piece being sent on while it is taken, and gathers in (P - 2) (n + S + w) + w + n a piece being
 * sent when it is stored; the engine moves a word a beat, so it takes the time twice. Rounds follow
 * S cycles apart. Published (Luczynski et al.), with ends that send and take at once: 2 (P - 1) B /
 * P + 4 P - 6 + 2 (P - 1) (2 R + 1). Within 4 % or 6 cycles. */
uint64_t cost_ring_allreduce(const struct machine *k, uint32_t tiles, uint32_t words);

/* ---- rectangles ---- */

struct rect_cost {
    struct line_size row, column;
    const struct reduce_shape *row_shape, *column_shape;
};

/* The row's reduction, S - 1 cycles, the column's; a rectangle of one column or row is a line. */
uint64_t cost_rect_reduce(const struct machine *k, const struct rect_cost *r, uint32_t words);

/* B + m hop + 1 + 2 R, m hops to the farthest corner; 0 for one tile. */
uint64_t cost_rect_broadcast(const struct machine *k, const struct rect_cost *r, uint32_t words);

/* Their sum + S - 1. */
uint64_t cost_rect_allreduce(const struct machine *k, const struct rect_cost *r, uint32_t words);

/* The kind with the least cost_allreduce (the first in reduce_kinds.def of equals) among those that
 * need at most `sets` sets of colours. */
enum reduce_kind cost_choose_reduce(const struct machine *k, uint32_t tiles, uint32_t words,
                                    uint32_t sets);

/* The groups of the least cost_reduce_shape that single changes lead to: from every kind on this
 * line, one level's group and limit are changed while that helps. Milliseconds on a line of 512. */
struct reduce_shape cost_search_shape(const struct machine *k, struct line_size line,
                                      uint32_t words);

/* Sets of colours that a kind needs: one for every LEVELS_PER_SET levels. */
uint32_t reduce_sets(enum reduce_kind kind, uint32_t tiles);

#endif
