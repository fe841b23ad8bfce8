/* SPDX-License-Identifier: Apache-2.0 */
/* collective.c - one tile's steps and routes on a line. */
#include "place/collective.h"
#include "place/cost.h"
#include "place/lines.h"
#include "place/trace.h"

#include <assert.h>
#include <stddef.h>

static void add(struct patch_list *l, struct token_patch p)
{
    assert(l->count < sizeof l->patch / sizeof l->patch[0]);
    l->patch[l->count++] = p;
}

void patch_add(struct patch_list *l, uint32_t at, uint32_t times, uint32_t plus)
{
    add(l,
        (struct token_patch){.at = (uint16_t)at, .times = (uint16_t)times, .plus = (uint16_t)plus});
}

void patch_add_user(struct patch_list *l, uint32_t at, uint32_t plus, uint32_t per_user)
{
    add(l, (struct token_patch){
               .at = (uint16_t)at, .plus = (uint16_t)plus, .per_user = (uint16_t)per_user});
}

void line_step(struct image *m, struct stream_desc d, struct length n)
{
    d.count = (uint16_t)n.plus;
    uint16_t at = image_step(m, d);
    if (n.times)
        patch_add(n.patches, at + (uint32_t)offsetof(struct stream_desc, count), n.times, n.plus);
}

/* A tile of a joint line belongs to one side and sees its root at the end. */
static bool on_low_side(const struct line *l)
{
    return l->index < l->root;
}

static struct levels line_levels(const struct line *l)
{
    int32_t below = (int32_t)l->root, above = (int32_t)(l->length - 1 - l->root);
    if (l->joint)
        return on_low_side(l) ? (struct levels){&l->shape, below - 1, 0}
                              : (struct levels){&l->shape, 0, above};
    return (struct levels){&l->shape, below, above};
}

static int32_t line_place(const struct line *l)
{
    int32_t place = (int32_t)l->index - (int32_t)l->root;
    return l->joint && on_low_side(l) ? place + 1 : place;
}

static unsigned port_towards(const struct line *l, int direction)
{
    return 1u << (direction > 0 ? l->high : l->low);
}

/* ---- reduction: routes ---- */

/* The routes of one colour, by level. */
struct positions {
    uint16_t word[LEVELS_PER_SET];
    uint32_t count;
    bool receive;
};

/* Which of the four colours of its set a message takes. */
static uint32_t message_colour(const struct levels *v, uint32_t set, int32_t receiver,
                               int direction)
{
    return (direction < 0 ? 2 : 0) + levels_turn(v, set, receiver, direction);
}

static void add_take(const struct line *l, struct positions *set, uint32_t colour, int direction)
{
    struct positions *p = &set[colour];
    p->word[p->count++] = ROUTE_WORD(port_towards(l, -direction), AT_RAMP);
    p->receive = true;
}

/* The messages that touch this tile at one level. */
static void add_level(const struct line *l, const struct levels *v, uint32_t level,
                      struct positions *set)
{
    int32_t u = line_place(l);
    uint32_t s = level / LEVELS_PER_SET;
    struct level_role role = levels_role(v, level, u);
    if (role.take_low)
        add_take(l, set, message_colour(v, s, u, 1), 1);
    if (role.take_high)
        add_take(l, set, message_colour(v, s, u, -1), -1);
    int direction = role.send ? role.send : role.pass;
    if (!direction)
        return;
    struct positions *p = &set[message_colour(v, s, role.receiver, direction)];
    unsigned from = role.send ? AT_RAMP : port_towards(l, -direction);
    p->word[p->count++] = ROUTE_WORD(from, port_towards(l, direction));
}

static bool all_equal(const struct positions *p)
{
    for (uint32_t i = 1; i < p->count; i++)
        if (p->word[i] != p->word[0])
            return false;
    return true;
}

static void route_set(struct image *m, const struct line *l, const struct levels *v, uint32_t set)
{
    struct positions p[4] = {0};
    for (uint32_t i = 0; i < LEVELS_PER_SET && set * LEVELS_PER_SET + i < levels_count(v); i++)
        add_level(l, v, set * LEVELS_PER_SET + i, p);
    for (uint32_t i = 0; i < 4; i++)
        if (p[i].count)
            image_switch(m, l->chain[4 * set + i], p[i].word, all_equal(&p[i]) ? 1 : p[i].count,
                         p[i].receive);
}

