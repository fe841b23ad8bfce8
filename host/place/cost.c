/* SPDX-License-Identifier: Apache-2.0 */
/* cost.c - the time of a reduction, level by level, in closed form.
 *
 * Of each level three groups are followed: the line root's own, the one at either end of the line,
 * and a regular one, which stands for all the others. "Ready" is the cycle in which a tile could do
 * its first beat of the next step; the first beat of the reduction is in cycle 0. */
#include "place/cost.h"

#include "place/collective.h"

enum root_place { END, MIDDLE };

struct kind_row {
    const char *name;
    uint32_t levels;
    bool centred;
    enum root_place root;
};

static const struct kind_row rows[REDUCE_KINDS] = {
#define KIND(id, name, levels, centred, root, text) {name, levels, centred, root},
#include "place/reduce_kinds.def"
};

const char *reduce_kind_name(enum reduce_kind kind)
{
    return rows[kind].name;
}

uint32_t reduce_root(enum reduce_kind kind, uint32_t tiles)
{
    return rows[kind].root == END ? tiles - 1 : (tiles - 1) / 2;
}

static uint64_t power(uint64_t base, uint32_t exponent)
{
    uint64_t p = 1;
    while (exponent--)
        p *= base;
    return p;
}

/* The whole number nearest to the k-th root of n, at least 2: s stays while (s - 1/2)^k <= n. */
static uint32_t whole_root(uint32_t n, uint32_t k)
{
    uint32_t s = 2;
    while (power(2 * s + 1, k) <= (uint64_t)n << k)
        s++;
    return s;
}

struct reduce_shape reduce_shape(enum reduce_kind kind, uint32_t tiles, uint32_t root)
{
    const struct kind_row *row = &rows[kind];
    uint32_t above = tiles - 1 - root, side = (root > above ? root : above) + 1;
    struct reduce_shape s = {.levels = row->levels, .centred = row->centred};
    if (row->levels == 0) {
        for (s.levels = 1; side > 1u << s.levels; s.levels++)
            ;
        for (uint32_t i = 0; i < s.levels; i++)
            s.group[i] = 2;
        return s;
    }
    for (uint32_t i = 0; i + 1 < s.levels; i++)
        s.group[i] = whole_root(row->centred ? tiles : side, s.levels);
    return s;
}

uint32_t reduce_sets(enum reduce_kind kind, uint32_t tiles)
{
    struct reduce_shape s = reduce_shape(kind, tiles, reduce_root(kind, tiles));
    return (s.levels + LEVELS_PER_SET - 1) / LEVELS_PER_SET;
}

/* ---- one level ---- */

struct pace {
    uint64_t words, setup;
    uint64_t travel; /* from an issue to the arrival at the next tile */
    uint64_t queue;  /* words that an input queue and its ramp hold */
    uint64_t router; /* words that wait at a switch */
};

/* A tile between two steps: when it could do the first beat of its next step, and when it would
 * issue its first word if that step passes on what it took last (or sends its own part). */
struct when {
    uint64_t ready, issue;
};

/* A chain that runs into a group's root: how many send, the farthest and the others; and whether it
 * passes chains of two or more of the level before that nothing else held up. */
struct chain {
    uint32_t senders;
    struct when far, other;
    bool shares;
};

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A stream that is early waits at the switches of the chain before it, and on its way there takes
 * turns on links with that chain's words: the tile that takes both is ready that much later. */
static uint64_t link_share(const struct pace *p, const struct chain *c, struct when taker)
{
    uint64_t early = less(taker.ready, p->setup + c->far.issue + p->travel);
    return c->shares ? sooner(early, sooner(p->router, less(p->words, 1))) : 0;
}

static uint64_t chain_arrival(const struct pace *p, const struct chain *c)
{
    uint64_t at = c->far.issue + p->travel;
    if (c->senders > 1)
        at = later(at, c->other.ready + link_share(p, c, c->other)) +
             (c->senders - 1) * (p->travel + 1);
    return at;
}

static struct when take(const struct pace *p, struct when t, uint64_t arrival, uint64_t extra)
{
    uint64_t first = later(t.ready, arrival);
    return (struct when){.ready = first + p->words + extra + p->setup, .issue = first + 1};
}

/* Words of the second side that go down the ramp while the root takes the first side's: each costs
 * it a cycle, until the second side's queue is full. */
static uint64_t ramp_share(const struct pace *p, uint64_t ready, uint64_t first, uint64_t second)
{
    uint64_t before = sooner(less(first, second), p->queue);
    uint64_t room = less(p->words, 1 + less(second, first));
    return less(sooner(p->queue - before, room), less(ready, first));
}

