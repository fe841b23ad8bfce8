/* SPDX-License-Identifier: Apache-2.0 */
/* explain.c - why a quiet wafer is stuck: who waits for whom, and where that closes a cycle.
 *
 * A node is a waiting thread or a router queue with wavelets. Each waits for at most one other, so
 * following it gives a chain; a chain that meets itself is a cycle, and cycles are told first. */
#include "fabric/upstream.h"

#include "base/xalloc.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
    NODE_QUEUES = TILE_THREADS, /* node numbers of a tile: threads, then port * colours + colour */
    NODES = NODE_QUEUES + FABRIC_PORTS * TILE_COLOURS,
    TEXT_RESERVE = 200, /* room kept for the sentence in progress and the end */
    CYCLES_TOLD = 2,
    STARTS_MAX = 10000 /* nodes from which cycles are searched */
};

struct text {
    char bytes[ERR_TEXT_MAX];
    size_t used;
};

struct node {
    uint32_t tile;
    unsigned number; /* < NODES */
};
static const struct node no_node = {NO_TILE, 0};

enum mark { UNSEEN, ON_PATH, DONE };

struct explainer {
    const struct wafer *w;
    struct text *text;
    uint8_t *mark; /* [tiles][NODES] */
    struct node *path;
    uint32_t length, size;
    unsigned threads, queues; /* nodes of either kind */
    unsigned cycles, starts;  /* told; followed so far */
};

__attribute__((format(printf, 2, 3))) static void say(struct text *t, const char *fmt, ...)
{
    va_list args;
    if (!t)
        return;
    va_start(args, fmt);
    int n = vsnprintf(t->bytes + t->used, sizeof t->bytes - t->used, fmt, args);
    va_end(args);
    t->used += n > 0 ? (size_t)n : 0;
    if (t->used >= sizeof t->bytes)
        t->used = sizeof t->bytes - 1;
}

static bool full(const struct text *t)
{
    return t->used + TEXT_RESERVE > sizeof t->bytes;
}

static void say_tile(struct text *t, const struct wafer *w, uint32_t tile)
{
    say(t, "tile (%u,%u)", wafer_x(w, tile), wafer_y(w, tile));
}

const char *stream_op_name(unsigned op)
{
    switch (op) {
#define OP(name, code, text)                                                                       \
    case code:                                                                                     \
        return #name;
#include "hal/stream_ops.def"
#undef OP
    default:
        return "?";
    }
}

static struct node thread_node(uint32_t tile, unsigned thread)
{
    return (struct node){tile, thread};
}

static struct node queue_node(uint32_t tile, unsigned port, unsigned colour)
{
    return (struct node){tile, NODE_QUEUES + port * TILE_COLOURS + colour};
}

/* ---- one step of a chain: say why a node waits (text may be NULL), and for which ---- */

/* The tile that should send, and does not. */
static void say_silent(struct text *t, const struct wafer *w, uint32_t tile, unsigned colour)
{
    const struct tile *it = &w->tile[tile];
    say(t, "; ");
    say_tile(t, w, tile);
    say(t, " sends nothing on colour %u (task %u, core %s)", colour, it->task,
        it->halted         ? "halted"
        : it->core.waiting ? "asleep"
                           : "awake");
}

static struct node wait_for_source(const struct wafer *w, struct text *t, uint32_t tile,
                                   unsigned ports, unsigned colour)
{
    struct source s = upstream_find(w, tile, ports, colour);
    switch (s.kind) {
    case SOURCE_NONE:
        break;
    case SOURCE_QUEUE:
        return queue_node(s.tile, s.port, colour);
    case SOURCE_THREAD:
        if (!upstream_now(&w->tile[s.tile], s.thread, 2, colour))
            say(t, ", which a later descriptor is to send");
        return thread_node(s.tile, s.thread);
    case SOURCE_SILENT:
        say_silent(t, w, s.tile, colour);
        break;
    case SOURCE_EDGE:
        say(t, "; nothing comes in on colour %u at the %s edge of ", colour,
            fault_port_name(s.port));
        say_tile(t, w, s.tile);
        break;
    }
    return no_node;
}

static void say_ports(struct text *t, unsigned ports)
{
    const char *between = "";
    for (unsigned p = 0; p < FABRIC_PORTS; p++) {
        if (ports >> p & 1) {
            say(t, "%s%s", between, fault_port_name(p));
            between = " or ";
        }
    }
}