/* ---- reduction: steps ---- */

/* What a tile takes, in order, and where the sum goes. */
struct duties {
    uint8_t take[2 * LEVELS_MAX + 1]; /* colours */
    uint32_t takes;
    bool sends;
    bool passes_on; /* the last thing taken comes from behind: it can be summed while it is sent */
    uint8_t to, flags;
};

static void take_from(const struct line *l, const struct levels *v, uint32_t level, int direction,
                      struct duties *d)
{
    uint32_t set = level / LEVELS_PER_SET;
    d->take[d->takes++] = l->chain[4 * set + message_colour(v, set, line_place(l), direction)];
}

/* What turns round must be complete before it is sent: on its way it may have to wait for the very
 * chain that it comes from. */
static struct duties duties_of(const struct line *l)
{
    struct levels v = line_levels(l);
    struct duties d = {.takes = 0};
    int direction = levels_direction(&v, line_place(l)), second = direction ? direction : -1;
    for (uint32_t level = 0; level < levels_count(&v) && !d.sends; level++) {
        struct level_role role = levels_role(&v, level, line_place(l));
        for (int turn = 0; turn < 2; turn++) {
            int moves = turn == 0 ? -second : second;
            if (!(moves > 0 ? role.take_low : role.take_high))
                continue;
            take_from(l, &v, level, moves, &d);
            d.passes_on = moves == direction;
        }
        if (!role.send)
            continue;
        uint32_t set = level / LEVELS_PER_SET;
        d.sends = true;
        d.flags = levels_count(&v) > 1 ? STREAM_CONTROL : 0;
        d.to = l->chain[4 * set + message_colour(&v, set, role.receiver, role.send)];
    }
    return d;
}

uint32_t line_takes(const struct line *l)
{
    return duties_of(l).takes;
}

uint32_t line_stores(const struct line *l)
{
    struct duties d = duties_of(l);
    return d.takes - d.passes_on;
}

/* What takes a message: onto nothing, or onto what the tile has; into memory, or on to a colour. */
static uint8_t take_op(enum reduction op, bool onto, bool on)
{
    if (!onto)
        return on ? STREAM_FORWARD : STREAM_RECV;
    if (op == REDUCE_ADD)
        return on ? STREAM_ADD_SEND : STREAM_ADD_RECV;
    return on ? STREAM_MAX_SEND : STREAM_MAX_RECV;
}

static void reduce(struct image *m, const struct duties *d, enum reduction op, uint16_t part,
                   uint16_t out, struct length n)
{
    uint16_t have = part;
    for (uint32_t i = 0; i < d->takes; i++) {
        bool on = d->passes_on && i + 1 == d->takes;
        line_step(m,
                  (struct stream_desc){.op = take_op(op, have != LINE_NO_PART, on),
                                       .flags = on ? d->flags : 0,
                                       .dst = on ? d->to : out,
                                       .src0 = have,
                                       .src1 = d->take[i]},
                  n);
        have = out;
    }
    if (d->sends && !d->passes_on)
        line_step(
            m,
            (struct stream_desc){.op = STREAM_SEND, .flags = d->flags, .dst = d->to, .src0 = have},
            n);
    if (!d->sends && !d->takes && part != out)
        line_step(m, (struct stream_desc){.op = STREAM_COPY, .dst = out, .src0 = part}, n);
}

/* The low root has stored its sum when it sends it. */
static void join_roots(struct image *m, const struct line *l, struct duties *d)
{
    if (line_is_low_root(l)) {
        image_route(m, l->joint_colour, ROUTE_WORD(AT_RAMP, 1u << l->high), false);
        d->sends = true;
        d->passes_on = false;
        d->to = l->joint_colour;
    } else if (l->joint && l->index == l->root) {
        image_route(m, l->joint_colour, ROUTE_WORD(1u << l->low, AT_RAMP), true);
        d->take[d->takes++] = l->joint_colour;
    }
}