/* A group's root adds one chain, then the other, which comes from behind it. */
static struct when add_chains(const struct pace *p, struct when t, const struct chain *front,
                              const struct chain *behind)
{
    uint64_t first = chain_arrival(p, front), second = chain_arrival(p, behind);
    uint64_t extra = behind->senders ? ramp_share(p, t.ready, first, second) : 0;
    if (front->senders == 1)
        t.ready += link_share(p, front, t);
    if (behind->senders == 1 && !front->senders)
        t.ready += link_share(p, behind, t);
    if (front->senders) {
        t = take(p, t, first, extra);
        t.issue = t.ready;
    }
    return behind->senders ? take(p, t, second, 0) : t;
}

/* Active tiles between the line's root and one of its ends, and the last of them. */
struct side {
    uint32_t count;
    struct when end;
};

/* Tiles below the root send up the line, or those above it down, at last; a regular group's root
 * may be of either sort. */
struct progress {
    struct when root, up, down;
    struct side low, high;
    bool shares; /* struct chain, in the next level */
};

static struct chain going_up(const struct progress *g, uint32_t senders, struct when far)
{
    return (struct chain){senders, far, g->up, g->shares};
}

static struct chain going_down(const struct progress *g, uint32_t senders, struct when far)
{
    return (struct chain){senders, far, g->down, g->shares};
}

/* Senders of a regular group below and above its root. */
struct members {
    uint32_t below, above;
};

/* Groups of a level: members, and roots on either side of the line's. */
struct groups {
    uint32_t members, low, high;
};

/* The line's root takes from both sides. */
static struct when run_root(const struct progress *g, const struct pace *p, const struct groups *n,
                            struct members up, struct members down)
{
    struct chain below =
        n->low ? going_up(g, up.below, g->up) : going_up(g, g->low.count, g->low.end);
    struct chain above =
        n->high ? going_down(g, down.above, g->down) : going_down(g, g->high.count, g->high.end);
    return add_chains(p, g->root, &below, &above);
}

/* The group at the end of a side: its outer chain is what is left of the side. */
static struct side run_low_end(const struct progress *g, const struct pace *p,
                               const struct groups *n, struct members up)
{
    uint32_t rest = g->low.count - n->low * n->members;
    struct chain below = going_up(g, rest, g->low.end), above = going_down(g, up.above, g->down);
    struct side next = {n->low, g->low.end};
    if (next.count)
        next.end = add_chains(p, rest ? g->up : g->low.end, &above, &below);
    return next;
}

static struct side run_high_end(const struct progress *g, const struct pace *p,
                                const struct groups *n, struct members down)
{
    uint32_t rest = g->high.count - n->high * n->members;
    struct chain below = going_up(g, down.below, g->up), above = going_down(g, rest, g->high.end);
    struct side next = {n->high, g->high.end};
    if (next.count)
        next.end = add_chains(p, rest ? g->down : g->high.end, &below, &above);
    return next;
}

static void run_level(struct progress *g, const struct pace *p, const struct groups *n,
                      bool centred)
{
    uint32_t half = n->members / 2, rest = n->members - 1;
    struct members up = {centred ? half : rest, centred ? rest - half : 0};
    struct members down = {centred ? half : 0, centred ? rest - half : rest};
    struct chain up_below = going_up(g, up.below, g->up),
                 up_above = going_down(g, up.above, g->down),
                 down_below = going_up(g, down.below, g->up),
                 down_above = going_down(g, down.above, g->down);
    *g = (struct progress){.root = run_root(g, p, n, up, down),
                           .up = add_chains(p, g->up, &up_above, &up_below),
                           .down = add_chains(p, g->down, &down_below, &down_above),
                           .low = run_low_end(g, p, n, up),
                           .high = run_high_end(g, p, n, down),
                           .shares = !centred && n->members > 2};
}

/* ---- whole operations ---- */

uint64_t cost_reduce_shape(const struct machine *k, const struct reduce_shape *shape,
                           struct line_size line, uint32_t words)
{
    if (line.tiles == 1)
        return words + 1;
    struct levels v = {shape, (int32_t)line.root, (int32_t)(line.tiles - 1 - line.root)};
    struct progress g = {.low.count = (uint32_t)v.low, .high.count = (uint32_t)v.high};
    struct pace p = {.words = words,
                     .setup = k->stream_setup_cycles,
                     .queue = k->input_queue + k->ramp_cycles,
                     .router = k->router_queue};
    for (uint32_t level = 0; level < levels_count(&v); level++) {
        p.travel = 2 * (uint64_t)k->ramp_cycles +
                   (uint64_t)k->hop_cycles * (uint32_t)levels_step(&v, level);
        struct groups n = {levels_group(&v, level), levels_roots(&v, level, g.low.count),
                           levels_roots(&v, level, g.high.count)};
        run_level(&g, &p, &n, shape->centred);
    }
    return g.root.ready - p.setup + 1;
}