static struct node thread_step(const struct wafer *w, struct text *t, struct node n)
{
    const struct tile *it = &w->tile[n.tile];
    const struct stream_desc *d = &it->engine.thread[n.number].d;
    say_tile(t, w, n.tile);
    say(t, " thread %u %s ", n.number, stream_op_name(d->op));
    switch (engine_waits(w, n.tile, n.number)) {
    case WAIT_WAVELET:
        break;
    case WAIT_ROOM:
        say(t, "waits for room on colour %u", d->dst);
        return queue_node(n.tile, PORT_RAMP, d->dst);
    case WAIT_NOTHING:
    case WAIT_SETUP:
    case WAIT_RAMP:
    case WAIT_STRESS:
        say(t, "is running");
        return no_node;
    }
    unsigned from = upstream_inputs(&w->router[n.tile], d->src1, AT_RAMP);
    say(t, "waits for colour %u", d->src1);
    if (it->queue_of[d->src1] == NO_QUEUE) {
        say(t, ", which no queue is bound to");
        return no_node;
    }
    if (!from) {
        say(t, ", which no route brings to it");
        return no_node;
    }
    say(t, " from ");
    say_ports(t, from);
    return wait_for_source(w, t, n.tile, from, d->src1);
}

/* The first output that has no room: the node behind it. */
static struct node output_step(const struct wafer *w, struct text *t, uint32_t tile,
                               unsigned outputs, unsigned colour)
{
    for (unsigned p = 0; p < PORT_RAMP; p++) {
        uint32_t next = w->router[tile].neighbour[p];
        unsigned far = (p + 2) & 3;
        if (!(outputs >> p & 1) || next == NO_TILE ||
            w->router[next].held[far][colour] < w->link_room)
            continue;
        say(t, ": no room in ");
        say_tile(t, w, next);
        return queue_node(next, far, colour);
    }
    if (outputs & AT_RAMP && !ramp_has_room(w, tile, colour)) {
        unsigned k = upstream_thread(&w->tile[tile], 1, colour);
        say(t, ": its input queue %u is full", w->tile[tile].queue_of[colour]);
        if (k != NO_THREAD && !upstream_now(&w->tile[tile], k, 1, colour))
            say(t, ", which a later descriptor is to read");
        if (k != NO_THREAD)
            return thread_node(tile, k);
        say(t, " and no thread takes from it (task %u, core %s)", w->tile[tile].task,
            w->tile[tile].core.waiting ? "asleep" : "awake");
    }
    return no_node;
}

static struct node queue_step(const struct wafer *w, struct text *t, struct node n)
{
    const struct router *r = &w->router[n.tile];
    unsigned port = (n.number - NODE_QUEUES) / TILE_COLOURS;
    unsigned colour = (n.number - NODE_QUEUES) % TILE_COLOURS;
    uint16_t word = r->route[colour][r->position[colour]];
    say_tile(t, w, n.tile);
    say(t, " holds colour %u from %s", colour, fault_port_name(port));
    if (ROUTE_INPUTS(word) >> port & 1 && ROUTE_OUTPUTS(word))
        return output_step(w, t, n.tile, ROUTE_OUTPUTS(word), colour);
    say(t, ": its switch stands at position %u, which takes ", r->position[colour]);
    say_ports(t, ROUTE_OUTPUTS(word) ? ROUTE_INPUTS(word) : 0);
    if (!ROUTE_OUTPUTS(word) || !ROUTE_INPUTS(word)) {
        say(t, "nothing");
        return no_node;
    }
    return wait_for_source(w, t, n.tile, ROUTE_INPUTS(word), colour);
}

static struct node step(const struct wafer *w, struct text *t, struct node n)
{
    return n.number < NODE_QUEUES ? thread_step(w, t, n) : queue_step(w, t, n);
}

/* ---- chains ---- */

static uint8_t *mark_of(struct explainer *x, struct node n)
{
    return &x->mark[(size_t)n.tile * NODES + n.number];
}

static void put_on_path(struct explainer *x, struct node n)
{
    if (x->length == x->size) {
        x->size = x->size ? x->size * 2 : 64;
        x->path = xrealloc(x->path, x->size, sizeof *x->path);
    }
    x->path[x->length++] = n;
    *mark_of(x, n) = ON_PATH;
}

/* Follow from an unseen node; the node where the chain meets itself, or no_node. */
static struct node follow(struct explainer *x, struct node n)
{
    x->length = 0;
    while (n.tile != NO_TILE && *mark_of(x, n) == UNSEEN) {
        put_on_path(x, n);
        n = step(x->w, NULL, n);
    }
    struct node met = n.tile != NO_TILE && *mark_of(x, n) == ON_PATH ? n : no_node;
    for (uint32_t i = 0; i < x->length; i++)
        *mark_of(x, x->path[i]) = DONE;
    return met;
}