static struct duties route_line(struct image *m, const struct line *l)
{
    struct levels v = line_levels(l);
    for (uint32_t set = 0; set * LEVELS_PER_SET < levels_count(&v); set++)
        route_set(m, l, &v, set);
    struct duties d = duties_of(l);
    join_roots(m, l, &d);
    return d;
}

static uint64_t reach(const struct line *l, const struct machine *k)
{
    uint32_t above = l->length - 1 - l->root, most = l->root > above ? l->root : above;
    return (uint64_t)most * k->hop_cycles;
}

/* What a reduction on this line takes; of a joint one the slower side and the way to the high root,
 * where the total is made word by word. */
static uint64_t reduce_cycles(const struct line *l, const struct machine *k, uint32_t words)
{
    if (!l->joint)
        return cost_reduce_shape(k, &l->shape, (struct line_size){l->length, l->root}, words);
    uint32_t side = line_joint_side(l->length);
    uint64_t both = cost_reduce_shape(k, &l->shape, (struct line_size){side, side - 1}, words);
    return both + k->stream_setup_cycles - 1 + words + 2 * (uint64_t)k->ramp_cycles + k->hop_cycles;
}

static void reckon_reduce(struct image *m, const struct line *l, struct length n)
{
    if (!m->machine)
        return;
    uint32_t words = n.plus + n.times * m->cached;
    image_collective(m, reduce_cycles(l, m->machine, words),
                     reduce_cycles(l, m->machine, words > 0), reach(l, m->machine));
}

static void reckon_broadcast(struct image *m, const struct line *l, struct length n)
{
    if (!m->machine)
        return;
    struct line_size size = {l->length, l->root};
    uint32_t words = n.plus + n.times * m->cached;
    image_collective(m, cost_broadcast(m->machine, size, words),
                     cost_broadcast(m->machine, size, words > 0), reach(l, m->machine));
}

static struct duties begin_reduce(struct image *m, enum trace_kind kind, const struct line *l,
                                  struct length n)
{
    reckon_reduce(m, l, n);
    trace_line(m, kind, l, n);
    if (l->log)
        line_log_reduce(l->log, n);
    return route_line(m, l);
}

void line_reduce(struct image *m, const struct line *l, enum reduction op, uint16_t part,
                 uint16_t out, struct length n)
{
    struct duties d = begin_reduce(m, TRACE_REDUCE, l, n);
    reduce(m, &d, op, part, out, n);
}

/* The root's sum goes on to a colour while it is made. */
static void root_onto(struct duties *d, uint8_t colour)
{
    d->sends = true;
    d->passes_on = d->takes > 0;
    d->to = colour;
}

void line_reduce_onto(struct image *m, const struct line *l, uint16_t part, uint16_t out,
                      struct length n, uint8_t colour)
{
    struct duties d = begin_reduce(m, TRACE_ONTO, l, n);
    if (!d.sends)
        root_onto(&d, colour);
    reduce(m, &d, REDUCE_ADD, part, out, n);
}

/* ---- broadcast, gather ---- */

/* Ports of a broadcast that lead away from a tile. */
static unsigned ports_below(const struct line *l)
{
    return l->index > 0 ? 1u << l->low : 0;
}

static unsigned ports_above(const struct line *l)
{
    return l->index + 1 < l->length ? 1u << l->high : 0;
}

static void route_root(struct image *m, const struct line *l)
{
    image_route(m, l->broadcast, ROUTE_WORD(AT_RAMP, ports_below(l) | ports_above(l)), false);
}

static void take_broadcast(struct image *m, const struct line *l, uint16_t data, struct length n)
{
    bool below = l->index < l->root, wire = line_is_low_root(l);
    unsigned on = below ? ports_below(l) : ports_above(l);
    image_route(m, l->broadcast,
                ROUTE_WORD(1u << (below ? l->high : l->low), (wire ? 0 : AT_RAMP) | on), !wire);
    if (!wire)
        line_step(m, (struct stream_desc){.op = STREAM_RECV, .dst = data, .src1 = l->broadcast}, n);
}

static void log_broadcast(struct image *m, const struct line *l, struct length n)
{
    reckon_broadcast(m, l, n);
    if (l->log)
        line_log_broadcast(l->log, n);
}