uint64_t cost_reduce(enum reduce_kind kind, const struct machine *k, uint32_t tiles, uint32_t words)
{
    struct line_size line = {tiles, reduce_root(kind, tiles)};
    struct reduce_shape shape = reduce_shape(kind, tiles, line.root);
    return cost_reduce_shape(k, &shape, line, words);
}

static uint32_t line_reach(struct line_size line)
{
    uint32_t above = line.tiles - 1 - line.root;
    return line.root > above ? line.root : above;
}

static uint64_t broadcast_over(const struct machine *k, uint32_t hops, uint32_t words)
{
    return hops ? words + (uint64_t)hops * k->hop_cycles + 1 + 2 * (uint64_t)k->ramp_cycles : 0;
}

uint64_t cost_broadcast(const struct machine *k, struct line_size line, uint32_t words)
{
    return broadcast_over(k, line_reach(line), words);
}

/* One operation after another on the same thread. */
static uint64_t then(const struct machine *k, uint64_t first, uint64_t second)
{
    return first && second ? first + second + k->stream_setup_cycles - 1 : first + second;
}

uint64_t cost_allreduce(enum reduce_kind kind, const struct machine *k, uint32_t tiles,
                        uint32_t words)
{
    struct line_size line = {tiles, reduce_root(kind, tiles)};
    return then(k, cost_reduce(kind, k, tiles, words), cost_broadcast(k, line, words));
}

/* When the root has one side's words, ready for them in cycle `from`; counts as root_ready does. */
static uint64_t gather_side(const struct machine *k, uint32_t senders, uint64_t words,
                            uint64_t from)
{
    uint64_t travel = 2 * (uint64_t)k->ramp_cycles + k->hop_cycles, setup = k->stream_setup_cycles;
    uint64_t last = words + travel;
    if (!senders)
        return from;
    if (senders > 1)
        last += later(words + setup, travel) + 1 + (senders - 2) * later(words, travel + 1);
    return later(last, from + senders * words) + setup;
}

uint64_t cost_gather(const struct machine *k, struct line_size line, uint32_t words)
{
    uint64_t setup = k->stream_setup_cycles, ready = words + setup; /* it copies its own first */
    ready = gather_side(k, line.root, words, ready);
    return gather_side(k, line.tiles - 1 - line.root, words, ready) - setup + 1;
}

uint32_t cost_ring_window(const struct machine *k)
{
    return k->router_queue + k->input_queue;
}

uint64_t cost_ring_allreduce(const struct machine *k, uint32_t tiles, uint32_t words)
{
    if (tiles == 1)
        return words;
    uint64_t rounds = ring_rounds((struct ring_size){words, cost_ring_window(k)}, tiles);
    uint64_t unit = rounds * tiles; /* all times are counted in units of 1 / unit cycles */
    uint64_t setup = k->stream_setup_cycles * unit;
    uint64_t travel = (2 * k->ramp_cycles + (tiles > 2 ? 2 : 1) * k->hop_cycles) * unit;
    uint64_t piece = later(words, unit), busy = piece + setup, wait = later(travel, busy);
    uint64_t scatter = (tiles - 2) * later(busy, travel + unit) + wait + busy;
    uint64_t gather = (tiles - 2) * (busy + wait) + wait + piece;
    return (rounds * (scatter + gather + setup) - setup) / unit;
}

uint64_t cost_rect_reduce(const struct machine *k, const struct rect_cost *r, uint32_t words)
{
    uint64_t row = cost_reduce_shape(k, r->row_shape, r->row, words);
    uint64_t column = cost_reduce_shape(k, r->column_shape, r->column, words);
    if (r->column.tiles == 1)
        return row;
    return r->row.tiles == 1 ? column : then(k, row, column);
}

uint64_t cost_rect_broadcast(const struct machine *k, const struct rect_cost *r, uint32_t words)
{
    return broadcast_over(k, line_reach(r->row) + line_reach(r->column), words);
}

uint64_t cost_rect_allreduce(const struct machine *k, const struct rect_cost *r, uint32_t words)
{
    return then(k, cost_rect_reduce(k, r, words), cost_rect_broadcast(k, r, words));
}

enum reduce_kind cost_choose_reduce(const struct machine *k, uint32_t tiles, uint32_t words,
                                    uint32_t sets)
{
    enum reduce_kind best = REDUCE_CHAIN;
    for (int kind = 1; kind < REDUCE_KINDS; kind++)
        if (reduce_sets((enum reduce_kind)kind, tiles) <= sets &&
            cost_allreduce((enum reduce_kind)kind, k, tiles, words) <
                cost_allreduce(best, k, tiles, words))
            best = (enum reduce_kind)kind;
    return best;
}
