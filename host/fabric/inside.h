/* SPDX-License-Identifier: Apache-2.0 */
/* inside.h - the parts of a wafer, for the files of this folder and for tests that look inside.
 *
 * Who writes what: router.c owns struct router, engine.c struct engine, tile.c the core and SRAM,
 * ramp.c the input queues; wafer.c owns time. A part that may have something to do stands in a set
 * (routers, engines, cores) and leaves it when it finds nothing; whoever changes what it looks at
 * puts it back. Things that happen at a known later cycle are in the wheel (wavelets on their way)
 * or in the alarms (engines). So a quiet part is never visited. */
#ifndef TESSERA_FABRIC_INSIDE_H
#define TESSERA_FABRIC_INSIDE_H

#include "core/code.h"
#include "core/core.h"
#include "fabric/set.h"
#include "fabric/wafer.h"
#include "fabric/wheel.h"
#include "hal/stream.h"

#include <stdio.h>

enum fault_code {
#define FAULT(name, code, text) FAULT_##name = (code),
#include "hal/fault.def"
#undef FAULT
};

#define NEVER UINT64_MAX
#define NO_TILE UINT32_MAX
#define NO_QUEUE 0xffu
#define NO_THREAD 0xffu

/* The SRAM of tiles in host memory: whole pages apart, the code region up to the end of a page, so
 * that what booting touches behind it lies in one. Then shifted by a few lines, or the same offset
 * of all tiles would compete for the same few lines of the host's cache. */
enum { HOST_PAGE = 4096, TILE_LEAD = (HOST_PAGE - TILE_CODE_BYTES % HOST_PAGE) % HOST_PAGE };
enum { TILE_STRIDE = TILE_SRAM_BYTES + HOST_PAGE, TILE_SHIFTS = 32, TILE_SHIFT = 64 };
_Static_assert(TILE_LEAD + TILE_SHIFTS * TILE_SHIFT <= HOST_PAGE, "tiles lie apart");

/* ---- the router ---- */

/* The queues of one colour in one router, made when its first wavelet comes. Rings of w->ring. */
struct slot {
    uint32_t data;
    uint32_t control;
};
struct channel {
    uint16_t head[FABRIC_PORTS], count[FABRIC_PORTS];
    struct slot slot[]; /* [FABRIC_PORTS][w->ring] */
};

struct fast;  /* the fast fabric: fast.h */
struct ahead; /* cores that run ahead: ahead.h */
struct crew;  /* its threads: crew.h */
struct crew_notes;
struct stream_log; /* what a tile's engine did: log.c */

struct router {
    uint32_t neighbour[4];          /* tile behind each port, NO_TILE at the edge */
    uint32_t waiting[FABRIC_PORTS]; /* colours with a wavelet in this port's queue */
    struct channel *channel[TILE_COLOURS];
    uint16_t route[TILE_COLOURS][TILE_SWITCH_POSITIONS];
    /* wavelets in the queue or on their way to it: what upstream counts against room */
    uint16_t held[FABRIC_PORTS][TILE_COLOURS];
    uint8_t mode[TILE_COLOURS], position[TILE_COLOURS];
    uint8_t takes[TILE_COLOURS]; /* ports that some position lets through */
    uint8_t turn;                /* colour that goes first */
};

/* A decision of one cycle: one wavelet from one queue to some outputs. */
struct move {
    uint32_t tile;
    uint8_t colour, input, outputs;
};

/* ---- the tile ---- */

struct thread {           /* a line of the cache */
    struct stream_desc d; /* as read at the start */
    uint64_t ready_at;    /* end of setup; with left == 0: when it is finished */
    uint64_t left;        /* beats to do */
    uint64_t started;     /* the doorbell, or the end of the one before */
    uint32_t done;        /* words moved */
    uint16_t offset;      /* where d was read */
    uint8_t use;          /* stream_fabric_use(d.op) */
    bool begun;           /* the first beat was issued */
} __attribute__((aligned(64)));