static bool same(struct node a, struct node b)
{
    return a.tile == b.tile && a.number == b.number;
}

static void tell_cycle(struct explainer *x, struct node at)
{
    struct node n = at;
    say(x->text, " CYCLE: ");
    do {
        n = step(x->w, x->text, n);
        say(x->text, "; ");
    } while (!same(n, at) && !full(x->text));
    say(x->text, same(n, at) ? "which closes the cycle." : "...");
}

static void tell_chain(struct explainer *x, struct node n)
{
    say(x->text, " ");
    while (n.tile != NO_TILE && !full(x->text)) {
        *mark_of(x, n) = DONE;
        n = step(x->w, x->text, n);
        if (n.tile != NO_TILE)
            say(x->text, "; ");
        if (n.tile != NO_TILE && *mark_of(x, n) != UNSEEN) {
            say_tile(x->text, x->w, n.tile);
            say(x->text, " as said");
            break;
        }
    }
    say(x->text, ".");
}

/* Visit all nodes, threads before queues; stops when `visit` says so. */
static void each_node(struct explainer *x, bool (*visit)(struct explainer *, struct node))
{
    const struct wafer *w = x->w;
    for (uint32_t i = 0; i < w->tiles; i++)
        for (unsigned k = 0; k < TILE_THREADS; k++)
            if (w->tile[i].engine.busy >> k & 1 && !visit(x, thread_node(i, k)))
                return;
    for (uint32_t i = 0; i < w->tiles; i++)
        for (unsigned n = 0; n < FABRIC_PORTS * TILE_COLOURS; n++)
            if (w->router[i].waiting[n / TILE_COLOURS] >> (n % TILE_COLOURS) & 1 &&
                !visit(x, queue_node(i, n / TILE_COLOURS, n % TILE_COLOURS)))
                return;
}

static bool count_node(struct explainer *x, struct node n)
{
    if (n.number < NODE_QUEUES)
        x->threads++;
    else
        x->queues++;
    return true;
}

static bool look_for_cycle(struct explainer *x, struct node n)
{
    if (*mark_of(x, n) == UNSEEN) {
        struct node met = follow(x, n);
        x->starts++;
        if (met.tile != NO_TILE) {
            tell_cycle(x, met);
            x->cycles++;
        }
    }
    return x->cycles < CYCLES_TOLD && x->starts < STARTS_MAX && !full(x->text);
}

static bool tell_node(struct explainer *x, struct node n)
{
    if (*mark_of(x, n) == UNSEEN)
        tell_chain(x, n);
    return !full(x->text);
}

void explain_quiet(struct wafer *w, struct err *e)
{
    struct text *text = xcalloc(1, sizeof *text);
    struct explainer x = {.w = w, .text = text};
    size_t nodes = (size_t)w->tiles * NODES;
    x.mark = xcalloc(nodes, 1);
    each_node(&x, count_node);
    say(text,
        "deadlock in cycle %llu: %u threads wait, %u queues hold wavelets, %u of %u cores run.",
        (unsigned long long)w->cycle, x.threads, x.queues, w->cores.count, w->tiles);
    each_node(&x, look_for_cycle);
    memset(x.mark, UNSEEN, nodes);
    if (!full(text))
        each_node(&x, tell_node);
    (void)err_set(e, ERR_DEADLOCK, "%s", text->bytes);
    free(x.mark);
    free(x.path);
    free(text);
}

/* Who is still busy: the first running core and the first thread, to start looking. Only what does
 * not depend on how this engine keeps its sets. */
void explain_limit(struct wafer *w, uint64_t max_cycles, struct err *e)
{
    struct text *text = xcalloc(1, sizeof *text);
    struct explainer x = {.w = w, .text = text};
    uint32_t core = set_next(&w->cores, 0);
    each_node(&x, count_node);
    say(text,
        "no end after %llu cycles, in cycle %llu: %u of %u cores run, %u threads are busy, %u "
        "queues hold wavelets",
        (unsigned long long)max_cycles, (unsigned long long)w->cycle, w->cores.count, w->tiles,
        x.threads, x.queues);
    if (core != SET_END) {
        say(text, "; first core: ");
        say_tile(text, w, core);
        say(text, " pc 0x%08x task %u", w->tile[core].core.pc, w->tile[core].task);
    }
    for (uint32_t i = 0; i < w->tiles && x.threads; i++) {
        if (!w->tile[i].engine.busy)
            continue;
        say(text, "; first thread: ");
        (void)step(w, text, thread_node(i, (unsigned)__builtin_ctz(w->tile[i].engine.busy)));
        break;
    }
    (void)err_set(e, ERR_LIMIT, "%s", text->bytes);
    free(text);
}