/* What the root does in a broadcast is `root`, but for where to. */
static void broadcast(struct image *m, const struct line *l, struct stream_desc root, uint16_t data,
                      struct length n)
{
    if (l->index != l->root) {
        take_broadcast(m, l, data, n);
        return;
    }
    route_root(m, l);
    root.dst = l->broadcast;
    line_step(m, root, n);
}

void line_broadcast(struct image *m, const struct line *l, uint16_t data, struct length n)
{
    log_broadcast(m, l, n);
    trace_line(m, TRACE_CAST, l, n);
    if (l->length > 1)
        broadcast(m, l, (struct stream_desc){.op = STREAM_SEND, .src0 = data}, data, n);
}

void line_forward(struct image *m, const struct line *l, uint8_t from, uint16_t data,
                  struct length n)
{
    log_broadcast(m, l, (struct length){.plus = 1});
    trace_line(m, TRACE_RELAY, l, n);
    broadcast(m, l, (struct stream_desc){.op = STREAM_FORWARD, .src1 = from}, data, n);
}

/* As line_reduce and line_broadcast, but the sum goes on while it is made. */
static void joint_allreduce(struct image *m, const struct line *l, enum reduction op, uint16_t part,
                            uint16_t out, struct length n)
{
    struct duties d = begin_reduce(m, TRACE_ONTO, l, n);
    if (l->index == l->root) {
        route_root(m, l);
        root_onto(&d, l->broadcast);
    }
    reduce(m, &d, op, part, out, n);
    log_broadcast(m, l, (struct length){.plus = 1});
    trace_line(m, TRACE_MADE, l, n);
    if (l->index != l->root)
        take_broadcast(m, l, out, n);
}

void line_allreduce(struct image *m, const struct line *l, enum reduction op, uint16_t part,
                    uint16_t out, struct length n)
{
    if (l->joint) {
        joint_allreduce(m, l, op, part, out, n);
        return;
    }
    line_reduce(m, l, op, part, out, n);
    line_broadcast(m, l, out, n);
}

/* The colour between tiles `distance` and distance - 1 from the root, on one side of it. */
static uint8_t gather_colour(const struct line *l, int direction, uint32_t distance)
{
    return l->chain[(direction < 0 ? 2u : 0u) + ((distance - 1) & 1)];
}

/* At the root: `pieces` of one side. */
static void gather_side(struct image *m, const struct line *l, int direction, uint32_t count,
                        uint16_t out)
{
    uint8_t colour = gather_colour(l, direction, 1);
    if (!count)
        return;
    image_route(m, colour, ROUTE_WORD(port_towards(l, -direction), AT_RAMP), true);
    line_step(m, (struct stream_desc){.op = STREAM_RECV, .dst = out, .src1 = colour},
              (struct length){.plus = count});
}

void line_gather(struct image *m, const struct line *l, uint16_t piece, uint32_t words,
                 uint16_t out)
{
    int32_t u = line_place(l);
    uint32_t above = l->length - 1 - l->root;
    if (u == 0) {
        line_step(m, (struct stream_desc){.op = STREAM_COPY, .dst = out, .src0 = piece},
                  (struct length){.plus = words});
        gather_side(m, l, 1, l->root * words, (uint16_t)(out + 4 * words));
        gather_side(m, l, -1, above * words, (uint16_t)(out + 4 * words * (1 + l->root)));
        return;
    }
    int direction = u < 0 ? 1 : -1;
    uint32_t distance = (uint32_t)(u < 0 ? -u : u), beyond = (u < 0 ? l->root : above) - distance;
    uint8_t to = gather_colour(l, direction, distance);
    image_route(m, to, ROUTE_WORD(AT_RAMP, port_towards(l, direction)), false);
    line_step(m, (struct stream_desc){.op = STREAM_SEND, .dst = to, .src0 = piece},
              (struct length){.plus = words});
    if (!beyond)
        return;
    uint8_t from = gather_colour(l, direction, distance + 1);
    image_route(m, from, ROUTE_WORD(port_towards(l, -direction), AT_RAMP), true);
    line_step(m, (struct stream_desc){.op = STREAM_FORWARD, .dst = to, .src1 = from},
              (struct length){.plus = beyond * words});
}