struct engine {
    uint8_t busy;  /* bit per thread */
    uint8_t turn;  /* thread that goes first */
    uint8_t alone; /* a memory thread that beats unwatched from alone_from on, or NO_THREAD */
    uint64_t alone_from;
    uint64_t ramp_used; /* last cycle in which a word was issued to the ramp, plus 1 */
    struct thread thread[TILE_THREADS];
};

struct input_queue {
    uint32_t *data; /* ring of w->queue_room, made when first used */
    uint16_t head, count;
    uint8_t colour; /* NO_QUEUE: unbound */
};

struct event_queue {
    uint8_t event[TILE_EVENTS];
    uint8_t head, count;
};

/* Where the code region of SRAM is. */
enum code_state {
    CODE_OPEN,   /* writable: not booted yet; see prefix */
    CODE_SHARED, /* locked, equal to the image: the image is used (tile_own_code copies it too) */
    CODE_PRIVATE /* locked, something else */
};

/* The memory behind the code that a core may use in advance while the engine is busy (ahead.h):
 * offsets below which it may store and load, as long as nobody stores into the descriptors that are
 * yet to start. As known in a run; 0: unknown. */
struct beside {
    uint32_t store_end, load_end, run;
    uint16_t followed, followed_end; /* those descriptors */
};

struct console; /* the line a tile is printing */
struct foreign; /* a tile that runs elsewhere */

struct tile {
    /* what every cycle of the engine looks at comes first */
    uint8_t *sram; /* TILE_SRAM_BYTES; code only when private */
    uint64_t timer_at;
    uint64_t alarm;
    uint8_t code;      /* enum code_state */
    uint8_t direct;    /* fast: the colour whose words need no queue, or NO_DIRECT (fast.h) */
    bool code_copied;  /* CODE_SHARED: sram holds the image too */
    bool code_touched; /* CODE_OPEN: sram holds code bytes that are not zero */
    uint16_t prefix;   /* CODE_OPEN: so many bytes are as in the image and not in sram */
    bool halted;
    uint8_t timer_event;
    /* fast, direct RECV: where the first of its words goes, how many came, how many there are; 0:
     * some other operation */
    uint16_t direct_at, direct_came, direct_words;
    /* fast: the thread takes words from a train and issues them one by one; the other way round */
    bool ferry, loads;
    /* fast, trains (train.h), by number, 0 for none: whose words the thread takes, at which
     * station; where it issues; whose first word has just come; and the cycle it beat in last, if
     * it has left them in this one */
    uint32_t inlet, station, outlet, head;
    uint64_t beaten;
    struct engine engine;
    struct input_queue queue[TILE_QUEUES];
    uint64_t due; /* cycle of the core's next instruction */
    struct beside beside;
    struct core core;
    uint16_t on_ramp[TILE_COLOURS]; /* wavelets between the router and the input queue */
    uint8_t queue_of[TILE_COLOURS];
    struct event_queue events;
    uint32_t task;
    uint32_t fault_file, fault_line, fault_pc, fault_info, fault_stack_free;
    struct console *console;
    struct foreign *foreign; /* NULL: the core and engine above are the tile's */
} __attribute__((aligned(64)));

/* ---- the wafer ---- */

struct fault {
    bool raised;
    uint32_t tile;
    uint64_t cycle;
    char text[512];
};

struct wafer {
    /* constant after wafer_open */
    uint32_t width, height, tiles;
    uint32_t hop, ramp; /* cycles */
    uint32_t setup;
    uint32_t link_room;   /* wavelets a link and the queue behind it hold, per colour */
    uint32_t ramp_room;   /* the same for the ramp towards the router */
    uint32_t queue_room;  /* the same for the ramp towards one input queue */
    uint32_t ring;        /* slots of a router queue */
    uint64_t stress_seed; /* 0: none */
    struct stream_lanes lanes;
    struct firmware firmware;
    bool has_firmware;
    uint32_t image_bytes; /* of the image; zeros follow */
    struct core_code *rom_code, *image_code;
    struct ahead *ahead; /* NULL without firmware */

