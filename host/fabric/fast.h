/* SPDX-License-Identifier: Apache-2.0 */
/* fast.h - the fast fabric: the same cycles as router.c and ramp.c with less to touch.
 *
 * One record of 64 bytes holds all there is about a colour in a router (a lane), and a word of one
 * of its queues is written once, where it will wait: who sends it writes it behind the last one of
 * the queue it goes to, and only says there, when it arrives, that there is one more. Lanes and
 * slots of a colour lie side by side for all tiles, so that a colour nobody uses costs no memory
 * and a stream along a row is read in the order of memory.
 *
 * A router decides and moves in one visit. Routers are visited in rising order, so what a move
 * changes for others is hidden from those still to come: arrivals wait in the bucket of a later
 * cycle, and room that becomes free is told to a later router only after all were visited.
 *
 * A thread that has its engine to itself and waits for words takes each of them as it arrives,
 * without a queue and without a visit (fast_engine.c).
 *
 * What is written by whom: held, tail and the slots behind it by the router or engine upstream, all
 * else by the tile itself. */
#ifndef TESSERA_FABRIC_FAST_H
#define TESSERA_FABRIC_FAST_H

#include "fabric/inside.h"
#include "fabric/train.h"

enum { FAST_BUCKETS_MIN = 64, NO_DIRECT = 0xff };

enum lane_sink { SINK_NONE, SINK_QUEUE, SINK_FOREIGN };

struct lane {
    uint16_t now;  /* route word of the position the switch is at */
    uint8_t ports; /* with a wavelet waiting */
    uint8_t takes; /* ports that some position lets through */
    uint8_t mode, position;
    uint8_t sink; /* enum lane_sink: where the ramp leads */
    uint8_t spare;
    uint16_t down; /* words on the ramp and in the input queue this colour is bound to */
    uint16_t route[TILE_SWITCH_POSITIONS];
    uint16_t head[FABRIC_PORTS], count[FABRIC_PORTS];
    /* upstream's: words waiting or on their way, and where the next goes; head and tail run free */
    uint16_t held[FABRIC_PORTS], tail[FABRIC_PORTS];
    uint16_t depth; /* of the train that passes through, at this router */
    uint32_t train; /* its number, or 0 (train.h) */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct lane) == 64, "one line of the cache");

struct fast_router {
    uint32_t waiting; /* colours with a wavelet in some queue */
    uint32_t moved;   /* low half of the cycle after the last one with a move */
    uint32_t trains;  /* colours of trains that pass through */
    uint32_t turned;  /* turn counts what a train did before this cycle (low half) */
    uint8_t turn;
    uint8_t rim;     /* ports without a neighbour */
    uint8_t outputs; /* of those trains */
};

/* A place: tile << 8 | colour << 3 | port. For words to the tile bit 0 is the control bit. */
static inline uint32_t fast_key(uint32_t tile, unsigned colour, unsigned low)
{
    return tile << 8 | colour << 3 | low;
}

struct keys {
    uint32_t *key;
    uint32_t count, size;
};
struct words {
    uint64_t *word; /* key << 32 | data */
    uint32_t count, size;
};
struct parcels {
    struct parcel *parcel;
    uint32_t count, size;
};

/* What happens in one later cycle. */
struct moment {
    struct keys arrive;   /* in a router queue: the slot is filled */
    struct words deliver; /* to the tile */
    struct keys alarms;   /* tiles; stale ones are dropped */
    struct keys cores;    /* tiles */
    struct parcels leave;
    struct words heads; /* of trains: number << 32 | serial << 8 | span */
    struct words ends;  /* number << 32 | serial */
};

struct fast {
    struct lane *lane[TILE_COLOURS];             /* [tiles] each */
    uint64_t *slot[TILE_COLOURS * FABRIC_PORTS]; /* [tiles][1 << ring_bits] each */
    struct fast_router *router;                  /* [tiles] */
    size_t lane_bytes, slot_bytes;               /* of all */
    unsigned ring_bits;
    int32_t step[4]; /* tile behind a port, minus this one */

    struct moment *moment;
    /* of the cycle in progress: where links lead, down the ramp, up the ramp (issued now or next)
     */
    struct keys *over, *up[2];
    struct words *down;
    struct parcels *leave;
    uint32_t mask;      /* moments - 1 */
    struct keys freed;  /* queues with room again that routers still to come must not see */
    struct alarms late; /* cores that run again after the last moment */
    bool stir;          /* the next cycle is not skipped */
    struct trains trains;

    /* the strip of a view, all tiles otherwise; arrivals and freed room for others (crew.h) */
    uint32_t first, span;
    struct keys letters, freed_letters;
};