    struct fast *fast;        /* NULL: the plain engine, which has routers and the wheel */
    uint32_t threads;         /* wanted */
    struct crew *crew;        /* NULL: one thread, or this is the view of one (crew.h) */
    struct crew_notes *notes; /* of a view; else NULL */
    struct wafer *whole;      /* a view's */
    struct router *router;    /* [tiles], or NULL */
    struct tile *tile;
    uint8_t *sram; /* one mapping for all tiles */
    size_t sram_bytes, tile_bytes;
    struct core_bus bus;
    uint32_t running; /* tile whose core is in core_step, or NO_TILE */

    uint64_t cycle; /* being executed, or next */
    struct set routers, engines, cores;
    struct wheel wheel;
    struct alarms alarms;
    struct move *move;
    uint32_t move_count, move_size;
    uint64_t *edge_used[4]; /* per port: cycle of the last wavelet that entered, plus 1 */
    bool edge_entered;      /* in the last cycle: the outside may have more */
    uint64_t entered;       /* wavelets, for seeing whether the outside did something */

    struct fault fault;
    struct wafer_stats stats; /* cycles and sram are filled in by wafer_stats */
    uint64_t consumed;        /* wavelets taken from input queues */

    struct foreign *foreign; /* the first, or NULL */
    struct wafer_outside outside;
    wafer_task_hook *task_hook;
    void *task_self;
    wafer_stream_hook *stream_hook;
    void *stream_self;
    struct stream_log *log; /* [tiles], or NULL: nothing is recorded; shared by views */
    FILE *console;

    /* for tests: neither may change any result */
    bool test_reverse; /* visit in falling order */
    bool test_no_skip; /* execute quiet cycles, watch every beat */
    bool test_crew;    /* use all threads for every cycle */
};

static inline uint32_t wafer_x(const struct wafer *w, uint32_t tile)
{
    return tile % w->width;
}
static inline uint32_t wafer_y(const struct wafer *w, uint32_t tile)
{
    return tile / w->width;
}

/* ---- wafer.c ---- */
/* Zero pages, without host memory until touched; NULL if the system refuses. */
void *wafer_reserve(size_t bytes);
/* Huge pages, if tiles are many: for what is gone through from tile to tile. */
void wafer_sweep(void *p, size_t bytes, uint32_t tiles);
void wafer_step(struct wafer *w); /* one cycle, wanted or not; then w->cycle is the next */
void wafer_call(struct wafer *w, uint32_t tile, uint64_t cycle); /* visit the engine then */
/* In stress: does this lane (an output port, or STRESS_UP) stall in this cycle? */
enum { STRESS_UP = FABRIC_PORTS };
bool wafer_stalls(const struct wafer *w, uint32_t tile, uint32_t lane);

/* ---- router.c ---- */
void router_decide(struct wafer *w, uint32_t tile); /* appends to w->move */
void router_apply(struct wafer *w, const struct move *m);
/* A wavelet gets into a queue; held was counted when it set out. */
void router_arrive(struct wafer *w, uint32_t tile, unsigned port, struct wavelet v);

/* ---- route.c ---- */
void route_reset(struct wafer *w, uint32_t tile);
void route_write(struct wafer *w, uint32_t tile, uint32_t index, uint32_t word); /* 4 * c + p */
void route_write_mode(struct wafer *w, uint32_t tile, uint32_t colour, uint32_t mode);
/* What the registers read: a word (index 4 * c + p), a mode. */
uint32_t route_word(const struct wafer *w, uint32_t tile, uint32_t index);
uint32_t route_mode(const struct wafer *w, uint32_t tile, uint32_t colour);
void route_loaded(struct wafer *w, uint32_t tile); /* COLOUR_LOAD as the loader leaves it */

/* ---- ramp.c ---- */
bool ramp_has_room(const struct wafer *w, uint32_t tile, unsigned colour);
void ramp_arrive(struct wafer *w, uint32_t tile, struct wavelet v);
uint32_t ramp_take(struct wafer *w, uint32_t tile, unsigned queue); /* not empty */
/* The way up: whether there is room, and issuing a word in cycle `at`. */
bool ramp_has_room_up(const struct wafer *w, uint32_t tile, unsigned colour);
void ramp_issue(struct wafer *w, uint32_t tile, struct wavelet v, uint64_t at);
void ramp_bind(struct wafer *w, uint32_t tile, uint32_t queue, uint32_t colour);