static inline struct lane *fast_lane(const struct wafer *w, uint32_t tile, unsigned colour)
{
    return w->fast->lane[colour] + tile;
}

static inline uint64_t *fast_slot(const struct wafer *w, uint32_t tile, unsigned colour,
                                  unsigned port, uint32_t at)
{
    const struct fast *f = w->fast;
    return f->slot[colour * FABRIC_PORTS + port] + ((size_t)tile << f->ring_bits) +
           (at & ((1u << f->ring_bits) - 1));
}

static inline struct moment *fast_moment(const struct fast *f, uint64_t cycle)
{
    return &f->moment[cycle & f->mask];
}

static inline bool fast_owns(const struct fast *f, uint32_t tile)
{
    return tile - f->first < f->span;
}

static inline struct train *train_of(const struct wafer *w, uint32_t number)
{
    return w->fast->trains.all[number - 1];
}

/* Whether the tile behind a port of an own tile is another strip's. */
static inline bool fast_is_border(const struct fast *f, uint32_t tile, unsigned port)
{
    return !(f->router[tile].rim >> port & 1) && !fast_owns(f, tile + (uint32_t)f->step[port]);
}

void keys_grow(struct keys *k);
void parcels_put(struct parcels *all, struct parcel p);
void words_grow(struct words *k);

static inline void keys_put(struct keys *k, uint32_t key)
{
    if (k->count == k->size)
        keys_grow(k);
    k->key[k->count++] = key;
}

static inline void words_put(struct words *k, uint32_t key, uint32_t data)
{
    if (k->count == k->size)
        words_grow(k);
    k->word[k->count++] = (uint64_t)key << 32 | data;
}

/* Leave the direct state; the thread is as if it had taken its words itself. */
static inline void fast_settle(struct tile *t)
{
    if (t->direct != NO_DIRECT && t->direct_came) {
        unsigned k = (unsigned)__builtin_ctz(t->engine.busy);
        t->engine.thread[k].done += t->direct_came;
        t->engine.thread[k].left -= t->direct_came;
        t->engine.turn = (uint8_t)((k + 1) % TILE_THREADS);
    }
    t->direct = NO_DIRECT;
    t->direct_came = 0;
}

/* ---- fast.c ---- */
void fast_close_moments(struct fast *f);
int fast_open(struct wafer *w, struct err *e);
void fast_close(struct wafer *w);
uint64_t fast_next(struct wafer *w); /* as next_inside of wafer.c */
void fast_call(struct wafer *w, uint32_t tile, uint64_t cycle);
/* The colour was bound to a queue, or is no longer (NO_QUEUE); before the queue changes hands. */
void fast_bound(struct wafer *w, uint32_t tile, unsigned colour, unsigned queue, unsigned before);
void fast_ring_alarms(struct wafer *w, struct moment *m);
void fast_run_cores(struct wafer *w, struct moment *m);

/* Write a word behind the last one of a queue; says nothing about when it arrives. */
static inline void fast_fill(struct wafer *w, struct lane *l, uint32_t key, uint64_t word)
{
    unsigned port = key & 7u;
    *fast_slot(w, key >> 8, key >> 3 & 31u, port, l->tail[port]++) = word;
    l->held[port]++;
}

/* Outputs beyond the first. */
static inline unsigned fast_copies(unsigned outputs)
{
    unsigned n = 0;
    while (outputs &= outputs - 1)
        n++;
    return n;
}

/* ---- fast_step.c ---- */
void fast_step(struct wafer *w);
void fast_work(struct wafer *w); /* a cycle without the outside; time stays */
void fast_let_leave(struct wafer *w, struct parcels *all);
/* Room in the queue `key`, told to the router that feeds it, which is in this view. */
void fast_free(struct wafer *w, uint32_t key);
/* A wavelet comes in at the edge, now. */
void fast_enter(struct wafer *w, uint32_t tile, unsigned port, struct wavelet v);
/* A beat of a thread that moves words; `came` is the word it takes. */
void fast_beat(struct wafer *w, uint32_t tile, unsigned k, uint32_t came);
/* A word the tile issues to its ramp in cycle `at`. */
void fast_issue(struct wafer *w, uint32_t tile, struct wavelet v, uint64_t at);
/* Whether all outputs of a lane have room for a word. */
bool fast_has_room(const struct wafer *w, uint32_t tile, unsigned colour, unsigned outputs);
void fast_taken(struct wafer *w, uint32_t tile, unsigned colour);

/* ---- fast_view.c ---- */
/* The same state as the plain engine would hold it, for what only reads; shares tiles. */
struct wafer *fast_view(const struct wafer *w);
void fast_view_close(struct wafer *view);

#endif