/* ---- foreign.c ---- */
void foreign_close(struct wafer *w);
void foreign_start(struct foreign *f, uint32_t pc, bool code_locked); /* only the first counts */
bool foreign_has_room(const struct wafer *w, uint32_t tile, unsigned colour);
void foreign_arrive(struct wafer *w, uint32_t tile, struct wavelet v);
void foreign_visit(struct wafer *w);         /* once a cycle */
bool foreign_pending(const struct wafer *w); /* some have words that can leave now */
/* Nothing else can happen. True: something can now, or a fault was raised. */
bool foreign_wait(struct wafer *w);

/* ---- engine.c ---- */
void engine_start(struct wafer *w, uint32_t tile, uint32_t offset); /* the doorbell */
void engine_visit(struct wafer *w, uint32_t tile);
void engine_begin(struct wafer *w, uint32_t tile, unsigned k); /* its first beat is now */
/* The lowest SRAM offset at which an operation reads or writes; operands go upwards from there. */
uint32_t engine_lowest(const struct stream_desc *d);
/* Beats a thread has still to do in this cycle, with those of an unwatched thread taken off. */
uint64_t engine_left(const struct wafer *w, const struct engine *g, unsigned k);
/* Why a busy thread cannot beat: waits. */
enum engine_wait { WAIT_NOTHING, WAIT_SETUP, WAIT_WAVELET, WAIT_ROOM, WAIT_RAMP, WAIT_STRESS };
enum engine_wait engine_waits(const struct wafer *w, uint32_t tile, unsigned k);

/* ---- log.c ---- */
/* Thread k of the tile, whose descriptor is read, finishes in this cycle. By the tile's thread. */
void log_add(struct wafer *w, uint32_t tile, const struct thread *th);

/* ---- tile.c ---- */
void tile_reset(struct wafer *w, uint32_t tile);
void tile_lock_code(struct wafer *w, uint32_t tile);
void tile_share_code(struct wafer *w, uint32_t tile); /* lock it as the image, whatever it was */
void tile_own_code(struct wafer *w, uint32_t tile);   /* sram[0..TILE_CODE_BYTES) is the code now */
/* CODE_OPEN */
void tile_put_code(struct wafer *w, uint32_t tile, uint32_t offset, const uint32_t *word,
                   uint32_t n);
void tile_copy_code(const struct wafer *w, const struct tile *t, uint8_t *out);
uint32_t tile_word(const struct wafer *w, const struct tile *t, uint32_t offset); /* 4-aligned */
void tile_post(struct wafer *w, uint32_t tile, uint32_t event);
void tile_run_core(struct wafer *w, uint32_t tile);
struct core_bus tile_bus(struct wafer *w);

/* ---- console.c ---- */
void console_put(struct wafer *w, uint32_t tile, char c);
void console_close(struct wafer *w, uint32_t tile); /* prints what is left, frees */

/* ---- regs.c ---- */
int regs_load(struct wafer *w, uint32_t tile, uint32_t offset, unsigned bytes, uint32_t *value);
int regs_store(struct wafer *w, uint32_t tile, uint32_t offset, unsigned bytes, uint32_t value);

/* ---- fault.c ---- */
/* The first fault stays; of several in one cycle, that of the lowest tile, whatever the order. */
void fault_hardware(struct wafer *w, uint32_t tile, uint32_t code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void fault_firmware(struct wafer *w, uint32_t tile, uint32_t code);
void fault_foreign(struct wafer *w, uint32_t tile, const char *text); /* tells its own story */
void fault_exit(struct wafer *w, uint32_t tile, uint32_t value);      /* given to the exit device */
const char *fault_port_name(unsigned port);

/* ---- edge.c ---- */
void edge_open(struct wafer *w);
void edge_close(struct wafer *w);
void edge_leave(struct wafer *w, uint32_t tile, unsigned side, struct wavelet v);

/* ---- explain.c ---- */
void explain_quiet(struct wafer *w, struct err *e);                      /* sets ERR_DEADLOCK */
void explain_limit(struct wafer *w, uint64_t max_cycles, struct err *e); /* ERR_LIMIT */

#endif
